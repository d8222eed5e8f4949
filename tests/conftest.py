"""What every test stands on: no settings of this machine, no network, its own data directory."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from filelock import FileLock

from rag import Rag
from rag.config import Settings

SEEDS = Path(__file__).parents[1] / "seeds"
LOOPBACK = ("127.", "::1", "localhost")

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No key, endpoint or .env of the person who runs the tests reaches them."""
    for name in os.environ:
        if name.startswith(("RAG_", "OPENAI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "data"))
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
def seeded(shared: Path) -> Path:
    """A data directory that holds the five seeds, made by the first who asks. Read only."""
    data = shared / "seeded"
    with FileLock(shared / "seeded.lock"):
        if not (shared / "seeded.done").exists():
            with Rag(Settings(data_dir=data, llm="off")) as rag:
                report = rag.ingest(SEEDS)
            assert not report.failed
            (shared / "seeded.done").touch()
    return data


@pytest.fixture
def rag(seeded: Path) -> Iterator[Rag]:
    """The five seeds, without a model. Read only: others ask it too."""
    with Rag(Settings(data_dir=seeded, llm="off")) as rag:
        yield rag


@pytest.fixture
def fresh(tmp_path: Path, seeded: Path) -> Settings:
    """Settings of an empty data directory that has the converted weights already."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "models").symlink_to(seeded / "models")
    return Settings(data_dir=data, llm="off")
