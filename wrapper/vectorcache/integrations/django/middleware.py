"""What a failed query is answered with."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils.log import log_response

from ...errors import VectorcacheError
from .._problem import MEDIA_TYPE, Problem


class VectorcacheMiddleware:
    """Answers what a view's query fails with as problem details (RFC 9457), and logs it.

    The log is Django's own for requests, ``django.request``.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        return self._get_response(request)  # For async views, what is to be awaited.

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The answer to an error of a view; None for those that are not ours."""
        if not isinstance(error, VectorcacheError):
            return None
        problem = Problem.of(error)
        response = HttpResponse(
            problem.body,
            content_type=MEDIA_TYPE,
            status=problem.status,
            headers=problem.headers,
        )
        # By this Django knows that nothing more is to be logged of this answer.
        log_response(
            "%s %r: %d for %s: %s",
            request.method,
            request.path,
            problem.status,
            type(error).__name__,
            error,
            response=response,
            request=request,
            level=logging.getLevelName(problem.level).lower(),
            exception=error if problem.is_own_mistake else None,
        )
        return response
