"""Looks up a host name in a separate thread, so that the caller need not wait for its end.

Nothing can interrupt a look-up, and a resolver may take half a minute. So the name is looked up
here first; the resolver then finds it at once when httpcore asks for it again.
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
    """Returns how many addresses a host has.

    Args:
        host: a name or an IP address.
        port: the port to connect to.
        seconds: how long to wait for the look-up; None for no limit.

    Raises:
        httpx.ConnectTimeout: the look-up took too long.
        httpx.ConnectError: the name does not exist, or has no address.
    """
    try:
        ipaddress.ip_address(host)
        return 1
    except ValueError as error:
        if is_of_interruption(error):
            raise
    found = _look_up(host, port, seconds)
    match found:
        case OSError():
            raise httpx.ConnectError(str(found)) from found
        case Exception():
            raise found
        case 0:
            raise httpx.ConnectError(NO_ADDRESS)
    return found


def _look_up(host: str, port: int, seconds: float | None) -> int | Exception:
    """Returns the number of addresses, or the exception with which the look-up ended."""
    outcome: queue.SimpleQueue[int | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            outcome.put(len(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except Exception as error:
            outcome.put(error)

    try:
        thread = start_thread("vectorcache-names", look_up)
    except RuntimeError as error:
        if is_of_interruption(error):
            raise
        return 1  # Without a thread, only httpcore looks up the name, however long that takes.
    try:
        found = outcome.get(timeout=seconds)
    except queue.Empty:
        raise httpx.ConnectTimeout("the name was not looked up in time") from None
    thread.join(ENDING_SECONDS)
    return found
