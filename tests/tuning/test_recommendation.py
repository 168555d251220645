"""Which threshold is recommended, and the reason given for it."""

from __future__ import annotations

import math

import pytest

from vectorcache.tuning import Proportion, ThresholdResult
from vectorcache.tuning.recommendation import recommend, too_few_hits


def result(threshold: float, hits: int, right: int | None) -> ThresholdResult:
    precision = Proportion(right, hits) if hits and right is not None else None
    return ThresholdResult(threshold, hits, 1_000 - hits, 1.0, (), (), precision, None)


class TestCertain:
    """Thresholds that are certainly as precise as wanted."""

    def test_the_most_hits(self) -> None:
        """Of several thresholds, the one with the most hits is recommended."""
        results = [result(0.7, 400, 380), result(0.8, 500, 480), result(0.9, 300, 300)]
        best = recommend(results, 0.9, labelled=True)
        assert (best.wanted_precision, best.threshold, best.certain) == (0.9, 0.8, True)

    def test_equally_many_hits(self) -> None:
        """Of two thresholds with equally many hits, the higher one is recommended."""
        results = [result(0.8, 300, 299), result(0.85, 300, 299), result(0.9, 299, 299)]
        for order in (results, results[::-1]):
            assert recommend(order, 0.9, labelled=True).threshold == 0.85

    def test_certainty_comes_before_more_hits(self) -> None:
        """A certain threshold is preferred to an uncertain one with more hits."""
        results = [result(0.8, 900, 815), result(0.9, 300, 299)]
        assert results[0].precision is not None
        assert results[0].precision.lower < 0.9 < results[0].precision.value
        assert recommend(results, 0.9, labelled=True).threshold == 0.9

    def test_just_certain(self) -> None:
        """A threshold is certain if the interval's lower end equals the wanted precision."""
        wanted = Proportion(299, 300).lower
        assert recommend([result(0.9, 300, 299)], wanted, labelled=True).certain
        above = recommend([result(0.9, 300, 299)], wanted + 1e-9, labelled=True)
        assert (above.threshold, above.certain) == (0.9, False)

    def test_the_reason(self) -> None:
        """The reason says how many hits were right, and how certain that is."""
        assert recommend([result(0.85, 1_500, 1_490)], 0.95, labelled=True).reason == (
            "At 0.85, 1,490 of 1,500 (99.3 %) of the hits were right. Even the lower end of the "
            "95 % confidence interval, 98.8 %, is at least the wanted 95 %, and no other such "
            "threshold has more hits."
        )


class TestLikely:
    """Thresholds that are as precise as wanted, with too few hits to be certain."""

    def test_the_most_hits(self) -> None:
        """The one with the most hits is recommended; of two with equally many, the higher one."""
        results = [
            result(0.7, 30, 20),
            result(0.8, 20, 20),
            result(0.85, 20, 19),
            result(0.9, 9, 9),
        ]
        best = recommend(results, 0.95, labelled=True)
        assert (best.threshold, best.certain) == (0.85, False)

    def test_the_reason(self) -> None:
        """The reason says how low the share may be, and how many hits make it certain."""
        assert recommend([result(0.9, 20, 20)], 0.95, labelled=True).reason == (
            "At 0.9, 20 of 20 (100 %) of the hits were right. But with so few hits the true share "
            "may be as low as 83.9 % (95 % confidence interval: 83.9 % to 100 %), and 95 % is "
            "wanted. It takes about 73 hits with this share to be certain; there were 20."
        )

    @pytest.mark.parametrize(("right", "hits", "wanted"), [(99, 100, 0.95), (45, 50, 0.85)])
    def test_how_many_hits_it_takes(self, right: int, hits: int, wanted: float) -> None:
        """With that many hits and the same share, the threshold would be just certain."""
        reason = recommend([result(0.9, hits, right)], wanted, labelled=True).reason
        needed = int(reason.split("about ")[1].split(" hits")[0].replace(",", ""))
        assert wilson_lower(right / hits, needed) >= wanted > wilson_lower(right / hits, needed - 1)

    def test_a_share_that_equals_the_wanted_one(self) -> None:
        """A share that only equals the wanted one is never certain, and the reason says so."""
        best = recommend([result(0.9, 20, 19)], 0.95, labelled=True)
        assert (best.threshold, best.certain) == (0.9, False)
        assert best.reason.endswith(
            "A share that only equals the wanted precision never becomes certain: try a higher "
            "threshold."
        )


def wilson_lower(share: float, count: int) -> float:
    """Returns the lower end of Wilson's interval, for any share."""
    z = 1.959964
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    spread = math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return middle - z * spread / (1 + z**2 / count)


class TestNothingToRecommend:
    """A report without a recommended threshold says why, and what to do."""

    def test_without_labels(self) -> None:
        """Without labels, the reason says that it is unknown which hits are right."""
        best = recommend([result(0.9, 20, 20)], 0.95, labelled=False)
        assert (best.threshold, best.certain, best.wanted_precision) == (None, False, 0.95)
        assert best.reason == (
            "Without labels it is unknown which hits are right: judge the doubtful pairs yourself, "
            "or label the prompts."
        )

    def test_without_hits(self) -> None:
        """Without hits, the reason suggests lower thresholds or more prompts."""
        best = recommend([result(0.8, 0, None)], 0.95, labelled=True)
        assert (best.threshold, best.certain, best.wanted_precision) == (None, False, 0.95)
        assert best.reason == "No threshold had a hit: try lower thresholds, or more prompts."

    def test_none_is_precise_enough(self) -> None:
        """The reason names the most precise threshold; of two equal ones, that with more hits."""
        results = [result(0.7, 0, None), result(0.8, 100, 80), result(0.9, 50, 40), result(1, 9, 7)]
        for order in (results, results[::-1]):
            best = recommend(order, 0.95, labelled=True)
            assert (best.threshold, best.certain, best.wanted_precision) == (None, False, 0.95)
            assert best.reason == (
                "At no threshold tried were 95 % of the hits right. The best was 0.8, with 80 of "
                "100 (80 %): try higher thresholds."
            )


def test_too_few_hits() -> None:
    """Thresholds with 1 to 29 hits are named; those without hits have no precision."""
    results = [result(0.7, 30, 1), result(0.8, 29, 1), result(0.9, 1, 1), result(0.95, 0, None)]
    assert too_few_hits(results) == (0.8, 0.9)


def test_as_a_dictionary() -> None:
    """``to_dict`` has every field by its name."""
    best = recommend([result(0.9, 300, 300)], 0.9, labelled=True)
    assert best.to_dict() == {
        "wanted_precision": 0.9,
        "threshold": 0.9,
        "certain": True,
        "reason": best.reason,
    }
