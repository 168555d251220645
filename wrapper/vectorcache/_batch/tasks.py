"""Answers a batch by tasks of an event loop."""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
)
from functools import partial

import anyio
from anyio.lowlevel import checkpoint

from .._response import VectorcacheResponse
from .batch import Batch, Job, Step
from .result import BatchResult

Answer = Callable[[Job], Awaitable[VectorcacheResponse]]


class _Task:
    """A task of asyncio or trio that always reports its end, and the error that ended it.

    Args:
        work: the function that the task runs.
        ended: called at the end, with the error that ended the task, or None.
    """

    def __init__(
        self,
        work: Callable[[], Awaitable[None]],
        ended: Callable[[_Task, BaseException | None], None],
    ) -> None:
        self._work = work
        self._ended = ended
        self.scope = anyio.CancelScope()
        self.over = anyio.Event()

    def start(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            from trio.lowlevel import spawn_system_task

            spawn_system_task(self._run_in_trio, context=contextvars.copy_context())
        else:
            # A callback is needed, as a task that is cancelled before its first step runs no code.
            # The reference protects the task from the garbage collector while it runs.
            self._task = loop.create_task(self._run())
            self._task.add_done_callback(self._done)

    async def _run(self) -> None:
        with self.scope:
            await self._work()

    def _done(self, task: asyncio.Task[None]) -> None:
        try:
            error = task.exception()
        except asyncio.CancelledError as cancelled:
            error = cancelled
        self._end(error)

    async def _run_in_trio(self) -> None:
        error = None
        try:
            await self._run()
        except BaseException as caught:
            error = caught  # If it were raised here, trio would end the whole program.
        self._end(error)

    def _end(self, error: BaseException | None) -> None:
        self.over.set()
        self._ended(self, error)


class Tasks:
    """Tasks that may go on during a ``yield``, which is forbidden for those of a task group.

    Args:
        failed: called with the error of a task that ``cancel`` did not end.
    """

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._running: set[_Task] = set()

    def start(self, work: Callable[[], Awaitable[None]]) -> None:
        task = _Task(work, self._ended)
        self._running.add(task)
        task.start()

    async def cancel(self) -> None:
        """Cancels the running tasks, and waits until they have ended."""
        running = tuple(self._running)
        # All are cancelled before the wait, which a second cancellation of the caller may end.
        for task in running:
            task.scope.cancel()
        with anyio.CancelScope(shield=True):
            for task in running:
                await task.over.wait()

    def _ended(self, task: _Task, error: BaseException | None) -> None:
        self._running.discard(task)
        if error is not None:
            self._failed(error)


class _Driver:
    """Takes prompts and answers them in tasks, and keeps the outcomes until the batch asks."""

    def __init__(
        self, batch: Batch, prompts: Iterable[object] | AsyncIterable[object], answer: Answer
    ) -> None:
        self._batch = batch
        self._answer = answer
        self._outcomes: deque[tuple[Job, VectorcacheResponse | None, Exception | None]] = deque()
        self._arrived: deque[Callable[[], object]] = deque()
        self._news = anyio.Event()
        self._pulling = False
        self._error: BaseException | None = None
        self.tasks = Tasks(self._failed)
        self._sync: Iterator[object] | None = None
        self._async: AsyncIterator[object] | None = None
        if isinstance(prompts, AsyncIterable):
            self._async = aiter(prompts)
        else:
            self._sync = iter(prompts)

    def take_in(self) -> None:
        """Tells the batch what has happened since the last call.

        Raises:
            BaseException: an error that is not an ``Exception`` ended a task, such as the
                cancellation of another task that the input or a fallback awaited.
        """
        if self._error is not None:
            raise self._error
        while self._arrived:
            self._arrived.popleft()()
        while self._outcomes:
            self._batch.finished(*self._outcomes.popleft())

    async def wait(self) -> None:
        """Waits until something has happened."""
        if not self._outcomes and not self._arrived and self._error is None:
            self._news = anyio.Event()
            await self._news.wait()

    async def pull(self) -> None:
        """Takes the next prompt, or starts a task that takes it from an async input."""
        if self._sync is not None:
            try:
                prompt = next(self._sync)
            except StopIteration:
                self._batch.exhausted()
            except Exception as error:
                self._batch.exhausted(error)
            else:
                if not self._add(prompt):
                    await checkpoint()  # Other tasks must run during a long input without queries.
        elif not self._pulling:
            self._pulling = True
            self.tasks.start(self._pull_async)

    @property
    def is_waiting_for_input(self) -> bool:
        return self._pulling

    async def _pull_async(self) -> None:
        assert self._async is not None
        try:
            prompt = await anext(self._async)
        except StopAsyncIteration:
            self._arrived.append(self._batch.exhausted)
        except Exception as error:
            self._arrived.append(partial(self._batch.exhausted, error))
        else:
            self._arrived.append(partial(self._add, prompt))
        self._pulling = False
        self._news.set()

    def _add(self, prompt: object) -> bool:
        """Adds a prompt; returns whether a query is sent for it."""
        job = self._batch.add(prompt)
        if job is None:
            return False
        self.tasks.start(partial(self._run, job))
        return True

    def _failed(self, error: BaseException) -> None:
        self._error = error
        self._news.set()

    async def _run(self, job: Job) -> None:
        try:
            self._outcomes.append((job, await self._answer(job), None))
        except Exception as error:
            self._outcomes.append((job, None, error))
        self._news.set()


async def run(
    batch: Batch, prompts: Iterable[object] | AsyncIterable[object], answer: Answer
) -> AsyncGenerator[BatchResult, None]:
    """Answers the prompts, and yields their results."""
    driver = _Driver(batch, prompts, answer)
    batch.begin()
    try:
        while True:
            driver.take_in()
            result = batch.next_result()
            if result is not None:
                yield result
            # Pull only after yielding, for the reason given in ``threads.run``.
            if batch.has_room:
                await driver.pull()
            if result is not None:
                continue
            match batch.next_step():
                case Step.PULL if driver.is_waiting_for_input:
                    await driver.wait()
                case Step.WAIT:
                    await driver.wait()
                case Step.END:
                    return
    finally:
        try:
            await driver.tasks.cancel()
        finally:
            batch.close()
