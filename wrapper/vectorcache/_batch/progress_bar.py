"""Shows the progress of a batch as a bar in the terminal, by tqdm or rich."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ..errors import ConfigurationError, InvalidRequestError
from .result import BatchProgress, Progress


class ProgressBar(Protocol):
    """Shows each step of a batch, until it is closed."""

    def __call__(self, progress: BatchProgress) -> object: ...

    def close(self) -> None: ...


class _TqdmBar:
    def __init__(self, total: int | None) -> None:
        from tqdm.auto import tqdm

        self._bar: Any = tqdm(total=total, unit=" prompts")

    def __call__(self, progress: BatchProgress) -> None:
        self._bar.set_postfix_str(_words(progress), refresh=False)
        self._bar.update(progress.done - self._bar.n)

    def close(self) -> None:
        self._bar.close()


class _RichBar:
    def __init__(self, total: int | None) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._bar: Any = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self._bar.add_task("", total=total)
        self._bar.start()

    def __call__(self, progress: BatchProgress) -> None:
        self._bar.update(self._task, completed=progress.done, description=_words(progress))

    def close(self) -> None:
        self._bar.stop()


def _words(progress: BatchProgress) -> str:
    return f"hits {progress.hits}, failed {progress.failed}, saved ${progress.cost_saved:.2f}"


class _Callback:
    """Calls the user's own function; there is nothing to close."""

    def __init__(self, callback: Callable[[BatchProgress], object]) -> None:
        self._callback = callback

    def __call__(self, progress: BatchProgress) -> object:
        return self._callback(progress)

    def close(self) -> None:
        pass


# Makes the bar when the batch begins, for the number of prompts, if that is known.
MakeBar = Callable[[int | None], ProgressBar]


def bar_maker(progress: Progress | None) -> MakeBar | None:
    """Returns a function that makes the bar for ``progress``; None without progress.

    Raises:
        InvalidRequestError: ``progress`` is neither a function, nor "rich", nor "tqdm".
        ConfigurationError: the library that it names is not installed.
    """
    match progress:
        case None:
            return None
        case "tqdm" | "rich":
            from importlib.util import find_spec  # Imported here, as few users need it.

            if find_spec(progress) is None:
                raise ConfigurationError(
                    f'progress="{progress}" needs {progress}, which is not installed: '
                    f"pip install {progress}, or pass a function"
                )
            return _TqdmBar if progress == "tqdm" else _RichBar
    if not callable(progress):
        raise InvalidRequestError(
            f'progress is {progress!r}: pass a function (BatchProgress), "rich" or "tqdm"'
        )
    callback = progress
    return lambda total: _Callback(callback)
