"""The errors of the local cache.

LocalCacheError              (a RuntimeError)
├── CacheFileError           the file cannot be opened, or is not a cache file
├── EmbedderError            the embedding model cannot be loaded, or returns no valid vector
├── LLMError                 your function ``llm`` raised an exception, or returned no answer
└── EngineClosedError        the engine was used after ``close()``
"""


class LocalCacheError(RuntimeError):
    """The base of every error of the local cache."""


class CacheFileError(LocalCacheError):
    """The cache file cannot be opened, read or written, is damaged, or is not a cache file."""


class EmbedderError(LocalCacheError):
    """The embedding model is missing, is not the expected file, or returned an invalid vector."""


class LLMError(LocalCacheError):
    """Your function ``llm`` raised an exception, the ``__cause__``, or returned no text."""


class EngineClosedError(LocalCacheError):
    """The engine was used after it was closed."""
