"""Runs one scenario with one client, and reports every promise that was broken."""

from __future__ import annotations

import logging
import pickle
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any

import httpx
from clients import KEY, AnyClient
from faults.behaviour import on_request
from faults.scenario import Answers, Outcome, Raises, Scenario
from faults.server import FaultServer
from servers import HIT, answer

from vectorcache import (
    APIConnectionError,
    APITimeoutError,
    RetryPolicy,
    VectorcacheError,
    VectorcacheResponse,
)

AFTERWARDS = {**HIT, "response": "the answer after the fault"}

Seen = VectorcacheResponse | BaseException


class Run:
    """One scenario, run with one client.

    Args:
        scenario: what the server does, and what the calls must see.
        server: the server, which has been started.
        make_client: makes a sync client, or an async client behind blocking methods.
        control: calls an async function on the event loop of the server.
        folder: the folder that contains the scenario's files.
    """

    def __init__(
        self,
        scenario: Scenario,
        server: FaultServer,
        make_client: Callable[..., AnyClient],
        control: Callable[..., Any],
        folder: str,
    ) -> None:
        self.scenario = scenario
        self.server = server
        self.seen: list[Seen] = []
        self.seconds = 0.0
        self.client: AnyClient | None = None
        self._make_client = make_client
        self._control = control
        self._folder = folder

    def fill_in(self, value: Any) -> Any:
        """Returns ``value`` with the server's port and the folder filled in."""
        if not isinstance(value, str):
            return value
        return value.replace("<port>", str(self.server.port)).replace("<folder>", self._folder)

    def make_calls(self) -> None:
        """Makes the client and its calls, and keeps what each call returned or raised."""
        scenario, server = self.scenario, self.server
        options = {
            "base_url": server.url,
            "retry": RetryPolicy.without_waiting(),
            # With only one connection, the next call fails if a call does not return it.
            "max_connections": 1,
            **{name: self.fill_in(value) for name, value in scenario.client.items()},
        }
        if scenario.warm:
            self.client = self._make_client(**options)
            for _ in range(scenario.warm):
                assert self.client.query("warm", "m").cache_hit
            server.requests.clear()
        if scenario.closed and self.client is not None:
            self.client.close()
        server.script, server.rest = list(scenario.steps), scenario.rest
        started = time.monotonic()
        try:
            if self.client is None:
                self.client = self._make_client(**options)
        except Exception as error:
            self.seen = [error]
        else:
            self.seen = list(self._all_calls(self.client))
        self.seconds = time.monotonic() - started

    def _all_calls(self, client: AnyClient) -> Iterator[Seen]:
        scenario = self.scenario
        numbers = range(scenario.calls)
        if scenario.at_once:
            with ThreadPoolExecutor(scenario.calls) as threads:
                yield from threads.map(lambda _: self._call(client), numbers)
            return
        never = threading.Event()
        for number in numbers:
            never.wait(self._pause_before(number + 1))
            yield self._call(client)

    def _pause_before(self, number: int) -> float:
        pause = self.scenario.pause
        if isinstance(pause, Mapping):
            return pause.get(number, 0.0)
        return pause if number > 1 else 0.0

    def _call(self, client: AnyClient) -> Seen:
        try:
            return client.query(**{"prompt": "Q", "model": "m", **self.scenario.query})
        except Exception as error:
            return error

    def broken_promises(self) -> Iterator[str]:
        """Reports every difference between what was promised and what happened."""
        scenario, server = self.scenario, self.server
        outcomes = scenario.outcomes()
        for number, (seen, promised) in enumerate(zip(self.seen, outcomes, strict=True), 1):
            call = f"call {number}: " if len(outcomes) > 1 else ""
            for problem in differences(seen, promised):
                yield call + problem
        yield from wrong_count("requests", len(server.requests), scenario.requests)
        if scenario.connections is not None:
            yield from wrong_count("connections", server.connections, scenario.connections)
        if self.seconds < scenario.at_least:
            yield f"the calls took {self.seconds:.3f} s, less than {scenario.at_least} s"

    @property
    def late(self) -> bool:
        """Whether the calls took too long."""
        return self.seconds > self.scenario.within

    def broken_promises_about_the_key(self, log: list[logging.LogRecord]) -> Iterator[str]:
        """Reports every place, other than the header Authorization, that contains the key."""
        plain = KEY.removeprefix("vc_")
        for seen in self.seen:
            if isinstance(seen, BaseException):
                if self.client is None:
                    # The frame of the constructor has its arguments, which include the key.
                    seen.__traceback__ = None
                else:
                    yield from foreign_frames(seen)
                if plain in everything_shown(seen):
                    yield "the key is in the error"
            elif plain in f"{seen!r}{seen}":
                yield "the key is in the result"
        if self.client is not None and plain in f"{self.client!r}":
            yield "the key is in the client's repr"
        for record in log:
            allowed = self.scenario.echoes_key and record.name.startswith("httpcore")
            if plain in f"{record.getMessage()}{vars(record)!r}" and not allowed:
                yield f"the key is in the log of {record.name}: {record.getMessage()}"
        for request in self.server.requests:
            sent = [value for name, value in request.headers.items() if name == "authorization"]
            if sent != [f"Bearer {KEY}"]:
                yield f"Authorization was {sent}"
            others = {n: v for n, v in request.headers.items() if n != "authorization"}
            if plain in f"{request.line}{others}" or plain.encode() in request.body:
                yield "the key was sent outside of Authorization"
        for request in self.server.tunnels:
            if plain in f"{request.line}{request.headers}{request.body!r}":
                yield "the key was sent to the proxy"

    def broken_promises_afterwards(self) -> Iterator[str]:
        """Reports why the same client cannot answer another query after the fault."""
        if self.client is None or self.scenario.not_usable_after:
            return
        self._control(self.server.recover, on_request(answer(AFTERWARDS)))
        try:
            after = self.client.query("after", "m", deadline=10, timeout=10, max_retries=0)
        except Exception as error:
            yield f"the client does not answer another query: {error!r}"
        else:
            if after.response != AFTERWARDS["response"]:
                yield f"the next call got the answer to another query: {after.response!r}"


def differences(seen: Seen, promised: Outcome) -> Iterator[str]:
    """Reports how ``seen`` differs from what was promised."""
    if isinstance(promised, Answers):
        if not isinstance(seen, VectorcacheResponse):
            yield f"{seen!r} instead of an answer"
            return
        if seen.meta.attempts != promised.attempts:
            yield f"{seen.meta.attempts} attempts instead of {promised.attempts}"
        for name, value in {**promised.value, **promised.extra}.items():
            if seen[name] != value:
                yield f"{name} is {seen[name]!r} instead of {value!r}"
        return
    if type(seen) is not promised.error:
        yield f"{seen!r} instead of {promised.error.__name__}"
        return
    assert isinstance(seen, VectorcacheError)
    yield from error_differences(seen, promised)


def error_differences(error: VectorcacheError, promised: Raises) -> Iterator[str]:
    """Reports how the attributes, the message and the cause differ from what was promised."""
    for name, value in {
        "status_code": promised.status,
        **({} if promised.retry_after is ... else {"retry_after": promised.retry_after}),
        **({} if promised.body is ... else {"body": promised.body}),
        **promised.details,
    }.items():
        if getattr(error, name) != value:
            yield f"{name} is {getattr(error, name)!r} instead of {value!r}: {error}"
    yield from wrong_count("attempts", error.attempts, promised.attempts, "the error")
    for piece in promised.says:
        if piece not in str(error):
            yield f"{piece!r} is not in the message: {error}"
    for piece in promised.not_says:
        if piece in str(error):
            yield f"{piece!r} is in the message: {error}"
    if not (str(error).isprintable() and len(str(error)) < 2_000):
        yield f"the message is long or not printable: {error!r}"
    if not has_the_right_cause(error, promised):
        yield f"the cause is {error.__cause__!r}"


def has_the_right_cause(error: VectorcacheError, promised: Raises) -> bool:
    """Returns whether the error has a ``__cause__`` where it should have one."""
    cause = error.__cause__
    late = isinstance(cause, httpx.TimeoutException | TimeoutError)
    if isinstance(error, APITimeoutError):
        # When the watchdog shuts a socket down, the exception of that is not kept as a cause.
        return cause is None or late
    if isinstance(error, APIConnectionError):
        return (cause is not None) is (promised.cause is not False)
    return cause is not None if promised.cause else cause is None or late


def wrong_count(
    what: str, counted: int, promised: int | range, who: str = "the server"
) -> Iterator[str]:
    """Reports a count that is not as promised."""
    if counted not in (promised if isinstance(promised, range) else (promised,)):
        yield f"{who} counted {counted} {what} instead of {promised}"


def everything_shown(error: BaseException) -> str:
    """Returns all text that people, logs and error trackers could show of the error.

    That includes the variables of the package's own frames.
    """
    remove_frames_of_the_test(error)
    shown = [str(error), repr(error), repr(vars(error)), repr(pickle.dumps(error))]
    shown += traceback.format_exception(error)
    for link in (error, *causes(error)):
        shown += [repr(link), repr(vars(link))]
        # TracebackException would leave out the variables of a suppressed context.
        for frame, _ in traceback.walk_tb(link.__traceback__):
            shown += [safe_repr(value) for value in frame.f_locals.values()]
    return "".join(shown)


def foreign_frames(error: BaseException) -> Iterator[str]:
    """Reports the frames of other packages in the causes: their variables hold the request's bytes.

    The ``repr`` of many of these variables hides the bytes, but not every tool uses ``repr``.
    """
    for link in causes(error):
        for frame, _ in traceback.walk_tb(link.__traceback__):
            file = frame.f_code.co_filename
            if "/vectorcache/" not in file and "/vectorcache_api/" not in file:
                yield f"{type(link).__name__}, a cause, has a frame of {file}"


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yields all exceptions that led to ``error``, including suppressed ones."""
    for link in (error.__cause__, error.__context__):
        if link is not None:
            yield link
            yield from causes(link)


def safe_repr(value: object) -> str:
    """Returns the ``repr`` of a value; if that fails, the ``repr`` of its error."""
    try:
        return repr(value)
    except Exception as error:  # The object was not fully initialized.
        return repr(error)


def remove_frames_of_the_test(error: BaseException) -> None:
    """Removes the test's own frames from the traceback, as their variables contain the key."""
    begin: TracebackType | None = error.__traceback__
    while begin is not None and "/vectorcache/" not in begin.tb_frame.f_code.co_filename:
        begin = begin.tb_next
    error.__traceback__ = begin
