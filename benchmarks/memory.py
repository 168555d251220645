"""What large answers cost in memory: how much the worst moment of a query adds to a process.

    python benchmarks/memory.py [--rounds N] [--write]

Each case runs in a fresh process (tests/transport/peak_memory.py), which has answered a small query
before, against a server in this one. Linux only: the figures are the kernel's (VmHWM less VmRSS).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import socket
import statistics
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]

MB = 1_000_000
LIMIT = 40 * MB

HIT = {
    "cache_hit": True,
    "response": "Machine learning is ...",
    "similarity_score": 0.94,
    "cost_saved": 0.0023,
    "llm_provider": "cache",
}

# A function that sends an answer piece by piece.
Send = Callable[[Callable[[bytes], None]], None]


def whole(body: bytes, header: str = "X-Kind: whole") -> Send:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{header}\r\n\r\n".encode()
    return lambda send: send(head + body)


def packed(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(bytes(MB)) for _ in range(size // MB)) + packer.flush()


def plain(send: Callable[[bytes], None]) -> None:
    send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (200 * MB))
    for _ in range(200):
        send(bytes(MB))


def endless(send: Callable[[bytes], None]) -> None:
    send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        send(b"10000\r\n" + bytes(65_536) + b"\r\n")


def legal(last: str) -> bytes:
    """Returns an answer of just under 10 MB."""
    text = "x" * (10 * MB - 300) + last
    return json.dumps({**HIT, "response": text}, ensure_ascii=False).encode()


def cases() -> dict[str, Send]:
    return {
        "a hit of 117 bytes": whole(json.dumps(HIT).encode()),
        "200 MB in a gzip of 200 kB": whole(packed(200 * MB), "Content-Encoding: gzip"),
        "200 MB as they are": plain,
        "chunks without end": endless,
        "a legal answer of 10 MB": whole(legal("")),
        "the same with one emoji, so that each character takes 4 bytes": whole(legal("🙂")),
    }


@contextlib.contextmanager
def serving(send: Send) -> Iterator[str]:
    """Answers the first request with a hit and all others so."""
    first = [whole(json.dumps(HIT).encode())]

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while request := connection.recv(65_536):
                # The client's requests are small, but head and body may arrive separately.
                if b"}" in request:
                    (first.pop() if first else send)(connection.sendall)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def peak(send: Send, client: str) -> int:
    with serving(send) as url:
        program = [sys.executable, str(ROOT / "tests/transport/peak_memory.py"), url, client]
        return int(subprocess.run(program, check=True, stdout=subprocess.PIPE).stdout)


def table(rounds: int) -> str:
    lines = ["| what arrives | sync, MB | async, MB |", "| --- | ---: | ---: |"]
    for name, send in cases().items():
        figures = [
            statistics.median(peak(send, client) for _ in range(rounds)) / MB
            for client in ("sync", "async")
        ]
        lines.append(f"| {name} | {figures[0]:.1f} | {figures[1]:.1f} |")
    return "\n".join(lines)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--write", action="store_true", help="keep the table in results/")
    arguments = options.parse_args()
    text = f"""# What large answers cost in memory

Python {platform.python_version()}, httpx {httpx.__version__}, medians of {arguments.rounds} fresh
processes each, by `benchmarks/memory.py`: what the worst moment of a query adds to a process that
has answered a small one before. `max_response_bytes` is 10 MB, as by default. What is larger is
refused, and must cost less than {LIMIT // MB} MB.

{table(arguments.rounds)}
"""
    print(text)
    if arguments.write:
        (ROOT / "benchmarks/results/memory.md").write_text(text)


if __name__ == "__main__":
    main()
