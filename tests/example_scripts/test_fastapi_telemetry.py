"""The example of a FastAPI service that can be seen."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from clients import KEY
from example_scripts.programs import EXAMPLES

pytestmark = pytest.mark.repository


def test_answers_spans_and_metrics(service: str, tmp_path: Path) -> None:
    """By uvicorn: an answer, its figures at /metrics, and its span once the service ends."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        os.set_inheritable(listening.fileno(), True)
        uvicorn = [sys.executable, "-m", "uvicorn", "--app-dir", str(EXAMPLES)]
        process = subprocess.Popen(
            [*uvicorn, "fastapi_telemetry:app", "--fd", str(listening.fileno())],
            cwd=tmp_path,
            env={**os.environ, "VECTORCACHE_API_KEY": KEY, "VECTORCACHE_BASE_URL": service},
            pass_fds=[listening.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        try:
            # The socket listens already: the request waits until it is accepted.
            with httpx.Client(base_url=url, timeout=60) as user:
                reply = user.get("/answer", params={"question": "What is telemetry?"})
                metrics = user.get("/metrics/").text
        finally:
            process.terminate()
            spans, log = process.communicate(timeout=60)
    assert reply.json()["response"] == "An answer to: What is telemetry?", log
    assert "vectorcache_calls_total{" in metrics
    assert '"name": "text_completion gpt-4o"' in spans
    assert "What is telemetry" not in spans
    assert KEY not in spans + log + metrics
