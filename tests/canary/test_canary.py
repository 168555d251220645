"""The key is searched for in everything that the process can emit.

The tests leave out what must hold the key: the memory of the process (``gc.get_objects``), the
type of the key, and the variables of a request that is in progress. They also leave out the debug
records of httpcore for an answer, which quote a server that repeats the key.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import trustme
from canary.channels import channels_of_error, channels_of_object
from canary.embedded import logging_all
from canary.key import CANARY, forms, gives_away
from canary.scenes import SCENES
from canary.surroundings import Emitted, watched
from clients import MakeClient
from local.stand_ins import Angles
from servers import ScriptedServer, answer

from vectorcache import AsyncVectorcacheClient, VectorcacheClient, VectorcacheError


def leaks(shown: Iterable[tuple[str, str | bytes]]) -> list[str]:
    """Returns the channels that show the key."""
    return [
        channel
        for channel, text in shown
        if gives_away(text.encode("utf-8", "replace") if isinstance(text, str) else text)
    ]


def logged(emitted: Emitted) -> list[tuple[str, str]]:
    """Returns all output except the records of httpcore for an answer."""
    return [
        (channel, text)
        for channel, text in emitted.found
        if not (channel.startswith("log httpcore") and "receive_response_" in text)
    ]


def test_the_canary_sees() -> None:
    """The search finds the key in all its forms and in all channels."""
    assert all(gives_away(b"<" + form + b">") for form in forms())
    for text in (repr({"k": CANARY}), CANARY.upper(), httpx.BasicAuth(CANARY, "x")._auth_header):
        assert gives_away(text.encode())
    assert gives_away(CANARY.encode("utf-16"))
    assert not gives_away(b"vc_" + 32 * b"0")

    # The frames before the first one of the client are those of the caller, which know the key.
    frame: dict[str, Any] = {"__name__": "vectorcache"}
    exec("def ours(key): raise ValueError", frame)
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        frame["ours"](CANARY)
    found = leaks(channels_of_error(caught.value))
    assert "rich" in found
    assert "traceback with locals" in found
    assert any(channel.endswith("ours: key") for channel in found)
    assert leaks(channels_of_object(SimpleNamespace(inner=[{"deep": CANARY}])))


@pytest.mark.parametrize("scene", SCENES)
def test_no_answer_shows_it(make_client: MakeClient, server: ScriptedServer, scene: str) -> None:
    """Whatever a server sends, no result, error, traceback, log or warning shows the key."""
    server.default = SCENES[scene]
    with watched() as emitted:
        client = make_client(CANARY)
        shown = list(channels_of_object(client))
        try:
            result = client.query("Q", "m")
        except VectorcacheError as error:
            shown += channels_of_error(error)
        else:
            for part in (result, result.meta, result.meta.rate_limit, result.debug):
                shown += channels_of_object(part)
        client.close()
    assert server.requests[0].headers["authorization"] == f"Bearer {CANARY}"
    assert any(channel.startswith("log vectorcache") for channel, _ in emitted.found)
    assert any(channel.startswith("log httpcore") for channel, _ in emitted.found)
    assert leaks(shown) == []
    assert leaks(logged(emitted)) == []


@pytest.fixture
def distrusted() -> Iterator[str]:
    """A server whose certificate is not trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    with ScriptedServer(context) as running:
        yield running.url


@pytest.mark.parametrize("trouble", ["refused", "TLS", "timeout", "deadline", "no such host"])
def test_no_network_error_shows_it(
    make_client: MakeClient, server: ScriptedServer, distrusted: str, trouble: str
) -> None:
    """An error without an answer does not show the key, whatever the network did."""
    over = threading.Event()

    def silent(connection: object) -> None:
        over.wait(10)

    server.default = silent
    options: dict[str, dict[str, Any]] = {
        "refused": {"base_url": "http://127.0.0.1:9"},
        "TLS": {"base_url": distrusted},
        "timeout": {"timeout": 0.1},
        "deadline": {"deadline": 0.1, "timeout": None},
        "no such host": {"base_url": "https://nowhere.invalid", "timeout": 2.0, "max_retries": 0},
    }
    with watched() as emitted:
        client = make_client(CANARY, **options[trouble])
        with pytest.raises(VectorcacheError) as caught:
            client.query("Q", "m")
        over.set()
    assert leaks(channels_of_error(caught.value)) == []
    assert leaks(emitted.found) == []


@pytest.mark.parametrize("scene", ["echo in JSON", "nothing"])
def test_your_own_http_client_does_not_show_it(server: ScriptedServer, scene: str) -> None:
    """An ``http_client`` of the user does not show the key in its errors and logs either."""
    server.default = SCENES[scene]
    with watched() as emitted, httpx.Client() as own:
        client = VectorcacheClient(CANARY, server.url, http_client=own, max_retries=0)
        shown = list(channels_of_object(client))
        with pytest.raises(VectorcacheError) as caught:
            client.query("Q", "m")
        shown += channels_of_object(own)
        client.close()
    assert leaks(channels_of_error(caught.value)) == []
    assert leaks(shown) == []
    assert leaks(emitted.found) == []


def test_a_cancelled_call_does_not_show_it(server: ScriptedServer) -> None:
    """The traceback of a task that is cancelled during a request does not show the key."""
    arrived, over = threading.Event(), threading.Event()

    def silent(connection: object) -> None:
        arrived.set()
        over.wait(10)

    server.default = silent

    async def cancelled() -> BaseException:
        async with AsyncVectorcacheClient(CANARY, server.url) as client:
            task = asyncio.create_task(client.query("Q", "m"))
            await asyncio.to_thread(arrived.wait, 10)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError as error:
                return error
            finally:
                over.set()
        raise AssertionError("it was not cancelled")

    with watched() as emitted:
        error = asyncio.run(cancelled(), debug=True)
    assert leaks(channels_of_error(error)) == []
    assert leaks(emitted.found) == []


def test_the_embedded_service_does_not_show_it(make_client: MakeClient) -> None:
    """The logs of the embedded service and its server never show the key."""

    def llm(prompt: str, model: str, context: str | None) -> str:
        if model == "broken":
            raise ValueError(prompt)
        return prompt

    shown: list[tuple[str, str | bytes]] = []
    with watched() as emitted, logging_all(llm=llm, embedder=Angles()) as url:
        for key in (CANARY, f"{CANARY}0", CANARY.upper()):
            client = make_client(key, base_url=url)
            for prompt, model in (("30", "m"), ("31 degrees", "m"), ("90", "broken"), ("?", "m")):
                try:
                    shown += channels_of_object(client.query(prompt, model, include_debug=True))
                except VectorcacheError as error:
                    shown += channels_of_error(error)
            client.close()
    channels = {channel for channel, _ in emitted.found}
    assert {"log uvicorn.access", "log uvicorn.error", "log vectorcache.local"} <= channels
    assert leaks(shown) == []
    assert leaks(emitted.found) == []


def test_an_interrupt_does_not_show_it() -> None:
    """After Ctrl-C during sending, no variable of the traceback holds the request."""

    class Interrupted(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            assert request.headers["authorization"] == f"Bearer {CANARY}"
            raise KeyboardInterrupt

    with (
        watched() as emitted,
        VectorcacheClient(CANARY, http_client=Interrupted()) as client,
        pytest.raises(KeyboardInterrupt) as caught,
    ):
        client.query("Q", "m")
    assert leaks(channels_of_error(caught.value)) == []
    assert leaks(emitted.found) == []


def test_an_unclosed_client_does_not_show_it(server: ScriptedServer) -> None:
    """The warning for a client that was never closed does not show the key."""
    with watched() as emitted:
        client = VectorcacheClient(CANARY, server.url)
        client.query("Q", "m")
        del client
    assert [text for channel, text in emitted.found if channel == "warning"]
    assert leaks(emitted.found) == []


def test_a_dump_of_all_threads_does_not_show_it(
    make_client: MakeClient, server: ScriptedServer, tmp_path: Path
) -> None:
    """faulthandler does not show the key of a call that is in progress."""
    dump = tmp_path / "dump"

    def dumping(connection: Any) -> None:
        with dump.open("w") as file:
            faulthandler.dump_traceback(file, all_threads=True)
        connection.sendall(answer())

    server.default = dumping
    assert make_client(CANARY).query("Q", "m").cache_hit
    assert "query" in dump.read_text()
    assert leaks([("dump", dump.read_bytes())]) == []


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_whole_process_does_not_show_it(server: ScriptedServer, kind: str) -> None:
    """A program that logs everything and ends with an error of ours does not print the key."""
    server.script = [*SCENES.values()]
    server.default = SCENES["echo in JSON"]
    program = Path(__file__).with_name("program.py")
    environment = {
        **os.environ,
        "VECTORCACHE_API_KEY": CANARY,
        "VECTORCACHE_BASE_URL": server.url,
        "VECTORCACHE_LOG": "debug",
    }
    ended = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "always", program, kind],
        env=environment,
        capture_output=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert b"AuthenticationError" in ended.stderr
    assert b"vectorcache DEBUG" in ended.stderr
    assert b"ResourceWarning" in ended.stderr
    assert leaks([("stdout", ended.stdout), ("stderr", ended.stderr)]) == []
