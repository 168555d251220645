"""Equal misses at the same moment: one asks the LLM, and the others wait for its answer."""

import queue
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import anyio

from .._call.coalescing import Coalescing, Member
from .._transport.loops import running_loop
from .answer import Answer
from .errors import LocalCacheError
from .question import DEFAULT_THRESHOLD, Question

_Outcome: TypeAlias = Answer | LocalCacheError


class EqualMisses:
    """The misses for which the LLM is being asked.

    A caller that is cancelled or interrupted does not end the others: if it was asking the LLM,
    another one asks it again.
    """

    def __init__(self) -> None:
        self._coalescing: Coalescing[_Outcome] = Coalescing()

    def answer(
        self, question: Question, stored: Callable[[], Answer | None], ask: Callable[[], Answer]
    ) -> Answer:
        """Returns the answer of the one equal miss that asks the LLM.

        Args:
            question: the question.
            stored: looks up an answer that an equal miss may have stored in the meantime.
            ask: asks the LLM and stores its answer.

        Raises:
            LocalCacheError: ``ask`` raised it; each caller gets it.
        """
        # A queue is used, as Ctrl-C inside an Event may leave it locked.
        woken: queue.SimpleQueue[None] = queue.SimpleQueue()
        member: Member[_Outcome] = Member(_in_common(question), partial(woken.put, None))
        outcome: _Outcome | None = None
        try:
            self._coalescing.join(member)
            while member.waits:
                woken.get()
            if member.outcome is not None:
                return _heard(member.outcome)
            answer = stored()
            if answer is None:
                answer = outcome = ask()
            return answer
        except LocalCacheError as error:
            outcome = error
            raise
        finally:
            try:
                self._coalescing.leave(member, outcome)
            except BaseException:
                self._coalescing.leave(member, outcome)  # Ctrl-C interrupted the first one.
                raise

    async def aanswer(
        self,
        question: Question,
        stored: Callable[[], Awaitable[Answer | None]],
        ask: Callable[[], Awaitable[Answer]],
    ) -> Answer:
        """Does the same for the tasks of one event loop."""
        woken = anyio.Event()
        key = running_loop(), _in_common(question)
        member: Member[_Outcome] = Member(key, woken.set)
        outcome: _Outcome | None = None
        try:
            self._coalescing.join(member)
            while member.waits:
                await woken.wait()
            if member.outcome is not None:
                return _heard(member.outcome)
            answer = await stored()
            if answer is None:
                answer = outcome = await ask()
            return answer
        except LocalCacheError as error:
            outcome = error
            raise
        finally:
            self._coalescing.leave(member, outcome)


def _in_common(question: Question) -> Question:
    """Returns all that the LLM is told, which is the same for equal misses."""
    return replace(question, similarity_threshold=DEFAULT_THRESHOLD, include_debug=False)


def _heard(outcome: _Outcome) -> Answer:
    if isinstance(outcome, LocalCacheError):
        raise type(outcome)(*outcome.args) from outcome.__cause__
    return outcome
