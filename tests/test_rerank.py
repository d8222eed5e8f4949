"""A second look at the best passages, through a real HTTP server."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from test_retrieve import TEXTS, encoders, made, write

from rag.config import Settings
from rag.errors import (
    EndpointDenied,
    EndpointError,
    EndpointUnreachable,
    ModelNotFound,
    RateLimited,
    ServerFault,
)
from rag.ingest import Indexer
from rag.search.rerank import Reranker, find_reranker

Answer = Callable[[dict[str, Any]], tuple[int, Any]]


def by_length(asked: dict[str, Any]) -> tuple[int, Any]:
    """Longer is better; results in any order, as servers give them."""
    results = [
        {"index": index, "relevance_score": len(text) / 1000}
        for index, text in enumerate(asked["documents"])
    ]
    return 200, {"results": sorted(results, key=lambda one: -one["relevance_score"])}


class Server:
    def __init__(self) -> None:
        self.answer: Answer = by_length
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append(body | {"path": self.path})
                outer.keys.append(self.headers.get("Authorization"))
                status, content = outer.answer(body)
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def test_scores_come_in_the_order_of_the_texts(server: Server) -> None:
    scores = Reranker(server.url, "a-reranker", "secret").scores("q", ["a" * 10, "b" * 30, "c"])
    assert scores == [0.01, 0.03, 0.001]
    assert server.asked[0] == {
        "path": "/v1/rerank",
        "model": "a-reranker",
        "query": "q",
        "documents": ["a" * 10, "b" * 30, "c"],
        "top_n": 3,
    }
    assert server.keys == ["Bearer secret"]
    assert Reranker(server.url).scores("q", []) == []


@pytest.mark.parametrize(
    ("status", "content", "error"),
    [
        (401, {"detail": "no"}, EndpointDenied),
        (404, {"detail": "no model"}, ModelNotFound),
        (429, {}, RateLimited),
        (500, b"oops", ServerFault),
        (200, b"not json", ServerFault),
        (200, {"data": []}, ServerFault),
        (200, {"results": [{"index": 0, "relevance_score": 1.0}]}, ServerFault),
        (200, {"results": [{"index": n, "relevance_score": "NaN"} for n in (0, 1)]}, ServerFault),
        (200, {"results": [{"index": 7, "relevance_score": 1}] * 2}, ServerFault),
        (200, [1, 2], ServerFault),
        (200, b'{"results": [{"index": 1e999, "relevance_score": 1}]}', ServerFault),
    ],
)
def test_every_fault_is_typed_and_keeps_the_key(
    server: Server, status: int, content: object, error: type[EndpointError]
) -> None:
    server.answer = lambda _: (status, content)
    with pytest.raises(error) as caught:
        Reranker(server.url, "m", "secret-key").scores("q", ["a", "b"])
    assert caught.value.do
    assert "secret-key" not in str(caught.value) + repr(Reranker(server.url, "m", "secret-key"))


def test_nothing_secret_is_shown(server: Server) -> None:
    server.answer = lambda _: (500, b"the key is secret-key, the password PASSW0RD")
    reranker = Reranker(server.url.replace("//", "//user:PASSW0RD@"), "m", "secret-key")
    with pytest.raises(ServerFault) as caught:
        reranker.scores("q", ["a", "b"])
    for said in (str(caught.value), reranker.name):
        assert "PASSW0RD" not in said
        assert "secret-key" not in said
        assert server.url.split("/")[2] in said


def test_a_server_that_is_not_there(server: Server) -> None:
    server.http.server_close()
    with pytest.raises(EndpointUnreachable, match="cannot be reached"):
        Reranker("http://127.0.0.1:9/v1").scores("q", ["a"])


def test_only_a_named_reranker_is_used() -> None:
    assert find_reranker(Settings()) is None
    named = {"rerank_base_url": "http://127.0.0.1:9/v1"}
    assert find_reranker(Settings(**named)) is not None
    assert find_reranker(Settings(**named, without=frozenset({"rerank"}))) is None


def test_it_orders_the_hits_and_a_failure_shows(server: Server, tmp_path: Path) -> None:
    with Indexer(tmp_path / "index", encoders()) as index:
        index.ingest(write(tmp_path / "texts", TEXTS))
        plain = made(index, tmp_path)
        retriever = made(index, tmp_path, rerank_base_url=server.url)
        hits = retriever.hits("Why does bread rise?", k=5)
        lengths = [len(hit.passage.text) for hit in hits]
        assert lengths == sorted(lengths, reverse=True)
        assert all(hit.score == hit.signals["rerank"] for hit in hits)
        assert retriever.reranker_fault is None

        server.answer = lambda _: (500, b"oops")
        fallen = retriever.hits("Why does bread rise?", k=5)
        expected = plain.hits("Why does bread rise?", k=5)
        assert [hit.passage.id for hit in fallen] == [hit.passage.id for hit in expected]
        assert all(hit.signals["reranker failed"] == 1 for hit in fallen)
        assert isinstance(retriever.reranker_fault, ServerFault)
