"""What a rate limit is for, in virtual time: nearly all that is allowed, and no 429.

``benchmarks/rate_limits.py`` publishes what comes of it.
"""

from __future__ import annotations

import pytest
from rate_limiting.simulation import SERVERS, simulate

HOUR, MINUTE = 3_600.0, 60.0


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("limit", ["auto", "100/minute"])
def test_one_process(server: str, limit: str) -> None:
    """50 workers get at least 95 % of an hour's limit, and no 429."""
    tally = simulate(limit, SERVERS[server](100, 120), seconds=HOUR)
    assert sum(tally.answered) >= 0.95 * 100 * HOUR / MINUTE
    assert tally.refused == []


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("limit", ["auto", "100/minute"])
def test_one_process_without_a_burst(server: str, limit: str) -> None:
    """They get no 429 even if the service refuses the 101st request of a minute."""
    tally = simulate(limit, SERVERS[server](100, 100), seconds=HOUR / 6)
    assert sum(tally.answered) >= 0.95 * 100 * HOUR / 6 / MINUTE
    assert tally.refused == []


@pytest.mark.parametrize("server", SERVERS)
def test_four_processes(server: str) -> None:
    """Processes that do not know each other share the limit, and get no 429."""
    tally = simulate(["auto"] * 4, SERVERS[server](100, 120), seconds=HOUR / 3)
    assert sum(tally.answered) >= 0.85 * 100 * HOUR / 3 / MINUTE
    assert tally.refused_after(MINUTE) == 0
    assert min(tally.answered) >= 0.5 * max(tally.answered)


@pytest.mark.parametrize("server", SERVERS)
def test_no_stampede(server: str) -> None:
    """If the service allows no burst, four processes get a 429 for at most one request in ten."""
    tally = simulate(["auto"] * 4, SERVERS[server](100, 100), seconds=HOUR / 6)
    assert len(tally.refused) <= 0.1 * len(tally.arrived)


def test_it_can_fail() -> None:
    """The servers do refuse: four processes with the whole limit each get many 429s."""
    tally = simulate(["100/minute"] * 4, SERVERS["sliding log"](100, 120), seconds=600)
    assert len(tally.refused) > 100
