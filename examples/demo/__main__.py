"""Run by scripts/demo, which installs what it needs."""

from __future__ import annotations

import argparse
import os
import sys

from vectorcache import VectorcacheError

from . import questions, tour
from .asking import Asking
from .endpoint import EndpointError
from .screen import Screen


def main() -> int:
    """Shows the tour, then answers the reader's questions; 1 if something failed."""
    options = _options()
    screen = Screen()
    try:
        with Asking(screen, os.environ) as asking:
            tour.show(screen, asking)
            if options.no_input:
                return 0
            return _answer_questions(screen, asking, options.threshold)
    except (EndpointError, VectorcacheError) as error:
        screen.error(error)
        return 1


def _answer_questions(screen: Screen, asking: Asking, threshold: float) -> int:
    answered_before, failures = asking.totals.calls, 0
    prompting = questions.can_prompt()
    if prompting:
        screen.invite(asking.llm.examples)
    try:
        for question in questions.typed() if prompting else questions.piped():
            if not prompting:
                screen.heading(f"> {question}")
            if questions.is_help(question):
                screen.help(asking.llm.examples)
                continue
            try:
                asking.ask(question, threshold=threshold)
            except VectorcacheError as error:
                screen.error(error)
                failures += 1
    except KeyboardInterrupt:
        screen.gap()
    if asking.totals.calls > answered_before:
        tour.sum_up(screen, asking)
    return 1 if failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="Shows a semantic cache at work in this process, then answers your questions: "
        "typed in, or a line each from a pipe.",
        epilog="OPENAI_BASE_URL, OPENAI_API_KEY and OPENAI_MODEL name an OpenAI-compatible "
        "endpoint to answer in place of the stand-in.",
    )
    parser.add_argument("--no-input", action="store_true", help="show the tour only")
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="0..1",
        help="the similarity from which on your questions count as the same (default 0.85); the "
        "tour has thresholds of its own",
    )
    options = parser.parse_args()
    if options.threshold is None:
        options.threshold = 0.85
    elif options.no_input:
        parser.error("--threshold applies to your questions, and --no-input shows the tour only")
    if not 0 <= options.threshold <= 1:
        parser.error("--threshold must be from 0 to 1")
    return options


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
