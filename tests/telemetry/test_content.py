"""Prompts, answers and contexts are in telemetry only if they are switched on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from clients import MakeClient
from servers import HIT, ScriptedServer, Step, answer
from telemetry.recorded import Recorded

from vectorcache import VectorcacheError

PROMPT, ANSWER, CONTEXT = "my own question", "its own answer", "customer-8f2c"

# What happens → the answer of the service, or of a proxy before it. Each quotes the prompt or an
# answer.
WAYS: dict[str, Step] = {
    "a hit": answer({**HIT, "response": ANSWER}),
    "an error that quotes the prompt": answer({"detail": f"bad: {PROMPT}"}, status=400),
    "an error page that quotes it": answer(raw=f"<p>{PROMPT}</p>".encode(), status=502),
    "a validation error": answer(
        {"detail": [{"loc": ["body"], "msg": PROMPT, "type": "x", "input": PROMPT}]}, status=422
    ),
    "an answer that is not an object": answer(raw=json.dumps(ANSWER).encode()),
    "an answer without a head": f"{ANSWER}\r\n\r\n".encode(),
}


def ask(client: Any) -> None:
    try:
        client.query(PROMPT, "m", context=CONTEXT)
    except VectorcacheError as error:
        assert PROMPT in str(error) or ANSWER in str(error)


@pytest.mark.parametrize("way", WAYS)
def test_nothing_of_them_by_default(
    make_client: MakeClient, server: ScriptedServer, recorded: Recorded, way: str
) -> None:
    """Spans, events and metrics contain no content by default, whatever an error quotes."""
    server.default = WAYS[way]
    ask(make_client(observers=[recorded.observer()]))
    told = recorded.everything()
    assert "vectorcache.outcome" in told
    for secret in (PROMPT, ANSWER, CONTEXT):
        assert secret not in told


def test_nothing_of_a_fallbacks_answer(
    make_client: MakeClient, server: ScriptedServer, recorded: Recorded
) -> None:
    """By default they do not contain the answer of a fallback either."""
    server.default = answer({"detail": PROMPT}, status=422)
    client = make_client(observers=[recorded.observer()], fallback=lambda *_: ANSWER)
    assert client.query(PROMPT, "m").response == ANSWER
    assert PROMPT not in recorded.everything()
    assert ANSWER not in recorded.everything()


def test_content_that_is_switched_on(
    make_client: MakeClient, server: ScriptedServer, recorded: Recorded
) -> None:
    """Prompt and answer are on the span, as the convention's messages in JSON; no context."""
    server.default = WAYS["a hit"]
    ask(make_client(observers=[recorded.observer(record_content=True)]))
    attributes = dict(recorded.span.attributes or {})
    assert json.loads(str(attributes["gen_ai.input.messages"])) == [
        {"role": "user", "parts": [{"type": "text", "content": PROMPT}]}
    ]
    assert json.loads(str(attributes["gen_ai.output.messages"])) == [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": ANSWER}],
            "finish_reason": "unknown",
        }
    ]
    assert CONTEXT not in recorded.everything()


def test_messages_of_errors_are_content(
    make_client: MakeClient, server: ScriptedServer, recorded: Recorded
) -> None:
    """With content come the messages of attempts and of the error that is raised."""
    server.default = answer({"detail": "boom"}, status=500)
    client = make_client(observers=[recorded.observer(record_content=True)], max_retries=1)
    with pytest.raises(VectorcacheError) as caught:
        client.query(PROMPT, "m")
    assert recorded.span.status.description == str(caught.value)
    for event in recorded.span.events:
        assert "boom" in str((event.attributes or {})["exception.message"])


def test_a_context_that_is_switched_on(make_client: MakeClient, recorded: Recorded) -> None:
    """The context alone is on the span; a metric never has it."""
    client = make_client(observers=[recorded.observer(record_context=True)])
    client.query(PROMPT, "m", context=CONTEXT)
    client.query(PROMPT, "m")
    one, other = (dict(span.attributes or {}) for span in recorded.spans)
    assert one["vectorcache.context"] == CONTEXT
    assert "vectorcache.context" not in other
    assert PROMPT not in recorded.everything()
    assert all(CONTEXT not in metric.to_json() for metric in recorded.metrics.values())


def test_what_no_exporter_could_encode(
    make_client: MakeClient, server: ScriptedServer, recorded: Recorded
) -> None:
    """Half a surrogate pair, which JSON can contain, reaches no attribute."""
    half = b'{"cache_hit": true, "response": "\\ud800", "cost_saved": 0, "llm_provider": "\\ud800"}'
    server.script = [answer({"detail": "\ud800"}, status=500), answer(raw=half)]
    make_client(observers=[recorded.observer(record_content=True)]).query("Q", "m")
    span = recorded.span
    told = [*(span.attributes or {}).values()]
    told += [value for event in span.events for value in (event.attributes or {}).values()]
    for value in told:
        str(value).encode()
