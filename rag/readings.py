"""What a reader makes of the passages beside a question, each of which is read once.

Whoever quotes and whoever judges whether there is an answer look at some passages each, often the
same ones, and a pass through the reader is the dearest part of an answer without a model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from rag.evidence import Evidence

__all__ = ["READ", "SURE", "Read", "Readings"]

Vector = NDArray[np.float32]
Read = Callable[[str, Sequence[str]], Sequence[Vector]]

SURE = 12.0
"""Log-odds of the reader: what is beyond says no more."""

READ = 5  # passages: all that an answer is made from by default


class Readings:
    """The passages of `evidence`, read when they are asked for.

    Args:
        evidence: the question and its passages.
        read: takes the question and n texts and returns the log-odds of their sentences, or [].
    """

    def __init__(self, evidence: Evidence, read: Read) -> None:
        self.evidence = evidence
        self._read = read
        self._known: dict[int, Vector] = {}

    def of(self, passages: Sequence[int]) -> dict[int, Vector]:
        """By passage, the log-odds that each of its sentences answers, −12 … 12; without those that
        hold no sentence. Empty without a reader."""
        new = [p for p in dict.fromkeys(passages) if p not in self._known]
        if new:
            texts = [self.evidence.passages[p].text for p in new]
            told = self._read(self.evidence.question, texts)
            for p, part in zip(new, told, strict=False):  # [] without a reader
                self._known[p] = np.clip(part, -SURE, SURE)
        return {p: self._known[p] for p in passages if len(self._known.get(p, ()))}
