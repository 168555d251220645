"""``rate_limit="auto"``: how a client follows the headers of the service."""

from __future__ import annotations

import itertools

import pytest
from clock import Clock
from rate_limiting.gates import lets_go, waiting
from rate_limiting.hosted_limit import HostedLimit

from vectorcache._rate_limit import gate as gate_module
from vectorcache._rate_limit.auto import AutoGate


def test_ten_find_out(service: HostedLimit) -> None:
    """Before the first answer at most ten requests are in progress; others ask again soon."""
    assert len(lets_go(service.gate)) == 10
    assert 0 < service.delay() <= 0.1


def test_alone_up_to_the_limit(service: HostedLimit) -> None:
    """A process that is alone with its key may send the whole limit of a minute at once."""
    service.answer(99)
    assert len(lets_go(service.gate)) == 99
    assert service.delay() == pytest.approx(60.63)


def test_alone_the_next_minute_begins_with_ten(service: HostedLimit) -> None:
    """When a count is over, at most ten requests are in progress until the next answer."""
    service.answer(99)
    service.answer_all(lets_go(service.gate), service.headers(0))
    service.clock.now += 61
    permits = lets_go(service.gate)
    assert len(permits) == 10
    service.answer_all(permits[:1], service.headers(99))
    assert len(lets_go(service.gate)) == 90


def test_others_are_seen(service: HostedLimit) -> None:
    """If the service has counted more than this process sent, it takes a share of the rest."""
    service.answer(60)
    assert len(lets_go(service.gate)) == int(60 * 0.25)


def test_nothing_left(service: HostedLimit) -> None:
    """If others have used up the limit, nothing goes until the service counts from 0 again."""
    service.answer(0, 40)
    assert service.delay() == pytest.approx(40)
    service.clock.now += 39
    assert service.delay() == pytest.approx(1)
    service.clock.now += 1.1
    assert len(lets_go(service.gate)) == 1


def test_what_comes_free_is_shared(service: HostedLimit) -> None:
    """While too little is left, requests go one by one, at this process's share of the limit."""
    service.answer(2, 50)
    times = []
    for _ in range(1_000):
        service.clock.now += 0.1
        if lets_go(service.gate, 1):
            times.append(service.clock.now - service.began)
    # The share is a quarter of 100 a minute; the test looks ten times a second.
    assert len(times) == 40
    assert all(2.39 < after - before < 2.51 for before, after in itertools.pairwise(times))


def test_a_share_grows_and_shrinks(service: HostedLimit) -> None:
    """A share grows with each answer while enough is left, and shrinks while it is not."""
    service.answer(60)
    for _ in range(100):
        service.clock.now += 1
        service.answer(50, 60)
    assert len(lets_go(service.gate)) > 50 * 0.4
    service = HostedLimit()
    for _ in range(100):
        service.clock.now += 61
        service.answer(5, 60)
    service.clock.now += 61
    service.answer(50, 60)
    assert len(lets_go(service.gate)) < 50 * 0.1


def test_others_are_forgotten(service: HostedLimit) -> None:
    """Two minutes after the last sign of others, a process uses the whole limit again."""
    service.answer(60)
    service.clock.now += 121
    service.answer(99)
    assert len(lets_go(service.gate)) == 99


@pytest.mark.parametrize(("left", "ends_in"), [(90, 60), (90, 59), (3, 30)])
def test_answers_overtake_one_another(service: HostedLimit, left: int, ends_in: float) -> None:
    """An answer of an earlier minute is older; of the same minute, one with more left is older."""
    first, second = lets_go(service.gate, 2)
    service.gate.answered(first, service.headers(20), 200)
    share = 0.25 + 0.002
    service.gate.answered(second, service.headers(left, ends_in), 200)
    if left < 10:
        share *= 0.98
    assert len(lets_go(service.gate)) == int(20 * share)


def test_a_slow_answer_does_not_mean_other_clients(service: HostedLimit) -> None:
    """A slow answer is compared with what had been sent when its request went."""
    service.answer(99)
    service.answer_all(lets_go(service.gate, 49), service.headers(50))
    service.clock.now += 30
    (slow,) = lets_go(service.gate, 1)
    service.clock.now += 40  # By now this process's own count is down to one.
    service.gate.answered(slow, service.headers(49, 50), 200)
    assert len(lets_go(service.gate)) == 99


def test_another_limit(service: HostedLimit) -> None:
    """When the service raises its limit, more may go, and what was sent still counts."""
    service.answer(99)
    service.answer(198, limit=200)
    assert len(lets_go(service.gate)) == 198


def test_a_service_without_limits(service: HostedLimit) -> None:
    """A service whose answers name no limit is not limited."""
    (permit,) = lets_go(service.gate, 1)
    service.gate.answered(permit, {}, 200)
    assert len(lets_go(service.gate, 5_000)) == 5_000


def test_a_limit_that_comes_later(service: HostedLimit) -> None:
    """A service that begins to name a limit is followed from then on."""
    (permit,) = lets_go(service.gate, 1)
    service.gate.answered(permit, {}, 200)
    permits = lets_go(service.gate, 30)
    service.gate.answered(permits[0], service.headers(69), 200)
    assert len(lets_go(service.gate)) == 69


def test_without_the_limit_itself(service: HostedLimit) -> None:
    """A client follows the remaining count, even if the service does not name its limit."""
    service.answer(40, limit=None)
    assert len(lets_go(service.gate)) == 10
    service.answer_all(lets_go(service.gate), service.headers(0, 30, limit=None))
    service = HostedLimit()
    service.answer(0, 30, limit=None)
    assert service.delay() == pytest.approx(30)


def test_a_limit_beyond_all_reason(service: HostedLimit) -> None:
    """An enormous limit holds nothing up, and costs no memory."""
    service.answer(10**17, limit=10**17)
    assert len(lets_go(service.gate, 3_000)) == 3_000


def test_first_come_first_served(service: HostedLimit) -> None:
    """A later call does not go before an earlier one, and moves up when one leaves."""
    service.answer(0, 40)
    first, second, third = waiting(service.gate, 3)
    service.clock.now += 41
    assert service.gate.delay(third) > 0
    service.gate.give_up(first)
    assert service.gate.delay(third) > 0
    assert service.gate.delay(second) == 0


def test_a_fork_has_nothing_in_progress(
    service: HostedLimit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a fork the child knows the limit, and has nothing waiting or in progress."""
    service.answer(60)
    lets_go(service.gate)
    monkeypatch.setattr(gate_module, "getpid", lambda: -1)
    assert len(lets_go(service.gate)) == int(60 * 0.25)


def test_a_count_without_its_end() -> None:
    """If the service does not say when its count ends, the count ends after a minute."""
    clock = Clock()
    gate = AutoGate(clock)
    (permit,) = lets_go(gate, 1)
    gate.answered(permit, {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0"}, 200)
    assert gate.delay(gate.permit()) == pytest.approx(60.0)


def test_an_answer_to_a_request_of_another_process() -> None:
    """The answer of a request that began before a fork is heard in the child."""
    gate = AutoGate(Clock())
    gate.answered(gate.permit(), {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "4"}, 200)
    assert gate.delay(gate.permit()) == 0


def test_those_behind_wait_as_well() -> None:
    """Before the first answer at most ten requests go, wherever they are in the line."""
    gate = AutoGate(Clock())
    assert len(lets_go(gate)) == 10
    waiting(gate, 3)
