"""What a batch does next, decided without a network: what is sent, held back, given out, raised."""

from __future__ import annotations

from typing import Any

import pytest
from batches.steps import HIT, batch_of, given_out, sent

from vectorcache import InvalidRequestError
from vectorcache._batch.batch import Step
from vectorcache._batch.prompts import check_batch


class TestWhatIsTaken:
    """How far ahead a batch reads its input."""

    def test_no_more_queries_than_allowed(self) -> None:
        """It takes prompts until so many queries are on their way, and then waits for one."""
        batch = batch_of(concurrency=3)
        first, _, _ = sent(batch, "a", "b", "c")
        assert batch.next_step() is Step.WAIT
        batch.finished(first, HIT, None)
        assert batch.next_step() is Step.PULL

    @pytest.mark.parametrize("concurrency", [1, 2, 5])
    def test_what_is_held_back_at_most(self, concurrency: int) -> None:
        """Behind a slow first prompt at most four results for each query are kept waiting."""
        batch = batch_of(concurrency + 1)
        (slow,) = sent(batch, "slow")
        taken = 1
        while batch.next_step() is Step.PULL:
            (job,) = sent(batch, f"prompt {taken}")
            taken += 1
            batch.finished(job, HIT, None)
            assert batch.next_result() is None
        assert taken == 4 * (concurrency + 1)
        assert batch.next_step() is Step.WAIT
        batch.finished(slow, HIT, None)
        assert given_out(batch) == list(range(taken))
        assert batch.next_step() is Step.PULL

    def test_what_was_given_out_makes_room(self) -> None:
        """Each result that is given out lets one more prompt in."""
        batch = batch_of(concurrency=1)
        for number in range(4):
            (job,) = sent(batch, f"prompt {number}")
            batch.finished(job, HIT, None)
        assert not batch.has_room
        for number in range(4, 7):
            assert batch.next_result() is not None
            (job,) = sent(batch, f"prompt {number}")
            batch.finished(job, HIT, None)
            assert not batch.has_room

    def test_nothing_after_the_end_of_the_input(self) -> None:
        """Once the input has ended, it waits for what is on its way, and then ends."""
        batch = batch_of()
        (job,) = sent(batch, "a")
        batch.exhausted()
        assert batch.next_step() is Step.WAIT
        batch.finished(job, HIT, None)
        assert given_out(batch) == [0]
        assert batch.next_step() is Step.END

    def test_an_input_that_fails(self) -> None:
        """What an input raises comes after the answers to all prompts that it had given."""
        batch = batch_of()
        (job,) = sent(batch, "a")
        batch.exhausted(OSError("unreadable"))
        assert batch.next_step() is Step.WAIT
        batch.finished(job, HIT, None)
        assert given_out(batch) == [0]
        with pytest.raises(OSError, match="unreadable"):
            batch.next_step()


class TestEqualPrompts:
    """What asks the same while it is on its way is asked once."""

    def test_they_share_an_answer(self) -> None:
        """One query answers both, and each has its own place and id."""
        batch = batch_of()
        (job,) = sent(batch, {"prompt": "a", "id": "first"})
        assert batch.add({"prompt": "a", "id": "second"}) is None
        batch.finished(job, HIT, None)
        items = [batch.next_result(), batch.next_result()]
        assert [(item.index, item.id, item.result) for item in items if item] == [
            (0, "first", HIT),
            (1, "second", HIT),
        ]

    @pytest.mark.parametrize("other", ["b", {"prompt": "a", "model": "other"}])
    def test_others_do_not(self, other: object) -> None:
        """Another prompt, or another model, is asked by itself."""
        batch = batch_of()
        sent(batch, "a")
        assert batch.add(other) is not None

    def test_not_after_the_answer(self) -> None:
        """What asks the same once that is answered is asked again."""
        batch = batch_of()
        (job,) = sent(batch, "a")
        batch.finished(job, HIT, None)
        assert batch.add("a") is not None

    def test_they_fail_together(self) -> None:
        """An error is that of each of them, and of these the first one's is raised."""
        batch = batch_of(errors="raise")
        (job,) = sent(batch, "a")
        batch.add("a")
        batch.finished(job, None, ValueError("no"))
        assert batch.next_result() is None
        with pytest.raises(ValueError, match="no") as caught:
            batch.next_step()
        assert caught.value.__notes__ == ["in a batch, at the prompt with index 0"]


class TestOrder:
    """In what order results are given out."""

    def test_as_the_input(self) -> None:
        """Ordered: each result waits for those before it."""
        batch = batch_of(concurrency=3)
        jobs = sent(batch, "a", "b", "c")
        batch.finished(jobs[2], HIT, None)
        assert given_out(batch) == []
        batch.finished(jobs[0], HIT, None)
        assert given_out(batch) == [0]
        batch.finished(jobs[1], HIT, None)
        assert given_out(batch) == [1, 2]

    def test_as_they_come(self) -> None:
        """Not ordered: each is given out at once, in the order in which they ended."""
        batch = batch_of(concurrency=3, ordered=False)
        jobs = sent(batch, "a", "b", "c")
        batch.finished(jobs[2], HIT, None)
        batch.finished(jobs[0], None, ZeroDivisionError())
        assert given_out(batch) == [2, 0]
        batch.finished(jobs[1], HIT, None)
        assert given_out(batch) == [1]


class TestRaisedErrors:
    """Which error ends a batch with ``errors="raise"``, and when."""

    def test_the_first_in_the_input(self) -> None:
        """Of several that failed it is the error of the first prompt, whichever ended first."""
        for order in ((0, 1), (1, 0)):
            batch = batch_of(concurrency=3, errors="raise")
            jobs = sent(batch, "a", "b", "c")
            for index in order:
                batch.finished(jobs[index + 1], None, ValueError(f"of {index + 1}"))
            batch.finished(jobs[0], HIT, None)
            assert given_out(batch) == [0]
            with pytest.raises(ValueError, match="of 1") as caught:
                batch.next_step()
            assert caught.value.__notes__ == ["in a batch, at the prompt with index 1"]

    def test_what_comes_before_it_is_given_out(self) -> None:
        """Ordered: an error waits for the prompts before it, and not for those behind it."""
        batch = batch_of(concurrency=3, errors="raise")
        before, failing, _ = sent(batch, "a", "b", "c")
        batch.finished(failing, None, ZeroDivisionError())
        assert batch.next_result() is None
        assert batch.next_step() is Step.WAIT
        batch.finished(before, HIT, None)
        assert given_out(batch) == [0]
        with pytest.raises(ZeroDivisionError):
            batch.next_step()

    def test_what_is_ready_comes_first(self) -> None:
        """What was answered out of order is given out before the error is raised."""
        batch = batch_of(concurrency=3, errors="raise")
        failing, *others = sent(batch, "a", "b", "c")
        for job in reversed(others):
            batch.finished(job, HIT, None)
        batch.finished(failing, None, ZeroDivisionError())
        assert given_out(batch) == [1, 2]
        with pytest.raises(ZeroDivisionError):
            batch.next_step()

    def test_at_once_where_order_does_not_matter(self) -> None:
        """Not ordered: an error is raised while earlier prompts are still on their way."""
        batch = batch_of(errors="raise", ordered=False)
        _, failing = sent(batch, "a", "b")
        batch.finished(failing, None, ZeroDivisionError())
        with pytest.raises(ZeroDivisionError):
            batch.next_step()

    def test_nothing_more_is_asked(self) -> None:
        """After an error no other prompt is taken, even while others are waited for."""
        batch = batch_of(concurrency=5, errors="raise")
        _, failing = sent(batch, "a", "b")
        batch.finished(failing, None, ZeroDivisionError())
        assert not batch.has_room
        assert batch.next_step() is Step.WAIT

    def test_not_with_errors_returned(self) -> None:
        """Where errors are returned, a failed prompt is a result as any other."""
        batch = batch_of()
        (job,) = sent(batch, "a")
        error = ZeroDivisionError()
        batch.finished(job, None, error)
        item = batch.next_result()
        assert item is not None
        assert (item.prompt, item.result, item.error) == ("a", None, error)
        assert batch.next_step() is Step.PULL


class TestPromptsThatCannotBeSent:
    """Each fails by itself, before anything is sent for it."""

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            (7, "is of type int: give a string, or a mapping with a prompt"),
            (None, "of type NoneType"),
            ({"model": "m"}, "a prompt of the batch is a mapping without the field prompt"),
            ({"prompt": "a", "modle": "m", "x": 1}, "'modle', 'x'; it may have context, id, incl"),
            ("", "prompt"),
        ],
    )
    def test_it_says_why(self, given: object, words: str) -> None:
        """Its result is an error that says what is wrong, and the others go on."""
        batch = batch_of(ordered=False, concurrency=3)
        sent(batch, "a")
        assert batch.add(given) is None
        item = batch.next_result()
        assert item is not None
        assert isinstance(item.error, InvalidRequestError)
        assert words in str(item.error)
        assert (item.index, item.id, item.result) == (1, 1, None)
        assert item.input is given
        assert batch.next_step() is Step.PULL
        assert batch.add("b") is not None

    def test_its_own_id(self) -> None:
        """A mapping that cannot be sent keeps its id, and its prompt as far as it has one."""
        batch = batch_of()
        batch.add({"prompt": "", "id": "mine"})
        batch.add({"id": "other"})
        items = [batch.next_result(), batch.next_result()]
        assert [(item.id, item.prompt) for item in items if item] == [("mine", ""), ("other", None)]


class Endless:
    """An async iterable."""

    def __aiter__(self) -> Endless:
        return self


class TestArguments:
    """What ``query_many`` looks at before anything is sent."""

    @pytest.mark.parametrize(
        ("prompts", "awaits"),
        [([], False), (("a", "b"), True), (iter(["a"]), False), (Endless(), True)],
    )
    def test_what_is_taken(self, prompts: object, awaits: bool) -> None:
        """Any iterable of prompts, an async one where it can be awaited, at their least figures."""
        for errors in ("return", "raise"):
            check_batch(prompts, 1, errors, 0, awaits=awaits)
        check_batch(prompts, 100, "raise", None, awaits=awaits)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"concurrency": 0}, "concurrency is 0: pass a whole number of at least 1"),
            ({"total": -1}, "total is -1: pass a whole number of at least 0"),
            ({"errors": "ignore"}, 'errors is \'ignore\': it is "return" or "raise"'),
            (
                {"prompts": "a"},
                "prompts is one str: give a list, or any iterable, of prompts",
            ),
            ({"prompts": {"prompt": "a"}}, "prompts is one dict: give a list"),
            (
                {"prompts": Endless()},
                "prompts is an async iterable: use AsyncVectorcacheClient for that",
            ),
            ({"prompts": 7}, "prompts is of type int, which cannot be iterated over"),
        ],
    )
    def test_what_is_refused(self, changes: dict[str, Any], message: str) -> None:
        """It says what is wrong, and what to pass."""
        good: dict[str, Any] = {"prompts": [], "concurrency": 1, "errors": "raise", "total": None}
        with pytest.raises(InvalidRequestError) as caught:
            check_batch(*{**good, **changes}.values(), awaits=False)
        assert str(caught.value).startswith(message)
