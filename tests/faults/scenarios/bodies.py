"""Bodies of error statuses: the status decides which error is raised, whatever the body is."""

from __future__ import annotations

import gzip
import json
from typing import Any

from clients import KEY
from faults.behaviour import Forever, Stall, answer, chunk, head, on_request, packed
from faults.scenario import Answers, Group, Raises, Scenario, lasts

from vectorcache import (
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    LLMProviderError,
    NotFoundError,
    ServiceUnavailableError,
)


def error_in_json(fault: str, body: Any, *words: str) -> Scenario:
    return Scenario(
        fault=fault,
        promise="The message quotes the service where the body has a text; `error.body` is the "
        "parsed body.",
        rest=on_request(answer(body, status=400)),
        sees=Raises(BadRequestError, 1, ("400 bad request", *words), status=400, body=body),
        requests=1,
    )


def other_body(
    fault: str,
    raw: bytes,
    *words: str,
    body: Any = ...,
    not_says: tuple[str, ...] = (),
    content_type: str = "text/html",
) -> Scenario:
    return Scenario(
        fault=fault,
        promise="The status decides the error; its message has a short, cleaned excerpt.",
        rest=on_request(answer(raw=raw, status=404, headers={"Content-Type": content_type})),
        sees=Raises(NotFoundError, 1, ("404 not found", *words), not_says, status=404, body=body),
        requests=1,
    )


PAGE = b"<!doctype html><html><head><title>502</title><style>p {}</style></head><h1>Bad Gateway"
DETAILS = [{"loc": ["body", "prompt"], "msg": "Field required", "type": "missing"}]

GROUP = Group(
    "Bodies of errors",
    (
        error_in_json(
            "`detail` as a text", {"detail": "must be between 0 and 1"}, '"must be between 0 and'
        ),
        error_in_json("`detail` as a list", {"detail": DETAILS}, "body.prompt: Field required"),
        error_in_json("`detail` as a list of texts", {"detail": ["one", "two"]}, "one; two"),
        error_in_json(
            "`message` beside `error`", {"error": "bad", "message": "It is bad."}, "It is bad."
        ),
        error_in_json("`error` alone", {"error": "bad_request"}, "bad_request"),
        error_in_json("`error` as an object", {"error": {"message": "nested"}}, "nested"),
        error_in_json("An object without a text", {"code": 7}),
        error_in_json(
            "`detail` of a wrong type, and `message`",
            {"detail": 7, "message": "It is bad."},
            "It is bad.",
        ),
        error_in_json("A JSON text", "just text", "just text"),
        error_in_json("A JSON list", ["a", "b"]),
        error_in_json("A JSON number", 7),
        error_in_json("A JSON boolean", True),
        error_in_json("A `detail` of 100,000 letters", {"detail": 100_000 * "x"}, 200 * "x"),
        other_body("A proxy's HTML page", PAGE, '"Bad Gateway"', not_says=("<", "p {}")),
        other_body("No body", b"", body=None),
        other_body("JSON `null`", b"null"),
        other_body("A text", b"no such page", "no such page", body="no such page"),
        other_body("Half of a JSON object", b'{"detail": "no', '{"detail": "no'),
        other_body("Bytes that are not text", bytes(range(128, 256)), "404"),
        other_body("JSON in UTF-16", json.dumps({"detail": "no"}).encode("utf-16")),
        other_body(
            "Control characters and escape sequences of terminals",
            b"\x1b[31mred\x00\x07\r\nalert\x1b[0m",
            "red",
            not_says=("\x1b", "\x00", "\n"),
        ),
        other_body("Hostile nesting", 100_000 * b"[", "[[["),
        other_body("A number of 10,000 digits", b'{"detail": ' + 10_000 * b"1" + b"}", "111"),
        other_body("JSON with `NaN`", b'{"detail": NaN}', "NaN"),
        other_body(
            "JSON with the content type of HTML", b'{"detail": "no"}', '"no"', body={"detail": "no"}
        ),
        other_body(
            "HTML with the content type of JSON",
            PAGE,
            "Bad Gateway",
            content_type="application/json",
        ),
        other_body("A script of 1 MB", b"<script>" + 1_000_000 * b"x" + b"</script>gone", "404"),
        Scenario(
            fault="A `502` from a proxy",
            promise="`LLMProviderError` that does not blame the LLM, as only the service can know.",
            rest=on_request(answer(raw=PAGE, status=502)),
            sees=Raises(
                LLMProviderError, 3, ("502 bad gateway",), ("LLM provider failed",), status=502
            ),
            requests=3,
        ),
        Scenario(
            fault="A `502` from the service",
            promise="`LLMProviderError` whose message quotes the provider.",
            rest=on_request(answer({"detail": "openai: overloaded"}, status=502)),
            sees=Raises(
                LLMProviderError, 3, ("LLM provider failed", "openai: overloaded"), status=502
            ),
            requests=3,
        ),
        Scenario(
            fault="A gzipped body",
            promise="The client unpacks the body, and the message quotes it.",
            rest=on_request(packed(gzip.compress(b'{"detail": "packed words"}'), status=400)),
            sees=Raises(BadRequestError, 1, ("packed words",), status=400),
            requests=1,
        ),
        Scenario(
            fault="A body whose compression is broken",
            promise="The status decides the error.",
            rest=on_request(packed(b"this is not gzip", status=503)),
            sees=Raises(ServiceUnavailableError, 3, ("503",), status=503, body=None),
            requests=3,
        ),
        Scenario(
            fault="A body in an encoding that the client does not accept",
            promise="The status decides the error.",
            rest=on_request(packed(b"brotli", encoding="br", status=401)),
            sees=Raises(AuthenticationError, 1, ("401",), status=401, body=None),
            requests=1,
        ),
        Scenario(
            fault="A body above `max_response_bytes`",
            promise="The status decides the error.",
            client={"max_response_bytes": 1_000},
            rest=on_request(answer({"detail": 2_000 * "x"}, status=500)),
            sees=Raises(InternalServerError, 3, ("500",), status=500, body=None),
            requests=3,
        ),
        Scenario(
            fault="An endless body",
            promise="The status decides the error, after `max_response_bytes` have arrived.",
            client={"max_response_bytes": 100_000},
            rest=on_request(
                head("Transfer-Encoding: chunked", status="401 No"), Forever(chunk(4_000 * b"x"))
            ),
            sees=Raises(AuthenticationError, 1, ("401",), status=401),
            requests=1,
        ),
        Scenario(
            fault="A body that stalls until the deadline",
            promise="The status decides the error, which is raised at the deadline.",
            rest=on_request(head("Content-Length: 9", status="401 No"), Stall()),
            query={"deadline": 0.3},
            sees=Raises(
                AuthenticationError, 1, ("401", "0 of 9 bytes arrived"), status=401, cause=None
            ),
            requests=1,
            **lasts(0.3),
        ),
        Scenario(
            fault="A body that stalls, of a status that is retried",
            promise="The call ends the attempt after `timeout`, and retries.",
            steps=(on_request(head("Content-Length: 9", status="503 No"), Stall()),),
            query={"timeout": 0.3},
            sees=Answers(attempts=2),
            requests=2,
            **lasts(0.3),
        ),
        Scenario(
            fault="A service that repeats the key",
            promise="The error does not contain the key: it is removed from the message, the body "
            "and the request id.",
            rest=on_request(
                answer(
                    {"detail": f"Invalid API key {KEY}"},
                    status=401,
                    headers={"X-Request-Id": f"for-{KEY}", "X-Echo": f"Bearer {KEY}"},
                )
            ),
            sees=Raises(
                AuthenticationError,
                1,
                ("Invalid API key [key removed]",),
                status=401,
                details={"request_id": "for-[key removed]"},
            ),
            requests=1,
            echoes_key=True,
        ),
        Scenario(
            fault="A page that repeats the request's headers",
            promise="The error does not contain the key.",
            rest=on_request(
                answer(raw=f"<pre>Authorization: Bearer {KEY}</pre>".encode(), status=500)
            ),
            sees=Raises(InternalServerError, 3, ("Bearer [key removed]",), status=500),
            requests=3,
        ),
        Scenario(
            fault="The key in JSON, written with escape sequences",
            promise="The error does not contain the key.",
            rest=on_request(
                answer(
                    raw=b'{"detail": "' + "".join(f"\\u{ord(c):04x}" for c in KEY).encode() + b'"}',
                    status=401,
                )
            ),
            sees=Raises(AuthenticationError, 1, ("401",), status=401),
            requests=1,
        ),
        Scenario(
            fault="The key in a page, written with HTML entities",
            promise="The error does not contain the key.",
            rest=on_request(
                answer(
                    raw=b"<p>" + "".join(f"&#{ord(c)};" for c in KEY).encode() + b"</p>", status=401
                )
            ),
            sees=Raises(AuthenticationError, 1, ("401",), status=401),
            requests=1,
        ),
        Scenario(
            fault="The key in a redirect",
            promise="The error does not contain the key.",
            rest=on_request(answer(status=302, headers={"Location": f"/login/{KEY}"}, raw=b"")),
            sees=Raises(APIStatusError, 1, ("302",), status=302),
            requests=1,
            echoes_key=True,
        ),
        Scenario(
            fault="The key in a line that is not a header",
            promise="The error does not contain the key, and has no cause, which would contain it.",
            rest=on_request(f"HTTP/1.1 200 OK\r\nno header {KEY}\r\n\r\n".encode()),
            sees=Raises(APIConnectionError, 2, ("broke",), cause=False),
            requests=2,
            echoes_key=True,
        ),
        Scenario(
            fault="A request id of 5,000 letters",
            promise="The error keeps the first 128 characters.",
            rest=on_request(answer(status=400, headers={"X-Request-Id": 5_000 * "a"})),
            sees=Raises(
                BadRequestError, 1, ("400",), status=400, details={"request_id": 128 * "a"}
            ),
            requests=1,
        ),
    ),
)
