"""An interpreter inside the process, as of mod_wsgi: it may end as soon as the client is closed."""

from __future__ import annotations

from lifetimes.echo import EchoServer
from lifetimes.programs import run

PROGRAM = """
import textwrap
try:
    import _interpreters as interpreters  # from Python 3.13 on
    made = interpreters.create("legacy")
except ImportError:
    import _xxsubinterpreters as interpreters
    made = interpreters.create(isolated=False)
failure = interpreters.run_string(made, textwrap.dedent('''
    from vectorcache import VectorcacheClient
    clients = [VectorcacheClient({key!r}, {url!r}) for _ in range(20)]
    for client in clients:
        assert client.query("Q", "m").response == "Q"
    for client in clients:
        client.close()
'''.format(key=KEY, url=URL)))
assert failure is None, failure
interpreters.destroy(made)
print("ended", file=sys.stderr)
"""


def test_it_ends_right_after_close(server: EchoServer) -> None:
    """No thread of ours is left in it, which would be a fatal error of Python's."""
    by_name = server.url.replace("127.0.0.1", "localhost")  # which is looked up in a thread
    assert run(PROGRAM, by_name, warnings=()) == "ended\n"
