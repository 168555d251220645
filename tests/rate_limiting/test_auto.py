"""``rate_limit="auto"``: how a client follows the headers of the service."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from email.utils import formatdate

import pytest
from clock import Clock
from rate_limiting.gates import lets_go, waiting

from vectorcache._rate_limit import gate as gate_module
from vectorcache._rate_limit.auto import AutoGate
from vectorcache._rate_limit.gate import Permit

# The time of the service's clock when a test begins; it may differ from this machine's clock.
THERE = 1_900_000_000


class Service:
    """Answers the requests of a gate with the remaining count that a test chooses."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.began = self.clock.now
        self.gate = AutoGate(self.clock)

    def headers(self, left: int, ends_in: float = 60, limit: int | None = 100) -> dict[str, str]:
        now = THERE + self.clock.now - self.began
        told = {
            "date": formatdate(now, usegmt=True),
            "x-ratelimit-remaining": str(left),
            "x-ratelimit-reset": str(int(now + ends_in)),
        }
        return told if limit is None else {**told, "x-ratelimit-limit": str(limit)}

    def answer(
        self, left: int, ends_in: float = 60, *, status: int = 200, limit: int | None = 100
    ) -> None:
        """Lets one more request go, and answers it at once."""
        (permit,) = lets_go(self.gate, 1)
        self.gate.answered(permit, self.headers(left, ends_in, limit), status)

    def answer_all(self, permits: list[Permit], headers: Mapping[str, str]) -> None:
        for permit in permits:
            self.gate.answered(permit, headers, 200)

    def delay(self) -> float:
        """Returns the delay of a request that asks once, and then gives up."""
        permit = self.gate.permit()
        delay = self.gate.delay(permit)
        self.gate.give_up(permit)
        return delay


@pytest.fixture
def service() -> Service:
    """A service that has got no request yet."""
    return Service()


def test_ten_find_out(service: Service) -> None:
    """Before the first answer at most ten requests are in progress; others ask again soon."""
    assert len(lets_go(service.gate)) == 10
    assert 0 < service.delay() <= 0.1


def test_alone_up_to_the_limit(service: Service) -> None:
    """A process that is alone with its key may send the whole limit of a minute at once."""
    service.answer(99)
    assert len(lets_go(service.gate)) == 99
    assert service.delay() == pytest.approx(60.63)


def test_alone_the_next_minute_begins_with_ten(service: Service) -> None:
    """When a count is over, at most ten requests are in progress until the next answer."""
    service.answer(99)
    service.answer_all(lets_go(service.gate), service.headers(0))
    service.clock.now += 61
    permits = lets_go(service.gate)
    assert len(permits) == 10
    service.answer_all(permits[:1], service.headers(99))
    assert len(lets_go(service.gate)) == 90


def test_others_are_seen(service: Service) -> None:
    """If the service has counted more than this process sent, it takes a share of the rest."""
    service.answer(60)
    assert len(lets_go(service.gate)) == int(60 * 0.25)


def test_nothing_left(service: Service) -> None:
    """If others have used up the limit, nothing goes until the service counts from 0 again."""
    service.answer(0, 40)
    assert service.delay() == pytest.approx(40)
    service.clock.now += 39
    assert service.delay() == pytest.approx(1)
    service.clock.now += 1.1
    assert len(lets_go(service.gate)) == 1


def test_what_comes_free_is_shared(service: Service) -> None:
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


def test_a_share_grows_and_shrinks(service: Service) -> None:
    """A share grows with each answer while enough is left, and shrinks while it is not."""
    service.answer(60)
    for _ in range(100):
        service.clock.now += 1
        service.answer(50, 60)
    assert len(lets_go(service.gate)) > 50 * 0.4
    service = Service()
    for _ in range(100):
        service.clock.now += 61
        service.answer(5, 60)
    service.clock.now += 61
    service.answer(50, 60)
    assert len(lets_go(service.gate)) < 50 * 0.1


def test_others_are_forgotten(service: Service) -> None:
    """Two minutes after the last sign of others, a process uses the whole limit again."""
    service.answer(60)
    service.clock.now += 121
    service.answer(99)
    assert len(lets_go(service.gate)) == 99


@pytest.mark.parametrize(("left", "ends_in"), [(90, 60), (90, 59), (3, 30)])
def test_answers_overtake_one_another(service: Service, left: int, ends_in: float) -> None:
    """An answer of an earlier minute is older; of the same minute, one with more left is older."""
    first, second = lets_go(service.gate, 2)
    service.gate.answered(first, service.headers(20), 200)
    share = 0.25 + 0.002
    service.gate.answered(second, service.headers(left, ends_in), 200)
    if left < 10:
        share *= 0.98
    assert len(lets_go(service.gate)) == int(20 * share)


def test_a_slow_answer_is_no_sign_of_others(service: Service) -> None:
    """A slow answer is compared with what had been sent when its request went."""
    service.answer(99)
    service.answer_all(lets_go(service.gate, 49), service.headers(50))
    service.clock.now += 30
    (slow,) = lets_go(service.gate, 1)
    service.clock.now += 40  # By now this process's own count is down to one.
    service.gate.answered(slow, service.headers(49, 50), 200)
    assert len(lets_go(service.gate)) == 99


def test_a_refusal_stops_all(service: Service) -> None:
    """After a 429 nothing goes for as long as the service says."""
    permits = lets_go(service.gate, 2)
    service.gate.answered(permits[0], {"retry-after": "17"}, 429)
    assert service.delay() == pytest.approx(17)
    service.gate.answered(permits[1], {"retry-after": "12"}, 429)
    assert service.delay() == pytest.approx(17)
    service.clock.now += 17.1
    assert len(lets_go(service.gate)) == 1


def test_after_a_refusal_what_was_left_is_forgotten(service: Service) -> None:
    """After a 429 what the service said before no longer counts, and one request goes first."""
    service.answer(60)
    (permit,) = lets_go(service.gate, 1)
    service.gate.answered(permit, {"retry-after": "3"}, 429)
    service.clock.now += 3.1
    assert len(lets_go(service.gate)) == 1


def test_refusals_at_the_same_time_are_one(service: Service) -> None:
    """Several refusals of concurrent requests make the next pause no longer than one does."""
    for permit in lets_go(service.gate):
        service.gate.answered(permit, {}, 429)
    assert service.delay() == pytest.approx(1)
    service.clock.now += 1.1
    service.answer(0, 0, status=429)
    assert service.delay() == pytest.approx(2)


def test_another_limit(service: Service) -> None:
    """When the service raises its limit, more may go, and what was sent still counts."""
    service.answer(99)
    service.answer(198, limit=200)
    assert len(lets_go(service.gate)) == 198


def test_a_refusal_by_a_service_without_limits(service: Service) -> None:
    """A service that names no limit, but refuses, is not asked again for as long as it says."""
    permits = lets_go(service.gate, 2)
    service.gate.answered(permits[0], {}, 200)
    service.gate.answered(permits[1], {"retry-after": "17"}, 429)
    assert service.delay() == pytest.approx(17)
    service.clock.now += 17.1
    assert len(lets_go(service.gate, 20)) == 20


def test_refusals_in_a_row(service: Service) -> None:
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
def test_unreasonable_hints(service: Service, hint: str) -> None:
    """No call waits longer than two minutes, whatever ``Retry-After`` says."""
    (permit,) = lets_go(service.gate, 1)
    service.gate.answered(permit, {"retry-after": hint}, 429)
    assert 1 <= service.delay() <= 120


def test_an_unreasonable_reset(service: Service) -> None:
    """No call waits longer than two minutes for the end of a count."""
    service.answer(0, 366 * 86_400)
    assert service.delay() == pytest.approx(120)


def test_a_service_without_limits(service: Service) -> None:
    """A service whose answers name no limit is not limited."""
    (permit,) = lets_go(service.gate, 1)
    service.gate.answered(permit, {}, 200)
    assert len(lets_go(service.gate, 5_000)) == 5_000


def test_an_error_of_a_proxy(service: Service) -> None:
    """An error of a proxy, without those headers, does not lift the limit."""
    (permit,) = lets_go(service.gate, 1)
    service.gate.answered(permit, {}, 502)
    assert len(lets_go(service.gate)) == 10


def test_a_limit_that_comes_later(service: Service) -> None:
    """A service that begins to name a limit is followed from then on."""
    (permit,) = lets_go(service.gate, 1)
    service.gate.answered(permit, {}, 200)
    permits = lets_go(service.gate, 30)
    service.gate.answered(permits[0], service.headers(69), 200)
    assert len(lets_go(service.gate)) == 69


def test_without_the_limit_itself(service: Service) -> None:
    """A client follows the remaining count, even if the service does not name its limit."""
    service.answer(40, limit=None)
    assert len(lets_go(service.gate)) == 10
    service.answer_all(lets_go(service.gate), service.headers(0, 30, limit=None))
    service = Service()
    service.answer(0, 30, limit=None)
    assert service.delay() == pytest.approx(30)


def test_a_limit_beyond_all_reason(service: Service) -> None:
    """An enormous limit holds nothing up, and costs no memory."""
    service.answer(10**17, limit=10**17)
    assert len(lets_go(service.gate, 3_000)) == 3_000


def test_no_answer_at_all(service: Service) -> None:
    """A request that failed is not in progress any more."""
    permits = lets_go(service.gate)
    assert service.delay() > 0
    service.gate.answered(permits[0], {}, None)
    assert len(lets_go(service.gate)) == 1


def test_first_come_first_served(service: Service) -> None:
    """A later call does not go before an earlier one, and moves up when one leaves."""
    service.answer(0, 40)
    first, second, third = waiting(service.gate, 3)
    service.clock.now += 41
    assert service.gate.delay(third) > 0
    service.gate.give_up(first)
    assert service.gate.delay(third) > 0
    assert service.gate.delay(second) == 0


def test_a_fork_has_nothing_in_progress(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_redirect_says_nothing(service: Service) -> None:
    """A failed answer without limit headers leaves the known limit in force."""
    (permit,) = lets_go(service.gate, 1)
    service.gate.answered(permit, {}, 300)
    assert len(lets_go(service.gate)) == 10


def test_a_late_refusal_does_not_lengthen_the_pause(service: Service) -> None:
    """A refusal during a pause adds only the wait that the service itself asks for."""
    first, second = lets_go(service.gate, 2)
    service.gate.answered(first, {}, 429)
    service.clock.now += 0.5
    service.gate.answered(second, {}, 429)
    assert service.delay() == pytest.approx(0.5)


def test_a_refusal_at_the_end_of_a_pause(service: Service) -> None:
    """A refusal at the moment a pause ends is a new one, so that the next pause is doubled."""
    first, second = lets_go(service.gate, 2)
    service.gate.answered(first, {}, 429)
    service.clock.now += 1
    service.gate.answered(second, {}, 429)
    assert service.delay() == pytest.approx(2)
