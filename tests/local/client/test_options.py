"""What ``local`` takes, and what the clients' usual options mean to it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from clients import MakeClient
from local.stand_ins import Angles, Recorder

from vectorcache import ConfigurationError


def test_defaults_of_the_client(make_local: MakeClient, llm: Recorder) -> None:
    """Model, threshold and context may be set once, and replaced or taken back for a query."""
    client = make_local(
        llm=llm, embedder=Angles(), model="gpt-4o", similarity_threshold=0.999, context="shop"
    )
    client.query("30")
    assert client.query("30", "gpt-4o", context="shop").cache_hit
    assert client.query("31").cache_hit
    assert not client.query("35").cache_hit
    assert client.query("36", similarity_threshold=0.9).cache_hit
    assert not client.query("30", context="").cache_hit
    assert not client.query("30", "llama3").cache_hit
    assert llm.asked == [
        ("30", "gpt-4o", "shop"),
        ("35", "gpt-4o", "shop"),
        ("30", "gpt-4o", None),
        ("30", "llama3", "shop"),
    ]


@pytest.mark.parametrize("options", [{"model": "gpt-4o"}, {"max_connections": 2}])
def test_with_options_shares_the_cache(
    make_local: MakeClient, llm: Recorder, options: dict[str, Any]
) -> None:
    """A copy with other options finds what the first one stored, and the other way round."""
    client = make_local(llm=llm, embedder=Angles())
    with closing(client.with_options(**options)) as copy:
        client.query("30", "gpt-4o")
        assert copy.query("30", "gpt-4o").cache_hit
        copy.query("90", "gpt-4o")
        assert client.query("90", "gpt-4o").cache_hit


def test_closing_a_copy_closes_both(make_local: MakeClient) -> None:
    """A copy and its original are closed as one."""
    client = make_local(embedder=Angles())
    copy = client.with_options(model="gpt-4o")
    copy.close()
    assert client.closed
    with pytest.raises(ConfigurationError, match="closed"):
        client.query("30", "gpt-4o")


def test_lexical_guard(make_local: MakeClient, llm: Recorder) -> None:
    """Opposites hit as the hosted service's cosine has them, unless the guard is on."""
    hits = {}
    for guarded in (False, True):
        client = make_local(llm=llm, lexical_guard=guarded)
        client.query("How do I disable dark mode?", "gpt-4o")
        hits[guarded] = client.query("How do I enable dark mode?", "gpt-4o").cache_hit
    assert hits == {False: True, True: False}


def test_own_embedder(make_local: MakeClient, llm: Recorder) -> None:
    """An embedding model of one's own decides what is near."""
    client = make_local(llm=llm, embedder=Angles())
    client.query("0", "gpt-4o")
    assert client.query("60", "gpt-4o", 0.5).similarity_score == 0.5


def test_environment_is_of_no_matter(
    make_local: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Key, address and proxies of the environment are for the hosted service alone."""
    monkeypatch.setenv("VECTORCACHE_API_KEY", "no\nkey")
    monkeypatch.setenv("VECTORCACHE_BASE_URL", "no address")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:1")
    client = make_local(embedder=Angles())
    assert client.query("30", "gpt-4o").llm_provider == "local-placeholder"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"llm": "gpt-4o"}, "llm must be a function"),
        ({"path": 7}, "not int"),
        ({"model": ""}, "model"),
        ({"similarity_threshold": 2}, "similarity_threshold"),
        ({"max_retries": -1}, "max_retries"),
        ({"timeout": 0}, "timeout"),
    ],
)
def test_options_are_checked(make_local: MakeClient, options: dict[str, Any], message: str) -> None:
    """An invalid option is a ConfigurationError that names it, at once."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        make_local(**options)
    assert caught.value.attempts == 0


def test_refused_options_leave_nothing_open(
    make_local: MakeClient, left_open: Callable[[], int]
) -> None:
    """A client that cannot be made closes what it opened."""
    with pytest.raises(ConfigurationError, match="similarity_threshold"):
        make_local(similarity_threshold=2)
    assert left_open() == 0
