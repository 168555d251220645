"""The tests that do not run on Windows or macOS, each with its reason.

``tests/conftest.py`` skips them there. A key names a folder or a file in ``tests``, or one test of
a file. Tests that need a program, such as a Redis server or a shell, look for it themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_FORK: Final = "Windows has no os.fork"
_GUNICORN: Final = "gunicorn does not run on Windows"
_PTY: Final = "Windows has no pseudo-terminals of os.openpty"
_SIGNALS: Final = "Windows has no POSIX signals: another process cannot be sent Ctrl-C or SIGTERM"
_RIGHTS: Final = "Windows has no owner and mode of files as POSIX has"
_PROC: Final = "memory is read from /proc"

_WINDOWS: Final = {
    "lifetimes/test_forks.py": _FORK,
}
_MACOS: Final = {
    "test_size_memory.py": _PROC,
}

NOT_ON: Final[Mapping[str, Mapping[str, str]]] = {"win32": _WINDOWS, "darwin": _MACOS}


def reason_to_skip(platform: str, test: str) -> str | None:
    """Why a test does not run on a platform; None if it does.

    Args:
        platform: as ``sys.platform`` names it.
        test: pytest's name of the test, with the folder ``tests``.
    """
    name = test.partition("[")[0].removeprefix("tests/")
    for place, reason in NOT_ON.get(platform, {}).items():
        if name == place or name.startswith((f"{place}/", f"{place}::")):
            return reason
    return None
