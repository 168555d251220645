"""Makes one span for each call."""

from __future__ import annotations

import json

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from .. import FailedAttempt, FinishedCall, ObservedCall, Observer, VectorcacheError
from .. import VectorcacheResponse as Response
from . import names
from .call_facts import call_attributes, end_attributes

_Attributes = dict[str, AttributeValue]


class Spans(Observer):
    """Begins a span with each call, as a child of the caller's span, and ends it with the call.

    During the call its span is the current one. So the spans of an instrumented httpx, or of the
    LLM library that a fallback uses, become its children.

    Args:
        tracer: makes the spans.
        record_content: whether spans have the prompt, the answer, and the messages of errors,
            which may quote either.
        record_context: whether spans have the context of the query.
    """

    def __init__(self, tracer: trace.Tracer, *, record_content: bool, record_context: bool) -> None:
        self._tracer = tracer
        self._record_content = record_content
        self._record_context = record_context
        # Each span, the context in which it is the current one, and the context before that.
        self._open: dict[ObservedCall, tuple[Span, Context, Context]] = {}

    def call_started(self, call: ObservedCall) -> None:
        query = call.query
        attributes = call_attributes(call)
        attributes[names.SIMILARITY_THRESHOLD] = query.similarity_threshold
        if self._record_context and query.context is not None:
            attributes[names.CONTEXT] = query.context
        if self._record_content:
            attributes[names.INPUT_MESSAGES] = _message("user", query.prompt)
        # All attributes are passed at the start, as samplers decide by them.
        span = self._tracer.start_span(
            f"{names.OPERATION} {query.model}", kind=SpanKind.CLIENT, attributes=attributes
        )
        before = otel_context.get_current()
        within = trace.set_span_in_context(span, before)
        otel_context.attach(within)
        self._open[call] = span, within, before

    def attempt_failed(self, call: ObservedCall, attempt: FailedAttempt) -> None:
        if call not in self._open:
            return  # ``call_started`` has failed.
        attributes: _Attributes = {
            names.ATTEMPT: attempt.number,
            names.ERROR_TYPE: attempt.error.__name__,
            **_answered(attempt.status_code, attempt.request_id),
        }
        if attempt.retry_in is not None:
            attributes[names.RETRY_IN] = attempt.retry_in
        if self._record_content:
            attributes[names.EXCEPTION_MESSAGE] = _clean(attempt.message)
        span, _, _ = self._open[call]
        span.add_event(names.ATTEMPT_FAILED, attributes)

    def call_finished(self, call: ObservedCall, end: FinishedCall) -> None:
        if call not in self._open:
            return
        span, within, before = self._open.pop(call)
        try:
            if span.is_recording():
                self._describe(span, end)
        finally:
            # A coroutine that is collected ends in another context, in which the span may not be
            # current. Without an SDK all spans are the same one, so the contexts are compared.
            if otel_context.get_current() is within:
                # Not detach(), which logs an error where the context is a copy of the first one.
                otel_context.attach(before)
            span.end()

    def _describe(self, span: Span, end: FinishedCall) -> None:
        attributes = end_attributes(end)
        attributes[names.ATTEMPTS] = end.attempts
        if end.result is not None:
            attributes |= _answer(end.result)
            if self._record_content:
                attributes[names.OUTPUT_MESSAGES] = _message(
                    "assistant", end.result.response, finish_reason="unknown"
                )
        elif isinstance(end.error, VectorcacheError):
            attributes |= _answered(end.error.status_code, end.error.request_id)
        span.set_attributes(attributes)
        if names.ERROR_TYPE in attributes:
            # The message of an error of another library may quote anything, so it is left out.
            told = self._record_content and isinstance(end.error, VectorcacheError)
            span.set_status(Status(StatusCode.ERROR, _clean(str(end.error)) if told else None))


def _answer(result: Response) -> _Attributes:
    attributes: _Attributes = {
        names.CACHE_HIT: result.cache_hit,
        names.COST_SAVED: result.cost_saved,
        names.LLM_PROVIDER: _clean(result.llm_provider),
        **_answered(result.meta.status_code, result.meta.request_id),
    }
    if result.similarity_score is not None:
        attributes[names.SIMILARITY_SCORE] = result.similarity_score
    if result.meta.error is not None:
        attributes[names.FALLBACK_FOR] = type(result.meta.error).__name__
    return attributes


def _answered(status_code: int | None, request_id: str | None) -> _Attributes:
    found = {names.HTTP_STATUS_CODE: status_code, names.REQUEST_ID: request_id}
    return {name: value for name, value in found.items() if value is not None}


def _message(role: str, text: str, **more: str) -> str:
    # The value is JSON, since not every SDK takes structured attributes. The schema of the
    # convention requires a finish_reason, which the service does not tell.
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}], **more}])


def _clean(text: str) -> str:
    # With half a surrogate pair, which JSON can contain, the exporter would lose a whole batch.
    return text.encode("utf-8", "replace").decode("utf-8")
