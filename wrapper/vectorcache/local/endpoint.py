"""Answers ``POST /v1/cache/query``: from the parts of a request to those of a response."""

import json
import logging
import re
import traceback
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace

from .answer import Answer
from .engine import Engine
from .errors import LLMError, LocalCacheError
from .question import Question

PATH = "/v1/cache/query"
MAX_BODY = 1_000_000
"""Bytes of a request body: the longest prompt, every character escaped, leaves room to spare."""

_AUTHORIZATION = re.compile(r"bearer +vc_[0-9a-f]{32} *", re.IGNORECASE | re.ASCII)
_log = logging.getLogger("vectorcache.local")


@dataclass(frozen=True, slots=True)
class Reply:
    """The status, headers and body of a response."""

    status: int
    headers: dict[str, str]
    body: bytes


class Refusal(Exception):
    """A request that is refused before it reaches the engine."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers


def respond(
    engine: Engine,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    compared: str | None = None,
) -> Reply:
    """Returns the response to a request. It never raises an Exception.

    Args:
        engine: the engine that answers.
        method: the method of the request.
        path: the path of the request.
        headers: the headers of the request, with names in lower case.
        body: the body of the request.
        compared: the part of the prompt to compare; None for all of it. Only the transport of this
            process passes one.
    """
    request_id = uuid.uuid4().hex
    try:
        question = _read(method, path, headers, body, compared)
        return _success(request_id, engine.answer(question))
    except Exception as error:
        return _failure(request_id, error)


async def arespond(
    engine: Engine,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    compared: str | None = None,
) -> Reply:
    """Does the same as ``respond``, without blocking the event loop."""
    request_id = uuid.uuid4().hex
    try:
        question = _read(method, path, headers, body, compared)
        return _success(request_id, await engine.aanswer(question))
    except Exception as error:
        return _failure(request_id, error)


def refuse(status: int, detail: str) -> Reply:
    """Returns the response to a request that is refused before it is read."""
    return _failure(uuid.uuid4().hex, Refusal(status, detail))


def _read(
    method: str, path: str, headers: Mapping[str, str], body: bytes, compared: str | None
) -> Question:
    if path != PATH:
        raise Refusal(404, f"Not Found: the one endpoint is POST {PATH}")
    if method != "POST":
        raise Refusal(405, f"Method Not Allowed: use POST {PATH}", {"allow": "POST"})
    authorization = headers.get("authorization")
    if authorization is None:
        raise Refusal(401, "API key missing: send Authorization: Bearer vc_...")
    if not _AUTHORIZATION.fullmatch(authorization):
        raise Refusal(401, "Invalid API key: it must be vc_ and 32 hexadecimal digits")
    if len(body) > MAX_BODY:
        raise Refusal(413, f"Request body larger than {MAX_BODY:,} bytes")
    try:
        question = Question.from_json(body)
    except (TypeError, ValueError) as error:
        raise Refusal(400, str(error)) from None
    return replace(question, compared=compared) if compared else question


def _success(request_id: str, answer: Answer) -> Reply:
    return _reply(request_id, 200, answer.to_dict())


def _failure(request_id: str, error: Exception) -> Reply:
    if isinstance(error, Refusal):
        return _reply(request_id, error.status, {"detail": str(error)}, error.headers)
    if isinstance(error, LLMError):
        _log_failure("the llm failed", request_id, error.__cause__ or error)
        return _reply(request_id, 502, {"detail": str(error)})
    _log_failure("the local cache failed", request_id, error)
    # The texts of this package's errors say what to do, and never hold a prompt; others might.
    known = isinstance(error, LocalCacheError)
    detail = str(error) if known else "see the log vectorcache.local (VECTORCACHE_LOG=error)"
    return _reply(request_id, 500, {"detail": f"{type(error).__name__}: {detail}"})


def _log_failure(what: str, request_id: str, error: BaseException) -> None:
    # Type and frames are logged without the text: LLM libraries quote prompts and keys in it.
    frames = "".join(traceback.format_tb(error.__traceback__))
    _log.error("%s: %s (request %s)\n%s", what, type(error).__name__, request_id, frames)


def _reply(
    request_id: str, status: int, fields: dict[str, object], headers: dict[str, str] | None = None
) -> Reply:
    # It is escaped, as the text of an exception may hold lone surrogates.
    body = json.dumps(fields, allow_nan=False).encode("ascii")
    return Reply(
        status,
        {
            "content-type": "application/json",
            "content-length": str(len(body)),
            "x-request-id": request_id,
            **(headers or {}),
        },
        body,
    )
