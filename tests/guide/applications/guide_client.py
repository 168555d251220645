"""The client class's usage of the service's guide, as written there, on the package's client."""

import os

from vectorcache import VectorcacheClient

# Usage
with VectorcacheClient(api_key=os.environ["VECTORCACHE_API_KEY"]) as client:
    result = client.query(
        prompt="What is machine learning?", model="gpt-4o", similarity_threshold=0.85
    )

    print(f"Response: {result.response}")
    print(f"Cache hit: {result.cache_hit}")
    if result.cache_hit:
        print(f"Similarity: {result.similarity_score}")
        print(f"Saved: ${result.cost_saved}")
