"""What the caller's context variables hold holds for a batch's calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar

from clients import MakeClient
from servers import ScriptedServer, answer

from vectorcache import ObservedCall, Observer, Query

tenant: ContextVar[str] = ContextVar("tenant", default="no tenant")


class Watch(Observer):
    """Writes down whose call it is."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def call_started(self, call: ObservedCall) -> None:
        self.seen.append((call.query.prompt, tenant.get()))


def test_functions_of_the_callers(make_client: MakeClient, server: ScriptedServer) -> None:
    """Observers, ``before_send`` and the fallback see what their caller sees, in any thread."""
    seen: list[str] = []

    def before_send(query: Query) -> Query:
        seen.append(tenant.get())
        return query

    def fallback(prompt: str, model: str, context: str | None) -> str:
        return tenant.get()

    server.respond = lambda request: answer({"detail": "no"}, status=422)
    watch = Watch()
    client = make_client(observers=[watch], before_send=before_send, fallback=fallback)
    token = tenant.set("me")
    results = list(client.query_many(["a", "b", "c"], model="m", concurrency=2))
    tenant.reset(token)
    assert [result.result.response for result in results if result.result] == ["me"] * 3
    assert sorted(watch.seen) == [("a", "me"), ("b", "me"), ("c", "me")]
    assert seen == ["me"] * 3


def test_as_they_are_when_a_prompt_is_taken(make_client: MakeClient) -> None:
    """A caller that changes them in its loop changes them for the prompts taken from then on."""
    taken: list[tuple[str, str]] = []

    def prompts() -> Iterator[str]:
        for prompt in "abcde":
            taken.append((prompt, tenant.get()))
            yield prompt

    watch = Watch()
    batch = make_client(observers=[watch]).query_many(prompts(), model="m", concurrency=1)
    for number in range(5):
        token = tenant.set(f"step {number}")
        next(batch)
        tenant.reset(token)
    assert watch.seen == taken
    assert len({name for _, name in taken}) > 1


def test_a_call_changes_none_of_the_callers(make_client: MakeClient) -> None:
    """What is set during a call is not set for its caller, nor for another call."""

    class Careless(Observer):
        def call_started(self, call: ObservedCall) -> None:
            found.append(tenant.get())
            tenant.set(call.query.prompt)

    found: list[str] = []
    client = make_client(observers=[Careless()])
    list(client.query_many(["a", "b"], model="m", concurrency=1))
    assert found == ["no tenant"] * 2
    assert tenant.get() == "no tenant"
