"""The end of a process: it comes at once, with its own exit code and without noise."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator

import pytest
from lifetimes.echo import EchoServer
from lifetimes.programs import run
from servers import answer, drip

# Of an answer whose body comes byte by byte.
HEAD = answer(raw=1_000 * b" ").partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


@pytest.fixture
def silent(server: EchoServer) -> Iterator[EchoServer]:
    """A server that answers its first request and none after that."""
    over = threading.Event()

    def step(_: socket.socket) -> None:
        over.wait(60)

    server.script = [answer(), step]
    yield server
    over.set()


def test_main_ends_while_a_daemon_thread_waits(silent: EchoServer) -> None:
    """Daemon threads in a call hold up nothing."""
    program = """
    client = VectorcacheClient(KEY, URL)
    client.query("first", "m")
    threading.Thread(target=client.query, args=("Q", "m"), daemon=True).start()
    threading.Event().wait(0.3)
    """
    assert run(program, silent.url) == ""


def test_main_ends_while_a_daemon_threads_loop_waits(silent: EchoServer) -> None:
    """Nor do event loops in daemon threads."""
    program = """
    waiting = threading.Event()

    async def main():
        client = AsyncVectorcacheClient(KEY, URL)
        await client.query("first", "m")
        asyncio.get_running_loop().call_later(0.2, waiting.set)
        await client.query("Q", "m")

    threading.Thread(target=asyncio.run, args=(main(),), daemon=True).start()
    waiting.wait(10)
    """
    assert run(program, silent.url) == ""


def test_main_exits_while_a_thread_waits(server: EchoServer) -> None:
    """A call in an ordinary thread is answered before the process ends, with its own code."""
    leaving = threading.Event()

    def late(connection: socket.socket) -> None:
        leaving.wait(0.3)
        connection.sendall(answer())

    server.script = [late]
    program = """
    client = VectorcacheClient(KEY, URL)

    def ask():
        with client:
            assert client.query("Q", "m").cache_hit
        os.write(2, b"answered")

    threading.Thread(target=ask).start()
    sys.exit(3)
    """
    assert run(program, server.url, code=3) == "answered"


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_ctrl_c_in_a_call(silent: EchoServer, kind: str) -> None:
    """Ctrl-C ends a program in a call, whichever way it runs."""
    program = f"""
    def press():
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    def sync_main():
        with VectorcacheClient(KEY, URL) as client:
            client.query("first", "m")
            timer.start()
            client.query("Q", "m")

    async def async_main():
        async with AsyncVectorcacheClient(KEY, URL) as client:
            await client.query("first", "m")
            timer.start()
            await client.query("Q", "m")

    timer = threading.Timer(0.2, press)
    try:
        sync_main() if {kind!r} == "sync" else asyncio.run(async_main())
    except KeyboardInterrupt:
        sys.exit(7)
    """
    assert run(program, silent.url, code=7) == ""


def test_a_loop_that_ends_in_the_middle_of_a_call(silent: EchoServer) -> None:
    """A task that is not awaited is cancelled with its loop; the client was not closed."""
    program = """
    async def main():
        client = AsyncVectorcacheClient(KEY, URL)
        await client.query("first", "m")
        task = asyncio.create_task(client.query("Q", "m"))
        await asyncio.sleep(0.2)

    asyncio.run(main())
    gc.collect()
    """
    said = run(program, silent.url, warnings=("default",))
    assert_told_once(said, f"AsyncVectorcacheClient {silent.url}")


def assert_told_once(said: str, client: str) -> None:
    """That a client was left open is said once, and nothing else."""
    first, *others = said.splitlines()
    assert re.fullmatch(rf".*ResourceWarning: {re.escape(client)} was not closed: .*", first), said
    # In development mode Python says where the object was made, or how to learn that.
    assert all(
        line.startswith(("  ", "Object allocated", "ResourceWarning: Enable")) for line in others
    ), said


@pytest.mark.parametrize("where", ["of the module", "of a function"])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_client_never_closed(any_server: EchoServer, kind: str, where: str) -> None:
    """It is said once, by us alone, whenever the interpreter comes to it."""
    if kind == "sync":
        use = """
        client = VectorcacheClient(KEY, URL)
        client.query("Q", "m")
        """
        name = "VectorcacheClient"
    else:
        use = """
        client = AsyncVectorcacheClient(KEY, URL)
        async def main():
            await client.query("Q", "m")
        asyncio.run(main())
        """
        name = "AsyncVectorcacheClient"
    if where == "of a function":
        use = f"def main_program():{use}\nmain_program()\n".replace("\n        ", "\n    ")
    else:
        use = use.replace("\n        ", "\n")
    said = run(use, any_server.url, warnings=("default",))
    assert_told_once(said, f"{name} {any_server.url}")


@pytest.mark.parametrize("used", [False, True], ids=["cold", "warm"])
def test_a_query_at_exit(server: EchoServer, used: bool) -> None:
    """A call made by what runs at exit is answered, though no thread can be started any more."""
    program = f"""
    client = VectorcacheClient(KEY, URL)
    if {used}:
        client.query("Q", "m")

    @atexit.register
    def last():
        with client:
            assert client.query("last", "m").response == "last"
        os.write(2, b"answered")
    """
    assert run(program, server.url) == "answered"


def test_a_deadline_at_exit(server: EchoServer) -> None:
    """There, too, an answer that comes byte by byte is cut off at the deadline."""
    over = threading.Event()
    server.script = [drip(over, HEAD)]
    program = """
    client = VectorcacheClient(KEY, URL, max_retries=0)

    @atexit.register
    def last():
        before = time.monotonic()
        with client:
            try:
                client.query("last", "m", deadline=0.5)
            except VectorcacheError as error:
                kept = time.monotonic() - before < 2
                os.write(2, f"{type(error).__name__}, {kept}".encode())
    """
    said = run(program, server.url)
    over.set()
    assert said == "APITimeoutError, True"


def test_a_batch_at_exit(server: EchoServer) -> None:
    """There, and even later, a batch is answered, or says that there are no threads for it."""
    program = """
    class Last:
        def __init__(self):
            self.client = VectorcacheClient(KEY, URL)

        def ask(self, write=os.write, errors=VectorcacheError):
            try:
                (item,) = self.client.query_many(["a"], model="m")
                write(2, f"{item.unwrap().response} ".encode())
            except errors as error:
                write(2, str(error)[:33].encode())

        def __del__(self):
            self.ask()
            self.client.close()

    last = Last()
    last.client.query("first", "m")
    atexit.register(lambda: last.ask())
    """
    said = run(program, server.url)
    no_threads = "the interpreter is shutting down,"
    assert said in (f"a {no_threads}", 2 * no_threads)


@pytest.mark.parametrize("used", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_query_when_all_is_over(server: EchoServer, host: str, used: bool) -> None:
    """A call made while the interpreter takes modules apart ends, with an answer or our error."""
    server.script = [answer(headers={"Connection": "close"})] if used else []
    program = f"""
    class Last:
        def __init__(self):
            self.client = VectorcacheClient(KEY, URL)

        def __del__(self, write=os.write, errors=VectorcacheError):
            try:
                self.client.query("last", "m")
                write(2, b"answered")
            except errors as error:
                write(2, str(error)[:33].encode())
            self.client.close()

    last = Last()
    if {used}:
        last.client.query("first", "m")
    """
    said = run(program, server.url.replace("127.0.0.1", host))
    assert said in ("answered", "the interpreter is shutting down,")
