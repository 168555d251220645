"""Calls the user's own function that answers like an LLM; it may be plain or async."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TypeAlias

LLM: TypeAlias = Callable[[str, str, str | None], str | Awaitable[str]]
"""A function ``(prompt, model, context) -> str`` that answers instead of the service.

``context`` is None if the query has none. The function may be ``async`` with the async client.
``fallback=`` takes such a function, and so does ``llm=`` of ``VectorcacheClient.local()``.
"""


def is_async(llm: object) -> bool:
    """Returns whether the function has to be awaited."""
    call = getattr(llm, "__call__", None)  # noqa: B004 - an object may have an async __call__
    return inspect.iscoroutinefunction(llm) or inspect.iscoroutinefunction(call)


def ask(llm: LLM, prompt: str, model: str, context: str | None) -> object:
    """Calls the function in this thread and returns what it returns.

    Raises:
        Exception: any exception of the function.
    """
    answer = llm(prompt, model, context)
    if inspect.iscoroutine(answer):
        answer.close()  # Otherwise Python warns that it was never awaited.
    return answer


async def ask_async(llm: LLM, prompt: str, model: str, context: str | None) -> object:
    """Calls an async function on this event loop, a plain one in a thread; returns its answer.

    Raises:
        Exception: any exception of the function.
    """
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
    """Returns why ``answer`` is invalid, in words that follow "must", or an empty text."""
    if inspect.isawaitable(answer):
        return "return a string, but returned an awaitable: use the async client for that"
    if not isinstance(answer, str):
        return f"return a string, but returned {type(answer).__name__}"
    if not answer:
        return "return a string that is not empty, but returned an empty one"
    try:
        answer.encode()
    except UnicodeEncodeError:
        return "return valid Unicode text, but returned lone surrogates"
    return ""
