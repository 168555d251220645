"""Mistakes of the caller, which are refused before anything is sent."""

from __future__ import annotations

from typing import Any

from clients import KEY
from faults.scenario import Group, Raises, Scenario

from vectorcache import ConfigurationError, InvalidRequestError


def in_query(fault: str, says: str, **arguments: Any) -> Scenario:
    return Scenario(
        fault=fault,
        promise="`InvalidRequestError` that names the argument; nothing is sent.",
        query=arguments,
        sees=Raises(InvalidRequestError, 0, (says,)),
        requests=0,
        connections=0,
    )


def in_client(fault: str, says: str, *, not_says: str = "secret", **options: Any) -> Scenario:
    return Scenario(
        fault=fault,
        promise="`ConfigurationError` that names the argument; no client is made.",
        client=options,
        sees=Raises(ConfigurationError, 0, (says,), (not_says,)),
        requests=0,
        connections=0,
    )


GROUP = Group(
    "Mistakes of the caller",
    (
        in_query("An empty prompt", "prompt is empty", prompt=""),
        in_query("A blank prompt", "prompt is empty", prompt=" \n\t"),
        in_query("A prompt of 32,001 characters", "at most 32,000", prompt=32_001 * "x"),
        in_query("No prompt", "prompt is missing", prompt=None),
        in_query("A prompt that is bytes", "prompt is of type bytes", prompt=b"Q"),
        in_query("A prompt with half a surrogate pair", "prompt has half of a", prompt="\ud83d"),
        in_query("A threshold below 0", "similarity_threshold is -0.1", similarity_threshold=-0.1),
        in_query("A threshold above 1", "similarity_threshold is 1.1", similarity_threshold=1.1),
        in_query(
            "A threshold that is not a number",
            "similarity_threshold is nan",
            similarity_threshold=float("nan"),
        ),
        in_query(
            "An infinite threshold",
            "similarity_threshold is inf",
            similarity_threshold=float("inf"),
        ),
        in_query(
            "A threshold that is a text",
            "similarity_threshold is of type str",
            similarity_threshold="0.9",
        ),
        in_query(
            "A threshold that is a boolean",
            "similarity_threshold is of type bool",
            similarity_threshold=True,
        ),
        in_query("A blank model", "model is blank", model=" "),
        in_query("No model in the query or in the client", "model is missing", model=None),
        in_query("A model that is a number", "model is of type int", model=4),
        in_query("A context that is a number", "context is of type int", context=4),
        in_query("A flag that is a text", "include_debug is of type str", include_debug="yes"),
        in_query("A timeout of 0", "timeout is 0", timeout=0),
        in_query("A timeout that is a text", "timeout is of type str", timeout="5"),
        in_query("A negative deadline", "deadline is -1", deadline=-1),
        in_query("A deadline that is not a number", "deadline is nan", deadline=float("nan")),
        in_query("Negative retries", "max_retries is -1", max_retries=-1),
        in_query("Retries with a fraction", "max_retries is of type float", max_retries=1.5),
        in_query(
            "A header with a line end",
            "extra_headers['X-Trace'] must be",
            extra_headers={"X-Trace": "1\r\nX-Evil: 2"},
        ),
        in_query(
            "A header that is not ASCII",
            "extra_headers['X-Trace'] must be",
            extra_headers={"X-Trace": "é"},
        ),
        in_query(
            "A header that would replace the key",
            "extra_headers sets authorization",
            extra_headers={"authorization": "Bearer other"},
        ),
        in_client(
            "An address with a port above 65,535",
            "use a port from 1 to 65,535",
            base_url="https://a:65536",
        ),
        in_client("A key with a line end", "api_key is invalid", api_key=f"{KEY}\n"),
        in_client("A key with a blank", "api_key is invalid", api_key=f"{KEY} "),
        in_client("A key that is not ASCII", "api_key is invalid", api_key=f"{KEY}é"),
        in_client(
            "A key that is bytes",
            "api_key is of type bytes",
            not_says=KEY,
            api_key=KEY.encode(),
        ),
        in_client("A key in quotation marks", "api_key is in quotation marks", api_key=f'"{KEY}"'),
        in_client(
            "A key with `Bearer` before it",
            'api_key starts with "Bearer"',
            api_key=f"Bearer {KEY}",
        ),
        in_client(
            "A key for OpenAI",
            "api_key looks like a key for OpenAI",
            api_key="sk-proj-abc",
        ),
        *(
            Scenario(
                fault=f"A function for the key that returns {what}",
                promise="`ConfigurationError` that says so; nothing is sent.",
                client={"api_key": function},
                sees=Raises(ConfigurationError, 0, ("what the function api_key= returned", says)),
                requests=0,
                connections=0,
                not_usable_after="the client has no valid key",
            )
            for what, function, says in (
                ("nothing", lambda: None, "is empty"),
                ("a key in quotation marks", lambda: f"'{KEY}'", "is in quotation marks"),
                ("a key with a line end", lambda: f"{KEY}\n", "line break"),
            )
        ),
        in_client(
            "An address in quotation marks",
            "base_url is in quotation marks",
            base_url="'https://api.example'",
        ),
        in_client(
            "`http://` to another machine",
            "base_url (or VECTORCACHE_BASE_URL) is 'http://api.example': everyone on",
            base_url="http://api.example",
        ),
        in_client(
            "User and password in the address",
            "base_url holds a user name or password",
            base_url="https://user:secret@api.example",
        ),
        in_client("An address without a scheme", "base_url is", base_url="api.example"),
        in_client("An address of another scheme", "base_url is", base_url="ftp://api.example"),
        in_client("An address with a query", "base_url is", base_url="https://api.example?a=1"),
        in_client("An address without a host", "base_url is", base_url="https:///v1"),
        in_client("An address that is not a URL", "base_url is", base_url="https://[::1"),
        in_client("A client with `max_connections=0`", "max_connections is 0", max_connections=0),
        in_client(
            "A client with `max_response_bytes=0`", "max_response_bytes is 0", max_response_bytes=0
        ),
        in_client("A client with `timeout=0`", "timeout is 0", timeout=0),
        in_client("A client with `retry=3`", "retry must be a RetryPolicy", retry=3),
        Scenario(
            fault="Use after close",
            promise="`ConfigurationError`; nothing is sent.",
            warm=1,
            closed=True,
            sees=Raises(ConfigurationError, range(2), ("the client is closed",)),
            requests=0,
            not_usable_after="the client is closed",
        ),
    ),
)
