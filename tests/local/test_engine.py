"""The cache itself: what hits, what misses, and what an answer says."""

import uuid
from typing import Any

import pytest
from local.stand_ins import Angles, MakeEngine, Recorder

from vectorcache.local import EmbedderError, Engine, EngineClosedError


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
    """An answer is found only for the same model and context; "" means without a context."""
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


def nearest(engine: Engine, prompt: str, threshold: float = 0.85, context: str = "") -> object:
    """What debug says came nearest to a prompt."""
    debug = engine.query(prompt, "gpt-4o", threshold, context, include_debug=True).debug
    assert debug is not None
    return debug.nearest_prompt, debug.nearest_similarity_score, debug.refused_by_lexical_guard


def test_debug_names_the_nearest_prompt(make_engine: MakeEngine, angles: Angles) -> None:
    """A hit says which prompt matched, a miss which came nearest and how near, however far."""
    engine = make_engine(embedder=angles)
    assert nearest(engine, "0") == (None, None, False)
    assert nearest(engine, "60") == ("0", 0.5, False)
    assert nearest(engine, "60 again") == ("60", 1.0, False)
    assert nearest(engine, "60") == ("60", 1.0, False)
    assert nearest(engine, "240") == ("0", 0.0, False)
    assert nearest(engine, "0", context="elsewhere") == (None, None, False)
    assert nearest(engine, "unseen") == (None, None, False)


def test_debug_names_the_prompt_that_the_guard_refused(
    make_engine: MakeEngine, angles: Angles
) -> None:
    """A miss because of the lexical guard says so, as its score would have been enough."""
    engine = make_engine(embedder=angles, lexical_guard=True)
    engine.query("30 degrees", "gpt-4o")
    assert nearest(engine, "30.5 degrees") == ("30 degrees", 0.999962, True)
    assert nearest(engine, "90 degrees", 0.9) == ("30.5 degrees", 0.507538, False)


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
        "nearest_prompt",
        "nearest_similarity_score",
        "refused_by_lexical_guard",
    }


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"prompt": ""}, ValueError),
        ({"prompt": "x" * 32_001}, ValueError),
        ({"prompt": "\udc00"}, ValueError),
        ({"model": "\udc00"}, ValueError),
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
