"""What is said of each of several, one after the other: "Bertil lost six colonies; Sigrid none".

A claim that gives one of them what is said of another is made of the evidence's words. A text is
cut into parts, each about whoever is named at its beginning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.claims.roles import pieces, tokens_in, words_in
from rag.claims.romanised import Names, persons
from rag.claims.statement import Reading, read
from rag.fold import fold
from rag.values.agree import stated

__all__ = ["of_another", "value_of_another"]

_CUT = re.compile(r"[;；。!！?？,，\n]|\.(?!\d)|\b(?:and|while|whereas|but|with)\b|[而但]")
_BACK = re.compile(
    r"\b(?:him|them|he|she|they|who|whom|both|each|all)\b"
    r"|\bher(?= (?:to|in|on|at|with|and|that|how|by|for|the|an?|up|out)\b|\W*$)"
    r"|[他她它](?!的)|两人|都|一起"
)
_SPEAKS = re.compile(r"\w+(?: \w+)?\s?[:：]\s")  # of a play: what is said is not of the speaker
_BEFORE = 1.5  # weight of the words that may stand before a name: my uncle Bertil
_LEAST = 1.0
_TITLES = frozenset(("mr", "mrs", "ms", "miss", "dr", "prof", "professor", "jr", "sr"))
_YEAR = re.compile(r"=[12]\d{3}$")


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of a text about one: who, all it says, and the words of it."""

    who: str
    text: str
    words: frozenset[str]


def of_another(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
    """Of whom the claim says what the evidence, in its language, says of another alone: (the
    claim's, the evidence's)."""
    if claim.denies or any(_SPEAKS.match(s.text) for s in sentences):
        return None
    # the segmenter may take a verb into a name: of two that begin alike the shorter one
    names = sorted({name for s in (claim, *sentences) for name in _names(s)}, key=len)
    mine = list(_parts([claim], names))
    theirs = list(_parts(sentences, names)) if mine else []
    for part in mine:
        own = [other for other in theirs if other.who == part.who]
        others = [other for other in theirs if other.who != part.who]
        if not own or not others:
            continue
        held = frozenset[str]().union(*(one.words for one in own))
        # what more than one part says tells nobody apart
        said = part.words - {part.who}
        for other in others:
            alone = other.words - held
            rest = frozenset[str]().union(*(o.words for o in others if o.who != other.who))
            found = said & (alone - rest)
            known = said & held - other.words
            if known or part.who in other.text or _BACK.search(other.text):
                continue
            enough = _weight(found) >= _LEAST and 2 * _weight(said & other.words) >= _weight(said)
            if enough and other.who not in part.text:
                return part.who, other.who
    return None


def value_of_another(
    claim: Reading, sentences: Sequence[Reading], names: Names
) -> tuple[str, str] | None:
    """The same across languages by amounts: one that stands in the part about another alone."""
    called = {name for s in sentences for name in _names(s)}
    theirs = list(_parts(sentences, sorted(called, key=len)))
    if claim.han:
        given = [n for s in sentences for n in names.of(s.text) if n.person]
        told = {w for n in given if n.stands_in(claim) for w in fold(n.text).split()}
        own = [part for part in theirs if part.who in told]
    else:
        mine = [n for n in names.of(claim.text) if n.person]
        own = [part for part in theirs if any(n.han.search(part.who) for n in mine)]
    others = [part for part in theirs if part not in own]
    if not own or not others or claim.denies:
        return None
    for value in (v for v in claim.values if v.kind == "number" and not v.weak):
        if any(stated(value, read(part.text).values) for part in own):
            continue
        holding = [part for part in others if stated(value, read(part.text).values)]
        if len(holding) == 1 and not _BACK.search(holding[0].text):
            return value.text, holding[0].text
    return None


def _weight(words: frozenset[str]) -> float:
    return sum(0.5 if _YEAR.match(word) else 1.0 for word in words)


def _parts(sentences: Sequence[Reading], names: Sequence[str]) -> Iterator[_Part]:
    """The parts of a text; what begins with nobody goes on about the one before."""
    who, text, words = "", "", frozenset[str]()
    for sentence in sentences:
        for start, end in pieces(_CUT, sentence.folded):
            first = _first(sentence, names, start, end)
            here = sentence.folded[start:end]
            said = words_in(sentence, start, end)
            bare = who and not words - {who}  # "Anna and Marek sold it"
            if first and first != who and not bare:
                if who:
                    yield _Part(who, text, words)
                who, text, words = first, here, said
            else:
                text, words = f"{text} {here}", words | said
    if who:
        yield _Part(who, text, words)


def _first(reading: Reading, names: Sequence[str], start: int, end: int) -> str:
    """The name near the beginning of a part of a text."""
    before = 0.0
    for token in tokens_in(reading, start, end):
        if token.word == "=I":
            return token.word
        name = next((n for n in names if reading.folded.startswith(n, token.start)), "")
        if name:
            return name
        before += token.weight
        if before > _BEFORE:
            return ""
    return ""


def _names(reading: Reading) -> list[str]:
    """The names of a text, folded."""
    if reading.han:
        return [*persons(reading.text)]
    listed = (name.lstrip("^").lower() for name in reading.names)
    return [name for name in listed if name not in _TITLES and "'" not in name]
