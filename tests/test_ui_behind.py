"""What stands behind the page: settings that keep their key, answers in threads, the desk."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import socket
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.request import urlopen

import pytest
from scripted_endpoint import MODEL, ScriptedEndpoint, answer, error, silence
from ui_support import FakeRag, an_answer

from rag import Rag
from rag.config import Settings
from rag.errors import ConfigError, EndpointDenied, RagError
from rag.llm import LLM
from rag.schema import Done, IngestReport, Token
from rag.storage.files import put
from ui.app import Server, _listening, free_port, launch, prepare, serve
from ui.desk import Desk, Ending, NotReady, Task, safe_name
from ui.form import Form
from ui.handlers import Handlers
from ui.live import Faults, Live, Runs
from ui.preferences import Preferences
from ui.render import turn_html
from ui.session import Patch, Session
from ui.shelf import Shelf
from ui.store import Store
from ui.texts import speaker

HERE, THERE = "http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1"


def test_a_key_stays_with_its_endpoint(tmp_path: Path) -> None:
    kept = Preferences(Settings(data_dir=tmp_path))
    kept.keep(llm_base_url=HERE, llm_model="m", llm_api_key="secret")
    assert kept.settings().llm_api_key.get_secret_value() == "secret"
    kept.keep(llm_base_url=HERE, llm_model="other", llm_api_key="")
    assert kept.settings().llm_api_key.get_secret_value() == "secret"
    assert kept.tried(llm_base_url=THERE, llm_api_key="").llm_api_key.get_secret_value() == ""
    kept.keep(llm_base_url=THERE, llm_model="m", llm_api_key="")
    assert not kept.key_kept
    assert stat.S_IMODE((tmp_path / "page.json").stat().st_mode) == 0o600
    assert "secret" not in (tmp_path / "page.json").read_text(encoding="utf-8")


def test_a_key_of_the_environment_goes_to_no_address_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_LLM_BASE_URL", HERE)
    monkeypatch.setenv("RAG_LLM_API_KEY", "environment")
    kept = Preferences(Settings(data_dir=tmp_path))
    assert kept.settings().llm_api_key.get_secret_value() == "environment"
    moved = kept.keep(llm_base_url=THERE, llm_model="m", llm_api_key="")
    assert moved.llm_api_key.get_secret_value() == ""
    assert not kept.key_given
    assert kept.reset().llm_base_url == HERE
    assert kept.reset().llm_api_key.get_secret_value() == "environment"


def test_a_key_of_the_environment_stays_with_its_own_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_LLM_BASE_URL", "https://Models.example/v1")
    monkeypatch.setenv("RAG_LLM_MODEL", "m")
    monkeypatch.setenv("RAG_LLM_API_KEY", "environment")
    kept = Preferences(Settings(data_dir=tmp_path))
    same = kept.keep(llm_base_url="https://models.example/v1", llm_model="m", llm_api_key="")
    assert same.llm_api_key.get_secret_value() == "environment"
    assert kept.key_given
    assert "environment" not in (tmp_path / "page.json").read_text(encoding="utf-8")
    again = Preferences(Settings(data_dir=tmp_path))
    assert again.settings().llm_api_key.get_secret_value() == "environment"
    for other in ("http://models.example/v1", "https://models.example:8443/v1", THERE):
        moved = kept.tried(llm_base_url=other, llm_model="m", llm_api_key="")
        assert moved.llm_api_key.get_secret_value() == ""
    own = kept.keep(llm_base_url="https://models.example/v1", llm_model="m", llm_api_key="own")
    assert own.llm_api_key.get_secret_value() == "own"
    assert not kept.key_given


def test_what_is_wrong_is_not_kept(tmp_path: Path) -> None:
    kept = Preferences(Settings(data_dir=tmp_path))
    kept.keep(k=7)
    nowhere = {"llm_base_url": "http://[::1/v1"}
    for wrong in ({"k": 0}, {"data_dir": "/elsewhere"}, {"unsupported": "never"}, nowhere):
        with pytest.raises(ConfigError):
            kept.keep(**wrong)
    assert kept.settings().k == 7


BROKEN_FILES = ["{", "[]", "", '{"k": "many"}', '{"llm_base_url": "hello"}', '{"llm": null}']


@pytest.mark.parametrize("broken", BROKEN_FILES)
def test_a_page_whose_settings_were_broken_by_hand_starts_says_so_and_keeps_them(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_LLM_BASE_URL", HERE)  # who set on the page that none is asked means it
    monkeypatch.setenv("RAG_LLM_MODEL", "m")
    file = tmp_path / "page.json"
    file.write_text(broken, encoding="utf-8")
    desk = desk_of(tmp_path, [])
    desk.begin()
    wait_for(desk.start.live.over)
    assert desk.start.error is None
    form, session = Form(desk), Session()
    shown = form.view(session)
    assert desk.settings.llm == shown["form"]["use"] == "off"
    for told in (shown["outcome"], form.banner_html(session.say)):
        assert str(file) in told
        assert "RAG_" not in told
    assert file.read_text(encoding="utf-8") == broken
    saved = form.save({**shown["form"], "use": "auto"}, session)
    assert "Saved" in saved["outcome"]
    assert desk.preferences.fault is None
    assert desk.settings.llm_model == "m"
    answered_by = form.banner_html(session.say)
    file.write_text(broken, encoding="utf-8")
    assert form.banner_html(session.say) == answered_by  # as it is, until it is started again
    form.reset(session)
    for aside in ("page.json.broken", "page.json.broken-2"):
        assert (tmp_path / aside).read_text(encoding="utf-8") == broken


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\x\\笔记.txt", "笔记.txt"),
        (".hidden", "hidden"),
        ("a\x00b\n.txt", "ab.txt"),
        ("", "essay"),
        ("..", "essay"),
        ('say "why?" 100%22.txt', 'say "why?" 100%22.txt'),
    ],
)
def test_names_of_added_files_stay_in_their_folder(given: str, kept: str) -> None:
    assert safe_name(given) == kept


@pytest.mark.parametrize("sign", ["x", "长", "🕯"])
def test_long_names_that_differ_at_their_end_are_kept_apart(sign: str, tmp_path: Path) -> None:
    names = [safe_name(sign * 150 + f" {end}.txt") for end in ("one", "two")]
    assert names[0] != names[1]
    for name in names:
        put(tmp_path / name, b"words")  # no file system takes more than 255 bytes
        assert name.startswith(sign * 40)
        assert name.endswith(".txt")
    assert safe_name(sign * 150 + " one.txt") == names[0]
    assert safe_name("x." + sign * 300).startswith("x")


def test_followers_see_the_last_value_and_end() -> None:
    live = Live(0)

    async def follow() -> list[int]:
        return [value async for value in live.follow()]

    async def both() -> list[list[int]]:
        watching = [asyncio.create_task(follow()) for _ in range(3)]
        await asyncio.sleep(0)
        thread = threading.Thread(target=lambda: [live.set(n, last=n == 50) for n in range(1, 51)])
        thread.start()
        return await asyncio.wait_for(asyncio.gather(*watching), 5)

    for seen in asyncio.run(both()):
        assert seen == sorted(seen)
        assert seen[-1] == 50
    assert not live.change(lambda n: n + 1)
    assert live.value == 50


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "c.sqlite3")


def runs_of(store: Store, rag: Any, on_page: Sequence[str] = (), **limits: int) -> Runs:
    @contextmanager
    def lease() -> Iterator[Any]:
        yield rag

    return Runs(
        store,
        lease,
        workers=limits.get("workers", 4),
        waiting=limits.get("waiting", 10),
        faults=Faults(
            busy=lambda n: RagError(f"{n} are waiting"),
            defect=RagError("a defect"),
            closing=RagError("it is closing"),
        ),
        on_page=lambda: on_page,
    )


def wait_for(condition: Any, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_an_answer_goes_on_when_nobody_looks(store: Store) -> None:
    runs = runs_of(store, FakeRag(delay=0))
    kept = store.create()
    run = runs.start(kept.id, "four", None, ())
    wait_for(run.live.over)
    (turn,) = store.turns(kept.id)
    assert turn.state == "done"
    assert turn.answer is not None
    assert len(turn.answer.sentences) == 4
    assert runs.of(kept.id) is None


def test_stop_is_at_once_and_the_stream_is_closed(store: Store) -> None:
    rag = FakeRag()
    runs = runs_of(store, rag)
    kept = store.create()
    run = runs.start(kept.id, "endless", None, ())
    wait_for(lambda: run.live.value.text)
    runs.stop(kept.id)
    assert run.live.over()
    (turn,) = store.turns(kept.id)
    assert turn.state == "stopped"
    assert turn.text
    wait_for(lambda: rag.cancelled == 1)
    assert store.turns(kept.id) == [turn]


def test_stop_hangs_up_on_a_model_that_says_nothing(store: Store, seeded: Path) -> None:
    with ScriptedEndpoint(silence(60.0)) as endpoint:
        settings = Settings(data_dir=seeded, llm_base_url=endpoint.base_url, llm_model=MODEL)
        with Rag(settings) as rag:
            runs = runs_of(store, rag, workers=1)
            kept = store.create()
            runs.start(kept.id, "五层蛋糕是哪五层？", None, ())
            wait_for(lambda: endpoint.chats)
            runs.stop(kept.id)
            wait_for(lambda: not runs.under_way, 2)
            assert endpoint.chats[0].gone.wait(5)
            (turn,) = store.turns(kept.id)
            assert turn.state == "stopped"
            runs.close()


def test_closing_waits_for_no_model(store: Store) -> None:
    rag = FakeRag()
    runs = runs_of(store, rag, workers=2)
    for _ in range(3):
        runs.start(store.create().id, "silent", None, ())
    wait_for(lambda: len(rag.asked) == 2)
    runs.close()
    wait_for(lambda: not runs.under_way, 5)


def test_an_answer_that_fails_of_the_programs_end_is_broken_off(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    asking, go_on = threading.Event(), threading.Event()

    class Loading(FakeRag):
        def stream(self, question: str, history: Any = (), sources: Any = None) -> Any:
            asking.set()
            assert go_on.wait(30)
            raise RuntimeError("can't register atexit after shutdown")

    runs = runs_of(store, Loading(), workers=1)
    runs.start(store.create().id, "what?", None, ())
    assert asking.wait(30)
    runs.close()
    go_on.set()
    wait_for(lambda: not runs.under_way, 5)
    assert not caplog.records


def test_a_question_that_is_stopped_before_its_turn_is_not_asked(store: Store) -> None:
    rag = FakeRag()
    runs = runs_of(store, rag, workers=1)
    first, second = store.create(), store.create()
    runs.start(first.id, "silent", None, ())
    runs.start(second.id, "silent", None, ())
    wait_for(lambda: rag.asked)
    runs.stop(second.id)
    runs.stop(first.id)
    wait_for(lambda: not runs.under_way, 5)


def test_a_retry_that_finds_no_place_forgets_nothing(store: Store) -> None:
    runs = runs_of(store, FakeRag(), workers=1, waiting=0)
    kept, other = store.create(), store.create()
    done = runs.start(kept.id, "four", None, ())
    wait_for(lambda: not runs.under_way)
    runs.start(other.id, "endless", None, ())
    with pytest.raises(RagError, match="waiting"):
        runs.start(kept.id, "four", None, (), instead_of=done.turn.id)
    assert [turn.id for turn in store.turns(kept.id)] == [done.turn.id]
    runs.stop(other.id)
    wait_for(lambda: not runs.under_way)
    again = runs.start(kept.id, "four", None, (), instead_of=done.turn.id)
    assert [turn.id for turn in store.turns(kept.id)] == [again.turn.id]
    runs.close()


def test_errors_and_defects_are_kept_as_sentences(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(FakeRag):
        def _events(self, _: str) -> Any:
            raise ZeroDivisionError("a secret detail")

    kept = store.create()
    for rag in (FakeRag(delay=0), Broken()):
        run = runs_of(store, rag).start(kept.id, "denied", None, ())
        wait_for(run.live.over)
    denied, defect = store.turns(kept.id)
    assert denied.error.split("\n") == [
        "The endpoint refused the key (401).",
        "Enter another key.",
        "settings",
    ]
    assert defect.error.split("\n")[0] == "a defect"
    assert "a secret detail" in caplog.text


async def last_of(patches: Any) -> dict[str, Any]:
    """All parts of the page that a stream of patches changed, as they came to be."""
    shown: dict[str, Any] = {}
    async for patch in patches:
        shown.update(patch)
    return shown


@contextmanager
def full_disk() -> Iterator[None]:
    """No store finds room for another page."""
    opened = Store._open

    def full(store: Store) -> sqlite3.Connection:
        db = opened(store)
        db.execute("PRAGMA max_page_count = 1")  # never less than there are
        return db

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "_open", full)
        yield


class Long(FakeRag):
    """Its answer takes more room than there is in the file. It waits for `go` before its end."""

    def __init__(self) -> None:
        super().__init__(delay=0)
        self.go = threading.Event()

    def _stream(self, question: str) -> Any:
        yield Token("Half an answer")
        assert self.go.wait(30)
        yield Done(an_answer(question, "It is long. " * 9000))


def test_an_answer_that_finds_no_room_is_shown_with_the_reason(
    tmp_path: Path, store: Store
) -> None:
    rag, full = Long(), ExitStack()
    runs, desk = runs_of(store, rag), desk_of(tmp_path, [])
    desk.begin()
    wait_for(desk.start.live.over)
    handlers = Handlers(desk, store, runs)

    async def ask() -> dict[str, Any]:
        shown: dict[str, Any] = {}
        async for patch in handlers.ask("Why?", Session()):
            shown.update(patch)
            if "Half an answer" in shown["live"]:
                full.enter_context(full_disk())
                rag.go.set()
        return shown

    with full:
        shown = asyncio.run(asyncio.wait_for(ask(), 30))
        wait_for(lambda: not runs.under_way)
        kept = shown["session"].conversation
        (turn,) = store.turns(kept)
        with pytest.raises(RagError, match="no room left"):
            runs.start(kept, "why? " * 9000, None, (), instead_of=turn.id)
        assert store.turns(kept) == [turn]
    opened = handlers._conversation(shown["session"], None)
    for place in (shown["history"], opened["history"]):
        assert "It is long." in place
        assert "There is no room left to write" in place
    assert shown["live"] == ""


def test_who_watches_an_answer_finds_its_conversation_deleted(tmp_path: Path, store: Store) -> None:
    rag = Long()
    desk = desk_of(tmp_path, [])
    desk.begin()
    wait_for(desk.start.live.over)
    handlers = Handlers(desk, store, runs_of(store, rag))
    there = store.create("There")

    async def ask() -> dict[str, Any]:
        shown: dict[str, Any] = {}
        asked = Session(conversation=there.id)
        async for patch in handlers.ask("Why?", asked):
            shown.update(patch)
            if "Half an answer" in shown["live"]:  # in another tab
                await asyncio.to_thread(handlers.delete, there.id, Session())
        return shown

    shown = asyncio.run(asyncio.wait_for(ask(), 30))
    rag.go.set()
    assert "What would you like to know?" in shown["history"]
    assert "not kept (any more)" in shown["toast"]
    assert shown["session"].conversation == shown["live"] == ""


def test_a_list_of_conversations_that_ends_early_says_so(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.handlers.LISTED", 3)
    handlers = Handlers(desk_of(tmp_path / "desk", []), store, runs_of(store, FakeRag()))
    for n in range(3):
        store.create(f"Talk {n}")
    for language in ("en", "zh"):
        session = Session(language=language)
        for words in ("", "talk"):
            assert "<p" not in handlers.search(words, session)["talks"]
    store.create("Talk 3")
    for language in ("en", "zh"):
        session = Session(language=language)
        for words, key in (("", "more-kept"), ("talk", "more-found")):
            talks = handlers.search(words, session)["talks"]
            assert session.say(key, n=3) in talks
            assert "Talk 3" in talks
            assert "Talk 0" not in talks
    assert "Talk 0" in handlers.search("0", Session())["talks"]


def test_an_answer_stays_where_its_file_is_damaged(tmp_path: Path, store: Store) -> None:
    rag = Long()
    desk = desk_of(tmp_path / "desk", [])
    handlers = Handlers(desk, store, runs_of(store, rag))

    async def ask() -> dict[str, Any]:
        shown: dict[str, Any] = {}
        async for patch in handlers.ask("Why?", Session()):
            shown.update(patch)
            if "Half an answer" in shown["live"] and not rag.go.is_set():
                for file in tmp_path.glob("c.sqlite3*"):
                    file.write_bytes(b"x" * file.stat().st_size)
                rag.go.set()
        return shown

    shown = asyncio.run(asyncio.wait_for(ask(), 30))
    assert "It is long." in shown["live"]
    assert "Move it aside" in shown["live"]
    session = shown["session"]
    said = [
        handlers._conversation(session, None)["history"],
        handlers.search("why", session)["talks"],
        handlers.delete(session.conversation, session)["toast"],
        handlers.rename(session.conversation, "x", session)["toast"],
        handlers.judge("x", "1", "", session)["toast"],
    ]
    assert all("is damaged" in text for text in said)


def test_too_many_questions_are_refused_and_not_kept(store: Store) -> None:
    runs = runs_of(store, FakeRag(), workers=1, waiting=1)
    kept = store.create()
    for _ in range(2):
        runs.start(kept.id, "endless", None, ())
    with pytest.raises(RagError, match="1 are waiting"):
        runs.start(kept.id, "endless", None, ())
    assert len(store.turns(kept.id)) == 2
    runs.close()
    assert {turn.state for turn in store.turns(kept.id)} == {"stopped"}


def desk_of(tmp_path: Path, made: list[FakeRag]) -> Desk:
    def opened(settings: Settings) -> Any:
        made.append(FakeRag(delay=0))
        return made[-1]

    return Desk(Preferences(Settings(data_dir=tmp_path)), opened, seeds=lambda: None)


def test_a_replaced_rag_is_closed_when_its_last_answer_is_done(tmp_path: Path) -> None:
    made: list[FakeRag] = []
    desk = desk_of(tmp_path, made)
    with pytest.raises(NotReady), desk.lease():
        pass
    desk.begin()
    wait_for(desk.start.live.over)
    with desk.lease() as first:
        desk.replace(desk.settings)
        assert not made[0].closed
        with desk.lease() as second:
            assert second is not first
    assert made[0].closed
    assert not made[1].closed
    desk.close()
    wait_for(lambda: made[1].closed)


def test_settings_that_are_saved_while_the_first_essays_are_read_hold(tmp_path: Path) -> None:
    made: list[Waiting] = []

    class Waiting(FakeRag):
        def __init__(self) -> None:
            super().__init__({}, delay=0)
            self.reading, self.go = threading.Event(), threading.Event()

        def ingest(self, path: Path | str, *, on_progress: Any = None) -> Any:
            self.reading.set()
            assert self.go.wait(30)
            return IngestReport()

    def opened(_: Settings) -> Any:
        made.append(Waiting())
        return made[-1]

    desk = Desk(Preferences(Settings(data_dir=tmp_path)), opened, seeds=lambda: tmp_path)
    desk.begin()
    wait_for(lambda: made and made[0].reading.is_set())
    desk.replace(desk.preferences.keep(k=9))
    made[0].go.set()
    wait_for(desk.start.live.over)
    assert desk.start.error is None
    with desk.lease() as rag:
        assert rag is made[1]
    assert made[0].closed
    assert not made[1].closed


def essays_of(desk: Desk) -> list[str]:
    with desk.lease() as rag:
        return [essay.source for essay in rag.essays()]


@pytest.mark.parametrize("own", [False, True])
def test_added_essays_go_where_the_data_directory_goes(
    own: bool, tmp_path: Path, converted: Path
) -> None:
    def opened(data: Path) -> Desk:
        settings = Settings(data_dir=data, models_dir=converted, llm="off")
        desk = Desk(Preferences(settings), Rag, seeds=lambda: None)
        desk.begin()
        wait_for(desk.start.live.over)
        return desk

    def added(desk: Desk, name: str, text: str) -> tuple[str, ...]:
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        task = desk.background(lambda task: desk.add([(file, name)], task))
        wait_for(task.live.over)
        return tuple(task.result.report.added)

    before, after = tmp_path / "before", tmp_path / "after"
    desk, root = opened(before), "uploads-2" if own else "uploads"
    if own:  # a folder of the same name, which stays where it is
        folder = tmp_path / "uploads"
        folder.mkdir()
        (folder / "cake.txt").write_text("Another cake was never baked.", encoding="utf-8")
        with desk.lease() as rag:
            rag.ingest(folder)
    added(desk, "cake.txt", "The cake was baked in 1950 by Maria in the kitchen.")
    added(desk, "boat.txt", "The boat was built in 1952 by Anna in the yard.")
    there = essays_of(desk)
    assert f"{root}/cake.txt" in there
    desk.close()
    shutil.copytree(before, after)
    desk = opened(after)
    assert desk.start.error is None
    assert essays_of(desk) == there
    desk.remove(f"{root}/cake.txt")
    assert not (after / "uploads" / "cake.txt").exists()
    plane = added(desk, "plane.txt", "The plane flew in 1960 with Otto at the helm.")
    assert plane == (f"{root}/plane.txt",)
    assert f"{root}/cake.txt" not in essays_of(desk)
    assert len(essays_of(desk)) == len(there)
    assert (before / "uploads" / "cake.txt").exists()
    desk.close()


def test_an_essay_added_again_on_a_full_disk_stays_whole(tmp_path: Path) -> None:
    file, data = tmp_path / "a.txt", tmp_path / "data"
    desk = Desk(Preferences(Settings(data_dir=data)), lambda _: cast("Rag", FakeRag()), seeds=Path)
    desk.begin(cast("Rag", FakeRag()))
    wait_for(desk.start.live.over)
    text = "The cake was baked in 1950.\n" * 200
    file.write_text(text, encoding="utf-8")
    desk.add([(file, "a.txt")], Task())
    file.write_text(text * 2, encoding="utf-8")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(text) // 2, limits[1]))
    try:
        with pytest.raises(RagError, match="cannot be copied"):
            desk.add([(file, "a.txt")], Task())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    (copy,) = (data / "uploads").iterdir()
    assert copy.read_text(encoding="utf-8") == text
    desk.close()


def test_a_failed_start_says_why(tmp_path: Path) -> None:
    def opened(settings: Settings) -> Any:
        raise ConfigError("RAG_X is wrong.", "Mend it.")

    desk = Desk(Preferences(Settings(data_dir=tmp_path)), opened, seeds=lambda: None)
    desk.begin()
    wait_for(desk.start.live.over)
    with pytest.raises(ConfigError, match="RAG_X"), desk.lease():
        pass


def test_first_essays_are_read_once(tmp_path: Path) -> None:
    folder = tmp_path / "seeds"
    folder.mkdir()
    (folder / "a.txt").write_text("words", encoding="utf-8")
    preferences = Preferences(Settings(data_dir=tmp_path / "data"))
    for expected in (["seeds/a.txt"], []):
        rag = FakeRag({})

        def opened(_: Settings, rag: FakeRag = rag) -> Any:
            return rag

        desk = Desk(preferences, opened, seeds=lambda: folder)
        desk.begin()
        wait_for(desk.start.live.over)
        assert list(rag.texts) == expected
    kept = json.loads((tmp_path / "data" / "page.json").read_text(encoding="utf-8"))
    assert kept == {"seeded": True}


class Reading(FakeRag):
    """Tells of its reading again and again until somebody ends it."""

    def __init__(self) -> None:
        super().__init__(delay=0)
        self.reading = threading.Event()

    def ingest(self, path: Path | str, *, on_progress: Any = None) -> Any:
        for n in range(3000):
            on_progress(SimpleNamespace(stage="embed", done=n, total=3000))
            self.reading.set()
            time.sleep(0.01)


def test_closing_ends_an_ingest_and_what_waits_behind_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rag, file = Reading(), tmp_path / "a.txt"
    file.write_text("words", encoding="utf-8")
    preferences = Preferences(Settings(data_dir=tmp_path / "data"))
    desk = Desk(preferences, lambda _: rag, seeds=lambda: None)
    desk.begin()
    wait_for(desk.start.live.over)
    added = desk.background(lambda task: desk.add([(file, "a.txt")], task))
    waiting = desk.background(lambda _: None)
    assert rag.reading.wait(30)
    desk.close()
    for task in (added, waiting, desk.background(lambda _: None)):
        wait_for(task.live.over, 5)
        assert isinstance(task.error, Ending)
    wait_for(lambda: rag.closed)
    assert list((tmp_path / "data" / "uploads").iterdir()) == []
    assert not caplog.records


def test_closing_ends_the_reading_of_the_first_essays(tmp_path: Path) -> None:
    rag = Reading()
    rag.texts = {}
    preferences = Preferences(Settings(data_dir=tmp_path / "data"))
    desk = Desk(preferences, lambda _: rag, seeds=lambda: tmp_path)
    desk.begin()
    assert rag.reading.wait(30)
    desk.close()
    wait_for(desk.start.live.over, 5)
    assert not preferences.seeded


@pytest.mark.parametrize("reply", [answer("ok"), error(401, "wrong key")])
def test_a_test_of_the_settings_leaves_no_connection(
    reply: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []
    close = LLM.close
    monkeypatch.setattr(LLM, "close", lambda llm: closed.append(llm) or close(llm))
    form = Form(desk_of(tmp_path, []))
    with ScriptedEndpoint(reply) as endpoint:
        typed = {"endpoint": endpoint.base_url, "model": MODEL, "key": "", "k": 5}
        told = form.test({"use": "endpoint", "policy": "mark", **typed}, Session())
    assert ("answers" in told["outcome"]) == (reply.status == 200)
    assert len(closed) == 1


BROKEN_FORMS = [
    ({"endpoint": "hello", "model": "m"}, ["endpoint"]),
    ({"endpoint": HERE, "model": ""}, ["endpoint", "model"]),
    ({"endpoint": HERE, "model": "m"}, ["endpoint"]),  # nothing listens there
    ({"endpoint": HERE, "model": "m", "key": "密钥"}, ["key"]),
]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("wrong", "fields"), BROKEN_FORMS)
def test_an_error_of_the_form_names_its_fields(
    wrong: dict[str, str], fields: list[str], language: str, tmp_path: Path
) -> None:
    form, session = Form(desk_of(tmp_path, [])), Session(language=language)
    typed = {"use": "endpoint", "key": "", "k": 5, "policy": "mark", **wrong}
    told = form.test(typed, session)["outcome"]
    assert "RAG_" not in told
    for field in fields:
        assert f"“{session.say(field)}”" in told


def test_an_error_of_the_environment_names_its_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_LLM_BASE_URL", HERE)
    form, session = Form(desk_of(tmp_path, [])), Session()
    typed = {"use": "auto", "endpoint": "", "model": "", "key": "", "k": 5, "policy": "mark"}
    assert "RAG_LLM_BASE_URL is set without RAG_LLM_MODEL" in form.test(typed, session)["outcome"]
    assert "RAG_LLM_MODEL" in form.banner_html(session.say)
    saved = form.save({**typed, "use": "endpoint", "endpoint": HERE}, session)
    assert "“Endpoint” is set without “Model”" in saved["banner"]


def test_an_error_in_a_chat_names_the_fields_that_were_set_on_the_page(store: Store) -> None:
    class Lost(FakeRag):
        def _answer(self, question: str) -> Any:
            raise EndpointDenied("No.", "Correct RAG_LLM_BASE_URL.", variables=["RAG_LLM_BASE_URL"])

    on_page: list[str] = []
    runs = runs_of(store, Lost(delay=0), on_page)
    conversation = store.create().id
    for _ in range(2):
        run = runs.start(conversation, "why", None, ())
        wait_for(run.live.over)
        on_page.append("RAG_LLM_BASE_URL")
    given, set_here = store.turns(conversation)
    assert "Correct RAG_LLM_BASE_URL." in turn_html(given, speaker("zh"))
    assert "Correct “接口地址”." in turn_html(set_here, speaker("zh"))
    assert "Open the settings" in turn_html(set_here, speaker("en"))


def test_the_model_that_is_found_can_be_chosen_where_the_environment_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_LLM", "off")
    desk = desk_of(tmp_path, [])
    form = Form(desk)
    shown = form.view(Session())["form"]
    assert shown["use"] == "off"
    saved = form.save({**shown, "use": "auto"}, Session())
    assert saved["form"]["use"] == "auto"
    assert desk.settings.llm == "auto"
    monkeypatch.setenv("RAG_LLM", "openai")
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    desk = desk_of(tmp_path / "other", [])
    Form(desk).save({**shown, "use": "auto"}, Session())
    assert desk.settings.llm == "openai"


def test_the_form_takes_as_many_passages_as_the_settings(tmp_path: Path) -> None:
    page = prepare(Settings(data_dir=tmp_path, llm_discover=False), cast("Rag", FakeRag()))
    page.close()
    (k,) = [part for part in page.blocks.blocks.values() if part.elem_id == "k"]
    for bound in (k.minimum, k.maximum):
        assert Settings(k=bound).k == bound
    for beyond in (k.minimum - 1, k.maximum + 1):
        with pytest.raises(ConfigError):
            Settings(k=beyond)


def test_a_taken_port_is_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port("127.0.0.1", port) != port


def test_two_pages_at_once_take_two_ports(tmp_path: Path) -> None:
    def both(_: int) -> int:
        with _listening("127.0.0.1", 19860) as taken:
            until.wait(30)
            return int(taken.getsockname()[1])

    until = threading.Barrier(8)
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(both, range(8)))) == 8


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_port_that_was_taken_meanwhile_ends_the_start(tmp_path: Path) -> None:
    page = prepare(Settings(data_dir=tmp_path, llm_discover=False), cast("Rag", FakeRag()))
    with _listening("127.0.0.1", 19880) as taken:
        port = int(taken.getsockname()[1])
        with pytest.raises(ConfigError, match=str(port)), serve(page, "127.0.0.1", port):
            pass


def test_the_address_is_said_once_the_page_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ended(_: Server) -> None:
        said = capsys.readouterr().out
        address = said.split("The page is at ")[1].split()[0]
        with urlopen(address, timeout=30) as page:
            assert page.status == 200
        raise KeyboardInterrupt

    begin = Server.start

    def started(server: Server) -> None:
        assert "The page is at" not in capsys.readouterr().out
        begin(server)

    monkeypatch.setattr(Server, "start", started)
    monkeypatch.setattr(Server, "join", ended)
    settings = Settings(data_dir=tmp_path, llm_discover=False)
    launch(settings, port=19890, open_browser=False, rag=cast("Rag", FakeRag()))


def test_added_files_are_for_their_owner_and_go_once_they_are_read(tmp_path: Path) -> None:
    data = tmp_path / "data"
    left = data / "page.tmp" / "left" / "essay.txt"
    left.parent.mkdir(parents=True)
    left.write_text("words", encoding="utf-8")
    settings = Settings(data_dir=data, llm_discover=False)
    page = prepare(settings, cast("Rag", FakeRag(delay=0)))
    folder = Path(os.environ["GRADIO_TEMP_DIR"])
    assert folder == data / "page.tmp" == Path(page.blocks.GRADIO_CACHE)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not left.parent.exists()
    there = set(folder.iterdir())
    wait_for(page.desk.start.live.over)
    files = []
    for name in ("a.txt", "b.pdf"):
        file = folder / name[0] / name
        file.parent.mkdir()
        file.write_text("words", encoding="utf-8")
        files.append((file, name))
    shown = asyncio.run(last_of(Shelf(page.desk, page.store).add(files, Session())))
    assert "a.txt" in shown["added"]
    assert (data / "uploads" / "a.txt").exists()
    assert set(folder.iterdir()) == there
    left.parent.mkdir()
    prepare(settings, cast("Rag", FakeRag())).close()
    assert left.parent.exists()  # the first page may be reading it
    page.close()


def test_files_that_are_added_while_others_are_hide_nothing_of_those(tmp_path: Path) -> None:
    """The page sends the first ones again with the second: its list still holds them."""
    going = threading.Event()

    class Slow(FakeRag):
        def ingest(self, path: Path | str, *, on_progress: Any = None) -> IngestReport:
            assert going.wait(20)
            return super().ingest(path, on_progress=on_progress)

    page = prepare(Settings(data_dir=tmp_path, llm_discover=False), cast("Rag", Slow(delay=0)))
    wait_for(page.desk.start.live.over)
    shelf, session = Shelf(page.desk, page.store), Session()
    arrived = tmp_path / "page.tmp"
    files = [(arrived / name / name, name) for name in ("a.txt", "a.pdf", "b.txt")]

    def arrive(file: Path) -> None:
        file.parent.mkdir()
        file.write_text("words", encoding="utf-8")

    for file, _ in files:
        arrive(file)

    async def both() -> list[Patch]:
        first = shelf.add(files[:2], session)
        shown = [await anext(first)]
        second = shelf.add(files, session)
        shown.append(await anext(second))
        going.set()
        shown += [patch async for patch in first]
        return [*shown, *[patch async for patch in second]]

    began, joined, *_, last = asyncio.run(both())
    assert "(2)" in began["added"]
    assert "(1)" in joined["added"]
    assert "No such file" not in last["added"]
    assert "Added: a.txt" in last["added"]
    assert "a.pdf" in last["added"]
    assert "Added: b.txt" in last["added"]
    arrive(files[2][0])
    shown = asyncio.run(last_of(shelf.add([files[2]], session)))
    assert "a.pdf" not in shown["added"]
    page.close()


def test_of_two_files_with_one_name_the_other_is_told(tmp_path: Path) -> None:
    page = prepare(Settings(data_dir=tmp_path, llm_discover=False), cast("Rag", FakeRag(delay=0)))
    wait_for(page.desk.start.live.over)
    files = []
    for folder, words in (("x", "words"), ("y", "others"), ("z", "words")):
        file = tmp_path / "page.tmp" / folder / "a.txt"
        file.parent.mkdir()
        file.write_text(words, encoding="utf-8")
        files.append((file, "a.txt"))
    alike = asyncio.run(last_of(Shelf(page.desk, page.store).add(files[::2], Session())))
    assert "not added" not in alike["added"]
    files[0][0].parent.mkdir()
    files[0][0].write_text("words", encoding="utf-8")
    shown = asyncio.run(last_of(Shelf(page.desk, page.store).add(files[:2], Session())))
    assert "Another file of this name came with it" in shown["added"]
    assert (tmp_path / "uploads" / "a.txt").read_text(encoding="utf-8") == "words"
    page.close()


def test_an_index_that_cannot_be_read_is_no_empty_one(tmp_path: Path) -> None:
    """Nor does it change which essays are searched."""

    class Gone(FakeRag):
        def essays(self) -> list[Any]:
            raise RagError("The catalog was taken away.", "Put it back.")

    def opened(_: Settings) -> Any:
        return Gone()

    store = Store(tmp_path / "kept.sqlite3")
    desk = Desk(Preferences(Settings(data_dir=tmp_path)), opened, seeds=lambda: None)
    desk.replace(desk.settings)
    shelf = Shelf(desk, store)
    session = Session(chosen=("corpus/cake.txt",))
    shown = shelf.view(session)
    assert "The catalog was taken away. Put it back." in shown["essays"]
    assert shelf.choose(session.chosen, session)["session"].chosen == session.chosen
    desk.close()
