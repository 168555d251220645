"""Batches in threads: Ctrl-C, the end of the process, several readers."""

from __future__ import annotations

import gc
import threading

import pytest
from batches.service import Holding, own_answer
from clients import KEY
from lifetimes.programs import run
from servers import ScriptedServer

from vectorcache import ConfigurationError, VectorcacheClient


def working() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("vectorcache-batch")]


def test_ctrl_c(server: ScriptedServer) -> None:
    """Ctrl-C while a batch waits ends it at once, with its threads; the client stays usable."""
    holding = server.respond = Holding("slow 0", "slow 1")
    program = """
    client = VectorcacheClient(KEY, URL, model="m")
    threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    try:
        list(client.query_many(["slow 0", "slow 1"]))
    except KeyboardInterrupt:
        pass
    else:
        raise AssertionError("it went on")
    assert not [t for t in threading.enumerate() if t.name.startswith("vectorcache-batch")]
    assert client.query("Q").response == "answer to Q"
    assert client.stats.cancelled == 2
    client.close()
    """
    assert run(program, server.url) == ""
    holding.released.set()


def test_the_process_ends_in_the_middle(server: ScriptedServer) -> None:
    """A batch that is still held when the program ends does not hold the program."""
    holding = server.respond = Holding("slow", others_wait=True)
    program = """
    with VectorcacheClient(KEY, URL, model="m") as client:
        batch = client.query_many(["a", "slow"], ordered=False)
        next(batch)
    """
    assert run(program, server.url) == ""
    holding.released.set()


def test_a_batch_that_is_forgotten(server: ScriptedServer) -> None:
    """When the last reference to a batch is gone, its queries and threads end."""
    holding = server.respond = Holding("slow", others_wait=True)
    with VectorcacheClient(KEY, server.url, model="m") as client:
        batch = client.query_many(["a", "slow"], ordered=False)
        next(batch)
        holding.wait()
        assert working()
        del batch
        gc.collect()
        assert not working()
        assert client.stats.cancelled == 1
    holding.released.set()


def test_batches_of_many_threads(server: ScriptedServer) -> None:
    """Twenty threads read a batch each of one client; each gets its own answers."""
    server.respond = own_answer
    wrong: list[str] = []

    with VectorcacheClient(KEY, server.url, model="m", max_connections=8) as client:

        def read(name: str) -> None:
            prompts = [f"{name} {n}" for n in range(20)]
            found = [i.unwrap().response for i in client.query_many(prompts, concurrency=4)]
            if found != [f"answer to {prompt}" for prompt in prompts]:
                wrong.append(name)

        threads = [threading.Thread(target=read, args=(f"thread {n}",)) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert client.stats.hits == 400
    assert wrong == []
    assert server.connections <= 8


class ThreadLimit:
    """Lets so many threads of batches start, and then none, as a limit of the system does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
        self._left = threads
        self._start = threading.Thread.start
        monkeypatch.setattr(threading.Thread, "start", lambda thread: self._start_if_left(thread))

    def _start_if_left(self, thread: threading.Thread) -> None:
        if thread.name.startswith("vectorcache-batch"):
            if self._left == 0:
                raise RuntimeError("can't start new thread")
            self._left -= 1
        self._start(thread)


@pytest.mark.parametrize("ordered", [True, False])
def test_fewer_threads_than_asked_for(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, ordered: bool
) -> None:
    """Where a batch gets two threads instead of eight, these answer all prompts."""
    server.respond = own_answer
    ThreadLimit(monkeypatch, 2)
    with VectorcacheClient(KEY, server.url, model="m") as client:
        prompts = [f"prompt {n}" for n in range(40)]
        results = list(client.query_many(prompts, concurrency=8, ordered=ordered))
    assert {item.unwrap().response for item in results} == {f"answer to {p}" for p in prompts}
    assert len(server.requests) == 40
    assert server.connections == 2


def test_no_thread_at_all(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a batch gets no thread, its error names the limits that may be raised."""
    ThreadLimit(monkeypatch, 0)
    with VectorcacheClient(KEY, server.url, model="m") as client:
        with pytest.raises(ConfigurationError, match="can't start new thread") as caught:
            list(client.query_many(["a", "b"]))
        assert "ulimit -u" in str(caught.value)
        assert "--pids-limit" in str(caught.value)
        assert "shutting down" not in str(caught.value)
        assert client.query("Q").cache_hit
