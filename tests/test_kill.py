"""kill -9 at random moments: what was reported done is there, the rest is completed or undone."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from store_support import encoders

from rag.ingest import Indexer

HERE = Path(__file__).parent
KILLS = 12

CHILD = """
import sys
from pathlib import Path
import chromadb, tantivy, rag.fold, rag.ingest
from rag.ingest import Indexer
from store_support import encoders

rag.ingest.GROUP = 1  # a commit for each file
rag.fold.words("词")  # loads its dictionary
data, folder = map(Path, sys.argv[1:3])
print("begun", flush=True)
with Indexer(data, encoders()) as index:
    done = []
    def on_progress(progress):
        if progress.stage in ("read", "done"):  # what came before is committed and followed
            print(*(info.source for info in index.essays()), flush=True)
    report = index.ingest(folder, on_progress)
    print("removed", *report.removed, flush=True)
    for source in sys.argv[3:]:
        index.remove(source)
        print("removed", source, flush=True)
"""


def write(folder: Path, number: int, version: int) -> None:
    text = f"Essay {number} of version {version}.\n\nShared words of all.\n\nNumber {number % 3}."
    (folder / f"{number:02}.txt").write_text(text)


def assert_agreement(index: Indexer) -> None:
    index.ready()
    assert not index.catalog.pending("vectors")
    assert not index.catalog.pending("lexical")
    assert index.vectors.agrees()
    assert index.lexical.agrees()
    ids = index.catalog.ids()
    passages = index.catalog.passages(ids)
    assert len(passages) == len(ids)
    for passage in passages:
        assert index.text(passage.source)[passage.start : passage.end] == passage.raw
        vector = index.encoders.passage.query(passage.text)
        near = index.vectors.query("hash-passage", passage.language, vector, 1)
        assert near[0][0] == int(passage.id)
        words = passage.text.casefold().split()
        assert index.lexical.query(["essay", *words], passage.language, 1)


def test_killed_at_any_instant(tmp_path: Path) -> None:
    chance = random.Random(7)
    data, folder = tmp_path / "data", tmp_path / "essays"
    folder.mkdir()
    with Indexer(data, encoders()) as index:
        index.catalog.generation()
    kills = 0
    reports = []
    version = 0
    while kills < KILLS:
        version += 1
        present = sorted(chance.sample(range(12), 8))
        for path in folder.iterdir():
            path.unlink()
        for number in present:
            write(folder, number, chance.choice((1, version)))
        spare = folder / "99.txt"
        spare.write_text(f"To be removed again, {version}.")
        said, killed = _run_and_kill(data, folder, chance.uniform(0, 1))
        kills += killed
        reports.append(len(said))
        with Indexer(data, encoders()) as index:
            assert_agreement(index)
            held = {info.source for info in index.essays()}
            for line in said:
                kind, *sources = line.split() or [""]
                if kind == "removed":
                    assert not held & set(sources)
            if reported := [line.split() for line in said if line.startswith("essays/")]:
                lost = set(reported[-1]) - held
                gone = {f"essays/{n:02}.txt" for n in range(12)} - {
                    f"essays/{n:02}.txt" for n in present
                }
                assert lost <= gone | {"essays/99.txt"}  # what the folder no longer holds
    with Indexer(data, encoders()) as index:
        spare.unlink(missing_ok=True)
        index.ingest(folder)
        assert {info.source for info in index.essays()} == {
            f"essays/{path.name}" for path in folder.iterdir()
        }
        for path in folder.iterdir():
            assert index.text(f"essays/{path.name}") == path.read_text()
        assert_agreement(index)
    assert len(set(reports)) > 3  # it was killed at different stages of the work


def _run_and_kill(data: Path, folder: Path, after: float) -> tuple[list[str], bool]:
    """Start an ingest, kill it `after` seconds of work; what it said, and whether it was killed."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(data), str(folder), "essays/99.txt"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{HERE.parent}:{HERE}"},
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "begun\n"  # its imports are over
        time.sleep(after)
        child.send_signal(signal.SIGKILL)
        said = child.stdout.read().splitlines()
        return said, child.wait() == -signal.SIGKILL


@pytest.mark.parametrize("step", range(12))
def test_broken_off_after_each_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """The same without chance: stop before the n-th change of any of the three stores."""
    from rag.catalog import Catalog
    from rag.lexical import Lexical
    from rag.vectors import Vectors

    class StoppedError(BaseException):
        pass

    folder = tmp_path / "essays"
    folder.mkdir()
    for number in range(3):
        write(folder, number, 1)
    with Indexer(tmp_path / "data", encoders()) as index:
        index.ingest(folder)
    write(folder, 0, 2)
    (folder / "01.txt").unlink()
    write(folder, 5, 1)
    left = [step]

    def counted(real):  # type: ignore[no-untyped-def]  # any method
        def method(*arguments: object, **options: object) -> object:
            if not left[0]:
                raise StoppedError
            left[0] -= 1
            return real(*arguments, **options)

        return method

    with monkeypatch.context() as patch, Indexer(tmp_path / "data", encoders()) as index:
        for owner, name in (
            (Catalog, "write"),
            (Lexical, "_write"),
            (Vectors, "_add"),
            (Indexer, "_stamp"),
        ):
            patch.setattr(owner, name, counted(getattr(owner, name)))
        try:
            index.ingest(folder)
        except StoppedError:
            pass
    with Indexer(tmp_path / "data", encoders()) as index:
        assert_agreement(index)
        index.ingest(folder)
        assert {info.source for info in index.essays()} == {
            f"essays/{path.name}" for path in folder.iterdir()
        }
        assert_agreement(index)
