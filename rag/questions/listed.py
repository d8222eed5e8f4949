"""Which item of a list a follow-up means by its place: "the second one", 其中第二项, "the last".

By the ordinals of Chinese and English alone, and by what was told last: its numbered lines, or an
enumeration inside a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.fold import content_words, fold
from rag.templates import without_marks

__all__ = ["pointed_at"]

_ENGLISH = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
_NUMBERS = {
    word: n for words in ("一二三四五六七八九十", _ENGLISH) for n, word in enumerate(words, 1)
}

# 第二年 and "the second year" count something else than items.
_ITEM = "[个项点条种位层步类篇本家段句]"
_ORDINAL = re.compile(
    rf"第(?P<han>[一二三四五六七八九十]|[1-9]\d?){_ITEM}|(?P<end>(?:最后|末)一{_ITEM})"
    rf"|\b(?:the|its|their|that) (?:(?P<word>{'|'.join(_ENGLISH)})"
    r"|(?P<digits>[1-9]\d?)(?:st|nd|rd|th)|(?P<last>last))\b(?P<called>(?: [a-z]+)?)"
)
_ONE = re.compile(r"|(?:one|item|point)s?|of")

_NUMBERED = re.compile(
    r"^[ \t]*(?:[-*+•·]|[(（]?(?:\d{1,2}|[一二三四五六七八九十])[.)）、:：])[ \t]*(\S.*)$",
    re.MULTILINE,
)
_ASIDE = re.compile(r"[(（][^()（）]*[)）]")
_CLAUSE = re.compile(r"(?:[^。！？!?;；:：，\n.]|\.(?!\s|\Z))+")
_HAN_LIST = re.compile(r"、|(?:以及|和|与|及|或)(?=[^、]{1,30}\Z)")
_LATIN_LIST = re.compile(r"(?:, | )(?:and|or) (?=[^,]{1,60}\Z)|, ")
_BEFORE = re.compile(
    r".*(?:[是为有即如]|包括|分成|\b(?:of|are|is|was|were|includes?|into|as|with|names?|lists?)\b)\s*"
)
_AFTER = re.compile(r"等(?:等|\Z|[^级式于待]).*")


def pointed_at(question: str, asked: str, told: str) -> str:
    """The item of `told` that `question` names by its place, or "" where there is none.

    Args:
        question: may say "the second one".
        asked: the question before it, by whose words the items may be called ("the second reason").
        told: the answer to that.
    """
    place = _place(fold(question), asked)
    if place is None:
        return ""
    for items in _lists(without_marks(told)):
        if -len(items) <= place < len(items):
            return items[place]
    return ""


def _place(folded: str, asked: str) -> int | None:
    """The place that a folded question names, from 0, or -1 for the last."""
    found = _ORDINAL.search(folded)
    if found is None:
        return None
    called = (found["called"] or "").strip()
    if not _ONE.fullmatch(called) and not set(content_words(called)) & set(content_words(asked)):
        return None  # "the second year"
    if found["end"] or found["last"]:
        return -1
    number = found["han"] or found["digits"] or found["word"]
    return (_NUMBERS.get(number) or int(number)) - 1


def _lists(text: str) -> Iterator[list[str]]:
    """What may be meant by a list, the clearest first; each has two items or more."""
    found = [_NUMBERED.findall(text)]
    for clause in _CLAUSE.findall(_ASIDE.sub("", text)):
        parts = _HAN_LIST if "、" in clause else _LATIN_LIST
        if "、" in clause or ", " in clause:
            first, *others = parts.split(clause)
            items = [_BEFORE.sub("", first), *others[:-1], _AFTER.sub("", others[-1])]
            found.append([item.strip() for item in items])
    return (items for items in found if len(items) > 1)
