"""Honest stand-ins for an LLM and an embedding model, and names for what the fixtures make."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from vectorcache.local import Engine

MakeEngine = Callable[..., Engine]


class Recorder:
    """An LLM that repeats the question and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str | None]] = []

    def __call__(self, prompt: str, model: str, context: str | None) -> str:
        self.asked.append((prompt, model, context))
        return f"answer {len(self.asked)} to {prompt}"


class Angles:
    """An embedder of a user's own: "30" and "30 degrees" lie at 30 degrees, so scores are known."""

    def __init__(self, name: str = "angles") -> None:
        self.id = name
        self.embedded: list[str] = []

    def embed(self, prompt: str) -> npt.NDArray[np.float32] | None:
        self.embedded.append(prompt)
        if prompt.startswith("unseen"):
            return None
        angle = np.radians(float(prompt.split()[0]))
        return np.array([np.cos(angle), np.sin(angle)], dtype=np.float32)
