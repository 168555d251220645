"""The chatbot of the service's guide, as written there, on the package's client."""

import os
from typing import Dict, Any

from vectorcache import VectorcacheClient


class ChatbotWithCache:
    def __init__(self, api_key: str):
        self.client = VectorcacheClient(api_key)
        self.total_queries = 0
        self.cache_hits = 0
        self.total_saved = 0.0

    def chat(self, message: str) -> str:
        result = self.client.query(
            prompt=message, model="gpt-4o", context="customer-support", similarity_threshold=0.85
        )

        self.total_queries += 1
        if result.cache_hit:
            self.cache_hits += 1
            self.total_saved += result.cost_saved

        return result.response

    def get_stats(self) -> Dict[str, Any]:
        hit_rate = self.cache_hits / self.total_queries * 100 if self.total_queries > 0 else 0
        return {
            "total_queries": self.total_queries,
            "cache_hits": self.cache_hits,
            "hit_rate": f"{hit_rate:.1f}%",
            "total_saved": f"${self.total_saved:.4f}",
        }


# Usage
bot = ChatbotWithCache(api_key=os.environ["VECTORCACHE_API_KEY"])

print(bot.chat("What is machine learning?"))
print(bot.chat("Explain ML"))  # Similar query, likely cache hit
print(bot.get_stats())
