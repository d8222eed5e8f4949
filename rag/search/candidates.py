"""One question → Candidates: from both encoders and from words, in every language, compared.

Each language is searched and standardised on its own, so that a fact is found in whichever language
it stands. Nothing here looks at all passages: the indexes give candidates, the catalog their
vectors and words, and a fixed-size sample stands for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from math import fsum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rag import fold
from rag.catalog import Catalog
from rag.encoders import late
from rag.encoders.encoder import Encoder, Encoders, TokenEncoder
from rag.lexical import BOOSTS, LanguageIndex
from rag.search import fusion
from rag.search.dictionary import Dictionary
from rag.search.known import Entry, Known

__all__ = ["LONGEST", "Candidates", "Dense", "Reach", "Tools", "look_for"]

Vector = NDArray[np.float32]
Floats = NDArray[np.float64]
Ids = NDArray[np.int64]

NEAREST = 12
"""Candidates in a language from each encoder, from words, and from translated words."""

COMPARED = 24
"""The best candidates, which are compared with the question token by token."""

LEARNED = frozenset({"zh", "en"})
"""Languages whose questions the passage encoder has learned: it puts passages of all languages
equally near to them."""

LONGEST = 1_000  # characters of a question that are searched for
RAREST = 48  # words of a question that are searched for
PHRASES = 64  # pairs of neighbours of a question that are looked for

_SIGNALS = {"passage": ("passage",), "sentence": ("mean", "sentence")}
_COVERED = ("coverage", "title", "phrases", "bridge")
_ENCODED = ("passage", "mean", "sentence")


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

    `signals` holds what was measured, `features` what `fusion.INPUTS` makes of it, each [n].
    """

    ids: Ids
    languages: tuple[str, ...]
    signals: Mapping[str, Floats]
    features: Mapping[str, Floats]
    texts: Sequence[fusion.Text]


@dataclass(frozen=True)
class Reach:
    """How many candidates of each sort: in the question's language, in each other, and of the best
    to be compared token by token."""

    nearest: int = NEAREST
    elsewhere: int = NEAREST
    compared: int = COMPARED


@dataclass(frozen=True)
class Tools:
    """What every question is looked for with. `cores`: held by as many at once as there are cores;
    `beside`: does what needs no lock of the interpreter; `without`: ingredients turned off."""

    catalog: Catalog
    vectors: Dense
    encoders: Encoders
    dictionary: Dictionary
    weigh: fusion.Fusion
    without: frozenset[str]
    cores: AbstractContextManager[Any]
    beside: Executor

    @cached_property
    def used(self) -> dict[str, Encoder]:
        """The encoders by their role."""
        used = {"passage": self.encoders.passage}
        if "use" not in self.without:
            used["sentence"] = self.encoders.sentence
        return used

    @cached_property
    def telling(self) -> TokenEncoder | None:
        """The passage encoder where it tells tokens apart, which takes 30 µs to find out."""
        encoder = self.encoders.passage
        return encoder if isinstance(encoder, TokenEncoder) else None


def look_for(
    question: str,
    tools: Tools,
    known: Known,
    sources: Sequence[str] | None = None,
    reach: Reach | None = None,
) -> Candidates:
    """The passages worth comparing, language by language, with all their features.

    Args:
        question: only its first 1,000 characters are looked for.
        tools: what to look with.
        known: the index as it is now.
        sources: only passages of these essays; None: of all.
        reach: how many; default: as many as asking takes.
    """
    asked = _Asked.of(question[:LONGEST])
    if not asked.words or not known.languages:
        return _nothing()
    vectors = {role: encoder.query(asked.simple) for role, encoder in tools.used.items()}
    search = _Search(tools, known, asked, vectors, sources, reach or Reach())
    with tools.cores:  # of many who ask at once, those who began are finished first
        return search.candidates()


@dataclass(frozen=True)
class _Asked:
    """What a question asks with: its language, its folded words, and its pairs of neighbours.
    `simple`: in the characters that passages were embedded in."""

    text: str
    simple: str
    language: str
    words: tuple[str, ...]
    phrases: tuple[str, ...]

    @classmethod
    def of(cls, question: str) -> _Asked:
        words = fold.words(question)
        return cls(
            text=question,
            simple=fold.simplified(question),
            language=fold.language(question),
            words=tuple(dict.fromkeys(words)),
            phrases=fusion.phrases(fold.fold(question), words)[:PHRASES],
        )


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
class _Matched:
    """What words find in one language: their rarities, the BM25 of what holds them, the
    translations of the question's terms, and what holds those."""

    rarities: Mapping[str, float]
    bm25: Mapping[int, float]
    terms: Sequence[Sequence[str]]
    translated: Sequence[int]


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


@dataclass(frozen=True)
class _Search:
    """The search for one question: what is the same in all its steps. `vectors`: the question's, by
    role."""

    tools: Tools
    known: Known
    asked: _Asked
    vectors: Mapping[str, Vector]
    sources: Sequence[str] | None
    reach: Reach

    def candidates(self) -> Candidates:
        """The best of each language, compared."""
        # In all languages, before the first answer is waited for.
        looks = [self._look(language) for language in self.known.languages]
        usual = self.tools.beside.submit(self._usual_matches)
        groups = [group for group in map(self._group, looks) if len(group.ids)]
        if not groups:
            return _nothing()
        return self._compared(self._joined(groups), usual.result())

    # -- one language -----------------------------------------------------------------------------

    def _look(self, language: str) -> _Look:
        """Begin to look for the passages of one language that are nearest to the question."""
        used, reach = self.tools.used, self.reach
        backgrounds = {
            role: self.known.background(used[role].name, language) @ vector
            for role, vector in self.vectors.items()
        }
        count = reach.nearest if language == self.asked.language else reach.elsewhere
        nearest = [
            self._nearest(role, language, background, count)
            for role, background in backgrounds.items()
        ]
        return _Look(language, count, backgrounds, nearest)

    def _nearest(
        self, role: str, language: str, background: Vector, count: int
    ) -> Callable[[], list[int]]:
        """The ids of the nearest passages of a language, to be had by calling. Where the background
        is all of them, their cosines are there already; else the index, which needs no lock of the
        interpreter, is asked beside whatever else is going on."""
        if self.sources is None and self.known.languages[language] == len(background):
            ids = self.known.sample(language)
            if len(ids) == len(background):
                rows = np.argsort(-background, kind="stable")[:count]
                return lambda: [ids[row] for row in rows]
        name, vector = self.tools.used[role].name, self.vectors[role]

        def ask() -> list[int]:
            found = self.tools.vectors.query(name, language, vector, count, self.sources)
            return [unit for unit, _ in found]

        return self.tools.beside.submit(ask).result

    def _group(self, look: _Look) -> _Group:
        """The candidates of one language with every scorer's opinion of each."""
        matched = self._matched(look)
        found = {*matched.bm25, *matched.translated}.union(*(ask() for ask in look.nearest))
        entries = self.known.entries(sorted(found))  # those that are gone meanwhile are not there
        self.tools.catalog.account_for(found - entries.keys(), self.known.generation)
        ids = sorted(entries)
        return _Group(
            language=look.language,
            ids=np.array(ids, np.int64),
            texts=[entries[unit].text for unit in ids],
            cosines=self._cosines(ids),
            backgrounds=look.backgrounds,
            covered=self._covered([entries[unit] for unit in ids], matched),
            bm25=np.array([matched.bm25.get(unit, 0.0) for unit in ids]),
        )

    def _matched(self, look: _Look) -> _Matched:
        """What the question's words, and what they are called in this language, find."""
        index = self.known.index(look.language)
        rarities: dict[str, float] = {}
        bm25: dict[int, float] = {}
        if "lexical" not in self.tools.without:
            rarities = _rarities(self.asked.words, index)
            boosts = {"body": BOOSTS["body"]} if "titles" in self.tools.without else BOOSTS
            bm25 = dict(index.query(list(rarities), look.count, self.sources, boosts=boosts))
        terms = self._bridges(look.language)
        foreign = dict.fromkeys(word for forms in terms for form in forms for word in form.split())
        translated = index.query(list(foreign), look.count, self.sources) if foreign else []
        return _Matched(rarities, bm25, terms, [unit for unit, _ in translated])

    def _bridges(self, language: str) -> list[tuple[str, ...]]:
        if "dictionary" in self.tools.without:
            return []
        return self.tools.dictionary.bridges(self.asked.text, self.asked.language, language)

    def _covered(self, entries: Sequence[Entry], matched: _Matched) -> Floats:
        """What each passage shares with the question: [n, 4], as `_COVERED` names them."""
        shares = fusion.shares(matched.rarities)
        titled = "titles" not in self.tools.without
        single = np.array([_shared_words(entry, shares, titled) for entry in entries])
        texts = [entry.text for entry in entries]
        pairs = () if "lexical" in self.tools.without else self.asked.phrases
        phrases, bridge = fusion.phrase_shares(pairs, texts), fusion.bridged(matched.terms, texts)
        return np.column_stack((single.reshape(len(entries), 2), phrases, bridge))

    def _cosines(self, ids: Sequence[int]) -> dict[str, Vector]:
        """By signal: the cosine of each id, 0 where it has no vector."""
        signals: dict[str, Vector] = {}
        for role, vector in self.vectors.items():
            kept = self.known.parts(self.tools.used[role].name, ids)
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
            wholes = np.concatenate([part.whole for part in parts]).reshape(len(parts), -1)
            signals[_SIGNALS[role][0]][at] = wholes @ vector
        return signals

    # -- all languages ----------------------------------------------------------------------------

    def _joined(self, groups: Sequence[_Group]) -> Candidates:
        """All languages' candidates, with what they are judged by."""
        signals: dict[str, Floats] = {}
        features: dict[str, Floats] = {}
        for role in groups[0].backgrounds:
            levels = self._usual(role, groups)
            for signal in _SIGNALS[role]:
                scores = {group.language: group.cosines[signal] for group in groups}
                signals[signal] = _join(scores.values())
                features[signal] = _join(fusion.standardise(scores, levels).values())
        if "sentences" in self.tools.without and "mean" in features:
            features["sentence"] = features["mean"]
        for column, name in enumerate(_COVERED):
            features[name] = _join(group.covered[:, column] for group in groups)
        counts = [len(group.ids) for group in groups]
        sizes = [fusion.size(self.known.languages[group.language]) for group in groups]
        own = [float(group.language == self.asked.language) for group in groups]
        features["size"], features["own"] = np.repeat(sizes, counts), np.repeat(own, counts)
        features["cosine"] = signals["passage"]
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

    def _usual(self, role: str, groups: Sequence[_Group]) -> dict[str, tuple[float, float]]:
        """By language, what an encoder's cosines with any passage are."""
        background = {group.language: group.backgrounds[role] for group in groups}
        if "cohort" in self.tools.without:  # one cohort for all languages
            everything = np.concatenate(list(background.values()))
            background = dict.fromkeys(background, everything)
        return fusion.usual(background, self._lifted())

    def _lifted(self) -> str | None:
        """The language whose passages the passage encoder puts nearer to this question than all
        others'."""
        if not self.tools.telling or "questions" in self.tools.without:
            return None
        return "" if self.asked.language in LEARNED else self.asked.language

    # -- token by token ---------------------------------------------------------------------------

    def _usual_matches(self) -> dict[str, _Usual]:
        """By language, how well the passages that stand for it match the question's tokens: what a
        core without the interpreter's lock does while candidates are gathered. Empty: the index
        holds no token vectors, or they are turned off."""
        encoder = self.tools.telling
        if "tokens" in self.tools.without or not encoder:
            return {}
        asked = encoder.query_tokens(self.asked.simple)
        found = {}
        for language in self.known.languages:
            sample, tokens = self.known.backdrop(encoder.name, language)
            found[language] = _Usual(sample, late.match_best(asked, tokens))
        return found

    def _compared(self, found: Candidates, usual: Mapping[str, _Usual]) -> Candidates:
        """The candidates, the best of them compared token by token."""
        tokens = self._token_scores(found, usual)
        if tokens is None:
            return found
        return replace(
            found,
            signals={**found.signals, "tokens z": tokens},
            features={**found.features, "tokens": tokens},
        )

    def _token_scores(self, found: Candidates, usual: Mapping[str, _Usual]) -> Floats | None:
        """How well a sentence of the best candidates holds what the question's tokens look for,
        standardised.

        The others get what the worst of them has, which leaves them behind. None: nothing is
        matched.
        """
        encoder = self.tools.telling
        if not usual or not encoder:
            return None
        best = np.argsort(-self.tools.weigh.first(found.features), kind="stable")
        order = best[: self.reach.compared]
        scores = self._matches(encoder, found.ids[order].tolist(), usual)
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
        levels = fusion.usual(background, self._lifted())
        made = fusion.standardise(matched, levels)
        column = np.full(len(found.ids), min(values.min() for values in made.values()))
        for language, at in places.items():
            column[at] = made[language]
        return column

    def _matches(
        self, encoder: TokenEncoder, ids: Sequence[int], usual: Mapping[str, _Usual]
    ) -> dict[int, float]:
        """By id, how well the best sentence matches the question's tokens, of these passages and
        more. In a small index those that stand for a language are the same and matched once."""
        scores: dict[int, float] = {}
        for one in usual.values():
            scores.update(zip(one.ids, one.scores.tolist(), strict=True))
        missing = [unit for unit in ids if unit not in scores]
        others = self.known.tokens(encoder.name, missing)
        asked = encoder.query_tokens(self.asked.simple)
        matched = late.match_best(asked, late.joined(others.values()))
        scores.update(zip(others, matched.tolist(), strict=True))
        return scores


def _rarities(words: Sequence[str], index: LanguageIndex) -> dict[str, float]:
    """The question's rarest words, and how rare they are among a language's passages."""
    frequencies = index.document_frequencies(words[: 4 * RAREST])
    rarities = fusion.rarity(frequencies, index.count())
    rarest = sorted(rarities, key=lambda word: -rarities[word])[:RAREST]
    return {word: rarities[word] for word in rarest}


def _shared_words(entry: Entry, shares: Mapping[str, float], titled: bool) -> tuple[float, float]:
    """Shares of the question's words in the text, and in the title alone."""
    held = fusion.coverage(entry.text, shares)
    above = entry.above.intersection(shares) if titled else ()
    return held, fsum([shares[word] for word in above if word not in entry.text.distinct])


def _join(columns: Iterable[NDArray[Any]]) -> Floats:
    return np.concatenate([np.asarray(column, np.float64) for column in columns])


def _nothing() -> Candidates:
    return Candidates(np.empty(0, np.int64), (), {}, {}, ())
