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

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import IndexMismatch, SourceNotFound
from rag.schema import Essay, EssayInfo, Passage, Place
from rag.storage.database import Database
from rag.storage.recent import Recent
from rag.storage.rows import (
    FIND_VECTOR,
    STORED,
    WORDS,
    FileState,
    Pending,
    Root,
    Words,
    encoder_number,
    json_ids,
    text_hash,
    unpacked_runs,
    words_of,
)
from rag.storage.writer import Writer

__all__ = ["Catalog", "normalised_means"]

Ids = NDArray[np.int64]
Vector = NDArray[np.float32]

SELECTION_CACHE = 16

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
FIND_TOKENS = (
    "SELECT packed FROM token WHERE vector = (SELECT id FROM vector WHERE hash = ? AND encoder = ?)"
)


class Catalog:
    """One SQLite file, opened or made. Raises IndexFault when it cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = Database(path)
        self._selections: Recent[tuple[Any, ...], Ids] = Recent(SELECTION_CACHE)
        self.id = self._state("id")

    def close(self) -> None:
        """Close the connections; those in use close when they are done."""
        self._file.close()

    @contextmanager
    def write(self) -> Iterator[Writer]:
        """One transaction: all of it or nothing. The caller holds the index's file lock."""
        with self._file.transaction() as connection:
            writer = Writer(connection)
            yield writer
            writer.settle()

    # -- damage -----------------------------------------------------------------------------------

    def check_place(self) -> None:
        """Raise IndexFault where the file is gone or another one by now."""
        self._file.check_place()

    def examine(self, largest: int | None = None) -> None:
        """Look at every page of the file: see `Database.examine`. Raises IndexFault."""
        self._file.examine(largest)

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
            noted = self._file.rows(
                "SELECT unit FROM pending WHERE unit IN (SELECT value FROM json_each(?))",
                json_ids(lost),
            )
            lost.difference_update(unit for (unit,) in noted)
        if lost and self.generation() == generation:
            raise self._file.damaged(f"the index names passages that are not in it ({len(lost)})")

    # -- what the index is ------------------------------------------------------------------------

    def _state(self, name: str) -> str:
        rows = self._file.rows("SELECT value FROM state WHERE name = ?", name)
        return str(rows[0][0]) if rows else ""

    def generation(self) -> int:
        """A number that grows with every commit, of any process."""
        return int(self._state("generation"))

    def applied(self, kind: str) -> int:
        """The generation at which the derived index `kind` last followed."""
        return int(self._state(f"applied:{kind}") or 0)

    def manifest(self) -> dict[str, str]:
        """What the index was made by; empty for a new one."""
        return dict(self._file.rows("SELECT name, value FROM manifest"))

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
        rows = self._file.rows(
            "SELECT unit, language, fresh FROM pending WHERE kind = ? ORDER BY unit LIMIT ?",
            kind,
            limit,
        )
        return [Pending(unit, language, bool(fresh)) for unit, language, fresh in rows]

    def encoders(self) -> dict[str, int]:
        """The encoders that passages have vectors of: name to dimension."""
        return dict(
            self._file.rows(
                "SELECT name, dimension FROM encoder "
                "WHERE EXISTS (SELECT 1 FROM part WHERE part.encoder = encoder.id) ORDER BY id"
            )
        )

    def languages(self) -> dict[str, int]:
        """How many passages there are to find, by language, most first."""
        return dict(
            self._file.rows("SELECT language, count(*) FROM unit GROUP BY 1 ORDER BY 2 DESC, 1")
        )

    def vector_counts(self) -> dict[str, int]:
        """How many passages have a vector, by encoder."""
        return dict(
            self._file.rows(
                "SELECT name, count(*) FROM part JOIN encoder e ON e.id = encoder GROUP BY encoder"
            )
        )

    # -- essays -----------------------------------------------------------------------------------

    def roots(self) -> list[Root]:
        """What was ingested, in order."""
        return [
            Root(*row) for row in self._file.rows("SELECT id, path, name FROM root ORDER BY id")
        ]

    def files(self, root: int) -> dict[str, FileState]:
        """The essays of one root: source to what its file was when it was read."""
        rows = self._file.rows(
            "SELECT source, size, mtime, ctime, seen, digest FROM essay WHERE root = ?", root
        )
        return {row[0]: FileState(*row[1:]) for row in rows}

    def essays(self) -> list[EssayInfo]:
        """All essays, by source."""
        rows = self._file.rows(
            "SELECT source, title, author, date, language, characters, passages "
            "FROM essay ORDER BY source"
        )
        return [EssayInfo(*row) for row in rows]

    def title_words(self) -> dict[str, frozenset[str]]:
        """The folded words of all titles, by source."""
        rows = self._file.rows("SELECT source, title_words FROM essay ORDER BY source")
        return {source: frozenset(words.split()) for source, words in rows}

    def outline(self, source: str) -> list[int]:
        """The ids of an essay's passages in the order of its text, each once."""
        rows = self._file.rows(
            "SELECT p.unit FROM passage p JOIN essay e ON e.id = p.essay WHERE source = ? "
            "GROUP BY p.unit ORDER BY min(start)",
            source,
        )
        return [row[0] for row in rows]

    def essay(self, source: str) -> Essay:
        """The essay as it was loaded. Raises SourceNotFound."""
        rows = self._file.rows(
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
        rows = self._file.rows(
            "SELECT text FROM essay JOIN body ON essay = id WHERE source = ?", source
        )
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
        inside = None if sources is None else json_ids(self.essay_numbers(sources))
        with self._file.snapshot() as connection:
            rows = connection.execute(SHOWN, (json_ids(ids), inside)).fetchall()
            spans = connection.execute(PLACES, (json_ids(ids), inside)).fetchall()
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
        rows = self._file.rows(
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
        rows = self._file.rows(
            "SELECT DISTINCT p.unit FROM json_each(?1) e "
            "CROSS JOIN passage p ON p.essay = e.value "
            "CROSS JOIN unit u ON u.id = p.unit AND u.language = ?2 ORDER BY 1",
            json_ids(self.essay_numbers(names)),
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
        rows = self._file.rows(
            "SELECT id FROM essay WHERE source IN (SELECT value FROM json_each(?))",
            json.dumps(names),
        )
        return np.fromiter((row[0] for row in rows), np.int64, len(rows))

    def known_units(self, keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Which of these (copy key, language) stand in the catalog, with their vectors."""
        with self._file.connection() as connection:
            found = set()
            sql = "SELECT 1 FROM unit WHERE copy_key = ? AND language = ?"
            for copy_key, language in keys:
                if connection.execute(sql, (text_hash(copy_key), language)).fetchone():
                    found.add((copy_key, language))
            return found

    def words(self, ids: Sequence[int]) -> list[Words]:
        """What the lexical index holds of these ids; ids that are gone are left out."""
        with self._file.connection() as connection:
            return words_of(connection, ids)

    def shown_words(self, ids: Sequence[int]) -> list[tuple[int, str, str, str, str]]:
        """The same without the essays: (id, body, heading, title, language)."""
        return self._file.rows(WORDS, json_ids(ids))

    # -- vectors ----------------------------------------------------------------------------------

    def missing(self, encoder: str, texts: Iterable[str]) -> list[str]:
        """Which of these texts have no vector of this encoder yet, each once, in order."""
        with self._file.connection() as connection:
            number = encoder_number(connection, encoder)
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
        with self._file.connection() as connection:
            number = encoder_number(connection, encoder)
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
        with self._file.snapshot() as connection:
            rows = connection.execute(
                "SELECT unit, vectors FROM part WHERE encoder = ? "
                "AND unit IN (SELECT value FROM json_each(?))",
                (encoder_number(connection, encoder), json_ids(ids)),
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
                (json_ids(distinct.tolist()),),
            ).fetchall()
        if len(blobs) < len(distinct):
            raise self._file.damaged(f"{len(distinct) - len(blobs)} vectors are not in it")
        table = np.frombuffer(b"".join(blob for (blob,) in blobs), STORED)
        table = table.reshape(len(blobs), -1)
        owners = np.repeat(np.array(order, np.int64), [len(parts[unit]) for unit in order])
        return owners, _single(table)[position]

    def passage_tokens(self, encoder: str, ids: Sequence[int]) -> dict[int, bytes]:
        """The packed token vectors of these passages; those that have none are left out."""
        with self._file.connection() as connection:
            parts = connection.execute(
                "SELECT vectors, unit FROM part WHERE encoder = ? "
                "AND unit IN (SELECT value FROM json_each(?))",
                (encoder_number(connection, encoder), json_ids(ids)),
            ).fetchall()
            rows = connection.execute(
                "SELECT vector, packed FROM token WHERE vector IN (SELECT value FROM json_each(?))",
                (json_ids(int.from_bytes(blob[:8], "little") for blob, _ in parts),),
            )
            packed = dict(rows.fetchall())
        numbers = ((unit, int.from_bytes(blob[:8], "little")) for blob, unit in parts)
        return {unit: packed[number] for unit, number in numbers if number in packed}

    def sample(self, language: str, size: int) -> list[int]:
        """The ids of a fixed-size sample of a language's passages.

        Those whose hashes are lowest (bottom-k sampling): the same for the same texts in whatever
        order they came, and an essay more or less exchanges few of them.
        """
        rows = self._file.rows(
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


def normalised_means(rows: Vector, first: Ids) -> Vector:
    """The means [m, d] of groups of rows [n, d], each brought to length 1. `first`: the row at
    which each group begins."""
    if not len(first):
        return rows[:0]
    means = rows if len(first) == len(rows) else np.add.reduceat(rows, first, axis=0)
    norms = np.linalg.norm(means, axis=1, keepdims=True)
    return np.asarray(means / np.maximum(norms, 1e-12), np.float32)


def _single(rows: NDArray[np.float16]) -> Vector:
    """Half precision in single, exactly; numpy's own conversion takes seven times as long.

    The bits of the number are put where single precision has them; what is left is that the
    exponents count from 15 there and from 127 here. Not for infinities.
    """
    bits = rows.view("<i2").astype("<i4")
    bits <<= 13
    bits &= -0x70002000  # the sign, repeated three times, stays once
    return np.asarray(bits.view("<f4") * np.float32(2.0**112), np.float32)


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
        offsets=unpacked_runs(runs),
    )
