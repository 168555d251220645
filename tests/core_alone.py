"""What must work with nothing installed but the wheel and its three dependencies.

Run as a program, since pytest and its plugins would be further packages.
"""

from __future__ import annotations

import asyncio

from servers import ScriptedServer

from vectorcache import AsyncVectorcacheClient, ConfigurationError, VectorcacheClient
from vectorcache.tuning import tune

KEY = "vc_" + 32 * "0"


def main() -> None:
    with ScriptedServer() as server:
        with VectorcacheClient(KEY, server.url) as client:
            assert client.query("What is ML?", "gpt-4o").cache_hit
            assert [item.unwrap().cache_hit for item in client.query_many(["A", "B"], model="m")]
            assert tune(client, ["A", "B"], model="m", thresholds=[0.8, 0.9]).table()

        async def ask() -> bool:
            async with AsyncVectorcacheClient(KEY, server.url) as client:
                return (await client.query("What is ML?", "gpt-4o")).cache_hit

        assert asyncio.run(ask())
    try:
        VectorcacheClient.local()
    except ConfigurationError as error:
        assert "pip install 'vectorcache-python[local]'" in str(error), error
    else:
        raise AssertionError("the local service cannot be there")


if __name__ == "__main__":
    main()
