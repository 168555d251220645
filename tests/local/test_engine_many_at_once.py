"""One cache, many callers."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from local.stand_ins import Angles, MakeEngine


def test_plain_llm_under_async_leaves_the_loop_free(
    make_engine: MakeEngine, angles: Angles
) -> None:
    """A plain function runs in a thread: the loop goes on while it waits."""
    answered = threading.Event()

    def llm(prompt: str, model: str, context: str | None) -> str:
        assert answered.wait(10)
        return "late"

    async def main() -> None:
        engine = make_engine(llm=llm, embedder=angles)
        query = asyncio.create_task(engine.aquery("30", "gpt-4o"))
        await asyncio.to_thread(lambda: None)
        answered.set()
        assert (await query).response == "late"

    asyncio.run(main())


def test_hits_do_not_wait_behind_slow_llms(make_engine: MakeEngine, angles: Angles) -> None:
    """With fifty plain functions waiting, a hit is still answered at once."""
    release = threading.Event()

    def llm(prompt: str, model: str, context: str | None) -> str:
        assert prompt == "30" or release.wait(10)
        return prompt

    async def main() -> None:
        engine = make_engine(llm=llm, embedder=angles)
        await engine.aquery("30", "gpt-4o")
        slow = [
            asyncio.create_task(engine.aquery(f"{n} x", "gpt-4o", context=f"{n}"))
            for n in range(50)
        ]
        while len(angles.embedded) < 51:
            await asyncio.to_thread(lambda: None)
        assert (await engine.aquery("30", "gpt-4o")).cache_hit
        release.set()
        assert len(await asyncio.gather(*slow)) == 50

    asyncio.run(main())


def test_cancelled_query_leaves_the_engine_usable(make_engine: MakeEngine, angles: Angles) -> None:
    """Cancelling a caller that waits for the LLM harms no other caller."""
    asked = asyncio.Event()

    async def llm(prompt: str, model: str, context: str | None) -> str:
        if model == "stuck":
            asked.set()
            await asyncio.Event().wait()
        return "fine"

    async def main() -> None:
        engine = make_engine(llm=llm, embedder=angles)
        stuck = asyncio.create_task(engine.aquery("30", "stuck"))
        await asked.wait()
        stuck.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stuck
        assert (await engine.aquery("30", "gpt-4o")).response == "fine"

    asyncio.run(main())


def test_threads(make_engine: MakeEngine, angles: Angles) -> None:
    """Many threads on one engine get right answers, and no prompt is stored twice."""
    engine = make_engine(llm=lambda prompt, model, context: f"for {prompt}", embedder=angles)

    def ask(n: int) -> str:
        return engine.query(f"{n % 45} q", "gpt-4o", 1).response

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(900)))
    assert answers == [f"for {n % 45} q" for n in range(900)]
    debug = engine.query("0 q", "gpt-4o", include_debug=True).debug
    assert debug is not None
    assert debug.cache_entry_count == 45


def test_a_thread_and_an_event_loop(make_engine: MakeEngine, angles: Angles) -> None:
    """A thread and a task that miss together each ask the LLM; one entry is kept for both."""
    together = threading.Barrier(2, timeout=10)

    def llm(prompt: str, model: str, context: str | None) -> str:
        return f"answer {together.wait()}"

    engine = make_engine(llm=llm, embedder=angles)
    with ThreadPoolExecutor(2) as pool:
        answers = [
            pool.submit(engine.query, "30", "gpt-4o"),
            pool.submit(lambda: asyncio.run(engine.aquery("30", "gpt-4o"))),
        ]
    assert {answer.result().response for answer in answers} == {"answer 0", "answer 1"}
    kept = engine.query("30", "gpt-4o", include_debug=True)
    assert kept.cache_hit
    assert kept.debug is not None
    assert kept.debug.cache_entry_count == 1
