"""Answers that openapi.yaml allows, and answers that differ from these a little."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

# Doubles and 64-bit integers, which are the formats of the description.
_ANY_NUMBER = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
_AMOUNTS = _ANY_NUMBER.filter(lambda number: number >= 0)
_COUNTS = st.integers(0, 2**63 - 1) | st.integers(0, 2**50).map(float)
_TEXTS = st.text(st.characters(codec=None), max_size=30)

_DEBUG: dict[str, st.SearchStrategy[Any]] = {
    "embedding_time_ms": _AMOUNTS,
    "search_time_ms": _AMOUNTS,
    "total_time_ms": _AMOUNTS,
    "matched_cache_entry_id": st.none() | _TEXTS,
    "cache_entry_count": _COUNTS,
}
_REQUIRED: dict[str, st.SearchStrategy[Any]] = {
    "cache_hit": st.booleans(),
    "response": _TEXTS | st.text(min_size=500, max_size=600),
    "cost_saved": _AMOUNTS,
    "llm_provider": _TEXTS,
}

_SCALARS = st.none() | st.booleans() | _ANY_NUMBER | _TEXTS
JSON_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)

# Among these are names that the classes of this package use for something else.
_NAMES = _TEXTS | st.sampled_from(
    [
        "meta",
        "extra",
        "additional_properties",
        "self",
        "to_dict",
        "cache_hit ",
        "Debug",
        "__class__",
    ]
)


def _with_more(
    known: dict[str, st.SearchStrategy[Any]], always: dict[str, st.SearchStrategy[Any]]
) -> st.SearchStrategy[dict[str, Any]]:
    fields = st.fixed_dictionaries(always, optional=known)
    others = st.dictionaries(
        _NAMES.filter(lambda name: name not in known.keys() | always.keys()),
        JSON_VALUES,
        max_size=3,
    )
    return st.builds(lambda one, other: {**other, **one}, fields, others)


DEBUG_FIELDS = tuple(_DEBUG)

DEBUG_INFOS = _with_more(_DEBUG, {})
ANSWERS = _with_more({"similarity_score": st.none() | _ANY_NUMBER, "debug": DEBUG_INFOS}, _REQUIRED)


@st.composite
def changed_answers(draw: st.DrawFn) -> Any:
    """Draws an answer with some fields removed or replaced by any value; or any JSON value."""
    answer = draw(ANSWERS)
    for _ in range(draw(st.integers(1, 3))):
        part = answer
        if isinstance(answer.get("debug"), dict) and draw(st.booleans()):
            part = answer["debug"]
        names = [*_DEBUG] if part is not answer else [*_REQUIRED, "similarity_score", "debug"]
        name = draw(st.sampled_from(names))
        if draw(st.booleans()):
            part.pop(name, None)
        else:
            part[name] = draw(JSON_VALUES)
    return answer if draw(st.integers(0, 9)) else draw(JSON_VALUES)
