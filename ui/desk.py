"""The one place where the page gets at `Rag`: opened behind the page, changed without a break."""

from __future__ import annotations

import contextlib
import filecmp
import hashlib
import logging
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.config import Settings
from rag.errors import LoadError, RagError
from rag.load import load
from rag.scan import ABOUT
from rag.schema import IngestReport
from rag.storage.files import put
from ui.live import Live
from ui.preferences import Preferences
from ui.views import Progress

if TYPE_CHECKING:
    from rag import Rag

__all__ = ["UPLOADS", "Added", "Desk", "Ending", "NotReady", "Task", "safe_name"]

UPLOADS = "uploads"
"""The folder of the data directory that added files are copied to: a root like any other."""

LONGEST_NAME = 200
"""Bytes of a copy's name. File systems take 255, and it is written under a longer one at first."""

log = logging.getLogger("ui")


class NotReady(RagError):
    """The index is still being opened or read in."""


class Ending(RagError):
    """The program ends before the work is done."""

    def __init__(self) -> None:
        super().__init__("The program is ending.", "Start it again.")


class Task:
    """A piece of work in the background, with its progress and how it ended."""

    def __init__(self, message: str = "") -> None:
        self.live: Live[Progress] = Live(Progress(message))
        self.error: BaseException | None = None
        self.result: Any = None

    def report(self, message: str, done: int = 0, total: int = 0) -> None:
        """Say how far it is, in whatever `total` counts; 0 where that is not known."""
        self.live.set(Progress(message, done, total))

    def settle(self, done: Future[Any], *, ending: bool = False) -> None:
        """Keep the outcome, log what is no sentence for people, and let the followers go. Where the
        program is `ending`, what fails fails of that: Python then loads no more modules."""
        self.error = Ending() if done.cancelled() else done.exception()
        if self.error is None:
            self.result = done.result()
        elif ending:
            self.error = Ending()
        elif not isinstance(self.error, RagError):
            log.error("background work failed", exc_info=self.error)
        self.live.change(lambda progress: progress, last=True)


@dataclass(frozen=True, slots=True)
class Added:
    """What came of added files: the report of those that were read in, and by name why others were
    not: an error, or the key of one of the page's texts."""

    report: IngestReport
    refused: Mapping[str, RagError | str]


class _Seat:
    """A Rag, the settings that it was made with, and how many are using it."""

    def __init__(self, rag: Rag, settings: Settings) -> None:
        self.rag = rag
        self.settings = settings
        self.users = 0
        self.left = False


class Desk:
    """Lends the Rag that holds, does long work in the background, one piece at a time.

    A Rag that was replaced is closed when the last answer that uses it is done.
    """

    def __init__(
        self,
        preferences: Preferences,
        open_rag: Callable[[Settings], Rag],
        *,
        seeds: Callable[[], Path | None],
    ) -> None:
        self.preferences = preferences
        self.start: Task = Task()
        self._open_rag = open_rag
        self._seeds = seeds
        self._seat: _Seat | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._worker = ThreadPoolExecutor(1, "desk")

    def begin(self, rag: Rag | None = None) -> None:
        """Open the index (or take `rag`) and read the first essays in, behind the page."""
        self.start = self.background(lambda task: self._begin(task, rag))

    def background(self, work: Callable[[Task], Any]) -> Task:
        """Do `work` after what is being done; it reports to the task it is given."""
        task = Task()
        with self._lock:
            future = None if self._closed else self._worker.submit(work, task)
        if future:
            future.add_done_callback(lambda done: task.settle(done, ending=self._closed))
        else:
            task.error = Ending()
            task.live.change(lambda progress: progress, last=True)
        return task

    @property
    def settings(self) -> Settings:
        """The settings that hold: those that answers are made with, whatever was written into their
        file since. Raises ConfigError."""
        seat = self._seat
        return seat.settings if seat else self.preferences.settings()

    @contextlib.contextmanager
    def lease(self) -> Iterator[Rag]:
        """The Rag that holds now, for as long as the block lasts. Raises NotReady, or why not."""
        with self._lock:
            seat = self._seat
            if seat:
                seat.users += 1
        if seat is None:
            if isinstance(self.start.error, RagError):
                raise self.start.error
            raise NotReady("The essays are still being read.", "Ask again in a moment.")
        try:
            yield seat.rag
        finally:
            self._leave(seat)

    def replace(self, settings: Settings) -> None:
        """Answers from here on are made with these settings; those under way go on as they were."""
        rag = self._open_rag(settings)
        self._seat_down(_Seat(rag, settings))
        self._warm(rag)

    def add(self, paths: Sequence[tuple[Path, str]], task: Task) -> Added:
        """Copy each (file, its name) that is an essay into the data directory, and read them in.

        Of several with one name it is the first.

        Raises:
            RagError: they could not be read in; what was not is not kept.
        """
        named: dict[str, Path] = {}
        for path, name in paths:
            named.setdefault(safe_name(name), path)
        others = [(path, safe_name(name)) for path, name in paths]
        twice = {name for path, name in others if not _alike(path, named[name])}
        unfit = {name: why for name, path in named.items() if (why := _refusal(path, name))}
        refused = {**dict.fromkeys(sorted(twice), "same-name"), **unfit}
        taken = {name: path for name, path in named.items() if name not in unfit}
        if not taken:
            return Added(IngestReport(), refused)
        with self.lease() as rag:
            folder = self.settings.data_dir / UPLOADS
            try:
                _copy(taken, folder)
                report = rag.ingest(folder, on_progress=self._reporter(task))
            finally:
                _keep_only_essays(rag, folder, taken)
        return Added(report, refused)

    def remove(self, source: str) -> None:
        """Forget an essay, and the copy of it if it was added here. Raises SourceNotFound."""
        folder = self.settings.data_dir / UPLOADS
        with self.lease() as rag:
            root = rag.root(folder)  # asked before: it goes with its last essay
            rag.remove(source)
        copy = folder / source.removeprefix(f"{root}/")
        if root and source.startswith(f"{root}/") and copy.parent == folder:
            copy.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the Rag once nobody uses it, end the work under way, and take no more."""
        with self._lock:
            self._closed = True
        self._worker.shutdown(wait=False, cancel_futures=True)
        self._seat_down(None)

    def _begin(self, task: Task, rag: Rag | None) -> None:
        settings = self.preferences.settings()
        rag = rag or self._open_rag(settings)
        self._follow_copies(rag, task)
        seeds = None if self.preferences.seeded or rag.essays() else self._seeds()
        if seeds:
            report = rag.ingest(seeds, on_progress=self._reporter(task))
            for source, reason in report.failed.items():
                log.warning("%s was not read in: %s", source, reason)
            self.preferences.mark_seeded()
        with self._lock:
            # where settings were saved meanwhile, the Rag that was made with them stays
            late = self._closed or self._seat is not None
            if not late:
                self._seat = _Seat(rag, settings)
        if late:
            rag.close()
        else:
            self._warm(rag)

    def _follow_copies(self, rag: Rag, task: Task) -> None:
        """Read the added essays in from where their copies are now, if the data directory was moved
        or is a copy: the index knows them by where they were read, and would take them for others.
        """
        folder = self.preferences.given.data_dir / UPLOADS
        if not folder.is_dir() or rag.root(folder):
            return
        try:
            moved = _copied(rag, folder)
            for source in moved:
                rag.remove(source)
            if moved:
                rag.ingest(folder, on_progress=self._reporter(task))
        except Ending:
            raise
        except RagError as error:
            log.warning("the added essays stay as they are in the index: %s", error)

    def _reporter(self, task: Task) -> Callable[[Any], None]:
        """Tells a task how far an ingest is, and ends it when all is closed: it loses nothing of
        what it has read in."""

        def report(progress: Any) -> None:
            if self._closed:
                raise Ending
            task.report(progress.stage, progress.done, progress.total or 0)

        return report

    def _warm(self, rag: Rag) -> None:
        """Let the first question find the encoders loaded, which takes seconds."""

        def load(_: Task) -> None:
            with contextlib.suppress(RagError), self.lease() as held:
                if held is rag and rag.essays():
                    rag.retrieve("?", k=1)

        self.background(load)

    def _seat_down(self, seat: _Seat | None) -> None:
        with self._lock:
            before, self._seat = self._seat, seat
            if before:
                before.left = True
                before.users += 1
        if before:
            self._leave(before)

    def _leave(self, seat: _Seat) -> None:
        with self._lock:
            seat.users -= 1
            close = seat.left and seat.users == 0
        if close:
            seat.rag.close()


def safe_name(name: str) -> str:
    """A file's name without folders, control characters or a leading dot.

    Of a long one the beginning, and a sum of the whole: two titles may differ only at their end.
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(sign for sign in last if sign.isprintable()).strip().lstrip(".")
    stem, dot, suffix = kept.rpartition(".")
    if not dot:
        stem, suffix = kept, ""
    whole = (stem or "essay") + dot + suffix
    if len(whole.encode()) <= LONGEST_NAME:
        return whole
    end = f"-{hashlib.sha256(whole.encode()).hexdigest()[:8]}{dot}{suffix[:20]}"
    room = LONGEST_NAME - len(end.encode())
    return stem.encode()[:room].decode(errors="ignore") + end


def _alike(path: Path, other: Path) -> bool:
    """Whether two files hold the same; what cannot be read is told of by its own refusal."""
    try:
        return path == other or filecmp.cmp(path, other, shallow=False)
    except OSError:
        return True


def _refusal(path: Path, name: str) -> RagError | str:
    """Why a file is not taken, "" where it is."""
    if Path(name).stem.casefold() in ABOUT:
        return "about-folder"
    try:
        essay = load(path, name)
    except LoadError as error:
        return error
    return "" if essay.text[essay.body_start :].strip() else "no-text"


def _copied(rag: Rag, folder: Path) -> Sequence[str]:
    """The essays that were read in from this folder when it was elsewhere: they are in it word for
    word, and so is all else of their root."""
    roots: dict[str, list[str]] = {}
    for essay in rag.essays():
        root, _, _ = essay.source.partition("/")
        if re.fullmatch(rf"{UPLOADS}(-\d+)?", root):
            roots.setdefault(root, []).append(essay.source)
    whole = [s for s in roots.values() if all(_is_copied(rag, source, folder) for source in s)]
    return max(whole, key=len, default=[])


def _is_copied(rag: Rag, source: str, folder: Path) -> bool:
    name = source.partition("/")[2]
    try:
        return load(folder / name, name).text == rag.text(source)
    except LoadError:
        return False


def _copy(files: Mapping[str, Path], folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, path in files.items():
            # Whole or not at all: half of an essay that was added before would take its place.
            put(folder / name, path.read_bytes())
    except OSError as error:
        raise RagError(
            f"The files cannot be copied to {folder}: {error.strerror or error}.",
            "Look whether there is room, and whether you may write there.",
        ) from error


def _keep_only_essays(rag: Rag, folder: Path, names: Iterable[str]) -> None:
    """Delete the copies that are in no list of essays, where they could not be removed from."""
    root, there = rag.root(folder), {essay.source for essay in rag.essays()}
    for name in names:
        if f"{root}/{name}" not in there:
            (folder / name).unlink(missing_ok=True)
