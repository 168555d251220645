"""What is in generated/ follows from openapi.yaml.

Needs the repository and its development tools, not the installed package.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.repository

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "generated" / "vectorcache_api"
TOOLS = Path(sys.executable).parent


def generate(*args: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Runs scripts/generate with the tools of this environment."""
    return subprocess.run(
        [ROOT / "scripts" / "generate", *args],
        env=os.environ | {"PYTHON_BIN_DIR": str(TOOLS)} | env,
        capture_output=True,
        text=True,
        check=False,
    )


def written(package: Path) -> dict[str, bytes]:
    """Returns every file of a package, except those that Python leaves there."""
    return {
        path.relative_to(package).as_posix(): path.read_bytes()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def description() -> Any:
    """Returns a copy of the description, to change."""
    return yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8"))


def generate_from(spec: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """Generates folder/vectorcache_api from a changed description."""
    changed = folder / "changed.yaml"
    changed.write_text(yaml.safe_dump(spec), "utf-8")
    return generate("--input", changed, "--output", folder / "vectorcache_api")


def run_with(folder: Path, code: str) -> str:
    """Returns what code prints that imports the package generated in the folder."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def git(folder: Path, *args: str) -> str:
    """Returns what git prints."""
    return subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *args],
        cwd=folder,
        env=os.environ | {"GIT_CONFIG_GLOBAL": os.devnull},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_committed_client_is_up_to_date() -> None:
    """The client that ships is the one that openapi.yaml describes."""
    result = generate("--check")
    assert (result.returncode, result.stdout) == (0, ""), result.stderr


@pytest.mark.parametrize(
    ("change", "shown"),
    [("edited", "-# by hand"), ("added", "stray.py"), ("removed", "py.typed")],
)
def test_check_shows_the_difference_and_writes_nothing(
    tmp_path: Path, change: str, shown: str
) -> None:
    """A generated file changed by hand is reported with the diff, and left as it is."""
    package = tmp_path / "vectorcache_api"
    shutil.copytree(COMMITTED, package)
    model = package / "models" / "query_request.py"
    match change:
        case "edited":
            model.write_text(model.read_text("utf-8") + "# by hand\n", "utf-8")
        case "added":
            (package / "stray.py").touch()
        case _:
            (package / "py.typed").unlink()
    before = written(package)

    result = generate("--check", "--output", package)

    assert result.returncode == 1
    assert shown in result.stdout
    assert "run ./scripts/generate" in result.stderr
    assert written(package) == before


def test_generation_is_repeatable(tmp_path: Path) -> None:
    """The same description gives the same bytes, whatever folder and settings are around."""
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\nline-length = 40\n", "utf-8")
    (tmp_path / ".gitignore").write_text("*\n", "utf-8")
    git(tmp_path, "init", "--quiet")
    for output in (tmp_path / "one", tmp_path / "build" / "two"):
        result = generate(
            "--output", output, TMPDIR=str(tmp_path), PYTHONHASHSEED=str(len(output.name))
        )
        assert result.returncode == 0, result.stderr
        assert written(output) == written(COMMITTED)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".git",
        ".gitignore",
        "build",
        "one",
        "pyproject.toml",
    ]


def test_output_holds_the_package_alone(tmp_path: Path) -> None:
    """The package is marked as typed, and holds no leftovers and no tools' caches."""
    package = tmp_path / "vectorcache_api"
    package.mkdir()
    (package / "stale.py").write_text("", "utf-8")
    assert generate("--output", package).returncode == 0
    files = written(package)
    assert "py.typed" in files
    assert {Path(name).suffix for name in files} == {".py", ".typed"}
    assert "stale.py" not in files


def test_an_added_field_reaches_the_models(tmp_path: Path) -> None:
    """A field added to the description can be sent and read."""
    spec = description()
    schemas = spec["components"]["schemas"]
    schemas["QueryRequest"]["properties"]["language"] = {"type": "string"}
    schemas["QueryResponse"]["properties"]["cached_at"] = {"type": "string", "format": "date-time"}
    result = generate_from(spec, tmp_path)
    assert result.returncode == 0, result.stderr
    code = """
from vectorcache_api.models import QueryRequest, QueryResponse
print(QueryRequest(prompt="Hallo", model="m", language="de").to_dict()["language"])
answer = {"cache_hit": True, "response": "", "cost_saved": 0, "llm_provider": "cache"}
print(QueryResponse.from_dict(answer | {"cached_at": "2026-01-02T03:04:05Z"}).cached_at.year)
"""
    assert run_with(tmp_path, code).split() == ["de", "2026"]


def test_an_added_endpoint_becomes_a_function(tmp_path: Path) -> None:
    """An endpoint added to the description can be called."""
    spec = description()
    spec["paths"]["/v1/cache/entries/{entry_id}"] = {
        "delete": {
            "tags": ["cache"],
            "operationId": "deleteEntry",
            "parameters": [
                {"name": "entry_id", "in": "path", "required": True, "schema": {"type": "string"}}
            ],
            "responses": {"204": {"description": "Gone"}},
        }
    }
    result = generate_from(spec, tmp_path)
    assert result.returncode == 0, result.stderr
    code = """
import httpx
from vectorcache_api import Client
from vectorcache_api.api.cache.delete_entry import sync_detailed
client = Client(base_url="http://test")
transport = httpx.MockTransport(lambda request: print(request.method, request.url.path)
    or httpx.Response(204))
client.set_httpx_client(httpx.Client(base_url="http://test", transport=transport))
print(sync_detailed("e1", client=client).status_code.value)
"""
    assert run_with(tmp_path, code).split() == ["DELETE", "/v1/cache/entries/e1", "204"]


def test_a_description_the_generator_warns_about_fails(tmp_path: Path) -> None:
    """An endpoint that the generator cannot translate is an error, and the old client stays."""
    spec = description()
    spec["paths"]["/v1/cache/query"]["post"]["requestBody"]["content"] = {
        "application/unheard-of": {"schema": {"type": "string"}}
    }
    package = tmp_path / "vectorcache_api"
    shutil.copytree(COMMITTED, package)
    result = generate_from(spec, tmp_path)
    assert result.returncode == 1
    assert "application/unheard-of" in result.stderr
    assert written(package) == written(COMMITTED)


def test_without_the_pinned_tools_it_says_what_to_install(tmp_path: Path) -> None:
    """A machine without the development tools is told how to get them."""
    result = generate("--check", PYTHON_BIN_DIR=str(tmp_path), PATH="/usr/bin:/bin")
    assert result.returncode == 2
    assert "./scripts/venv .venv dev" in result.stderr


def test_a_changed_client_is_proposed_once(tmp_path: Path) -> None:
    """A changed client becomes one pull request; an unchanged client does not."""
    origin, clone, tools = tmp_path / "origin", tmp_path / "clone", tmp_path / "tools"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch", "main", str(origin))
    git(tmp_path, "clone", "--quiet", str(origin), str(clone))
    git(clone, "switch", "--create", "main")
    (clone / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "propose-client", clone / "scripts")
    (clone / "generated").mkdir()
    (clone / "generated" / "model.py").write_text("old\n", "utf-8")
    git(clone, "add", ".")
    git(clone, "commit", "--quiet", "--message", "First")
    git(clone, "push", "--quiet", "origin", "main")
    tools.mkdir()
    (tools / "gh").write_text(f'#!/bin/sh\necho "$@" >>"{tmp_path}/calls"\n', "utf-8")
    (tools / "gh").chmod(0o755)

    def propose() -> None:
        subprocess.run(
            [clone / "scripts" / "propose-client"],
            env=os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"},
            capture_output=True,
            check=True,
        )

    propose()
    assert not (tmp_path / "calls").exists()

    (clone / "generated" / "model.py").write_text("new\n", "utf-8")
    (clone / "generated" / "added.py").write_text("new\n", "utf-8")
    propose()
    calls = (tmp_path / "calls").read_text("utf-8")
    assert calls.count("pr create --base main --head regenerate") == 1
    assert git(origin, "diff", "--name-only", "main", "regenerate").split() == [
        "generated/added.py",
        "generated/model.py",
    ]
