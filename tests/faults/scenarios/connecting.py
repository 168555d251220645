"""Unknown host names, and hosts that refuse or drop connections."""

from __future__ import annotations

from faults.behaviour import Close, Pause, Reset, on_connect
from faults.scenario import BOTH, Answers, Group, Raises, Scenario, lasts
from faults.server import Listening

from vectorcache import APIConnectionError, APITimeoutError

NOWHERE = "the client's only address is invalid"

GROUP = Group(
    "Connecting",
    (
        Scenario(
            fault="Connection refused",
            promise="Retried, as nothing was sent; then `APIConnectionError` with the address.",
            listening=Listening.REFUSES,
            sees=Raises(
                APIConnectionError, 3, ("could not connect to 127.0.0.1:", "check the network")
            ),
            requests=0,
        ),
        Scenario(
            fault="Connection refused, with no retries left",
            promise="`APIConnectionError` after one attempt.",
            listening=Listening.REFUSES,
            query={"max_retries": 0},
            sees=Raises(APIConnectionError, 1, ("could not connect",)),
            requests=0,
        ),
        Scenario(
            fault="Connection refused over IPv6",
            promise="`APIConnectionError` with the address, as over IPv4.",
            client={"base_url": "http://[::1]:<port>"},
            sees=Raises(APIConnectionError, 3, ("could not connect to [::1]:",)),
            requests=0,
            not_usable_after=NOWHERE,
        ),
        Scenario(
            fault="Unknown host name",
            promise="Retried, as the name may be known soon; then `APIConnectionError` with the "
            "name.",
            client={"base_url": "https://no-such-host.invalid"},
            sees=Raises(APIConnectionError, 3, ("could not connect to no-such-host.invalid",)),
            requests=0,
            within=20,  # The machine's resolver can be slow.
            not_usable_after=NOWHERE,
        ),
        Scenario(
            fault="A host name with an empty part, which no resolver accepts",
            promise="`APIConnectionError` that names the host.",
            client={"base_url": "https://api..example"},
            sees=Raises(APIConnectionError, 3, ("could not connect to api..example",)),
            requests=0,
            not_usable_after=NOWHERE,
        ),
        Scenario(
            fault="A host name with a part of 70 letters, which no resolver accepts",
            promise="`APIConnectionError` that names the host.",
            client={"base_url": f"https://{70 * 'a'}.example"},
            sees=Raises(APIConnectionError, 3, ("could not connect to " + 70 * "a",)),
            requests=0,
            not_usable_after=NOWHERE,
        ),
        Scenario(
            fault="Connecting hangs",
            promise="Retried after each `timeout`, as nothing was sent; then `APITimeoutError`.",
            listening=Listening.IGNORES,
            query={"timeout": 0.2},
            sees=Raises(APITimeoutError, 3, ("timed out after 0.2 s while connecting to",)),
            requests=0,
            **lasts(0.6),
        ),
        Scenario(
            fault="Connecting hangs until the deadline",
            promise="`APITimeoutError` at the deadline.",
            listening=Listening.IGNORES,
            query={"deadline": 0.4},
            sees=Raises(APITimeoutError, 1, ("timed out after 0.4 s while connecting to",)),
            requests=0,
            **lasts(0.4),
        ),
        Scenario(
            fault="Connecting hangs, and the deadline comes during the second attempt",
            promise="`APITimeoutError` at the deadline.",
            listening=Listening.IGNORES,
            query={"timeout": 0.3, "deadline": 0.5},
            sees=Raises(APITimeoutError, 2, ("while connecting to",)),
            requests=0,
            **lasts(0.5),
        ),
        Scenario(
            fault="The server closes a new connection",
            promise="Retried once.",
            steps=(on_connect(Close()),),
            sees=Answers(attempts=2),
            requests=1,
            over=BOTH,
        ),
        Scenario(
            fault="The server resets a new connection",
            promise="Retried once.",
            steps=(on_connect(Reset()),),
            sees=Answers(attempts=2),
            requests=1,
            over=BOTH,
        ),
        Scenario(
            fault="The server resets every connection before it reads a request",
            promise="`APIConnectionError` with the original exception as its cause.",
            rest=on_connect(Pause(0.03), Reset()),
            sees=Raises(APIConnectionError, 2, ("repeated only once",)),
            requests=0,
            connections=2,
        ),
    ),
)
