"""How much of a batch a caller could lose who dies in the middle of it."""

from __future__ import annotations

from collections.abc import Iterator

from clients import AnyClient


def test_no_more_than_concurrency_are_not_given_out(client: AnyClient) -> None:
    """Without order, at most ``concurrency`` prompts have been taken and not been given out."""
    given = 0
    most = 0

    def prompts() -> Iterator[str]:
        nonlocal most
        for n in range(200):
            most = max(most, n + 1 - given)
            yield f"prompt {n}"

    for item in client.query_many(prompts(), model="m", concurrency=4, ordered=False):
        item.unwrap()
        given += 1
    assert given == 200
    assert most == 4
