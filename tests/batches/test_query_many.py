"""``query_many``: many prompts through either client."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from batches.service import Holding, own_answer, texts
from clients import AnyClient, MakeClient
from servers import Received, ScriptedServer


def test_each_prompt_gets_its_own_answer_in_its_place(
    client: AnyClient, server: ScriptedServer
) -> None:
    """300 prompts, 16 at once by default: each has its answer, in the input's order."""
    prompts = [f"prompt {n}" for n in range(300)]
    results = list(client.query_many(prompts, model="m"))
    assert [item.unwrap().response for item in results] == [f"answer to {p}" for p in prompts]
    assert [item.index for item in results] == list(range(300))
    assert [item.prompt for item in results] == prompts
    assert len(server.requests) == 300
    assert server.connections <= 16


@pytest.mark.parametrize("prompts", [[], (), iter(())])
def test_no_prompts(client: AnyClient, server: ScriptedServer, prompts: Any) -> None:
    """An empty input yields nothing, and sends nothing."""
    assert list(client.query_many(prompts)) == []
    assert server.requests == []


def test_as_they_finish(client: AnyClient, held: Callable[..., Holding]) -> None:
    """``ordered=False`` does not let a slow prompt hold back the others."""
    holding = held("slow")
    results = client.query_many(["slow", "a", "b", "c"], model="m", ordered=False)
    assert {next(results).index for _ in range(3)} == {1, 2, 3}
    holding.released.set()
    assert texts(results) == ["answer to slow"]


def test_in_order_a_slow_prompt_holds_back_the_others(
    client: AnyClient, held: Callable[..., Holding]
) -> None:
    """``ordered=True`` waits for the first, and then gives out what had finished long before."""
    holding = held("slow")

    def let_it_go() -> None:
        holding.wait()
        holding.released.set()

    let_go = threading.Thread(target=let_it_go)
    let_go.start()
    found = texts(client.query_many(["slow", "a", "b"], model="m"))
    assert found == ["answer to slow", "answer to a", "answer to b"]
    let_go.join()


@pytest.mark.parametrize("ordered", [True, False])
def test_few_are_held(client: AnyClient, ordered: bool) -> None:
    """Whatever the input's length, at most four times ``concurrency`` prompts are in memory."""
    given = 0
    most = 0

    def prompts() -> Iterator[str]:
        nonlocal most
        for n in range(500):
            most = max(most, n + 1 - given)
            yield f"prompt {n}"

    for item in client.query_many(prompts(), model="m", concurrency=4, ordered=ordered):
        item.unwrap()
        given += 1
    assert given == 500
    assert most <= 16


def test_a_slow_first_prompt_does_not_fill_the_memory(
    client: AnyClient, held: Callable[..., Holding]
) -> None:
    """While the first prompt is slow, the input is not read on and on."""
    holding = held("prompt 0")
    taken = []

    def prompts() -> Iterator[str]:
        for n in range(200):
            taken.append(n)
            if n == 15:  # The last that there is room for.
                holding.released.set()
            yield f"prompt {n}"

    results = client.query_many(prompts(), model="m", concurrency=4)
    next(results)
    assert len(taken) <= 16 + 1
    assert len(list(results)) == 199


def test_no_more_at_once_than_asked_for(client: AnyClient, server: ScriptedServer) -> None:
    """``concurrency`` is how many queries the service sees at the same time."""
    lock, at_once, most = threading.Lock(), 0, 0

    def respond(request: Received) -> bytes:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        made = own_answer(request)
        with lock:
            at_once -= 1
        return made

    server.respond = respond
    prompts = [f"prompt {n}" for n in range(100)]
    assert len(list(client.query_many(prompts, model="m", concurrency=5))) == 100
    assert most <= 5
    assert server.connections <= 5


def test_at_most_the_clients_connections(make_client: MakeClient, server: ScriptedServer) -> None:
    """A ``concurrency`` beyond ``max_connections`` lets no query wait past its deadline."""
    client = make_client(max_connections=3)
    prompts = [f"prompt {n}" for n in range(60)]
    assert len(texts(client.query_many(prompts, model="m", concurrency=50))) == 60
    assert server.connections <= 3


def test_prompts_with_settings_of_their_own(client: AnyClient, server: ScriptedServer) -> None:
    """A mapping's own fields beat the batch's, which beat the client's; its id comes back."""
    results = list(
        client.query_many(
            [
                "plain",
                {"prompt": "own", "model": "o", "similarity_threshold": 0.9, "context": "c"},
                {"prompt": "named", "id": "row 7", "include_debug": True, "model": None},
            ],
            model="m",
            context="batch",
        )
    )
    sent = {request.json()["prompt"]: request.json() for request in server.requests}
    assert (sent["plain"]["model"], sent["plain"]["context"]) == ("m", "batch")
    assert sent["plain"]["similarity_threshold"] == 0.85
    own = sent["own"]
    assert (own["model"], own["similarity_threshold"], own["context"]) == ("o", 0.9, "c")
    assert (sent["named"]["model"], sent["named"]["include_debug"]) == ("m", True)
    assert [item.id for item in results] == [0, 1, "row 7"]


def test_two_batches_at_once(client: AnyClient, server: ScriptedServer) -> None:
    """Two batches of one client do not get in each other's way."""
    one = client.query_many([f"one {n}" for n in range(40)], model="m", concurrency=4)
    two = client.query_many([f"two {n}" for n in range(40)], model="m", concurrency=4)
    pairs = list(zip(one, two, strict=True))
    assert len(pairs) == 40
    assert all(a.unwrap().response.startswith("answer to one") for a, _ in pairs)
    counted = Counter(request.json()["prompt"] for request in server.requests)
    assert set(counted.values()) == {1}


def test_a_batch_within_a_batch(client: AnyClient) -> None:
    """While a batch goes on, the same client answers other calls."""
    for item in client.query_many(["a", "b", "c"], model="m"):
        inner = texts(client.query_many([f"{item.prompt} {n}" for n in range(3)], model="m"))
        assert inner == [f"answer to {item.prompt} {n}" for n in range(3)]
    with contextlib.suppress(StopIteration):
        next(client.query_many([]))
