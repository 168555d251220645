"""A number may be of any type that is a real number: a Decimal or a Fraction as well."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs
import httpx
import pytest
from clients import KEY

from vectorcache import (
    CircuitBreaker,
    ConfigurationError,
    InvalidRequestError,
    RetryPolicy,
    VectorcacheClient,
)
from vectorcache._arguments import real_number, whole_number
from vectorcache.tuning import estimate


@pytest.mark.parametrize("number", [Decimal("0.5"), Fraction(1, 2)])
def test_numbers_of_other_types(number: Any) -> None:
    """Wherever a client takes a number it may be any real one, and is used as a float."""
    options = {"similarity_threshold": number, "timeout": number, "deadline": number}
    retry = RetryPolicy(transient_backoff=number, quota=number)
    breaker = CircuitBreaker(reset_after=number)
    with VectorcacheClient(KEY, **options, retry=retry, circuit_breaker=breaker) as client:
        settings = client._settings
    used = [settings.similarity_threshold, settings.timeout, settings.deadline]
    used += [retry.transient_backoff, retry.quota, breaker.reset_after]
    assert used == [0.5] * 6
    assert {type(value) for value in used} == {float}
    with VectorcacheClient(KEY, timeout=httpx.Timeout(number)) as client:
        timeout = client._settings.timeout
        assert isinstance(timeout, httpx.Timeout)
        assert type(timeout.read) is float
    assert estimate(["a", "b"], [number]).thresholds == (0.5,)


@pytest.mark.parametrize(
    "value", [True, "0.5", b"1", None, 0.5 + 0j, Decimal("NaN"), Decimal("sNaN"), math.nan]
)
def test_what_is_not_a_number(value: Any) -> None:
    """A bool, a text, a complex number and NaN are refused wherever a number is taken."""
    for make in (
        lambda: VectorcacheClient(KEY, similarity_threshold=value),
        lambda: RetryPolicy(quota=value),
        lambda: CircuitBreaker(reset_after=value),
        lambda: CircuitBreaker(failures=value),
    ):
        with pytest.raises(ConfigurationError):
            make()
    with pytest.raises(InvalidRequestError):
        estimate(["a", "b"], [value])


def test_beyond_floats() -> None:
    """A number that is too large for a float counts as infinite, and is out of every range."""
    assert real_number(10**400) == math.inf
    assert real_number(Fraction(-(10**400))) == -math.inf
    with pytest.raises(ConfigurationError, match="timeout is 1000"):
        VectorcacheClient(KEY, timeout=10**400)


def test_whole_numbers() -> None:
    """A count is a whole number: a number with a fraction is refused, even if that is zero."""
    assert whole_number(3) == 3
    assert [whole_number(value) for value in (True, 3.0, Decimal(3), "3", None)] == [None] * 5


def test_settings_show_plain_numbers() -> None:
    """A Decimal is shown as the float that is used for it."""
    seconds: Any = Decimal("1.5")
    breaker = CircuitBreaker(reset_after=seconds)
    assert attrs.asdict(breaker)["reset_after"] == 1.5
    assert "reset_after=1.5" in repr(breaker)
