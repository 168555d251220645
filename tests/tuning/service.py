"""A semantic cache in a few lines, and the hits of each threshold found by brute force."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import attrs
from servers import Received, answer

from vectorcache import BatchResult, DebugInfo, VectorcacheResponse
from vectorcache.tuning import TuningReport
from vectorcache.tuning.cache_context import PlannedQuery, Queries
from vectorcache.tuning.run import Options, Run

T = TypeVar("T")
Vector = Sequence[float]

TIMES = DebugInfo(1.0, 1.0, 2.0, None, 7)


@attrs.define
class Entry:
    """A stored prompt."""

    name: str
    prompt: str
    answer: str


class Service:
    """Compares prompts by vectors that a test gives it.

    Attributes:
        names_entries: whether debug information names the entry that answered.
        names_prompts: whether debug information names the nearest prompt, as the embedded service
            does.
        answer: the LLM.
        fails: returns the error of a query, or None if the query succeeds.
        loses_answers: whether the prompt of a failed query is stored nevertheless.
        queries: the prompt, threshold and context of each query, in order.
    """

    def __init__(self, vectors: Mapping[str, Vector]) -> None:
        self._vectors = vectors
        self._contexts: dict[str, list[Entry]] = {}
        self.names_entries = True
        self.names_prompts = False
        self.answer: Callable[[str], str] = lambda prompt: f"answer to {prompt}"
        self.fails: Callable[[str, float], Exception | None] = lambda prompt, threshold: None
        self.loses_answers = False
        self.queries: list[tuple[str, float, str]] = []

    def query(self, prompt: str, threshold: float, context: str) -> VectorcacheResponse:
        self.queries.append((prompt, threshold, context))
        error = self.fails(prompt, threshold)
        if error is None:
            return self._find(prompt, threshold, context)
        if self.loses_answers:
            self._find(prompt, threshold, context)
        raise error

    def _find(self, prompt: str, threshold: float, context: str) -> VectorcacheResponse:
        entries = self._contexts.setdefault(context, [])
        scores = [self.score(prompt, entry.prompt) for entry in entries]
        best = max(range(len(entries)), key=lambda place: (scores[place], -place), default=None)
        debug = TIMES
        if self.names_prompts and best is not None:
            nearest = {"nearest_prompt": entries[best].prompt}
            score = {"nearest_similarity_score": max(scores[best], 0.0)}
            debug = attrs.evolve(TIMES, extra=nearest | score)
        if best is not None and scores[best] >= threshold:
            entry = entries[best]
            debug = attrs.evolve(
                debug, matched_cache_entry_id=entry.name if self.names_entries else None
            )
            return VectorcacheResponse(
                True, entry.answer, scores[best], price(entry.prompt), "cache", debug
            )
        entries.append(Entry(f"{context}/{len(entries)}", prompt, self.answer(prompt)))
        return VectorcacheResponse(False, entries[-1].answer, None, 0.0, "openai", debug)

    def score(self, prompt: str, other: str) -> float:
        if prompt == other:
            return 1.0
        one, two = self._vectors[prompt], self._vectors[other]
        length = math.hypot(*one) * math.hypot(*two)
        return round(sum(a * b for a, b in zip(one, two, strict=True)) / length, 6)

    def respond(self, request: Received) -> bytes:
        """Answers a request, as the ``respond`` of a ``ScriptedServer``."""
        asked = json.loads(request.body)
        found = self.query(asked["prompt"], asked["similarity_threshold"], asked["context"])
        return answer(found.to_dict())

    def tune(self, prompts: Iterable[Any], **options: Any) -> TuningReport:
        """Tunes with this service instead of a client."""
        run = Run(prompts, Options(**{**DEFAULTS, **options}), usual=0.85)
        queries = run.begin()
        while queries:
            queries = run.take(list(results(queries, self.answer_query)))
        return run.report()

    def answer_query(self, query: PlannedQuery) -> VectorcacheResponse:
        return self.query(query.prompt, query.similarity_threshold, query.context)


AnswerQuery = Callable[[PlannedQuery], VectorcacheResponse]


def answer_all(steps: Queries[T], answer_query: AnswerQuery) -> T:
    """Answers all queries that the steps yield, and returns what the steps return."""
    try:
        queries = next(steps)
        while True:
            queries = steps.send(list(results(queries, answer_query)))
    except StopIteration as end:
        returned: T = end.value
        return returned


def results(queries: Sequence[PlannedQuery], answer_query: AnswerQuery) -> Iterator[BatchResult]:
    for index, query in enumerate(queries):
        try:
            yield BatchResult(index, index, query.prompt, answer_query(query))
        except Exception as error:
            yield BatchResult(index, index, query.prompt, None, error)


DEFAULTS: Mapping[str, Any] = {
    "labels": None,
    "thresholds": (0.7, 0.8, 0.9),
    "precision": 0.95,
    "max_calls": None,
    "max_llm_calls": None,
    "context_prefix": "tuning",
    "progress": None,
}


def price(prompt: str) -> float:
    """Returns what the LLM's answer to a prompt costs, in US dollars."""
    return len(prompt) / 1024


@attrs.frozen
class Found:
    """The hits of a threshold: for each prompt the earlier prompt that answered and its score."""

    hits: Mapping[int, tuple[int, float]]

    def saved(self, prompts: Sequence[str]) -> float:
        return sum(price(prompts[earlier]) for earlier, _ in self.hits.values())

    def right(self, labels: Sequence[Any]) -> int:
        return sum(labels[index] == labels[earlier] for index, (earlier, _) in self.hits.items())


def brute_force(service: Service, prompts: Sequence[str], threshold: float) -> Found:
    """Asks all prompts in turn, in a separate, empty context."""
    stored: list[int] = []
    hits: dict[int, tuple[int, float]] = {}
    for index, prompt in enumerate(prompts):
        found = service.query(prompt, threshold, f"alone at {threshold}")
        if found.cache_hit:
            assert found.debug is not None
            name = found.debug.matched_cache_entry_id or ""
            assert found.similarity_score is not None
            hits[index] = (stored[int(name.rpartition("/")[2])], found.similarity_score)
        else:
            stored.append(index)
    return Found(hits)
