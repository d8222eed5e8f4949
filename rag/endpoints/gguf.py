"""Runs a GGUF file in this process: llama.cpp behind its own OpenAI-compatible HTTP server."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.errors import ConfigError

__all__ = ["Served", "serve"]


@dataclass(frozen=True, slots=True)
class Served:
    """A model that is being served; `base_url` goes up to and with /v1."""

    base_url: str
    server: list[Any]

    def close(self) -> None:
        """Stop serving and free the model."""
        self.server.clear()  # xllamacpp stops its server when the last reference goes


def serve(path: Path, context: int, threads: int = 0) -> Served:
    """Load a GGUF file and serve it on a free loopback port.

    `context` is in tokens. `threads` 0 leaves one core to others. Raises ConfigError where the
    extra is not installed or the file is no model that llama.cpp can load.
    """
    try:
        import xllamacpp
    except ModuleNotFoundError:
        raise ConfigError(
            "RAG_LLM_GGUF needs llama.cpp, which is not installed.",
            "Install the extra: pip install 'essay-rag[gguf]'.",
        ) from None
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.model_alias = {path.stem}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = context
    params.n_parallel = 1
    params.cpuparams.n_threads = threads or max((os.cpu_count() or 2) - 1, 1)
    params.ui = False
    params.verbosity = -1
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        raise ConfigError(
            f"llama.cpp cannot load {path}: {error}", "Is it a GGUF file of a chat model?"
        ) from None
    return Served(server.listening_address + "/v1", [server])
