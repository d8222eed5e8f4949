"""Well-known names in place of others of the evidence, in another language: Suzhou beside 扬州.

A name of the claim counts as invented where pinyin or the dictionary can spell it, no sentence has
it in any spelling, and the nearest one has a name that the claim leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

import rjieba

from rag.claims.kinds import CITIES, REGIONS, called_also, members
from rag.claims.romanised import Names
from rag.claims.statement import HAN_CHAR, Reading
from rag.fold import fold

__all__ = ["renamed"]

_CAPITALS = re.compile(r"\b[A-Z][\w’'-]+(?: [A-Z][\w’'-]+){0,2}")
_BODY = re.compile(
    r" ?(?:(?:of|the) )*(?:Universit|College|School|Airport|Road|Street|Railway|Station|Bank|Times"
    r"|Hospital|Museum|Institut|Dynasty|River|Mountain|Sea|Strait|Lake|Province|Opera)\w*"
)
"""What goes with a name to name something else, which Chinese shortens: 北大."""
_REGION_NAMES = """
taiwan formosa asia europe africa america eurasia arctic antarctica mongolia ningxia
台湾 宝岛 亚洲 欧洲 非洲 内蒙古 宁夏 大陆 江南 江北 东北 西北 华北 华东 华南 西南 东南亚
"""
_WIDER = frozenset(_REGION_NAMES.split())
_PERSONS = """
sun yat-sen|孙中山|孙文|孙逸仙, chiang kai-shek|蒋介石|蒋中正, mao tse-tung|mao zedong|毛泽东
confucius|孔子|孔夫子, mencius|孟子, laozi|lao tzu|lao-tzu|老子, zhuangzi|chuang tzu|庄子
hu shih|hu shi|胡适, eileen chang|zhang ailing|张爱玲, lin yutang|林语堂, li bai|li po|李白
du fu|tu fu|杜甫, lu xun|lu hsun|鲁迅|周树人, lao she|老舍, ba jin|pa chin|巴金, bruce lee|李小龙
jackie chan|成龙, jack ma|ma yun|马云, lee kuan yew|李光耀, matteo ricci|利玛窦
einstein|albert einstein|爱因斯坦, newton|isaac newton|牛顿, mozart|莫扎特, beethoven|贝多芬
shakespeare|莎士比亚, napoleon|拿破仑
"""
"""Well-known ones, whose names in letters are older than pinyin or not made by sound."""
_NAMED = frozenset(("ns", "nr", "nrt"))
_MOST_NAMES = 6


def renamed(
    claim: Reading, sentences: Sequence[Reading], best: int, names: Names
) -> tuple[str, ...]:
    """The names of a claim that the evidence, in the other language, does not have, if the nearest
    sentence has one that the claim leaves out."""
    if claim.han:
        left_out = any(
            not _told_in_han(name, [claim], names) and _is_chinese(name, names)
            for name in _letters(sentences[best].text, names)
        )
        mine = _han_names(claim.text) if left_out else ()
        return tuple(
            word
            for word in mine
            if (_is_listed(word) or (_is_place(word) and not names.called(word)))
            and rjieba.has_word(word)
            and not _wide(word)
            and not _told_in_letters(word, sentences, names)
        )
    listed = _letters(claim.text, names)
    missing = tuple(name for name in listed if not _told_in_han(name, sentences, names))
    if not missing:
        return ()
    left_out = any(
        not _wide(word) and not _told_in_letters(word, [claim], names)
        for word in _han_names(sentences[best].text)
    )
    return missing if left_out else ()


def _letters(text: str, names: Names) -> list[str]:
    """The known names in letters that can be spelt in Han characters."""
    found = []
    for run in _CAPITALS.finditer(text):
        for part in _known(run[0], names):
            after = text[text.index(part, run.start()) + len(part) :]
            if not _BODY.match(after) and not _wide(part):
                found.append(part)
    return found[:_MOST_NAMES]


def _known(run: str, names: Names) -> Iterator[str]:
    """The longest parts of words with capitals that are known names."""
    listed = run.split(" ")
    at = 0
    while at < len(listed):
        for end in range(len(listed), at, -1):
            part = re.sub("[’']s$", "", " ".join(listed[at:end]))
            called = [word for word in names.called(part) if len(word) > 1]
            named = 2 * sum(map(_is_place, called)) > len(called)
            if named or _is_chinese(part, names):
                yield part
                at = end
                break
        else:
            at += 1


@cache
def _persons() -> dict[str, frozenset[str]]:
    rows = (frozenset(row.strip().split("|")) for row in _PERSONS.replace("\n", ",").split(","))
    return {word: row for row in rows for word in row if word}


def _also(name: str) -> frozenset[str]:
    """What a well-known name is called as well, in both languages."""
    folded = fold(name)
    return _persons().get(folded, frozenset()) | called_also(folded)


def _is_chinese(name: str, names: Names) -> bool:
    """Whether a name in letters is no Western one, which Chinese writes by its sound alone."""
    return _is_listed(name) or any(map(_is_name, names.spellings(name)))


@lru_cache(maxsize=4096)
def _tag(word: str) -> str:
    tagged = rjieba.tag(word, True)
    return str(tagged[0][1]) if len(word) > 1 and len(tagged) == 1 else ""


def _is_place(word: str) -> bool:
    return _tag(word) == "ns"


def _is_name(word: str) -> bool:
    return _tag(word) in _NAMED


def _is_listed(name: str) -> bool:
    folded = fold(name)
    return folded in _persons() or folded in members(CITIES)


@lru_cache(maxsize=1024)
def _han_names(text: str) -> tuple[str, ...]:
    """The names of places and persons in a Chinese text, as the segmenter takes them."""
    tagged = rjieba.tag(fold(text), True)
    named = (word for word, tag in tagged if tag in _NAMED or _is_listed(word))
    listed = [word for word in named if len(word) > 1 and HAN_CHAR.match(word)]
    return tuple(dict.fromkeys(listed))[:_MOST_NAMES]


def _wide(name: str) -> bool:
    """Whether it is a country or a region, which may be told of a place inside it."""
    folded = fold(name)
    return folded in _WIDER or folded in members(REGIONS)


def _told_in_han(name: str, sentences: Sequence[Reading], names: Names) -> bool:
    """Whether a name in letters stands in Chinese sentences, in some spelling."""
    spelt = [one for one in names.of(name) if one.text == name]
    called = [word for word in names.called(name) if len(word) > 1 or _wide(name)]
    also = [word for word in _also(name) if HAN_CHAR.match(word)]
    return any(
        any(one.stands_in(s) for one in spelt)
        or any(word in s.folded for word in called)
        or any(word in s.folded for word in also)
        or name.lower() in s.folded
        or any(names.same(word, name) for word in _han_names(s.text) if _transcribes(word))
        for s in sentences
    )


def _told_in_letters(word: str, sentences: Sequence[Reading], names: Names) -> bool:
    """Whether a name in Han characters stands in sentences in letters."""
    called = [set(one.split()) for one in names.called(word)]
    also = [other for other in _also(word) if not HAN_CHAR.match(other)]
    return any(
        any(one.han.search(word) for one in names.of(s.text))
        or any(one and one <= s.vocabulary for one in called)
        or word in s.folded
        or any(other in s.folded for other in also)
        or any(word in names.called(run[0]) for run in _CAPITALS.finditer(s.text))
        or any(names.same(word, part) for part in _capitals(s.text) if _transcribes(word))
        for s in sentences
    )


@lru_cache(maxsize=1024)
def _capitals(text: str) -> tuple[str, ...]:
    return tuple(part for run in _CAPITALS.finditer(text) for part in run[0].split(" "))


def _transcribes(word: str) -> bool:
    """Whether it may be a Western name by its sound; what is listed has all its spellings there."""
    return len(word) > 2 and not _is_listed(word)
