"""How everything looks: calm, at most 80 columns, and as plain text where there are no colours."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import TextIOWrapper

from rich.console import Console
from rich.text import Text

from vectorcache import LLMProviderError, VectorcacheResponse

_INDENT = 3


class Screen:
    """Writes the demo's lines to standard output."""

    def __init__(self) -> None:
        for stream in (sys.stdout, sys.stdin):
            # What a terminal cannot show, or a pipe cannot mean, becomes a question mark.
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="replace")
        self._console = Console(highlight=False, markup=False, emoji=False)
        self._width = min(80, self._console.width)
        self._moves = sys.stdout.isatty() and not self._console.is_dumb_terminal

    def gap(self) -> None:
        self._console.print()

    def heading(self, text: str) -> None:
        self.gap()
        self._write(Text(text, style="bold"), indent=0)

    def text(self, text: str) -> None:
        self._write(Text(text))

    def note(self, text: str, *, indent: int = _INDENT) -> None:
        self._write(Text(text, style="dim"), indent=indent)

    def code(self, text: str) -> None:
        self._write(Text.assemble((">>> ", "dim"), (text, "cyan")))

    @contextmanager
    def waiting(self, asked: str) -> Iterator[None]:
        """Shows that an LLM is asked, until it has answered."""
        if not self._moves:
            yield
            return
        with self._console.status(f"asking {asked} ...", spinner_style="dim"):
            yield

    def result(self, result: VectorcacheResponse, took: float | None, *, answered_by: str) -> None:
        """The answer, and what it cost; ``took`` is what it took as a miss."""
        self.text(result.response)
        elapsed = duration(result.meta.elapsed)
        if took is None:
            said = f"{elapsed}, answered by {answered_by} and kept"
            self._marked("MISS", "yellow", f"{said} · {_nearest(result)}")
            return
        figures = (
            f"{elapsed} instead of {duration(took)}",
            f"similarity {result.similarity_score or 0:.3f}",
            f"saved {dollars(result.cost_saved)}",
        )
        self._marked("HIT ", "green", " · ".join(figures))

    def table(self, columns: Mapping[str, str]) -> None:
        """One row of figures below their names."""
        widths = [max(len(name), len(value)) + 4 for name, value in columns.items()]
        for row, style in ((columns.keys(), "dim"), (columns.values(), "")):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self._write(Text("".join(cells).rstrip(), style=style))

    def invite(self, examples: Sequence[str]) -> None:
        """Asks for the reader's own questions."""
        self.heading("Now you")
        self.help(examples)

    def help(self, examples: Sequence[str]) -> None:
        """What the reader can type."""
        self.text("Ask something, then ask it again in other words. An empty line ends it.")
        self.text("help shows this again; a line with exit or quit, or Ctrl-D, ends it as well.")
        if examples:
            self.text("Among what the stand-in knows:")
        for example in examples:
            self.note(example, indent=_INDENT + 2)

    def error(self, error: Exception) -> None:
        """What went wrong, and what to do about it."""
        self._marked("ERROR", "red", str(error))
        if isinstance(error, LLMProviderError):
            self.note("Check the OPENAI_ variables, or unset them to have the stand-in answer.")

    def _marked(self, mark: str, style: str, text: str) -> None:
        self._write(Text.assemble((mark, f"bold {style}"), "  ", text))

    def _write(self, text: Text, *, indent: int = _INDENT) -> None:
        # Answers come from elsewhere, and may hold what moves a cursor.
        text.plain = "".join(c if c.isprintable() or c == "\n" else " " for c in text.plain)
        for line in text.wrap(self._console, max(20, self._width - indent)):
            line.rstrip()
            self._console.print(Text(" " * indent) + line, soft_wrap=True)


def _nearest(result: VectorcacheResponse) -> str:
    """How near the nearest stored question came to one that was a miss."""
    score = None if result.debug is None else result.debug.extra.get("nearest_similarity_score")
    return "nothing stored here yet" if score is None else f"nearest {score:.3f}"


def duration(seconds: float) -> str:
    """Seconds as a person reads them."""
    if abs(seconds) >= 1:
        return f"{seconds:.2f} s"
    milliseconds = seconds * 1000
    return f"{milliseconds:.1f} ms" if abs(milliseconds) < 10 else f"{milliseconds:.0f} ms"


def dollars(amount: float) -> str:
    """Dollars; of the small amounts that one answer costs, the digits that count."""
    if amount == 0 or amount >= 1:
        return f"${amount:.2f}"
    return f"${amount:.4f}" if amount >= 0.0001 else f"${amount:.7f}"
