"""The requests to the applications of the guide, and their answers."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from servers import HIT, answer

QUESTION = {"prompt": "What is ML?"}
REFUSED = answer({"detail": "Invalid API key"}, status=401)

# The fields of a result that the Flask and the Django application return.
PICKED = {name: HIT[name] for name in ("cache_hit", "response", "cost_saved")}

LoadApplication = Callable[[str], ModuleType]
