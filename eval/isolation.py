"""The environment that a measured process runs in: nobody's settings, no network, one thread."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

__all__ = ["ROOT", "clean_environment", "nltk_tables"]

ROOT = Path(__file__).resolve().parent.parent
OWN = ("RAG_", "OPENAI_", "LANGCHAIN_", "LANGSMITH_")


def clean_environment(data_dir: Path, **more: str) -> dict[str, str]:
    """This process's environment without anybody's keys and endpoints.

    Args:
        data_dir: where essay-rag keeps its index.
        more: further variables.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    return {
        **kept,
        "PYTHONPATH": path,
        "PYTHONUTF8": "1",
        "RAG_DATA_DIR": str(data_dir),
        "RAG_LLM_DISCOVER": "false",
        "RAG_EMBED_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "ANONYMIZED_TELEMETRY": "False",
        **more,
    }


def nltk_tables(folder: Path) -> dict[str, str]:
    """NLTK's tables that come with LlamaIndex, copied to `folder`, as a variable that names it.

    NLTK refuses files with more than one hard link, which is how uv installs them.
    """
    spec = find_spec("llama_index.core")
    if spec is None or spec.origin is None:
        return {}
    shutil.copytree(Path(spec.origin).parent / "_static" / "nltk_cache", folder)
    return {"NLTK_DATA": str(folder)}
