"""Spans of calls from many threads, tasks and batches are children of their caller's span."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import anyio
import anyio.lowlevel
from clients import KEY, MakeClient
from opentelemetry import trace
from servers import ScriptedServer
from telemetry.recorded import Recorded

from vectorcache import AsyncVectorcacheClient, VectorcacheClient


def parents(recorded: Recorded) -> dict[str, int]:
    """Returns the parent of each call's span, by the model that was asked for."""
    return {
        str((span.attributes or {})["gen_ai.request.model"]): span.parent.span_id
        for span in recorded.spans
        if span.parent is not None
    }


def test_threads(server: ScriptedServer, recorded: Recorded) -> None:
    """The parent of a call's span is the span of its own thread, with many threads at once."""
    expected: dict[str, int] = {}

    def handle(number: int) -> None:
        with recorded.tracer.start_as_current_span("handler") as span:
            expected[f"m{number}"] = span.get_span_context().span_id
            client.query("Q", f"m{number}")
            assert trace.get_current_span() is span

    with (
        VectorcacheClient(KEY, server.url, observers=[recorded.observer()]) as client,
        ThreadPoolExecutor(8) as threads,
    ):
        list(threads.map(handle, range(40)))
    assert parents(recorded) == expected
    assert len(expected) == 40


async def test_tasks(server: ScriptedServer, recorded: Recorded) -> None:
    """The parent of a call's span is the span of its own task, with many tasks at once."""
    expected: dict[str, int] = {}

    async def handle(number: int) -> None:
        with recorded.tracer.start_as_current_span("handler") as span:
            expected[f"m{number}"] = span.get_span_context().span_id
            await client.query("Q", f"m{number}")
            assert trace.get_current_span() is span

    async with (
        AsyncVectorcacheClient(KEY, server.url, observers=[recorded.observer()]) as client,
        anyio.create_task_group() as tasks,
    ):
        for number in range(40):
            tasks.start_soon(handle, number)
    assert parents(recorded) == expected
    assert len(expected) == 40


def test_a_batch(make_client: MakeClient, recorded: Recorded) -> None:
    """The parent of a batch's calls is the span that was current when their prompts were taken."""
    client = make_client(observers=[recorded.observer()])
    prompts = [{"prompt": "Q", "model": f"m{n}"} for n in range(20)]
    with recorded.tracer.start_as_current_span("batch") as batch:
        results = list(client.query_many(prompts, concurrency=4))
        assert trace.get_current_span() is batch
    assert all(result.error is None for result in results)
    span_id = batch.get_span_context().span_id
    assert parents(recorded) == {f"m{n}": span_id for n in range(20)}


async def test_an_async_input(server: ScriptedServer, recorded: Recorded) -> None:
    """The same holds if the prompts come from an async iterable."""

    async def prompts() -> AsyncIterator[dict[str, str]]:
        for number in range(5):
            await anyio.lowlevel.checkpoint()
            yield {"prompt": "Q", "model": f"m{number}"}

    async with AsyncVectorcacheClient(KEY, server.url, observers=[recorded.observer()]) as client:
        with recorded.tracer.start_as_current_span("batch") as batch:
            assert [result.index async for result in client.query_many(prompts())] == [*range(5)]
    span_id = batch.get_span_context().span_id
    assert parents(recorded) == {f"m{n}": span_id for n in range(5)}


def test_equal_prompts_are_one_call(make_client: MakeClient, recorded: Recorded) -> None:
    """A request that a batch sends once has one span, for however many prompts."""
    client = make_client(observers=[recorded.observer()])
    results = list(client.query_many(["Q"] * 8, model="m", concurrency=8))
    assert len(results) == 8
    assert len(recorded.spans) == client.stats.calls < 8
