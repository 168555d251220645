"""Checks a query against the description of the service."""

import json
from dataclasses import dataclass
from typing import Any

MAX_PROMPT = 32_000
"""Characters that a prompt may have."""

DEFAULT_THRESHOLD = 0.85

# The fields of a request's body.
_IN_BODY = ("prompt", "model", "similarity_threshold", "context", "include_debug", "project_id")


@dataclass(frozen=True, slots=True)
class Question:
    """A checked query.

    An empty context is the same as None. There is one project, so ``project_id`` is checked but
    not used.

    Attributes:
        compared: the part of the prompt that is compared with earlier prompts, if the rest of it is
            in the digest of the context; None to compare the whole prompt.

    Raises:
        TypeError: a field has the wrong type.
        ValueError: a field is out of its range. The texts name the field, never its content.
    """

    prompt: str
    model: str
    similarity_threshold: float = DEFAULT_THRESHOLD
    context: str | None = None
    include_debug: bool = False
    project_id: str = ""
    compared: str | None = None

    def __post_init__(self) -> None:
        for name, value in (("prompt", self.prompt), ("model", self.model)):
            _check_text(name, value)
        if not self.prompt:
            raise ValueError("prompt must not be empty")
        if len(self.prompt) > MAX_PROMPT:
            raise ValueError(f"prompt must be at most {MAX_PROMPT:,} characters")
        _check_text("project_id", self.project_id)
        threshold: object = self.similarity_threshold
        if isinstance(threshold, bool) or not isinstance(threshold, int | float):
            raise TypeError("similarity_threshold must be a number")
        # The condition is written so that NaN fails, too.
        if not 0 <= threshold <= 1:
            raise ValueError("similarity_threshold must be between 0 and 1")
        if self.context is not None:
            _check_text("context", self.context)
            object.__setattr__(self, "context", self.context or None)
        if not isinstance(self.include_debug, bool):
            raise TypeError("include_debug must be true or false")

    @classmethod
    def from_json(cls, body: bytes) -> "Question":
        """Returns the query of a request's body. Unknown fields are ignored.

        Raises:
            TypeError: the body is not a JSON object, or a field has the wrong type.
            ValueError: the body is not JSON, or a field is missing or out of its range.
        """
        try:
            fields: Any = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise ValueError("the body must be JSON in UTF-8") from None
        if not isinstance(fields, dict):
            raise TypeError("the body must be a JSON object")
        for name in ("prompt", "model"):
            if name not in fields:
                raise ValueError(f"Field required: {name}")
        return cls(**{name: fields[name] for name in _IN_BODY if name in fields})

    @property
    def meaning(self) -> str:
        """The text whose meaning is compared."""
        return self.prompt if self.compared is None else self.compared

    def meaning_of(self, prompt: str) -> str:
        """Returns the text of an earlier prompt of this context that is compared."""
        before, found, after = self.prompt.rpartition(self.compared or self.prompt)
        end = len(prompt) - len(after)
        if found and len(before) < end and prompt.startswith(before) and prompt.endswith(after):
            return prompt[len(before) : end]
        return prompt


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string")
    if not is_unicode(value):
        raise ValueError(f"{name} must be valid Unicode text, without lone surrogates")


def is_unicode(text: str) -> bool:
    """Returns whether a text can be encoded as UTF-8: JSON may hold half a surrogate pair."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
