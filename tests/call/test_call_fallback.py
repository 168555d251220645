"""What stands in for the cache's answer, without a network."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from call.made_calls import Made

from vectorcache import (
    APIConnectionError,
    APIStatusError,
    ConfigurationError,
    InternalServerError,
    VectorcacheResponse,
)


class TestFallback:
    """What stands in for the cache's answer."""

    def test_what_it_is_asked(self) -> None:
        """The query's prompt, model and context."""

        def fallback(prompt: str, model: str, context: str | None) -> str:
            return "from elsewhere"

        call = Made(fallback=fallback).call
        assert call.fallback == (fallback, "Q", "m", "c")
        assert APIConnectionError in call.has_fallback_for
        assert Made().call.has_fallback_for == ()

    @pytest.mark.parametrize("answer", ["from elsewhere", ""])
    def test_its_answer(self, answer: str) -> None:
        """It says what stood in, for which error, and counts as no hit or miss."""
        made = Made(fallback=lambda prompt, model, context: answer)
        error = InternalServerError("broken", status_code=503, request_id="abc", attempts=3)
        error.__context__ = OSError()
        with made.call as call:
            made.clock.now += 2
            result = call.fallback_result(answer, error)
        assert result == VectorcacheResponse(False, answer, None, 0.0, "fallback")
        meta = result.meta
        assert (meta.status_code, meta.request_id, meta.attempts) == (503, "abc", 3)
        assert (meta.elapsed, meta.error) == (2.0, error)
        assert error.__context__ is None
        assert made.counted == {"calls": 1, "fallbacks": 1}

    @pytest.mark.parametrize(
        ("error", "level", "words"),
        [
            (APIStatusError("no", status_code=422), logging.INFO, "for 422"),
            (InternalServerError("no", status_code=500), logging.WARNING, "for 500"),
            (APIConnectionError("no"), logging.WARNING, "for APIConnectionError"),
        ],
    )
    def test_the_log(
        self, error: Any, level: int, words: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A fallback answer is logged as a warning, except after a 422, which is expected."""
        caplog.set_level(logging.INFO, "vectorcache")
        Made(fallback=lambda prompt, model, context: "").call.fallback_result("answer", error)
        (record,) = caplog.records
        assert record.levelno == level
        assert record.getMessage() == f"query: the fallback answered in 0.000 s {words}"

    @pytest.mark.parametrize("answer", [None, 7, b"x", "\ud800"])
    def test_what_is_not_an_answer(self, answer: object) -> None:
        """An answer that is not text is an error about the fallback, caused by the cache's."""
        error = APIConnectionError("no connection")
        with pytest.raises(ConfigurationError, match=r"^fallback must ") as caught:
            Made(fallback=lambda prompt, model, context: "").call.fallback_result(answer, error)
        assert caught.value.__cause__ is error
