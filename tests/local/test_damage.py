"""A damaged cache file is refused when it is opened, or the damaged entry is not used."""

import logging
import sqlite3
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from local.stand_ins import Angles, MakeEngine, Recorder

from vectorcache import ConfigurationError, VectorcacheClient
from vectorcache.local import CacheFileError, app
from vectorcache.local.store import Store

PAGE = 4096


@pytest.fixture
def path(tmp_path: Path, make_engine: MakeEngine, angles: Angles) -> Path:
    """A cache file of 30 entries."""
    path = tmp_path / "cache.db"
    engine = make_engine(path, lambda *_: "an answer " * 100, embedder=angles)
    for angle in range(30):
        engine.query(f"{angle} {'x' * 500}", "gpt-4o", 1)
    engine.close()
    return path


def cut_in_the_middle(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_within_the_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])


def cut_by_a_page(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-PAGE])


def overwritten_in_the_middle(path: Path) -> None:
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // PAGE * PAGE
    content[middle : middle + PAGE] = np.random.default_rng(7).bytes(PAGE)
    path.write_bytes(content)


def overwritten_at_the_beginning(path: Path) -> None:
    path.write_bytes(b"\0" * 200 + path.read_bytes()[200:])


def change(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def without_its_table(path: Path) -> None:
    change(path, "DROP TABLE entries")


def without_a_column(path: Path) -> None:
    change(path, "ALTER TABLE entries DROP COLUMN response")


def without_its_constraint(path: Path) -> None:
    change(
        path,
        "CREATE TABLE copied AS SELECT * FROM entries",
        "DROP TABLE entries",
        "ALTER TABLE copied RENAME TO entries",
    )


DAMAGES = [
    cut_in_the_middle,
    cut_within_the_header,
    cut_by_a_page,
    overwritten_in_the_middle,
    overwritten_at_the_beginning,
    without_its_table,
    without_a_column,
    without_its_constraint,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_refused_at_the_start(path: Path, damage: Callable[[Path], None]) -> None:
    """A damaged file is an error that names it and says what to do, and is left as it was."""
    damage(path)
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match=r"cannot start: .*cache\.db") as caught:
        VectorcacheClient.local(path)
    assert any(advice in str(caught.value) for advice in ("move it away", "path of a new file"))
    with pytest.raises(CacheFileError, match=r"cache\.db"):
        app(path)
    assert path.read_bytes() == before


def test_a_damaged_vector(
    path: Path, make_engine: MakeEngine, angles: Angles, caplog: pytest.LogCaptureFixture
) -> None:
    """An entry whose vector was damaged matches nothing, instead of everything."""
    change(path, "UPDATE entries SET vector = x'0000ff460000ff46' WHERE number = 1")
    engine = make_engine(path, Recorder(), embedder=angles)
    assert engine.query("9 degrees", "gpt-4o").response.startswith("an answer")
    assert not engine.query("120 degrees", "gpt-4o").cache_hit
    assert "a vector of the cache file is damaged" in caplog.text


def test_a_damaged_text(
    path: Path, make_engine: MakeEngine, angles: Angles, caplog: pytest.LogCaptureFixture
) -> None:
    """An answer that is not UTF-8 is not used; the log says so and quotes nothing."""
    change(path, "UPDATE entries SET response = CAST(x'7365637265740aff' AS TEXT)")
    engine = make_engine(path, Recorder(), embedder=angles)
    with caplog.at_level(logging.DEBUG):
        for prompt in (f"3 {'x' * 500}", "3.5 degrees"):
            assert engine.query(prompt, "gpt-4o").response.startswith("answer")
    assert "is damaged and is not used" in caplog.text
    assert "secret" not in caplog.text


def test_counting_does_not_take_longer_in_a_large_cache(path: Path) -> None:
    """The number of entries is kept: only what was added since is counted."""
    with_another = Store(path, placeholders=True)
    store = Store(path, placeholders=True)
    steps = count()
    try:
        assert store.count() == 30
        with_another.add(
            "new", "m", "", "r", cost_usd=0, placeholder=False, embedder=None, vector=None
        )
        store._connection.set_progress_handler(lambda: next(steps) < 0, 1)
        assert [store.count() for _ in range(2)] == [31, 31]
    finally:
        store.close()
        with_another.close()
    # About 15 steps of SQLite's machine a call; to count 30 entries it takes more than 100.
    assert next(steps) < 60
