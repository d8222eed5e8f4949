"""The source of truth: one SQLite file with essays, passages, vectors and how they were made.

Chroma and tantivy are derived from it and can be thrown away. A change is committed here first,
together with a note of the passages that the derived indexes have yet to follow (`pending`), so
that a process killed at any instant leaves either the old state or a state that the next open
completes. All methods are thread-safe; one process at a time may write (the caller holds the lock).

Text that stands in several places is one *unit*: found once, shown at any of its places. A unit
lives as long as one place does; its number is never used again, so that a derived index that is
behind can miss a passage but never show a wrong one.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import sqlite3
import threading
import uuid
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import IndexFault, IndexMismatch, SourceNotFound
from rag.recent import Recent
from rag.schema import Essay, EssayInfo, OffsetMap, Passage, Place

__all__ = ["Catalog", "FileState", "Pending", "Piece", "Root", "Words", "Writer"]

Ids = NDArray[np.int64]
Vector = NDArray[np.float32]

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

KINDS = ("vectors", "lexical")
STORED = np.dtype("<f2")
"""Half precision: half the disk, and a cosine moves by about 1e-5 (docs/decisions)."""

SELECTION_CACHE = 16


@dataclass(frozen=True, slots=True)
class Root:
    """What was ingested: a folder or a single file, by its resolved path."""

    id: int
    path: str
    name: str


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells without reading that a file is as it was; times in ns, `seen` when it was read."""

    size: int
    mtime: int
    ctime: int
    seen: int
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage as ingest hands it over.

    `copy_key` is equal for passages that are copies of each other. `words` and `heading_words` are
    what the lexical index finds it by, folded and joined by spaces. `parts` are the texts whose
    vectors stand for the passage, by encoder; the passage's own vector is their normalised mean.
    """

    passage: Passage
    copy_key: str
    words: str
    heading_words: str
    parts: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Pending:
    """A unit that a derived index has yet to follow. `fresh`: the index never held it."""

    unit: int
    language: str
    fresh: bool


@dataclass(frozen=True, slots=True)
class Words:
    """What the lexical index holds of a unit; `essays` are the numbers of those it stands in."""

    unit: int
    language: str
    body: str
    heading: str
    title: str
    essays: tuple[int, ...]


class Catalog:
    """One SQLite file in WAL mode, opened or made. Raises IndexFault when it cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._idle: deque[sqlite3.Connection] = deque()
        self._writing = threading.RLock()
        self._selections: Recent[tuple[Any, ...], Ids] = Recent(SELECTION_CACHE)
        self._closed = False
        self._file: tuple[int, int] | None = None
        with self._faults():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._migrate()
            self._file = _identity(path)
        self.id = self._state("id")

    # -- connections ------------------------------------------------------------------------------

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
        reason = str(error)
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
        return self._damaged(reason)

    def _damaged(self, reason: str) -> IndexFault:
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
    def _connection(self) -> Iterator[sqlite3.Connection]:
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

    @contextmanager
    def _snapshot(self) -> Iterator[sqlite3.Connection]:
        """A connection whose queries all see one state."""
        with self._connection() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("COMMIT")

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
        with self._connection() as connection:
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

    def _rows(self, sql: str, *values: Any) -> list[Any]:
        with self._connection() as connection:
            return connection.execute(sql, values).fetchall()

    def close(self) -> None:
        """Close the connections; those in use close when they are done."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def write(self) -> Iterator[Writer]:
        """One transaction: all of it or nothing. The caller holds the index's file lock."""
        with self._writing, self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                writer = Writer(connection)
                yield writer
                writer.settle()
                connection.execute(
                    "UPDATE state SET value = CAST(value AS INTEGER) + 1 WHERE name = 'generation'"
                )
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    # -- damage -----------------------------------------------------------------------------------

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
        found = self._rows("PRAGMA quick_check(1)")[0][0]
        if found != "ok":
            raise self._damaged(found)

    def account_for(self, missing: Iterable[int], generation: int) -> None:
        """Find a reason for passages that a search named and that were then not found here.

        Another process may have removed them: then the generation is another one, or they are noted
        for the derived indexes to follow.

        Args:
            missing: their ids.
            generation: at which the search began.

        Raises:
            IndexFault: there is no reason, so they are lost.
        """
        lost = set(missing)
        if lost:
            noted = self._rows(
                "SELECT unit FROM pending WHERE unit IN (SELECT value FROM json_each(?))",
                _json_ids(lost),
            )
            lost.difference_update(unit for (unit,) in noted)
        if lost and self.generation() == generation:
            raise self._damaged(f"the index names passages that are not in it ({len(lost)})")

    # -- what the index is ------------------------------------------------------------------------

    def _state(self, name: str) -> str:
        rows = self._rows("SELECT value FROM state WHERE name = ?", name)
        return str(rows[0][0]) if rows else ""

    def generation(self) -> int:
        """A number that grows with every commit, of any process."""
        return int(self._state("generation"))

    def applied(self, kind: str) -> int:
        """The generation at which the derived index `kind` last followed."""
        return int(self._state(f"applied:{kind}") or 0)

    def manifest(self) -> dict[str, str]:
        """What the index was made by; empty for a new one."""
        return dict(self._rows("SELECT name, value FROM manifest"))

    def check(self, expected: Mapping[str, str]) -> None:
        """Raise IndexMismatch unless the index was made by what is `expected`, or is new."""
        found = self.manifest()
        if not found or found == dict(expected):
            return
        differ = sorted(
            name for name in {*found, *expected} if found.get(name) != expected.get(name)
        )
        sides = "; ".join(
            f"{name}: {found.get(name, 'none')} in the index, {expected.get(name, 'none')} now"
            for name in differ
        )
        raise IndexMismatch(
            f"The index in {self.path.parent} was made differently ({sides}).",
            "`rag reindex` makes it anew from the texts it keeps.",
        )

    def pending(self, kind: str, limit: int = -1) -> list[Pending]:
        """Units that `kind` has yet to follow, oldest first."""
        rows = self._rows(
            "SELECT unit, language, fresh FROM pending WHERE kind = ? ORDER BY unit LIMIT ?",
            kind,
            limit,
        )
        return [Pending(unit, language, bool(fresh)) for unit, language, fresh in rows]

    def encoders(self) -> dict[str, int]:
        """The encoders that passages have vectors of: name to dimension."""
        return dict(
            self._rows(
                "SELECT name, dimension FROM encoder "
                "WHERE EXISTS (SELECT 1 FROM part WHERE part.encoder = encoder.id) ORDER BY id"
            )
        )

    def languages(self) -> dict[str, int]:
        """How many passages there are to find, by language, most first."""
        return dict(self._rows("SELECT language, count(*) FROM unit GROUP BY 1 ORDER BY 2 DESC, 1"))

    def vector_counts(self) -> dict[str, int]:
        """How many passages have a vector, by encoder."""
        return dict(
            self._rows(
                "SELECT name, count(*) FROM part JOIN encoder e ON e.id = encoder GROUP BY encoder"
            )
        )

    # -- essays -----------------------------------------------------------------------------------

    def roots(self) -> list[Root]:
        """What was ingested, in order."""
        return [Root(*row) for row in self._rows("SELECT id, path, name FROM root ORDER BY id")]

    def files(self, root: int) -> dict[str, FileState]:
        """The essays of one root: source to what its file was when it was read."""
        rows = self._rows(
            "SELECT source, size, mtime, ctime, seen, digest FROM essay WHERE root = ?", root
        )
        return {row[0]: FileState(*row[1:]) for row in rows}

    def essays(self) -> list[EssayInfo]:
        """All essays, by source."""
        rows = self._rows(
            "SELECT source, title, author, date, language, characters, passages "
            "FROM essay ORDER BY source"
        )
        return [EssayInfo(*row) for row in rows]

    def title_words(self) -> dict[str, frozenset[str]]:
        """The folded words of all titles, by source."""
        rows = self._rows("SELECT source, title_words FROM essay ORDER BY source")
        return {source: frozenset(words.split()) for source, words in rows}

    def outline(self, source: str) -> list[int]:
        """The ids of an essay's passages in the order of its text, each once."""
        rows = self._rows(
            "SELECT p.unit FROM passage p JOIN essay e ON e.id = p.essay WHERE source = ? "
            "GROUP BY p.unit ORDER BY min(start)",
            source,
        )
        return [row[0] for row in rows]

    def essay(self, source: str) -> Essay:
        """The essay as it was loaded. Raises SourceNotFound."""
        rows = self._rows(
            "SELECT source, text, digest, title, author, date, tags, origin, language, encoding, "
            "body_start, markdown FROM essay JOIN body ON essay = id WHERE source = ?",
            source,
        )
        if not rows:
            raise self._not_found(source)
        values = dict(zip((item.name for item in fields(Essay)), rows[0], strict=True))
        values["tags"] = tuple(json.loads(values["tags"]))
        values["markdown"] = bool(values["markdown"])
        return Essay(**values)

    def text(self, source: str) -> str:
        """The essay's decoded text, the one all offsets point into. Raises SourceNotFound."""
        rows = self._rows("SELECT text FROM essay JOIN body ON essay = id WHERE source = ?", source)
        if not rows:
            raise self._not_found(source)
        return str(rows[0][0])

    def _not_found(self, source: str) -> SourceNotFound:
        return SourceNotFound(
            f"No essay '{source}' is ingested.", "`rag list` shows those there are."
        )

    # -- passages ---------------------------------------------------------------------------------

    def passages(self, ids: Sequence[int], sources: Sequence[str] | None = None) -> list[Passage]:
        """The passages of these ids, in their order; ids that are gone are left out.

        With `sources`, each is shown at its first place inside them, and left out without one.
        """
        inside = None if sources is None else _json_ids(self.essay_numbers(sources))
        with self._snapshot() as connection:
            rows = connection.execute(SHOWN, (_json_ids(ids), inside)).fetchall()
            spans = connection.execute(PLACES, (_json_ids(ids), inside)).fetchall()
        found = {row[0]: _passage(row) for row in rows}
        others: dict[int, list[Place]] = {}
        for unit, *span in spans:
            place = Place(*span)
            shown_at = found.get(unit)
            if shown_at and (place.source, place.start) != (shown_at.source, shown_at.start):
                others.setdefault(unit, []).append(place)
        for unit, elsewhere in others.items():
            found[unit] = replace(found[unit], places=tuple(elsewhere))
        return [found[unit] for unit in map(int, ids) if unit in found]

    def ids(self, language: str | None = None, after: int = 0, limit: int = -1) -> list[int]:
        """The ids of all passages, ascending from `after`, at most `limit` of them."""
        rows = self._rows(
            "SELECT id FROM unit WHERE id > ?1 AND (?2 IS NULL OR language = ?2) "
            "ORDER BY id LIMIT ?3",
            after,
            language,
            limit,
        )
        return [row[0] for row in rows]

    def selection(self, sources: Sequence[str], language: str) -> Ids:
        """The ids of the passages of one language that stand in these essays, ascending."""
        names = tuple(sorted(set(sources)))
        key = (self.generation(), language, names)
        return self._selections.one(key, lambda: self._select(names, language))

    def _select(self, names: Sequence[str], language: str) -> Ids:
        # CROSS JOIN fixes the order: from the essays to their passages. Left to itself SQLite may
        # walk all passages of the language and look each up in every essay: 33 s at 100,000.
        rows = self._rows(
            "SELECT DISTINCT p.unit FROM json_each(?1) e "
            "CROSS JOIN passage p ON p.essay = e.value "
            "CROSS JOIN unit u ON u.id = p.unit AND u.language = ?2 ORDER BY 1",
            _json_ids(self.essay_numbers(names)),
            language,
        )
        return np.fromiter((row[0] for row in rows), np.int64, len(rows))

    def essay_numbers(self, sources: Sequence[str]) -> list[int]:
        """The numbers by which the lexical index knows these essays; unknown ones are left out."""
        names = tuple(sources)
        key = (self.generation(), names)
        found = self._selections.one(key, lambda: self._numbers(names))
        return [int(number) for number in found]

    def _numbers(self, names: Sequence[str]) -> Ids:
        rows = self._rows(
            "SELECT id FROM essay WHERE source IN (SELECT value FROM json_each(?))",
            json.dumps(names),
        )
        return np.fromiter((row[0] for row in rows), np.int64, len(rows))

    def known_units(self, keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Which of these (copy key, language) stand in the catalog, with their vectors."""
        with self._connection() as connection:
            found = set()
            sql = "SELECT 1 FROM unit WHERE copy_key = ? AND language = ?"
            for copy_key, language in keys:
                if connection.execute(sql, (text_hash(copy_key), language)).fetchone():
                    found.add((copy_key, language))
            return found

    def words(self, ids: Sequence[int]) -> list[Words]:
        """What the lexical index holds of these ids; ids that are gone are left out."""
        with self._connection() as connection:
            return _words(connection, ids)

    def shown_words(self, ids: Sequence[int]) -> list[tuple[int, str, str, str, str]]:
        """The same without the essays: (id, body, heading, title, language)."""
        return self._rows(WORDS, _json_ids(ids))

    # -- vectors ----------------------------------------------------------------------------------

    def missing(self, encoder: str, texts: Iterable[str]) -> list[str]:
        """Which of these texts have no vector of this encoder yet, each once, in order."""
        with self._connection() as connection:
            number = _encoder(connection, encoder)
            return [
                text
                for text in dict.fromkeys(texts)
                if not connection.execute(FIND_VECTOR, (text_hash(text), number)).fetchone()
            ]

    def vectors(self, encoder: str, texts: Sequence[str]) -> dict[str, Vector]:
        """The vectors that are kept of these texts: text to [dimension]."""
        found = self._by_text(FIND_VECTOR, encoder, texts)
        return {text: _single(np.frombuffer(blob, STORED)) for text, blob in found.items()}

    def tokens(self, encoder: str, texts: Sequence[str]) -> dict[str, bytes]:
        """The packed token vectors that are kept of these texts."""
        return self._by_text(FIND_TOKENS, encoder, texts)

    def _by_text(self, sql: str, encoder: str, texts: Sequence[str]) -> dict[str, bytes]:
        with self._connection() as connection:
            number = _encoder(connection, encoder)
            found = {}
            for text in texts:
                row = connection.execute(sql, (text_hash(text), number)).fetchone()
                if row:
                    found[text] = row[-1]
            return found

    def sentence_vectors(self, encoder: str, ids: Sequence[int]) -> tuple[Ids, Vector]:
        """The vectors of all parts of these passages: (owner's id of each row [n], rows [n, d]).

        Rows are in the order of `ids`, then of the parts. An id that is gone has no rows.
        """
        with self._snapshot() as connection:
            rows = connection.execute(
                "SELECT unit, vectors FROM part WHERE encoder = ? "
                "AND unit IN (SELECT value FROM json_each(?))",
                (_encoder(connection, encoder), _json_ids(ids)),
            ).fetchall()
            parts = {unit: np.frombuffer(blob, np.int64) for unit, blob in rows}
            order = [int(unit) for unit in ids if int(unit) in parts]
            if not order:
                return np.empty(0, np.int64), np.empty((0, 0), np.float32)
            numbers = np.concatenate([parts[unit] for unit in order])
            distinct, position = np.unique(numbers, return_inverse=True)
            blobs = connection.execute(
                "SELECT vector FROM vector WHERE id IN (SELECT value FROM json_each(?)) "
                "ORDER BY id",
                (_json_ids(distinct.tolist()),),
            ).fetchall()
        if len(blobs) < len(distinct):
            raise self._damaged(f"{len(distinct) - len(blobs)} vectors are not in it")
        table = np.frombuffer(b"".join(blob for (blob,) in blobs), STORED)
        table = table.reshape(len(blobs), -1)
        owners = np.repeat(np.array(order, np.int64), [len(parts[unit]) for unit in order])
        return owners, _single(table)[position]

    def passage_tokens(self, encoder: str, ids: Sequence[int]) -> dict[int, bytes]:
        """The packed token vectors of these passages; those that have none are left out."""
        with self._connection() as connection:
            parts = connection.execute(
                "SELECT vectors, unit FROM part WHERE encoder = ? "
                "AND unit IN (SELECT value FROM json_each(?))",
                (_encoder(connection, encoder), _json_ids(ids)),
            ).fetchall()
            rows = connection.execute(
                "SELECT vector, packed FROM token WHERE vector IN (SELECT value FROM json_each(?))",
                (_json_ids(int.from_bytes(blob[:8], "little") for blob, _ in parts),),
            )
            packed = dict(rows.fetchall())
        numbers = ((unit, int.from_bytes(blob[:8], "little")) for blob, unit in parts)
        return {unit: packed[number] for unit, number in numbers if number in packed}

    def sample(self, language: str, size: int) -> list[int]:
        """The ids of a fixed-size sample of a language's passages.

        Those whose hashes are lowest (bottom-k sampling): the same for the same texts in whatever
        order they came, and an essay more or less exchanges few of them.
        """
        rows = self._rows(
            "SELECT id FROM unit WHERE language = ? ORDER BY rank LIMIT ?", language, size
        )
        return [row[0] for row in rows]

    def passage_vectors(self, encoder: str, ids: Sequence[int]) -> tuple[Ids, Vector]:
        """One vector for each of these passages that has any: (ids [n], unit rows [n, d])."""
        owners, rows = self.sentence_vectors(encoder, ids)
        if not len(owners):
            return owners, rows
        first = np.flatnonzero(np.diff(owners, prepend=-1))
        return owners[first], normalised_means(rows, first)


class Writer:
    """The changes of one transaction; `Catalog.write` makes and settles it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._execute = connection.execute
        self._touched: set[int] = set()
        self._made: set[int] = set()

    def set_manifest(self, manifest: Mapping[str, str]) -> None:
        """Say what the index is made by."""
        self._execute("DELETE FROM manifest")
        self._connection.executemany("INSERT INTO manifest VALUES (?, ?)", manifest.items())

    def add_root(self, path: str, name: str) -> Root:
        """A root under a name of its own."""
        cursor = self._execute("INSERT INTO root (path, name) VALUES (?, ?)", (path, name))
        return Root(int(cursor.lastrowid or 0), path, name)

    def drop_empty_roots(self) -> None:
        """Forget roots without essays, so that their names are free again."""
        self._execute("DELETE FROM root WHERE id NOT IN (SELECT root FROM essay)")

    def seen(self, source: str, state: FileState) -> None:
        """The file was read again and is the same."""
        self._execute(
            "UPDATE essay SET size = ?, mtime = ?, ctime = ?, seen = ? WHERE source = ?",
            (state.size, state.mtime, state.ctime, state.seen, source),
        )

    def keep_vectors(
        self, encoder: str, texts: Sequence[str], rows: Vector, tokens: Sequence[bytes] = ()
    ) -> None:
        """Keep the vectors [n, d] of n texts, and their tokens' where there are any; those already
        kept stay."""
        if not len(texts):
            return
        self._execute(
            "INSERT OR IGNORE INTO encoder (name, dimension) VALUES (?, ?)",
            (encoder, rows.shape[1]),
        )
        number = _encoder(self._connection, encoder)
        blobs = np.ascontiguousarray(rows, STORED)
        self._connection.executemany(
            "INSERT OR IGNORE INTO vector (encoder, hash, vector) VALUES (?, ?, ?)",
            (
                (number, text_hash(text), row.tobytes())
                for text, row in zip(texts, blobs, strict=True)
            ),
        )
        self._connection.executemany(
            "INSERT OR IGNORE INTO token SELECT id, ? FROM vector WHERE hash = ? AND encoder = ?",
            (
                (packed, text_hash(text), number)
                for text, packed in zip(texts, tokens, strict=False)
            ),
        )

    def put_essay(
        self,
        root: int,
        essay: Essay,
        state: FileState,
        title_words: str,
        pieces: Sequence[Piece],
    ) -> None:
        """Put an essay in place of what its source held before. Its vectors are kept already."""
        self.drop_essay(essay.source)
        cursor = self._execute(
            "INSERT INTO essay (root, source, size, mtime, ctime, seen, digest, title, author, "
            "date, tags, origin, language, encoding, body_start, markdown, characters, passages, "
            "title_words) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                root, essay.source, state.size, state.mtime, state.ctime, state.seen,
                essay.digest, essay.title, essay.author, essay.date,
                json.dumps(essay.tags, ensure_ascii=False), essay.origin, essay.language,
                essay.encoding, essay.body_start, essay.markdown, len(essay.text), len(pieces),
                title_words,
            ),
        )  # fmt: skip
        number = int(cursor.lastrowid or 0)
        self._execute("INSERT INTO body VALUES (?, ?)", (number, essay.text))
        self.put_pieces(number, pieces)

    def put_pieces(self, essay: int, pieces: Sequence[Piece]) -> None:
        """The passages of an essay that has none."""
        for piece in pieces:
            unit = self._unit(piece)
            passage = piece.passage
            self._execute(
                "INSERT INTO passage (essay, unit, start, stop, heading, heading_words, text, "
                "raw, context, runs) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    essay, unit, passage.start, passage.end, passage.heading,
                    piece.heading_words, passage.text,
                    None if passage.raw == passage.text else passage.raw,
                    passage.context, _pack_runs(passage.offsets),
                ),
            )  # fmt: skip
            self._touched.add(unit)

    def _unit(self, piece: Piece) -> int:
        key = (text_hash(piece.copy_key), piece.passage.language)
        row = self._execute(
            "SELECT id FROM unit WHERE copy_key = ? AND language = ?", key
        ).fetchone()
        if row:
            return int(row[0])
        cursor = self._execute(
            "INSERT INTO unit (copy_key, language, rank, passage, words, vectors_as, lexical_as) "
            "VALUES (?, ?, ?, 0, ?, x'', x'')",
            (*key, int.from_bytes(key[0][:8], "little", signed=True), piece.words),
        )
        unit = int(cursor.lastrowid or 0)
        self._made.add(unit)
        for encoder, texts in piece.parts.items():
            number = _encoder(self._connection, encoder)
            ids = []
            for text in texts:
                found = self._execute(FIND_VECTOR, (text_hash(text), number)).fetchone()
                if found is None:
                    raise LookupError(f"no vector of {encoder} is kept of {text[:60]!r}")
                ids.append(found[0])
            if ids:
                blob = np.array(ids, np.int64).tobytes()
                self._execute("INSERT INTO part VALUES (?, ?, ?)", (unit, number, blob))
        return unit

    def drop_essay(self, source: str) -> bool:
        """Remove an essay; text that stands elsewhere too stays there. False if there is none."""
        row = self._execute("SELECT id FROM essay WHERE source = ?", (source,)).fetchone()
        if row is None:
            return False
        self.drop_pieces(row[0])
        self._execute("DELETE FROM essay WHERE id = ?", row)
        return True

    def drop_pieces(self, essay: int) -> None:
        """Remove the passages of an essay."""
        units = self._execute("SELECT DISTINCT unit FROM passage WHERE essay = ?", (essay,))
        self._touched.update(unit for (unit,) in units)
        self._execute("DELETE FROM passage WHERE essay = ?", (essay,))

    def settle(self) -> None:
        """Give each touched unit its shown place, drop those without one, note what must follow."""
        touched = sorted(self._touched)
        for start in range(0, len(touched), 1000):
            self._settle(touched[start : start + 1000])
        self._touched.clear()
        self._made.clear()

    def _settle(self, units: Sequence[int]) -> None:
        ids = (_json_ids(units),)
        self._execute(
            "UPDATE unit SET passage = coalesce((SELECT min(p.id) FROM passage p "
            "WHERE p.unit = unit.id), 0) WHERE id IN (SELECT value FROM json_each(?))",
            ids,
        )
        orphans = self._execute(
            "SELECT id, language FROM unit WHERE passage = 0 "
            "AND id IN (SELECT value FROM json_each(?))",
            ids,
        ).fetchall()
        for unit, language in orphans:
            self._execute("DELETE FROM unit WHERE id = ?", (unit,))
            if unit not in self._made:
                self._note("vectors", unit, language)
                self._note("lexical", unit, language)
        for words in _words(self._connection, units):
            self._follow("lexical", words.unit, words.language, repr(words).encode())
        blobs: dict[int, bytes] = {}
        for unit, encoder, blob in self._execute(
            "SELECT unit, encoder, vectors FROM part "
            "WHERE unit IN (SELECT value FROM json_each(?)) ORDER BY unit, encoder",
            ids,
        ):
            blobs[unit] = blobs.get(unit, b"") + encoder.to_bytes(8, "little") + blob
        for unit, language in self._execute(
            "SELECT id, language FROM unit WHERE id IN (SELECT value FROM json_each(?))", ids
        ).fetchall():
            self._follow("vectors", unit, language, blobs.get(unit, b"none"))

    def _follow(self, kind: str, unit: int, language: str, content: bytes) -> None:
        digest = hashlib.blake2b(content, digest_size=16).digest()
        if self._execute(FOLLOW[kind], (digest, unit)).rowcount:
            self._note(kind, unit, language)

    def _note(self, kind: str, unit: int, language: str) -> None:
        # A note that is there already is of a change not yet followed: whether the index holds the
        # unit is then unknown, so the new note is not fresh.
        self._execute(
            "INSERT INTO pending VALUES (?, ?, ?, ?) "
            "ON CONFLICT (kind, unit) DO UPDATE SET fresh = 0",
            (kind, unit, language, unit in self._made),
        )

    def followed(self, kind: str, units: Sequence[Pending]) -> None:
        """The derived index `kind` holds these units as the catalog does."""
        self._connection.executemany(
            "DELETE FROM pending WHERE kind = ? AND unit = ?",
            ((kind, entry.unit) for entry in units),
        )
        self._mark(kind)

    def rebuilt(self, kind: str) -> None:
        """The derived index `kind` was made anew from all there is."""
        self._execute("DELETE FROM pending WHERE kind = ?", (kind,))
        self._mark(kind)

    def _mark(self, kind: str) -> None:
        self._execute(
            "INSERT OR REPLACE INTO state SELECT ?, CAST(value AS INTEGER) + 1 FROM state "
            "WHERE name = 'generation'",
            (f"applied:{kind}",),
        )

    def clear(self) -> None:
        """Drop all essays' passages, and have the derived indexes made anew. Vectors are kept."""
        self._execute("DELETE FROM passage")
        for kind in KINDS:  # until they are made anew they name what is gone, so that is noted
            self._execute(
                "INSERT OR REPLACE INTO pending SELECT ?, id, language, 0 FROM unit", (kind,)
            )
            self._mark(kind)
        self._execute("DELETE FROM unit")

    def forget_unused_vectors(self) -> int:
        """Drop the vectors that no passage uses; they are kept otherwise, for texts that return."""
        used: set[int] = set()
        for (blob,) in self._execute("SELECT vectors FROM part"):
            used.update(np.frombuffer(blob, np.int64).tolist())
        unused = [row for row in self._execute("SELECT id FROM vector") if row[0] not in used]
        self._connection.executemany("DELETE FROM vector WHERE id = ?", unused)
        return len(unused)


FOLLOW = {
    "vectors": "UPDATE unit SET vectors_as = ?1 WHERE id = ?2 AND vectors_as <> ?1",
    "lexical": "UPDATE unit SET lexical_as = ?1 WHERE id = ?2 AND lexical_as <> ?1",
}
SHOWN = """
    SELECT p.unit, source, title, heading, start, stop, p.text, raw, context, u.language, runs
    FROM passage p JOIN essay e ON e.id = p.essay JOIN unit u ON u.id = p.unit
    WHERE p.id IN (
        SELECT min(p.id) FROM passage p
        WHERE p.unit IN (SELECT value FROM json_each(?1))
        AND (?2 IS NULL OR +p.essay IN (SELECT value FROM json_each(?2)))
        GROUP BY p.unit)"""
PLACES = """
    SELECT p.unit, source, start, stop FROM passage p JOIN essay e ON e.id = p.essay
    WHERE p.unit IN (SELECT value FROM json_each(?1))
    AND (?2 IS NULL OR +p.essay IN (SELECT value FROM json_each(?2)))
    ORDER BY p.id"""
WORDS = """
    SELECT u.id, words, heading_words, title_words, u.language FROM unit u
    JOIN passage p ON p.id = u.passage JOIN essay e ON e.id = p.essay
    WHERE u.id IN (SELECT value FROM json_each(?)) ORDER BY 1"""
FIND_TOKENS = (
    "SELECT packed FROM token WHERE vector = (SELECT id FROM vector WHERE hash = ? AND encoder = ?)"
)
FIND_VECTOR = "SELECT id, vector FROM vector WHERE hash = ? AND encoder = ?"


def normalised_means(rows: Vector, first: Ids) -> Vector:
    """The means [m, d] of groups of rows [n, d], each brought to length 1. `first`: the row at
    which each group begins."""
    if not len(first):
        return rows[:0]
    means = rows if len(first) == len(rows) else np.add.reduceat(rows, first, axis=0)
    norms = np.linalg.norm(means, axis=1, keepdims=True)
    return np.asarray(means / np.maximum(norms, 1e-12), np.float32)


def text_hash(text: str) -> bytes:
    """16 bytes that name a text."""
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _json_ids(ids: Iterable[int]) -> str:
    return json.dumps([int(number) for number in ids])


def _encoder(connection: sqlite3.Connection, name: str) -> int:
    row = connection.execute("SELECT id FROM encoder WHERE name = ?", (name,)).fetchone()
    return int(row[0]) if row else 0


def _single(rows: NDArray[np.float16]) -> Vector:
    """Half precision in single, exactly; numpy's own conversion takes seven times as long.

    The bits of the number are put where single precision has them; what is left is that the
    exponents count from 15 there and from 127 here. Not for infinities.
    """
    bits = rows.view("<i2").astype("<i4")
    bits <<= 13
    bits &= -0x70002000  # the sign, repeated three times, stays once
    return np.asarray(bits.view("<f4") * np.float32(2.0**112), np.float32)


def _pack_runs(offsets: OffsetMap) -> bytes:
    return np.array(offsets.runs, "<u4").tobytes()


def _unpack_runs(blob: bytes) -> OffsetMap:
    runs = np.frombuffer(blob, "<u4").reshape(-1, 3).tolist()
    return OffsetMap(tuple((a, b, c) for a, b, c in runs))


def _passage(row: Any) -> Passage:
    unit, source, title, heading, start, end, text, raw, context, language, runs = row
    return Passage(
        id=str(unit),
        source=source,
        title=title,
        heading=heading,
        start=start,
        end=end,
        text=text,
        raw=text if raw is None else raw,
        context=context,
        language=language,
        offsets=_unpack_runs(runs),
    )


def _words(connection: sqlite3.Connection, ids: Sequence[int]) -> list[Words]:
    wanted = (_json_ids(ids),)
    essays: dict[int, list[int]] = {}
    for unit, essay in connection.execute(
        "SELECT DISTINCT unit, essay FROM passage "
        "WHERE unit IN (SELECT value FROM json_each(?)) ORDER BY 1, 2",
        wanted,
    ):
        essays.setdefault(unit, []).append(essay)
    return [
        Words(unit, language, body, heading, title, tuple(essays[unit]))
        for unit, body, heading, title, language in connection.execute(WORDS, wanted)
    ]
