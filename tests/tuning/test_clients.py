"""Tuning with the sync and the async client, over HTTP and with the embedded service."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pytest
from clients import KEY
from servers import ScriptedServer
from tuning.conftest import RunTune
from tuning.service import Service

from vectorcache import (
    ConfigurationError,
    InvalidRequestError,
    SensitiveDataFilter,
    VectorcacheClient,
)
from vectorcache.tuning import TuningReport, tune

VECTORS = {"red": (1.0, 0.1), "ruby": (1.0, 0.3), "blue": (-0.2, 1.0), "navy": (-0.1, 1.0)}
PROMPTS = ["red", "blue", "ruby", "navy", "red"]


def llm(prompt: str, model: str, context: str | None) -> str:
    return f"an answer to {prompt}"


class Embedder:
    """Gives each prompt a random vector near one of a few centres, always the same one."""

    id = "of a test"

    def embed(self, prompt: str) -> npt.NDArray[np.float32]:
        centre = np.random.default_rng(int(prompt.split()[1]) % 25).normal(size=8)
        own = np.random.default_rng(int(prompt.split()[1])).normal(size=8)
        return np.asarray(centre + 0.5 * own, dtype=np.float32)


def one_by_one(
    client: VectorcacheClient, prompts: Sequence[str], threshold: float
) -> tuple[int, float, dict[int, int]]:
    """Returns the hits, the US dollars saved, and the earlier prompt that answered each hit."""
    stored: dict[str, int] = {}
    matched: dict[int, int] = {}
    saved = 0.0
    for index, prompt in enumerate(prompts):
        found = client.query(prompt, similarity_threshold=threshold, context=f"at {threshold}")
        saved += found.cost_saved
        if found.cache_hit:
            matched[index] = stored[found.response]
        else:
            stored[found.response] = index
    return len(matched), saved, matched


def check_against_one_by_one(
    report: TuningReport, prompts: Sequence[str], labels: Sequence[int], **service: Any
) -> None:
    with VectorcacheClient.local(llm=llm, model="gpt-4o", **service) as client:
        for result in report.thresholds:
            hits, saved, matched = one_by_one(client, prompts, result.threshold)
            assert result.hits == hits
            assert result.cost_saved == pytest.approx(saved)
            right = sum(labels[index] == labels[earlier] for index, earlier in matched.items())
            assert result.precision is not None
            assert result.precision.count == right


def test_the_embedded_service(run_tune: RunTune) -> None:
    """Both clients find the same as a separate run for each threshold."""
    chance = random.Random(3)
    numbers = [chance.randrange(60) for _ in range(80)]
    prompts = [f"prompt {number}" for number in numbers]
    labels = [number % 25 for number in numbers]
    report = run_tune(
        prompts,
        client={"llm": llm, "embedder": Embedder()},
        labels=labels,
        thresholds=[0.6, 0.7, 0.8, 0.9],
    )
    check_against_one_by_one(report, prompts, labels, embedder=Embedder())
    assert report.llm_calls < report.llm_calls_one_by_one
    assert report.calls < report.calls_one_by_one


def test_the_embedding_model_of_the_embedded_service() -> None:
    """The embedding model of the embedded service gives the same as a separate run, too."""
    tasks = ["reset my password", "change my password", "cancel my order", "pay by invoice"]
    ways = ["How do I {}?", "How can I {}?", "I want to {}", "Please help me to {}"]
    prompts = [way.format(task) for way in ways for task in tasks]
    labels = [place for _ in ways for place in range(len(tasks))]
    with VectorcacheClient.local(llm=llm, model="gpt-4o") as client:
        report = tune(client, prompts, labels=labels)
    check_against_one_by_one(report, prompts, labels)


def test_the_embedded_service_names_the_nearest_prompt(run_tune: RunTune) -> None:
    """Equal answers cost no further calls, and even pairs far apart are reported."""
    prompts = ["How do I reset my password?", "What is the capital of France?", "Track my order"]
    report = run_tune(prompts, client={}, thresholds=[0.9])
    assert report.calls == 3
    (pair, other) = report.thresholds[0].near_misses
    assert {pair.prompt, other.prompt} == set(prompts[1:])
    assert 0 <= other.score <= pair.score < 0.5


def test_over_http(run_tune: RunTune, server: ScriptedServer) -> None:
    """Queries ask for debug information, in separate contexts, with the client's model."""
    server.respond = Service(VECTORS).respond
    report = run_tune(
        PROMPTS, client={"context": "of others"}, base_url=server.url, thresholds=[0.9, 0.99]
    )
    assert [result.hits for result in report.thresholds] == [3, 2]
    assert report.calls == len(server.requests)
    for request in server.requests:
        asked = request.json()
        assert asked["include_debug"] is True
        assert asked["context"].startswith(f"{report.context}-")
        assert asked["model"] == "gpt-4o"
    assert "of others" not in report.context


def test_each_run_has_contexts_of_its_own(run_tune: RunTune, server: ScriptedServer) -> None:
    """A second run does not find the entries of the first."""
    server.respond = Service(VECTORS).respond
    first, second = (run_tune(PROMPTS, client={}, base_url=server.url) for _ in range(2))
    assert first.context != second.context
    assert attrs.evolve(second, context=first.context) == first


def test_a_fallback_fails_its_prompt(run_tune: RunTune, server: ScriptedServer) -> None:
    """A prompt that the fallback answered has failed, as the answer is not from the cache."""
    service = Service(VECTORS)
    server.respond = lambda request: (
        b"HTTP/1.1 422 No\r\nContent-Length: 0\r\n\r\n"
        if request.json()["prompt"] == "blue"
        else service.respond(request)
    )
    report = run_tune(PROMPTS, client={"fallback": lambda *_: "sorry"}, base_url=server.url)
    assert [(failed.prompt, failed.error_type) for failed in report.failed] == [
        ("blue", "NotCacheableError")
    ]
    assert report.llm_calls == 2


def test_before_send(run_tune: RunTune, server: ScriptedServer) -> None:
    """Prompts that ``before_send`` refuses have failed, and any number of them stops no run."""
    server.respond = Service(VECTORS).respond
    refused = [f"mail {number}@example.com" for number in range(8)]
    report = run_tune(
        [*refused, *PROMPTS], client={"before_send": SensitiveDataFilter()}, base_url=server.url
    )
    assert [failed.index for failed in report.failed] == list(range(8))
    assert {failed.error_type for failed in report.failed} == {"SensitiveDataError"}
    assert report.prompts == len(PROMPTS)
    assert report.stopped is None


def test_no_model(run_tune: RunTune, server: ScriptedServer) -> None:
    """Without a model nothing is sent, and the error says what is missing."""
    with pytest.raises(InvalidRequestError, match="model is missing"):
        run_tune(PROMPTS, client={"model": None}, base_url=server.url)
    assert not server.requests


def test_a_closed_client() -> None:
    """With a closed client, the error says that it is closed."""
    client = VectorcacheClient(KEY, model="gpt-4o")
    client.close()
    with pytest.raises(ConfigurationError, match="closed"):
        tune(client, PROMPTS)


def test_the_key_is_in_no_report(run_tune: RunTune, server: ScriptedServer) -> None:
    """Neither the page nor the table nor the JSON contains the key."""
    server.respond = Service(VECTORS).respond
    report = run_tune(PROMPTS, client={}, base_url=server.url)
    assert json.loads(report.to_json()) == report.to_dict()
    for text in (report.to_html(), report.table(), report.to_json(), repr(report)):
        assert KEY not in text
