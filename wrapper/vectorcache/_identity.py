"""What tells apart two clients whose answers must not stand in for each other."""

from __future__ import annotations

import hmac
import json
from typing import Final
from uuid import uuid4

from ._secret import KeyFunction
from ._settings import Settings

# Objects that decide who answers, and which no other process could recognise.
UNNAMED: Final = frozenset({"api_key", "fallback", "before_send", "http_client"})


def mark_of(settings: Settings, http_client: object) -> str:
    """A name for the client's own objects; empty where there are none.

    It is new at each call: two clients with functions of their own never count as the same one.
    """
    key = settings.api_key if isinstance(settings.api_key, KeyFunction) else None
    own = (key, settings.fallback, settings.before_send, http_client)
    return "" if all(each is None for each in own) else uuid4().hex


def identity_of(settings: Settings, mark: str) -> str:
    """64 hexadecimal digits for the service, the key, the headers and the client's own objects.

    Neither the key nor the headers can be told from it. It is the same in every process, unless
    there are objects. The defaults of a query (model, threshold, context) are not a part of it.

    Args:
        settings: the client's.
        mark: what ``mark_of`` gave the client.
    """
    decides = [
        settings.base_url,
        sorted(settings.default_headers.items()),
        sorted(kind.__qualname__ for kind in settings.fallback_on),
        mark,
    ]
    said = json.dumps(decides, separators=(",", ":"))
    return hmac.digest(settings.identity.encode(), said.encode(), "sha256").hex()
