"""The report as one HTML page, which a manager can read and which loads nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Final

from .charts import hit_rates, savings, score_histogram
from .findings import Findings, effort, summary
from .matches import Pair
from .precision_charts import precision_against_recall, precision_and_recall
from .proportion import Proportion
from .svg import Chart
from .wording import count_of, dollars, interval, one_line, percent, score

_PROMPT_CHARACTERS: Final = 300


def render_page(report: Findings) -> str:
    """Returns the text of the page."""
    parts = [
        f"<p>{_INTRODUCTION}</p>",
        f'<p class="summary">{_words(summary(report))}</p>',
        f"<p>{_words(report.recommendation.reason)}</p>",
        *(f'<p class="note"><b>Note.</b> {_words(note)}</p>' for note in report.notes),
        "<h2>The thresholds</h2>",
        _thresholds(report),
        f"<p><small>{_INTERVALS}</small></p>",
        '<div class="charts">',
        *_figures(report),
        "</div>",
        f"<h2>The most doubtful pairs around {report.around:g}</h2>",
        f"<p>{_DOUBTFUL}</p>",
        _pairs(report.doubtful, report.around, labelled=report.labelled),
        "<h2>Near each threshold</h2>",
        *(
            f"<details><summary>{result.threshold:g}</summary>"
            + _pairs(
                [*reversed(result.near_hits), *result.near_misses],
                result.threshold,
                labelled=report.labelled,
            )
            + "</details>"
            for result in report.thresholds
        ),
        _failed(report),
        "<h2>How this was found</h2>",
        f"<p>{_METHOD}</p>",
        f"<footer><p>{escape(effort(report))}</p>"
        f"<p>The answers are kept in contexts of the cache whose names begin with "
        f"<code>{escape(report.context)}</code>.</p></footer>",
    ]
    style = files("vectorcache.tuning").joinpath("page.css").read_text("utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        # The browser loads and runs nothing, even if a prompt contains HTML.
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="color-scheme" content="light dark">'
        f"<title>Similarity thresholds</title><style>{style}</style></head><body><main>"
        "<h1>Which similarity threshold?</h1>" + "\n".join(parts) + "</main></body></html>\n"
    )


def _figures(report: Findings) -> list[str]:
    shown = [
        pair
        for pair in report.closest
        if pair.prompt != pair.matched and pair.score >= report.floor
    ]
    repeats = sum(pair.prompt == pair.matched for pair in report.closest)
    note = _HISTOGRAM.format(
        repeats=count_of(repeats, "prompt"),
        new=count_of(report.prompts - repeats - len(shown), "prompt"),
        floor=f"{report.floor:g}",
    )
    figures = [
        _figure("Score histogram", score_histogram(report, shown), note, _legend(report, _MEANING)),
        _figure("Hit rate by threshold", hit_rates(report), _HIT_RATE),
        _figure("Saving by threshold", savings(report), _SAVING),
    ]
    if report.labelled:
        note = _PRECISION.format(percent(report.wanted_precision))
        chart = precision_and_recall(report)
        legend = _legend(report, _SHARES)
        figures.append(_figure("Precision and recall by threshold", chart, note, legend))
        chart = precision_against_recall(report)
        figures.append(_figure("Precision against recall", chart, _AGAINST))
    return figures


_INTRODUCTION: Final = (
    "The cache answers a question from memory if an earlier one is similar enough to it. The "
    "similarity threshold says how similar. A lower one answers more questions from memory, which "
    "is faster and costs nothing; a higher one gives fewer wrong answers."
)
_HISTOGRAM: Final = (
    "Each prompt counts once, by its similarity to the closest earlier one. Dashed lines are the "
    "thresholds: the prompts to the right of a line can be answered from the cache. Not shown: "
    "{repeats} with the same text as an earlier one, and {new} without an earlier one at {floor} "
    "or above."
)
_HIT_RATE: Final = (
    "A lower threshold answers more prompts from the cache. The thin bars are 95 % confidence "
    "intervals."
)
_SAVING: Final = "What these hits would have cost at the LLM, as reported by the service."
_PRECISION: Final = (
    "Precision: how many of the answers from the cache were to a question that means the same. "
    "Recall: how many of the questions that had been asked before were answered that way. The "
    "dashed line is the wanted precision, {}; the thin bars are 95 % confidence intervals."
)
_AGAINST: Final = (
    "Each point is a threshold. Further up: fewer wrong answers. Further right: fewer questions "
    "that are paid for again. The dashed line is the wanted precision."
)
_DOUBTFUL: Final = (
    "These pairs lie closest to the threshold. Does the answer to the earlier prompt also answer "
    "the later one? If it does not for most pairs above the threshold, raise it; if it does for "
    "most pairs below the threshold, lower it."
)
_INTERVALS: Final = (
    "The small print below a share is its 95 % confidence interval: how far chance alone may have "
    "moved it. It assumes independent prompts, and those of one user are rarely independent."
)
_METHOD: Final = (
    "The prompts were asked in their order, each threshold in a cache that was empty at first. A "
    "hit is right if the earlier prompt that answered it has the same label. Hits, matches and "
    "scores come from the service, and so does the saving of each hit."
)
_MEANING: Final = (("one", "round", "same meaning"), ("two", "square", "another meaning"))
_SHARES: Final = (("one", "round", "precision"), ("two", "square", "recall"))


def _words(text: str) -> str:
    # A no-break space keeps a number and its unit on one line.
    return escape(text).replace(" %", "&nbsp;%")


def _legend(report: Findings, entries: Sequence[tuple[str, str, str]]) -> str:
    if not report.labelled:
        return ""
    items = (
        f'<span><i class="key {kind} {shape}"></i>{words}</span>' for kind, shape, words in entries
    )
    return f'<p class="legend">{"".join(items)}</p>'


def _figure(title: str, chart: Chart, note: str, legend: str = "") -> str:
    return (
        f"<figure><h3>{escape(title)}</h3>{legend}{chart}"
        f"<figcaption>{_words(note)}</figcaption></figure>"
    )


def _thresholds(report: Findings) -> str:
    names = ["Threshold", "Hits", "Hit rate", "Misses", "Saved"]
    if report.labelled:
        names += ["Precision", "Recall"]
    rows = []
    for result in report.thresholds:
        chosen = result.threshold == report.recommendation.threshold
        cells = [
            f"{result.hits:,}",
            _share(result.hit_rate),
            f"{result.misses:,}",
            dollars(result.cost_saved),
        ]
        if report.labelled:
            cells += [_share(result.precision), _share(result.recall)]
        word = "recommended" if report.recommendation.certain else "likely, not sure"
        mark = f" <b>{word}</b>" if chosen else ""
        rows.append(
            f"<tr{' class=chosen' if chosen else ''}>"
            f'<th scope="row">{result.threshold:g}{mark}</th>'
            + "".join(
                f'<td data-name="{name}"><span>{cell}</span></td>'
                for name, cell in zip(names[1:], cells, strict=True)
            )
            + "</tr>"
        )
    heads = "".join(f'<th scope="col">{name}</th>' for name in names)
    return (
        '<div class="scroll"><table class="figures"><thead><tr>'
        f"{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _share(share: Proportion | None) -> str:
    if share is None:
        return "–"
    return f"{_words(percent(share.value))}<br> <small>{_words(interval(share))}</small>"


def _pairs(pairs: Sequence[Pair], threshold: float, *, labelled: bool) -> str:
    if not pairs:
        return "<p>There are none.</p>"
    names = ["Score", "Earlier prompt", "Later prompt", "Would be", "Meaning"]
    if not labelled:
        names.pop()
    rows = []
    for pair in pairs:
        cells = [
            score(pair.score),
            escape(one_line(pair.matched, _PROMPT_CHARACTERS)),
            escape(one_line(pair.prompt, _PROMPT_CHARACTERS)),
            "a hit" if pair.score >= threshold else "a miss",
            "the same" if pair.same else "another",
        ]
        rows.append(
            "<tr>"
            + "".join(
                f'<td data-name="{name}"><span dir="auto">{cell}</span></td>'
                for name, cell in zip(names, cells, strict=False)
            )
            + "</tr>"
        )
    heads = "".join(f'<th scope="col">{name}</th>' for name in names)
    return (
        f'<table class="pairs"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _failed(report: Findings) -> str:
    if not report.failed:
        return ""
    rows = "".join(
        f'<tr><td data-name="Number">{failed.index + 1:,}</td>'
        f'<td data-name="Prompt"><span dir="auto">'
        f"{escape(one_line(failed.prompt, _PROMPT_CHARACTERS))}</span></td>"
        f'<td data-name="Error"><span>'
        f"{escape(one_line(f'{failed.error_type}: {failed.error}', _PROMPT_CHARACTERS))}"
        "</span></td></tr>"
        for failed in report.failed
    )
    return (
        "<h2>Prompts that failed</h2><p>They do not count.</p>"
        '<table class="pairs"><thead><tr><th scope="col">Number</th><th scope="col">Prompt</th>'
        f'<th scope="col">Error</th></tr></thead><tbody>{rows}</tbody></table>'
    )
