"""What the embedded cache asks of an embedding model, without what that needs itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias


class SupportsArray(Protocol):
    """What NumPy can make an array of, such as its own arrays and other libraries' tensors."""

    def __array__(self) -> Any: ...


Embedding: TypeAlias = Sequence[float] | SupportsArray


class Embedder(Protocol):
    """Turns a prompt into a vector. Write a class with these two members to bring your own.

    ``embed`` may be called from several threads at once.
    """

    @property
    def id(self) -> str:
        """Names the model and everything that changes its vectors. It is stored beside each
        vector, and vectors of another id are never compared."""
        ...

    def embed(self, prompt: str) -> Embedding | None:
        """The vector of a prompt, one-dimensional, of the same length every time.

        Need not be normalised: the engine compares by cosine. Return None for a prompt that the
        model cannot see as a whole (too long, unknown characters): such a prompt is then matched
        by its exact text only.
        """
        ...
