"""The Django view of the service's guide, as written there, on the package's client."""

# views.py
from django.http import JsonResponse
from django.views import View
import json
import os

from vectorcache import VectorcacheClient


class CacheQueryView(View):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.client = VectorcacheClient(api_key=os.environ["VECTORCACHE_API_KEY"])

    def post(self, request):
        try:
            data = json.loads(request.body)
            result = self.client.query(
                prompt=data["prompt"],
                model=data.get("model", "gpt-4o"),
                similarity_threshold=data.get("similarity_threshold", 0.85),
            )
            return JsonResponse(
                {
                    "cache_hit": result.cache_hit,
                    "response": result.response,
                    "cost_saved": result.cost_saved,
                }
            )
        except Exception as e:
            return JsonResponse({"error": str(e)}, status=500)
