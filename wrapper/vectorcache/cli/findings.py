"""The findings of ``vectorcache doctor``, and their formats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from .streams import shown

if TYPE_CHECKING:
    from rich.table import Table

Verdict = Literal["ok", "warning", "failed", "skipped"]

_STYLES: Final = {"ok": "green", "warning": "yellow", "failed": "bold red", "skipped": "dim"}


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        check: what was checked.
        verdict: the result: ok, a warning, failed or skipped.
        text: what was found.
        fix: what to do about it; empty if there is nothing to do.
    """

    check: str
    verdict: Verdict
    text: str
    fix: str = ""


def fields_of(findings: Sequence[Finding]) -> dict[str, Any]:
    """Returns all findings as JSON-serialisable values."""
    return {"ok": all_well(findings), "checks": [asdict(finding) for finding in findings]}


def all_well(findings: Sequence[Finding]) -> bool:
    """Returns whether no check failed."""
    return all(finding.verdict != "failed" for finding in findings)


def table_of(findings: Sequence[Finding]) -> Table:
    """Returns a table with a row for each finding, and what to fix below it."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for finding in findings:
        said = f"{finding.text}\nTo fix: {finding.fix}" if finding.fix else finding.text
        verdict = Text(finding.verdict, style=_STYLES[finding.verdict])
        table.add_row(verdict, finding.check, Text(shown(said)))
    return table
