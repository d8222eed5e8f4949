"""Whose a value is, where a sentence says the same of several in turn: "Bob earned 62, Carol 71".

A claim that gives one of them another's value is made of nothing but the evidence's words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rag.claims.statement import Reading, Token
from rag.values.agree import agree
from rag.values.quantities import Quantity

__all__ = ["Item", "items", "misplaced"]

# What parts two items, the clearest first, and which of several is taken: 0 the first, -1 the last.
_BETWEEN = (
    (re.compile("[;；]"), -1),
    (re.compile(r"\b(?:and|while|whereas|but)\b|[而但]"), -1),
    (re.compile("[,，、/|]"), 0),
    (re.compile(r"\b(?:to|then)\b|[到至]"), -1),
)
_IN_ORDER = re.compile(r"\brespectively\b|\bin turn\b|\beach\b|分别|依次|各自|均|都")
_BOUND = re.compile(
    r"(?:\b(?:than|least|most|over|under|above|below|exceed\w*|nearly|almost)"
    r"|[超不]过|[超不]過|不到|不足|至少|最多|[低高多少大小]于|[低高多少大小]於)\s*\W?\s*\Z",
    re.IGNORECASE,
)

_REACH = 24  # tokens on each side of a value: its label is not far
_MOSTLY = 0.95  # of a claim's words are the sentence's, where only what stands beside what is told
_MANY = 100  # chapters and models have smaller numbers
_MOST_ITEMS = 24  # more is a table, which has its own order


@dataclass(frozen=True, slots=True)
class Item:
    """One of several parallel parts of a sentence: the tokens before and after its value."""

    text: str
    value: Quantity
    place: tuple[int, int]
    before: tuple[Token, ...]
    after: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class _Label:
    """What tells an item from the others. `pair`: with the word beside it, which they share; else
    it is a name or a value."""

    words: frozenset[str]
    pair: tuple[str, str] | None = None

    def stands_in(self, claim: Reading) -> bool:
        return self.pair in claim.pairs if self.pair else bool(self.words & claim.vocabulary)


def misplaced(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
    """A value that the claim gives to another item than every sentence that has it, and the item
    that has it there."""
    if claim.denies:
        return None
    crossed = _crossed(claim, sentences)
    if crossed:
        return crossed
    for value, place in zip(claim.values, claim.placed, strict=True):
        if value.weak or _BOUND.search(claim.text[: value.start]):
            continue
        places = [(s, v) for s in sentences for v in s.values if agree(value, v)]
        if not 1 <= len(places) <= _MOST_ITEMS:
            continue
        owners = [_owner(claim, place, sentence, v) for sentence, v in places]
        if all(owners):
            return value.text, owners[0]
    return None


def _crossed(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
    """Two values of which each has the word that stands beside the other in the evidence: "forty
    women and nine men" beside "forty men and nine women"."""
    placed = [
        (v, span)
        for v, span in zip(claim.values, claim.placed, strict=True)
        if v.kind == "number" and not v.weak
    ]
    for (one, here), (two, there) in pairwise(placed):
        for sentence in sentences:
            found = {
                value: [
                    span
                    for v, span in zip(sentence.values, sentence.placed, strict=True)
                    if agree(value, v)
                ]
                for value in (one, two)
            }
            if len(found[one]) != 1 or len(found[two]) != 1:
                continue
            mine = [_beside_it(claim, place, True) for place in (here, there)]
            theirs = [_beside_it(sentence, found[value][0], True) for value in (one, two)]
            if all(mine) and mine[0] != mine[1] and mine == theirs[::-1]:
                return one.text, _text(sentence, *found[one][0]) + " " + " ".join(theirs[0])
    return None


def _owner(claim: Reading, place: tuple[int, int], sentence: Reading, value: Quantity) -> str:
    """The item that has the value, where the claim has another item's label; or ""."""
    parts = items(sentence, value)
    mine = next((item for item in parts if item.value is value), None)
    if mine is None:
        return ""
    for other in parts:
        if other is mine or any(agree(v, other.value) for v in claim.values):
            continue
        if _bound_to(claim, place, sentence, mine, other):
            return mine.text
        pairs = list(_labels(sentence, mine, other))
        if any(own.stands_in(claim) for own, _ in pairs):
            continue
        if any(theirs.stands_in(claim) for _, theirs in pairs):
            return mine.text
    return ""


def _bound_to(
    claim: Reading, place: tuple[int, int], sentence: Reading, mine: Item, other: Item
) -> bool:
    """Whether the claim has the word beside the value that another item has beside its own: 18
    percent of [teachers], [sold] in 1791. What both texts have in other words is not told so."""
    if _kept(claim, sentence) < _MOSTLY:
        return False
    inside = {t.word for t in (*mine.before, *mine.after)}
    bound = False
    for after in (True, False):
        said = _beside_it(claim, place, after)
        own, theirs = (_beside_it(sentence, item.place, after) for item in (mine, other))
        if said and said == own:
            return False
        elsewhere = said == theirs and not (said & inside or own & claim.vocabulary)
        bound = bound or bool(said and own and elsewhere)
    return bound


def _kept(claim: Reading, sentence: Reading) -> float:
    held = sum(t.weight for t in claim.tokens if t.word in sentence.vocabulary)
    return held / (claim.weight or 1.0)


def _beside_it(reading: Reading, place: tuple[int, int], after: bool) -> frozenset[str]:
    """The nearest word that says something, with no pause before it: one of an alphabet, or two
    Han characters."""
    found: list[Token] = []
    at = place[1] if after else place[0]
    tokens = reading.tokens if after else reading.tokens[::-1]
    for token in tokens:
        if (token.start < at) if after else (token.end > at):
            continue
        between = reading.folded[at : token.start] if after else reading.folded[token.end : at]
        if between.strip() or not (token.han or token.latin):
            break
        at = token.end if after else token.start
        if token.weight >= 0.5:
            found.append(token)
            if token.latin or len(found) == 2:
                return frozenset(t.word for t in found)
    return frozenset()


def items(sentence: Reading, value: Quantity) -> list[Item]:
    """The sentence cut into one item for each value of this kind; none where it cannot be cut."""
    numbering = _numbering(sentence)
    alike = [
        (v, span)
        for v, span in zip(sentence.values, sentence.placed, strict=True)
        if v.kind == value.kind
        and not v.weak
        and (not v.unit or not value.unit or v.unit == value.unit)
        and (v is value or span not in numbering)
    ]
    if not 2 <= len(alike) <= _MOST_ITEMS or _IN_ORDER.search(sentence.folded):
        return []
    cuts = [0]
    for (_, (_, end)), (_, (start, _)) in pairwise(alike):
        cut = _cut(sentence.folded, end, start)
        if cut is None:
            return []
        cuts.append(cut)
    edges = pairwise([*cuts, len(sentence.folded)])
    return [
        Item(
            _text(sentence, a, b),
            v,
            span,
            tuple(t for t in sentence.tokens if a <= t.start and t.end <= span[0])[-_REACH:],
            tuple(t for t in sentence.tokens if span[1] <= t.start and t.end <= b)[:_REACH],
        )
        for (v, span), (a, b) in zip(alike, edges, strict=True)
    ]


def _numbering(sentence: Reading) -> frozenset[tuple[int, int]]:
    """Where small numbers are parts of names: chapter two, chapter four."""
    placed = {
        place
        for value, place in zip(sentence.values, sentence.placed, strict=True)
        if value.kind == "number" and not value.unit and value.value < _MANY
    }
    before: dict[str, list[tuple[int, int]]] = {}
    for one, two in pairwise(sentence.tokens):
        span = (two.start, two.end)
        if one.latin and _shared(one) and span in placed and _close(sentence, one, two):
            before.setdefault(one.word, []).append(span)
    return frozenset(span for spans in before.values() if len(spans) > 1 for span in spans)


def _text(sentence: Reading, start: int, end: int) -> str:
    """A part of the folded text, as it stands where folding kept the length."""
    whole = sentence.text if len(sentence.text) == len(sentence.folded) else sentence.folded
    return whole[start:end].strip(" ,，、;；/|.。")


def _cut(folded: str, start: int, end: int) -> int | None:
    """Where between two values one item ends and the next begins."""
    for pattern, which in _BETWEEN:
        found = list(pattern.finditer(folded, start, end))
        if found:
            return found[which].start()
    return None


def _labels(sentence: Reading, mine: Item, other: Item) -> Iterator[tuple[_Label, _Label]]:
    """(label of the one, label of the other) on the same side of their values."""
    for side in ("before", "after"):
        here, there = getattr(mine, side), getattr(other, side)
        for own, theirs in (
            (_name(sentence, here, side), _name(sentence, there, side)),
            (_value(here, side), _value(there, side)),
        ):
            if own and theirs and not own.words & theirs.words:
                yield own, theirs
        yield from _alike(sentence, here, there)


def _name(sentence: Reading, tokens: Sequence[Token], side: str) -> _Label | None:
    """The name that stands nearest to the value."""
    names = {word for name in sentence.names for word in name.lstrip("^").lower().split()}
    listed = list(reversed(tokens)) if side == "before" else list(tokens)
    run: list[Token] = []
    for token in listed:
        if sentence.folded[token.start : token.end] in names:
            run.append(token)
        elif run:
            break
    return _label(run)


def _value(tokens: Sequence[Token], side: str) -> _Label | None:
    """The value of another kind that stands nearest."""
    found = [token for token in tokens if token.word[0] == "="]
    return _label(found[-1:] if side == "before" else found[:1])


def _label(tokens: Sequence[Token]) -> _Label | None:
    return _Label(frozenset(t.word for t in tokens)) if tokens else None


def _alike(
    sentence: Reading, mine: Sequence[Token], others: Sequence[Token]
) -> Iterator[tuple[_Label, _Label]]:
    """Words in which two items differ beside one that they share: 北京队 and 上海队, model A and
    model B."""
    known, theirs = {t.word for t in mine}, {t.word for t in others}
    for one, two in pairwise(mine):
        for three, four in pairwise(others):
            if one.word == three.word and _shared(one) and _tell(two, four):
                differ = two.word not in theirs and four.word not in known
            elif two.word == four.word and _shared(two) and _tell(one, three):
                differ = one.word not in theirs and three.word not in known
            else:
                continue
            if differ and _close(sentence, one, two) and _close(sentence, three, four):
                yield _beside(one, two), _beside(three, four)


def _shared(token: Token) -> bool:
    """Whether a word says of what kind its neighbour is: 队 does, 的 does not."""
    return token.weight >= 0.5 and token.word[0] != "="


def _tell(one: Token, other: Token) -> bool:
    """Whether two words could be labels: of the same writing, and no small words."""
    letters = len(one.word) == len(other.word) == 1 and one.latin and other.latin
    return letters or (
        one.han == other.han and one.latin == other.latin and min(one.weight, other.weight) >= 0.5
    )


def _close(sentence: Reading, one: Token, two: Token) -> bool:
    return not sentence.folded[one.end : two.start].strip()


def _beside(one: Token, two: Token) -> _Label:
    return _Label(frozenset((one.word, two.word)), (one.word, two.word))
