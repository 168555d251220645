"""Hints of the service on how long to wait before a retry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faults.behaviour import Close, Step, answer, on_request
from faults.scenario import Answers, Group, Raises, Scenario

from vectorcache import (
    InternalServerError,
    QuotaExceededError,
    RateLimitError,
    RetryPolicy,
    ServiceUnavailableError,
)

# The date in the answers, which is far from the date of this machine.
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
UNIX = 784_111_777
A_SECOND_LATER = "Sun, 06 Nov 1994 08:49:38 GMT"
AN_HOUR_LATER = "Sun, 06 Nov 1994 09:49:37 GMT"

# The back-off is so long that no call could wait for it and still end in time.
ONLY_HINTS = RetryPolicy(transient_backoff=1e6, throttled_backoff=1e6, max_backoff=1e6)


def hint(
    headers: Mapping[str, str] | None = None, body: Any = None, status: int = 429, date: str = DATE
) -> Step:
    body = {"detail": "because"} if body is None else body
    return on_request(answer(body, status=status, headers={"Date": date, **(headers or {})}))


def retried_after(
    fault: str,
    seconds: float,
    headers: Mapping[str, str] | None = None,
    body: Any = None,
    status: int = 429,
) -> Scenario:
    return Scenario(
        fault=fault,
        promise=f"Retried after {seconds:g} s, neither earlier nor much later.",
        steps=(hint(headers, body, status),),
        sees=Answers(attempts=2),
        requests=2,
        at_least=seconds,
        within=seconds + 0.5,
    )


def hint_ignored(
    fault: str,
    headers: Mapping[str, str] | None = None,
    body: Any = None,
    status: int = 429,
    date: str = DATE,
) -> Scenario:
    return Scenario(
        fault=fault,
        promise="The client ignores the hint, and uses its own back-off.",
        steps=(hint(headers, body, status, date),),
        sees=Answers(attempts=2),
        requests=2,
        within=0.5,
    )


def raised_at_once(
    fault: str,
    seconds: float,
    headers: Mapping[str, str] | None = None,
    body: Any = None,
    status: int = 429,
    query: Mapping[str, Any] | None = None,
    says: str = "try again in",
) -> Scenario:
    return Scenario(
        fault=fault,
        promise="The error is raised at once with `retry_after`, so that the caller can decide.",
        rest=hint(headers, body, status),
        query=query or {},
        sees=Raises(
            RateLimitError if status == 429 else ServiceUnavailableError,
            1,
            (str(status), says),
            status=status,
            retry_after=seconds,
        ),
        requests=1,
        within=0.5,
    )


GROUP = Group(
    "Wait hints",
    (
        retried_after("`Retry-After` with decimals", 0.2, {"Retry-After": "0.2"}),
        retried_after("`Retry-After` on `503`", 0.2, {"Retry-After": "0.2"}, status=503),
        retried_after("`Retry-After` on `500`", 0.2, {"Retry-After": "0.2"}, status=500),
        retried_after("`Retry-After` in whole seconds", 1, {"Retry-After": "1"}),
        retried_after("`Retry-After` with blanks around it", 0.3, {"Retry-After": "  0.3 "}),
        retried_after("`Retry-After` as an HTTP date", 1, {"Retry-After": A_SECOND_LATER}),
        retried_after("`retry_after` in the body", 0.3, body={"error": "slow", "retry_after": 0.3}),
        retried_after("`retry_after` as a text", 0.3, body={"error": "slow", "retry_after": "0.3"}),
        retried_after(
            "`retry_after` in the body of a `503`",
            0.3,
            body={"error": "down", "retry_after": 0.3},
            status=503,
        ),
        retried_after(
            "`retry_after` inside `detail`",
            0.3,
            body={"detail": {"error": "slow", "retry_after": 0.3}},
        ),
        retried_after(
            "`retry_after` inside `error`, on `500`",
            0.3,
            body={"error": {"message": "slow", "retry_after": 0.3}},
            status=500,
        ),
        retried_after("`X-RateLimit-Reset` in seconds", 0.3, {"X-RateLimit-Reset": "0.3"}),
        retried_after(
            "Header and body, the header shorter",
            0.3,
            {"Retry-After": "0.3"},
            {"retry_after": 50},
        ),
        retried_after(
            "Header and body, the header longer",
            0.5,
            {"Retry-After": "0.5"},
            {"retry_after": 0.01},
        ),
        retried_after(
            "An invalid `Retry-After`, and a valid `retry_after` in the body",
            0.3,
            {"Retry-After": "soon"},
            {"retry_after": 0.3},
        ),
        retried_after(
            "`retry_after` in the body, and a longer `X-RateLimit-Reset`",
            0.3,
            {"X-RateLimit-Reset": "50"},
            {"retry_after": 0.3},
        ),
        Scenario(
            fault="A different hint on each attempt",
            promise="The client waits as long as each hint says; its back-off would take days.",
            client={"retry": ONLY_HINTS},
            steps=(hint({"Retry-After": "0.2"}), hint({"Retry-After": "0.4"}, status=503)),
            sees=Answers(attempts=3),
            requests=3,
            at_least=0.6,
            within=1.1,
        ),
        *(
            hint_ignored(f"`Retry-After` that is {kind}", {"Retry-After": value})
            for kind, value in {
                "0": "0",
                "negative": "-5",
                "empty": "",
                "a word": "soon",
                "`nan`": "nan",
                "`inf`": "inf",
                "a number with an exponent": "1e1",
                "hexadecimal": "0x10",
                "longer than a year": "99999999",
                "a number of 400 digits": 400 * "9",
                "a list": "5, 10",
                "a date in the past": "Sun, 06 Nov 1994 08:49:07 GMT",
                "a date with an invalid day": "Sun, 99 Nov 1994 08:49:38 GMT",
                "a date in 8,000 years": "Sun, 06 Nov 9994 08:49:38 GMT",
                "a time without a date": "08:49:38",
            }.items()
        ),
        *(
            hint_ignored(f"`retry_after` in the body that is {kind}", body={"retry_after": value})
            for kind, value in {
                "negative": -1,
                "true": True,
                "null": None,
                "a list": [60],
                "an object": {"seconds": 60},
                "a number of 400 digits": 10**400,
            }.items()
        ),
        hint_ignored("`retry_after` in a body that is a list", body=[{"retry_after": 60}]),
        hint_ignored("`X-RateLimit-Reset` that is 0", {"X-RateLimit-Reset": "0"}),
        hint_ignored("`X-RateLimit-Reset` that is a word", {"X-RateLimit-Reset": "soon"}),
        hint_ignored("`X-RateLimit-Reset` in the past", {"X-RateLimit-Reset": f"{UNIX - 60}"}),
        hint_ignored("`X-RateLimit-Reset` on `503`", {"X-RateLimit-Reset": "50"}, status=503),
        raised_at_once("`Retry-After` above the cap of 60 s", 61.0, {"Retry-After": "61"}),
        raised_at_once("`retry_after` above the cap of 60 s", 3_600.0, body={"retry_after": 3_600}),
        raised_at_once(
            "`Retry-After` of a day, on `503`", 86_400.0, {"Retry-After": "86400"}, status=503
        ),
        *(
            raised_at_once(f"{name}, an hour ahead", 3_600.0, {header: value})
            for name, header, value in (
                ("`Retry-After` as an HTTP date", "Retry-After", AN_HOUR_LATER),
                (
                    "`Retry-After` as a date of RFC 850",
                    "Retry-After",
                    "Sunday, 06-Nov-94 09:49:37 GMT",
                ),
                (
                    "`Retry-After` as a date of C's `asctime`",
                    "Retry-After",
                    "Sun Nov  6 09:49:37 1994",
                ),
                ("`X-RateLimit-Reset` in seconds", "X-RateLimit-Reset", "3600"),
            )
        ),
        raised_at_once(
            "A hint longer than the deadline",
            27.0,
            {"Retry-After": "27"},
            query={"deadline": 5},
            says="the deadline of 5 s leaves no time for another attempt",
        ),
        raised_at_once(
            "A hint, and no retries left", 7.0, {"Retry-After": "7"}, query={"max_retries": 0}
        ),
        Scenario(
            fault="A hint above `RetryPolicy(max_retry_after=0.2)`",
            promise="`RateLimitError` at once, with `retry_after`.",
            client={"retry": RetryPolicy(max_retry_after=0.2)},
            rest=hint({"Retry-After": "0.3"}),
            sees=Raises(RateLimitError, 1, ("429",), status=429, retry_after=0.3),
            requests=1,
            within=0.3,
        ),
        Scenario(
            fault="A hint on `429` for the monthly quota",
            promise="`QuotaExceededError` at once, with `retry_after`.",
            rest=hint({"Retry-After": "0.3"}, {"current_usage": 1, "monthly_limit": 1}),
            sees=Raises(QuotaExceededError, 1, ("429",), status=429, retry_after=0.3),
            requests=1,
            within=0.3,
        ),
        Scenario(
            fault="A hint on `501`",
            promise="The hint changes nothing: a `501` is never retried.",
            rest=hint({"Retry-After": "0.1"}, status=501),
            sees=Raises(InternalServerError, 1, ("501",), status=501, retry_after=0.1),
            requests=1,
        ),
        Scenario(
            fault="A hint, and the connection is closed during the wait",
            promise="The client waits as asked; the closed connection does not count as a failure.",
            steps=(
                on_request(
                    answer({"detail": "x"}, status=503, headers={"Retry-After": "0.3"}), Close()
                ),
            ),
            query={"max_retries": 1},
            sees=Answers(attempts=2),
            requests=2,
            connections=2,
            at_least=0.3,
        ),
    ),
)
