"""Finds the similarity threshold that suits one's own prompts.

``tune`` asks the service about each prompt, in the order in which your users asked them, and says
for each threshold how many would have been answered from the cache, what that would have saved
and, where labels say which prompts mean the same, how many of those answers would have been right.
"""

from .estimate import TuningEstimate, estimate
from .matches import Pair
from .proportion import Proportion
from .recommendation import Recommendation
from .report import FailedPrompt, TuningReport
from .results import ThresholdResult
from .run import TuningProgress
from .tune import atune, tune

__all__ = [
    "FailedPrompt",
    "Pair",
    "Proportion",
    "Recommendation",
    "ThresholdResult",
    "TuningEstimate",
    "TuningProgress",
    "TuningReport",
    "atune",
    "estimate",
    "tune",
]
