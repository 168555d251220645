"""The retry loop of the service's guide, on the package's errors instead of requests' own."""

import time
from typing import Optional

from vectorcache import APITimeoutError, VectorcacheClient, VectorcacheError, VectorcacheResponse


def query_with_retry(
    client: VectorcacheClient,
    prompt: str,
    model: str,
    max_retries: int = 3,
    backoff_factor: float = 2.0,
) -> Optional[VectorcacheResponse]:
    """Query with exponential backoff retry."""

    for attempt in range(max_retries):
        try:
            return client.query(prompt=prompt, model=model)
        except APITimeoutError:
            if attempt < max_retries - 1:
                print(f"Timeout, retrying... (attempt {attempt + 1})")
                continue
            raise
        except VectorcacheError as error:
            if error.status_code == 429:  # Rate limit
                if attempt < max_retries - 1:
                    delay = min(error.retry_after or backoff_factor**attempt, 10)
                    print(f"Rate limited, retrying in {delay}s...")
                    time.sleep(delay)
                    continue
            raise

    return None
