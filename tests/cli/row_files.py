"""Files of rows, as a user of the program makes and reads them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Rows = list[dict[str, Any]]


def prompts(count: int) -> Rows:
    """So many rows, each with a prompt of its own."""
    return [{"prompt": f"prompt {number}"} for number in range(count)]


def write_rows(path: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes the rows in the format that the name's ending says."""
    rows = list(rows)
    match path.rpartition(".")[2]:
        case "parquet":
            import pyarrow as pa
            import pyarrow.parquet as pq

            pq.write_table(pa.Table.from_pylist(rows), path)
        case "csv":
            with Path(path).open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, [*rows[0]])
                writer.writeheader()
                writer.writerows(rows)
        case _:
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            Path(path).write_text(text, encoding="utf-8")


def read_rows(path: str) -> Rows:
    """The rows, each as a dictionary; of CSV with texts for values."""
    match path.rpartition(".")[2]:
        case "parquet":
            import pyarrow.parquet as pq

            rows: Rows = pq.read_table(path).to_pylist()
            return rows
        case "csv":
            with Path(path).open(newline="", encoding="utf-8") as file:
                return list(csv.DictReader(file, strict=True))
        case _:
            return [json.loads(line) for line in Path(path).read_bytes().split(b"\n")[:-1]]
