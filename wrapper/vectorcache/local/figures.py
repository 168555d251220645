"""Finds the numbers and dates of a question, as digits or in words."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby, pairwise

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*(?:\s?[ap]\.?m\b)?", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_SMALL = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth"
_DATES = """
monday tuesday wednesday thursday friday saturday sunday
january february march april may june july august september october november december
today tomorrow yesterday tonight weekend weekday
"""
# Other abbreviations, such as sun and dec, are also common words.
_ABBREVIATIONS = "mon tue wed thu fri jan feb apr jun jul aug sep oct nov"

_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_VALUES = {
    **{word: value for value, word in enumerate(_SMALL.split())},
    **{word: 10 * value for value, word in enumerate(_TENS.split(), 2)},
}
_PLACES = {word: place for place, word in enumerate(_ORDINALS.split(), 1)}
_DATE_OF = {date: date for date in _DATES.split()} | {
    date[:3]: date for date in _DATES.split() if date[:3] in _ABBREVIATIONS.split()
}
# These are common words, too: they are months only after certain words.
_MAYBE_MONTHS = {"may", "march"}
_BEFORE_A_MONTH = {"in", "of", "since", "until", "by", "from", "to", "this", "next", "last"}


def figures(text: str) -> Counter[str]:
    """Returns each number and date of a text, with the number of its occurrences."""
    digits = (
        re.sub(r"[\s.](?=[apm])|(?<=\d),(?=\d{3}\b)", "", number.lower()).rstrip(".")
        for number in _NUMBER.findall(text)
    )
    words = _WORD.findall(text.lower())
    return Counter([*digits, *_spelled(words), *_dates(words)])


def _spelled(words: list[str]) -> Iterator[str]:
    for before, word in pairwise(["", *words]):
        # "second" is mostly a unit of time, not an ordinal number.
        if word in _PLACES and (word != "second" or before == "the"):
            yield str(_PLACES[word])
    for is_number, group in groupby(words, lambda word: word in _VALUES or word in _SCALES):
        number = list(group)
        # In "which one", "one" is not a number.
        if is_number and number != ["one"]:
            yield str(_value(number))


def _value(words: list[str]) -> int:
    total = part = 0
    for word in words:
        if word in _VALUES:
            part += _VALUES[word]
        elif word == "hundred":
            part = (part or 1) * _SCALES[word]
        else:
            total += (part or 1) * _SCALES[word]
            part = 0
    return total + part


def _dates(words: list[str]) -> Iterator[str]:
    for before, word in pairwise(["", *words]):
        date = _DATE_OF.get(word) or _DATE_OF.get(word.removesuffix("s"))
        if date is not None and (date not in _MAYBE_MONTHS or before in _BEFORE_A_MONTH):
            yield date
