"""What a dataset is asked of."""

from __future__ import annotations

from collections.abc import Callable
from errno import ENOSPC
from pathlib import Path
from typing import Self

import pytest

from eval.cases import Evidence, Question
from eval.datasets import Dataset, open_dataset
from eval.opening import home_of, open_rag
from rag.config import Settings
from rag.errors import EvalFault, IndexMismatch
from rag.schema import IngestReport

ASKED = (Question("q", "?", "fact", True, evidence=(Evidence("a.txt", "x"),)),)


class Store:
    """Notes what is done to it in the settings' folder."""

    outdated: bool = False
    failed: bool = False

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.done: list[str] = []
        self.files: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.done.append("closed")

    def ingest(self, path: Path, on_progress: Callable[..., None] | None = None) -> IngestReport:
        if self.outdated and "reindexed" not in self.done:
            raise IndexMismatch("Made with another encoder.")
        assert on_progress is None
        self.files = sorted(file.name for file in path.iterdir())
        return IngestReport(failed={"a.txt": "broken"} if self.failed else {})

    def reindex(self, on_progress: Callable[..., None] | None = None) -> None:
        assert on_progress is None
        self.done.append("reindexed")


def home(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


def test_documents_get_a_folder_of_their_own(tmp_path: Path) -> None:
    one = Dataset("d", ASKED, documents={"a.txt": "x\r\n", "b.txt": "y"})
    other = Dataset("d", ASKED, documents={"a.txt": "x", "b.txt": "y"})
    with (
        open_rag(one, home(tmp_path), Store) as first,
        open_rag(other, home(tmp_path), Store) as rag,
    ):
        assert first.files == rag.files == ["a.txt", "b.txt"]
        assert first.settings.data_dir != rag.settings.data_dir
        assert first.settings.data_dir.parent == tmp_path / "eval"
        written = (first.settings.data_dir / "documents" / "a.txt").read_bytes()
        assert written == b"x\r\n"
    with open_rag(one, home(tmp_path), Store) as again:
        assert again.settings.data_dir == first.settings.data_dir


def test_a_document_that_was_cut_off_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = Dataset("d", ASKED, documents={"a.txt": "x" * 9, "b.txt": "y"})
    folder = home_of(dataset, tmp_path) / "documents"
    with open_rag(dataset, home(tmp_path), Store):
        before = (folder / "b.txt").stat()
    (folder / "a.txt").write_bytes(b"xxx")
    with open_rag(dataset, home(tmp_path), Store):
        assert (folder / "a.txt").read_bytes() == b"x" * 9
    assert (folder / "b.txt").stat() == before

    def full(*_: object) -> None:
        raise OSError(ENOSPC, "No space left on device")

    other = Dataset("d", ASKED, documents={"c.txt": "z"})
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"), open_rag(other, home(tmp_path), Store):
        pass
    assert not list((home_of(other, tmp_path) / "documents").iterdir())


def test_a_dataset_without_documents_is_asked_of_what_is_ingested(tmp_path: Path) -> None:
    with open_rag(Dataset("mine", ASKED), home(tmp_path), Store) as rag:
        assert rag.settings.data_dir == tmp_path
        assert not rag.files
    assert rag.done == ["closed"]


def test_questions_in_a_file_called_questions_are_asked_of_what_is_ingested(
    tmp_path: Path,
) -> None:
    with open_rag(Dataset("questions", ASKED), home(tmp_path), Store) as rag:
        assert rag.settings.data_dir == tmp_path


def test_the_seed_questions_need_the_seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eval.datasets.SEEDS", tmp_path / "none")
    with (
        pytest.raises(EvalFault, match="not here"),
        open_rag(open_dataset(), home(tmp_path), Store),
    ):
        pass


def test_an_index_of_an_older_version_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "outdated", True)
    with open_rag(Dataset("d", ASKED, documents={"a.txt": "x"}), home(tmp_path), Store) as rag:
        assert rag.done == ["reindexed"]
        assert rag.files == ["a.txt"]


def test_a_document_that_fails_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "failed", True)
    with (
        pytest.raises(EvalFault, match=r"a\.txt: broken"),
        open_rag(Dataset("d", ASKED, documents={"a.txt": "x"}), home(tmp_path), Store),
    ):
        pass


def test_a_folder_is_known_by_its_place_and_not_by_how_it_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = '{"id": "q", "question": "?", "kind": "unanswerable", "evidence": [], "accepted": []}'
    homes = set()
    for name in ("one", "two"):
        folder = tmp_path / name / "essays"
        folder.mkdir(parents=True)
        (folder / "questions.jsonl").write_text(line, encoding="utf-8")
        for current, typed in ((folder.parent, "essays"), (folder, ".")):
            monkeypatch.chdir(current)
            dataset = open_dataset(f"folder:{typed}")
            assert dataset.name == "essays"
            homes.add(home_of(dataset, tmp_path))
    assert len(homes) == 2
