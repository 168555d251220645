"""Keeps the order of the calls that wait for a rate limit: first come, first served."""

from __future__ import annotations

from bisect import bisect_left, insort


class Line:
    """A queue of numbered places, which can be left from the front, the middle or the end."""

    __slots__ = ("_empty", "_first", "_next")

    def __init__(self) -> None:
        self._first = 0
        self._next = 0
        # Places behind the first one that have been left; sorted.
        self._empty: list[int] = []

    def __len__(self) -> int:
        return self._next - self._first - len(self._empty)

    def join(self) -> int:
        """Returns a new place at the end of the line."""
        place = self._next
        self._next += 1
        return place

    def ahead(self, place: int) -> int:
        """Returns how many occupied places are before this one."""
        return place - self._first - bisect_left(self._empty, place)

    def leave(self, place: int) -> None:
        """Removes a place; the places behind it move up by one."""
        insort(self._empty, place)
        count = 0
        while count < len(self._empty) and self._empty[count] == self._first + count:
            count += 1
        del self._empty[:count]
        self._first += count
