"""A batch that can be gone on with, begun and answered without a service."""

from __future__ import annotations

from pathlib import Path

from vectorcache import APITimeoutError, BatchResult, VectorcacheResponse
from vectorcache.cli.batch_input import text_columns
from vectorcache.cli.batch_resume import ResumableBatch
from vectorcache.cli.rows import open_rows

OPTIONS = {"model": "m", "threshold": 0.85}


def begin(
    source: str = "in.jsonl", target: str = "out.jsonl", *, restart: bool = False, **changes: object
) -> ResumableBatch:
    texts = text_columns()
    files = open_rows(Path(source), texts), open_rows(Path(target), texts)
    return ResumableBatch(*files, {**OPTIONS, **changes}, restart=restart)


def answer_all(batch: ResumableBatch, *, retry_failed: bool = False) -> list[str]:
    """Answers what is to be asked, and prompts with "bad" by an error; returns the prompts."""
    asked = []
    for row in batch.to_ask(retry_failed=retry_failed):
        text = row["prompt"]
        result = VectorcacheResponse(True, f"answer to {text}", 0.9, 0.5, "cache")
        error = APITimeoutError("too slow") if "bad" in text else None
        number = row["id"][0]
        batch.keep(BatchResult(number, row["id"], text, None if error else result, error))
        asked.append(text)
    return asked
