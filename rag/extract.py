"""The answer when there is no LLM: the best sentences of the passages, quoted."""

from __future__ import annotations

from dataclasses import dataclass

from rag.evidence import Evidence
from rag.fold import content_words

__all__ = ["Pick", "extract"]


@dataclass(frozen=True, slots=True)
class Pick:
    """A sentence to quote: `evidence.spans[passage][sentence]`; `score` has no unit."""

    passage: int
    sentence: int
    score: float


def extract(evidence: Evidence, limit: int = 3) -> tuple[Pick, ...]:
    """At most `limit` sentences that answer the question, the most telling first."""
    asked = set(content_words(evidence.question))
    picks = []
    for passage, spans in enumerate(evidence.spans):
        for sentence in range(len(spans)):
            cosine = float(evidence.sentence_cosines[passage][sentence])
            said = set(content_words(evidence.sentence(passage, sentence)))
            covered = len(asked & said) / len(asked) if asked else 0.0
            picks.append(Pick(passage, sentence, cosine + covered - 0.05 * passage))
    return tuple(sorted(picks, key=lambda pick: -pick.score)[:limit])
