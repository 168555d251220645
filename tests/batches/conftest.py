from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from batches.service import Holding, own_answer
from servers import ScriptedServer


@pytest.fixture(autouse=True)
def each_prompt_has_its_own_answer(server: ScriptedServer) -> None:
    server.respond = own_answer


@pytest.fixture
def held(server: ScriptedServer) -> Iterator[Callable[..., Holding]]:
    """Makes the server hold back the answers to some prompts."""
    made: list[Holding] = []

    def hold(*prompts: str, others_wait: bool = False) -> Holding:
        server.respond = Holding(*prompts, others_wait=others_wait)
        made.append(server.respond)
        return server.respond

    yield hold
    for holding in made:
        holding.released.set()
