"""How far a statement goes: how sure it is, of how many, up to which amount, until when.

A claim that goes further than its evidence has none but the evidence's words: "may open" told as
"opened", 至少五人 as 最多五人, "until 1957" as "in 1957".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rag.fold import words
from rag.quantities import Quantity, agree
from rag.roles import pieces, tokens_in, words_in

if TYPE_CHECKING:
    from rag.comparison import Reading

__all__ = ["outdone", "outdone_across"]

Pair = tuple[str, str]  # the claim's words, the evidence's

_PART = re.compile(r"[;；。!！?？\n]|\.(?!\d)|[,，](?!\d)")
_STOP = re.compile(r"[;；。!！?？\n]|\.(?!\d)")
_AT_LEAST = re.compile(
    r"(?:\b(?:at least|(?:no|not) (?:less|fewer) than|(?<!no )(?<!not )more than|over|above"
    r"|exceed(?:s|ed|ing)?|a minimum of|upwards of)|(?:至少|最少)[^\d,，、:：]{0,5}|不少于|不低于"
    r"|不下于?|(?<!不)超过|逾|(?<!不)[高多大]于)\s*[$€£¥]?\s*\Z"
)
_AT_MOST = re.compile(
    r"(?:\b(?:at most|(?:no|not) more than|up to|a maximum of|(?<!no )(?<!not )(?:less|fewer) than"
    r"|under|below)|(?:最多|至多)[^\d,，、:：]{0,5}|不超过|不到|不足|不[高多大]于|(?<!不)[低少小]于)\s*[$€£¥]?\s*\Z"
)
_OR_MORE = re.compile(r"\s*(?:or (?:more|above|over|older|longer)\b|\w?(?:或)?以上)")
_OR_LESS = re.compile(
    r"\s*(?:or (?:less|fewer|below|under|younger)\b|at most\b|\w?(?:或)?以[下内])"
)

_PERHAPS = re.compile(
    r"\b(?:may|might|perhaps|possibly|maybe|potentially)\b|(?<!不)可能|也许|或许|说不定"
)
_MEANT = re.compile(
    r"\b(?:plan|intend|hope|hop|want|aim|expect|propos|promis|attempt|try|tri|offer)"
    r"(?:s|es|d|ed|ing)? to\b|计划|打算|(?<!模)拟|准备|希望|有意(?![思义])|试图"
)
_IF = re.compile(
    r"(?<!even )(?<!as )\b(?:if|unless|provided that|in case)\b"
    "|如果|假如|假使|倘若|(?<![主只还重])要是|除非|一旦"
)
_UNSURE = re.compile(
    r"\b(?:could|can|would|should|likely|possib\w+|potential\w*|able|allowed|permitted|if|whether"
    r"|unless|plan\w*|intend\w*|intention|hope\w*|hoping|want\w*|aim\w*|goal|expect\w*|propos\w*"
    r"|promis\w*|attempt\w*|try|trie[sd]|trying|offer\w*|consider\w*|suggest\w*)\b"
    r"|可以|[能想要拟]|如果|是否|或|目标|有望|考虑|设想|预[计期]"
)
_TO_COME = re.compile(r"\b(?:will|shall|going to|to be|next|future)\b|将|会|未来")

_NOT_ALL = re.compile(
    r"\bnot (?:all|every\w*)\b|(?:并非|不是|未必)(?:所有|每|人人|全部?|都)|(?<!从)不[都全]"
)
_NOT_ANY = re.compile(
    r"\b(?:none|nobody|no[ -]one|neither|not any)\b|没有?(?:一个)?人|没有任何|无人"
    r"|[都全]不|[都全]没"
)
_EVERY = re.compile(
    r"(?P<part>\b(?:nearly|almost|not) )?\b(?:all|every|each)(?: of)?(?: the| its| their| our)?"
    r" (?P<head>[a-z]+)|(?P<some>几乎|近乎|并非|不是)?(?:所有|全部|全体)的?(?P<han>\w\w)"
)
_PARTLY = re.compile(
    r"(?:\b(?:nearly all|almost all|not all|most|many|some|few|several|half|part|majority)"
    r"|\d ?(?:%|percent|per cent))(?: of)?(?: the| its| their| our)? (?P<head>[a-z]+)"
    r"|(?:几乎所有|大多数|多数|大部分|部分|许多|很多|一些|有些|少数|半数|\d%)的?(?P<han>\w\w)"
)

_UP_TO = re.compile(r"(?:\b(?:until|till|before|prior to)(?: the)?|直到)\s*\Z")
_UP_TO_AFTER = re.compile(r"(?:之前|以前|前|为止)")
_FROM = re.compile(r"(?:\b(?:since|after|from)(?: the)?|自从?|从)\s*\Z")
_FROM_AFTER = re.compile(r"(?:之后|以后|后|起|以来|开始)")
_AT = re.compile(r"\b(?:in|on|during)(?: the)?\s*\Z")
_BEGINS = re.compile(r"\b(?:beg[aiu]n|start(?:ed|s)?|open(?:ed|s)?)\b|开始|启用|起")
_ENDS = re.compile(
    r"\b(?:stop|end|clos|ceas|leav|left|last|no longer|finish|quit|until|before)\w*"
    r"|停|结束|离开|最后|关闭|不再|才|直到|之?前"
)


def _bounds_turned(claim: Reading, sentences: Sequence[Reading]) -> Pair | None:
    """A value that is the least in one of them and the most in the other."""
    for value, place in zip(claim.values, claim.placed, strict=True):
        mine = _bound(claim, place)
        if not mine:
            continue
        same = [
            (s, span)
            for s in sentences
            for v, span in zip(s.values, s.placed, strict=True)
            if agree(value, v)
        ]
        if same and all(_bound(s, span) == -mine for s, span in same):
            return _around(claim, place), _around(*same[0])
    return None


def _bound(reading: Reading, place: tuple[int, int]) -> int:
    """1 where a value is the least that there is, -1 where it is the most."""
    before, after = reading.folded[: place[0]], reading.folded[place[1] :]
    if _AT_MOST.search(before) or _OR_LESS.match(after):
        return -1
    return 1 if _AT_LEAST.search(before) or _OR_MORE.match(after) else 0


def _around(reading: Reading, place: tuple[int, int]) -> str:
    before = re.split(r"[,，;；。]", reading.folded[max(0, place[0] - 12) : place[0]])[-1]
    words_before = " ".join(before.split(" ")[-3:]) if " " in before else before[-4:]
    return (words_before + reading.folded[place[0] : place[1] + 3]).strip(" ,.，。；;")


def outdone(claim: Reading, sentences: Sequence[Reading]) -> Pair | None:
    """Where the claim goes further than the evidence: surer, of more, or at a time that is only
    an end there."""
    return (
        outdone_across(claim, sentences)
        or _surer(claim, sentences)
        or _of_more(claim, sentences)
        or _at_its_end(claim, sentences)
    )


def outdone_across(claim: Reading, sentences: Sequence[Reading]) -> Pair | None:
    """The same where the evidence is in the other language: only values tell it there."""
    return _bounds_turned(claim, sentences) or _dates_turned(claim, sentences)


def _surer(claim: Reading, sentences: Sequence[Reading]) -> Pair | None:
    """What may be, is meant to be, or would have to be, told as what is."""
    if any(said.search(claim.folded) for said in (_PERHAPS, _MEANT, _IF, _UNSURE)):
        return None
    whole = words_in(claim, 0, len(claim.folded))
    hedges = (_PERHAPS, _IF) if _TO_COME.search(claim.folded) else (_PERHAPS, _IF, _MEANT)
    parts = [(s, a, b) for s in sentences for a, b in pieces(_PART, s.folded)]
    for sentence, start, end in parts:
        for found in _hedged(hedges, sentence, start, end):
            after = words_in(sentence, found.end(), end)
            shared = whole & after
            if len(shared) * 2 < len(whole) or not shared:
                continue
            told = (t for t in tokens_in(sentence, found.end(), end) if t.weight >= 0.5)
            first = next(told, None)
            if first is not None and first.latin and first.word not in shared:
                continue
            elsewhere = (
                words_in(s, a, b)
                for s, a, b in parts
                if not any(True for _ in _hedged((_PERHAPS, _IF, _MEANT), s, a, b))
            )
            if not any(shared <= other for other in elsewhere):
                return claim.folded, sentence.folded[found.start() : end].strip(" ,，")
    return None


def _hedged(
    patterns: Sequence[re.Pattern[str]], sentence: Reading, start: int, end: int
) -> Iterator[re.Match[str]]:
    """Words of doubt and intention in a part of a text; the month of May is none."""
    whole = len(sentence.text) == len(sentence.folded)
    for pattern in patterns:
        for found in pattern.finditer(sentence.folded, start, end):
            if any(a <= found.start() < b for a, b in sentence.placed):
                continue
            if not (found[0] == "may" and whole and sentence.text[found.start()] == "M"):
                yield found


def _of_more(claim: Reading, sentences: Sequence[Reading]) -> Pair | None:
    """All told of what is said of some, none of what is not said of all."""
    for found in _EVERY.finditer(claim.folded):
        if found["part"] or found["some"]:
            continue
        head = _head(found)
        fewer = [m[0] for s in sentences for m in _PARTLY.finditer(s.folded) if _head(m) == head]
        every = [m for s in sentences for m in _EVERY.finditer(s.folded) if _head(m) == head]
        if fewer and all(m["part"] or m["some"] for m in every):
            return found[0], fewer[0]
    none = _NOT_ANY.search(claim.folded)
    if none and not _NOT_ALL.search(claim.folded):
        part = next((m for s in sentences if (m := _NOT_ALL.search(s.folded))), None)
        if part and not any(_NOT_ANY.search(s.folded) for s in sentences):
            return none[0], part[0]
    return None


def _head(found: re.Match[str]) -> str:
    """Of what there are so many."""
    return found["han"] or (words(found["head"]) or [found["head"]])[0]


def _at_its_end(claim: Reading, sentences: Sequence[Reading]) -> Pair | None:
    """A date up to which something went on, told as the one at which it was or began."""
    if claim.denies or _ENDS.search(claim.folded):
        return None
    for value, place in zip(claim.values, claim.placed, strict=True):
        if value.kind != "date" or not _points(claim, place):
            continue
        same = list(_dated(value, sentences))
        if not same or not all(_side(s, span) < 0 for s, span in same):
            continue
        sentence, span = same[0]
        block = max((a for a, b in pieces(_STOP, sentence.folded) if a <= span[0]), default=0)
        mine = words_in(claim, 0, place[0]) | words_in(claim, place[1], len(claim.folded))
        mine -= {w for m in _BEGINS.finditer(claim.folded) for w in (words(m[0]) or [m[0]])}
        if mine and mine <= words_in(sentence, block, span[0]):
            return _around(claim, place), _around(sentence, span)
    return None


def _dates_turned(claim: Reading, sentences: Sequence[Reading]) -> Pair | None:
    """A date that is an end in one of them and a beginning in the other."""
    for value, place in zip(claim.values, claim.placed, strict=True):
        side = _side(claim, place) if value.kind == "date" else 0
        same = list(_dated(value, sentences)) if side else []
        if same and all(_side(s, span) == -side and s.denies == claim.denies for s, span in same):
            return _around(claim, place), _around(*same[0])
    return None


def _dated(
    value: Quantity, sentences: Sequence[Reading]
) -> Iterator[tuple[Reading, tuple[int, int]]]:
    for s in sentences:
        for v, span in zip(s.values, s.placed, strict=True):
            if agree(value, v):
                yield s, span


def _points(reading: Reading, place: tuple[int, int]) -> bool:
    """Whether a thing is told to be at the date itself."""
    before = reading.folded[: place[0]]
    han = "年" in reading.folded[slice(*place)] and not _side(reading, place)
    return bool(_AT.search(before)) or (han and not re.search(r"[到至]\Z", before))


def _side(reading: Reading, place: tuple[int, int]) -> int:
    """-1 for up to the date, 1 for from it on."""
    before, after = reading.folded[: place[0]], reading.folded[place[1] :]
    if _UP_TO.search(before) or _UP_TO_AFTER.match(after):
        return -1
    return 1 if _FROM.search(before) or _FROM_AFTER.match(after) else 0
