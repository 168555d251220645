"""The command line, ``vectorcache``; install it with ``pip install 'vectorcache-python[cli]'``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program.

    Args:
        arguments: the arguments of the command line, without the name of the program; None for
            ``sys.argv[1:]``.

    Returns:
        The exit status; see ``vectorcache.cli.exit_codes``.
    """
    for name in ("cyclopts", "rich"):
        if find_spec(name) is None:
            sys.stderr.write(
                f"vectorcache: the command line needs {name}, which comes with the extra: "
                "pip install 'vectorcache-python[cli]'\n"
            )
            return 2
    try:
        from .app import run

        return run(sys.argv[1:] if arguments is None else list(arguments))
    except KeyboardInterrupt:  # Ctrl-C came before a command began.
        return 130
