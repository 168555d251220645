"""Runs the tuning, in threads and on event loops."""

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
    """Reports what each threshold would have led to for these prompts.

    The report is the same as if all prompts were asked in turn, once for each threshold, in a cache
    that was empty before. But the run takes fewer calls, and the LLM is paid only once for most
    prompts. Prompts are asked one after the other, as each depends on those before it; independent
    queries are made at the same time. The run keeps the client's rate limit.

    The run neither reads nor changes the cache that others use: it uses contexts with names of its
    own, and its entries stay there afterwards.

    A prompt that fails does not count and is named in ``failed``. The run stops early after five
    failures in a row of the service or the network, after a failure that every further prompt would
    meet (such as a refused key or an exhausted quota), and once ``max_calls`` or ``max_llm_calls``
    is used up. The report then covers the prompts before that, and ``stopped`` says why.

    Args:
        client: the client that makes the queries.
        prompts: the prompts in the order in which they were asked: strings, or mappings with
            ``"prompt"`` and ``"label"``; either all of them have a label, or none.
        labels: one ``str`` or ``int`` for each prompt; prompts with equal labels mean the same.
        thresholds: cosine similarities to try, 0 to 1, in any order.
        model: the LLM to ask on a miss; by default the client's.
        precision: the least share of hits that should be right, 0 to 1. The recommendation of the
            report depends on it, and needs labels.
        max_calls: the number of calls after which to stop; None for no limit.
        max_llm_calls: the number of misses, which cost money, after which to stop; None for no
            limit. Failed calls count as well, as they may have been misses.
        context_prefix: how the names of the contexts begin.
        progress: called with a ``TuningProgress`` after each prompt.

    Returns:
        The report; ``table()``, ``to_json()`` and ``to_html()`` show it.

    Raises:
        InvalidRequestError: an argument is invalid; nothing was sent.
        ConfigurationError: the client is closed.
        VectorcacheError: not one prompt could be decided; the error is the reason.
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
    planned = run.begin()
    while planned:
        queries = [query.to_dict() for query in planned]
        planned = run.take(list(client.query_many(queries, model=model, include_debug=True)))
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
    """Reports what each threshold would have led to, as ``tune`` does with a sync client.

    Arguments, report and errors are those of ``tune``.
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
    planned = run.begin()
    while planned:
        queries = [query.to_dict() for query in planned]
        answers = client.query_many(queries, model=model, include_debug=True)
        async with aclosing(answers):
            planned = run.take([answer async for answer in answers])
    return run.report()
