"""Many concurrent users of an application, each behind a load balancer."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

AT_ONCE = 50

# No two prompts mean the same.
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
    """The response to one user."""

    prompt: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    resets: int

    def json(self) -> Any:
        return json.loads(self.body)


def ask(port: int, path: str, prompt: str) -> Reply:
    """Asks over a new connection.

    The requests of a process that is killed are lost, and only a client of the process can notice.
    So a request whose connection ends without a response is repeated once, as a load balancer
    does.
    """
    body = json.dumps({"prompt": prompt})
    try:
        return post(port, path, body)._replace(prompt=prompt)
    except (ConnectionError, http.client.IncompleteRead):
        return post(port, path, body)._replace(prompt=prompt, resets=1)


def post(port: int, path: str, body: str) -> Reply:
    """Sends any body, even one that is not JSON, over a new connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Reply("", response.status, headers, response.read(), 0)
    finally:
        connection.close()


def ask_many(
    port: int, paths: Sequence[str], times: int, actions: Mapping[int, Callable[[], object]]
) -> list[Reply]:
    """Sends many requests at once, and returns all replies.

    Args:
        port: the port of the application.
        paths: the paths to request, in turn.
        times: the number of requests.
        actions: functions that run just before a request, by its number.
    """

    def one(number: int) -> Reply:
        actions.get(number, lambda: None)()
        return ask(port, paths[number % len(paths)], PROMPTS[number % len(PROMPTS)])

    with ThreadPoolExecutor(AT_ONCE) as users:
        return list(users.map(one, range(times)))
