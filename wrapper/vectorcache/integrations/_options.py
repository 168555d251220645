"""Makes a client from the settings of a web framework."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, TypeVar, cast

from .. import AsyncVectorcacheClient, VectorcacheClient
from .._settings import ClientOptions
from ..errors import ConfigurationError

Client = TypeVar("Client", VectorcacheClient, AsyncVectorcacheClient)

# The keyword arguments of the constructors; ``local``, which says whether to make a client by the
# method of that name; and the arguments of that method.
_LOCAL_OPTIONS: Final = ("llm", "path")
OPTIONS: Final = (*ClientOptions.__annotations__, "local", *_LOCAL_OPTIONS)
_SERVICE_OPTIONS: Final = ("api_key", "base_url", "http_client")


def check_names(given: Iterable[object], names: Collection[str]) -> None:
    """Refuses unknown settings.

    It is given no values, because debug pages show the variables of a traceback.

    Raises:
        ConfigurationError: a ``given`` name is not one of ``names``.
    """
    for name in given:
        if name not in names:
            raise ConfigurationError(
                f"unknown Vectorcache setting {name!r}; known settings: {', '.join(names)}"
            )


def refuse_without_local(options: Mapping[str, Any]) -> None:
    """Refuses options of the embedded cache for a client of the hosted service.

    Raises:
        ConfigurationError: ``llm`` or ``path`` is set without ``local``.
    """
    for name in _LOCAL_OPTIONS:
        if options.get(name) is not None and not options.get("local"):
            raise ConfigurationError(
                f"{name} is for the embedded cache, and has no effect on the hosted service: set "
                "local as well, or leave it out"
            )


def make_client(kind: type[Client], options: Mapping[str, Any]) -> Client:
    """Makes a client of the hosted service, or of an embedded cache if ``local`` is set.

    Args:
        kind: the class of the client.
        options: its keyword arguments, with the key hidden; ``local``; and ``llm`` and ``path``,
            which ``kind.local`` takes.

    Raises:
        ConfigurationError: an option is invalid, or needs ``local``.
    """
    refuse_without_local(options)
    embedded: bool = bool(options.get("local"))
    # Tests add ``local`` to the options of an application, so its service options are unused.
    unused = {"local", *_LOCAL_OPTIONS, *(_SERVICE_OPTIONS if embedded else ())}
    used = cast(ClientOptions, {name: options[name] for name in options if name not in unused})
    if embedded:
        return kind.local(path=options.get("path"), llm=options.get("llm"), **used)
    return kind(**used)
