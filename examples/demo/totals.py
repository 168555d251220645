"""What the cache has saved so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from vectorcache import VectorcacheResponse


@dataclass
class Totals:
    """Adds up calls, as measured and returned."""

    calls: int = 0
    hits: int = 0
    dollars: float = 0.0
    seconds: float = 0.0
    _took: dict[str, float] = field(default_factory=dict)

    def add(self, result: VectorcacheResponse) -> float | None:
        """Counts a call; for a hit, returns the seconds that its answer took as a miss."""
        self.calls += 1
        elapsed = result.meta.elapsed
        if not result.cache_hit:
            self._took[result.response] = elapsed
            return None
        took = self._took[result.response]
        self.hits += 1
        self.dollars += result.cost_saved
        self.seconds += took - elapsed
        return took
