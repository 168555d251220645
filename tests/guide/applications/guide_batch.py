"""The batch of the service's guide, on the package's async client instead of httpx's own."""

import asyncio
import os
from typing import List

from vectorcache import AsyncVectorcacheClient, VectorcacheResponse


async def process_batch(prompts: List[str], model: str, api_key: str) -> List[VectorcacheResponse]:
    """Process multiple prompts concurrently."""

    async with AsyncVectorcacheClient(api_key, timeout=30.0) as client:
        tasks = [client.query(prompt, model, similarity_threshold=0.85) for prompt in prompts]
        return await asyncio.gather(*tasks)


# Usage
async def main():
    prompts = ["What is machine learning?", "Explain deep learning", "What are neural networks?"]

    results = await process_batch(
        prompts, model="gpt-4o", api_key=os.environ["VECTORCACHE_API_KEY"]
    )

    cache_hits = sum(1 for r in results if r["cache_hit"])
    print(f"Cache hit rate: {cache_hits / len(results) * 100:.1f}%")


asyncio.run(main())
