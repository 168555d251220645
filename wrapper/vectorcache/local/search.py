"""Searches for the nearest vectors exactly, in one matrix for each model and context."""

import logging
import threading
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .embedder import Vector
from .errors import EmbedderError
from .store import Store

# Float32 has no more digits. Without rounding, a prompt would score 0.9999999 with itself.
_DECIMALS = 6
# Vectors are stored with length 1, in float32.
_SQUARE_TOLERANCE = 0.001

_log = logging.getLogger("vectorcache.local")


@dataclass(frozen=True, slots=True)
class Match:
    """A stored entry and its cosine similarity, 0 to 1."""

    number: int
    score: float


@dataclass(slots=True)
class _Segment:
    matrix: npt.NDArray[np.float32]
    numbers: npt.NDArray[np.int64]
    size: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def append(self, number: int, vector: Vector) -> None:
        if self.size == len(self.matrix):
            # The array is new, as a search in another thread may still read the old one.
            self.matrix = np.concatenate([self.matrix, np.empty_like(self.matrix)])
            self.numbers = np.concatenate([self.numbers, np.empty_like(self.numbers)])
        self.matrix[self.size] = vector
        self.numbers[self.size] = number
        self.size += 1


class Search:
    """Finds the stored prompts nearest to a vector, within one model and context.

    Each search first reads the entries that other threads and processes have added to the store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._segments: dict[tuple[str, str, str], _Segment] = {}
        self._lock = threading.Lock()

    def nearest(
        self,
        vector: Vector,
        model: str,
        context: str,
        embedder: str,
        threshold: float,
        limit: int,
        *,
        below: bool = False,
    ) -> list[Match]:
        """Returns at most ``limit`` entries with a score of at least the threshold, best first.

        If there are none, ``below`` asks for the best of the other entries.
        """
        segment = self._segment(model, context, embedder, len(vector))
        self._fitting(vector, segment, embedder)
        with segment.lock:
            last = int(segment.numbers[segment.size - 1]) if segment.size else 0
            for number, added in self._store.vectors_after(last, model, context, embedder):
                segment.append(number, _sound(self._fitting(added, segment, embedder)))
            matrix, numbers = segment.matrix[: segment.size], segment.numbers[: segment.size]
        scores = np.clip(np.round((matrix @ vector).astype(np.float64), _DECIMALS), 0.0, 1.0)
        enough = np.flatnonzero(scores >= threshold)
        if below and not len(enough):
            enough = np.flatnonzero(scores == np.max(scores, initial=0.0, where=scores >= 0.0))
        # The sort is stable, so that of two equal scores the older entry always comes first.
        best = enough[np.argsort(-scores[enough], kind="stable")[:limit]]
        return [Match(int(numbers[row]), float(scores[row])) for row in best]

    def _segment(self, model: str, context: str, embedder: str, length: int) -> _Segment:
        with self._lock:
            key = (model, context, embedder)
            if key not in self._segments:
                self._segments[key] = _Segment(
                    np.empty((8, length), dtype=np.float32), np.empty(8, dtype=np.int64)
                )
            return self._segments[key]

    @staticmethod
    def _fitting(vector: Vector, segment: _Segment, embedder: str) -> Vector:
        if len(vector) != segment.matrix.shape[1]:
            raise EmbedderError(
                f"the embedder {embedder!r} gave vectors of {len(vector)} and of "
                f"{segment.matrix.shape[1]} numbers: an embedder that changes needs another id"
            )
        return vector


def _sound(vector: Vector) -> Vector:
    """Returns the stored vector; if it is damaged, one that matches no prompt."""
    with np.errstate(all="ignore"):
        square = float(vector @ vector)
    if abs(square - 1) < _SQUARE_TOLERANCE:
        return vector
    _log.warning("a vector of the cache file is damaged and is not used")
    return np.full_like(vector, np.nan)
