"""``coalesce=True``: equal calls at the same moment are one request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import attrs
import pytest
from clients import KEY, BlockingAsyncClient, MakeClient
from joined import Joined
from lifetimes.programs import FORKING
from lifetimes.programs import run as run_program
from servers import HIT, MISS, Received, ScriptedServer, answer

from vectorcache import (
    APITimeoutError,
    AsyncVectorcacheClient,
    BadRequestError,
    CircuitBreaker,
    FinishedCall,
    InternalServerError,
    ObservedCall,
    Observer,
    Query,
    VectorcacheClient,
    VectorcacheError,
    VectorcacheResponse,
)

WAIT = 20.0


class Service:
    """Answers no request before the test lets it; then each as ``reply`` says."""

    def __init__(self, server: ScriptedServer) -> None:
        self.reply: Callable[[Received], bytes] = lambda request: answer(MISS)
        self.arrived = threading.Semaphore(0)
        self.released = threading.Event()
        self.requests = server.requests
        server.respond = self

    def __call__(self, request: Received) -> bytes:
        self.arrived.release()
        assert self.released.wait(WAIT)
        return self.reply(request)

    def wait_for_request(self) -> None:
        assert self.arrived.acquire(timeout=WAIT)


@pytest.fixture
def service(server: ScriptedServer) -> Iterator[Service]:
    """A service that holds its answers back."""
    made = Service(server)
    yield made
    made.released.set()


def counted(client: Any) -> Joined:
    """Lets a test know when the client's calls have joined."""
    made = Joined()
    inner = client._client if isinstance(client, BlockingAsyncClient) else client
    inner._state = attrs.evolve(inner._state, coalescing=made)
    return made


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Threads that wait while the test goes on."""
    with ThreadPoolExecutor(40) as pool:
        yield pool


def test_twenty_equal_calls_are_one_request(
    make_client: MakeClient, service: Service, threads: ThreadPoolExecutor
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
    make_client: MakeClient, service: Service, threads: ThreadPoolExecutor
) -> None:
    """Without ``coalesce`` nothing is shared."""
    client = make_client()
    calls = [threads.submit(client.query, "Q", "m") for _ in range(3)]
    for _ in range(3):
        service.wait_for_request()
    service.released.set()
    assert [call.result(WAIT).meta.attempts for call in calls] == [1, 1, 1]


def test_one_after_the_other_is_not_shared(make_client: MakeClient, service: Service) -> None:
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
    make_client: MakeClient, service: Service, threads: ThreadPoolExecutor
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
    service: Service,
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


def test_an_error_is_each_callers_own(
    make_client: MakeClient, service: Service, threads: ThreadPoolExecutor
) -> None:
    """What the service refuses is refused for all, each with an error that shares no traceback."""
    service.reply = lambda request: answer({"detail": "no"}, status=400)
    client = make_client(coalesce=True)
    joined = counted(client)
    calls = [threads.submit(client.query, "Q", "m") for _ in range(5)]
    joined.wait_for(5)
    service.released.set()
    errors = [call.exception(WAIT) for call in calls]
    assert [type(error) for error in errors] == [BadRequestError] * 5
    assert len({id(error) for error in errors}) == 5
    assert {str(error) for error in errors if isinstance(error, VectorcacheError)} == {
        str(errors[0])
    }
    assert len(service.requests) == 1
    assert client.stats.errors == {"BadRequestError": 5}


def test_retries_are_shared_too(
    make_client: MakeClient, service: Service, threads: ThreadPoolExecutor
) -> None:
    """A failure that is repeated is repeated once for all."""
    replies = iter([answer({}, status=503), answer(HIT)])
    service.reply = lambda request: next(replies)
    client = make_client(coalesce=True)
    joined = counted(client)
    calls = [threads.submit(client.query, "Q", "m") for _ in range(5)]
    joined.wait_for(5)
    service.released.set()
    attempts = sorted(call.result(WAIT).meta.attempts for call in calls)
    assert attempts == [0, 0, 0, 0, 2]
    assert client.stats.retries == 1


def test_each_has_a_fallback_of_its_own(
    make_client: MakeClient, service: Service, threads: ThreadPoolExecutor
) -> None:
    """Only what the cache says is shared: each caller then asks the fallback for itself."""
    service.reply = lambda request: answer({}, status=500)
    asked: list[str] = []

    def fallback(prompt: str, model: str, context: str | None) -> str:
        asked.append(prompt)
        return "from the fallback"

    client = make_client(coalesce=True, fallback=fallback, max_retries=0)
    joined = counted(client)
    calls = [threads.submit(client.query, "Q", "m") for _ in range(4)]
    joined.wait_for(4)
    service.released.set()
    assert {call.result(WAIT).llm_provider for call in calls} == {"fallback"}
    assert len(service.requests) == 1
    assert asked == ["Q"] * 4


def test_a_deadline_is_its_callers_own(
    make_client: MakeClient, service: Service, threads: ThreadPoolExecutor
) -> None:
    """A call that waits ends at its own deadline; the request and the other calls go on."""
    client = make_client(coalesce=True)
    joined = counted(client)
    first = threads.submit(client.query, "Q", "m")
    service.wait_for_request()
    hasty = threads.submit(client.query, "Q", "m", deadline=0.05)
    joined.wait_for(2)
    with pytest.raises(APITimeoutError, match=r"the deadline of 0\.05 s is over") as caught:
        hasty.result(WAIT)
    assert caught.value.attempts == 0
    service.released.set()
    assert first.result(WAIT).response == MISS["response"]
    assert len(service.requests) == 1


def test_the_first_callers_deadline_is_not_that_of_the_others(
    make_client: MakeClient, service: Service, threads: ThreadPoolExecutor
) -> None:
    """Where the call that had sent the request runs out of time, one other sends it once more."""
    client = make_client(coalesce=True)
    joined = counted(client)
    hasty = threads.submit(client.query, "Q", "m", deadline=0.3)
    service.wait_for_request()
    others = [threads.submit(client.query, "Q", "m") for _ in range(5)]
    joined.wait_for(6)
    with pytest.raises(APITimeoutError):
        hasty.result(WAIT)
    service.wait_for_request()
    service.released.set()
    assert sorted(call.result(WAIT).meta.attempts for call in others) == [0, 0, 0, 0, 1]
    assert len(service.requests) == 2


def test_no_time_for_a_retry_is_the_first_callers_own(
    make_client: MakeClient, service: Service, threads: ThreadPoolExecutor
) -> None:
    """A deadline that leaves no time for a retry ends one call; the others have theirs."""
    first = answer({}, status=503, headers={"Retry-After": "2"})
    replies = iter([first, answer(HIT)])
    service.reply = lambda request: next(replies)
    client = make_client(coalesce=True)
    joined = counted(client)
    hasty = threads.submit(client.query, "Q", "m", deadline=1.9)
    service.wait_for_request()
    other = threads.submit(client.query, "Q", "m")
    joined.wait_for(2)
    service.released.set()
    with pytest.raises(InternalServerError, match="leaves no time"):
        hasty.result(WAIT)
    assert other.result(WAIT).cache_hit


class Interrupt(BaseException):
    """Ends a call as Ctrl-C does, in a thread that gets no signals."""


class InterruptedAfterFailure(Observer):
    """Ends the call whose first attempt has failed; it stands in for Ctrl-C in its wait."""

    def __init__(self) -> None:
        self.ended: list[int] = []

    def attempt_failed(self, call: ObservedCall, attempt: Any) -> None:
        raise Interrupt

    def call_finished(self, call: ObservedCall, end: FinishedCall) -> None:
        self.ended.append(end.attempts)


def test_whatever_ends_the_first_call_ends_no_other(
    server: ScriptedServer, service: Service, threads: ThreadPoolExecutor
) -> None:
    """Ctrl-C in the call that had sent the request lets another one send it."""
    replies = iter([answer({}, status=503), answer(HIT)])
    service.reply = lambda request: next(replies)
    observer = InterruptedAfterFailure()
    with VectorcacheClient(KEY, server.url, coalesce=True, observers=[observer]) as client:
        joined = counted(client)
        calls = [threads.submit(client.query, "Q", "m") for _ in range(4)]
        joined.wait_for(4)
        service.released.set()
        ends = [call.exception(WAIT) for call in calls]
    assert sorted(type(end).__name__ for end in ends) == ["Interrupt", *["NoneType"] * 3]
    assert len(service.requests) == 2
    assert sorted(observer.ended) == [0, 0, 1, 1]


def test_what_before_send_makes_of_it_counts(
    make_client: MakeClient, service: Service, threads: ThreadPoolExecutor
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


def test_a_batch_shares_only_within_itself(make_client: MakeClient, service: Service) -> None:
    """``query_many`` of a client with ``coalesce`` sends equal prompts once, as ever."""
    service.released.set()
    client = make_client(coalesce=True)
    assert [item.unwrap().meta.attempts for item in client.query_many(["Q"], model="m")] == [1]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("cancelled", ["first", "waiting"])
def test_cancelling_one_task_cancels_no_other(
    server: ScriptedServer, service: Service, backend: str, cancelled: str
) -> None:
    """Of four equal tasks one is cancelled: the three others are answered."""
    found: list[VectorcacheResponse] = []

    async def main() -> None:
        async with AsyncVectorcacheClient(KEY, server.url, coalesce=True) as client:
            joined = counted(client)
            scopes = [anyio.CancelScope() for _ in range(4)]

            async def ask(scope: anyio.CancelScope) -> None:
                with scope:
                    found.append(await client.query("Q", "m"))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask, scopes[0])
                await anyio.to_thread.run_sync(service.wait_for_request)
                for scope in scopes[1:]:
                    tasks.start_soon(ask, scope)
                await anyio.to_thread.run_sync(joined.wait_for, 4)
                scopes[0 if cancelled == "first" else 2].cancel()
                if cancelled == "first":
                    await anyio.to_thread.run_sync(service.wait_for_request)
                service.released.set()
            assert client.stats.cancelled == 1

    anyio.run(main, backend=backend)
    assert len(found) == 3
    assert len(server.requests) == (2 if cancelled == "first" else 1)


def test_each_event_loop_asks_for_itself(service: Service, server: ScriptedServer) -> None:
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


def test_closing_the_client_meanwhile(service: Service, threads: ThreadPoolExecutor) -> None:
    """Calls that wait when the client is closed still end."""
    client = VectorcacheClient(KEY, "http://127.0.0.1:1", coalesce=True)
    client.close()
    calls = [threads.submit(client.query, "Q", "m") for _ in range(5)]
    assert all("closed" in str(call.exception(WAIT)) for call in calls)
