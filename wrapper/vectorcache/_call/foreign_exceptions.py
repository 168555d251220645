"""Tells what the network or a library raised from what other code raised in the middle of a call.

Python runs signal handlers between two instructions of whatever runs, such as a library that waits
for a socket, and ``PyThreadState_SetAsyncExc`` raises there without any code of its own. A
``TimeoutError`` of a signal handler then looks like one of the socket's, and httpcore makes an
error of its own of it. Such an exception is not an outcome of the attempt: it belongs to the
caller. So does what the event hooks and the auth of the caller's own httpx client raise.
"""

from __future__ import annotations

import opcode
import sys
from collections.abc import Callable, Iterator
from inspect import CO_COROUTINE
from itertools import pairwise
from types import FrameType, TracebackType

import httpx

# What takes part in a request, or stands in for what does: what it raises is an outcome.
_LIBRARIES = frozenset(
    {"anyio", "h11", "h2", "hpack", "httpcore", "httpx", "hyperframe", "idna", "socksio", "zlib"}
    | {"outcome", "sniffio", "trio", "uvloop", "winloop"}  # event loops
    | {"eventlet", "gevent", "greenlet", "socks", "truststore"}  # replace parts of Python
    | {"pytest_httpx", "respx", "vcr"}  # replace parts of httpx
    | {"vectorcache", "vectorcache_api"}
)

# Functions that call hooks or auth of an httpx client.
_CALL_HOOKS = frozenset({"_send_handling_redirects", "sync_auth_flow", "async_auth_flow"})

_RAISES = frozenset({opcode.opmap["RAISE_VARARGS"], opcode.opmap["RERAISE"]})

Known = frozenset[int]


def handled_now() -> Known:
    """The exceptions that the caller handles at this moment, which say nothing of a call."""
    return frozenset(id(link) for link in chain(sys.exception()))


def chain(error: BaseException | None, known: Known = frozenset()) -> Iterator[BaseException]:
    """An exception and what led to it, the last first, without what is known already."""
    return _chain(error, known, lambda _: True)


def _chain(
    error: BaseException | None, known: Known, leads_on: Callable[[BaseException], bool]
) -> Iterator[BaseException]:
    seen = set(known)
    pending = [error]
    while pending:
        link = pending.pop(0)
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            yield link
            if leads_on(link):
                pending += [link.__cause__, link.__context__]


def foreign_exception(error: BaseException, known: Known) -> BaseException | None:
    """What other code raised and ``error`` came of, which may be ``error`` itself; None for none.

    Args:
        error: what an attempt ended with.
        known: what the caller handled before the attempt began.
    """
    if not isinstance(error, Exception):
        return error
    # What led to an error of a transport of the user's own, its code has dealt with.
    for link in _chain(error, known, lambda link: not _is_of_transport(link)):
        if is_of_interruption(link) or _is_of_hook(link) or _is_foreign(link, link is error):
            return link
    return None


def is_of_interruption(error: BaseException) -> bool:
    """Whether a signal handler raised it: its caller is the very frame that it was given.

    That holds for trace functions as well.
    """
    frames = _frames(error)
    return any(
        not _is_library(after) and _was_given(after, before) for before, after in pairwise(frames)
    )


def keep_own_frames(error: BaseException, known: Known) -> None:
    """Drops the frames of libraries, whose variables hold the bytes of the request, and its key.

    The frame of a signal handler goes with them: it leads back to the one that it interrupted, and
    would keep a connection in use for as long as the exception is kept.
    """
    if any(link is error for link in chain(error.__context__)):
        error.__context__ = None  # A library's error that was made of it did not lead to it.
    for link in chain(error, known):
        interrupted = is_of_interruption(link)
        entries = [entry for entry in _entries(link) if not _is_library(entry.tb_frame)]
        link.__traceback__ = None
        for entry in [] if interrupted else reversed(entries):
            link.__traceback__ = TracebackType(
                link.__traceback__, entry.tb_frame, entry.tb_lasti, entry.tb_lineno
            )


def _is_of_hook(error: BaseException) -> bool:
    frames = _frames(error)
    return any(
        before.f_code.co_name in _CALL_HOOKS and _is_library(before) and not _is_library(after)
        for before, after in pairwise(frames)
    )


def _is_foreign(link: BaseException, outermost: bool) -> bool:
    if not isinstance(link, Exception):
        return isinstance(link, KeyboardInterrupt | SystemExit)
    package = _package(type(link).__module__)
    if not _is_of_transport(link):
        # Hostile answers lead to some of these, of which something else is made.
        if outermost and isinstance(link, MemoryError | RecursionError | httpx.HTTPStatusError):
            return True
        if package not in _LIBRARIES and package not in sys.stdlib_module_names:
            return True  # No library has raised an exception that it cannot know.
    if package in _LIBRARIES:
        return False
    return (outermost or isinstance(link, OSError)) and _came_from_nowhere(link)


def _is_of_transport(link: BaseException) -> bool:
    """Whether code outside the libraries raised it: a transport of the user's own."""
    frames = _frames(link)
    return bool(frames) and not _is_library(frames[-1])


def _came_from_nowhere(error: BaseException) -> bool:
    """Whether it says nothing, and no statement raised it: ``PyThreadState_SetAsyncExc`` did."""
    entries = list(_entries(error))
    if error.args or not entries:
        return False
    code = entries[-1].tb_frame.f_code
    # A coroutine raises there what a future ended with.
    return not code.co_flags & CO_COROUTINE and code.co_code[entries[-1].tb_lasti] not in _RAISES


def _was_given(frame: FrameType, interrupted: FrameType) -> bool:
    for value in frame.f_locals.values():
        for one in value if type(value) is tuple else (value,):
            if one is interrupted:
                return True
    return False


def _entries(error: BaseException) -> Iterator[TracebackType]:
    entry = error.__traceback__
    while entry is not None:
        yield entry
        entry = entry.tb_next


def _frames(error: BaseException) -> list[FrameType]:
    return [entry.tb_frame for entry in _entries(error)]


def _is_library(frame: FrameType) -> bool:
    package = _package(frame.f_globals.get("__name__"))
    return package in _LIBRARIES or package in sys.stdlib_module_names


def _package(module: object) -> str:
    return str(module).partition(".")[0]
