"""The way to the local service, which needs packages that may not be installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from urllib.parse import quote

from ._llm import LLM
from .errors import ConfigurationError

if TYPE_CHECKING:
    from .local import LocalTransport

# Of a real key's form, and nobody's.
LOCAL_KEY = "vc_" + 32 * "0"

# Says which part of a prompt the local service compares; no other service knows of it.
COMPARED_HEADER = "vectorcache-compared"


class SupportsArray(Protocol):
    """What NumPy can make an array of, such as its own arrays and other libraries' tensors."""

    def __array__(self) -> Any: ...


Embedding: TypeAlias = Sequence[float] | SupportsArray


class Embedder(Protocol):
    """Turns a prompt into a vector. Write a class with these two members to bring your own.

    ``embed`` may be called from several threads at once.
    """

    @property
    def id(self) -> str:
        """Names the model and everything that changes its vectors. It is stored beside each
        vector, and vectors of another id are never compared."""
        ...

    def embed(self, prompt: str) -> Embedding | None:
        """The vector of a prompt, one-dimensional, of the same length every time.

        Need not be normalised: the engine compares by cosine. Return None for a prompt that the
        model cannot see as a whole (too long, unknown characters): such a prompt is then matched
        by its exact text only.
        """
        ...


def compared_header(text: str) -> dict[str, str]:
    """The header by which the local service compares ``text`` in place of the whole prompt."""
    return {COMPARED_HEADER: quote(text)}


def compares_parts(http_client: object) -> bool:
    """Whether a client with this ``http_client`` asks a local service, which heeds the header."""
    return getattr(http_client, "compares_parts", False) is True


def local_transport(
    path: str | PathLike[str] | None,
    llm: LLM | None,
    embedder: Embedder | None,
    lexical_guard: bool,
    options: Mapping[str, object],
    awaits: bool,
) -> LocalTransport:
    """A transport that answers from a semantic cache in this process.

    Args:
        path: as all up to ``lexical_guard``, of ``VectorcacheClient.local``.
        options: the client's other options.
        awaits: whether the client can await an async ``llm``.

    Raises:
        ConfigurationError: the extra is not installed, or an argument is at fault.
    """
    for name in ("api_key", "base_url", "http_client"):
        if name in options:
            raise ConfigurationError(f"{name} has no meaning for local(): leave it out")
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
