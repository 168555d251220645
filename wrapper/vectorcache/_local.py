"""Makes the transport of a local client, which needs packages that may not be installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from urllib.parse import quote

from ._llm import LLM
from .errors import ConfigurationError

if TYPE_CHECKING:
    from .local import LocalTransport

# It has the form of a key, but does not belong to any project.
LOCAL_KEY = "vc_" + 32 * "0"

# Names the part of a prompt that the local service compares. No other service reads this header.
COMPARED_HEADER = "vectorcache-compared"


class SupportsArray(Protocol):
    """An object that NumPy can convert to an array, such as a tensor of another library."""

    def __array__(self) -> Any: ...


Embedding: TypeAlias = Sequence[float] | SupportsArray


class Embedder(Protocol):
    """An embedding model, which turns a prompt into a vector.

    To use your own model, write a class with these two members.
    ``embed`` may be called from several threads at once.
    """

    @property
    def id(self) -> str:
        """Names the model and everything that changes its vectors.

        It is stored with each vector. Vectors with different ids are never compared.
        """
        ...

    def embed(self, prompt: str) -> Embedding | None:
        """Returns the vector of a prompt, one-dimensional and always of the same length.

        The vector need not be normalised, as the engine compares by cosine. Return None for a
        prompt that the model cannot read as a whole (too long, unknown characters): such a prompt
        is then matched by its exact text only.
        """
        ...


def compared_header(text: str) -> dict[str, str]:
    """Returns the header that makes the local service compare ``text``, not the whole prompt."""
    return {COMPARED_HEADER: quote(text)}


def compares_parts(http_client: object) -> bool:
    """Returns whether a client with this ``http_client`` asks a local service."""
    return getattr(http_client, "compares_parts", False) is True


def local_transport(
    path: str | PathLike[str] | None,
    llm: LLM | None,
    embedder: Embedder | None,
    lexical_guard: bool,
    options: Mapping[str, object],
    awaits: bool,
) -> LocalTransport:
    """Returns a transport that answers from a semantic cache in this process.

    Args:
        path: see ``VectorcacheClient.local``, as for ``llm``, ``embedder`` and ``lexical_guard``.
        options: the other options of the client.
        awaits: whether the client can await an async ``llm``.

    Raises:
        ConfigurationError: the extra is not installed, or an argument is invalid.
    """
    for name in ("api_key", "base_url", "http_client"):
        if name in options:
            raise ConfigurationError(f"local() does not use {name}: remove it")
    try:
        from .local import Engine, LocalCacheError, LocalTransport
        from .local.llm import refuse_async
    except ImportError as error:
        raise ConfigurationError(
            f"the local service needs packages that are not installed ({error}): "
            "pip install 'vectorcache-python[local]'"
        ) from error
    try:
        if not awaits:
            refuse_async(llm)
        return LocalTransport(Engine(path, llm, embedder=embedder, lexical_guard=lexical_guard))
    except (LocalCacheError, TypeError) as error:
        raise ConfigurationError(f"the local service cannot start: {error}") from error
