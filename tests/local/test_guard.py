"""The lexical guard: which prompts must not share an answer, whatever their vectors say.

fow-cache's pairs, on which benchmarks/guard.py measures it, gave the kinds; these are others.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorcache.local.guard import contradicts
from vectorcache.local.opposites import opposed
from vectorcache.local.stems import stem

APART = [
    # Opposites, in every form of the word.
    ("How do I enable it?", "How do I disable it?"),
    ("Is caching enabled?", "Is caching disabled?"),
    ("enabling the proxy", "disabling the proxy"),
    ("Why has the price increased?", "Why has the price decreased?"),
    ("When was the account opened?", "When was the account closed?"),
    ("What happens when an offer is accepted?", "What happens when an offer is rejected?"),
    ("Which files does it include?", "Which files does it exclude?"),
    ("price including tax", "price excluding tax"),
    ("Who created the file?", "Who deleted the file?"),
    ("encryption of a disk", "decryption of a disk"),
    ("fees for buying shares", "fees for selling shares"),
    ("I sent a parcel", "I received a parcel"),
    ("stopped services", "started services"),
    ("removal of a user", "addition of a user"),
    ("How do I turn on dark mode?", "How do I turn off dark mode?"),
    ("What are the benefits?", "What are the drawbacks?"),
    ("max connections", "min connections"),
    # Opposites by prefix and suffix.
    ("install the app", "uninstall the app"),
    ("Is it legal?", "Is it illegal?"),
    ("tax for the employed", "tax for the self-employed"),
    ("an online course", "an offline course"),
    ("a paid internship", "an unpaid internship"),
    ("Is it useful?", "Is it useless?"),
    ("upstream changes", "downstream changes"),
    # Negation.
    ("Is it safe?", "Is it not safe?"),
    ("I can log in", "I can\u2019t log in"),
    ("When should I water the plants?", "When should I stop watering the plants?"),
    ("Which foods should I eat?", "Which foods should I avoid?"),
    # Numbers and dates.
    ("5 eggs", "6 eggs"),
    ("twenty-one days", "22 days"),
    ("Wake me at 7am", "Wake me at 7 pm"),
    ("opening hours on Mondays", "opening hours on Tuesdays"),
    ("What happened in May?", "What happened in June?"),
    ("weather today", "weather tomorrow"),
    ("the first chapter", "the third chapter"),
    # One of a set.
    ("What does the red light mean?", "What does the green light mean?"),
    ("price in dollars", "price in euros"),
    ("tickets for adults", "tickets for children"),
    # Names.
    ("Who governs the north of England?", "Who governs the north of Scotland?"),
    # Another order.
    ("string to integer", "integer to string"),
    ("fly from Oslo to Rome", "flights from Rome to Oslo"),
    ("does a dog chase a cat", "does a cat chase a dog"),
]

TOGETHER = [
    ("two eggs", "2 eggs"),
    ("15% of 1,200", "fifteen percent of twelve hundred"),
    ("at 7 p.m.", "at 7pm"),
    ("May I bring a dog?", "Can I bring a dog?"),
    ("one of the colours", "which colour"),
    ("differ TCP and UDP", "differ UDP and TCP"),
    ("Is there a discount for students on trains?", "On trains, is there a discount for students?"),
    ("How do I reset my password?", "I forgot my password, how can I reset it?"),
    ("How do I sort a list in Python?", "What is the way to sort a Python list?"),
    ("Explain how photosynthesis works", "How does photosynthesis work?"),
    ("What is ML?", "What is machine learning?"),
    ("How To Reset A Password", "Steps For Resetting Your Password"),
    ("What is a cache?", "what is a cache"),
    ("Where do I find my invoices?", "the place of invoices in Netflix"),
    ("Is the shop open?", "opening the shop"),
]


@pytest.mark.parametrize(("one", "other"), APART)
def test_apart(one: str, other: str) -> None:
    """Prompts that contradict each other, both ways round."""
    assert contradicts(one, other)
    assert contradicts(other, one)


@pytest.mark.parametrize(("one", "other"), TOGETHER)
def test_together(one: str, other: str) -> None:
    """Prompts that may share an answer, both ways round."""
    assert not contradicts(one, other)
    assert not contradicts(other, one)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("red", "blue", True),
        ("red", "car", False),
        ("useful", "useless", True),
        ("useful", "hot", False),
        ("able", "unable", True),
        ("overpay", "underpay", True),
        ("fit", "unfit", False),
        ("do", "undo", False),
    ],
)
def test_opposed_words(one: str, other: str, expected: bool) -> None:
    """Members of a set and words of opposite prefixes are opposed; very short words are not."""
    ours, theirs = {one, stem(one)}, {other, stem(other)}
    assert opposed(ours, theirs) is expected
    assert opposed(theirs, ours) is expected


@pytest.mark.parametrize(
    "forms",
    [
        "enable enables enabled enabling",
        "stop stops stopped stopping",
        "deny denies denied denying",
        "create creates created creating creation",
        "install installs installed installing installation",
        "accept accepts accepted accepting acceptance",
        "remove removes removed removing removal",
        "reject rejected rejecting rejection",
        "sell sells sold selling",
        "open opens opened opening",
        "watch watches watched watching",
    ],
)
def test_forms_of_a_word(forms: str) -> None:
    """The forms of a word have one stem, by rule."""
    assert len(set(map(stem, forms.split()))) == 1


@pytest.mark.parametrize("word", ["bring", "thing", "red", "need", "this", "us", "glass", "gas"])
def test_words_that_only_look_inflected(word: str) -> None:
    """What only ends like an inflected form stays a word."""
    assert stem(word).startswith(word[:-1])


WORDS = st.sampled_from(
    ["enable", "disabled", "not", "on", "Monday", "7", "seven", "first", "Oslo", "to", "from", "."]
)


@given(st.lists(WORDS).map(" ".join), st.lists(WORDS).map(" ".join))
def test_any_texts(one: str, other: str) -> None:
    """A prompt never contradicts itself, and which one came first makes no difference."""
    assert not contradicts(one, one)
    assert contradicts(one, other) is contradicts(other, one)


@given(st.text())
def test_any_text(text: str) -> None:
    """Any text can be compared."""
    assert not contradicts(text, text)
