"""The most and the least told of one of several, beside the values that the evidence gives each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from rag.claims.items import items
from rag.claims.roles import tokens_in
from rag.claims.statement import Reading
from rag.values.agree import agree
from rag.values.quantities import Quantity

__all__ = ["Extreme", "compared", "extreme"]

_ANY = (
    *("", "metres", "seconds", "months", "kilograms", "ratio", "celsius", "dollar", "yuan", "euro"),
    *("square metres", "miles", "feet", "pound", "yen", "hkd", "litres", "watts", "bytes"),
)
_OF_KIND = r"(?!\w+(?:ed|ing|ive|al|ous|ant|ent|ful|ble|ic)\b)"  # the most important
_LONG, _LAST, _AGE = ("metres", "miles", "feet"), ("seconds", "months", "time"), ("months",)
_MONEY = ("dollar", "yuan", "euro", "pound", "yen", "hkd", "", "francs")
# (what it says, 1 for the greatest value and -1 for the least, units in which it can be told)
_WORDS: tuple[tuple[str, int, Sequence[str]], ...] = (
    (r"\b(?:deepest|tallest)\b|最深", 1, _LONG), (r"\b(?:shallowest)\b|最浅", -1, _LONG),
    (r"\b(?:longest|farthest|furthest)\b|最长|最远", 1, (*_LONG, *_LAST)),
    (r"\b(?:shortest|nearest)\b|最短|最近的", -1, (*_LONG, *_LAST)),
    (r"\b(?:fastest|quickest)\b|最快", -1, _LAST), (r"\bslowest\b|最慢", 1, _LAST),
    (r"\b(?:most expensive|dearest|priciest|best[- ]paid)\b|最贵", 1, _MONEY),
    (r"\b(?:least expensive|cheapest)\b|最便宜", -1, _MONEY),
    (r"\bheaviest\b|最重(?!要)", 1, ("kilograms",)), (r"\blightest\b|最轻", -1, ("kilograms",)),
    (r"\b(?:hottest|warmest)\b|最热", 1, ("celsius",)),
    (r"\b(?:coldest|coolest)\b|最冷", -1, ("celsius",)),
    (r"\b(?:oldest|eldest)\b|最年长|最老", 1, _AGE), (r"\byoungest\b|最年轻|最小的", -1, _AGE),
    (r"\b(?:oldest|earliest)\b|最早|最古老", -1, ("date",)),
    (r"\b(?:newest|latest|youngest)\b|最晚", 1, ("date",)),
    (rf"\b(?:highest|largest|biggest|greatest)\b|\bthe most {_OF_KIND}|最高|最大|最多", 1, _ANY),
    (rf"\b(?:lowest|smallest|fewest)\b|\bthe least {_OF_KIND}|最低|最小|最少", -1, _ANY),
)  # fmt: skip
_TOLD = tuple((re.compile(pattern), way, units) for pattern, way, units in _WORDS)
_MORE = tuple(
    (re.compile(f"(?P<one>.+?){pattern}"), way, units)
    for english, han, way, units in (
        ("faster|quicker", "快", -1, _LAST),
        ("slower", "慢", 1, _LAST),
        ("longer", "长|久", 1, (*_LONG, *_LAST)),
        ("shorter", "短", -1, (*_LONG, *_LAST)),
        ("deeper|taller|higher", "深|高", 1, _LONG),
        ("shallower|lower", "浅|矮|低", -1, _LONG),
        ("more expensive|dearer", "贵", 1, _MONEY),
        ("cheaper|less expensive", "便宜", -1, _MONEY),
        ("heavier", "重", 1, ("kilograms",)),
        ("lighter", "轻", -1, ("kilograms",)),
        ("hotter|warmer", "热", 1, ("celsius",)),
        ("colder|cooler", "冷", -1, ("celsius",)),
    )
    for pattern in (
        rf"\b(?P<how>{english}) than\b(?P<two>.+)",
        rf"比(?P<two>[^,，。;；]+?)(?P<how>更?(?:{han}))",
    )
)
_MOST_ITEMS = 12


@dataclass(frozen=True, slots=True)
class Extreme:
    """What values say of a superlative: whether it is so, of how many, and what goes beyond."""

    right: bool
    among: int
    word: str
    beyond: str


@dataclass(frozen=True, slots=True)
class _Item:
    """One of several, by the words that only it has, and its value."""

    text: str
    words: frozenset[str]
    marks: frozenset[str]
    given: Quantity

    @property
    def value(self) -> Fraction:
        return Fraction(self.given.date[0] or 0) if self.given.kind == "date" else self.given.value


def extreme(claim: Reading, sentences: Sequence[Reading]) -> Extreme | None:
    """Whether the evidence's values bear out a superlative of the claim; None where they say
    nothing of it: the evidence has the superlative itself, or the claim speaks of none of them."""
    if claim.denies:
        return None
    for pattern, way, units in _TOLD:
        found = pattern.search(claim.folded)
        if found is None or any(pattern.search(s.folded) for s in sentences):
            continue
        told = list(_told(sentences, units))
        mine = _meant(claim, told)
        if mine is not None and 2 <= len(told) <= _MOST_ITEMS:
            first = max(told, key=lambda item: way * item.value)
            right = way * first.value <= way * mine.value
            return Extreme(right, len(told), found[0], first.text)
    return None


def compared(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
    """Where a claim says that one is faster, dearer or longer than another, and the values that the
    evidence gives the two say the reverse: (the claim's words, the evidence's)."""
    if claim.denies:
        return None
    for pattern, way, units in _MORE:
        found = pattern.match(claim.folded)  # it begins with anything: a search is quadratic
        if found is None:
            continue
        told = list(_told(sentences, units))
        if not 2 <= len(told) <= _MOST_ITEMS:
            continue
        sides = (tokens_in(claim, *found.span(side)) for side in ("one", "two"))
        one, two = (_named(frozenset(t.word for t in side), told) for side in sides)
        if one and two and one is not two and way * one.value < way * two.value:
            return found["how"], f"{one.text}; {two.text}"
    return None


def _named(words: frozenset[str], told: Sequence[_Item]) -> _Item | None:
    """The one item that some words are of alone."""
    held = [item for item in told if item.words & words]
    return held[0] if len(held) == 1 else None


def _told(sentences: Sequence[Reading], units: Sequence[str]) -> Iterator[_Item]:
    """The items of the evidence that have a value in the unit that most of them have."""
    found: dict[str, list[tuple[Reading, str, frozenset[str], Quantity]]] = {}
    for sentence in sentences:
        for value in sentence.values:
            unit = value.unit if value.kind == "number" else value.kind
            if value.weak or unit not in units:
                continue
            parts = items(sentence, value)
            mine = next((part for part in parts if part.value is value), None)
            alone = sum(v.kind == value.kind and v.unit == value.unit for v in sentence.values) == 1
            if mine is not None:
                words = frozenset(t.word for t in (*mine.before, *mine.after) if t.weight >= 0.5)
                found.setdefault(unit, []).append((sentence, mine.text, words, value))
            elif alone:
                words = frozenset(t.word for t in sentence.tokens if t.weight >= 0.5)
                found.setdefault(unit, []).append((sentence, sentence.text, words, value))
    listed = max(found.values(), key=len, default=[])
    for n, (sentence, text, words, value) in enumerate(listed):
        others = frozenset[str]().union(*(w for m, (_, _, w, _) in enumerate(listed) if m != n))
        own = words - others
        names = {w for name in sentence.names for w in name.lstrip("^").lower().split()}
        marks = frozenset(
            t.word
            for t in sentence.tokens
            if t.word in own and (t.word[0] == "=" or sentence.folded[t.start : t.end] in names)
        )
        yield _Item(text, own, marks, value)


def _meant(claim: Reading, told: Sequence[_Item]) -> _Item | None:
    """The item that the claim is about: it has its value, its name or year, or else the most of its
    words."""
    valued = [item for item in told if any(agree(v, item.given) for v in claim.values)]
    if valued:
        return valued[0]
    for by in ("marks", "words"):
        held = sorted(told, key=lambda item: -len(getattr(item, by) & claim.vocabulary))
        counts = [len(getattr(item, by) & claim.vocabulary) for item in held[:2]]
        if counts and counts[0] and (len(counts) < 2 or counts[0] > counts[1]):
            return held[0]
        if counts and counts[0]:
            return None
    return None
