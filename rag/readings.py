"""What a reader makes of the passages beside a question.

Who puts passages in order, who quotes and who judges whether there is an answer look at some each,
often the same ones. A pass through the reader is the dearest part of an answer without a model:
what is handed in as `read` remembers what it has just read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rag.evidence import Evidence
from rag.schema import Hit

__all__ = ["POOL", "READ", "SURE", "Read", "Readings", "by_reading"]

Vector = NDArray[np.float32]
Read = Callable[[str, Sequence[str]], Sequence[Vector]]

SURE = 12.0
"""Log-odds of the reader: what is beyond says no more."""

READ = 5  # passages: all that an answer is made from by default

POOL = 8
"""Passages that are looked at to choose from."""

WORTH = 0.2
"""What the reader's log-odds weigh beside those of retrieval."""


def by_reading(question: str, hits: Sequence[Hit], read: Read) -> list[Hit]:
    """The best `POOL` passages in the order of what retrieval and the reader say together (signal
    "reading"), then the others. Those that stand for a part of the question keep their place.

    Args:
        question: standing alone.
        hits: best first.
        read: takes the question and n texts and returns the log-odds of their sentences, or [].
    """
    pool = hits[:POOL]
    told = read(question, [hit.passage.text for hit in pool])
    if not told:
        return list(hits)
    scored = [_scored(hit, part) for hit, part in zip(pool, told, strict=True)]
    free = sorted((hit for hit in scored if "part" not in hit.signals), key=lambda hit: -hit.score)
    others = iter(free)
    return [*(hit if "part" in hit.signals else next(others) for hit in scored), *hits[POOL:]]


def _scored(hit: Hit, part: Vector) -> Hit:
    reading = float(np.clip(part.max(), -SURE, SURE)) if len(part) else -SURE
    score = hit.score + WORTH * reading
    return replace(hit, score=score, signals={**hit.signals, "reading": reading})


class Readings:
    """The passages of `evidence`, read when they are asked for.

    Args:
        evidence: the question and its passages.
        read: takes the question and n texts and returns the log-odds of their sentences, or [].
    """

    def __init__(self, evidence: Evidence, read: Read) -> None:
        self.evidence = evidence
        self._read = read

    def of(self, passages: Sequence[int]) -> dict[int, Vector]:
        """By passage, the log-odds that each of its sentences answers, −12 … 12; without those that
        hold no sentence. Empty without a reader."""
        texts = [self.evidence.passages[p].text for p in passages]
        told = self._read(self.evidence.question, texts)
        pairs = zip(passages, told, strict=False)  # [] without a reader
        return {p: np.clip(part, -SURE, SURE) for p, part in pairs if len(part)}
