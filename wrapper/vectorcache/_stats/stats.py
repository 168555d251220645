"""The statistics of a client, as its user gets them."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import attrs

from .latency import Latency

# Model and context.
Group: TypeAlias = tuple[str | None, str | None]


@attrs.frozen
class Scores:
    """The similarity scores of hits: cosine similarity, 0 to 1.

    Attributes:
        count: how many hits had a score.
        mean: the mean of the scores; None without any.
        histogram: the number of scores in each hundredth, by its lower end: 0.93 stands for
            scores from 0.93 to below 0.94. Hundredths without scores are left out.
    """

    count: int = 0
    mean: float | None = None
    histogram: Mapping[float, int] = attrs.field(factory=dict, hash=False)

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON-serialisable values."""
        histogram = {f"{lower:.2f}": count for lower, count in self.histogram.items()}
        return {"count": self.count, "mean": self.mean, "histogram": histogram}


@attrs.frozen(kw_only=True)
class Stats:
    """The statistics of a client's calls, up to the moment at which they were taken.

    ``calls`` is the sum of hits, misses, fallbacks, failed and cancelled. A call that was refused
    before anything was sent does not count.

    Attributes:
        calls: calls that ended.
        hits: calls answered from the cache.
        misses: calls answered by the LLM that the service asked.
        fallbacks: calls answered by the client's ``fallback``.
        failed: calls that ended with an error.
        cancelled: calls that the caller gave up: a cancelled task, Ctrl-C, a batch stopped early.
        retries: attempts after the first, of all calls.
        cost_saved: US dollars that the hits saved.
        errors: the number of failed calls for each class of error, by its name.
        scores: the similarity scores of the hits.
        hit_latency: how long hits took, from the call to the answer, waits included.
        miss_latency: how long misses took.
        by_model_and_context: the same statistics for each pair of model and context. Beyond 1,000
            pairs, all others are counted together under ``(None, None)``.
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
    _reset: Callable[[], "Stats"] | None = attrs.field(
        default=None, eq=False, repr=False, alias="reset"
    )

    @property
    def hit_rate(self) -> float | None:
        """Hits as a share of hits and misses, 0 to 1; None before the first of them."""
        answered = self.hits + self.misses
        return self.hits / answered if answered else None

    def reset(self) -> "Stats":
        """Lets the client count from 0 again; returns all that it had counted until then."""
        return self if self._reset is None else self._reset()

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON-serialisable values; ``by_model_and_context`` as a list."""
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
        # A copy is plain data, without the function that resets the client.
        return {name: getattr(self, name) for name in _FIELDS}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in {**state, "_reset": None}.items():
            object.__setattr__(self, name, value)


# ``typing.get_type_hints`` looks up the names of the constructor's annotations in a copy of this
# module's names. attrs made that copy before the class had its name.
Stats.__init__.__globals__["Stats"] = Stats

_FIELDS: Final = tuple(field.name for field in attrs.fields(Stats) if field.name != "_reset")
