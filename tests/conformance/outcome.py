"""Compares the outcome of a call with the outcome that a case expects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.cases import Json


@dataclass
class Seen:
    """The outcome that a client gave its caller.

    Attributes:
        result: the fields of the answer; None if the call failed.
        failure: ``kind``, ``status``, ``body`` and ``retry_after``, as far as the client has
            them; None if the call did not fail.
        headers: the headers of the answer; None if the client does not show them.
    """

    result: Json | None = None
    failure: Json | None = None
    headers: Mapping[str, str] | None = field(default=None)


def differences(outcome: Json, seen: Seen) -> list[str]:
    """Returns the differences from the expected outcome, each as a message."""
    return [*_of_answer(outcome, seen), *_of_headers(outcome.get("headers", {}), seen)]


def _of_answer(outcome: Json, seen: Seen) -> Iterator[str]:
    if "result" in outcome:
        if seen.result is None:
            yield f"it failed: {seen.failure}"
            return
        result = _without_nulls(seen.result)
        for path in outcome.get("some", []):
            *way, last = path.split(".")
            place = result
            for name in way:
                place = place.get(name, {})
            if place.pop(last, None) is None:
                yield f"{path} is missing"
        if result != _without_nulls(outcome["result"]):
            yield f"the result is {result}"
    elif seen.failure is None:
        yield f"it did not fail: {seen.result}"
    else:
        told = outcome["failure"].keys() & seen.failure.keys()
        if not told:
            yield f"{seen.failure} tells nothing of {outcome['failure']}"
        for name in sorted(told):
            if seen.failure[name] != outcome["failure"][name]:
                yield f"{name} is {seen.failure[name]!r}, not {outcome['failure'][name]!r}"


def _of_headers(expected: Mapping[str, str], seen: Seen) -> Iterator[str]:
    if seen.headers is None:
        return
    for name, value in expected.items():
        if seen.headers.get(name) != value:
            yield f"{name} is {seen.headers.get(name)!r}, not {value!r}"


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    return value
