"""Vectors of any OpenAI-compatible embeddings endpoint."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from rag.encoders.batches import in_order
from rag.encoders.encoder import Progress, Vector
from rag.endpoints.connect import client, is_openai, needed_only
from rag.errors import (
    ContextOverflow,
    EndpointDenied,
    EndpointError,
    EndpointTimeout,
    EndpointUnreachable,
    ModelNotFound,
    RateLimited,
    ServerFault,
)
from rag.redact import redact, without_userinfo

if TYPE_CHECKING:
    from llama_index.core.embeddings import BaseEmbedding

__all__ = ["EndpointEncoder"]

BATCH = 64  # texts a request, at most: many servers take fewer, and with more, small ones time out
REFUSED = (400, 413, 422)  # what servers answer to more texts than they take, or a longer one
TIMEOUT = 60.0
TOKENS = 512  # what the commonest embedding models see
BYTES_PER_TOKEN = 3  # a Han character in UTF-8; English has four and more: counted with a margin


class EndpointEncoder:
    """Any OpenAI-compatible `/v1/embeddings`. Texts leave the machine for `base_url`.

    Args:
        base_url: up to and with `/v1`.
        model: the model's name there.
        api_key: sent to that host alone.
    """

    max_tokens = TOKENS

    def __init__(self, base_url: str, model: str, *, api_key: str = "") -> None:
        self.base_url = base_url
        self.model = model
        self._api_key = api_key
        self._batch = BATCH

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
        return in_order(texts, self.dimension, self._batches(distinct), on_progress)

    def query(self, text: str) -> Vector:
        """The vector [dimension] of a question. Raises EndpointError."""
        row: Vector = self._sized([text])[0]
        return row

    def count_tokens(self, text: str) -> int:
        """An upper estimate: the endpoint's tokenizer is not known."""
        return math.ceil(len(text.encode(errors="replace")) / BYTES_PER_TOKEN)

    def _batches(self, texts: list[str]) -> Iterator[tuple[list[str], Vector]]:
        """The texts with their rows, as many a request as the server takes.

        Each says in words of its own how many that is: what is refused is sent again by halves.
        """
        size, start = self._batch, 0
        while start < len(texts):
            batch = texts[start : start + size]
            try:
                rows = self._sized(batch)
            except EndpointError as error:
                if len(batch) == 1 or _status(error.__cause__) not in REFUSED:
                    raise
                size = len(batch) // 2
                continue
            self._batch = size
            start += len(batch)
            yield batch, rows

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
            raise _typed(error, self.name, self._shown(error)) from error
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

        class InOrder(OpenAILikeEmbedding):
            """Its own takes the vectors as they come, whichever texts they say they are of."""

            def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
                sent = [text.replace("\n", " ") for text in texts]  # as its own does
                made = self._get_client().embeddings.create(input=sent, model=self._text_engine)
                return [item.embedding for item in _in_order(made.data)]

        kind: type[OpenAILikeEmbedding] = InOrder  # with its arguments
        http = client(self.base_url, TIMEOUT)
        if not is_openai(self.base_url):
            http.event_hooks = {"request": [partial(needed_only, key=self._api_key)]}
        return kind(
            model_name=self.model,
            api_base=self.base_url,
            # Without one, the client would send OPENAI_API_KEY to this host.
            api_key=self._api_key or "none",
            embed_batch_size=BATCH,
            max_retries=1,
            timeout=TIMEOUT,
            http_client=http,
        )


def _in_order(data: list[Any]) -> list[Any]:
    """Sorted by `index`; as they come where that tells nothing (some servers give 0 to all)."""
    places = [getattr(item, "index", None) for item in data]
    if set(places) != set(range(len(data))):
        return data
    return sorted(data, key=lambda item: item.index)


def _status(error: BaseException | None) -> int:
    return getattr(error, "status_code", 0)


def _typed(error: Exception, name: str, detail: str) -> EndpointError:
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
    status = _status(error)
    if status == 413 or (status in REFUSED and "token" in detail.casefold()):
        return ContextOverflow(f"{name} cannot take a text this long: {detail}", model)
    if 400 <= status < 500:
        return ServerFault(f"{name} refused the request ({status}): {detail}", model)
    return ServerFault(f"{name} failed: {detail}", "Try again; its own log says more.")
