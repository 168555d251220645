"""Tuning, for threads and for event loops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from .._async_client import AsyncVectorcacheClient
from .._client import client_settings
from .._sync_client import VectorcacheClient
from .questions import THRESHOLDS, Label
from .report import TuningReport
from .run import Options, Progress, Run


def tune(
    client: VectorcacheClient,
    prompts: Iterable[str | Mapping[str, Any]],
    *,
    labels: Sequence[Label] | None = None,
    thresholds: Iterable[float] = THRESHOLDS,
    model: str | None = None,
    precision: float = 0.95,
    max_calls: int | None = None,
    max_llm_calls: int | None = None,
    context_prefix: str = "tuning",
    progress: Progress | None = None,
) -> TuningReport:
    """Says what each threshold would have come to for these prompts.

    The report is that of asking all prompts in turn, once for each threshold, in a cache that was
    empty before; but it takes fewer calls, and pays the LLM for most prompts only once. Prompts
    are asked one after the other, as each depends on those before it; what does not, is asked at
    the same time. A client's rate limit is kept.

    The cache that others use is neither read nor changed: everything happens in contexts with
    names of their own, whose entries stay behind there.

    A prompt that fails counts nowhere and is named in ``failed``. After five failures in a row of
    the service or the network, at one that every further prompt would meet (such as a refused
    key or a used-up quota), and where ``max_calls`` or ``max_llm_calls`` is used up, the run stops;
    the report is then on the prompts before that, and ``stopped`` says why.

    Args:
        client: whom to ask.
        prompts: in the order in which they were asked; strings, or mappings with ``"prompt"``
            and, all or none, ``"label"``.
        labels: one for each prompt, ``str`` or ``int``: the same label, the same meaning.
        thresholds: cosine similarities to try, 0 to 1, in any order.
        model: the LLM to ask on a miss; by default the client's.
        precision: the least share of hits that should be right, 0 to 1, for the report's
            recommendation, which needs labels.
        max_calls: calls after which to stop; None for no limit.
        max_llm_calls: misses, which cost money, after which to stop; None for no limit. Failed
            calls count as well, as they may have been misses.
        context_prefix: what the contexts' names begin with.
        progress: called with a ``TuningProgress`` after each prompt.

    Returns:
        The report; ``table()``, ``to_json()`` and ``to_html()`` show it.

    Raises:
        InvalidRequestError: an argument is at fault, and nothing was sent.
        ConfigurationError: the client is closed.
        VectorcacheError: not one prompt could be decided; this is why.
    """
    options = Options(
        labels=labels,
        thresholds=thresholds,
        precision=precision,
        max_calls=max_calls,
        max_llm_calls=max_llm_calls,
        context_prefix=context_prefix,
        progress=progress,
    )
    run = Run(prompts, options, client_settings(client).similarity_threshold)
    asks = run.begin()
    while asks:
        queries = [ask.to_dict() for ask in asks]
        asks = run.take(list(client.query_many(queries, model=model, include_debug=True)))
    return run.report()


async def atune(
    client: AsyncVectorcacheClient,
    prompts: Iterable[str | Mapping[str, Any]],
    *,
    labels: Sequence[Label] | None = None,
    thresholds: Iterable[float] = THRESHOLDS,
    model: str | None = None,
    precision: float = 0.95,
    max_calls: int | None = None,
    max_llm_calls: int | None = None,
    context_prefix: str = "tuning",
    progress: Progress | None = None,
) -> TuningReport:
    """Says what each threshold would have come to, as ``tune`` does: see there."""
    options = Options(
        labels=labels,
        thresholds=thresholds,
        precision=precision,
        max_calls=max_calls,
        max_llm_calls=max_llm_calls,
        context_prefix=context_prefix,
        progress=progress,
    )
    run = Run(prompts, options, client_settings(client).similarity_threshold)
    asks = run.begin()
    while asks:
        queries = [ask.to_dict() for ask in asks]
        answers = client.query_many(queries, model=model, include_debug=True)
        async with aclosing(answers):
            asks = run.take([answer async for answer in answers])
    return run.report()
