"""OpenAI's client of a scripted server, and a question for it."""

from __future__ import annotations

from typing import Any

from clients import KEY
from openai.types.chat import ChatCompletionMessageParam
from servers import ScriptedServer

from vectorcache import RetryPolicy
from vectorcache.integrations.openai import OpenAI

QUESTION: list[ChatCompletionMessageParam] = [
    {"role": "user", "content": "What is machine learning?"}
]


def client_of(server: ScriptedServer, **options: Any) -> OpenAI:
    options = {"retry": RetryPolicy.without_waiting(), **options}
    return OpenAI(api_key=KEY, base_url=server.url, **options)
