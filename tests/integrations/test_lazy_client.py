"""A client that is made once, when it is first needed."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from vectorcache.integrations._lazy_client import LazyClient


def test_concurrent_first_calls() -> None:
    """While one thread makes the client, another thread waits for it."""
    made: list[object] = []
    closed: list[object] = []
    another = Event()

    def make() -> object:
        made.append(object())
        if len(made) == 1:
            another.wait(0.2)  # Set only if a second client is made.
        else:
            another.set()
        return made[-1]

    lazy = LazyClient(make, closed.append)
    with ThreadPoolExecutor(2) as threads:
        got = [one.result(30) for one in [threads.submit(lazy.get) for _ in range(2)]]
    assert got == [made[0], made[0]]
    assert closed == []


def test_the_next_call_tries_again() -> None:
    """If the client cannot be made, the next call tries again."""
    answers: Iterator[ValueError | str] = iter([ValueError("not yet"), "client"])

    def make() -> str:
        answer = next(answers)
        if isinstance(answer, ValueError):
            raise answer
        return answer

    lazy = LazyClient(make, str)
    with pytest.raises(ValueError, match="not yet"):
        lazy.get()
    assert lazy.get() == lazy.get() == "client"


def test_it_is_closed_when_it_is_collected() -> None:
    """The client is closed once, when its maker is garbage-collected."""
    closed: list[str] = []
    lazy = LazyClient(lambda: "client", closed.append)
    lazy.get()
    assert closed == []
    del lazy
    gc.collect()
    assert closed == ["client"]
