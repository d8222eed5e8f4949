"""The catalog's file: one SQLite database in WAL mode, its tables, and what its errors mean.

Thread-safe. One process at a time may write (the caller holds the index's lock).
"""

from __future__ import annotations

import shlex
import sqlite3
import threading
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from rag.errors import IndexFault, IndexMismatch

__all__ = ["MIGRATIONS", "Database", "told"]

MIGRATIONS = (
    """
    CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE manifest (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE root (
        id INTEGER PRIMARY KEY,
        path TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE essay (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        root INTEGER NOT NULL REFERENCES root,
        source TEXT NOT NULL UNIQUE,
        size INTEGER NOT NULL, mtime INTEGER NOT NULL, ctime INTEGER NOT NULL,
        seen INTEGER NOT NULL,
        digest TEXT NOT NULL,
        title TEXT NOT NULL, author TEXT NOT NULL, date TEXT NOT NULL, tags TEXT NOT NULL,
        origin TEXT NOT NULL, language TEXT NOT NULL, encoding TEXT NOT NULL,
        body_start INTEGER NOT NULL, markdown INTEGER NOT NULL,
        characters INTEGER NOT NULL, passages INTEGER NOT NULL,
        title_words TEXT NOT NULL
    ) STRICT;
    CREATE INDEX essay_root ON essay (root);
    CREATE TABLE body (
        essay INTEGER PRIMARY KEY REFERENCES essay ON DELETE CASCADE,
        text TEXT NOT NULL
    ) STRICT;
    CREATE TABLE unit (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        copy_key BLOB NOT NULL,
        language TEXT NOT NULL,
        rank INTEGER NOT NULL,
        passage INTEGER NOT NULL,
        words TEXT NOT NULL,
        vectors_as BLOB NOT NULL,
        lexical_as BLOB NOT NULL,
        UNIQUE (copy_key, language)
    ) STRICT;
    CREATE INDEX unit_sample ON unit (language, rank);
    CREATE TABLE passage (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        essay INTEGER NOT NULL REFERENCES essay ON DELETE CASCADE,
        unit INTEGER NOT NULL REFERENCES unit,
        start INTEGER NOT NULL, stop INTEGER NOT NULL,
        heading TEXT NOT NULL, heading_words TEXT NOT NULL,
        text TEXT NOT NULL, raw TEXT, context TEXT NOT NULL, runs BLOB NOT NULL
    ) STRICT;
    CREATE INDEX passage_essay ON passage (essay, unit);
    CREATE INDEX passage_unit ON passage (unit, essay);
    CREATE TABLE encoder (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        dimension INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE vector (
        id INTEGER PRIMARY KEY,
        encoder INTEGER NOT NULL REFERENCES encoder,
        hash BLOB NOT NULL,
        vector BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX vector_hash ON vector (hash, encoder);
    CREATE TABLE part (
        unit INTEGER NOT NULL REFERENCES unit ON DELETE CASCADE,
        encoder INTEGER NOT NULL REFERENCES encoder,
        vectors BLOB NOT NULL,
        PRIMARY KEY (encoder, unit)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX part_unit ON part (unit);
    CREATE TABLE pending (
        kind TEXT NOT NULL,
        unit INTEGER NOT NULL,
        language TEXT NOT NULL,
        fresh INTEGER NOT NULL,
        PRIMARY KEY (kind, unit)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE token (
        vector INTEGER PRIMARY KEY REFERENCES vector ON DELETE CASCADE,
        packed BLOB NOT NULL
    ) STRICT
    """,
)
"""Each one brings the schema from its position to the next. `PRAGMA user_version` counts them."""


class Database:
    """The file, opened or made.

    Raises:
        IndexFault: it cannot be used.
        IndexMismatch: it was made by a newer program.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._idle: deque[sqlite3.Connection] = deque()
        self._writing = threading.RLock()
        self._closed = False
        self._file: tuple[int, int] | None = None
        with self._faults():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._migrate()
            self._file = _identity(path)

    def close(self) -> None:
        """Close the connections; those in use close when they are done."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    # -- reading and writing ----------------------------------------------------------------------

    def rows(self, sql: str, *values: Any) -> list[Any]:
        """What a query gives."""
        with self.connection() as connection:
            return connection.execute(sql, values).fetchall()

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A connection of one's own for as long as the block lasts. Raises IndexFault."""
        with self._faults():
            self.check_place()
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = self._connect()
            try:
                yield connection
            finally:
                if self._closed:
                    connection.close()
                else:
                    self._idle.append(connection)

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """A connection whose queries all see one state."""
        with self.connection() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("COMMIT")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is written in the block, or nothing; it makes a new generation."""
        with self._writing, self.connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute(
                    "UPDATE state SET value = CAST(value AS INTEGER) + 1 WHERE name = 'generation'"
                )
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _connect(self) -> sqlite3.Connection:
        if self._closed:
            raise IndexFault("The index is closed.", "Open it again.")
        connection = sqlite3.connect(
            self.path, timeout=30, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -8000")
        return connection

    def _migrate(self) -> None:
        with self.connection() as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version == len(MIGRATIONS):
                return
            if version > len(MIGRATIONS):
                raise IndexMismatch(
                    f"{self.path} has schema {version}; this program knows {len(MIGRATIONS)}.",
                    "Update the program, or set RAG_DATA_DIR to another folder.",
                )
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            try:
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                for migration in MIGRATIONS[version:]:
                    for statement in migration.split(";"):
                        connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
                fresh = (("id", uuid.uuid4().hex), ("generation", "0"))
                connection.executemany("INSERT OR IGNORE INTO state VALUES (?, ?)", fresh)
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise

    # -- damage -----------------------------------------------------------------------------------

    def check_place(self) -> None:
        """Raise IndexFault where the file is gone or another one: SQLite goes on with what it has
        open, where nobody will ever find what is written."""
        if self._file is None or self._closed:
            return
        try:
            same = _identity(self.path) == self._file
        except FileNotFoundError:
            same = False
        if not same:
            raise IndexFault(
                f"{self.path} was taken away or replaced while it was open.",
                "Start again, or put it back.",
            )

    def examine(self, largest: int | None = None) -> None:
        """Look at every page of the file, which opening and asking do not.

        It takes .1 s for 200 MB in memory, and as long as reading the file takes where it is not.

        Args:
            largest: leave a file of more bytes alone; None: none is too large.

        Raises:
            IndexFault: a page is damaged.
        """
        with self._faults():
            if largest is not None and self.path.stat().st_size > largest:
                return
        found = self.rows("PRAGMA quick_check(1)")[0][0]
        if found != "ok":
            raise self.damaged(found)

    def damaged(self, reason: str) -> IndexFault:
        """The error of a file that lost something, with what was read into it."""
        places: list[str] = []
        with suppress(sqlite3.Error), closing(sqlite3.connect(self.path)) as connection:
            places = [path for (path,) in connection.execute("SELECT path FROM root ORDER BY id")]
        again = f"rag ingest {shlex.join(places)}" if places else "rag ingest PATH"
        return IndexFault(
            f"{self.path} is damaged or no index: {' '.join(reason.split())}.",
            "Put a copy of it back. Without one, move it away and read your essays in again: "
            f"{again}",
        )

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._fault(error) from error
        except OSError as error:
            raise IndexFault(
                f"{self.path} cannot be opened: {error.strerror or error}.",
                "Set RAG_DATA_DIR to a folder you may write to.",
            ) from error

    def _fault(self, error: sqlite3.Error) -> IndexFault:
        reason = told(error)
        if "disk is full" in reason:
            return IndexFault(
                f"There is no room left to write {self.path}.",
                "Make room; what was done before is kept.",
            )
        if "readonly" in reason or "unable to open" in reason:
            return IndexFault(
                f"{self.path} cannot be written: {reason}.",
                "Asking and listing take a folder that may be written to as well. Set RAG_DATA_DIR "
                f"to one, or to a copy of {self.path.parent.parent}.",
            )
        if "disk I/O error" in reason:  # a quota, a failing disk: says nothing of the content
            return IndexFault(
                f"{self.path} could not be read or written: {reason}.",
                "Look whether its disk has room, for you too, and works; what was done before is "
                "kept.",
            )
        if "locked" in reason or "busy" in reason:
            return IndexFault(
                f"{self.path} is locked by another process.", "Try again when it is done."
            )
        return self.damaged(reason)


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def told(error: sqlite3.Error) -> str:
    """What SQLite says. Of a text that is none it gives the whole text, which may be an essay or
    private: that stays here."""
    return str(error).partition(" with text ")[0]
