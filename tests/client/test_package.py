"""The package as a whole: its names, what its import loads, its signatures."""

from __future__ import annotations

import inspect
import json
import pickle
import subprocess
import sys
from importlib import import_module
from importlib.metadata import requires, version
from typing import Any, get_type_hints

import attrs
import pytest

import vectorcache
from vectorcache import AsyncVectorcacheClient, BatchResult, VectorcacheClient
from vectorcache._settings import ClientOptions, Settings

NAMES = {
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
}


def test_the_public_names() -> None:
    """The package exports exactly these names."""
    assert set(vectorcache.__all__) == NAMES
    assert all(hasattr(vectorcache, name) for name in NAMES)


def test_the_version_is_the_distributions() -> None:
    """``__version__`` is the version of the installed distribution."""
    assert vectorcache.__version__ == version("vectorcache-python")


def test_the_core_needs_three_packages() -> None:
    """Without extras, httpx, attrs and python-dateutil are the only dependencies."""
    needed = [need for need in requires("vectorcache-python") or [] if "extra ==" not in need]
    names = {need.partition(">")[0].partition("<")[0] for need in needed}
    assert names == {"httpx", "attrs", "python-dateutil"}


def loaded_by(program: str) -> dict[str, Any]:
    """Returns what a new interpreter has loaded and started after ``program``."""
    tell = (
        "import json, sys, threading, logging\n"
        "print(json.dumps({'modules': sorted(sys.modules), 'threads': threading.active_count(),"
        " 'handlers': len(logging.getLogger().handlers)}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\n{tell}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_importing_is_light() -> None:
    """``import vectorcache`` loads nothing heavy, starts nothing and configures nothing."""
    plain = loaded_by("import httpx, attrs, anyio.lowlevel")
    ours = loaded_by("import vectorcache")
    new = set(ours["modules"]) - set(plain["modules"])
    small = {"hmac", "_hashlib", "queue", "_queue", "heapq", "_heapq"}
    assert {name.partition(".")[0] for name in new} <= {"vectorcache", *small}
    assert "vectorcache.local" not in new
    assert ours["threads"] == 1
    assert ours["handlers"] == 0


@pytest.mark.parametrize("kind", [VectorcacheClient, AsyncVectorcacheClient])
def test_with_options_takes_what_the_constructor_takes(
    kind: type[VectorcacheClient | AsyncVectorcacheClient],
) -> None:
    """Every argument of the constructor can be changed by with_options, under the same name."""
    constructor = [name for name in inspect.signature(kind.__init__).parameters if name != "self"]
    assert constructor == list(ClientOptions.__annotations__)
    settings = [field.name for field in attrs.fields(Settings) if field.init]
    assert settings == [name for name in constructor if name != "http_client"]
    options = inspect.signature(kind.with_options).parameters["options"]
    assert options.kind is inspect.Parameter.VAR_KEYWORD
    assert "ClientOptions" in str(options.annotation)
    types = get_type_hints(ClientOptions)
    for name, hint in get_type_hints(kind.__init__).items():
        if name not in ("return", "http_client"):
            assert types[name] == hint, name


def test_sync_and_async_take_the_same() -> None:
    """The sync and the async client have the same parameters."""
    for method in ("__init__", "query", "with_options", "local"):
        sync, awaiting = (
            inspect.signature(getattr(kind, method)).replace(return_annotation=None)
            for kind in (VectorcacheClient, AsyncVectorcacheClient)
        )
        assert sync == awaiting
    assert list(inspect.signature(VectorcacheClient).parameters)[:2] == ["api_key", "base_url"]


CLASSES = sorted(name for name in NAMES if isinstance(getattr(vectorcache, name), type))


@pytest.mark.parametrize("name", CLASSES)
def test_public_classes_name_the_package(name: str) -> None:
    """Every public class says that it is defined in ``vectorcache``, wherever it is written."""
    assert getattr(vectorcache, name).__module__ == "vectorcache"


def test_public_modules_name_no_private_one() -> None:
    """No class that a public module exports says that it is defined in a private module."""
    for name in ("dataframe", "local", "telemetry", "tuning"):
        module = import_module(f"vectorcache.{name}")
        for exported in module.__all__:
            assert "._" not in str(getattr(getattr(module, exported), "__module__", "")), exported


def test_pickles_name_no_private_module() -> None:
    """Pickles can be read by later versions, as they name only public modules."""
    error = vectorcache.RateLimitError("too many requests", status_code=429)
    meta = vectorcache.ResponseMeta(200, error=error)
    response = vectorcache.VectorcacheResponse(True, "yes", 0.9, 0.1, "cache", meta=meta)
    for thing in (
        response,
        BatchResult(0, 0, "a prompt", response),
        vectorcache.Query("a prompt", "gpt-4o", 0.85),
        vectorcache.RetryPolicy(),
        vectorcache.CircuitBreaker(),
        vectorcache.RateLimiter("1/s"),
        vectorcache.Stats(),
        vectorcache.NOT_GIVEN,
    ):
        pickled = pickle.dumps(thing)
        assert b"vectorcache._" not in pickled
        assert repr(pickle.loads(pickled)) == repr(thing)


@pytest.mark.parametrize("name", CLASSES)
def test_public_names_are_documented(name: str) -> None:
    """Every public class and every public method has a docstring."""
    thing = getattr(vectorcache, name)
    assert inspect.getdoc(thing)
    for method, member in inspect.getmembers(thing, inspect.isfunction):
        if not method.startswith("_") and member.__module__.startswith("vectorcache."):
            assert inspect.getdoc(member), method
