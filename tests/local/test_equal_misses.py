"""Equal questions that the embedded cache does not know yet, asked at the same moment."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from joined import Joined
from local.stand_ins import Angles, MakeEngine

from vectorcache import (
    AsyncVectorcacheClient,
    LLMProviderError,
    VectorcacheClient,
    VectorcacheError,
)
from vectorcache.local import Answer, CacheFileError, Engine, LLMError

WAIT = 20.0


class SlowLLM:
    """Holds every answer back until the test releases it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str | None]] = []
        self.called = threading.Semaphore(0)
        self.released = threading.Event()
        self.error: BaseException | None = None

    def __call__(self, prompt: str, model: str, context: str | None) -> str:
        self.asked.append((prompt, model, context))
        number = len(self.asked)
        self.called.release()
        assert self.released.wait(WAIT)
        if self.error is not None:
            raise self.error
        return f"answer {number}"

    async def in_a_task(self, prompt: str, model: str, context: str | None) -> str:
        return await anyio.to_thread.run_sync(
            self, prompt, model, context, abandon_on_cancel=True, limiter=anyio.CapacityLimiter(1)
        )

    def wait_for_call(self) -> None:
        assert self.called.acquire(timeout=WAIT)


@pytest.fixture
def llm() -> Iterator[SlowLLM]:
    """An LLM that holds its answers back."""
    made = SlowLLM()
    yield made
    made.released.set()


def joined(engine: Engine) -> Joined:
    """Lets a test know when the engine's misses have joined."""
    made = engine._misses._coalescing = Joined()
    return made


Ask = Callable[..., "Future[Answer]"]


@pytest.fixture
def portal() -> Iterator[BlockingPortal]:
    """An event loop in a thread."""
    with start_blocking_portal() as running:
        yield running


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Threads that wait while the test goes on."""
    with ThreadPoolExecutor(40) as pool:
        yield pool


@pytest.fixture(params=["threads", "tasks", "tasks with an async llm"])
def crowd(
    request: pytest.FixtureRequest,
    make_engine: MakeEngine,
    angles: Angles,
    llm: SlowLLM,
    portal: BlockingPortal,
    threads: ThreadPoolExecutor,
) -> tuple[Engine, Ask]:
    """An engine, and a function that asks it at the same time as others do."""
    function = llm.in_a_task if request.param == "tasks with an async llm" else llm
    engine = make_engine(llm=function, embedder=angles)
    if request.param == "threads":
        return engine, lambda *query, **more: threads.submit(engine.query, *query, **more)
    return engine, lambda *query, **more: portal.start_task_soon(
        lambda: engine.aquery(*query, **more)
    )


def test_twenty_equal_misses_cost_one_call(crowd: tuple[Engine, Ask], llm: SlowLLM) -> None:
    """Twenty threads or tasks that miss together ask the LLM once, and each has the answer."""
    engine, ask = crowd
    together = joined(engine)
    calls = [ask("30", "gpt-4o", include_debug=bool(number % 2)) for number in range(20)]
    together.wait_for(20)
    llm.released.set()
    answers = [call.result(WAIT) for call in calls]
    assert {answer.response for answer in answers} == {"answer 1"}
    assert {answer.llm_provider for answer in answers} == {"openai"}
    assert not any(answer.cache_hit for answer in answers)
    assert [answer.debug is not None for answer in answers] == 10 * [False, True]
    assert llm.asked == [("30", "gpt-4o", None)]
    assert ask("30", "gpt-4o").result(WAIT).cache_hit


def test_other_questions_are_asked_for_themselves(crowd: tuple[Engine, Ask], llm: SlowLLM) -> None:
    """Another prompt, model or context is another question; another threshold is not."""
    engine, ask = crowd
    together = joined(engine)
    calls = [
        ask("30", "gpt-4o"),
        ask("30", "gpt-4o", 0.99),
        ask("80", "gpt-4o"),
        ask("30", "other"),
        ask("30", "gpt-4o", context="c"),
    ]
    together.wait_for(5)
    llm.released.set()
    assert len({call.result(WAIT).response for call in calls}) == 4
    assert len(llm.asked) == 4


def test_a_failure_is_told_to_each(crowd: tuple[Engine, Ask], llm: SlowLLM) -> None:
    """An error of the LLM is the error of all who waited, nothing is stored, and the next asks."""
    engine, ask = crowd
    together = joined(engine)
    llm.error = ConnectionError("no route")
    calls = [ask("30", "gpt-4o") for _ in range(5)]
    together.wait_for(5)
    llm.released.set()
    errors = [call.exception(WAIT) for call in calls]
    assert [type(error) for error in errors] == [LLMError] * 5
    assert len({id(error) for error in errors}) == 5
    assert {str(error) for error in errors} == {"llm raised ConnectionError: no route"}
    assert all(error is not None and error.__cause__ is llm.error for error in errors)
    assert len(llm.asked) == 1
    llm.error = None
    assert ask("30", "gpt-4o").result(WAIT).response == "answer 2"


def test_an_answer_that_cannot_be_stored(
    crowd: tuple[Engine, Ask], llm: SlowLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No caller gets an answer that is not on the disk: all hear why."""
    engine, ask = crowd
    together = joined(engine)

    def fails(*_: object, **__: object) -> None:
        raise CacheFileError("the disk is full")

    monkeypatch.setattr(engine._store, "add", fails)
    calls = [ask("30", "gpt-4o") for _ in range(3)]
    together.wait_for(3)
    llm.released.set()
    assert [str(call.exception(WAIT)) for call in calls] == ["the disk is full"] * 3


class Stop(BaseException):
    """Ends a thread's call as Ctrl-C does."""


def test_an_interrupted_caller(
    make_engine: MakeEngine, angles: Angles, llm: SlowLLM, threads: ThreadPoolExecutor
) -> None:
    """Ctrl-C in the thread that asks the LLM lets one of the others ask it."""

    def interrupted_once(prompt: str, model: str, context: str | None) -> str:
        answer = llm(prompt, model, context)
        if len(llm.asked) == 1:
            raise Stop
        return answer

    engine = make_engine(llm=interrupted_once, embedder=angles)
    together = joined(engine)
    calls = [threads.submit(engine.query, "30", "gpt-4o") for _ in range(4)]
    together.wait_for(4)
    llm.released.set()
    ends = [call.exception(WAIT) for call in calls]
    assert sorted(type(end).__name__ for end in ends) == ["NoneType"] * 3 + ["Stop"]
    assert len(llm.asked) == 2


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("cancelled", ["first", "waiting"])
def test_a_cancelled_caller(
    make_engine: MakeEngine, angles: Angles, llm: SlowLLM, backend: str, cancelled: str
) -> None:
    """Of four tasks that miss together one is cancelled: the three others are answered."""
    engine = make_engine(llm=llm.in_a_task, embedder=angles)
    together = joined(engine)
    answers: list[Answer] = []

    async def main() -> None:
        scopes = [anyio.CancelScope() for _ in range(4)]

        async def ask(scope: anyio.CancelScope) -> None:
            with scope:
                answers.append(await engine.aquery("30", "gpt-4o"))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, scopes[0])
            await anyio.to_thread.run_sync(llm.wait_for_call)
            for scope in scopes[1:]:
                tasks.start_soon(ask, scope)
            await anyio.to_thread.run_sync(together.wait_for, 4)
            scopes[0 if cancelled == "first" else 2].cancel()
            if cancelled == "first":
                await anyio.to_thread.run_sync(llm.wait_for_call)
            llm.released.set()

    anyio.run(main, backend=backend)
    assert len(answers) == 3
    assert len(llm.asked) == (2 if cancelled == "first" else 1)


def test_a_miss_that_another_call_has_answered(
    make_engine: MakeEngine, angles: Angles, llm: SlowLLM
) -> None:
    """What an equal miss has stored between two steps of this one is found, and not asked again."""
    llm.released.set()
    engine = make_engine(llm=llm, embedder=angles)

    class Late(Joined):
        def join(self, member: Any) -> None:
            engine._misses._coalescing = Joined()
            engine.query("30", "gpt-4o")
            super().join(member)

    engine._misses._coalescing = Late()
    answer = engine.query("30", "gpt-4o", include_debug=True)
    assert (answer.cache_hit, answer.similarity_score, answer.response) == (True, 1.0, "answer 1")
    assert len(llm.asked) == 1


def test_clients_of_the_embedded_cache(
    angles: Angles, llm: SlowLLM, tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    """The clients of the embedded cache do so without any option, sync and async."""
    with VectorcacheClient.local(llm=llm, embedder=angles, model="m") as client:
        together = joined(_engine(client))
        calls = [threads.submit(client.query, "30") for _ in range(20)]
        together.wait_for(20)
        llm.released.set()
        assert {call.result(WAIT).response for call in calls} == {"answer 1"}

    async def main() -> None:
        async with AsyncVectorcacheClient.local(
            llm=llm.in_a_task, embedder=angles, model="m", max_retries=0
        ) as client:
            together = joined(_engine(client))
            llm.released.clear()
            llm.error = ConnectionError("no route")
            tasks = [asyncio.create_task(client.query("30")) for _ in range(20)]
            await asyncio.to_thread(together.wait_for, 20)
            llm.released.set()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            assert {type(end) for end in ends} == {LLMProviderError}
            assert all(isinstance(end, VectorcacheError) and end.attempts == 1 for end in ends)

    asyncio.run(main())
    assert len(llm.asked) == 2


def _engine(client: Any) -> Engine:
    engine: Engine = client._http_client.engine
    return engine
