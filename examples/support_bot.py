"""A support bot: every question that was asked before is answered from the cache.

    python examples/support_bot.py < questions.txt

It says after each answer what it came to, keeps personal data out of the cache, and goes on
answering in an outage. The key is in VECTORCACHE_API_KEY.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from vectorcache import (
    CircuitBreaker,
    SensitiveDataError,
    SensitiveDataFilter,
    VectorcacheClient,
    VectorcacheError,
)

OUTAGE = "I cannot look that up at the moment. A colleague will write to you within the hour."


def answer_in_an_outage(prompt: str, model: str, context: str | None) -> str:
    """Asked when the cache cannot answer; call your LLM here, if it has to be a real answer."""
    return OUTAGE


class SupportBot:
    """Answers questions, and keeps count of what that came to."""

    def __init__(self, client: VectorcacheClient) -> None:
        self._client = client.with_options(
            model="gpt-4o",
            context="customer-support",
            similarity_threshold=0.88,
            deadline=10.0,
            circuit_breaker=CircuitBreaker(failures=5, reset_after=60.0),
            fallback=answer_in_an_outage,
            before_send=SensitiveDataFilter(),
        )

    def answer(self, question: str) -> str:
        try:
            return self._client.query(question).response
        except SensitiveDataError as error:
            return f"Please ask without personal data: {error}"
        except VectorcacheError as error:
            print(f"not answered: {error}", file=sys.stderr)
            return "Something is wrong with this bot. We have been told."

    def summary(self) -> str:
        stats = self._client.stats
        rate = "no" if stats.hit_rate is None else f"{stats.hit_rate:.0%}"
        return (
            f"{stats.calls} questions, {rate} hits, ${stats.cost_saved:.4f} saved, "
            f"{stats.fallbacks} in an outage, {stats.failed} failed"
        )


def main(questions: Iterable[str]) -> None:
    with VectorcacheClient() as client:
        bot = SupportBot(client)
        for question in questions:
            print(bot.answer(question.strip()))
            print(f"[{bot.summary()}]", file=sys.stderr)


if __name__ == "__main__":
    main(sys.stdin)
