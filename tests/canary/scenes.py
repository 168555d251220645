"""Answers of a service or a proxy that repeat the key wherever they can."""

from __future__ import annotations

import socket

from canary.key import CANARY
from servers import HIT, MISS, Step, answer, hang_up

BEARER = f"Bearer {CANARY}"
_ESCAPED = "".join(f"\\u{ord(character):04x}" for character in CANARY)
_ENTITIES = "".join(f"&#{ord(character)};" for character in CANARY)
_ECHOES = {"X-Request-Id": CANARY, "X-Echo": BEARER, "Set-Cookie": f"key={CANARY}"}


def cut(raw: bytes) -> Step:
    """Sends these bytes and closes the connection."""

    def step(connection: socket.socket) -> None:
        connection.sendall(raw)

    return step


# What is wrong with the service → what it sends as the answer to each request.
SCENES: dict[str, Step] = {
    "hit": answer(),
    "miss": answer(MISS),
    "debug": answer({**HIT, "debug": {"embedding_time_ms": 1, "shard": 3}, "new": {"a": [1]}}),
    "echo in the headers of a hit": answer(headers=_ECHOES),
    "echo in a header's name": answer(headers={CANARY: "x"}),
    "echo in JSON": answer({"detail": f"no such key: {CANARY}"}, status=401),
    "echo in other fields": answer(
        {"error": CANARY, "message": BEARER, CANARY: [{CANARY: CANARY}]}, status=403
    ),
    "echo in a validation error": answer(
        {"detail": [{"loc": ["header", BEARER], "msg": CANARY, "type": "x"}]}, status=422
    ),
    "echo in JSON, escaped": answer(raw=f'{{"detail": "{_ESCAPED}"}}'.encode(), status=400),
    "echo in a quota": answer({"current_usage": CANARY, "monthly_limit": BEARER}, status=429),
    "echo in HTML": answer(raw=f"<p>{BEARER}</p>".encode(), status=502),
    "echo in HTML, escaped": answer(raw=f"<p>{_ENTITIES}</p>".encode(), status=504),
    "echo in headers": answer({"detail": "x"}, status=500, headers=_ECHOES),
    "echo in a hint": answer({"retry_after": BEARER}, status=503, headers={"Retry-After": BEARER}),
    "echo in the status line": f"HTTP/1.1 404 {BEARER}\r\nContent-Length: 0\r\n\r\n".encode(),
    "echo in a broken status line": cut(f"{BEARER} is not a status line\r\n\r\n".encode()),
    "echo in no header": cut(f"HTTP/1.1 200 OK\r\nno header {CANARY}\r\n\r\n".encode()),
    "echo in a coding": answer(headers={"Content-Encoding": CANARY}),
    "echo in a length": cut(f"HTTP/1.1 200 OK\r\nContent-Length: {CANARY}\r\n\r\n".encode()),
    "echo in a chunk": cut(
        f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{CANARY}\r\n".encode()
    ),
    "echo in a body that is not JSON": answer(raw=BEARER.encode()),
    "echo in a JSON text": answer(raw=f'"{_ESCAPED}"'.encode()),
    "echo in a field of no type": answer({**HIT, "cost_saved": CANARY}),
    "redirect to a path": answer(status=307, headers={"Location": f"/login/{CANARY}?k={CANARY}"}),
    "redirect to a host": answer(status=301, headers={"Location": f"https://{CANARY}.example/"}),
    "redirect with a user": answer(status=302, headers={"Location": f"//{CANARY}@other.example"}),
    "cut in the body": cut(answer()[:-9]),
    "cut in an echo": cut(answer({"detail": CANARY}, status=400)[:-4]),
    "cut in the head": cut(f"HTTP/1.1 200 OK\r\nX-Echo: {CANARY}".encode()),
    "nothing": hang_up,
}
