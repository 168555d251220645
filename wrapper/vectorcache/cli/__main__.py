"""``python -m vectorcache.cli``, where the program ``vectorcache`` is not on the path."""

import sys

from . import main

sys.exit(main())
