"""Who comes next: the line of those who wait for a rate limit, first come, first served."""

from __future__ import annotations

from bisect import bisect_left, insort


class Line:
    """Places in order, which may be left from the front, the middle or the end."""

    __slots__ = ("_first", "_left", "_next")

    def __init__(self) -> None:
        self._first = 0
        self._next = 0
        # Places behind the first that are empty already; sorted.
        self._left: list[int] = []

    def __len__(self) -> int:
        return self._next - self._first - len(self._left)

    def join(self) -> int:
        """A new place, at the end."""
        place = self._next
        self._next += 1
        return place

    def ahead(self, place: int) -> int:
        """How many stand before this place."""
        return place - self._first - bisect_left(self._left, place)

    def leave(self, place: int) -> None:
        """Gives a place up; those behind it move up by one."""
        insort(self._left, place)
        empty = 0
        while empty < len(self._left) and self._left[empty] == self._first + empty:
            empty += 1
        del self._left[:empty]
        self._first += empty


class Permit:
    """One request's place in a line, and then its leave to go."""

    __slots__ = ("_line", "_place", "gone")

    def __init__(self) -> None:
        self._line: Line | None = None
        self._place = 0
        self.gone = False

    def ahead(self, line: Line) -> int:
        """How many are before it; a permit that is not in this line yet joins it."""
        if self._line is not line:  # Not yet, or in the line of the process that this forked from.
            self._line, self._place = line, line.join()
        return line.ahead(self._place)

    def leave(self, line: Line) -> None:
        """Gives its place up, if it has one."""
        if self._line is line:
            line.leave(self._place)
        self._line = None
