"""A batch that is stopped before its end."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Final

from cli.conftest import CLI
from cli.programs import Ended
from servers import ScriptedServer, answer

WORDS: Final = ("batch", "in.jsonl", "out.jsonl", "-n", "4")
JOURNAL: Final = Path("out.jsonl.batch")
REFUSED: Final = answer({"detail": "wrong key"}, status=401)


def asked(server: ScriptedServer) -> Counter[str]:
    return Counter(request.json()["prompt"] for request in server.requests)


def stop_after(cli: CLI, server: ScriptedServer, count: int, *words: str) -> Ended:
    """Begins a batch that the service ends after so many answers."""
    respond = server.respond
    assert respond is not None
    left = threading.Semaphore(count)
    server.respond = lambda request: respond(request) if left.acquire(False) else REFUSED
    done = cli(*(words or WORDS))
    assert done.code == 4
    server.respond = respond
    server.requests.clear()
    return done
