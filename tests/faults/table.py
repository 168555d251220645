"""All scenarios, in the order of docs/faults.md."""

from __future__ import annotations

from faults.scenario import Group
from faults.scenarios import (
    bodies,
    connecting,
    crowds,
    cut,
    environment,
    framing,
    hints,
    mistakes,
    outage,
    payload,
    proxies,
    redirects,
    reuse,
    secure,
    size,
    slow,
    statuses,
)

GROUPS: tuple[Group, ...] = (
    connecting.GROUP,
    secure.GROUP,
    reuse.GROUP,
    cut.GROUP,
    slow.GROUP,
    framing.GROUP,
    redirects.GROUP,
    statuses.GROUP,
    bodies.GROUP,
    hints.HINTS,
    hints.CLOCKS,
    payload.GROUP,
    size.GROUP,
    crowds.GROUP,
    outage.GROUP,
    mistakes.GROUP,
    proxies.GROUP,
    environment.GROUP,
)
