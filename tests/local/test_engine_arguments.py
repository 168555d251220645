"""What an engine takes, and that both ways to ask it pass everything on."""

import asyncio
from typing import Any

import pytest
from local.stand_ins import Angles, Recorder

from vectorcache.local import Answer, Engine


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"llm": "gpt-4o"}, "llm must be a function (prompt, model, context) -> str, or None"),
        (
            {"embedder": object()},
            "embedder must have a method embed(prompt) and an id, or be None",
        ),
    ],
)
def test_what_it_does_not_take(options: dict[str, Any], message: str) -> None:
    """It says what to pass, when it is made."""
    with pytest.raises(TypeError) as caught:
        Engine(**options)
    assert str(caught.value) == message


def ask(engine: Engine, way: str, *arguments: Any, **options: Any) -> Answer:
    if way == "sync":
        return engine.query(*arguments, **options)
    return asyncio.run(engine.aquery(*arguments, **options))


@pytest.mark.parametrize("way", ["sync", "async"])
def test_everything_is_passed_on(way: str, angles: Angles, llm: Recorder) -> None:
    """Prompt, model, threshold, context and whether debug information is wanted."""
    with Engine(llm=llm, embedder=angles) as engine:
        first = ask(engine, way, "30", "m", context="c")
        assert llm.asked == [("30", "m", "c")]
        assert first.debug is None
        assert not ask(engine, way, "30", "m").cache_hit
        assert ask(engine, way, "30 degrees", "m", 0.9, "c").response == first.response
        assert ask(engine, way, "90", "m", 0.9, "c", True).debug is not None
        assert ask(engine, way, "90", "m", 0.9, "c").debug is None
        near = ask(engine, way, "31", "m", 0.9, "c", True)
        assert near.debug is not None
        assert near.debug.cache_entry_count == 3
        assert 0 <= near.debug.search_time_ms <= near.debug.total_time_ms


@pytest.mark.parametrize("way", ["sync", "async"])
def test_without_an_llm(way: str, angles: Angles) -> None:
    """A miss is a placeholder, which is kept and found again."""
    with Engine(embedder=angles) as engine:
        first = ask(engine, way, "30", "m")
        assert (first.cache_hit, first.llm_provider) == (False, "local-placeholder")
        again = ask(engine, way, "30 degrees", "m")
        assert (again.cache_hit, again.response) == (True, first.response)
