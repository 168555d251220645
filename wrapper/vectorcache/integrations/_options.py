"""A client's options, out of what a web framework keeps as settings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, TypeVar, cast

from .. import AsyncVectorcacheClient, VectorcacheClient
from .._settings import ClientOptions
from ..errors import ConfigurationError

Client = TypeVar("Client", VectorcacheClient, AsyncVectorcacheClient)

# What the clients' constructors take by keyword, and whether to make a client by ``local``.
OPTIONS: Final = (*ClientOptions.__annotations__, "local")
_OF_THE_SERVICE = ("api_key", "base_url", "http_client")


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


def make_client(kind: type[Client], options: Mapping[str, Any]) -> Client:
    """A client of the hosted service, or with ``local`` of an embedded one.

    Args:
        kind: its class.
        options: what that takes by keyword, with the key hidden, and ``local``.

    Raises:
        ConfigurationError: an option is at fault.
    """
    # Tests add ``local`` to what an application has anyway.
    unused = {"local", *(_OF_THE_SERVICE if options.get("local") else ())}
    used = cast(ClientOptions, {name: options[name] for name in options if name not in unused})
    return kind.local(**used) if options.get("local") else kind(**used)
