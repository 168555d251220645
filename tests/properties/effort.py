"""How many examples the properties try.

Every run tries the same ones, so that a change is judged by what it changes, and a pull request
never fails for what somebody else's code did all along. To look for what nobody has found yet:

    PROPERTIES_TIMES=20 pytest tests/properties     20 times as many, other ones each time
"""

from __future__ import annotations

import os

import hypothesis
from hypothesis import HealthCheck

_TIMES = int(os.environ.get("PROPERTIES_TIMES", "0"))


def examples(count: int) -> hypothesis.settings:
    """Settings that try ``count`` examples, or so many times as many as the environment says."""
    return hypothesis.settings(
        max_examples=count * (_TIMES or 1),
        derandomize=not _TIMES,
        deadline=None,
        report_multiple_bugs=False,
        # One server and one client serve all examples of a test, on purpose; and how fast a busy
        # machine makes up examples is no failure.
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
        ],
    )
