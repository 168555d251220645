"""``vectorcache batch`` and the types of Parquet's columns.

A Parquet file with a UUID column used to end in a ``TypeError`` once all its prompts were paid for.
"""

from __future__ import annotations

import datetime
import json
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cli.conftest import CLI
from cli.row_files import read_rows
from servers import ScriptedServer

from vectorcache._batch.result import RESULT_COLUMNS
from vectorcache.cli.rows.arrow_values import json_values

ID = uuid.UUID("12345678-1234-5678-1234-567812345678")
NANOSECONDS = 1_700_000_000_123_456_789
WHEN = "2023-11-14T23:13:20.123456789+01:00"


def extension(kind: pa.DataType, value: Any) -> pa.Array:
    storage = pa.array([value, None], kind.storage_type)
    return pa.ExtensionArray.from_storage(kind, storage)


def array(value: Any, kind: pa.DataType | None = None) -> pa.Array:
    return pa.array([value, None], kind)


# Every type that a Parquet file can have, with what it becomes in JSON.
TYPES: dict[str, tuple[pa.Array, Any]] = {
    "null": (pa.nulls(2), None),
    "bool": (array(True), True),
    "uint64": (array(2**64 - 1, pa.uint64()), 2**64 - 1),
    "float16": (array(1.5, pa.float16()), 1.5),
    "infinity": (array(float("inf")), None),
    "decimal": (array(Decimal("1.10")), "1.10"),
    "decimal256": (array(Decimal("1.10"), pa.decimal256(60, 2)), "1.10"),
    "text": (array("é"), "é"),
    "large_text": (array("é", pa.large_string()), "é"),
    "text_view": (array("é", pa.string_view()), "é"),
    "binary": (array(b"\x00\xff"), "AP8="),
    "large_binary": (array(b"\x00\xff", pa.large_binary()), "AP8="),
    "fixed_binary": (array(b"\x00\xff", pa.binary(2)), "AP8="),
    "binary_view": (array(b"\x00\xff", pa.binary_view()), "AP8="),
    "date": (array(datetime.date(2024, 2, 29)), "2024-02-29"),
    "date_after_9999": (array(10**7, pa.date32()), "29349-01-26"),
    "time": (array(datetime.time(1, 2)), "01:02:00.000000"),
    "time_ns": (array(1, pa.time64("ns")), "00:00:00.000000001"),
    "timestamp": (array(1_700_000_000_000, pa.timestamp("ms")), "2023-11-14T22:13:20.000"),
    "zoned": (array(NANOSECONDS, pa.timestamp("ns", "Europe/Vienna")), WHEN),
    "utc": (array(1_700_000_000_000, pa.timestamp("ms", "UTC")), "2023-11-14T22:13:20.000Z"),
    "offset": (array(0, pa.timestamp("ms", "-05:30")), "1969-12-31T18:30:00.000-05:30"),
    "duration": (array(-1_500, pa.duration("ms")), "-PT1.5S"),
    "duration_ns": (array(1, pa.duration("ns")), "PT0.000000001S"),
    "list": (array([1.5, float("nan")]), [1.5, None]),
    "large_list": (array([ID.bytes], pa.large_list(pa.binary())), ["EjRWeBI0VngSNFZ4EjRWeA=="]),
    "fixed_list": (array([1, 2], pa.list_(pa.int8(), 2)), [1, 2]),
    "list_view": (array([1, 2], pa.list_view(pa.int8())), [1, 2]),
    "struct": (array({"a": 1, "b": [Decimal("0.5")]}), {"a": 1, "b": ["0.5"]}),
    "times": (array([NANOSECONDS], pa.list_(pa.timestamp("ns", "Europe/Vienna"))), [WHEN]),
    "map": (array([("k", b"\xff")], pa.map_(pa.string(), pa.binary())), [["k", "/w=="]]),
    "dictionary": (array("x").dictionary_encode(), "x"),
    "uuid": (extension(pa.uuid(), ID.bytes), str(ID)),
    "json": (extension(pa.json_(), '{"a": 1}'), '{"a": 1}'),
    "bool8": (extension(pa.bool8(), 1), True),
    "tensor": (extension(pa.fixed_shape_tensor(pa.float32(), [2]), [1, 2]), [1, 2]),
    "opaque": (extension(pa.opaque(pa.binary(), "kind", "maker"), b"\xff"), "/w=="),
}
# Before version 26, pyarrow cannot read a list of fixed size that is null back from Parquet.
if int(pa.__version__.partition(".")[0]) < 26:
    del TYPES["fixed_list"], TYPES["tensor"]


def write_types() -> pa.Table:
    columns = {"prompt": pa.array(["one", "two"])}
    table = pa.table(columns | {name: column for name, (column, _) in TYPES.items()})
    pq.write_table(table, "in.parquet")
    return pq.read_table("in.parquet")


@pytest.mark.parametrize("target", ["jsonl", "csv", "-"])
def test_types_as_text(cli: CLI, echo: ScriptedServer, target: str) -> None:
    """A value of every type that Parquet has becomes JSON, and what JSON has not, a text."""
    write_types()
    out = target if target == "-" else f"out.{target}"
    done = cli("batch", "in.parquet", out)
    assert done.code == 0, done.err
    one, two = map(json.loads, done.out.splitlines()) if target == "-" else read_rows(out)
    wanted = {name: value for name, (_, value) in TYPES.items()}
    missing: Any = None
    if target == "csv":
        missing = ""
        for name, value in wanted.items():
            if not isinstance(value, str | None):
                one[name] = json.loads(one[name])
            elif value is None:
                wanted[name] = missing
    assert {name: one[name] for name in wanted} == wanted
    assert {two[name] for name in wanted} == {missing}
    assert (one["response"], two["response"]) == ("answer to one", "answer to two")


def test_parquet_keeps_its_types(cli: CLI, echo: ScriptedServer) -> None:
    """From Parquet to Parquet every column keeps its type and its values, whatever it is."""
    table = write_types()
    assert cli("batch", "in.parquet", "out.parquet").code == 0
    found = pq.read_table("out.parquet")
    own = found.select(table.column_names)
    assert own.schema == table.schema
    assert [str(column) for column in own.columns] == [str(column) for column in table.columns]
    types = {field.name: str(field.type) for field in found.schema}
    assert {name: types[name] for name in RESULT_COLUMNS} == {
        "response": "string",
        "cache_hit": "bool",
        "similarity_score": "double",
        "cost_saved": "double",
        "llm_provider": "string",
        "attempts": "int64",
        "elapsed": "double",
        "error_type": "string",
        "error": "string",
    }


def test_a_part_of_an_array() -> None:
    """A part of an array is read as that part."""
    struct = pa.array([{"a": 1}, None, {"a": 3}])
    assert json_values(struct.slice(1)) == [None, {"a": 3}]


UNREADABLE = {
    "zone": pa.array([1], pa.timestamp("s", "No/Where")),
    "struct": pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]),
    "text": pa.array([b"\xff"]).view(pa.string()),
}


@pytest.mark.parametrize("target", ["jsonl", "csv", "-"])
@pytest.mark.parametrize("name", UNREADABLE)
def test_values_without_a_text(cli: CLI, echo: ScriptedServer, name: str, target: str) -> None:
    """Values that no text can stand for are refused before anything is asked."""
    pq.write_table(pa.table({"prompt": ["one"], "x": UNREADABLE[name]}), "in.parquet")
    done = cli("batch", "in.parquet", target if target == "-" else f"out.{target}")
    assert done.code == 2
    assert "column 'x'" in done.err
    assert echo.requests == []
    assert not Path("out.jsonl.batch").exists()


def test_values_without_a_text_in_parquet(cli: CLI, echo: ScriptedServer) -> None:
    """From Parquet to Parquet they stay what they are, and the sums are made all the same."""
    pq.write_table(pa.table({"prompt": ["one"], "x": UNREADABLE["zone"]}), "in.parquet")
    assert cli("batch", "in.parquet", "out.parquet").code == 0
    assert cli("stats", "out.parquet").code == 0


BYTES = [
    pa.array([b"caf\xc3\xa9"]),
    pa.array([b"caf\xc3\xa9"], pa.large_binary()),
    pa.array([b"caf\xc3\xa9"], pa.binary(5)),
    pa.array([b"caf\xc3\xa9"], pa.binary_view()),
    pa.array([b"caf\xc3\xa9"]).dictionary_encode(),
]


@pytest.mark.parametrize("target", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize("column", BYTES, ids=lambda column: str(column.type)[:12])
def test_binary_prompts(cli: CLI, echo: ScriptedServer, column: pa.Array, target: str) -> None:
    """A binary column of prompts, models or contexts is asked as the UTF-8 text that it holds."""
    table = pa.table({"prompt": column, "model": column, "context": column})
    pq.write_table(table, "in.parquet")
    assert cli("batch", "in.parquet", f"out.{target}").code == 0
    (request,) = echo.requests
    sent = request.json()
    assert (sent["prompt"], sent["model"], sent["context"]) == ("café", "café", "café")
    (row,) = read_rows(f"out.{target}")
    assert row["prompt"] == (b"caf\xc3\xa9" if target == "parquet" else "café")


@pytest.mark.parametrize("name", ["prompt", "model", "context"])
@pytest.mark.parametrize("target", ["out.jsonl", "out.parquet", "-"])
def test_binary_prompts_that_are_not_text(
    cli: CLI, echo: ScriptedServer, name: str, target: str
) -> None:
    """One that is not UTF-8 is refused, with its row, before anything is asked."""
    columns = {"prompt": ["one", "two"], name: [b"fine", b"\xff\xfe"]}
    pq.write_table(pa.table(columns), "in.parquet")
    done = cli("batch", "in.parquet", target)
    assert done.code == 2
    assert f"in.parquet, row 2: the value of column '{name}' is not UTF-8" in done.err
    assert echo.requests == []
