"""A limit that processes share by a real Redis, which may not answer."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator

import pytest
from clients import KEY, MakeClient
from clock import Clock
from rate_limiting.redis_server import PASSWORD, RedisServer, free_port
from servers import ScriptedServer

from vectorcache import APITimeoutError, RateLimiter
from vectorcache._rate_limit.gate import Permit, RateGate
from vectorcache._rate_limit.limiter import gate_for

DAY = pytest.approx(86_400 * 1.01 + 1, abs=60)

# Seconds; a shorter delay is only the wait for the answer of Redis.
SOON = 0.01


@pytest.fixture(autouse=True)
def no_password_in_the_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """In every test the log shows neither the password nor the key."""
    caplog.set_level(logging.DEBUG)
    yield
    for record in caplog.get_records("call"):
        assert PASSWORD not in record.getMessage()
        assert KEY not in record.getMessage()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]


def let_redis_answer() -> None:
    for thread in threading.enumerate():
        if thread.name == "vectorcache-rate-limit":
            thread.join(10)


def delay(gate: RateGate, permit: Permit) -> float:
    """Returns the delay of a request, once Redis has answered."""
    while 0 < (wait := gate.delay(permit)) <= SOON:
        let_redis_answer()
    return wait


def goes(gate: RateGate) -> bool:
    permit = gate.permit()
    if delay(gate, permit) > 0:
        gate.give_up(permit)
        return False
    return True


PROGRAM = """
import asyncio, os, sys
from vectorcache import APITimeoutError, AsyncVectorcacheClient, RateLimiter, VectorcacheClient

key, url, redis_url = sys.argv[1:]
limiter = RateLimiter("6/day", redis_url=redis_url)
answered = 0
"""
SYNC = """
with VectorcacheClient(key, url, rate_limit=limiter) as client:
    for number in range(4):
        try:
            answered += bool(client.query("Q", "m"))
        except APITimeoutError:
            pass
print(answered)
"""
ASYNC = """
async def main():
    global answered
    async with AsyncVectorcacheClient(key, url, rate_limit=limiter) as client:
        ends = [client.query("Q", "m") for number in range(4)]
        for end in await asyncio.gather(*ends, return_exceptions=True):
            answered += not isinstance(end, APITimeoutError)

asyncio.run(main())
print(answered)
"""
FORKS = """
client = VectorcacheClient(key, url, rate_limit=limiter)
client.query("Q", "m")
child = os.fork()
for number in range(4):
    try:
        answered += bool(client.query("Q", "m"))
    except APITimeoutError:
        pass
client.close()
if not child:
    os._exit(answered)
print(1 + answered + os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def start(program: str, server: ScriptedServer, redis: RedisServer) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-W", "error", "-W", "ignore:This process:DeprecationWarning"),
            *("-c", PROGRAM + textwrap.dedent(program), KEY, server.url, redis.url),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def printed(process: subprocess.Popen[str]) -> int:
    output, errors = process.communicate(timeout=60)
    assert errors == ""
    return int(output)


def test_processes_share_a_limit(server: ScriptedServer, redis_server: RedisServer) -> None:
    """Three programs that ask at the same time get together as much as one alone."""
    programs = [start(one, server, redis_server) for one in (SYNC, SYNC, ASYNC)]
    assert sum(printed(one) for one in programs) == 6
    assert len(server.requests) == 6


def test_a_fork_shares_it_too(server: ScriptedServer, redis_server: RedisServer) -> None:
    """A parent and its forked child share one limit."""
    assert printed(start(FORKS, server, redis_server)) == 6
    assert len(server.requests) == 6


def test_clients_share_a_limit(
    make_client: MakeClient, server: ScriptedServer, redis_server: RedisServer
) -> None:
    """Clients with the same key share a limit, over TCP or a socket; another key has its own."""
    over_tcp = RateLimiter("2/day", redis_url=redis_server.url)
    over_socket = RateLimiter("2/day", redis_url=redis_server.socket_url)
    make_client(rate_limit=over_tcp).query("Q", "m")
    make_client(rate_limit=over_socket).query("Q", "m")
    for limiter in (over_tcp, over_socket):
        with pytest.raises(APITimeoutError) as caught:
            make_client(rate_limit=limiter).query("Q", "m")
        assert caught.value.retry_after == DAY
    make_client(KEY.replace("0a", "0c"), rate_limit=over_tcp).query("Q", "m")
    assert len(server.requests) == 3


def test_what_redis_is_told(make_client: MakeClient, redis_server: RedisServer) -> None:
    """Redis stores the times of requests for one period, under a name that hides the key."""
    limiter = RateLimiter("5/minute", redis_url=redis_server.url)
    make_client(rate_limit=limiter).query("Q", "m")
    with redis_server.client() as inside:
        (name,) = inside.keys()
        assert name.startswith("LIMITS:vectorcache/") and name.endswith("/5/61/second")
        assert KEY not in name and KEY[3:] not in name
        assert inside.llen(name) == 1
        assert 0 < inside.ttl(name) <= 61


def test_first_come_first_served(redis_server: RedisServer) -> None:
    """Within a process the line keeps its order, and moves up when a call leaves."""
    limiter = RateLimiter("2/day", redis_url=redis_server.url)
    gate = gate_for(limiter, "key", Clock())
    first, second, third = (gate.permit() for _ in range(3))
    assert gate.delay(first) > 0
    assert gate.delay(second) > 0
    assert gate.delay(third) > 0
    gate.give_up(second)
    # Redis lets one request go, which is not the one that asks next.
    let_redis_answer()
    assert gate.delay(third) > 0
    assert delay(gate, first) == 0
    assert delay(gate, third) == 0
    assert not goes(gate)


def test_turns_that_were_not_used(redis_server: RedisServer) -> None:
    """If a call leaves before it uses a permit of Redis, the next call gets it for a while."""
    limiter = RateLimiter("2/day", redis_url=redis_server.url)
    clock = Clock()
    gate = gate_for(limiter, "key", clock)
    first = gate.permit()
    assert gate.delay(first) > 0
    gate.give_up(first)
    assert goes(gate)
    assert goes(gate)
    assert not goes(gate)
    gate = gate_for(limiter, "another key", clock)
    first = gate.permit()
    assert gate.delay(first) > 0
    gate.give_up(first)
    let_redis_answer()
    clock.now += 6
    assert [goes(gate) for _ in range(2)] == [True, False]


def test_no_redis(
    make_client: MakeClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Without Redis each process keeps to the limit by itself, and logs that once."""
    url = f"redis://:{PASSWORD}@127.0.0.1:{free_port()}/0"
    client = make_client(rate_limit=RateLimiter("3/day", redis_url=url))
    for _ in range(3):
        client.query("Q", "m")
    with pytest.raises(APITimeoutError) as caught:
        client.query("Q", "m")
    assert caught.value.retry_after == DAY
    assert warnings(caplog) == [
        "the Redis of the rate limit does not answer (ConnectionError): until it does, this "
        "process keeps to 3 per day by itself"
    ]


def test_redis_goes_and_comes_back(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Redis is asked again every 5 s; the log has one line for its loss, and one for its return."""
    clock = Clock()
    limiter = RateLimiter("100/day", redis_url=redis_server.url)
    here, elsewhere = gate_for(limiter, "key", clock), gate_for(limiter, "key", clock)
    assert goes(here) and goes(elsewhere)
    redis_server.stop()
    for _ in range(3):
        assert goes(here)
        clock.now += 5.1
    assert len(warnings(caplog)) == 1
    assert goes(here)
    redis_server.start()  # It has no data now, as this server stores nothing on disk.
    clock.now += 4.9
    assert goes(here)
    with redis_server.client() as inside:
        assert inside.keys() == []
    clock.now += 0.2
    assert goes(here) and goes(elsewhere)
    assert caplog.messages.count("the Redis of the rate limit answers again") == 1
    with redis_server.client() as inside:
        assert inside.llen(*inside.keys()) == 2
    redis_server.stop()
    assert goes(here)
    assert len(warnings(caplog)) == 2


def test_what_was_sent_without_redis_still_counts(redis_server: RedisServer) -> None:
    """When Redis is back, a process still counts what it sent without Redis."""
    clock = Clock()
    redis_server.stop()
    gate = gate_for(RateLimiter("3/day", redis_url=redis_server.url), "key", clock)
    assert goes(gate) and goes(gate)
    redis_server.start()
    clock.now += 5.1
    assert [goes(gate) for _ in range(2)] == [True, False]


def test_a_wrong_password(
    make_client: MakeClient, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A Redis that refuses the password is like no Redis; the log names the error only."""
    url = redis_server.url.replace(PASSWORD, PASSWORD[::-1])
    client = make_client(rate_limit=RateLimiter("3/day", redis_url=url))
    client.query("Q", "m")
    (warning,) = warnings(caplog)
    assert "AuthenticationError" in warning
    assert PASSWORD[::-1] not in caplog.text


def test_a_redis_that_says_nothing(
    make_client: MakeClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A call keeps its deadline whatever Redis does, and goes without Redis if it has time."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        client = make_client(rate_limit=RateLimiter("3/day", redis_url=url))
        with pytest.raises(APITimeoutError):
            client.query("Q", "m", deadline=0.2)
        assert server.requests == []
        assert client.query("Q", "m", deadline=30).cache_hit
        (warning,) = warnings(caplog)
        assert "TimeoutError" in warning


def test_how_long_redis_may_take() -> None:
    """A call waits for Redis for at most a second."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        clock = Clock()
        url = f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        gate = gate_for(RateLimiter("1/day", redis_url=url), "key", clock)
        permit = gate.permit()
        assert gate.delay(permit) > 0
        clock.now += 0.9
        assert gate.delay(permit) > 0
        clock.now += 0.2
        assert gate.delay(permit) == 0
    let_redis_answer()


def test_the_interpreter_ends(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request goes without asking Redis if no thread can be started."""

    def no_more(*_: object) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    limiter = RateLimiter("1/day", redis_url=redis_server.url)
    gate = gate_for(limiter, "key", Clock())
    monkeypatch.setattr(threading.Thread, "start", no_more)
    assert goes(gate)
    assert not goes(gate)
