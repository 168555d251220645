"""Runs the program as ``python -m vectorcache.cli``, if ``vectorcache`` is not on the path."""

import sys

from . import main

sys.exit(main())
