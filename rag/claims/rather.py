"""What is said instead of what: "the network, not computation" beside 不在网络，而在计算."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from rag.claims.statement import Reading

__all__ = ["rather"]

_MARGIN = 0.5
"""By how much the two are nearer in each other's place: a paraphrase of both is never so."""

_THING = r"(?:the |an? |its |their )?(?:[a-z'’-]+ ){0,3}?[a-z'’-]+"
_HAN_THING = r"[^，,。；;！？\s]{1,12}"
_HAN_FROM = "来自|由于|因为|出于|属于|靠"
_INSTEAD = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\bnot (?:in |by |from |with |for )?(?P<no>{_THING}),? but (?:rather )?"
        rf"(?:in |by |from |with |for )?(?P<yes>{_THING})(?=[.,;]|$)",
        rf"\b(?:is|was|are|were|in|by|from|with|to|lay|lies) (?P<yes>{_THING}),? (?:and )?"
        rf"(?:not|rather than|instead of) (?:in |by |from |with |to )?(?P<no>{_THING})(?=[.,;]|$)",
        rf"(?:不在于?|不是|并非)(?:{_HAN_FROM})?(?P<no>{_HAN_THING})[，,]?(?:而在于?|而是|[是在])"
        rf"(?:{_HAN_FROM})?(?P<yes>{_HAN_THING})",
        rf"(?:[是在]于?|{_HAN_FROM})(?P<yes>{_HAN_THING})[，,]?(?:而不在于?|而?不是|而非|不在于?)"
        rf"(?:{_HAN_FROM})?(?P<no>{_HAN_THING})",
    )
)


def rather(
    claim: Reading,
    sentences: Sequence[Reading],
    vectors: Callable[[Sequence[str]], NDArray[np.float32]],
) -> tuple[str, str] | None:
    """Where claim and evidence say one thing instead of another, and the other way round: the two
    texts."""
    mine = _instead(claim.folded)
    if mine is None:
        return None
    for sentence in sentences:
        theirs = _instead(sentence.folded)
        if theirs is None:
            continue
        rows = vectors([*mine, *theirs])
        near = rows[:2] @ rows[2:].T
        if near[0, 1] + near[1, 0] > near[0, 0] + near[1, 1] + _MARGIN:
            return claim.folded, sentence.folded
    return None


def _instead(folded: str) -> tuple[str, str] | None:
    """(what is so, what is not so)"""
    found = next(filter(None, (pattern.search(folded) for pattern in _INSTEAD)), None)
    return (found["yes"], found["no"]) if found else None
