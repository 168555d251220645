"""The demo, run as a newcomer runs it: in a pipe, in a terminal, and with an endpoint.

Runs the program of scripts/demo in this environment, as the script itself would install one.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from servers import ScriptedServer, answer

pytestmark = pytest.mark.repository

ROOT = Path(__file__).parents[2]
DEMO = [sys.executable, "-m", "examples.demo"]
KEY = "sk-never-to-be-shown"
COMPLETION = {"choices": [{"message": {"role": "assistant", "content": "From the endpoint."}}]}


def environment(**more: str) -> dict[str, str]:
    """Returns this machine's variables, without those that would change the demo."""
    unwanted = re.compile(r"OPENAI_.*|FORCE_COLOR|NO_COLOR|COLUMNS")
    return {name: at for name, at in os.environ.items() if not unwanted.fullmatch(name)} | more


def run(*options: str, asked: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs the demo with its input and output in pipes."""
    return subprocess.run(
        [*DEMO, *options],
        cwd=ROOT,
        env=environment(**variables),
        input=asked,
        capture_output=True,
        text=True,
        check=False,
    )


def block(output: str, heading: str) -> str:
    """Returns the text below a heading, up to the next empty line."""
    return output.split(f"\n{heading}", 1)[1].split("\n\n", 1)[0]


class Terminal:
    """The demo in a terminal."""

    def __init__(self, process: subprocess.Popen[bytes], end: int) -> None:
        self.process = process
        self._end = end
        self._unread = b""

    def type(self, keys: str) -> None:
        os.write(self._end, keys.encode())

    def read_until(self, text: str) -> str:
        """Returns what is shown up to and including a text."""
        while text.encode() not in self._unread:
            ready, _, _ = select.select([self._end], [], [], 60)
            assert ready, f"{text!r} was never shown, but: {self._unread!r}"
            self._unread += os.read(self._end, 65_536)
        shown, found, self._unread = self._unread.partition(text.encode())
        return _without_codes(shown + found)

    def read_rest(self) -> str:
        """Returns what is shown until the demo ends, with status 0."""
        assert self.process.wait(60) == 0
        while select.select([self._end], [], [], 0)[0]:
            self._unread += os.read(self._end, 65_536)
        return _without_codes(self._unread)


def _without_codes(shown: bytes) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())


@contextmanager
def terminal() -> Iterator[Terminal]:
    """Runs the demo in a terminal of its own."""
    ours, its = os.openpty()
    process = subprocess.Popen(
        DEMO, cwd=ROOT, env=environment(TERM="xterm"), stdin=its, stdout=its, stderr=its
    )
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(its)
        os.close(ours)


@pytest.fixture(scope="module")
def shown() -> str:
    """What the demo shows for two questions of the same meaning, and one without an answer."""
    questions = (
        "How long should I boil an egg?\n\nHow long does it take to boil an egg?\nWho won?\n"
    )
    done = run(asked=questions)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_stand_in_says_that_it_is_one(shown: str) -> None:
    """The demo says that its answers are stored, and that its wait only imitates an LLM's."""
    introduction = " ".join(shown.split(">>>")[0].split())
    assert "No LLM is configured, so a stand-in plays its part" in introduction
    assert "a wait of 1 s before each" in introduction


def test_a_new_question_is_a_miss(shown: str) -> None:
    """The first step shows its code, and the time that the LLM took."""
    step = block(shown, "1  ")
    assert '>>> client.query("Why is the sky blue?", "gpt-4o")' in step
    said = r"MISS  1\.\d\d s, answered by the stand-in and kept · nothing stored here yet"
    assert re.search(said, step)


def test_a_miss_shows_the_nearest_score(shown: str) -> None:
    """Once something is stored, a miss shows how near the nearest question came."""
    miss = re.search(r"MISS .* kept · nearest (-?0\.\d{3})", block(shown, "> How long should I"))
    assert miss is not None
    assert float(miss[1]) < 0.85


def test_other_words_are_a_hit(shown: str) -> None:
    """The second step shows score, saving and time, beside what the miss took."""
    hit = re.search(
        r"HIT   [\d.]+ ms instead of 1\.\d\d s · similarity (0\.\d{3}) · saved \$0\.000\d",
        block(shown, "2  "),
    )
    assert hit is not None
    assert 0.85 <= float(hit[1]) < 1


def test_another_context_is_a_miss(shown: str) -> None:
    """The third step asks the first question in another context, and gets another answer."""
    step = block(shown, "3  ")
    assert '>>> client.query("Why is the sky blue?", "gpt-4o", context="children")' in step
    assert "MISS" in step
    assert "rainbow" in step and "rainbow" in block(shown, "4  ")
    assert "rainbow" not in block(shown, "2  ")


def test_totals_add_up(shown: str) -> None:
    """The totals come after the tour, and after the reader's questions."""
    rows = re.findall(r"^ +(\d+) +(\d+) +(\d+%) +\$0\.00\d\d +\d\.\d\d s$", shown, re.MULTILINE)
    assert rows == [("4", "2", "50%"), ("6", "3", "50%")]


def test_questions_from_a_pipe(shown: str) -> None:
    """Each question of the input is answered: from the cache if it was asked in other words."""
    first = block(shown, "> How long should I boil an egg?")
    again = block(shown, "> How long does it take to boil an egg?")
    assert "8 for" in first and "MISS" in first
    assert "8 for" in again and re.search(r"HIT .* similarity 0\.9\d\d", again)


def test_a_question_that_the_stand_in_does_not_know(shown: str) -> None:
    """A question without an answer says so, and what to do to get one."""
    unknown = " ".join(block(shown, "> Who won?").split())
    assert "The stand-in has no answer to this. Configure an OpenAI-compatible" in unknown


def test_output_in_a_pipe_is_plain(shown: str) -> None:
    """In a pipe, the demo writes no colours, spinners or prompts, and no line over 80 columns."""
    assert "\x1b" not in shown
    assert "asking" not in shown
    assert "Now you" not in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_a_request_for_help() -> None:
    """``help`` is a command, in a pipe and at the prompt: it is neither asked nor counted."""
    done = run(asked="help\n/HELP\n")
    assert done.returncode == 0
    assert done.stdout.count("How long should I boil an egg?") == 2
    assert "An empty line ends it" in block(done.stdout, "> help")
    assert "The stand-in has no answer" not in done.stdout
    with terminal() as screen:
        screen.read_until("\n> ")
        screen.type("help\r")
        screen.read_until("Among what the stand-in knows")
        screen.read_until("\n> ")
        screen.type("\x04")
        assert "In all" not in screen.read_rest()


def test_exit_ends_a_pipe_and_a_threshold_is_used() -> None:
    """Nothing after ``exit`` is asked; with a higher threshold, other words are a miss."""
    asked = "How do I reset my password?\nSteps to reset my password\nexit\nWho won?\n"
    done = run("--threshold=0.99", asked=asked)
    assert done.returncode == 0
    assert "MISS" in block(done.stdout, "> Steps to reset my password")
    assert "Who won?" not in done.stdout


def test_a_threshold_without_questions_is_refused() -> None:
    """The tour has its own thresholds, so that ``--threshold`` is refused and not ignored."""
    done = run("--no-input", "--threshold", "0.95")
    assert done.returncode == 2
    assert "--threshold applies to your questions" in done.stderr


def test_an_endpoint_answers(server: ScriptedServer) -> None:
    """An OpenAI-compatible endpoint is asked instead of the stand-in, and its key is not shown."""
    server.default = answer(COMPLETION)
    variables = {"OPENAI_BASE_URL": f"{server.url}/v1", "OPENAI_API_KEY": KEY}
    done = run("--no-input", asked="Unread\n", OPENAI_MODEL="my-model", **variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert "The LLM is my-model at 127.0.0.1" in " ".join(done.stdout.split())
    assert "From the endpoint." in block(done.stdout, "1  ")
    assert "no list price known for my-model" in done.stdout
    assert "Unread" not in done.stdout
    assert KEY not in done.stdout
    asked, for_children = server.requests
    assert asked.line == "POST /v1/chat/completions HTTP/1.1"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.json()["model"] == "my-model"
    assert asked.json()["messages"][-1] == {"role": "user", "content": "Why is the sky blue?"}
    assert "children" in for_children.json()["messages"][0]["content"]


def test_an_endpoint_without_a_key(server: ScriptedServer) -> None:
    """An endpoint without a key gets no ``Authorization``."""
    server.default = answer(COMPLETION)
    assert run("--no-input", OPENAI_BASE_URL=server.url).returncode == 0
    assert "authorization" not in server.requests[0].headers


def test_an_endpoint_that_quotes_the_key(server: ScriptedServer) -> None:
    """An endpoint's refusal is shown, without the key that it repeats."""
    refusal = {"error": {"message": f"Incorrect API key provided: {KEY}."}}
    server.default = answer(refusal, status=401)
    done = run(OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY)
    said = " ".join(done.stdout.split())
    assert done.returncode == 1
    assert "127.0.0.1 answered 401: Incorrect API key provided: [key]." in said
    assert "unset them to have the stand-in answer" in said
    assert KEY not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"OPENAI_BASE_URL": "http://127.0.0.1:1"}, "127.0.0.1 cannot be reached"),
        ({"OPENAI_BASE_URL": "localhost:11434"}, "must begin with http:// or https://"),
        ({"OPENAI_API_KEY": f"{KEY}\N{HORIZONTAL ELLIPSIS}"}, "characters in it that no key has"),
    ],
)
def test_an_endpoint_that_cannot_answer(variables: dict[str, str], said: str) -> None:
    """An endpoint that cannot answer is one clear error, without a traceback."""
    done = run(**variables)
    assert done.returncode == 1
    assert said in " ".join(done.stdout.split())
    assert "Traceback" not in done.stdout + done.stderr
    assert KEY not in done.stdout + done.stderr


def test_a_failed_question_does_not_end_the_demo(server: ScriptedServer) -> None:
    """After a failed question the next one is answered; the exit status tells of the failure."""
    unusable = [answer({"choices": []})] * 3
    server.script = [*[answer(COMPLETION)] * 2, *unusable]
    server.default = answer(COMPLETION)
    done = run(asked="Who won?\nWhat is rust?\n", OPENAI_BASE_URL=server.url)
    assert done.returncode == 1
    assert "ERROR" in block(done.stdout, "> Who won?")
    assert "From the endpoint." in block(done.stdout, "> What is rust?")


def test_a_person_at_a_terminal() -> None:
    """The prompt answers, answers other words from the cache, and ends with Ctrl-D."""
    with terminal() as screen:
        assert "Ask something, then ask it again in other words." in screen.read_until("\n> ")
        screen.type("How do I cook rice?\r")
        assert "asking the stand-in" in screen.read_until("MISS")
        screen.read_until("\n> ")
        screen.type("What is the way to cook rice?\r")
        assert "Rinse one cup" in screen.read_until("similarity 0.9")
        screen.read_until("\n> ")
        screen.type("\x04")
        assert "In all" in screen.read_rest()


@pytest.mark.parametrize("end", ["\r", "exit\r"])
def test_ways_to_end(end: str) -> None:
    """An empty line and ``exit`` end the prompt; the totals are not shown twice."""
    with terminal() as screen:
        screen.read_until("\n> ")
        screen.type(end)
        assert "In all" not in screen.read_rest()


def test_ctrl_c_ends_the_prompt() -> None:
    """Ctrl-C ends the prompt without a traceback, and an unfinished question is not asked."""
    with terminal() as screen:
        screen.read_until("\n> ")
        screen.process.send_signal(signal.SIGINT)
        # readline notices a signal that comes before it waits for keys only with the next line.
        screen.type("Who won?\r")
        shown = screen.read_rest()
        assert "MISS" not in shown and "Traceback" not in shown
