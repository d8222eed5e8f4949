"""What the README shows is true: its Python runs, its commands and targets exist."""

from __future__ import annotations

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from rag import engine
from rag.cli import cli
from rag.config import Settings

PROJECT = Path(__file__).parents[1]
README = (PROJECT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("code", blocks("python"))
def test_the_examples_run(code: str, seeded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_DATA_DIR", str(seeded))
    monkeypatch.setenv("RAG_LLM", "off")
    Path("seeds").symlink_to(PROJECT / "seeds")
    shutil.copytree(seeded / "index", "my-index/index")  # the seeds are embedded once in a run
    engine._default.cache_clear()
    exec(compile(code, "README.md", "exec"), {})
    engine._default.cache_clear()


def test_many_threads_may_ask_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "index"))
    monkeypatch.setenv("RAG_LLM", "off")
    essays = tmp_path / "essays"
    essays.mkdir()
    (essays / "mill.txt").write_text("The mill at Harrow Creek closed in 1956.\n", "utf-8")
    monkeypatch.setattr(engine, "seeds", lambda: essays)
    engine._default.cache_clear()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(engine.query, ["When did the mill close?"] * 4))
    engine._default().close()
    engine._default.cache_clear()
    assert ["1956" in answer.text for answer in answers] == [True] * 4


def test_the_targets_exist() -> None:
    makefile = (PROJECT / "Makefile").read_text("utf-8")
    named = set(re.findall(r"^make ([a-z-]+)", README, re.MULTILINE))
    assert named
    for target in named:
        assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE), target


def test_the_commands_exist() -> None:
    named = set(re.findall(r"(?:^|`|/)rag ([a-z]+)", README, re.MULTILINE))
    assert named >= {"ask", "ingest", "list", "remove", "chat", "doctor", "eval"}
    assert named <= cli.commands.keys()


def test_help_lists_every_command() -> None:
    shown = CliRunner().invoke(cli, ["--help"]).output
    for name in cli.commands:
        assert re.search(rf"^  {name} ", shown, re.MULTILINE), name


def test_the_settings_it_names_exist() -> None:
    named = set(re.findall(r"\bRAG_[A-Z_]+", README))
    allowed = {f"RAG_{name.upper()}" for name in Settings.model_fields}
    assert named
    assert named <= allowed


def test_the_files_it_links_to_exist() -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (PROJECT / link).exists(), link
