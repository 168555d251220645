#!/usr/bin/env python
"""Fuzzes the target that the variable TARGET names, by atheris. The arguments are libFuzzer's.

usage: TARGET=body fuzz/run.py [OPTION...] [FOLDER...]
"""

# TARGET is not an argument: libFuzzer starts this program again, with its own arguments, when it
# merges corpora.

from __future__ import annotations

import os
import sys
from importlib import import_module

import atheris  # type: ignore[import-untyped]

if __name__ == "__main__":
    ours = ["vectorcache", "vectorcache_api", "targets"]
    with atheris.instrument_imports(include=ours):  # pyright: ignore[reportAttributeAccessIssue]
        target = import_module(f"targets.{os.environ['TARGET']}")
        # The first call would load these modules, too late to be instrumented.
        import_module("vectorcache_api.api.cache.query_cache")
        import_module("vectorcache_api.models")
    atheris.Setup(sys.argv, target.check)
    atheris.Fuzz()
