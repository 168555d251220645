"""The engine behind stock httpx clients, and over a real socket."""

import asyncio
from pathlib import Path

import httpx
import pytest
from local.serving import served
from local.stand_ins import Angles, MakeEngine, Recorder
from starlette.applications import Starlette
from starlette.routing import Mount

from vectorcache.local import EngineClosedError, LocalTransport, MiniLM, app

HEADERS = {"Authorization": "Bearer vc_" + "a" * 32}
QUERY = {"prompt": "30", "model": "gpt-4o"}


def test_sync_client(make_engine: MakeEngine, angles: Angles, llm: Recorder) -> None:
    """A stock client is answered in process, whatever host it asks for, and closes the engine."""
    engine = make_engine(llm=llm, embedder=angles)
    with httpx.Client(transport=LocalTransport(engine), headers=HEADERS) as client:
        answer = client.post("https://nowhere.invalid/v1/cache/query", json=QUERY)
        assert answer.json()["response"] == "answer 1 to 30"
    with pytest.raises(EngineClosedError):
        engine.query("30", "gpt-4o")


def test_async_client_with_an_async_llm(make_engine: MakeEngine, angles: Angles) -> None:
    """A stock async client awaits an async function on its own loop, and closes the engine."""

    async def llm(prompt: str, model: str, context: str | None) -> str:
        return f"on {id(asyncio.get_running_loop())}"

    async def main() -> None:
        engine = make_engine(llm=llm, embedder=angles)
        async with httpx.AsyncClient(transport=LocalTransport(engine), headers=HEADERS) as client:
            url = "https://nowhere.invalid/v1/cache/query"
            answers = await asyncio.gather(*(client.post(url, json=QUERY) for _ in range(20)))
            assert {answer.json()["response"] for answer in answers} == {
                f"on {id(asyncio.get_running_loop())}"
            }
            assert (await client.post(url, json=QUERY)).json()["cache_hit"]
        with pytest.raises(EngineClosedError):
            await engine.aquery("30", "gpt-4o")

    asyncio.run(main())


def test_async_llm_behind_a_sync_client(make_engine: MakeEngine, angles: Angles) -> None:
    """The caller gets the TypeError itself, not a status that would be retried."""

    async def llm(prompt: str, model: str, context: str | None) -> str:
        return "never"

    transport = LocalTransport(make_engine(llm=llm, embedder=angles))
    with (
        httpx.Client(transport=transport, headers=HEADERS) as client,
        pytest.raises(TypeError, match="use the async client"),
    ):
        client.post("https://nowhere.invalid/v1/cache/query", json=QUERY)


def test_app_over_a_socket(tmp_path: Path, minilm: MiniLM, llm: Recorder) -> None:
    """Over a real socket the same answers come as in process; shutdown closes the engine."""
    application = app(tmp_path / "cache.db", llm, embedder=minilm)
    with served(application) as url, httpx.Client(base_url=url, headers=HEADERS) as client:
        miss = client.post("/v1/cache/query", json={**QUERY, "prompt": "What is ML?"})
        hit = client.post("/v1/cache/query", json={**QUERY, "prompt": "What is machine learning?"})
        assert (miss.json()["cache_hit"], hit.json()["cache_hit"]) == (False, True)
        assert hit.json()["response"] == miss.json()["response"]
        assert len(hit.headers["x-request-id"]) == 32
        statuses = {
            client.post("/v1/cache/query", json={}).status_code: 400,
            client.post("/v1/cache/query", headers={"Authorization": "x"}).status_code: 401,
            client.post("/elsewhere").status_code: 404,
            client.put("/v1/cache/query").status_code: 405,
            client.post("/v1/cache/query", content=b" " * 3_000_000).status_code: 413,
        }
        assert all(seen == wanted for seen, wanted in statuses.items())
        assert client.get("/v1/cache/query").json()["detail"].startswith("Method Not Allowed")
    with pytest.raises(EngineClosedError):
        application.state.engine.query("30", "gpt-4o")


def test_app_with_an_async_llm_and_a_mount(angles: Angles) -> None:
    """The application works below a path of another one, and awaits an async function."""

    async def llm(prompt: str, model: str, context: str | None) -> str:
        await asyncio.sleep(0)
        return "awaited"

    inner = app(llm=llm, embedder=angles)
    with served(Starlette(routes=[Mount("/cache", app=inner)])) as url:
        answer = httpx.post(f"{url}/cache/v1/cache/query", json=QUERY, headers=HEADERS)
        assert answer.json()["response"] == "awaited"
    inner.state.engine.close()
