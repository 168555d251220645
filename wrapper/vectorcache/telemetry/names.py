"""Defines every name in telemetry, with the convention that it comes from.

The GenAI conventions are those of https://opentelemetry.io/schemas/gen-ai/1.42.0, which are still
in development; ``error.*``, ``exception.*``, ``http.*`` and ``server.*`` are stable. A name
without a convention begins with ``vectorcache.``, and ends with the name of the client's own field.
"""

from __future__ import annotations

from typing import Final

# The instrumentation scope.
SCOPE: Final = "vectorcache"
SCHEMA_URL: Final = "https://opentelemetry.io/schemas/gen-ai/1.42.0"

# The span is an inference span, {operation} {model}, and so are its attributes:
# https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-spans.md
OPERATION_NAME: Final = "gen_ai.operation.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"

# This well-known value is for one prompt without roles that is answered by one text. The provider
# is the service that is called; vectorcache.llm_provider names the author of the answer.
OPERATION: Final = "text_completion"
PROVIDER: Final = "vectorcache"

# https://opentelemetry.io/docs/specs/semconv/registry/attributes/server/
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
# https://opentelemetry.io/docs/specs/semconv/general/recording-errors/
ERROR_TYPE: Final = "error.type"
# https://opentelemetry.io/docs/specs/semconv/registry/attributes/exception/
EXCEPTION_MESSAGE: Final = "exception.message"
# https://opentelemetry.io/docs/specs/semconv/http/http-spans/
HTTP_STATUS_CODE: Final = "http.response.status_code"

# Attributes of a call: how it ended, and attempts made.
OUTCOME: Final = "vectorcache.outcome"
ATTEMPTS: Final = "vectorcache.attempts"
# Attributes of a query.
SIMILARITY_THRESHOLD: Final = "vectorcache.similarity_threshold"
CONTEXT: Final = "vectorcache.context"
# Attributes of an answer; the cost is in US dollars.
CACHE_HIT: Final = "vectorcache.cache_hit"
SIMILARITY_SCORE: Final = "vectorcache.similarity_score"
COST_SAVED: Final = "vectorcache.cost_saved"
LLM_PROVIDER: Final = "vectorcache.llm_provider"
REQUEST_ID: Final = "vectorcache.request_id"
# The class of the error for which a fallback has answered.
FALLBACK_FOR: Final = "vectorcache.fallback_for"

# The event of a failed attempt, the number of the attempt from 1, and seconds until the next.
ATTEMPT_FAILED: Final = "vectorcache.attempt_failed"
ATTEMPT: Final = "vectorcache.attempt"
RETRY_IN: Final = "vectorcache.retry_in"

# The values of the outcome, those of ``FinishedCall.outcome``; they are labels in Prometheus, too.
HIT: Final = "hit"
MISS: Final = "miss"
FALLBACK: Final = "fallback"
FAILED: Final = "failed"
CANCELLED: Final = "cancelled"

# https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-metrics.md
DURATION_METRIC: Final = "gen_ai.client.operation.duration"
CALLS_METRIC: Final = "vectorcache.calls"
RETRIES_METRIC: Final = "vectorcache.retries"
COST_SAVED_METRIC: Final = "vectorcache.cost_saved"
SIMILARITY_SCORE_METRIC: Final = "vectorcache.similarity_score"

# Prometheus has rules of its own: https://prometheus.io/docs/practices/naming/
# The client library adds _total to counters, and _bucket, _sum and _count to histograms.
PROMETHEUS_CALLS: Final = "vectorcache_calls"
PROMETHEUS_ERRORS: Final = "vectorcache_errors"
PROMETHEUS_RETRIES: Final = "vectorcache_retries"
PROMETHEUS_COST_SAVED: Final = "vectorcache_cost_saved_dollars"
PROMETHEUS_SCORES: Final = "vectorcache_similarity_score"
PROMETHEUS_LATENCY: Final = "vectorcache_latency_seconds"
LABEL_CLIENT: Final = "client"
LABEL_MODEL: Final = "model"
LABEL_CONTEXT: Final = "context"
LABEL_OUTCOME: Final = "outcome"
LABEL_ERROR: Final = "error"
