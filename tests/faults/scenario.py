"""A scenario: what the server does, and what the caller is promised to see."""

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

# By how much a deadline may be missed: the promise is this figure, on a machine that is busy.
SLACK = 0.3


@dataclass(frozen=True)
class Answers:
    """The call returns this, and nothing else."""

    attempts: int = 1
    value: Mapping[str, Any] = field(default_factory=lambda: HIT)
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Raises:
    """The call ends with just this class of error.

    Args:
        error: the class itself, not one above it.
        attempts: what the error says of its attempts.
        says: pieces that the message must have.
        not_says: pieces that the message must not have.
        status: the error's ``status_code``.
        retry_after: the error's ``retry_after``; ``...`` for any number.
        body: the error's ``body``; ``...`` for anything.
        cause: whether the original exception must be there; None if that is the class's usual.
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
        steps: what the server does on attempt 1, 2, 3 ...
        rest: what it does after the last of them.
        sees: what the caller must see; one outcome for all ``calls``, or one for each.
        requests: how many requests the server must have counted when the calls are over.
        connections: how many connections it must have counted; None for any number.
        within: seconds all the calls may take together.
        at_least: seconds they must take.
        calls: how many calls there are, one after the other.
        at_once: whether the calls are made all at once, from as many threads or tasks.
        pause: seconds between two calls; or only before some of them, by their numbers from 1.
        closed: whether the client is closed before the calls.
        warm: how many calls are answered before; none of them counts.
        client: options of the client, beside what every scenario has.
        query: arguments of the calls. ``prompt`` and ``model`` have values otherwise.
        environment: variables of the environment. Here and in ``client``, ``<port>`` stands for
            the server's port and ``<folder>`` for a folder with ``files``.
        files: their names and contents.
        clock: what the machine's wall clock shows, made of the right time.
        over: http, https or both.
        certificate: which one the server shows.
        tls_first: False where TLS begins only after CONNECT.
        listening: what becomes of those who connect; everybody is let in after the fault.
        idle_seconds: how long the server keeps idle connections; None for ever.
        not_usable_after: why the client cannot be asked again after the fault; "" if it must
            answer then.
        echoes_key: whether the server repeats the key in a header. Then httpcore's own DEBUG log
            has it, as it logs the headers of every answer.
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
        """What each call must see."""
        return self.sees if isinstance(self.sees, tuple) else (self.sees,) * self.calls


@dataclass(frozen=True)
class Group:
    """Scenarios about one thing; a section of docs/faults.md."""

    title: str
    scenarios: tuple[Scenario, ...]


class Bounds(TypedDict):
    """How long the calls of a scenario may take."""

    at_least: float
    within: float


def lasts(seconds: float, slack: float = SLACK) -> Bounds:
    """Bounds of a call that ends after ``seconds``, and at most ``slack`` seconds later."""
    return {"at_least": seconds - 0.01, "within": seconds + slack}
