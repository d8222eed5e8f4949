"""Questions that ask for several things: whether one does, and its parts.

By the question words of Chinese and English alone, as `rag/asked.py`; a question of another
language asks for one thing.
"""

from __future__ import annotations

import re

from rag.fold import content_words, fold

__all__ = ["asks_several", "parts"]

_LATIN = r"\b(?:what|who|whom|whose|which|when|where|why|how)\b"
_ASKING = re.compile(
    r"什么|啥|多少|(?<![好这那十])几(?!乎)|谁|哪|怎|如何|为何|何时|何处|何地|吗(?=\W|$)|是不是|是否"
    rf"|{_LATIN}"
)
_EACH = re.compile(
    r"分别|各(?![种类位界国地个行方大级项式省市处])|[两三四几](?:位|篇|家|个)(?:作者|文章|人)|二者|两者|另一"
    r"|\b(?:both|each|respectively)\b"
)
_CLAUSE = re.compile(
    r"[^,，;；.。?？!！\n]+(?:[.,](?=\d)[^,，;；.。?？!！\n]+)*[,，;；.。?？!！\n]*"
)
_JOINED = re.compile(rf" (?=and {_LATIN})", re.IGNORECASE)

LEAST = 2  # words that a part must hold to be looked for by itself
MOST = 2  # parts that are looked for


def asks_several(folded: str) -> bool:
    """Whether a question, folded, asks for more than one thing: by two question words, or by a
    word that asks something of each of several."""
    return len(_ASKING.findall(folded)) > 1 or _EACH.search(folded) is not None


def parts(question: str) -> list[str]:
    """The first `MOST` parts of a question that ask, each with what stands before it since the last
    one; what stands after the last belongs to it. Those with too few words to be looked for are
    left out. Empty where there is one part alone.

    Args:
        question: in simplified characters.
    """
    starts = [0]
    asks = False
    for clause in _clauses(question):
        if asks:
            starts.append(clause[0])
        asks = _ASKING.search(fold(question[slice(*clause)])) is not None
    if len(starts) > 1 and not asks:
        starts.pop()
    ends = [*starts[1:], len(question)]
    found = [question[a:b].strip(" ,，;；") for a, b in zip(starts, ends, strict=True)]
    kept = [part for part in found if len(set(content_words(part))) >= LEAST]
    return kept[:MOST] if len(found) > 1 else []


def _clauses(question: str) -> list[tuple[int, int]]:
    edges: list[tuple[int, int]] = []
    for match in _CLAUSE.finditer(question):
        cuts = [match.start()]
        cuts += [joint.end() for joint in _JOINED.finditer(question, *match.span())]
        edges += zip(cuts, [*cuts[1:], match.end()], strict=True)
    return edges
