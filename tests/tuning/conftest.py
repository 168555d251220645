from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import pytest
from clients import KEY

from vectorcache import AsyncVectorcacheClient, RetryPolicy, VectorcacheClient
from vectorcache.tuning import TuningReport, atune, tune

RunTune: TypeAlias = Callable[..., TuningReport]


@pytest.fixture(params=["sync", "async"])
def run_tune(request: pytest.FixtureRequest) -> RunTune:
    """Tunes with a sync and an async client, at ``base_url`` or with an embedded service."""

    def run(
        prompts: Any,
        *,
        client: Mapping[str, Any],
        base_url: str | None = None,
        **options: Any,
    ) -> TuningReport:
        settings = {"model": "gpt-4o", "retry": RetryPolicy.without_waiting(), **client}

        async def run_async() -> TuningReport:
            async with (
                AsyncVectorcacheClient.local(**settings)
                if base_url is None
                else AsyncVectorcacheClient(KEY, base_url, **settings)
            ) as own:
                return await atune(own, prompts, **options)

        if request.param == "async":
            return asyncio.run(run_async())
        with (
            VectorcacheClient.local(**settings)
            if base_url is None
            else VectorcacheClient(KEY, base_url, **settings)
        ) as own:
            return tune(own, prompts, **options)

    return run
