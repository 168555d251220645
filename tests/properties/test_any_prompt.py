"""Texts are sent exactly as they were given, or refused."""

from __future__ import annotations

import json
from typing import Any

import httpx
from clients import AnyClient, MakeClient
from hypothesis import example, given
from hypothesis import strategies as st
from properties.effort import examples
from servers import HIT, ScriptedServer

from vectorcache import InvalidRequestError

LONGEST = 32_000

# All code points, including lone surrogates and NUL.
_ANY_TEXT = st.text(st.characters(codec=None), max_size=50)
_LONG = st.builds(
    lambda piece, length: (piece * LONGEST)[:length],
    st.text(st.characters(codec=None), min_size=1, max_size=5),
    st.sampled_from([LONGEST - 1, LONGEST, LONGEST + 1]),
)
PROMPTS = _ANY_TEXT | _LONG


class Keeping(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Keeps the bodies of all requests."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(request.read())
        return httpx.Response(200, json=HIT)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


def is_text(value: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in value)


def sent(prompt: str, model: str, context: str | None, threshold: float) -> dict[str, Any] | None:
    """Returns the fields that must be sent, or None if the query must be refused."""
    texts = (prompt, model, context or "")
    if not (prompt.strip() and model.strip() and all(map(is_text, texts))):
        return None
    if len(prompt) > LONGEST:
        return None
    fields = {"prompt": prompt, "model": model, "similarity_threshold": threshold}
    if context:
        fields["context"] = context
    return {**fields, "include_debug": False}


def test_any_text_arrives_as_it_is(make_client: MakeClient) -> None:
    """Prompt, model and context are refused before sending, or arrive to the last character."""
    transport = Keeping()
    client = make_client(http_client=transport)

    @given(PROMPTS, _ANY_TEXT | st.just("gpt-4o"), st.none() | _ANY_TEXT, st.floats(0, 1))
    @example("\x00", "m", "\x00", 0)
    @example("👩‍🚀" * 10_000, "m", None, 1)
    @example("a\ud83d", "m", None, 1)
    @example("\ufeff", "m", "\ufeff", 1)
    @examples(400)
    def texts(prompt: str, model: str, context: str | None, threshold: float) -> None:
        transport.bodies.clear()
        wanted = sent(prompt, model, context, threshold)
        try:
            client.query(prompt, model, threshold, context)
        except InvalidRequestError as error:
            assert wanted is None
            assert error.attempts == 0
            assert str(error).isprintable()
            assert not transport.bodies
        else:
            (body,) = transport.bodies
            assert json.loads(body.decode("utf-8")) == wanted

    texts()


@given(PROMPTS.filter(lambda text: sent(text, "m", None, 1) is not None))
@examples(60)
def test_any_text_arrives_over_a_socket(
    client: AnyClient, server: ScriptedServer, prompt: str
) -> None:
    """A prompt arrives unchanged over a socket, where lengths are counted in bytes."""
    server.requests.clear()
    client.query(prompt, "m")
    (request,) = server.requests
    assert request.json()["prompt"] == prompt
