"""The examples for data larger than one machine, each run on a local cluster of its engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from engines.job import FILES, IN_EACH, KEY, LIMIT, Job, question, run
from rate_limiting.redis_server import PASSWORD

from vectorcache.dataframe import RESULT_COLUMNS

pytestmark = [pytest.mark.repository, pytest.mark.timeout(300)]

EXAMPLES = {
    "dask": "dask_partitions.py",
    "pyspark": "spark_pandas.py",
    "ray": "ray_data.py",
}
ROWS = range(FILES * IN_EACH)


@pytest.fixture(scope="module", params=EXAMPLES)
def job(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    """What an example has done; each is run once."""
    pytest.importorskip(request.param, reason="it has an environment of its own")
    with run(EXAMPLES[request.param], tmp_path_factory.mktemp("job")) as done:
        yield done


def test_every_row_is_there(job: Job) -> None:
    """Each row comes out once, with its own columns and then those of its result."""
    assert [row["id"] for row in job.answers] == list(ROWS)
    assert [row["question"] for row in job.answers] == [question(row) for row in ROWS]
    assert list(job.answers[0])[: 2 + len(RESULT_COLUMNS)] == ["id", "question", *RESULT_COLUMNS]


def test_answers(job: Job) -> None:
    """Whatever can be answered is, each row with its own."""
    answered = [row for row in job.answers if row["error"] is None]
    assert len(answered) == len(ROWS) * 18 // 20
    for row in answered:
        assert row["response"] == f"answer to {row['question']}"
        assert row["cache_hit"] is True
        assert row["similarity_score"] == 0.94
        assert row["attempts"] == 1


def test_failed_rows(job: Job) -> None:
    """Rows that failed stay, and say why; all else of them is null, whatever the engine."""
    for row in job.answers:
        if row["question"] is None:
            assert row["error_type"] == "InvalidRequestError"
            assert row["attempts"] == 0
        elif row["question"].startswith("bad"):
            assert row["error_type"] == "BadRequestError"
            assert row["error"].startswith('400 bad request: "no"')
            assert row["attempts"] == 1
        else:
            assert row["error_type"] is None
            continue
        assert row["response"] is row["cache_hit"] is row["similarity_score"] is None


def test_each_question_is_asked_once(job: Job) -> None:
    """Planning the job asks nothing, and a row without a question is not sent."""
    asked = sorted(request.json()["prompt"] for request in job.service.requests)
    assert asked == sorted(text for row in ROWS if (text := question(row)) is not None)


def test_one_rate_limit(job: Job) -> None:
    """Several processes ask, and together they keep to the limit."""
    assert len(job.service.watch.asking) >= 2
    # Within the limit the last request comes more than four seconds after the first. Were the
    # limit each process's own, half of that would do.
    arrivals = job.service.arrivals
    assert len(arrivals) > 4 * LIMIT
    assert max(arrivals) - min(arrivals) > 3


def test_clients(job: Job, request: pytest.FixtureRequest) -> None:
    """Ray keeps one client in each actor; Dask and Spark close the one of each partition."""
    made = [process for event, process in job.clients if event == "made"]
    if request.node.callspec.params["job"] == "ray":
        assert len(made) == len(set(made)) == 2
    else:
        assert 2 <= len(made) <= FILES
        assert sorted(made) == sorted(by for event, by in job.clients if event == "closed")


def test_on_this_machine_alone(job: Job) -> None:
    """No process of the cluster can be reached from another machine, and none outlives it."""
    assert job.service.watch.exposed == set()
    assert job.service.watch.left_over(20) == []


@pytest.mark.parametrize("secret", [KEY, PASSWORD], ids=["key", "password"])
def test_secrets_are_not_shown(job: Job, secret: str) -> None:
    """Neither the key nor Redis's password is in what the engine prints, or writes to a file."""
    assert secret not in job.output
    for file in job.scratch.rglob("*"):
        if file.is_file():
            assert secret.encode() not in file.read_bytes(), file
