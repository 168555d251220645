"""Tells exceptions of the network and its libraries from those that other code raised in a call.

Python may run a signal handler between any two instructions, for example while a library waits for
a socket, and ``PyThreadState_SetAsyncExc`` raises an exception there without any code of its own.
httpcore takes a ``TimeoutError`` of a signal handler for one of the socket, and maps it to its own
error. Such an exception is not an outcome of the attempt: it belongs to the caller. The same holds
for what the event hooks and the auth of the caller's own httpx client raise.
"""

from __future__ import annotations

import opcode
import sys
from collections.abc import Callable, Iterator
from inspect import CO_COROUTINE
from itertools import pairwise
from types import FrameType, TracebackType

import httpx

# Packages that take part in a request, or replace one that does: what they raise is an outcome.
_LIBRARIES = frozenset(
    {"anyio", "h11", "h2", "hpack", "httpcore", "httpx", "hyperframe", "idna", "socksio", "zlib"}
    | {"outcome", "sniffio", "trio", "uvloop", "winloop"}  # event loops
    | {"eventlet", "gevent", "greenlet", "socks", "truststore"}  # replace parts of Python
    | {"pytest_httpx", "respx", "vcr"}  # replace parts of httpx
    | {"vectorcache", "vectorcache_api"}
)

# The functions of httpx that call event hooks or auth.
_CALL_HOOKS = frozenset({"_send_handling_redirects", "sync_auth_flow", "async_auth_flow"})

_RAISES = frozenset({opcode.opmap["RAISE_VARARGS"], opcode.opmap["RERAISE"]})

# The identities of exceptions.
Known = frozenset[int]


def exceptions_handled_now() -> Known:
    """Returns the exceptions that the caller is handling: a call has nothing to do with them."""
    return frozenset(id(link) for link in chain(sys.exception()))


def chain(error: BaseException | None, known: Known = frozenset()) -> Iterator[BaseException]:
    """Yields an exception and its causes and contexts, the last first, except the known ones."""
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
    """Returns the exception of other code from which ``error`` came; None if there is not one.

    Args:
        error: the exception that ended an attempt; it may itself be of other code.
        known: the exceptions that the caller was handling before the attempt began.
    """
    if not isinstance(error, Exception):
        return error
    # A transport of the user's own has dealt with what led to its error.
    for link in _chain(error, known, lambda link: not _is_of_transport(link)):
        if is_of_interruption(link) or _is_of_hook(link) or _is_foreign(link, link is error):
            return link
    return None


def is_of_interruption(error: BaseException) -> bool:
    """Returns whether a signal handler raised ``error``.

    Python gives a signal handler the frame that it interrupted, and that frame also calls it. The
    same is true of trace functions.
    """
    frames = _frames(error)
    return any(
        not _is_library(after) and _was_given(after, before) for before, after in pairwise(frames)
    )


def keep_own_frames(error: BaseException, known: Known) -> None:
    """Drops the frames of libraries, whose variables hold the bytes of the request, with the key.

    The frames of a signal handler are dropped, too: they refer to the frame that was interrupted,
    which would keep a connection in use for as long as the exception lives.
    """
    if any(link is error for link in chain(error.__context__)):
        # A library made its own error of this one: that error is a result, not a cause.
        error.__context__ = None
    for link in chain(error, known):
        interrupted = is_of_interruption(link)
        entries = [entry for entry in _entries(link) if not _is_library(entry.tb_frame)]
        link.__traceback__ = None
        for entry in [] if interrupted else reversed(entries):
            link.__traceback__ = TracebackType(
                link.__traceback__, entry.tb_frame, entry.tb_lasti, entry.tb_lineno
            )


def without_frames(error: BaseException, known: Known = frozenset()) -> BaseException:
    """Drops the frames of ``error`` and its causes, whose variables hold the bytes of the request.

    Tools that print the variables of a traceback (rich, cgitb, error trackers) would print the key.

    Args:
        error: the exception, which is also returned.
        known: the exceptions that the caller was handling before; they keep their frames.
    """
    for link in chain(error, known):
        link.__traceback__ = None
    return error


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
        # A hostile answer can also lead to these: then another error was raised for them.
        if outermost and isinstance(link, MemoryError | RecursionError | httpx.HTTPStatusError):
            return True
        if package not in _LIBRARIES and package not in sys.stdlib_module_names:
            return True  # No library can raise a class that it does not know.
    if package in _LIBRARIES:
        return False
    return (outermost or isinstance(link, OSError)) and _was_raised_from_outside(link)


def _is_of_transport(link: BaseException) -> bool:
    """Returns whether code outside the libraries raised ``link``: a transport of the user's own."""
    frames = _frames(link)
    return bool(frames) and not _is_library(frames[-1])


def _was_raised_from_outside(error: BaseException) -> bool:
    """Returns whether ``PyThreadState_SetAsyncExc`` raised ``error``.

    Such an exception has no arguments, and no ``raise`` statement raised it.
    """
    entries = list(_entries(error))
    if error.args or not entries:
        return False
    code = entries[-1].tb_frame.f_code
    # A coroutine that awaits a future raises the exception of that future, without ``raise``.
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
