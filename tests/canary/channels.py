"""All ways in which people and tools show an object or an error."""

from __future__ import annotations

import copy
import io
import pickle
import traceback
from collections.abc import Iterator, Mapping
from types import FrameType, TracebackType
from typing import Any

import rich.console
import rich.traceback

from vectorcache._secret import APIKey

# Levels of attributes and items below a variable: more than any of the tools below shows.
DEPTH = 3


def texts_of(value: Any, depth: int = DEPTH) -> Iterator[str]:
    """Returns the texts of the value and of its items and attributes, public or private."""
    for show in (repr, str):
        try:
            yield show(value)
        except Exception as error:
            yield str(error)
    # This type has to hold the key: only what it shows is searched, not what it holds.
    if depth and not isinstance(value, APIKey):
        for part in _parts(value):
            yield from texts_of(part, depth - 1)


def _parts(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    if isinstance(value, str | bytes | bytearray | int | float | type | FrameType | TracebackType):
        return []
    parts = list(getattr(value, "__dict__", {}).values())
    for kind in type(value).__mro__:
        names = kind.__dict__.get("__slots__", ())
        names = (names,) if isinstance(names, str) else names
        parts += [getattr(value, name, None) for name in names]
    return parts


def channels_of_object(value: Any) -> Iterator[tuple[str, str | bytes]]:
    """Returns what printing, inspecting, formatting, copying and pickling the object show."""
    for show in (repr, str, format, ascii):
        yield show.__name__, show(value)
    yield "attributes and items", "\n".join(texts_of(value))
    for name in dir(value):
        if not name.startswith("__"):
            yield f".{name}", "\n".join(texts_of(getattr(value, name, None), 1))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        try:
            yield f"pickle {protocol}", pickle.dumps(value, protocol)
        except Exception as error:
            yield "refused pickle", "".join(traceback.format_exception(error))
    for twin in (copy.copy, copy.deepcopy):
        try:
            yield twin.__name__, "\n".join(texts_of(twin(value)))
        except Exception as error:
            yield f"refused {twin.__name__}", "".join(traceback.format_exception(error))


def channels_of_error(error: BaseException) -> Iterator[tuple[str, str | bytes]]:
    """Returns the same, and the traceback as Python, cgitb, rich and error trackers print it."""
    error.__traceback__ = _below_the_test(error.__traceback__)
    yield from channels_of_object(error)
    yield "traceback", "".join(traceback.format_exception(error))
    with_locals = traceback.TracebackException.from_exception(error, capture_locals=True)
    yield "traceback with locals", "".join(with_locals.format())
    yield "rich", _as_rich(error)
    for link in _chain(error):
        yield f"{type(link).__name__} in its chain", "\n".join(texts_of(link))
        for frame, _ in traceback.walk_tb(link.__traceback__):
            where = f"{frame.f_code.co_filename}:{frame.f_code.co_name}"
            for name, value in frame.f_locals.items():
                yield f"{where}: {name}", "\n".join(texts_of(value))


def _below_the_test(found: TracebackType | None) -> TracebackType | None:
    """Returns the frames from the first one of the client on: the caller's frames know the key."""
    while found is not None and "vectorcache" not in found.tb_frame.f_globals.get("__name__", ""):
        found = found.tb_next
    return found


def _chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    pending = [error]
    while pending:
        link = pending.pop()
        if link is not None and link not in found:
            found.append(link)
            pending += [link.__cause__, link.__context__, *getattr(link, "exceptions", ())]
    return found


def _as_rich(error: BaseException) -> str:
    out = io.StringIO()
    console = rich.console.Console(file=out, width=10_000)
    shown = rich.traceback.Traceback.from_exception(
        type(error),
        error,
        error.__traceback__,
        show_locals=True,
        locals_max_length=1_000,
        locals_max_string=100_000,
        locals_hide_dunder=False,
    )
    console.print(shown)
    return out.getvalue()
