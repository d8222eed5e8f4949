"""People by what they are called, and in Chinese what is said of one of them and not of another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise

from rag.claims.kinds import PEOPLE, members
from rag.claims.names import SURNAMES
from rag.claims.statement import HAN_CHAR, Reading

__all__ = ["other_person", "people"]

_PART = re.compile(r"[;；。!！?？\n,，:：]|(?<!\d)\.")
_TAIL = 3
"""Pairs of characters at the end of what is said of somebody: what is done, and to what."""


@cache
def people() -> frozenset[str]:
    """English words for relatives and callings."""
    return frozenset(word for word in members(PEOPLE) if word.isascii())


@cache
def _persons() -> re.Pattern[str]:
    """A person at the beginning of a Chinese clause: a relative, or a family name with a given
    one; behind it what is said."""
    listed = sorted((w for w in members(PEOPLE) if len(w) > 1 and HAN_CHAR.match(w)), key=len)
    kin = "|".join(reversed(listed))
    return re.compile(
        rf"\W*(?:而|但|則|则|其中|后来)?(?P<who>{kin}|[{''.join(SURNAMES)}]\w{{1,2}}?)"
    )


def other_person(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
    """Of whom the claim says what the evidence says of another: (the claim's, the evidence's).

    Both begin clauses of the evidence, and what is said stands in the other's alone.
    """
    if not claim.han:
        return None
    parts = [part for s in sentences if s.han for part in _parts(s.folded)]
    for part in _parts(claim.folded):
        who = _who(part, parts)
        pairs = _pairs(part[part.find(who) + len(who) :]) if who else []
        tail = set(pairs[-_TAIL:])
        if len(pairs) < _TAIL:
            continue
        telling = [p for p in parts if tail <= set(_pairs(p))]
        others = [other for p in telling if who not in p and (other := _who(p, parts))]
        if others and len(others) == len(telling) and not any(o in claim.folded for o in others):
            return who, others[0]
    return None


def _who(part: str, parts: Sequence[str]) -> str:
    """Whom a clause begins with, if the evidence has a clause that begins with the same."""
    found = _persons().match(part)
    if found is None:
        return ""
    who = found["who"]
    longer = part[found.start("who") : found.end("who") + 1]
    if who[0] in SURNAMES and who not in members(PEOPLE) and sum(longer in p for p in parts) > 1:
        who = longer
    begin = re.compile(rf"\W*\w{{0,2}}?{re.escape(who)}")
    return who if any(begin.match(p) for p in parts) else ""


def _parts(folded: str) -> Iterator[str]:
    return (part for part in _PART.split(folded) if part.strip())


def _pairs(text: str) -> list[str]:
    return [a + b for a, b in pairwise(text) if HAN_CHAR.match(a) and HAN_CHAR.match(b)]
