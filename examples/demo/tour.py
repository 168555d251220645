"""The tour: four calls that show what a semantic cache does."""

from __future__ import annotations

from typing import NamedTuple

from .asking import Asking
from .screen import Screen, dollars, duration


class Step(NamedTuple):
    """One call of the tour."""

    heading: str
    prompt: str
    context: str | None = None

    def code(self, model: str) -> str:
        """The line that makes the call."""
        context = f', context="{self.context}"' if self.context else ""
        return f'client.query("{self.prompt}", "{model}"{context})'


# The scores, 0.914 and 0.966, are well above the threshold of 0.85.
STEPS = (
    Step("A question that was never asked before", "Why is the sky blue?"),
    Step("The same question in other words", "What gives the sky its blue colour?"),
    Step("In a context, which has answers of its own", "Why is the sky blue?", "children"),
    Step("In other words, in that context", "How come the sky is blue?", "children"),
)


def show(screen: Screen, asking: Asking) -> None:
    """Says who answers, shows each call's code and runs it, and sums up."""
    llm = asking.llm
    screen.heading("Vectorcache answers a question once, and knows it again in other words")
    screen.gap()
    screen.text(
        "The cache runs in this process, with no key and no network; its embedding model took "
        f"{duration(asking.loaded_in)} to load. {llm.introduction}"
    )
    screen.gap()
    screen.code(f"client = VectorcacheClient.local(llm={llm.variable})")
    for number, step in enumerate(STEPS, 1):
        screen.heading(f"{number}  {step.heading}")
        screen.code(step.code(llm.model))
        asking.ask(step.prompt, step.context)
    sum_up(screen, asking)
    screen.note("Read from result.cache_hit, .similarity_score, .cost_saved, .meta.elapsed.")
    screen.note("The nearest score of a miss: result.debug.extra, with include_debug=True.")


def sum_up(screen: Screen, asking: Asking) -> None:
    """The totals of all calls so far."""
    totals, model = asking.totals, asking.llm.model
    screen.heading("In all")
    screen.table(
        {
            "calls": f"{totals.calls}",
            "hits": f"{totals.hits}",
            "hit rate": f"{totals.hits / totals.calls:.0%}",
            "saved": dollars(totals.dollars),
            "time saved": duration(totals.seconds),
        }
    )
    price = f"{model}'s list price" if asking.has_price else f"no list price known for {model}"
    screen.note(f"Dollars: {price}. Time: each hit against the miss it repeats.")
