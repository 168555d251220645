"""A service that takes 50 ms for each prompt, repeats the prompt in its answer, and counts.

python benchmarks/batch_stub.py [MILLISECONDS]   prints its port, and ends when its input does

It answers as Vectorcache does, and for comparison as LangCache and OpenAI do. ``GET /counts``
tells how many requests and connections there were since the last time.
"""

from __future__ import annotations

import asyncio
import json
import sys

_DELAY = float(sys.argv[1]) / 1_000 if len(sys.argv) > 1 else 0.05


def _vectorcache(prompt: str) -> object:
    return {
        "cache_hit": True,
        "response": prompt,
        "similarity_score": 0.94,
        "cost_saved": 0.0023,
        "llm_provider": "cache",
    }


def _langcache(prompt: str) -> object:
    entry = {"id": "1", "prompt": prompt, "response": prompt, "attributes": {}, "similarity": 0.94}
    return {"data": [{**entry, "searchStrategy": "semantic"}]}


def _openai(prompt: str) -> object:
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": prompt},
    }
    return {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}


class _Counts:
    requests = 0
    connections = 0
    open = 0
    most = 0


class _Service(asyncio.Protocol):
    def __init__(self) -> None:
        self._data = b""
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        _Counts.connections += 1
        _Counts.open += 1
        _Counts.most = max(_Counts.most, _Counts.open)

    def connection_lost(self, exc: Exception | None) -> None:
        _Counts.open -= 1

    def data_received(self, data: bytes) -> None:
        self._data += data
        while b"\r\n\r\n" in self._data:
            head, _, rest = self._data.partition(b"\r\n\r\n")
            length = 0
            if b"content-length: " in (lower := head.lower()):
                length = int(lower.partition(b"content-length: ")[2].split(b"\r\n", 1)[0])
            if len(rest) < length:
                return
            self._data = rest[length:]
            self._answer(head.split(b" ", 2)[1].decode(), rest[:length])

    def _answer(self, path: str, body: bytes) -> None:
        if path == "/counts":
            counts = {"requests": _Counts.requests, "connections": _Counts.connections}
            self._send({**counts, "most": _Counts.most})
            _Counts.requests = _Counts.connections = 0
            _Counts.most = _Counts.open - 1  # Without the connection that asks for the counts.
            return
        _Counts.requests += 1
        asked = json.loads(body)
        if "messages" in asked:
            reply = _openai(asked["messages"][-1]["content"])
        elif path.startswith("/v1/caches/"):
            reply = _langcache(asked["prompt"])
        else:
            reply = _vectorcache(asked["prompt"])
        if _DELAY:
            self._loop.call_later(_DELAY, self._send, reply)
        else:
            self._send(reply)

    def _send(self, reply: object) -> None:
        content = json.dumps(reply).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self._transport.write(head % len(content) + content)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Service, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
