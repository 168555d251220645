"""The key never shows."""

from __future__ import annotations

import copy
import io
import logging
import pickle
import sys
import traceback
from typing import Any

import pytest
import rich.console
import rich.traceback
from clients import KEY, AnyClient, MakeClient
from servers import ScriptedServer, answer, hang_up

from vectorcache import AsyncVectorcacheClient, VectorcacheClient, VectorcacheError
from vectorcache._secret import APIKey

PLAIN = KEY.removeprefix("vc_")


def everything_shown(error: BaseException) -> str:
    """The error as people and trackers print it, with the variables of every frame of ours."""
    # The test's own frames know the key.
    begin = error.__traceback__
    while begin is not None and "_client.py" not in begin.tb_frame.f_code.co_filename:
        begin = begin.tb_next
    assert begin is not None
    error.__traceback__ = begin
    out = io.StringIO()
    console = rich.console.Console(file=out, width=400)
    console.print(
        rich.traceback.Traceback.from_exception(
            type(error),
            error,
            error.__traceback__,
            show_locals=True,
            locals_max_length=10_000,
            locals_max_string=1_000_000,
            locals_hide_dunder=False,
        )
    )
    shown = [out.getvalue(), *traceback.format_exception(error), repr(error), repr(vars(error))]
    links: list[BaseException | None] = [error]
    while links:
        link = links.pop()
        if link is not None:
            links += [link.__cause__, link.__context__]
            for frame, _ in traceback.walk_tb(link.__traceback__):
                shown += [repr(value) for value in frame.f_locals.values()]
    return "".join(shown)


@pytest.mark.parametrize("kind", [VectorcacheClient, AsyncVectorcacheClient])
def test_a_client_does_not_show_it(
    kind: type[VectorcacheClient | AsyncVectorcacheClient],
) -> None:
    """Neither the client nor anything it is made of prints the key."""
    client = kind(KEY)
    shown = f"{client!r}{client}{vars(client)!r}{client._settings!r}"
    assert PLAIN not in shown
    assert "hidden" in shown


@pytest.mark.parametrize("kind", [VectorcacheClient, AsyncVectorcacheClient])
def test_a_client_cannot_be_pickled(
    kind: type[VectorcacheClient | AsyncVectorcacheClient],
) -> None:
    """Pickling or copying a client is refused, and the error says what to do instead."""
    client = kind(KEY)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="with_options"):
            attempt(client)


def test_the_key_type_gives_nothing_away() -> None:
    """The key's own type hides it from repr, str, format, pickle and attribute dumps."""
    key = APIKey(KEY)
    assert PLAIN not in f"{key}{key!r}{key!s}"
    assert not hasattr(key, "__dict__")
    with pytest.raises(TypeError):
        pickle.dumps(key)
    assert key == APIKey(KEY)
    assert key != APIKey("other")
    assert key != KEY


@pytest.mark.parametrize(
    "script",
    [
        [answer({"detail": f"no such key: {KEY}"}, status=401)],
        [answer({"detail": "x"}, status=500, headers={"X-Echo": KEY, "X-Request-Id": KEY})] * 3,
        [answer(raw=f"<p>Authorization: Bearer {KEY}</p>".encode(), status=502)] * 3,
        [answer(raw=b"not json")] * 2,
        [hang_up] * 5,
        [answer(status=307, headers={"Location": f"/login/{KEY}"})],
        [answer(headers={"Content-Encoding": KEY})] * 2,
        [f"HTTP/1.1 200 OK\r\nno header {KEY}\r\n\r\n".encode()] * 2,
        [f"{KEY} is no status line\r\n\r\n".encode()] * 2,
    ],
)
def test_errors_do_not_show_it(client: AnyClient, server: ScriptedServer, script: Any) -> None:
    """No message, attribute, cause or frame variable of an error has the key, even if echoed."""
    server.script = list(script)
    with pytest.raises(VectorcacheError) as caught:
        client.query("Q", "m")
    shown = everything_shown(caught.value)
    assert PLAIN not in shown
    assert PLAIN.encode() not in pickle.dumps(caught.value)


def test_a_refused_connection_does_not_show_it(make_client: MakeClient) -> None:
    """Nor has an error without any answer."""
    with pytest.raises(VectorcacheError) as caught:
        make_client(base_url="http://127.0.0.1:9").query("Q", "m")
    assert PLAIN not in everything_shown(caught.value)


def test_an_interrupt_does_not_show_it() -> None:
    """An interrupt in the middle of sending leaves no frame that has the request's bytes."""
    import httpx

    class Interrupted(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            sent = [value for name, value in request.headers.raw if name == b"Authorization"]
            assert sent
            raise KeyboardInterrupt

    client = VectorcacheClient(KEY, http_client=Interrupted())
    with client, pytest.raises(KeyboardInterrupt) as caught:
        client.query("Q", "m")
    assert PLAIN not in everything_shown(caught.value)


def test_logs_do_not_show_it(
    client: AnyClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """No logger of ours, httpx's or httpcore's has the key, the prompt or the answer."""
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


def test_no_excepthook_shows_it(client: AnyClient, server: ScriptedServer) -> None:
    """Python's own report of an uncaught error is clean as well."""
    server.script = [answer({"detail": KEY}, status=401)]
    with pytest.raises(VectorcacheError) as caught:
        client.query("Q", "m")
    out = io.StringIO()
    traceback.print_exception(*sys.exc_info(), file=out)
    traceback.print_exception(caught.value, file=out)
    assert PLAIN not in out.getvalue()
