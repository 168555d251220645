"""The parameters of a call of an LLM library, besides its messages.

Every parameter is used, or refused by name; none is dropped silently.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs
import httpx

from .._local import compared_header
from ..errors import ConfigurationError, InvalidRequestError
from ._messages import Message, Part, prompt_and_context

# The arguments of ``client.query``.
_QUERY_OPTIONS: Final = frozenset(
    {
        "model",
        "similarity_threshold",
        "context",
        "include_debug",
        "timeout",
        "deadline",
        "max_retries",
        "extra_headers",
    }
)

# Information for a provider; no answer depends on it.
_WITHOUT_EFFECT: Final = frozenset(
    {
        "metadata",
        "parallel_tool_calls",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "user",
    }
)

# The clients of the openai package put fields here for which they have no argument.
_BODIES: Final = frozenset({"extra_body", "extra_query"})

# Parameters that ask for more than one text, with the values for which they do not.
_FEATURES: Final[Mapping[str, Collection[object]]] = {
    "audio": (),
    "function_call": ("none", "auto"),
    "functions": ([],),
    "logprobs": (False,),
    "modalities": (["text"],),
    "n": (1,),
    "response_format": ({"type": "text"},),
    "stream": (False,),
    "tool_choice": ("none", "auto"),
    "tools": ([],),
    "top_logprobs": (0,),
    "web_search_options": (),
}

# For these parameters None means no limit, which differs from leaving them out.
_NONE_MEANS_NO_LIMIT: Final = frozenset({"timeout", "deadline"})


@attrs.frozen
class Parameters:
    """The parameters of a call, all of them checked.

    Attributes:
        options: arguments for ``client.query``.
        stop: stop sequences; the answer ends before the first that occurs in it.
    """

    options: dict[str, Any]
    stop: tuple[str, ...] = ()

    @classmethod
    def checked(cls, given: Mapping[str, Any], ignore: Collection[str] = ()) -> Parameters:
        """Checks the parameters of a call; None means not given, except for time limits.

        Args:
            given: the parameters by name.
            ignore: names of parameters that may be ignored, as ``checked_ignore`` returns them.

        Raises:
            InvalidRequestError: a parameter asks for something that the service cannot do.
        """
        options = {}
        stop: tuple[str, ...] = ()
        for name, value in given.items():
            if value is None and name not in _NONE_MEANS_NO_LIMIT:
                continue
            if name in _QUERY_OPTIONS:
                options[name] = httpx_timeout(value) if name == "timeout" else value
            elif name in _BODIES and name not in ignore:
                _check_body(name, value)
            elif name == "stop":
                stop = _checked_stop(value)
            elif name in _FEATURES:
                if value not in _FEATURES[name]:
                    raise InvalidRequestError(
                        f"{name} asks for more than one text, and Vectorcache answers with exactly "
                        "one: call the LLM directly for that (nothing was sent)"
                    )
            elif name not in _WITHOUT_EFFECT and name not in ignore:
                raise InvalidRequestError(
                    f"{name} is not supported by Vectorcache, which sends the LLM only the prompt: "
                    f"leave it out, or pass ignore=[{name!r}] where the model is made, to accept "
                    "answers that were made without it (nothing was sent)"
                )
        return cls(options, stop)

    def query(
        self, messages: Sequence[Message], context: str | None, part: Part | None = None
    ) -> dict[str, Any]:
        """Returns the arguments of ``client.query`` for a conversation.

        Args:
            messages: the conversation, first message first.
            context: the context, if the call has none.
            part: the question to compare instead of the prompt; only for a service that can.

        Raises:
            InvalidRequestError: the messages contain no question, or the context is not a text.
        """
        own = self.options.get("context")
        prompt, context = prompt_and_context(
            messages, context if own is None else own, None if part is None else part.around
        )
        asked = {**self.options, "prompt": prompt, "context": context}
        if part is not None:
            headers = self.options.get("extra_headers") or {}
            asked["extra_headers"] = {**headers, **compared_header(part.question)}
        return asked


def httpx_timeout(value: Any) -> Any:
    """Converts a timeout of the ``httpx2`` package, such as ``openai.Timeout``, to ``httpx``."""
    is_timeout = type(value).__name__ == "Timeout" and not isinstance(value, httpx.Timeout)
    if is_timeout and hasattr(value, "as_dict"):
        return httpx.Timeout(**value.as_dict())
    return value


def checked_ignore(names: Iterable[str]) -> frozenset[str]:
    """Returns the names of parameters that may be ignored.

    Raises:
        ConfigurationError: ``names`` is not a collection of names, or contains a parameter that
            Vectorcache supports, or one without which the answer would be wrong.
    """
    given = [] if isinstance(names, str) else list(names)
    if isinstance(names, str) or not all(isinstance(name, str) for name in given):
        raise ConfigurationError(
            f"ignore is {names!r}: pass a list of names, such as ['temperature']"
        )
    for name in sorted(set(given)):
        if name in _FEATURES or name in _QUERY_OPTIONS or name == "stop":
            why = (
                "without which the answer would be wrong"
                if name in _FEATURES
                else "which Vectorcache supports"
            )
            raise ConfigurationError(f"ignore= names {name!r}, {why}: remove it from ignore=")
    return frozenset(given)


def _check_body(name: str, value: object) -> None:
    if not value:
        return
    known = sorted(_QUERY_OPTIONS & value.keys()) if isinstance(value, Mapping) else []
    if known:
        raise InvalidRequestError(
            f"{name} has {known[0]!r}, which is an argument of the call itself: pass "
            f"{known[0]}=... (nothing was sent)"
        )
    raise InvalidRequestError(
        f"{name} was given, and the service accepts only the fields of a query: leave it out "
        "(nothing was sent)"
    )


def _checked_stop(value: object) -> tuple[str, ...]:
    texts = (value,) if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(
        isinstance(text, str) and text for text in texts
    ):
        raise InvalidRequestError(
            "stop must be a text or a list of texts, and no text may be empty (nothing was sent)"
        )
    return tuple(texts)
