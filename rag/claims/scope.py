"""How far a statement goes: how sure it is, of how many, up to which amount, until when.

A claim that goes further than its evidence has none but the evidence's words: "may open" told as
"opened", 至少五人 as 最多五人, "until 1957" as "in 1957".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.claims.bounds import (
    at_its_end,
    bounds_turned,
    by_or_to,
    dates_turned,
    half_or_twice,
    more_or_less,
    surely_more,
    way_turned,
)
from rag.claims.certainty import (
    ALLEGED,
    IF,
    MEANT,
    PERHAPS,
    THINKS,
    hedged,
    hedged_value,
    hedges_to_keep,
    said_at_its_end,
    unhedged,
)
from rag.claims.conditions import DEPENDS, ON, unconditional
from rag.claims.pauses import part_of
from rag.claims.shares import EVERY, PARTLY, most_of, of_more
from rag.claims.statement import Reading

__all__ = ["beyond", "limits", "outdone", "outdone_across"]


_RATHER = re.compile(r"\b(?:but|rather|instead|except)\b|而是|而非|反而|除了")
_LACKS = re.compile(
    r"\b(?:stop|ceas|fail|refus|lack|without|free|absen|ban|prohibit|forbid|avoid|reject"
    r"|den[yi]|halt"
    r"|quit|miss|lose|lost|end|clos|shut|few|little|rare|never|poor|bad|wrong"
    r"|un(?!der|i|til)\w{3}|dis(?:obe|agree|lik|connect|continu|appear|approv|allow|regard|abl)"
    r"|in(?:capable|sufficient))\w*"
    "|[停拒免缺禁避失未无非勿别]|否认|取消|反对|很少|结束|放弃|难以"
)


def outdone(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
    """Where the claim goes further than the evidence: surer, of more, or at a time that is only
    an end there."""
    return (
        outdone_across(claim, sentences)
        or unhedged(claim, sentences)
        or hedged_value(claim, sentences)
        or said_at_its_end(claim, sentences)
        or unconditional(claim, sentences)
        or of_more(claim, sentences)
        or most_of(claim, sentences)
        or more_or_less(claim, sentences)
        or at_its_end(claim, sentences)
        or half_or_twice(claim, sentences)
    )


def outdone_across(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
    """The same where the evidence is in the other language: only values tell it there."""
    return (
        bounds_turned(claim, sentences)
        or dates_turned(claim, sentences)
        or by_or_to(claim, sentences)
        or way_turned(claim, sentences)
        or surely_more(claim, sentences)
    )


def limits(sentence: Reading) -> bool:
    """Whether some part of a sentence doubts, denies or says something of fewer than all."""
    words = (PERHAPS, IF, ALLEGED, PARTLY)
    return sentence.denies or any(word.search(sentence.folded) for word in words)


def beyond(claim: Reading, part: Reading, sentence: Reading) -> tuple[str, str] | None:
    """The same as `outdone` of a claim in another language than `part`, the part of the sentence
    that is nearest to it: no words can be compared, only those that hedge, count and deny."""
    for pattern in hedges_to_keep(claim):
        within = sentence if pattern is ALLEGED else part
        if pattern in (MEANT, THINKS):
            continue
        hedge = next(hedged((pattern,), within, 0, len(within.folded)), None)
        if hedge:
            return claim.folded, within.folded[hedge.start() :]
    on = None if DEPENDS.search(claim.folded) else ON.search(sentence.folded)
    if on and len(part_of(sentence)) <= 2:
        return claim.folded, sentence.folded[on.start() :]
    every = [m for m in EVERY.finditer(claim.folded) if not (m["part"] or m["some"])]
    fewer = PARTLY.search(part.folded)
    if every and fewer and not any(m for m in EVERY.finditer(part.folded)):
        return every[0][0], fewer[0]
    return _denied(claim, sentence if claim.denies else part)


def _denied(claim: Reading, other: Reading) -> tuple[str, str] | None:
    """What is denied in one of them alone, with no word for it in the other: an opposite of the
    other's or a verb like stop and lack."""
    if claim.denies == other.denies or any(_RATHER.search(r.folded) for r in (claim, other)):
        return None
    free = other if claim.denies else claim
    opposed = any((pair, 1 - side) in claim.turned for pair, side in other.turned)
    if opposed or _LACKS.search(free.folded):
        return None
    return claim.folded, other.folded
