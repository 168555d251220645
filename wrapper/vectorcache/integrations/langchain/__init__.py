"""LangChain: ``ChatVectorcache``, a chat model that answers from the cache.

Install it with ``pip install 'vectorcache-python[langchain]'``.

Examples:
    >>> from vectorcache.integrations.langchain import ChatVectorcache
    >>> model = ChatVectorcache(model="gpt-4o")  # doctest: +SKIP
    >>> answer = model.invoke("What is a tort?")  # doctest: +SKIP
    >>> print(answer.text, answer.response_metadata["vectorcache"]["cache_hit"])  # doctest: +SKIP
"""

from importlib.util import find_spec as _find_spec

if _find_spec("langchain_core") is None:
    raise ModuleNotFoundError(
        "vectorcache.integrations.langchain needs langchain-core, which comes with the extra: "
        "pip install 'vectorcache-python[langchain]'",
        name="langchain_core",
    )

from .chat_model import ChatVectorcache

__all__ = ["ChatVectorcache"]
