"""A model that says the same over and over, as small ones do until their tokens are used up."""

from __future__ import annotations

import re

__all__ = ["WINDOW", "loops", "stutters", "without_loop"]

TIMES, LEAST = 10, 240
"""So often, and so many characters in all: verses and tables repeat themselves less."""
LONGEST = 600
"""Characters of the longest stretch that is looked for."""
WINDOW = TIMES * LONGEST
"""How much of a text's end has to be looked at."""

_ENDS, _GOES_ON = ".。!！?？])】\n", ".。!！?？,，;；[(（【"

_WORD = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")
_NUMBERING = re.compile(r"(?:^|(?<=[\s.。!！?？;；]))\d{1,3}[.)、]\s")
_AGAIN, _WORD_AGAIN = 3, 4
"""How often a stretch of words stands in a row that nobody writes so, and how often one word."""
_LONGEST_STRETCH, _MOST_WORDS = 40, 400


def stutters(text: str) -> bool:
    """Whether the same words follow upon themselves, whatever numbers a list gives them: "a a a a",
    "in 1904 in 1904 in 1904"."""
    words = _WORD.findall(_NUMBERING.sub(" ", text).lower())[:_MOST_WORDS]
    for period in range(1, min(_LONGEST_STRETCH, len(words) // _AGAIN) + 1):
        needed = period * ((_WORD_AGAIN if period == 1 else _AGAIN) - 1)
        run = 0
        for one, other in zip(words, words[period:], strict=False):
            run = run + 1 if one == other else 0
            if run >= needed:
                return True
    return False


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
