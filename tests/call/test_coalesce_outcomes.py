"""``coalesce=True``: each caller keeps its own errors, deadline, fallback and cancellation."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import pytest
from call.held_service import WAIT, HeldService, counted
from clients import KEY, MakeClient
from servers import HIT, MISS, ScriptedServer, answer

from vectorcache import (
    APITimeoutError,
    AsyncVectorcacheClient,
    BadRequestError,
    FinishedCall,
    InternalServerError,
    ObservedCall,
    Observer,
    VectorcacheClient,
    VectorcacheError,
    VectorcacheResponse,
)


def test_an_error_is_each_callers_own(
    make_client: MakeClient, service: HeldService, threads: ThreadPoolExecutor
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
    make_client: MakeClient, service: HeldService, threads: ThreadPoolExecutor
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
    make_client: MakeClient, service: HeldService, threads: ThreadPoolExecutor
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
    make_client: MakeClient, service: HeldService, threads: ThreadPoolExecutor
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
    make_client: MakeClient, service: HeldService, threads: ThreadPoolExecutor
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
    make_client: MakeClient, service: HeldService, threads: ThreadPoolExecutor
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
    server: ScriptedServer, service: HeldService, threads: ThreadPoolExecutor
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


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("cancelled", ["first", "waiting"])
def test_cancelling_one_task_cancels_no_other(
    server: ScriptedServer, service: HeldService, backend: str, cancelled: str
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


def test_closing_the_client_before_the_answer(
    service: HeldService, threads: ThreadPoolExecutor
) -> None:
    """Calls that wait when the client is closed still end."""
    client = VectorcacheClient(KEY, "http://127.0.0.1:1", coalesce=True)
    client.close()
    calls = [threads.submit(client.query, "Q", "m") for _ in range(5)]
    assert all("closed" in str(call.exception(WAIT)) for call in calls)
