"""How a call may end, and what must be true of each end."""

from __future__ import annotations

import copy
import pickle
from typing import Any

from clients import KEY, AnyClient

from vectorcache import VectorcacheError, VectorcacheResponse

# Enough for the text of the service, that of two earlier failures, and the words around them.
LONGEST_MESSAGE = 2_000


def outcome(
    client: AnyClient, *arguments: Any, **options: Any
) -> VectorcacheResponse | VectorcacheError:
    """Returns the result of a query or its VectorcacheError; any other error fails the test."""
    try:
        result = client.query(*(arguments or ("Q", "m")), **options)
    except VectorcacheError as error:
        check_error(error)
        return error
    assert isinstance(result, VectorcacheResponse)
    assert result.to_dict() == dict(result)
    return result


def check_error(error: VectorcacheError) -> None:
    """Checks what must be true of every error."""
    message = str(error)
    assert KEY not in message
    assert message.isprintable(), "one line that a terminal and a log can show"
    assert len(message) <= LONGEST_MESSAGE
    assert KEY not in repr(vars(error))
    assert error.retry_after is None or 0 < error.retry_after <= 366 * 86_400
    for twin in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert (type(twin), vars(twin)) == (type(error), vars(error))
