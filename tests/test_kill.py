"""kill -9 at random moments: what was reported done is there, the rest is completed or undone."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from store_support import encoders

from rag.ingest import Indexer

HERE = Path(__file__).parent
STAGES = range(1, 5)  # reports after which it is stopped, then killed
KILLS = 4  # and so many at a moment of chance
FILES = 6

SERVER = """
import os, signal, sys
from pathlib import Path
import chromadb, llama_index.core.ingestion, tantivy, rag.ingest, rag.nodes
from rag.ingest import Indexer
from store_support import encoders

rag.ingest.GROUP = 1  # a commit for each file
rag.ingest.fold.words("词")  # loads its dictionary
data, folder = map(Path, sys.argv[1:])

def say(*words):
    print(*words, flush=True)

def work(hold):
    said = 0
    def tell(*words):
        nonlocal said
        say(*words)
        said += 1
        if said == hold:
            os.kill(os.getpid(), signal.SIGSTOP)

    with Indexer(data, encoders()) as index:
        def on_progress(progress):
            if progress.stage in ("read", "done"):  # what came before is committed and followed
                tell(*(info.source for info in index.essays()))
        tell("removed", *index.ingest(folder, on_progress).removed)
        index.remove("essays/99.txt")
        tell("removed", "essays/99.txt")

for line in sys.stdin:  # a fork for each line: the imports are paid once
    child = os.fork()
    if not child:
        work(int(line))
        os._exit(0)
    say("child", child)
    say("ended", os.waitpid(child, 0)[1])
"""


class Server:
    """Forks a process for each ingest."""

    def __init__(self, data: Path, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(data), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": f"{HERE.parent}:{HERE}"},
        )

    def run_and_kill(self, lines: int, after: float | None) -> tuple[list[str], bool]:
        """Ingest, killed `after` seconds after it said so many lines; None: it stops at that line.

        Returns: what it said before the end, and whether it was killed before it was done.
        """
        said: list[str] = []
        pid = ended = 0
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{lines if after is None else 0}\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            kind, *words = line.split() or [""]
            if kind == "ended":
                ended = int(words[0])
                break
            if kind == "child":
                pid = int(words[0])
            else:
                said.append(line.strip())
            if pid and len(said) >= lines:
                lines = 99
                time.sleep(after or 0)
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        return said, os.WIFSIGNALED(ended) and os.WTERMSIG(ended) == signal.SIGKILL

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


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
        assert index.lexical.of(passage.language).query(["essay", *words], 1)


def test_killed_at_any_instant(tmp_path: Path) -> None:
    chance = random.Random(7)
    data, folder = tmp_path / "data", tmp_path / "essays"
    folder.mkdir()
    server = Server(data, folder)
    stages = list(STAGES)
    kills = 0
    version = 0
    while stages or kills < KILLS:
        version += 1
        present = sorted(chance.sample(range(FILES), 4))
        for path in folder.iterdir():
            path.unlink()
        for number in present:
            write(folder, number, chance.choice((1, version)))
        spare = folder / "99.txt"
        spare.write_text(f"To be removed again, {version}.")
        if stages:
            stage = stages.pop()
            said, killed = server.run_and_kill(stage, None)
            assert killed
            assert len(said) == stage
        else:
            said, killed = server.run_and_kill(chance.randrange(7), chance.uniform(0, 0.06))
            kills += killed
        with Indexer(data, encoders()) as index:
            assert_agreement(index)
            held = {info.source for info in index.essays()}
            for line in said:
                kind, *sources = line.split() or [""]
                if kind == "removed":
                    assert not held & set(sources)
            if reported := [line.split() for line in said if line.startswith("essays/")]:
                lost = set(reported[-1]) - held
                gone = {f"essays/{n:02}.txt" for n in range(FILES)} - {
                    f"essays/{n:02}.txt" for n in present
                }
                assert lost <= gone | {"essays/99.txt"}  # what the folder no longer holds
    server.close()
    with Indexer(data, encoders()) as index:
        spare.unlink(missing_ok=True)
        index.ingest(folder)
        assert {info.source for info in index.essays()} == {
            f"essays/{path.name}" for path in folder.iterdir()
        }
        for path in folder.iterdir():
            assert index.text(f"essays/{path.name}") == path.read_text()
        assert_agreement(index)


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

    def counted(real: Callable[..., object]) -> Callable[..., object]:
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
        with suppress(StoppedError):
            index.ingest(folder)
    with Indexer(tmp_path / "data", encoders()) as index:
        assert_agreement(index)
        index.ingest(folder)
        assert {info.source for info in index.essays()} == {
            f"essays/{path.name}" for path in folder.iterdir()
        }
        assert_agreement(index)
