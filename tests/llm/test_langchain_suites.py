"""The suites of langchain-tests, which LangChain wrote for every chat model.

Properties say which features a model lacks, and the suites skip the tests of these.
"""

from __future__ import annotations

from typing import Any

import pytest
from clients import KEY
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from vectorcache.integrations.langchain import ChatVectorcache


class TestUnits(ChatModelUnitTests):
    """LangChain's unit tests."""

    @property
    def chat_model_class(self) -> type[ChatVectorcache]:
        return ChatVectorcache

    @property
    def chat_model_params(self) -> dict[str, Any]:
        # The suite passes a temperature and a number of tokens to every model.
        return {"model": "gpt-4o", "api_key": KEY, "ignore": ["temperature", "max_tokens"]}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        return {"VECTORCACHE_API_KEY": KEY}, {"model": "gpt-4o"}, {"api_key": KEY}

    @property
    def has_tool_calling(self) -> bool:
        return False

    @property
    def has_structured_output(self) -> bool:
        return False


class TestIntegration(ChatModelIntegrationTests):
    """LangChain's integration tests, on the embedded service over HTTP."""

    @pytest.fixture(autouse=True)
    def address(self, service: str) -> None:
        self.url = service

    @property
    def chat_model_class(self) -> type[ChatVectorcache]:
        return ChatVectorcache

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "gpt-4o", "api_key": KEY, "base_url": self.url}

    @property
    def model_override_value(self) -> str:
        return "gpt-4o-mini"

    @property
    def has_tool_calling(self) -> bool:
        return False

    @property
    def has_structured_output(self) -> bool:
        return False

    @property
    def returns_usage_metadata(self) -> bool:
        return False
