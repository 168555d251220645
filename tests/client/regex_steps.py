"""A matcher of regular expressions that backtracks, as that of ``re`` does, and counts its steps.

Time depends on the machine and its load; the number of steps does not. The matcher knows the parts
that the patterns of ``SensitiveDataFilter`` have.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any

_parser: Any = importlib.import_module("re._parser")


class CountingMatcher:
    """Finds what a pattern matches in a text.

    Args:
        pattern: what to look for.
        text: where to look for it.
    """

    def __init__(self, pattern: re.Pattern[str], text: str) -> None:
        self.steps = 0
        self.spans: list[tuple[int, int]] = []
        self._text = text
        self._groups: dict[int, str] = {}
        parts = list(_parser.parse(pattern.pattern, pattern.flags))
        start = 0
        while start <= len(text):
            end = next(self._ends(parts, start), None)
            if end is not None:
                self.spans.append((start, end))
            start = start + 1 if end is None else max(end, start + 1)

    def _ends(self, parts: list[Any], at: int) -> Iterator[int]:
        """Yields each place at which a match of the parts ends, the preferred one first."""
        if not parts:
            yield at
            return
        (kind, value), *others = parts
        for end in self._ends_of_one(kind, value, at):
            yield from self._ends(others, end)

    def _ends_of_one(self, kind: Any, value: Any, at: int) -> Iterator[int]:
        match str(kind):
            case "MAX_REPEAT":
                least, most, body = value
                yield from self._ends_of_repeat(least, most, list(body), at)
            case "SUBPATTERN":
                for end in self._ends(list(value[3]), at):
                    self._groups[value[0]] = self._text[at:end]
                    yield end
            case "GROUPREF":
                self.steps += len(self._groups[value]) + 1
                if self._text.startswith(self._groups[value], at):
                    yield at + len(self._groups[value])
            case "ASSERT_NOT":
                direction, body = value
                place = at - 1 if direction < 0 else at
                if place < 0 or next(self._ends(list(body), place), None) is None:
                    yield at
            case _:
                if self._fits(kind, value, at):
                    yield at + 1

    def _ends_of_repeat(self, least: int, most: int, body: list[Any], at: int) -> Iterator[int]:
        if len(body) == 1 and str(body[0][0]) in ("IN", "LITERAL"):
            # One character, again and again: without a recursion, which would be too deep.
            (kind, value), end = body[0], at
            while end - at < most and self._fits(kind, value, end):
                end += 1
            while end - at >= least:
                yield end
                self.steps += 1
                end -= 1
            return
        if most > 0:
            for end in self._ends(body, at):
                yield from self._ends_of_repeat(max(least - 1, 0), most - 1, body, end)
        if least == 0:
            yield at

    def _fits(self, kind: Any, value: Any, at: int) -> bool:
        self.steps += 1
        return at < len(self._text) and fits(str(kind), value, self._text[at])


def fits(kind: str, value: Any, character: str) -> bool:
    """Returns whether a part of one character fits a character."""
    match kind:
        case "LITERAL":
            return bool(ord(character) == value)
        case "RANGE":
            return bool(value[0] <= ord(character) <= value[1])
        case "CATEGORY":
            return re.match(_CATEGORIES[str(value)], character) is not None
        case "IN":
            negated = str(value[0][0]) == "NEGATE"
            return negated != any(fits(str(k), v, character) for k, v in value[negated:])
    raise ValueError(f"a pattern has the part {kind}, which this matcher does not know yet")


_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_WORD": r"\W",
    "CATEGORY_WORD": r"\w",
}
