"""``vectorcache batch`` goes on where it was stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli.conftest import CLI
from cli.row_files import prompts, read_rows, write_rows
from cli.stopped_batch import JOURNAL, WORDS, asked, stop_after
from servers import Received, ScriptedServer, Step, answer


def test_it_goes_on(cli: CLI, echo: ScriptedServer) -> None:
    """What was answered is not asked again, and OUT is as if nothing had happened."""
    write_rows("in.jsonl", prompts(50))
    done = stop_after(cli, echo, 20)
    assert "stopped with 20 of 50 prompts answered, which out.jsonl.batch keeps" in done.err
    assert not Path("out.jsonl").exists()
    done = cli(*WORDS, "--json")
    assert done.code == 0
    assert "20 of 50 prompts were answered before" in done.err
    assert json.loads(done.out)["asked"] == 30
    assert sum(asked(echo).values()) == 30
    rows = read_rows("out.jsonl")
    assert [row["response"] for row in rows] == [f"answer to prompt {n}" for n in range(50)]


def test_once_it_is_finished(cli: CLI, echo: ScriptedServer) -> None:
    """The same words again ask nothing, change nothing, and say again what it came to."""
    write_rows("in.jsonl", [*prompts(5), {"prompt": "bad"}])
    first = cli(*WORDS, "--json")
    written = Path("out.jsonl").read_bytes(), Path("out.jsonl").stat().st_mtime_ns
    echo.requests.clear()
    again = cli(*WORDS, "--json")
    assert (first.code, again.code) == (3, 3)
    assert json.loads(again.out) == {**json.loads(first.out), "asked": 0}
    assert (Path("out.jsonl").read_bytes(), Path("out.jsonl").stat().st_mtime_ns) == written
    assert echo.requests == []


def test_what_is_left_behind(cli: CLI, echo: ScriptedServer) -> None:
    """Beside OUT only a small file stays, by which the same words know that all is done."""
    write_rows("in.jsonl", prompts(300))
    cli(*WORDS)
    assert {path.name for path in Path().iterdir()} == {"in.jsonl", "out.jsonl", JOURNAL.name}
    assert JOURNAL.stat().st_size < 20_000


def test_other_limits_may_go_on(cli: CLI, echo: ScriptedServer) -> None:
    """What changes no answer may be changed: how many at once, how long, how often."""
    write_rows("in.jsonl", prompts(20))
    stop_after(cli, echo, 5)
    words = ("batch", "in.jsonl", "out.jsonl", "-n", "2", "--deadline", "9", "--max-retries", "1")
    assert cli(*words, "--rate-limit", "1000/second").code == 0


@pytest.mark.parametrize(
    ("options", "change"),
    [
        (["-m", "other"], "--model was 'gpt-4o' and is 'other'"),
        (["-t", "0.5"], "--threshold was 0.85 and is 0.5"),
        (["-c", "c"], "--context was None and is 'c'"),
        (["--local"], "and is 'embedded, in memory'"),
        (["--base-url", "http://localhost:1"], "and is 'http://localhost:1'"),
    ],
)
def test_other_words(cli: CLI, echo: ScriptedServer, options: list[str], change: str) -> None:
    """What changes the answers is refused and named, and what there is stays."""
    write_rows("in.jsonl", prompts(20))
    stop_after(cli, echo, 5)
    done = cli(*WORDS, *options)
    assert done.code == 2
    assert change in done.err
    assert "--restart" in done.err
    assert echo.requests == []
    assert cli(*WORDS).code == 0
    assert sum(asked(echo).values()) == 15


def test_another_input(cli: CLI, echo: ScriptedServer) -> None:
    """An input that has changed is refused, and goes on once it is what it was."""
    write_rows("in.jsonl", prompts(20))
    stop_after(cli, echo, 5)
    write_rows("in.jsonl", prompts(21))
    done = cli(*WORDS)
    assert done.code == 2
    assert "in.jsonl has other content" in done.err
    write_rows("in.jsonl", prompts(20))
    assert cli(*WORDS).code == 0
    assert sum(asked(echo).values()) == 15


def test_an_input_that_changes_during_the_batch(cli: CLI, echo: ScriptedServer) -> None:
    """If IN is changed during the batch, no answer gets to a row that it is not the answer to."""
    # So long that not all of it is read at once.
    rows = [{"prompt": f"prompt {n}", "x": 5_000 * "x"} for n in range(20)]
    write_rows("in.jsonl", rows)
    respond = echo.respond
    assert respond is not None

    def change(request: Received) -> Step:
        write_rows("in.jsonl", [{**row, "prompt": f"PROMPT {n}"} for n, row in enumerate(rows)])
        return respond(request)

    echo.respond = change
    words = ("batch", "in.jsonl", "out.jsonl", "-n", "1")
    done = cli(*words)
    assert done.code == 2
    assert "in.jsonl has changed while its prompts were asked" in done.err
    assert not Path("out.jsonl").exists()
    strangers = [prompt for prompt in asked(echo) if prompt.startswith("PROMPT")]
    assert strangers
    echo.respond = respond
    echo.requests.clear()
    write_rows("in.jsonl", rows)
    assert cli(*words).code == 0
    assert [*asked(echo)] == [prompt.lower() for prompt in strangers]
    found = read_rows("out.jsonl")
    assert [row["response"] for row in found] == [f"answer to prompt {n}" for n in range(20)]


def test_restart(cli: CLI, echo: ScriptedServer) -> None:
    """``--restart`` begins anew, whether or not it had come to its end, and with other words."""
    write_rows("in.jsonl", prompts(20))
    stop_after(cli, echo, 5)
    assert cli(*WORDS, "--restart").code == 0
    assert sum(asked(echo).values()) == 20
    write_rows("in.jsonl", prompts(3))
    assert cli(*WORDS, "--restart", "-m", "other").code == 0
    assert len(read_rows("out.jsonl")) == 3
    assert cli(*WORDS, "-m", "other").code == 0
    assert sum(asked(echo).values()) == 23


@pytest.mark.parametrize("options", [[], ["--restart"]])
def test_an_output_of_something_else(cli: CLI, echo: ScriptedServer, options: list[str]) -> None:
    """A file in OUT's place that is not from this batch is left alone, whatever the words."""
    write_rows("in.jsonl", prompts(3))
    Path("out.jsonl").write_text("mine")
    done = cli(*WORDS, *options)
    assert done.code == 2
    assert "out.jsonl is there already, and not from this batch" in done.err
    assert Path("out.jsonl").read_text() == "mine"
    assert not JOURNAL.exists()
    assert echo.requests == []


def test_an_output_that_appears_during_the_batch(cli: CLI, echo: ScriptedServer) -> None:
    """An OUT that another program wrote during the batch is not overwritten; answers are kept."""
    write_rows("in.jsonl", prompts(3))
    respond = echo.respond
    assert respond is not None

    def write(request: Received) -> Step:
        Path("out.jsonl").write_text("mine")
        return respond(request)

    echo.respond = write
    assert cli(*WORDS).code == 2
    assert Path("out.jsonl").read_text() == "mine"
    Path("out.jsonl").unlink()
    echo.requests.clear()
    assert cli(*WORDS).code == 0
    assert echo.requests == []
    assert len(read_rows("out.jsonl")) == 3


def test_an_output_that_was_changed(cli: CLI, echo: ScriptedServer) -> None:
    """An OUT that was edited since is not taken for the batch's, and is left alone."""
    write_rows("in.jsonl", prompts(3))
    cli(*WORDS)
    Path("out.jsonl").write_text("edited")
    assert cli(*WORDS).code == 2
    assert Path("out.jsonl").read_text() == "edited"


def test_an_output_that_was_removed(cli: CLI, echo: ScriptedServer) -> None:
    """Where a finished OUT was removed, the same words make it again."""
    write_rows("in.jsonl", prompts(3))
    cli(*WORDS)
    Path("out.jsonl").unlink()
    assert cli(*WORDS).code == 0
    assert len(read_rows("out.jsonl")) == 3


def test_a_link(cli: CLI, echo: ScriptedServer) -> None:
    """An OUT that is a link stays one, and the file that it leads to is written."""
    write_rows("in.jsonl", prompts(3))
    Path("out.jsonl").symlink_to("real.jsonl")
    assert cli(*WORDS).code == 0
    assert Path("out.jsonl").is_symlink()
    assert len(read_rows("real.jsonl")) == 3
    assert Path("real.jsonl.batch").exists()


def test_retry_failed(cli: CLI, echo: ScriptedServer) -> None:
    """``--retry-failed`` asks again what failed, and nothing else, also of a finished batch."""
    write_rows("in.jsonl", [*prompts(5), {"prompt": "bad 1"}, {"prompt": "bad 2"}])
    done = cli(*WORDS)
    assert done.code == 3
    assert "2 prompts failed; --retry-failed asks again" in done.err
    echo.requests.clear()
    assert cli(*WORDS, "--retry-failed").code == 3
    assert asked(echo) == {"bad 1": 1, "bad 2": 1}
    echo.requests.clear()
    echo.respond = None
    done = cli(*WORDS, "--retry-failed", "--json")
    assert done.code == 0
    assert json.loads(done.out)["asked"] == 2
    assert not [row for row in read_rows("out.jsonl") if row["error"]]
    echo.requests.clear()
    assert cli(*WORDS, "--retry-failed").code == 0
    assert echo.requests == []


def test_no_retry_where_it_cannot_help(cli: CLI, echo: ScriptedServer) -> None:
    """A prompt that cannot be sent fails again in a retry, which is therefore not offered."""
    write_rows("in.jsonl", [*prompts(1), {"prompt": ""}])
    done = cli(*WORDS)
    assert done.code == 3
    assert "1 prompt failed; the column error says what to correct" in done.err
    assert "--retry-failed" not in done.err


def test_a_retry_that_is_stopped(cli: CLI, echo: ScriptedServer) -> None:
    """What a stopped retry had answered gets into OUT the next time, with or without the word."""
    write_rows("in.jsonl", [*prompts(3), *({"prompt": f"bad {n}"} for n in range(10))])
    assert cli(*WORDS).code == 3
    before = Path("out.jsonl").read_bytes()
    echo.respond = lambda request: answer()
    stop_after(cli, echo, 4, *WORDS, "--retry-failed")
    assert Path("out.jsonl").read_bytes() == before
    assert cli(*WORDS).code == 3
    assert len([row for row in read_rows("out.jsonl") if row["error"]]) == 6
    assert cli(*WORDS, "--retry-failed").code == 0
