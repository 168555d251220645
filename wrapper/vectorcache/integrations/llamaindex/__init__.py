"""LlamaIndex: ``Vectorcache``, an LLM that answers from the cache.

Install it with ``pip install 'vectorcache-python[llamaindex]'``.

Examples:
    >>> from vectorcache.integrations.llamaindex import Vectorcache
    >>> llm = Vectorcache(model="gpt-4o")  # doctest: +SKIP
    >>> answer = llm.complete("What is a tort?")  # doctest: +SKIP
    >>> print(answer.text, answer.additional_kwargs["vectorcache"]["cache_hit"])  # doctest: +SKIP
"""

from importlib.util import find_spec as _find_spec

if _find_spec("llama_index") is None:
    raise ModuleNotFoundError(
        "vectorcache.integrations.llamaindex needs llama-index-core, which comes with the extra: "
        "pip install 'vectorcache-python[llamaindex]'",
        name="llama_index",
    )

from .llm import Vectorcache

__all__ = ["Vectorcache"]
