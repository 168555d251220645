"""The logger ``vectorcache``: calls at INFO, attempts at DEBUG; never a prompt, answer or key."""

from __future__ import annotations

import logging
import os

from .errors import ConfigurationError

logger = logging.getLogger("vectorcache")
logger.addHandler(logging.NullHandler())


def set_up_log_from_environment() -> None:
    """Sends the log to standard error if VECTORCACHE_LOG names a level and logging is not set up.

    Raises:
        ConfigurationError: VECTORCACHE_LOG is not the name of a level.
    """
    name = os.environ.get("VECTORCACHE_LOG", "").strip().upper()
    if not name or logger.level != logging.NOTSET:
        return
    level = logging.getLevelNamesMapping().get(name)
    if level is None:
        raise ConfigurationError(f"VECTORCACHE_LOG is {name!r}: use debug, info, warning or error")
    logger.setLevel(level)
    # A program that has set up logging has already chosen where the records go.
    if not logging.getLogger().handlers and len(logger.handlers) == 1:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        logger.addHandler(handler)
