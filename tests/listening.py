"""A listening socket for the servers of the tests that run on asyncio."""

import socket


def listening_socket() -> socket.socket:
    """A socket that listens on a free port of this machine.

    It names its protocol: otherwise asyncio leaves Nagle's algorithm on, and an answer may take
    40 ms longer than the server needs.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    return socket.socket(listener.family, listener.type, socket.IPPROTO_TCP, listener.detach())
