"""Who gets a connection, what becomes of it afterwards and at the end, without a network."""

from __future__ import annotations

import gc
import re
import time
import warnings
from collections.abc import AsyncIterator

import anyio
import httpx
import pytest
from transport.connection_pools import Closable, Pool, new_attempt

from vectorcache import ConfigurationError
from vectorcache._call.failure import AttemptFailed


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def pool(kind: str) -> AsyncIterator[Pool]:
    pool = Pool(kind)
    yield pool
    await pool.close()


class TestUse:
    """What callers get, and give back."""

    async def test_it_is_used_again(self, pool: Pool) -> None:
        """One caller after the other has the same connection, which is not closed between them."""
        for _ in range(3):
            async with pool.take() as transport:
                assert transport is pool.made[0]
        assert [transport.closed for transport in pool.made] == [0]

    async def test_each_at_the_same_time_has_its_own(self, pool: Pool) -> None:
        """Two callers at once never share a connection."""
        async with pool.take() as one, pool.take() as other:
            assert one is not other

    async def test_no_more_than_allowed(self, pool: Pool) -> None:
        """One more caller waits until its deadline, and is told that there was no connection."""
        async with pool.take(), pool.take():
            late = new_attempt(deadline=time.monotonic() + 0.02)
            with pytest.raises(AttemptFailed) as caught:
                async with pool.take(late):
                    pass
            assert "max_connections=2" in caught.value.failure.text
        assert len(pool.made) == 2
        async with pool.take():
            pass

    async def test_an_attempt_that_fails(self, pool: Pool) -> None:
        """What a failed attempt used is closed, with what it had connected, and not used again."""
        attempt, stream = new_attempt(), Closable()
        with pytest.raises(httpx.ReadError):
            await pool.fail(attempt, stream)
        assert (pool.made[0].closed, stream.closed) == (1, 1)
        async with pool.take() as transport:
            assert transport is pool.made[1]

    async def test_an_attempt_that_is_broken_off(self, pool: Pool) -> None:
        """So is what was in use when Ctrl-C or a cancellation came."""
        with pytest.raises(KeyboardInterrupt):
            async with pool.take():
                raise KeyboardInterrupt
        assert pool.made[0].closed == 1
        async with pool.take(), pool.take():
            pass

    async def test_a_fresh_connection(self, pool: Pool) -> None:
        """An attempt that asks for a fresh connection gets one, and the idle one is closed."""
        async with pool.take():
            pass
        fresh = new_attempt()
        fresh.needs_new_connection = True
        async with pool.take(fresh) as transport:
            assert transport is pool.made[1]
        assert [made.closed for made in pool.made] == [1, 0]

    async def test_a_connection_that_cannot_be_closed(self, pool: Pool) -> None:
        """What fails while it is closed has no other consequence."""
        pool.breaks = True
        with pytest.raises(httpx.ReadError):
            async with pool.take():
                raise httpx.ReadError("reset")
        assert pool.made[0].closed == 1


class TestTheEnd:
    """Closing, and what is still in use then."""

    async def test_what_is_idle(self, pool: Pool) -> None:
        """It is closed at once, and nothing is given out any more; closing twice is fine."""
        async with pool.take():
            pass
        for _ in range(2):
            await pool.close()
        assert pool.connections.closed
        assert pool.made[0].closed == 1
        with pytest.raises(ConfigurationError, match=r"^the client is closed: make a new one$"):
            async with pool.take():
                pass
        assert len(pool.made) == 1

    async def test_what_is_in_use(self, pool: Pool) -> None:
        """It is left to its caller, and closed when that is done with it."""
        async with pool.take() as transport:
            await pool.close()
            assert transport.closed == 0
        assert transport.closed == 1

    async def test_what_is_in_use_and_fails(self, pool: Pool) -> None:
        """It is closed once, as any other that fails."""
        with pytest.raises(httpx.ReadError):
            await pool.fail(new_attempt(), Closable(), closing=True)
        assert pool.made[0].closed == 1

    def test_it_was_forgotten(self, kind: str) -> None:
        """One that was used and never closed warns, by its owner's name, and is closed."""
        pool = Pool(kind)
        anyio.run(pool.use)
        made = pool.made
        words = "a client of the test was not closed: use it in a with statement, or close it"
        with pytest.warns(ResourceWarning, match=re.escape(words)):
            del pool
            gc.collect()
        assert made[0].closed == 1

    def test_its_owner_is_a_client(self, kind: str) -> None:
        """Where no other name is given, the warning names a Vectorcache client."""
        pool = Pool(kind, owner=None)
        anyio.run(pool.use)
        with pytest.warns(ResourceWarning, match=r"^a Vectorcache client was not closed"):
            del pool
            gc.collect()

    def test_it_was_never_used(self, kind: str) -> None:
        """Then there is nothing to close, and no warning; neither is there of a closed one."""
        unused, closed = Pool(kind), Pool(kind)
        anyio.run(closed.use, True)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del unused, closed
            gc.collect()
        assert [warning for warning in caught if "of the test" in str(warning.message)] == []


class TestTheUsersOwnTransport:
    """One transport that serves all connections."""

    async def test_it_is_used_by_all(self, kind: str) -> None:
        """Nothing else is made, it survives failures, and it is closed with the client."""
        shared = Closable()
        pool = Pool(kind, shared=shared)
        attempt, stream = new_attempt(), Closable()
        with pytest.raises(httpx.ReadError):
            await pool.fail(attempt, stream)
        async with pool.take() as one, pool.take() as other:
            assert one is other is shared
        assert (shared.closed, stream.closed, pool.made) == (0, 0, [])
        await pool.close()
        assert shared.closed == 1

    async def test_it_waits_its_turn(self, kind: str) -> None:
        """It serves no more callers at once than the client allows."""
        pool = Pool(kind, size=1, shared=Closable())
        async with pool.take():
            with pytest.raises(AttemptFailed):
                async with pool.take(new_attempt(deadline=time.monotonic() + 0.02)):
                    pass
        await pool.close()
