"""What one query may be given besides the question itself."""

import enum
import sys
from collections.abc import Hashable, Mapping
from typing import Final, NamedTuple, Self

import httpx

from .. import _arguments as check
from .._settings import Settings
from .._version import __version__
from ..errors import InvalidRequestError


class NotGiven(enum.Enum):
    """The type of ``NOT_GIVEN``, which tells "left out" from None, which means "no limit"."""

    NOT_GIVEN = "not given"

    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN: Final = NotGiven.NOT_GIVEN
"""The default of a query's ``timeout``, ``deadline`` and ``max_retries``: the client's own value.

A function that wraps ``query`` passes it on where its caller gave no value.
"""

_USER_AGENT = (
    f"vectorcache-python/{__version__} "
    f"(python {'.'.join(map(str, sys.version_info[:3]))}; httpx {httpx.__version__})"
)


class CallOptions(NamedTuple):
    """The checked options of one query or batch: headers, time limits and number of retries."""

    headers: dict[str, str]
    timeout: float | httpx.Timeout | None
    deadline: float | None
    max_retries: int

    @property
    def key(self) -> Hashable:
        """What must be equal for two calls to share a request. Each call keeps its own deadline."""
        timeout = self.timeout
        steps = tuple(timeout.as_dict().values()) if isinstance(timeout, httpx.Timeout) else timeout
        return frozenset(self.headers.items()), steps, self.max_retries

    @classmethod
    def checked(
        cls,
        settings: Settings,
        timeout: float | httpx.Timeout | NotGiven | None,
        deadline: float | NotGiven | None,
        max_retries: int | NotGiven,
        extra_headers: Mapping[str, str] | None,
    ) -> Self:
        """Returns the options of a query; the client's, where the query has none.

        Raises:
            InvalidRequestError: an option is invalid.
        """
        refuse = InvalidRequestError
        headers = {
            "user-agent": _USER_AGENT,
            "accept": "application/json",
            "accept-encoding": "gzip",
            **settings.default_headers,
        }
        if extra_headers:
            headers.update(check.check_headers("extra_headers", extra_headers, refuse))
        return cls(
            headers,
            settings.timeout if timeout is NOT_GIVEN else check.check_timeout(timeout, refuse),
            (
                settings.deadline
                if deadline is NOT_GIVEN
                else check.check_seconds("deadline", deadline, refuse)
            ),
            (
                settings.max_retries
                if max_retries is NOT_GIVEN
                else check.check_count("max_retries", max_retries, refuse, least=0)
            ),
        )
