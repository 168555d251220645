"""``coalesce=True``: equal calls at the same moment are one request."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import attrs
import pytest
from call.held_service import WAIT, HeldService, counted
from clients import KEY, MakeClient
from lifetimes.programs import FORKING
from lifetimes.programs import run as run_program
from servers import HIT, MISS, Received, ScriptedServer, answer

from vectorcache import (
    AsyncVectorcacheClient,
    CircuitBreaker,
    Query,
)


def test_twenty_equal_calls_are_one_request(
    make_client: MakeClient, service: HeldService, threads: ThreadPoolExecutor
) -> None:
    """Twenty threads or tasks that ask the same at once cost one request; each has the answer."""
    client = make_client(coalesce=True)
    joined = counted(client)
    calls = [threads.submit(client.query, "Q", "m") for _ in range(20)]
    joined.wait_for(20)
    service.released.set()
    results = [call.result(WAIT) for call in calls]
    assert {result.response for result in results} == {MISS["response"]}
    assert len(service.requests) == 1
    assert sorted(result.meta.attempts for result in results) == [0] * 19 + [1]
    assert len({id(result) for result in results}) == 20
    assert (client.stats.calls, client.stats.misses, client.stats.retries) == (20, 20, 0)


def test_by_default_each_call_is_a_request(
    make_client: MakeClient, service: HeldService, threads: ThreadPoolExecutor
) -> None:
    """Without ``coalesce`` nothing is shared."""
    client = make_client()
    calls = [threads.submit(client.query, "Q", "m") for _ in range(3)]
    for _ in range(3):
        service.wait_for_request()
    service.released.set()
    assert [call.result(WAIT).meta.attempts for call in calls] == [1, 1, 1]


def test_one_after_the_other_is_not_shared(make_client: MakeClient, service: HeldService) -> None:
    """Only calls at the same moment share: the next one asks anew."""
    service.released.set()
    client = make_client(coalesce=True)
    assert [client.query("Q", "m").meta.attempts for _ in range(3)] == [1, 1, 1]
    assert len(service.requests) == 3


DIFFERENT: list[dict[str, Any]] = [
    {},
    {"prompt": "other"},
    {"model": "n"},
    {"similarity_threshold": 0.9},
    {"context": "c"},
    {"include_debug": True},
    {"extra_headers": {"X-Tenant": "a"}},
    {"extra_headers": {"X-Tenant": "b"}},
    {"timeout": 5.0},
    {"max_retries": 1},
]


def test_what_differs_is_asked_for_itself(
    make_client: MakeClient, service: HeldService, threads: ThreadPoolExecutor
) -> None:
    """Another query, header, timeout or number of retries makes a call a different one."""
    client = make_client(coalesce=True)
    calls = [
        threads.submit(lambda own: client.query(**{"prompt": "Q", "model": "m", **own}), own)
        for own in DIFFERENT
    ]
    for _ in DIFFERENT:
        service.wait_for_request()
    service.released.set()
    assert [call.result(WAIT).meta.attempts for call in calls] == [1] * len(DIFFERENT)


@pytest.mark.parametrize(
    ("options", "requests"),
    [
        ({"deadline": 30.0}, 1),
        ({"fallback": lambda prompt, model, context: "own"}, 1),
        ({"api_key": "vc_" + 32 * "f"}, 2),
        ({"default_headers": {"X-Tenant": "b"}}, 2),
        ({"max_connections": 3}, 2),
        ({"max_response_bytes": 5_000}, 2),
        ({"circuit_breaker": CircuitBreaker()}, 2),
        ({"coalesce": False}, 2),
    ],
)
def test_copies(
    make_client: MakeClient,
    service: HeldService,
    threads: ThreadPoolExecutor,
    options: dict[str, Any],
    requests: int,
) -> None:
    """A copy shares a request with its original only where theirs would be the same."""
    client = make_client(coalesce=True)
    joined = counted(client)
    copy = client.with_options(**options)
    first = threads.submit(client.query, "Q", "m")
    service.wait_for_request()
    second = threads.submit(copy.query, "Q", "m")
    if requests == 1:
        joined.wait_for(2)
    else:
        service.wait_for_request()
    service.released.set()
    assert first.result(WAIT).response == second.result(WAIT).response == MISS["response"]
    assert len(service.requests) == requests
    copy.close()


def test_what_before_send_makes_of_it_counts(
    make_client: MakeClient, service: HeldService, threads: ThreadPoolExecutor
) -> None:
    """Two prompts that ``before_send`` makes equal are equal."""

    def screen(query: Query) -> Query:
        return attrs.evolve(query, prompt=query.prompt.lower())

    client = make_client(coalesce=True, before_send=screen)
    joined = counted(client)
    calls = [threads.submit(client.query, prompt, "m") for prompt in ("Q", "q")]
    joined.wait_for(2)
    service.released.set()
    assert sorted(call.result(WAIT).meta.attempts for call in calls) == [0, 1]


def test_a_batch_shares_only_within_itself(make_client: MakeClient, service: HeldService) -> None:
    """``query_many`` of a client with ``coalesce`` sends equal prompts once, as ever."""
    service.released.set()
    client = make_client(coalesce=True)
    assert [item.unwrap().meta.attempts for item in client.query_many(["Q"], model="m")] == [1]


def test_each_event_loop_asks_for_itself(service: HeldService, server: ScriptedServer) -> None:
    """Tasks of two loops do not wait for each other: no loop can wake the other's tasks."""
    client = AsyncVectorcacheClient(KEY, server.url, coalesce=True)

    async def ask() -> int:
        return (await client.query("Q", "m")).meta.attempts

    with ThreadPoolExecutor(2) as loops:
        calls = [loops.submit(anyio.run, ask) for _ in range(2)]
        for _ in range(2):
            service.wait_for_request()
        service.released.set()
        assert [call.result(WAIT) for call in calls] == [1, 1]
    anyio.run(client.aclose)


def test_after_a_fork_the_child_asks_for_itself(server: ScriptedServer) -> None:
    """A child process does not wait for a thread that only its parent has."""
    second = threading.Event()

    def respond(request: Received) -> bytes:
        if len(server.requests) == 2:
            second.set()
        assert second.wait(WAIT)
        return answer(HIT)

    server.respond = respond
    program = """
    import logging
    asks = threading.Event()

    class Asks(logging.Handler):
        def emit(self, record):
            asks.set()

    logging.getLogger("httpcore").addHandler(Asks())
    logging.getLogger("httpcore").setLevel(logging.DEBUG)
    client = VectorcacheClient(KEY, URL, model="m", coalesce=True)
    thread = threading.Thread(target=client.query, args=("Q",))
    thread.start()
    assert asks.wait(20)
    child = os.fork()
    if not child:
        assert client.query("Q").meta.attempts == 1
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    thread.join()
    client.close()
    """
    assert run_program(program, server.url, warnings=FORKING) == ""
