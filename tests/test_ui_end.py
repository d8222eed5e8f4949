"""How the page ends: by Ctrl+C, by a service manager, by force, and beside a second one."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import ui_support
from ui_support import FakeRag, Visit, browser

from rag.config import Settings
from ui.app import free_port, prepare
from ui.store import Store, Turn

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def opened() -> Iterator[Any]:
    with browser() as found:
        yield found


@contextmanager
def running(data: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A page in a process of its own; yields it and its address."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    port = free_port("127.0.0.1", 18860 + 100 * worker)
    process = subprocess.Popen(
        [sys.executable, ui_support.__file__, str(port)],
        env={**os.environ, "RAG_DATA_DIR": str(data)},
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    try:
        said = ""
        while "The page is at" not in said:
            said = process.stdout.readline()
            assert said, "the page did not start"
        while True:  # the test's time limit ends this
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield process, said.split()[4]
    finally:
        process.kill()
        process.stdout.close()


def last_turn(data: Path) -> Turn:
    store = Store(data / "conversations.sqlite3")
    (turn,) = store.turns(store.conversations()[0].id)
    return turn


@pytest.mark.parametrize("how", ["SIGINT", "SIGKILL"])
def test_what_is_written_is_kept_however_the_program_ends(
    how: str, tmp_path: Path, opened: Any
) -> None:
    data = tmp_path / "data"
    with running(data) as (process, address):
        visit = Visit(opened, address)  # without its check: the page tells that the server went
        with contextlib.closing(visit.context):
            visit.open()
            visit.ask("endless", wait=False)
            while len(last_turn(data).text) < 6:  # the test's time limit ends this
                visit.page.wait_for_timeout(100)
            process.send_signal(getattr(signal, how))
            said = process.communicate(timeout=30)[0]
    if how == "SIGKILL":
        assert prepare_alone(data) == "ended"
    else:
        assert process.returncode == 0, said
        assert "Traceback" not in said, said
        assert last_turn(data).state == "stopped"
    assert len(last_turn(data).text) > 5


def test_a_model_that_says_nothing_does_not_keep_the_program(tmp_path: Path, opened: Any) -> None:
    with running(tmp_path) as (process, address):
        visit = Visit(opened, address)  # without its check: the page tells that the server went
        with contextlib.closing(visit.context):
            visit.open()
            visit.ask("silent", wait=False)
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=30)[0]
    assert process.returncode == 0, said
    assert "Traceback" not in said, said
    assert last_turn(tmp_path).state == "stopped"


def test_a_service_manager_ends_it_as_ctrl_c_does(tmp_path: Path) -> None:
    with running(tmp_path) as (process, _):
        process.terminate()
        said = process.communicate(timeout=30)[0]
    assert process.returncode == 0, said
    assert "Traceback" not in said, said


def prepare_alone(data: Path) -> str:
    """The state of the last turn after a start."""
    page = prepare(Settings(data_dir=data, llm_discover=False), FakeRag())
    page.close()
    return last_turn(data).state


def test_a_second_page_leaves_the_answers_of_the_first_alone(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, llm_discover=False)
    first = prepare(settings, FakeRag())
    turn = first.store.ask(first.store.create().id, "slow")
    second = prepare(settings, FakeRag())
    assert first.store.turn(turn.id).state == "asking"
    first.close()
    second.close()
    prepare(settings, FakeRag()).close()
    assert first.store.turn(turn.id).state == "ended"
