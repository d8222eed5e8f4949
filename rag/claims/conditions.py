"""What is so under a condition, told as what is so anyhow: if, unless, 只有."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.claims.certainty import PERHAPS
from rag.claims.pauses import PART, STOP
from rag.claims.roles import pieces, words_in
from rag.claims.statement import Reading
from rag.fold import words

__all__ = ["DEPENDS", "ON", "unconditional"]

_Span = tuple[int, int]

ON = re.compile(
    r"(?<!even )(?<!as )\b(?:if|unless|only (?:if|when|where|after|with)|provided that"
    r"|as long as|in case)\b|如果|假如|假使|倘若|(?<![主只还重])要是|除非|只有|只要|一旦"
)
"""On what something depends."""
_EACH = frozenset(words("every each all any always"))
_ONLY_ON = re.compile(r"\b(?:only|unless|provided that|as long as)\b|除非|只有|只要")
_ON_BEFORE = re.compile("(?:的话|的)[,，](?=[才则就便方]?[可应须得将不])")
DEPENDS = re.compile(
    r"\b(?:if|when\w*|where|with|without|after|(?<!at )once|until|unless|only|who|subject"
    r"|condition\w*"
    r"|provided that|as long as|in case)\b"
    "|如果|假如|假使|倘若|要是|除非|一旦|条件|前提|[时后只须才]|的话"
)
"""The same, and words by which a claim may say so in another way."""


def unconditional(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
    """What is so under a condition, told without it."""
    if DEPENDS.search(claim.folded):
        return None
    whole = words_in(claim, 0, len(claim.folded)) - _EACH
    perhaps = PERHAPS.search(claim.folded) is not None
    found = None
    for sentence in sentences:
        for start, end in pieces(STOP, sentence.folded):
            parts = [(a + start, b + start) for a, b in pieces(PART, sentence.folded[start:end])]
            bound = _bound_parts(sentence, parts)
            for (a, b), (c, d) in bound:
                on = words_in(sentence, c, d)
                if perhaps and not _ONLY_ON.search(sentence.folded, c, d):
                    continue
                told, untold = words_in(sentence, a, b) & whole, len(on - whole)
                near = words_in(sentence, start, end)  # "at 600 it cracks": what "it" is
                half = 2 * len(told) > len(whole) or (len(told) > 1 and 2 * len(told) == len(whole))
                if whole <= near and half and 2 * untold >= len(on) > 0:
                    found = found or (claim.folded, sentence.folded[c:d].strip(" ,，"))
            depending = {a for (a, _), _ in bound}
            free = [part for part in parts if part[0] not in depending]
            if any(whole <= words_in(sentence, a, b) for a, b in free):
                return None
    return found


def _bound_parts(sentence: Reading, parts: Sequence[_Span]) -> list[tuple[_Span, _Span]]:
    """(what is so, on what it depends) among the parts of a sentence."""
    out: list[tuple[_Span, _Span]] = []
    for n, (start, end) in enumerate(parts):
        after = parts[n + 1] if n + 1 < len(parts) else None
        found = ON.search(sentence.folded, start, end)
        if found and sentence.folded[start : found.start()].strip():
            if found.start() - start > 3 or not after:
                out.append(((start, found.start()), (found.start(), end)))
            else:
                out.append((after, (start, end)))
        elif found and (after or n):
            out.append((after or parts[n - 1], (start, end)))
        elif after and _ON_BEFORE.search(sentence.folded, max(start, end - 4), end + 3):
            out.append((after, (start, end)))
    return out
