"""What the core weighs: import time and installed size, beside httpx alone.

    python benchmarks/footprint.py [--rounds N] [--write]

Installs both into new environments from the pins and the wheel in dist/ (python -m build), as a
user would have them, bytecode included. Imports are timed in fresh interpreters, in turn.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]

TIMED = """
import time
start = time.perf_counter()
import httpx, attrs
between = time.perf_counter()
{extra}
print(between - start, time.perf_counter() - between)
"""


def environment(folder: Path, *requirements: str) -> Path:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", folder, "install", "-qq", *requirements],
        check=True,
    )
    return folder


def installed_bytes(folder: Path) -> int:
    files = (folder / "lib").rglob("*")
    return sum(f.stat().st_size for f in files if f.is_file() and f.suffix != ".pyc")


def import_seconds(folder: Path, extra: str) -> tuple[float, float]:
    program = TIMED.format(extra=extra)
    done = subprocess.run(
        [folder / "bin/python", "-I", "-c", program], check=True, capture_output=True, text=True
    )
    base, added = map(float, done.stdout.split())
    return base, added


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=40)
    options.add_argument("--write", action="store_true", help="keep the table in results/")
    arguments = options.parse_args()
    wheel = next((ROOT / "dist").glob("*.whl"))
    core_pins = ["--require-hashes", "-r", str(ROOT / "requirements/core.txt")]
    with tempfile.TemporaryDirectory() as temporary:
        alone = environment(Path(temporary) / "httpx", "httpx==0.28.1")
        core = environment(Path(temporary) / "core", *core_pins)
        subprocess.run(
            [sys.executable, "-m", "pip", "--python", core, "install", "-qq", "--no-deps", wheel],
            check=True,
        )
        rounds = []
        for _ in range(arguments.rounds):
            base, ours = import_seconds(core, "import vectorcache")
            _, loaded = import_seconds(
                core, "import vectorcache; vectorcache._generated.sync_detailed"
            )
            rounds.append((base, ours, loaded))
        base, ours, loaded = (
            statistics.median(column) * 1e3 for column in zip(*rounds, strict=True)
        )
        sizes = [installed_bytes(folder) / 1e6 for folder in (alone, core)]
        count = len(list((core / "lib").rglob("vectorcache*/**/*.py")))
    text = f"""# What the core weighs

Python {platform.python_version()}, medians of {arguments.rounds} rounds in fresh interpreters, by
`benchmarks/footprint.py`.

| what | figure |
| --- | ---: |
| `import httpx, attrs` | {base:.0f} ms |
| `import vectorcache` after it | {ours:.1f} ms |
| the same, with the generated client that the first query loads | {loaded:.1f} ms |
| installed: httpx alone with its dependencies, without bytecode | {sizes[0]:.1f} MB |
| installed: the core with all of its dependencies | {sizes[1]:.1f} MB |
| modules of ours in it | {count} |
"""
    print(text)
    if arguments.write:
        (ROOT / "benchmarks/results/footprint.md").write_text(text)


if __name__ == "__main__":
    main()
