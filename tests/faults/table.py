"""All scenarios, in the order of docs/faults.md."""

from __future__ import annotations

from faults.scenario import Group
from faults.scenarios import (
    bodies,
    clocks,
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
    proxy_variables,
    redirects,
    reuse,
    secure,
    size,
    slow,
    statuses,
    tunnels,
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
    hints.GROUP,
    clocks.GROUP,
    payload.GROUP,
    size.GROUP,
    crowds.GROUP,
    outage.GROUP,
    mistakes.GROUP,
    Group(
        "Proxies",
        (*proxies.PROXIES, *tunnels.TUNNELS, *proxy_variables.VARIABLES),
    ),
    environment.GROUP,
)
