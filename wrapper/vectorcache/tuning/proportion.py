"""A share of a count, with its confidence interval."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any, Final

import attrs

# 95 % of a normal distribution lie within so many standard deviations of the mean.
Z: Final = NormalDist().inv_cdf(0.975)


@attrs.frozen
class Proportion:
    """``count`` out of ``of``, with its 95 % confidence interval.

    The interval is Wilson's score interval (E. B. Wilson, "Probable inference, the law of
    succession, and statistical inference", JASA 22, 1927), which L. D. Brown, T. T. Cai and
    A. DasGupta ("Interval estimation for a binomial proportion", Statistical Science 16, 2001)
    recommend for small counts. It assumes that the cases are independent of each other.

    Attributes:
        count: how many of the cases are counted, such as the hits.
        of: how many cases there are, at least 1.
    """

    count: int
    of: int

    @property
    def value(self) -> float:
        """The share, 0 to 1."""
        return self.count / self.of

    @property
    def lower(self) -> float:
        """The lower end of the interval."""
        # The difference of two nearly equal floats would not be exactly 0.
        return 0.0 if self.count == 0 else self._middle - self._half_width

    @property
    def upper(self) -> float:
        """The upper end of the interval."""
        return 1.0 if self.count == self.of else self._middle + self._half_width

    @property
    def _middle(self) -> float:
        return (self.count + Z**2 / 2) / (self.of + Z**2)

    @property
    def _half_width(self) -> float:
        spread = self.count * (self.of - self.count) / self.of + Z**2 / 4
        return Z * math.sqrt(spread) / (self.of + Z**2)

    def to_dict(self) -> dict[str, Any]:
        """Returns count, total, share and interval as JSON-serialisable values."""
        return {
            "count": self.count,
            "of": self.of,
            "value": self.value,
            "lower": self.lower,
            "upper": self.upper,
        }
