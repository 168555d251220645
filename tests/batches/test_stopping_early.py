"""Leaving a batch before its end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from batches.service import WAIT, Holding, own_answer
from clients import AnyClient, MakeClient
from servers import Received, ScriptedServer, answer


def test_what_is_in_progress_is_cancelled(
    client: AnyClient, server: ScriptedServer, held: Callable[..., Holding]
) -> None:
    """Closing ends requests that still wait for their answer, and takes no more prompts."""
    holding = held(*(f"slow {n}" for n in range(3)), others_wait=True)
    taken = []

    def prompts() -> Iterator[str]:
        for prompt in ("a", "slow 0", "slow 1", "slow 2", *(f"late {n}" for n in range(99))):
            taken.append(prompt)
            yield prompt

    results = client.query_many(prompts(), model="m", concurrency=4)
    next(results)
    holding.wait()
    before = len(taken)
    results.close()
    assert len(taken) == before
    # Not one of the answers has come, so the connections ended before them.
    assert not [t for t in threading.enumerate() if t.name.startswith("vectorcache-batch")]
    holding.released.set()
    server.respond = own_answer
    assert client.query("Q", "m").response == "answer to Q"
    stats = client.stats
    assert stats.cancelled >= 3
    assert stats.calls == stats.hits + stats.cancelled


def test_before_the_first(client: AnyClient, server: ScriptedServer) -> None:
    """A batch that is never iterated over sends nothing."""
    results = client.query_many(["a"], model="m")
    results.close()
    assert server.requests == []


def test_while_waiting_to_retry(make_client: MakeClient, server: ScriptedServer) -> None:
    """A prompt that waits to be tried again does not hold up the end."""
    failed = threading.Event()

    def respond(request: Received) -> bytes:
        if request.json()["prompt"] == "failing":
            failed.set()
            return answer({"detail": "x"}, status=503, headers={"Retry-After": "50"})
        failed.wait(WAIT)
        return own_answer(request)

    server.respond = respond
    client = make_client(deadline=None)
    results = client.query_many(["a", "failing"], model="m", ordered=False)
    assert next(results).index == 0
    results.close()
    assert client.query("Q", "m").response == "answer to Q"
