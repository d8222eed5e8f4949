"""Dense search in Chroma: one collection for each encoder and language, cosine.

Collections are filled and asked directly and not through LlamaIndex's ChromaVectorStore: its score
is exp(-distance) instead of the cosine, and it writes each passage's text and metadata a second
time, which the catalog holds already. `as_llama_index` wraps a collection for those who want one.
Derived from the catalog and rebuilt from it, in a folder of its own; the caller of `apply` and
`rebuild` holds the lock.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from rag.errors import IndexFault
from rag.storage.folders import Folders, made_anew

if TYPE_CHECKING:
    from chromadb import Collection
    from chromadb.api.client import Client
    from llama_index.vector_stores.chroma import ChromaVectorStore

__all__ = ["Vectors"]

Ids = NDArray[np.int64]
Vector = NDArray[np.float32]

BATCH = 5_000  # Chroma's largest is 5,461
EXACT = 8_000
"""Up to so many selected passages are scored one by one; among more, the nearest are searched."""

EXACT_BYTES = 96 * 2**20
"""What the matrices of the last selections may hold in memory."""

_spellings = itertools.count(1)


class _Pending(Protocol):
    @property
    def unit(self) -> int: ...
    @property
    def language(self) -> str: ...
    @property
    def fresh(self) -> bool: ...


class _Catalog(Protocol):
    def applied(self, kind: str) -> int: ...
    def generation(self) -> int: ...
    def vector_counts(self) -> dict[str, int]: ...
    def encoders(self) -> dict[str, int]: ...
    def languages(self) -> dict[str, int]: ...
    def ids(self, language: str | None = None, after: int = 0, limit: int = -1) -> list[int]: ...
    def passage_vectors(self, encoder: str, ids: Sequence[int]) -> tuple[Ids, Vector]: ...
    def selection(self, sources: Sequence[str], language: str) -> Ids: ...


@dataclass
class _Opened:
    """A client, its folder and collections, and how many threads are asking it."""

    client: Client
    folder: Path
    seen: int = 0
    collections: dict[str, Collection | None] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    users: int = 0
    retired: bool = False


class Vectors:
    """The dense index in the current one of `folders`, following `catalog`.

    Whoever asks while it is being made anew may get an IndexBusy, and never less than there is.
    """

    def __init__(self, folders: Folders, catalog: _Catalog) -> None:
        self.folders = folders
        self._catalog = catalog
        self._lock = threading.Lock()
        self._opened: _Opened | None = None
        self._matrices: OrderedDict[tuple[Any, ...], tuple[Ids, Vector]] = OrderedDict()

    @property
    def folder(self) -> Path:
        """Where it stands now."""
        return self.folders.current()

    # -- asking -----------------------------------------------------------------------------------

    def query(
        self,
        encoder: str,
        language: str,
        vector: Vector,
        k: int,
        sources: Sequence[str] | None = None,
    ) -> list[tuple[int, float]]:
        """The k passages of a language nearest to `vector`, best first.

        Args:
            encoder: the encoder's name, as the catalog has it.
            language: whose passages to look through.
            vector: [dimension], of length 1.
            sources: only passages that stand in these essays; none of them when empty.

        Returns:
            (passage id, cosine).
        """
        if k < 1:
            return []
        if sources is None:
            return self._nearest(encoder, language, vector, k)
        chosen = self._catalog.selection(sources, language)
        if not len(chosen):
            return []
        if len(chosen) <= EXACT:
            return _best(*self._matrix(encoder, language, sources, chosen), vector, k)
        return self._nearest_of(encoder, language, vector, k, chosen)

    def _nearest(
        self, encoder: str, language: str, vector: Vector, k: int
    ) -> list[tuple[int, float]]:
        with self._lease() as opened, _faults(opened.folder):
            collection = _collection(opened, encoder, language)
            if collection is None:
                return []
            found = collection.query(
                query_embeddings=vector[None, :], n_results=k, include=["distances"]
            )
        distances = found["distances"] or [[]]
        return [
            (int(name), 1.0 - float(distance))
            for name, distance in zip(found["ids"][0], distances[0], strict=True)
        ]

    def _nearest_of(
        self, encoder: str, language: str, vector: Vector, k: int, chosen: Ids
    ) -> list[tuple[int, float]]:
        total = max(self._total(encoder, language), 1)
        wanted = int(1.3 * k * total / len(chosen)) + 10
        while True:
            near = self._nearest(encoder, language, vector, min(wanted, total))
            ids = np.fromiter((name for name, _ in near), np.int64, len(near))
            at = np.minimum(np.searchsorted(chosen, ids), len(chosen) - 1)
            kept = [pair for pair, hit in zip(near, chosen[at] == ids, strict=True) if hit]
            if len(kept) >= k or wanted >= total:
                return kept[:k]
            wanted *= 4

    def _matrix(
        self, encoder: str, language: str, sources: Sequence[str], chosen: Ids
    ) -> tuple[Ids, Vector]:
        """The vectors of the selected passages; the last few selections stay in memory."""
        key = (self._catalog.generation(), encoder, language, tuple(sorted(set(sources))))
        with self._lock:
            held = self._matrices.get(key)
            if held:
                self._matrices.move_to_end(key)
        if held is None:
            held = self._catalog.passage_vectors(encoder, chosen.tolist())
            self._hold(key, held)
        return held

    def _hold(self, key: tuple[Any, ...], held: tuple[Ids, Vector]) -> None:
        with self._lock:
            for other in [old for old in self._matrices if old[0] != key[0]]:
                del self._matrices[other]
            self._matrices[key] = held
            while (
                len(self._matrices) > 1
                and sum(rows.nbytes for _, rows in self._matrices.values()) > EXACT_BYTES
            ):
                self._matrices.popitem(last=False)

    def _total(self, encoder: str, language: str) -> int:
        """The count as it was when the client was opened or wrote last: counting takes 8 ms."""
        with self._lease() as opened:
            name = _name(encoder, language)
            known = opened.counts.get(name)
        if known is None:
            known = opened.counts[name] = self.count(encoder, language)
        return known

    def count(self, encoder: str, language: str) -> int:
        """How many passages of the language have a vector of the encoder."""
        with self._lease() as opened, _faults(opened.folder):
            collection = _collection(opened, encoder, language)
            return 0 if collection is None else collection.count()

    def agrees(self) -> bool:
        """Whether it holds as many passages of each encoder as the catalog.

        Counts alone: asking would read all vectors into memory, seconds at 100,000 passages.
        Raises IndexFault if the collections cannot be opened.
        """
        wanted = self._catalog.vector_counts()
        languages = self._catalog.languages()
        return wanted == {
            encoder: sum(self.count(encoder, language) for language in languages)
            for encoder in wanted
        }

    def lasting(self, folder: Path) -> list[Path]:
        """The files that stay as they are while nobody writes.

        Chroma makes the files of a collection anew at each opening until there is enough to keep
        in them; up to then all is in its SQLite file, which is not among them.
        """
        kept = folder.glob("*/index_metadata.pickle")
        return [path for one in kept for path in one.parent.iterdir()]

    def as_llama_index(self, encoder: str, language: str) -> ChromaVectorStore | None:
        """A collection as a LlamaIndex vector store, for reading; None if there is none."""
        from llama_index.vector_stores.chroma import ChromaVectorStore

        with self._lease() as opened:
            collection = _collection(opened, encoder, language)
        return None if collection is None else ChromaVectorStore(chroma_collection=collection)

    # -- the client -------------------------------------------------------------------------------

    @contextmanager
    def _lease(self) -> Iterator[_Opened]:
        """The client, opened anew when the index was written since, closed when nobody uses it."""
        with self._lock:
            opened = self._now()
            opened.users += 1
        try:
            yield opened
            self._check_place(opened)
        except IndexFault:
            # It may hold a lock of a write that failed, for which the next one would wait for ever.
            with self._lock:
                if self._opened is opened:
                    self._retire()
            self._check_place(opened)
            raise
        finally:
            with self._lock:
                opened.users -= 1
                if opened.retired and not opened.users:
                    opened.client.close()

    def _now(self) -> _Opened:
        """The client of the index as it stands now. The lock is held."""
        applied = self._catalog.applied("vectors")
        if self._opened is None or self._opened.seen != applied:
            self._retire()
            folder, client = self.folders.opened(applied, _client, lambda client: client.close())
            self._opened = _Opened(client, folder, applied)
        return self._opened

    def _check_place(self, opened: _Opened) -> None:
        """Raise IndexBusy where the client's folder gave way to another: of one that is being
        removed Chroma says that it holds less, or nothing."""
        if opened.seen != self._catalog.applied("vectors") and opened.folder != self.folder:
            raise made_anew(opened.folder)

    def _retire(self) -> None:
        """Close the client as soon as nobody asks it. The lock is held."""
        if self._opened:
            self._opened.retired = True
            if not self._opened.users:
                self._opened.client.close()
        self._opened = None

    def close(self) -> None:
        """Let the files go."""
        with self._lock:
            self._retire()
            self._matrices.clear()

    def wrote(self) -> None:
        """What was applied is reported to the catalog; this client has seen it."""
        applied = self._catalog.applied("vectors")
        with self._lock:
            if self._opened and self._opened.folder == self.folder:
                self._opened.seen = applied

    # -- following the catalog --------------------------------------------------------------------

    def apply(self, pending: Sequence[_Pending], *, trust_fresh: bool = False) -> None:
        """Hold these units as the catalog does. May be repeated: the outcome is the same."""
        encoders = self._catalog.encoders()
        with self._lease() as opened, _faults(opened.folder):
            opened.counts.clear()
            _drop_others(opened, encoders)
            for language in sorted({entry.language for entry in pending}):
                mine = [entry for entry in pending if entry.language == language]
                stale = [str(entry.unit) for entry in mine if not (trust_fresh and entry.fresh)]
                ids = [entry.unit for entry in mine]
                for encoder in encoders:
                    collection = _collection(opened, encoder, language, create=True)
                    for start in range(0, len(stale), BATCH):
                        collection.delete(ids=stale[start : start + BATCH])
                    for start in range(0, len(ids), BATCH):
                        self._add(collection, encoder, ids[start : start + BATCH])

    def rebuild(self, folder: Path) -> None:
        """Make all collections from the catalog's vectors, in an empty folder."""
        opened = _Opened(_client(folder), folder)
        try:
            with _faults(folder):
                for encoder in self._catalog.encoders():
                    for language in self._catalog.languages():
                        self._fill(opened, encoder, language)
        finally:
            opened.client.close()

    def _fill(self, opened: _Opened, encoder: str, language: str) -> None:
        collection = _collection(opened, encoder, language, create=True)
        after = 0
        while ids := self._catalog.ids(language, after, BATCH):
            self._add(collection, encoder, ids)
            after = ids[-1]

    def _add(self, collection: Collection, encoder: str, ids: Sequence[int]) -> None:
        present, rows = self._catalog.passage_vectors(encoder, ids)
        if len(present):
            collection.add(ids=[str(number) for number in present], embeddings=rows)


def _best(ids: Ids, rows: Vector, vector: Vector, k: int) -> list[tuple[int, float]]:
    if not len(ids):
        return []
    cosines = rows @ vector
    best = np.argpartition(-cosines, min(k, len(ids)) - 1)[:k]
    best = best[np.lexsort((ids[best], -cosines[best]))]
    return [(int(ids[row]), float(cosines[row])) for row in best]


def _client(folder: Path) -> Client:
    import chromadb
    from chromadb.config import Settings

    # Chroma shares one system between all clients of one path in a process, and a shared one keeps
    # answering from what it read before another process wrote. Each opening spells the path in its
    # own way, so each reads the files anew.
    spelling = "".join("/." if bit == "1" else "/" for bit in f"{next(_spellings):b}")
    with _faults(folder):
        folder.mkdir(exist_ok=True)
        return cast(
            "Client",
            chromadb.PersistentClient(
                f"{folder}{spelling}", settings=Settings(anonymized_telemetry=False)
            ),
        )


def _collection(opened: _Opened, encoder: str, language: str, *, create: bool = False) -> Any:
    """The collection, or None when there is none and none is to be made."""
    from chromadb.errors import NotFoundError

    name = _name(encoder, language)
    found = opened.collections.get(name)
    if found is None:
        if create:
            found = opened.client.get_or_create_collection(
                name,
                embedding_function=None,
                configuration={"hnsw": {"space": "cosine"}},
                metadata={"encoder": encoder, "language": language},
            )
        else:
            try:
                found = opened.client.get_collection(name, embedding_function=None)
            except NotFoundError:
                return None
        opened.collections[name] = found
    return found


def _drop_others(opened: _Opened, encoders: dict[str, int]) -> None:
    """Collections of encoders that are used no more."""
    for collection in opened.client.list_collections():
        if (collection.metadata or {}).get("encoder") not in encoders:
            opened.client.delete_collection(collection.name)
            opened.collections.pop(collection.name, None)


def _name(encoder: str, language: str) -> str:
    """A name of characters that Chroma allows, different for each encoder and language."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", f"{encoder} {language}").strip("-")[:60]
    digest = hashlib.sha256(f"{encoder}\n{language}".encode()).hexdigest()[:16]
    return f"{readable}.{digest}" if readable else digest


@contextmanager
def _faults(folder: Path) -> Iterator[None]:
    from chromadb.errors import ChromaError

    try:
        yield
    except (ChromaError, OSError, ValueError) as error:
        raise IndexFault(
            f"The dense index {folder} cannot be used: {error}.",
            "Delete that folder; it is made again from the catalog without embedding.",
        ) from error
