"""The figures that are computed from the pairs and matches of a run."""

from __future__ import annotations

import math

import pytest

from vectorcache.tuning import Proportion, estimate
from vectorcache.tuning.matches import Match, Pair
from vectorcache.tuning.questions import Questions
from vectorcache.tuning.results import closest_pairs, nearest, result_at, sorted_pairs

PROMPTS = ("red", "ruby", "blue", "navy", "red")
QUESTIONS = Questions(PROMPTS, (0.8, 0.9), ("warm", "warm", "cold", "cold", "warm"))
SCORES = {(1, 0): 0.95, (2, 0): 0.3, (2, 1): 0.4, (3, 2): 0.85, (3, 1): 0.5, (4, 0): 1.0}
MATCHES = {
    0: None,
    1: Match(0, 0.95, 0.5),
    2: None,
    3: Match(1, 0.85, 0.25),
    4: Match(0, 1.0, None),
}


class TestPairs:
    """The pairs that were compared, sorted by their scores."""

    def test_the_nearest_first(self) -> None:
        """A pair has both texts, their score, whether their labels are equal, and their places."""
        first, second, third, *_, last = sorted_pairs(QUESTIONS, SCORES)
        assert first == Pair("red", "red", 1.0, True, 4, 0)
        assert second == Pair("ruby", "red", 0.95, True, 1, 0)
        assert third == Pair("navy", "blue", 0.85, True, 3, 2)
        assert last == Pair("blue", "red", 0.3, False, 2, 0)

    def test_equal_scores(self) -> None:
        """Of pairs with the same score, the pair of the earlier prompt comes first."""
        pairs = sorted_pairs(QUESTIONS, {(3, 0): 0.5, (1, 0): 0.5, (2, 0): 0.5})
        assert [pair.prompt_index for pair in pairs] == [1, 2, 3]

    def test_without_labels(self) -> None:
        """Without labels, ``same`` is None."""
        pairs = sorted_pairs(Questions(PROMPTS, (0.8,)), SCORES)
        assert {pair.same for pair in pairs} == {None}

    def test_the_closest_of_each_prompt(self) -> None:
        """There is one pair for each compared prompt, in the order of the prompts."""
        closest = closest_pairs(sorted_pairs(QUESTIONS, SCORES))
        assert [(pair.prompt_index, pair.score) for pair in closest] == [
            (1, 0.95),
            (2, 0.4),
            (3, 0.85),
            (4, 1.0),
        ]

    def test_as_a_dictionary(self) -> None:
        """``to_dict`` has every field by its name."""
        assert Pair("a", "b", 0.5, None, 3, 1).to_dict() == {
            "prompt": "a",
            "matched": "b",
            "score": 0.5,
            "same": None,
            "prompt_index": 3,
            "matched_index": 1,
        }


class TestNearest:
    """The pairs on either side of a threshold."""

    def test_on_both_sides(self) -> None:
        """The pairs closest to the threshold come first, from both sides of it."""
        pairs = sorted_pairs(QUESTIONS, {(1, 0): 0.95, (2, 0): 0.7, (3, 0): 0.82})
        assert [pair.score for pair in nearest(pairs, 0.8, 3)] == [0.82, 0.7, 0.95]

    def test_the_count(self) -> None:
        """No more pairs are returned than were asked for."""
        pairs = sorted_pairs(QUESTIONS, SCORES)
        assert [len(nearest(pairs, 0.8, count)) for count in (0, 1, 3)] == [0, 1, 3]

    def test_equally_near(self) -> None:
        """Of pairs at the same distance, the pair of the earlier prompt comes first."""
        pairs = sorted_pairs(QUESTIONS, {(3, 0): 0.75, (2, 0): 0.75, (1, 0): 0.75})
        assert [pair.prompt_index for pair in nearest(pairs, 0.75, 2)] == [1, 2]

    def test_the_same_texts_count_once(self) -> None:
        """Two texts form one pair in either order, and a text forms no pair with itself."""
        pairs = [
            Pair("a", "b", 0.81, None, 2, 1),
            Pair("b", "a", 0.82, None, 3, 0),
            Pair("a", "a", 0.8, None, 2, 0),
            Pair("a", "c", 0.9, None, 5, 4),
        ]
        assert nearest(pairs, 0.8, 5) == (pairs[0], pairs[3])


class TestOneThreshold:
    """The result of one threshold."""

    def test_the_figures(self) -> None:
        """A result has hits, misses, savings, precision and recall."""
        found = result_at(QUESTIONS, 0.8, MATCHES, sorted_pairs(QUESTIONS, SCORES))
        assert (found.threshold, found.hits, found.misses) == (0.8, 3, 2)
        assert found.hit_rate == Proportion(3, 5)
        assert found.cost_saved == 0.75
        # "navy" was answered by "ruby"; "blue" and the first "red" have no earlier prompt
        # with their label.
        assert found.precision == Proportion(2, 3)
        assert found.recall == Proportion(2, 3)

    def test_near_pairs(self) -> None:
        """Near hits lie above the threshold and near misses below it, both closest first."""
        found = result_at(QUESTIONS, 0.8, MATCHES, sorted_pairs(QUESTIONS, SCORES))
        assert [(pair.prompt, pair.score) for pair in found.near_hits] == [
            ("navy", 0.85),
            ("ruby", 0.95),
        ]
        assert [(pair.prompt, pair.score) for pair in found.near_misses] == [
            ("blue", 0.4),
            ("blue", 0.3),
        ]

    def test_just_at_the_threshold(self) -> None:
        """A pair whose score equals the threshold is not below it."""
        matches = {0: None, 1: None}
        found = result_at(QUESTIONS, 0.95, matches, sorted_pairs(QUESTIONS, {(1, 0): 0.95}))
        assert found.near_misses == ()

    def test_at_most_five_on_each_side(self) -> None:
        """Of many pairs, the five nearest on each side are reported."""
        prompts = tuple(f"prompt {number}" for number in range(20))
        matches = {n: Match(0, 0.9 + n / 1_000, 0.0) if n > 9 else None for n in range(20)}
        scores = {(n, 0): 0.5 + n / 100 for n in range(1, 10)}
        questions = Questions(prompts, (0.8,))
        found = result_at(questions, 0.8, matches, sorted_pairs(questions, scores))
        assert [pair.prompt_index for pair in found.near_hits] == [10, 11, 12, 13, 14]
        assert [pair.prompt_index for pair in found.near_misses] == [9, 8, 7, 6, 5]

    def test_unknown_shares(self) -> None:
        """Without labels or hits there is no precision; without repeats there is no recall."""
        unlabelled = result_at(Questions(PROMPTS, (0.8,)), 0.8, MATCHES, ())
        assert (unlabelled.precision, unlabelled.recall) == (None, None)
        different = Questions(("a", "b"), (0.8,), (1, 2))
        hit = result_at(different, 0.8, {0: None, 1: Match(0, 0.9, 0.0)}, ())
        assert (hit.precision, hit.recall) == (Proportion(0, 1), None)
        miss = result_at(different, 0.8, {0: None, 1: None}, ())
        assert (miss.hits, miss.precision, miss.cost_saved) == (0, None, 0)

    def test_only_decided_prompts_count(self) -> None:
        """A failed prompt is not a miss, and not an earlier prompt with the same label."""
        matches = {1: None, 2: None, 3: Match(2, 0.85, 0.25)}
        found = result_at(QUESTIONS, 0.8, matches, ())
        assert (found.hits, found.misses, found.recall) == (1, 2, Proportion(1, 1))

    def test_as_a_dictionary(self) -> None:
        """``to_dict`` has every figure by its name."""
        found = result_at(QUESTIONS, 0.8, MATCHES, sorted_pairs(QUESTIONS, SCORES))
        assert found.to_dict() == {
            "threshold": 0.8,
            "hits": 3,
            "misses": 2,
            "hit_rate": Proportion(3, 5).to_dict(),
            "cost_saved": 0.75,
            "precision": Proportion(2, 3).to_dict(),
            "recall": Proportion(2, 3).to_dict(),
            "near_hits": [pair.to_dict() for pair in found.near_hits],
            "near_misses": [pair.to_dict() for pair in found.near_misses],
        }
        unknown = result_at(Questions(PROMPTS, (0.8,)), 0.8, MATCHES, ()).to_dict()
        assert (unknown["precision"], unknown["recall"]) == (None, None)


class TestProportion:
    """Shares and their confidence intervals."""

    @pytest.mark.parametrize(("count", "of"), [(1, 2), (7, 9), (81, 263), (299, 300), (1, 50)])
    def test_the_ends_of_the_interval(self, count: int, of: int) -> None:
        """The share is 1.96 standard errors away from both ends, as Wilson defines them."""
        found = Proportion(count, of)
        for end in (found.lower, found.upper):
            standard_error = math.sqrt(end * (1 - end) / of)
            assert abs(found.value - end) / standard_error == pytest.approx(1.959964, abs=1e-5)
        assert found.lower < found.value < found.upper

    def test_none_and_all(self) -> None:
        """The interval of 0 % begins exactly at 0, and that of 100 % ends exactly at 1."""
        for of in range(1, 100):
            assert (Proportion(0, of).lower, Proportion(of, of).upper) == (0.0, 1.0)
        assert Proportion(0, 20).upper == pytest.approx(1 - Proportion(20, 20).lower)

    def test_as_a_dictionary(self) -> None:
        """``to_dict`` has count, total, share and interval by their names."""
        found = Proportion(3, 4)
        assert found.to_dict() == {
            "count": 3,
            "of": 4,
            "value": 0.75,
            "lower": found.lower,
            "upper": found.upper,
        }


def test_the_estimate() -> None:
    """The estimate follows from the prompts, the different texts and the thresholds."""
    found = estimate(["a", "b", "a", "c"], [0.9, 0.8])
    assert found.to_dict() == {
        "prompts": 4,
        "distinct": 3,
        "thresholds": [0.8, 0.9],
        "calls_at_most": 4 * 5 + 2 * 6,
        "llm_calls_at_most": 6,
        "calls_one_by_one": 8,
    }
