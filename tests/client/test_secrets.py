"""The key is never shown."""

from __future__ import annotations

import copy
import logging
import pickle
from typing import Any

import pytest
from clients import KEY, AnyClient
from servers import ScriptedServer, answer, hang_up

from vectorcache import AsyncVectorcacheClient, ConfigurationError, VectorcacheClient
from vectorcache._secret import APIKey

PLAIN = KEY.removeprefix("vc_")


@pytest.mark.parametrize("kind", [VectorcacheClient, AsyncVectorcacheClient])
def test_a_client_does_not_show_it(
    kind: type[VectorcacheClient | AsyncVectorcacheClient],
) -> None:
    """Neither the client nor any of its attributes shows the key."""
    client = kind(KEY)
    shown = f"{client!r}{client}{vars(client)!r}{client._settings.api_key!r}"
    assert PLAIN not in shown
    assert "hidden" in shown


@pytest.mark.parametrize("kind", [VectorcacheClient, AsyncVectorcacheClient])
@pytest.mark.parametrize("option", [{"model": 5}, {"default_headers": 5}, {"deadline": -1}])
def test_a_refused_client_does_not_show_it(
    kind: type[VectorcacheClient | AsyncVectorcacheClient], option: dict[str, Any]
) -> None:
    """The variables of a traceback can be shown when an option is refused, without the key."""
    with pytest.raises(ConfigurationError) as caught:
        kind(KEY, **option)
    # The first frame is that of this test, which knows the key.
    shown = [repr(entry.frame.f_locals) for entry in caught.traceback[1:]]
    assert any("Settings(" in variables for variables in shown)
    assert PLAIN not in "".join(shown)


@pytest.mark.parametrize("kind", [VectorcacheClient, AsyncVectorcacheClient])
def test_a_client_cannot_be_pickled(
    kind: type[VectorcacheClient | AsyncVectorcacheClient],
) -> None:
    """Pickling or copying a client is refused, and the error says what to do instead."""
    client = kind(KEY)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="with_options"):
            attempt(client)


def test_the_type_of_the_key_does_not_show_it() -> None:
    """The type of the key hides it from repr, str, format, pickle and attribute dumps."""
    key = APIKey(KEY)
    assert PLAIN not in f"{key}{key!r}{key!s}"
    assert not hasattr(key, "__dict__")
    with pytest.raises(TypeError):
        pickle.dumps(key)
    assert key == APIKey(KEY)
    assert key != APIKey("other")
    assert key != KEY


def test_logs_do_not_show_it(
    client: AnyClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """No record of this package, httpx or httpcore has the key, the prompt or the answer."""
    caplog.set_level(logging.DEBUG)
    server.script = [answer({"detail": "boom"}, status=500), hang_up]
    client.query("a private question", "m")
    said = "".join(f"{record.name} {record.getMessage()}" for record in caplog.records)
    assert "vectorcache" in said
    assert "httpcore" in said
    ours = "".join(r.getMessage() for r in caplog.records if r.name == "vectorcache")
    assert PLAIN not in said
    assert "private question" not in said
    assert "Machine learning" not in ours
