"""The answer when there is no LLM: the sentences of the passages that tell most, quoted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rag.evidence import Evidence
from rag.fold import copy_key
from rag.telling import Telling, tell

__all__ = ["Pick", "extract"]

ENOUGH = 5.0
"""A sentence that scores this much less than the best one (in log-odds) is not quoted beside it."""


@dataclass(frozen=True, slots=True)
class Pick:
    """A sentence to quote: `evidence.spans[passage][sentence]`; `score` has no unit."""

    passage: int
    sentence: int
    score: float


def extract(evidence: Evidence, limit: int = 3, telling: Telling | None = None) -> tuple[Pick, ...]:
    """At most `limit` sentences that answer the question: the most telling first, the others in
    reading order. `telling`: what `tell(evidence)` gave, where it is at hand."""
    telling = telling or tell(evidence)
    scored = telling.scores()
    picks: list[Pick] = []
    said: set[str] = set()
    for i in np.argsort(-scored, kind="stable"):
        line = telling.lines[i]
        key = copy_key(line.text)
        if key in said:
            continue
        said.add(key)
        picks.append(Pick(line.passage, line.sentence, float(scored[i])))
        if len(picks) == limit:
            break
    picks = [pick for pick in picks if pick.score > picks[0].score - ENOUGH]
    rest = sorted(picks[1:], key=lambda pick: (pick.passage, pick.sentence))
    return (*picks[:1], *rest)
