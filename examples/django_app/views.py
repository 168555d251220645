"""The same question to an async and to a sync view."""

import json

from django.core.exceptions import BadRequest
from django.http import HttpRequest, JsonResponse

from vectorcache.integrations.django import get_async_client, get_client


async def query(request: HttpRequest) -> JsonResponse:
    result = await get_async_client().query(prompt_of(request))
    return JsonResponse(result.to_dict())


def query_in_a_thread(request: HttpRequest) -> JsonResponse:
    result = get_client().query(prompt_of(request))
    return JsonResponse(result.to_dict())


def prompt_of(request: HttpRequest) -> str:
    try:
        return str(json.loads(request.body)["prompt"])
    except (ValueError, TypeError, LookupError):
        raise BadRequest('send {"prompt": "..."}') from None
