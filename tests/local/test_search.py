"""Which stored prompt is nearest, without an engine around it."""

from collections.abc import Iterator

import numpy as np
import pytest

from vectorcache.local import EmbedderError
from vectorcache.local.embedder import Vector
from vectorcache.local.search import Match, Search
from vectorcache.local.store import Store


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store(None, placeholders=True)
    yield store
    store.close()


def at(degrees: float) -> Vector:
    angle = np.radians(degrees)
    return np.array([np.cos(angle), np.sin(angle)], dtype=np.float32)


def add(store: Store, *degrees: float, model: str = "m", context: str = "") -> None:
    for value in degrees:
        store.add(
            f"{value} degrees",
            model,
            context,
            "answer",
            cost_usd=0.0,
            placeholder=False,
            embedder="e",
            vector=at(value),
        )


def found(search: Search, degrees: float, threshold: float = 0.0, limit: int = 9) -> list[Match]:
    return search.nearest(at(degrees), "m", "", "e", threshold, limit)


def numbers(matches: list[Match]) -> list[int]:
    return [match.number for match in matches]


def test_the_nearest_first(store: Store) -> None:
    """Entries come by their similarity, the best first, as far as so many are wanted."""
    add(store, 0, 60, 30, 45)
    search = Search(store)
    assert numbers(found(search, 0)) == [1, 3, 4, 2]
    assert numbers(found(search, 50, limit=2)) == [4, 2]
    assert numbers(found(search, 50, limit=1)) == [4]


def test_the_best_below_the_threshold(store: Store) -> None:
    """Where none is near enough, the nearest of the others is there for who asks for it."""
    search = Search(store)

    def below(degrees: float) -> list[int]:
        return numbers(search.nearest(at(degrees), "m", "", "e", 0.9, 9, below=True))

    assert below(0) == []
    add(store, 60, 40, 180)
    assert below(0) == [2]
    assert below(58) == [1, 2]
    assert found(search, 0, threshold=0.9) == []


def test_scores(store: Store) -> None:
    """A score is the cosine, to six digits, and a plain number."""
    add(store, 0, 60, 45)
    matches = found(Search(store), 0)
    assert matches == [Match(1, 1.0), Match(3, 0.707107), Match(2, 0.5)]
    assert {type(match.score) for match in matches} == {float}
    assert {type(match.number) for match in matches} == {int}


def test_scores_are_from_0_to_1(store: Store) -> None:
    """What points the other way scores 0, and nothing scores more than 1."""
    add(store, 0)
    search = Search(store)
    assert [match.score for match in found(search, 180)] == [0.0]
    (match,) = search.nearest(at(0) * np.float32(1.001), "m", "", "e", 0.0, 1)
    assert match.score == 1.0


def test_the_threshold(store: Store) -> None:
    """What scores just as much is found, and what scores less is not."""
    add(store, 60)
    search = Search(store)
    assert numbers(found(search, 0, 0.5)) == [1]
    assert found(search, 0, 0.500001) == []


def test_the_older_of_two(store: Store) -> None:
    """Of two that are as near, the older one comes first, every time."""
    add(store, 20, -20)
    for _ in range(3):
        assert numbers(found(Search(store), 0)) == [1, 2]


def test_what_is_added_later(store: Store) -> None:
    """A search takes up what was added since the last one, however much that is, once."""
    search = Search(store)
    assert found(search, 0) == []
    for count in (1, 7, 9, 20):
        have = store.count()
        add(store, *range(have, have + count))
        assert sorted(numbers(found(search, 0, limit=99))) == list(range(1, have + count + 1))
    add(store, 37)
    assert [match.score for match in found(search, 37, 0.999999)] == [1.0]
    assert numbers(found(search, 36.9, limit=1)) == [store.count()]


def test_each_model_and_context_by_itself(store: Store) -> None:
    """What was stored for another model or context is not found."""
    add(store, 0)
    add(store, 10, model="other")
    add(store, 20, context="c")
    search = Search(store)
    for _ in range(2):
        assert numbers(found(search, 0)) == [1]
        assert numbers(search.nearest(at(0), "other", "", "e", 0.0, 9)) == [2]
        assert numbers(search.nearest(at(0), "m", "c", "e", 0.0, 9)) == [3]
        assert search.nearest(at(0), "m", "", "another", 0.0, 9) == []


def test_the_nearest_of_those_below(store: Store) -> None:
    """Where nothing scores enough, the best of the others is told if it is asked for."""
    search = Search(store)
    assert search.nearest(at(0), "m", "", "e", 0.9, 1, below=True) == []
    add(store, 100, 60, 45)
    assert search.nearest(at(0), "m", "", "e", 0.9, 1, below=True) == [Match(3, 0.707107)]
    assert search.nearest(at(0), "m", "", "e", 0.9, 1) == []
    assert search.nearest(at(0), "m", "", "e", 0.5, 1, below=True) == [Match(3, 0.707107)]
    assert numbers(search.nearest(at(0), "m", "", "e", 0.5, 9, below=True)) == [3, 2]
    assert search.nearest(at(190), "m", "", "e", 0.9, 1, below=True) == [Match(1, 0.0)]


@pytest.mark.parametrize("damaged", [[np.nan, 1], [0, 0], [np.inf, 0], [1, 0.1]])
def test_a_vector_that_is_damaged(
    store: Store, damaged: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    """One whose length is not 1 any more matches nothing; the others are found as before."""
    add(store, 0, 30)
    broken = np.array(damaged, dtype="<f4").tobytes()
    store._connection.execute("UPDATE entries SET vector = ? WHERE number = 1", (broken,))
    search = Search(store)
    assert numbers(found(search, 0)) == [2]
    assert numbers(search.nearest(at(0), "m", "", "e", 1.0, 9, below=True)) == [2]
    messages = {record.getMessage() for record in caplog.records}
    assert messages == {"a vector of the cache file is damaged and is not used"}


@pytest.mark.parametrize("first", ["stored", "asked"])
def test_vectors_of_another_length(store: Store, first: str) -> None:
    """An embedder that changed without another id is told so."""
    longer = np.array([1, 0, 0], dtype=np.float32)
    add(store, 0)
    search = Search(store)
    if first == "stored":
        found(search, 0)
    with pytest.raises(
        EmbedderError, match=r"'e' gave vectors of \d and of \d numbers: an embedder that chang"
    ) as caught:
        search.nearest(longer, "m", "", "e", 0.0, 1)
    assert ("of 3 and of 2" if first == "stored" else "of 2 and of 3") in str(caught.value)


def test_the_older_of_many(store: Store) -> None:
    """Of many entries that are as near, the oldest come first, in their order."""
    # Prompts that differ, with vectors that do not.
    add(store, *(degrees + step * 1e-9 for step in range(40) for degrees in (30, 60)))
    matches = found(Search(store), 0, limit=99)
    assert len({match.score for match in matches}) == 2
    assert numbers(matches) == [*range(1, 81, 2), *range(2, 81, 2)]
