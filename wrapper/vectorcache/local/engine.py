"""The cache itself: it looks up an answer, or asks the LLM and keeps its answer."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from os import PathLike
from types import TracebackType
from typing import Self, TypeVar

import anyio.to_thread
import numpy as np

from .._llm import LLM
from .answer import Answer, Debug
from .embedder import Embedder, Embedding, Vector
from .errors import EmbedderError
from .guard import contradicts
from .llm import aask, ask, refuse_async
from .minilm import MiniLM
from .misses import EqualMisses
from .prices import call_cost, provider_of
from .question import DEFAULT_THRESHOLD, Question
from .search import Search
from .store import Entry, Store

T = TypeVar("T")

PLACEHOLDER = (
    "No LLM is configured, so this is a placeholder and not an answer. In Python, pass llm=..., a "
    "function (prompt, model, context) -> str, to VectorcacheClient.local() or to "
    "vectorcache.local.app(); on the command line, the hosted service answers without --local."
)
# How many near entries the guard may refuse before the query is a miss.
_GUARDED_CANDIDATES = 16


class Engine:
    """A semantic cache in this process, without a key or a network. It may be used by threads.

    Args:
        path: the file for the entries, which is made if it does not exist. Several processes may
            share it. None (the default) keeps the entries in memory until the engine is closed.
        llm: called on a miss as ``llm(prompt, model, context)``; returns the answer, a non-empty
            string. It may be an ``async def`` if only ``aquery`` is used, as the async client and
            the ASGI application do. Equal misses at the same time, in the threads of a process or
            the tasks of an event loop, call it once: all get what that call returns or raises.
            With None (the default), a miss is answered with a placeholder, which is kept. An
            engine with an ``llm`` never finds placeholders.
        embedder: the embedding model. The default is :class:`MiniLM`, which is loaded at the first
            query that is not an exact repeat. Vectors of different embedders are never compared.
        lexical_guard: whether to refuse hits between prompts with opposite words, different
            numbers, dates or names, another negation or swapped words. The default is False: only
            the cosine similarity counts, as in the hosted service.

    Raises:
        CacheFileError: the file cannot be opened, or is not a Vectorcache file.
        TypeError: ``llm`` cannot be called, or ``embedder`` cannot embed.
    """

    def __init__(
        self,
        path: str | PathLike[str] | None = None,
        llm: LLM | None = None,
        *,
        embedder: Embedder | None = None,
        lexical_guard: bool = False,
    ) -> None:
        if llm is not None and not callable(llm):
            raise TypeError("llm must be a function (prompt, model, context) -> str, or None")
        if embedder is not None and not callable(getattr(embedder, "embed", None)):
            raise TypeError("embedder must have a method embed(prompt) and an id, or be None")
        self._llm = llm
        self._embedder: Embedder = MiniLM() if embedder is None else embedder
        self._guarded = lexical_guard
        self._store = Store(path, placeholders=llm is None)
        self._search = Search(self._store)
        self._misses = EqualMisses()

    def query(
        self,
        prompt: str,
        model: str,
        similarity_threshold: float = DEFAULT_THRESHOLD,
        context: str | None = None,
        include_debug: bool = False,
    ) -> Answer:
        """Returns an answer from the cache; or asks the LLM, and keeps its answer.

        Args:
            prompt: the question, at most 32,000 characters.
            model: the name of the LLM, which is passed to ``llm``. Each model has its own entries.
            similarity_threshold: the least cosine similarity of a hit, 0 to 1; 0.85 by default. The
                same text is always a hit, with 1.0.
            context: the part of the cache to search; "" is the same as None.
            include_debug: whether the answer has ``debug``.

        Raises:
            ValueError: an argument is out of its range.
            TypeError: an argument has the wrong type, or ``llm`` is an ``async def``.
            LLMError: ``llm`` raised an exception, or returned no text. Nothing was stored.
            EmbedderError: the embedding model cannot be loaded.
            CacheFileError: the file cannot be read or written.
            EngineClosedError: the engine is closed.
        """
        return self.answer(Question(prompt, model, similarity_threshold, context, include_debug))

    async def aquery(
        self,
        prompt: str,
        model: str,
        similarity_threshold: float = DEFAULT_THRESHOLD,
        context: str | None = None,
        include_debug: bool = False,
    ) -> Answer:
        """Does the same as ``query``, without blocking the event loop.

        ``llm`` may be an ``async def``, which runs on the caller's event loop. The rest runs in
        worker threads.
        """
        return await self.aanswer(
            Question(prompt, model, similarity_threshold, context, include_debug)
        )

    def answer(self, question: Question) -> Answer:
        """Returns the answer to a checked question."""
        self.refuse_async_llm()
        found = self._look_up(question)
        if isinstance(found, Answer):
            return found
        llm = self._llm
        if llm is None:
            return self._keep(found, None)
        answer = self._misses.answer(
            question,
            lambda: self._look_up_again(found),
            lambda: self._keep(found, ask(llm, question)),
        )
        return self._with_own_debug(found, answer)

    async def aanswer(self, question: Question) -> Answer:
        """Does the same as ``answer``, without blocking the event loop."""
        found = await _in_thread(lambda: self._look_up(question))
        if isinstance(found, Answer):
            return found
        llm = self._llm
        if llm is None:
            return await _in_thread(lambda: self._keep(found, None))

        async def ask_and_keep() -> Answer:
            response = await aask(llm, question)
            return await _in_thread(lambda: self._keep(found, response))

        answer = await self._misses.aanswer(
            question, lambda: _in_thread(lambda: self._look_up_again(found)), ask_and_keep
        )
        return self._with_own_debug(found, answer)

    def refuse_async_llm(self) -> None:
        """Raises TypeError if ``llm`` needs an event loop."""
        refuse_async(self._llm)

    def close(self) -> None:
        """Closes the file. A second call does nothing."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _look_up(self, question: Question) -> "Answer | _Miss":
        miss = _Miss(question)
        started = time.perf_counter()
        exact = self._store.exact(question.prompt, question.model, question.context or "")
        miss.search_ms += _ms_since(started)
        if exact is not None:
            return self._hit(miss, exact, 1.0)

        started = time.perf_counter()
        miss.vector = _normalised(self._embedder.embed(question.meaning))
        miss.embedding_ms = _ms_since(started)
        if miss.vector is None:
            return miss

        started = time.perf_counter()
        miss.embedder = self._embedder.id
        near = self._nearest(miss, miss.vector)
        miss.search_ms += _ms_since(started)
        return miss if near is None else self._hit(miss, *near)

    def _nearest(self, miss: "_Miss", vector: Vector) -> tuple[Entry, float] | None:
        asked = miss.question
        matches = self._search.nearest(
            vector,
            asked.model,
            asked.context or "",
            miss.embedder,
            asked.similarity_threshold,
            _GUARDED_CANDIDATES if self._guarded else 1,
            below=asked.include_debug,
        )
        for match in matches:
            entry = self._store.entry(match.number)
            if entry is None:
                continue
            enough = match.score >= asked.similarity_threshold
            if enough and not (self._guarded and _contradicts(asked, entry)):
                return entry, match.score
            if miss.nearest is None:
                miss.nearest = (entry, match.score)
                miss.refused = enough
        return None

    def _look_up_again(self, miss: "_Miss") -> Answer | None:
        """Returns the answer that an equal miss has stored since this question was a miss."""
        asked = miss.question
        stored = self._store.exact(asked.prompt, asked.model, asked.context or "")
        return None if stored is None else self._hit(miss, stored, 1.0)

    def _keep(self, miss: "_Miss", response: str | None) -> Answer:
        asked = miss.question
        provider, cost_usd = "local-placeholder", 0.0
        if response is not None:
            provider = provider_of(asked.model)
            cost_usd = call_cost(asked.model, asked.prompt, response)
        self._store.add(
            asked.prompt,
            asked.model,
            asked.context or "",
            response or PLACEHOLDER,
            cost_usd=cost_usd,
            placeholder=response is None,
            embedder=miss.embedder,
            vector=miss.vector,
        )
        debug = self._debug(miss, None)
        return Answer(False, response or PLACEHOLDER, None, 0.0, provider, debug)

    def _with_own_debug(self, miss: "_Miss", answer: Answer) -> Answer:
        """Returns the answer of an equal miss, with the debug information of this one."""
        return answer if answer.cache_hit else replace(answer, debug=self._debug(miss, None))

    def _hit(self, miss: "_Miss", entry: Entry, score: float) -> Answer:
        miss.nearest, miss.refused = (entry, score), False
        debug = self._debug(miss, entry.entry_id)
        return Answer(True, entry.response, score, entry.cost_usd, "cache", debug)

    def _debug(self, miss: "_Miss", entry_id: str | None) -> Debug | None:
        if not miss.question.include_debug:
            return None
        nearest, score = miss.nearest or (None, None)
        return Debug(
            embedding_time_ms=round(miss.embedding_ms, 3),
            search_time_ms=round(miss.search_ms, 3),
            total_time_ms=round(_ms_since(miss.started), 3),
            matched_cache_entry_id=entry_id,
            cache_entry_count=self._store.count(),
            nearest_prompt=None if nearest is None else nearest.prompt,
            nearest_similarity_score=score,
            refused_by_lexical_guard=miss.refused,
        )


@dataclass(slots=True)
class _Miss:
    """A question that no entry answers.

    Attributes:
        nearest: the nearest entry, and its score.
        refused: whether the lexical guard refused it.
    """

    question: Question
    vector: Vector | None = None
    embedder: str = ""
    embedding_ms: float = 0.0
    search_ms: float = 0.0
    nearest: tuple[Entry, float] | None = None
    refused: bool = False
    started: float = 0.0

    def __post_init__(self) -> None:
        self.started = time.perf_counter()


async def _in_thread(function: Callable[[], T]) -> T:
    return await anyio.to_thread.run_sync(function, abandon_on_cancel=True)


def _contradicts(asked: Question, entry: Entry) -> bool:
    return contradicts(asked.meaning, asked.meaning_of(entry.prompt))


def _normalised(vector: Embedding | None) -> Vector | None:
    if vector is None:
        return None
    wanted = np.asarray(vector, dtype=np.float32)
    length = float(np.linalg.norm(wanted))
    if wanted.ndim != 1 or not np.isfinite(length) or length == 0.0:
        raise EmbedderError(
            "the embedder must return one dimension of finite numbers that are not all zero, or "
            "None for a prompt it cannot embed"
        )
    return wanted / np.float32(length)


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
