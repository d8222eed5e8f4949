"""How a character is read, in brackets behind it: 重(zhòng), 的(de), 中(ㄓㄨㄥ).

Every pattern is linear: no nested repetition, and what it repeats excludes what it ends with.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rag.text.lines import Cut, Line

__all__ = ["HAN", "glosses"]

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Chinese characters, for a class in a pattern."""

_TONED = str.maketrans("āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜüńňǹ", "aaaaeeeeiiiioooouuuuvvvvvnnn")
_TONES = frozenset("āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜńňǹ")
_GLOSS = re.compile(
    rf"(?<=[{HAN}])([a-z]?)[(（?]([a-zāáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜüńňǹ'’ ]{{1,40}})[)）]"
    rf"|(?<=[{HAN}])()[(（]([\u3105-\u312f\u31a0-\u31bfˊˇˋ˙ ]{{1,12}})[)）]"
)
_SYLLABLE = re.compile(
    r"(?:(?:[zcs]h|[bpmfdtnlgkhjqxzcsryw])?(?:iang|iong|uang|ang|eng|ing|ong|ian|iao|uai|uan|"
    r"ai|an|ao|ei|en|er|ia|ie|in|iu|ou|ua|ue|ui|un|uo|ve|a|e|i|o|u|v)[ '’]?)"
)
_SYLLABLES = re.compile(f"{_SYLLABLE.pattern}+")
_WORD = re.compile(f"[{HAN}]*$")
_NEUTRAL = {"的": "de", "地": "de", "得": "de", "了": "le", "着": "zhe", "著": "zhe", "吗": "ma"}
_NEUTRAL |= {"嗎": "ma", "嘛": "ma", "呢": "ne", "吧": "ba", "们": "men", "們": "men", "么": "me"}
_NEUTRAL |= {"麼": "me", "子": "zi", "个": "ge", "個": "ge", "啊": "a", "头": "tou", "頭": "tou"}


def glosses(text: str, line: Line) -> Iterable[Cut]:
    """The glosses of a line."""
    for match in _GLOSS.finditer(text, line.start, line.end):
        opening = match.end(1) if match[1] is not None else match.start()
        gloss = (match[2] or "").strip()
        if match[4] is not None:
            yield Cut(match.start(), match.end(), "gloss")
        elif _reads(gloss, text[max(match.start() - len(gloss), line.start) : match.start()]) or (
            text[opening] != "?" and _NEUTRAL.get(text[opening - 1]) == gloss
        ):
            yield Cut(opening, match.end(), "gloss")


def _reads(gloss: str, before: str) -> bool:
    """Whether a gloss may be how the characters at the end of `before` are read. It has no more
    syllables than they are, and the first has a tone: 咖啡(café) is a word of another language."""
    bare = gloss.translate(_TONED)
    if not _SYLLABLES.fullmatch(bare):
        return False
    syllables = _SYLLABLE.findall(bare)
    word = _WORD.search(before)
    toned = any(letter in _TONES for letter in gloss[: len(syllables[0])])
    return toned and word is not None and len(syllables) <= len(word[0])
