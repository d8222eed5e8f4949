"""What every test stands on: no settings of this machine, no network, its own data directory."""

from __future__ import annotations

import os

# As the command sets it (rag/cli.py), before numpy is imported, which reads it once. Threads that
# wait for small products by spinning took a third of the tests' processor time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis
import pytest
from filelock import FileLock

from rag import Rag
from rag.config import Settings
from rag.encoders import e5, reader, use

SEEDS = Path(__file__).parents[1] / "seeds"
LOOPBACK = ("127.", "::1", "localhost")

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests first: they mostly wait, and would be alone at the end."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, converted: Path) -> None:
    """No key, endpoint or .env of the person who runs the tests reaches them. Weights are converted
    once in a run."""
    for name in os.environ:
        if name.startswith(("RAG_", "OPENAI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("RAG_MODELS_DIR", str(converted))
    monkeypatch.setenv("RAG_LLM_DISCOVER", "false")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session", autouse=True)
def _only_loopback() -> Iterator[None]:
    """A test that reaches for another machine fails, instead of passing where there is one."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and not str(address[0]).startswith(LOOPBACK):
            raise AssertionError(f"a test reached for {address}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


@pytest.fixture(scope="session", autouse=True)
def _opened_once() -> Iterator[None]:
    """Networks and tokenizers of the same file are opened once in a process: a Rag of its own, as
    most tests have, opens five of them, which is two seconds of processor time."""
    opened: dict[tuple[Any, ...], Any] = {}
    lock = threading.Lock()

    def once(module: ModuleType, name: str) -> Callable[..., Any]:
        really = getattr(module, name)

        def get(model: Any, *more: Any) -> Any:
            path = getattr(model, "filename", None)
            if path is None:
                return really(model, *more)
            state = Path(path).stat()
            key = name, path, state.st_ino, state.st_mtime_ns, more
            with lock:
                if key not in opened:
                    opened[key] = really(model, *more)
                return opened[key]

        return get

    with pytest.MonkeyPatch.context() as patch:
        for module in (e5, reader, use):
            patch.setattr(module, "open_session", once(module, "open_session"))
        patch.setattr(e5, "_open_tokenizer", once(e5, "_open_tokenizer"))
        yield


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Default settings without a model, in a data directory of the test's own."""
    return Settings(data_dir=tmp_path / "data", llm="off")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers of this run share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def converted(shared: Path) -> Path:
    """Where converted weights are kept, for all tests."""
    return shared / "models"


@pytest.fixture(scope="session")
def seeded(shared: Path, converted: Path) -> Path:
    """A data directory that holds the five seeds, made by the first who asks. Read only."""
    data = shared / "seeded"
    with FileLock(shared / "seeded.lock"):
        if not (shared / "seeded.done").exists():
            with Rag(Settings(data_dir=data, models_dir=converted, llm="off")) as rag:
                report = rag.ingest(SEEDS)
            assert not report.failed
            (shared / "seeded.done").touch()
    return data


@pytest.fixture
def rag(seeded: Path) -> Iterator[Rag]:
    """The five seeds, without a model. Read only: others ask it too."""
    with Rag(Settings(data_dir=seeded, llm="off")) as rag:
        yield rag


@pytest.fixture(scope="session")
def emptied(shared: Path, seeded: Path, converted: Path) -> Path:
    """A data directory from which the five seeds were removed: read in again, they have vectors."""
    data = shared / "emptied"
    with FileLock(shared / "emptied.lock"):
        if not (shared / "emptied.done").exists():
            shutil.copytree(seeded / "index", data / "index")
            with Rag(Settings(data_dir=data, models_dir=converted, llm="off")) as rag:
                for essay in rag.essays():
                    rag.remove(essay.source)
            (shared / "emptied.done").touch()
    return data
