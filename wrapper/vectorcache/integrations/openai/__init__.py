"""The face of OpenAI's client over the cache: two lines change, the rest of an app stays.

Install it with ``pip install 'vectorcache-python[openai]'``.

Examples:
    >>> from vectorcache.integrations.openai import OpenAI
    >>> with OpenAI() as client:  # doctest: +SKIP
    ...     completion = client.chat.completions.create(
    ...         model="gpt-4o", messages=[{"role": "user", "content": "What is a tort?"}]
    ...     )
    ...     print(completion.choices[0].message.content, completion.vectorcache["cache_hit"])

``create`` returns the ``ChatCompletion`` of the openai package, and raises errors that are its
errors as well as ours. Nothing else of OpenAI's API is there. The cache is sent the last user
message and a digest of what was said before it: an LLM that is asked on a miss sees nothing else.
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
