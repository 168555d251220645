"""The cache itself: what hits, what misses, and what an answer says."""

import asyncio
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from local.stand_ins import Angles, MakeEngine, Recorder

from vectorcache.local import (
    EmbedderError,
    Engine,
    EngineClosedError,
    LLMError,
)


def test_hit_by_meaning(make_engine: MakeEngine, llm: Recorder) -> None:
    """A question in other words is answered from the cache, with score and saving."""
    engine = make_engine(llm=llm)
    first = engine.query("How do I reset my password?", "gpt-4o")
    again = engine.query("I forgot my password, how can I reset it?", "gpt-4o")
    assert (first.cache_hit, first.similarity_score, first.cost_saved) == (False, None, 0.0)
    assert first.llm_provider == "openai"
    assert again.cache_hit
    assert again.response == first.response
    assert again.llm_provider == "cache"
    assert again.similarity_score is not None
    assert 0.85 <= again.similarity_score < 1
    assert again.cost_saved > 0
    assert len(llm.asked) == 1


def test_acronyms_hit(make_engine: MakeEngine, llm: Recorder) -> None:
    """A common acronym and its words are the same question."""
    engine = make_engine(llm=llm)
    engine.query("What is ML?", "gpt-4o")
    assert engine.query("What is machine learning?", "gpt-4o").similarity_score == 1.0


@pytest.mark.parametrize(
    ("stored", "asked", "hit"),
    [
        ({"model": "gpt-4o"}, {"model": "gpt-4o"}, True),
        ({"model": "gpt-4o"}, {"model": "gpt-4"}, False),
        ({"context": "a"}, {"context": "a"}, True),
        ({"context": "a"}, {"context": "b"}, False),
        ({"context": "a"}, {"context": None}, False),
        ({"context": None}, {"context": "a"}, False),
        ({"context": ""}, {"context": None}, True),
    ],
)
@pytest.mark.parametrize("again", ["30", "30 degrees"], ids=["exact", "by meaning"])
def test_segments(
    make_engine: MakeEngine,
    angles: Angles,
    llm: Recorder,
    stored: dict[str, Any],
    asked: dict[str, Any],
    hit: bool,
    again: str,
) -> None:
    """An answer is found only for the same model and the same context; "" is no context."""
    engine = make_engine(llm=llm, embedder=angles)
    engine.query("30", **{"model": "gpt-4o", **stored})
    assert engine.query(again, **{"model": "gpt-4o", **asked}).cache_hit is hit


@pytest.mark.parametrize(
    ("asked", "threshold", "score"),
    [
        ("0 again", 1, 1.0),
        ("1", 1, None),
        ("60", 0.5, 0.5),
        ("60", 0.500001, None),
        ("90", 0, 0.0),
        ("90", 0.000001, None),
        ("180", 0, 0.0),
        ("180", 0.1, None),
    ],
)
def test_threshold_is_honoured(
    make_engine: MakeEngine,
    angles: Angles,
    llm: Recorder,
    asked: str,
    threshold: float,
    score: float | None,
) -> None:
    """A score at the threshold hits and one below it misses, 0 and 1 included; none is below 0."""
    engine = make_engine(llm=llm, embedder=angles)
    engine.query("0", "gpt-4o")
    answer = engine.query(asked, "gpt-4o", similarity_threshold=threshold)
    assert answer.similarity_score == score
    assert answer.cache_hit is (score is not None)
    assert type(answer.similarity_score) in (float, type(None))


def test_best_match_wins(make_engine: MakeEngine, angles: Angles, llm: Recorder) -> None:
    """Of several entries above the threshold the nearest answers."""
    engine = make_engine(llm=llm, embedder=angles)
    for prompt in ("0", "40", "80"):
        engine.query(prompt, "gpt-4o", similarity_threshold=1)
    assert engine.query("50", "gpt-4o", 0.5).response == "answer 2 to 40"


def test_exact_repeat_is_not_embedded(
    make_engine: MakeEngine, angles: Angles, llm: Recorder
) -> None:
    """The same text again is found without the model, at any threshold."""
    engine = make_engine(llm=llm, embedder=angles)
    engine.query("30", "gpt-4o")
    assert engine.query("30", "gpt-4o", similarity_threshold=1).similarity_score == 1.0
    assert angles.embedded == ["30"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("word " * 300 + "How do I reset it?", "word " * 300 + "Where is Paris?"),
        ("What does 🍎 mean?", "What does 🍌 mean?"),
        ("ต้นไม้", "รถยนต์"),
    ],
    ids=["shared beginning", "emoji", "another script"],
)
def test_what_the_model_cannot_see_never_hits_by_meaning(
    make_engine: MakeEngine, llm: Recorder, one: str, other: str
) -> None:
    """Prompts that differ where the model does not look are matched by their exact text only."""
    engine = make_engine(llm=llm)
    engine.query(one, "gpt-4o")
    assert not engine.query(other, "gpt-4o", similarity_threshold=0).cache_hit
    assert engine.query(one, "gpt-4o", similarity_threshold=1).cache_hit


def test_placeholder(make_engine: MakeEngine) -> None:
    """Without an LLM a miss says plainly that none is configured, and a repeat hits for 0 USD."""
    engine = make_engine()
    first = engine.query("What is machine learning?", "gpt-4o")
    again = engine.query("What is ML?", "gpt-4o")
    assert first.llm_provider == "local-placeholder"
    assert first.response.startswith("No LLM is configured")
    assert (again.cache_hit, again.response, again.cost_saved) == (True, first.response, 0.0)


def test_placeholders_end_with_an_llm(
    make_engine: MakeEngine, tmp_path: Path, angles: Angles, llm: Recorder
) -> None:
    """A file used without an LLM gives real answers once there is one, and keeps them."""
    path = tmp_path / "cache.db"
    make_engine(path, embedder=angles).query("30", "gpt-4o")
    engine = make_engine(path, llm, embedder=angles)
    for prompt in ("30", "30 degrees"):
        assert engine.query(prompt, "gpt-4o").response == "answer 1 to 30"
    assert make_engine(path, embedder=angles).query("30", "gpt-4o").response == "answer 1 to 30"


def test_debug(make_engine: MakeEngine, llm: Recorder) -> None:
    """Debug names the entry that matched and where the time went; unasked it is absent."""
    engine = make_engine(llm=llm)
    miss = engine.query("What is a cache?", "gpt-4o", include_debug=True).debug
    near = engine.query("what is a cache", "gpt-4o", 0.5, include_debug=True).debug
    exact = engine.query("What is a cache?", "gpt-4o", include_debug=True).debug
    assert miss is not None
    assert near is not None
    assert exact is not None
    assert (miss.matched_cache_entry_id, miss.cache_entry_count) == (None, 1)
    assert str(uuid.UUID(near.matched_cache_entry_id)) == exact.matched_cache_entry_id
    assert near.embedding_time_ms > 0
    assert exact.embedding_time_ms == 0.0
    for debug in (miss, near, exact):
        assert debug.total_time_ms >= debug.embedding_time_ms + debug.search_time_ms > 0
    assert engine.query("What is a cache?", "gpt-4o").debug is None


def test_answer_as_json_object(make_engine: MakeEngine, angles: Angles) -> None:
    """``to_dict`` has the fields of the service, with debug only where asked for."""
    engine = make_engine(embedder=angles)
    plain = engine.query("30", "gpt-4o").to_dict()
    assert list(plain) == [
        "cache_hit",
        "response",
        "similarity_score",
        "cost_saved",
        "llm_provider",
    ]
    assert set(engine.query("30", "gpt-4o", include_debug=True).to_dict()["debug"]) == {
        "embedding_time_ms",
        "search_time_ms",
        "total_time_ms",
        "matched_cache_entry_id",
        "cache_entry_count",
    }


def test_llm_gets_prompt_model_and_context(
    make_engine: MakeEngine, angles: Angles, llm: Recorder
) -> None:
    """The function is called with just what was asked; no context arrives as None."""
    engine = make_engine(llm=llm, embedder=angles)
    engine.query("30", "my-model", context="shop")
    engine.query("30", "my-model", context="")
    assert llm.asked == [("30", "my-model", "shop"), ("30", "my-model", None)]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "returned NoneType"),
        (b"bytes", "returned bytes"),
        ("", "returned an empty one"),
        ("\ud800", "lone surrogates"),
    ],
)
def test_llm_must_return_text(
    make_engine: MakeEngine, angles: Angles, answer: object, message: str
) -> None:
    """What is not a text is refused with its reason, and nothing is stored."""
    engine = make_engine(llm=lambda *_: answer, embedder=angles)
    for _ in range(2):
        with pytest.raises(LLMError, match=message):
            engine.query("30", "gpt-4o")


def test_llm_that_raises(make_engine: MakeEngine, angles: Angles) -> None:
    """The function's own exception is the cause, and the next query asks it again."""
    answers = iter((ConnectionError("no route"), "fine"))

    def llm(prompt: str, model: str, context: str | None) -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    engine = make_engine(llm=llm, embedder=angles)
    with pytest.raises(LLMError, match="ConnectionError: no route") as caught:
        engine.query("30", "gpt-4o")
    assert isinstance(caught.value.__cause__, ConnectionError)
    assert engine.query("30", "gpt-4o").response == "fine"


def test_llm_must_be_callable() -> None:
    """A value that cannot be called is refused at once."""
    with pytest.raises(TypeError, match="llm must be a function"):
        Engine(llm="gpt-4o")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"prompt": ""}, ValueError),
        ({"prompt": "x" * 32_001}, ValueError),
        ({"prompt": "\udc00"}, ValueError),
        ({"model": " "}, ValueError),
        ({"similarity_threshold": -0.01}, ValueError),
        ({"similarity_threshold": 1.01}, ValueError),
        ({"similarity_threshold": float("nan")}, ValueError),
        ({"similarity_threshold": True}, TypeError),
        ({"context": 1}, TypeError),
        ({"include_debug": "yes"}, TypeError),
    ],
)
def test_arguments_are_checked(
    make_engine: MakeEngine, angles: Angles, arguments: dict[str, Any], error: type[Exception]
) -> None:
    """A wrong argument is an error that names it, before anything else happens."""
    engine = make_engine(embedder=angles)
    with pytest.raises(error, match=next(iter(arguments))):
        engine.query(**{"prompt": "30", "model": "gpt-4o", **arguments})
    assert angles.embedded == []


def test_async_llm(make_engine: MakeEngine, angles: Angles) -> None:
    """An async function is awaited on the caller's own event loop."""
    loops = []

    async def llm(prompt: str, model: str, context: str | None) -> str:
        loops.append(asyncio.get_running_loop())
        return "from afar"

    async def main() -> None:
        engine = make_engine(llm=llm, embedder=angles)
        assert (await engine.aquery("30", "gpt-4o")).response == "from afar"
        assert (await engine.aquery("30 degrees", "gpt-4o")).cache_hit
        assert loops == [asyncio.get_running_loop()]

    asyncio.run(main())


def test_plain_llm_under_async_leaves_the_loop_free(
    make_engine: MakeEngine, angles: Angles
) -> None:
    """A plain function runs in a thread: the loop goes on while it waits."""
    answered = threading.Event()

    def llm(prompt: str, model: str, context: str | None) -> str:
        assert answered.wait(10)
        return "late"

    async def main() -> None:
        engine = make_engine(llm=llm, embedder=angles)
        query = asyncio.create_task(engine.aquery("30", "gpt-4o"))
        await asyncio.to_thread(lambda: None)
        answered.set()
        assert (await query).response == "late"

    asyncio.run(main())


def test_hits_do_not_wait_behind_slow_llms(make_engine: MakeEngine, angles: Angles) -> None:
    """With fifty plain functions waiting, a hit is still answered at once."""
    release = threading.Event()

    def llm(prompt: str, model: str, context: str | None) -> str:
        assert prompt == "30" or release.wait(10)
        return prompt

    async def main() -> None:
        engine = make_engine(llm=llm, embedder=angles)
        await engine.aquery("30", "gpt-4o")
        slow = [
            asyncio.create_task(engine.aquery(f"{n} x", "gpt-4o", context=f"{n}"))
            for n in range(50)
        ]
        while len(angles.embedded) < 51:
            await asyncio.to_thread(lambda: None)
        assert (await engine.aquery("30", "gpt-4o")).cache_hit
        release.set()
        assert len(await asyncio.gather(*slow)) == 50

    asyncio.run(main())


def test_cancelled_query_leaves_the_engine_usable(make_engine: MakeEngine, angles: Angles) -> None:
    """Cancelling a caller that waits for the LLM harms nobody else."""
    asked = asyncio.Event()

    async def llm(prompt: str, model: str, context: str | None) -> str:
        if model == "stuck":
            asked.set()
            await asyncio.Event().wait()
        return "fine"

    async def main() -> None:
        engine = make_engine(llm=llm, embedder=angles)
        stuck = asyncio.create_task(engine.aquery("30", "stuck"))
        await asked.wait()
        stuck.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stuck
        assert (await engine.aquery("30", "gpt-4o")).response == "fine"

    asyncio.run(main())


def test_async_llm_is_refused_by_the_sync_path(make_engine: MakeEngine, angles: Angles) -> None:
    """A plain query with an async function says which client to use."""

    async def llm(prompt: str, model: str, context: str | None) -> str:
        return "never"

    class Callable:
        async def __call__(self, prompt: str, model: str, context: str | None) -> str:
            return "never"

    for function in (llm, Callable()):
        engine = make_engine(llm=function, embedder=angles)
        with pytest.raises(TypeError, match="use the async client"):
            engine.query("30", "gpt-4o")
    engine = make_engine(llm=lambda *a: llm(*a), embedder=angles)
    with pytest.raises(LLMError, match="awaitable"):
        engine.query("30", "gpt-4o")


def test_threads(make_engine: MakeEngine, angles: Angles) -> None:
    """Many threads on one engine get right answers, and no prompt is stored twice."""
    engine = make_engine(llm=lambda prompt, model, context: f"for {prompt}", embedder=angles)

    def ask(n: int) -> str:
        return engine.query(f"{n % 45} q", "gpt-4o", 1).response

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(900)))
    assert answers == [f"for {n % 45} q" for n in range(900)]
    debug = engine.query("0 q", "gpt-4o", include_debug=True).debug
    assert debug is not None
    assert debug.cache_entry_count == 45


def test_equal_misses_at_the_same_time(make_engine: MakeEngine, angles: Angles) -> None:
    """Two callers that miss together each get an answer; one entry is kept for both."""
    together = threading.Barrier(2, timeout=10)

    def llm(prompt: str, model: str, context: str | None) -> str:
        return f"answer {together.wait()}"

    engine = make_engine(llm=llm, embedder=angles)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: engine.query("30", "gpt-4o"), range(2)))
    assert {answer.response for answer in answers} == {"answer 0", "answer 1"}
    kept = engine.query("30", "gpt-4o", include_debug=True)
    assert kept.cache_hit
    assert kept.debug is not None
    assert kept.debug.cache_entry_count == 1


def test_lexical_guard(make_engine: MakeEngine, llm: Recorder) -> None:
    """The guard turns down the nearest entry if it contradicts, and the next near one answers."""
    stored = ("How do I disable dark mode?", "Please tell me: can I enable the dark mode?")
    answered = {}
    for guarded in (False, True):
        engine = make_engine(llm=llm, lexical_guard=guarded)
        for prompt in stored:
            engine.query(prompt, "gpt-4o", similarity_threshold=1)
        answered[guarded] = engine.query("How do I enable dark mode?", "gpt-4o", 0.6).response
    assert answered[False].endswith(stored[0])
    assert answered[True].endswith(stored[1])


def test_own_embedder_is_held_to_its_word(make_engine: MakeEngine, llm: Recorder) -> None:
    """Vectors that cannot be compared are an error that says so."""

    class Odd:
        id = "odd"

        def embed(self, prompt: str) -> list[Any]:
            odd: dict[str, list[Any]] = {
                "zero": [0.0, 0.0],
                "nan": [float("nan")],
                "flat": [[1.0]],
            }
            return odd.get(prompt, [1.0] * len(prompt))

    engine = make_engine(llm=llm, embedder=Odd())
    for prompt in ("zero", "nan", "flat"):
        with pytest.raises(EmbedderError, match="must return one dimension"):
            engine.query(prompt, "gpt-4o")
    engine.query("abc", "gpt-4o")
    with pytest.raises(EmbedderError, match="needs another id"):
        engine.query("abcd", "gpt-4o")


def test_closed_engine(make_engine: MakeEngine, angles: Angles) -> None:
    """After close, which may be repeated, a query says that the cache is closed."""
    engine = make_engine(embedder=angles)
    engine.close()
    engine.close()
    with pytest.raises(EngineClosedError, match="make a new one"):
        engine.query("30", "gpt-4o")
