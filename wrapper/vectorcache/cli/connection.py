"""The options for the connection to the service."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Unpack, cast

from cyclopts import Parameter

from .._settings import DEFAULT_BASE_URL, ClientOptions, check_base_url
from .._sync_client import VectorcacheClient
from .api_key import find_key
from .exit_codes import UsageError


@Parameter(name="*", group="Service")
@dataclass(frozen=True, kw_only=True)
class Connection:
    """Which service is asked, with which settings; options of every command that asks."""

    model: Annotated[str, Parameter(alias="-m", help="The LLM that answers misses.")] = "gpt-4o"
    threshold: Annotated[
        float,
        Parameter(
            alias="-t",
            help="Cosine similarity, 0 to 1, from which on an earlier prompt is the same.",
        ),
    ] = 0.85
    context: Annotated[
        str | None, Parameter(alias="-c", help="The part of the cache to ask and to fill.")
    ] = None
    local: Annotated[
        bool,
        Parameter(
            negative=(),
            show_default=False,
            help="Use the embedded service: no key, no network, and no LLM to answer misses.",
        ),
    ] = False
    path: Annotated[
        Path | None,
        Parameter(help="With --local: the file that keeps the cache. Without it, in memory."),
    ] = None
    base_url: Annotated[
        str | None,
        Parameter(
            help=f"Where the service is: by default VECTORCACHE_BASE_URL, else {DEFAULT_BASE_URL}."
        ),
    ] = None
    allow_insecure_http: Annotated[
        bool,
        Parameter(
            negative=(),
            show_default=False,
            help="Allow http:// to other machines, which shows the key to all.",
        ),
    ] = False
    timeout: Annotated[float, Parameter(help="Seconds that one attempt may take.")] = 30.0
    deadline: Annotated[
        float, Parameter(help="Seconds that one prompt may take, retries and waits included.")
    ] = 60.0
    max_retries: Annotated[int, Parameter(help="Attempts that may follow the first.")] = 2

    @property
    def address(self) -> str:
        """The URL of the service.

        Raises:
            ConfigurationError: the value given for it is invalid.
        """
        return check_base_url(self.base_url, self.allow_insecure_http)

    def answers_depend_on(self) -> dict[str, Any]:
        """The options on which the answers depend, by their names."""
        return {
            "--model": self.model,
            "--threshold": self.threshold,
            "--context": self.context,
            "the service": self._service,
        }

    @property
    def _service(self) -> str:
        if not self.local:
            return self.address
        where = "in memory" if self.path is None else self.path.absolute()
        return f"embedded, {where}"

    def client(self, **options: Unpack[ClientOptions]) -> VectorcacheClient:
        """Returns a client with these options, of which ``options`` replaces some.

        Raises:
            ConfigurationError: an option is invalid, or there is no key.
        """
        options = {
            "model": self.model,
            "similarity_threshold": self.threshold,
            "context": self.context,
            "timeout": self.timeout,
            "deadline": self.deadline,
            "max_retries": self.max_retries,
            **options,
        }
        if self.local:
            if self.base_url or self.allow_insecure_http:
                raise UsageError("--local asks no other service: leave --base-url out")
            return VectorcacheClient.local(self.path, **options)
        if self.path is not None:
            raise UsageError("--path is the file of the embedded service: add --local")
        options = {
            **options,
            "api_key": cast(str, find_key()),  # The key is already hidden.
            "base_url": self.base_url,
            "allow_insecure_http": self.allow_insecure_http,
        }
        return VectorcacheClient(**options)
