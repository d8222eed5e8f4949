"""Opens the Rag that a dataset is asked of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from eval.datasets import Dataset
from rag.errors import EvalFault, IndexMismatch
from rag.storage.files import put

if TYPE_CHECKING:
    from rag.config import Settings
    from rag.schema import IngestReport

__all__ = ["home_of", "open_rag"]


@contextmanager
def open_rag(
    dataset: Dataset,
    settings: Settings,
    kind: Callable[[Settings], Any] | None = None,
    on_progress: Callable[..., None] | None = None,
) -> Iterator[Any]:
    """A Rag (or what `kind` makes of the settings) over the dataset's documents.

    They are ingested into `<data_dir>/eval/<name and digest of the documents>`, which is used again
    as long as they do not change; what is converted once is shared. A dataset without documents is
    asked of the data directory. Raises EvalFault where its folder is not there, as the seed essays'
    beside a package that came alone.
    """
    from rag import Rag

    make = kind or Rag
    if dataset.folder and not dataset.folder.is_dir():
        raise EvalFault(
            "The essays that the questions are about are not here.",
            "Run it from a clone of the repository, or give --dataset jsonl:PATH.",
        )
    if dataset.folder is None and not dataset.documents:
        with make(settings) as rag:
            yield rag
        return
    home = home_of(dataset, settings.data_dir)
    folder = dataset.folder or _write_documents(dataset, home / "documents")
    with make(settings.model_copy(update={"data_dir": home, "models_dir": settings.models})) as rag:
        report = _ingested(rag, folder, on_progress)
        if report.failed:
            source, why = next(iter(report.failed.items()))
            raise EvalFault(f"{len(report.failed)} documents failed; {source}: {why}", "Mend them.")
        yield rag


def home_of(dataset: Dataset, data_dir: Path) -> Path:
    """The folder in `data_dir` of the index over the dataset's documents."""
    return data_dir / "eval" / f"{dataset.name}-{_documents_digest(dataset)}"


def _ingested(rag: Any, folder: Path, on_progress: Callable[..., None] | None) -> IngestReport:
    """An index of our own that an older version made is simply made again."""
    try:
        return cast("IngestReport", rag.ingest(folder, on_progress=on_progress))
    except IndexMismatch:
        rag.reindex(on_progress=on_progress)
        return cast("IngestReport", rag.ingest(folder, on_progress=on_progress))


def _documents_digest(dataset: Dataset) -> str:
    content = json.dumps([str(dataset.folder or ""), dict(dataset.documents)], ensure_ascii=False)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _write_documents(dataset: Dataset, folder: Path) -> Path:
    """What is there already is not written again: to the index it would be another file."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in dataset.documents.items():
        path, content = folder / name, text.encode()
        if not path.exists() or path.read_bytes() != content:
            put(path, content)
    return folder
