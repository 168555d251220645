"""Sync and async clients with a rate limit, and a real server that counts."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import Any

import anyio
import pytest
from clients import KEY, AnyClient, MakeClient
from servers import Received, ScriptedServer, answer

from vectorcache import (
    APITimeoutError,
    AsyncVectorcacheClient,
    RateLimiter,
    RateLimitError,
    VectorcacheClient,
    VectorcacheResponse,
)

DAY = pytest.approx(86_400 * 1.01 + 0.03, abs=60)


def refused(client: AnyClient, **options: Any) -> APITimeoutError:
    with pytest.raises(APITimeoutError) as caught:
        client.query("one too many", "m", **options)
    return caught.value


def ask_at_once(client: AnyClient, prompts: int) -> list[VectorcacheResponse]:
    with ThreadPoolExecutor(prompts) as threads:
        return list(threads.map(lambda n: client.query(f"prompt {n}", "m"), range(prompts)))


def test_over_the_limit(make_client: MakeClient, server: ScriptedServer) -> None:
    """A request that could not go within its deadline fails at once, and is not sent."""
    client = make_client(rate_limit="2/day")
    assert len(ask_at_once(client, 2)) == 2
    error = refused(client)
    assert error.retry_after == DAY
    assert error.attempts == 0
    assert len(server.requests) == 2


def test_no_limit_by_default(client: AnyClient, server: ScriptedServer) -> None:
    """A client without ``rate_limit`` has no limit."""
    assert len(ask_at_once(client, 30)) == 30


def test_retries_count(make_client: MakeClient, server: ScriptedServer) -> None:
    """Each attempt counts as a request."""
    server.script = [answer({"detail": "no"}, status=500)]
    client = make_client(rate_limit="2/day")
    assert client.query("Q", "m").meta.attempts == 2
    refused(client)


def test_a_limit_that_the_service_keeps(make_client: MakeClient, server: ScriptedServer) -> None:
    """A client with the limit of the service gets no 429."""
    arrived, lock = deque[float](), threading.Lock()

    def respond(request: Received) -> bytes:
        with lock:
            arrived.append(time.monotonic())
            while arrived[0] < arrived[-1] - 1:
                arrived.popleft()
            # The limit is 25 instead of 10, as a busy machine may delay 10 requests to the next.
            return answer() if len(arrived) <= 25 else answer({"detail": "no"}, status=429)

    server.respond = respond
    client = make_client(rate_limit="10/second", max_retries=0)
    assert len(ask_at_once(client, 28)) == 28


def test_copies_share_a_limit(make_client: MakeClient) -> None:
    """A copy made by ``with_options`` shares the limit of its client."""
    client = make_client(rate_limit="1/day")
    client.with_options(context="legal").query("Q", "m")
    refused(client)
    refused(client.with_options(max_connections=5))


def test_copies_with_a_limit_of_their_own(make_client: MakeClient) -> None:
    """A copy with another limit or key counts for itself; with None it has no limit."""
    client = make_client(rate_limit="1/day")
    client.query("Q", "m")
    for options in ({"rate_limit": "1/day"}, {"api_key": KEY.replace("0a", "0c")}):
        copy = client.with_options(**options)  # type: ignore[arg-type]  # One option or the other.
        copy.query("Q", "m")
        refused(copy)
    for _ in range(5):
        client.with_options(rate_limit=None).query("Q", "m")


def test_a_batch_waits_for_its_turns(make_client: MakeClient) -> None:
    """A batch over the limit waits for its turns, whatever the deadline of each query."""
    client = make_client(rate_limit="5/second", deadline=0.9)
    results = list(client.query_many([f"prompt {n}" for n in range(6)], model="m"))
    assert [item.error for item in results] == [None] * 6


def test_a_batch_that_is_left_gives_its_places_back(make_client: MakeClient) -> None:
    """Queries that wait for their turn leave the line when their batch is closed."""
    client = make_client(rate_limit="1/day")
    results = client.query_many(["a", "b", "c"], model="m")
    next(results)
    results.close()
    assert refused(client).retry_after == DAY


def test_auto_follows_what_the_service_says(
    make_client: MakeClient, server: ScriptedServer
) -> None:
    """If others have used up the limit, nothing is sent until the service counts from 0 again."""
    lock, over = threading.Lock(), 0.0

    def respond(request: Received) -> bytes:
        nonlocal over
        with lock:
            now = time.time()
            over = over or int(now) + 1
            told = {
                "Date": formatdate(now, usegmt=True),
                "X-RateLimit-Limit": "100",
                "X-RateLimit-Remaining": "0" if now < over else "99",
                "X-RateLimit-Reset": str(over if now < over else over + 60),
            }
            first = len(server.requests) == 1
            return answer(status=200 if first or now >= over else 429, headers=told)

    server.respond = respond
    client = make_client(rate_limit="auto", max_retries=0)
    client.query("Q", "m")
    assert len(ask_at_once(client, 3)) == 3


def test_auto_without_headers(make_client: MakeClient) -> None:
    """A service that names no limit is not limited."""
    client = make_client(rate_limit="auto")
    client.query("Q", "m")
    assert len(ask_at_once(client, 40)) == 40


def test_auto_after_a_refusal(make_client: MakeClient, server: ScriptedServer) -> None:
    """After a 429 all calls of the client wait for as long as it says."""
    server.script = [answer({"detail": "slow down"}, status=429, headers={"Retry-After": "50"})]
    client = make_client(rate_limit="auto", max_retries=0)
    with pytest.raises(RateLimitError):
        client.query("Q", "m")
    assert refused(client, deadline=40).retry_after == pytest.approx(50, abs=10)
    assert len(server.requests) == 1


async def test_cancelled_tasks_give_their_places_back(server: ScriptedServer) -> None:
    """Tasks that are cancelled while they wait leave the line, and later calls move up."""
    async with AsyncVectorcacheClient(KEY, server.url, model="m", rate_limit="1/day") as client:
        await client.query("Q")
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(lambda: client.query("waits", deadline=None))
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(APITimeoutError) as caught:
                await client.query("Q")
            assert caught.value.retry_after is not None
            assert caught.value.retry_after > 5 * 86_400
            tasks.cancel_scope.cancel()
        with pytest.raises(APITimeoutError) as caught:
            await client.query("Q")
        assert caught.value.retry_after == DAY
    assert len(server.requests) == 1


def test_ctrl_c_gives_its_place_back(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A waiting call that is interrupted leaves no gap in the line."""

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    with VectorcacheClient(KEY, server.url, model="m", rate_limit="1/day") as client:
        client.query("Q")
        with monkeypatch.context() as patch:
            patch.setattr(time, "sleep", interrupted)
            with contextlib.suppress(KeyboardInterrupt):
                client.query("Q", deadline=None)
        with pytest.raises(APITimeoutError) as caught:
            client.query("Q")
        assert caught.value.retry_after == DAY


def test_an_object_says_the_same(make_client: MakeClient) -> None:
    """``RateLimiter("1/day")`` means the same as ``"1/day"``."""
    client = make_client(rate_limit=RateLimiter("1/day"))
    client.query("Q", "m")
    assert refused(client).retry_after == DAY
