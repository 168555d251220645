"""Writes results to standard output, and everything else to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ..errors import VectorcacheError
from .streams import discard_broken_output, shown, write
from .wording import in_options

if TYPE_CHECKING:
    from rich.console import RenderableType


@Parameter(name="*")
@dataclass(frozen=True)
class Output:
    """The form of the output; an option of every command."""

    as_json: Annotated[
        bool,
        Parameter(
            "--json",
            negative=(),
            show_default=False,
            help="Write JSON to standard output, and nothing else there.",
        ),
    ] = False

    def result(self, fields: Mapping[str, Any], text: str) -> None:
        """Writes a result to standard output: ``fields`` as one line of JSON, or ``text``."""
        write(sys.stdout, json.dumps(fields) if self.as_json else text)

    def drawing(self, fields: Mapping[str, Any], draw: Callable[[], RenderableType]) -> None:
        """Writes a result, for people as a drawing by rich.

        The texts of a drawing must come from ``shown``: a key can no longer be found in them after
        lines are broken.
        """
        if self.as_json:
            self.result(fields, "")
            return
        from rich.console import Console

        console = Console(file=sys.stdout, highlight=False)
        with console.capture() as drawn:
            console.print(draw())
        sys.stdout.write(drawn.get())
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Writes a message to standard error."""
        write(sys.stderr, text)

    def failure(self, error: BaseException, message: str | None = None, **fields: Any) -> None:
        """Writes what went wrong as a message, and with ``--json`` also as a result.

        Args:
            error: the error of a command, or of one of its prompts.
            message: the message; by default, that of the error.
            fields: further fields of the result.
        """
        if message is None:
            message = in_options(str(error))
        if self.as_json:
            try:
                self.result({**fields, **_failure_fields(error, message)}, "")
            except OSError:  # The failure may be that standard output cannot be written.
                discard_broken_output()
        self.note(f"vectorcache: {message}")

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """Shows in a terminal that the program is working."""
        if not sys.stderr.isatty():
            yield
            return
        from rich.console import Console
        from rich.text import Text

        with Console(stderr=True).status(Text(shown(text))):
            yield


def _failure_fields(error: BaseException, message: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"error_type": type(error).__name__, "error": message}
    if isinstance(error, VectorcacheError):
        fields |= {
            "status_code": error.status_code,
            "retry_after": error.retry_after,
            "request_id": error.request_id,
            "attempts": error.attempts,
        }
    return fields
