"""Finds the similarity threshold that suits your prompts.

``tune`` asks the service about each prompt, in the order in which your users asked them. It reports
for each threshold how many prompts would have been answered from the cache and what that would have
saved. If labels say which prompts mean the same, it also reports how many of those answers would
have been right.
"""

from .estimate import TuningEstimate, estimate
from .findings import FailedPrompt
from .matches import Pair
from .proportion import Proportion
from .recommendation import Recommendation
from .report import TuningReport
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
