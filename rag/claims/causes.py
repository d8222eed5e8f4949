"""A cause that a claim gives and its evidence does not: "because", where nothing says why."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from rag.claims.certainty import tells
from rag.claims.roles import causes, words_in
from rag.claims.statement import Reading

__all__ = ["other_cause"]

_LIKE = 0.5  # cosine of two causes: what is under it is another one

_BECAUSE = re.compile(
    r"\b(?:because|due to|owing to|as a result of|thanks to|caused by|led to|resulted in)\b"
    r"|因为|由于|导致|归因于|是因|多亏"
)
_BLAMES = re.compile(r"\b(?:blam\w+|attribut\w+ \w+ to)\b|归咎|怪罪")
# Generous: whatever could be meant as a reason.
_WHY = re.compile(
    r"\b(?:because|since|as (?=an?\b|the\b|he|she|it|they|we|i\b|there|his|her|their|my|our)"
    r"|due|owing|so|therefore|thus"
    r"|hence|thereby|reasons?|why|caus\w+|leads?|led|leading|result\w*|thanks"
    r"|ma[dk]es? (?:it|him|her|them|us|me|sure|the|his|their)|making"
    r"|forc\w+"
    r"|enabl\w+|allow\w*|help\w*|in order|when|after|once|if|without|given|blam\w+|attribut\w+"
    r"|dr[io]ve\w*|prompt\w*|trigger\w*|explain\w*|mean[st]?|meaning|depend\w*|contribut\w+|stem\w*"
    r"|consequen\w+|effects?|impacts?|respon\w+|motiv\w+|inspir\w+|convinc\w+|persuad\w+"
    r"|fear\w*|want\w*"
    r"|hop(?:e|ed|ing)|afraid|too|enough|need\w*|for (?:the )?(?:sake|fear|lack)|let|kept"
    r""
    r"|produc\w+|creat\w+|damag\w+|destroy\w+|kill\w*|by \w+ing|to (?:avoid|prevent|make"
    r"|get|save|keep|be))\b"
    r"|[因故使令害迫逼怪靠]|由于|所以|导致|让|造成|引起|为了|以便|于是|才|从而|结果|原因|理由"
    r"|出于|源于|多亏|归功|便(?!宜)|就|想|怕|后"
)


def other_cause(
    claim: Reading,
    near: Sequence[Reading],
    vectors: Callable[[Sequence[str]], NDArray[np.float32]],
) -> tuple[str, str] | None:
    """The claim's cause, where the evidence says nothing of causes; or where it gives another one
    for the same effect: (the claim's, the evidence's)."""
    because = _BECAUSE.search(claim.folded)
    if because is None:
        return None
    blamed = next(filter(None, (_BLAMES.search(s.folded) for s in near)), None)
    if blamed and not tells(claim):
        return because[0], blamed[0]
    if not any(_WHY.search(s.folded) for s in near):
        return because[0], near[0].folded
    return _instead(claim, near, vectors)


def _instead(
    claim: Reading,
    near: Sequence[Reading],
    vectors: Callable[[Sequence[str]], NDArray[np.float32]],
) -> tuple[str, str] | None:
    for mine, effect in causes(claim.folded):
        others = []
        for sentence in near if claim.han == near[0].han else ():
            for theirs, same in causes(sentence.folded):
                if _alike(claim, effect, sentence, same):
                    others.append(sentence.folded[slice(*theirs)].strip(" ,，.。"))
        cause = claim.folded[slice(*mine)].strip(" ,，.。")
        said = any(words_in(claim, *mine) & words_in(s, 0, len(s.folded)) for s in near)
        if others and not said:
            rows = vectors([cause, *others])
            if float((rows[1:] @ rows[0]).max()) < _LIKE:
                return cause, others[0]
    return None


def _alike(
    claim: Reading, effect: tuple[int, int], sentence: Reading, other: tuple[int, int]
) -> bool:
    one, two = words_in(claim, *effect), words_in(sentence, *other)
    return 2 * len(one & two) >= len(one) > 0
