"""A coroutine that is interrupted at the n-th point where it waits, in several ways."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import types
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any

import anyio


class Walk:
    """One run of a coroutine that is interrupted at the n-th point where it waits."""

    def __init__(self, point: int, interrupt: Callable[[Any], object]) -> None:
        self.interrupted = False
        self._point = point
        self._interrupt = interrupt

    @types.coroutine
    def through(self, steps: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
        go_on: Callable[[], Any] = partial(steps.send, None)
        for number in itertools.count(1):
            try:
                waits_for = go_on()
            except StopIteration as stop:
                return stop.value
            if number == self._point:
                self.interrupted = True
                self._interrupt(waits_for)
            try:
                go_on = partial(steps.send, (yield waits_for))
            except BaseException as error:
                go_on = partial(steps.throw, error)


def at_once(task: asyncio.Task[Any], _: object) -> None:
    """Cancels while what the task waits for has not come."""
    task.cancel()


def as_it_comes(task: asyncio.Task[Any], waits_for: Any) -> None:
    """Cancels when what the task waits for has come and the task has not heard of it."""
    if waits_for is None:
        task.cancel()
    else:
        waits_for.add_done_callback(lambda _: task.cancel())


async def natively(how: Callable[..., None], steps: Coroutine[Any, Any, Any], point: int) -> bool:
    """Whether the point was reached; then the task must have ended as cancelled."""
    walk = Walk(point, lambda waits_for: how(task, waits_for))
    task = asyncio.ensure_future(walk.through(steps))
    await asyncio.wait([task])
    assert task.cancelled() is walk.interrupted
    return walk.interrupted


async def by_timeout(steps: Coroutine[Any, Any, Any], point: int) -> bool:
    """The same with ``asyncio.timeout``, which must be able to tell its own cancellation."""
    walk = Walk(point, lambda _: scope.reschedule(0))
    scope = asyncio.timeout(None)
    with contextlib.suppress(TimeoutError):
        async with scope:
            await walk.through(steps)
            assert not walk.interrupted
    assert scope.expired() is walk.interrupted
    task = asyncio.current_task()
    assert task is not None and task.cancelling() == 0
    return walk.interrupted


async def by_scope(steps: Coroutine[Any, Any, Any], point: int) -> bool:
    """The same with a cancel scope, of asyncio or of trio."""
    walk = Walk(point, lambda _: scope.cancel())
    with anyio.CancelScope() as scope:
        await walk.through(steps)
        # Where it shut a connection undisturbed and had nothing more to wait for, it is done.
        await anyio.lowlevel.checkpoint()
        assert not walk.interrupted
    assert scope.cancelled_caught is walk.interrupted
    return walk.interrupted


Interrupt = Callable[[Coroutine[Any, Any, Any], int], Coroutine[Any, Any, bool]]

WAYS: dict[str, tuple[str, Interrupt]] = {
    "cancel": ("asyncio", partial(natively, at_once)),
    "cancel as it comes": ("asyncio", partial(natively, as_it_comes)),
    "asyncio.timeout": ("asyncio", by_timeout),
    "cancel scope": ("asyncio", by_scope),
    "trio": ("trio", by_scope),
}
