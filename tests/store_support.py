"""A fast encoder and hand-made pieces, for tests of what is kept and not of what is found."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.catalog import Catalog
from rag.encoders.encoder import Encoders
from rag.schema import Essay, OffsetMap, Passage
from rag.storage.rows import FileState, Piece

Vector = NDArray[np.float32]


class HashEncoder:
    """Sums a fixed random vector for each word: texts that share words are near."""

    max_tokens = 512

    def __init__(self, name: str = "hash-passage", dimension: int = 32) -> None:
        self.name = name
        self.dimension = dimension
        self.embedded: list[str] = []
        self._known: dict[str, Vector] = {}

    def passages(self, texts: Sequence[str], on_progress: object = None) -> Vector:
        del on_progress
        self.embedded += texts
        return np.stack([self.query(text) for text in texts])

    def query(self, text: str) -> Vector:
        total = np.full(self.dimension, 1e-3, np.float32)
        for word in text.split() or [text]:
            total += self._word(word)
        return np.asarray(total / np.linalg.norm(total), np.float32)

    def _word(self, word: str) -> Vector:
        if word not in self._known:
            seed = int.from_bytes(hashlib.sha256(f"{self.name}{word}".encode()).digest()[:8], "big")
            random = np.random.default_rng(seed)
            self._known[word] = random.standard_normal(self.dimension, np.float32)
        return self._known[word]

    def count_tokens(self, text: str) -> int:
        return len(text)


def encoders() -> Encoders:
    return Encoders(HashEncoder(), HashEncoder("hash-sentence", 16))


def essay(source: str, paragraphs: Sequence[str], **values: str) -> Essay:
    text = "\n".join(paragraphs)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Essay(source=source, text=text, digest=digest, title=values.pop("title", source))


def pieces(
    one: Essay, encoder: HashEncoder, sentences: HashEncoder | None = None, language: str = "en"
) -> list[Piece]:
    """Each line of the essay as a passage; each " . "-separated part as a sentence."""
    made, at = [], 0
    for line in one.text.split("\n"):
        parts = {encoder.name: (line,)}
        if sentences:
            parts[sentences.name] = tuple(line.split(" . "))
        passage = Passage(
            id="", source=one.source, title=one.title, heading="", start=at, end=at + len(line),
            text=line, raw=line, language=language, offsets=OffsetMap.identity(len(line), at),
        )  # fmt: skip
        made.append(Piece(passage, line.casefold(), line.casefold(), "", parts))
        at += len(line) + 1
    return made


def put(
    catalog: Catalog,
    essays: Iterable[Essay],
    encoder: HashEncoder,
    sentences: HashEncoder | None = None,
    language: str = "en",
) -> None:
    """Commit essays as one root."""
    known = {root.name: root for root in catalog.roots()}
    with catalog.write() as writer:
        root = known.get("root") or writer.add_root("/root", "root")
        for one in essays:
            made = pieces(one, encoder, sentences, language)
            for kept in (encoder, sentences):
                if kept is not None:
                    texts = [text for piece in made for text in piece.parts[kept.name]]
                    writer.keep_vectors(kept.name, texts, kept.passages(texts))
            writer.put_essay(root.id, one, FileState(1, 2, 3, 4), one.title.casefold(), made)


def damage(catalog: Path) -> None:
    """Wipe out a page of a catalog that opening and asking do not look at."""
    with closing(sqlite3.connect(catalog)) as raw:
        (page,) = raw.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'part_unit'"
        ).fetchone()
    data = bytearray(catalog.read_bytes())
    data[4096 * (page - 1) : 4096 * page] = bytes(4096)
    catalog.write_bytes(data)
