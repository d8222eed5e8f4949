"""The changes of one transaction of the catalog."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rag.schema import Essay
from rag.storage.rows import (
    FIND_VECTOR,
    STORED,
    FileState,
    Pending,
    Piece,
    Root,
    encoder_number,
    json_ids,
    packed_runs,
    text_hash,
    words_of,
)

if TYPE_CHECKING:
    from sqlite3 import Connection

__all__ = ["Writer"]

KINDS = ("vectors", "lexical")
FOLLOW = {
    "vectors": "UPDATE unit SET vectors_as = ?1 WHERE id = ?2 AND vectors_as <> ?1",
    "lexical": "UPDATE unit SET lexical_as = ?1 WHERE id = ?2 AND lexical_as <> ?1",
}


class Writer:
    """The changes of one transaction; `Catalog.write` makes and settles it."""

    def __init__(self, connection: Connection) -> None:
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
        self,
        encoder: str,
        texts: Sequence[str],
        rows: NDArray[np.float32],
        tokens: Sequence[bytes] = (),
    ) -> None:
        """Keep the vectors [n, d] of n texts, and their tokens' where there are any; those already
        kept stay."""
        if not len(texts):
            return
        self._execute(
            "INSERT OR IGNORE INTO encoder (name, dimension) VALUES (?, ?)",
            (encoder, rows.shape[1]),
        )
        number = encoder_number(self._connection, encoder)
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
                    passage.context, packed_runs(passage.offsets),
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
            number = encoder_number(self._connection, encoder)
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
        ids = (json_ids(units),)
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
        for words in words_of(self._connection, units):
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
