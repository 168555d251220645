"""A service whose answers tell which prompt they are for, and which may be held back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from servers import HIT, Received, answer

from vectorcache import BatchResult

WAIT = 20.0


def answer_to(prompt: str, **fields: Any) -> bytes:
    return answer({**HIT, "response": f"answer to {prompt}", **fields})


def own_answer(request: Received) -> bytes:
    """Answers a prompt with its own answer; those that begin with "bad" with a 400."""
    prompt = request.json()["prompt"]
    return answer({"detail": "no"}, status=400) if prompt.startswith("bad") else answer_to(prompt)


class Holding:
    """Answers as ``own_answer``, some prompts not before the test lets them go.

    Args:
        prompts: those.
        others_wait: whether the others are not answered before all of those have arrived, so that
            a batch that gives out an answer to others has sent these.
    """

    def __init__(self, *prompts: str, others_wait: bool = False) -> None:
        self.arrived = {prompt: threading.Event() for prompt in prompts}
        self.released = threading.Event()
        self._others_wait = others_wait

    def __call__(self, request: Received) -> bytes:
        prompt = request.json()["prompt"]
        if prompt in self.arrived:
            self.arrived[prompt].set()
            assert self.released.wait(WAIT)
        elif self._others_wait and not self.released.is_set():
            self.wait()
        return own_answer(request)

    def wait(self) -> None:
        for event in self.arrived.values():
            assert event.wait(WAIT)


def texts(results: Iterator[BatchResult]) -> list[str]:
    return [item.unwrap().response for item in results]
