"""question → Hits: candidates from both encoders and from words, in every language, fused.

Each language is searched and standardised on its own, so that a fact is found in whichever language
it stands; then all candidates are compared by one small linear model (`rag/fusion.py`). Nothing
here looks at all passages: the indexes give candidates, the catalog their vectors and words, and a
fixed-size sample stands for the rest.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from math import fsum
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rag import compound, fold, fusion, late, whole
from rag.about import About, about
from rag.catalog import Catalog
from rag.config import Settings
from rag.dictionary import Dictionary
from rag.embed import Encoder, Encoders, TokenEncoder
from rag.errors import EndpointError
from rag.known import Entry, Known
from rag.lexical import BOOSTS, LanguageIndex, Lexical
from rag.rerank import Reranker, find_reranker
from rag.schema import Hit, Message, Passage

if TYPE_CHECKING:
    from llama_index.core.retrievers import BaseRetriever

__all__ = ["Candidates", "Dense", "Retriever"]

Vector = NDArray[np.float32]
Floats = NDArray[np.float64]
Ids = NDArray[np.int64]

NEAREST = 12
"""Candidates in a language from each encoder, from words, and from translated words."""

LEARNED = frozenset({"zh", "en"})
"""Languages whose questions the passage encoder has learned: it puts passages of all languages
equally near to them."""

COMPARED = 24
"""The best candidates, which are compared with the question token by token."""

LONGEST = 1_000  # characters of a question that are searched for
RAREST = 48  # words of a question that are searched for
PHRASES = 64  # pairs of neighbours of a question that are looked for
RERANKED = 30  # passages that a reranker orders
_log = logging.getLogger(__name__)

GONE = 3  # passages that another process may remove meanwhile
SPARE = 3  # times k passages are looked at, so that near copies can be left out

WHOLE = 3
"""Of a question that asks for several things: after so many passages for the whole of it, one less
before three parts, comes one for each of its parts."""


FARTHER = 3
"""Where the same is asked of each of several, so many times as many passages are looked at for one
of each essay."""


class Dense(Protocol):
    """What is asked for the nearest passages, `rag.vectors.Vectors`."""

    def query(
        self,
        encoder: str,
        language: str,
        vector: Vector,
        k: int,
        sources: Sequence[str] | None = None,
    ) -> list[tuple[int, float]]:
        """The k passages of a language nearest to `vector`, best first: (id, cosine)."""


@dataclass(frozen=True)
class Candidates:
    """The passages worth comparing for one question: a column for each signal.

    `signals` holds what was measured, `features` what `fusion.FEATURES` makes of it, each [n].
    """

    ids: Ids
    languages: tuple[str, ...]
    signals: Mapping[str, Floats]
    features: Mapping[str, Floats]
    texts: Sequence[fusion.Text]


class Retriever:
    """Finds passages. Thread-safe; follows the index as it changes.

    Args:
        catalog: where passages and their vectors are kept.
        vectors: the dense index over `catalog`; a small folder is searched without it.
        lexical: the lexical one.
        encoders: those that the index was made by.
        settings: `without` turns ingredients off; `rerank_*` name a reranker.
        weigh: how features are fused; default: the weights that came with the program.
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
        self._cores = threading.BoundedSemaphore(cores)
        self._beside = ThreadPoolExecutor(cores, "nearest")
        self._catalog = catalog
        self._vectors = vectors
        self._lexical = lexical
        self._encoders = encoders
        self._settings = settings
        self._without = settings.without
        self._weigh = weigh or fusion.weights()
        self._dictionary = dictionary or Dictionary(settings.models)
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
        hits = self._hits(question, k, sources, known)
        asked = about(question)
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
        found = self._candidates(question, sources, known)
        if k < 1 or not len(found.ids):
            return []
        scores = self._weigh.score(found.features)
        order = np.lexsort((found.ids, -scores))
        wanted = max(k, RERANKED) if self._reranker else k
        chosen = islice(self._distinct(order[: SPARE * wanted], found.texts), wanted + GONE)
        rows = {str(found.ids[row]): row for row in chosen}
        ids = [int(name) for name in rows]
        passages = known.passages(ids) if sources is None else self._catalog.passages(ids, sources)
        self._catalog.account_for(
            set(ids).difference(int(passage.id) for passage in passages), known.generation
        )
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

    # -- candidates -------------------------------------------------------------------------------

    def candidates(self, question: str, sources: Sequence[str] | None = None) -> Candidates:
        """The passages worth comparing, language by language, with all their features."""
        return self._candidates(question, sources, self._now())

    def _candidates(self, question: str, sources: Sequence[str] | None, known: Known) -> Candidates:
        question = question[:LONGEST]
        words = fold.words(question)
        asked = _Asked(
            language=fold.language(question),
            words=tuple(dict.fromkeys(words)),
            phrases=fusion.phrases(fold.fold(question), words)[:PHRASES],
            text=question,
        )
        if not asked.words or not known.languages:
            return _nothing()
        simple = fold.simplified(question)  # as passages were embedded
        by_encoder = {name: encoder.query(simple) for name, encoder in self._used().items()}
        with self._cores:  # of many who ask at once, those who began are finished first
            looked = [  # in all languages, before the first answer is waited for
                self._look(language, asked, by_encoder, sources, known)
                for language in known.languages
            ]
            usual = self._beside.submit(self._usual_matches, simple, known)
            made = [self._group(look, asked, by_encoder, sources, known) for look in looked]
            groups = [group for group in made if len(group.ids)]
            if not groups:
                return _nothing()
            lifted = self._lifted(asked.language)
            found = self._joined(groups, lifted, known)
            return self._compared(simple, found, usual.result(), lifted, known)

    def _lifted(self, language: str) -> str | None:
        """The language whose passages the passage encoder puts nearer to a question of `language`
        than all others'."""
        if not isinstance(self._encoders.passage, TokenEncoder) or "questions" in self._without:
            return None
        return "" if language in LEARNED else language

    def _compared(
        self,
        question: str,
        found: Candidates,
        usual: Mapping[str, _Usual],
        lifted: str | None,
        known: Known,
    ) -> Candidates:
        """The candidates, the best of them compared token by token."""
        tokens = self._token_scores(question, found, usual, lifted, known)
        if tokens is None:
            return found
        return replace(
            found,
            signals={**found.signals, "tokens z": tokens},
            features={**found.features, "tokens": tokens},
        )

    def _now(self) -> Known:
        """What is known of the index as it is now."""
        generation = self._catalog.generation()
        known = self._known
        if known is None or known.generation != generation:
            known = self._known = Known(self._catalog, self._lexical, generation)
        return known

    def _used(self) -> dict[str, Encoder]:
        used = {"passage": self._encoders.passage}
        if "use" not in self._without:
            used["sentence"] = self._encoders.sentence
        return used

    def _look(
        self,
        language: str,
        asked: _Asked,
        vectors: Mapping[str, Vector],
        sources: Sequence[str] | None,
        known: Known,
    ) -> _Look:
        """Begin to look for the passages of one language that are nearest to the question."""
        backgrounds = {
            role: known.background(self._used()[role].name, language) @ vector
            for role, vector in vectors.items()
        }
        count = self.nearest if language == asked.language else self.elsewhere
        nearest = [
            self._nearest(role, language, vector, backgrounds[role], count, sources, known)
            for role, vector in vectors.items()
        ]
        return _Look(language, count, backgrounds, nearest)

    def _group(
        self,
        look: _Look,
        asked: _Asked,
        vectors: Mapping[str, Vector],
        sources: Sequence[str] | None,
        known: Known,
    ) -> _Group:
        """The candidates of one language with every scorer's opinion of each."""
        language, count = look.language, look.count
        found: dict[int, None] = {}
        matched: dict[int, float] = {}
        rarities: dict[str, float] = {}
        index = known.index(language)
        if "lexical" not in self._without:
            rarities = _rarities(asked.words, index)
            boosts = {"body": BOOSTS["body"]} if "titles" in self._without else BOOSTS
            matched = dict(index.query(list(rarities), count, sources, boosts=boosts))
            found.update(dict.fromkeys(matched))
        terms = self._bridges(language, asked)
        if terms:
            foreign = dict.fromkeys(
                word for forms in terms for form in forms for word in form.split()
            )
            found.update(
                dict.fromkeys(unit for unit, _ in index.query(list(foreign), count, sources))
            )
        for nearest in look.nearest:
            found.update(dict.fromkeys(nearest()))
        entries = known.entries(sorted(found))  # those that are gone meanwhile are not there
        self._catalog.account_for(found.keys() - entries.keys(), known.generation)
        ids = sorted(entries)
        texts = [entries[unit].text for unit in ids]
        shares = fusion.shares(rarities)
        titled = "titles" not in self._without
        covered = np.array([_covered(entries[unit], shares, titled) for unit in ids])
        return _Group(
            language=language,
            ids=np.array(ids, np.int64),
            texts=texts,
            cosines=self._cosines(vectors, ids, known),
            backgrounds=look.backgrounds,
            covered=np.column_stack(
                (covered.reshape(len(ids), 2), *self._shared(asked, terms, texts))
            ),
            bm25=np.array([matched.get(unit, 0.0) for unit in ids]),
        )

    def _nearest(
        self,
        role: str,
        language: str,
        vector: Vector,
        background: Vector,
        count: int,
        sources: Sequence[str] | None,
        known: Known,
    ) -> Callable[[], list[int]]:
        """The ids of the nearest passages of a language, to be had by calling. Where the background
        is all of them, their cosines are there already; else the index, which needs no lock of the
        interpreter, is asked beside whatever else is going on."""
        if sources is None and known.languages[language] == len(background):
            ids = known.sample(language)
            if len(ids) == len(background):
                rows = np.argsort(-background, kind="stable")[:count]
                return lambda: [ids[row] for row in rows]
        name = self._used()[role].name

        def ask() -> list[int]:
            return [unit for unit, _ in self._vectors.query(name, language, vector, count, sources)]

        return self._beside.submit(ask).result

    def _shared(
        self, asked: _Asked, terms: Sequence[Sequence[str]], texts: Sequence[fusion.Text]
    ) -> tuple[Floats, Floats]:
        """What each passage shares with the question beside single words: `phrases`, `bridge`."""
        pairs = () if "lexical" in self._without else asked.phrases
        return fusion.phrase_shares(pairs, texts), fusion.bridged(terms, texts)

    def _bridges(self, language: str, asked: _Asked) -> list[tuple[str, ...]]:
        if "dictionary" in self._without:
            return []
        return self._dictionary.bridges(asked.text, asked.language, language)

    def _cosines(
        self, vectors: Mapping[str, Vector], ids: Sequence[int], known: Known
    ) -> dict[str, Vector]:
        """By signal: the cosine of each id, 0 where it has no vector."""
        signals: dict[str, Vector] = {}
        for role, vector in vectors.items():
            kept = known.parts(self._used()[role].name, ids)
            at = [row for row, unit in enumerate(ids) if unit in kept]
            parts = [kept[ids[row]] for row in at]
            for name in _SIGNALS[role]:
                signals[name] = np.zeros(len(ids), np.float32)
            if not parts:
                continue
            if "sentence" in _SIGNALS[role]:
                owners = np.repeat(at, [len(part.rows) for part in parts])
                rows = np.concatenate([part.rows for part in parts])
                present, nearest = fusion.best_parts(owners, rows @ vector)
                signals["sentence"][present] = nearest
            signals[_SIGNALS[role][0]][at] = np.stack([part.whole for part in parts]) @ vector
        return signals

    def _joined(self, groups: Sequence[_Group], lifted: str | None, known: Known) -> Candidates:
        """All languages' candidates, with what they are judged by."""
        signals: dict[str, Floats] = {}
        features: dict[str, Floats] = {}
        for role in groups[0].backgrounds:
            levels = self._usual(role, groups, lifted)
            for signal in _SIGNALS[role]:
                scores = {group.language: group.cosines[signal] for group in groups}
                signals[signal] = _join(scores.values())
                features[signal] = _join(fusion.standardise(scores, levels).values())
        if "sentences" in self._without and "mean" in features:
            features["sentence"] = features["mean"]
        for column, name in enumerate(_COVERED):
            features[name] = _join(group.covered[:, column] for group in groups)
        sizes = [fusion.size(known.languages[group.language]) for group in groups]
        features["size"] = np.repeat(sizes, [len(group.ids) for group in groups])
        signals["bm25"] = _join(group.bm25 for group in groups)
        signals |= {f"{name} z": features[name] for name in _ENCODED if name in features}
        signals |= {name: features[name] for name in _COVERED}
        return Candidates(
            ids=np.concatenate([group.ids for group in groups]),
            languages=tuple(group.language for group in groups for _ in group.ids),
            signals=signals,
            features=features,
            texts=[text for group in groups for text in group.texts],
        )

    def _usual_matches(self, question: str, known: Known) -> dict[str, _Usual]:
        """By language, how well the passages that stand for it match the question's tokens: what a
        core without the interpreter's lock does while candidates are gathered. Empty: the index
        holds no token vectors, or they are turned off."""
        encoder = self._encoders.passage
        if "tokens" in self._without or not isinstance(encoder, TokenEncoder):
            return {}
        asked = encoder.query_tokens(question)
        found = {}
        for language in known.languages:
            sample, tokens = known.backdrop(encoder.name, language)
            found[language] = _Usual(sample, late.match_best(asked, tokens))
        return found

    def _token_scores(
        self,
        question: str,
        found: Candidates,
        usual: Mapping[str, _Usual],
        lifted: str | None,
        known: Known,
    ) -> Floats | None:
        """How well a sentence of the best candidates holds what the question's tokens look for,
        standardised.

        The others get what the worst of them has, which leaves them behind. None: nothing is
        matched.
        """
        encoder = self._encoders.passage
        if not usual or not isinstance(encoder, TokenEncoder):
            return None
        order = np.argsort(-self._weigh.score(found.features), kind="stable")[: self.compared]
        scores = self._matches(encoder, question, found.ids[order].tolist(), usual, known)
        rows = [row for row in order.tolist() if int(found.ids[row]) in scores]
        if not rows:
            return None
        places: dict[str, list[int]] = {}
        for row in rows:
            places.setdefault(found.languages[row], []).append(row)
        matched = {
            language: np.array([scores[int(found.ids[row])] for row in at], np.float32)
            for language, at in places.items()
        }
        background = {language: usual[language].scores for language in places}
        levels = fusion.usual(background, lifted)
        made = fusion.standardise(matched, levels)
        column = np.full(len(found.ids), min(values.min() for values in made.values()))
        for language, at in places.items():
            column[at] = made[language]
        return column

    @staticmethod
    def _matches(
        encoder: TokenEncoder,
        question: str,
        ids: Sequence[int],
        usual: Mapping[str, _Usual],
        known: Known,
    ) -> dict[int, float]:
        """By id, how well the best sentence matches the question's tokens, of these passages and
        more. In a small index those that stand for a language are the same and matched once."""
        scores: dict[int, float] = {}
        for one in usual.values():
            scores.update(zip(one.ids, one.scores.tolist(), strict=True))
        missing = [unit for unit in ids if unit not in scores]
        others = known.tokens(encoder.name, missing)
        matched = late.match_best(encoder.query_tokens(question), late.joined(others.values()))
        scores.update(zip(others, matched.tolist(), strict=True))
        return scores

    def _usual(
        self, role: str, groups: Sequence[_Group], lifted: str | None
    ) -> dict[str, tuple[float, float]]:
        """By language, what an encoder's cosines with any passage are."""
        background = {group.language: group.backgrounds[role] for group in groups}
        if "cohort" in self._without:  # one cohort for all languages
            everything = np.concatenate(list(background.values()))
            background = dict.fromkeys(background, everything)
        return fusion.usual(background, lifted)

    # -- order ------------------------------------------------------------------------------------

    def _distinct(self, order: NDArray[np.intp], texts: Sequence[fusion.Text]) -> Iterator[int]:
        """The rows in order, without those that nearly repeat one before them."""
        rows = [int(row) for row in order]
        if "copies" in self._without:
            yield from rows
            return
        for row, again in zip(rows, fusion.near_copies(texts[row] for row in rows), strict=True):
            if not again:
                yield row


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


_SIGNALS = {"passage": ("passage",), "sentence": ("mean", "sentence")}
_COVERED = ("coverage", "title", "phrases", "bridge")
_ENCODED = ("passage", "mean", "sentence")


@dataclass(frozen=True)
class _Asked:
    """What a question asks with: its language, its folded words, and its pairs of neighbours."""

    language: str
    words: tuple[str, ...]
    phrases: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class _Usual:
    """The passages that stand for a language, and how well each matches the question's tokens."""

    ids: Sequence[int]
    scores: Vector


@dataclass(frozen=True)
class _Look:
    """One language under way: how many candidates each scorer may name, what any passage gets from
    each encoder, and the nearest, to be had by calling."""

    language: str
    count: int
    backgrounds: Mapping[str, Vector]
    nearest: Sequence[Callable[[], list[int]]]


@dataclass(frozen=True)
class _Group:
    """The candidates of one language. `covered` [n, 4]: the shares that `_COVERED` names."""

    language: str
    ids: Ids
    texts: Sequence[fusion.Text]
    cosines: Mapping[str, Vector]
    backgrounds: Mapping[str, Vector]
    covered: Floats
    bm25: Floats


def _rarities(words: Sequence[str], index: LanguageIndex) -> dict[str, float]:
    """The question's rarest words, and how rare they are among a language's passages."""
    frequencies = index.document_frequencies(words[: 4 * RAREST])
    rarities = fusion.rarity(frequencies, index.count())
    rarest = sorted(rarities, key=lambda word: -rarities[word])[:RAREST]
    return {word: rarities[word] for word in rarest}


def _covered(entry: Entry, shares: Mapping[str, float], titled: bool) -> tuple[float, float]:
    """Shares of the question's words in the text, and in the title alone."""
    held = fusion.coverage(entry.text, shares)
    above = entry.above.intersection(shares) if titled else frozenset()
    return held, fsum(shares[word] for word in above - entry.text.distinct)


def _join(columns: Any) -> Floats:
    return np.concatenate([np.asarray(column, np.float64) for column in columns])


def _nothing() -> Candidates:
    return Candidates(np.empty(0, np.int64), (), {}, {}, ())


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
