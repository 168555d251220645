"""Runs every scenario over real sockets, with the sync and the async client."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from clients import KEY, AnyClient, BlockingAsyncClient
from faults.certificates import Contexts
from faults.run import Run
from faults.scenario import Scenario
from faults.server import FaultServer
from faults.table import GROUPS

from vectorcache import AsyncVectorcacheClient, VectorcacheClient


def cases() -> list[Any]:
    """Returns each scenario once for each scheme that it runs over."""
    return [
        pytest.param(scenario, scheme, id=f"{group.title}: {scenario.fault} ({scheme})")
        for group in GROUPS
        for scenario in group.scenarios
        for scheme in scenario.over
    ]


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(("scenario", "scheme"), cases())
def test_scenario(
    scenario: Scenario,
    scheme: str,
    kind: str,
    server_loop: BlockingPortal,
    client_loop: BlockingPortal,
    tls_context: Contexts,
    trusted: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The sync and the async client keep the promise of the scenario."""
    caplog.set_level("DEBUG")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    made: list[AnyClient] = []

    def make_client(**options: Any) -> AnyClient:
        options = {"api_key": KEY, **options}
        client: AnyClient
        if kind == "sync":
            client = VectorcacheClient(**options)
        else:
            client = BlockingAsyncClient(AsyncVectorcacheClient(**options), client_loop.call)
        made.append(client)
        return client

    def run() -> Run:
        context = tls_context(scenario.certificate) if scheme == "https" else None
        server = FaultServer(
            context,
            tls_first=scenario.tls_first,
            listening=scenario.listening,
            idle_seconds=scenario.idle_seconds,
        )
        with (
            server_loop.wrap_async_context_manager(server),
            monkeypatch.context() as patched,
        ):
            running = Run(scenario, server, make_client, server_loop.call, str(tmp_path))
            for name, text in scenario.files.items():
                (tmp_path / name).write_text(text)
            for name, value in scenario.environment.items():
                patched.setenv(name, running.fill_in(value))
            if (clock := scenario.clock) is not None:
                right = time.time
                patched.setattr(time, "time", lambda: clock(right()))
            try:
                running.make_calls()
                problems.extend(running.broken_promises())
                problems.extend(running.broken_promises_about_the_key(caplog.records))
                problems.extend(running.broken_promises_afterwards())
            finally:
                while made:
                    made.pop().close()
        return running

    problems: list[str] = []
    running = run()
    if running.late or (problems and scenario.at_least):
        # A busy machine can make a call late, or can use up a short time limit before the fault
        # happens. So a scenario about time may run a second time; its bounds stay the same.
        problems.clear()
        caplog.clear()
        running = run()
    if running.late:
        problems.append(
            f"the calls took {running.seconds:.3f} s, more than {scenario.within:.3f} s"
        )
    assert not problems, "\n".join(problems)
