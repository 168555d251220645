"""Equal misses at the same moment: one of them asks the LLM, and the others wait for its answer."""

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
    """The misses for which an LLM is being asked now.

    A caller that is cancelled or interrupted ends no other: where it had asked the LLM, one of the
    others asks it again.
    """

    def __init__(self) -> None:
        self._coalescing: Coalescing[_Outcome] = Coalescing()

    def answer(
        self, question: Question, stored: Callable[[], Answer | None], ask: Callable[[], Answer]
    ) -> Answer:
        """Returns the answer of whichever of the equal misses asks.

        Args:
            question: what is asked.
            stored: looks for an answer that an equal miss has stored since this one was found.
            ask: asks the LLM and stores its answer.

        Raises:
            LocalCacheError: what ``ask`` has raised, for each caller.
        """
        # Not an Event: Ctrl-C inside one may leave it locked.
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
                self._coalescing.leave(member, outcome)  # Ctrl-C came before its end.
                raise

    async def aanswer(
        self,
        question: Question,
        stored: Callable[[], Awaitable[Answer | None]],
        ask: Callable[[], Awaitable[Answer]],
    ) -> Answer:
        """The same for tasks, of which those of one event loop wait for each other."""
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
    """All that the LLM is told, which is the same for equal misses."""
    return replace(question, similarity_threshold=DEFAULT_THRESHOLD, include_debug=False)


def _heard(outcome: _Outcome) -> Answer:
    if isinstance(outcome, LocalCacheError):
        raise type(outcome)(*outcome.args) from outcome.__cause__
    return outcome
