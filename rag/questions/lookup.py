"""Questions that look for what is spoken of: a few words, or which essays speak of something.

By the phrases of Chinese and English alone.
"""

from __future__ import annotations

import re

from rag.fold import content_words, language, simplified

__all__ = ["asks_which_essays", "keywords"]

_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_SENTENCE = re.compile(
    r"[?？]|\b(?:wh(?:at|o|om|ose|ich|en|ere|y)s?|how|is|are|was|were|do|does|did|has|have|can)\b"
    r"|什么|啥|咋|怎|谁|哪|多少|几|吗|为何|何|呢|吧",
    re.IGNORECASE,
)
_COMMAND = re.compile(
    r"^(?:please |pls )?(?:tell me|describe|explain|define|discuss|show me|find|search(?: for)?"
    r"|look up)(?: more)?(?: about)?\b"
    r"|^请?(?:介绍|解释|说明|描述|谈谈|讲讲|说说|查找?|搜索|找)(?:一下|下)?",
    re.IGNORECASE,
)
_ESSAYS = (
    r"(?:of )?(?:the |these |my )?"
    r"(?:essays?|articles?|posts?|texts?|files?|documents?|papers?|authors?)"
)
_SPEAK = (
    r"(?:mentions?|talks? (?:about|of)|discuss(?:es)?|covers?|deals? with|speaks? (?:about|of)"
    r"|writes? about|(?:is|are) about|refers? to)"
)
_HAN_SPEAK = "(?:提到|提及|讲到?|谈到?|说到|写到?|讨论|涉及|谈论|关于)[了过]?"
_WHICH_ESSAYS = re.compile(
    rf"^(?:in )?which (?:ones? )?{_ESSAYS} {_SPEAK}\b|^do(?:es)? any {_ESSAYS} {_SPEAK}\b"
    rf"|^(?:is|are) there (?:an? |any |some )?{_ESSAYS} (?:about|on|that mentions?)\b"
    rf"|^(?:这些文章里?)?(?:有没有|有|在)?哪[一几些]?[篇个]?(?:文章|文件|作者)?(?:里面?|中)?[都也有]?{_HAN_SPEAK}"
    rf"|^有没有(?:文章|哪篇(?:文章)?)?{_HAN_SPEAK}",
    re.IGNORECASE,
)
_FEW_WORDS, _FEW_HAN = 3, 8


def asks_which_essays(question: str) -> bool:
    """Whether it is asked which essays speak of something."""
    return _WHICH_ESSAYS.search(simplified(question).strip()) is not None


def keywords(question: str) -> str:
    """What is looked for by a few words that are no question, "" in any other: "quantum computers",
    讲讲华为, "Which essays mention Huawei?".

    What is so asked for must be there, by name or by translation: nothing else is said of it.
    """
    said = simplified(question).strip()
    found = _WHICH_ESSAYS.search(said) or _COMMAND.search(said)
    rest = (said[found.end() :] if found else said).strip(" ,，。.?？!！的")
    plain = found is not None and found.re is _WHICH_ESSAYS
    if not content_words(rest) or (_SENTENCE.search(said) and not plain):
        return ""
    han = len(re.findall(f"[{_HAN}]", rest))
    few = han <= _FEW_HAN if han else len(set(content_words(rest))) <= _FEW_WORDS
    return rest if few and language(rest) in ("zh", "en") else ""
