"""Questions that ask for several things: whether one does, and its parts.

By the question words of Chinese and English alone, as `rag/questions/asked.py`; a question of
another language asks for one thing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import permutations

from rag.fold import content_words, fold
from rag.questions.asked import ASKING
from rag.questions.asked import ENGLISH_ASKING as _LATIN

__all__ = ["Parts", "asks_several", "assigned", "parts"]

_OF_EACH = r"分别|各(?![种类位界国地个行方大级项式省市处])"
_SAME = re.compile(rf"{_OF_EACH}|\b(?:both|each|respectively)\b")
_EACH = re.compile(
    rf"{_OF_EACH}|[两三四几](?:位|篇|家|个)(?:作者|文章|人)|二者|两者|另一"
    r"|\b(?:both|each|respectively)\b"
)
_CLAUSE = re.compile(
    r"[^,，;；.。?？!！\n]+(?:[.,](?=\d)[^,，;；.。?？!！\n]+)*[,，;；.。?？!！\n]*"
)
_ASIDE = re.compile(r"\s*(?!(?:and|or|but|while|whereas|what|how|why|when)\b)[a-z]", re.IGNORECASE)
_COLON = re.compile(r"[^:：?？]*[:：]\s*")
_LEAD_ENDS = re.compile(r"[;；。!！]\s*|[,，]\s*|\.\s+")
_ENDS = re.compile(r"[?？.。!！]\s*$")
_SENTENCE = re.compile(r".*[?？]", re.DOTALL)
_JOINED = re.compile(rf" (?=and {_LATIN})", re.IGNORECASE)

LEAST = 2  # words that a part must hold to be looked for by itself
MOST = 3  # parts that are looked for

# Several are named and the same is asked of each: "A、B和C，分别…", "A和B各…", "the A and the B
# each". What a preposition leads to is named without it: "在A和B里各…" asks 在A and 在B.
_STOPS = ",，;；.。?？!！:：\n"
_ITEM = rf"[^{_STOPS}、]{{1,24}}?"
_LISTED = re.compile(
    rf"(?P<items>(?:{_ITEM}、)*{_ITEM}(?:、|和|与|跟|以及){_ITEM})"
    rf"(?P<each>[,，]?\s*(?:又|都|也|究竟)?(?:{_OF_EACH})自?|[,，]?\s*都(?=[说讲谈提]))"
)
_TOPICS = re.compile(
    rf"(?P<items>(?:{_ITEM}、)*{_ITEM}(?:、|和|与|跟|以及){_ITEM})(?P<each>)"
    r"(?=[,，]|[是在怎有被把会要又对从]|如何|为什|说|花|哪|谁|多少|什么)"
)
_LATIN_ITEM = (
    r"(?:the|a|an|(?!(?:Wh|How|Did|Do|Does|In|Of)\w*\b)[A-Z][\w'’]*)(?: (?!and\b)[\w'’-]+){0,5}?"
)
_LATIN_LISTED = re.compile(
    rf"(?P<items>{_LATIN_ITEM}(?:, {_LATIN_ITEM})*,? and {_LATIN_ITEM})(?P<each>,? (?:each|both)\b)"
)
_BETWEEN = re.compile(r"、|和|与|跟|以及|,? and |, ")
_LEADS = re.compile(r"^(?P<lead>.*?(?:在|对|给|于|向)).")


def asks_several(folded: str) -> bool:
    """Whether a question, folded, asks for more than one thing: by two question words, or by a
    word that asks something of each of several."""
    return len(ASKING.findall(folded)) > 1 or _EACH.search(folded) is not None


@dataclass(frozen=True, slots=True)
class Parts:
    """What a question asks for, each to be looked for by itself. `same`: the same is asked of each
    of several, which mostly stand in different essays."""

    questions: tuple[str, ...] = ()
    same: bool = False


def parts(question: str) -> Parts:
    """The first `MOST` parts of a question that asks for several things; none where it asks for one
    alone.

    Where the same is asked of each of several, the question for each; else the clauses that ask,
    each with what stands before it since the last one. What the first leads in with holds for all.

    Args:
        question: in simplified characters.
    """
    of_each = _of_each(question)
    found = of_each or _asking(question)
    kept = tuple(part for part in found if len(set(content_words(part))) >= LEAST)
    return Parts(kept[:MOST], bool(of_each)) if len(found) > 1 else Parts()


def assigned(scores: Sequence[Mapping[str, float]]) -> tuple[str, ...]:
    """The essay for each part, another one for each, so that the sum of scores is highest. Empty
    where there are too few.

    Args:
        scores: of each part, by essay, the best that was found for it.
    """
    near = [nlargest(len(scores), part, key=part.__getitem__) for part in scores]
    essays = sorted(set().union(*near))  # one of the best of each part is always free
    low = min((value for part in scores for value in part.values()), default=0.0) - 1.0
    return max(
        permutations(essays, len(scores)),
        key=lambda chosen: sum(
            part.get(essay, low) for part, essay in zip(scores, chosen, strict=True)
        ),
        default=(),
    )


def _asking(question: str) -> list[str]:
    """The clauses that ask, each with what stands before it; a first sentence that the next one
    asks in parts holds for all of these. An English clause that neither asks nor goes on with "and"
    belongs to the one before its comma."""
    starts, asks, before = [0], False, ""
    for start, end in _clauses(question):
        text = question[start:end]
        aside = before.endswith(",") and _ASIDE.match(text)
        if asks and not aside:
            starts.append(start)
            asks = False
        asks = asks or _asks(text)
        before = text.rstrip()
    if len(starts) > 1 and not asks:
        starts.pop()
    ends = [*starts[1:], len(question)]
    first, *others = (question[a:b].strip(" ,，;；") for a, b in zip(starts, ends, strict=True))
    if len(others) > 1 and _SENTENCE.fullmatch(first) and not any(map(_ENDS.search, others[:-1])):
        return [first + other for other in others]
    lead = _lead(first)
    return [first, *(other if _lead(other) else lead + other for other in others)]


def _lead(part: str) -> str:
    """What stands before the clause, or the colon, after which a part asks."""
    colon = _COLON.match(part)
    ends = [match.end() for match in _LEAD_ENDS.finditer(part) if not _asks(part[: match.end()])]
    return part[: max([colon.end() if colon else 0, *ends])]


def _asks(text: str) -> bool:
    return ASKING.search(fold(text)) is not None


def _of_each(question: str) -> list[str]:
    """The question for each of several of which it asks the same; empty where it does not."""
    listed = _LISTED.search(question) or _LATIN_LISTED.search(question)
    if not listed and _SAME.search(fold(question)):
        listed = _TOPICS.search(question)
    if not listed:
        return []
    before, after = question[: listed.start()], question[listed.end() :]
    return [f"{before}{item}{after}" for item in _items(listed["items"])]


def _items(listed: str) -> Iterator[str]:
    first, *others = _BETWEEN.split(listed)
    yield first
    led = _LEADS.match(first)
    for other in others:
        alone = led is None or _LEADS.match(other) is not None
        yield other if led is None or alone else led["lead"] + other


def _clauses(question: str) -> list[tuple[int, int]]:
    edges: list[tuple[int, int]] = []
    for match in _CLAUSE.finditer(question):
        cuts = [match.start()]
        cuts += [joint.end() for joint in _JOINED.finditer(question, *match.span())]
        edges += zip(cuts, [*cuts[1:], match.end()], strict=True)
    return edges
