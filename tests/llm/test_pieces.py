"""How an answer is cut to be replayed: needs none of the libraries."""

from __future__ import annotations

import random
import unicodedata

import pytest

from vectorcache.integrations._pieces import pieces

CHARACTERS = [
    *"abc xyz.\n\r\t ",
    "\u0301",  # a combining accent
    "\u1e9b\u0323",  # a letter that normalisation would change
    "\U0001f469\u200d\U0001f4bb",  # an emoji of two, joined
    "\U0001f44d\U0001f3fd",  # an emoji with a tone of skin
    "\u6f22\u5b57",
    "\u0627\u0644\u0633",
    "\u2028",
    "\x00",
    "<s>",
]


def test_a_thousand_answers() -> None:
    """Joined, the pieces are the answer, byte by byte; there are several, and never too many."""
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
    """32,000 characters are fewer pieces than LiteLLM takes for a model that repeats itself."""
    cut = pieces(answer)
    assert "".join(cut) == answer
    assert 10 < len(cut) <= 96


def test_words_stay_whole() -> None:
    """Pieces end after a space where there is one, so that a reader sees whole words."""
    cut = pieces("Machine learning is a field of artificial intelligence.")
    assert cut == ["Machine ", "learning ", "is a ", "field ", "of artificial ", "intelligence."]


def test_what_is_seen_as_one_stays_together() -> None:
    """No piece begins with an accent, a joiner or a modifier, nor between CR and LF."""
    for one in ("e\u0301", "\U0001f469\u200d\U0001f4bb", "\U0001f44d\U0001f3fd", "\r\n"):
        for before in range(20):
            cut = pieces("x" * before + one * 50)
            for piece in cut[1:]:
                assert not unicodedata.combining(piece[0])
                assert piece[0] not in "\u200d\U0001f3fd\U0001f4bb\n"


def test_nothing() -> None:
    """An empty answer has no pieces."""
    assert pieces("") == []
