"""The bundled encoders: both run on this machine, without a network.

Two find what one misses: multilingual e5 knows passages well within a language, multilingual USE is
weaker there, as good across languages, and errs differently.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from rag.encoders import late
from rag.encoders.batches import checked, encoded, equal_lengths, in_order
from rag.encoders.encoder import Progress, Spans, Vector
from rag.encoders.toward import toward

if TYPE_CHECKING:
    from rag.encoders.e5 import E5
    from rag.encoders.use import USE

__all__ = ["QUESTIONS", "PassageEncoder", "SentenceEncoder", "cores", "idle_cores"]

USE_TOKENS = 512  # the sum over more tokens says nothing about any of them
BATCH_TOKENS = 384  # more is no faster and leaves the caches


def cores() -> int:
    """Cores this process may use."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return allowed or 1


def idle_cores() -> int:
    """Cores this process may use and nobody else is using now; at least one."""
    return max(1, cores() - round(os.getloadavg()[0]))


PASSAGE, QUESTION = "passage: ", "query: "  # as the encoder was trained
REMEMBERED = 64  # questions whose vectors stay
QUESTION_THREADS = 2  # share the work on one question: its matrices are small

QUESTIONS = Path(__file__).with_name("question.npz")
"""What the bundled passage encoder is changed by for questions (`eval/train_question.py`)."""


class PassageEncoder:
    """multilingual-e5-small, 384 dimensions. Longer texts are averaged over windows.

    Args:
        cache_dir: where the converted weights are kept.
        threads: how many texts to work on at once; 0: one for each idle core.
        questions: what its weights are changed by for questions (`eval/train_question.py` makes
            it): vectors of passages stay what they are. Default: by nothing.
    """

    dimension = 384
    max_tokens = 512

    def __init__(self, cache_dir: Path, *, threads: int = 0, questions: Path | None = None) -> None:
        self._cache_dir = cache_dir
        self._threads = threads
        self._questions = questions
        self._opening: tuple[threading.Lock, dict[Path | None, E5]] = threading.Lock(), {}

    @cached_property
    def unchanged(self) -> PassageEncoder:
        """The same encoder, for whose questions the network of passages serves as well."""
        other = PassageEncoder(self._cache_dir, threads=self._threads)
        other._opening = self._opening
        return other

    @cached_property
    def name(self) -> str:
        """Weights, quantisation and version."""
        from rag.encoders import e5

        return f"multilingual-e5-small/{e5.PACKAGE}-{e5.package_version()}/int8-{e5.VERSION}"

    def open(self) -> None:
        """Loads now what the first use would load: half a second that a thread can hide."""
        _ = self.asking, self.network

    def passages(self, texts: Sequence[str], on_progress: Progress | None = None) -> Vector:
        """The vectors [n, 384] of passages; each distinct text is embedded once."""
        network = self.network

        def encode(batch: list[str]) -> Vector:
            return network.vector(network.tokens(f"{PASSAGE}{batch[0]}"))[None]

        return self._one_by_one(texts, encode, on_progress)

    def read(
        self, texts: Sequence[str], spans: Spans, on_progress: Progress | None = None
    ) -> tuple[Vector, list[bytes]]:
        """The same, and for each text the vectors of its tokens, packed sentence by sentence."""
        network = self.network
        packed: dict[str, bytes] = {}

        def encode(batch: list[str]) -> Vector:
            (text,) = batch
            reading = network.read(text, PASSAGE)
            sentences = spans(text)
            places = _sentences_of(reading.spans, sentences)
            packed[text] = late.pack(reading.states, places, len(sentences))
            return reading.vector[None]

        rows = self._one_by_one(texts, encode, on_progress)
        return rows, [packed[text] for text in texts]

    def _one_by_one(
        self,
        texts: Sequence[str],
        encode: Callable[[list[str]], Vector],
        on_progress: Progress | None,
    ) -> Vector:
        # One by one: a batch is no faster here, and a vector never depends on its neighbours.
        longest_first = sorted(dict.fromkeys(texts), key=len, reverse=True)
        found = encoded(encode, [[text] for text in longest_first], self._workers)
        return in_order(texts, self.dimension, found, on_progress)

    def query(self, text: str) -> Vector:
        """The vector [384] of a question."""
        return self._asked(text)[0]

    def query_tokens(self, text: str) -> Vector:
        """The token vectors [m, 128] of a question; in the same pass as `query` of the same."""
        return self._asked(text)[1]

    @cached_property
    def _asked(self) -> Callable[[str], tuple[Vector, Vector]]:
        """The last few questions: each is asked for by several who look for it."""

        def read(text: str) -> tuple[Vector, Vector]:
            reading = self.asking.read(text, QUESTION)
            return checked(reading.vector), checked(late.asked(reading.states))

        return lru_cache(REMEMBERED)(read)

    def count_tokens(self, text: str) -> int:
        """Tokens of a passage, with its prefix, its beginning and its end."""
        return len(self.network.tokens(f"{PASSAGE}{text}")) + 2

    @cached_property
    def _workers(self) -> int:
        # Once: later on, the load would be this encoder's own.
        return self._threads or idle_cores()

    @property
    def network(self) -> E5:
        """Reads passages. Opened at its first use."""
        return self._network(None)

    @property
    def asking(self) -> E5:
        """Reads questions. Opened at its first use."""
        return self._network(self._questions)

    def _network(self, changes: Path | None) -> E5:
        from rag.encoders.e5 import E5

        lock, opened = self._opening
        with lock:
            if changes not in opened:
                kin = next(iter(opened.values()), None)
                # Passages are many, one for each thread; a question is alone.
                threads = min(self._threads or cores(), QUESTION_THREADS) if changes else 1
                opened[changes] = E5(self._cache_dir, changes, kin, threads)
            return opened[changes]


class SentenceEncoder:
    """Google's multilingual Universal Sentence Encoder 3, 512 dimensions.

    Args:
        cache_dir: where the converted weights are kept.
        threads: how many batches to work on at once; 0: one for each idle core.
        questions: what moves the vectors of questions (`rag/encoders/toward.py`). Default: nothing.
    """

    dimension = 512
    max_tokens = USE_TOKENS

    def __init__(self, cache_dir: Path, *, threads: int = 0, questions: Path | None = None) -> None:
        self._cache_dir = cache_dir
        self._threads = threads
        self._questions = questions
        self._lock = threading.Lock()
        self._opened: USE | None = None

    @cached_property
    def name(self) -> str:
        """Weights, quantisation and version."""
        from rag.encoders import use

        return f"use-multilingual-3/{use.PACKAGE}-{use.package_version()}/float32-{use.VERSION}"

    def open(self) -> None:
        """Loads now what the first use would load: half a second that a thread can hide."""
        _ = self._network

    def passages(self, texts: Sequence[str], on_progress: Progress | None = None) -> Vector:
        """The vectors [n, 512] of sentences; each distinct one is embedded once."""
        network = self._network
        distinct = list(dict.fromkeys(texts))
        ids = {text: self._tokens(text) for text in distinct}

        def encode(batch: list[str]) -> Vector:
            return network.vectors([ids[text] for text in batch])

        batches = equal_lengths(distinct, lambda text: len(ids[text]), BATCH_TOKENS)
        found = encoded(encode, list(batches), self._workers)
        return in_order(texts, self.dimension, found, on_progress)

    def query(self, text: str) -> Vector:
        """The vector [512] of a question."""
        return self._asked(text)

    @cached_property
    def _asked(self) -> Callable[[str], Vector]:
        moved = toward(self._questions) if self._questions else None

        def read(text: str) -> Vector:
            vector = self._network.vectors([self._tokens(text)])[0]
            return checked(moved(vector) if moved else vector)

        return lru_cache(REMEMBERED)(read)

    def count_tokens(self, text: str) -> int:
        """Tokens of a sentence, with its beginning and its end."""
        return len(self._network.tokens(text))

    def _tokens(self, text: str) -> list[int]:
        ids = self._network.tokens(text)
        return ids if len(ids) <= USE_TOKENS else [*ids[: USE_TOKENS - 1], ids[-1]]

    @cached_property
    def _workers(self) -> int:
        # Once: later on, the load would be this encoder's own.
        return self._threads or idle_cores()

    @property
    def _network(self) -> USE:
        from rag.encoders.use import USE

        with self._lock:
            self._opened = self._opened or USE(self._cache_dir)
            return self._opened


def _sentences_of(
    tokens: Sequence[tuple[int, int]], sentences: Sequence[tuple[int, int]]
) -> list[int]:
    """The sentence in which each token ends; −1 where it is in none. All spans ascend."""
    places, at = [], 0
    for _, end in tokens:
        while at < len(sentences) and sentences[at][1] < end:
            at += 1
        inside = at < len(sentences) and sentences[at][0] < end
        places.append(at if inside else -1)
    return places
