"""A program that logs everything, catches little and closes nothing: see test_canary.py.

python program.py sync|async
"""

from __future__ import annotations

import asyncio
import sys
import threading

from vectorcache import (
    AsyncVectorcacheClient,
    RetryPolicy,
    VectorcacheClient,
    VectorcacheError,
    VectorcacheResponse,
)

CALLS = 40
POLICY = RetryPolicy(transient_backoff=0, throttled_backoff=0, uncertain_delay=0, quota=1e8)


def show(outcome: VectorcacheResponse | VectorcacheError) -> None:
    sys.stdout.write(f"{outcome}{outcome!r}{getattr(outcome, '__dict__', '')}\n")


def in_threads() -> None:
    client = VectorcacheClient(retry=POLICY)
    sys.stdout.write(f"{client}\n")
    for _ in range(CALLS):
        try:
            show(client.query("Q", "m"))
        except VectorcacheError as error:
            show(error)
    # Reported by threading.excepthook.
    thread = threading.Thread(target=client.query, args=("Q", "m"), name="dying")
    thread.start()
    thread.join()
    client.query("Q", "m")


async def on_a_loop() -> None:
    client = AsyncVectorcacheClient(retry=POLICY)
    sys.stdout.write(f"{client}\n")
    for outcome in await asyncio.gather(
        *(client.query("Q", "m") for _ in range(CALLS)), return_exceptions=True
    ):
        assert isinstance(outcome, VectorcacheResponse | VectorcacheError)
        show(outcome)
    # The loop reports this error, because nothing awaits the task.
    forgotten = asyncio.create_task(client.query("Q", "m"))
    await asyncio.wait([forgotten])
    del forgotten
    await client.query("Q", "m")


if __name__ == "__main__":
    if sys.argv[1] == "sync":
        in_threads()
    else:
        asyncio.run(on_a_loop())
