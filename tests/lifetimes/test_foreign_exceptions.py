"""What a signal handler, another thread, a hook or the auth raises in a call is the caller's.

openai-python#2737: celery's SoftTimeLimitExceeded came out as a connection error.
"""

from __future__ import annotations

import ctypes
import signal
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from clients import KEY
from lifetimes.echo import EchoServer
from servers import Step, answer

from vectorcache import APIConnectionError, CircuitBreaker, Observer, VectorcacheClient


class SoftTimeLimitExceeded(Exception):
    """What celery raises."""


class Late(TimeoutError):
    """What is an OSError as well, as the exceptions of a socket are."""


class Broken(OSError):
    """The same without anything about time."""


KINDS = [SoftTimeLimitExceeded, Late, Broken, TimeoutError, OSError, RuntimeError]


@pytest.fixture(params=KINDS)
def raised(request: pytest.FixtureRequest) -> Iterator[BaseException]:
    """What the handler of SIGUSR1 raises."""
    error: BaseException = request.param("time is up")

    def handler(_: int, __: object) -> None:
        raise error

    before = signal.signal(signal.SIGUSR1, handler)
    yield error
    signal.signal(signal.SIGUSR1, before)


def send_signal() -> None:
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGUSR1)


def signal_and_wait(over: threading.Event) -> Step:
    def step(_: socket.socket) -> None:
        send_signal()
        over.wait(10)

    return step


@pytest.fixture
def interrupting(server: EchoServer) -> Iterator[EchoServer]:
    """A server that answers its first request by a signal."""
    over = threading.Event()
    server.script = [signal_and_wait(over)]
    yield server
    over.set()


def test_a_signal_handler(interrupting: EchoServer, raised: BaseException) -> None:
    """It comes out as it is; nothing is sent again, and the client stays usable."""
    with VectorcacheClient(KEY, interrupting.url, max_connections=1) as client:
        with pytest.raises(type(raised)) as caught:
            client.query("Q", "m")
        assert caught.value is raised
        assert (raised.__cause__, raised.__context__) == (None, None)
        assert len(interrupting.requests) == 1
        assert client.query("after", "m", deadline=10).response == "after"


def test_a_fallback_does_not_replace_it(interrupting: EchoServer, raised: BaseException) -> None:
    """A fallback answers only for failures of the service, and this is an error of the caller."""
    with (
        VectorcacheClient(KEY, interrupting.url, fallback=lambda *_: "the LLM") as client,
        pytest.raises(type(raised)) as caught,
    ):
        client.query("Q", "m")
    assert caught.value is raised


def test_it_does_not_open_a_circuit(interrupting: EchoServer, raised: BaseException) -> None:
    """Nor does it count as a failure of the service."""
    breaker = CircuitBreaker(failures=1)
    with VectorcacheClient(KEY, interrupting.url, circuit_breaker=breaker) as client:
        with pytest.raises(type(raised)):
            client.query("Q", "m")
        assert client.query("after", "m").response == "after"


def test_the_caller_handles_another_exception(interrupting: EchoServer) -> None:
    """What the caller was handling before a failed call keeps its traceback."""
    interrupting.script = [answer(status=400)]
    with VectorcacheClient(KEY, interrupting.url) as client:
        try:
            raise SoftTimeLimitExceeded
        except SoftTimeLimitExceeded as before:
            with pytest.raises(Exception, match="400"):
                client.query("Q", "m")
            assert traceback.extract_tb(before.__traceback__)


@pytest.mark.parametrize("kind", [SoftTimeLimitExceeded, Late, TimeoutError, ConnectionError])
def test_an_exception_set_by_another_thread(server: EchoServer, kind: type[Exception]) -> None:
    """PyThreadState_SetAsyncExc, by which dramatiq and timeout decorators end a function."""
    got: list[BaseException | object] = []
    thread = threading.Thread()

    def set_it(connection: socket.socket) -> None:
        identity, what = ctypes.c_ulong(thread.ident or 0), ctypes.py_object(kind)
        assert ctypes.pythonapi.PyThreadState_SetAsyncExc(identity, what) == 1
        connection.sendall(answer())

    server.script = [set_it]
    with VectorcacheClient(KEY, server.url) as client:

        def ask() -> None:
            try:
                got.append(client.query("Q", "m"))
            except BaseException as error:
                got.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join(10)
        assert [type(one) for one in got] == [kind]
        assert len(server.requests) == 1
        assert client.query("after", "m").response == "after"


def test_in_an_observer(server: EchoServer) -> None:
    """An observer's own error is logged; what a signal handler raises there is not its own."""
    error = SoftTimeLimitExceeded("time is up")

    def handler(_: int, __: object) -> None:
        raise error

    class Signalled(Observer):
        def call_started(self, call: Any) -> None:
            send_signal()

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with (
            VectorcacheClient(KEY, server.url, observers=[Signalled()]) as client,
            pytest.raises(SoftTimeLimitExceeded),
        ):
            client.query("Q", "m")
    finally:
        signal.signal(signal.SIGUSR1, before)


def fail(_: object) -> None:
    raise Late("of a hook")


def fail_at_a_request(_: object) -> None:
    httpx.get("http://127.0.0.1:1", trust_env=False)


class FailingAuth(httpx.Auth):
    def auth_flow(self, request: httpx.Request) -> Any:
        raise Late("of the auth")
        yield


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"event_hooks": {"request": [fail]}}, Late),
        ({"event_hooks": {"response": [fail]}}, Late),
        ({"event_hooks": {"request": [fail_at_a_request]}}, httpx.ConnectError),
        ({"event_hooks": {"response": [httpx.Response.raise_for_status]}}, httpx.HTTPStatusError),
        ({"auth": FailingAuth()}, Late),
    ],
)
def test_hooks_and_auth(server: EchoServer, options: Any, kind: type[Exception]) -> None:
    """What they raise reaches the caller as it is, and is not repeated."""
    server.script = [answer(status=500)]
    with (
        httpx.Client(trust_env=False, **options) as own,
        VectorcacheClient(KEY, server.url, http_client=own) as client,
        pytest.raises(kind) as caught,
    ):
        client.query("Q", "m")
    assert type(caught.value) is kind
    assert len(server.requests) <= 1


def raises(error: BaseException) -> Callable[[httpx.Request], httpx.Response]:
    def handle(_: httpx.Request) -> httpx.Response:
        raise error

    return handle


@pytest.mark.parametrize(
    "error", [Broken("no route"), ConnectionResetError(104, "reset"), httpx.ReadError("lost")]
)
def test_a_transport_of_ones_own(error: Exception) -> None:
    """What it raises is a failure of the service, also by a class of its own, as of requests."""
    transport = httpx.MockTransport(raises(error))
    with (
        VectorcacheClient(KEY, http_client=transport, max_retries=0) as client,
        pytest.raises(APIConnectionError),
    ):
        client.query("Q", "m")
