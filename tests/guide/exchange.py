"""What the guide's applications are asked, and what they then say."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from servers import HIT, answer

QUESTION = {"prompt": "What is ML?"}
REFUSED = answer({"detail": "Invalid API key"}, status=401)

# What the Flask and the Django application take from a result.
PICKED = {name: HIT[name] for name in ("cache_hit", "response", "cost_saved")}

LoadApplication = Callable[[str], ModuleType]
