"""What a claim and its evidence have in common and where they part, as a few named figures.

The claim is aligned with the passage's best few sentences rather than with the bag of all its
words, because an invented sentence is mostly made of words that stand somewhere on the page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property, lru_cache
from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray

from rag.contrast import contrasts, denials, negations, sides, takebacks, turns
from rag.fold import content_words, copy_key, fold, words
from rag.items import misplaced
from rag.names import han_names, latin_names, quotations
from rag.narrator import NARRATOR
from rag.quantities import Quantity, quantities, stated
from rag.roles import clauses, other_doer, turned_round
from rag.scope import beyond, limits, one_more, outdone, outdone_across, part_of, superlative

__all__ = ["Comparison", "Reading", "compare", "read", "steps"]

Vector = NDArray[np.float32]
WordVectors = Callable[[Sequence[str]], Vector]

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN = re.compile(rf"[{_HAN}]|\d+(?:[.,]\d+)*|[^\W_{_HAN}]+(?:[-.'’_&]?[^\W_{_HAN}]+)*")
_HAN_CHAR = re.compile(f"[{_HAN}]")
_FUNCTION = frozenset(
    "的了和是在有我你他她它们这那个与及或而但因所以如则就都也又还再才只很最更太把被让使给对于从到向为由用按"
    "一上下中里内外后前时会能可要之其此该各每某等着过地得么什吗呢吧啊呀将并且已曾于"
)
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]+")
_PAUSE = re.compile("[,，;；:：.。!！?？、—]")
_TELLER = "=I"  # whoever tells: I, the author
_WINDOW = 3
_MOSTLY = 0.95  # of a claim's words are the evidence's, where only their order is to be told
_MOST_EXCHANGED = 4  # tokens: a name or a value
_LISTED = re.compile(r"[、,，/]|\b(?:and|or)\b|[和与或及跟同]")
_PASSIVE = re.compile(r"\bby\b|[被由受让给]")
_NEITHER = re.compile(r"\b(?:neither(?! of)|nor)\b")
_NO = re.compile(r"(?:no|none|nothing|nobody)\b")
_MUTUAL = frozenset(("meet", "met", "marri", "talk", "discuss", "versus", "resembl", "equal"))
_UP_TO = re.compile(r"\b(?:before|prior to|until|till)(?: the)? $")
_FROM = re.compile(r"\b(?:after|since|from)(?: the)? $")
_GOES_ON = re.compile(r" (?!of\b)[a-z]")
_TILL = re.compile(r"\s*(?:to|until|till|through|[-–—])\s*\d")
_LIKE = 0.5  # cosine: Microsoft and Apple have .38, engineers and developers .53
_SHORTEST, _MOST_PARTS = 4, 8
"""Characters of a part of a sentence that says something, and how many are looked at."""
_MOST_MINE, _MOST_THEIRS = 12, 40
"""Words compared by meaning. Each costs half a millisecond the first time it is seen."""


@dataclass(frozen=True, slots=True)
class Token:
    """A Han character or a stemmed Latin word, with its weight in coverage."""

    word: str
    weight: float
    start: int
    end: int

    @property
    def han(self) -> bool:
        return bool(_HAN_CHAR.match(self.word))

    @property
    def latin(self) -> bool:
        """A word of an alphabet: neither a Han character nor a value."""
        return self.word[0] != "=" and not self.han


@dataclass(frozen=True)
class Reading:
    """A text taken apart once: folded, cut into tokens, its values, names and turning words.

    `placed`: where each value stands in `folded`.
    """

    text: str
    folded: str
    tokens: tuple[Token, ...]
    values: tuple[Quantity, ...]
    names: tuple[str, ...]
    placed: tuple[tuple[int, int], ...] = ()

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        return frozenset(token.word for token in self.tokens)

    @cached_property
    def pairs(self) -> frozenset[tuple[str, str]]:
        listed = [token.word for token in self.tokens]
        return frozenset(pairwise(listed))

    @cached_property
    def weight(self) -> float:
        return sum(token.weight for token in self.tokens)

    @cached_property
    def han(self) -> bool:
        """Whether the text is written in Han characters more than in an alphabet."""
        count = sum(token.han for token in self.tokens)
        return count > 0 and count / 2 >= sum(token.latin for token in self.tokens)

    @cached_property
    def content(self) -> tuple[str, ...]:
        """Its words that say something, as they stand: no small words, no word inside another."""
        latin = [self.folded[t.start : t.end] for t in self.tokens if t.latin and t.weight >= 0.5]
        runs = self._runs()
        han = [word for run in runs for word in _whole_words(run)]
        return tuple(dict.fromkeys([*latin, *han]))

    def _runs(self) -> list[str]:
        """The stretches of Han characters between values and other scripts."""
        runs: list[str] = []
        end = -1
        for token in self.tokens:
            if token.han:
                if token.start == end:
                    runs[-1] += token.word
                else:
                    runs.append(token.word)
                end = token.end
        return runs

    @cached_property
    def denies(self) -> bool:
        """Whether something in it is denied."""
        return next(negations(self.folded), None) is not None

    @cached_property
    def denials(self) -> tuple[tuple[int, int], ...]:
        """Where what follows is denied, in the folded text."""
        return tuple(denials(self.folded))

    @cached_property
    def takebacks(self) -> tuple[tuple[int, int], ...]:
        """Where what stands before is denied."""
        return tuple(takebacks(self.folded))

    @cached_property
    def turned(self) -> tuple[tuple[int, int], ...]:
        """Places (pair, side) of `contrast.sides` that the text has words for."""
        found: list[tuple[int, int]] = []
        for word in self._opposites():
            found.extend(sides()[word])
        return tuple(found)

    def _opposites(self) -> list[str]:
        table = sides()
        surface = {self.folded[t.start : t.end] for t in self.tokens if t.latin}
        inflected = surface | {base for word in surface for base in _bases(word)}
        found = [word for word in inflected if word in table]
        if any(token.han for token in self.tokens):
            found += [word for word in table if word in self.folded and _HAN_CHAR.match(word)]
        return found


@dataclass(frozen=True, slots=True)
class Comparison:
    """`figures` by name for the model; the rest is what a reason is written from.

    `absent`: values of the claim that the evidence does not state. `strange`: its names that the
    evidence does not hold. `flips`: (claim's word, evidence's word) of opposite sense. `negated`:
    +1 the claim denies what the evidence states, -1 the reverse. `replaced`: (evidence's words,
    claim's words) between two stretches that agree. `uncovered`: the longest stretch of the claim
    that is not in the evidence. `far`: values that stand elsewhere in the evidence only. `best`:
    index of the evidence sentence that is nearest. `exchanged`: two of the claim's words or values
    that have each other's place. `misplaced`: a value, and what the evidence says it of instead.
    `doer`: who does it in the claim, and who in the evidence. `outdone`: what in
    the claim goes further than what in the evidence.
    """

    figures: dict[str, float]
    across: bool
    best: int
    window: tuple[int, int]
    absent: tuple[Quantity, ...] = ()
    strange: tuple[str, ...] = ()
    flips: tuple[tuple[str, str], ...] = ()
    negated: int = 0
    replaced: tuple[str, str] | None = None
    uncovered: str = ""
    given: tuple[Quantity, ...] = field(default=(), repr=False)
    far: tuple[Quantity, ...] = ()
    exchanged: tuple[str, str] | None = None
    misplaced: tuple[str, str] | None = None
    doer: tuple[str, str] | None = None
    outdone: tuple[str, str] | None = None


@lru_cache(maxsize=4096)
def read(text: str) -> Reading:
    """The text taken apart; kept for the next claim against the same evidence."""
    values = tuple(quantities(text))
    folded, tokens, at = "", list[Token](), 0
    placed: list[tuple[int, int]] = []
    for value in (*values, None):
        end = value.start if value else len(text)
        between = fold(text[at:end])
        tokens += _tokens(between, len(folded))
        folded += between
        if value is None:
            break
        surface = fold(text[value.start : value.end])
        tokens += _value_tokens(value, surface, len(folded))
        placed.append((len(folded), len(folded) + len(surface)))
        folded, at = folded + surface, value.end
    names = latin_names(text, [(value.start, value.end) for value in values])
    return Reading(text, folded, tuple(tokens), values, tuple(names), tuple(placed))


def _tokens(folded: str, offset: int) -> list[Token]:
    out, at = list[Token](), 0
    for told in (*NARRATOR.finditer(folded), None):
        for match in _TOKEN.finditer(folded, at, told.start() if told else len(folded)):
            word, weight = _weigh(match.group())
            out.append(Token(word, weight, match.start() + offset, match.end() + offset))
        if told:
            out.append(Token(_TELLER, 0.1, told.start() + offset, told.end() + offset))
            at = told.end()
    return out


def _value_tokens(value: Quantity, surface: str, offset: int) -> list[Token]:
    """A value as one word, the same however it is written; a date as its year, month and day."""
    if value.weak:
        return _tokens(surface, offset)
    keys = [f"={value.value}"]
    if value.kind == "date":
        keys = [f"={part}{name}" for part, name in zip(value.date, "-md", strict=True) if part]
        if value.date[0] and len(keys) == 1:
            keys = [f"={value.date[0]}"]
        keys = [key.rstrip("-") for key in keys]
    elif value.kind != "number":
        keys = [f"={value.value} {value.kind}"]
    end = offset + len(surface)
    return [Token(key, 1.5 if len(keys) == 1 else 1.0, offset, end) for key in keys]


@lru_cache(maxsize=1 << 16)
def _weigh(token: str) -> tuple[str, float]:
    """Word and weight. A Han character is half a word; small words hardly count."""
    if _HAN_CHAR.match(token):
        return token, 0.05 if token in _FUNCTION else 0.5
    if token[0].isdigit():
        return token.replace(",", ""), 1.5
    stems = words(token)
    if not stems:
        return token, 0.1
    return stems[0], (1.0 if len(token) > 3 else 0.7) if content_words(token) else 0.1


@lru_cache(maxsize=1 << 14)
def _whole_words(run: str) -> tuple[str, ...]:
    listed = [word for word in content_words(run) if len(word) > 1]
    return tuple(w for w in listed if not any(w != other and w in other for other in listed))


def _bases(word: str) -> list[str]:
    """Likely base forms of an English word, for looking it up in the list of opposites."""
    out = []
    for ending, instead in (
        ("ies", "y"), ("es", ""), ("s", ""), ("ied", "y"), ("ed", ""), ("ed", "e"), ("d", ""),
        ("ing", ""), ("ing", "e"), ("er", ""), ("ers", ""), ("ation", "e"), ("ion", ""),
        ("ment", ""),
    ):  # fmt: skip
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            base = word[: -len(ending)] + instead
            out.append(base)
            if len(base) > 3 and base[-1] == base[-2]:
                out.append(base[:-1])
    return out


def compare(
    claim: Reading,
    sentences: Sequence[Reading],
    cosines: Vector,
    pooled: Vector,
    word_vectors: WordVectors,
) -> Comparison:
    """The claim against sentences of one kind (all of its language, or all of the other).

    Parameters: `cosines[n]` of the claim with each sentence, `pooled[n]` with each sentence and its
    next neighbour together. `sentences` is not empty and in reading order. `word_vectors` maps
    words to vectors: a word of the claim that the evidence lacks may stand there as a synonym.
    """
    across = claim.han != _mostly_han(sentences)
    given = tuple(value for sentence in sentences for value in sentence.values)
    if across:
        return _across(claim, sentences, cosines, pooled, given, word_vectors)
    return _alike(claim, sentences, cosines, pooled, given, word_vectors)


def steps(figures: Mapping[str, float]) -> dict[str, float]:
    """Where a figure says more by being there than by its size: one foreign word is enough.

    0.45 is a Han character or a word, 1.4 a name of two words or a clause; cosines of words under
    .65 are seldom synonyms, under .45 hardly ever.
    """
    out = {}
    for name in ("gap one", "gap near", "gap all", "swap"):
        out[name + " any"] = float(figures[name] >= 0.45)
        out[name + " much"] = float(figures[name] >= 1.4)
    out["foreign any"] = float(figures["foreign most"] >= 0.35)
    out["foreign much"] = float(figures["foreign most"] >= 0.55)
    out["exchange much"] = float(figures["exchange"] >= 0.4)
    out["exchange kept"] = figures["exchange"] * figures["kept"]
    for name in ("coverage", "coverage near", "coverage one", "pairs near", "kept"):
        out[name + " cubed"] = figures[name] ** 3  # half of the words are not half of the sense
    return out


def _mostly_han(sentences: Sequence[Reading]) -> bool:
    return sum(s.han for s in sentences) * 2 > len(sentences)


def _across(
    claim: Reading,
    sentences: Sequence[Reading],
    cosines: Vector,
    pooled: Vector,
    given: tuple[Quantity, ...],
    word_vectors: WordVectors,
) -> Comparison:
    best = int(np.argmax(cosines))
    window = (best, best + 1)
    near = tuple(v for s in sentences[max(best - 1, 0) : best + 2] for v in s.values)
    checked = [value for value in claim.values if not value.weak]
    absent = tuple(value for value in checked if not stated(value, given))
    far = [value for value in checked if value not in absent and not stated(value, near)]
    # Values of the nearest sentence that the claim leaves out: a changed number leaves one behind.
    left = [v for v in sentences[best].values if not v.weak and not stated(v, claim.values)]
    vocabulary = _vocabulary(sentences)
    latin = [n for n in claim.names if claim.han]
    strange = tuple(n.lstrip("^") for n in latin if not _holds(n, vocabulary, sentences))
    flips = _flips(claim, sentences[best], turns())
    near_sentences = sentences[max(best - 1, 0) : best + 2]
    likest = _likest(list(claim.content), near_sentences, word_vectors)
    denies = claim.denies and not sentences[best].denies
    strange += _instead(claim, sentences, sentences[best], word_vectors)
    figures = {
        "denies": float(denies),
        "meaning": float(np.mean(likest)) if len(likest) else 1.0,
        "meaning least": float(np.mean(np.sort(likest)[:2])) if len(likest) else 1.0,
        "cosine": float(cosines[best]),
        "pooled": float(pooled.max()),
        "values absent": _capped(sum(_certainty(v) for v in absent), 2),
        "value share": (len(checked) - len(absent)) / len(checked) if checked else 0.5,
        "values far": _capped(len(far), 2),
        "values left": _capped(len(left), 2) if absent else 0.0,
        "names strange": _capped(len(strange), 2),
        "flips": _capped(len(flips), 1),
    }
    return Comparison(
        figures, True, best, window, absent, strange, flips, int(denies), given=given,
        outdone=outdone_across(claim, near_sentences) or superlative(claim, near_sentences)
        or beyond(claim, _nearest_part(claim, sentences[best], word_vectors), sentences[best]),
    )  # fmt: skip


def _nearest_part(claim: Reading, sentence: Reading, word_vectors: WordVectors) -> Reading:
    """The part of a sentence that is nearest to the claim in meaning: a word that denies or doubts
    in another one says nothing of it."""
    if not limits(sentence):
        return sentence
    parts = [part for part in part_of(sentence) if len(part) >= _SHORTEST][:_MOST_PARTS]
    if len(parts) < 2:
        return sentence
    rows = word_vectors([claim.text, *parts])
    return read(parts[int(np.argmax(rows[1:] @ rows[0]))])


def _instead(
    claim: Reading, sentences: Sequence[Reading], one: Reading, word_vectors: WordVectors
) -> tuple[str, ...]:
    """Names of the claim, where capitals show them, put in place of others.

    Names of an alphabet may be transcribed in Han characters, which word vectors often do not know
    (cosine of Google and 谷歌 .71, of Tencent and 腾讯 .37). But where the sentence itself writes a
    name in an alphabet and the claim leaves it out, the claim's own is no transcription of it.
    """
    if claim.han:
        return ()
    left = [n for n in one.names if n[0].isupper() and not _holds(n, claim.vocabulary, [claim])]
    names = [n for n in claim.names if not n.startswith("^")]
    missing = [n for n in names if not _holds(n, _vocabulary(sentences), sentences)][:_MOST_MINE]
    if not left or not missing:
        return ()
    likest = _likest([fold(n) for n in missing], [one], word_vectors)
    return tuple(name for name, cosine in zip(missing, likest, strict=True) if cosine < _LIKE)


def _vocabulary(sentences: Sequence[Reading]) -> frozenset[str]:
    return frozenset[str]().union(*(s.vocabulary for s in sentences))


def _alike(
    claim: Reading,
    sentences: Sequence[Reading],
    cosines: Vector,
    pooled: Vector,
    given: tuple[Quantity, ...],
    word_vectors: WordVectors,
) -> Comparison:
    vocabulary = _vocabulary(sentences)
    pairs = frozenset[tuple[str, str]]().union(*(s.pairs for s in sentences))
    shares = [
        _share(claim, s.vocabulary, s.pairs) + 0.3 * float(c)
        for s, c in zip(sentences, cosines, strict=True)
    ]
    best = int(np.argmax(shares))
    start, end = _window(claim, sentences, best)
    near = sentences[start:end]
    near_vocabulary = _vocabulary(near)
    near_pairs = frozenset[tuple[str, str]]().union(*(s.pairs for s in near))
    near_values = [value for s in near for value in s.values]

    checked = [value for value in claim.values if not value.weak]
    absent = tuple(value for value in checked if not stated(value, given))
    far = [value for value in checked if value not in absent and not stated(value, near_values)]
    certain, doubtful = _strangers(claim, sentences, vocabulary, pairs)
    # A word that only begins the sentence is a name when nothing in the evidence is like it.
    likest_first = _likest([name.lower() for name in doubtful], sentences, word_vectors)
    invented = [n for n, c in zip(doubtful, likest_first, strict=False) if c < _LIKE]
    far_names = [n for n in claim.names if not _holds(n, near_vocabulary, near)]
    one = sentences[best]
    gap_one, _ = _gap(claim, one.vocabulary, one.pairs)
    gap_near, _ = _gap(claim, near_vocabulary, near_pairs)
    gap_all, uncovered = _gap(claim, vocabulary, pairs)
    flips = _flips(claim, one) or _flips(claim, _joined(near))
    exchanged = _exchanged(claim, near) or _exchanged_inside(claim, near)
    exchanged = exchanged or turned_round(claim, near)
    negated, timed = _negated(claim, near), _mistimed(claim, near)
    if timed and claim.denies != _joined(near).denies:
        negated, timed = 0, ()  # "not … since 1957" is "… until 1957"
    swap, added, replaced, kept = _aligned(claim, near)
    foreign = _uncovered_words(claim, near_vocabulary, near_pairs)
    likest = _likest(foreign, near, word_vectors)
    strangeness = _capped(float(np.sum(1 - likest)), 3)
    exchange = 0.0
    if replaced and swap >= 0.4:
        mine, theirs = word_vectors([replaced[1], replaced[0]])
        exchange = 1 - float(mine @ theirs)
    figures = {
        "foreign": strangeness,
        "foreign most": float(1 - likest.min()) if len(likest) else 0.0,
        "exchange": exchange,
        "coverage": _share(claim, vocabulary, pairs),
        "coverage near": _share(claim, near_vocabulary, near_pairs),
        "coverage one": _share(claim, one.vocabulary, one.pairs),
        "pairs near": _pair_share(claim, near_pairs),
        "gap one": _capped(gap_one, 4),
        "gap near": _capped(gap_near, 4),
        "gap all": _capped(gap_all, 4),
        "swap": _capped(swap, 3),
        "added": _capped(added, 3),
        "kept": kept,
        "values absent": _capped(sum(_certainty(v) for v in absent), 2),
        "values far": _capped(len(far), 2),
        "names strange": _capped(len(certain) + 0.5 * len(doubtful), 2),
        "names far": _capped(len(far_names) - len(certain), 2),
        "flips": _capped(len(flips), 1),
        "negated": float(negated != 0),
        "order": _disorder(claim, near),
        "cosine": float(cosines.max()),
        "cosine near": float(cosines[start:end].max()),
        "pooled": float(pooled.max()),
    }
    figures |= steps(figures)
    return Comparison(
        figures, False, best, (start, end), absent, (*certain, *invented),
        (*flips, *timed), negated, replaced, uncovered, given, tuple(far),
        exchanged, misplaced(claim, sentences),
        other_doer(claim, near),
        outdone(claim, near) or superlative(claim, sentences) or one_more(claim, sentences),
    )  # fmt: skip


def _likest(mine: Sequence[str], near: Sequence[Reading], word_vectors: WordVectors) -> Vector:
    """For each word the cosine with the likest word of the sentences."""
    theirs = list(dict.fromkeys(word for s in near for word in s.content))[:_MOST_THEIRS]
    mine = mine[:_MOST_MINE]
    if not mine or not theirs:
        return np.zeros(len(mine), np.float32)
    rows = word_vectors([*mine, *theirs])
    return np.asarray((rows[: len(mine)] @ rows[len(mine) :].T).max(axis=1), np.float32)


def _uncovered_words(
    claim: Reading, vocabulary: frozenset[str], pairs: frozenset[tuple[str, str]]
) -> list[str]:
    """The content words of the claim that are not there."""
    covered = _covered(claim, vocabulary, pairs)
    missing = [t for t, ok in zip(claim.tokens, covered, strict=True) if not ok]
    latin = {claim.folded[t.start : t.end] for t in missing if t.latin}
    runs = [claim.folded[a:b] for a, b in _gaps(claim, covered)]
    found = [word for word in claim.content if word in latin or any(word in run for run in runs)]
    found += [run for run in runs if len(run) == 1 and run not in _FUNCTION]
    return found


def _capped(value: float, most: float) -> float:
    return float(min(max(value, 0.0), most))


def _certainty(value: Quantity) -> float:
    return 0.5 if value.unit == "ordinal" or value.rounded else 1.0


def _covered(
    claim: Reading, vocabulary: frozenset[str], pairs: frozenset[tuple[str, str]]
) -> list[bool]:
    """Per token: a Latin word is there; a Han character is there beside the same neighbour."""
    tokens = claim.tokens
    out = []
    for i, token in enumerate(tokens):
        if token.word not in vocabulary:
            out.append(False)
        elif not token.han:
            out.append(True)
        else:
            left = i > 0 and (tokens[i - 1].word, token.word) in pairs
            right = i + 1 < len(tokens) and (token.word, tokens[i + 1].word) in pairs
            alone = not (i > 0 and tokens[i - 1].han) and not (
                i + 1 < len(tokens) and tokens[i + 1].han
            )
            out.append(left or right or alone)
    return out


def _share(claim: Reading, vocabulary: frozenset[str], pairs: frozenset[tuple[str, str]]) -> float:
    if not claim.weight:
        return 1.0
    covered = _covered(claim, vocabulary, pairs)
    return sum(t.weight for t, ok in zip(claim.tokens, covered, strict=True) if ok) / claim.weight


def _pair_share(claim: Reading, pairs: frozenset[tuple[str, str]]) -> float:
    listed = list(zip(claim.tokens, claim.tokens[1:], strict=False))
    total = sum(a.weight + b.weight for a, b in listed)
    if not total:
        return 1.0
    return sum(a.weight + b.weight for a, b in listed if (a.word, b.word) in pairs) / total


def _gap(
    claim: Reading, vocabulary: frozenset[str], pairs: frozenset[tuple[str, str]]
) -> tuple[float, str]:
    """Weight and words of the heaviest stretch of the claim that is not there."""
    covered = _covered(claim, vocabulary, pairs)
    most, run, words_of, first = 0.0, 0.0, "", 0
    for i, (token, ok) in enumerate(zip(claim.tokens, covered, strict=True)):
        if ok and token.weight > 0.1:
            run = 0.0
            continue
        if run == 0.0:
            if ok:
                continue
            first = i
        run += 0.0 if ok else token.weight
        if run > most:
            most, words_of = run, claim.folded[claim.tokens[first].start : token.end]
    return most, words_of


def _window(claim: Reading, sentences: Sequence[Reading], best: int) -> tuple[int, int]:
    """The best sentence with up to two neighbours that cover more of the claim."""
    start, end = best, best + 1
    have = sentences[best].vocabulary
    have_pairs = sentences[best].pairs
    share = _share(claim, have, have_pairs)
    while end - start < _WINDOW:
        grown = []
        for index in (start - 1, end):
            if 0 <= index < len(sentences):
                s = sentences[index]
                grown.append((_share(claim, have | s.vocabulary, have_pairs | s.pairs), index))
        if not grown:
            break
        more, index = max(grown)
        if more < share + 0.03:
            break
        share = more
        have, have_pairs = have | sentences[index].vocabulary, have_pairs | sentences[index].pairs
        start, end = min(start, index), max(end, index + 1)
    return start, end


def _holds(name: str, vocabulary: frozenset[str], sentences: Sequence[Reading]) -> bool:
    """Whether the evidence holds it: as it is, inside a word, near in spelling, or spelt out."""
    name = name.lstrip("^")
    folded = fold(name)
    stems = words(name)
    if all(stem in vocabulary for stem in stems[:1]):
        return True
    if len(folded) >= 3 and any(folded in s.folded for s in sentences):
        return True
    if len(folded) >= 5:
        head = folded[: max(5, len(folded) - 3)]
        if any(word.startswith(head) for word in vocabulary if not _HAN_CHAR.match(word)):
            return True  # Germany, German
    if len(folded) >= 6 and any(
        abs(len(word) - len(folded)) <= 2 and SequenceMatcher(None, word, folded).ratio() >= 0.86
        for word in vocabulary
        if word[:1] == folded[:1]
    ):
        return True
    if name.isupper() and 2 <= len(name) <= 6:
        return any(folded in _initials(s.text) for s in sentences)
    return False


@lru_cache(maxsize=4096)
def _initials(text: str) -> str:
    return "".join(m.group()[0] for m in _LATIN.finditer(text) if m.group()[0].isupper()).lower()


def _strangers(
    claim: Reading,
    sentences: Sequence[Reading],
    vocabulary: frozenset[str],
    pairs: frozenset[tuple[str, str]],
) -> tuple[list[str], list[str]]:
    """Names that the evidence does not hold: certain ones, and words that only begin the claim."""
    missing = [name for name in claim.names if not _holds(name, vocabulary, sentences)]
    certain = [name for name in missing if not name.startswith("^")]
    if claim.han:
        gaps = _gaps(claim, _covered(claim, vocabulary, pairs))
        found = han_names(claim.folded, gaps, claim.content)
        certain += [name for name in found if not _shortened(name, sentences)]
    for quoted in quotations(claim.text):
        key = copy_key(quoted)
        if not any(key in copy_key(s.text) for s in sentences) and not _within(key, sentences):
            certain.append(quoted)
    return certain, [name.lstrip("^") for name in missing if name.startswith("^")]


def _within(key: str, sentences: Sequence[Reading]) -> bool:
    return len(sentences) > 1 and key in copy_key(" ".join(s.text for s in sentences))


def _gaps(claim: Reading, covered: Sequence[bool]) -> list[tuple[int, int]]:
    """The stretches of neighbouring Han characters that are not covered, in the folded text."""
    gaps: list[tuple[int, int]] = []
    for token, ok in zip(claim.tokens, covered, strict=True):
        if ok or not token.han:
            continue
        if gaps and gaps[-1][1] == token.start:
            gaps[-1] = (gaps[-1][0], token.end)
        else:
            gaps.append((token.start, token.end))
    return gaps


def _shortened(name: str, sentences: Sequence[Reading]) -> bool:
    """Whether the name is a short form: its characters stand close together and in order (北大)."""
    if not 2 <= len(name) <= 4:
        return False
    pattern = re.compile(".{0,5}?".join(map(re.escape, name)))
    return any(pattern.search(s.folded) for s in sentences)


@lru_cache(maxsize=512)
def _merged(texts: tuple[str, ...]) -> Reading:
    return read("\n".join(texts))


def _joined(sentences: Sequence[Reading]) -> Reading:
    return sentences[0] if len(sentences) == 1 else _merged(tuple(s.text for s in sentences))


def _flips(claim: Reading, other: Reading, first: int | None = None) -> tuple[tuple[str, str], ...]:
    """Opposites of which the claim has one side only and the evidence the other only.

    With `first`, only so many of the first pairs count.
    """
    mine, theirs = set(claim.turned), set(other.turned)
    out = []
    for pair, side in sorted(mine):
        against = (pair, 1 - side)
        if first is not None and pair >= first:
            continue
        if against in theirs and against not in mine and (pair, side) not in theirs:
            word, opposite = _word_of(claim, pair, side), _word_of(other, pair, 1 - side)
            if _denies_word(claim, word) == _denies_word(
                other, opposite
            ):  # "not banned" is allowed
                out.append((word, opposite))
    return tuple(out)


def _denies_word(reading: Reading, word: str) -> bool:
    """Whether a denial stands right before a word."""
    at = reading.folded.find(word)
    reach = 2 if _HAN_CHAR.match(word) else 12
    return any(0 <= at - end <= reach for _, end in reading.denials)


def _word_of(reading: Reading, pair: int, side: int) -> str:
    listed = contrasts()[pair][side]
    held = [word for word in reading._opposites() if word in listed]
    for token in reading.tokens:
        surface = reading.folded[token.start : token.end]
        if surface in listed or any(base in listed for base in _bases(surface)):
            return surface
    return max(held, key=len, default="")


def _negated(claim: Reading, near: Sequence[Reading]) -> int:
    """Whether a stretch that both have is denied by one of them alone: +1 by the claim, −1 by the
    evidence."""
    other = _joined(near)
    for first, second, sign in ((claim, other, 1), (other, claim, -1)):
        for stretch in _denied(first):
            places = _standing(stretch, second)
            if places and not any(_under_denial(place, second, stretch[1]) for place in places):
                free = [p for p in _standing(stretch, first) if not _under_denial(p, first)]
                if not free:  # it is not stated beside
                    return sign
    return -1 if not claim.denies and _neither(other) & claim.vocabulary else 0


def _neither(reading: Reading) -> frozenset[str]:
    """The words right after "neither" and "nor": what the sentence goes on to say is true of none
    of them."""
    places = [found.end() for found in _NEITHER.finditer(reading.folded)]
    firsts = (
        next((t.word for t in reading.tokens if t.start >= end and t.weight >= 0.5), "")
        for end in places
    )
    return frozenset(firsts) - {""}


_Stretch = tuple[str, str]
"""What is denied: two tokens side by side, or one of an alphabet and nothing."""


def _denied(reading: Reading) -> Iterator[_Stretch]:
    """What each denial of a text is about."""
    for _, end in reading.denials:
        after = [t for t in reading.tokens if t.start >= end][:5]
        yield from islice(_stretches(_unbroken(reading, end, after)), 2)
    for start, _ in reading.takebacks:
        before = [t for t in reading.tokens if t.end <= start][-4:]
        yield from _stretches(before)


def _unbroken(reading: Reading, end: int, tokens: Sequence[Token]) -> list[Token]:
    """The tokens up to the first pause."""
    kept: list[Token] = []
    for token in tokens:
        if _PAUSE.search(reading.folded, end, token.start):
            break
        kept.append(token)
        end = token.end
    return kept


def _stretches(tokens: Sequence[Token]) -> Iterator[_Stretch]:
    """The first word of an alphabet that says something, with the next one; else the first two Han
    characters side by side, with small words between them and without."""
    latin = [t for t in tokens if not t.han and t.weight >= 0.5]
    if latin and latin[0] in tokens[:3]:
        yield latin[0].word, latin[1].word if len(latin) > 1 else ""
        return
    heavy = [t for t in tokens if t.weight >= 0.5]
    for listed in (tokens, heavy):
        for one, two in pairwise(listed):
            if one.han and two.han and max(one.weight, two.weight) >= 0.5:
                yield one.word, two.word
                break


def _standing(stretch: _Stretch, reading: Reading) -> list[Token]:
    """Where a text has the stretch: the tokens it begins with."""
    first, second = stretch
    if not second or not _HAN_CHAR.match(first):
        there = not second or second in reading.vocabulary
        return [token for token in reading.tokens if there and token.word == first]
    heavy = [token for token in reading.tokens if token.weight >= 0.5]
    return [
        one
        for listed in (reading.tokens, heavy)
        for one, two in pairwise(listed)
        if (one.word, two.word) == stretch
    ]


def _under_denial(token: Token, reading: Reading, to: str = "") -> bool:
    """Whether a denial reaches so far, or parts the token from the next word `to`: "customers …
    none of them are banks"."""
    reach = 8 if token.han else 30
    after = [start - token.end for start, _ in reading.denials]
    before = any(-2 <= token.start - end <= reach for _, end in reading.denials)
    if before or any(0 <= start - token.end <= reach for start, _ in reading.takebacks):
        return True
    if token.han:
        return False
    if any(
        0 <= gap <= 1 and _NO.match(reading.folded, start)  # "sells no data"
        for gap, (start, _) in zip(after, reading.denials, strict=True)
    ):
        return True
    ends = [t.start for t in reading.tokens if t.word == to and t.start > token.end]
    return bool(ends) and any(0 <= gap < ends[0] - token.end for gap in after)


def _aligned(
    claim: Reading, near: Sequence[Reading]
) -> tuple[float, float, tuple[str, str] | None, float]:
    """What was replaced and what was added between stretches that agree.

    Returns the weight of the heaviest replacement and of the heaviest addition, the replacement's
    words (evidence's, claim's), and the share of the claim inside long agreeing stretches.
    """
    other = _joined(near)
    a = [t.word for t in other.tokens]
    b = [t.word for t in claim.tokens]
    blocks = [
        m for m in SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks() if m.size
    ]
    long = [m for m in blocks if m.size >= 3 or _block_weight(claim, m.b, m.size) >= 1.5]
    kept = sum(_block_weight(claim, m.b, m.size) for m in long) / (claim.weight or 1.0)
    edges = [(0, 0), *((m.a + m.size, m.b + m.size) for m in long)]
    ends = [*((m.a, m.b) for m in long), (len(a), len(b))]
    swap = added = 0.0
    replaced = None
    for index, ((a0, b0), (a1, b1)) in enumerate(zip(edges, ends, strict=True)):
        mine = claim.tokens[b0:b1]
        theirs = other.tokens[a0:a1]
        known = {t.word for t in theirs}
        weight = sum(t.weight for t in mine if t.word not in known)
        if not weight or not long:
            continue
        inside = 0 < index < len(edges) - 1
        if theirs and len(theirs) <= 3 * len(mine) + 6 and (inside or len(theirs) <= len(mine) + 6):
            if weight > swap:
                swap = weight
                replaced = (_words_of(other, theirs), _words_of(claim, mine))
        else:
            added = max(added, weight)
    return swap, added, replaced, kept


def _words_of(reading: Reading, tokens: Sequence[Token]) -> str:
    return reading.folded[tokens[0].start : tokens[-1].end] if tokens else ""


def _block_weight(claim: Reading, at: int, size: int) -> float:
    return sum(t.weight for t in claim.tokens[at : at + size])


def _exchanged(claim: Reading, near: Sequence[Reading]) -> tuple[str, str] | None:
    """Two words or values of the claim that stand in each other's place in the evidence, while what
    is between them stays: "A taught B" beside "B taught A". None where one of the two is in the
    passive, or where a list may be told in any order."""
    other = _joined(near)
    mine = [t for t in claim.tokens if t.weight >= 0.5]
    words_mine, words_theirs = [t.word for t in mine], [t.word for t in other.tokens]
    held = sum(t.weight for t in mine if t.word in other.vocabulary)
    if held < _MOSTLY * sum(t.weight for t in mine):
        return None
    common = [t for t in mine if words_mine.count(t.word) == words_theirs.count(t.word) == 1]
    blocks = _blocks([words_theirs.index(t.word) for t in common])
    moved = [n for n, (rank, _, _) in enumerate(blocks) if rank != n]
    if len(moved) != 2 or moved[1] - moved[0] != 2:
        return None
    one, between, two = (common[a:b] for _, a, b in blocks[moved[0] : moved[1] + 1])
    if max(len(one), len(two)) > _MOST_EXCHANGED:
        return None
    middle = claim.folded[one[-1].end : two[0].start]
    if _LISTED.search(middle) or _passive(claim) != _passive(other):
        return None
    if any(t.word in _MUTUAL for t in between):
        return None
    return _words_of(claim, one), _words_of(claim, two)


def _exchanged_inside(claim: Reading, near: Sequence[Reading]) -> tuple[str, str] | None:
    """The same inside one clause, where the sentence goes on with the words of the claim; None
    where another clause has them in the claim's order."""
    parts = [read(text) for s in near for text in clauses(s)]
    mine = [t for t in claim.tokens if t.weight >= 0.5]
    least = _MOSTLY * sum(t.weight for t in mine)
    whole = [p for p in parts if sum(t.weight for t in mine if t.word in p.vocabulary) >= least]
    found = [_exchanged(claim, [part]) for part in whole]
    return found[0] if found and all(found) else None


def _blocks(order: Sequence[int]) -> list[tuple[int, int, int]]:
    """The runs of places that ascend without leaving one out that is common: (rank among the runs
    in the other text, start, end)."""
    ranked = {place: rank for rank, place in enumerate(sorted(order))}
    ranks = [ranked[place] for place in order]
    edges = [0, *(n for n in range(1, len(ranks)) if ranks[n] != ranks[n - 1] + 1), len(ranks)]
    runs = [(start, end) for start, end in pairwise(edges) if end > start]
    by_place = sorted(runs, key=lambda run: ranks[run[0]])
    return [(by_place.index(run), *run) for run in runs]


def _passive(reading: Reading) -> bool:
    return _PASSIVE.search(reading.folded) is not None


def _mistimed(claim: Reading, near: Sequence[Reading]) -> tuple[tuple[str, str], ...]:
    """Dates that the claim puts things before or after, and the evidence does not."""
    out = []
    for value in claim.values:
        side = _side_of_date(claim.text, value)
        if not side:
            continue
        same = [(s, v) for s in near for v in s.values if stated(value, (v,))]
        if same and not any(_side_of_date(s.text, v) == side for s, v in same):
            there, given = same[0]
            out.append((_around(claim.text, value), _around(there.text, given)))
    return tuple(out)


def _side_of_date(text: str, value: Quantity) -> str:
    if value.kind != "date":
        return ""
    before, after = text[: value.start].lower(), text[value.end :]
    if before.endswith(" the ") and _GOES_ON.match(after):
        return ""  # "after the 1987 harvest" is after no year
    if before.endswith("from ") and _TILL.match(after):
        return ""  # a span, which says when it began
    if _UP_TO.search(before) or after.startswith(("之前", "以前", "前")):
        return "before"
    if _FROM.search(before) or after.startswith(("之后", "之後", "以后", "以後", "后", "後")):
        return "after"
    return ""


def _around(text: str, value: Quantity) -> str:
    """The value with the word before it and the one after it, where it is Chinese."""
    before = text[: value.start].split()[-1:]
    if _HAN_CHAR.search(text[value.end : value.end + 2]):
        return text[value.start : value.end + 2]
    return " ".join([*before, text[value.start : value.end]])


def _disorder(claim: Reading, near: Sequence[Reading]) -> float:
    """Share of the words standing once in both whose order is the reverse (Kendall's distance)."""
    other = _joined(near)
    mine = [t.word for t in claim.tokens if t.weight >= 0.5]
    theirs = [t.word for t in other.tokens]
    common = [w for w in mine if mine.count(w) == 1 and theirs.count(w) == 1][:24]
    if len(common) < 3:
        return 0.0
    at = [theirs.index(word) for word in common]
    total = len(at) * (len(at) - 1) / 2
    return sum(at[i] > at[j] for i in range(len(at)) for j in range(i + 1, len(at))) / total
