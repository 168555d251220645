"""The key that the tests use, and the forms in which they search for it."""

from __future__ import annotations

import base64

# A well-formed key whose halves appear nowhere else, so that either half is enough to find it.
HALVES = ("5ca1ab1e0ddba11d", "c0ffee15bad5eed5")
CANARY = "vc_" + "".join(HALVES)


def _base64_of(half: bytes) -> set[bytes]:
    """Returns the base64 forms of the text, for each position in a longer text."""
    found = set()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + half)
        # The first and last characters depend on the text around it.
        found.add(encoded[4 if before else 0 : -4])
    return found


def forms() -> list[bytes]:
    """Returns all forms of both halves, in lower case except for base64."""
    found: set[bytes] = set()
    for text in HALVES:
        half = text.encode()
        found |= {half, half[::-1], half.hex().encode(), text.encode("utf-16-le")}
        found |= {
            "".join(f"{before}{ord(c):{kind}}{after}" for c in text).encode()
            for before, kind, after in (
                ("%", "x", ""),
                ("\\x", "x", ""),
                ("\\u", "04x", ""),
                ("&#", "d", ";"),
                ("&#x", "x", ";"),
            )
        }
        found |= {", ".join(str(c) for c in half).encode()}
        found |= _base64_of(half)
    return sorted(found)


_FORMS = forms()


def gives_away(shown: bytes) -> bool:
    """Returns whether the data holds any form of either half of the key."""
    folded = shown.lower()
    return any(form in shown or form in folded for form in _FORMS)
