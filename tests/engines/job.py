"""An example, run as a program on a service and a Redis of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pyarrow as pa
import pyarrow.parquet
import pytest
from engines.watch import Watch
from rate_limiting.redis_server import RedisServer, executable
from servers import HIT, Received, ScriptedServer, answer

EXAMPLES = Path(__file__).parents[2] / "examples" / "engines"
KEY = "vc_" + 8 * "0a1b"

FILES = 5
IN_EACH = 100
LIMIT = 100  # requests a second


def question(row: int) -> str | None:
    """Of a hundred rows five have none, and the service refuses five."""
    match row % 20:
        case 7:
            return None
        case 13:
            return f"bad question {row}"
    return f"question {row}"


class Service(ScriptedServer):
    """Notes when requests arrive, and now and then what the job's processes are at."""

    def __init__(self) -> None:
        super().__init__()
        self.respond = self._answer
        self.watch: Watch
        self.arrivals: list[float] = []
        self._watching = threading.Lock()

    def _answer(self, request: Received) -> bytes:
        self.arrivals.append(time.monotonic())
        if len(self.arrivals) % (IN_EACH // 2) == 0:
            with self._watching:
                self.watch.look(self.port)
        prompt = request.json()["prompt"]
        if prompt.startswith("bad"):
            return answer({"detail": "no"}, status=400)
        return answer({**HIT, "response": f"answer to {prompt}"})


@attrs.frozen
class Job:
    """What came of it.

    Attributes:
        answers: the rows that were written, by their ids.
        service: what was asked.
        clients: what became of clients, "made" or "closed", and in which process.
        scratch: a folder with whatever the engine wrote beside.
        output: what it printed.
    """

    answers: list[dict[str, Any]]
    service: Service
    clients: list[tuple[str, str]]
    scratch: Path
    output: str


@contextmanager
def run(example: str, folder: Path) -> Iterator[Job]:
    """Runs an example over ``FILES * IN_EACH`` questions."""
    # Sockets have short names, which pytest's own folders are too deep for.
    with tempfile.TemporaryDirectory(prefix="vc-", ignore_cleanup_errors=True) as short:
        scratch = Path(short)
        with Service() as service, RedisServer(_redis(), scratch) as redis:
            program = [
                *(sys.executable, str(EXAMPLES / example)),
                *(str(_questions(folder / "questions")), str(folder / "answers")),
                f"{LIMIT}/second",
            ]
            environment = {
                **os.environ,
                "VECTORCACHE_API_KEY": KEY,
                "VECTORCACHE_BASE_URL": service.url,
                "REDIS_URL": redis.socket_url,
                "CLIENTS": str(folder / "clients"),
                "PYTHONPATH": str(Path(__file__).parent / "counting"),
                **_surroundings(scratch),
            }
            with subprocess.Popen(
                program,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            ) as process:
                service.watch = Watch(process.pid)
                try:
                    output, _ = process.communicate(timeout=240)
                except BaseException:
                    service.watch.kill()
                    raise
            assert process.returncode == 0, output
            events = (folder / "clients").read_text().splitlines()
            clients = [(event, pid) for event, pid in map(str.split, events)]
            yield Job(_answers(folder / "answers"), service, clients, scratch, output)


def _redis() -> str:
    return executable() or pytest.skip("no Redis server: put redis-server on the PATH")


def _surroundings(scratch: Path) -> dict[str, str]:
    """What keeps the engines on this machine, and what they write in ``scratch``."""
    return {
        "HOME": str(scratch),
        "RAY_TMPDIR": str(scratch),
        "RAY_USAGE_STATS_ENABLED": "0",
        # By this variable Ray keeps its nodes on loopback, so that no other machine can join.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "DASK_TEMPORARY_DIRECTORY": str(scratch),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_DIRS": str(scratch),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }


def _questions(folder: Path) -> Path:
    folder.mkdir()
    for file in range(FILES):
        ids = range(file * IN_EACH, (file + 1) * IN_EACH)
        table = pa.table({"id": ids, "question": [question(row) for row in ids]})
        pyarrow.parquet.write_table(table, folder / f"{file}.parquet")
    return folder


def _answers(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pyarrow.parquet.read_table(folder).to_pylist()
    return sorted(rows, key=lambda row: row["id"])
