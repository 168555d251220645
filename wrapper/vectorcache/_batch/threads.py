"""Answers a batch by threads."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextvars import Context, copy_context
from typing import Final

from .._call.call import Call, CallStopped
from .._response import VectorcacheResponse
from .._threading import interpreter_ends, start_thread
from ..errors import ConfigurationError
from .batch import Batch, Job, Step
from .result import BatchResult

# Seconds for which a stopped batch waits for its threads. A look-up of a name or a function of the
# user may take longer; its thread then ends later, on its own.
_PATIENCE: Final = 1.0


class Worker:
    """Runs one call after another in one thread, and can stop the current one."""

    def __init__(self, end_attempt: Callable[[Call], None]) -> None:
        self._end_attempt = end_attempt
        self._stopped = threading.Event()
        self._call: Call | None = None

    def begin(self, call: Call) -> Call:
        """Makes ``call`` the current one, which ``stop`` stops.

        Raises:
            CallStopped: the worker was stopped.
        """
        self._call = call
        if self._stopped.is_set():
            raise CallStopped
        return call

    def sleep(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise CallStopped

    def stop(self) -> None:
        self._stopped.set()
        if self._call is not None:
            self._end_attempt(self._call)


# Answers the query of a job, in the thread of the worker.
Answer = Callable[[Job, Worker], VectorcacheResponse]
Outcome = tuple[Job, VectorcacheResponse | None, BaseException | None]


class Workers:
    """As many threads as there are jobs in progress; each runs one job after another."""

    def __init__(self, answer: Answer, end_attempt: Callable[[Call], None]) -> None:
        self._answer = answer
        self._end_attempt = end_attempt
        self._jobs: queue.SimpleQueue[tuple[Job, Context] | None] = queue.SimpleQueue()
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._threads: dict[threading.Thread, Worker] = {}
        self._busy = 0

    def start(self, job: Job) -> None:
        self._busy += 1
        # A task inherits the caller's context variables (such as a span); a thread does not.
        self._jobs.put((job, copy_context()))
        if self._busy > len(self._threads):
            worker = Worker(self._end_attempt)
            try:
                thread = start_thread(f"vectorcache-batch-{len(self._threads)}", self._work, worker)
            except RuntimeError as error:
                if interpreter_ends(error):
                    raise ConfigurationError(
                        "the interpreter is shutting down, and starts no thread for a batch: run "
                        "it earlier, or call query() for each prompt"
                    ) from None
                if self._threads:
                    return  # One of the threads does this job later.
                raise ConfigurationError(
                    f"no thread could be started for a batch ({error}): the process, its user or "
                    "its container has reached a limit. Raise ulimit -u or the limit of its pids "
                    "cgroup (docker run --pids-limit), let other threads end first, use "
                    "AsyncVectorcacheClient, or call query() for each prompt"
                ) from None
            self._threads[thread] = worker

    def outcome(self, *, wait: bool) -> Outcome | None:
        """Returns the outcome of a job; without ``wait``, None if no job has ended."""
        try:
            outcome = self._outcomes.get(block=wait)
        except queue.Empty:
            return None
        self._busy -= 1
        return outcome

    def stop(self) -> None:
        """Stops the calls in progress, and ends the threads."""
        if sys.is_finalizing():
            return  # The interpreter has ended the threads.
        for _ in self._threads:
            self._jobs.put(None)
        if self._busy:
            for worker in self._threads.values():
                worker.stop()
        ends = time.monotonic() + _PATIENCE
        for thread in self._threads:
            thread.join(max(0.0, ends - time.monotonic()))

    def _work(self, worker: Worker) -> None:
        while (given := self._jobs.get()) is not None:
            job, context = given
            try:
                self._outcomes.put((job, context.run(self._answer, job, worker), None))
            except CallStopped:
                return
            except BaseException as error:
                self._outcomes.put((job, None, error))
            del given, job, context  # Otherwise an idle thread would keep its last job alive.


def run(
    batch: Batch, prompts: Iterator[object], workers: Workers
) -> Generator[BatchResult, None, None]:
    """Answers the prompts, and yields their results."""
    batch.begin()
    try:
        while True:
            while (outcome := workers.outcome(wait=False)) is not None:
                _take_in(batch, outcome)
            result = batch.next_result()
            if result is not None:
                yield result
            # Pull only after yielding, so that a killed process loses at most ``concurrency``
            # prompts, plus results held back for ordering.
            if batch.has_room:
                _pull(batch, prompts, workers)
            if result is not None:
                continue
            match batch.next_step():
                case Step.WAIT:
                    outcome = workers.outcome(wait=True)
                    assert outcome is not None
                    _take_in(batch, outcome)
                case Step.END:
                    return
    finally:
        try:
            workers.stop()
        finally:
            batch.close()


def _take_in(batch: Batch, outcome: Outcome) -> None:
    job, result, error = outcome
    if error is not None and not isinstance(error, Exception):
        raise error
    batch.finished(job, result, error)


def _pull(batch: Batch, prompts: Iterator[object], workers: Workers) -> None:
    try:
        prompt = next(prompts)
    except StopIteration:
        batch.exhausted()
    except Exception as error:
        batch.exhausted(error)
    else:
        job = batch.add(prompt)
        if job is not None:
            workers.start(job)
