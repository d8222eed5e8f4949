"""What a `Rag` is made of, each part opened at its first use and once."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from rag.config import Settings
from rag.embed import open_encoders
from rag.encoders.bundled import PassageEncoder, SentenceEncoder
from rag.encoders.encoder import Encoder, Encoders, TokenEncoder
from rag.encoders.late import match, unpack
from rag.errors import IndexFault
from rag.evidence import Evidence, gather
from rag.fold import simplified
from rag.schema import Passage
from rag.search.dictionary import Dictionary
from rag.search.rerank import find_reranker
from rag.sentences import sentence_spans
from rag.storage.recent import Recent

if TYPE_CHECKING:
    from rag.encoders.reader import Reader
    from rag.endpoints.endpoint import Endpoint, Survey
    from rag.ingest import Indexer
    from rag.judge import Judge
    from rag.llm import LLM
    from rag.retrieve import Retriever
    from rag.vectors import Vectors
    from rag.verify import Verifier

__all__ = ["Parts", "TokensAtHand", "VectorsAtHand"]

Vector = NDArray[np.float32]
T = TypeVar("T")

READ_LATELY = 128  # passages beside questions, whose readings stay in memory
REMEMBERED = 2048  # texts whose vectors stay in memory: some ten questions' worth, about 5 MB


class VectorsAtHand:
    """Vectors of texts: remembered, else from the catalog, else from the encoder. Thread-safe."""

    def __init__(self, encoder: Encoder, stored: Callable[[Sequence[str]], dict[str, Vector]]):
        self._encoder = encoder
        self._stored = stored
        self._known: OrderedDict[str, Vector] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, texts: Sequence[str]) -> Vector:
        """n texts → rows [n, dimension] of length 1."""
        if not texts:
            return np.zeros((0, self._encoder.dimension), np.float32)
        texts = [simplified(text) for text in texts]  # as ingest embeds them
        with self._lock:
            found = {text: self._known[text] for text in texts if text in self._known}
        wanted = [text for text in dict.fromkeys(texts) if text not in found]
        found |= self._stored(wanted) if wanted else {}
        missing = [text for text in wanted if text not in found]
        if missing:
            found |= dict(zip(missing, self._encoder.passages(missing), strict=True))
        self.remember(wanted, [found[text] for text in wanted])
        return np.stack([found[text] for text in texts]).astype(np.float32)

    def remember(self, texts: Sequence[str], rows: Iterable[Vector]) -> None:
        """Keep the vectors of these texts, in simplified characters, at hand."""
        with self._lock:
            self._known.update(zip(texts, rows, strict=True))
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)

    def cosines(self, question: str, texts: Sequence[str]) -> Vector:
        """A question, as its encoder embeds questions, against n texts."""
        cosines: Vector = self(texts) @ self._encoder.query(simplified(question))
        return cosines

    def similarity(self, text: str, others: Sequence[str]) -> list[float]:
        """A text against n others of its kind."""
        return [float(cosine) for cosine in self(others) @ self([text])[0]]


class TokensAtHand:
    """Questions against texts token by token; the texts' tokens from the catalog, else read.

    Args:
        encoder: reads texts; what else it finds out of them goes to `vectors`.
        vectors: of the same encoder.
        stored: texts → their packed tokens, of those that are kept.
    """

    def __init__(
        self,
        encoder: TokenEncoder,
        vectors: VectorsAtHand,
        stored: Callable[[Sequence[str]], dict[str, bytes]],
    ) -> None:
        self._encoder = encoder
        self._vectors = vectors
        self._stored = stored

    def matches(self, question: str, texts: Sequence[str]) -> tuple[Vector, Sequence[Vector]]:
        """The score of each of n texts, and of each of its sentences."""
        texts = [simplified(text) for text in texts]
        found = self._stored(texts)
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        if missing:
            rows, packed = self._encoder.read(missing, sentence_spans)
            self._vectors.remember(missing, rows)
            found |= dict(zip(missing, packed, strict=True))
        tokens = unpack([found[text] for text in texts])
        return match(self._encoder.query_tokens(simplified(question)), tokens)


class once(Generic[T]):  # noqa: N801  # reads as the decorator it is
    """A property that is made at its first use, and once, also by two threads at a time."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, parts: Parts, owner: type | None = None) -> T:
        with parts._lock:
            if self._name not in parts.__dict__:
                parts.__dict__[self._name] = self._make(parts)
        found: T = parts.__dict__[self._name]
        return found


class Parts:
    """The parts of one `Rag`. Opening any of them twice, also by two threads, opens it once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._process = 0  # which opened the first part; before that a fork does no harm
        self._lock = threading.RLock()
        self._closing: list[Callable[[], None]] = []
        self._lately_read: Recent[tuple[str, str], Vector] = Recent(READ_LATELY)

    def check_process(self) -> None:
        """Raise IndexFault in a process forked from the one that opened the parts: their threads
        are not there, and whoever asks them waits for ever."""
        self._process = self._process or os.getpid()
        if os.getpid() != self._process:
            raise IndexFault(
                f"This Rag was opened in process {self._process}, from which this one was forked.",
                "Open one in each process; start processes by spawn, not by fork.",
            )

    def close(self) -> None:
        """Close what was opened, the last first. What another process opened is left to it."""
        if self._process not in (0, os.getpid()):
            return
        with self._lock:
            while self._closing:
                self._closing.pop()()

    def _kept(self, made: T) -> T:
        """`made`, to be closed when all is."""
        if close := getattr(made, "close", None):
            self._closing.append(close)
        return made

    @once
    def cores(self) -> AbstractContextManager[Any]:
        """Held while computing, by as many as there are cores. Of twenty who ask at once, half then
        have their answer in half the time, and none has it later; without it all wait for the last.
        Nobody waits for those who wait for an endpoint."""
        remote = self.settings.embed_base_url
        return nullcontext() if remote else threading.BoundedSemaphore(os.cpu_count() or 1)

    @once
    def encoders(self) -> Encoders:
        """The encoders that the settings name."""
        return self._kept(open_encoders(self.settings, self.settings.models))

    @once
    def index(self) -> Indexer:
        """Catalog, vectors and words in the data directory."""
        from rag.ingest import Indexer

        return self._kept(Indexer(self.settings.data_dir / "index", self.encoders))

    @property
    def retriever(self) -> Retriever:
        """Finds passages in an index that agrees with itself and with the settings."""
        retriever = self._retriever
        self.index.check_made()
        return retriever

    @once
    def _retriever(self) -> Retriever:
        from rag.retrieve import Retriever

        index = self.index
        index.ready(dense=False)
        catalog, vectors, lexical = index.catalog, _AtFirstUse(self), index.lexical
        return Retriever(
            catalog, vectors, lexical, self.encoders, self.settings, dictionary=self.dictionary
        )

    @once
    def dense(self) -> Vectors:
        """The dense index, in agreement with the catalog."""
        self.index.agree()
        return self.index.vectors

    @once
    def opening(self) -> list[Future[None]]:
        """The encoders, and the reader where it answers, opening beside whatever else is going on.
        What cannot be opened is said where it is needed."""
        beside = ThreadPoolExecutor(2, "opening")
        opening = [beside.submit(self._open_sentence), beside.submit(self._open_passage)]
        beside.shutdown(wait=False)
        return opening

    def _open_sentence(self) -> None:
        if isinstance(self.encoders.sentence, SentenceEncoder):
            self.encoders.sentence.open()

    def _open_passage(self) -> None:
        if isinstance(self.encoders.passage, PassageEncoder):
            self.encoders.passage.open()
        _ = self.llm or self.reader

    @once
    def dictionary(self) -> Dictionary:
        """Bridges Chinese and English words."""
        return Dictionary(self.settings.models)

    @once
    def survey(self) -> Survey:
        """Which endpoints there are, and which one was chosen."""
        from rag.endpoints.endpoint import survey

        return survey(self.settings)

    @once
    def llm(self) -> LLM | None:
        """The model that answers; None: quotes only."""
        endpoint = self.survey.endpoint
        if endpoint is None:
            return None
        llm = self._model(endpoint)
        llm.warm()  # its libraries load while the passages are looked for
        return llm

    @once
    def judge(self) -> Judge | None:
        """The model that checks sentences, where the settings ask for one."""
        if self.settings.judge == "off":
            return None
        from rag.endpoints.endpoint import judge_endpoint
        from rag.judge import Judge

        endpoint = judge_endpoint(self.settings, self.survey.endpoint)
        if endpoint is None:
            return None
        same = self.llm is not None and endpoint == self.llm.endpoint
        return Judge(self.llm if same and self.llm else self._model(endpoint))

    def _model(self, endpoint: Endpoint) -> LLM:
        from rag.llm import LLM

        return self._kept(LLM(endpoint, self.settings))

    @once
    def verifier(self) -> Verifier:
        """Checks sentences without a model."""
        from rag.claims.romanised import Names
        from rag.verify import Verifier

        names = None if "dictionary" in self.settings.without else Names(self.dictionary)
        return Verifier(self.sentence_vectors, names=names)

    @once
    def sentence_vectors(self) -> VectorsAtHand:
        """Vectors of single sentences."""
        return self._at_hand(self.encoders.sentence)

    @once
    def judging(self) -> Encoder:
        """The passage encoder, as what was found is compared with the question: a question that
        went through its own network is near too much to tell what answers it."""
        encoder = self.encoders.passage
        return encoder.unchanged if isinstance(encoder, PassageEncoder) else encoder

    @once
    def passage_vectors(self) -> VectorsAtHand:
        """Vectors of whole passages."""
        return self._at_hand(self.judging)

    @once
    def tokens(self) -> TokensAtHand | None:
        """Compares tokens, where the passage encoder tells them apart."""
        encoder = self.judging
        if not isinstance(encoder, TokenEncoder):
            return None
        catalog = self.index.catalog
        return TokensAtHand(
            encoder, self.passage_vectors, lambda texts: catalog.tokens(encoder.name, texts)
        )

    def _at_hand(self, encoder: Encoder) -> VectorsAtHand:
        catalog = self.index.catalog
        return VectorsAtHand(encoder, lambda texts: catalog.vectors(encoder.name, texts))

    @once
    def reader(self) -> Reader | None:
        """Reads passages for a question; not where all of embedding is an endpoint's."""
        encoder = self.encoders.passage
        if not isinstance(encoder, PassageEncoder) or "reader" in self.settings.without:
            return None
        from rag.encoders.reader import Reader

        return Reader(self.settings.models, encoder.asking)

    def reranks(self, quotes: bool) -> bool:
        """Whether the reader puts what is found in order; `quotes`: for an answer without a model.
        A reranker that is named does so instead."""
        when = self.settings.rerank
        if when == "never" or find_reranker(self.settings) or "rerank" in self.settings.without:
            return False
        return (quotes or when == "always") and self.reader is not None

    def readings(self, question: str, texts: Sequence[str]) -> list[Vector]:
        """What the reader makes of each sentence of each text; [] where there is none. What it has
        just read it does not read again."""
        reader = self.reader
        if reader is None:
            return []

        def read(asked: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Vector]:
            plain = [text for _, text in asked]
            with self.cores:
                told = reader.read(asked[0][0], plain, [sentence_spans(text) for text in plain])
            return dict(zip(asked, told, strict=True))

        asked = [(simplified(question), simplified(text)) for text in texts]
        found = self._lately_read.get(asked, read)
        return [found[one] for one in asked]

    def evidence(self, question: str, passages: Sequence[Passage]) -> Evidence:
        """The passages beside the question, with the vectors at hand."""
        cosines = self.passage_vectors.cosines, self.sentence_vectors.cosines
        matches = self.tokens.matches if self.tokens else None
        with self.cores:
            return gather(question, passages, *cosines, matches)


class _AtFirstUse:
    """The dense index, opened and looked into when it is asked for the first time: Chroma takes a
    second, and a small folder is searched without it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @property
    def query(self) -> Callable[..., list[tuple[int, float]]]:
        """As `Vectors.query`."""
        return self._parts.dense.query
