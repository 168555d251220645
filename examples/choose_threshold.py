"""Chooses a threshold from last month's questions, and makes a page for the person who decides.

    python examples/choose_threshold.py questions.csv report.html

The file has a column ``prompt``, in the order in which people asked, and a column ``label``: what
has the same label could have had the same answer. The key is in VECTORCACHE_API_KEY.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from vectorcache import VectorcacheClient
from vectorcache.tuning import TuningProgress, estimate, tune

THRESHOLDS = [0.80, 0.85, 0.88, 0.90, 0.92, 0.95]
WANTED_PRECISION = 0.95


def show(progress: TuningProgress) -> None:
    print(f"\r{progress.done} of {progress.total}", end="", file=sys.stderr)


def main(questions: Path, page: Path) -> None:
    with questions.open(newline="", encoding="utf-8") as file:
        prompts = list(csv.DictReader(file))
    cost = estimate(prompts, THRESHOLDS)
    print(f"{len(prompts)} questions: at most {cost.llm_calls_at_most} LLM calls", file=sys.stderr)

    # The cheapest model will do: scores depend on the questions, not on the answers.
    with VectorcacheClient(model="gpt-4o-mini") as client:
        report = tune(
            client, prompts, thresholds=THRESHOLDS, precision=WANTED_PRECISION, progress=show
        )

    page.write_text(report.to_html(), encoding="utf-8")
    print(report.table())
    best = report.best_for(precision=WANTED_PRECISION)
    print(f"{best.threshold}: {best.reason}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
