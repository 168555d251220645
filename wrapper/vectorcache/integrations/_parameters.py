"""What a call of an LLM library says beside its messages, and what becomes of it.

Every parameter is taken, or refused by name; none is dropped without a word.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs
import httpx

from .._local import compared_header
from ..errors import ConfigurationError, InvalidRequestError
from ._messages import Message, Part, prompt_and_context

# What ``client.query`` takes itself.
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

# Notes to a provider that no answer depends on.
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

# Where openai's clients put what their own arguments have no name for.
_BODIES: Final = frozenset({"extra_body", "extra_query"})

# What asks for something else than one text, with the values that do not.
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

# For these, None is not the same as leaving them out: it means no limit.
_NONE_SAYS_SOMETHING: Final = frozenset({"timeout", "deadline"})


@attrs.frozen
class Parameters:
    """A call's parameters, all of them accounted for.

    Attributes:
        options: arguments for ``client.query``.
        stop: texts before the first of which the answer ends.
    """

    options: dict[str, Any]
    stop: tuple[str, ...] = ()

    @classmethod
    def checked(cls, given: Mapping[str, Any], ignore: Collection[str] = ()) -> Parameters:
        """The parameters of a call; None counts as not given, but for time limits.

        Args:
            given: the parameters by name.
            ignore: names of settings that may be left unheard, as ``checked_ignore`` returns
                them.

        Raises:
            InvalidRequestError: one of them asks for what the service cannot do.
        """
        options = {}
        stop: tuple[str, ...] = ()
        for name, value in given.items():
            if value is None and name not in _NONE_SAYS_SOMETHING:
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
                        f"{name} asks for something else than one text, and Vectorcache answers "
                        "with nothing else: call the LLM directly for that (nothing was sent)"
                    )
            elif name not in _WITHOUT_EFFECT and name not in ignore:
                raise InvalidRequestError(
                    f"{name} has no meaning for Vectorcache, which sends the LLM the prompt "
                    f"alone: leave it out, or pass ignore=[{name!r}] where the model is made, to "
                    "accept answers that were made without it (nothing was sent)"
                )
        return cls(options, stop)

    def query(
        self, messages: Sequence[Message], context: str | None, part: Part | None = None
    ) -> dict[str, Any]:
        """The arguments for ``client.query`` that ask what the messages do.

        Args:
            messages: the conversation, first message first.
            context: the part of the cache, if the call names none.
            part: the question to compare in place of the prompt; only for a service that can.

        Raises:
            InvalidRequestError: the messages ask nothing, or a context is no text.
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
    """A timeout of the ``httpx2`` package, such as ``openai.Timeout``, as one of ``httpx``."""
    is_timeout = type(value).__name__ == "Timeout" and not isinstance(value, httpx.Timeout)
    if is_timeout and hasattr(value, "as_dict"):
        return httpx.Timeout(**value.as_dict())
    return value


def checked_ignore(names: Iterable[str]) -> frozenset[str]:
    """The names of settings that may be left unheard.

    Raises:
        ConfigurationError: it is no collection of names, or one of them asks for something else
            than one text.
    """
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise ConfigurationError("ignore takes a list of names, such as ['temperature']")
    for name in sorted(set(names)):
        if name in _FEATURES or name in _QUERY_OPTIONS or name == "stop":
            why = (
                "the answer would be another than was asked for"
                if name in _FEATURES
                else "it is heard"
            )
            raise ConfigurationError(f"ignore has {name!r}, which it is not for: {why}")
    return frozenset(names)


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
        f"{name} was given, and the service takes no fields but those of a query: leave it out "
        "(nothing was sent)"
    )


def _checked_stop(value: object) -> tuple[str, ...]:
    texts = (value,) if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(
        isinstance(text, str) and text for text in texts
    ):
        raise InvalidRequestError(
            "stop must be a text or a list of texts, none of them empty (nothing was sent)"
        )
    return tuple(texts)
