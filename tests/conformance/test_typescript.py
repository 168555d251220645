"""The TypeScript client: generated, compiled under strict, and run on Node with the same cases.

Needs the repository and its development tools, not the installed package.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from clients import KEY
from conformance.cases import FOLDER, embedded, scripted
from conformance.service import ConformanceService, embedded_service

pytestmark = pytest.mark.repository

ROOT = FOLDER.parents[1]
SCRIPTS = ROOT / "scripts"
TOOLS = Path(sys.executable).parent


def run(*command: str | Path, folder: Path = ROOT, **environment: str) -> str:
    """Runs a program with the tools of this environment, and returns what it prints."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHON_BIN_DIR": str(TOOLS)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def node(*arguments: str, folder: Path, **environment: str) -> str:
    """Runs Node, and returns what it prints."""
    return run(SCRIPTS / "node", "typescript", "node", *arguments, folder=folder, **environment)


def project_with(package: Path, folder: Path) -> Path:
    """A project that has installed the package, with the programs of this test and of the docs."""
    installed = SCRIPTS / "typescript" / "node_modules"
    modules = folder / "node_modules"
    (modules / "@vectorcache").mkdir(parents=True)
    (modules / "@vectorcache" / "client").symlink_to(package)
    for name in ("@types", "undici-types"):
        (modules / name).symlink_to(installed / name)
    shutil.copytree(FOLDER / "typescript", folder, dirs_exist_ok=True)
    page = (ROOT / "docs" / "languages.md").read_text("utf-8")
    (example,) = re.findall(r"^```typescript\n(.+?)^```", page, re.DOTALL | re.MULTILINE)
    (folder / "example.ts").write_text(example, "utf-8")
    return folder


@pytest.fixture
def embedded_url() -> Iterator[str]:
    """The embedded service, with an empty cache."""
    with embedded_service() as url:
        yield url


def test_typescript(tmp_path: Path, embedded_url: str, subtests: pytest.Subtests) -> None:
    """The TypeScript client is an npm package that conforms, and so does what the docs show."""
    # This is one test, because making and compiling the package takes longer than all the rest.
    run(SCRIPTS / "generate-client", "typescript", "--output", tmp_path)
    package = tmp_path / "typescript"
    project = project_with(package, tmp_path / "project")

    with subtests.test("It has code, types, the description's version, and no dependencies"):
        manifest = (package / "package.json").read_text("utf-8")
        assert "ependencies" not in manifest
        description = (ROOT / "openapi.yaml").read_text("utf-8")
        version = re.search(r"^  version: (\S+)$", description, re.MULTILINE)
        assert version is not None
        assert f'"version": "{version[1]}"' in manifest
        assert (package / "dist" / "index.d.ts").is_file()

    with subtests.test("What uses it compiles under strict, and mistakes do not"):
        run(SCRIPTS / "node", "typescript", "tsc", "--project", project)

    with subtests.test("On Node it sends and reads what the cases say"):
        with ConformanceService(scripted("typescript")) as service:
            shown = node(
                *("--test", "--test-reporter=tap", "conformance.ts"),
                folder=project,
                CASES=str(FOLDER),
                SCRIPTED_URL=service.url,
                EMBEDDED_URL=embedded_url,
                KEY=KEY,
            )
        count = len(scripted("typescript")) + len(embedded("typescript"))
        assert f"# pass {count}\n" in shown

    with subtests.test("The example of the docs says what it says there"):
        shown = node(
            "example.ts",
            folder=project,
            VECTORCACHE_API_KEY=KEY,
            VECTORCACHE_BASE_URL=embedded_url,
        )
        assert shown == "An answer to: What is machine learning?\nhit: false\n"
