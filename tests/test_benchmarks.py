"""The benchmark commands work: on a handful of sentences, so that it takes seconds."""

from __future__ import annotations

import importlib
import json
import socket
import struct
import subprocess
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from eval import bench, bench_endpoint, bench_files, bench_retrieval, bench_scale, bench_worker
from eval.baselines import BASELINES, missing
from eval.bench_startup import PROGRAM, import_shares, run
from eval.bench_worker import OURS, located
from eval.install_size import needs, sizes
from eval.isolation import clean_environment, nltk_tables
from eval.machine import describe, peak_mb
from rag.schema import Passage

ENGLISH = (
    "The lighthouse at Skerry was lit in 1844.\n\nIts keeper, Anna Brandt, kept a diary.\r\n"
    "\nThe harbour froze in the winter of 1871."
)
CHINESE = "灯塔在一八四四年点亮。\n\n守塔人安娜写日记。"
QUESTIONS = (
    {
        "id": "one",
        "question": "When was the lighthouse lit?",
        "kind": "fact",
        "evidence": [{"file": "english.txt", "text": "lit in 1844"}],
        "accepted": [["1844"]],
    },
    {
        "id": "two",
        "question": "守塔人写什么？",
        "kind": "fact",
        "evidence": [{"file": "chinese.txt", "text": "安娜写日记"}],
        "accepted": [["日记"]],
    },
    {"id": "three", "question": "Who painted it?", "kind": "unanswerable"}
    | {"evidence": [], "accepted": []},
)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "english.txt").write_bytes(ENGLISH.encode())
    (folder / "chinese.txt").write_text(CHINESE, "utf-8")
    (folder / "copy.txt").write_text(CHINESE, "utf-8")
    return folder


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    lines = (json.dumps(one, ensure_ascii=False) for one in QUESTIONS)
    path.write_text("\n".join(lines), "utf-8")
    return path


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def test_a_client_that_hangs_up_is_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    with bench_endpoint.serving() as endpoint:
        with socket.create_connection(("127.0.0.1", urlsplit(endpoint).port)) as client:
            client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 9\r\n\r\n")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        bench_endpoint.bare_first_piece(endpoint, "?", 1)
    assert capfd.readouterr().err == ""


# -- eval.bench -----------------------------------------------------------------------------------


@pytest.mark.parametrize("system", [OURS, *BASELINES])
def test_a_system_ingests_finds_and_answers_like_the_others(
    system: str,
    corpus: Path,
    questions: Path,
    tmp_path: Path,
    converted: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if lacking := missing(system):
        pytest.skip(f"not installed: {lacking}")
    for name, value in nltk_tables(tmp_path / "nltk").items():
        monkeypatch.setenv(name, value)
    options = ["--home", str(tmp_path / "home"), "--models", str(converted)]
    options += ["--corpus", str(corpus), "--warm-up", "1"]
    assert bench_worker.main(["ingest", system, *options]) == 0
    ingested = printed(capsys)
    assert 0 < ingested["embedding s"] < ingested["ingest s"]
    assert ingested["own ingest s"] > 0
    assert ingested["characters embedded"] >= bench.distinct_characters(corpus)
    if system == OURS:  # the file that is there twice is embedded once
        assert ingested["characters embedded"] == bench.distinct_characters(corpus)
    with bench_endpoint.serving() as endpoint:
        asking = ["--questions", str(questions), "--hits", "--endpoint", endpoint]
        assert bench_worker.main(["ask", system, *options, *asking, "--answers", "2"]) == 0
    asked = printed(capsys)
    assert asked["hit@5"] == 1
    assert asked["questions with evidence"] == 2
    assert 0 < asked["retrieve, no embedding p50 ms"] < asked["retrieve p50 ms"]
    assert 1000 * bench_endpoint.FIRST < asked["first token p50 ms"] < asked["answer p50 ms"]
    assert bench_worker.main(["open", system, *options]) == 0
    assert printed(capsys)["passages"] > 0


def test_the_command_runs_systems_in_turn_and_writes_what_it_found(
    corpus: Path, tmp_path: Path, converted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, page = tmp_path / "found.json", tmp_path / "found.md"
    arguments = ["--systems", OURS, "--only", "ingest,size", "--repeat", "1", "--warm-up", "1"]
    arguments += ["--corpus", str(corpus), "--models", str(converted)]
    assert bench.main([*arguments, "--output", str(data), "--output", str(page)]) == 0
    assert "own ingest" in capsys.readouterr().out
    found = json.loads(data.read_text("utf-8"))
    assert found["machine"]["cores"] >= 1
    assert found["corpus"]["essays"] == 3
    medians = found["medians"][OURS]
    assert medians["characters embedded, % of distinct text"] == 100
    assert medians["installed MB"] > found["installed MB"][OURS]["chromadb"] > 10
    assert len(found["rounds"][OURS]["ingest s"]) == 1
    assert "| ingest s |" in page.read_text("utf-8")


def test_a_baseline_that_is_not_installed_is_left_out_with_a_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    needed = importlib.import_module("eval.baselines").NEEDED
    monkeypatch.setitem(needed, "LlamaIndex", ("json",))
    monkeypatch.setitem(needed, "LangChain", ("no_such_module.inside",))
    systems, notes = bench._systems(["LlamaIndex", "LangChain"])
    assert systems == ["LlamaIndex"]
    assert notes == ["LangChain is left out: no_such_module.inside not installed (extra bench)."]


def test_figures_are_medians_of_rounds_and_ratios_of_pairs() -> None:
    figures = {OURS: {"ingest s": [1.0, 2.0, 9.0]}, "Other": {"ingest s": [2.0, 4.0, 9.0]}}
    results = bench.Results({}, {}, figures, {}, {})
    assert results.value("Other", "ingest s") == 4
    assert results.ratio("Other", "ingest s") == 2
    assert list(results.rows()) == [("ingest s", "2.00", "4.00 (×2)", "")]


def test_a_target_is_met_or_missed() -> None:
    figures = {OURS: {"own ingest %": [4.0], "help, wall s": [0.4]}}
    rows = {row[0]: row[-1] for row in bench.Results({}, {}, figures, {}, {}).rows()}
    assert rows == {"own ingest %": "≤ 5 ✓", "help, wall s": "≤ 0.3 ✗"}


def test_a_failing_process_is_an_error_with_its_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.main(["--corpus", str(tmp_path), "--only", "ingest"]) == 1
    assert "holds no essay" in capsys.readouterr().err


def test_a_baselines_words_are_found_in_the_file_wherever_they_stand() -> None:
    hit = located(("a.txt", "bc"), {"a.txt": "abc abc"})
    assert (hit.start, hit.end) == (1, 3)
    assert [(place.start, place.end) for place in hit.places] == [(5, 7)]
    nowhere = located(("a.txt", "xyz"), {"a.txt": "abc"})
    assert nowhere.start == nowhere.end == 0
    own = Passage("1", "a.txt", "", "", 0, 1, "a", "a")
    assert located(own, {}) is own


def test_the_scripted_model_says_the_same_each_time_in_its_own_time() -> None:
    with bench_endpoint.serving() as endpoint:
        seconds = bench_endpoint.bare_first_piece(endpoint, "?", 2)
    assert all(bench_endpoint.FIRST <= one < 2 for one in seconds)


# -- the parts of eval.bench ----------------------------------------------------------------------


def test_unchanged_files_are_counted_and_more_are_added(tmp_path: Path) -> None:
    assert bench_files.make(tmp_path, 12)["files"] == 12
    found = bench_files.again(tmp_path, 12)
    assert found["files, ingested again unchanged s"] > 0
    assert found["files, another in the same process s"] > 0


def test_start_up_is_measured_in_a_process_of_its_own(tmp_path: Path) -> None:
    environment = clean_environment(tmp_path)
    times = run([*PROGRAM, "--help"], environment, tmp_path)
    assert 0 < times["processor"] < 2
    shares = import_shares(["--help"], environment, tmp_path)
    assert shares["click"] > 0
    assert not {"chromadb", "llama_index", "numpy", "openai", "pydantic"} & shares.keys()
    with pytest.raises(subprocess.CalledProcessError):
        run([*PROGRAM, "no-such-command"], environment, tmp_path)


def test_the_measured_process_sees_nobodys_keys(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("RAG_K", "9")
    environment = clean_environment(tmp_path)
    assert "secret" not in environment.values()
    assert "RAG_K" not in environment


def test_what_a_package_needs_is_followed_once() -> None:
    found = sizes(["rich"])
    assert list(found) == sorted(found, key=lambda name: -found[name])
    assert {"rich", "pygments"} <= found.keys()
    assert sizes(["no-such-package"]) == {}
    assert any(one.startswith("chromadb") for one in needs(OURS))
    assert not any(one.startswith("langchain") for one in needs(OURS))


def test_the_machine_is_described() -> None:
    found = describe(["numpy", "no-such-package"])
    assert found["numpy"]
    assert "no-such-package" not in found
    assert 1 < peak_mb() < 100_000


# -- the other benchmarks -------------------------------------------------------------------------


def test_the_curve_of_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_scale, "QUESTIONS", 12)
    pool = bench_scale.sentences(())
    built = bench_scale.build(tmp_path / "index", 250, pool)
    assert built["disk MB"] > 0
    found = bench_scale.ask(tmp_path / "index", 250, pool)
    assert found["retrieve p50"] > 0
    assert found["first question s"] > 0
    assert found["add one essay s"] > 0


def test_retrieval_on_a_file_in_squads_format(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for language, texts in (("en", ENGLISH.split("\n\n")), ("zh", CHINESE.split("\n\n"))):
        paragraphs = [{"context": t, "qas": [{"question": t[:20]}]} for t in texts[:2]]
        body = json.dumps({"data": [{"paragraphs": paragraphs}]})
        (folder / f"xquad.{language}.json").write_text(body, "utf-8")
    assert bench_retrieval.main([str(folder), "--json", str(tmp_path / "found.json")]) == 0
    figures = json.loads((tmp_path / "found.json").read_text("utf-8"))["figures"]
    assert figures
    assert capsys.readouterr().out


def test_the_encoders_speed_and_exactness(
    tmp_path: Path,
    converted: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bench_embed = importlib.import_module("eval.bench_embed")
    kept = SimpleNamespace(TemporaryDirectory=lambda: nullcontext(str(converted)))
    monkeypatch.setattr(bench_embed, "tempfile", kept)
    # Processes that convert the weights anew and embed 18,000 characters are not tiny.
    monkeypatch.setattr(bench_embed, "_in_process", lambda *_: 1.0)
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "one.txt").write_text(ENGLISH * 14, "utf-8")
    assert bench_embed.main(["--texts", str(folder), "--rounds", "1"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["e5"]["tokens/s, batch 1"]["onnxruntime"] > 0
    assert found["e5"]["query ms"]["onnxruntime"] > 0.5  # embedded each time, not remembered
    assert found["use"]["sentences/s"]["onnxruntime"] > 0


@pytest.mark.parametrize(
    "command",
    ["bench", "bench_scale", "bench_retrieval", "bench_embed", "bench_ui", "bench_startup"],
)
def test_a_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = importlib.import_module(f"eval.{command}")
    with pytest.raises(SystemExit) as left:
        module.main(["--help"])
    assert left.value.code == 0
    assert "usage:" in capsys.readouterr().out.casefold()
