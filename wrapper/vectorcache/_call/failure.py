"""What a failed attempt means: which error it is, in which words, and whether to repeat it."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

from ..errors import (
    APIConnectionError,
    APIResponseError,
    APITimeoutError,
    ConfigurationError,
    VectorcacheError,
)
from .body import TooLargeAnswer, UnreadableAnswer
from .excerpt import excerpt
from .foreign_exceptions import Known, chain
from .retry import Repeat

if TYPE_CHECKING:
    from .._secret import APIKey
    from .attempt import Attempt
    from .keys import CallKeys


# What a proxy says that will say the same again: it knows better, or does not know us (407, 403).
_REFUSED = re.compile("3|4(?!08|25|29)")


class Failure(NamedTuple):
    """One attempt's failure, in plain data."""

    error: type[VectorcacheError]
    text: str
    repeat: Repeat
    advice: str = ""
    status_code: int | None = None
    retry_after: float | None = None
    request_id: str | None = None
    body: Any = None
    headers: Mapping[str, str] = MappingProxyType({})
    details: Mapping[str, Any] = MappingProxyType({})
    cause: BaseException | None = None
    sent: bool = True


class AttemptFailed(Exception):
    """Carries a failure out of the generated client, to the loop that asked for the attempt."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


def of_exception(error: Exception, attempt: Attempt) -> Failure:
    """The meaning of an exception that sending, or reading the answer, ended with."""
    cause = without_frames(error, attempt.known)
    if attempt.expired:
        # The watchdog's shutting the socket looks like the server's doing: that is no cause.
        return of_timeout(attempt, cause if isinstance(error, httpx.TimeoutException) else None)
    host = attempt.host
    match error:
        case httpx.TimeoutException() | TimeoutError():
            return of_timeout(attempt, cause)
        case httpx.UnsupportedProtocol() | httpx.LocalProtocolError() | ImportError():
            return Failure(
                error=ConfigurationError,
                text=f"the request to {host} could not be made: {_said(error)}",
                repeat=Repeat.NEVER,
                cause=cause,
            )
        case httpx.ProxyError():
            return Failure(
                error=APIConnectionError,
                text=f"the proxy did not connect to {host}: {_said(error)}",
                advice="check the proxy variables of the environment",
                repeat=Repeat.NEVER if _REFUSED.match(str(error)) else Repeat.TRANSIENT,
                cause=cause,
            )
        case httpx.ConnectError() if (problem := _tls_problem(error)) is not None:
            return Failure(
                error=APIConnectionError,
                text=f"no secure connection to {host}: {problem}",
                advice="check base_url, and the certificates this machine trusts (SSL_CERT_FILE)",
                repeat=Repeat.NEVER,
                cause=cause,
            )
        case httpx.ConnectError() | UnicodeError() if attempt.status_code is None:
            # With UnicodeError Python refuses a host name.
            return Failure(
                error=APIConnectionError,
                text=f"could not connect to {attempt.peer}: {_said(error)}",
                advice=(
                    "check the proxy variables of the environment"
                    if attempt.proxy
                    else "check the network and base_url"
                ),
                repeat=Repeat.TRANSIENT,
                cause=cause,
            )
        case httpx.TransportError() | OSError() if _client_certificate_missing(error):
            return Failure(
                error=APIConnectionError,
                text=f"no secure connection to {host}: it asks for a certificate: {_said(error)}",
                advice="pass an http_client= that has one",
                repeat=Repeat.NEVER,
                cause=cause,
            )
        case httpx.TransportError() | OSError():  # httpcore lets some of TLS's errors through.
            return _of_broken_connection(error, attempt, cause)
    return Failure(
        error=APIConnectionError,
        text=f"{attempt.doing} failed with {type(error).__name__}: {_said(error)}",
        repeat=Repeat.NEVER,
        cause=cause,
    )


def _of_broken_connection(error: Exception, attempt: Attempt, cause: BaseException) -> Failure:
    repeat = Repeat.ONCE if attempt.may_have_arrived else Repeat.TRANSIENT
    if attempt.over_idle_connection and not attempt.answered:
        # The server closes an idle connection whenever it likes, and did so as we wrote.
        repeat = Repeat.AT_ONCE
    return Failure(
        error=APIConnectionError,
        text=f"the connection to {attempt.host} broke while {attempt.doing}: {_said(error)}",
        repeat=repeat,
        status_code=attempt.status_code,
        cause=cause,
    )


def of_timeout(attempt: Attempt, cause: BaseException | None = None) -> Failure:
    """The meaning of running out of time."""
    # These two say themselves that nothing was sent, where the transport traces nothing.
    unsent = isinstance(cause, httpx.ConnectTimeout | httpx.PoolTimeout)
    may_have_arrived = attempt.may_have_arrived and not unsent
    return Failure(
        error=APITimeoutError,
        text=f"timed out after {attempt.seconds_spent:.2g} s while {attempt.doing}",
        advice="raise timeout= or deadline= if an answer may take longer",
        repeat=Repeat.ONCE if may_have_arrived else Repeat.TRANSIENT,
        status_code=attempt.status_code,
        cause=cause,
    )


def of_no_connection(max_connections: int) -> Failure:
    """The meaning of having waited too long for one of our own connections."""
    return Failure(
        error=APITimeoutError,
        text=f"timed out waiting for a free connection (max_connections={max_connections})",
        advice="nothing was sent; raise max_connections= or deadline=, or send fewer at once",
        repeat=Repeat.NEVER,
        sent=False,
    )


def of_unreadable(reason: UnreadableAnswer, attempt: Attempt, body: Any = None) -> Failure:
    """The meaning of an answer with status 200 that is not what the service promises."""
    too_large = isinstance(reason, TooLargeAnswer)
    quoted = f' ("{excerpt(body)}")' if isinstance(body, str) else ""
    return Failure(
        error=APIResponseError,
        text=f"{attempt.host} sent an answer that cannot be used: {reason}{quoted}",
        advice=(
            "raise max_response_bytes="
            if too_large
            else "check that base_url leads to Vectorcache and not to something in between"
        ),
        repeat=Repeat.NEVER if too_large else Repeat.ONCE,
        status_code=attempt.status_code,
        request_id=attempt.request_id,
        body=body,
    )


def without_key(failure: Failure, key: APIKey | CallKeys) -> Failure:
    """``failure`` without the key, which a server may repeat in any part of its answer."""
    cause = failure.cause
    if cause is not None and any(key.is_in(repr(link)) for link in chain(cause)):
        cause = None  # Its text is not ours to change.
    return failure._replace(text=key.redact(failure.text), cause=cause)


def without_frames(error: BaseException, known: Known = frozenset()) -> BaseException:
    """``error`` and its causes without their frames, whose variables hold the request's bytes.

    A traceback that shows variables (rich, cgitb, error trackers) would print the key.

    Args:
        error: the error.
        known: what the caller handled before, which keeps its frames.
    """
    for link in chain(error, known):
        link.__traceback__ = None
    return error


def _tls_problem(error: BaseException) -> str | None:
    for link in chain(error):
        if isinstance(link, ssl.SSLCertVerificationError):
            return f"its certificate is not valid here ({link.verify_message})"
        if isinstance(link, ssl.SSLError):
            # A handshake cut off by the network names no reason, and may work the next time.
            reason = _reason(link).replace("_", " ").lower()
            if reason and "eof" not in reason:
                plain = reason == "wrong version number"
                hint = ": does that port speak http://?" if plain else ""
                return f"TLS failed ({reason}){hint}"
    return None


def _reason(error: ssl.SSLError) -> str:
    # Python's own come without the attribute.
    return getattr(error, "reason", None) or ""


def _client_certificate_missing(error: BaseException) -> bool:
    # With TLS 1.3 a server says so only after the handshake.
    reasons = [_reason(link) for link in chain(error) if isinstance(link, ssl.SSLError)]
    return any("ALERT" in reason and "CERTIFICATE" in reason for reason in reasons)


def _said(error: BaseException) -> str:
    for link in chain(error):
        # The system's own words: what was made of them is often less than that, or nothing.
        if (
            isinstance(link, OSError)
            and link.strerror
            and not isinstance(link, ssl.SSLWantReadError)
        ):
            return excerpt(str(link))
    # Some exceptions quote all that was received.
    return excerpt(str(error)).rstrip(".") or type(error).__name__
