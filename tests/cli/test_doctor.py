"""``vectorcache doctor``."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate

import pytest
import trustme
from cli.conftest import CLI
from cli.programs import Ended
from servers import ScriptedServer, answer

from vectorcache import __version__


def checks(done: Ended) -> dict[str, dict[str, str]]:
    """The findings of ``doctor --json``, by what was looked at."""
    return {found["check"]: found for found in json.loads(done.out)["checks"]}


def dated(seconds: float) -> bytes:
    """An answer of a service whose clock is off by so much."""
    date = formatdate(time.time() + seconds, usegmt=True)
    return answer(headers={"Date": date, "X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "99"})


def test_all_is_well(cli: CLI, server: ScriptedServer) -> None:
    """With everything in order each check is ok, and the exit status 0."""
    server.default = dated(0)
    done = cli("doctor", "--json")
    assert done.code == 0
    assert json.loads(done.out)["ok"] is True
    found = checks(done)
    assert {name: check["verdict"] for name, check in found.items()} == {
        "versions": "ok",
        "extras": "ok",
        "key": "ok",
        "address": "ok",
        "proxy": "ok",
        "dns": "ok",
        "connection": "ok",
        "clock": "ok",
        "query": "ok",
    }
    assert f"vectorcache {__version__}, Python 3." in found["versions"]["text"]
    assert found["address"]["text"] == server.url
    assert "127.0.0.1 is at 127.0.0.1" in found["dns"]["text"]
    assert "hit · score 0.940" in found["query"]["text"]
    assert "99 of 100 requests left" in found["query"]["text"]
    assert not any(check["fix"] for check in found.values())


def test_a_table(cli: CLI, server: ScriptedServer) -> None:
    """Without ``--json`` it is a table, with what to fix below what failed."""
    server.default = answer({"detail": "no"}, status=401)
    done = cli("doctor")
    assert done.code == 1
    text = " ".join(done.out.split())
    assert "ok key there is one, of the right form" in text
    assert "failed query" in text
    assert "To fix: make a new key in the project's dashboard" in text


def test_without_a_key(cli: CLI, server: ScriptedServer, without_key: None) -> None:
    """A missing key is said, and does not keep it from looking at the network."""
    server.default = dated(0)
    done = cli("doctor", "--json")
    found = checks(done)
    assert done.code == 1
    assert found["key"]["verdict"] == "failed"
    assert found["clock"]["verdict"] == "ok"
    assert found["query"]["verdict"] == "skipped"
    assert [request.line.split()[0] for request in server.requests] == ["HEAD"]
    assert "authorization" not in server.requests[0].headers


def test_a_key_of_another_form(
    cli: CLI, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key of an unusual form is a warning: the test query decides."""
    monkeypatch.setenv("VECTORCACHE_API_KEY", "key-of-a-gateway")
    server.default = dated(0)
    done = cli("doctor", "--json")
    assert done.code == 0
    assert checks(done)["key"]["verdict"] == "warning"
    assert "test query below" in checks(done)["key"]["fix"]


def test_a_key_of_another_form_without_a_query(
    cli: CLI, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ``--no-query``, the advice on such a key does not rely on a query."""
    monkeypatch.setenv("VECTORCACHE_API_KEY", "key-of-a-gateway")
    server.default = dated(0)
    fix = checks(cli("doctor", "--no-query", "--json"))["key"]["fix"]
    assert "below" not in fix
    assert "without --no-query" in fix


@pytest.mark.parametrize(
    ("key", "text"), [('"vc_key"', "quotation marks"), ("sk-proj-abc", "a key for OpenAI")]
)
def test_a_key_that_cannot_be_one(
    cli: CLI, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, key: str, text: str
) -> None:
    """What is wrong with the key, what to do and why there is no query agree; nothing is sent."""
    monkeypatch.setenv("VECTORCACHE_API_KEY", key)
    server.default = dated(0)
    done = cli("doctor", "--json")
    found = checks(done)
    assert found["key"]["verdict"] == "failed"
    assert text in found["key"]["text"]
    assert found["key"]["fix"].startswith("set VECTORCACHE_API_KEY to the key")
    assert found["query"]["text"] == "no usable key was found"
    assert key not in done.out + done.err
    assert [request.line.split()[0] for request in server.requests] == ["HEAD"]


@pytest.mark.parametrize(
    ("seconds", "verdict", "text"),
    [(-60, "warning", "s ahead of"), (90, "warning", "s behind"), (4_000, "failed", "s behind")],
)
def test_the_clock(
    cli: CLI, server: ScriptedServer, seconds: float, verdict: str, text: str
) -> None:
    """A clock that is off is compared with the service's, and a way to set it is named."""
    server.default = dated(seconds)
    clock = checks(cli("doctor", "--json"))["clock"]
    assert clock["verdict"] == verdict
    assert text in clock["text"]
    assert "timedatectl" in clock["fix"]


def test_no_clock(cli: CLI, server: ScriptedServer) -> None:
    """A service that sends no time does not fail the check."""
    assert checks(cli("doctor", "--json"))["clock"]["verdict"] == "skipped"


@pytest.mark.parametrize(
    ("url", "check", "text"),
    [
        ("nonsense", "address", "--base-url is 'nonsense'"),
        ("https://nowhere.invalid", "dns", "nowhere.invalid is not found"),
        ("http://127.0.0.1:9", "connection", "no connection to 127.0.0.1, port 9"),
    ],
)
def test_no_way(cli: CLI, url: str, check: str, text: str) -> None:
    """It says how far the way to the service leads, and what to look at."""
    done = cli("doctor", "--no-query", "--json", "--base-url", url)
    assert done.code == 1
    found = checks(done)[check]
    assert found["verdict"] == "failed"
    assert text in found["text"]
    assert "--base-url" in found["fix"]


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[ScriptedServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with ScriptedServer(context) as running:
        running.default = dated(0)
        yield running


def test_an_untrusted_certificate(cli: CLI, secure: ScriptedServer) -> None:
    """A certificate that is not trusted fails the check of TLS, which says what to look at."""
    done = cli("doctor", "--no-query", "--json", "--base-url", secure.url)
    assert done.code == 1
    found = checks(done)["tls"]
    assert found["verdict"] == "failed"
    assert "the certificate of localhost is not valid here" in found["text"]
    assert "SSL_CERT_FILE" in found["fix"]


def test_a_certificate(
    cli: CLI, secure: ScriptedServer, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one that is trusted, the version of TLS and the days that are left are shown."""
    with authority.cert_pem.tempfile() as file:
        monkeypatch.setenv("SSL_CERT_FILE", file)
        done = cli("doctor", "--json", "--base-url", secure.url)
    assert done.code == 0
    assert checks(done)["tls"]["text"].startswith("TLSv1.3, the certificate is valid for ")


def test_no_tls_where_it_should_be(cli: CLI) -> None:
    """A port that does not speak TLS is found out."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak_plainly() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                connection.recv(65_536)

        speaking = threading.Thread(target=speak_plainly)
        speaking.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        found = checks(cli("doctor", "--no-query", "--json", "--base-url", url))["tls"]
        speaking.join()
    assert found["verdict"] == "failed"
    assert "https://" in found["fix"]


def test_a_proxy_that_cannot_be_used(
    cli: CLI, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy variable that makes no sense is what failed, and its password is not shown."""
    monkeypatch.setenv("HTTP_PROXY", "gopher://user:secret@proxy")
    done = cli("doctor", "--json")
    assert (done.code, done.err) == (1, "")
    assert checks(done)["proxy"]["verdict"] == "failed"
    assert "secret" not in done.out


def test_a_host_without_a_proxy(
    cli: CLI, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NO_PROXY means the same as it does for queries, ranges of addresses included."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.0/8")
    done = cli("doctor", "--json")
    assert checks(done)["proxy"]["text"] == "none: the environment names none for this host"


def test_a_proxy(cli: CLI, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy is named, and the way behind it left to the proxy."""
    server.default = dated(0)
    monkeypatch.setenv("HTTP_PROXY", server.url)
    done = cli("doctor", "--json", "--base-url", "http://cache.invalid", "--allow-insecure-http")
    found = checks(done)
    assert f"127.0.0.1:{server.port}" in found["proxy"]["text"]
    assert found["dns"]["verdict"] == "skipped"
    assert found["query"]["verdict"] == "ok"


@pytest.mark.parametrize(
    ("body", "status", "fix"),
    [
        ({"detail": "x", "current_usage": 5, "monthly_limit": 5}, 429, "raise the plan's quota"),
        ({"detail": "x"}, 429, "wait a minute"),
        ({"detail": "x"}, 404, "check the address"),
        ({"detail": "x"}, 502, "check the LLM provider's key"),
        ({"detail": "x"}, 500, "the service itself has a problem"),
        ({"detail": "x"}, 400, "correct what the message names"),
    ],
)
def test_what_to_fix(cli: CLI, server: ScriptedServer, body: object, status: int, fix: str) -> None:
    """For each way in which the test query can fail, it says what to do."""
    server.default = answer(body, status=status)
    found = checks(cli("doctor", "--json"))["query"]
    assert found["verdict"] == "failed"
    assert fix in found["fix"]


def test_local(cli: CLI, without_key: None) -> None:
    """The embedded service needs neither key nor network."""
    done = cli("doctor", "--local", "--json")
    assert done.code == 0
    assert list(checks(done)) == ["versions", "extras", "service", "query"]
