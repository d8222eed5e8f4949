"""A folder or a file into the index: load, clean, split, embed, commit what is new or changed.

Files are worked on in groups of some hundred kilobytes. Each group is one commit of the catalog,
after which the derived indexes follow: what was reported done is kept, whatever happens next. The
transforming is a LlamaIndex IngestionPipeline without a docstore, which would embed again when
only metadata changed and empty the index when no document comes in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from rag import clean, fold, split
from rag.encoders.encoder import Encoder, Encoders, TokenEncoder, Vector
from rag.errors import LoadError
from rag.index import Index
from rag.load import VERSION as READER
from rag.load import load, loadable, read_again
from rag.scan import KEPT, Plan, file_state, make_plan, place, scan
from rag.schema import Essay, EssayInfo, IngestReport, Passage
from rag.sentences import sentence_spans
from rag.storage.rows import FileState, Piece, Root
from rag.visible import portable

__all__ = ["Indexer", "OnProgress", "Progress", "encoded"]

GROUP = 300_000  # bytes of files; at 1,500 characters/s about a minute between commits
SPAN = 20_000  # characters embedded between two commits of their vectors
EXAMINED = 16 * 2**20  # bytes of a catalog that is looked through at each opening: 10 ms
READINGS = 3  # of a file that changes while it is read


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest is.

    `stage` is "read", "embed", "index" or "done". `done` and `total` are bytes of files (for
    reindex: characters). `speed` is in characters embedded a second, `eta` in seconds; both are
    0.0 until they are known.
    """

    stage: str
    done: int
    total: int
    speed: float = 0.0
    eta: float = 0.0


OnProgress = Callable[[Progress], None]


class Indexer(Index):
    """The index, with what it takes to add to it.

    Args:
        folder: where the index is kept.
        encoders: nothing of them is loaded before there is something to embed.
    """

    def __init__(self, folder: Path, encoders: Encoders) -> None:
        super().__init__(folder)
        self.encoders = encoders
        self._checked = -1  # the generation at which the manifest was compared last

    def manifest(self) -> dict[str, str]:
        """What an index made now would be made by."""
        return {
            "passage encoder": self.encoders.passage.name,
            "passage dimension": str(self.encoders.passage.dimension),
            "sentence encoder": self.encoders.sentence.name,
            "sentence dimension": str(self.encoders.sentence.dimension),
            "reader": str(READER),
            "cleaner": str(clean.VERSION),
            "splitter": str(split.VERSION),
            "folding": str(fold.VERSION),
            "embedded script": "simplified",
        }

    def ready(self, *, dense: bool = True) -> None:
        """Make sure that the index may be searched: made by the same, and in agreement.

        Without `dense` the dense index is left to be looked into (`agree`) before it is asked.
        Raises IndexMismatch, IndexBusy, and IndexFault for a damaged one.
        """
        self.catalog.examine(EXAMINED)
        self.catalog.check(self.manifest())
        self.agree(dense=dense)

    def check_made(self) -> None:
        """Raise IndexMismatch where the index is of another make by now: another process may have
        made it anew while this one had it open. What it left unfinished when it was killed is
        finished; raise IndexBusy while it still works on it."""
        generation = self.catalog.generation()
        if generation != self._checked:
            self.catalog.check(self.manifest())
            self.agree(dense=False)
            self._checked = generation

    def essays(self) -> list[EssayInfo]:
        """What is ingested, by source."""
        return self.catalog.essays()

    def text(self, source: str) -> str:
        """The decoded text that all offsets of `source` point into. Raises SourceNotFound."""
        return self.catalog.text(source)

    def remove(self, source: str) -> None:
        """Forget an essay; its file is left alone. Raises SourceNotFound, IndexBusy."""
        with self.writing():
            self.follow()
            with self.catalog.write() as writer:
                if not writer.drop_essay(source):
                    self.catalog.text(source)  # raises
                writer.drop_empty_roots()
            self.follow(trust_fresh=True)

    # -- ingest -----------------------------------------------------------------------------------

    def ingest(self, path: str | Path, on_progress: OnProgress | None = None) -> IngestReport:
        """Bring the index to what is at `path`, a folder or one file.

        Raises:
            LoadError: nothing is there that can be read as an essay; nothing is removed.
            IndexBusy: another process is writing.
            IndexMismatch: the index was made by another embedder, splitter or cleaner.
            IndexFault: the catalog is damaged.
        """
        top = place(path)
        with self.writing():
            self._begin()
            root = self._root(top)
            found = scan(top, root.name, _is_essay)
            if not found.files:
                raise LoadError(_no_files(path, found.failed), KEPT)
            plan = make_plan(found, self.catalog.files(root.id) if root.id else {})
            return _Run(self, root, plan, found.files, on_progress).run()

    def _begin(self) -> None:
        """Complete what was interrupted, and refuse to mix what was made differently."""
        self.catalog.examine(EXAMINED)
        if self.catalog.manifest():
            self.catalog.check(self.manifest())
        else:
            with self.catalog.write() as writer:
                writer.set_manifest(self.manifest())
        self.follow()

    def _root(self, top: Path) -> Root:
        """The root at this place; a new one (id 0) gets a name that no other has."""
        place = portable(str(top))
        roots = self.catalog.roots()
        for root in roots:
            if root.path == place:
                return root
        taken = {root.name for root in roots}
        stem, suffix = (top.name, "") if top.is_dir() else (top.stem, top.suffix)
        stem = portable(stem) or "root"
        names = (stem + (f"-{n}" if n > 1 else "") + suffix for n in range(1, len(taken) + 2))
        return Root(0, place, next(name for name in names if name not in taken))

    # -- reindex ----------------------------------------------------------------------------------

    def reindex(self, on_progress: OnProgress | None = None) -> None:
        """Make the index anew from the catalog's texts, with the present settings and versions.
        What this version reads otherwise (in another encoding, say) is read again.

        Vectors that are kept serve where the encoder and the text are the same. Until the end the
        index stays as it was. Raises IndexBusy.
        """
        with self.writing():
            maker = _Maker(self)
            reread = {essay.source: essay for essay in self._read_otherwise()}

            def as_read(source: str) -> Essay:
                return reread.get(source) or self.catalog.essay(source)

            sources = [info.source for info in self.catalog.essays()]
            meter = _Meter(sum(info.characters for info in self.catalog.essays()), on_progress)
            for source in sources:
                essay = as_read(source)
                maker.make([essay], meter, len(essay.text), anew=True)
            with self.catalog.write() as writer:
                files = {root.id: self.catalog.files(root.id) for root in self.catalog.roots()}
                writer.clear()
                writer.set_manifest(self.manifest())
                for number, states in files.items():
                    for source, state in states.items():
                        essay = as_read(source)
                        pieces = maker.split([essay])
                        writer.put_essay(number, essay, state, title_words(essay), pieces[source])
                writer.forget_unused_vectors()
            meter.report("index")
            self.follow()
            meter.report("done")

    def _read_otherwise(self) -> Iterator[Essay]:
        """The essays that come out differently when they are read again."""
        for root in self.catalog.roots():
            for source in self.catalog.files(root.id):
                inside = source.removeprefix(root.name).lstrip("/")
                kept = self.catalog.essay(source)
                now = read_again(kept, Path(root.path) / inside)
                if now != kept:
                    yield now


class _Run:
    """One ingest: a plan, carried out group by group."""

    def __init__(
        self,
        index: Indexer,
        root: Root,
        plan: Plan,
        files: Mapping[str, Path],
        on_progress: OnProgress | None,
    ) -> None:
        self._index = index
        self._catalog = index.catalog
        self._root = root
        self._plan = plan
        self._files = files
        self._failed = dict(plan.failed)
        work = sorted({*plan.new, *plan.changed, *plan.renamed})
        self._sizes = {source: _size(files[source]) for source in work}
        self._meter = _Meter(sum(self._sizes.values()), on_progress)
        self._maker = _Maker(index)

    def run(self) -> IngestReport:
        for group in self._groups():
            self._meter.report("read")
            self._take(group)
        with self._catalog.write() as writer:
            for source, state in self._plan.touched.items():
                writer.seen(source, state)
            for source in self._plan.gone:
                writer.drop_essay(source)
            writer.drop_empty_roots()
        self._index.follow(trust_fresh=True)
        self._meter.report("done")
        plan, failed = self._plan, self._failed
        return IngestReport(
            added=tuple(s for s in plan.new if s not in failed),
            changed=tuple(s for s in plan.changed if s not in failed),
            renamed=tuple((old, new) for new, old in plan.renamed.items() if new not in failed),
            removed=plan.gone,
            unchanged=plan.same,
            failed=dict(sorted(failed.items())),
        )

    def _groups(self) -> Iterator[list[str]]:
        group: list[str] = []
        size = 0
        for source, bytes_ in self._sizes.items():
            if group and size + bytes_ > GROUP:
                yield group
                group, size = [], 0
            group.append(source)
            size += bytes_
        if group:
            yield group

    def _take(self, group: Sequence[str]) -> None:
        loaded: dict[str, tuple[Essay, FileState]] = {}
        for source in group:
            try:
                loaded[source] = _read(self._files[source], source)
            except LoadError as error:
                if self._root.path == portable(str(self._files[source])):
                    # it is all that was asked for
                    raise type(error)(f"{source}: {error.what}", error.do) from error
                kept = " The version read before is kept." if source in self._plan.changed else ""
                self._failed[source] = f"{error}{kept}"
        size = sum(self._sizes[source] for source in group)
        pieces = self._maker.make([essay for essay, _ in loaded.values()], self._meter, size)
        if not loaded:
            return
        with self._catalog.write() as writer:
            if not self._root.id:
                self._root = writer.add_root(self._root.path, self._root.name)
            for source, (essay, state) in loaded.items():
                if source in self._plan.renamed:
                    writer.drop_essay(self._plan.renamed[source])
                words = title_words(essay)
                writer.put_essay(self._root.id, essay, state, words, pieces[source])
        self._meter.report("index")
        self._index.follow(trust_fresh=True)


class _Maker:
    """Essays to pieces, and their vectors into the catalog."""

    def __init__(self, index: Indexer) -> None:
        self._catalog = index.catalog
        self._encoders = index.encoders

    def split(self, essays: Sequence[Essay]) -> dict[str, list[Piece]]:
        """The passages of each essay with what they are found by, by source."""
        return self._run(essays, lambda _: None)

    def make(
        self, essays: Sequence[Essay], meter: _Meter, size: int, *, anew: bool = False
    ) -> dict[str, list[Piece]]:
        """The same, with their vectors put into the catalog.

        Args:
            essays: to split.
            meter: told what is done.
            size: what these essays count in the meter.
            anew: nothing that the catalog knows will stay.
        """

        meter.group(size)
        made = self._run(essays, lambda pieces: self._embed(pieces, meter, anew=anew))
        meter.finished()
        return made

    def _run(
        self, essays: Sequence[Essay], embed: Callable[[Sequence[Piece]], None]
    ) -> dict[str, list[Piece]]:
        made: dict[str, list[Piece]] = {essay.source: [] for essay in essays}
        if not essays:
            return made
        from llama_index.core.ingestion import IngestionPipeline

        from rag.nodes import PassageParser, PassageStep, document

        def take(passages: Sequence[Passage]) -> None:
            cut: dict[str, str] = {}  # copies have the same words, and cutting is the dear part
            pieces = [self._piece(passage, cut) for passage in passages]
            embed(pieces)
            for piece in pieces:
                made[piece.passage.source].append(piece)

        parser = PassageParser(count_tokens=self._encoders.passage.count_tokens)
        IngestionPipeline(transformations=[parser, PassageStep(take=take)], disable_cache=True).run(
            documents=[document(essay) for essay in essays]
        )
        return made

    def _piece(self, passage: Passage, cut: dict[str, str]) -> Piece:
        text = passage.text
        key = fold.copy_key(text)
        if key not in cut:
            cut[key] = " ".join(fold.words(text))
        return Piece(
            passage=passage,
            copy_key=key,
            words=cut[key],
            heading_words=_words(passage.heading),
            parts={
                self._encoders.passage.name: (fold.simplified(text),),
                self._encoders.sentence.name: tuple(
                    fold.simplified(text[start:end]) for start, end in sentence_spans(text)
                ),
            },
        )

    def _embed(self, pieces: Sequence[Piece], meter: _Meter, *, anew: bool) -> None:
        """Embed what has no vector yet, each text once; copies of what is known need none."""
        first: dict[tuple[str, str], Piece] = {}
        for piece in pieces:
            first.setdefault((piece.copy_key, piece.passage.language), piece)
        known = set() if anew else self._catalog.known_units(first)
        todo: list[tuple[Encoder, list[str]]] = []
        for encoder in (self._encoders.passage, self._encoders.sentence):
            texts = [
                text
                for key, piece in first.items()
                if key not in known
                for text in piece.parts[encoder.name]
            ]
            todo.append((encoder, self._catalog.missing(encoder.name, texts)))
        meter.embedding(sum(len(text) for _, texts in todo for text in texts))
        for encoder, texts in todo:
            for batch in _spans(texts):
                rows, tokens = encoded(encoder, batch)
                with self._catalog.write() as writer:
                    writer.keep_vectors(encoder.name, batch, rows, tokens)
                meter.embedded(sum(map(len, batch)))


class _Meter:
    """Turns work done into Progress."""

    def __init__(self, total: int, on_progress: OnProgress | None) -> None:
        self._on_progress = on_progress
        self._total = total
        self._begun = time.monotonic()
        self._before = 0  # work of the groups that are finished
        self._size = 0  # work of the present group
        self._share = 0.0
        self._characters = 0
        self._group_characters = 0
        self._group_total = 0
        self._embedding = 0.0
        self._embedding_since = 0.0

    def group(self, size: int) -> None:
        self._size, self._share = size, 0.0

    def embedding(self, characters: int) -> None:
        self._group_characters, self._group_total = 0, characters
        self._embedding_since = time.monotonic()

    def embedded(self, characters: int) -> None:
        now = time.monotonic()
        self._embedding += now - self._embedding_since
        self._embedding_since = now
        self._characters += characters
        self._group_characters += characters
        self._share = self._group_characters / max(self._group_total, 1)
        self.report("embed")

    def finished(self) -> None:
        self._before += self._size
        self._size, self._share = 0, 0.0

    def report(self, stage: str) -> None:
        if self._on_progress is None:
            return
        done = self._total if stage == "done" else int(self._before + self._size * self._share)
        elapsed = time.monotonic() - self._begun
        self._on_progress(
            Progress(
                stage,
                done,
                self._total,
                speed=self._characters / self._embedding if self._embedding else 0.0,
                eta=elapsed * (self._total - done) / done if done else 0.0,
            )
        )


def title_words(essay: Essay) -> str:
    """What an essay as a whole is found by: title, author, date, tags and its file's name."""
    name = essay.source.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return _words(" ".join((essay.title, essay.author, essay.date, *essay.tags, name)))


@lru_cache(maxsize=1024)
def _words(text: str) -> str:
    return " ".join(dict.fromkeys(fold.words(text)))


def _is_essay(path: Path) -> bool:
    """Of the files in a folder. A README is about the folder; ingest it by its own name."""
    return loadable(path) and path.stem.casefold() != "readme"


def _read(path: Path, source: str) -> tuple[Essay, FileState]:
    """The essay, and the state of its file from before it was read, so that an edit shows."""
    for _ in range(READINGS):
        try:
            before = file_state(path)
            essay = load(path, source)
            after = file_state(path)
        except OSError as error:
            raise LoadError(f"it cannot be read: {error.strerror or error}.") from error
        if replace(after, seen=before.seen) == before:
            return replace(essay, title=portable(essay.title)), before
    raise LoadError("it changes while it is read.", "Ingest it again when it is complete.")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # reading it will say why


def encoded(encoder: Encoder, texts: Sequence[str]) -> tuple[Vector, Sequence[bytes]]:
    """The vectors of texts, and their tokens' where the encoder tells them apart."""
    if isinstance(encoder, TokenEncoder):
        return encoder.read(texts, sentence_spans)
    return encoder.passages(texts), ()


def _spans(texts: Sequence[str]) -> Iterator[list[str]]:
    """Texts in batches of about SPAN characters."""
    batch: list[str] = []
    size = 0
    for text in texts:
        if batch and size + len(text) > SPAN:
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    if batch:
        yield batch


def _no_files(path: str | Path, failed: Mapping[str, str]) -> str:
    if failed:
        source, reason = next(iter(failed.items()))
        return f"{path} holds no essay that can be read ({source} {reason})."
    return f"{path} holds no file that can be read as an essay."
