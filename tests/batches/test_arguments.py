"""What a batch may be given."""

from __future__ import annotations

from typing import Any

import pytest
from clients import AnyClient
from servers import ScriptedServer

from vectorcache import (
    ConfigurationError,
    InvalidRequestError,
)


@pytest.mark.parametrize(
    ("prompts", "options", "words"),
    [
        ("a prompt", {}, "prompts is one str"),
        (b"bytes", {}, "prompts is one bytes"),
        ({"prompt": "a"}, {}, "prompts is one dict"),
        (7, {}, "prompts is of type int"),
        (None, {}, "prompts is of type NoneType"),
        (["a"], {"concurrency": 0}, "concurrency"),
        (["a"], {"concurrency": 2.5}, "concurrency"),
        (["a"], {"ordered": "yes"}, "ordered"),
        (["a"], {"errors": "ignore"}, '"return" or "raise"'),
        (["a"], {"total": -1}, "total"),
        (["a"], {"progress": "bar"}, "progress"),
        (["a"], {"timeout": -1}, "timeout"),
        (["a"], {"max_retries": -1}, "max_retries"),
        (["a"], {"extra_headers": {"Authorization": "x"}}, "extra_headers"),
    ],
)
def test_bad_arguments(
    client: AnyClient, server: ScriptedServer, prompts: Any, options: dict[str, Any], words: str
) -> None:
    """They are refused when it is called, not when its first result is asked for."""
    with pytest.raises(InvalidRequestError, match=words):
        client.query_many(prompts, **options)
    assert server.requests == []


def test_a_closed_client(client: AnyClient) -> None:
    """It says so when it is called."""
    client.close()
    with pytest.raises(ConfigurationError, match="the client is closed"):
        client.query_many(["a"])
