"""Answers as bytes on the wire: any status, any header, any body."""

from __future__ import annotations

import gzip
import json

from clients import KEY
from hypothesis import strategies as st
from servers import HIT

from vectorcache._headers import _FIRST_UNIX_TIME

_HIT_JSON = json.dumps(HIT).encode()

# All statuses that a status line can hold, except 1xx, which is not a final answer.
STATUSES = st.sampled_from([200, 200, 200, 400, 401, 404, 422, 429, 500, 502, 503]) | st.integers(
    200, 999
)

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([KEY, f"Bearer {KEY}"])
)
_NAMES = st.text(max_size=8) | st.sampled_from(
    [
        *HIT,
        "debug",
        "detail",
        "error",
        "message",
        "msg",
        "loc",
        "retry_after",
        "current_usage",
        "monthly_limit",
        "fallback",
        KEY,
    ]
)
JSON_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=5),
    max_leaves=12,
)


def _as_json(value: object, escaped: bool) -> bytes:
    return json.dumps(value, ensure_ascii=escaped).encode("utf-8", "surrogatepass")


def _escaped_json(text: str) -> bytes:
    """Returns JSON in which every character is escaped, so that only a parser can read it."""
    units = text.encode("utf-16-be", "surrogatepass").hex()
    escapes = "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
    return f'{{"detail": "{escapes}", "{escapes}": 1}}'.encode()


def _escaped_html(text: str) -> bytes:
    return b"<p>" + "".join(f"&#{ord(character)};" for character in text).encode()


def _nested(depth: int, opened: bytes, closed: bytes) -> bytes:
    return b'{"detail":' + opened * depth + b"1" + closed * depth + b"}"


_HTML = st.lists(
    st.sampled_from(
        [
            b"<p>",
            b"</p>",
            b"<script>",
            b"</script >",
            b"<style",
            b"&amp;",
            b"&#x41;",
            b"&#9999999;",
            b"<",
            b">",
            b"<!--",
            b"502 Bad Gateway",
            KEY.encode(),
            b"\x00",
            b"\x1b[31m",
            b"\n",
        ]
    ),
    max_size=12,
).map(lambda pieces: b"<html>" + b"".join(pieces))

BODIES = st.one_of(
    st.just(_HIT_JSON),
    st.binary(max_size=200),
    st.builds(_as_json, JSON_VALUES, st.booleans()),
    st.builds(_as_json, st.dictionaries(_NAMES, JSON_VALUES, max_size=6), st.booleans()),
    _HTML,
    st.builds(_escaped_json, st.text(max_size=8) | st.just(KEY)),
    st.builds(_escaped_html, st.text(max_size=8) | st.just(KEY)),
    st.builds(
        _nested,
        st.integers(1, 2_000),
        st.sampled_from([b"[", b'[1,[{"a":', b'{"detail":', b'{"msg":']),
        st.sampled_from([b"]", b"}", b"}]]"]),
    ),
    st.binary(max_size=200).map(gzip.compress),
    st.just(gzip.compress(_HIT_JSON)),
)

# h11 accepts any bytes in a value except these, and no blanks at its ends.
_ANY_VALUE = st.binary(max_size=60).map(
    lambda value: value.translate(None, b"\x00\n\x0b\x0c\r").strip(b" \t")
)
_NUMBER = st.one_of(
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["1e9", "9" * 25, "٣", "+5", "-0", " 7 ", "1.", ".5", "0x1", "1_0", "\x1c5"]),
    st.integers(int(_FIRST_UNIX_TIME) - 5, 2**34).map(str),
).map(lambda text: text.strip().encode())
_DATE = st.one_of(
    st.datetimes().map(lambda moment: moment.strftime("%a, %d %b %Y %H:%M:%S GMT")),
    st.from_regex(r"\A[A-Za-z]{3,9},? [0-9A-Za-z -]{6,12}[0-9:]{8}( [0-9]{4})?( [A-Z]{1,5})?\Z"),
).map(str.encode)
_CODING = st.sampled_from([b"gzip", b"GZIP ", b"x-gzip", b"identity", b"br", b"gzip, gzip", b"zip"])
_TYPE = st.sampled_from([b"application/json", b"text/html; charset=utf-16", b"a", b";charset=\xff"])
_PLACE = st.sampled_from(
    [b"//", b"https://user:hush@other.example/a?b#c", b"/x?key=hush", b"?", b"#", b"http://[::1"]
)
_ECHO = st.sampled_from([KEY.encode(), b"Bearer " + KEY.encode()])

_VALUES: dict[bytes, st.SearchStrategy[bytes]] = {
    b"Content-Type": _TYPE,
    b"Content-Encoding": _CODING,
    b"Retry-After": _NUMBER | _DATE,
    b"Date": _DATE,
    b"Location": _PLACE,
    b"X-RateLimit-Limit": _NUMBER,
    b"X-RateLimit-Remaining": _NUMBER,
    b"X-RateLimit-Reset": _NUMBER,
    b"X-Request-Id": _ECHO,
    b"CF-Ray": _ECHO,
    b"Connection": st.sampled_from([b"close", b"keep-alive", b"upgrade", b","]),
    b"Set-Cookie": _ECHO,
}
HEADERS = st.lists(
    st.sampled_from(sorted(_VALUES)).flatmap(
        lambda name: st.tuples(st.just(name), _VALUES[name] | _ANY_VALUE)
    ),
    max_size=5,
)


def on_the_wire(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bytes:
    """Returns the bytes of a whole answer with a correct length."""
    lines = [b"HTTP/1.1 %d Whatever" % status, b"Content-Length: %d" % len(body)]
    lines += [b"%s: %s" % header for header in headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
