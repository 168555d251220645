"""Tracebacks with variables, of models that cannot be made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from clients import KEY

from vectorcache import ConfigurationError
from vectorcache.integrations.langchain import ChatVectorcache
from vectorcache.integrations.litellm import VectorcacheLLM
from vectorcache.integrations.llamaindex import Vectorcache
from vectorcache.integrations.openai import AsyncOpenAI, OpenAI


@pytest.mark.parametrize(
    "make", [OpenAI, AsyncOpenAI, ChatVectorcache, Vectorcache, VectorcacheLLM]
)
def test_the_key_is_not_shown(make: Callable[..., Any]) -> None:
    """When an option is refused, no function of this package has the key in its variables."""
    with pytest.raises(ConfigurationError, match="base_url is 'ftp://localhost'") as caught:
        make(api_key=KEY, base_url="ftp://localhost")
    frames = [entry.frame for entry in caught.traceback[1:]]
    assert len(frames) > 2
    for frame in frames:
        assert KEY not in repr(frame.f_locals), frame.code.name
