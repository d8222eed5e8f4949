"""Questions about an essay as a whole: who wrote it, when, or what it is about.

By the phrases of Chinese and English alone. "What does the diary say about bread?" is none: that
stands in a passage.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from rag.fold import content_words, fold

__all__ = ["About", "Aspect", "about", "asks_of_all", "says"]

Aspect = Literal["author", "date", "gist"]


@dataclass(frozen=True, slots=True)
class About:
    """What is asked of which essay.

    `topic`: the content words that say which one is meant; none: all there are. `named`: the
    question says that it speaks of an essay. Else the topic may be an essay's title, or not.
    """

    aspect: Aspect
    topic: tuple[str, ...]
    named: bool


_ANY = (
    r"\b(?:essays?|articles?|posts?|texts?|pages?|pieces?|files?|documents?|papers?"
    r"|corpus|collection|folder)\b(?!-)"
)
_SOME = r"\b(?:blogs?|diary|diaries|journals?|notes?|interviews?|reports?|letters?)\b"
_HAN_ANY = (
    "文集|文章|文档|文件|文本|全文|本文|随笔|帖子|论文|[这那][几些]?篇|[每各]篇"
    "|这些(?=都|主要|讲|说|写|$)"
)
_HAN_SOME = "日记|博客|笔记|报告|访谈|资料|材料"
_ESSAY = re.compile(f"{_ANY}|{_HAN_ANY}")
_LOOSELY = re.compile(f"{_ESSAY.pattern}|{_SOME}|{_HAN_SOME}")

_WRITTEN = r"(?:writ(?:e|ten)|published?|posted|updated)"
_HAN_WRITE = "(?:撰写|写|发表|发布|更新|刊登)"
_WHEN = "(?:什么时候|什么时间|何时|哪一?[天年月日]|几月几[日号])"
_WHAT = "(?:什么|啥|哪些)"

_PHRASES: tuple[tuple[Aspect, str], ...] = (
    (
        "author",
        r"\bwho (?:wrote|authored|penned)\b"
        r"|\bwho(?: i|['’]|)s the (?:author|writer) of\b|\bwho are the (?:authors|writers) of\b"
        r"|\bnames? of the (?:author|writer)s?(?: of)?\b"
        r"|^who (?:is|are) the (?:author|writer)s?\W*$"
        rf"|(?:是|由)?(?:谁|哪位|哪些人|什么人){_HAN_WRITE}的?[了过]?"
        rf"|的?作者们?的?(?:是|叫)(?:谁|{_WHAT}名字|{_WHAT}人|{_WHAT})"
        rf"|的?作者的(?:名字|姓名)(?:[是叫]{_WHAT})?|谁是(?=.{{1,40}}作者)|出自谁(?:之?手)?",
    ),
    (
        "date",
        rf"\bwhen (?:was|were|did)\b(?=.*\b{_WRITTEN}\b)"
        rf"|\b(?:what|which) (?:date|day|month|year)\b(?=.*\b{_WRITTEN}\b)"
        rf"|[是在]?{_WHEN}{_HAN_WRITE}的?了?|的?{_HAN_WRITE}[于在]{_WHEN}"
        rf"|的?{_HAN_WRITE}的?(?:日期|时间)(?:是{_WHEN})?",
    ),
    (
        "gist",
        r"^(?:please |can you |could you )?(?:give (?:me )?|write |provide )?"
        r"(?:an? |the )?(?:\w+ )?(?:summari[sz]e|summary|summaries|overview|gist|outline|tl;?dr)\b"
        r"(?: of)?"
        r"|^(?:and |so )?what(?:(?: i|['’]|)s| are)(?= .*\babout\W*$)"
        r"|^what (?:do|does)(?= .*\b(?:talk about|discuss|cover|deal with|argue)\W*$)"
        r"|^what (?:is|are|['’]s) the (?:main|key|central|core) "
        r"(?:points?|ideas?|arguments?|topics?|themes?|messages?|thes[ei]s|claims?|takeaways?)\b"
        r"(?: of| in)?"
        r"|^what (?:topics|subjects|themes)\b"
        r"|^(?:请|麻烦|帮我|帮忙|能否|可以|你)*(?:简单|简要|简短|大致|用.{1,4}句?话|一句话)?地?"
        r"(?:总结|概括|归纳|概述|介绍)(?:一下|下)?"
        r"|(?:主要|大概|大致|都|分别|到底|究竟)*是?(?:在|想)?(?:讲|说|写|谈|讨论|论述|介绍|关于)[了的]?"
        rf"是?一?些?{_WHAT}(?:内容|话题|主题|的)?\W*$"
        r"|的?(?:主要|大概|核心|中心)的?(?:内容|观点|思想|论点|主题|话题|意思|大意)(?:是什么|有哪些|是啥)?"
        r"|的?(?:主旨|大意|梗概|主题|内容提要)是(?:什么|啥)\W*$",
    ),
)  # fmt: skip
_FEELS_ABOUT = re.compile(
    r"\b(?:worr(?:y|ied)|sad|happy|unhappy|angry|anxious|nervous|excited|enthusiastic|optimistic"
    r"|pessimistic|s[ck]eptical|concerned|curious|proud|sure|certain|wrong|right|upset|sorry|glad"
    r"|passionate|serious|afraid|complain\w*|warn\w*|car(?:es?|ing)|dreaming|thinking) about\W*$"
)
_TOWARDS = re.compile("[对对于跟向就][^，,。]{1,20}(?:讲|说|写|谈)")
_EMPTY = re.compile(
    rf"\b(?:{_WRITTEN}|authors?|about|titled|entitled|called|all|each|briefly|talk|discuss|cover|deal"
    r"|argue|main|key|s)\b|题为|名为|标题|所有|全部|分别|内容|主要|观点|作者|总结|哪天|一下"
)  # fmt: skip

_WHOLE = re.compile(r"\b(?:main|key|topics|themes|authors?)\b|主要|主旨|大意|作者")


def about(question: str) -> About | None:
    """What a question asks of an essay as a whole; None where it asks for something in it."""
    folded = fold(question).strip()
    for aspect, found in ((aspect, phrase.search(folded)) for aspect, phrase in _phrases()):
        felt = _TOWARDS.search(folded) or _FEELS_ABOUT.search(folded)
        if found is None or (aspect == "gist" and felt):
            continue
        rest = f"{folded[: found.start()]} {folded[found.end() :]}"
        topic = tuple(dict.fromkeys(content_words(_EMPTY.sub(" ", _ESSAY.sub(" ", rest)))))
        essay = _LOOSELY if aspect == "gist" else _ESSAY
        named = essay.search(folded) is not None or (
            not topic and _WHOLE.search(folded) is not None
        )
        return About(aspect, topic, named) if named or topic else None
    return None


_ALL = re.compile(
    r"\b(?:these|those|all|the|my|your) (?:\w+ )?"
    r"(?:essays|articles|posts|texts|files|documents|papers)\b"
    r"|这些|那些|所有|全部|每篇|各篇|[几五六七八九十]篇"
)


def asks_of_all(question: str) -> bool:
    """Whether a question is about all essays as a whole, so that no conversation narrows it."""
    asked = about(question)
    return asked is not None and not asked.topic and _ALL.search(fold(question)) is not None


@cache
def _phrases() -> tuple[tuple[Aspect, re.Pattern[str]], ...]:
    return tuple((aspect, re.compile(phrases)) for aspect, phrases in _PHRASES)


_FIELDS: dict[Aspect, str] = {
    "author": r"(?:authors?|(?:written )?by|作\s?者|撰文|文)\s*[:：/]",
    "date": r"(?:date|published|created|updated|posted|日期|时间|(?:发布|发表|更新)(?:时间|日期)?)"
    r"\s*[:：]"
    r"|(?:写|发表|发布|更新)于",
    "gist": r"(?:description|summary|abstract|excerpt|摘要|简介|导读|内容提要)\s*[:：]",
}


def says(aspect: Aspect, line: str) -> bool:
    """Whether a line is a field that says it: "author: Ann", 摘要：……"""
    return re.match(_FIELDS[aspect], fold(line)) is not None
