"""A query: its fields, checked, and the body of its request."""

from collections.abc import Callable
from typing import Self, TypeAlias

import attrs

from . import _arguments as check
from . import _generated as api
from .errors import ConfigurationError, InvalidRequestError


@attrs.frozen
class Query:
    """One query, as ``before_send`` gets it; ``attrs.evolve`` makes a changed copy.

    Attributes:
        prompt: the question.
        model: the LLM to ask on a miss.
        similarity_threshold: the lowest cosine similarity, from 0 to 1, at which an earlier
            prompt counts as the same.
        context: the part of the cache to look in; None for the default part.
        include_debug: whether to return timings, in ``debug``.
    """

    prompt: str
    model: str
    similarity_threshold: float
    context: str | None = None
    include_debug: bool = False

    @classmethod
    def checked(
        cls,
        prompt: object,
        model: object,
        similarity_threshold: object,
        context: object,
        include_debug: object,
    ) -> Self:
        """Returns a query that can be sent.

        Raises:
            InvalidRequestError: a field is invalid.
        """
        refuse = InvalidRequestError
        return cls(
            check.check_prompt(prompt, refuse),
            check.check_model(model, refuse),
            check.check_threshold(similarity_threshold, refuse),
            None if context is None else check.check_context(context, refuse) or None,
            check.check_flag("include_debug", include_debug, refuse),
        )

    def screened(self, hook: "BeforeSend") -> "Query":
        """Returns the query that the ``before_send`` function makes of this one.

        Raises:
            ConfigurationError: the function did not return a query.
            InvalidRequestError: the function returned a query that cannot be sent.
        """
        changed: object = hook(self)
        if not isinstance(changed, Query):
            raise ConfigurationError(
                f"before_send returned {type(changed).__name__}: return the query, changed or "
                "not, or raise an error to refuse it (nothing was sent)"
            )
        fields = attrs.astuple(changed, recurse=False)
        return changed if changed is self else self.checked(*fields)

    def to_body(self) -> "api.QueryRequest":
        """Returns the body of the request."""
        return api.QueryRequest(
            prompt=self.prompt,
            model=self.model,
            similarity_threshold=self.similarity_threshold,
            context=self.context or api.UNSET,
            include_debug=self.include_debug,
        )


BeforeSend: TypeAlias = Callable[[Query], Query]
"""A function that sees each query before it is sent, and returns it, changed or not.

If it raises an error, the query is not sent, and the caller gets that error. A
``SensitiveDataFilter`` is such a function.
"""
