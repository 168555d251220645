"""The file survives and is shared, and the files of other programs are left alone."""

import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from local.stand_ins import Angles, MakeEngine, Recorder

from vectorcache.local import CacheFileError

CHILD = """
import sys
import numpy as np
from vectorcache.local import Engine

class Own:
    id = "own"
    def embed(self, prompt):
        return np.random.default_rng(int(prompt.split()[1])).standard_normal(16)

def llm(prompt, model, context):
    return f"for {prompt}"

path, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with Engine(path, llm, embedder=Own()) as engine:
    for n in range(first, last):
        engine.query(f"prompt {n}", "gpt-4o", 1)
        print(n, flush=True)
"""


def child(environment: dict[str, str], path: Path, first: int, last: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), str(first), str(last)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_reopened_file(
    make_engine: MakeEngine, tmp_path: Path, angles: Angles, llm: Recorder
) -> None:
    """What was answered is there after a restart, exactly and by meaning, with its price."""
    path = tmp_path / "cache.db"
    engine = make_engine(path, llm, embedder=angles)
    engine.query("30", "gpt-4o", context="a")
    cost = engine.query("30", "gpt-4o", context="a").cost_saved
    engine.close()
    assert [file.name for file in tmp_path.iterdir()] == ["cache.db"]
    engine = make_engine(path, llm, embedder=angles)
    for prompt in ("30", "30 degrees"):
        answer = engine.query(prompt, "gpt-4o", context="a")
        assert (answer.response, answer.cost_saved) == ("answer 1 to 30", cost)


def test_kill_9_loses_no_answer(
    make_engine: MakeEngine, tmp_path: Path, angles: Angles, child_environment: dict[str, str]
) -> None:
    """However often the process is killed, every answer it gave is in the file."""
    path = tmp_path / "cache.db"
    given: list[int] = []
    for kill in range(20):
        with child(child_environment, path, 1000 * kill, 1000 * (kill + 1)) as process:
            assert process.stdout is not None
            given.extend(int(process.stdout.readline()) for _ in range(1 + 3 * kill))
            process.send_signal(signal.SIGKILL)
            given.extend(int(line) for line in process.stdout if line.endswith("\n"))
        assert process.returncode == -signal.SIGKILL
    engine = make_engine(path, lambda *_: "lost", embedder=angles)
    answers = [engine.query(f"prompt {n}", "gpt-4o").response for n in given]
    assert len(given) >= 590
    assert answers == [f"for prompt {n}" for n in given]
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_processes_share_a_file(
    make_engine: MakeEngine, tmp_path: Path, angles: Angles, child_environment: dict[str, str]
) -> None:
    """Six processes that start on a new file together write what they should, each once."""
    path = tmp_path / "cache.db"
    children = [child(child_environment, path, 10 * n, 10 * n + 40) for n in range(6)]
    printed = Counter(line for process in children for line in process.communicate()[0].split())
    assert [process.returncode for process in children] == [0] * 6
    assert set(printed) == {str(n) for n in range(90)}
    engine = make_engine(path, lambda *_: "", embedder=angles)
    debug = engine.query("prompt 89", "gpt-4o", include_debug=True).debug
    assert debug is not None
    assert debug.cache_entry_count == 90


def test_another_process_is_seen_by_meaning(
    make_engine: MakeEngine, tmp_path: Path, llm: Recorder, child_environment: dict[str, str]
) -> None:
    """An open engine finds what another process stored, without being told."""
    path = tmp_path / "cache.db"
    code = (
        "import sys; from vectorcache.local import Engine\n"
        "with Engine(sys.argv[1], lambda *_: 'from the other') as engine:\n"
        "    engine.query('How do I reset my password?', 'gpt-4o')\n"
    )
    engine = make_engine(path, llm)
    engine.query("What is the capital of France?", "gpt-4o")
    subprocess.run([sys.executable, "-c", code, path], env=child_environment, check=True)
    answer = engine.query("How can I reset my password?", "gpt-4o")
    assert (answer.cache_hit, answer.response) == (True, "from the other")


def test_vectors_of_another_embedder_are_not_compared(
    make_engine: MakeEngine, tmp_path: Path, angles: Angles, llm: Recorder
) -> None:
    """A file goes on with another embedder: exact texts hit, old vectors are left alone."""
    path = tmp_path / "cache.db"
    make_engine(path, llm, embedder=angles).query("30", "gpt-4o")
    engine = make_engine(path, llm, embedder=type(angles)("other angles"))
    assert engine.query("30", "gpt-4o").cache_hit
    assert not engine.query("30 degrees", "gpt-4o", 0).cache_hit
    assert engine.query("31", "gpt-4o").response == "answer 2 to 30 degrees"


@pytest.mark.parametrize("path", [None, ":memory:"])
def test_memory(
    make_engine: MakeEngine,
    angles: Angles,
    llm: Recorder,
    path: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In memory two engines share nothing and no file appears."""
    monkeypatch.chdir(tmp_path)
    make_engine(path, llm, embedder=angles).query("30", "gpt-4o")
    assert not make_engine(path, llm, embedder=angles).query("30", "gpt-4o").cache_hit
    assert list(tmp_path.iterdir()) == []


def another_program(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()


def later_layout(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA application_id = {0x56434C43}")
    connection.execute("PRAGMA user_version = 99")
    connection.close()


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda path: path.write_bytes(b"a diary, not a database\n" * 100), "not a database"),
        (lambda path: path.write_bytes(b"x"), "not a database"),
        (another_program, "the database of another program"),
        (later_layout, "has the layout 99"),
        (lambda path: path.mkdir(), "unable to open"),
    ],
    ids=["text", "one letter", "another program", "later layout", "folder"],
)
def test_file_that_is_not_ours(
    make_engine: MakeEngine, tmp_path: Path, prepare: Callable[[Path], object], message: str
) -> None:
    """What is not a cache of this version is refused by name and left as it was."""
    path = tmp_path / "cache.db"
    prepare(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(CacheFileError, match=message) as caught:
        make_engine(path)
    assert "cache.db" in str(caught.value)
    assert before is None or path.read_bytes() == before


def test_missing_folder(make_engine: MakeEngine, tmp_path: Path) -> None:
    """A folder that does not exist is an error that says what to check."""
    with pytest.raises(CacheFileError, match="Check that its folder exists"):
        make_engine(tmp_path / "nowhere" / "cache.db")


FORK = """
import os, sys
from vectorcache.local import CacheFileError, Engine

engine = Engine(sys.argv[1])
if os.fork() == 0:
    try:
        engine.query("30", "gpt-4o")
    except CacheFileError as error:
        print(error, flush=True)
    engine.close()
    os._exit(0)
os.wait()
print(engine.query("30", "gpt-4o").llm_provider)
engine.close()
"""


def test_use_after_fork(tmp_path: Path, child_environment: dict[str, str]) -> None:
    """An engine carried over a fork says so, and goes on working where it was made."""
    # In a process of its own: newer Pythons warn of a fork beside running threads.
    command = [sys.executable, "-W", "ignore", "-c", FORK, str(tmp_path / "cache.db")]
    forked = subprocess.run(
        command, env=child_environment, stdout=subprocess.PIPE, text=True, check=True
    )
    lines = forked.stdout.splitlines()
    assert "Make the engine or client in the process that uses it" in lines[0]
    assert lines[1:] == ["local-placeholder"]
