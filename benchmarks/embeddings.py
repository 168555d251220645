"""How well the local embedder tells questions apart, and what it costs.

Scores every pair of pairs.json with and without acronyms written out and with the lexical guard,
then measures loading, embedding, searching and memory. Prints the tables and writes them to
results/embeddings.md. Needs the extra: pip install 'vectorcache-python[local]'
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np

from vectorcache.local import Engine, MiniLM
from vectorcache.local.guard import contradicts
from vectorcache.local.search import Search
from vectorcache.local.store import Store

HERE = Path(__file__).parent
THRESHOLD = 0.85
SWEEP = (0.70, 0.75, 0.80, 0.85, 0.90, 0.95)
KINDS = {
    "documented": "documented by the service",
    "paraphrase": "paraphrases",
    "hard": "hard negatives",
    "easy": "easy negatives",
}
LOAD = """
import json, time
def rss():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024
started, before = time.perf_counter(), rss()
from vectorcache.local import MiniLM
imported, after_import = time.perf_counter(), rss()
MiniLM().embed("What is machine learning?")
print(json.dumps({
    "import_s": imported - started, "load_s": time.perf_counter() - imported,
    "import_mb": after_import - before, "load_mb": rss() - after_import,
}))
"""


class Scored:
    """A pair with its scores."""

    def __init__(self, pair: dict[str, object], plain: MiniLM, expanded: MiniLM) -> None:
        self.a, self.b = str(pair["a"]), str(pair["b"])
        self.same = bool(pair["same"])
        self.hosted = pair.get("hosted")
        self.plain = similarity(plain, self.a, self.b)
        self.expanded = similarity(expanded, self.a, self.b)
        self.guarded = -1.0 if contradicts(self.a, self.b) else self.expanded


VARIANTS: dict[str, Callable[[Scored], float]] = {
    "as it is": lambda pair: pair.plain,
    "acronyms written out (default)": lambda pair: pair.expanded,
    "and lexical guard": lambda pair: pair.guarded,
}


def similarity(embedder: MiniLM, a: str, b: str) -> float:
    one, other = embedder.embed(a), embedder.embed(b)
    assert one is not None
    assert other is not None
    return round(float(one @ other), 6)


def rate(pairs: list[Scored], score: Callable[[Scored], float], threshold: float) -> str:
    return f"{sum(score(pair) >= threshold for pair in pairs)}/{len(pairs)}"


def quality(pairs: dict[str, list[Scored]]) -> list[str]:
    lines = [
        f"## Decisions at {THRESHOLD}",
        "",
        "| embedding | documented decisions | found: paraphrases | false: hard | false: easy |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, score in VARIANTS.items():
        kept = sum((score(pair) >= THRESHOLD) is pair.same for pair in pairs["documented"])
        rates = (rate(pairs[kind], score, THRESHOLD) for kind in ("paraphrase", "hard", "easy"))
        lines.append(f"| {name} | {kept}/{len(pairs['documented'])} | {' | '.join(rates)} |")
    lines += [
        "",
        "## Other thresholds, default embedding",
        "",
        "| threshold | found: paraphrases | false: hard | false: hard, with guard | false: easy |",
        "| --- | --- | --- | --- | --- |",
    ]
    default, guarded = (VARIANTS[name] for name in list(VARIANTS)[1:])
    for threshold in SWEEP:
        cells = (
            rate(pairs["paraphrase"], default, threshold),
            rate(pairs["hard"], default, threshold),
            rate(pairs["hard"], guarded, threshold),
            rate(pairs["easy"], default, threshold),
        )
        lines.append(f"| {threshold:.2f} | {' | '.join(cells)} |")
    return lines


def every_pair(pairs: dict[str, list[Scored]]) -> list[str]:
    lines = ["## Every pair", ""]
    for kind, title in KINDS.items():
        lines += [
            f"### {title.capitalize()}",
            "",
            "| one | other | should hit | hosted | as it is | acronyms | guard | decision |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |",
        ]
        for pair in pairs[kind]:
            hit = pair.expanded >= THRESHOLD
            lines.append(
                f"| {pair.a} | {pair.b} | {'yes' if pair.same else 'no'} | {pair.hosted or ''} | "
                f"{pair.plain:.2f} | {pair.expanded:.2f} | "
                f"{'refuses' if pair.guarded < 0 else 'lets through'} | "
                f"{'hit' if hit else 'miss'}{'' if hit is pair.same else ', wrong'} |"
            )
        lines.append("")
    return lines


def shared_beginnings(embedder: MiniLM) -> list[str]:
    sentence = (
        "You are the support agent of a shop that sells shoes and bags, so be polite, keep it "
        "short and never promise a refund before you have checked the order number. "
    )
    lines = [
        "## Two different questions behind the same beginning",
        "",
        "How do I reset my password? / What is the capital of France?",
        "",
        "| sentences before the question | words | score |",
        "| --- | --- | --- |",
    ]
    for count in (0, 1, 2, 4, 6, 12):
        questions = ("How do I reset my password?", "What is the capital of France?")
        one, other = (embedder.embed(sentence * count + question) for question in questions)
        score = (
            "no vector: beyond the window"
            if one is None or other is None
            else f"{float(one @ other):.2f}"
        )
        lines.append(f"| {count} | {len((sentence * count).split())} | {score} |")
    return lines


def milliseconds(call: Callable[[], object], repeats: int) -> float:
    call()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def searching() -> dict[str, str]:
    """Returns random vectors of the model's length: an exact search takes the same time for all."""
    random, rows, size = np.random.default_rng(7), {}, 0
    store = Store(None, placeholders=True)
    try:
        for wanted in (1_000, 10_000, 100_000):
            for number in range(size, wanted):
                vector = random.standard_normal(384, dtype=np.float32)
                store.add(
                    f"prompt {number}",
                    "gpt-4o",
                    "",
                    "an answer",
                    cost_usd=0.0,
                    placeholder=False,
                    embedder="random",
                    vector=vector / np.float32(np.linalg.norm(vector)),
                )
            size = wanted
            asked = random.standard_normal(384, dtype=np.float32) / np.float32(20)
            search = Search(store)
            started = time.perf_counter()
            search.nearest(asked, "gpt-4o", "", "random", THRESHOLD, 1)
            first = (time.perf_counter() - started) * 1000
            again = milliseconds(
                partial(search.nearest, asked, "gpt-4o", "", "random", THRESHOLD, 1), 30
            )
            rows[f"search {wanted:,} entries of one model and context"] = (
                f"{again:.1f} ms ({first:.0f} ms the first time, to read them)"
            )
    finally:
        store.close()
    return rows


def cost(embedder: MiniLM) -> list[str]:
    runs = [
        json.loads(subprocess.run([sys.executable, "-c", LOAD], stdout=-1, check=True).stdout)
        for _ in range(5)
    ]
    median = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    short, long = "How do I reset my password?", "word " * 250
    rows = {
        "import vectorcache.local": f"{median['import_s']:.2f} s, {median['import_mb']:.0f} MB",
        "load the model and embed once": f"{median['load_s']:.2f} s, {median['load_mb']:.0f} MB",
        "embed a question of 7 words": f"{milliseconds(lambda: embedder.embed(short), 200):.1f} ms",
        "embed 250 words": f"{milliseconds(lambda: embedder.embed(long), 30):.0f} ms",
    }
    with Engine(llm=lambda *_: "an answer", embedder=embedder) as engine:
        engine.query(short, "gpt-4o")
        exact = milliseconds(lambda: engine.query(short, "gpt-4o"), 500)
        near = milliseconds(lambda: engine.query("how do I reset my password", "gpt-4o"), 200)
    rows["a query with the same text"] = f"{exact:.2f} ms"
    rows["a query with other words"] = f"{near:.1f} ms"
    rows |= searching()
    lines = ["## Time and memory", "", "| what | median |", "| --- | --- |"]
    return lines + [f"| {what} | {figure} |" for what, figure in rows.items()]


def main() -> None:
    sets = json.loads((HERE / "pairs.json").read_text(encoding="utf-8"))
    plain, expanded = MiniLM(expand_acronyms=False), MiniLM()
    pairs = {kind: [Scored(pair, plain, expanded) for pair in sets[kind]] for kind in KINDS}
    machine = (
        f"Python {platform.python_version()}, onnxruntime {version('onnxruntime')}, "
        f"numpy {version('numpy')}, {platform.system()} on {platform.machine()}, "
        f"{os.cpu_count()} cores"
    )
    lines = [
        "# The local embedder, measured",
        "",
        f"Written by `benchmarks/embeddings.py` on {machine}. The model is all-MiniLM-L6-v2 with "
        "int8 weights, one thread. The pairs are in `benchmarks/pairs.json`; they were chosen to "
        "be difficult and were written before any of them was scored, but the guard's rules and "
        "the pairs have the same author. Pairs by another author are in `results/guard.md`.",
        "",
        *quality(pairs),
        "",
        *shared_beginnings(expanded),
        "",
        *cost(expanded),
        "",
        *every_pair(pairs),
    ]
    text = "\n".join(lines).rstrip() + "\n"
    print(text)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "embeddings.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
