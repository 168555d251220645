"""What is kept of each answer, and what of that is found again, without an engine around it."""

import os
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from local.entries import add

from vectorcache.local import CacheFileError, EngineClosedError
from vectorcache.local.embedder import Vector
from vectorcache.local.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """A store of an engine with an LLM, which shows no placeholders."""
    store = Store(path, placeholders=False)
    yield store
    store.close()


def vector(*numbers: float) -> Vector:
    return np.array(numbers, dtype=np.float32)


def test_a_power_cut_takes_nothing(store: Store) -> None:
    """Each commit waits for the disk: a WAL file with ``synchronous`` FULL, which is 2."""
    assert store._connection.execute("PRAGMA journal_mode").fetchone() == (b"wal",)
    assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    add(store, "a")
    assert not store._connection.in_transaction


def test_a_file_that_another_process_writes_to(store: Store) -> None:
    """It is waited for, for 30 seconds, before that is an error."""
    assert store._connection.execute("PRAGMA busy_timeout").fetchone() == (30_000,)


def test_an_entry_as_it_was_kept(store: Store) -> None:
    """Prompt, answer, price and an id of its own come back as they were."""
    add(store, "a", "answer to a")
    add(store, "b", "answer to b")
    found, other = store.exact("a", "m", ""), store.exact("b", "m", "")
    assert found is not None
    assert other is not None
    assert (found.prompt, found.response, found.cost_usd) == ("a", "answer to a", 0.25)
    assert str(uuid.UUID(found.entry_id)) == found.entry_id != other.entry_id
    assert (store.entry(1), store.entry(2)) == (found, other)


@pytest.mark.parametrize(
    ("prompt", "model", "context"),
    [("A", "m", ""), ("a ", "m", ""), ("a", "M", ""), ("a", "m", "c"), ("", "m", "")],
)
def test_exact_means_exact(store: Store, prompt: str, model: str, context: str) -> None:
    """Another prompt, model or context finds nothing."""
    add(store, "a")
    assert store.exact(prompt, model, context) is None


def test_prompts_of_any_language(store: Store) -> None:
    """Texts beyond ASCII are kept and found."""
    add(store, "Ist 🍎 süß?", "Ja, sehr süß 🍎")
    found = store.exact("Ist 🍎 süß?", "m", "")
    assert found is not None
    assert (found.prompt, found.response) == ("Ist 🍎 süß?", "Ja, sehr süß 🍎")


def test_the_first_answer_stays(store: Store) -> None:
    """Where two callers ask the same at the same time, the first one's answer is kept."""
    add(store, "a", "first")
    add(store, "a", "second")
    found = store.exact("a", "m", "")
    assert found is not None
    assert (found.response, store.count()) == ("first", 1)


def test_placeholders(path: Path, store: Store) -> None:
    """They are found as long as there is no LLM, and behind real answers; with one, never."""
    add(store, "a", "no LLM", placeholder=True, vector=vector(1, 0))
    assert store.exact("a", "m", "") is None
    assert store.vectors_after(0, "m", "", "e") == []
    assert store.count() == 0
    without_llm = Store(path, placeholders=True)
    found = without_llm.exact("a", "m", "")
    assert found is not None
    assert (found.response, without_llm.count()) == ("no LLM", 1)
    assert [number for number, _ in without_llm.vectors_after(0, "m", "", "e")] == [1]
    add(store, "a", "real", vector=vector(1, 0))
    for one, count in ((store, 1), (without_llm, 2)):
        found = one.exact("a", "m", "")
        assert found is not None
        assert (found.response, one.count()) == ("real", count)
    without_llm.close()


def test_the_order_of_vectors(path: Path) -> None:
    """They come in the order in which they were added, placeholders or not.

    A reader that goes on after the last number would never find an entry that comes out of order.
    """
    store = Store(path, placeholders=True)
    kinds = [True, False, True, True, False, False, True, False]
    for number, placeholder in enumerate(kinds):
        add(store, f"prompt {number}", placeholder=placeholder, vector=vector(number, 1))
    found = store.vectors_after(0, "m", "", "e")
    assert [number for number, _ in found] == list(range(1, 9))
    assert [values.tolist() for _, values in found] == [[number, 1] for number in range(8)]
    assert [number for number, _ in store.vectors_after(6, "m", "", "e")] == [7, 8]
    assert store.vectors_after(8, "m", "", "e") == []
    store.close()


def test_vectors_of_one_segment(store: Store) -> None:
    """Only those of the same model, context and embedder; what has no vector is left out."""
    add(store, "a", vector=vector(1, 0))
    add(store, "a", model="other", vector=vector(2, 0))
    add(store, "a", context="c", vector=vector(3, 0))
    add(store, "b", embedder="another", vector=vector(4, 0))
    add(store, "c", vector=None)
    found = {
        segment: [values.tolist() for _, values in store.vectors_after(0, *segment)]
        for segment in (("m", "", "e"), ("other", "", "e"), ("m", "c", "e"), ("m", "", "another"))
    }
    assert found == {
        ("m", "", "e"): [[1, 0]],
        ("other", "", "e"): [[2, 0]],
        ("m", "c", "e"): [[3, 0]],
        ("m", "", "another"): [[4, 0]],
    }
    assert store.count() == 5


def test_vectors_are_the_same_on_every_machine(store: Store) -> None:
    """They are kept as little-endian numbers of four bytes, whatever type they had."""
    add(store, "a", vector=np.array([1.5, -2.0], dtype=">f8"))
    kept = store._connection.execute("SELECT vector FROM entries").fetchone()[0]
    assert kept == np.array([1.5, -2.0], dtype="<f4").tobytes()


def test_an_entry_that_is_gone(store: Store) -> None:
    """It says that something else changed the file, and what to do."""
    with pytest.raises(
        CacheFileError,
        match=r"cache.db lost an entry .* it. Close every engine on it and open it again$",
    ):
        store.entry(1)


def test_a_table_that_is_gone(store: Store) -> None:
    """What SQLite says reaches the user, with the file's name and what to check."""
    store._connection.execute("DROP TABLE entries")
    with pytest.raises(
        CacheFileError,
        match=r"cache.db\) cannot be used: no such table.*Check that its folder exists and can be "
        r"written, that the disk has room, and that the file is a Vectorcache file$",
    ):
        store.count()


def test_counting_goes_on(path: Path, store: Store) -> None:
    """The count is kept, and takes up what was added since, by whichever process."""
    other = Store(path, placeholders=False)
    for number in range(1, 4):
        add(store, f"prompt {number}")
        assert store.count() == other.count() == store.count() == number
    add(other, "a", placeholder=True)
    add(other, "b")
    assert (store.count(), other.count()) == (4, 4)
    other.close()


def test_a_text_that_is_damaged(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """An entry that is not UTF-8 any more answers nothing, and its text is not in the log."""
    add(store, "a", "a secret answer")
    store._connection.execute("UPDATE entries SET response = CAST(? AS TEXT)", (b"secret \xff",))
    assert store.exact("a", "m", "") is None
    assert store.entry(1) is None
    assert "cache.db is damaged and is not used" in caplog.text
    assert "secret" not in caplog.text


def test_closing(path: Path) -> None:
    """Closing twice is fine; a closed store says so; the file is left without a log beside it."""
    store = Store(path, placeholders=False)
    add(store, "a")
    assert Path(f"{path}-wal").exists()
    for _ in range(2):
        store.close()
        assert not Path(f"{path}-wal").exists()
    with pytest.raises(EngineClosedError) as caught:
        store.exact("a", "m", "")
    assert str(caught.value) == "the local cache is closed: make a new one to go on"


def test_any_thread(store: Store) -> None:
    """All threads share it."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(add, store, "a").result()
    assert store.exact("a", "m", "") is not None


def test_another_process(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a fork the child's use is refused, and its close leaves the parent's file open."""
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(
        CacheFileError,
        match=r"cache.db\) was opened in another process, .* Make the engine or client in the "
        r"process that uses it, after the fork$",
    ):
        store.count()
    store.close()
    monkeypatch.undo()
    assert store._connection.execute("SELECT 1").fetchone() == (1,)
    store._connection.close()


def test_a_relative_path(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is meant from where the program is when the store is opened, and stays that file."""
    monkeypatch.chdir(path.parent)
    store = Store("cache.db", placeholders=False)
    add(store, "a")
    store.close()
    assert path.exists()


@pytest.mark.parametrize(
    ("name", "path"), [(r"file in memory lost", None), (":memory:", ":memory:")]
)
def test_memory(name: str, path: str | None) -> None:
    """In memory, each store is one of its own, and messages say where it is."""
    one, other = Store(path, placeholders=False), Store(path, placeholders=False)
    add(one, "a")
    assert (one.count(), other.count()) == (1, 0)
    with pytest.raises(CacheFileError, match=name):
        one.entry(7)
    one.close()
    other.close()
