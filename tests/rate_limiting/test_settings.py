"""``rate_limit=`` and ``RateLimiter``: which values they accept, and how they refuse others."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from clients import KEY
from clock import Clock

from vectorcache import ConfigurationError, RateLimiter, VectorcacheClient
from vectorcache._rate_limit.auto import AutoGate
from vectorcache._rate_limit.gate import RateGate
from vectorcache._rate_limit.limiter import gate_for
from vectorcache._rate_limit.redis import SharedGate
from vectorcache._rate_limit.window import Rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("100/minute", Rate(100, 60)),
        ("100 per minute", Rate(100, 60)),
        ("100/minutes", Rate(100, 60)),
        ("100/m", Rate(100, 60)),
        ("  5  PER  Hour ", Rate(5, 3_600)),
        ("20/s", Rate(20, 1)),
        ("1/day", Rate(1, 86_400)),
        ("999999999999/d", Rate(999_999_999_999, 86_400)),
        ("auto", None),
    ],
)
def test_what_it_takes(text: str, rate: Rate | None) -> None:
    """A limit is a number per second, minute, hour or day, in all usual spellings; or auto."""
    assert RateLimiter(text).rate == rate


@pytest.mark.parametrize(
    "value",
    [
        "",
        "100",
        "0/minute",
        "-1/minute",
        "1.5/minute",
        "100/fortnight",
        "100/minute/minute",
        "1/2 minutes",
        "many",
        "AUTO?",
        "1000000000000/day",
        "١٠/minute",
        100,
        None,
        b"100/minute",
    ],
)
def test_what_it_does_not_take(value: Any) -> None:
    """Any other value is refused at once, with an example of a valid one."""
    with pytest.raises(ConfigurationError, match='such as "100/minute"'):
        RateLimiter(value)


def test_what_is_refused_is_not_repeated() -> None:
    """The error does not repeat the value, which may be a misplaced URL with a password."""
    with pytest.raises(ConfigurationError) as caught:
        RateLimiter("redis://:hunter2@localhost")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("value", [100, 1.5, ("100/minute",), object()])
def test_other_types_for_a_client(value: Any) -> None:
    """A client takes a text, a ``RateLimiter`` or None."""
    with pytest.raises(ConfigurationError, match="rate_limit must be a string"):
        VectorcacheClient(KEY, rate_limit=value)


@pytest.mark.parametrize(
    "url", ["", "localhost:6379", "http://localhost", "redis://", "redis://a b", 6379, b"redis://a"]
)
def test_an_invalid_redis_url(url: Any) -> None:
    """Any other URL is refused, with an example of a Redis URL."""
    with pytest.raises(ConfigurationError, match="redis://localhost:6379/0"):
        RateLimiter("100/minute", redis_url=url)


def test_auto_takes_no_redis() -> None:
    """``"auto"`` refuses a ``redis_url``, as its processes have nothing to share."""
    with pytest.raises(ConfigurationError, match="leave out redis_url"):
        RateLimiter("auto", redis_url="redis://localhost")


@pytest.mark.parametrize(
    "url",
    [
        "redis://:hunter2@localhost:abc/0",
        "redis://:hunter2@localhost/0?db=first",
        "redis://:hunter2@localhost/0?no_such_option=1",
    ],
)
def test_a_url_that_redis_does_not_accept(url: str) -> None:
    """The client refuses it without repeating the URL, which may hold a password."""
    pytest.importorskip("limits")
    limiter = RateLimiter("100/minute", redis_url=url)
    assert "hunter2" not in repr(limiter)
    with pytest.raises(ConfigurationError, match="redis_url") as caught:
        VectorcacheClient(KEY, rate_limit=limiter)
    error: BaseException | None = caught.value
    assert "hunter2" not in str(error)
    assert error is not None and error.__cause__ is None and error.__context__ is None


@pytest.mark.parametrize("package", ["limits", "redis"])
def test_without_the_extra(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, making the client says how to install it."""
    monkeypatch.setitem(sys.modules, package, None)
    limiter = RateLimiter("100/minute", redis_url="redis://localhost")
    with pytest.raises(ConfigurationError, match=r"pip install 'vectorcache-python\[redis\]'"):
        VectorcacheClient(KEY, rate_limit=limiter)


def test_what_keeps_it() -> None:
    """A fixed limit and auto need no extra."""
    assert type(gate_for(RateLimiter("1/minute"), "")) is RateGate
    assert type(gate_for(RateLimiter(), "")) is AutoGate


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"limit": "many"},
            "rate_limit must be a whole number of requests of at least 1 per second, minute, hour "
            'or day, such as "100/minute" or "100 per minute"; or "auto"',
        ),
        (
            {"limit": "1/minute", "redis_url": "http://localhost"},
            "RateLimiter.redis_url is not a Redis URL: use one like redis://localhost:6379/0, "
            "rediss:// for TLS, or redis+unix:///path/to/socket",
        ),
        (
            {"limit": "auto", "redis_url": "redis://localhost"},
            'RateLimiter("auto") takes no redis_url: each process reads from the answers of the '
            "service how much of the key's limit is left; leave out redis_url, or set a fixed "
            'limit: RateLimiter("100/minute", redis_url=...)',
        ),
    ],
)
def test_the_whole_message(arguments: dict[str, Any], message: str) -> None:
    """The error says what is wrong and what to pass instead."""
    with pytest.raises(ConfigurationError) as caught:
        RateLimiter(**arguments)
    assert str(caught.value) == message


def test_a_gate_uses_the_given_clock() -> None:
    """A gate uses the given clock, whichever kind of limit it keeps."""
    clock = Clock()
    for limit in ("1/minute", "auto"):
        gate = gate_for(RateLimiter(limit), "identity", clock)
        assert gate.delay(gate.permit()) == 0
    gate = gate_for(RateLimiter("1/minute"), "identity", clock)
    assert gate.delay(gate.permit()) == 0
    clock.now += 60
    assert 0 < gate.delay(gate.permit()) < 1


def test_the_gate_of_a_shared_limit() -> None:
    """A limit with a Redis URL is shared under its identity, and its gate uses the given clock."""
    pytest.importorskip("limits")
    clock = Clock()
    gate = gate_for(RateLimiter("5/minute", redis_url="redis://127.0.0.1:1"), "identity", clock)
    assert isinstance(gate, SharedGate)
    assert (gate._rate, gate._clock) == (Rate(5, 60), clock)
    assert (gate._shared._identity, gate._shared._item.amount) == ("identity", 5)
