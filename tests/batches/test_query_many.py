"""``query_many``: many prompts through either client."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from clients import AnyClient, MakeClient
from servers import HIT, MISS, Received, ScriptedServer, answer

from vectorcache import (
    BadRequestError,
    BatchProgress,
    BatchResult,
    ConfigurationError,
    InvalidRequestError,
)

WAIT = 20.0


def answer_to(prompt: str, **fields: Any) -> bytes:
    return answer({**HIT, "response": f"answer to {prompt}", **fields})


def own_answer(request: Received) -> bytes:
    """Answers a prompt with its own answer; those that begin with "bad" with a 400."""
    prompt = request.json()["prompt"]
    return answer({"detail": "no"}, status=400) if prompt.startswith("bad") else answer_to(prompt)


class Holding:
    """Answers as ``own_answer``, some prompts not before the test lets them go."""

    def __init__(self, *prompts: str) -> None:
        self.arrived = {prompt: threading.Event() for prompt in prompts}
        self.released = threading.Event()

    def __call__(self, request: Received) -> bytes:
        prompt = request.json()["prompt"]
        if prompt in self.arrived:
            self.arrived[prompt].set()
            assert self.released.wait(WAIT)
        return own_answer(request)

    def wait(self) -> None:
        for event in self.arrived.values():
            assert event.wait(WAIT)


@pytest.fixture(autouse=True)
def each_prompt_has_its_own_answer(server: ScriptedServer) -> None:
    server.respond = own_answer


@pytest.fixture
def held(server: ScriptedServer) -> Iterator[Callable[..., Holding]]:
    """Makes the server hold back the answers to some prompts."""
    made: list[Holding] = []

    def hold(*prompts: str) -> Holding:
        server.respond = Holding(*prompts)
        made.append(server.respond)
        return server.respond

    yield hold
    for holding in made:
        holding.released.set()


def texts(results: Iterator[BatchResult]) -> list[str]:
    return [item.unwrap().response for item in results]


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
    """A ``concurrency`` beyond ``max_connections`` leaves nobody waiting past the deadline."""
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


class TestErrors:
    """Prompts that fail."""

    def test_in_their_place(self, client: AnyClient, server: ScriptedServer) -> None:
        """By default a failed prompt yields its error where its answer would be."""
        prompts: list[Any] = ["a", "bad", "", 7, {"id": "x"}, {"prompt": "b", "modle": "m"}, "b"]
        results = list(client.query_many(prompts, model="m"))
        assert [type(item.error) for item in results] == [
            type(None),
            BadRequestError,
            *[InvalidRequestError] * 4,
            type(None),
        ]
        assert [item.index for item in results] == list(range(7))
        assert results[4].id == "x"
        assert "'modle'" in str(results[5].error)
        assert len(server.requests) == 3
        with pytest.raises(BadRequestError):
            results[1].unwrap()

    @pytest.mark.parametrize("ordered", [True, False])
    def test_raised_once_all_else_is_out(
        self, client: AnyClient, held: Callable[..., Holding], ordered: bool
    ) -> None:
        """``errors="raise"`` first yields what was finished, then raises, and says where."""
        holding = held("never")
        prompts = ["a", "b", "bad", "never"]
        results = client.query_many(
            prompts, model="m", errors="raise", ordered=ordered, concurrency=1
        )
        assert {next(results).index for _ in range(2)} == {0, 1}
        with pytest.raises(BadRequestError) as caught:
            next(results)
        assert caught.value.__notes__ == ["in a batch, at the prompt with index 2"]
        assert list(results) == []
        assert not holding.arrived["never"].is_set()

    def test_later_prompts_that_were_finished_come_out_too(
        self, client: AnyClient, held: Callable[..., Holding]
    ) -> None:
        """Nothing that was paid for is lost to an error that comes before it in order."""
        holding = held("bad")
        seen: list[BatchProgress] = []

        def progress(made: BatchProgress) -> None:
            seen.append(made)
            if made.done == 3:
                holding.released.set()

        results = client.query_many(
            ["a", "bad", "b", "c"], model="m", errors="raise", progress=progress
        )
        assert [next(results).index for _ in range(3)] == [0, 2, 3]
        with pytest.raises(BadRequestError):
            next(results)

    def test_earlier_prompts_are_waited_for(
        self, client: AnyClient, held: Callable[..., Holding]
    ) -> None:
        """In order, an error waits for the prompts before it."""
        holding = held("slow")

        def progress(made: BatchProgress) -> None:
            if made.failed:
                holding.released.set()

        results = client.query_many(["slow", "bad"], model="m", errors="raise", progress=progress)
        assert next(results).unwrap().response == "answer to slow"
        with pytest.raises(BadRequestError):
            next(results)

    def test_an_input_that_fails(self, client: AnyClient) -> None:
        """The input's own error comes out as it is, after all that was taken has been yielded."""

        def prompts() -> Iterator[str]:
            yield "a"
            yield "b"
            raise OSError("the file is gone")

        results = client.query_many(prompts(), model="m")
        assert [next(results).index, next(results).index] == [0, 1]
        with pytest.raises(OSError, match="the file is gone"):
            next(results)

    def test_the_client_stays_usable(self, client: AnyClient) -> None:
        """After a batch that an error has ended, the next query is answered."""
        with pytest.raises(BadRequestError):
            list(client.query_many(["bad"], model="m", errors="raise"))
        assert client.query("Q", "m").response == "answer to Q"


class TestEqualPrompts:
    """What asks the same is sent once while it is under way."""

    def test_sent_once(
        self, client: AnyClient, server: ScriptedServer, held: Callable[..., Holding]
    ) -> None:
        """Ten equal prompts cost one request, and each gets the answer."""
        holding = held("same")
        pulled = []

        def prompts() -> Iterator[Any]:
            for n in range(10):
                pulled.append(n)
                if n == 9:
                    holding.released.set()
                yield {"prompt": "same", "id": n}

        results = list(client.query_many(prompts(), model="m"))
        assert [item.id for item in results] == list(range(10))
        assert {item.unwrap().response for item in results} == {"answer to same"}
        assert len(server.requests) == 1
        assert client.stats.calls == 1

    def test_they_fail_together(self, client: AnyClient, held: Callable[..., Holding]) -> None:
        """An error is the error of all that asked the same."""
        holding = held("bad")

        def prompts() -> Iterator[str]:
            yield "bad"
            holding.released.set()
            yield "bad"

        results = list(client.query_many(prompts(), model="m"))
        assert [type(item.error) for item in results] == [BadRequestError] * 2

    def test_other_settings_make_them_different(
        self, client: AnyClient, server: ScriptedServer
    ) -> None:
        """The same prompt for another model or context is another question."""
        same = [{"prompt": "same", "model": m, "context": c} for m in "ab" for c in ("x", "y")]
        assert len(list(client.query_many(same))) == 4
        assert len(server.requests) == 4


class TestStoppingEarly:
    """Leaving before the end."""

    def test_what_is_under_way_is_cancelled(
        self, client: AnyClient, server: ScriptedServer, held: Callable[..., Holding]
    ) -> None:
        """Closing ends requests that still wait for their answer, and takes no more prompts."""
        holding = held(*(f"slow {n}" for n in range(3)))
        taken = []

        def prompts() -> Iterator[str]:
            for prompt in ("a", "slow 0", "slow 1", "slow 2", *(f"late {n}" for n in range(99))):
                taken.append(prompt)
                yield prompt

        results = client.query_many(prompts(), model="m", concurrency=4)
        next(results)
        holding.wait()
        before = len(taken)
        results.close()
        assert len(taken) == before
        # Not one of the answers has come, so the connections ended before them.
        assert not [t for t in threading.enumerate() if t.name.startswith("vectorcache-batch")]
        holding.released.set()
        server.respond = own_answer
        assert client.query("Q", "m").response == "answer to Q"
        stats = client.stats
        assert stats.cancelled >= 3
        assert stats.calls == stats.hits + stats.cancelled

    def test_before_the_first(self, client: AnyClient, server: ScriptedServer) -> None:
        """A batch that nobody iterates over sends nothing."""
        results = client.query_many(["a"], model="m")
        results.close()
        assert server.requests == []

    def test_while_waiting_to_retry(self, make_client: MakeClient, server: ScriptedServer) -> None:
        """A prompt that waits to be tried again does not hold up the end."""
        failed = threading.Event()

        def respond(request: Received) -> bytes:
            if request.json()["prompt"] == "failing":
                failed.set()
                return answer({"detail": "x"}, status=503, headers={"Retry-After": "50"})
            failed.wait(WAIT)
            return own_answer(request)

        server.respond = respond
        client = make_client(deadline=None)
        results = client.query_many(["a", "failing"], model="m", ordered=False)
        assert next(results).index == 0
        results.close()
        assert client.query("Q", "m").response == "answer to Q"


class TestProgress:
    """Who wants to know how far it is."""

    def test_a_function(self, client: AnyClient) -> None:
        """It is told after each prompt: how many, of how many, hits, failures, money saved."""
        seen: list[BatchProgress] = []
        list(client.query_many(["a", "bad", "", "b"], model="m", progress=seen.append))
        assert [made.done for made in seen] == [1, 2, 3, 4]
        last = seen[-1]
        assert (last.total, last.hits, last.failed) == (4, 2, 2)
        assert last.cost_saved == pytest.approx(2 * HIT["cost_saved"])
        assert 0 < last.elapsed < WAIT

    def test_misses_are_no_hits(self, client: AnyClient, server: ScriptedServer) -> None:
        """A miss counts as done, and saves nothing."""
        server.respond = lambda request: answer(MISS)
        seen: list[BatchProgress] = []
        list(client.query_many(iter(["a"]), model="m", progress=seen.append))
        assert (seen[-1].done, seen[-1].total, seen[-1].hits, seen[-1].failed) == (1, None, 0, 0)
        assert seen[-1].cost_saved == 0

    def test_a_total_for_inputs_without_a_length(self, client: AnyClient) -> None:
        """``total`` says how many there are where the input cannot."""
        seen: list[BatchProgress] = []
        list(client.query_many(iter("ab"), model="m", progress=seen.append, total=2))
        assert {made.total for made in seen} == {2}

    def test_a_function_that_fails(self, client: AnyClient) -> None:
        """Its error is the caller's own, and ends the batch; the client stays usable."""

        def progress(made: BatchProgress) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            list(client.query_many(["a", "b"], model="m", progress=progress))
        assert client.query("Q", "m").response == "answer to Q"

    @pytest.mark.parametrize("bar", ["tqdm", "rich"])
    def test_a_bar(self, client: AnyClient, capsys: pytest.CaptureFixture[str], bar: str) -> None:
        """``progress="tqdm"`` or ``"rich"`` draws a bar on standard error, and finishes it."""
        assert len(list(client.query_many(["a", "bad", "b"], model="m", progress=bar))) == 3
        out, err = capsys.readouterr()
        assert out == ""
        assert "3/3" in err
        assert "hits 2, failed 1" in err

    @pytest.mark.parametrize("bar", ["tqdm", "rich"])
    def test_no_bar_before_the_first(
        self, client: AnyClient, capsys: pytest.CaptureFixture[str], bar: str
    ) -> None:
        """A batch that nobody iterates over draws nothing."""
        client.query_many(["a"], model="m", progress=bar).close()
        assert capsys.readouterr().err == ""

    def test_a_library_that_is_missing(
        self, client: AnyClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A bar whose library is not installed is refused at once, with what to install."""
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(ConfigurationError, match="pip install tqdm"):
            client.query_many(["a"], model="m", progress="tqdm")


@pytest.mark.parametrize(
    ("prompts", "options", "words"),
    [
        ("a prompt", {}, "prompts is one str"),
        (b"bytes", {}, "prompts is one bytes"),
        ({"prompt": "a"}, {}, "prompts is one dict"),
        (7, {}, "prompts is of type int"),
        (None, {}, "prompts is of type NoneType"),
        (["a"], {"concurrency": 0}, "concurrency"),
        (["a"], {"concurrency": 2.5}, "concurrency"),
        (["a"], {"ordered": "yes"}, "ordered"),
        (["a"], {"errors": "ignore"}, '"return" or "raise"'),
        (["a"], {"total": -1}, "total"),
        (["a"], {"progress": "bar"}, "progress"),
        (["a"], {"timeout": -1}, "timeout"),
        (["a"], {"max_retries": -1}, "max_retries"),
        (["a"], {"extra_headers": {"Authorization": "x"}}, "extra_headers"),
    ],
)
def test_bad_arguments(
    client: AnyClient, server: ScriptedServer, prompts: Any, options: dict[str, Any], words: str
) -> None:
    """They are refused when it is called, not when its first result is asked for."""
    with pytest.raises(InvalidRequestError, match=words):
        client.query_many(prompts, **options)
    assert server.requests == []


def test_a_closed_client(client: AnyClient) -> None:
    """It says so when it is called."""
    client.close()
    with pytest.raises(ConfigurationError, match="the client is closed"):
        client.query_many(["a"])


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
