"""What can go wrong in the local cache.

LocalCacheError              (a RuntimeError)
├── CacheFileError           the file cannot be opened or is not a cache of ours
├── EmbedderError            the embedding model cannot be loaded or does not do its job
├── LLMError                 your ``llm`` callable raised, or did not return an answer
└── EngineClosedError        the engine was used after ``close()``
"""


class LocalCacheError(RuntimeError):
    """The base of every error of the local cache."""


class CacheFileError(LocalCacheError):
    """The cache file cannot be opened, read or written, is damaged, or is another program's."""


class EmbedderError(LocalCacheError):
    """The embedding model cannot be found, is not the expected file, or returned nonsense."""


class LLMError(LocalCacheError):
    """Your ``llm`` callable raised (then it is the ``__cause__``) or returned no text."""


class EngineClosedError(LocalCacheError):
    """The engine was used after it was closed."""
