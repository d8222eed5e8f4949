"""What a claim puts in another's place, or on the other side of a date, than its evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from rag.claims.roles import clauses, in_order
from rag.claims.statement import HAN_CHAR, Reading, Token, joined, read, words_of
from rag.values.agree import stated
from rag.values.quantities import Quantity

__all__ = ["disorder", "exchanged", "exchanged_inside", "first_for_another", "mistimed"]

_MOSTLY = 0.95  # of a claim's words are the evidence's, where only their order is to be told
_MOST_EXCHANGED = 4  # tokens: a name or a value
_LISTED = re.compile(r"[、,，/]|\b(?:and|or)\b|[和与或及跟同]")
_PASSIVE = re.compile(r"\bby\b|[被由受让给]")
_MUTUAL = frozenset(("meet", "met", "marri", "talk", "discuss", "versus", "resembl", "equal"))
_UP_TO = re.compile(r"\b(?:before|prior to|until|till)(?: the)? $")
_FROM = re.compile(r"\b(?:after|since|from)(?: the)? $")
_FIRST = re.compile(
    r"\b(?:first|1st|(?:round|part|day|stage|chapter) (?:one|1))\b|第一|首[次个位轮场]|最初|最先"
)
_COUNTED = re.compile(r"\s?(?:[a-z]{2,}|[\u4e00-\u9fff]{2,3})")
_GOES_ON = re.compile(r" (?!of\b)[a-z]")
_TILL = re.compile(r"\s*(?:to|until|till|through|[-–—])\s*\d")


def exchanged(claim: Reading, near: Sequence[Reading]) -> tuple[str, str] | None:
    """Two words or values of the claim that stand in each other's place in the evidence, while what
    is between them stays: "A taught B" beside "B taught A". None where one of the two is in the
    passive, or where a list may be told in any order."""
    other = joined(near)
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
    if _when(claim, one) != _when(claim, two) or in_order(claim, near, "cause"):
        return None  # "in 1998 he closed the shop": the shop closed in 1998
    return words_of(claim, one), words_of(claim, two)


def _when(reading: Reading, tokens: Sequence[Token]) -> bool:
    """Whether these are a date or a time and nothing else: it may stand anywhere in a sentence."""
    placed = zip(reading.values, reading.placed, strict=True)
    spans = [span for value, span in placed if value.kind in ("date", "time", "weekday")]
    return all(any(a <= t.start and t.end <= b for a, b in spans) for t in tokens)


def exchanged_inside(claim: Reading, near: Sequence[Reading]) -> tuple[str, str] | None:
    """The same inside one clause, where the sentence goes on with the words of the claim; None
    where another clause has them in the claim's order."""
    parts = [read(text) for s in near for text in clauses(s)]
    mine = [t for t in claim.tokens if t.weight >= 0.5]
    least = _MOSTLY * sum(t.weight for t in mine)
    whole = [p for p in parts if sum(t.weight for t in mine if t.word in p.vocabulary) >= least]
    found = [exchanged(claim, [part]) for part in whole]
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


def mistimed(claim: Reading, near: Sequence[Reading]) -> tuple[tuple[str, str], ...]:
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
    if HAN_CHAR.search(text[value.end : value.end + 2]):
        return text[value.start : value.end + 2]
    return " ".join([*before, text[value.start : value.end]])


def first_for_another(claim: Reading, near: Sequence[Reading]) -> tuple[str, str] | None:
    """The first of something in the claim, where the evidence speaks of the second, the third … of
    the same and of no first one. A first is so common that its value tells nothing by itself."""
    if any(_FIRST.search(s.folded) for s in near):
        return None
    given = [(s, *one) for s in near for one in _ordinals(s) if not one[0].weak]
    for value, place in _ordinals(claim):
        what = _next_word(claim, place) if value.weak else None
        other = next((s for s, _, span in given if what and what == _next_word(s, span)), None)
        if other is not None:
            return claim.folded[slice(*place)] + f" {what}", other.folded
    return None


def _ordinals(reading: Reading) -> Iterator[tuple[Quantity, tuple[int, int]]]:
    placed = zip(reading.values, reading.placed, strict=True)
    return ((value, place) for value, place in placed if value.unit == "ordinal")


def _next_word(reading: Reading, place: tuple[int, int]) -> str:
    """What is counted: the word of an alphabet behind a value, or the Han characters up to the
    first three."""
    found = _COUNTED.match(reading.folded, place[1])
    return found[0].strip() if found else ""


def disorder(claim: Reading, near: Sequence[Reading]) -> float:
    """Share of the words standing once in both whose order is the reverse (Kendall's distance)."""
    other = joined(near)
    mine = [t.word for t in claim.tokens if t.weight >= 0.5]
    theirs = [t.word for t in other.tokens]
    common = [w for w in mine if mine.count(w) == 1 and theirs.count(w) == 1][:24]
    if len(common) < 3:
        return 0.0
    at = [theirs.index(word) for word in common]
    total = len(at) * (len(at) - 1) / 2
    return sum(at[i] > at[j] for i in range(len(at)) for j in range(i + 1, len(at))) / total
