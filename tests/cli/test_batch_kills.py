"""``vectorcache batch`` killed by signal 9, again and again, and started with the same words."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from collections import Counter
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
from cli.programs import COMMAND, WAIT, environment
from cli.row_files import prompts, read_rows, write_rows
from servers import HIT, Received, ScriptedServer, answer

# It takes a minute, and what it shows depends on no version of anything.
pytestmark = [pytest.mark.repository, pytest.mark.timeout(600)]

CONCURRENCY = 8
LAST_OF_A_RUN = "the last of a run"
MORTAL = (sys.executable, str(Path(__file__).with_name("mortal.py")))


class Batch:
    """A batch, the service that it asks, and what became of the runs so far."""

    def __init__(self, server: ScriptedServer, kind: str, count: int) -> None:
        write_rows(f"in.{kind}", prompts(count))
        self._server = server
        self._kind = kind
        self._count = count
        self._words = ("batch", f"in.{kind}", f"out.{kind}", "-n", str(CONCURRENCY))
        self._lock = threading.Lock()
        self._until_killed = 0
        self._killed_at_last = False
        self._process: subprocess.Popen[bytes] | None = None
        self._this_run = Counter[str]()
        self.asked = Counter[str]()
        self.kills = 0
        server.respond = self._respond

    def _respond(self, request: Received) -> bytes:
        prompt = request.json()["prompt"]
        if prompt == LAST_OF_A_RUN:
            return answer()
        with self._lock:
            self._this_run[prompt] += 1
            self._until_killed -= 1
            if self._until_killed == 0 or (
                self._killed_at_last and len(self.asked | self._this_run) == self._count
            ):
                assert self._process is not None
                self._process.kill()
        return answer({**HIT, "response": f"answer to {prompt}"})

    def killed_at_request(self, number: int) -> None:
        """Starts the program, which is killed when the service has seen so many requests."""
        assert self._run(COMMAND, until_killed=number) == -9

    def killed_at_last_request(self) -> None:
        """Starts the program, which is killed when all has been asked."""
        self._killed_at_last = True
        assert self._run(COMMAND) == -9
        self._killed_at_last = False

    def killed_at_step(self, number: int) -> bool:
        """Starts the program, which is killed at that step on the disk, if it has so many."""
        code = self._run((*MORTAL, str(number)))
        assert code in (-9, 0)
        return code == -9

    def ended(self) -> None:
        """Starts the program, which comes to its end: each input has just one line in OUT."""
        assert self._run(COMMAND) == 0
        rows = read_rows(f"out.{self._kind}")
        texts = [f"prompt {n}" for n in range(self._count)]
        assert [row["prompt"] for row in rows] == texts
        assert [row["response"] for row in rows] == [f"answer to {text}" for text in texts]
        assert len(self.asked) == self._count
        assert self.asked.total() - self._count <= self.kills * CONCURRENCY

    def _run(self, command: tuple[str, ...], until_killed: int = 0) -> int:
        with self._lock:
            self._this_run.clear()
            self._until_killed = until_killed
            self._process = subprocess.Popen(
                [*command, *self._words],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=environment(),
            )
        _, said = self._process.communicate(timeout=WAIT)
        self._wait_for_late_requests()
        code = self._process.returncode
        assert code in (0, -9), said.decode()
        repeated = sum(1 for prompt in self._this_run if prompt in self.asked)
        assert repeated <= CONCURRENCY, "more than the prompts in progress were asked again"
        assert max(self._this_run.values(), default=0) <= 1
        self.asked += self._this_run
        self.kills += code == -9
        return code

    def _wait_for_late_requests(self) -> None:
        """What a run had sent may be yet to be taken in, and does not belong to the next one."""
        line = HTTPConnection("127.0.0.1", self._server.port, timeout=WAIT)
        with closing(line):
            # Connections are taken in one after the other.
            line.request("POST", "/", json.dumps({"prompt": LAST_OF_A_RUN}))
            line.getresponse().read()
        assert self._server.wait_until_idle(WAIT)


def test_killed_fifty_times(server: ScriptedServer) -> None:
    """Fifty kills: as it begins, while it asks, as it writes OUT, and after; nothing is lost."""
    numbers = random.Random(2024)
    batch = Batch(server, "jsonl", 400)
    for step in range(1, 19, 2):
        assert batch.killed_at_step(step)
    while batch.kills < 28:
        batch.killed_at_request(numbers.randint(1, 18))
    batch.killed_at_last_request()
    assert not Path("out.jsonl").exists()
    step = 8
    while batch.kills < 50:
        # Once it has no such step, it was finished, and is killed as it finds that.
        step = step + 1 if batch.killed_at_step(step) else 1
    assert Path("out.jsonl").exists()
    batch.ended()
    assert batch.kills == 50


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_other_kinds(server: ScriptedServer, kind: str) -> None:
    """It is the same for CSV and Parquet, to whose files nothing can be added."""
    numbers = random.Random(2024)
    batch = Batch(server, kind, 120)
    while batch.kills < 5:
        batch.killed_at_request(numbers.randint(1, 20))
    batch.ended()
