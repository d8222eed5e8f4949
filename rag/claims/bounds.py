"""A value that is a bound or an end in one of two texts, and another or none in the other.

"At least" told as "at most", 多三成 as 少三成, "until 1957" as "since 1957" or "in 1957".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from rag.claims.pauses import STOP
from rag.claims.roles import pieces, words_in
from rag.claims.statement import Reading
from rag.fold import words
from rag.values.agree import agree
from rag.values.quantities import Quantity

__all__ = [
    "at_its_end",
    "bounds_turned",
    "by_or_to",
    "dates_turned",
    "half_or_twice",
    "more_or_less",
    "surely_more",
    "way_turned",
]

_Span = tuple[int, int]
T = TypeVar("T")

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

_STRICTLY = re.compile(
    r"(?:\b(?:(?<!no )(?<!not )(?:more|less|fewer) than|(?<!just )over|above|exceed(?:s|ed|ing)?)"
    r"|(?<!不)超过|(?<!不)[高多大]于|逾|不到|不足)\s*[$€£¥]?\s*\Z"
)
_ABOUT = re.compile(
    r"(?:\b(?:about|around|roughly|approximately)|[约近]|差不多|大概|左右)\s*[$€£¥]?\s*\Z"
)
_ABOUT_AFTER = re.compile(r"\w{0,2}左右")

_UP = (
    r"(?:r[io]se[sn]?|rising|increas(?:es?|ed|ing)|gr[eo]w(?:n|s|ing)?|gain(?:s|ed|ing)?"
    r"|climb(?:s|ed|ing)?|(?:went|go|goes|gone) up|put on|up)"
)
_DOWN = (
    r"(?:f[ea]ll(?:s|en|ing)?|dropp?(?:s|ed|ing)?|decreas(?:es?|ed|ing)|declin(?:es?|ed|ing)"
    r"|reduc(?:es?|ed|ing)|los(?:es?|t|ing)|shed|shr[aiu]nk|(?:went|go|goes|gone) down|down)"
)
_WAY = re.compile(
    rf"\b(?:(?P<up>{_UP})|(?P<down>{_DOWN}))"
    r"(?: (?:by|to|about|around|roughly|nearly|almost|some|over|a total of|another))*"
    r"\s*[$€£¥]?\s*\Z"
    r"|(?:(?P<han_up>上升|上涨|增长|增加|提高|升高|[升涨胖])|(?P<han_down>下降|下跌|降低|减少|回落|下滑|[降跌瘦]))"
    r"[了到至为]{0,2}大?[约近]?\s*\Z"
)
_TIMES = re.compile(
    r"\b(?:(?P<less>half|a (?:third|quarter)(?: of)?)|(?P<more>twice|double|triple|three times"
    r"|four times))(?: as \w+ as)?(?: (?:the|that of|its|their|his|her|a|an|what))?"
    r" (?P<head>[a-z]+)"
    r"(?: of (?:the|its|their|his|her|a|an) (?P<whose>[a-z]+))?"
)
_MEASURE_WORDS = """
size number amount price length height width weight age rate cost area speed value many much
population sum time depth distance
"""
_MEASURES = frozenset(_MEASURE_WORDS.split())
"""Of which it must be said whose they are: "half the size"."""

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
    return _told_otherwise(
        claim,
        sentences,
        _bound,
        lambda mine, s, span: _bound(s, span) == -mine,
        lambda value, v: agree(value, v) and (value.unit == v.unit or not value.unit),
    )


def _told_otherwise(
    claim: Reading,
    sentences: Sequence[Reading],
    how: Callable[[Reading, _Span], T],
    contrary: Callable[[T, Reading, _Span], bool],
    alike: Callable[[Quantity, Quantity], bool] = agree,
) -> tuple[str, str] | None:
    """The first value of the claim that it tells in a way, `how`, to which the evidence is contrary
    wherever it has the value; with the words around it in both."""
    for value, place in zip(claim.values, claim.placed, strict=True):
        mine = how(claim, place)
        same = [
            (s, span)
            for s in sentences
            for v, span in zip(s.values, s.placed, strict=True)
            if mine and alike(value, v)
        ]
        if same and all(contrary(mine, s, span) for s, span in same):
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
    return _told_otherwise(
        claim,
        sentences,
        _changed,
        lambda mine, s, span: _changed(s, span) not in ("", mine),
    )


def _changed(reading: Reading, place: _Span) -> str:
    """ "by" or "to" where a value goes with a word for rising or falling; else ""."""
    before = reading.folded[max(0, place[0] - _CHANGE_REACH) : place[0]]
    found = _CHANGED.search(before)
    if found is None:
        return ""
    return found["way"] or ("to" if found["han"] else "by")


def more_or_less(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
    """By how much something is more in one of them and less in the other: 多三成, 少了三成."""

    def contrary(mine: tuple[int, int, str] | None, s: Reading, span: _Span) -> bool:
        return mine is not None and _by_how_much(s, span) == (mine[0], 1 - mine[1], mine[2])

    return _told_otherwise(claim, sentences, _by_how_much, contrary)


def _by_how_much(reading: Reading, place: _Span) -> tuple[int, int, str] | None:
    """(pair, side, what it is compared with) of the word that a value goes with."""
    found = _BY.search(reading.folded[: place[0]])
    if found is None:
        return None
    pair = next(n for n, both in enumerate(_SIDES) if found["way"] in both)
    return pair, _SIDES[pair].index(found["way"]), found["than"] or ""


def surely_more(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
    """More, or less, than what the evidence has about so many of: 超过一半 of 约一半."""
    return _told_otherwise(
        claim,
        sentences,
        lambda s, span: _STRICTLY.search(s.folded[: span[0]]) is not None,
        lambda _, s, span: _about(s, span),
        lambda value, v: value.value == v.value and agree(value, v),
    )


def _about(reading: Reading, place: _Span) -> bool:
    before, after = reading.folded[: place[0]], reading.folded[place[1] :]
    return bool(_ABOUT.search(before) or _ABOUT_AFTER.match(after)) and not _bound(reading, place)


def way_turned(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
    """By how much something rises in one of them and falls in the other, in whatever language."""
    return _told_otherwise(
        claim,
        sentences,
        _way,
        lambda mine, s, span: _way(s, span) == -mine and s.denies == claim.denies,
    )


def _way(reading: Reading, place: _Span) -> int:
    """1 where a value comes right after a word for rising, -1 for falling."""
    found = _WAY.search(reading.folded[max(0, place[0] - _CHANGE_REACH) : place[0]])
    if found is None:
        return 0
    return 1 if found["up"] or found["han_up"] else -1


def half_or_twice(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
    """A part of what the evidence says to be many times the same: half the estimate."""
    given = [found for s in sentences for found in _TIMES.finditer(s.folded)]
    for mine in _TIMES.finditer(claim.folded):
        of_what = _compared_with(mine)
        same = [found for found in given if of_what and _compared_with(found) == of_what]
        if same and all(bool(found["less"]) != bool(mine["less"]) for found in same):
            return mine[0], same[0][0]
    return None


def _compared_with(found: re.Match[str]) -> list[str]:
    """The stem of what it is so many times or such a part of, if that is told."""
    head = found["head"]
    return words(found["whose"] or ("" if head in _MEASURES else head))


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
