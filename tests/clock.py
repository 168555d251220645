"""A clock for rules that are tested without waiting."""

from __future__ import annotations


class Clock:
    """Time that passes only when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now
