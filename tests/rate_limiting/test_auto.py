"""``rate_limit="auto"``: what the service's own headers lead to."""

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

# The service's clock, when the test's begins; it may well differ from this machine's.
THERE = 1_900_000_000


class Service:
    """Answers a gate's requests with what a test wants to be left."""

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
        """One more request goes, and is answered at once."""
        (permit,) = lets_go(self.gate, 1)
        self.gate.answered(permit, self.headers(left, ends_in, limit), status)

    def answer_all(self, permits: list[Permit], headers: Mapping[str, str]) -> None:
        for permit in permits:
            self.gate.answered(permit, headers, 200)

    def delay(self) -> float:
        """What a request is told that wants to go now, and gives up."""
        permit = self.gate.permit()
        delay = self.gate.delay(permit)
        self.gate.give_up(permit)
        return delay


@pytest.fixture
def service() -> Service:
    """A service that nobody has asked yet."""
    return Service()


def test_ten_find_out(service: Service) -> None:
    """Before the first answer ten requests are under way at most; more look again soon."""
    assert len(lets_go(service.gate)) == 10
    assert 0 < service.delay() <= 0.1


def test_alone_up_to_the_limit(service: Service) -> None:
    """Who uses a key alone sends what the service allows in a minute, at once if need be."""
    service.answer(99)
    assert len(lets_go(service.gate)) == 99
    assert service.delay() == pytest.approx(60.63)


def test_alone_the_next_minute_begins_with_ten(service: Service) -> None:
    """When a count is over, ten requests find out whether the next one is all one's own."""
    service.answer(99)
    service.answer_all(lets_go(service.gate), service.headers(0))
    service.clock.now += 61
    permits = lets_go(service.gate)
    assert len(permits) == 10
    service.answer_all(permits[:1], service.headers(99))
    assert len(lets_go(service.gate)) == 90


def test_others_are_seen(service: Service) -> None:
    """Where the service has counted more than this process sent, it takes a share of the rest."""
    service.answer(60)
    assert len(lets_go(service.gate)) == int(60 * 0.25)


def test_nothing_left(service: Service) -> None:
    """Where others have used the limit up, nothing goes before the service counts anew."""
    service.answer(0, 40)
    assert service.delay() == pytest.approx(40)
    service.clock.now += 39
    assert service.delay() == pytest.approx(1)
    service.clock.now += 1.1
    assert len(lets_go(service.gate)) == 1


def test_what_comes_free_is_shared(service: Service) -> None:
    """While too little is left to share out, requests go one by one, at a share of the pace."""
    service.answer(2, 50)
    times = []
    for _ in range(1_000):
        service.clock.now += 0.1
        if lets_go(service.gate, 1):
            times.append(service.clock.now - service.began)
    # A quarter of 100 a minute, looked at ten times a second.
    assert len(times) == 40
    assert all(2.39 < after - before < 2.51 for before, after in itertools.pairwise(times))


def test_a_share_grows_and_shrinks(service: Service) -> None:
    """It grows while there is enough, and shrinks with each answer that says there is not."""
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
    """Two minutes after the last sign of others the whole limit is one's own again."""
    service.answer(60)
    service.clock.now += 121
    service.answer(99)
    assert len(lets_go(service.gate)) == 99


@pytest.mark.parametrize(("left", "ends_in"), [(90, 60), (90, 59), (3, 30)])
def test_answers_overtake_one_another(service: Service, left: int, ends_in: float) -> None:
    """Of two answers about a minute the one with less left is later; an old minute's is older."""
    first, second = lets_go(service.gate, 2)
    service.gate.answered(first, service.headers(20), 200)
    share = 0.25 + 0.002
    service.gate.answered(second, service.headers(left, ends_in), 200)
    if left < 10:
        share *= 0.98
    assert len(lets_go(service.gate)) == int(20 * share)


def test_a_slow_answer_is_no_sign_of_others(service: Service) -> None:
    """What the service had counted when it answered is compared with what had been sent then."""
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
    """The service has refused, so what it said before was not true: one request finds out."""
    service.answer(60)
    (permit,) = lets_go(service.gate, 1)
    service.gate.answered(permit, {"retry-after": "3"}, 429)
    service.clock.now += 3.1
    assert len(lets_go(service.gate)) == 1


def test_refusals_at_the_same_time_are_one(service: Service) -> None:
    """Several that were under way together do not make the next pause longer than one does."""
    for permit in lets_go(service.gate):
        service.gate.answered(permit, {}, 429)
    assert service.delay() == pytest.approx(1)
    service.clock.now += 1.1
    service.answer(0, 0, status=429)
    assert service.delay() == pytest.approx(2)


def test_another_limit(service: Service) -> None:
    """Where the service raises its limit, what was sent still counts, and more may go."""
    service.answer(99)
    service.answer(198, limit=200)
    assert len(lets_go(service.gate)) == 198


def test_a_refusal_by_a_service_without_limits(service: Service) -> None:
    """One that names no limit and refuses all the same is left alone for as long as it says."""
    permits = lets_go(service.gate, 2)
    service.gate.answered(permits[0], {}, 200)
    service.gate.answered(permits[1], {"retry-after": "17"}, 429)
    assert service.delay() == pytest.approx(17)
    service.clock.now += 17.1
    assert len(lets_go(service.gate, 20)) == 20


def test_refusals_in_a_row(service: Service) -> None:
    """Where the service does not say how long, or says too little, the pauses double, to 30 s."""
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
def test_hints_that_cannot_be_meant(service: Service, hint: str) -> None:
    """Nobody waits longer than two minutes for a request that finds out."""
    (permit,) = lets_go(service.gate, 1)
    service.gate.answered(permit, {"retry-after": hint}, 429)
    assert 1 <= service.delay() <= 120


def test_a_reset_that_cannot_be_meant(service: Service) -> None:
    """Nor for a count that ends next year."""
    service.answer(0, 366 * 86_400)
    assert service.delay() == pytest.approx(120)


def test_a_service_without_limits(service: Service) -> None:
    """One whose answers say nothing of a limit is asked as often as one likes."""
    (permit,) = lets_go(service.gate, 1)
    service.gate.answered(permit, {}, 200)
    assert len(lets_go(service.gate, 5_000)) == 5_000


def test_errors_of_others_say_nothing(service: Service) -> None:
    """A proxy's error without those headers does not mean that there is no limit."""
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
    """What is left is enough to go by."""
    service.answer(40, limit=None)
    assert len(lets_go(service.gate)) == 10
    service.answer_all(lets_go(service.gate), service.headers(0, 30, limit=None))
    service = Service()
    service.answer(0, 30, limit=None)
    assert service.delay() == pytest.approx(30)


def test_a_limit_beyond_all_reason(service: Service) -> None:
    """It is none, and costs nothing to keep to."""
    service.answer(10**17, limit=10**17)
    assert len(lets_go(service.gate, 3_000)) == 3_000


def test_no_answer_at_all(service: Service) -> None:
    """A request that failed is not under way any more."""
    permits = lets_go(service.gate)
    assert service.delay() > 0
    service.gate.answered(permits[0], {}, None)
    assert len(lets_go(service.gate)) == 1


def test_first_come_first_served(service: Service) -> None:
    """Who came later does not go before, and moves up when somebody leaves."""
    service.answer(0, 40)
    first, second, third = waiting(service.gate, 3)
    service.clock.now += 41
    assert service.gate.delay(third) > 0
    service.gate.give_up(first)
    assert service.gate.delay(third) > 0
    assert service.gate.delay(second) == 0


def test_a_fork_has_nothing_under_way(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a child nothing waits or is under way; what the parent knew of the limit, it knows."""
    service.answer(60)
    lets_go(service.gate)
    monkeypatch.setattr(gate_module, "getpid", lambda: -1)
    assert len(lets_go(service.gate)) == int(60 * 0.25)


def test_a_count_without_its_end() -> None:
    """Where the service does not say when its count ends, that is taken for a minute."""
    clock = Clock()
    gate = AutoGate(clock)
    (permit,) = lets_go(gate, 1)
    gate.answered(permit, {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0"}, 200)
    assert gate.delay(gate.permit()) == pytest.approx(60.0)


def test_an_answer_to_a_request_of_another_process() -> None:
    """A request that was on its way before a fork tells the child what the service says."""
    gate = AutoGate(Clock())
    gate.answered(gate.permit(), {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "4"}, 200)
    assert gate.delay(gate.permit()) == 0


def test_those_behind_wait_as_well() -> None:
    """While nothing is known no more than ten are on their way, whatever the place in the line."""
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
