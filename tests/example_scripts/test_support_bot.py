"""The example of a support bot."""

from __future__ import annotations

from pathlib import Path

import pytest
from example_scripts.programs import run
from servers import ScriptedServer, answer

pytestmark = pytest.mark.repository

QUESTIONS = """\
How do I reset my password?
How can I reset my password?
Why was jane@example.com logged out?
"""


def test_it_answers_and_counts(service: str, tmp_path: Path) -> None:
    """The second question is a hit, and the one with an e-mail address is not sent at all."""
    done = run("support_bot.py", url=service, given=QUESTIONS, folder=tmp_path)
    first, second, third = done.stdout.splitlines()
    assert first == second == "An answer to: How do I reset my password?"
    assert third.startswith("Please ask without personal data")
    assert "jane" not in third
    assert done.stderr.splitlines()[-1].startswith("[2 questions, 50% hits, $0.0")


def test_it_answers_in_an_outage(server: ScriptedServer, tmp_path: Path) -> None:
    """In an outage each question gets the fallback's answer, from the sixth on at once."""
    server.respond = lambda request: answer({"detail": "down"}, status=503)
    done = run("support_bot.py", url=server.url, given=10 * "Anyone?\n", folder=tmp_path)
    assert done.stdout.count("A colleague will write to you") == 10
    assert "10 questions, no hits, $0.0000 saved, 10 in an outage, 0 failed" in done.stderr
    assert len(server.requests) == 5
