"""What plays the LLM where none is configured: a small file of questions and answers."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np

from vectorcache.local import MiniLM

SECONDS = 1.0
"""How long it takes for each answer, on purpose: an LLM would take about as long."""

# Below this, the nearest stored question is another one ("reverse a string", "reverse a list").
_NEAR_ENOUGH = 0.83
NO_ANSWER = (
    "The stand-in has no answer to this. Configure an OpenAI-compatible endpoint by "
    "OPENAI_BASE_URL, OPENAI_API_KEY or both, to get real ones."
)


class NoAnswer(LookupError):
    """Nothing stored comes near enough; raised, so that the cache keeps no such answer."""


class StandIn:
    """Answers with the stored answer whose question comes nearest."""

    name = "the stand-in"
    variable = "stand_in"
    # Answers cost nothing here; this is the model whose price is counted as saved.
    model = "gpt-4o"
    examples = (
        "How do I reset my password?",
        "How long should I boil an egg?",
        "How do I undo my last git commit?",
    )

    def __init__(self, embedder: MiniLM) -> None:
        stored = json.loads(Path(__file__).with_name("answers.json").read_text("utf-8"))
        self._embedder = embedder
        self._entries = [entry for entry in stored for _ in entry["asked"]]
        asked = [embedder.embed(question) for entry in stored for question in entry["asked"]]
        self._vectors = np.array(asked)
        self.introduction = (
            f"No LLM is configured, so a stand-in plays its part, with {len(stored)} stored "
            f"answers and a wait of {SECONDS:g} s before each, about as long as an LLM takes."
        )

    def __call__(self, prompt: str, model: str, context: str | None) -> str:
        time.sleep(SECONDS)
        vector = self._embedder.embed(prompt)
        if vector is None:
            raise NoAnswer
        scores = self._vectors @ vector
        best = int(scores.argmax())
        if scores[best] < _NEAR_ENOUGH:
            raise NoAnswer
        entry = self._entries[best]
        answer: str = entry.get("contexts", {}).get(context, entry["answer"])
        return answer
