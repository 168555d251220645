"""The span of a call."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from clients import MakeClient
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from servers import MISS, ScriptedServer, answer
from telemetry.recorded import Recorded, id_of

from vectorcache import (
    FinishedCall,
    ObservedCall,
    Query,
    __version__,
)
from vectorcache.telemetry import names

QUERY = Query("Q", "m", 0.85)


def answered_by(text: str, port: int) -> dict[str, Any]:
    """Returns the attributes of every span of these tests."""
    return {
        "gen_ai.operation.name": "text_completion",
        "gen_ai.provider.name": "vectorcache",
        "gen_ai.request.model": text,
        "server.address": "127.0.0.1",
        "server.port": port,
        "vectorcache.similarity_threshold": 0.85,
    }


def test_a_hit(make_client: MakeClient, server: ScriptedServer, recorded: Recorded) -> None:
    """One client span, by the GenAI conventions, has all that is known of a call."""
    server.script = [answer(headers={"X-Request-Id": "8f2c"})]
    make_client(observers=[recorded.observer()]).query("Q", "gpt-4o")
    span = recorded.span
    assert span.name == "text_completion gpt-4o"
    assert span.kind is SpanKind.CLIENT
    assert dict(span.attributes or {}) == {
        **answered_by("gpt-4o", server.port),
        "http.response.status_code": 200,
        "vectorcache.attempts": 1,
        "vectorcache.cache_hit": True,
        "vectorcache.cost_saved": 0.0023,
        "vectorcache.llm_provider": "cache",
        "vectorcache.outcome": "hit",
        "vectorcache.request_id": "8f2c",
        "vectorcache.similarity_score": 0.94,
    }
    assert span.status.status_code is StatusCode.UNSET
    assert span.events == ()
    assert span.parent is None
    scope = span.instrumentation_scope
    assert scope is not None
    assert (scope.name, scope.version, scope.schema_url) == (
        "vectorcache",
        __version__,
        names.SCHEMA_URL,
    )


def test_a_miss(make_client: MakeClient, server: ScriptedServer, recorded: Recorded) -> None:
    """The span of a miss has the provider that answered, and no score."""
    server.script = [answer(MISS)]
    make_client(observers=[recorded.observer()]).query("Q", "m")
    attributes = dict(recorded.span.attributes or {})
    assert attributes == {
        **answered_by("m", server.port),
        "http.response.status_code": 200,
        "vectorcache.attempts": 1,
        "vectorcache.cache_hit": False,
        "vectorcache.cost_saved": 0.0,
        "vectorcache.llm_provider": "openai",
        "vectorcache.outcome": "miss",
    }


def test_what_samplers_decide_by(
    make_client: MakeClient, server: ScriptedServer, recorded: Recorded
) -> None:
    """The attributes of the query are on the span from the start."""
    seen: list[dict[str, Any]] = []

    class Watch(SpanProcessor):
        def on_start(self, span: Any, parent_context: Any = None) -> None:
            seen.append(dict(span.attributes))

    recorded.tracer_provider.add_span_processor(Watch())
    make_client(observers=[recorded.observer()]).query("Q", "m")
    assert seen == [answered_by("m", server.port)]


@pytest.mark.parametrize(
    ("base_url", "address", "port"),
    [
        ("https://api.vectorcache.com", "api.vectorcache.com", 443),
        ("http://localhost/v2", "localhost", 80),
        ("https://[::1]:8443", "::1", 8443),
    ],
)
def test_the_servers_address(recorded: Recorded, base_url: str, address: str, port: int) -> None:
    """The span has address and port, even if the port is the default of the scheme."""
    observer = recorded.observer()
    call = ObservedCall(QUERY, "unused", httpx.URL(base_url))
    observer.call_started(call)
    observer.call_finished(call, FinishedCall(None, KeyboardInterrupt(), 0, 0.0))
    attributes = recorded.span.attributes or {}
    assert (attributes["server.address"], attributes["server.port"]) == (address, port)


def test_it_is_the_callers_child(make_client: MakeClient, recorded: Recorded) -> None:
    """The parent of a call's span is the caller's span, which is current again afterwards."""
    client = make_client(observers=[recorded.observer()])
    with recorded.tracer.start_as_current_span("handler") as parent:
        client.query("Q", "m")
        client.query("R", "m")
        assert trace.get_current_span() is parent
    assert not trace.get_current_span().get_span_context().is_valid
    for span in recorded.spans:
        assert span.parent is not None
        assert span.parent.span_id == parent.get_span_context().span_id


def test_it_is_current_while_the_call_goes_on(
    make_client: MakeClient, server: ScriptedServer, recorded: Recorded
) -> None:
    """A span made during the call, as by a fallback, is a child of the call's span."""

    def fallback(prompt: str, model: str, context: str | None) -> str:
        with recorded.tracer.start_as_current_span("chat gpt-4o") as span:
            under.append(span)
        return "from elsewhere"

    under: list[Any] = []
    server.default = answer({"detail": "no"}, status=422)
    make_client(observers=[recorded.observer()], fallback=fallback).query("Q", "m")
    assert under[0].parent.span_id == id_of(recorded.span)


def test_two_observers(make_client: MakeClient, recorded: Recorded) -> None:
    """The spans of two observers nest, and the current span is restored."""
    client = make_client(observers=[recorded.observer(), recorded.observer()])
    with recorded.tracer.start_as_current_span("handler") as parent:
        client.query("Q", "m")
        assert trace.get_current_span() is parent
    inner, outer = recorded.spans
    assert inner.parent is not None
    assert inner.parent.span_id == id_of(outer)
