"""Batches in threads: Ctrl-C, the end of the process, several readers."""

from __future__ import annotations

import gc
import threading

from batches.service import Holding, own_answer
from clients import KEY
from lifetimes.programs import run
from servers import ScriptedServer

from vectorcache import VectorcacheClient


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
    """Nobody holds it any more: its queries end, and its threads."""
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
