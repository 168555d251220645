"""scripts/generate-client says what it made, what it compiled, and what it did not, and why.

Generators and compilers are stand-ins here; CI also runs it with the real ones, and
tests/conformance/test_typescript.py has the client for TypeScript.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.repository

ROOT = Path(__file__).parents[2]

# Makes a client of empty folders for each config, and writes down what it was asked for.
JAVA = f"""#!{sys.executable}
import json, pathlib, sys
paths = sys.argv[sys.argv.index("--") + 1:]
configs = [json.loads(pathlib.Path(path).read_text()) for path in paths]
for config in configs:
    pathlib.Path(config["outputDir"], "lib").mkdir(parents=True)
pathlib.Path(sys.argv[0]).with_name("asked").write_text(json.dumps(configs))
"""


class Machine:
    """A machine with Java, openapi-generator, and the programs that a test puts on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder / "clients"
        for name in ("tools", "java/bin", "path"):
            (folder / name).mkdir(parents=True)
        self.put("tools/python", "#!/bin/sh\necho /generator\n")
        self.put("java/bin/java", JAVA)
        self.link("bash", "find", "xargs")
        (folder / "path" / "python3").symlink_to(sys.executable)

    def put(self, path: str, program: str) -> None:
        """Puts a program there."""
        (self.folder / path).write_text(program, "utf-8")
        (self.folder / path).chmod(0o755)

    def link(self, *names: str) -> None:
        """Puts programs of the real machine there."""
        for name in names:
            (self.folder / "path" / name).symlink_to(shutil.which(name) or name)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs scripts/generate-client there."""
        return subprocess.run(
            [ROOT / "scripts" / "generate-client", *arguments, "--output", self.output],
            env={
                "PATH": str(self.folder / "path"),
                "LANGUAGES_BIN_DIR": str(self.folder / "tools"),
                "JAVA_HOME": str(self.folder / "java"),
            }
            | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def outcome(self, *arguments: str) -> str:
        """Returns the last line that it prints, for one language."""
        result = self.run(*arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout.splitlines()[-1]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine without any compiler."""
    return Machine(tmp_path)


def test_list(machine: Machine) -> None:
    """``--list`` shows the languages."""
    shown = machine.run("--list").stdout.split()
    assert {"typescript", "go", "java", "rust", "csharp"} < set(shown)
    assert "python" not in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name a language"),
        (["cobol"], "no recipe for 'cobol'"),
        (["go", "--input", "none.yaml"], "no such file"),
    ],
)
def test_mistakes(machine: Machine, arguments: list[str], words: str) -> None:
    """A call that makes no sense is explained, and nothing is written."""
    result = machine.run(*arguments)
    assert result.returncode == 2
    assert words in result.stderr
    assert not machine.output.exists()


def test_without_java(machine: Machine) -> None:
    """A machine without Java is told how to get it."""
    (machine.folder / "java" / "bin" / "java").unlink()
    result = machine.run("go")
    assert result.returncode == 1
    assert "needs Java 11 or newer" in result.stderr
    assert "apt-get install" in result.stderr


def test_without_node(machine: Machine) -> None:
    """A machine without Node is told how to get it."""
    machine.link("dirname")
    machine.put("tools/python3", "#!/bin/sh\nexit 1\n")
    result = machine.run("typescript", PYTHON_BIN_DIR=str(machine.folder / "tools"))
    assert result.returncode == 1
    assert "./scripts/venv .venv dev" in result.stderr


def test_clients_take_unknown_fields(machine: Machine) -> None:
    """Every generator is told to accept fields that the service adds later."""
    assert machine.run("go", "csharp", "kotlin").returncode == 0
    asked = json.loads((machine.folder / "java" / "bin" / "asked").read_text("utf-8"))
    assert [config["generatorName"] for config in asked] == ["go", "csharp", "kotlin"]
    for config in asked:
        assert config["inputSpec"] == str(ROOT / "openapi.yaml")
        options = config["additionalProperties"]
        assert options["disallowAdditionalPropertiesIfNotPresent"] == "false"


def test_what_was_there_is_replaced(machine: Machine) -> None:
    """A client holds no leftovers of an earlier one, and other languages stay."""
    stale, other = (machine.output / name / "stale" for name in ("kotlin", "mine"))
    for path in (stale, other):
        path.mkdir(parents=True)
    assert machine.run("kotlin").returncode == 0
    assert not stale.exists()
    assert other.exists()


def test_compiled(machine: Machine) -> None:
    """A client that its compiler accepts is reported as compiled."""
    machine.put("path/go", '#!/bin/sh\n[ "$*" = "build ./..." ] && [ "$GOPROXY" = off ]\n')
    assert machine.outcome("go") == "go  yes"


def test_does_not_compile(machine: Machine) -> None:
    """A client that does not compile fails, with the compiler's output."""
    machine.put("path/go", "#!/bin/sh\necho 'undefined: Query' >&2; exit 1\n")
    result = machine.run("go")
    assert result.returncode == 1
    assert "undefined: Query" in result.stderr
    assert "the client for go does not compile" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("language", ["go", "csharp", "rust"])
def test_no_compiler(machine: Machine, language: str) -> None:
    """Without a compiler it says so, and never that it compiled."""
    program = {"go": "go", "csharp": "dotnet", "rust": "cargo"}[language]
    assert machine.outcome(language).endswith(f"no: {program} is not installed")


def test_no_recipe_to_compile(machine: Machine) -> None:
    """A language that is only generated is reported as such."""
    assert machine.outcome("kotlin").endswith("no: only generated")


def test_syntax_only(machine: Machine) -> None:
    """A recipe that checks only the syntax says so."""
    machine.put("path/ruby", "#!/bin/sh\n")
    assert machine.outcome("ruby").endswith("no: only its syntax is checked")


def test_missing_dependencies(machine: Machine) -> None:
    """A client without its dependencies is not compiled, and the report says why."""
    machine.put("path/cargo", '#!/bin/sh\n[ "$1" != metadata ]\n')
    words = "no: cargo is installed, but not what the client depends on"
    assert machine.outcome("rust").endswith(f"{words}; --online fetches it")
    assert machine.outcome("rust", "--online").endswith(words)


def test_online(machine: Machine) -> None:
    """With --online the language's tools download dependencies; a failure is reported."""
    machine.put(
        "path/cargo", '#!/bin/sh\n[ "$1" != fetch ] || { echo "no network" >&2; exit 1; }\n'
    )
    assert machine.outcome("rust") == "rust  yes"
    words = "no: cargo fetch failed: no network"
    assert machine.outcome("rust", "--online").endswith(words)
    machine.put("path/cargo", "#!/bin/sh\n")
    assert machine.outcome("rust", "--online") == "rust  yes"


def test_a_generator_that_fails(machine: Machine) -> None:
    """The output of a generator that fails is shown."""
    machine.put("java/bin/java", "#!/bin/sh\necho 'cannot read the description' >&2; exit 1\n")
    result = machine.run("go")
    assert result.returncode == 1
    assert "cannot read the description" in result.stderr
