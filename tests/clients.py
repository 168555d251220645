"""Both clients under one face, so that a test says once what both of them must do."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from functools import partial
from typing import Any, Protocol, Unpack

from vectorcache import AsyncVectorcacheClient, BatchResult, Stats, VectorcacheResponse
from vectorcache._settings import ClientOptions

KEY = "vc_" + 8 * "0a1b"


class AnyClient(Protocol):
    """Either client, called in the same way."""

    def query(self, *arguments: Any, **options: Any) -> VectorcacheResponse: ...

    @property
    def query_many(self) -> Callable[..., Generator[BatchResult, None, None]]: ...

    def with_options(self, **options: Unpack[ClientOptions]) -> AnyClient: ...

    @property
    def stats(self) -> Stats: ...

    def close(self) -> None: ...

    @property
    def closed(self) -> bool: ...


MakeClient = Callable[..., AnyClient]


class BlockingAsyncClient:
    """The async client, driven from a test that is not."""

    def __init__(self, client: AsyncVectorcacheClient, run: Callable[..., Any]) -> None:
        self._client = client
        self._run = run

    def query(self, *arguments: Any, **options: Any) -> VectorcacheResponse:
        contexts: list[BaseException | None] = []

        async def query() -> VectorcacheResponse:
            try:
                return await self._client.query(*arguments, **options)
            except BaseException as error:
                contexts.append(error.__context__)
                raise

        try:
            result: VectorcacheResponse = self._run(query)
        except BaseException as error:
            # The code that raised it again may have been handling another exception.
            error.__context__ = contexts[-1] if contexts else error.__context__
            raise
        return result

    def query_many(self, prompts: Any, **options: Any) -> Generator[BatchResult, None, None]:
        # Not in the generator: bad arguments are refused when it is called.
        return self._drive(self._run(partial(self._begin, prompts, **options)))

    async def _begin(self, prompts: Any, **options: Any) -> AsyncGenerator[BatchResult, None]:
        return self._client.query_many(prompts, **options)

    def _drive(
        self, batch: AsyncGenerator[BatchResult, None]
    ) -> Generator[BatchResult, None, None]:
        async def following() -> BatchResult | None:
            return await anext(batch, None)

        try:
            while (result := self._run(following)) is not None:
                yield result
        finally:
            self._run(batch.aclose)

    @property
    def stats(self) -> Stats:
        return self._client.stats

    def with_options(self, **options: Unpack[ClientOptions]) -> BlockingAsyncClient:
        return BlockingAsyncClient(self._client.with_options(**options), self._run)

    def close(self) -> None:
        self._run(self._client.aclose)

    @property
    def closed(self) -> bool:
        return self._client.closed

    def __repr__(self) -> str:
        return repr(self._client)
