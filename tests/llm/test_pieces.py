"""Answers are cut into pieces to be replayed; these tests need none of the libraries."""

from __future__ import annotations

import random
import unicodedata

import pytest

from vectorcache.integrations._pieces import pieces

CHARACTERS = [
    *"abc xyz.\n\r\t ",
    "\u0301",  # a combining accent
    "\u1e9b\u0323",  # a letter that normalisation would change
    "\U0001f469\u200d\U0001f4bb",  # an emoji that joins two
    "\U0001f44d\U0001f3fd",  # an emoji with a skin tone
    "\u6f22\u5b57",
    "\u0627\u0644\u0633",
    "\u2028",
    "\x00",
    "<s>",
]


def test_a_thousand_answers() -> None:
    """Joined, the pieces are exactly the answer, and there are never too many of them."""
    random_ = random.Random(7)
    for _ in range(1_000):
        length = random_.choice((1, 2, 7, 8, 9, 40, 400, 2_000))
        answer = "".join(random_.choices(CHARACTERS, k=length))
        cut = pieces(answer)
        assert "".join(cut).encode() == answer.encode()
        assert all(cut)
        assert len(cut) <= 96


@pytest.mark.parametrize(
    "answer", ["a" * 32_000, "ab " * 10_666, "\u6f22" * 32_000, "\n" * 32_000, "a\u0301" * 16_000]
)
def test_long_answers(answer: str) -> None:
    """Even 32,000 equal characters make fewer pieces than LiteLLM allows."""
    cut = pieces(answer)
    assert "".join(cut) == answer
    assert 10 < len(cut) <= 96


def test_words_stay_whole() -> None:
    """Pieces end after a space if there is one, so that a reader sees whole words."""
    cut = pieces("Machine learning is a field of artificial intelligence.")
    assert cut == ["Machine ", "learning ", "is a ", "field ", "of artificial ", "intelligence."]


def test_one_visible_character_stays_together() -> None:
    """No piece begins with an accent, a joiner or a modifier, or between CR and LF."""
    for one in ("e\u0301", "\U0001f469\u200d\U0001f4bb", "\U0001f44d\U0001f3fd", "\r\n"):
        for before in range(20):
            cut = pieces("x" * before + one * 50)
            for piece in cut[1:]:
                assert not unicodedata.combining(piece[0])
                assert piece[0] not in "\u200d\U0001f3fd\U0001f4bb\n"


def test_an_empty_answer() -> None:
    """An empty answer has no pieces."""
    assert pieces("") == []
