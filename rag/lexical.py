"""BM25 in tantivy: one index for each language, so that each has its own word statistics.

The words come folded and cut from the catalog and are joined by spaces; nothing is segmented here.
Derived from the catalog and rebuilt from it, in a folder of its own; the caller of `apply` and
`rebuild` holds the lock.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, unquote

from rag.errors import IndexBusy, IndexFault
from rag.storage.folders import Folders
from rag.storage.recent import Recent

if TYPE_CHECKING:
    import tantivy

__all__ = ["BOOSTS", "LanguageIndex", "Lexical"]

BOOSTS: Mapping[str, float] = {"body": 1.0, "heading": 1.0, "title": 0.5}
"""What a word found in each field counts; other weights may be given with each query."""

HEAP = 64_000_000
FREQUENCIES = 10_000  # words whose numbers of passages are kept: a look-up takes 20 µs
LOCK_PATIENCE = 10.0  # seconds; a merging thread of the writer before lets go within one


class _Words(Protocol):
    @property
    def unit(self) -> int: ...
    @property
    def body(self) -> str: ...
    @property
    def heading(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def essays(self) -> tuple[int, ...]: ...


class _Pending(Protocol):
    @property
    def unit(self) -> int: ...
    @property
    def language(self) -> str: ...
    @property
    def fresh(self) -> bool: ...


class _Catalog(Protocol):
    def applied(self, kind: str) -> int: ...
    def words(self, ids: Sequence[int]) -> Sequence[_Words]: ...
    def ids(self, language: str | None = None, after: int = 0, limit: int = -1) -> list[int]: ...
    def languages(self) -> dict[str, int]: ...
    def essay_numbers(self, sources: Sequence[str]) -> list[int]: ...


class LanguageIndex:
    """One language's passages by their words, as they were when `Lexical.of` was asked."""

    def __init__(self, catalog: _Catalog, index: tantivy.Index | None) -> None:
        self._catalog = catalog
        self._index = index
        self._searcher = index.searcher() if index else None
        self._frequencies: Recent[str, int] = Recent(FREQUENCIES)

    def count(self) -> int:
        """How many passages there are."""
        return int(self._searcher.num_docs) if self._searcher else 0

    def document_frequencies(self, words: Iterable[str]) -> dict[str, int]:
        """How many passages hold each word in their text."""
        if self._searcher is None:
            return dict.fromkeys(words, 0)
        words, doc_freq = list(words), self._searcher.doc_freq
        found = self._frequencies.get(
            words, lambda missing: {word: int(doc_freq("body", word)) for word in missing}
        )
        return {word: found[word] for word in words}  # in their order

    def query(
        self,
        words: Sequence[str],
        k: int,
        sources: Sequence[str] | None = None,
        *,
        boosts: Mapping[str, float] = BOOSTS,
    ) -> list[tuple[int, float]]:
        """The k passages with the highest BM25 score for any of these words, best first.

        Args:
            words: folded words; each counts once.
            k: how many, at most.
            sources: only passages that stand in these essays; none of them when empty.
            boosts: weight of each field.

        Returns:
            (passage id, score); only passages that hold a word.
        """
        import tantivy

        asked = [word for word in dict.fromkeys(words) if word]
        if self._index is None or self._searcher is None or not asked or k < 1:
            return []
        schema, term_query = self._index.schema, tantivy.Query.term_query
        terms = []
        for field, boost in boosts.items():
            inside = [term_query(schema, field, word, "freq") for word in asked if boost]
            if boost != 1:
                inside = [tantivy.Query.boost_query(term, float(boost)) for term in inside]
            terms += inside
        query = _any_of(terms)
        if sources is not None:
            numbers = self._catalog.essay_numbers(sources)
            if not numbers:
                return []
            essays = tantivy.Query.term_set_query(schema, "essay", numbers)
            query = tantivy.Query.boolean_query(
                [
                    (tantivy.Occur.Must, query),
                    (tantivy.Occur.Must, tantivy.Query.const_score_query(essays, 0.0)),
                ]
            )
        hits = self._searcher.search(query, limit=k, count=False).hits
        if not hits:
            return []
        units = self._searcher.fast_field_values("unit", [address for _, address in hits])
        return [
            (int(unit or 0), float(score or 0))
            for unit, (score, _) in zip(units, hits, strict=True)
        ]


class Lexical:
    """The lexical index in the current one of `folders`, following `catalog`."""

    def __init__(self, folders: Folders, catalog: _Catalog) -> None:
        self.folders = folders
        self._catalog = catalog
        self._lock = threading.Lock()
        self._indexes: dict[str, tantivy.Index] = {}
        self._opened: Path | None = None  # the folder that they stand in
        self._seen = -1

    @property
    def folder(self) -> Path:
        """Where it stands now."""
        return self.folders.current()

    def place(self) -> Path:
        """The folder to read, another one once it was made anew. Raises IndexBusy until then."""
        return self.folders.readable(self._catalog.applied("lexical"))

    def of(self, language: str) -> LanguageIndex:
        """The index of one language as it stands now; without a passage where there is none.

        Raises IndexBusy while it is being made anew.
        """
        return LanguageIndex(self._catalog, self._index(language))

    def counts(self) -> dict[str, int]:
        """How many passages there are, by language. Raises IndexFault if an index is damaged."""
        found = {}
        for path in sorted(self.folder.glob("lang-*")):
            language = unquote(path.name.removeprefix("lang-"))
            count = self.of(language).count()
            if count:
                found[language] = count
        return found

    def _index(self, language: str) -> tantivy.Index | None:
        """The index of a language as it stands now, whichever process wrote it last."""
        with self._lock:
            applied = self._catalog.applied("lexical")
            if applied == self._seen and language in self._indexes:
                return self._indexes[language]
            folder, index = self.folders.opened(applied, lambda folder: _there(folder, language))
            if (applied, folder) != (self._seen, self._opened):
                self._indexes.clear()
                self._seen, self._opened = applied, folder
            if index is not None:
                self._indexes[language] = index
            return index

    def agrees(self) -> bool:
        """Whether it holds as many passages of each language as the catalog."""
        return self.counts() == self._catalog.languages()

    def lasting(self, folder: Path) -> list[Path]:
        """The files that stay as they are while nobody writes."""
        return [path for path in folder.glob("lang-*/*") if path.suffix != ".lock"]

    def wrote(self) -> None:
        """What was applied is reported to the catalog; this object has seen it."""
        applied = self._catalog.applied("lexical")
        with self._lock:
            if self._opened == self.folder:
                self._seen = applied

    # -- following the catalog --------------------------------------------------------------------

    def apply(self, pending: Sequence[_Pending], *, trust_fresh: bool = False) -> None:
        """Hold these units as the catalog does. May be repeated: the outcome is the same."""
        for language in sorted({entry.language for entry in pending}):
            mine = [entry for entry in pending if entry.language == language]
            stale = [entry.unit for entry in mine if not (trust_fresh and entry.fresh)]
            documents = self._catalog.words([entry.unit for entry in mine])
            self._write(self.folder, language, stale, documents)
            with self._lock:
                self._indexes.pop(language, None)

    def rebuild(self, folder: Path) -> None:
        """Make all indexes from the catalog, in an empty folder."""
        for language in self._catalog.languages():
            self._write(folder, language, (), self._all_words(language))

    def _all_words(self, language: str) -> Iterator[_Words]:
        after = 0
        while ids := self._catalog.ids(language, after, 5000):
            yield from self._catalog.words(ids)
            after = ids[-1]

    def _write(
        self, folder: Path, language: str, stale: Iterable[int], documents: Iterable[_Words]
    ) -> None:
        path = _path(folder, language)
        with _faults(path):
            folder.mkdir(exist_ok=True)
            path.mkdir(exist_ok=True)
            index = _create(path) if not (path / "meta.json").exists() else _open(path)
            writer = _writer(index, path)
            try:
                # A process killed while it committed leaves files that nothing names, and tantivy
                # would give their names to the next ones, and refuse to write these.
                writer.garbage_collect_files()
                for unit in stale:
                    writer.delete_documents_by_term("unit", unit)
                for words in documents:
                    writer.add_document(_document(words))
                writer.commit()
            finally:
                writer.wait_merging_threads()


def _path(folder: Path, language: str) -> Path:
    return folder / f"lang-{quote(language, safe='')}"


def _there(folder: Path, language: str) -> tantivy.Index | None:
    """The index of a language in a folder, if there is one."""
    path = _path(folder, language)
    return _open(path) if (path / "meta.json").exists() else None


def _any_of(terms: Sequence[tantivy.Query]) -> tantivy.Query:
    import tantivy

    should = tantivy.Occur.Should
    return tantivy.Query.boolean_query([(should, term) for term in terms])


def _document(words: _Words) -> tantivy.Document:
    import tantivy

    document = tantivy.Document()
    document.add_integer("unit", words.unit)
    document.add_text("body", words.body)
    document.add_text("heading", words.heading)
    document.add_text("title", words.title)
    for essay in words.essays:
        document.add_integer("essay", essay)
    return document


def _create(path: Path) -> tantivy.Index:
    import tantivy

    builder = tantivy.SchemaBuilder()
    # Signed, because the binding deletes by signed terms: an unsigned field would never match.
    builder.add_integer_field("unit", indexed=True, fast=True)
    builder.add_integer_field("essay", indexed=True)
    for field in ("body", "heading", "title"):
        builder.add_text_field(
            field, stored=False, tokenizer_name="whitespace", index_option="freq"
        )
    return _registered(tantivy.Index(builder.build(), path=str(path)))


def _open(path: Path) -> tantivy.Index:
    import tantivy

    with _faults(path):
        index = _registered(tantivy.Index.open(str(path)))
        index.config_reader(reload_policy="manual")
        index.reload()
        return index


def _registered(index: tantivy.Index) -> tantivy.Index:
    import tantivy

    words = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    index.register_tokenizer("whitespace", words)
    return index


def _writer(index: tantivy.Index, path: Path) -> tantivy.IndexWriter:
    deadline = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            return index.writer(heap_size=HEAP, num_threads=1)
        except ValueError as error:
            if "LockBusy" not in str(error) and "lock" not in str(error).lower():
                raise
            if time.monotonic() > deadline:
                raise IndexBusy(
                    f"Another process is writing to {path}.", "Try again when it is done."
                ) from error
            time.sleep(0.05)


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    try:
        yield
    except (ValueError, OSError) as error:  # tantivy reports its faults as ValueError
        raise IndexFault(
            f"The lexical index {path} cannot be used: {error}.",
            "Delete that folder; it is made again from the catalog.",
        ) from error
