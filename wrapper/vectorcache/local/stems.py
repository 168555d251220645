"""Removes inflection from English words: "enabled", "enables" and "enabling" become equal.

The rules need not find the right stem, only the same one for the forms of a word.
"""

from functools import lru_cache

_VOWELS = set("aeiouy")
# Verbs of opposites.py with irregular forms.
_IRREGULAR = {
    "began": "begin",
    "begun": "begin",
    "bought": "buy",
    "built": "build",
    "came": "come",
    "children": "child",
    "fell": "fall",
    "fallen": "fall",
    "forgot": "forget",
    "forgotten": "forget",
    "found": "find",
    "froze": "freeze",
    "frozen": "freeze",
    "gave": "give",
    "given": "give",
    "grew": "grow",
    "grown": "grow",
    "hid": "hide",
    "hidden": "hide",
    "lent": "lend",
    "lost": "lose",
    "men": "man",
    "paid": "pay",
    "risen": "rise",
    "rose": "rise",
    "sent": "send",
    "shrank": "shrink",
    "shrunk": "shrink",
    "sold": "sell",
    "spent": "spend",
    "taken": "take",
    "took": "take",
    "went": "go",
    "women": "woman",
    "won": "win",
    "written": "write",
    "wrote": "write",
}
# Each ending, its replacement, and how many letters must remain; longer endings first.
_PLURALS = (
    ("ies", "y", 2),
    ("sses", "ss", 1),
    ("ches", "ch", 1),
    ("shes", "sh", 1),
    ("xes", "x", 1),
)
_FORMS = (("ied", "y", 2), ("ying", "y", 2), ("ing", "", 2), ("ed", "", 2))
_DERIVED = (
    ("ation", "", 3),
    ("ition", "", 3),
    ("ate", "", 3),
    ("at", "", 3),
    ("ion", "", 3),
    ("ance", "", 3),
    ("ment", "", 3),
    ("al", "", 4),
    ("ly", "", 3),
)


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """Returns the stem of a word in lower case, which its inflected forms share."""
    word = word.removesuffix("'s")
    if word in _IRREGULAR:
        word = _IRREGULAR[word]
    word = _plural_removed(word)
    if not word.endswith("eed"):
        word = _ending_removed(word, _FORMS)
    while (shorter := _ending_removed(word, _DERIVED)) != word:
        word = shorter
    if len(word) > 3:
        word = word.removesuffix("e")
    # Here "stopped" is "stopp". "install" and "installation" must become equal, too.
    if len(word) > 3 and word[-1] == word[-2]:
        word = word[:-1]
    return word


def _plural_removed(word: str) -> str:
    shorter = _ending_removed(word, _PLURALS)
    if shorter == word and len(word) > 3 and word[-1] == "s" and word[-2] not in "sui":
        shorter = word[:-1]
    return shorter


def _ending_removed(word: str, endings: tuple[tuple[str, str, int], ...]) -> str:
    for ending, replacement, least in endings:
        rest = word.removesuffix(ending)
        # "bring" and "red" are not forms of "br" and "r".
        if rest != word and len(rest) >= least and _VOWELS & set(rest):
            return rest + replacement
    return word
