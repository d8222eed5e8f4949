"""The encoders that the settings name, also as LlamaIndex embeddings."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.config import Settings
from rag.encoders.bundled import QUESTIONS, PassageEncoder, SentenceEncoder
from rag.encoders.embed_endpoint import EndpointEncoder
from rag.encoders.encoder import Encoder, Encoders
from rag.encoders.toward import TOWARD

if TYPE_CHECKING:
    from llama_index.core.embeddings import BaseEmbedding

__all__ = [
    "Encoder",
    "Encoders",
    "EndpointEncoder",
    "PassageEncoder",
    "SentenceEncoder",
    "as_llama_index",
    "open_encoders",
]


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
