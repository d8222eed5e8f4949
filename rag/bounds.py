"""A value that is a bound or an end in one of two texts, and another or none in the other.

"At least" told as "at most", 多三成 as 少三成, "until 1957" as "since 1957" or "in 1957".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rag.agree import agree
from rag.fold import words
from rag.pauses import STOP
from rag.quantities import Quantity
from rag.roles import pieces, words_in
from rag.statement import Reading

__all__ = ["at_its_end", "bounds_turned", "by_or_to", "dates_turned", "more_or_less"]

_Span = tuple[int, int]

_AT_LEAST = re.compile(
    r"(?:\b(?:at least|(?:no|not) (?:less|fewer) than|(?<!no )(?<!not )(?<!never )more than"
    r"|(?<!never \w\w\w\w )over|(?<!never \w\w\w\w )above"
    r"|exceed(?:s|ed|ing)?|a minimum of|upwards of)|(?:至少|最少)[^\d,，、:：]{0,5}|不少于|不低于"
    r"|不下于?|(?<!不)超过|逾|(?<!不)[高多大]于)\s*[$€£¥]?\s*\Z"
)
_AT_MOST = re.compile(
    r"(?:\b(?:at most|(?:no|not) more than|up to|a maximum of|(?<!no )(?<!not )(?:less|fewer) than"
    r"|(?<!not )(?:nearly|almost)|just under|under|below"
    r"|never (?:\w+ )?(?:above|over|more than|beyond|exceed(?:s|ed)?))|(?:最多"
    r"|至多)[^\d,，、:：]{0,5}|不超过|不到|将近|接近|不足|不[高多大]于|(?<!不)[低少小]于)\s*[$€£¥]?\s*\Z"
)
_OR_MORE = re.compile(r"\s*(?:or (?:more|above|over|older|longer)\b|\w?(?:或)?以上)")
_MORE_INSIDE = re.compile(r"(?<=[十百千万亿\d])[多余+]")  # 三百多人
_OR_LESS = re.compile(
    r"\s*(?:or (?:less|fewer|below|under|younger)\b|at most\b|\w?(?:或)?以[下内])"
)

_SIDES = ("多少", "高低", "快慢", "长短", "贵贱", "大小", "重轻", "早晚", "增减", "涨跌", "升降")
_BY = re.compile(
    rf"(?:比(?P<than>[^,，。;；比]{{1,6}}?))?(?P<way>[{''.join(_SIDES)}])[出加了]{{0,2}}[约近将大]?\Z"
)

_CHANGE_REACH = 60  # characters
_CHANGED = re.compile(
    r"\b(?:rose|ris(?:en?|es|ing)|fell|fall(?:s|en|ing)?|gr[eo]w(?:n|s|ing)?|dropp?(?:s|ed|ing)?"
    r"|(?:increas|declin|decreas|reduc)(?:es?|ed|ing)|shr[aiu]nk|climb(?:s|ed|ing)?|cut"
    r"|(?:went|go|goes|gone|going) (?:up|down))\b"
    r"(?: (?!to\b|by\b)[^\s,;]+){0,6}? (?P<way>by|to)(?: \w+ly| about| some| around| almost| over)?"
    r"\s*[$€£¥]?\s*\Z"
    r"|(?:上升|上涨|增长|增加|提高|下降|降低|减少|下跌|回落|下滑|[升涨跌降])"
    r"(?:(?P<han>[到至为成])|了)了?[约近]?\s*\Z"
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


def bounds_turned(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
    """A value that is the least in one of them and the most in the other."""
    for value, place in zip(claim.values, claim.placed, strict=True):
        mine = _bound(claim, place)
        if not mine:
            continue
        same = [
            (s, span)
            for s in sentences
            for v, span in zip(s.values, s.placed, strict=True)
            if agree(value, v) and (value.unit == v.unit or not value.unit)
        ]
        if same and all(_bound(s, span) == -mine for s, span in same):
            return _around(claim, place), _around(*same[0])
    return None


def _bound(reading: Reading, place: tuple[int, int]) -> int:
    """1 where a value is the least that there is, -1 where it is the most."""
    before, after = reading.folded[: place[0]], reading.folded[place[1] :]
    if _AT_MOST.search(before) or _OR_LESS.match(after):
        return -1
    more = _MORE_INSIDE.search(reading.folded, *place) or _OR_MORE.match(after)
    return 1 if _AT_LEAST.search(before) or more else 0


def _around(reading: Reading, place: tuple[int, int]) -> str:
    before = re.split(r"[,，;；。]", reading.folded[max(0, place[0] - 12) : place[0]])[-1]
    words_before = " ".join(before.split(" ")[-3:]) if " " in before else before[-4:]
    return (words_before + reading.folded[place[0] : place[1] + 3]).strip(" ,.，。；;")


def by_or_to(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
    """By how much something rises or falls in one of them, to how much in the other."""
    for value, place in zip(claim.values, claim.placed, strict=True):
        mine = _changed(claim, place)
        same = [
            (_changed(s, span), s, span)
            for s in sentences
            for v, span in zip(s.values, s.placed, strict=True)
            if mine and agree(value, v)
        ]
        if same and all(theirs and theirs != mine for theirs, _, _ in same):
            return _around(claim, place), _around(*same[0][1:])
    return None


def _changed(reading: Reading, place: _Span) -> str:
    """ "by" or "to" where a value goes with a word for rising or falling; else ""."""
    before = reading.folded[max(0, place[0] - _CHANGE_REACH) : place[0]]
    found = _CHANGED.search(before)
    if found is None:
        return ""
    return found["way"] or ("to" if found["han"] else "by")


def more_or_less(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
    """By how much something is more in one of them and less in the other: 多三成, 少了三成."""
    for value, place in zip(claim.values, claim.placed, strict=True):
        mine = _by_how_much(claim, place)
        same = [
            (_by_how_much(s, span), s, span)
            for s in sentences
            for v, span in zip(s.values, s.placed, strict=True)
            if mine and agree(value, v)
        ]
        if same and all(way == (mine[0], 1 - mine[1], mine[2]) for way, _, _ in same if mine):
            return _around(claim, place), _around(*same[0][1:])
    return None


def _by_how_much(reading: Reading, place: _Span) -> tuple[int, int, str] | None:
    """(pair, side, what it is compared with) of the word that a value goes with."""
    found = _BY.search(reading.folded[: place[0]])
    if found is None:
        return None
    pair = next(n for n, both in enumerate(_SIDES) if found["way"] in both)
    return pair, _SIDES[pair].index(found["way"]), found["than"] or ""


def at_its_end(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
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
        block = max((a for a, b in pieces(STOP, sentence.folded) if a <= span[0]), default=0)
        mine = words_in(claim, 0, place[0]) | words_in(claim, place[1], len(claim.folded))
        mine -= {w for m in _BEGINS.finditer(claim.folded) for w in (words(m[0]) or [m[0]])}
        if mine and mine <= words_in(sentence, block, span[0]):
            return _around(claim, place), _around(sentence, span)
    return None


def dates_turned(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
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
