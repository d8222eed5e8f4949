"""Of how many something is said: of all, most, some or none.

All told of what is said of some, most of what is said of less than half, none of not all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise, permutations

from rag.claims.statement import Reading
from rag.fold import words

__all__ = ["EVERY", "PARTLY", "most_of", "of_more"]


_NOT_ALL = re.compile(
    r"\bnot (?:all|every\w*|always|necessarily)\b|不总是|不一定"
    r"|(?:并非|不是|未必)(?:所有|每|人人|全部?|都)|(?<!从)不[都全]"
)
_NOT_ANY = re.compile(
    r"\b(?:none|nobody|no[ -]one|neither|not any|never)\b|从不|从来不|绝不"
    r"|没有?(?:一个)?人|没有任何|无人|[都全]不|[都全]没"
)
EVERY = re.compile(
    r"(?P<part>\b(?:nearly|almost|not) )?\b(?:all|every|each)(?: of)?(?: the| its| their| our)?"
    r" (?P<head>[a-z]+)"
    r"|(?P<some>几乎|近乎|并非|不是)?(?:所有|全部|全体|全[班校村家厂]|每一?[个名位家])的?(?P<han>\w\w)"
)
"""All of them, or nearly all (`part`, `some`), and of what (`head`, `han`)."""
PARTLY = re.compile(
    r"(?:\b(?:nearly all|almost all|not all|most|many|some|few|several|half|part|majority)"
    r"|\d ?(?:%|percent|per cent))(?: of)?(?: the| its| their| our)? (?P<head>[a-z]+)"
    r"|(?:几乎所有|大多数|多数|大部分|部分|许多|很多|一些|有些|少数|半数|\d%)的?(?P<han>\w\w)"
)
"""Fewer than all, and of what (`head`, `han`)."""

_NEARLY_ALL = re.compile(r"\b(?:nearly|almost|not) (?:all|every\w*)\b|(?:几乎|近乎|并非)[全都所]")
_PLAINLY_ALL = re.compile(
    r"(?<!nearly )(?<!almost )(?<!not )(?<!at )\b(?:all|every\w*|each)\b"
    r"|(?<![几近]乎)(?<!并非)(?:所有|全部|全体)"
)
_MOST_OF = re.compile(
    r"(?<!the )(?<!at )\bmost (?:of|[a-z]+s|people)\b|\b(?:the |a )(?:vast |great )?majority of\b"
    r"(?! (?:\d|(?:one|two|three|four|five|six)\b))"
    r"|(?:大多|绝大多|多)数|大部分"
)
_MOSTLY = re.compile(
    r"\b(?:most\w*|majority|nearly|almost|all|every\w*|each|both|main\w*|larg\w*"
    r"|predominant\w*|general\w*"
    r"|usual\w*|typical\w*|common\w*|widely|wide\w*|(?:more than|over) half|hardly|rare\w*"
    r"|chief\w*|primar\w*|principal\w*|always|everybody|many|much|overwhelming\w*|bulk)\b"
    r"|多|大部分|几乎|都|全|普遍|主要|一般|通常|往往|常|很少|所有|每|皆|均|大半|过半"
)

_OF = re.compile(r"\s*(?:out )?of (?:(?:the|its|their|his|her|our|all)\s*)?(?:[a-z]+ ){0,2}")
_AMONG = re.compile(r"\w{0,3}[里中内](?:只?有)?")
_MOST_COUNTS = 8


def of_more(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
    """All told of what is said of some, none of what is not said of all."""
    for found in EVERY.finditer(claim.folded):
        if found["part"] or found["some"]:
            continue
        head = _head(found)
        fewer = [m[0] for s in sentences for m in PARTLY.finditer(s.folded) if _head(m) == head]
        every = [m for s in sentences for m in EVERY.finditer(s.folded) if _head(m) == head]
        fewer += [m[0] for m in every if m["part"] or m["some"]]
        if fewer and all(m["part"] or m["some"] for m in every):
            return found[0], fewer[0]
        counted = next(filter(None, map(_so_many_of, sentences)), "")
        if (
            counted
            and not _so_many_of(claim)
            and not any(_PLAINLY_ALL.search(s.folded) for s in sentences)
        ):
            return found[0], counted
        nearly = next((m[0] for s in sentences if (m := _NEARLY_ALL.search(s.folded))), None)
        if nearly and not any(_PLAINLY_ALL.search(s.folded) for s in sentences):
            return found[0], nearly
    none = _NOT_ANY.search(claim.folded)
    if none and not _NOT_ALL.search(claim.folded):
        part = next((m for s in sentences if (m := _NOT_ALL.search(s.folded))), None)
        if part and not any(_NOT_ANY.search(s.folded) for s in sentences):
            return none[0], part[0]
    return None


def _so_many_of(sentence: Reading) -> str:
    """39 of 42, 四十二人里有三十九人: fewer than all, as the text has it; or ""."""
    placed = zip(sentence.values, sentence.placed, strict=True)
    for (one, here), (two, there) in pairwise(placed):
        between = sentence.folded[here[1] : there[0]]
        less, more = (one, two) if _OF.fullmatch(between) else (two, one)
        fewer = less.kind == more.kind == "number" and 0 < less.value < more.value
        if fewer and (_OF.fullmatch(between) or _AMONG.fullmatch(between)):
            return sentence.folded[here[0] : there[1]]
    return ""


def most_of(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
    """Most told of what the evidence says no such thing of, and whose counts are less than half."""
    nearly = _NEARLY_ALL.search(claim.folded)
    found = nearly or _MOST_OF.search(claim.folded)
    if found is None or any(_MOSTLY.search(s.folded) for s in sentences):
        return None
    counts = [v.value for s in sentences for v in s.values if v.kind == "number" and not v.weak]
    shares = [a / b for a, b in permutations(counts[:_MOST_COUNTS], 2) if 0 < a < b]
    shares += [v for v in counts if v < 1]
    if any(share >= (Fraction(4, 5) if nearly else Fraction(1, 2)) for share in shares):
        return None
    return found[0], sentences[0].folded


def _head(found: re.Match[str]) -> str:
    """Of what there are so many."""
    return found["han"] or (words(found["head"]) or [found["head"]])[0]
