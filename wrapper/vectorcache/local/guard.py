"""Refuses a hit between prompts whose words contradict each other.

Sentence models score "enable it" / "disable it" and "A to B" / "B to A" as near copies. These rules
read only words and English; they err on the side of a miss. Off by default: the hosted service
compares by cosine alone.
"""

import re
from collections import Counter
from itertools import pairwise

from .acronyms import expand_acronyms
from .figures import figures
from .opposites import opposed
from .stems import stem

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
# Matches a word that does not begin a sentence.
_INSIDE = re.compile(r"(?<=[\w,;)'\u2019] )[^\W\d_]+")
# "self-employed" counts as one word, "full-time" as two.
_HYPHENATED = re.compile(r"\b(self|non|anti|un|in|pre|post|ex)-", re.IGNORECASE)
_NEGATING = """
not no never without cannot none neither nor except nothing nobody nowhere unable avoid exclude
"""
_NEGATIONS = {stem(word) for word in _NEGATING.split()}
# Verbs that end an activity, as in "stop watering".
_ENDINGS = {"stop", "quit", "ceas"}
_DIRECTIONS = {"to", "into", "from", "than", "by", "over", "under", "before", "after"}
_PREPOSITIONS = _DIRECTIONS | {"on", "in", "at", "for", "with", "during", "of", "about"}
_SYMMETRIC = {"and", "or", "vs", "versus", "between"}
_FUNCTION_WORDS = {"a", "an", "the", "is", "are", "do", "does", "i", "it", "of", "in", "my"}


def contradicts(one: str, other: str) -> bool:
    """Returns whether two prompts must not share an answer, even if their vectors are close."""
    if figures(one) != figures(other):
        return True
    a, b = _words(one), _words(other)
    forms_a, forms_b = {*a, *map(stem, a)}, {*b, *map(stem, b)}
    return (
        _negated(a) != _negated(b)
        or opposed(forms_a - forms_b, forms_b - forms_a)
        or _named_otherwise(one, other)
        or _turned_around(a, b)
        or _reordered(a, b)
    )


def _words(text: str) -> list[str]:
    joined = _HYPHENATED.sub(r"\1", text.lower())
    return [word.replace("\u2019", "'") for word in _WORD.findall(joined)]


def _negated(words: list[str]) -> bool:
    negations = sum(
        stem(word) in _NEGATIONS
        or word.endswith("n't")
        or (stem(word) in _ENDINGS and following.endswith("ing"))
        for word, following in pairwise([*words, ""])
    )
    # Two negations cancel each other.
    return negations % 2 == 1


def _named_otherwise(one: str, other: str) -> bool:
    """Returns whether each has a name that the other lacks: "in England" and "in Scotland"."""
    ours, theirs = _names(one), _names(other)
    a, b = set(_words(expand_acronyms(one))), set(_words(expand_acronyms(other)))
    return bool(ours - b) and bool(theirs - a)


def _names(text: str) -> set[str]:
    """Returns the capitalised words, except those that begin a sentence."""
    inside = [match[0] for match in _INSIDE.finditer(expand_acronyms(text))]
    capitals = [word for word in inside if word[0].isupper() and word != "I"]
    # In A Headline, Capital Letters Mean Nothing.
    if 2 * len(capitals) > len(inside):
        return set()
    return {word.lower() for word in capitals}


def _turned_around(a: list[str], b: list[str]) -> bool:
    """ "from X to Y" against "from Y to X", with whatever else around."""
    targets = _targets(b)
    return any(
        word in targets
        and ours.isdisjoint(targets[word])
        and not ours.isdisjoint(b)
        and not targets[word].isdisjoint(a)
        for word, ours in _targets(a).items()
    )


def _targets(words: list[str]) -> dict[str, set[str]]:
    """Returns the words that follow each direction."""
    targets: dict[str, set[str]] = {}
    for at, word in enumerate(words):
        if word in _DIRECTIONS:
            targets.setdefault(word, set()).update(_content(words[at + 1 :])[:1])
    return targets


def _reordered(a: list[str], b: list[str]) -> bool:
    """Returns whether the words are equal but in another order, as in "A beats B", "B beats A"."""
    left, right = _content(a), _content(b)
    if left == right or Counter(left) != Counter(right) or _SYMMETRIC & set(a) & set(b):
        return False
    return not (_phrase_moved(a, b) or _phrase_moved(b, a))


def _phrase_moved(a: list[str], b: list[str]) -> bool:
    """Returns whether only a phrase with a preposition moved from the end to the front."""
    if not a or a[0] not in _PREPOSITIONS:
        return False
    left, right = _content(a), _content(b)
    return any(left[at:] + left[:at] == right for at in range(1, len(left)))


def _content(words: list[str]) -> list[str]:
    return [word for word in words if word not in _FUNCTION_WORDS]
