"""Forks: parent and child have connections of their own, whenever the fork comes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from clients import KEY
from lifetimes.echo import EchoServer
from lifetimes.programs import FORKING, run
from servers import answer

# In a child, ``ask`` has to be right; the parent waits for it with ``join``.
CHILDREN = """
client = VectorcacheClient(KEY, URL, max_connections=3)

def ask(prompt, **options):
    answer = client.query(prompt, "m", deadline=20, **options).response
    assert answer == prompt, (answer, prompt)

def fork(work):
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)

def join(child):
    assert os.waitpid(child, 0)[1] == 0
"""


def run_with_children(program: str, server: EchoServer) -> None:
    assert run(CHILDREN + program, server.url, warnings=FORKING) == ""


def test_fork_after_use(any_server: EchoServer) -> None:
    """Both sides ask at once and get their own answers; the parent keeps its connection."""
    run_with_children(
        """
ask("parent")
for number in range(5):
    def work():
        for turn in range(5):
            ask(f"child {number}, {turn}")
        client.close()
    child = fork(work)
    for turn in range(5):
        ask(f"parent {number}, {turn}")
    join(child)
ask("parent")
client.close()
""",
        any_server,
    )
    assert any_server.connections == 1 + 5
    assert any_server.wait_until_idle(10)


def test_a_child_that_only_closes(any_server: EchoServer) -> None:
    """A child may close the client, or forget it: its parent's connection stays open."""
    run_with_children(
        """
ask("parent")
join(fork(client.close))
ask("parent, once more")

def forget():
    global client
    del client
    gc.collect()

join(fork(forget))
ask("parent, once again")
client.close()
""",
        any_server,
    )
    assert any_server.connections == 1


def test_a_childs_children(server: EchoServer) -> None:
    """A fork's own forks are no different, nor is a fork before any use."""
    run_with_children(
        """
def work(depth):
    ask(f"depth {depth}")
    if depth < 4:
        join(fork(lambda: work(depth + 1)))
    ask(f"depth {depth} again")
    client.close()

join(fork(lambda: work(0)))
client.close()
""",
        server,
    )
    assert server.connections == 5


def test_fork_while_other_threads_ask(any_server: EchoServer) -> None:
    """Whatever other threads are at, the child is answered, and so are they.

    But for their first handshakes: OpenSSL loads algorithms then, under locks that no child gets.
    """
    run_with_children(
        """
over, failed, ready = threading.Event(), [], threading.Barrier(7)

def keep_asking(name):
    number = 0
    while not over.is_set():
        try:
            ask(f"{name}, {number}")
        except BaseException as error:
            failed.append(error)
        if number == 3:
            ready.wait(30)
        number += 1

threads = [threading.Thread(target=keep_asking, args=(f"thread {n}",)) for n in range(6)]
for thread in threads:
    thread.start()
ready.wait(30)
for number in range(20):
    join(fork(lambda: [ask(f"child {number}, {turn}") for turn in range(3)]))
over.set()
for thread in threads:
    thread.join()
assert not failed, failed
client.close()
""",
        any_server,
    )


def test_fork_while_every_lock_is_held(server: EchoServer) -> None:
    """The child needs none of the locks that threads of the parent held."""
    server.script = [answer(status=500)]
    run_with_children(
        """
def locks_of(thing, seen):
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, type(threading.Lock())):
        yield thing
        return
    if callable(thing):
        parts = [cell.cell_contents for cell in getattr(thing, "__closure__", None) or ()]
    elif type(thing).__module__.partition(".")[0] in ("vectorcache", "builtins"):
        parts = gc.get_referents(thing)
    else:
        return
    for part in parts:
        yield from locks_of(part, seen)

ask("parent")
held = list(locks_of(client, set()))
assert len(held) >= 4, held
for lock in held:
    lock.acquire()
child = fork(lambda: (ask("child"), client.close()))
for lock in held:
    lock.release()
join(child)
ask("parent again")
client.close()
""",
        server,
    )


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_the_first_query_loads_nothing(any_server: EchoServer, kind: str) -> None:
    """A child forked while another thread was loading a module could never load that."""
    any_server.script = [answer(status=500, raw=b"")]
    program = """
policy = RetryPolicy.without_waiting()
if %r == "sync":
    with VectorcacheClient(KEY, URL, retry=policy) as client:
        before = set(sys.modules)
        client.query("Q", "m")
        loaded = set(sys.modules) - before
else:
    async def main():
        async with AsyncVectorcacheClient(KEY, URL, retry=policy) as client:
            before = set(sys.modules)
            await client.query("Q", "m")
            return set(sys.modules) - before

    loaded = asyncio.run(main())
assert not loaded, sorted(loaded)
"""
    assert run(program % kind, any_server.url) == ""


MULTIPROCESSING = """
import multiprocessing
import os
import sys

from vectorcache import VectorcacheClient

client = VectorcacheClient()


def ask(number):
    return os.getpid(), client.query(f"Q{number}", "m", deadline=20).response


if __name__ == "__main__":
    assert ask(0)[1] == "Q0"
    with multiprocessing.get_context(sys.argv[1]).Pool(3) as pool:
        answers = pool.map(ask, range(60), chunksize=1)
    assert [answer for _, answer in answers] == [f"Q{number}" for number in range(60)]
    assert os.getpid() not in {process for process, _ in answers}
    assert ask(1)[1] == "Q1"
    client.close()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(
    server: EchoServer, method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client of a module serves the processes of a pool, however they are started."""
    monkeypatch.setenv("VECTORCACHE_API_KEY", KEY)
    monkeypatch.setenv("VECTORCACHE_BASE_URL", server.url)
    program = tmp_path / "program.py"
    program.write_text(MULTIPROCESSING)
    done = subprocess.run(
        [sys.executable, str(program), method], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
