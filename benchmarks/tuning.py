"""How many calls tuning takes, against trying each threshold in a context of its own.

Does both with the embedded service, checks that they find the same hits, matches and savings, and
counts the calls and the misses, which the hosted service would pay an LLM for. Prints a table;
``--write`` writes it to results/tuning.md, too. Needs the extra: pip install
'vectorcache-python[local]'
"""

from __future__ import annotations

import argparse
import platform
import random
from collections.abc import Sequence
from pathlib import Path

import attrs
import numpy as np
import numpy.typing as npt

from vectorcache import VectorcacheClient, __version__
from vectorcache.local import MiniLM
from vectorcache.local.embedder import Embedder
from vectorcache.tuning import TuningReport, tune

RESULTS = Path(__file__).parent / "results" / "tuning.md"
GRIDS = {
    "one": (0.85,),
    "usual five": (0.75, 0.8, 0.85, 0.9, 0.95),
    "fifteen": tuple(round(0.7 + 0.02 * step, 2) for step in range(15)),
}

# Questions to a shop's support. Neighbours in this list often differ by one word.
TASKS: Sequence[str] = """\
reset my password|change my password|delete my account|reopen my account|change my e-mail address
enable two-factor authentication|disable two-factor authentication|cancel my subscription
renew my subscription|pause my subscription|upgrade my plan|downgrade my plan|track my order
cancel my order|change the delivery address|return a damaged item|return an item I do not like
get a refund|get an invoice|pay by invoice|pay by credit card|remove a credit card
use a voucher|give a voucher to a friend|export my data|import my data|invite a colleague
remove a colleague|change the language|increase the font size|decrease the font size
turn on notifications|turn off notifications|contact support by phone|write a review""".replace(
    "\n", "|"
).split("|")
WAYS = (
    "How do I {}?",
    "How can I {}?",
    "What do I have to do to {}?",
    "I want to {}",
    "Please help me to {}",
    "Is there a way to {}?",
    "Where can I {}?",
    "Explain how to {}, step by step",
)


@attrs.frozen
class Workload:
    """Prompts, what they mean, and who compares them."""

    name: str
    prompts: Sequence[str]
    labels: Sequence[str]
    embedder: Embedder


class Vectors:
    """An embedder that knows its prompts."""

    id = "vectors of the benchmark"

    def __init__(self, vectors: dict[str, npt.NDArray[np.float32]]) -> None:
        self._vectors = vectors

    def embed(self, prompt: str) -> npt.NDArray[np.float32]:
        return self._vectors[prompt]


def support(count: int) -> Workload:
    """Questions to a support desk, some tasks far more often than others, some word for word."""
    chance = random.Random(1)
    weights = [1 / (place + 3) for place in range(len(TASKS))]
    tasks = chance.choices(TASKS, weights, k=count)
    prompts = [chance.choice(WAYS).format(task) for task in tasks]
    return Workload("support questions, MiniLM", prompts, tasks, MiniLM())


def clusters(name: str, count: int, topics: int, nearest: float, furthest: float) -> Workload:
    """Vectors around as many centres as there are topics, at a cosine similarity in a range."""
    chance = np.random.default_rng(2)
    centres = chance.normal(size=(topics, 100))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    shares = 1 / np.arange(1, topics + 1) ** 0.7
    vectors = {}
    labels = []
    for number, topic in enumerate(chance.choice(topics, size=count, p=shares / shares.sum())):
        centre = centres[topic]
        away = chance.normal(size=100)
        away -= away @ centre * centre
        away /= np.linalg.norm(away)
        near = np.sqrt(chance.uniform(furthest, nearest))
        vector = near * centre + np.sqrt(1 - near**2) * away
        vectors[f"prompt {number}"] = vector.astype(np.float32)
        labels.append(f"topic {topic}")
    return Workload(name, list(vectors), labels, Vectors(vectors))


def client_for(workload: Workload) -> VectorcacheClient:
    return VectorcacheClient.local(
        llm=lambda prompt, model, context: f"An answer to: {prompt}",
        embedder=workload.embedder,
        model="gpt-4o",
    )


@attrs.frozen
class OneByOne:
    """The results of running each threshold in a context of its own."""

    calls: int
    misses: int


def one_by_one(workload: Workload, report: TuningReport) -> OneByOne:
    """Runs each threshold by itself, and checks that tuning has the same results."""
    calls = misses = 0
    with client_for(workload) as client:
        for result in report.thresholds:
            entries: dict[str, int] = {}
            hits = right = 0
            saved = 0.0
            for index, prompt in enumerate(workload.prompts):
                answer = client.query(
                    prompt,
                    similarity_threshold=result.threshold,
                    context=f"threshold {result.threshold}",
                )
                calls += 1
                if answer.cache_hit:
                    hits += 1
                    saved += answer.cost_saved
                    earlier = entries[answer.response]
                    right += workload.labels[earlier] == workload.labels[index]
                else:
                    misses += 1
                    entries[answer.response] = index
            assert result.hits == hits
            assert abs(result.cost_saved - saved) < 1e-9
            assert (result.precision.count if result.precision else 0) == right
    return OneByOne(calls, misses)


def row(workload: Workload, grid: str, thresholds: Sequence[float]) -> str:
    with client_for(workload) as client:
        report = tune(client, workload.prompts, labels=workload.labels, thresholds=thresholds)
    naive = one_by_one(workload, report)
    distinct = len(set(workload.prompts))
    return (
        f"| {workload.name} | {len(workload.prompts):,} ({distinct:,}) | {grid} "
        f"| {report.calls:,} | {naive.calls:,} | {report.llm_calls:,} | {naive.misses:,} "
        f"| {report.calls / naive.calls:.0%} | {report.llm_calls / naive.misses:.0%} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="also write results/tuning.md")
    write = parser.parse_args().write
    workloads = [
        support(400),
        clusters("mostly new questions", 600, 600, 0.99, 0.7),
        clusters("many alike, close together", 600, 120, 0.99, 0.9),
        clusters("many alike, far apart", 600, 120, 0.99, 0.7),
    ]
    lines = [
        "# Calls that tuning takes",
        "",
        f"Written by `benchmarks/tuning.py` with vectorcache {__version__} on Python "
        f"{platform.python_version()}, {platform.system()} on {platform.machine()}, against the "
        "embedded service. Each row was done both ways, by `tune` and by asking all prompts once "
        "for each threshold in a context of its own, and both found the same number of hits and "
        "of right hits and the same saving at each threshold; otherwise the program stops.",
        "",
        "A miss is what the hosted service pays an LLM for. Prompts are counted with repeats, and "
        "in brackets without. The grids of thresholds: "
        + "; ".join(
            f"{name}: {values[0]:g}"
            if len(values) == 1
            else f"{name}: {values[0]:g} to {values[-1]:g} in steps of {values[1] - values[0]:.2g}"
            for name, values in GRIDS.items()
        )
        + ". The last three workloads are random vectors around as many centres as there are "
        "topics. With one threshold, calls beyond one for each prompt are for near misses.",
        "",
        "| prompts | number | thresholds | calls | one by one | misses | one by one "
        "| calls, share | misses, share |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for workload in workloads:
        for grid, thresholds in GRIDS.items():
            lines.append(row(workload, grid, thresholds))
            print(lines[-1], flush=True)
    if write:
        RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
