"""A FastAPI service whose calls can be seen: traces by OpenTelemetry, figures for Prometheus.

    pip install 'vectorcache-python[fastapi,opentelemetry,prometheus]' uvicorn opentelemetry-sdk
    uvicorn fastapi_telemetry:app

Metrics are at /metrics; spans go to the console here, and in yours to where your SDK sends them.
The key is in VECTORCACHE_API_KEY.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from prometheus_client import CollectorRegistry, make_asgi_app

from vectorcache import VectorcacheResponse
from vectorcache.integrations.fastapi import (
    VectorcacheDep,
    add_error_handler,
    vectorcache_lifespan,
)
from vectorcache.telemetry import OpenTelemetryObserver, PrometheusCollector

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter()))
trace.set_tracer_provider(provider)
registry = CollectorRegistry()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    registry.register(PrometheusCollector(app.state.vectorcache))
    yield
    provider.shutdown()


app = FastAPI(
    lifespan=vectorcache_lifespan(
        lifespan, model="gpt-4o", deadline=20, observers=[OpenTelemetryObserver()]
    )
)
add_error_handler(app)
app.mount("/metrics", make_asgi_app(registry))


@app.get("/answer")
async def answer(question: str, client: VectorcacheDep) -> VectorcacheResponse:
    return await client.query(question)
