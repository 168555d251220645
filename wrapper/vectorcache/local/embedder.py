"""What the engine asks of an embedding model."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from .._local import Embedder as Embedder
from .._local import Embedding as Embedding

# What the engine works with; an embedder may return anything that NumPy makes one of.
Vector: TypeAlias = npt.NDArray[np.float32]
