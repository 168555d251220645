"""What a client's calls came to."""

from collections.abc import Mapping
from typing import Any, Final, Protocol, TypeAlias

import attrs

from .latency import Latency

# Model and context.
Group: TypeAlias = tuple[str | None, str | None]


@attrs.frozen
class Scores:
    """The similarity scores of hits: cosine similarity, 0 to 1.

    Attributes:
        count: how many hits had one.
        mean: their mean; None where there were none.
        histogram: how many there were from each hundredth to below the next, by its lower end
            (0.93 for 0.93 to below 0.94); hundredths without any are left out.
    """

    count: int = 0
    mean: float | None = None
    histogram: Mapping[float, int] = attrs.field(factory=dict, hash=False)

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON-serialisable values."""
        histogram = {f"{lower:.2f}": count for lower, count in self.histogram.items()}
        return {"count": self.count, "mean": self.mean, "histogram": histogram}


class _Counter(Protocol):
    """What goes on counting."""

    def reset(self) -> "Stats": ...


@attrs.frozen(kw_only=True)
class Stats:
    """What a client's calls came to, up to the moment it was taken.

    ``calls`` is the sum of hits, misses, fallbacks, failed and cancelled. What was refused before
    anything was sent is no call.

    Attributes:
        calls: calls that ended.
        hits: answered from the cache.
        misses: answered by the LLM that the service asked.
        fallbacks: answered by the client's ``fallback``.
        failed: ended by an error.
        cancelled: given up by the caller: a cancelled task, Ctrl-C, a batch stopped early.
        retries: attempts after the first, of all calls.
        cost_saved: US dollars that the hits saved.
        errors: how many calls failed with each class of error, by its name.
        scores: the similarity scores of the hits.
        hit_latency: how long hits took, from the call to the answer, waits included.
        miss_latency: how long misses took.
        by_model_and_context: the same for each pair of model and context; of more than 1,000
            pairs the others are under ``(None, None)``.
    """

    calls: int = 0
    hits: int = 0
    misses: int = 0
    fallbacks: int = 0
    failed: int = 0
    cancelled: int = 0
    retries: int = 0
    cost_saved: float = 0.0
    errors: Mapping[str, int] = attrs.field(factory=dict, hash=False)
    scores: Scores = attrs.field(factory=Scores)
    hit_latency: Latency = attrs.field(factory=Latency)
    miss_latency: Latency = attrs.field(factory=Latency)
    by_model_and_context: Mapping[Group, "Stats"] = attrs.field(
        factory=dict, hash=False, repr=False
    )
    _recorder: _Counter | None = attrs.field(default=None, eq=False, repr=False, alias="recorder")

    @property
    def hit_rate(self) -> float | None:
        """Hits as a share of hits and misses, 0 to 1; None before there was any."""
        answered = self.hits + self.misses
        return self.hits / answered if answered else None

    def reset(self) -> "Stats":
        """Lets the client count anew; returns what it had counted until then, to the last call."""
        return self if self._recorder is None else self._recorder.reset()

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON-serialisable values; ``by_model_and_context`` as a list."""
        groups = [
            {"model": model, "context": context, **stats.to_dict()}
            for (model, context), stats in self.by_model_and_context.items()
        ]
        fields = {
            "calls": self.calls,
            "hits": self.hits,
            "misses": self.misses,
            "hit_rate": self.hit_rate,
            "fallbacks": self.fallbacks,
            "failed": self.failed,
            "cancelled": self.cancelled,
            "retries": self.retries,
            "cost_saved": self.cost_saved,
            "errors": dict(self.errors),
            "scores": self.scores.to_dict(),
            "hit_latency": self.hit_latency.to_dict(),
            "miss_latency": self.miss_latency.to_dict(),
        }
        return {**fields, "by_model_and_context": groups} if groups else fields

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _FIELDS}  # Without the client's recorder.

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in {**state, "_recorder": None}.items():
            object.__setattr__(self, name, value)


# attrs has given the constructor a copy of this module's names, made before there was this one.
Stats.__init__.__globals__["Stats"] = Stats

_FIELDS: Final = tuple(field.name for field in attrs.fields(Stats) if field.name != "_recorder")
