"""A model that says the same over and over, as small ones do until their tokens are used up."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = [
    "WINDOW",
    "loops",
    "only_stutters",
    "rows",
    "stutters",
    "without_loop",
    "words_of",
]

TIMES, LEAST = 10, 240
"""So often, and so many characters in all: verses and tables repeat themselves less."""
LONGEST = 600
"""Characters of the longest stretch that is looked for."""
WINDOW = TIMES * LONGEST
"""How much of a text's end has to be looked at."""

_ENDS, _GOES_ON = ".。!！?？])】\n", ".。!！?？,，;；[(（【"

_HAN = "\u3400-\u9fff"
# 4,000,000 and 8.8.8.8 are one word each
_WORD = re.compile(rf"\d+(?:[.,:/'’：，-]\d+)*|[{_HAN}]|[^\W_{_HAN}]+")
_NUMBERING = re.compile(r"(?:^|(?<=[\s.。!！?？;；]))\d{1,3}[.)、]\s")
_ROW = re.compile(r"^[^\n|]*\|[^\n|]*\|.*$", re.MULTILINE)
_AGAIN = ((4, 24), (3, 48))
"""So often, and so wide in all: what nobody writes in a row. A laugh (哈哈哈哈), 一步一步一步 and
"never, never, never, never" are less; the shortest of what models do is 图书馆 four times, or one
letter six times. Three times is enough for clauses only."""
_HAN_WIDTH, _WORD_WIDTH = 2, 4
"""How wide a Han character is, and a word at least."""
_LONGEST_STRETCH, _MOST_WORDS = 40, 400


def words_of(text: str) -> list[str]:
    """The words of a text: a number with its separators is one, and so is a Han character."""
    return _WORD.findall(text.lower())


def rows(text: str) -> list[tuple[int, int]]:
    """Where the rows of tables are, whose cells may well say the same."""
    return [row.span() for row in _ROW.finditer(text)]


def stutters(text: str) -> bool:
    """Whether the same words follow upon themselves, whatever numbers a list gives them: "in 1904
    in 1904 in 1904 in 1904". Rows of tables and rows of numbers do not count."""
    return any(_runs(_spoken(text)))


def only_stutters(text: str) -> bool:
    """Whether a text says nothing beside the words that follow upon themselves."""
    words = _spoken(text)
    return len(words) in _runs(words)


def _spoken(text: str) -> list[str]:
    return words_of(_NUMBERING.sub(" ", _ROW.sub("", text)))[:_MOST_WORDS]


def _runs(words: list[str]) -> Iterator[int]:
    """How many words each stretch takes that stands too often in a row."""
    widths = [_width(word) for word in words]
    for period in range(1, min(_LONGEST_STRETCH, len(words) // _AGAIN[-1][0]) + 1):
        start = 0
        for at in range(period, len(words) + 1):
            if at < len(words) and words[at] == words[at - period]:
                continue
            times, width = (at - start) // period, sum(widths[start:at])
            many = any(times >= often and width >= wide for often, wide in _AGAIN)
            if many and any(map(_is_said, words[start : start + period])):
                yield at - start
            start = at - period + 1


def _width(word: str) -> int:
    return _HAN_WIDTH if "\u3400" <= word <= "\u9fff" else max(_WORD_WIDTH, len(word))


def _is_said(word: str) -> bool:
    """Whether a word is more than a number."""
    return any(map(str.isalpha, word))


def loops(text: str) -> bool:
    """Whether a text ends in the same stretch again and again."""
    return _period(text) > 0


def without_loop(text: str) -> str:
    """The text with what it repeats at its end said once."""
    period = _period(text)
    if not period:
        return text
    begin = len(text) - period
    while begin and text[begin - 1] == text[begin - 1 + period]:
        begin -= 1
    once = begin + period
    whole = (at for at in range(once, once + period) if _between(text, at))
    return text[: next(whole, once)].rstrip()


def _between(text: str, at: int) -> bool:
    """Whether a sentence with its marks ends here."""
    before, after = text[:at].rstrip(" "), text[at : at + 1]
    pointed = before.endswith(".") and len(before) == at  # 3.5
    return before[-1:] in _ENDS and after not in _GOES_ON and not pointed


def _period(text: str) -> int:
    """The length of what the text ends in many times, the shortest; 0 where there is nothing."""
    for period in range(1, min(LONGEST, len(text) // TIMES) + 1):
        size = max(TIMES * period, LEAST)
        if size <= len(text) and text[-size + period :] == text[-size:-period]:
            return period if any(c.isalnum() for c in text[-period:]) else 0
    return 0
