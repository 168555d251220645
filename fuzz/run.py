#!/usr/bin/env python
"""Fuzzes the target that TARGET names with atheris; the arguments are libFuzzer's.

TARGET=body fuzz/run.py [OPTION...] [FOLDER...]
"""

# By the environment and not by an argument, as libFuzzer starts this again when it merges.

from __future__ import annotations

import os
import sys
from importlib import import_module

import atheris  # type: ignore[import-untyped]

if __name__ == "__main__":
    ours = ["vectorcache", "vectorcache_api", "targets"]
    with atheris.instrument_imports(include=ours):  # pyright: ignore[reportAttributeAccessIssue]
        target = import_module(f"targets.{os.environ['TARGET']}")
        # Loaded by the first call otherwise, and so not instrumented.
        import_module("vectorcache_api.api.cache.query_cache")
        import_module("vectorcache_api.models")
    atheris.Setup(sys.argv, target.check)
    atheris.Fuzz()
