"""Imports go downward only, and each outside library has one owner."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
VOCABULARY = {"rag.schema", "rag.errors", "rag.config"}
STEPS = {
    "rag.split",
    "rag.condense",
    "rag.prompt",
    "rag.extract",
    "rag.gist",
    "rag.cite",
    "rag.answerable",
    "rag.verify",
}
COMPOSERS = {
    "rag.answering",
    "rag.doctor",
    "rag.engine",
    "rag.ingest",
    "rag.judge_evaluator",
    "rag.nodes",
    "rag.parts",
    "rag.reply",
    "rag.retrieve",
}
FRONT = {"rag.__main__", "rag.cli", "rag.terminal"}
OWNERS = {
    "chromadb": {"rag/vectors.py"},
    "tantivy": {"rag/lexical.py"},
    "sqlite3": {"rag/storage/database.py", "ui/store.py"},
    "openai": {"rag/llm.py", "rag/endpoints/llm_errors.py", "rag/encoders/embed_endpoint.py"},
}


@cache
def imports_of(path: Path, *, typing: bool = False) -> set[str]:
    """The full names of all modules that a file imports anywhere; for type checking if `typing`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        inner
        for node in ast.walk(tree)
        if not typing and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    names = set()
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def modules(package: str, *, typing: bool = False) -> dict[str, set[str]]:
    files = sorted((PROJECT / package).rglob("*.py"))
    assert files
    return {
        ".".join(path.relative_to(PROJECT).with_suffix("").parts): imports_of(path, typing=typing)
        for path in files
    }


def test_the_steps_do_not_know_each_other() -> None:
    found = modules("rag")
    assert found.keys() >= STEPS
    for name in STEPS:
        assert not found[name] & ((STEPS - {name}) | COMPOSERS | FRONT), name


def test_no_leaf_knows_a_step_or_a_composer() -> None:
    for name, imported in modules("rag").items():
        if name not in STEPS | COMPOSERS | FRONT | {"rag.__init__"}:
            above = imported & (STEPS | COMPOSERS | FRONT)
            assert not above, f"{name} imports {above}"


def test_the_vocabulary_stands_alone() -> None:
    found = modules("rag")
    assert not {name for name in found["rag.schema"] if name.startswith("rag")}
    assert not {name for name in found["rag.errors"] if name.startswith("rag")}
    assert {n for n in found["rag.config"] if n.startswith("rag.")} <= {
        "rag.errors",
        "rag.errors.ConfigError",
    }


def test_the_library_knows_neither_the_page_nor_the_evaluation() -> None:
    for name, imported in modules("rag").items():
        if name != "rag.cli":
            assert not {i for i in imported if i.split(".")[0] in ("ui", "eval", "gradio")}, name


@pytest.mark.parametrize("library", OWNERS)
def test_each_library_has_one_owner(library: str) -> None:
    users = {
        path.relative_to(PROJECT).as_posix()
        for package in ("rag", "ui")
        for path in (PROJECT / package).rglob("*.py")
        if any(name.split(".")[0] == library for name in imports_of(path))
    }
    assert users <= OWNERS[library]


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert not circle(
        {
            name: imported
            for package in ("rag", "ui", "eval")
            for name, imported in modules(package, typing=True).items()
            if not name.endswith("__init__")
        }
    )


def test_no_packages_of_the_library_import_each_other_in_a_circle() -> None:
    folders = {f"rag.{path.parent.name}" for path in (PROJECT / "rag").glob("*/__init__.py")}
    found: dict[str, set[str]] = {folder: set() for folder in folders}
    for name, imported in modules("rag").items():
        if (folder := package_of(name)) in folders:
            found[folder] |= {package_of(other) for other in imported}
    assert len(found) > 1
    assert not circle(found)


def package_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


def circle(imports: dict[str, set[str]]) -> set[str]:
    """Names of which each imports another of them; none where imports only go downward."""
    rest = set(imports)
    while free := {name for name in rest if not imports[name] & (rest - {name})}:
        rest -= free
    return rest
