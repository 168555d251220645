"""Long failures of the service, and the limits that spare the service and its callers."""

from __future__ import annotations

from faults.behaviour import GOOD, Close, Stall, error, on_connect, on_request
from faults.scenario import Answers, Group, Raises, Scenario
from faults.server import Listening

from vectorcache import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    CircuitBreaker,
    CircuitOpenError,
    InternalServerError,
    RateLimitError,
    RetryPolicy,
    VectorcacheError,
)

FAILS = on_request(error(500))
THROTTLES = on_request(error(429))
USED_UP = "the client's retry quota is used up"

# A quota for two retries of transient failures.
SMALL_QUOTA = RetryPolicy(transient_backoff=0, throttled_backoff=0, uncertain_delay=0, quota=28)


def fails(attempts: int, *says: str, error: type[VectorcacheError] = InternalServerError) -> Raises:
    return Raises(error, attempts, says, status=500 if error is InternalServerError else None)


OPEN = Raises(
    CircuitOpenError,
    0,
    ("the circuit is open, so no request goes out",),
    retry_after=...,
    cause=False,
)
BREAKER = {"circuit_breaker": CircuitBreaker(failures=5, reset_after=0.3)}
STAYS_OPEN = "the circuit stays open until its pause is over"


def fallback(prompt: str, model: str, context: str | None) -> str:
    return f"{model} says: {prompt}"


FALLBACK_ANSWER = {"llm_provider": "fallback", "response": "m says: Q", "cache_hit": False}

GROUP = Group(
    "Outages",
    (
        Scenario(
            fault="40 calls, and the service fails all the time",
            promise="The client makes 40 first attempts and the 35 retries of the quota; after "
            "these each call fails at its first attempt.",
            rest=FAILS,
            calls=40,
            sees=(*[fails(3)] * 17, fails(2, USED_UP), *[fails(1, USED_UP)] * 22),
            requests=75,
            within=10,
        ),
        Scenario(
            fault="40 calls at once, and the service fails all the time",
            promise="The client makes 40 first attempts and the 35 retries of the quota, and no "
            "more.",
            rest=FAILS,
            calls=40,
            at_once=True,
            client={"max_connections": 20},
            sees=Raises(InternalServerError, range(1, 4), ("500",), status=500),
            requests=75,
            within=10,
        ),
        Scenario(
            fault="60 calls, and the service throttles all the time",
            promise="The client makes 60 first attempts and 100 retries: a retry after throttling "
            "costs less quota, because waiting helps.",
            rest=THROTTLES,
            calls=60,
            sees=(
                *[Raises(RateLimitError, 3, ("429",), status=429)] * 50,
                *[Raises(RateLimitError, 1, (USED_UP,), status=429)] * 10,
            ),
            requests=160,
            within=10,
        ),
        Scenario(
            fault="30 calls, and every connection is refused",
            promise="The retry quota applies to refused connections too.",
            listening=Listening.REFUSES,
            calls=30,
            sees=(
                *[fails(3, error=APIConnectionError)] * 17,
                fails(2, USED_UP, error=APIConnectionError),
                *[fails(1, USED_UP, error=APIConnectionError)] * 12,
            ),
            requests=0,
            within=10,
        ),
        Scenario(
            fault="Calls that time out, and a small quota",
            promise="The retry quota applies to timeouts too.",
            rest=on_request(Stall()),
            client={"retry": SMALL_QUOTA},
            query={"timeout": 0.15},
            at_least=0.8,
            calls=4,
            sees=(
                *[Raises(APITimeoutError, 2, ("timed out",))] * 2,
                *[Raises(APITimeoutError, 1, (USED_UP,))] * 2,
            ),
            requests=6,
        ),
        Scenario(
            fault="Every connection is closed when the client writes, and a small quota",
            promise="The retry quota applies to requests that may have been paid for too.",
            rest=on_connect(Close()),
            client={"retry": SMALL_QUOTA},
            calls=4,
            sees=Raises(APIConnectionError, range(1, 4), ("127.0.0.1",)),
            requests=0,
            connections=range(4, 7),
        ),
        Scenario(
            fault="10 calls, each of which fails once",
            promise="Each success returns what its retry cost, so the quota does not run out.",
            steps=(FAILS, GOOD) * 10,
            client={"retry": SMALL_QUOTA},
            calls=10,
            sees=Answers(attempts=2),
            requests=20,
        ),
        Scenario(
            fault="A failure, with `RetryPolicy(quota=0)`",
            promise="The client never retries.",
            rest=FAILS,
            client={"retry": RetryPolicy(quota=0)},
            sees=fails(1, USED_UP),
            requests=1,
        ),
        Scenario(
            fault="20 calls with a circuit breaker, and the service fails all the time",
            promise="The client makes five attempts; then every call fails at once with "
            "`CircuitOpenError` and its `retry_after`, and sends nothing.",
            rest=FAILS,
            client={"circuit_breaker": CircuitBreaker(failures=5, reset_after=60)},
            query={"max_retries": 0},
            calls=20,
            sees=(*[fails(1)] * 5, *[OPEN] * 15),
            requests=5,
            not_usable_after=STAYS_OPEN,
        ),
        Scenario(
            fault="The circuit opens during a call",
            promise="The call ends at that moment, with the error of its last attempt.",
            rest=FAILS,
            client={"circuit_breaker": CircuitBreaker(failures=2, reset_after=60)},
            query={"max_retries": 9},
            calls=2,
            sees=(fails(2), OPEN),
            requests=2,
            not_usable_after=STAYS_OPEN,
        ),
        Scenario(
            fault="The service works again when the circuit breaker's pause is over",
            promise="One call probes the service and is answered; so are all calls after it.",
            steps=(FAILS,) * 5,
            client=BREAKER,
            query={"max_retries": 0},
            calls=9,
            pause={7: 0.35},
            sees=(*[fails(1)] * 5, OPEN, *[Answers()] * 3),
            requests=8,
        ),
        Scenario(
            fault="The service still fails when the circuit breaker's pause is over",
            promise="One call probes the service and fails; the circuit stays open for another "
            "pause.",
            rest=FAILS,
            client=BREAKER,
            query={"max_retries": 2},
            calls=6,
            pause={4: 0.35},
            sees=(fails(3), fails(2), OPEN, fails(1), OPEN, OPEN),
            requests=6,
            not_usable_after=STAYS_OPEN,
        ),
        Scenario(
            fault="Timeouts, with a circuit breaker",
            promise="A timeout counts as a failure, and opens the circuit.",
            rest=on_request(Stall()),
            client={"circuit_breaker": CircuitBreaker(failures=2, reset_after=60)},
            query={"timeout": 0.15, "max_retries": 0},
            at_least=0.29,
            calls=4,
            sees=(*[Raises(APITimeoutError, 1, ("timed out",))] * 2, OPEN, OPEN),
            requests=2,
            not_usable_after=STAYS_OPEN,
        ),
        Scenario(
            fault="Connection refused, with a circuit breaker",
            promise="A refused connection counts as a failure, and opens the circuit.",
            listening=Listening.REFUSES,
            client={"circuit_breaker": CircuitBreaker(failures=2, reset_after=60)},
            query={"max_retries": 0},
            calls=4,
            sees=(*[fails(1, error=APIConnectionError)] * 2, OPEN, OPEN),
            requests=0,
            not_usable_after=STAYS_OPEN,
        ),
        Scenario(
            fault="Mistakes of the caller, with a circuit breaker",
            promise="The circuit stays closed, as a service that answers 401 works.",
            rest=on_request(error(401)),
            client={"circuit_breaker": CircuitBreaker(failures=2, reset_after=60)},
            calls=5,
            sees=Raises(AuthenticationError, 1, ("401",), status=401),
            requests=5,
        ),
        Scenario(
            fault="Throttling, with a circuit breaker",
            promise="The circuit stays closed, as a service that answers 429 works.",
            rest=THROTTLES,
            client={"circuit_breaker": CircuitBreaker(failures=2, reset_after=60)},
            query={"max_retries": 0},
            calls=5,
            sees=Raises(RateLimitError, 1, ("429",), status=429),
            requests=5,
        ),
        Scenario(
            fault="An outage, with a fallback",
            promise="After all attempts, the call returns the fallback's answer, marked as such.",
            rest=FAILS,
            client={"fallback": fallback},
            sees=Answers(attempts=3, value=FALLBACK_ANSWER),
            requests=3,
        ),
        Scenario(
            fault="Connection refused, with a fallback",
            promise="The call returns the fallback's answer.",
            listening=Listening.REFUSES,
            client={"fallback": fallback},
            sees=Answers(attempts=3, value=FALLBACK_ANSWER),
            requests=0,
        ),
        Scenario(
            fault="An outage, with a circuit breaker and a fallback",
            promise="Each call returns the fallback's answer, and does so at once while the "
            "circuit is open.",
            rest=FAILS,
            client={
                "fallback": fallback,
                "circuit_breaker": CircuitBreaker(failures=3, reset_after=60),
            },
            calls=5,
            sees=(
                Answers(attempts=3, value=FALLBACK_ANSWER),
                *[Answers(attempts=0, value=FALLBACK_ANSWER)] * 4,
            ),
            requests=3,
            not_usable_after=STAYS_OPEN,
        ),
        Scenario(
            fault="A wrong key, with a fallback",
            promise="`AuthenticationError`, as a fallback does not hide a mistake of the caller.",
            rest=on_request(error(401)),
            client={"fallback": fallback},
            sees=Raises(AuthenticationError, 1, ("401",), status=401),
            requests=1,
        ),
    ),
)
