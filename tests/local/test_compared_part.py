"""A prompt of which the embedded service compares a part: only for callers in this process."""

import asyncio
from typing import Any

import httpx
import pytest
from local.serving import served
from local.stand_ins import Angles, MakeEngine, Recorder

from vectorcache._local import compared_header, compares_parts
from vectorcache.local import LocalTransport, app
from vectorcache.local.question import Question

URL = "https://nowhere.invalid/v1/cache/query"
KEY = {"Authorization": "Bearer vc_" + "a" * 32}


def query(question: str, context: str = "passages") -> dict[str, Any]:
    body = {"prompt": f"Passages. {question}?", "model": "gpt-4o", "context": context}
    return {"json": body, "headers": {**KEY, **compared_header(question)}}


def test_the_part_is_compared(make_engine: MakeEngine, angles: Angles, llm: Recorder) -> None:
    """The part is embedded, the LLM is asked the whole prompt, and contexts stay apart."""
    with httpx.Client(transport=LocalTransport(make_engine(llm=llm, embedder=angles))) as client:
        hits = [
            client.post(URL, **query(question, context)).json()["cache_hit"]
            for question, context in (
                ("30", "passages"),
                ("40", "passages"),
                ("90", "passages"),
                ("30", "others"),
            )
        ]
    assert hits == [False, True, False, False]
    assert angles.embedded == ["30", "40", "90", "30"]
    assert [prompt for prompt, _, _ in llm.asked] == [
        "Passages. 30?",
        "Passages. 90?",
        "Passages. 30?",
    ]


def test_the_part_with_await(make_engine: MakeEngine, angles: Angles, llm: Recorder) -> None:
    """So it is for an async client, with a part in any script."""

    async def ask() -> list[bool]:
        transport = LocalTransport(make_engine(llm=llm, embedder=angles))
        async with httpx.AsyncClient(transport=transport) as client:
            answers = [
                await client.post(URL, **query(each)) for each in ("30 \u00b0\U0001f600", "31")
            ]
            return [answer.json()["cache_hit"] for answer in answers]

    assert asyncio.run(ask()) == [False, True]
    assert angles.embedded == ["30 \u00b0\U0001f600", "31"]


def test_not_over_a_socket(angles: Angles, llm: Recorder) -> None:
    """Who asks over HTTP is answered as by the hosted service, which knows of no part."""
    with served(app(llm=llm, embedder=angles)) as url:
        body = {"prompt": "60", "model": "gpt-4o"}
        headers = {**KEY, **compared_header("30")}
        assert httpx.post(f"{url}/v1/cache/query", json=body, headers=headers).is_success
        fields = {**body, "prompt": "61", "compared": "30"}
        assert httpx.post(f"{url}/v1/cache/query", json=fields, headers=KEY).json()["cache_hit"]
    assert angles.embedded == ["60", "61"]


@pytest.mark.parametrize(
    ("earlier", "part"),
    [
        ("By a: enable it? Answer:", "enable it?"),
        ("By a:  Answer:", "By a:  Answer:"),
        ("Something else", "Something else"),
    ],
)
def test_the_part_of_an_earlier_prompt(earlier: str, part: str) -> None:
    """The same part of an earlier prompt is found between what both share."""
    asked = Question("By a: disable it? Answer:", "gpt-4o", compared="disable it?")
    assert asked.meaning == "disable it?"
    assert asked.meaning_of(earlier) == part
    whole = Question("disable it?", "gpt-4o")
    assert whole.meaning == "disable it?"
    assert whole.meaning_of("enable it?") == "enable it?"


def test_who_compares_parts(make_engine: MakeEngine) -> None:
    """A transport of the embedded service does, and nothing else."""
    assert compares_parts(LocalTransport(make_engine()))
    for other in (None, httpx.HTTPTransport(), object()):
        assert not compares_parts(other)
