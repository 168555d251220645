"""What an exception means that ended an attempt: which error it becomes, and whether to repeat."""

from __future__ import annotations

import re
import ssl

import httpx

from .._headers import headers_for_error
from .._secret import APIKey
from ..errors import (
    APIConnectionError,
    APIResponseError,
    APITimeoutError,
    ConfigurationError,
    VectorcacheError,
)
from .attempt import Attempt
from .body import AnswerTooLarge, UnusableAnswer
from .excerpt import excerpt
from .failure import AttemptFailed, Failure, Repeat
from .foreign_exceptions import chain, foreign_exception, keep_own_frames, without_frames
from .keys import CallKeys
from .status_errors import failure_from_status

# Proxy replies that a retry will not change: 3xx, and 4xx except 408, 425 and 429.
_REFUSED_BY_PROXY = re.compile("3|4(?!08|25|29)")


def exception_to_raise(
    error: BaseException, attempt: Attempt, request: httpx.Request
) -> BaseException:
    """Returns what a sender raises for ``error``, which sending or reading ended with.

    An exception that is not an outcome of the attempt, such as that of a signal handler, is
    returned as it is. Everything else becomes an ``AttemptFailed``, without the key and without
    the frames of httpx.
    """
    # The error may hold the request, and a caller may keep the error for long.
    request.headers.pop("Authorization", None)
    request.extensions.pop("trace", None)
    foreign = foreign_exception(error, attempt.handled_before)
    if foreign is not None:
        keep_own_frames(foreign, attempt.handled_before)
        return foreign
    match error:
        case VectorcacheError():
            without_frames(error, attempt.handled_before)
            return error
        case AttemptFailed():
            failure = error.failure
        case UnusableAnswer():
            failure = failure_from_unusable_answer(error, attempt)
        case _:
            assert isinstance(error, Exception)
            failure = _failure_from_exception_or_status(error, attempt)
    failure = failure._replace(headers=headers_for_error(attempt.answer_headers))
    attempt.release_answer()
    return AttemptFailed(without_key(failure, attempt.keys))


def _failure_from_exception_or_status(error: Exception, attempt: Attempt) -> Failure:
    failure = failure_from_exception(error, attempt)
    if attempt.status_code in (None, 200):
        return failure
    # The status decides, however much of the body arrived.
    known = failure_from_status(
        attempt.status_code, attempt.answer_headers, b"", attempt.request_id, attempt.keys
    )
    return known._replace(text=f"{known.text}; {failure.text}", cause=failure.cause)


def without_key(failure: Failure, key: APIKey | CallKeys) -> Failure:
    """Returns ``failure`` without the key, which a server may repeat anywhere in its answer."""
    cause = failure.cause
    if cause is not None and any(key.is_in(repr(link)) for link in chain(cause)):
        cause = None  # The text of an exception cannot be changed.
    return failure._replace(text=key.redact(failure.text), cause=cause)


def failure_from_exception(error: Exception, attempt: Attempt) -> Failure:
    """Returns the failure for an exception that sending or reading ended with."""
    cause = without_frames(error, attempt.handled_before)
    if attempt.time.expired:
        # The watchdog closes the socket of a late attempt: the exception of that is not a cause.
        return failure_from_timeout(
            attempt, cause if isinstance(error, httpx.TimeoutException) else None
        )
    host = attempt.trace.host
    match error:
        case httpx.TimeoutException() | TimeoutError():
            return failure_from_timeout(attempt, cause)
        case httpx.UnsupportedProtocol() | httpx.LocalProtocolError() | ImportError():
            return Failure(
                error=ConfigurationError,
                text=f"the request to {host} could not be made: {_excerpt_of(error)}",
                repeat=Repeat.NEVER,
                cause=cause,
            )
        case httpx.ProxyError():
            return Failure(
                error=APIConnectionError,
                text=f"the proxy did not connect to {host}: {_excerpt_of(error)}",
                advice="check the proxy variables of the environment",
                repeat=Repeat.NEVER if _REFUSED_BY_PROXY.match(str(error)) else Repeat.TRANSIENT,
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
            # Python raises UnicodeError for a host name that it cannot encode.
            return Failure(
                error=APIConnectionError,
                text=f"could not connect to {attempt.trace.peer}: {_excerpt_of(error)}",
                advice=(
                    "check the proxy variables of the environment"
                    if attempt.trace.proxy
                    else "check the network and base_url"
                ),
                repeat=Repeat.TRANSIENT,
                cause=cause,
            )
        case httpx.TransportError() | OSError() if _client_certificate_missing(error):
            said = _excerpt_of(error)
            return Failure(
                error=APIConnectionError,
                text=f"no secure connection to {host}: it asks for a certificate: {said}",
                advice="pass an http_client= that has one",
                repeat=Repeat.NEVER,
                cause=cause,
            )
        case httpx.TransportError() | OSError():  # httpcore does not map all errors of TLS.
            return _failure_from_broken_connection(error, attempt, cause)
    return Failure(
        error=APIConnectionError,
        text=f"{attempt.doing} failed with {type(error).__name__}: {_excerpt_of(error)}",
        repeat=Repeat.NEVER,
        cause=cause,
    )


def _failure_from_broken_connection(
    error: Exception, attempt: Attempt, cause: BaseException
) -> Failure:
    trace = attempt.trace
    repeat = Repeat.UNCERTAIN if trace.may_have_arrived else Repeat.TRANSIENT
    if trace.over_idle_connection and not trace.answered:
        repeat = Repeat.STALE_CONNECTION
    return Failure(
        error=APIConnectionError,
        text=f"the connection to {trace.host} broke while {attempt.doing}: {_excerpt_of(error)}",
        repeat=repeat,
        status_code=attempt.status_code,
        cause=cause,
    )


def failure_from_timeout(attempt: Attempt, cause: BaseException | None = None) -> Failure:
    """Returns the failure of an attempt whose time is over."""
    # A transport that reports no trace may still raise one of these: then nothing was sent.
    unsent = isinstance(cause, httpx.ConnectTimeout | httpx.PoolTimeout)
    may_have_arrived = attempt.trace.may_have_arrived and not unsent
    return Failure(
        error=APITimeoutError,
        text=f"timed out after {attempt.time.seconds_spent:.2g} s while {attempt.doing}",
        advice="raise timeout= or deadline= if an answer may take longer",
        repeat=Repeat.UNCERTAIN if may_have_arrived else Repeat.TRANSIENT,
        status_code=attempt.status_code,
        cause=cause,
    )


def failure_from_full_queue(max_connections: int) -> Failure:
    """Returns the failure of an attempt that got no connection in time."""
    return Failure(
        error=APITimeoutError,
        text=f"timed out waiting for a free connection (max_connections={max_connections})",
        advice="nothing was sent; raise max_connections= or deadline=, or send fewer at once",
        repeat=Repeat.NEVER,
        sent=False,
    )


def failure_from_unusable_answer(reason: UnusableAnswer, attempt: Attempt) -> Failure:
    """Returns the failure for an answer with status 200 that is not what the service promises."""
    body = reason.body
    too_large = isinstance(reason, AnswerTooLarge)
    quoted = f' ("{excerpt(body)}")' if isinstance(body, str) else ""
    return Failure(
        error=APIResponseError,
        text=f"{attempt.trace.host} sent an answer that cannot be used: {reason}{quoted}",
        advice=(
            "raise max_response_bytes="
            if too_large
            else "check that base_url leads to Vectorcache, and not to a proxy or another server"
        ),
        repeat=Repeat.NEVER if too_large else Repeat.UNCERTAIN,
        status_code=attempt.status_code,
        request_id=attempt.request_id,
        body=body,
    )


def _tls_problem(error: BaseException) -> str | None:
    for link in chain(error):
        if isinstance(link, ssl.SSLCertVerificationError):
            return f"its certificate is not valid here ({link.verify_message})"
        if isinstance(link, ssl.SSLError):
            # A handshake that the network cut off has no reason, and may succeed the next time.
            reason = _reason(link).replace("_", " ").lower()
            if reason and "eof" not in reason:
                plain = reason == "wrong version number"
                hint = ": does that port speak http://?" if plain else ""
                return f"TLS failed ({reason}){hint}"
    return None


def _reason(error: ssl.SSLError) -> str:
    # Errors that Python itself raises do not have the attribute.
    return getattr(error, "reason", None) or ""


def _client_certificate_missing(error: BaseException) -> bool:
    # With TLS 1.3, a server asks for a certificate only after the handshake.
    reasons = [_reason(link) for link in chain(error) if isinstance(link, ssl.SSLError)]
    return any("ALERT" in reason and "CERTIFICATE" in reason for reason in reasons)


def _excerpt_of(error: BaseException) -> str:
    for link in chain(error):
        # The operating system's words say more than what httpcore makes of them.
        if (
            isinstance(link, OSError)
            and link.strerror
            and not isinstance(link, ssl.SSLWantReadError)
        ):
            return excerpt(str(link))
    # Some exceptions quote everything that was received.
    return excerpt(str(error)).rstrip(".") or type(error).__name__
