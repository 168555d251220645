"""A scenario: what the server does, and what the caller must see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

from faults.behaviour import GOOD, Step
from faults.certificates import Certificate
from faults.server import Listening
from servers import HIT

from vectorcache import VectorcacheError

HTTP: tuple[str, ...] = ("http",)
HTTPS: tuple[str, ...] = ("https",)
BOTH: tuple[str, ...] = ("http", "https")

# Seconds by which a call may miss its deadline. docs/faults.md promises this figure, and it has to
# hold on a busy machine.
SLACK = 0.3


@dataclass(frozen=True)
class Answers:
    """The call returns an answer.

    Args:
        attempts: how many attempts the answer counts.
        value: the fields that the answer must have.
        extra: further fields, which the description of the service does not name.
    """

    attempts: int = 1
    value: Mapping[str, Any] = field(default_factory=lambda: HIT)
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Raises:
    """The call raises an error.

    Args:
        error: the exact class; a subclass does not count.
        attempts: how many attempts the error counts.
        says: texts that the message must contain.
        not_says: texts that the message must not contain.
        status: the error's ``status_code``.
        retry_after: the error's ``retry_after``; ``...`` for any number.
        body: the error's ``body``; ``...`` for anything.
        cause: whether the error must have a ``__cause__``; None for the usual rule of its class.
        details: further attributes of the error.
    """

    error: type[VectorcacheError]
    attempts: int | range
    says: tuple[str, ...] = ()
    not_says: tuple[str, ...] = ()
    status: int | None = None
    retry_after: Any = None
    body: Any = ...
    cause: bool | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


Outcome = Answers | Raises


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One fault and its promise; a row of docs/faults.md.

    Args:
        fault: what goes wrong, in a few words; unique in its group.
        promise: what the caller sees, in one sentence.
        steps: what the server does for event 1, 2, 3 ..., usually a request.
        rest: what the server does for all events after ``steps``.
        sees: what the caller must see; one outcome for all ``calls``, or one for each.
        requests: how many requests the server must have counted after the calls.
        connections: how many connections the server must have counted; None for any number.
        within: the most seconds that all calls together may take.
        at_least: the fewest seconds that all calls together may take.
        calls: how many calls the client makes.
        at_once: whether the calls are made at the same time, each from its own thread or task;
            otherwise they are made one after the other.
        pause: seconds between two calls; or the seconds before some calls, by their numbers from 1.
        closed: whether the client is closed before the calls.
        warm: how many calls are answered before the fault; they are not counted.
        client: options of the client, in addition to those of every scenario.
        query: arguments of the calls, in addition to a ``prompt`` and a ``model``.
        environment: environment variables. Here and in ``client``, ``<port>`` stands for the
            server's port, and ``<folder>`` for a folder that contains ``files``.
        files: the names of files and their contents.
        clock: returns what the machine's wall clock shows, given the right time.
        over: http, https or both.
        certificate: the certificate that the server presents.
        tls_first: whether TLS begins with the connection; otherwise it begins after CONNECT.
        listening: what the server does with new connections; after the fault it accepts them all.
        idle_seconds: how long the server keeps idle connections; None for no limit.
        not_usable_after: why the client cannot answer another query after the fault; "" if it
            must answer one.
        echoes_key: whether the server repeats the key in a header. Then the key is in httpcore's
            own DEBUG log, which has the headers of every answer.
    """

    fault: str
    promise: str
    sees: Outcome | tuple[Outcome, ...]
    requests: int | range
    steps: tuple[Step, ...] = ()
    rest: Step = GOOD
    connections: int | range | None = None
    within: float = 2.0
    at_least: float = 0.0
    calls: int = 1
    at_once: bool = False
    pause: float | Mapping[int, float] = 0.0
    closed: bool = False
    warm: int = 0
    client: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    clock: Callable[[float], float] | None = None
    over: tuple[str, ...] = HTTP
    certificate: Certificate = Certificate.VALID
    tls_first: bool = True
    listening: Listening = Listening.YES
    idle_seconds: float | None = None
    not_usable_after: str = ""
    echoes_key: bool = False

    def outcomes(self) -> tuple[Outcome, ...]:
        """Returns what each call must see."""
        return self.sees if isinstance(self.sees, tuple) else (self.sees,) * self.calls


@dataclass(frozen=True)
class Group:
    """Scenarios about one thing; a section of docs/faults.md."""

    title: str
    scenarios: tuple[Scenario, ...]


class Bounds(TypedDict):
    """The shortest and longest time that the calls of a scenario may take."""

    at_least: float
    within: float


def lasts(seconds: float, slack: float = SLACK) -> Bounds:
    """Returns the bounds of a call that ends after ``seconds``, at most ``slack`` seconds late."""
    return {"at_least": seconds - 0.01, "within": seconds + slack}
