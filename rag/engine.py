"""`Rag`: a folder of essays that can be asked. Calls the stages in order, and nobody else does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Self

from rag.answering import Cancelled, Turn, as_passages, compose
from rag.arguments import as_count, as_history, as_path, as_sources, as_text, as_texts
from rag.condense import condense
from rag.config import Settings
from rag.errors import InvalidArgument, NothingIngested
from rag.parts import Parts
from rag.questions.lookup import asks_which_essays, keywords
from rag.readings import POOL, by_reading
from rag.schema import (
    Answer,
    Done,
    EssayInfo,
    Event,
    Hit,
    IngestReport,
    Message,
    Passage,
    Status,
    Verdict,
)
from rag.visible import portable
from rag.whole import one_each

if TYPE_CHECKING:
    from rag.doctor import Report
    from rag.ingest import OnProgress

__all__ = ["Rag", "query", "seeds"]

LOOKED_AT = 4  # times k passages, where it is asked which essays speak of something


def seeds() -> Path:
    """The repository's own essays. Raises NothingIngested where the package came alone."""
    path = Path(__file__).resolve().parents[1] / "seeds"
    if not path.is_dir():
        raise NothingIngested("No essay is ingested yet.", "Read in a folder with: rag ingest PATH")
    return path


_FIRST = threading.Lock()  # of several threads that ask first, one makes and fills the index


@cache
def _default() -> Rag:
    return Rag()


def query(question: str) -> Answer:
    """Answer `question` with default settings; reads in the repository's seeds/ on first use.

    Raises:
        NothingIngested: there is no essay, and no seeds/ folder beside the package.
        EndpointError: the configured model's endpoint failed.
    """
    with _FIRST:
        rag = _default()
        if not rag.essays():
            rag.ingest(seeds())
    return rag.query(question)


class Rag:
    """Essays in a data directory, and questions to them. Reading is thread-safe.

    A subclass can replace a stage: `query` and `stream` go through `self.retrieve`, `self.answer`
    and `self.verify`.

    Args:
        settings: default: from `RAG_*` variables and `.env`.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        if not isinstance(settings, Settings | None):
            raise InvalidArgument(
                f"settings are no Settings: {settings!r:.80}.", "Say: Rag(Settings(data_dir=…))"
            )
        self.settings = settings or Settings()
        self._made_of = Parts(self.settings)
        self._turn: ContextVar[Turn] = ContextVar("turn")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of files and connections."""
        self._made_of.close()

    @property
    def _parts(self) -> Parts:
        self._made_of.check_process()
        return self._made_of

    # --- essays ---

    def ingest(self, path: str | Path, on_progress: OnProgress | None = None) -> IngestReport:
        """Read in a folder or one file; only what is new or changed is worked on.

        Raises:
            LoadError: there is nothing at `path` that can be read.
            IndexBusy: another process is writing.
            IndexMismatch: the index was made with other settings.
        """
        path = as_path(path)
        index, dictionary = self._parts.index, self._parts.dictionary
        with ThreadPoolExecutor(1) as beside:
            if "dictionary" not in self.settings.without:
                beside.submit(dictionary.prepare)  # seconds, once; else the first question waits
            return index.ingest(path, on_progress=on_progress)

    def essays(self) -> list[EssayInfo]:
        """What is ingested, by source."""
        return self._parts.index.essays()

    def text(self, source: str) -> str:
        """The decoded text that all offsets of `source` point into. Raises SourceNotFound."""
        return self._parts.index.text(portable(as_text(source, "source")))

    def root(self, path: str | Path) -> str:
        """What the sources of a folder or file that was ingested begin with, "" of another."""
        place = portable(str(Path(as_path(path)).expanduser().resolve()))
        roots = self._parts.index.catalog.roots()
        return next((root.name for root in roots if root.path == place), "")

    def remove(self, source: str) -> None:
        """Forget an essay; its file is left alone. Raises SourceNotFound, IndexBusy."""
        self._parts.index.remove(portable(as_text(source, "source")))

    def reindex(self, on_progress: OnProgress | None = None) -> None:
        """Make the index again from the catalog's texts, with the present settings."""
        self._parts.index.reindex(on_progress=on_progress)

    # --- questions ---

    def retrieve(
        self,
        question: str,
        history: Sequence[Message] = (),
        k: int | None = None,
        sources: Sequence[str] | None = None,
    ) -> list[Hit]:
        """The `k` passages (default: the setting) nearest to what is asked, best first.

        Args:
            question: may lean on `history` ("and what did it cost?").
            history: the conversation so far, oldest first.
            sources: search these essays only, or this one; None: all.

        Raises:
            NothingIngested, IndexMismatch, SourceNotFound; EndpointError where a model rewrites.
            InvalidArgument: an argument of another kind, such as an entry of `history` without its
                role or its content.
        """
        question = as_text(question, "question")
        history, sources = as_history(history), as_sources(sources)
        k = as_count(self.settings.k if k is None else k, "k")
        if not self._parts.index.catalog.ids(limit=1):
            raise NothingIngested(
                "No essay is ingested yet.", "Read in a folder with: rag ingest PATH"
            )
        turn = self._turn.get(Turn())
        turn.standalone = question
        if history:
            turn.standalone = condense(question, history, self._parts.llm, turn.cancel).question
        turn.standalone = keywords(turn.standalone) or turn.standalone
        retriever = self._parts.retriever
        if asks_which_essays(question):
            return one_each(retriever.hits(turn.standalone, k=LOOKED_AT * k, sources=sources))[:k]
        found = retriever.hits(turn.standalone, k=max(k, POOL), sources=sources)
        if any("whole" in hit.signals for hit in found):  # so many of each essay as are wanted
            return retriever.hits(turn.standalone, k=k, sources=sources)
        if self._parts.reranks(turn.quotes):
            found = by_reading(turn.standalone, found, self._parts.readings)
        turn.found = tuple(found)
        return found[:k]

    def query(
        self,
        question: str,
        history: Sequence[Message] = (),
        sources: Sequence[str] | None = None,
    ) -> Answer:
        """Answer from the essays. Arguments and errors as `retrieve`."""
        return copy_context().run(self._answer_turn, Turn(), question, history, sources)

    def stream(
        self,
        question: str,
        history: Sequence[Message] = (),
        sources: Sequence[str] | None = None,
    ) -> Generator[Event, None, None]:
        """The events of answering, `Done(answer)` last; closing the generator cancels, also from
        another thread."""
        return _Events(lambda turn: self._answer_turn(turn, question, history, sources))

    def answer(self, question: str, passages: Sequence[Passage | str]) -> Answer:
        """Answer from these passages alone: Passages, or plain strings ("passage-1", …), or one.

        Raises:
            EndpointError: the configured model's endpoint failed.
            InvalidArgument: a passage is neither.
        """
        turn = self._turn.get(Turn())
        question = as_text(question, "question")
        return compose(question, as_passages(passages), turn, self._parts, self.verify)

    def verify(self, claim: str, evidence: Sequence[str]) -> Verdict:
        """Check one sentence against the texts, or the one text, it is said to rest on."""
        claim, texts = as_text(claim, "claim"), as_texts(evidence, "evidence")
        with self._parts.cores:
            return self._parts.verifier.verify(claim, texts)

    def doctor(self) -> Report:
        """What was found, what was chosen, which host will see passages, and whether it works."""
        from rag.doctor import examine

        return examine(self._parts)

    def _answer_turn(
        self,
        turn: Turn,
        question: str,
        history: Sequence[Message],
        sources: Sequence[str] | None,
    ) -> Answer:
        self._turn.set(turn)
        turn.history = as_history(history)
        # whoever answers is found, and loading, while the passages are looked for
        _, turn.quotes = self._parts.opening, self._parts.llm is None
        turn.emit(Status("retrieve", "Searching the essays …"))
        chosen = as_sources(sources)
        with turn.timed("retrieve"):
            turn.hits = tuple(self.retrieve(question, turn.history, self.settings.k, chosen))
        if turn.cancel is not None and turn.cancel.is_set():
            raise Cancelled
        return self.answer(question, [hit.passage for hit in turn.hits])


class _Events(Generator[Event, None, None]):
    """The events of an answer, which is begun when the first one is asked for.

    A generator function's generator cannot be closed while another thread waits for its next event,
    which may be a minute of silence from a model. This one can.
    """

    def __init__(self, answer: Callable[[Turn], Answer]) -> None:
        self._answer = answer
        self._events: SimpleQueue[Event | BaseException | None] = SimpleQueue()
        self._over = threading.Event()
        self._begun = False

    def send(self, _: None) -> Event:
        if self._over.is_set():
            raise StopIteration
        if not self._begun:
            self._begin()
        event = self._events.get()
        if event is None or self._over.is_set():
            raise StopIteration
        if isinstance(event, BaseException):
            self._over.set()
            raise event
        if isinstance(event, Done):
            self._over.set()
        return event

    def throw(self, typ: Any, val: Any = None, tb: Any = None, /) -> Event:
        self.close()
        return super().throw(typ, val, tb)

    def close(self) -> None:
        """Cancel the answer, and end whoever waits for an event."""
        self._over.set()
        self._events.put(None)

    def __del__(self) -> None:
        self.close()

    def _begin(self) -> None:
        self._begun = True
        turn = Turn(emit=self._events.put, cancel=self._over)
        # the thread must not hold this object, or nobody could let go of it
        work = (_work, self._answer, turn, self._events)
        threading.Thread(target=copy_context().run, args=work, daemon=True).start()


def _work(
    answer: Callable[[Turn], Answer],
    turn: Turn,
    events: SimpleQueue[Event | BaseException | None],
) -> None:
    try:
        events.put(Done(answer(turn)))
    except BaseException as error:  # noqa: BLE001  # handed to the reader, who raises it
        events.put(error)
