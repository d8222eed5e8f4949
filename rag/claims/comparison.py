"""What a claim and its evidence have in common and where they part, as a few named figures.

The claim is aligned with the passage's best few sentences rather than with the bag of all its
words, because an invented sentence is mostly made of words that stand somewhere on the page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rag.claims import denial, order
from rag.claims.additions import one_more
from rag.claims.causes import other_cause
from rag.claims.certainty import hedged_value, surer
from rag.claims.contrast import turns
from rag.claims.each import of_another, value_of_another
from rag.claims.extremes import compared, extreme
from rag.claims.items import misplaced
from rag.claims.kinds import other_of_its_kind, other_way
from rag.claims.names import han_names, quotations, spelt_out
from rag.claims.pauses import part_of
from rag.claims.rather import rather
from rag.claims.renamed import renamed
from rag.claims.roles import in_order, other_doer, turned_round
from rag.claims.romanised import Names, held, misplaced_across, other_named, transcribed_otherwise
from rag.claims.scope import beyond, limits, outdone, outdone_across
from rag.claims.shares import most_of
from rag.claims.statement import FUNCTION_HAN, HAN_CHAR, Reading, joined, read, words_of
from rag.claims.superlatives import superlative
from rag.fold import copy_key, fold, words
from rag.questions import elsewhere
from rag.values.agree import stated
from rag.values.quantities import Quantity

__all__ = ["Comparison", "compare", "steps"]
Vector = NDArray[np.float32]
WordVectors = Callable[[Sequence[str]], Vector]
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]+")
_BEFORE_AFTER = frozenset(("before", "after", "之前", "以前", "之后", "以后", "prior", "later"))
_WINDOW = 3
_LIKE = 0.5  # cosine: Microsoft and Apple have .38, engineers and developers .53
_SHORTEST, _MOST_PARTS = 4, 8
"""Characters of a part of a sentence that says something, and how many are looked at."""
_MOST_TOLD = 40
"""Sentences that are asked who does what; of more only those near the best one."""
_MOST_MINE, _MOST_THEIRS = 12, 40
"""Words compared by meaning. Each costs half a millisecond the first time it is seen."""


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


def compare(
    claim: Reading,
    sentences: Sequence[Reading],
    cosines: Vector,
    pooled: Vector,
    word_vectors: WordVectors,
    names: Names | None = None,
) -> Comparison:
    """The claim against sentences of one kind (all of its language, or all of the other).

    Parameters: `cosines[n]` of the claim with each sentence, `pooled[n]` with each sentence and its
    next neighbour together. `sentences` is not empty and in reading order. `word_vectors` maps
    words to vectors: a word of the claim that the evidence lacks may stand there as a synonym.
    `names` tells Chinese names in letters.
    """
    across = claim.han != _mostly_han(sentences)
    given = tuple(value for sentence in sentences for value in sentence.values)
    if across:
        return _across(claim, sentences, cosines, pooled, given, word_vectors, names)
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
    names: Names | None,
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
    flips = denial.flips(claim, sentences[best], turns())
    near_sentences = sentences[max(best - 1, 0) : best + 2]
    known = held(claim, sentences, names) if names else frozenset[str]()
    likest = _likest(list(claim.content), near_sentences, word_vectors)
    unlike = [c for word, c in zip(claim.content, likest, strict=False) if word not in known]
    denies = claim.denies and not sentences[best].denies
    strange += _instead(claim, sentences, sentences[best], word_vectors)
    missing, doer = other_named(claim, sentences, best, names) if names else ((), None)
    strange += missing or (transcribed_otherwise(claim, sentences, best, names) if names else ())
    if names and not strange:
        strange = renamed(claim, sentences, best, names)
    figures = {
        "denies": float(denies),
        "meaning": float(np.mean(likest)) if len(likest) else 1.0,
        "meaning least": float(np.mean(np.sort(unlike)[:2])) if unlike else 1.0,
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
        figures, True, best, window, absent, strange, flips, int(denies), given=given, doer=doer,
        misplaced=_of_another(claim, sentences, names) if names else None,
        outdone=outdone_across(claim, near_sentences) or hedged_value(claim, sentences)
        or most_of(claim, near_sentences) or superlative(claim, near_sentences)
        or beyond(claim, _nearest_part(claim, sentences[best], word_vectors), sentences[best])
        or other_of_its_kind(claim, near_sentences, sentences)
        or surer(claim, [sentences[best]])
        or other_way(claim, near_sentences) or rather(claim, near_sentences, word_vectors),
    )  # fmt: skip


def _of_another(
    claim: Reading, sentences: Sequence[Reading], names: Names
) -> tuple[str, str] | None:
    """A value that the evidence, in another language, says of somebody or something else."""
    found = misplaced_across(claim, sentences, names)
    if found is None and len(sentences) <= _MOST_TOLD:
        found = value_of_another(claim, sentences, names)
    return found


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

    beaten, among = _extreme(claim, sentences)
    checked = [v for v in claim.values if not v.weak and (v.value != among or v.unit)]
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
    flips = denial.flips(claim, one) or denial.flips(claim, joined(near))
    if in_order(claim, near):
        flips = tuple(flip for flip in flips if not _BEFORE_AFTER.issuperset(flip))
    exchanged = order.exchanged(claim, near) or order.exchanged_inside(claim, near)
    exchanged = exchanged or turned_round(claim, near)
    around, around_it = joined(near).text, sentences[max(start - 1, 0) : end + 1]
    negated = denial.negated(claim, near) or elsewhere.denied(claim.text, around)
    if not negated and (denial.did_not(claim, near) or denial.used_after_all(claim, near)):
        negated = -1
    timed = order.mistimed(claim, near)
    changed = elsewhere.numbers_changed(claim.text, around)
    if timed and claim.denies != joined(near).denies:
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
        "order": order.disorder(claim, near),
        "cosine": float(cosines.max()),
        "cosine near": float(cosines[start:end].max()),
        "pooled": float(pooled.max()),
    }
    figures |= steps(figures)
    return Comparison(
        figures, False, best, (start, end), absent, (*certain, *invented, *changed),
        (*flips, *timed), negated, replaced, uncovered, given, tuple(far),
        exchanged, misplaced(claim, sentences) or order.first_for_another(claim, near),
        other_doer(claim, near, near if len(sentences) > _MOST_TOLD else sentences)
        or (of_another(claim, sentences) if len(sentences) <= _MOST_TOLD else None),
        outdone(claim, near) or beaten or compared(claim, sentences)
        or other_cause(claim, around_it, word_vectors)
        or superlative(claim, sentences) or one_more(claim, sentences)
        or surer(claim, near)
        or other_of_its_kind(claim, near, sentences) or rather(claim, near, word_vectors),
    )  # fmt: skip


def _extreme(
    claim: Reading, sentences: Sequence[Reading]
) -> tuple[tuple[str, str] | None, int | None]:
    """A superlative that the values deny, with what goes beyond; and of how many one is told that
    they bear out ("the fastest of the three")."""
    found = extreme(claim, sentences)
    if found is None:
        return None, None
    return (None, found.among) if found.right else ((found.word, found.beyond), None)


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
    found += [run for run in runs if len(run) == 1 and run not in FUNCTION_HAN]
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
    if any(word and word in s.folded for word in spelt_out(name) for s in sentences):
        return True
    if len(folded) >= 3 and any(folded in s.folded for s in sentences):
        return True
    if len(folded) >= 5:
        head = folded[: max(5, len(folded) - 3)]
        if any(word.startswith(head) for word in vocabulary if not HAN_CHAR.match(word)):
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


def _aligned(
    claim: Reading, near: Sequence[Reading]
) -> tuple[float, float, tuple[str, str] | None, float]:
    """What was replaced and what was added between stretches that agree.

    Returns the weight of the heaviest replacement and of the heaviest addition, the replacement's
    words (evidence's, claim's), and the share of the claim inside long agreeing stretches.
    """
    other = joined(near)
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
                replaced = (words_of(other, theirs), words_of(claim, mine))
        else:
            added = max(added, weight)
    return swap, added, replaced, kept


def _block_weight(claim: Reading, at: int, size: int) -> float:
    return sum(t.weight for t in claim.tokens[at : at + size])
