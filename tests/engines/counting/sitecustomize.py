"""Notes each client that is made or closed; Python loads this in every process of a job."""

from __future__ import annotations

import faulthandler
import os
from typing import Any

from vectorcache import VectorcacheClient

# A job that hangs says where, and ends.
faulthandler.dump_traceback_later(200, exit=True)

_make = VectorcacheClient.__init__
_close = VectorcacheClient.close


def _note(event: str) -> None:
    with open(os.environ["CLIENTS"], "a") as file:
        file.write(f"{event} {os.getpid()}\n")


def _noted_make(self: VectorcacheClient, *arguments: Any, **options: Any) -> None:
    _make(self, *arguments, **options)
    _note("made")


def _noted_close(self: VectorcacheClient) -> None:
    _close(self)
    _note("closed")


for _name, _noted in (("__init__", _noted_make), ("close", _noted_close)):
    setattr(VectorcacheClient, _name, _noted)
