"""Refuses a hit between prompts whose words contradict each other.

Sentence models score "enable it" / "disable it" and "A to B" / "B to A" as near copies. These rules
read only words and English; they err on the side of a miss. Off by default: the hosted service
compares by cosine alone.
"""

import re
from collections import Counter

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
# "one" counts nothing in "which one".
_NUMBER_WORDS = {
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
    "ten": "10",
}
_NEGATIONS = {"not", "no", "never", "without", "cannot", "none", "neither", "nor", "except"}
_PREFIXES = ("un", "dis", "de", "in", "im", "ir", "non", "anti")
_OPPOSITES = (
    "enable disable|increase decrease|raise lower|start stop|open close|add remove|"
    "create delete|import export|upload download|encrypt decrypt|encode decode|push pull|"
    "read write|buy sell|send receive|allow deny|allow block|accept reject|lock unlock|"
    "connect disconnect|before after|first last|above below|more less|most least|best worst|"
    "minimum maximum|min max|highest lowest|high low|hot cold|fast slow|up down|left right|"
    "old new|same different|with without|inside outside|public private|"
    "positive negative|pros cons|success failure|win lose|gain lose|upgrade downgrade|"
    "ascending descending|input output|male female|parent child"
)
_DIRECTIONS = {"to", "into", "from", "than", "by", "over", "under", "before", "after"}
_SYMMETRIC = {"and", "or", "vs", "versus", "between"}
_FUNCTION_WORDS = {"a", "an", "the", "is", "are", "do", "does", "i", "it", "of", "in", "my"}


def contradicts(one: str, other: str) -> bool:
    """Whether two prompts must not share an answer, whatever their vectors say."""
    if _numbers(one) != _numbers(other):
        return True
    a, b = _words(one), _words(other)
    return (
        _negations(a) != _negations(b)
        or _opposed(set(a), set(b))
        or _turned_around(a, b)
        or _turned_around(b, a)
        or _reordered(a, b)
    )


def _words(text: str) -> list[str]:
    return [word.replace("\u2019", "'") for word in _WORD.findall(text.lower())]


def _numbers(text: str) -> Counter[str]:
    spelled = (_NUMBER_WORDS[word] for word in _words(text) if word in _NUMBER_WORDS)
    return Counter([*_NUMBER.findall(text), *spelled])


def _negations(words: list[str]) -> bool:
    # Two negations make none.
    return sum(word in _NEGATIONS or word.endswith("n't") for word in words) % 2 == 1


def _opposed(a: set[str], b: set[str]) -> bool:
    only_a, only_b = a - b, b - a
    for pair in _OPPOSITES.split("|"):
        left, right = pair.split()
        if (left in only_a and right in only_b) or (right in only_a and left in only_b):
            return True
    return any(
        prefix + word in theirs
        for ours, theirs in ((only_a, only_b), (only_b, only_a))
        for word in ours
        for prefix in _PREFIXES
        if len(word) > 3
    )


def _turned_around(a: list[str], b: list[str]) -> bool:
    """ "from X to Y" against "from Y to X", with whatever else around."""
    targets = {word: _content(b[at + 1 :]) for at, word in enumerate(b) if word in _DIRECTIONS}
    for at, word in enumerate(a):
        ours, theirs = _content(a[at + 1 :]), targets.get(word)
        if ours and theirs and ours[0] != theirs[0] and ours[0] in b and theirs[0] in a:
            return True
    return False


def _reordered(a: list[str], b: list[str]) -> bool:
    """The same words in another order: "does a dog chase a cat" / "does a cat chase a dog"."""
    left, right = _content(a), _content(b)
    return left != right and Counter(left) == Counter(right) and not _SYMMETRIC & set(a) & set(b)


def _content(words: list[str]) -> list[str]:
    return [word for word in words if word not in _FUNCTION_WORDS]
