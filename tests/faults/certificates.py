"""The valid and invalid certificates that a server can present."""

from __future__ import annotations

import datetime
import enum
import ssl
from collections.abc import Callable

import trustme


class Certificate(enum.Enum):
    """Which certificate the server presents."""

    VALID = "valid"
    UNKNOWN_AUTHORITY = "from an unknown authority"
    OTHER_NAME = "for another name"
    EXPIRED = "expired"
    NOT_YET = "not yet valid"
    ASKS_FOR_ONE = "valid, from a server that requires a certificate of the client"


Contexts = Callable[[Certificate], ssl.SSLContext]


def contexts(authority: trustme.CA) -> dict[Certificate, ssl.SSLContext]:
    """Returns the TLS context of a server for each certificate."""
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
