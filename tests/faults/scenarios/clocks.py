"""Clocks that are wrong, and hints whose meaning depends on a clock."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime

from faults.behaviour import answer, on_request
from faults.scenario import Answers, Group, Raises, Scenario, lasts
from faults.scenarios.hints import AN_HOUR_LATER, hint, hint_ignored
from faults.scenarios.slow import WAYS

from vectorcache import APITimeoutError, RateLimitError, ServiceUnavailableError


def compared_with_date(
    fault: str, clock: Callable[[float], float], headers: Mapping[str, str] | None = None
) -> Scenario:
    return Scenario(
        fault=fault,
        promise="The hint is compared with the answer's own `Date`, so `retry_after` is an hour.",
        clock=clock,
        steps=(hint(headers or {"Retry-After": AN_HOUR_LATER}),),
        sees=Raises(RateLimitError, 1, ("429",), status=429, retry_after=3_600.0),
        requests=1,
        within=0.5,
    )


_jumps = itertools.cycle((-1e6, 0.0, 1e6))

GROUP = Group(
    "Clocks",
    (
        compared_with_date("The machine's clock is a day ahead", lambda now: now + 86_400),
        compared_with_date("The machine's clock is a day behind", lambda now: now - 86_400),
        compared_with_date("The machine's clock stands at 1970", lambda _: 0.0),
        compared_with_date(
            "The machine's clock jumps whenever it is read", lambda now: now + next(_jumps)
        ),
        compared_with_date(
            "The machine's clock is a day ahead, and `X-RateLimit-Reset` is in seconds",
            lambda now: now + 86_400,
            {"X-RateLimit-Reset": "3600"},
        ),
        Scenario(
            fault="The machine's clock jumps while a call waits before a retry",
            promise="The client waits as long as the service asked.",
            clock=lambda now: now + next(_jumps),
            steps=(hint({"Retry-After": "0.3"}),),
            sees=Answers(attempts=2),
            requests=2,
            at_least=0.3,
            within=0.8,
        ),
        Scenario(
            fault="The machine's clock jumps while a call waits for its answer",
            promise="`APITimeoutError` at the deadline, which runs on a clock that cannot jump.",
            clock=lambda now: now + next(_jumps),
            rest=on_request(*WAYS["The body a byte at a time"][0]),
            query={"deadline": 0.4},
            sees=Raises(APITimeoutError, 1, ("timed out after 0.4 s",), status=200),
            requests=1,
            **lasts(0.4),
        ),
        Scenario(
            fault="`Retry-After` is a date, in an answer without `Date`",
            promise="The hint is compared with this machine's clock.",
            steps=(
                on_request(
                    answer(
                        {"detail": "x"},
                        status=503,
                        headers={
                            "Retry-After": format_datetime(
                                datetime(2040, 1, 1, 1, tzinfo=UTC), usegmt=True
                            )
                        },
                    )
                ),
            ),
            clock=lambda _: datetime(2040, 1, 1, tzinfo=UTC).timestamp(),
            sees=Raises(ServiceUnavailableError, 1, ("503",), status=503, retry_after=3_600.0),
            requests=1,
            within=0.5,
        ),
        hint_ignored(
            "`Retry-After` is a date, and `Date` is not a valid date",
            {"Retry-After": "Sun, 06 Nov 1994 08:49:38 GMT"},
            date="yesterday",
        ),
    ),
)
