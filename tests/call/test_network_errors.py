"""What an exception of the network means: error, words, whether to repeat, and what to try."""

from __future__ import annotations

import errno
import ssl
from collections.abc import Callable

import httpx
import pytest
from call.attempts import (
    ANSWERED,
    CONNECT,
    IN_TLS,
    SEND,
    SENDING,
    SENT,
    SENT_ALL,
    attempt_after,
    make_attempt,
)

from vectorcache import (
    APIConnectionError,
    APITimeoutError,
    ConfigurationError,
    VectorcacheError,
)
from vectorcache._call.failure import Failure, Repeat
from vectorcache._call.network_errors import (
    failure_from_exception,
    failure_from_timeout,
)

NEVER, STALE, UNCERTAIN, TRANSIENT = (
    Repeat.NEVER,
    Repeat.STALE_CONNECTION,
    Repeat.UNCERTAIN,
    Repeat.TRANSIENT,
)

CONNECTING = [CONNECT]
ON_A_USED_CONNECTION = [SEND, SENT]

MORE_TIME = "raise timeout= or deadline= if an answer may take longer"
NETWORK = "check the network and base_url"
TRUST = "check base_url, and the certificates this machine trusts (SSL_CERT_FILE)"


def tls_error(reason: str | None, words: str = "[SSL] it broke") -> ssl.SSLError:
    error = ssl.SSLError(1, words)
    error.reason = reason  # type: ignore[assignment]
    return error


def caused_by(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


def untrusted() -> ssl.SSLError:
    error = ssl.SSLCertVerificationError(1, "[SSL] certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


@pytest.mark.parametrize(
    ("make", "error", "text", "repeat", "advice"),
    [
        (
            lambda: httpx.UnsupportedProtocol("no ftp."),
            ConfigurationError,
            "the request to cache.test could not be made: no ftp",
            NEVER,
            "",
        ),
        (
            lambda: ImportError("install socksio..."),
            ConfigurationError,
            "the request to cache.test could not be made: install socksio",
            NEVER,
            "",
        ),
        (
            lambda: httpx.LocalProtocolError(""),
            ConfigurationError,
            "the request to cache.test could not be made: LocalProtocolError",
            NEVER,
            "",
        ),
        (
            lambda: httpx.ProxyError("407 Who are you?"),
            APIConnectionError,
            "the proxy did not connect to cache.test: 407 Who are you?",
            NEVER,
            "check the proxy variables of the environment",
        ),
        (
            lambda: httpx.ProxyError("502 Bad Gateway"),
            APIConnectionError,
            "the proxy did not connect to cache.test: 502 Bad Gateway",
            TRANSIENT,
            "check the proxy variables of the environment",
        ),
        (
            lambda: httpx.ProxyError("302 Found"),
            APIConnectionError,
            "the proxy did not connect to cache.test: 302 Found",
            NEVER,
            "check the proxy variables of the environment",
        ),
        (
            lambda: httpx.ProxyError("429 Too Many Requests"),
            APIConnectionError,
            "the proxy did not connect to cache.test: 429 Too Many Requests",
            TRANSIENT,
            "check the proxy variables of the environment",
        ),
        (
            lambda: caused_by(httpx.ConnectError("x"), untrusted()),
            APIConnectionError,
            "no secure connection to cache.test: its certificate is not valid here "
            "(self-signed certificate)",
            NEVER,
            TRUST,
        ),
        (
            lambda: caused_by(httpx.ConnectError("x"), tls_error("WRONG_VERSION_NUMBER")),
            APIConnectionError,
            "no secure connection to cache.test: TLS failed (wrong version number): "
            "does that port speak http://?",
            NEVER,
            TRUST,
        ),
        (
            lambda: caused_by(httpx.ConnectError("x"), tls_error("UNSUPPORTED_PROTOCOL")),
            APIConnectionError,
            "no secure connection to cache.test: TLS failed (unsupported protocol)",
            NEVER,
            TRUST,
        ),
        (
            lambda: caused_by(httpx.ConnectError("cut"), tls_error("UNEXPECTED_EOF", "[SSL] eof")),
            APIConnectionError,
            "could not connect to cache.test: [SSL] eof",
            TRANSIENT,
            NETWORK,
        ),
        (
            lambda: caused_by(httpx.ConnectError("cut"), tls_error(None, "[SSL] cut")),
            APIConnectionError,
            "could not connect to cache.test: [SSL] cut",
            TRANSIENT,
            NETWORK,
        ),
        (
            lambda: httpx.ConnectError("All connection attempts failed."),
            APIConnectionError,
            "could not connect to cache.test: All connection attempts failed",
            TRANSIENT,
            NETWORK,
        ),
        (
            lambda: caused_by(
                httpx.ConnectError("failed"), OSError(errno.ECONNREFUSED, "refused.")
            ),
            APIConnectionError,
            f"could not connect to cache.test: [Errno {errno.ECONNREFUSED}] refused.",
            TRANSIENT,
            NETWORK,
        ),
        (
            lambda: UnicodeError("label too long"),
            APIConnectionError,
            "could not connect to cache.test: label too long",
            TRANSIENT,
            NETWORK,
        ),
        (
            lambda: caused_by(
                httpx.ReadError(""), tls_error("TLSV13_ALERT_CERTIFICATE_REQUIRED", "[SSL] alert")
            ),
            APIConnectionError,
            "no secure connection to cache.test: it asks for a certificate: [SSL] alert",
            NEVER,
            "pass an http_client= that has one",
        ),
        (
            lambda: caused_by(httpx.ReadError(""), tls_error("TLSV1_ALERT_INTERNAL_ERROR")),
            APIConnectionError,
            "the connection to cache.test broke while waiting for the answer of cache.test: "
            "[SSL] it broke",
            UNCERTAIN,
            "",
        ),
        (
            lambda: caused_by(httpx.ReadError(""), tls_error("CERTIFICATE_UNKNOWN")),
            APIConnectionError,
            "the connection to cache.test broke while waiting for the answer of cache.test: "
            "[SSL] it broke",
            UNCERTAIN,
            "",
        ),
        (
            lambda: caused_by(httpx.ReadError(""), tls_error(None)),
            APIConnectionError,
            "the connection to cache.test broke while waiting for the answer of cache.test: "
            "[SSL] it broke",
            UNCERTAIN,
            "",
        ),
        (
            lambda: httpx.ReadTimeout("slow"),
            APITimeoutError,
            "timed out after 2 s while waiting for the answer of cache.test",
            UNCERTAIN,
            MORE_TIME,
        ),
        (
            lambda: TimeoutError(),
            APITimeoutError,
            "timed out after 2 s while waiting for the answer of cache.test",
            UNCERTAIN,
            MORE_TIME,
        ),
        (
            lambda: ZeroDivisionError("odd."),
            APIConnectionError,
            "waiting for the answer of cache.test failed with ZeroDivisionError: odd",
            NEVER,
            "",
        ),
    ],
)
def test_every_exception_has_its_meaning(
    make: Callable[[], Exception],
    error: type[VectorcacheError],
    text: str,
    repeat: Repeat,
    advice: str,
) -> None:
    """What sending may raise becomes one of our errors, in words that say what to do."""
    exception = make()
    assert failure_from_exception(exception, attempt_after(*SENT_ALL, seconds=2)) == Failure(
        error=error, text=text, repeat=repeat, advice=advice, cause=exception
    )


@pytest.mark.parametrize(
    ("events", "doing", "repeat"),
    [
        ([], "waiting for the answer of cache.test", UNCERTAIN),
        (SENDING, "sending the request to cache.test", TRANSIENT),
        (SENT_ALL, "waiting for the answer of cache.test", UNCERTAIN),
        (ON_A_USED_CONNECTION, "waiting for the answer of cache.test", STALE),
        ([*ON_A_USED_CONNECTION, ANSWERED], "waiting for the answer of cache.test", UNCERTAIN),
        # A proxy has a request of its own sent before TLS starts.
        ([*SENT_ALL, ANSWERED, IN_TLS], None, TRANSIENT),
    ],
)
def test_a_broken_connection(events: list[str], doing: str | None, repeat: Repeat) -> None:
    """How far the request got decides whether it may have been paid for, and so repeated."""
    # httpcore lets some errors of TLS through as they are.
    for error in (httpx.ReadError("reset"), *([OSError("reset")] if events else [])):
        found = failure_from_exception(error, attempt_after(*events))
        assert (found.error, found.repeat, found.cause) == (APIConnectionError, repeat, error)
        if doing is not None:
            assert found.text == f"the connection to cache.test broke while {doing}: reset"


@pytest.mark.parametrize(
    ("events", "repeat"),
    [([], UNCERTAIN), (CONNECTING, TRANSIENT), (SENDING, TRANSIENT), (SENT_ALL, UNCERTAIN)],
)
def test_a_timeout(events: list[str], repeat: Repeat) -> None:
    """A request that was never sent as a whole may be repeated as often as any."""
    found = failure_from_timeout(attempt_after(*events, seconds=1.23))
    assert (found.error, found.repeat, found.cause) == (APITimeoutError, repeat, None)
    assert found.text.startswith("timed out after 1.2 s while ")


def test_a_proxy_that_cannot_be_reached() -> None:
    """If the proxy cannot be connected to, the error names the proxy."""
    attempt = make_attempt()
    attempt.begin(None)
    attempt.trace.follow(CONNECT, {"host": "proxy.test", "port": 3128})
    found = failure_from_exception(httpx.ConnectError("refused"), attempt)
    assert "proxy.test:3128" in found.text
    assert (found.repeat, found.advice) == (
        TRANSIENT,
        "check the proxy variables of the environment",
    )


def test_after_the_attempts_time_everything_is_a_timeout() -> None:
    """What breaks when time is up broke because of that; only a timeout is then a cause."""
    late = attempt_after(*SENT_ALL, seconds=31)
    broken, slow = httpx.ReadError("shut"), httpx.ReadTimeout("slow")
    text = "timed out after 30 s while waiting for the answer of cache.test"
    assert failure_from_exception(broken, late)[:2] == (APITimeoutError, text)
    assert failure_from_exception(broken, late).cause is None
    assert failure_from_exception(slow, late).cause is slow


def test_the_status_stays_known_when_the_rest_does_not_arrive() -> None:
    """An error that ends the reading of an answer has the answer's status."""
    attempt = attempt_after(*SENT_ALL, ANSWERED)
    attempt.reader(httpx.Response(200, headers={"content-length": "1234567"}))
    for error in (httpx.ReadError("reset"), httpx.ReadTimeout("slow")):
        found = failure_from_exception(error, attempt)
        assert found.status_code == 200
        assert "reading the answer (0 of 1,234,567 bytes arrived)" in found.text


@pytest.mark.parametrize(
    ("cause", "repeat"),
    [
        (httpx.ConnectTimeout("slow"), TRANSIENT),
        (httpx.PoolTimeout("slow"), TRANSIENT),
        (httpx.ReadTimeout("slow"), UNCERTAIN),
        (None, UNCERTAIN),
    ],
)
def test_a_timeout_before_anything_was_sent(cause: Exception | None, repeat: Repeat) -> None:
    """A timeout that itself says that nothing was sent is repeated as often as is allowed."""
    assert failure_from_timeout(attempt_after(*SENT_ALL), cause).repeat is repeat
