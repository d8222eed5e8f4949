"""question → Hits: its candidates (`rag/search/candidates.py`), the best first by what
`rag/search/fusion.py` makes of them, those for its parts among them.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rag import fold, whole
from rag.catalog import Catalog
from rag.config import Settings
from rag.encoders.encoder import Encoders
from rag.errors import EndpointError
from rag.lexical import Lexical
from rag.questions import compound
from rag.questions.about import About, about
from rag.schema import Hit, Message, Passage
from rag.search import fusion
from rag.search.candidates import (
    COMPARED,
    LONGEST,
    NEAREST,
    Candidates,
    Dense,
    Reach,
    Tools,
    look_for,
)
from rag.search.dictionary import Dictionary
from rag.search.known import Known
from rag.search.rerank import Reranker, find_reranker

if TYPE_CHECKING:
    from llama_index.core.retrievers import BaseRetriever

__all__ = ["Retriever"]

Floats = NDArray[np.float64]

RERANKED = 30  # passages that a reranker orders
_log = logging.getLogger(__name__)

GONE = 3  # passages that another process may remove meanwhile
SPARE = 3  # times k passages are looked at, so that near copies can be left out

MANY = 1000  # hits; to know how many passages there are takes going through them
WHOLE = 3
"""Of a question that asks for several things: after so many passages for the whole of it, one less
before three parts, comes one for each of its parts."""

FARTHER = 3
"""Where the same is asked of each of several, so many times as many passages are looked at for one
of each essay."""


class Retriever:
    """Finds passages. Thread-safe; follows the index as it changes.

    Args:
        catalog: where passages and their vectors are kept.
        vectors: the dense index over `catalog`; a small folder is searched without it.
        lexical: the lexical one.
        encoders: those that the index was made by.
        settings: `without` turns ingredients off; `rerank_*` name a reranker.
        weigh: how features are fused; default: what came with the program.
        dictionary: bridges languages; default: the bundled one.
    """

    compared = COMPARED
    nearest = elsewhere = NEAREST
    """Candidates of each sort: in the question's language, and in each other."""

    def __init__(
        self,
        catalog: Catalog,
        vectors: Dense,
        lexical: Lexical,
        encoders: Encoders,
        settings: Settings,
        weigh: fusion.Fusion | None = None,
        dictionary: Dictionary | None = None,
    ) -> None:
        cores = os.cpu_count() or 1
        self._catalog = catalog
        self._lexical = lexical
        self._encoders = encoders
        self._without = settings.without
        self._weigh = weigh or fusion.weighing()
        if "network" in settings.without:
            self._weigh = replace(self._weigh, network=None)
        self._tools = Tools(
            catalog=catalog,
            vectors=vectors,
            encoders=encoders,
            dictionary=dictionary or Dictionary(settings.models),
            weigh=self._weigh,
            without=self._without,
            cores=threading.BoundedSemaphore(cores),
            beside=ThreadPoolExecutor(cores, "nearest"),
        )
        self._reranker = find_reranker(settings)
        self.reranker_fault: EndpointError | None = None
        self._known: Known | None = None

    def hits(
        self,
        question: str,
        history: Sequence[Message] = (),
        k: int = 5,
        sources: Sequence[str] | None = None,
    ) -> list[Hit]:
        """The k passages most likely to answer the question, best first; near copies count once.

        Where it asks for several things, the fourth and fifth may be those that are best for a part
        of it: signal "part" is its number, and their scores are for it alone.

        Args:
            question: in any language; only its first 1,000 characters are searched for.
            history: the conversation so far, for a question that does not stand alone.
            k: how many, at most.
            sources: only passages of these essays; None: of all.

        Raises:
            SourceNotFound: one of `sources` is not ingested.
            IndexFault: the catalog is damaged.
        """
        if history:
            from rag.condense import condense  # imports the endpoint's client

            question = condense(question, history).question
        if sources is not None:
            self._check(sources)
        known = self._now()
        if k > MANY:  # the indexes make room for as many as they are asked for
            k = min(k, sum(self._catalog.languages().values()))
        hits = self._hits(question, k, sources, known)
        asked = None if "whole" in self._without else about(question)
        if asked and hits:
            return self._of_essays(question, asked, hits, k, sources)
        if k <= WHOLE or "parts" in self._without or self._reranker:
            return hits
        parts = compound.parts(fold.simplified(question[:LONGEST]))
        wanted = FARTHER * k if parts.same else k
        found = [self._hits(part, wanted, sources, known) for part in parts.questions]
        if parts.same:
            found = _of_other_essays(found)
        return self._with_parts(hits, found, known)[:k] if found else hits

    def _of_essays(
        self,
        question: str,
        asked: About,
        hits: list[Hit],
        k: int,
        sources: Sequence[str] | None,
    ) -> list[Hit]:
        """The passages for a question about essays as a whole: those that stand for them where it
        asks for their gist, else what they begin with before those that were found."""
        essays, sure = whole.meant(asked, self._catalog, sources, hits)
        if asked.aspect == "gist" and essays:
            encoder, language = self._encoders.passage.name, fold.language(question)
            return whole.spread(self._catalog, encoder, essays, k, language, sure)
        first = whole.openings(self._catalog, essays, k, sure)
        if sure < whole.SURE:  # something that the essay speaks of may be meant
            first = [hits[0], *first]
        distinct: dict[str, Hit] = {}
        for hit in (*first, *hits):
            distinct.setdefault(hit.passage.id, hit)
        return list(distinct.values())[:k]

    def _with_parts(
        self, whole: Sequence[Hit], parts: Sequence[Sequence[Hit]], known: Known
    ) -> list[Hit]:
        """The passages for a question with the first new one for each of its parts among them."""
        first = WHOLE if len(parts) < WHOLE else WHOLE - 1
        hits = list(whole[:first])
        for number, found in enumerate(parts, 1):
            fresh = next(self._new(found, hits, known), None)
            if fresh:
                hits.append(_marked(fresh, fresh.score, "part", float(number)))
        return [*hits, *self._new(whole[first:], hits, known)]

    def _new(self, found: Sequence[Hit], before: Sequence[Hit], known: Known) -> Iterator[Hit]:
        """Those of `found` that repeat none before them, nor nearly."""
        hits = {int(hit.passage.id): hit for hit in (*found, *before)}
        order = dict.fromkeys(int(hit.passage.id) for hit in (*before, *found))
        entries = known.entries(list(order))
        ids = [unit for unit in order if unit in entries]
        kept = self._distinct(np.arange(len(ids)), [entries[unit].text for unit in ids])
        there = {int(hit.passage.id) for hit in before}
        return (hits[ids[row]] for row in kept if ids[row] not in there)

    def _hits(
        self, question: str, k: int, sources: Sequence[str] | None, known: Known
    ) -> list[Hit]:
        found = look_for(question, self._tools, known, sources, self._reach(k))
        if k < 1 or not len(found.ids):
            return []
        scores = self._weigh.score(found.features)
        order = np.lexsort((found.ids, -scores))
        wanted = max(k, RERANKED) if self._reranker else k
        chosen = islice(self._distinct(order[: SPARE * wanted], found.texts), wanted + GONE)
        rows = {str(found.ids[row]): row for row in chosen}
        ids = [int(name) for name in rows]
        passages = known.passages(ids) if sources is None else self._catalog.passages(ids, sources)
        there = {int(passage.id): passage for passage in passages}
        known.account_for(ids, there)
        self._catalog.account_for(set(ids).difference(there), known.generation)
        hits = [self._hit(passage, rows[passage.id], found, scores) for passage in passages]
        if self._reranker:
            hits = self._reranked(self._reranker, question, hits[:wanted])
        return hits[:k]

    @staticmethod
    def _hit(passage: Passage, row: int, found: Candidates, scores: Floats) -> Hit:
        signals = {name: float(column[row]) for name, column in found.signals.items()}
        return Hit(passage, float(scores[row]), signals)

    def _reranked(self, reranker: Reranker, question: str, hits: Sequence[Hit]) -> list[Hit]:
        """The hits in the reranker's order. Where it fails, as they were, and every hit says so:
        signal "reranker failed" is 1, and `reranker_fault` holds the error."""
        try:
            scores = reranker.scores(question, [hit.passage.text for hit in hits])
        except EndpointError as error:
            self.reranker_fault = error
            _log.warning("%s Passages are in the order found without it.", error)
            return [_marked(hit, hit.score, "reranker failed", 1.0) for hit in hits]
        self.reranker_fault = None
        marked = [
            _marked(hit, score, "rerank", score) for hit, score in zip(hits, scores, strict=True)
        ]
        return sorted(marked, key=lambda hit: -hit.score)

    def as_llama_index(self, k: int = 5, sources: Sequence[str] | None = None) -> BaseRetriever:
        """This retriever for LlamaIndex: nodes carry the passage's text, place and signals."""
        made: BaseRetriever = _llama_index_retriever()(self, k, sources)
        return made

    def _check(self, sources: Sequence[str]) -> None:
        """Raise SourceNotFound, which names the first one that is not ingested."""
        if len(self._catalog.essay_numbers(sources)) < len(set(sources)):
            for source in sources:
                self._catalog.text(source)  # raises for the one that is not there

    def candidates(self, question: str, sources: Sequence[str] | None = None) -> Candidates:
        """The passages worth comparing, language by language, with all their features."""
        return look_for(question, self._tools, self._now(), sources, self._reach())

    def _reach(self, k: int = 0) -> Reach:
        """As far as asking for a few passages takes; farther where more are wanted."""
        return Reach(max(self.nearest, k), max(self.elsewhere, k), max(self.compared, k))

    def _now(self) -> Known:
        """What is known of the index as it is now."""
        generation = self._catalog.generation()
        known = self._known
        if known is None or known.generation != generation:
            known = self._known = Known(self._catalog, self._lexical, generation)
        return known

    def _distinct(self, order: NDArray[np.intp], texts: Sequence[fusion.Text]) -> Iterator[int]:
        """The rows in order, those that nearly repeat one before them after all others."""
        rows = [int(row) for row in order]
        if "copies" in self._without:
            yield from rows
            return
        repeated: list[int] = []
        for row, again in zip(rows, fusion.near_copies(texts[row] for row in rows), strict=True):
            if again:
                repeated.append(row)
            else:
                yield row
        yield from repeated


def _of_other_essays(parts: Sequence[list[Hit]]) -> list[list[Hit]]:
    """For each part those of its own essay first."""
    best: list[dict[str, float]] = [{} for _ in parts]
    for scores, hits in zip(best, parts, strict=True):
        for hit in hits:
            scores.setdefault(hit.passage.source, hit.score)
    essays = compound.assigned(best) or [""] * len(parts)
    return [
        sorted(hits, key=lambda hit: hit.passage.source != essay)
        for essay, hits in zip(essays, parts, strict=True)
    ]


def _marked(hit: Hit, score: float, name: str, value: float) -> Hit:
    return replace(hit, score=score, signals={**hit.signals, name: value})


@cache
def _llama_index_retriever() -> type[Any]:
    # Inside a function: importing LlamaIndex takes 1.4 s, which asking does not need.
    from llama_index.core.retrievers import BaseRetriever
    from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

    class PassageRetriever(BaseRetriever):
        def __init__(self, retriever: Retriever, k: int, sources: Sequence[str] | None) -> None:
            super().__init__()
            self._retriever, self._k, self._sources = retriever, k, sources

        def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
            hits = self._retriever.hits(query_bundle.query_str, k=self._k, sources=self._sources)
            return [NodeWithScore(node=_node(hit), score=hit.score) for hit in hits]

    def _node(hit: Hit) -> TextNode:
        passage = hit.passage
        return TextNode(
            id_=passage.id,
            text=passage.text,
            metadata={
                "source": passage.source,
                "title": passage.title,
                "heading": passage.heading,
                "start": passage.start,
                "end": passage.end,
            },
        )

    return PassageRetriever
