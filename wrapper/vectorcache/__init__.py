"""The Python SDK for Vectorcache, the semantic cache for LLM answers.

>>> from vectorcache import VectorcacheClient
>>> with VectorcacheClient() as client:  # doctest: +SKIP
...     result = client.query("What is machine learning?", model="gpt-4o")
...     print(result.response, result.cache_hit, result.cost_saved)
"""

from ._async_client import AsyncVectorcacheClient
from ._batch.result import BatchProgress, BatchResult
from ._call.circuit import CircuitBreaker
from ._call.options import NOT_GIVEN, NotGiven
from ._call.retry import RetryPolicy
from ._llm import LLM
from ._observer import FailedAttempt, FinishedCall, ObservedCall, Observer
from ._query import BeforeSend, Query
from ._rate_limit.limiter import RateLimiter
from ._response import DebugInfo, RateLimit, ResponseMeta, VectorcacheResponse
from ._secret import KeySource
from ._sensitive_data import SensitiveDataFilter
from ._settings import FALLBACK_ON, ClientOptions, Errors
from ._stats.latency import Latency
from ._stats.stats import Scores, Stats
from ._sync_client import VectorcacheClient
from ._version import __version__
from .errors import (
    APIConnectionError,
    APIResponseError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    CircuitOpenError,
    ConfigurationError,
    InternalServerError,
    InvalidRequestError,
    LLMProviderError,
    NotCacheableError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    SensitiveDataError,
    ServiceUnavailableError,
    VectorcacheError,
)

__all__ = [
    "FALLBACK_ON",
    "LLM",
    "NOT_GIVEN",
    "APIConnectionError",
    "APIResponseError",
    "APIStatusError",
    "APITimeoutError",
    "AsyncVectorcacheClient",
    "AuthenticationError",
    "BadRequestError",
    "BatchProgress",
    "BatchResult",
    "BeforeSend",
    "CircuitBreaker",
    "CircuitOpenError",
    "ClientOptions",
    "ConfigurationError",
    "DebugInfo",
    "Errors",
    "FailedAttempt",
    "FinishedCall",
    "InternalServerError",
    "InvalidRequestError",
    "KeySource",
    "LLMProviderError",
    "Latency",
    "NotCacheableError",
    "NotFoundError",
    "NotGiven",
    "ObservedCall",
    "Observer",
    "PermissionDeniedError",
    "Query",
    "QuotaExceededError",
    "RateLimit",
    "RateLimitError",
    "RateLimiter",
    "ResponseMeta",
    "RetryPolicy",
    "Scores",
    "SensitiveDataError",
    "SensitiveDataFilter",
    "ServiceUnavailableError",
    "Stats",
    "VectorcacheClient",
    "VectorcacheError",
    "VectorcacheResponse",
    "__version__",
]

for _name in __all__:
    if isinstance(_member := globals()[_name], type):
        # Pickles and tracebacks then name this package, and not its private modules.
        _member.__module__ = __name__
