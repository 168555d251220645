"""Calling the user's own function, plain or async, and holding it to its word."""

import inspect
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import anyio.to_thread
from anyio.lowlevel import RunVar

from .errors import LLMError
from .question import Question, is_unicode

LLM: TypeAlias = Callable[[str, str, str | None], str | Awaitable[str]]

# Threads for plain functions under async, apart from anyio's own: look-ups must not wait there
# behind calls that take seconds.
_MAX_THREADS = 100
_threads: RunVar[anyio.CapacityLimiter] = RunVar("vectorcache_llm_threads")


def refuse_async(llm: LLM | None) -> None:
    """Raise TypeError if the function needs an event loop."""
    if _is_async(llm):
        raise TypeError(
            "llm is an async function, which a synchronous call cannot wait for: pass a plain "
            "function, or use the async client"
        )


def ask(llm: LLM, question: Question) -> str:
    """The function's answer, from the caller's thread."""
    try:
        answer = llm(question.prompt, question.model, question.context)
    except Exception as error:
        raise LLMError(f"llm raised {type(error).__name__}: {error}") from error
    if inspect.isawaitable(answer):
        if inspect.iscoroutine(answer):
            answer.close()
        raise LLMError("llm returned an awaitable: return a string, or use the async client")
    return _checked(answer)


async def aask(llm: LLM, question: Question) -> str:
    """The function's answer: an async one on this event loop, a plain one in a thread."""
    arguments = (question.prompt, question.model, question.context)
    try:
        if _is_async(llm):
            answer = llm(*arguments)
        else:
            answer = await anyio.to_thread.run_sync(
                llm, *arguments, abandon_on_cancel=True, limiter=_limiter()
            )
        if inspect.isawaitable(answer):
            answer = await answer
    except Exception as error:
        raise LLMError(f"llm raised {type(error).__name__}: {error}") from error
    return _checked(answer)


def _checked(answer: object) -> str:
    if not isinstance(answer, str):
        raise LLMError(f"llm must return a string, and returned {type(answer).__name__}")
    if not answer:
        raise LLMError("llm must return a non-empty string, and returned an empty one")
    if not is_unicode(answer):
        raise LLMError("llm must return valid Unicode text, and returned lone surrogates")
    return answer


def _is_async(llm: LLM | None) -> bool:
    call = getattr(llm, "__call__", None)  # noqa: B004 - an object may have an async __call__
    return inspect.iscoroutinefunction(llm) or inspect.iscoroutinefunction(call)


def _limiter() -> anyio.CapacityLimiter:
    try:
        return _threads.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(_MAX_THREADS)
        _threads.set(limiter)
        return limiter
