"""Contains all the data models used in inputs/outputs"""

from .api_error import ApiError
from .debug_info import DebugInfo
from .query_request import QueryRequest
from .query_response import QueryResponse

__all__ = (
    "ApiError",
    "DebugInfo",
    "QueryRequest",
    "QueryResponse",
)
