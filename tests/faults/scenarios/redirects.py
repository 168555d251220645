"""Redirects, which are never followed, because the key would be sent to their target."""

from __future__ import annotations

from faults.behaviour import answer, on_request
from faults.scenario import BOTH, HTTP, Group, Raises, Scenario

from vectorcache import APIStatusError

PROMISE = "`APIStatusError` that names the target's host; never followed, never retried."


def redirect(
    status: int,
    location: str | None,
    says: str,
    fault: str,
    over: tuple[str, ...] = HTTP,
    not_says: tuple[str, ...] = (),
) -> Scenario:
    return Scenario(
        fault=fault,
        promise=PROMISE if location else "`APIStatusError`, never retried.",
        steps=(
            on_request(
                answer(status=status, headers={"Location": location} if location else {}, raw=b"")
            ),
        ),
        sees=Raises(APIStatusError, 1, (f"{status} ", says), not_says, status=status),
        requests=1,
        connections=1,
        over=over,
    )


ELSEWHERE = "https://elsewhere.example/v1/cache/query"

GROUP = Group(
    "Redirects",
    (
        *(
            redirect(
                status, ELSEWHERE, "redirect to elsewhere.example", f"`{status}` to another host"
            )
            for status in (300, 301, 302, 303, 305, 307)
        ),
        redirect(308, ELSEWHERE, "elsewhere.example", "`308` to another host", BOTH),
        redirect(304, None, "redirect", "`304` that the client did not ask for"),
        redirect(302, None, "redirect", "`302` without a target"),
        redirect(
            307, "/v2/cache/query", "/v2/cache/query", "`307` to another path of the same server"
        ),
        redirect(
            301,
            "http://localhost/x",
            "redirect to localhost",
            "`301` from `https://` to `http://`",
            BOTH,
        ),
        redirect(
            302,
            "//user:secret@elsewhere.example:8443/?token=secret#secret",
            "redirect to elsewhere.example:8443",
            "`302` to a target with a password and a query",
            not_says=("secret",),
        ),
        redirect(302, "javascript:alert(1)", "redirect", "`302` to something that is not a URL"),
        redirect(302, "https://[::1", "redirect to [::1", "`302` to a URL that is cut off"),
        redirect(
            307,
            "https://" + 5_000 * "a",
            "redirect to aaa",
            "`307` to a host name of 5,000 letters",
        ),
    ),
)
