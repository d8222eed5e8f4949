"""The folders in which a derived index stands, one after another; the newest whole one counts.

Made anew, an index gets a folder of its own beside the one before (`vectors`, `vectors.1`, …), so
that nothing is taken from under those who read. Its stamp, written last, makes it the current one;
a folder without a stamp is unfinished, and the older ones are removed when the writer is done.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from rag.errors import IndexBusy, IndexFault

__all__ = ["Folders", "made_anew", "read_json", "write_json"]

STAMP = "stamp.json"

T = TypeVar("T")


class Folders:
    """The folders of one derived index. Anybody may read; one writer makes and removes.

    Args:
        home: the folder that they stand in.
        kind: their name, without the number.
        catalog: the id of the catalog that the index follows.
    """

    def __init__(self, home: Path, kind: str, catalog: str) -> None:
        self._home = home
        self._kind = kind
        self._catalog = catalog

    def current(self) -> Path:
        """The newest one that has a stamp; the first where none has."""
        numbers = sorted(self._numbers(), reverse=True)
        paths = (self._path(number) for number in numbers)
        return next((path for path in paths if (path / STAMP).exists()), self._path(0))

    def readable(self, applied: int) -> Path:
        """The current one, where it follows the catalog up to `applied`, which was read before.

        Raises IndexBusy where it does not: the catalog holds what will be made anew from it, and
        an index of before would name what is gone.
        """
        while True:
            folder = self.current()
            if not applied or self._follows(folder, applied):
                return folder
            if folder == self.current():
                raise made_anew(folder)

    def opened(
        self, applied: int, make: Callable[[Path], T], discard: Callable[[T], None] = lambda _: None
    ) -> tuple[Path, T]:
        """The folder to read and what `make` opens there; again, and `discard` what was opened,
        where the folder gave way to a newer one meanwhile. Raises IndexBusy as `readable` does."""
        while True:
            folder = self.readable(applied)
            try:
                made = make(folder)
            except IndexFault:
                if folder == self.current():
                    raise
                continue
            if folder == self.current():
                return folder, made
            discard(made)

    def stamp(self, folder: Path) -> dict[str, object]:
        """What the stamp in a folder says; nothing where there is none."""
        return read_json(folder / STAMP)

    def put_stamp(self, folder: Path, stamp: Mapping[str, object]) -> None:
        """Make a folder the current one, or say anew how far it follows. Raises IndexFault."""
        write_json(folder / STAMP, stamp)

    def fresh(self) -> Path:
        """A new folder, current once it has a stamp. Raises IndexFault."""
        numbers = self._numbers()
        folder = self._path(max(numbers) + 1 if numbers else 0)
        try:
            folder.mkdir()
        except OSError as error:
            raise _unwritable(folder, error) from error
        return folder

    def tidy(self) -> None:
        """Remove all but the current one, as far as that can be done."""
        with suppress(OSError):
            current = self.current()
            for path in map(self._path, self._numbers()):
                if path != current:
                    shutil.rmtree(path, ignore_errors=True)

    def _follows(self, folder: Path, applied: int) -> bool:
        stamp = self.stamp(folder)
        reached = stamp.get("applied")
        return (
            stamp.get("catalog") == self._catalog
            and isinstance(reached, int)
            and reached >= applied
        )

    def _path(self, number: int) -> Path:
        return self._home / (f"{self._kind}.{number}" if number else self._kind)

    def _numbers(self) -> list[int]:
        found = (
            re.fullmatch(rf"{re.escape(self._kind)}(?:\.([1-9]\d*))?", path.name)
            for path in self._home.glob(f"{self._kind}*")
            if path.is_dir()
        )
        return [int(match[1] or 0) for match in found if match]


def made_anew(folder: Path) -> IndexBusy:
    """The error of an index that gives way to a new one."""
    return IndexBusy(f"The index in {folder.parent} is being made anew.", "Ask again in a moment.")


def write_json(path: Path, value: Mapping[str, object]) -> None:
    """All of it or nothing. Raises IndexFault."""
    fresh = path.with_suffix(".new")
    try:
        fresh.write_text(json.dumps(value), "utf-8")
        fresh.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def read_json(path: Path) -> dict[str, object]:
    """What stands in a file; nothing where it is gone or damaged."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _unwritable(path: Path, error: OSError) -> IndexFault:
    return IndexFault(
        f"{path} cannot be written: {error.strerror or error}.",
        "Make room, or set RAG_DATA_DIR to a folder you may write to.",
    )
