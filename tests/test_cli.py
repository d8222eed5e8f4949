"""The `rag` command: what it prints, on which stream, and with which exit status."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from store_support import damage

from rag.cli import main
from rag.config import Settings


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: Settings
) -> Callable[..., Ran]:
    """Runs `rag …` in this process, on an empty data directory unless told otherwise."""

    def run(*arguments: str, data: Path = settings.data_dir, llm: str = "off") -> Ran:
        monkeypatch.setenv("RAG_DATA_DIR", str(data))
        monkeypatch.setenv("RAG_LLM", llm)
        with pytest.raises(SystemExit) as left:
            main(list(arguments))
        streams = capsys.readouterr()
        return Ran(int(left.value.code or 0), streams.out, streams.err)

    return run


def test_ask_prints_the_cited_answer(run: Callable[..., Ran], seeded: Path) -> None:
    ran = run("ask", "作者在哪家公司做AI Infra？", data=seeded)
    assert ran.status == 0
    assert "阶跃星辰" in ran.out
    assert "[1]" in ran.out
    assert "seeds/000_" in ran.out
    assert "quotes only" in ran.out


def test_a_question_is_heard_where_the_locale_knows_ascii_alone(
    run: Callable[..., Ran], seeded: Path
) -> None:
    question = "作者在哪家公司做AI Infra？"
    typed = question.encode().decode("ascii", "surrogateescape")
    answer = json.loads(run("ask", "--json", typed, data=seeded).out)
    assert answer["question"] == question
    assert "阶跃星辰" in answer["text"]
    odd = json.loads(run("ask", "--json", "A\udcff \ud800", data=seeded).out)
    assert odd["question"] == "A\ufffd \ufffd"


def test_ask_json_is_one_object_with_the_answers_fields(
    run: Callable[..., Ran], seeded: Path
) -> None:
    ran = run("ask", "--json", "五层蛋糕是哪五层？", data=seeded)
    answer = json.loads(ran.out)
    assert ran.status == 0
    assert answer.keys() >= {
        "question",
        "text",
        "sentences",
        "citations",
        "refused",
        "answerable",
        "mode",
        "model",
        "warnings",
        "timings",
        "usage",
    }
    assert answer["citations"][0].keys() == {"n", "source", "title", "start", "end", "quote"}
    assert answer["sentences"][0]["verdict"]["label"] == "supported"


def test_a_refusal_is_an_answer(run: Callable[..., Ran], seeded: Path) -> None:
    ran = run("ask", "--json", "Who won the 1998 football world cup final in Paris?", data=seeded)
    assert ran.status == 0
    assert json.loads(ran.out)["refused"] is True


def test_ingest_list_remove(run: Callable[..., Ran], tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "good.txt").write_text("A lighthouse stands on the rock.\n", "utf-8")
    assert run("ingest", str(folder)).status == 0
    listed = json.loads(run("list", "--json").out)
    assert [essay["source"] for essay in listed] == ["notes/good.txt"]
    assert run("remove", "notes/good.txt").status == 0
    assert json.loads(run("list", "--json").out) == []
    assert (folder / "good.txt").exists()


def test_a_file_that_fails_is_named_and_the_rest_is_done(
    run: Callable[..., Ran], tmp_path: Path
) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "good.txt").write_text("A lighthouse stands on the rock.\n", "utf-8")
    (folder / "bad.txt").write_bytes(bytes(range(256)) * 8)
    ran = run("ingest", str(folder))
    assert ran.status == 3
    assert "notes/bad.txt" in ran.err
    assert "1 new" in ran.out


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["ask"], 2, "Missing argument"),
        (["ask", " "], 2, "Nothing was asked"),
        (["ui", "--port", "99999"], 2, "65535"),
        (["nonsense"], 2, "No such command"),
        (["ingest", "no/such/folder"], 1, "no/such/folder"),
        (["remove", "nobody.txt"], 1, "nobody.txt"),
    ],
)
def test_errors_are_plain_lines_on_standard_error(
    run: Callable[..., Ran], arguments: list[str], status: int, said: str
) -> None:
    ran = run(*arguments)
    assert ran.status == status
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert ran.out == ""


def test_an_unknown_setting_is_refused(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_LLM_MODLE", "x")
    ran = run("list")
    assert ran.status == 1
    assert "RAG_LLM_MODLE" in ran.err
    assert "RAG_LLM_MODEL" in ran.err


@pytest.mark.parametrize("command", [["ask", "五层蛋糕是哪五层？"], ["doctor"]])
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("RAG_LLM_BASE_URL", "http://[::1/v1", "RAG_LLM_BASE_URL is wrong"),
        ("RAG_JUDGE", "http://127.0.0.1:abc/v1", "RAG_JUDGE is wrong"),
        ("RAG_LLM_API_KEY", "sk-TOP\rSECRET", "RAG_LLM_API_KEY is wrong"),
    ],
)
def test_a_wrong_setting_is_one_line(
    run: Callable[..., Ran],
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    name: str,
    value: str,
    said: str,
) -> None:
    monkeypatch.setenv(name, value)
    ran = run(*command)
    assert ran.status == 1
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert "SECRET" not in ran.err


def test_the_list_of_settings_shows_no_password(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_LLM_BASE_URL", "http://user:PASSW0RD@host/v1")
    monkeypatch.setenv("RAG_WITHOUT", "reader,tokens")
    ran = run("doctor", "--settings")
    assert ran.status == 0
    assert "PASSW0RD" not in ran.out
    assert "None" not in ran.out
    ran = run("doctor", "--settings", "--json")
    assert "PASSW0RD" not in ran.out
    assert json.loads(ran.out)["RAG_WITHOUT"] == "reader, tokens"


def test_an_unreachable_endpoint_is_an_error_and_no_refusal(
    run: Callable[..., Ran], seeded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_LLM_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("RAG_LLM_MODEL", "nobody")
    monkeypatch.setenv("RAG_LLM_RETRIES", "0")
    ran = run("ask", "--json", "五层蛋糕是哪五层？", data=seeded, llm="auto")
    assert ran.status == 1
    assert ran.out == ""
    assert "127.0.0.1:9" in ran.err


def test_doctor_says_that_nothing_leaves(run: Callable[..., Ran], seeded: Path) -> None:
    ran = run("doctor", data=seeded)
    assert ran.status == 0
    assert "No passage leaves this machine" in ran.out
    assert "5 essays" in ran.out


def test_help_needs_none_of_the_heavy_libraries() -> None:
    code = (
        "import sys; from rag.cli import cli\n"
        "try: cli.main(['--help'], standalone_mode=False)\n"
        "finally: print(sorted({m.split('.')[0] for m in sys.modules}"
        " & {'llama_index', 'chromadb', 'numpy', 'pydantic', 'rich', 'gradio', 'openai'}))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"


def test_the_module_is_the_command() -> None:
    for module in (["rag"], ["rag", "eval"]):
        command = [sys.executable, "-m", *module, "--help"]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        assert ran.stdout.startswith("Usage: ")


def test_names_and_words_of_essays_do_nothing_to_the_terminal(
    run: Callable[..., Ran], tmp_path: Path
) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    name = "es\x1b[31mc\nred.txt"
    (folder / name).write_text(
        "# A \x1b]0;pwned\x07 title\n\nThe \x1b[31mlighthouse\x1b[0m on the rock is red.\n", "utf-8"
    )
    (folder / "bad\x1b[2J.txt").write_bytes(bytes(range(256)) * 8)
    shown = "notes/es\\x1b[31mc\\nred.txt"
    ingested, listed = run("ingest", str(folder)), run("list")
    asked = run("ask", "--source", shown, "Which colour is the lighthouse?")
    removed, again = run("remove", shown), run("remove", shown)
    for ran in (ingested, listed, asked, removed, again):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", ran.out + ran.err)
    assert "notes/bad\\x1b[2J.txt" in ingested.err
    assert shown in asked.out
    assert (removed.status, again.status) == (0, 1)


def test_json_is_exact_whatever_a_name_holds(run: Callable[..., Ran], tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a\x1b\x9b.txt").write_text("A lighthouse stands on the rock.\n", "utf-8")
    printed = run("ingest", "--json", str(folder)).out
    assert json.loads(printed)["added"] == ["notes/a\x1b\x9b.txt"]
    assert not re.search("[\x1b\x9b]", printed)


def test_an_empty_path_is_wrong_usage(run: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "private.txt").write_text("Not meant to be read in.\n", "utf-8")
    ran = run("ingest", "")
    assert ran.status == 2
    assert "PATH" in ran.err
    assert ran.out == ""


@pytest.mark.parametrize(
    ("variable", "dotenv", "said"),
    [
        ("~nobody-of-this-name/x", b"", "RAG_DATA_DIR is wrong"),
        ("", b"RAG_K=5\nNAME=caf\xe9\n", ".env is no UTF-8: byte 16"),
    ],
)
def test_settings_that_cannot_be_read_are_plain_errors(
    variable: str,
    dotenv: bytes,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("RAG_DATA_DIR", variable)
    (tmp_path / ".env").write_bytes(dotenv)
    with pytest.raises(SystemExit) as left:
        main(["list"])
    assert left.value.code == 1
    assert said in capsys.readouterr().err


def test_a_name_that_is_no_text_is_matched_as_it_is_listed(
    run: Callable[..., Ran], tmp_path: Path
) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    name = os.fsdecode(b"caf\xe9.txt")
    (folder / name).write_text("A lighthouse stands on the rock.\n", "utf-8")
    assert run("ingest", str(folder)).status == 0
    assert "nobody\\xff" in run("ask", "--source", "nobody\udcff", "Where?").err
    assert run("remove", f"notes/{name}").status == 0


@pytest.fixture
def two(tmp_path: Path) -> tuple[str, str]:
    """Two folders of an essay each."""
    for name, text in (("notes", "A lighthouse stands on the rock."), ("diary", "It snowed.")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "one.txt").write_text(text, "utf-8")
    return str(tmp_path / "notes"), str(tmp_path / "diary")


def test_a_mistyped_path_is_said_before_anything_is_done(
    run: Callable[..., Ran], two: tuple[str, str]
) -> None:
    ran = run("ingest", two[0], "no/such/folder")
    assert (ran.status, ran.out) == (1, "")
    assert "no/such/folder" in ran.err
    assert json.loads(run("list", "--json").out) == []


def test_several_paths_are_done_in_part(
    run: Callable[..., Ran], two: tuple[str, str], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    ran = run("ingest", two[0], str(tmp_path / "empty"), two[1])
    assert ran.status == 3
    assert ran.out.count("1 new") == 2
    assert ran.err.count("holds no file") == 1
    assert len(json.loads(run("list", "--json").out)) == 2
    assert run("ingest", str(tmp_path / "empty")).status == 1


def test_several_paths_make_one_json_object(
    run: Callable[..., Ran], two: tuple[str, str], tmp_path: Path
) -> None:
    report = json.loads(run("ingest", "--json", *two).out)
    assert report["added"] == ["notes/one.txt", "diary/one.txt"]
    empty = tmp_path / "empty"
    empty.mkdir()
    ran = run("ingest", "--json", *two, str(empty))
    assert ran.status == 3
    report = json.loads(ran.out)
    assert len(report["unchanged"]) == 2
    assert "no file" in report["failed"][str(empty)]


def test_a_list_in_a_pipe_has_each_name_on_one_line(
    run: Callable[..., Ran], tmp_path: Path
) -> None:
    name = "a-long-name-" * 12 + "一个长名字.txt"
    (tmp_path / name).write_text(f"# {'A long title ' * 8}\n\nA lighthouse.\n", "utf-8")
    run("ingest", name)
    heading, line = run("list").out.splitlines()
    assert heading.startswith("source")
    assert line.startswith(name)


def test_doctor_sees_a_damaged_catalog(run: Callable[..., Ran], settings: Settings) -> None:
    Path("note.txt").write_text("A lighthouse stands on the rock.\n", "utf-8")
    run("ingest", "note.txt")
    damage(settings.data_dir / "index" / "catalog.db")
    ran = run("doctor")
    assert ran.status == 1
    assert "✗ index" in ran.out
    assert "note.txt" in ran.out


def test_certificates_that_cannot_be_read_are_no_fault_of_the_output(
    run: Callable[..., Ran], seeded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such.pem")
    monkeypatch.setenv("RAG_LLM_BASE_URL", "https://models.example/v1")
    monkeypatch.setenv("RAG_LLM_MODEL", "m")
    ran = run("ask", "五层蛋糕是哪五层？", data=seeded, llm="auto")
    assert (ran.status, ran.out) == (1, "")
    assert "SSL_CERT_FILE=/no/such.pem" in ran.err
    assert "Correct SSL_CERT_FILE" in ran.err
    assert "output" not in ran.err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device"), "No space left on device."),
        (PermissionError(13, "Permission denied", "/a\x1b/b"), "Permission denied (/a\\x1b/b)."),
        (OSError(18, "Cross-device link", "/a", None, "/b"), "Cross-device link (/a, /b)."),
        (ConnectionResetError(), "ConnectionResetError."),
        (OSError("http://me:PASSW0RD@host failed"), "http://host failed."),
    ],
)
def test_what_the_system_refuses_is_told_as_what_it_is(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, error: OSError, said: str
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr("rag.engine.Rag.essays", fail)
    before = sys.stdout, sys.stderr
    ran = run("list")
    assert ran == Ran(1, "", f"rag: The system reports: {said}\n")
    assert (sys.stdout, sys.stderr) == before


@pytest.mark.parametrize("arguments", [["--help"], ["doctor", "--settings"]])
def test_a_reader_that_has_gone_is_no_error_to_tell(arguments: list[str]) -> None:
    command = [sys.executable, "-c", f"from rag.cli import main; main({arguments})"]
    ours, theirs = os.pipe()
    os.close(ours)
    ran = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, text=True, check=False)
    os.close(theirs)
    assert (ran.returncode, ran.stderr) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_an_output_that_cannot_be_written_is_a_plain_error() -> None:
    command = [sys.executable, "-c", "from rag.cli import main; main(['--help'])"]
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr.splitlines() == [
        "rag: The output cannot be written: No space left on device.",
        "Make room, or print it elsewhere.",
    ]
