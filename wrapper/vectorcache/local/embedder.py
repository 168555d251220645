"""What the engine asks of an embedding model."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from .._local import Embedder as Embedder
from .._local import Embedding as Embedding

# The engine works with this type. An embedder may return anything that NumPy converts to it.
Vector: TypeAlias = npt.NDArray[np.float32]
