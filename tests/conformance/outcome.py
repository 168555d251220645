"""What a client made of an answer, compared with what a case expects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.cases import Json


@dataclass
class Seen:
    """What a client told its caller.

    Attributes:
        result: the answer's fields; None where the call failed.
        failure: of ``kind``, ``status``, ``body`` and ``retry_after`` those that the client
            tells at all; None where the call did not fail.
        headers: the answer's headers; None where the client does not show them.
    """

    result: Json | None = None
    failure: Json | None = None
    headers: Mapping[str, str] | None = field(default=None)


def differences(outcome: Json, seen: Seen) -> list[str]:
    """In which ways it is not what the case expects."""
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
