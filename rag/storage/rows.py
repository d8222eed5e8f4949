"""What stands in the catalog's tables, as reading and writing them have in common."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rag.schema import OffsetMap, Passage

if TYPE_CHECKING:
    from sqlite3 import Connection

__all__ = [
    "FIND_VECTOR",
    "STORED",
    "WORDS",
    "FileState",
    "Pending",
    "Piece",
    "Root",
    "Words",
    "encoder_number",
    "json_ids",
    "packed_runs",
    "text_hash",
    "unpacked_runs",
    "words_of",
]

STORED = np.dtype("<f2")
"""Half precision: half the disk, and a cosine moves by about 1e-5 (docs/decisions)."""

FIND_VECTOR = "SELECT id, vector FROM vector WHERE hash = ? AND encoder = ?"
WORDS = """
    SELECT u.id, words, heading_words, title_words, u.language FROM unit u
    JOIN passage p ON p.id = u.passage JOIN essay e ON e.id = p.essay
    WHERE u.id IN (SELECT value FROM json_each(?)) ORDER BY 1"""


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


def text_hash(text: str) -> bytes:
    """16 bytes that name a text."""
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def json_ids(ids: Iterable[int]) -> str:
    """Ids as SQLite's `json_each` reads them: any number of them is one parameter."""
    return json.dumps([int(number) for number in ids])


def encoder_number(connection: Connection, name: str) -> int:
    """The id of an encoder, 0 of one that made no vector yet."""
    row = connection.execute("SELECT id FROM encoder WHERE name = ?", (name,)).fetchone()
    return int(row[0]) if row else 0


def packed_runs(offsets: OffsetMap) -> bytes:
    """An offset map as it is kept."""
    return np.array(offsets.runs, "<u4").tobytes()


def unpacked_runs(blob: bytes) -> OffsetMap:
    """The offset map that `packed_runs` made these bytes of."""
    runs = np.frombuffer(blob, "<u4").reshape(-1, 3).tolist()
    return OffsetMap(tuple((a, b, c) for a, b, c in runs))


def words_of(connection: Connection, ids: Sequence[int]) -> list[Words]:
    """What the lexical index holds of these units; those that are gone are left out."""
    wanted = (json_ids(ids),)
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
