"""Every kind of status that a server or a proxy can answer with."""

from __future__ import annotations

from faults.behaviour import HalfClose, Read, Send, answer, error, on_connect, on_request
from faults.scenario import BOTH, HTTP, Answers, Group, Raises, Scenario

from vectorcache import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    LLMProviderError,
    NotCacheableError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServiceUnavailableError,
)

NEVER_RETRIED: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    422: NotCacheableError,
    **dict.fromkeys(
        (402, 405, 406, 409, 410, 411, 413, 414, 415, 418, 421, 431, 451, 499), APIStatusError
    ),
    **dict.fromkeys((501, 505, 507, 508, 511, 531, 599), InternalServerError),
    **dict.fromkeys((201, 202, 203, 205, 206, 226, 299, 600, 799, 999), APIStatusError),
}
RETRIED: dict[int, type[APIStatusError]] = {
    408: APIStatusError,
    425: APIStatusError,
    500: InternalServerError,
    502: LLMProviderError,
    503: ServiceUnavailableError,
    504: InternalServerError,
    **dict.fromkeys(range(520, 531), InternalServerError),
}
DETAIL = 'because of "this"'


def never_retried(status: int, kind: type[APIStatusError]) -> Scenario:
    return Scenario(
        fault=f"`{status}`",
        promise=f"`{kind.__name__}` that quotes the service, never retried.",
        rest=on_request(error(status, DETAIL)),
        sees=Raises(kind, 1, (f"{status} ", DETAIL), status=status, body={"detail": DETAIL}),
        requests=1,
        connections=1,
        over=BOTH if status == 401 else HTTP,
    )


def retried(status: int, kind: type[APIStatusError]) -> tuple[Scenario, Scenario]:
    return (
        Scenario(
            fault=f"`{status}` once",
            promise="Retried, and then answered.",
            steps=(on_request(error(status)),),
            sees=Answers(attempts=2),
            requests=2,
            connections=1,
        ),
        Scenario(
            fault=f"`{status}` always",
            promise=f"`{kind.__name__}` after all attempts.",
            rest=on_request(error(status, DETAIL)),
            sees=Raises(kind, 3, (f"{status} ", DETAIL, "3 attempts"), status=status),
            requests=3,
            connections=1,
            over=BOTH if status == 503 else HTTP,
        ),
    )


QUOTA = {"detail": "Monthly quota exceeded", "current_usage": 10_000, "monthly_limit": 10_000}

# FastAPI puts the argument of an HTTPException into ``detail``.
QUOTA_INSIDE = {"message": "No requests left", "current_usage": 5, "monthly_limit": 5}

GROUP = Group(
    "Statuses",
    (
        *(never_retried(status, kind) for status, kind in NEVER_RETRIED.items()),
        *(scenario for status, kind in RETRIED.items() for scenario in retried(status, kind)),
        Scenario(
            fault="`429`, twice",
            promise="Retried, and then answered.",
            steps=(on_request(error(429)),) * 2,
            sees=Answers(attempts=3),
            requests=3,
        ),
        Scenario(
            fault="`429` always",
            promise="`RateLimitError` after all attempts.",
            rest=on_request(error(429, DETAIL)),
            sees=Raises(RateLimitError, 3, ("429 rate limit exceeded", DETAIL), status=429),
            requests=3,
        ),
        Scenario(
            fault="`429`, the monthly quota is used up",
            promise="`QuotaExceededError` with both figures, never retried, even if the answer has "
            "`Retry-After`.",
            rest=on_request(answer(QUOTA, status=429, headers={"Retry-After": "1"})),
            sees=Raises(
                QuotaExceededError,
                1,
                ("monthly quota used up (10,000 of 10,000)", "Monthly quota exceeded"),
                status=429,
                retry_after=1.0,
                body=QUOTA,
                details={"current_usage": 10_000, "monthly_limit": 10_000},
            ),
            requests=1,
        ),
        Scenario(
            fault="`429`, the monthly quota is used up, with one figure",
            promise="`QuotaExceededError` with that figure.",
            rest=on_request(answer({"monthly_limit": 10_000}, status=429)),
            sees=Raises(
                QuotaExceededError,
                1,
                ("monthly quota used up",),
                status=429,
                details={"current_usage": None, "monthly_limit": 10_000},
            ),
            requests=1,
        ),
        *(
            Scenario(
                fault=f"`429`, the monthly quota is used up, with the figures inside `{name}`",
                promise="`QuotaExceededError` with both figures that quotes the text inside, never "
                "retried.",
                rest=on_request(answer({name: QUOTA_INSIDE}, status=429)),
                sees=Raises(
                    QuotaExceededError,
                    1,
                    ("monthly quota used up (5 of 5)", "No requests left"),
                    status=429,
                    body={name: QUOTA_INSIDE},
                    details={"current_usage": 5, "monthly_limit": 5},
                ),
                requests=1,
            )
            for name in ("detail", "error")
        ),
        Scenario(
            fault="`429`, the monthly quota is used up, with invalid figures",
            promise="`QuotaExceededError` without figures.",
            rest=on_request(answer({"current_usage": "lots", "monthly_limit": [1]}, status=429)),
            sees=Raises(
                QuotaExceededError,
                1,
                ("monthly quota used up",),
                status=429,
                details={"current_usage": None, "monthly_limit": None},
            ),
            requests=1,
        ),
        Scenario(
            fault="Three different failures",
            promise="The last failure is raised, and its message lists the others.",
            steps=(
                on_request(error(500, "overloaded")),
                on_request(error(503, "down")),
                on_request(error(502, "no provider")),
            ),
            sees=Raises(
                LLMProviderError,
                3,
                ("no provider", "before that: 500 internal server error", "overloaded", "down"),
                status=502,
            ),
            requests=3,
        ),
        Scenario(
            fault="A failure that is retried, and then one that is not",
            promise="The second failure ends the call.",
            steps=(on_request(error(500)), on_request(error(401))),
            sees=Raises(AuthenticationError, 2, ("401", "before that: 500"), status=401),
            requests=2,
        ),
        Scenario(
            fault="`500`, with `max_retries=0`",
            promise="`InternalServerError` after one attempt.",
            rest=on_request(error(500)),
            query={"max_retries": 0},
            sees=Raises(InternalServerError, 1, ("1 attempt",), status=500),
            requests=1,
        ),
        Scenario(
            fault="`413` while a big request is still being sent",
            promise="`APIStatusError` with the status, never retried.",
            rest=on_connect(
                Read(1_000),
                Send(error(413, "too big")),
                HalfClose(),
            ),
            query={"context": 12_000_000 * "x"},
            sees=Raises(APIStatusError, 1, ("413", "too big"), status=413),
            requests=0,
        ),
    ),
)
