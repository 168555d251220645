"""The API key: from the environment or a hidden prompt, and in no output."""

from __future__ import annotations

import json
import os
import re
import sys
from contextvars import ContextVar
from getpass import getpass
from typing import Final

from .._secret import APIKey, hidden
from .._settings import API_KEY_VARIABLE
from ..errors import ConfigurationError

_REMOVED: Final = "[key removed]"
# Any text in the form of a key is hidden, even if it is not the key in use.
_FORM: Final = re.compile(r"vc_[0-9A-Fa-f]{32}")
# A shorter text cannot be a key, and may be a part of other words.
_SHORTEST: Final = 8

# Options that people try instead of the environment; see ``refuse_key_option``.
_KEY_OPTION: Final = re.compile(r"--?(vectorcache[-_]?)?(api[-_]?)?(key|token)(=.*)?", re.DOTALL)

# The key that was typed. Each run of the program has its own context, which ends with it.
_typed: Final[ContextVar[APIKey | None]] = ContextVar("typed_key", default=None)


class APIKeyError(ConfigurationError):
    """There is no API key, or its value is invalid."""


def find_key() -> APIKey:
    """Returns the key of the environment; without one, asks for it in a terminal, unseen.

    Raises:
        APIKeyError: the key is missing or invalid.
    """
    key = hidden(os.environ.get(API_KEY_VARIABLE)) or _typed.get()
    if key is None and sys.stdin.isatty() and sys.stderr.isatty():
        try:
            key = hidden(getpass("Vectorcache API key (not shown): ").strip())
        except EOFError:
            sys.stderr.write("\n")
        _typed.set(key)
    if key is None:
        raise APIKeyError(
            f"no API key: set the environment variable {API_KEY_VARIABLE}, or use --local, "
            "which needs none"
        )
    flaw = key.flaw()
    if flaw:
        raise APIKeyError(f"{API_KEY_VARIABLE} {flaw}")
    return key


def refuse_key_option(arguments: list[str]) -> None:
    """Refuses an option for the key, without repeating its value.

    Raises:
        APIKeyError: an argument is ``--api-key`` or the like.
    """
    for argument in arguments:
        if _KEY_OPTION.fullmatch(argument):
            raise APIKeyError(
                f"there is no option {argument.split('=')[0]}: other users of this machine see a "
                "program's arguments, and the shell keeps them in its history. Set the "
                f"environment variable {API_KEY_VARIABLE}, or leave it out and type the key when "
                "asked. A key that was on a command line is better replaced by a new one"
            )


def without_own_key(text: str) -> str:
    """Returns ``text`` without the key in use, which a service or a proxy may repeat."""
    typed = _typed.get()
    for value in (os.environ.get(API_KEY_VARIABLE), typed and typed.reveal()):
        if value and len(value.strip()) >= _SHORTEST:
            in_json = json.dumps(value.strip())[1:-1]
            text = text.replace(value.strip(), _REMOVED).replace(in_json, _REMOVED)
    return text


def without_key(text: str) -> str:
    """Returns ``text`` without the key in use, and without anything in the form of a key."""
    return _FORM.sub(_REMOVED, without_own_key(text))
