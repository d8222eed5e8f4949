"""The essays and questions to practise on keep what they promise."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from eval.cases import KINDS, read_questions
from rag.load import loadable

PRACTICE = Path(__file__).parents[1] / "eval" / "practice"
FOLDERS = sorted(path for path in PRACTICE.iterdir() if path.is_dir())


def test_every_folder_is_named_in_the_readme() -> None:
    told = (PRACTICE / "README.md").read_text("utf-8")
    assert FOLDERS
    for folder in FOLDERS:
        assert f"| `{folder.name}` |" in told


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_evidence_is_exact_and_holds_the_answer(folder: Path) -> None:
    texts = {p.name: p.read_bytes().decode() for p in folder.iterdir() if loadable(p)}
    asked = read_questions(folder / "questions.jsonl")
    counts = Counter(question.kind for question in asked)
    assert set(counts) <= set(KINDS)
    assert counts["unanswerable"] >= 64
    for question in asked:
        assert bool(question.evidence) == (question.kind != "unanswerable"), question.id
        assert question.id.rpartition("-")[0] in {Path(name).stem for name in texts}
        for evidence in question.evidence:
            assert evidence.text in texts[evidence.file], question.id
        if question.answerable:
            said = "\n".join(evidence.text for evidence in question.evidence).lower()
            for forms in question.accepted:
                assert any(form.lower() in said for form in forms), question.id
