"""``rate_limit="auto"``: refusals, errors and unusable hints of the service."""

from __future__ import annotations

import pytest
from rate_limiting.gates import lets_go
from rate_limiting.hosted_limit import HostedLimit


def test_a_refusal_stops_all(service: HostedLimit) -> None:
    """After a 429 nothing goes for as long as the service says."""
    permits = lets_go(service.gate, 2)
    service.gate.answered(permits[0], {"retry-after": "17"}, 429)
    assert service.delay() == pytest.approx(17)
    service.gate.answered(permits[1], {"retry-after": "12"}, 429)
    assert service.delay() == pytest.approx(17)
    service.clock.now += 17.1
    assert len(lets_go(service.gate)) == 1


def test_after_a_refusal_what_was_left_is_forgotten(service: HostedLimit) -> None:
    """After a 429 what the service said before no longer counts, and one request goes first."""
    service.answer(60)
    (permit,) = lets_go(service.gate, 1)
    service.gate.answered(permit, {"retry-after": "3"}, 429)
    service.clock.now += 3.1
    assert len(lets_go(service.gate)) == 1


def test_refusals_at_the_same_time_are_one(service: HostedLimit) -> None:
    """Several refusals of concurrent requests make the next pause no longer than one does."""
    for permit in lets_go(service.gate):
        service.gate.answered(permit, {}, 429)
    assert service.delay() == pytest.approx(1)
    service.clock.now += 1.1
    service.answer(0, 0, status=429)
    assert service.delay() == pytest.approx(2)


def test_a_refusal_by_a_service_without_limits(service: HostedLimit) -> None:
    """A service that names no limit, but refuses, is not asked again for as long as it says."""
    permits = lets_go(service.gate, 2)
    service.gate.answered(permits[0], {}, 200)
    service.gate.answered(permits[1], {"retry-after": "17"}, 429)
    assert service.delay() == pytest.approx(17)
    service.clock.now += 17.1
    assert len(lets_go(service.gate, 20)) == 20


def test_refusals_in_a_row(service: HostedLimit) -> None:
    """Pauses after 429s in a row double up to 30 s, if the service asks for less."""
    pauses = []
    for _ in range(7):
        service.answer(0, 0, status=429)
        pauses.append(service.delay())
        service.clock.now += pauses[-1] + 60
    assert pauses == pytest.approx([1, 2, 4, 8, 16, 30, 30])
    service.answer(50)
    service.clock.now += 60
    service.answer(0, 0, status=429)
    assert service.delay() == pytest.approx(1)


@pytest.mark.parametrize("hint", ["86400", "1e300", "-5", "soon"])
def test_unreasonable_hints(service: HostedLimit, hint: str) -> None:
    """No call waits longer than two minutes, whatever ``Retry-After`` says."""
    (permit,) = lets_go(service.gate, 1)
    service.gate.answered(permit, {"retry-after": hint}, 429)
    assert 1 <= service.delay() <= 120


def test_an_unreasonable_reset(service: HostedLimit) -> None:
    """No call waits longer than two minutes for the end of a count."""
    service.answer(0, 366 * 86_400)
    assert service.delay() == pytest.approx(120)


def test_an_error_of_a_proxy(service: HostedLimit) -> None:
    """An error of a proxy, without those headers, does not lift the limit."""
    (permit,) = lets_go(service.gate, 1)
    service.gate.answered(permit, {}, 502)
    assert len(lets_go(service.gate)) == 10


def test_no_answer_at_all(service: HostedLimit) -> None:
    """A request that failed is not in progress any more."""
    permits = lets_go(service.gate)
    assert service.delay() > 0
    service.gate.answered(permits[0], {}, None)
    assert len(lets_go(service.gate)) == 1


def test_a_redirect_says_nothing(service: HostedLimit) -> None:
    """A failed answer without limit headers leaves the known limit in force."""
    (permit,) = lets_go(service.gate, 1)
    service.gate.answered(permit, {}, 300)
    assert len(lets_go(service.gate)) == 10


def test_a_late_refusal_does_not_lengthen_the_pause(service: HostedLimit) -> None:
    """A refusal during a pause adds only the wait that the service itself asks for."""
    first, second = lets_go(service.gate, 2)
    service.gate.answered(first, {}, 429)
    service.clock.now += 0.5
    service.gate.answered(second, {}, 429)
    assert service.delay() == pytest.approx(0.5)


def test_a_refusal_at_the_end_of_a_pause(service: HostedLimit) -> None:
    """A refusal at the moment a pause ends is a new one, so that the next pause is doubled."""
    first, second = lets_go(service.gate, 2)
    service.gate.answered(first, {}, 429)
    service.clock.now += 1
    service.gate.answered(second, {}, 429)
    assert service.delay() == pytest.approx(2)
