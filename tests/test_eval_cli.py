"""`rag eval`: options, output and exit status, over a small Rag in place of the real one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import ENOSPC
from pathlib import Path
from typing import Any

import pytest
from eval_support import DownRag, WordRag

from eval import opening
from eval.cli import main
from eval.datasets import Dataset
from rag.config import Settings

ESSAY = "Copper cost 42 crowns.\nThe miners met in winter and quarrelled about bread.\n"
QUESTIONS: list[dict[str, Any]] = [
    {
        "id": "cost",
        "question": "What did copper cost in crowns?",
        "kind": "fact",
        "evidence": [{"file": "a.txt", "text": "Copper cost 42 crowns."}],
        "accepted": [["42"]],
    },
    {"id": "none", "question": "Who sang?", "kind": "unanswerable", "evidence": [], "accepted": []},
]


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    path = tmp_path / "asked.jsonl"
    path.write_text("\n".join(map(json.dumps, QUESTIONS)), encoding="utf-8")
    return path


@pytest.fixture
def over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[WordRag], None]:
    """Makes the command ask another Rag."""
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "data"))

    def use(rag: WordRag) -> None:
        @contextmanager
        def opened(dataset: Dataset, settings: Settings, **_: object) -> Iterator[WordRag]:
            assert dataset.questions
            assert settings.data_dir == tmp_path / "data"
            yield rag

        monkeypatch.setattr(opening, "open_rag", opened)

    use(WordRag({"root/a.txt": ESSAY}))
    return use


def test_it_prints_a_table_and_writes_both_reports(
    asked: Path, over: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--dataset", f"jsonl:{asked}"]) == 0
    shown = capsys.readouterr().out
    assert "hit@5" in shown
    folder = tmp_path / "data" / "eval" / "reports" / "asked"
    assert json.loads((folder / "report.json").read_text("utf-8"))["figures"]["hit@5"]["value"] == 1
    assert (folder / "report.html").exists()


def test_json_is_one_object_on_standard_output(
    asked: Path, over: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--dataset", f"jsonl:{asked}", "--json", "--kinds", "fact"]) == 0
    assert [case["id"] for case in json.loads(capsys.readouterr().out)["cases"]] == ["cost"]


def test_a_drop_against_the_baseline_is_status_4(
    tmp_path: Path, over: Callable[[WordRag], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """A single question proves nothing, so there are eight of them."""
    many = [{**QUESTIONS[0], "id": f"cost-{n}"} for n in range(8)]
    asked, baseline = tmp_path / "many.jsonl", tmp_path / "baseline.json"
    asked.write_text("\n".join(map(json.dumps, many)), encoding="utf-8")
    spec = ["--dataset", f"jsonl:{asked}"]
    assert main([*spec, "--write-baseline", str(baseline)]) == 0
    assert main([*spec, "--baseline", str(baseline)]) == 0
    over(WordRag({"root/a.txt": ESSAY}, refuse_below=2))
    assert main([*spec, "--baseline", str(baseline)]) == 4
    assert "DROPPED" in capsys.readouterr().out
    assert main([*spec, "--baseline", str(baseline), "--limit", "6"]) == 4


def test_a_baseline_that_cannot_be_written_leaves_the_one_before(
    asked: Path, over: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, link = tmp_path / "kept.json", tmp_path / "baseline.json"
    link.symlink_to(target)
    command = ["--dataset", f"jsonl:{asked}", "--write-baseline", str(link)]
    assert main(command) == 0
    before = target.read_bytes()
    write_text = Path.write_text

    def torn(path: Path, text: str, encoding: str) -> None:
        write_text(path, text[: len(text) // 2], encoding=encoding)
        if path.parent == tmp_path:
            raise OSError(ENOSPC, "No space left on device")
        write_text(path, text, encoding=encoding)

    monkeypatch.setattr(Path, "write_text", torn)
    assert main(command) == 1
    assert target.read_bytes() == before
    assert link.is_symlink()


def test_an_error_of_one_question_is_status_1(
    tmp_path: Path, over: Callable[[WordRag], None], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = tmp_path / "down.jsonl"
    down = {**QUESTIONS[0], "id": "down", "question": "down?"}
    asked.write_text("\n".join(map(json.dumps, [*QUESTIONS, down])), encoding="utf-8")
    over(DownRag({"root/a.txt": ESSAY}))
    assert main(["--dataset", f"jsonl:{asked}"]) == 1
    assert "down: Nothing listens at http://127.0.0.1:9. Start it." in capsys.readouterr().err


def test_what_a_file_says_does_nothing_to_the_terminal(
    tmp_path: Path, over: object, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = tmp_path / "hostile.jsonl"
    elsewhere = [{"file": "\x1b[2J.txt", "text": "x"}]
    asked.write_text(json.dumps({**QUESTIONS[0], "evidence": elsewhere}), encoding="utf-8")
    assert main(["--dataset", f"jsonl:{asked}"]) == 1
    said = capsys.readouterr().err
    assert r"\x1b[2J.txt" in said
    assert "\x1b" not in said


def test_another_question_set_is_status_1(
    asked: Path, over: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    baseline, other = tmp_path / "baseline.json", tmp_path / "other.jsonl"
    main(["--dataset", f"jsonl:{asked}", "--write-baseline", str(baseline)])
    renamed = {**QUESTIONS[0], "id": "new"}
    other.write_text("\n".join(map(json.dumps, [renamed, QUESTIONS[1]])), encoding="utf-8")
    assert main(["--dataset", f"jsonl:{other}", "--baseline", str(baseline)]) == 1
    assert "not in this run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--limit", "0"], 2),
        (["--nonsense"], 2),
        (["--dataset", "nonsense:x"], 1),
        (["--baseline", "/nowhere.json"], 1),
        (["--write-baseline", "nodir/b.json"], 1),
        (["--write-baseline", "."], 1),
        (["--write-baseline", "/dev/null"], 1),
        (["--output", __file__], 1),
        (["--output", "/proc/x"], 1),
        (["--help"], 0),
    ],
)
def test_wrong_usage_is_told_without_a_traceback(
    over: object, arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == status
    said = capsys.readouterr()
    assert "asking" not in said.err
    assert "Traceback" not in said.err + said.out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_an_output_that_cannot_be_written_is_a_plain_error(tmp_path: Path) -> None:
    environment = {**os.environ, "RAG_DATA_DIR": str(tmp_path / "data"), "RAG_LLM": "off"}
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "eval", "--help"],
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert ran.returncode == 1
    assert b"cannot be written" in ran.stderr
    assert b"Traceback" not in ran.stderr
