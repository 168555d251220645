"""One local client, many callers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio.lowlevel
from clients import MakeClient
from local.stand_ins import Angles

from vectorcache import AsyncVectorcacheClient, VectorcacheResponse


def test_threads(make_local: MakeClient, path: Path) -> None:
    """Sixteen threads on one client get the right answers, and each is kept once."""
    client = make_local(
        path, lambda prompt, *_: f"for {prompt}", embedder=Angles(), similarity_threshold=1
    )
    prompts = [f"{n % 45} degrees" for n in range(450)]
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda prompt: client.query(prompt, "gpt-4o"), prompts))
    assert [result.response for result in results] == [f"for {prompt}" for prompt in prompts]
    assert len({result.meta.request_id for result in results}) == len(prompts)
    debug = client.query(prompts[0], "gpt-4o", include_debug=True).debug
    assert debug is not None
    assert debug.cache_entry_count == 45


async def test_tasks() -> None:
    """Three hundred tasks at once, more than there are connections, all get their answers."""

    async def llm(prompt: str, model: str, context: str | None) -> str:
        await anyio.lowlevel.checkpoint()
        return f"for {prompt}"

    async with AsyncVectorcacheClient.local(llm=llm, embedder=Angles(), model="m") as client:
        prompts = [f"{n % 60} degrees" for n in range(300)]
        results: dict[int, VectorcacheResponse] = {}

        async def ask(number: int) -> None:
            results[number] = await client.query(prompts[number], similarity_threshold=1)

        async with anyio.create_task_group() as tasks:
            for number in range(len(prompts)):
                tasks.start_soon(ask, number)
        again = await client.query(prompts[0], include_debug=True)
    found = [results[number].response for number in range(len(prompts))]
    assert found == [f"for {prompt}" for prompt in prompts]
    assert again.debug is not None
    assert again.debug.cache_entry_count == 60


async def test_one_cancelled() -> None:
    """Cancelling one caller harms no other, with a single connection for both."""
    asked = anyio.Event()
    stuck = anyio.CancelScope()

    async def llm(prompt: str, model: str, context: str | None) -> str:
        if model == "stuck":
            asked.set()
            await anyio.sleep_forever()
        return "an answer"

    async with (
        AsyncVectorcacheClient.local(llm=llm, embedder=Angles(), max_connections=1) as client,
        anyio.create_task_group() as tasks,
    ):

        async def be_stuck() -> None:
            with stuck:
                await client.query("30", "stuck")

        tasks.start_soon(be_stuck)
        await asked.wait()
        stuck.cancel()
        assert (await client.query("30", "gpt-4o")).response == "an answer"
    assert stuck.cancelled_caught
