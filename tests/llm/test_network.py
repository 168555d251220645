"""The hosts to which the libraries connect."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from clients import KEY
from servers import ScriptedServer, answer

PROGRAM = """
import asyncio, json, sys

reached = set()

def note(event, arguments):
    if event == "socket.connect":
        address = arguments[1]
        reached.add(address[0] if isinstance(address, tuple) else str(address))
    elif event == "socket.getaddrinfo":
        reached.add(str(arguments[0]))

sys.addaudithook(note)

import litellm
from llama_index.core.llms import ChatMessage
from vectorcache.integrations.langchain import ChatVectorcache
from vectorcache.integrations.litellm import VectorcacheLLM
from vectorcache.integrations.llamaindex import Vectorcache
from vectorcache.integrations.openai import OpenAI

litellm.custom_provider_map = [{"provider": "vectorcache", "custom_handler": VectorcacheLLM()}]
model, llm, client = ChatVectorcache(model="gpt-4o"), Vectorcache("gpt-4o"), OpenAI(model="gpt-4o")
messages = [{"role": "user", "content": "What is ML?"}]

def ask():
    yield lambda: model.invoke("What is ML?")
    yield lambda: asyncio.run(model.ainvoke("What is ML?"))
    yield lambda: llm.complete("What is ML?")
    yield lambda: llm.chat([ChatMessage("What is ML?")])
    yield lambda: client.chat.completions.create(messages=messages)
    yield lambda: litellm.completion("vectorcache/gpt-4o", messages=messages)
    yield lambda: asyncio.run(litellm.acompletion("vectorcache/gpt-4o", messages=messages))

failed = 0
for question in ask():
    question()
for question in ask():
    try:
        question()
    except Exception:
        failed += 1
client.close()
print(json.dumps({"reached": sorted(reached), "failed": failed}))
"""


def test_only_the_service(server: ScriptedServer) -> None:
    """Imports, questions and failures connect only to the service."""
    server.script = [answer() for _ in range(7)]
    server.default = answer({"detail": "no"}, status=400)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "VECTORCACHE_API_KEY": KEY, "VECTORCACHE_BASE_URL": server.url},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"reached": ["127.0.0.1"], "failed": 7}
    assert len(server.requests) == 14
    assert KEY not in done.stdout + done.stderr
