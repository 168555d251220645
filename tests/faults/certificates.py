"""The certificates that a server may show."""

from __future__ import annotations

import datetime
import enum
import ssl
from collections.abc import Callable

import trustme


class Certificate(enum.Enum):
    """Which certificate the server shows."""

    VALID = "valid"
    UNKNOWN_AUTHORITY = "of an unknown authority"
    OTHER_NAME = "for another name"
    EXPIRED = "expired"
    NOT_YET = "not yet valid"
    ASKS_FOR_ONE = "valid, from a server that wants to see one as well"


Contexts = Callable[[Certificate], ssl.SSLContext]


def contexts(authority: trustme.CA) -> dict[Certificate, ssl.SSLContext]:
    """What a server needs to show each of them."""
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    names = ("localhost", "far.localhost")
    certificates = {
        Certificate.VALID: authority.issue_cert(*names),
        Certificate.UNKNOWN_AUTHORITY: trustme.CA().issue_cert(*names),
        Certificate.OTHER_NAME: authority.issue_cert("elsewhere.example"),
        Certificate.EXPIRED: authority.issue_cert(
            *names, not_before=now - 2 * day, not_after=now - day
        ),
        Certificate.NOT_YET: authority.issue_cert(
            *names, not_before=now + day, not_after=now + 2 * day
        ),
        Certificate.ASKS_FOR_ONE: authority.issue_cert(*names),
    }
    made = {}
    for kind, certificate in certificates.items():
        made[kind] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(made[kind])
    made[Certificate.ASKS_FOR_ONE].verify_mode = ssl.CERT_REQUIRED
    return made
