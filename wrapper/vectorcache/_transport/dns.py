"""Looks up the service's name in a thread of its own, which can be left behind when time is up.

Nothing interrupts a look-up, and a resolver may take half a minute over it. So it is done once
before httpcore does it: what a resolver has just found it finds again at once.
"""

from __future__ import annotations

import ipaddress
import queue
import socket

import httpx

from .._call.foreign_exceptions import is_of_interruption
from .._threading import ENDING_SECONDS, start_thread

NO_ADDRESS = "the name has no address"


def addresses(host: str, port: int, seconds: float | None) -> int:
    """How many addresses a host has.

    Raises:
        httpx.ConnectTimeout: that was not known in time.
        httpx.ConnectError: it has none.
    """
    try:
        ipaddress.ip_address(host)
        return 1
    except ValueError as error:
        if is_of_interruption(error):
            raise
    outcome: queue.SimpleQueue[int | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            outcome.put(len(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except Exception as error:
            outcome.put(error)

    try:
        thread = start_thread("vectorcache-names", look_up)
    except RuntimeError as error:  # Then httpcore looks it up, in its own time.
        if is_of_interruption(error):
            raise
        return 1
    try:
        found = outcome.get(timeout=seconds)
    except queue.Empty:
        raise httpx.ConnectTimeout("the name was not looked up in time") from None
    thread.join(ENDING_SECONDS)
    match found:
        case OSError():
            raise httpx.ConnectError(str(found)) from found
        case Exception():
            raise found
        case 0:
            raise httpx.ConnectError(NO_ADDRESS)
    return found
