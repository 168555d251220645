"""Asks the prompts of a batch, until their end or an error that all others would meet."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

from .._batch.result import BatchProgress, BatchResult
from .._sync_client import VectorcacheClient
from ..errors import OUTAGE_ERRORS, PERMANENT_ERRORS
from .output import Output
from .rows import Row

_SECONDS_BETWEEN_LINES: Final = 30.0


class _Prompts:
    """The prompts, until ``stop`` is called."""

    def __init__(self, prompts: Iterator[Row]) -> None:
        self._prompts = prompts
        self.stopped = False

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        if self.stopped:
            raise StopIteration
        return next(self._prompts)


def ask_all(
    client: VectorcacheClient,
    prompts: Iterator[Row],
    keep: Callable[[BatchResult], None],
    output: Output,
    *,
    concurrency: int,
    total: int,
    give_up_after: int,
) -> None:
    """Asks the prompts, and keeps each result as soon as it arrives.

    Whatever stops it, it waits for the calls in progress and keeps their answers.

    Args:
        client: the client to ask.
        prompts: as ``query_many`` takes them.
        keep: called with each result.
        output: shows the progress.
        concurrency: how many prompts are in progress at once.
        total: how many prompts there are.
        give_up_after: how many failures of the network or the service in a row end the batch; 0
            for no limit.

    Raises:
        VectorcacheError: an error that all other prompts would meet, too, or the last error of an
            outage. Prompts that met such an error are not kept.
        KeyboardInterrupt: Ctrl-C.
    """
    asking = _Prompts(prompts)
    ended_by: Exception | None = None
    failures = 0
    with _interrupts(asking):
        for item in client.query_many(
            asking,
            concurrency=concurrency,
            ordered=False,
            progress="rich" if sys.stderr.isatty() else _Lines(output),
            total=total,
        ):
            if isinstance(item.error, PERMANENT_ERRORS):
                ended_by = ended_by or item.error
                asking.stopped = True
                continue
            keep(item)
            failures = failures + 1 if isinstance(item.error, OUTAGE_ERRORS) else 0
            if 0 < give_up_after <= failures and ended_by is None:
                output.note(
                    f"vectorcache: {failures:,} prompts in a row failed (--give-up-after): the "
                    "service is down, or cannot be reached"
                )
                ended_by = item.error
                asking.stopped = True
        if ended_by is not None:
            raise ended_by
        if asking.stopped:
            raise KeyboardInterrupt


@contextmanager
def _interrupts(asking: _Prompts) -> Iterator[None]:
    """Lets the first Ctrl-C stop further prompts, and the second one cancel those in progress."""

    def stop(number: int, frame: FrameType | None) -> None:
        if asking.stopped:
            raise KeyboardInterrupt
        asking.stopped = True
        # sys.stderr is not used, as the handler may interrupt a write to it.
        with suppress(OSError):
            os.write(2, b"\nstopping: waiting for calls in progress; Ctrl-C again leaves at once\n")

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # It is ignored, as in the background of a shell, or another program handles it.
        return
    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class _Lines:
    """Writes a line of progress now and then, for a log."""

    def __init__(self, output: Output, clock: Callable[[], float] = time.monotonic) -> None:
        self._output = output
        self._clock = clock
        self._told = clock()

    def __call__(self, progress: BatchProgress) -> None:
        if self._clock() - self._told < _SECONDS_BETWEEN_LINES:
            return
        self._told = self._clock()
        self._output.note(
            f"{progress.done:,} of {progress.total:,}, {progress.hits:,} hits, "
            f"{progress.failed:,} failed"
        )
