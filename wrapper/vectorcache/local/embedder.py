"""What the engine asks of an embedding model."""

from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Vector: TypeAlias = npt.NDArray[np.float32]


class Embedder(Protocol):
    """Turns a prompt into a vector. Write a class with these two members to bring your own.

    ``embed`` may be called from several threads at once.
    """

    @property
    def id(self) -> str:
        """Names the model and everything that changes its vectors. It is stored beside each
        vector, and vectors of another id are never compared."""
        ...

    def embed(self, prompt: str) -> Vector | None:
        """The vector of a prompt, one-dimensional, of the same length every time.

        Need not be normalised: the engine compares by cosine. Return None for a prompt that the
        model cannot see as a whole (too long, unknown characters): such a prompt is then matched
        by its exact text only.
        """
        ...
