"""Which proxy the environment names, and for which hosts none."""

from __future__ import annotations

import os

import httpx
import pytest

from vectorcache._transport.proxies import bypasses, environment_proxy


@pytest.fixture(autouse=True)
def no_other_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment has no proxy but the test's."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("no_proxy", "host"),
    [
        ("*", "cache.example"),
        ("cache.example", "cache.example"),
        ("CACHE.Example", "cache.example"),
        ("example", "cache.example"),
        (".example", "cache.example"),
        (".cache.example", "cache.example"),
        ("*.example", "cache.example"),
        ("*.cache.example", "cache.example"),
        ("cache.*", "cache.example"),
        ("*ache.example", "cache.example"),
        ("cache.example.", "cache.example"),
        ("cache.example", "cache.example."),
        ("one.example, cache.example ", "cache.example"),
        ("one.example cache.example", "cache.example"),
        ("one.example,,\tcache.example", "cache.example"),
        ("cache.example:8080", "cache.example:8080"),
        (".example:8080", "cache.example:8080"),
        ("*:8080", "cache.example:8080"),
        ("https://cache.example", "cache.example"),
        ("all://cache.example", "cache.example"),
        ("bücher.example", "bücher.example"),
        ("xn--bcher-kva.example", "bücher.example"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1:8080", "127.0.0.1:8080"),
        ("127.0.0.0/8", "127.0.0.1"),
        ("127.0.0.1/8", "127.0.0.1"),
        ("10.0.0.0/255.0.0.0", "10.1.2.3"),
        ("10.*", "10.1.2.3"),
        ("0.0.0.0/0", "10.1.2.3"),
        ("::1", "[::1]"),
        ("[::1]", "[::1]"),
        ("0:0:0:0:0:0:0:1", "[::1]"),
        ("[::1]:8080", "[::1]:8080"),
        ("::/64", "[::1]"),
        ("[fd00::]/8", "[fd12::34]"),
        ("FD00::/8", "[fd12::34]"),
        ("fe80::/10", "[fe80::1%25eth0]"),
        ("10.0.0.0/8", "[::ffff:10.1.2.3]"),
        ("::ffff:10.0.0.0/104", "10.1.2.3"),
        ("cache.example, 10.0.0.0/8, ::1", "[::1]"),
    ],
)
def test_no_proxy_covers(no_proxy: str, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_PROXY may name hosts, domains, addresses, ranges and ports, in the usual spellings.

    psf/requests#6313, encode/httpx#3574, pydantic/httpx2#1164.
    """
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert environment_proxy(httpx.URL(f"https://{host}/v1")) is None


@pytest.mark.parametrize(
    ("no_proxy", "host"),
    [
        ("", "cache.example"),
        (" , ", "cache.example"),
        (".", "cache.example"),
        ("cache.example", "my-cache.example"),
        ("cache.example", "cache.example.org"),
        ("ample", "cache.example"),
        ("cache.example:8080", "cache.example"),
        ("cache.example:8080", "cache.example:8081"),
        ("ftp://cache.example", "cache.example"),
        ("http://cache.example", "cache.example"),
        ("cache?example", "cache.example"),
        ("[cache.example]", "cache.example"),
        ("127.0.0.1", "127.0.0.11"),
        ("127.0.0.1:8080", "127.0.0.1"),
        ("10.0.0.0/8", "11.0.0.1"),
        ("10.0.0.0/8", "cache.example"),
        ("10.0.0.0/99", "10.0.0.1"),
        ("::1", "[::2]"),
        ("[::1]:8080", "[::1]"),
        ("[::1]:8080", "[::1:8080]"),
        ("::/64", "[1::1]"),
        ("::/0", "127.0.0.1"),
        ("::1", "cache.example"),
        ("[::1", "[::1]"),
    ],
)
def test_no_proxy_does_not_cover(no_proxy: str, host: str) -> None:
    """What NO_PROXY does not name goes through the proxy, and so does what it names wrongly."""
    assert not bypasses(no_proxy, httpx.URL(f"https://{host}/v1"))


def test_a_port_of_no_proxy_may_be_the_schemes_own() -> None:
    """A URL without a port has its scheme's port."""
    assert bypasses("cache.example:443", httpx.URL("https://cache.example"))
    assert bypasses("cache.example:80", httpx.URL("http://cache.example"))
    assert not bypasses("cache.example:80", httpx.URL("https://cache.example"))


@pytest.mark.parametrize(
    ("variables", "url", "proxy"),
    [
        ({"HTTPS_PROXY": "http://p:1"}, "https://a.example", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1"}, "http://a.example", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://a.example", "http://p:1"),
        ({"ALL_PROXY": "http://p:1"}, "https://a.example", "http://p:1"),
        ({"ALL_PROXY": "http://p:1", "HTTP_PROXY": "http://q:2"}, "http://a", "http://q:2"),
        ({"https_proxy": "http://p:1"}, "https://a.example", "http://p:1"),
        ({"HTTPS_PROXY": ""}, "https://a.example", None),
        ({"HTTPS_PROXY": " "}, "https://a.example", None),
        ({"HTTPS_PROXY": "p:1"}, "https://a.example", "http://p:1"),
        ({"HTTPS_PROXY": " http://p:1 "}, "https://a.example", "http://p:1"),
        ({"ALL_PROXY": "socks5://p:1"}, "https://a.example", "socks5://p:1"),
        ({"ALL_PROXY": "socks5h://p:1"}, "https://a.example", "socks5h://p:1"),
        # GNOME's spelling: acheong08/EdgeGPT#165, HKUDS/nanobot#5425.
        ({"ALL_PROXY": "socks://p:1/"}, "https://a.example", "socks5://p:1/"),
        ({"ALL_PROXY": "SOCKS://u:w@p:1"}, "https://a.example", "socks5://u:w@p:1"),
    ],
)
def test_the_proxy_for_a_url(
    variables: dict[str, str], url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable of the URL's scheme counts, else ALL_PROXY, in each spelling that is common."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert environment_proxy(httpx.URL(url)) == proxy
