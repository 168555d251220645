"""Numbers as programs have them: Python's own, NumPy's scalars, decimals and fractions."""

from __future__ import annotations

import math
import operator
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, cast


def real_number(value: object) -> float | None:
    """Returns a number as a float, and None for what is not a real number.

    Booleans are not numbers here, and neither are texts. NaN and infinity are returned as they are.
    """
    if isinstance(value, Integral):
        value = whole_number(value)
    # A Decimal is registered as no kind of number, as it cannot be added to a float.
    if not isinstance(value, Real | Decimal):
        return None
    try:
        return float(value)
    except OverflowError:
        return -math.inf if cast(Any, value) < 0 else math.inf
    except ValueError:  # A signalling NaN.
        return math.nan


def whole_number(value: object) -> int | None:
    """Returns an integer of any kind as an int, and None for what is not an integer."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        return None
    try:
        return operator.index(value)
    except TypeError:  # NumPy's timedelta64 says that it is an integer, and has a unit.
        return None


def as_float(value: float) -> float:
    """Returns a number of any kind as a float, and what is not a number as it is."""
    number = real_number(value)
    return value if number is None else number


def as_int(value: int) -> int:
    """Returns an integer of any kind as an int, and what is not an integer as it is."""
    number = whole_number(value)
    return value if number is None else number
