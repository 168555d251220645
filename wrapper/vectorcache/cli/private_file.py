"""Makes files that only their owner can read, and that no other user has prepared.

In a folder such as ``/tmp``, another user can put a link where a file will be written. Then a
write would overwrite another file of the user.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

from .exit_codes import UsageError

_OWNER_ALONE: Final = 0o600
# Windows does not have these.
_NOFOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
_geteuid: Final = getattr(os, "geteuid", None)


def create_private(path: Path) -> BinaryIO:
    """Makes a new file, which replaces an existing one; a link is replaced, not followed.

    Raises:
        OSError: the file cannot be made.
    """
    path.unlink(missing_ok=True)
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, _OWNER_ALONE))


def prepare_private(path: Path) -> None:
    """Makes an empty file, or takes the permissions of other users from an existing one.

    Raises:
        UsageError: it is a link, not a file, or belongs to another user.
        OSError: the file cannot be opened.
    """
    _refuse_link(path)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | _NOFOLLOW, _OWNER_ALONE)
    try:
        # The opened file is checked, as the name may lead to another file by now.
        _refuse_foreign(path, os.fstat(handle))
        if os.name != "nt":
            os.fchmod(handle, _OWNER_ALONE)
    finally:
        os.close(handle)


def refuse_prepared(path: Path) -> None:
    """Checks that a file which another library will open belongs to the user, if it exists.

    Raises:
        UsageError: it is a link, not a file, or belongs to another user.
    """
    _refuse_link(path)
    if path.exists():
        _refuse_foreign(path, path.stat())


def publish(path: Path, replaced: Path) -> None:
    """Gives a file the permissions of the file that it will replace, or the usual ones."""
    if os.name == "nt":
        return
    try:
        mode = stat.S_IMODE(replaced.stat().st_mode)
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        mode = 0o666 & ~mask
    path.chmod(mode)


def _refuse_link(path: Path) -> None:
    if path.is_symlink():
        raise UsageError(
            f"{path} is a symbolic link, and the answers are never kept through one: remove it, or "
            "choose another OUT"
        )


def _refuse_foreign(path: Path, found: os.stat_result) -> None:
    is_own = _geteuid is None or found.st_uid == _geteuid()
    if not (stat.S_ISREG(found.st_mode) and found.st_nlink <= 1 and is_own):
        raise UsageError(
            f"{path} is where the answers would be kept, and is not a file that belongs to you "
            "alone: remove it, or choose another OUT"
        )
