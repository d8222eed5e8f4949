"""An optional second look at the best passages, by any `/v1/rerank` endpoint.

vLLM, text-embeddings-inference behind a proxy, Jina, Cohere and llama.cpp share the request
`{model, query, documents}` and the answer `{results: [{index, relevance_score}]}`. Passages leave
the machine for the host that RAG_RERANK_BASE_URL names, and for no other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from rag.config import Settings
from rag.endpoints.connect import client
from rag.errors import (
    EndpointDenied,
    EndpointError,
    EndpointTimeout,
    EndpointUnreachable,
    ModelNotFound,
    RateLimited,
    ServerFault,
)
from rag.redact import redact, without_userinfo

__all__ = ["Reranker", "find_reranker"]

TIMEOUT = 20.0  # seconds; a reranker that takes longer is slower than the answer itself

_BY_STATUS: dict[int, type[EndpointError]] = {
    401: EndpointDenied,
    403: EndpointDenied,
    404: ModelNotFound,
    429: RateLimited,
}


def find_reranker(settings: Settings) -> Reranker | None:
    """The reranker that the settings name, or None."""
    if not settings.rerank_base_url or "rerank" in settings.without:
        return None
    return Reranker(
        settings.rerank_base_url, settings.rerank_model, settings.rerank_api_key.get_secret_value()
    )


@dataclass(frozen=True)
class Reranker:
    """A `/v1/rerank` endpoint.

    Args:
        base_url: up to and with `/v1`.
        model: the model's name there; "" where the server has but one.
        api_key: sent to that host alone.
    """

    base_url: str
    model: str = ""
    api_key: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """Host and model."""
        host = urlsplit(without_userinfo(self.base_url)).netloc
        return "/".join(part for part in (host, self.model) if part)

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """How relevant each text is to the question, higher is more; no unit.

        Raises:
            EndpointError: the kind that says what the caller can do.
            ConfigError: the environment names a proxy that cannot be used.
        """
        if not texts:
            return []
        import httpx  # 0.1 s, and only who has a reranker needs it

        body: dict[str, Any] = {"query": question, "documents": list(texts), "top_n": len(texts)}
        if self.model:
            body["model"] = self.model
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        try:
            with client(self.base_url, TIMEOUT) as asking:
                url = f"{self.base_url.rstrip('/')}/rerank"
                response = asking.post(url, json=body, headers=headers)
        except httpx.TimeoutException as error:
            raise EndpointTimeout(
                f"The reranker {self.name} did not answer in {TIMEOUT:.0f} s.",
                "Check that it is running, or unset RAG_RERANK_BASE_URL.",
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise EndpointUnreachable(
                f"The reranker {self.name} cannot be reached: {self._shown(str(error))}.",
                "Check RAG_RERANK_BASE_URL, and that it is running.",
            ) from error
        if response.status_code != 200:
            kind = _BY_STATUS.get(response.status_code, ServerFault)
            raise kind(
                f"The reranker {self.name} answered {response.status_code}:"
                f" {self._shown(response.text)}",
                "Check RAG_RERANK_BASE_URL (with /v1), RAG_RERANK_MODEL and RAG_RERANK_API_KEY.",
            )
        return self._read(response.content, len(texts))

    def _read(self, content: bytes, wanted: int) -> list[float]:
        import json

        try:
            results = json.loads(content)["results"]
            found = {int(one["index"]): float(one["relevance_score"]) for one in results}
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise self._fault(f"is no list of scores ({type(error).__name__})") from error
        if sorted(found) != list(range(wanted)) or not all(map(math.isfinite, found.values())):
            raise self._fault(f"scores {len(found)} of {wanted} passages")
        return [found[index] for index in range(wanted)]

    def _shown(self, text: str) -> str:
        return redact(text, self.api_key, self.base_url)[:200]

    def _fault(self, what: str) -> ServerFault:
        return ServerFault(
            f"What the reranker {self.name} answered {what}.",
            "Check that RAG_RERANK_BASE_URL is a /v1/rerank endpoint.",
        )
