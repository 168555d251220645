"""How often the local cache answers a question with the answer to another one.

    pip install fow-cache==0.1.0
    python benchmarks/guard.py [--write]

Asks the embedded cache's model and its lexical guard about the 600 pairs of questions of fow-cache,
a benchmark of semantic caches (MIT, its data CC BY 4.0, by Mabon ap Gwyn). Half of the pairs are
traps: alike, and with different answers. --write puts the tables into results/guard.md.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import attrs
from fow_cache.data import load_questions  # pyright: ignore[reportMissingImports]

from vectorcache.local import MiniLM
from vectorcache.local.guard import contradicts

RESULTS = Path(__file__).parent / "results" / "guard.md"
THRESHOLD = 0.85
SWEEP = (0.80, 0.85, 0.90, 0.95)
KINDS = {
    "negation": "traps: negation",
    "entity_swap": "traps: another name",
    "number_date": "traps: another number or date",
    "scope": "traps: another scope",
    "paraphrase": "true pairs: paraphrases",
    "near_repeat": "true pairs: near repeats",
}


@attrs.frozen
class Scored:
    """A pair, what it scores, and whether the guard refuses it."""

    kind: str
    same: bool
    score: float
    refused: bool

    def hits(self, threshold: float, *, guarded: bool) -> bool:
        return self.score >= threshold and not (guarded and self.refused)


def scored() -> list[Scored]:
    embedder = MiniLM()
    pairs = []
    for pair in load_questions():
        one, other = embedder.embed(pair["a"]), embedder.embed(pair["b"])
        assert one is not None
        assert other is not None
        score = round(float(one @ other), 6)
        refused = contradicts(pair["a"], pair["b"])
        pairs.append(Scored(pair["category"], pair["same_answer"], score, refused))
    return pairs


def share(pairs: Iterable[Scored], threshold: float, *, guarded: bool) -> str:
    hits = [pair.hits(threshold, guarded=guarded) for pair in pairs]
    return f"{100 * sum(hits) / len(hits):.1f} %"


def row(title: str, pairs: list[Scored], threshold: float = THRESHOLD) -> str:
    cells = [
        share((pair for pair in pairs if pair.same is same), threshold, guarded=guarded)
        for same in (False, True)
        for guarded in (False, True)
    ]
    return f"| {title} | {' | '.join(cells)} |"


def tables(pairs: list[Scored]) -> list[str]:
    head = [
        "traps answered wrongly",
        "with the guard",
        "true pairs found",
        "with the guard",
    ]
    lines = [
        f"## At {THRESHOLD}",
        "",
        f"| pairs | {' | '.join(head)} |",
        "| --- | --- | --- | --- | --- |",
        row("the half that the rules were made on", pairs[::2]),
        row("the other half", pairs[1::2]),
        row("all", pairs),
        "",
        "## At other thresholds, the other half",
        "",
        f"| threshold | {' | '.join(head)} |",
        "| --- | --- | --- | --- | --- |",
        *(row(f"{threshold:.2f}", pairs[1::2], threshold) for threshold in SWEEP),
        "",
        f"## By kind, at {THRESHOLD}, the other half",
        "",
        "| kind | pairs | hits | with the guard |",
        "| --- | --- | --- | --- |",
    ]
    for kind, title in KINDS.items():
        these = [pair for pair in pairs[1::2] if pair.kind == kind]
        shares = [share(these, THRESHOLD, guarded=guarded) for guarded in (False, True)]
        lines.append(f"| {title} | {len(these)} | {' | '.join(shares)} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    lines = [
        "# Wrong answers of the local cache, measured",
        "",
        f"Written by `benchmarks/guard.py` on Python {platform.python_version()}, onnxruntime "
        f"{version('onnxruntime')}, with the 600 question pairs of fow-cache "
        f"{version('fow-cache')} (by Mabon ap Gwyn, CC BY 4.0), whose authors have no part in the "
        "guard. The rules of the guard were made on every other pair, from the first on. Of the "
        "other half only the totals were seen while the rules were written, and no single pair.",
        "",
        *tables(scored()),
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.write:
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
