"""Tests of an application that asks Vectorcache, without a key and without a network.

pip install 'vectorcache-python[local]' pytest
pytest examples/test_without_network.py
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from vectorcache import RateLimitError, RetryPolicy, VectorcacheClient, VectorcacheError


# The application; in yours it is in a module of its own.
def explain(client: VectorcacheClient, topic: str) -> str:
    try:
        return client.query(f"Explain {topic} in one sentence.", model="gpt-4o").response
    except RateLimitError as error:
        return f"Too many questions: come back in {error.retry_after or 60:.0f} seconds."
    except VectorcacheError:
        return "The encyclopaedia is closed."


class CountingLLM:
    """Stands in for the LLM, and remembers what it was asked: what would have cost money."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, prompt: str, model: str, context: str | None) -> str:
        self.asked.append(prompt)
        return f"[{model}] {prompt}"


@pytest.fixture
def llm() -> CountingLLM:
    return CountingLLM()


@pytest.fixture
def client(llm: CountingLLM) -> Iterator[VectorcacheClient]:
    """The real client on a real semantic cache, in this process."""
    with VectorcacheClient.local(llm=llm) as client:
        yield client


def test_the_llm_is_asked_once(client: VectorcacheClient, llm: CountingLLM) -> None:
    """The same topic, in other letters, costs nothing the second time."""
    assert explain(client, "machine learning") == explain(client, "Machine Learning")
    assert llm.asked == ["Explain machine learning in one sentence."]
    assert client.stats.hits == 1


def test_another_topic_is_another_question(client: VectorcacheClient, llm: CountingLLM) -> None:
    """A threshold that is too low would answer this one from the first."""
    explain(client, "photosynthesis")
    explain(client, "compound interest")
    assert len(llm.asked) == 2


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (httpx.Response(429, headers={"Retry-After": "90"}), "come back in 90 seconds"),
        (httpx.Response(503, json={"detail": "maintenance"}), "closed"),
        (httpx.Response(200, text="<html>no JSON</html>"), "closed"),
    ],
)
def test_faults_of_the_service(fault: httpx.Response, said: str) -> None:
    """Each of them has an answer of ours, and none takes the application down."""
    with VectorcacheClient(
        api_key="vc_" + 32 * "0",
        http_client=httpx.MockTransport(lambda request: fault),
        retry=RetryPolicy.without_waiting(),
    ) as client:
        assert said in explain(client, "outages")
