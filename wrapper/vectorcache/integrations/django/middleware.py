"""The middleware, which answers failed queries."""

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
    """Answers a view's failed query with problem details (RFC 9457), and logs the error.

    The logger is that of Django for requests, ``django.request``.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        return self._get_response(request)  # A coroutine for async views.

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Returns the response to an error of a view; None for errors of other packages."""
        if not isinstance(error, VectorcacheError):
            return None
        problem = Problem.from_error(error)
        response = HttpResponse(
            problem.body,
            content_type=MEDIA_TYPE,
            status=problem.status,
            headers=problem.headers,
        )
        # Django then knows that this response is logged, and does not log it again.
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
