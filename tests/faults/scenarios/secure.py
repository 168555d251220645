"""TLS handshakes and records that are invalid, cut off or endless."""

from __future__ import annotations

from faults.behaviour import (
    CONTENT,
    HEAD,
    Close,
    Drip,
    Forever,
    Handshake,
    Pause,
    Read,
    Reset,
    Send,
    SendRaw,
    Stall,
    answer,
    on_connect,
    on_request,
)
from faults.certificates import Certificate
from faults.scenario import HTTPS, Answers, Group, Raises, Scenario, lasts

from vectorcache import APIConnectionError, APITimeoutError

# A fatal alert of TLS 1.2 begins with content type 21, the version, length 2 and level 2. The kind
# of the alert follows.
ALERT = b"\x15\x03\x03\x00\x02\x02"
HANDSHAKE_FAILURE, PROTOCOL_VERSION, INTERNAL_ERROR = b"\x28", b"\x46", b"\x50"

ADVICE = "check base_url, and the certificates this machine trusts (SSL_CERT_FILE)"


def bad_certificate(certificate: Certificate, fault: str, says: str) -> Scenario:
    return Scenario(
        fault=fault,
        promise="`APIConnectionError` that says what is wrong with the certificate, never retried; "
        "the key is not sent.",
        certificate=certificate,
        sees=Raises(APIConnectionError, 1, ("its certificate is not valid here", says, ADVICE)),
        requests=0,
        connections=1,
        over=HTTPS,
        not_usable_after="the server keeps its certificate",
    )


def alert(kind: bytes, fault: str, says: str) -> Scenario:
    return Scenario(
        fault=fault,
        promise="`APIConnectionError` that names the alert, never retried.",
        rest=on_connect(Read(1), Send(ALERT + kind), Close()),
        sees=Raises(
            APIConnectionError, 1, ("no secure connection", says), ("does that port speak",)
        ),
        requests=0,
        connections=1,
        over=HTTPS,
    )


GROUP = Group(
    "TLS",
    (
        bad_certificate(
            Certificate.UNKNOWN_AUTHORITY,
            "A certificate from an unknown authority",
            "unable to get local issuer certificate",
        ),
        bad_certificate(
            Certificate.OTHER_NAME, "A certificate for another name", "Hostname mismatch"
        ),
        bad_certificate(Certificate.EXPIRED, "An expired certificate", "certificate has expired"),
        bad_certificate(
            Certificate.NOT_YET, "A certificate that is not valid yet", "not yet valid"
        ),
        Scenario(
            fault="A server that requires a certificate of the client",
            promise="`APIConnectionError` that says so, never retried.",
            certificate=Certificate.ASKS_FOR_ONE,
            sees=Raises(APIConnectionError, 1, ("certificate required",)),
            requests=0,
            over=HTTPS,
            not_usable_after="the server still requires a certificate",
        ),
        Scenario(
            fault="Plain HTTP on the port of an `https://` address",
            promise="`APIConnectionError` that asks whether the port speaks `http://`, never "
            "retried.",
            rest=on_connect(Read(1), Send(answer(status=400, raw=b"this is TLS")), Close()),
            sees=Raises(
                APIConnectionError, 1, ("no secure connection", "does that port speak http://?")
            ),
            requests=0,
            connections=1,
            over=HTTPS,
        ),
        Scenario(
            fault="TLS on the port of an `http://` address",
            promise="`APIConnectionError` after one retry at most.",
            client={"base_url": "http://localhost:<port>"},
            sees=Raises(APIConnectionError, 2, ("localhost",)),
            requests=0,
            over=HTTPS,
            not_usable_after="the client's only address is invalid",
        ),
        Scenario(
            fault="Noise instead of a handshake",
            promise="`APIConnectionError` that says that TLS failed, never retried.",
            rest=on_connect(Read(1), Send(bytes(range(256))), Close()),
            sees=Raises(APIConnectionError, 1, ("no secure connection",)),
            requests=0,
            connections=1,
            over=HTTPS,
        ),
        alert(HANDSHAKE_FAILURE, "The server finds no common cipher", "handshake failure"),
        alert(PROTOCOL_VERSION, "The server finds no common version of TLS", "protocol version"),
        alert(INTERNAL_ERROR, "The server reports an internal error", "internal error"),
        Scenario(
            fault="Closed during the handshake",
            promise="Retried, as nothing was sent.",
            steps=(on_connect(Read(1), Close()),) * 2,
            sees=Answers(attempts=3),
            requests=1,
            over=HTTPS,
        ),
        Scenario(
            fault="Reset during the handshake",
            promise="Retried, as nothing was sent.",
            steps=(on_connect(Read(1), Reset()),) * 2,
            sees=Answers(attempts=3),
            requests=1,
            over=HTTPS,
        ),
        Scenario(
            fault="Always closed during the handshake",
            promise="`APIConnectionError` after all attempts.",
            rest=on_connect(Read(1), Close()),
            sees=Raises(APIConnectionError, 3, ("could not connect",)),
            requests=0,
            connections=3,
            over=HTTPS,
        ),
        Scenario(
            fault="A handshake that stalls",
            promise="Retried after each `timeout`, as nothing was sent; then `APITimeoutError`.",
            rest=on_connect(Read(1), Stall()),
            query={"timeout": 0.2},
            sees=Raises(APITimeoutError, 3, ("timed out after 0.2 s while connecting to",)),
            requests=0,
            connections=3,
            over=HTTPS,
            **lasts(0.6),
        ),
        Scenario(
            fault="A handshake that stalls until the deadline",
            promise="`APITimeoutError` at the deadline.",
            rest=on_connect(Read(1), Stall()),
            query={"deadline": 0.4},
            sees=Raises(APITimeoutError, 1, ("while connecting to",)),
            requests=0,
            over=HTTPS,
            **lasts(0.4),
        ),
        Scenario(
            fault="A handshake a byte at a time",
            promise="`APITimeoutError` at the deadline.",
            rest=on_connect(Handshake(every=0.02)),
            query={"deadline": 0.4},
            sees=Raises(APITimeoutError, 1, ("while connecting to",)),
            requests=0,
            over=HTTPS,
            **lasts(0.4),
        ),
        Scenario(
            fault="A handshake a byte at a time, with a `timeout`",
            promise="`APITimeoutError` when `timeout` has passed.",
            rest=on_connect(Handshake(every=0.02)),
            query={"timeout": 0.3, "max_retries": 0},
            sees=Raises(APITimeoutError, 1, ("while connecting to",)),
            requests=0,
            over=HTTPS,
            **lasts(0.3),
        ),
        Scenario(
            fault="A slow handshake that ends in time",
            promise="The call returns the answer.",
            steps=(on_connect(Pause(0.2), Handshake()),),
            sees=Answers(),
            requests=1,
            over=HTTPS,
        ),
        Scenario(
            fault="Endless TLS warnings",
            promise="`APIConnectionError`, by the deadline at the latest.",
            rest=on_connect(Read(1), Forever(b"\x15\x03\x03\x00\x02\x01\x5a", every=0.02)),
            query={"deadline": 0.4},
            sees=Raises(APIConnectionError, 1, ("no secure connection",)),
            requests=0,
            over=HTTPS,
            within=0.7,
        ),
        Scenario(
            fault="Unencrypted bytes in the middle of the answer",
            promise="Retried once, as the request has arrived.",
            steps=(on_request(HEAD + CONTENT[:20], SendRaw(b"HTTP/1.1 500 \r\n\r\n"), Close()),),
            sees=Answers(attempts=2),
            requests=2,
            over=HTTPS,
        ),
        Scenario(
            fault="A corrupted TLS record instead of the answer",
            promise="Retried once; then `APIConnectionError`.",
            rest=on_request(SendRaw(b"\x17\x03\x03\x00\x20" + 32 * b"x"), Stall()),
            sees=Raises(APIConnectionError, 2, ("broke while waiting for the answer",)),
            requests=2,
            over=HTTPS,
        ),
        Scenario(
            fault="TLS records of one byte each",
            promise="`APITimeoutError` at the deadline.",
            rest=on_request(Drip(answer())),
            query={"deadline": 0.4},
            sees=Raises(APITimeoutError, 1, ("while",)),
            requests=1,
            over=HTTPS,
            **lasts(0.4),
        ),
    ),
)
