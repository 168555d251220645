"""What a process emits by itself during calls: logs, warnings and the output of hooks."""

from __future__ import annotations

import gc
import logging
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LOGGERS = [None, "vectorcache", "vectorcache.local", "httpx", "httpcore", "h11", "asyncio", "anyio"]
LOGGERS += ["uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"]


class Emitted(logging.Handler):
    """Keeps all output with the name of its channel."""

    def __init__(self) -> None:
        super().__init__(level=1)
        self.found: list[tuple[str, str]] = []
        self.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append((f"log {record.name}", f"{self.format(record)}\n{vars(record)!r}"))

    def hook(self, channel: str) -> Any:
        def keep(what: Any) -> None:
            text = "".join(traceback.format_exception(what.exc_value)) if what.exc_value else ""
            self.found.append((channel, f"{text}{what!r}"))

        return keep


@contextmanager
def watched() -> Iterator[Emitted]:
    """Collects all records of all loggers, all warnings, and all unhandled errors."""
    emitted = Emitted()
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(logger.level, logger.propagate, logger.disabled) for logger in loggers]
    hooks = sys.unraisablehook, threading.excepthook
    sys.unraisablehook = emitted.hook("unraisable")
    threading.excepthook = emitted.hook("thread")
    for logger in loggers:
        logger.setLevel(1)
        # An earlier test may have run uvicorn, which stops its records from being propagated.
        logger.propagate, logger.disabled = True, False
    loggers[0].addHandler(emitted)
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield emitted
            gc.collect()
        emitted.found += [("warning", f"{one.message}{one!r}{one.source!r}") for one in warned]
    finally:
        loggers[0].removeHandler(emitted)
        for logger, (level, propagates, disabled) in zip(loggers, before, strict=True):
            logger.setLevel(level)
            logger.propagate, logger.disabled = propagates, disabled
        sys.unraisablehook, threading.excepthook = hooks
