"""An OpenAI-compatible endpoint as the LLM: OpenAI itself, a gateway, or a server of your own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import httpx

_SECONDS = 30.0
_STYLE = "Answer in at most three short sentences of plain text."


class EndpointError(Exception):
    """The endpoint gave no answer; the text says why, and never holds the key."""


class Endpoint:
    """Answers with ``POST {base_url}/chat/completions``."""

    variable = "endpoint"
    examples = ()

    def __init__(self, base_url: str, api_key: str | None, model: str) -> None:
        if api_key is not None and not (api_key.isascii() and api_key.isprintable()):
            raise EndpointError("OPENAI_API_KEY has characters in it that no key has")
        try:
            address = httpx.URL(base_url)
        except httpx.InvalidURL:
            raise EndpointError("OPENAI_BASE_URL is not an address") from None
        if address.scheme not in ("http", "https") or not address.host:
            raise EndpointError("OPENAI_BASE_URL must begin with http:// or https:// and a host")
        self._url = base_url.rstrip("/") + "/chat/completions"
        self._key = api_key
        self.model = model
        self.name = address.host
        self.introduction = f"The LLM is {model} at {self.name}, as your OPENAI_ variables say."

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self | None:
        """The endpoint that OPENAI_BASE_URL, OPENAI_API_KEY and OPENAI_MODEL name, if any."""
        key = environment.get("OPENAI_API_KEY", "").strip() or None
        base_url = environment.get("OPENAI_BASE_URL", "").strip()
        if not (key or base_url):
            return None
        model = environment.get("OPENAI_MODEL", "").strip() or "gpt-4o-mini"
        return cls(base_url or "https://api.openai.com/v1", key, model)

    def __call__(self, prompt: str, model: str, context: str | None) -> str:
        style = f"{_STYLE} You are answering for: {context}." if context else _STYLE
        body = {
            "model": model,
            "messages": [
                {"role": "system", "content": style},
                {"role": "user", "content": prompt},
            ],
        }
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            response = httpx.post(self._url, json=body, headers=headers, timeout=_SECONDS)
        except httpx.TimeoutException:
            raise EndpointError(f"{self.name} gave no answer within {_SECONDS:g} s") from None
        except httpx.HTTPError as error:
            raise EndpointError(f"{self.name} cannot be reached: {self._said(error)}") from None
        if not response.is_success:
            said = self._said(_error_text(response))
            raise EndpointError(f"{self.name} answered {response.status_code}: {said}")
        return _answer(response, self.name)

    def _said(self, text: object) -> str:
        # Some endpoints quote the key they refuse.
        shown = str(text) if self._key is None else str(text).replace(self._key, "[key]")
        return shown[:200]


def _answer(response: httpx.Response, name: str) -> str:
    try:
        answer = response.json()["choices"][0]["message"]["content"].strip()
    except (ValueError, LookupError, TypeError, AttributeError):
        answer = None
    if not isinstance(answer, str) or not answer:
        raise EndpointError(f"{name} sent no text where a chat completion has it")
    return answer


def _error_text(response: httpx.Response) -> str:
    try:
        body: Any = response.json()
        return str(body["error"]["message"])
    except (ValueError, LookupError, TypeError):
        return response.text or response.reason_phrase
