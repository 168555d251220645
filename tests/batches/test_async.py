"""Batches in an event loop: inputs that are awaited, cancellation, asyncio and trio."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio
import pytest
import trio
from batches.service import Holding, own_answer
from clients import KEY
from lifetimes.programs import run as run_program
from servers import Received, ScriptedServer, answer

from vectorcache import AsyncVectorcacheClient, RetryPolicy, VectorcacheError

Run = Callable[[Callable[[], Awaitable[None]]], None]


def in_asyncio(main: Callable[[], Any]) -> None:
    asyncio.run(main())


@pytest.fixture(params=["asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs an async function in an event loop of its own."""
    return trio.run if request.param == "trio" else in_asyncio


@pytest.fixture
def make(server: ScriptedServer) -> Callable[[], AsyncVectorcacheClient]:
    """Makes clients of the server."""
    return lambda: AsyncVectorcacheClient(
        KEY, server.url, model="m", retry=RetryPolicy.without_waiting()
    )


async def counted(number: int) -> AsyncIterator[str]:
    for n in range(number):
        await anyio.lowlevel.checkpoint()
        yield f"prompt {n}"


def test_prompts_that_are_awaited(run: Run, make: Callable[[], AsyncVectorcacheClient]) -> None:
    """An async iterable is taken as it comes; each prompt has its own answer, in order."""

    async def main() -> None:
        async with make() as client:
            found = [item.unwrap().response async for item in client.query_many(counted(50))]
        assert found == [f"answer to prompt {n}" for n in range(50)]

    run(main)


def test_results_come_while_the_input_waits(
    run: Run, make: Callable[[], AsyncVectorcacheClient]
) -> None:
    """A prompt that has been answered is given out though the next one is not there yet."""

    async def main() -> None:
        first_is_out = anyio.Event()

        async def prompts() -> AsyncIterator[str]:
            yield "first"
            await first_is_out.wait()
            yield "second"

        async with make() as client:
            found = []
            async for item in client.query_many(prompts()):
                found.append(item.unwrap().response)
                first_is_out.set()
        assert found == ["answer to first", "answer to second"]

    run(main)


def test_an_awaited_input_that_fails(run: Run, make: Callable[[], AsyncVectorcacheClient]) -> None:
    """Its error comes out as it is, after all that was taken has been yielded."""

    async def prompts() -> AsyncIterator[str]:
        yield "a"
        yield "b"
        raise OSError("the queue is gone")

    async def main() -> None:
        async with make() as client:
            batch = client.query_many(prompts())
            assert [(await anext(batch)).index, (await anext(batch)).index] == [0, 1]
            with pytest.raises(OSError, match="the queue is gone"):
                await anext(batch)

    run(main)


def test_few_are_held_of_an_awaited_input(
    run: Run, make: Callable[[], AsyncVectorcacheClient]
) -> None:
    """At most four times ``concurrency`` prompts are in memory, however long the input is."""

    async def main() -> None:
        given = most = 0

        async def prompts() -> AsyncIterator[str]:
            nonlocal most
            for n in range(300):
                most = max(most, n + 1 - given)
                yield f"prompt {n}"

        async with make() as client:
            async for item in client.query_many(prompts(), concurrency=4, ordered=False):
                item.unwrap()
                given += 1
        assert given == 300
        assert most <= 16

    run(main)


def test_cancelling_the_task(
    run: Run, make: Callable[[], AsyncVectorcacheClient], server: ScriptedServer
) -> None:
    """Cancelling the task that reads a batch cancels its queries; the client stays usable."""
    holding = server.respond = Holding("slow 0", "slow 1")

    async def main() -> None:
        async with make() as client:
            async with anyio.create_task_group() as tasks:

                async def read() -> None:
                    async for _ in client.query_many(["slow 0", "slow 1"]):
                        raise AssertionError("nothing was answered")

                tasks.start_soon(read)
                await anyio.to_thread.run_sync(holding.wait)
                tasks.cancel_scope.cancel()
            holding.released.set()
            server.respond = own_answer
            assert (await client.query("Q")).response == "answer to Q"
            assert client.stats.cancelled == 2

    run(main)


def test_closing_early(
    run: Run, make: Callable[[], AsyncVectorcacheClient], server: ScriptedServer
) -> None:
    """``aclosing`` ends queries in progress, and a wait for the input, when the loop is left."""
    holding = server.respond = Holding("slow", others_wait=True)

    async def main() -> None:
        waits = anyio.Event()
        ended = False

        async def prompts() -> AsyncIterator[str]:
            nonlocal ended
            yield "a"
            yield "slow"
            try:
                waits.set()
                await anyio.sleep_forever()
            finally:
                ended = True

        async with make() as client:
            async with contextlib.aclosing(client.query_many(prompts())) as batch:
                assert (await anext(batch)).unwrap().response == "answer to a"
                await anyio.to_thread.run_sync(holding.wait)
                await waits.wait()
            assert ended
            assert client.stats.cancelled == 1

    run(main)
    holding.released.set()


def test_a_retry_is_waited_for_in_the_background(
    run: Run, make: Callable[[], AsyncVectorcacheClient], server: ScriptedServer
) -> None:
    """A prompt that is tried again holds up none but itself."""
    asked: list[str] = []

    def respond(request: Received) -> bytes:
        asked.append(request.json()["prompt"])
        if asked.count("flaky") == 1 and asked[-1] == "flaky":
            return answer({"detail": "x"}, status=503)
        return own_answer(request)

    server.respond = respond

    async def main() -> None:
        async with make() as client:
            results = [item async for item in client.query_many(["flaky", "a", "b"])]
            assert [item.unwrap().meta.attempts for item in results] == [2, 1, 1]

    run(main)


def test_a_closed_client_in_the_middle(
    run: Run, make: Callable[[], AsyncVectorcacheClient]
) -> None:
    """Prompts that come after the client was closed yield an error that says so; none hangs."""

    async def main() -> None:
        client = make()
        batch = client.query_many(counted(20), concurrency=1)
        assert (await anext(batch)).error is None
        await client.aclose()
        rest = [item async for item in batch]
        assert len(rest) == 19
        assert isinstance(rest[-1].error, VectorcacheError)
        assert "closed" in str(rest[-1].error)

    run(main)


@pytest.mark.parametrize("leaving", ["break", "return"])
def test_left_without_closing(server: ScriptedServer, leaving: str) -> None:
    """A loop that is left with ``break`` leaves nothing behind when the event loop ends."""
    holding = server.respond = Holding("slow", others_wait=True)
    program = f"""
    async def main():
        async with AsyncVectorcacheClient(KEY, URL, model="m") as client:
            async for item in client.query_many(["a", "slow", "b"], ordered=False):
                {leaving}

    asyncio.run(main())
    """
    assert run_program(program, server.url) == ""
    holding.released.set()
