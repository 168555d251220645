"""What is made of the pairs and matches that a run has found, without a service."""

from __future__ import annotations

import math

import pytest

from vectorcache.tuning import Proportion, estimate
from vectorcache.tuning.matches import Match, Pair
from vectorcache.tuning.questions import Questions
from vectorcache.tuning.results import closest_pairs, nearest, pairs_of, result_at

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
    """What was compared, by how near it is."""

    def test_the_nearest_first(self) -> None:
        """Both texts, their score, whether their labels are the same, and their places."""
        first, second, third, *_, last = pairs_of(QUESTIONS, SCORES)
        assert first == Pair("red", "red", 1.0, True, 4, 0)
        assert second == Pair("ruby", "red", 0.95, True, 1, 0)
        assert third == Pair("navy", "blue", 0.85, True, 3, 2)
        assert last == Pair("blue", "red", 0.3, False, 2, 0)

    def test_as_near(self) -> None:
        """Of pairs with the same score, that of the earlier prompt comes first."""
        pairs = pairs_of(QUESTIONS, {(3, 0): 0.5, (1, 0): 0.5, (2, 0): 0.5})
        assert [pair.prompt_index for pair in pairs] == [1, 2, 3]

    def test_without_labels(self) -> None:
        """Nothing says whether two prompts mean the same."""
        pairs = pairs_of(Questions(PROMPTS, (0.8,)), SCORES)
        assert {pair.same for pair in pairs} == {None}

    def test_the_closest_of_each_prompt(self) -> None:
        """One pair for each prompt that was compared, in the order of the prompts."""
        closest = closest_pairs(pairs_of(QUESTIONS, SCORES))
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
        """The closest to the threshold come first, whichever side they are on."""
        pairs = pairs_of(QUESTIONS, {(1, 0): 0.95, (2, 0): 0.7, (3, 0): 0.82})
        assert [pair.score for pair in nearest(pairs, 0.8, 3)] == [0.82, 0.7, 0.95]

    def test_so_many(self) -> None:
        """No more than asked for."""
        pairs = pairs_of(QUESTIONS, SCORES)
        assert [len(nearest(pairs, 0.8, count)) for count in (0, 1, 3)] == [0, 1, 3]

    def test_equally_near(self) -> None:
        """Of pairs that are as near, that of the earlier prompt comes first."""
        pairs = pairs_of(QUESTIONS, {(3, 0): 0.75, (2, 0): 0.75, (1, 0): 0.75})
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
    """What one threshold comes to."""

    def test_the_figures(self) -> None:
        """Hits, misses, savings, and how many were right and could have been."""
        found = result_at(QUESTIONS, 0.8, MATCHES, pairs_of(QUESTIONS, SCORES))
        assert (found.threshold, found.hits, found.misses) == (0.8, 3, 2)
        assert found.hit_rate == Proportion(3, 5)
        assert found.cost_saved == 0.75
        # "navy" was answered by "ruby"; "blue" and the first "red" have no earlier one like them.
        assert found.precision == Proportion(2, 3)
        assert found.recall == Proportion(2, 3)

    def test_near_pairs(self) -> None:
        """Above are the hits, below are misses only, each side closest first."""
        found = result_at(QUESTIONS, 0.8, MATCHES, pairs_of(QUESTIONS, SCORES))
        assert [(pair.prompt, pair.score) for pair in found.near_hits] == [
            ("navy", 0.85),
            ("ruby", 0.95),
        ]
        assert [(pair.prompt, pair.score) for pair in found.near_misses] == [
            ("blue", 0.4),
            ("blue", 0.3),
        ]

    def test_just_at_the_threshold(self) -> None:
        """A pair that scores as much as the threshold is not below it."""
        matches = {0: None, 1: None}
        found = result_at(QUESTIONS, 0.95, matches, pairs_of(QUESTIONS, {(1, 0): 0.95}))
        assert found.near_misses == ()

    def test_at_most_five_on_each_side(self) -> None:
        """Of many pairs the five nearest are named."""
        prompts = tuple(f"prompt {number}" for number in range(20))
        matches = {n: Match(0, 0.9 + n / 1_000, 0.0) if n > 9 else None for n in range(20)}
        scores = {(n, 0): 0.5 + n / 100 for n in range(1, 10)}
        questions = Questions(prompts, (0.8,))
        found = result_at(questions, 0.8, matches, pairs_of(questions, scores))
        assert [pair.prompt_index for pair in found.near_hits] == [10, 11, 12, 13, 14]
        assert [pair.prompt_index for pair in found.near_misses] == [9, 8, 7, 6, 5]

    def test_what_is_not_known(self) -> None:
        """Without labels or hits there is no precision; without repeats there is no recall."""
        unlabelled = result_at(Questions(PROMPTS, (0.8,)), 0.8, MATCHES, ())
        assert (unlabelled.precision, unlabelled.recall) == (None, None)
        different = Questions(("a", "b"), (0.8,), (1, 2))
        hit = result_at(different, 0.8, {0: None, 1: Match(0, 0.9, 0.0)}, ())
        assert (hit.precision, hit.recall) == (Proportion(0, 1), None)
        miss = result_at(different, 0.8, {0: None, 1: None}, ())
        assert (miss.hits, miss.precision, miss.cost_saved) == (0, None, 0)

    def test_only_what_was_decided_counts(self) -> None:
        """Prompts that failed are no misses, and no earlier prompt with the same label."""
        matches = {1: None, 2: None, 3: Match(2, 0.85, 0.25)}
        found = result_at(QUESTIONS, 0.8, matches, ())
        assert (found.hits, found.misses, found.recall) == (1, 2, Proportion(1, 1))

    def test_as_a_dictionary(self) -> None:
        """``to_dict`` has every figure by its name."""
        found = result_at(QUESTIONS, 0.8, MATCHES, pairs_of(QUESTIONS, SCORES))
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
    """Shares and how sure one may be of them."""

    @pytest.mark.parametrize(("count", "of"), [(1, 2), (7, 9), (81, 263), (299, 300), (1, 50)])
    def test_where_the_interval_ends(self, count: int, of: int) -> None:
        """At either end the share found is just 1.96 standard errors away, as Wilson has it."""
        found = Proportion(count, of)
        for end in (found.lower, found.upper):
            standard_error = math.sqrt(end * (1 - end) / of)
            assert abs(found.value - end) / standard_error == pytest.approx(1.959964, abs=1e-5)
        assert found.lower < found.value < found.upper

    def test_nothing_and_all(self) -> None:
        """The interval ends exactly at 0 and at 1 there, out of however many."""
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
    """What a run may cost: for each prompt, each text and each threshold."""
    found = estimate(["a", "b", "a", "c"], [0.9, 0.8])
    assert found.to_dict() == {
        "prompts": 4,
        "distinct": 3,
        "thresholds": [0.8, 0.9],
        "calls_at_most": 4 * 5 + 2 * 6,
        "llm_calls_at_most": 6,
        "calls_one_by_one": 8,
    }
