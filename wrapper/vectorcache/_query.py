"""What is asked: one query's fields, checked."""

from collections.abc import Callable
from typing import Self, TypeAlias

import attrs

from . import _arguments as check
from . import _generated as api
from .errors import ConfigurationError, InvalidRequestError


@attrs.frozen
class Query:
    """One query, as ``before_send`` sees it; ``attrs.evolve`` makes a changed one.

    Attributes:
        prompt: the question.
        model: the LLM to ask on a miss.
        similarity_threshold: cosine similarity, 0 to 1, from which on an earlier prompt counts
            as the same.
        context: the part of the cache to look in; None for none.
        include_debug: whether to bring timings along.
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
        """A query that can be sent.

        Raises:
            InvalidRequestError: a field is at fault.
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
        """What ``before_send`` makes of the query.

        Raises:
            ConfigurationError: it returned something else than a query.
            InvalidRequestError: it returned a query that cannot be sent.
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
        """The request's body."""
        return api.QueryRequest(
            prompt=self.prompt,
            model=self.model,
            similarity_threshold=self.similarity_threshold,
            context=self.context or api.UNSET,
            include_debug=self.include_debug,
        )


BeforeSend: TypeAlias = Callable[[Query], Query]
"""A function that sees each query before it is sent, and returns it, changed or not.

An error that it raises refuses the query, and reaches the caller. A ``SensitiveDataFilter`` is
one.
"""
