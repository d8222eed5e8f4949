"""Texts to vectors: the bundled encoders, or any OpenAI-compatible embeddings endpoint.

Two encoders find what one misses: multilingual e5 knows passages well within a language,
multilingual USE is weaker there, as good across languages, and errs differently. Both run on this
machine, without a network.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from rag import late
from rag.config import Settings
from rag.connect import client
from rag.errors import (
    ContextOverflow,
    EndpointDenied,
    EndpointError,
    EndpointTimeout,
    EndpointUnreachable,
    ModelNotFound,
    RagError,
    RateLimited,
    ServerFault,
)
from rag.redact import redact, without_userinfo
from rag.toward import TOWARD, toward

if TYPE_CHECKING:
    from llama_index.core.embeddings import BaseEmbedding

    from rag.e5 import E5
    from rag.use import USE

__all__ = [
    "Encoder",
    "Encoders",
    "EndpointEncoder",
    "PassageEncoder",
    "Progress",
    "SentenceEncoder",
    "Spans",
    "TokenEncoder",
    "Vector",
    "as_llama_index",
    "idle_cores",
    "open_encoders",
]

Vector = NDArray[np.float32]
"""Rows of length 1."""

Progress = Callable[[int, int], None]
"""Called with the characters done and all characters."""

Spans = Callable[[str], Sequence[tuple[int, int]]]
"""Where each sentence of a text stands."""

USE_TOKENS = 512  # the sum over more tokens says nothing about any of them


class Encoder(Protocol):
    """Texts to vectors; may be called by several threads at once."""

    @property
    def name(self) -> str:
        """Weights, quantisation and version: equal names give equal vectors."""

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""

    @property
    def max_tokens(self) -> int:
        """What a text may hold, in `count_tokens`, to be seen as a whole."""

    def passages(self, texts: Sequence[str], on_progress: Progress | None = None) -> Vector:
        """The vectors [n, dimension] of texts that are to be found, in their order."""

    def query(self, text: str) -> Vector:
        """The vector [dimension] of a text to find others by."""

    def count_tokens(self, text: str) -> int:
        """Tokens of a text as the encoder counts them."""


@runtime_checkable
class TokenEncoder(Encoder, Protocol):
    """An encoder that tells tokens apart as well, in the same pass (`rag/late.py`)."""

    def read(
        self, texts: Sequence[str], spans: Spans, on_progress: Progress | None = None
    ) -> tuple[Vector, list[bytes]]:
        """The vectors [n, dimension] of texts, and the packed vectors of their tokens."""

    def query_tokens(self, text: str) -> Vector:
        """The token vectors [m, 128] of a text to find others by."""


@dataclass(frozen=True)
class Encoders:
    """The encoders of an index: `passage` finds passages, `sentence` compares sentences."""

    passage: Encoder
    sentence: Encoder


def open_encoders(settings: Settings, cache_dir: Path) -> Encoders:
    """The encoders that the settings name; nothing is loaded before its first use.

    Args:
        settings: embed_* decide.
        cache_dir: where converted weights are kept, some 130 MB.
    """
    moved = None if "toward" in settings.without else TOWARD
    bundled = SentenceEncoder(cache_dir, threads=settings.embed_threads, questions=moved)
    if not settings.embed_base_url:
        questions = None if "questions" in settings.without else QUESTIONS
        passage = PassageEncoder(cache_dir, threads=settings.embed_threads, questions=questions)
        return Encoders(passage, bundled)
    key = settings.embed_api_key.get_secret_value()
    return Encoders(
        EndpointEncoder(settings.embed_base_url, settings.embed_model, api_key=key), bundled
    )


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
        from rag import e5

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
        found = _run(encode, [[text] for text in longest_first], self._workers)
        return _in_order(texts, self.dimension, found, on_progress)

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
            return _checked(reading.vector), _checked(late.asked(reading.states))

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
        from rag.e5 import E5

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
        questions: what moves the vectors of questions (`rag/toward.py`). Default: nothing.
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
        from rag import use

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

        batches = _equal_lengths(distinct, lambda text: len(ids[text]), BATCH_TOKENS)
        found = _run(encode, list(batches), self._workers)
        return _in_order(texts, self.dimension, found, on_progress)

    def query(self, text: str) -> Vector:
        """The vector [512] of a question."""
        return self._asked(text)

    @cached_property
    def _asked(self) -> Callable[[str], Vector]:
        moved = toward(self._questions) if self._questions else None

        def read(text: str) -> Vector:
            vector = self._network.vectors([self._tokens(text)])[0]
            return _checked(moved(vector) if moved else vector)

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
        from rag.use import USE

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


BATCH_TOKENS = 384  # more is no faster and leaves the caches


def _equal_lengths(
    texts: Iterable[str], length: Callable[[str], int], budget: int
) -> Iterator[list[str]]:
    """Batches of texts with the same number of tokens, longest first, within a budget of tokens."""
    for tokens, group in groupby(sorted(texts, key=length, reverse=True), key=length):
        same = list(group)
        step = max(budget // tokens, 1)
        yield from (same[start : start + step] for start in range(0, len(same), step))


def _in_order(
    texts: Sequence[str],
    dimension: int,
    found: Iterable[tuple[list[str], Vector]],
    on_progress: Progress | None,
) -> Vector:
    """Rows for all texts out of batches that hold each distinct text once."""
    row = {text: index for index, text in enumerate(dict.fromkeys(texts))}
    rows = np.empty((len(row), dimension), np.float32)
    done, total = 0, sum(map(len, row))
    for batch, vectors in found:
        rows[[row[text] for text in batch]] = _checked(vectors)
        done += sum(map(len, batch))
        if on_progress:
            on_progress(done, total)
    return rows[[row[text] for text in texts]]


def _run(
    encode: Callable[[list[str]], Vector], batches: list[list[str]], threads: int
) -> Iterator[tuple[list[str], Vector]]:
    if threads == 1 or len(batches) < 2:
        yield from ((batch, encode(batch)) for batch in batches)
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="encode")
    try:
        yield from zip(batches, pool.map(encode, batches), strict=True)
    finally:  # also when the caller gives up half way: what has not begun is not done
        pool.shutdown(cancel_futures=True)


def _checked(rows: Vector) -> Vector:
    if not np.isfinite(rows).all():
        raise RagError(
            "An encoder made a vector that holds no numbers.",
            "Its converted weights may not suit this processor: please report this.",
        )
    return rows


ENDPOINT_BATCH = 64  # texts a request; hosted servers take more, small local ones time out
ENDPOINT_TIMEOUT = 60.0
ENDPOINT_TOKENS = 512  # what the commonest embedding models see
BYTES_PER_TOKEN = 3  # a Han character in UTF-8; English has four and more: counted with a margin


class EndpointEncoder:
    """Any OpenAI-compatible `/v1/embeddings`. Texts leave the machine for `base_url`.

    Args:
        base_url: up to and with `/v1`.
        model: the model's name there.
        api_key: sent to that host alone.
    """

    max_tokens = ENDPOINT_TOKENS

    def __init__(self, base_url: str, model: str, *, api_key: str = "") -> None:
        self.base_url = base_url
        self.model = model
        self._api_key = api_key

    @property
    def name(self) -> str:
        """Host and model."""
        address = without_userinfo(self.base_url)
        return f"{urlsplit(address).netloc or address}/{self.model}"

    @cached_property
    def dimension(self) -> int:
        """Numbers in a vector, asked of the endpoint once."""
        return len(self._ask(["dimension"])[0])

    def passages(self, texts: Sequence[str], on_progress: Progress | None = None) -> Vector:
        """The vectors [n, dimension] of passages; each distinct text is sent once.

        Raises:
            EndpointError: the kind that says what the caller can do.
        """
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        distinct = list(dict.fromkeys(texts))
        starts = range(0, len(distinct), ENDPOINT_BATCH)
        batches = [distinct[start : start + ENDPOINT_BATCH] for start in starts]
        found = _run(self._sized, batches, 1)
        return _in_order(texts, self.dimension, found, on_progress)

    def query(self, text: str) -> Vector:
        """The vector [dimension] of a question. Raises EndpointError."""
        row: Vector = self._sized([text])[0]
        return row

    def count_tokens(self, text: str) -> int:
        """An upper estimate: the endpoint's tokenizer is not known."""
        return math.ceil(len(text.encode(errors="replace")) / BYTES_PER_TOKEN)

    def _sized(self, texts: list[str]) -> Vector:
        rows = self._ask(texts)
        if rows.shape[1] != self.dimension:
            raise ServerFault(
                f"{self.name} gave vectors of {rows.shape[1]} numbers after {self.dimension}.",
                "It may have changed its model: restart, and run `rag reindex`.",
            )
        return rows

    def _ask(self, texts: list[str]) -> Vector:
        import openai

        # An empty text is an error to most servers and a blank one is not.
        sent = [text.encode(errors="replace").decode() or " " for text in texts]
        try:
            found = self._client.get_text_embedding_batch(sent)
        except openai.OpenAIError as error:
            raise _endpoint_error(error, self.name, self._shown(error)) from error
        except (AttributeError, TypeError, ValueError) as error:  # how the client meets other JSON
            raise ServerFault(
                f"{self.name} gave no embeddings: {self._shown(error)}",
                "Check RAG_EMBED_BASE_URL (with /v1).",
            ) from error
        return self._rows(found, len(texts))

    def _shown(self, error: Exception) -> str:
        return redact(str(error), self._api_key, self.base_url)[:200]

    def _rows(self, found: list[list[float]], wanted: int) -> Vector:
        widths = {len(row) for row in found}
        if len(found) != wanted or len(widths) != 1 or 0 in widths:
            raise ServerFault(
                f"{self.name} gave {len(found)} vectors of {sorted(widths)} numbers "
                f"for {wanted} texts.",
                "Check that RAG_EMBED_MODEL names an embedding model.",
            )
        rows = np.array(found, np.float32)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not lengths.all():
            raise ServerFault(
                f"{self.name} gave a vector that has no direction (zeros, or no numbers).",
                "Check that RAG_EMBED_MODEL names an embedding model.",
            )
        rows /= lengths
        return rows

    @cached_property
    def _client(self) -> BaseEmbedding:
        from llama_index.embeddings.openai_like import OpenAILikeEmbedding

        return OpenAILikeEmbedding(
            model_name=self.model,
            api_base=self.base_url,
            # Without one, the client would send OPENAI_API_KEY to this host.
            api_key=self._api_key or "none",
            embed_batch_size=ENDPOINT_BATCH,
            max_retries=1,
            timeout=ENDPOINT_TIMEOUT,
            http_client=client(self.base_url, ENDPOINT_TIMEOUT),
        )


def _endpoint_error(error: Exception, name: str, detail: str) -> EndpointError:
    import openai

    key, address = "Check RAG_EMBED_API_KEY.", "Check RAG_EMBED_BASE_URL and that it is running."
    model = "Check RAG_EMBED_MODEL, and RAG_EMBED_BASE_URL (with /v1)."
    kinds: tuple[tuple[type[Exception], type[EndpointError], str, str], ...] = (
        (openai.APITimeoutError, EndpointTimeout, "gave no answer in time", "Is it overloaded?"),
        (openai.APIConnectionError, EndpointUnreachable, "cannot be reached", address),
        (openai.AuthenticationError, EndpointDenied, "refused the key", key),
        (openai.PermissionDeniedError, EndpointDenied, "refused the key", key),
        (openai.NotFoundError, ModelNotFound, "was not found", model),
        (openai.RateLimitError, RateLimited, "takes no more", "Wait, or check the credit."),
    )
    for kind, made, what, do in kinds:
        if isinstance(error, kind):
            return made(f"{name} {what}: {detail}", do)
    if isinstance(error, openai.BadRequestError) and "token" in detail.casefold():
        return ContextOverflow(f"{name} cannot take a text this long: {detail}", model)
    return ServerFault(f"{name} failed: {detail}", "Try again; its own log says more.")


def as_llama_index(encoder: Encoder) -> BaseEmbedding:
    """The encoder for LlamaIndex: a BaseEmbedding that gives the same vectors."""
    adapted: BaseEmbedding = _adapter()(encoder=encoder, model_name=encoder.name)
    return adapted


@lru_cache(maxsize=1)
def _adapter() -> type[Any]:
    # Inside a function: importing LlamaIndex takes longer than everything else here.
    import asyncio

    from llama_index.core.embeddings import BaseEmbedding

    class EncoderEmbedding(BaseEmbedding):
        encoder: Any

        @classmethod
        def class_name(cls) -> str:
            return "EncoderEmbedding"

        def _get_query_embedding(self, query: str) -> list[float]:
            found: list[float] = self.encoder.query(query).tolist()
            return found

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return await asyncio.to_thread(self._get_query_embedding, query)

        def _get_text_embedding(self, text: str) -> list[float]:
            return self._get_text_embeddings([text])[0]

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            found: list[list[float]] = self.encoder.passages(texts).tolist()
            return found

    return EncoderEmbedding
