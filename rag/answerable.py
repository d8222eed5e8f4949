"""The calibrated probability that the passages hold the answer."""

from __future__ import annotations

from collections.abc import Sequence

from rag.evidence import Evidence
from rag.schema import Verdict

__all__ = ["answerable", "with_answer"]


def answerable(evidence: Evidence) -> float:
    """Probability, 0…1, that `evidence.passages` hold the answer to `evidence.question`."""
    if not evidence.passages:
        return 0.0
    best = max((float(c.max()) for c in evidence.sentence_cosines if c.size), default=0.0)
    return min(max(best, 0.0), 1.0)


def with_answer(probability: float, refused: bool, verdicts: Sequence[Verdict]) -> float:
    """The probability once a model has answered: its refusal and the verdicts count too."""
    if refused:
        return min(probability, 0.1)
    scores = [verdict.score for verdict in verdicts if verdict.label != "unchecked"]
    return max(probability, sum(scores) / len(scores)) if scores else probability
