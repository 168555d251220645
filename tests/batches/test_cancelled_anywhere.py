"""Async batches that a cancellation meets, from outside or from inside: each ends, and at once."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import anyio
import pytest
from batches.service import own_answer
from clients import KEY
from lifetimes.programs import run as run_program
from lifetimes.walk import WAYS, Interrupt, Walk
from servers import Received, ScriptedServer, answer

from vectorcache import (
    AsyncVectorcacheClient,
    BatchProgress,
    ObservedCall,
    Observer,
    Query,
    RetryPolicy,
)

POLICY = RetryPolicy.without_waiting()


class Stop(BaseException):
    """An error that no ``except Exception`` sees, as those by which frameworks end a task."""


async def of_a_cancelled_task() -> None:
    """Raises CancelledError in a task that was not cancelled, as a cancelled producer does."""
    task = asyncio.create_task(asyncio.sleep(60))
    task.cancel()
    await task


async def of_its_own() -> None:
    raise Stop


def raise_at_once() -> None:
    raise Stop


def respond(request: Received) -> bytes:
    """Answers; the prompt "down" with a 500."""
    if request.json()["prompt"] == "down":
        return answer({"detail": "x"}, status=500)
    return own_answer(request)


Ends = Callable[[], Awaitable[None]]


def in_the_input(first: bool) -> Callable[[Ends], tuple[Any, dict[str, Any]]]:
    def place(end: Ends) -> tuple[Any, dict[str, Any]]:
        async def prompts() -> AsyncIterator[str]:
            if not first:
                yield "a"
                yield "b"
            await end()

        return prompts(), {}

    return place


def in_the_fallback(end: Ends) -> tuple[Any, dict[str, Any]]:
    async def fallback(prompt: str, model: str, context: str | None) -> str:
        await end()
        return "never"

    return ["a", "down", "b"], {"fallback": fallback}


PLACES = {
    "first prompt": in_the_input(True),
    "third prompt": in_the_input(False),
    "fallback": in_the_fallback,
}

ERRORS: dict[str, tuple[str, Ends, type[BaseException]]] = {
    "cancelled task": ("asyncio", of_a_cancelled_task, asyncio.CancelledError),
    "asyncio": ("asyncio", of_its_own, Stop),
    "trio": ("trio", of_its_own, Stop),
}


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("place", PLACES)
def test_from_inside(server: ScriptedServer, place: str, kind: str, ordered: bool) -> None:
    """What an input or a fallback is cancelled with ends the batch; the client stays usable."""
    backend, end, expected = ERRORS[kind]
    server.respond = respond

    async def main() -> None:
        prompts, options = PLACES[place](end)
        async with AsyncVectorcacheClient(
            KEY, server.url, model="m", retry=POLICY, max_retries=0, **options
        ) as client:
            batch = client.query_many(prompts, ordered=ordered)
            with pytest.raises(expected):
                assert [item async for item in batch if item.error is not None] == []
            assert (await client.query("Q")).response == "answer to Q"

    anyio.run(main, backend=backend)


class Stopping(Observer):
    def call_started(self, call: ObservedCall) -> None:
        raise_at_once()


def stopping_query(query: Query) -> Query:
    raise Stop


def stopping_progress(progress: BatchProgress) -> None:
    raise Stop


def stopping_fallback(prompt: str, model: str, context: str | None) -> str:
    raise Stop


HOOKS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "before_send": ({"before_send": stopping_query}, {}),
    "observer": ({"observers": [Stopping()]}, {}),
    "fallback": ({"fallback": stopping_fallback}, {}),
    "progress": ({}, {"progress": stopping_progress}),
}


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("hook", HOOKS)
def test_from_inside_a_plain_function(server: ScriptedServer, hook: str, backend: str) -> None:
    """So does what a plain function of the user's raises and no ``except Exception`` sees."""
    server.respond = respond
    options, arguments = HOOKS[hook]

    async def main() -> None:
        async with AsyncVectorcacheClient(
            KEY, server.url, model="m", retry=POLICY, max_retries=0, **options
        ) as client:
            with pytest.raises(Stop):
                async for _ in client.query_many(["down", "a"], **arguments):
                    pass

    anyio.run(main, backend=backend)


class Awaited:
    """Prompts that are awaited; not a generator, which trio wants closed by the one who made it."""

    def __init__(self) -> None:
        self._left = iter(PROMPTS)

    def __aiter__(self) -> Awaited:
        return self

    async def __anext__(self) -> str:
        await anyio.lowlevel.checkpoint()
        try:
            return next(self._left)
        except StopIteration:
            raise StopAsyncIteration from None


PROMPTS = ["a", "b", "a", "c"]


INPUTS: dict[str, Callable[[], Any]] = {
    "list": lambda: PROMPTS,
    "async": Awaited,
}


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("way", WAYS)
def test_from_outside(server: ScriptedServer, way: str, kind: str, ordered: bool) -> None:
    """Wherever a batch waits, cancelling its reader ends it there; the next query is answered."""
    backend, interrupted = WAYS[way]
    server.respond = own_answer
    points = anyio.run(_walk, server.url, interrupted, INPUTS[kind], ordered, backend=backend)
    assert points > 3
    assert server.wait_until_idle(10)


async def _walk(
    url: str, interrupted: Interrupt, make_prompts: Callable[[], Any], ordered: bool
) -> int:
    async with AsyncVectorcacheClient(KEY, url, model="m", max_connections=2) as client:

        async def read() -> None:
            results = client.query_many(make_prompts(), concurrency=2, ordered=ordered)
            async with aclosing(results) as batch:
                async for item in batch:
                    item.unwrap()
                    await anyio.lowlevel.checkpoint()

        for point in itertools.count(1):
            reached = await interrupted(read(), point)
            # With one of its two connections lost, the client would keep one of these waiting.
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.query, "after")
                tasks.start_soon(client.query, "and after")
            if not reached:
                return point
    return 0


@pytest.mark.parametrize("with_reader", [True, False])
def test_every_other_task_is_cancelled(server: ScriptedServer, with_reader: bool) -> None:
    """A batch whose tasks are cancelled with all others of the loop ends as cancelled."""
    server.respond = own_answer

    async def read(client: AsyncVectorcacheClient) -> None:
        async for item in client.query_many(Awaited(), concurrency=2):
            item.unwrap()

    async def main() -> int:
        this = asyncio.current_task()

        def cancel(_: object) -> None:
            for other in asyncio.all_tasks():
                if other is not this and (with_reader or other is not task):
                    other.cancel()

        for point in itertools.count(1):
            async with AsyncVectorcacheClient(KEY, server.url, model="m") as client:
                walk = Walk(point, cancel)
                task = asyncio.ensure_future(walk.through(read(client)))
                await asyncio.wait([task])
                assert task.cancelled() or not with_reader or not walk.interrupted
                assert (await client.query("after")).response == "answer to after"
                if not walk.interrupted:
                    return point
        return 0

    assert asyncio.run(main()) > 3


def test_main_returns_while_a_task_reads(server: ScriptedServer) -> None:
    """The program ends, whichever step the batch of another task has come to by then."""
    server.respond = own_answer
    program = """
    async def prompts():
        for number in range(20):
            await asyncio.sleep(0)
            yield f"prompt {number}"

    async def read():
        async with AsyncVectorcacheClient(KEY, URL, model="m") as client:
            async for item in client.query_many(prompts(), ordered=False):
                item.unwrap()

    async def main(steps):
        reader = asyncio.create_task(read())
        for _ in range(steps):
            await asyncio.sleep(0)

    for steps in range(30):
        asyncio.run(main(steps))
    """
    # anyio forgets the coroutine of a connection attempt that is cancelled before its first step.
    ignored = "ignore:coroutine 'connect_tcp:RuntimeWarning"
    assert run_program(program, server.url, warnings=("error", ignored)) == ""
