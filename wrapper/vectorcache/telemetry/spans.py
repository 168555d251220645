"""One span for each call."""

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
    """Begins a span with each call, under the caller's, and ends it with the call.

    While the call goes on its span is the current one: what is made meanwhile, by an instrumented
    httpx or LLM library of the fallback, comes under it.

    Args:
        tracer: makes the spans.
        record_content: whether they have the prompt, the answer, and errors' messages, which may
            quote either.
        record_context: whether they have the query's context.
    """

    def __init__(self, tracer: trace.Tracer, *, record_content: bool, record_context: bool) -> None:
        self._tracer = tracer
        self._record_content = record_content
        self._record_context = record_context
        # With the context in which it is the current one, and the context before that.
        self._open: dict[ObservedCall, tuple[Span, Context, Context]] = {}

    def call_started(self, call: ObservedCall) -> None:
        query = call.query
        attributes = call_attributes(call)
        attributes[names.SIMILARITY_THRESHOLD] = query.similarity_threshold
        if self._record_context and query.context is not None:
            attributes[names.CONTEXT] = query.context
        if self._record_content:
            attributes[names.INPUT_MESSAGES] = _message("user", query.prompt)
        # All at once, as samplers decide by them.
        span = self._tracer.start_span(
            f"{names.OPERATION} {query.model}", kind=SpanKind.CLIENT, attributes=attributes
        )
        before = otel_context.get_current()
        within = trace.set_span_in_context(span, before)
        otel_context.attach(within)
        self._open[call] = span, within, before

    def attempt_failed(self, call: ObservedCall, attempt: FailedAttempt) -> None:
        if call not in self._open:
            return  # Beginning it has failed.
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
            # Of errors that are not ours nobody knows what they quote.
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
    # As JSON, since not every SDK takes attributes with a structure; the schemas are beside the
    # convention, and ask for a finish_reason, of which the service says nothing.
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}], **more}])


def _clean(text: str) -> str:
    # Half a surrogate pair, which JSON can bring, would cost the exporter the whole batch.
    return text.encode("utf-8", "replace").decode("utf-8")
