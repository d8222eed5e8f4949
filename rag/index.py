"""The catalog and what is derived from it, kept in agreement.

A change goes to the catalog first, with a note of the passages concerned. The derived indexes then
follow, leave a stamp that says up to where, and the note is dropped. A process killed between any
two of these steps leaves a note or a stamp that does not match, and the next `agree` completes the
work or makes the derived index anew, without embedding anything.

The stamp also says what the files of the derived index were: Chroma answers from a file that was
cut short, or is gone, as if there were nothing more to find. Made anew, an index gets a folder of
its own (`rag.storage.folders`).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from filelock import FileLock, Timeout

from rag.catalog import Catalog
from rag.errors import IndexBusy, IndexFault
from rag.lexical import Lexical
from rag.storage.folders import Folders, read_json, write_json
from rag.storage.rows import Pending
from rag.vectors import Vectors

__all__ = ["Index"]

BATCH = 20_000

WHOLE = 8 * 2**20
"""Files up to so many bytes are hashed whole, of larger ones SAMPLES blocks and the size."""

SAMPLES = 64
BLOCK = 4096

LEAST = 2**20
"""Bytes that have to be free: Chroma's log alone grows by so much at a time."""


class _Derived(Protocol):
    @property
    def folders(self) -> Folders: ...
    def apply(self, pending: list[Pending], *, trust_fresh: bool = False) -> None: ...
    def rebuild(self, folder: Path) -> None: ...
    def wrote(self) -> None: ...
    def agrees(self) -> bool: ...
    def lasting(self, folder: Path) -> list[Path]: ...


class Index:
    """All that is kept of the essays, in one folder.

    `catalog` can be used at once, `vectors` and `lexical` after `agree`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        _refuse_emptied(folder)
        self.catalog = Catalog(folder / "catalog.db")
        self.vectors = Vectors(Folders(folder, "vectors", self.catalog.id), self.catalog)
        self.lexical = Lexical(Folders(folder, "lexical", self.catalog.id), self.catalog)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let all files go."""
        self.vectors.close()
        self.catalog.close()

    @property
    def _derived(self) -> Mapping[str, _Derived]:
        return {"lexical": self.lexical, "vectors": self.vectors}

    # -- one writer -------------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the one that writes. Raises IndexBusy, which names the one that does.

        The operating system frees the lock of a process that died.
        """
        self.catalog.check_place()  # the lock would make the folder again
        holder = self.folder / "writer.json"
        lock = FileLock(self.folder / "writer.lock", timeout=0, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            raise IndexBusy(
                f"The index in {self.folder} is being written by {_read_holder(holder)}.",
                "Try again when it is done.",
            ) from None
        except OSError as error:
            raise IndexFault(
                f"{self.folder} cannot be written: {error.strerror or error}.",
                "Set RAG_DATA_DIR to a folder you may write to.",
            ) from error
        try:
            write_json(holder, {
                "pid": os.getpid(),
                "host": socket.gethostname(),
                "since": datetime.now().astimezone().isoformat(timespec="seconds"),
            })  # fmt: skip
            yield
        except IndexFault as error:
            free = _free(self.folder)
            if free is None or free >= LEAST or type(error) is not IndexFault:
                raise
            # The derived indexes' libraries say of a full disk what they were doing, not why it
            # failed, and deleting them would help nobody.
            raise IndexFault(
                f"There is no room left in {self.folder} ({free:,} bytes).",
                "Make room; what was done before is kept.",
            ) from error
        finally:
            for derived in self._derived.values():
                derived.folders.tidy()
            with suppress(OSError):  # the folder may be gone or read-only by now
                holder.unlink(missing_ok=True)
            lock.release()

    # -- agreement --------------------------------------------------------------------------------

    def agree(self, *, dense: bool = True) -> None:
        """Bring the derived indexes to where the catalog is: complete, or make anew.

        While another process writes, an index that is only behind is left to it. Raises IndexBusy
        when an index is missing or damaged and another process is writing.

        Args:
            dense: also count what the dense index holds, for which Chroma is imported and opened:
                a second that a small folder, which is searched without it, need not wait.
        """
        if all(
            self._state(kind, rows=dense or kind != "vectors") == "agrees" for kind in self._derived
        ):
            return
        try:
            with self.writing():
                self.follow()
        except IndexBusy:
            if any(self._state(kind) == "lost" for kind in self._derived):
                raise

    def follow(self, *, trust_fresh: bool = False) -> None:
        """Let the derived indexes follow what is pending. The caller is the writer.

        Args:
            trust_fresh: nothing was interrupted since the pending changes were made, so what was
                not there before need not be looked for.
        """
        for kind, derived in self._derived.items():
            look = not trust_fresh
            if self._state(kind, files=look, rows=look) == "lost":
                self.rebuild(kind)
            while batch := self.catalog.pending(kind, BATCH):
                derived.apply(batch, trust_fresh=trust_fresh)
                self._stamp(derived, derived.folders.current())
                with self.catalog.write() as writer:
                    writer.followed(kind, batch)
                derived.wrote()

    def rebuild(self, kind: str) -> None:
        """Make a derived index anew from the catalog. The caller is the writer.

        Those who ask go on with the one before until it is done; the end of `writing` removes that.
        """
        derived = self._derived[kind]
        derived.folders.tidy()  # what a process that was killed here had begun
        folder = derived.folders.fresh()
        derived.rebuild(folder)
        self._stamp(derived, folder)
        with self.catalog.write() as writer:
            writer.rebuilt(kind)
        derived.wrote()

    def _state(self, kind: str, *, files: bool = True, rows: bool = True) -> str:
        """agrees, behind (the pending changes complete it) or lost (it must be made anew).

        Args:
            files: look whether its files are as they were.
            rows: ask it how much it holds.
        """
        derived = self._derived[kind]
        applied = self.catalog.applied(kind)
        pending = bool(self.catalog.pending(kind, 1))
        folder = derived.folders.current()
        stamp = derived.folders.stamp(folder)
        if not applied and not stamp:
            return "behind" if pending else "agrees"
        if stamp.get("catalog") != self.catalog.id:
            return "lost"
        reached = stamp.get("applied")
        if not isinstance(reached, int) or reached < applied or (reached > applied and not pending):
            return "lost"
        if pending:
            return "behind"
        try:
            whole = (not files or stamp.get("files") == _files(derived, folder)) and (
                not rows or derived.agrees()
            )
        except IndexFault:
            return "lost"
        return "agrees" if whole else "lost"

    def _stamp(self, derived: _Derived, folder: Path) -> None:
        """Written before the catalog is told, so that it is never behind what the catalog says."""
        stamp = {
            "catalog": self.catalog.id,
            "applied": self.catalog.generation() + 1,
            "files": _files(derived, folder),
        }
        derived.folders.put_stamp(folder, stamp)


def _refuse_emptied(folder: Path) -> None:
    """Raise IndexFault for a catalog that lost all it held: to SQLite an empty file is a new one,
    but what was derived from the old one is still there."""
    catalog = folder / "catalog.db"
    try:
        empty = catalog.stat().st_size == 0
    except OSError:
        return
    if empty and any(folder.glob("*/stamp.json")):
        raise IndexFault(
            f"{catalog} is empty, and was not: it is damaged.",
            "Put a copy of it back. Without one, move it away and read your essays in again: "
            "rag ingest PATH",
        )


def _free(folder: Path) -> int | None:
    """The bytes that are free there; None where the folder is gone."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _files(derived: _Derived, folder: Path) -> dict[str, str]:
    """What tells, in milliseconds, that the files of a derived index are as they were."""
    return {
        path.relative_to(folder).as_posix(): _digest(path)
        for path in sorted(derived.lasting(folder))
    }


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size <= WHOLE:
                content = hashlib.blake2b(file.read(), digest_size=8)
            else:
                content = hashlib.blake2b(digest_size=8)
                for part in range(SAMPLES):
                    file.seek(part * (size - BLOCK) // (SAMPLES - 1))
                    content.update(file.read(BLOCK))
    except OSError as error:
        raise IndexFault(
            f"{path} cannot be read: {error.strerror or error}.",
            "Set RAG_DATA_DIR to a folder that you may read and write.",
        ) from error
    return f"{size}-{content.hexdigest()}"


def _read_holder(path: Path) -> str:
    holder = read_json(path)
    if not holder:
        return "another process"
    process = f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    here = (holder["pid"], holder["host"]) == (os.getpid(), socket.gethostname())
    return f"this program itself, {process}" if here else process
