"""What retrieval computes with scores: standardising, best sentence, word coverage, fusion, copies.

Pure functions of arrays, so that the figures can be trained and tested without an index.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import fsum, sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FEATURES",
    "INPUTS",
    "Fusion",
    "Network",
    "Text",
    "below_best",
    "best_parts",
    "bridged",
    "coverage",
    "near_copies",
    "phrase_shares",
    "phrases",
    "rarity",
    "shares",
    "size",
    "standardise",
    "usual",
    "weighing",
]

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]
Vector = NDArray[np.float32]

FEATURES = (
    "passage",  # the passage encoder's cosine, standardised
    "sentence",  # the sentence encoder's cosine with the passage's best sentence, standardised
    "tokens",  # its tokens looked for in the passage's best sentence, standardised
    "coverage",  # share of the question's words that the passage holds, by rarity
    "phrases",  # share of its pairs of neighbouring characters or words, by rarity among candidates
    "bridge",  # rarity of its terms whose translation the passage holds, across languages
    "title",  # share of words that only the title or a heading holds
    "size",  # logarithm of how many passages its language has (`size`)
)
"""What a candidate is judged by at first, in the order of the columns of `eval/train_fusion.py`."""

INPUTS = (
    *FEATURES,
    "cosine",  # the passage encoder's cosine as it is
    "own",  # 1 where the passage is in the question's language
)
"""What the network looks at, in the order of its columns."""

_HAN = re.compile("[\u3400-\u9fff]{2,}")
SIZES = (60, 1_500)  # passages

# A background of few vectors says little about mean and deviation: it counts as one of so many more
# that look like all languages' backgrounds together.
MEAN_PRIOR = 2.0
# A few passages of one essay are no cohort for one of themselves, which raises their mean. A cohort
# is filled up to so many by passages of languages that are as far from the question.
COHORT = 24
DEVIATION_PRIOR = 8.0
LEAST_DEVIATION = 1e-3


@dataclass(frozen=True, slots=True)
class Text:
    """A text's folded words: in order, once each, and joined: by spaces with one at either end,
    and by nothing."""

    words: tuple[str, ...]
    distinct: frozenset[str]
    spaced: str
    glued: str

    @classmethod
    def of(cls, body: str) -> Text:
        """A text given as its folded words, joined by spaces."""
        words = tuple(body.split())
        return cls(words, frozenset(words), f" {body} ", body.replace(" ", ""))


def usual(
    background: Mapping[str, Vector], lifted: str | None = None
) -> dict[str, tuple[float, float]]:
    """By language, mean and deviation of what any of its passages gets.

    Args:
        background: by language, the question's cosines with a sample of all its passages, [m].
        lifted: the language, the question's own, whose passages the encoder puts nearer than all
            others; "": it lifts none. None: not known, any language may have a level of its own.

    Returns:
        Both drawn a little towards those of all backgrounds together, so that a language of one
        passage, or of none, has a deviation too; the mean of a small one that is not lifted
        towards that of the others that are not.
    """
    samples = {name: np.asarray(rows, np.float64) for name, rows in background.items()}
    count = sum(map(len, samples.values()))
    sums = {name: float(rows.sum()) for name, rows in samples.items()}
    mean_0 = sum(sums.values()) / max(count, 1)
    squares = {}  # of what lies off the language's own mean
    for name, rows in samples.items():
        off = rows - sums[name] / max(len(rows), 1)
        squares[name] = float(off @ off)
    several = sum(len(rows) for rows in samples.values() if len(rows) > 1)
    if several:
        variance_0 = sum(squares.values()) / several
    else:
        off_0 = [float(((rows - mean_0) ** 2).sum()) for rows in samples.values()]
        variance_0 = sum(off_0) / max(count, 1)
    made = {}
    for name, rows in samples.items():
        others = [] if lifted in (None, name) else [o for o in samples if o not in (name, lifted)]
        around = sum(len(samples[other]) for other in others)
        prior, level = MEAN_PRIOR, mean_0
        if around and len(rows) + prior < COHORT:
            prior, level = COHORT - len(rows), sum(map(sums.__getitem__, others)) / around
        mean = (sums[name] + prior * level) / (len(rows) + prior)
        variance = (squares[name] + DEVIATION_PRIOR * variance_0) / (len(rows) + DEVIATION_PRIOR)
        made[name] = mean, max(sqrt(variance), LEAST_DEVIATION)
    return made


def standardise(
    scores: Mapping[str, Vector], levels: Mapping[str, tuple[float, float]]
) -> dict[str, Floats]:
    """Scores as deviations from what any passage of the same language gets.

    An encoder scores any text in the question's own language above the right one in another. This
    is cohort normalisation (Auckenthaler et al. 2000, T-norm in speaker verification) with one
    cohort for each language.

    Args:
        scores: by language, the question's cosines with that language's candidates, [n].
        levels: by language, mean and deviation of any of its passages, from `usual`.

    Returns:
        By language, [n]: (score − mean) / deviation.
    """
    return {
        language: (np.asarray(found, np.float64) - levels[language][0]) / levels[language][1]
        for language, found in scores.items()
    }


def best_parts(owners: Ids, cosines: Vector) -> tuple[Ids, Vector]:
    """The best cosine of each owner's parts; `owners` [n] holds each owner's rows together.

    Returns (owners [m] in order, best cosine [m]).
    """
    if not len(owners):
        return owners, cosines
    first = np.concatenate(([0], np.flatnonzero(owners[1:] != owners[:-1]) + 1))
    return owners[first], np.maximum.reduceat(cosines, first)


def rarity(frequencies: Mapping[str, int], count: int) -> dict[str, float]:
    """BM25's inverse document frequency of words that stand in so many of `count` passages.

    A word that stands in none counts as one that stands in one: that a passage lacks it says the
    same about the question, and no more.
    """
    return {
        word: float(np.log1p((max(count - seen, 0) + 0.5) / (seen + 0.5)))
        for word, seen in ((word, max(seen, 1)) for word, seen in frequencies.items())
    }


def shares(rarities: Mapping[str, float]) -> dict[str, float]:
    """The rarities as shares of their sum; words of none are left out."""
    total = sum(rarities.values())
    return {word: rare / total for word, rare in rarities.items() if rare > 0}


def coverage(text: Text, asked: Mapping[str, float]) -> float:
    """The share of the question's words, by rarity, that a text holds: 0 … 1.

    Args:
        text: where they are looked for.
        asked: the share of each of the question's words, from `shares`.
    """
    held = text.distinct.intersection(asked)
    return fsum(map(asked.__getitem__, held))  # exact, so that the order of a set says nothing


def size(passages: int) -> float:
    """Logarithm of how many passages a language has: of many, the best looks right by chance.
    Beyond the sizes it was measured with it says no more."""
    return float(np.log(min(max(passages, SIZES[0]), SIZES[1])))


def phrases(folded: str, words: Sequence[str]) -> tuple[str, ...]:
    """The neighbours in a question: pairs of Han characters, and pairs of words between spaces.

    Pairs find what segmenting cuts in two ways on the two sides.

    Args:
        folded: the question, folded.
        words: its folded words, in order.
    """
    pairs = [run[at : at + 2] for run in _HAN.findall(folded) for at in range(len(run) - 1)]
    spaced = [word for word in words if not _HAN.match(word)]
    pairs += [f" {first} {second} " for first, second in pairwise(spaced)]
    return tuple(dict.fromkeys(pairs))


def phrase_shares(asked: Sequence[str], texts: Sequence[Text]) -> Floats:
    """The share of the question's pairs that each text holds, by rarity among these texts: [n].

    Args:
        asked: `phrases` of the question.
        texts: n of them.
    """
    if not asked or not texts:
        return np.zeros(len(texts))
    held, rare = _held([(pair,) for pair in asked], texts)
    return np.asarray(rare @ held / rare.sum(), np.float64)


def bridged(terms: Sequence[Sequence[str]], texts: Sequence[Text]) -> Floats:
    """The rarity among these texts of the terms that each holds in translation: [n].

    What no text holds counts nothing: the dictionary may not have the right word.

    Args:
        terms: the translations of each term of the question, `Dictionary.bridges`.
        texts: n of them.
    """
    if not terms or not texts:
        return np.zeros(len(texts))
    held, rare = _held(terms, texts)
    return np.asarray(rare @ held, np.float64)


def _held(
    terms: Sequence[Sequence[str]], texts: Sequence[Text]
) -> tuple[NDArray[np.bool_], Floats]:
    """Which texts hold any form of each term [terms, texts], and the terms' rarity [terms]."""
    held = np.zeros((len(terms), len(texts)), np.bool_)
    holders = _holders([form for forms in terms for form in forms if form[0] == " "], texts)
    glued = [text.glued for text in texts]
    for own, forms in zip(held, terms, strict=True):
        for form in forms:
            rows = holders[form] if form[0] == " " else _holding(form, glued)
            if rows:
                own[rows] = True
    seen = held.sum(axis=1)
    return held, np.log1p((len(texts) - seen + 0.5) / (seen + 0.5))


def _holders(forms: Iterable[str], texts: Sequence[Text]) -> dict[str, list[int]]:
    """By form of words between spaces, the rows of the texts that hold it. Only texts that hold its
    first word are looked through."""
    words = {form: form.split() for form in forms}
    firsts = frozenset(first for first, *_ in words.values())
    holding: dict[str, list[int]] = {first: [] for first in firsts}
    for row, text in enumerate(texts) if firsts else ():
        for first in firsts & text.distinct:
            holding[first].append(row)
    return {
        form: [row for row in holding[first] if form in texts[row].spaced]
        if others
        else holding[first]
        for form, (first, *others) in words.items()
    }


def _holding(form: str, glued: Sequence[str]) -> list[int]:
    """The rows of the texts that hold a form without spaces. Most lack its first or last character,
    which is found out five times sooner."""
    first, last = form[0], form[-1]
    return [
        row for row, text in enumerate(glued) if first in text and last in text and form in text
    ]


def below_best(inputs: Floats, starts: NDArray[np.int64]) -> Floats:
    """Inputs [n, i], and beside each how far it is below the highest of its question's: [n, 2 i].

    Args:
        inputs: the candidates of one or more questions, one question after the other.
        starts: each question's first row.
    """
    sizes = np.diff(np.append(starts, len(inputs)))
    highest = np.maximum.reduceat(inputs, starts)
    return np.hstack([inputs, inputs - np.repeat(highest, sizes, axis=0)])


@dataclass(frozen=True, slots=True)
class Network:
    """A perceptron with one hidden layer of h units and a linear model beside it: from what
    `below_best` makes of the `INPUTS` [n, i] to the logit of being the passage that answers. What a
    sign is worth depends on the others: words that another language cannot hold, the size of a
    language, whether any candidate has the word that others lack."""

    linear: Floats
    inner: Floats
    bias: Floats
    outer: Floats

    def score(self, inputs: Floats | Vector) -> Floats:
        """The score of each row of [n, 2 i]."""
        inside = np.tanh(inputs @ self.inner + self.bias)
        return np.asarray(inputs @ self.linear + inside @ self.outer, np.float64)


@dataclass(frozen=True, slots=True)
class Fusion:
    """How much a candidate looks like the passage that answers.

    Args:
        weights: of a linear model over `FEATURES`, a logit.
        network: what looks at the candidates together once all `INPUTS` are known.
    """

    weights: Mapping[str, float]
    network: Network | None = None

    def first(self, features: Mapping[str, Floats]) -> Floats:
        """The score of each candidate by the linear model alone, [n]; a feature that is not given
        counts nothing."""
        columns = (self.weights.get(name, 0.0) * column for name, column in features.items())
        return np.asarray(sum(columns), np.float64)

    def score(self, features: Mapping[str, Floats]) -> Floats:
        """The score of each candidate, [n]: by the network, which has learned what is to be made of
        all inputs together, or where one is missing by the linear model."""
        if self.network is None or not all(name in features for name in INPUTS):
            return self.first(features)
        inputs = np.column_stack([features[name] for name in INPUTS])
        if not len(inputs):
            return np.zeros(0)
        return self.network.score(below_best(inputs, np.zeros(1, np.int64)))


@cache
def weighing() -> Fusion:
    """What came with the program (`eval/train_fusion.py` makes it)."""
    kept = json.loads(Path(__file__).with_name("fusion_model.json").read_text("utf-8"))
    parts = {name: np.asarray(values, np.float64) for name, values in kept["network"].items()}
    return Fusion(kept["weights"], Network(**parts))


NEAR = 0.85
"""Share of common words from which two passages are told apart by nothing but wording."""


def near_copies(texts: Iterable[Text]) -> Iterator[bool]:
    """Which of these texts nearly repeat one that stands before them, or what several of them say.

    Two texts are near copies when the Jaccard index of their words is `NEAR` or more, and a text is
    told already where nearly all its pairs of neighbouring words stand in earlier ones: a page that
    says the same twice is cut in other places each time. No number may differ: another number is
    another fact.
    """
    kept: list[Text] = []
    words: set[str] = set()  # of those that are kept
    pairs: set[tuple[str, str]] = set()
    for text in texts:
        new = len(text.distinct - words)
        own = set(pairwise(text.words))
        near = _like_one(text, kept, new) or (
            new <= 2 * (1 - TOLD) * len(text.words)  # a pair has room for two new words
            and bool(own)
            and len(own & pairs) >= TOLD * len(own)
            and all(word in words for word in text.distinct if word[0].isdigit())
        )
        yield near
        if not near:
            kept.append(text)
            words |= text.distinct
            pairs |= own


TOLD = 0.9
"""Share of a text's pairs of words that make it a repetition of what holds them."""


def _like_one(text: Text, kept: Sequence[Text], new: int) -> bool:
    """Whether a text, `new` words of which stand in none of those that are kept, is near to one."""
    if len(text.distinct) - new < NEAR * len(text.distinct):  # as most are: they share too few
        return False
    return any(_near(text.distinct, other.distinct) for other in kept)


def _near(own: frozenset[str], other: frozenset[str]) -> bool:
    if not own or not NEAR <= len(own) / max(len(other), 1) <= 1 / NEAR:
        return False  # sets of so different sizes cannot be near
    common = len(own & other)
    if common < NEAR * (len(own) + len(other) - common):
        return False
    return not any(word[0].isdigit() for word in own ^ other)
