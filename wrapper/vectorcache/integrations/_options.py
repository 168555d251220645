"""A client's options, out of what a web framework keeps as settings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, TypeVar, cast

from .. import AsyncVectorcacheClient, VectorcacheClient
from .._settings import ClientOptions
from ..errors import ConfigurationError

Client = TypeVar("Client", VectorcacheClient, AsyncVectorcacheClient)

# What the clients' constructors take by keyword; whether to make a client by ``local``; and what
# only that takes.
_OF_THE_CACHE: Final = ("llm", "path")
OPTIONS: Final = (*ClientOptions.__annotations__, "local", *_OF_THE_CACHE)
_OF_THE_SERVICE: Final = ("api_key", "base_url", "http_client")


def check_names(given: Iterable[object], names: Collection[str]) -> None:
    """Refuses a setting that is none; it sees no values, as debug pages show what it sees.

    Raises:
        ConfigurationError: a name that is ``given`` is not among the ``names``.
    """
    for name in given:
        if name not in names:
            raise ConfigurationError(
                f"{name} is no setting of Vectorcache; these are: {', '.join(names)}"
            )


def refuse_without_local(options: Mapping[str, Any]) -> None:
    """Refuses options of the embedded cache for a client that does not use it.

    Raises:
        ConfigurationError: ``llm`` or ``path`` is set, and ``local`` is not.
    """
    for name in _OF_THE_CACHE:
        if options.get(name) is not None and not options.get("local"):
            raise ConfigurationError(
                f"{name} is for the embedded cache, and has no effect on the hosted service: set "
                "local as well, or leave it out"
            )


def make_client(kind: type[Client], options: Mapping[str, Any]) -> Client:
    """A client of the hosted service, or with ``local`` of an embedded one.

    Args:
        kind: its class.
        options: what that takes by keyword, with the key hidden, ``local``, and what
            ``kind.local`` takes as ``llm`` and ``path``.

    Raises:
        ConfigurationError: an option is invalid, or needs ``local``.
    """
    refuse_without_local(options)
    embedded: bool = bool(options.get("local"))
    # Tests add ``local`` to what an application has anyway.
    unused = {"local", *_OF_THE_CACHE, *(_OF_THE_SERVICE if embedded else ())}
    used = cast(ClientOptions, {name: options[name] for name in options if name not in unused})
    if embedded:
        return kind.local(path=options.get("path"), llm=options.get("llm"), **used)
    return kind(**used)
