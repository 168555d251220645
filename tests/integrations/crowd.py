"""Many users of an application at once, each behind a load balancer."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

AT_ONCE = 50

# No two of them mean the same.
PROMPTS = (
    "What is machine learning?",
    "How long should I boil an egg?",
    "Who wrote Hamlet?",
    "Why is the sky blue?",
    "How do I reset my password?",
    "What is the capital of Peru?",
    "How far is the moon?",
    "When was paper invented?",
)


class Reply(NamedTuple):
    """What somebody was answered."""

    prompt: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    resets: int

    def json(self) -> Any:
        return json.loads(self.body)


def ask(port: int, path: str, prompt: str) -> Reply:
    """Asks over a connection of its own.

    What a process was at when it was killed is lost with it, and only somebody before it can
    notice. So a connection that ends without an answer is tried anew, once, as a load balancer
    does.
    """
    body = json.dumps({"prompt": prompt})
    try:
        return post(port, path, body)._replace(prompt=prompt)
    except (ConnectionError, http.client.IncompleteRead):
        return post(port, path, body)._replace(prompt=prompt, resets=1)


def post(port: int, path: str, body: str) -> Reply:
    """Sends what may not even be JSON, over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Reply("", response.status, headers, response.read(), 0)
    finally:
        connection.close()


def ask_many(
    port: int, paths: Sequence[str], times: int, meanwhile: Mapping[int, Callable[[], object]]
) -> list[Reply]:
    """Everybody's replies.

    Args:
        port: the application's.
        paths: where it answers, in turn.
        times: how many requests there are.
        meanwhile: what else is done just before a request, by its number.
    """

    def one(number: int) -> Reply:
        meanwhile.get(number, lambda: None)()
        return ask(port, paths[number % len(paths)], PROMPTS[number % len(PROMPTS)])

    with ThreadPoolExecutor(AT_ONCE) as users:
        return list(users.map(one, range(times)))
