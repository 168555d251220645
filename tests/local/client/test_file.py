"""The file of a local client: a cache that is kept."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from clients import MakeClient
from local.client.prompts import RESET, RESET_AGAIN
from local.stand_ins import Angles, Recorder

from vectorcache import (
    AsyncVectorcacheClient,
    ConfigurationError,
    InternalServerError,
    VectorcacheClient,
)


def another_program(path: Path) -> None:
    """Makes the database of another program."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")


def text(path: Path) -> None:
    """No database at all."""
    path.write_bytes(b"a diary, not a database\n" * 100)


@pytest.mark.parametrize("kind", [Path, str])
def test_it_survives(
    make_local: MakeClient, path: Path, llm: Recorder, kind: Callable[[Path], Path | str]
) -> None:
    """What one client stored, the next one finds, exactly and by meaning, with its saving."""
    with closing(make_local(kind(path), llm)) as client:
        client.query(RESET, "gpt-4o", context="shop")
        saved = client.query(RESET, "gpt-4o", context="shop").cost_saved
    client = make_local(kind(path), llm)
    for prompt in (RESET, RESET_AGAIN):
        hit = client.query(prompt, "gpt-4o", context="shop")
        assert (hit.response, hit.cost_saved) == (f"answer 1 to {RESET}", saved)
    assert len(llm.asked) == 1


def test_two_clients_share_it(make_local: MakeClient, path: Path, llm: Recorder) -> None:
    """Clients that have the same file open find each other's answers at once."""
    one, other = (make_local(path, llm, embedder=Angles()) for _ in range(2))
    one.query("30", "gpt-4o")
    assert other.query("30 degrees", "gpt-4o").response == "answer 1 to 30"
    other.query("90", "gpt-4o")
    assert one.query("90 degrees", "gpt-4o").response == "answer 2 to 90"


def test_none_is_needed(
    make_local: MakeClient,
    llm: Recorder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a path two clients share nothing, and no file appears."""
    monkeypatch.chdir(tmp_path)
    make_local(llm=llm, embedder=Angles()).query("30", "gpt-4o")
    assert not make_local(llm=llm, embedder=Angles()).query("30", "gpt-4o").cache_hit
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("prepare", "message"),
    [(text, "not a database"), (another_program, "another program"), (Path.mkdir, "folder")],
)
def test_it_is_not_ours(
    make_local: MakeClient,
    path: Path,
    prepare: Callable[[Path], None],
    message: str,
) -> None:
    """A file that is not a cache is refused by name, at once, and left as it was."""
    prepare(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(ConfigurationError, match=message) as caught:
        make_local(path)
    assert "cache.db" in str(caught.value)
    assert before == (path.read_bytes() if path.is_file() else None)


def test_it_has_no_folder(make_local: MakeClient, tmp_path: Path) -> None:
    """A path into nowhere is refused, and no folder is made."""
    with pytest.raises(ConfigurationError, match="Check that its folder exists"):
        make_local(tmp_path / "nowhere" / "cache.db")
    assert list(tmp_path.iterdir()) == []


def test_closing(
    make_local: MakeClient,
    path: Path,
    llm: Recorder,
    left_open: Callable[[], int],
) -> None:
    """Closing, which may be repeated, closes the file: it can be deleted and made anew."""
    client = make_local(path, llm, embedder=Angles())
    client.query("30", "gpt-4o")
    client.close()
    client.close()
    assert client.closed
    assert left_open() == 0
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    with pytest.raises(ConfigurationError, match="the client is closed"):
        client.query("30", "gpt-4o")
    path.unlink()
    assert not make_local(path, llm, embedder=Angles()).query("30", "gpt-4o").cache_hit


@pytest.mark.skipif(sys.platform == "win32", reason="Windows removes no file that is open")
@pytest.mark.parametrize("replaced", [False, True], ids=["removed", "replaced"])
def test_a_file_that_is_removed_while_open(
    make_local: MakeClient, path: Path, llm: Recorder, replaced: bool
) -> None:
    """The next query says so, before the LLM is asked for an answer that would be lost."""
    client = make_local(path, llm, embedder=Angles(), max_retries=0)
    client.query("30", "gpt-4o")
    before = list(llm.asked)
    if replaced:
        other = path.with_name("other.db")
        make_local(other, llm, embedder=Angles()).close()
        other.replace(path)
    else:
        path.unlink()
    for prompt in ("30", "60"):
        with pytest.raises(InternalServerError, match=r"was removed or replaced while it was open"):
            client.query(prompt, "gpt-4o")
    assert llm.asked == before
    client.close()
    for name in (f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
    anew = make_local(path, llm, embedder=Angles())
    assert not anew.query("30", "gpt-4o").cache_hit
    assert path.exists()


def test_the_end_of_with_closes(path: Path, left_open: Callable[[], int]) -> None:
    """A with statement closes the file."""
    with VectorcacheClient.local(path, embedder=Angles()) as client:
        client.query("30", "gpt-4o")
        assert left_open() == 1
    assert client.closed
    assert left_open() == 0


async def test_the_end_of_async_with_closes(path: Path, left_open: Callable[[], int]) -> None:
    """An async with statement closes the file."""
    async with AsyncVectorcacheClient.local(path, embedder=Angles()) as client:
        await client.query("30", "gpt-4o")
        assert left_open() == 1
    assert client.closed
    assert left_open() == 0
