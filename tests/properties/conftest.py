from __future__ import annotations

import pytest
from clients import AnyClient, MakeClient
from properties.transport import AT_ONCE


@pytest.fixture
def client(make_client: MakeClient) -> AnyClient:
    """A sync or async client that retries once, without a wait, and gives up after 5 s."""
    return make_client(retry=AT_ONCE, max_retries=1, deadline=5.0)
