"""What is typed after `make` reaches `rag` as it was typed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The Makefile where all is set up already, over a `rag` that says what it was given."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    shutil.copy(PROJECT / "Makefile", tmp_path)
    for name in ("requirements/base.txt", "pyproject.toml", ".venv/python", ".venv/base"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1, 1))
    rag = tmp_path / ".venv" / "bin" / "rag"
    rag.parent.mkdir()
    rag.write_text("#!/bin/sh\nprintf '<%s>' \"$@\"\n", encoding="utf-8")
    rag.chmod(0o700)
    return tmp_path


def make(folder: Path, *given: str) -> subprocess.CompletedProcess[str]:
    """`make` as a person calls it: the tests themselves may run under another one."""
    inherited = ("MAKE", "MFLAGS", "GNUMAKEFLAGS")
    own = {name: value for name, value in os.environ.items() if not name.startswith(inherited)}
    for name in ("Q", "DIR", "DATA"):
        own.pop(name, None)
    return subprocess.run(
        ["make", *given], cwd=folder, env=own, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("given", "reached"),
    [
        (("ask", "Q={}"), "<ask><--><{}>"),
        (("ingest", "DIR={}"), "<ingest><--><{}>"),
    ],
)
def test_a_question_and_a_folder_are_passed_on_whole(
    folder: Path, given: tuple[str, ...], reached: str
) -> None:
    for text in ("Did it cost $41,000 and $HOME?", "a \"b\" 'c' `id` $(shell id) \\ #1 五层"):
        ran = make(folder, *(part.format(text) for part in given))
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout == reached.format(text)


@pytest.mark.parametrize("goal", ["ask", "ingest"])
def test_nothing_asked_is_wrong_usage(folder: Path, goal: str) -> None:
    ran = make(folder, goal)
    assert ran.returncode == 2
    assert f"make {goal}" in ran.stderr
