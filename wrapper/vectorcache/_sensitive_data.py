"""A ready-made ``before_send`` function that keeps personal data out of the cache."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import attrs

from ._query import Query
from .errors import ConfigurationError, SensitiveDataError

# The three kinds that the security guide of the service filters. Each pattern takes time in
# proportion to the text, even if the text is hostile: an address is searched only from the start of
# a run of its characters.
_PATTERNS = MappingProxyType(
    {
        "US social security number": r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])",
        "card number": r"(?<![\w-])\d{4}([ -]?)\d{4}\1\d{4}\1\d{4}(?![\w-])",
        "e-mail address": r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}",
    }
)


class SensitiveDataFilter:
    """Refuses, or redacts, queries whose prompt or context holds personal data.

    Patterns find data that has a fixed form; they do not find names or addresses of people. For
    those, pass a function of your own as ``before_send`` that asks a detector such as Presidio.

    Args:
        action: ``"refuse"`` raises ``SensitiveDataError`` before anything is sent; ``"redact"``
            replaces what was found, for example by ``<e-mail address>``, and sends the query.
        patterns: regular expressions, by the names of the data that they find. By default those
            of the security guide of the service: US social security numbers, card numbers of 16
            digits (in groups of four or not) and e-mail addresses.

    Raises:
        ConfigurationError: ``action`` or a pattern is invalid.

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
                compiled.search("")  # A pattern of bytes cannot search a text, and raises here.
            except (re.error, TypeError) as error:
                raise ConfigurationError(
                    f"pattern {name!r} is not a valid regular expression: {error}"
                ) from None
            self._patterns[name] = compiled

    def __call__(self, query: Query) -> Query:
        """Returns the query, redacted if ``action`` is ``"redact"``.

        Raises:
            SensitiveDataError: the query holds personal data, and ``action`` is ``"refuse"``.
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
