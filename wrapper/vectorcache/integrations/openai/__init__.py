"""OpenAI's client interface for the cache: an app changes two lines and keeps the rest.

Install it with ``pip install 'vectorcache-python[openai]'``.

Examples:
    >>> from vectorcache.integrations.openai import OpenAI
    >>> with OpenAI() as client:  # doctest: +SKIP
    ...     completion = client.chat.completions.create(
    ...         model="gpt-4o", messages=[{"role": "user", "content": "What is a tort?"}]
    ...     )
    ...     print(completion.choices[0].message.content, completion.vectorcache["cache_hit"])

``create`` returns the ``ChatCompletion`` of the openai package. Its errors are errors of both
packages. No other part of OpenAI's API is available. The cache receives the last user message and a
digest of the other messages, so an LLM that is asked on a miss sees only the last user message.
"""

from importlib.util import find_spec as _find_spec

if _find_spec("openai") is None:
    raise ModuleNotFoundError(
        "vectorcache.integrations.openai needs openai, which comes with the extra: "
        "pip install 'vectorcache-python[openai]'",
        name="openai",
    )

from .client import AsyncOpenAI, OpenAI

__all__ = ["AsyncOpenAI", "OpenAI"]
