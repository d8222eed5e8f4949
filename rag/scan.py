"""What is in a folder, and what of it is new, changed, renamed, gone or the same.

The hash of a file's bytes decides. Size and times only spare reading a file: they are trusted when
the file was last changed well before it was last read, because an edit that keeps the size can
fall into the same tick of the file system's clock.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rag.errors import LoadError
from rag.storage.rows import FileState
from rag.visible import portable

__all__ = ["Plan", "Scan", "digest", "file_state", "make_plan", "place", "scan", "unreadable"]

TICK = 2_000_000_000  # ns; FAT counts in two seconds, the coarsest clock in use

ABOUT = ("readme", "license", "licence", "copying", "changelog")
"""Names, without ending, of files that by convention are about the folder they lie in."""

OWN = frozenset({"index", "models", "uploads", "eval"})
"""Folders that this program makes in its data directory: copies of essays, and no essays."""
CATALOG = Path("index", "catalog.db")  # what a data directory is known by
DICTIONARY = re.compile(r"dictionary-\d+\.txt")  # the one text among converted weights
FIRST_ENTRY = re.compile(rb"\n[^\t\n]+\t")

KEPT = "What was read in from there before is kept."
"""What to say where a path cannot be read: no reason to forget anything."""


@dataclass(frozen=True)
class Scan:
    """The files under a root that may be essays, by source; `failed` says what cannot be read.

    `blind` are the sources of folders that could not be looked into: nothing is known of what is
    below them.
    """

    files: Mapping[str, Path]
    failed: Mapping[str, str]
    blind: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What an ingest has to do, by source. `touched` are the same, with a new state to remember."""

    new: Mapping[str, Path] = field(default_factory=dict)
    changed: Mapping[str, Path] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    touched: Mapping[str, FileState] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)


def place(path: str | Path) -> Path:
    """Where `path` leads: from the root, without links, with the home folder filled in.

    Raises:
        LoadError: no folder and no regular file is there, or it cannot be looked at.
    """
    name = portable(str(path))
    if not name:  # as a Path it is the current folder, which nobody means by it
        raise LoadError("No path was given.", "For the current folder say: .")
    try:
        top = Path(path).expanduser()
        mode = top.stat().st_mode
        top = top.resolve()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise LoadError(f"There is nothing at {name}.", KEPT) from error
    except OSError as error:
        raise LoadError(f"{name} {unreadable(error)}.", KEPT) from error
    except (RuntimeError, ValueError) as error:  # no such user, no character of a path
        raise LoadError(f"{name} is no path: {str(error).rstrip('.')}.", KEPT) from error
    if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        raise LoadError(f"{name} is neither a folder nor a regular file.", KEPT)
    return top


def scan(top: Path, name: str, loadable: Callable[[Path], bool]) -> Scan:
    """Look through a folder, or at one file, which then is the root itself.

    Hidden files and folders below `top` are passed over, what this program keeps in a data
    directory there, and what is about the folder rather than one of its essays (named alone, it is
    taken). Links are followed inside the folder, each folder once. One that leads out of it stands
    among what cannot be read: whoever made the folder, and it may have come from elsewhere, would
    else choose what of this machine is read.
    """
    if not top.is_dir():
        return Scan({name: top}, {})
    walk = _Walk(top, name, loadable)
    folders = [top]
    while folders:
        folders += walk.into(folders.pop())
    return Scan(dict(sorted(walk.files.items())), walk.failed, tuple(walk.blind))


class _Walk:
    """What was met so far under a folder."""

    def __init__(self, top: Path, name: str, loadable: Callable[[Path], bool]) -> None:
        self.files: dict[str, Path] = {}
        self.failed: dict[str, str] = {}
        self.blind: list[str] = []
        self._top = top
        self._home = Path(os.path.realpath(top))
        self._name = name
        self._loadable = loadable
        self._visited: set[tuple[int, int]] = set()

    def into(self, folder: Path) -> list[Path]:
        """Take the files of a folder; returns the folders in it."""
        try:
            self._check_inside(folder)
            entries = _not_ours(folder, _entries(folder, self._visited))
        except OSError as error:
            self.blind.append(self._failed(folder, error))
            return []
        return [Path(entry.path) for entry in entries if self._is_folder(entry)]

    def _is_folder(self, entry: os.DirEntry[str]) -> bool:
        """Whether this is a folder; a file is taken if it may be an essay."""
        path = Path(entry.path)
        try:
            if entry.is_dir():
                return True
            if self._loadable(path) and path.stem.casefold() not in ABOUT:
                self._take(path, entry)
        except OSError as error:
            self._failed(path, error)
        return False

    def _take(self, path: Path, entry: os.DirEntry[str]) -> None:
        source = self._source(path)
        if source in self.files:  # bytes that are no text, and a name that spells them out
            self.failed[f"{source} (another)"] = "has the name of a file beside it: rename it"
            return
        self._check_inside(path)
        if not stat.S_ISREG(entry.stat().st_mode):
            raise OSError(0, "it is no regular file")
        self.files[source] = path

    def _check_inside(self, path: Path) -> None:
        """Raise OSError where links lead out of the folder."""
        target = Path(os.path.realpath(path))
        if not target.is_relative_to(self._home):
            told = f"it is a link out of the folder, to {target}: ingest that by its own name"
            raise OSError(0, portable(told))

    def _failed(self, path: Path, error: OSError) -> str:
        """Note what is wrong with what is at `path`; returns its source."""
        source = self._source(path)
        self.failed[source] = unreadable(error)
        return source

    def _source(self, path: Path) -> str:
        inside = path.relative_to(self._top).as_posix()
        return self._name if inside == "." else f"{self._name}/{portable(inside)}"


def make_plan(found: Scan, known: Mapping[str, FileState]) -> Plan:
    """Compare what was found with what the root's essays were when they were read."""
    failed = dict(found.failed)
    digests: dict[str, str] = {}
    same: list[str] = []
    touched: dict[str, FileState] = {}
    for source, path in found.files.items():
        try:
            state = file_state(path)
            if source in known and _trusted(known[source], state):
                same.append(source)
                continue
            digests[source] = digest(path)
        except OSError as error:
            failed[source] = unreadable(error)
            continue
        if source in known and known[source].digest == digests[source]:
            same.append(source)
            touched[source] = state
    gone = [
        source
        for source in known
        if source not in found.files
        and source not in failed
        and not any(source.startswith(f"{unseen}/") for unseen in (*found.blind, *failed))
    ]
    left = {source for source in digests if source not in touched}
    renamed = _renamed(sorted(left - set(known)), gone, digests, known)
    return Plan(
        new={s: found.files[s] for s in sorted(left) if s not in known and s not in renamed},
        changed={s: found.files[s] for s in sorted(left) if s in known},
        renamed=renamed,
        gone=tuple(s for s in gone if s not in renamed.values()),
        same=tuple(same),
        touched=touched,
        failed=failed,
    )


def _renamed(
    new: list[str], gone: list[str], digests: Mapping[str, str], known: Mapping[str, FileState]
) -> dict[str, str]:
    """New sources to the gone ones that held the same bytes, one to one."""
    by_digest: dict[str, list[str]] = {}
    for source in reversed(gone):
        by_digest.setdefault(known[source].digest, []).append(source)
    pairs = {}
    for source in new:
        if candidates := by_digest.get(digests[source]):
            pairs[source] = candidates.pop()
    return pairs


def digest(path: Path) -> str:
    """SHA-256 of the file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_state(path: Path) -> FileState:
    """The state of a file that is about to be read."""
    status = path.stat()
    changed, moved = _kept_time(status.st_mtime_ns), _kept_time(status.st_ctime_ns)
    return FileState(status.st_size, changed, moved, time.time_ns())


def _kept_time(nanoseconds: int) -> int:
    """A time as a database can hold it: after 2262 all are one, which is never trusted."""
    return max(-(2**63), min(nanoseconds, 2**63 - 1))


def _trusted(before: FileState, now: FileState) -> bool:
    unmoved = (before.size, before.mtime, before.ctime) == (now.size, now.mtime, now.ctime)
    return unmoved and max(now.mtime, now.ctime) + TICK < before.seen


def unreadable(error: OSError) -> str:
    """What is wrong with a file, to follow its name."""
    return f"cannot be read: {error.strerror or error}"


def _entries(folder: Path, visited: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
    """What is in a folder and not hidden; nothing if it was visited before, by whatever link."""
    status = folder.stat()
    if (status.st_dev, status.st_ino) in visited:
        return []
    visited.add((status.st_dev, status.st_ino))
    with os.scandir(folder) as entries:
        seen = [entry for entry in entries if not entry.name.startswith(".")]
    return sorted(seen, key=lambda entry: entry.name, reverse=True)


def _not_ours(folder: Path, entries: list[os.DirEntry[str]]) -> list[os.DirEntry[str]]:
    """The entries of a folder but for what this program keeps there."""
    own = OWN if (folder / CATALOG).is_file() else ()
    return [entry for entry in entries if entry.name not in own and not _is_dictionary(entry)]


def _is_dictionary(entry: os.DirEntry[str]) -> bool:
    """Whether this is the dictionary that is kept beside converted weights, wherever they are."""
    if not DICTIONARY.fullmatch(entry.name):
        return False
    try:
        if not entry.is_file():  # opening a pipe would wait
            return False
        with Path(entry.path).open("rb") as file:
            return FIRST_ENTRY.match(file.read(200)) is not None
    except OSError:
        return False  # reading it will say why
