from __future__ import annotations

from pathlib import Path

# They read files of scripts/, which is missing where the wheel is tested.
if not (Path(__file__).parents[2] / "scripts").exists():
    collect_ignore = ["test_check_words.py", "test_imports.py"]
