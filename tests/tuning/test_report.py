"""The figures of a report, and its recommendation."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tuning.service import Service

from vectorcache import InvalidRequestError
from vectorcache.tuning import Proportion, ThresholdResult, TuningReport
from vectorcache.tuning.recommendation import recommend

# Two meanings. At 0.75 "plum" is answered by "red"; at 0.95 by "pink", which is stored there.
VECTORS = {
    "red": (1.0, 0.0),
    "ruby": (1.0, 0.2),
    "pink": (1.0, 0.4),
    "plum": (1.0, 0.75),
    "blue": (0.0, 1.0),
    "navy": (0.05, 1.0),
}
LABELS = ["warm", "warm", "warm", "cold", "cold", "cold"]
PROMPTS = [
    {"prompt": prompt, "label": label} for prompt, label in zip(VECTORS, LABELS, strict=True)
]


def report_on(prompts: Any = PROMPTS, **options: Any) -> TuningReport:
    return Service(VECTORS).tune(prompts, **{"thresholds": [0.75, 0.85, 0.95], **options})


def result(threshold: float, hits: int, right: int) -> ThresholdResult:
    precision = Proportion(right, hits) if hits else None
    return ThresholdResult(threshold, hits, 1000 - hits, 1.0, (), (), precision, None)


def test_hits_and_savings() -> None:
    """Each threshold has its hits, misses, hit rate and saving."""
    low, _, high = report_on().thresholds
    assert (low.hits, low.misses, low.hit_rate.value) == (4, 2, 4 / 6)
    assert low.cost_saved == pytest.approx((3 * 3 + 4) / 1024)
    assert (high.hits, high.misses) == (3, 3)


def test_precision() -> None:
    """Precision is the share of hits whose matched earlier prompt has the same label."""
    assert [found.precision for found in report_on().thresholds] == [
        Proportion(3, 4),
        Proportion(3, 3),
        Proportion(2, 3),
    ]


def test_recall() -> None:
    """Recall is the share of repeated prompts that were answered by a prompt with their label."""
    assert [found.recall for found in report_on().thresholds] == [
        Proportion(3, 4),
        Proportion(3, 4),
        Proportion(2, 4),
    ]


def test_without_labels() -> None:
    """Without labels there is neither precision nor recall, and nothing is recommended."""
    report = report_on([*VECTORS])
    assert {(found.precision, found.recall) for found in report.thresholds} == {(None, None)}
    assert report.recommendation.threshold is None
    assert "Without labels" in report.recommendation.reason
    assert {pair.same for pair in report.pairs} == {None}


def test_labels_beside_the_prompts() -> None:
    """Labels may be given in a separate list."""
    own = Service(VECTORS).tune([*VECTORS], labels=LABELS, thresholds=[0.8])
    with_prompts = Service(VECTORS).tune(PROMPTS, thresholds=[0.8])
    assert own.thresholds == with_prompts.thresholds


def test_near_misses_on_either_side() -> None:
    """The pairs closest to each threshold are reported: hits above it, and misses below."""
    _, middle, _ = report_on().thresholds
    assert [(pair.matched, pair.prompt) for pair in middle.near_hits] == [
        ("red", "pink"),
        ("red", "ruby"),
        ("blue", "navy"),
    ]
    assert [(pair.matched, pair.prompt) for pair in middle.near_misses] == [
        ("red", "plum"),
        ("plum", "blue"),
    ]
    assert middle.near_misses[0].score < 0.85 <= middle.near_hits[0].score
    assert middle.near_misses[0].same is False


def test_the_twenty_most_doubtful_pairs() -> None:
    """The twenty pairs closest to the threshold are reported; the same two texts count once."""
    vectors = {f"prompt {place}": (1.0, place / 50) for place in range(50)}
    report = Service(vectors).tune([*vectors, *vectors], thresholds=[0.85, 0.95, 0.99])
    assert report.around == 0.85
    assert len(report.doubtful) == 20
    distances = [abs(pair.score - report.around) for pair in report.doubtful]
    assert distances == sorted(distances)
    assert len({frozenset((pair.prompt, pair.matched)) for pair in report.doubtful}) == 20


def test_doubtful_pairs_are_around_the_recommended_threshold() -> None:
    """With labels, doubtful pairs are those around the recommended threshold."""
    report = report_on(precision=0.4)
    assert report.around == report.recommendation.threshold == 0.85


def test_wilson() -> None:
    """Intervals are Wilson's at 95 %, as R's ``prop.test(x, n, correct = FALSE)`` gives them."""
    some, none, every = Proportion(81, 263), Proportion(0, 20), Proportion(29, 29)
    # The first and the last are examples of R. G. Newcombe, Statistics in Medicine 17, 1998.
    assert (round(some.lower, 4), round(some.upper, 4)) == (0.2553, 0.3662)
    assert (round(every.lower, 4), every.upper) == (0.8830, 1.0)
    assert (none.lower, round(none.upper, 4)) == (0.0, 0.1611)


def test_the_best_threshold_is_certain() -> None:
    """The best threshold has the most hits of those with a certain precision."""
    results = [result(0.7, 900, 700), result(0.8, 500, 478), result(0.9, 300, 299)]
    best = recommend(results, 0.95, labelled=True)
    assert (best.threshold, best.certain) == (0.9, True)
    assert "299 of 300 (99.7 %)" in best.reason
    assert recommend(results, 0.7, labelled=True).threshold == 0.7


def test_too_few_prompts_to_be_certain() -> None:
    """With too few hits the recommendation is uncertain, and says how many hits it takes."""
    best = recommend([result(0.8, 20, 15), result(0.9, 20, 20)], 0.95, labelled=True)
    assert (best.threshold, best.certain) == (0.9, False)
    assert "83.9 % to 100 %" in best.reason
    assert "about 73 hits" in best.reason
    assert Proportion(73, 73).lower >= 0.95 > Proportion(72, 72).lower


def test_no_threshold_is_good_enough() -> None:
    """If no threshold is as precise as wanted, the reason says which came closest."""
    best = recommend([result(0.8, 100, 50), result(0.9, 100, 80)], 0.95, labelled=True)
    assert (best.threshold, best.certain) == (None, False)
    assert "The best was 0.9, with 80 of 100 (80 %)" in best.reason


def test_no_hits_at_all() -> None:
    """If no prompt was a hit, the reason says so."""
    assert "No threshold had a hit" in recommend([result(0.8, 0, 0)], 0.9, labelled=True).reason


def test_best_for_another_precision() -> None:
    """Another precision may be asked for later; no call is needed for it."""
    report = report_on()
    assert report.best_for(0.4).threshold == 0.85
    with pytest.raises(InvalidRequestError, match="precision is 95"):
        report.best_for(95)


def test_notes() -> None:
    """A note says which thresholds have too few hits; a good report has no notes."""
    few, *_ = report_on().notes
    assert few.startswith("There were fewer than 30 hits at 0.75, 0.85 and 0.95")
    many = Service({"": (1.0,)}).tune([{"prompt": "same", "label": 1}] * 40).notes
    assert many == ()


def test_json() -> None:
    """``to_json`` contains the whole report, as ``to_dict`` does."""
    report = report_on()
    fields = json.loads(report.to_json())
    assert fields == report.to_dict()
    assert fields["thresholds"][0]["precision"] == Proportion(3, 4).to_dict()
    assert fields["recommendation"]["threshold"] == report.recommendation.threshold
    assert len(fields["doubtful"]) == len(report.doubtful)


def test_table() -> None:
    """``table`` has a line for each threshold, and the pairs near it."""
    lines = report_on().table().splitlines()
    (row,) = (line for line in lines if line.lstrip().startswith("0.85"))
    assert row.split()[:4] == ["0.85", "3", "50", "%"]
    assert "  miss 0.800 other  red  |  plum" in lines


def test_a_short_table() -> None:
    """Without its pairs, ``table`` has the same lines for the thresholds, and no prompt."""
    whole, short = report_on().table().splitlines(), report_on().table(pairs=False).splitlines()
    assert len(short) < 15 < len(whole)
    assert [line for line in short if line not in whole] == []
    assert [line for line in short if "plum" in line or "Closest" in line] == []


def test_a_score_is_not_rounded_up_to_the_threshold() -> None:
    """A score just below the threshold is not rounded up to it."""
    vectors = {"one": (1.0, 0.0), "two": (0.8996, (1 - 0.8996**2) ** 0.5)}
    report = Service(vectors).tune([*vectors], thresholds=[0.9])
    assert "0.899" in report.table()
    assert "0.900" not in report.table()
