"""How many examples the properties try.

Every run tries the same examples, so that a pull request never fails because of code that it does
not change. To search for new failures:

    PROPERTIES_TIMES=20 pytest tests/properties     20 times as many examples, new ones each time
"""

from __future__ import annotations

import os

import hypothesis
from hypothesis import HealthCheck

_TIMES = int(os.environ.get("PROPERTIES_TIMES", "0"))


def examples(count: int) -> hypothesis.settings:
    """Returns settings that try ``count`` examples, multiplied by PROPERTIES_TIMES if it is set."""
    return hypothesis.settings(
        max_examples=count * (_TIMES or 1),
        derandomize=not _TIMES,
        deadline=None,
        report_multiple_bugs=False,
        # All examples of a test share one server and one client on purpose. And a busy machine may
        # take long to make examples.
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
        ],
    )
