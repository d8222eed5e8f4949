"""Who tells: an answer reports of "the author" where the essay itself says "I".

The words of the narrator, third person in a report and first person in what is reported, count as
one and the same word, in both languages.
"""

from __future__ import annotations

import re

__all__ = ["NARRATOR", "in_first_person", "tells_of_oneself"]

_FIRST_HAN = "我们|我|咱们|本人|笔者"
_REPORTED_HAN = "(?<![合工创操制写动协著])作者|日记主人|博主"
_NOUN = "author|writer|diarist|narrator|essayist|blogger|speaker"
_FIRST = r"i|we|me|us|my|our|mine|ours|myself|ourselves"

NARRATOR = re.compile(
    rf"(?:本文)?(?:{_REPORTED_HAN})|{_FIRST_HAN}|自己"
    rf"|\b(?:the|this|our)\s+(?:{_NOUN})s?(?:['’]s?)?(?!\w)|\b(?:{_FIRST})\b"
)
"""The narrator in folded text (`rag.fold.fold`), whatever the person."""

_TELLS = re.compile(rf"我|咱们|本人|笔者|筆者|咱們|\b(?:{_FIRST})\b(?!\.)", re.IGNORECASE)
_HAN = re.compile(
    "(?:本文)?(?:(?<![合工创創操制製写寫动動协協著])作者|笔者|筆者|日记主人|日記主人|博主)"
    "|^(?:他|她)(?!们|們|人|国|國)"
)
_WE_HAN = re.compile("^(?:他们|他們|她们|她們)")
_MINE = re.compile(rf"\b(?:the|this)\s+(?:{_NOUN})s?['’]s?(?!\w)", re.IGNORECASE)
_SUBJECT = re.compile(rf"\b(?:the|this)\s+(?:{_NOUN})s?\b|^(?:he|she)\b", re.IGNORECASE)
_PLURAL = re.compile(r"^they\b", re.IGNORECASE)
_POSSESSIVE = re.compile(r"\b(?:his|her)\b", re.IGNORECASE)


def tells_of_oneself(text: str) -> bool:
    """Whether the text speaks in the first person."""
    return bool(_TELLS.search(text))


def in_first_person(claim: str) -> str:
    """A report of the narrator as the narrator would say it; any other claim as it is.

    Meant for comparing meanings, not for reading: "the author works" becomes "I works". A pronoun
    counts only where it begins the claim.
    """
    told = _WE_HAN.sub("我们", _HAN.sub("我", claim))
    told = _SUBJECT.sub("I", _MINE.sub("my", _PLURAL.sub("we", told)))
    return _POSSESSIVE.sub("my", told) if told != claim else claim
