"""Keeps personal data out of the cache: a ready-made ``before_send``."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import attrs

from ._query import Query
from .errors import ConfigurationError, SensitiveDataError

# The three kinds that the service's security guide filters, and what they look like. All take
# time in proportion to the text, however hostile it is: an address can only begin where a run of
# its characters begins.
_PATTERNS = MappingProxyType(
    {
        "US social security number": r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])",
        "card number": r"(?<![\w-])\d{4}([ -]?)\d{4}\1\d{4}\1\d{4}(?![\w-])",
        "e-mail address": r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}",
    }
)


class SensitiveDataFilter:
    """Refuses, or redacts, queries whose prompt or context holds personal data.

    Patterns find what has a form of its own, and no names or addresses of people. For more, pass
    a function of your own as ``before_send`` that asks a detector such as Presidio.

    Args:
        action: ``"refuse"`` raises ``SensitiveDataError`` before anything is sent; ``"redact"``
            sends ``<e-mail address>`` and the like in the place of what was found.
        patterns: regular expressions by the name of what they find. By default those of the
            service's security guide: US social security numbers, card numbers of 16 digits (in
            groups of four or not) and e-mail addresses.

    Raises:
        ConfigurationError: ``action`` or a pattern is at fault.

    Examples:
        >>> from vectorcache import SensitiveDataFilter, VectorcacheClient
        >>> client = VectorcacheClient(
        ...     "vc_key", before_send=SensitiveDataFilter(action="redact")
        ... )
        >>> client.close()
    """

    def __init__(
        self,
        *,
        action: Literal["refuse", "redact"] = "refuse",
        patterns: Mapping[str, str | re.Pattern[str]] = _PATTERNS,
    ) -> None:
        if action not in ("refuse", "redact"):
            raise ConfigurationError(f'action is {action!r}: use "refuse" or "redact"')
        self._redacts = action == "redact"
        self._patterns: dict[str, re.Pattern[str]] = {}
        if not isinstance(patterns, Mapping):
            raise ConfigurationError("patterns must be a mapping from names to patterns")
        for name, pattern in patterns.items():
            try:
                compiled = re.compile(pattern)
                compiled.search("")  # A pattern of bytes finds nothing in text.
            except (re.error, TypeError) as error:
                raise ConfigurationError(f"the pattern for {name!r} is none: {error}") from None
            self._patterns[name] = compiled

    def __call__(self, query: Query) -> Query:
        """The query, if it may be sent.

        Raises:
            SensitiveDataError: it holds what is looked for, and ``action`` is ``"refuse"``.
        """
        prompt = self._screened("prompt", query.prompt)
        context = query.context and self._screened("context", query.context)
        if prompt == query.prompt and context == query.context:
            return query
        return attrs.evolve(query, prompt=prompt, context=context)

    def _screened(self, field: str, text: str) -> str:
        for name, pattern in self._patterns.items():
            if self._redacts:
                text = pattern.sub(f"<{name}>".replace("\\", r"\\"), text)
            elif found := pattern.search(text):
                raise SensitiveDataError(
                    f"{field} was not sent: characters {found.start():,} to {found.end():,} look "
                    f"like personal data ({name}); remove it from the {field}, or use "
                    'action="redact", which replaces it before the query is sent'
                )
        return text

    def __repr__(self) -> str:
        action = "redact" if self._redacts else "refuse"
        return f"SensitiveDataFilter(action={action!r}, patterns={list(self._patterns)})"
