"""Calling the user's own function that stands for an LLM, plain or async."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TypeAlias

LLM: TypeAlias = Callable[[str, str, str | None], str | Awaitable[str]]
"""A function ``(prompt, model, context) -> str`` that answers in place of the service.

``context`` is None where the query has none. The function may be ``async`` with the async client.
It is what ``fallback=`` takes, and ``llm=`` of ``VectorcacheClient.local()``.
"""


def is_async(llm: object) -> bool:
    """Whether the function needs an event loop."""
    call = getattr(llm, "__call__", None)  # noqa: B004 - an object may have an async __call__
    return inspect.iscoroutinefunction(llm) or inspect.iscoroutinefunction(call)


def ask(llm: LLM, prompt: str, model: str, context: str | None) -> object:
    """What the function returns, from the caller's thread; raises whatever it raises."""
    answer = llm(prompt, model, context)
    if inspect.iscoroutine(answer):
        answer.close()  # Else Python warns that nobody has awaited it.
    return answer


async def ask_async(llm: LLM, prompt: str, model: str, context: str | None) -> object:
    """The same: an async function on this event loop, a plain one in a thread."""
    import anyio.to_thread

    from ._anyio_threads import limiter

    if is_async(llm):
        answer: object = llm(prompt, model, context)
    else:
        answer = await anyio.to_thread.run_sync(
            llm, prompt, model, context, abandon_on_cancel=True, limiter=limiter()
        )
    return await answer if inspect.isawaitable(answer) else answer


def answer_flaw(answer: object) -> str:
    """Why ``answer`` is no answer, in words that follow "must"; empty if it is one."""
    if inspect.isawaitable(answer):
        return "return a string, and returned an awaitable: use the async client for that"
    if not isinstance(answer, str):
        return f"return a string, and returned {type(answer).__name__}"
    if not answer:
        return "return a non-empty string, and returned an empty one"
    try:
        answer.encode()
    except UnicodeEncodeError:
        return "return valid Unicode text, and returned lone surrogates"
    return ""
