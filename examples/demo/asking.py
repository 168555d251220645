"""Asking the cache, and the LLM behind it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Self

from vectorcache import LLMProviderError, VectorcacheClient
from vectorcache.local import MiniLM
from vectorcache.local.prices import call_cost

from .endpoint import Endpoint
from .screen import Screen
from .stand_in import NO_ANSWER, NoAnswer, StandIn
from .totals import Totals


class Asking:
    """A client with a cache in this process, who answers its misses, and what it has saved."""

    def __init__(self, screen: Screen, environment: Mapping[str, str]) -> None:
        started = time.perf_counter()
        # The client makes this embedder for itself where it is given none, and loads it at the
        # first question, as the price list at the first answer. Here both are loaded beforehand,
        # so that a miss shows the LLM's time and no more.
        embedder = MiniLM()
        self.llm = Endpoint.of(environment) or StandIn(embedder)
        embedder.embed("")
        self.has_price = call_cost(self.llm.model, "question", "answer") > 0
        self.loaded_in = time.perf_counter() - started
        self.totals = Totals()
        # An endpoint may have an answer the next time; the stand-in will not.
        self._max_retries = 0 if isinstance(self.llm, StandIn) else 2
        self._no_answer = False
        self._screen = screen
        self._client = VectorcacheClient.local(llm=self._answer, embedder=embedder)

    def ask(self, prompt: str, context: str | None = None, threshold: float | None = None) -> None:
        """Asks a question, and shows the answer and what it cost."""
        try:
            result = self._client.query(
                prompt,
                self.llm.model,
                threshold,
                context,
                include_debug=True,
                max_retries=self._max_retries,
            )
        except LLMProviderError:
            if not self._no_answer:
                raise
            self._no_answer = False
            self._screen.text(NO_ANSWER)
            return
        took = self.totals.add(result)
        self._screen.result(result, took, answered_by=self.llm.name)

    def _answer(self, prompt: str, model: str, context: str | None) -> str:
        with self._screen.waiting(self.llm.name):
            try:
                return self.llm(prompt, model, context)
            except NoAnswer:
                self._no_answer = True
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
