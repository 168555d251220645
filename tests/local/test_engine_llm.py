"""The cache's LLM: what it is asked, what it must return, and what happens if it fails."""

import asyncio
from pathlib import Path

import pytest
from local.stand_ins import Angles, MakeEngine, Recorder

from vectorcache.local import Engine, LLMError


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
        Engine(llm="gpt-4o")  # type: ignore[arg-type]  # the mistake under test


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
