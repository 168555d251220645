"""``error.headers``: an error keeps the headers of the last answer that help to find the cause."""

from __future__ import annotations

import pickle
from typing import ClassVar

import pytest
from clients import MakeClient
from servers import ScriptedServer, answer

from vectorcache import (
    APIResponseError,
    APIStatusError,
    ConfigurationError,
    VectorcacheClient,
)


class TestHeadersOfErrors:
    """``error.headers``."""

    HELPFUL: ClassVar[dict[str, str]] = {
        "Retry-After": "0.01",
        "X-RateLimit-Limit": "100",
        "X-RateLimit-Remaining": "0",
        "RateLimit": '"default";r=0;t=1',
        "X-Request-Id": "8f2c",
        "CF-Ray": "9a-FRA",
        "Server": "edge",
        "Via": "1.1 edge",
        "Date": "Sun, 06 Nov 1994 08:49:37 GMT",
    }
    OTHERS: ClassVar[dict[str, str]] = {
        "Set-Cookie": "session=s",
        "X-Internal": "i",
        "Location": "https://a.example?t=t",
    }

    @pytest.fixture
    def failed(self, make_client: MakeClient, server: ScriptedServer) -> APIStatusError:
        """The error of an answer with all these headers."""
        server.default = answer(
            {"detail": "no"}, status=503, headers={**self.HELPFUL, **self.OTHERS}
        )
        with pytest.raises(APIStatusError) as caught:
            make_client(max_retries=0).query("Q", "m")
        return caught.value

    def test_headers_that_help_are_kept(self, failed: APIStatusError) -> None:
        """An error keeps only those headers of the last answer that help to find the cause."""
        assert failed.headers == {
            **{name.lower(): value for name, value in self.HELPFUL.items()},
            "content-type": "application/json",
        }

    def test_headers_are_pickled(self, failed: APIStatusError) -> None:
        """The headers are a plain dictionary, which is pickled with the error."""
        assert type(failed.headers) is dict
        assert pickle.loads(pickle.dumps(failed)).headers == failed.headers

    def test_an_invalid_answer_with_status_200(
        self, make_client: MakeClient, server: ScriptedServer
    ) -> None:
        """An error keeps the headers of an invalid 200 too; without an answer it has none."""
        server.default = answer(raw=b"<p>portal", headers={"Server": "portal"})
        with pytest.raises(APIResponseError) as caught:
            make_client().query("Q", "m")
        assert caught.value.headers == {"server": "portal"}
        with pytest.raises(ConfigurationError) as refused:
            VectorcacheClient(base_url="no")
        assert refused.value.headers == {}

    def test_long_and_odd_values(self, make_client: MakeClient, server: ScriptedServer) -> None:
        """A value is shortened, and control characters are removed, so that it can be shown."""
        server.default = answer(status=404, headers={"Server": "a\x1b[31m\x9b" + 2_000 * "b"})
        with pytest.raises(APIStatusError) as caught:
            make_client().query("Q", "m")
        assert caught.value.headers["server"][:8] == "a[31mbbb"
        assert len(caught.value.headers["server"]) == 1_000
