"""What passages say in short, without a model: the sentences nearest to what all of them say."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from rag.evidence import Evidence, Pick
from rag.fold import copy_key, language
from rag.questions.about import says
from rag.questions.asked import is_question

__all__ = ["gist"]

Vector = NDArray[np.float32]
Vectors = Callable[[Sequence[str]], Vector]

_ENDS = re.compile(r"[.。！!…][\"'”’」』）)\]]*$")
_SCRAP = 0.3  # of a cosine: what a question, a heading or a field of a front matter loses
_LIKED = 0.1  # what a sentence in the question's language gains beside its translation
_TOLD = 1.0  # what an essay's own summary gains, and its title loses
_SHORTEST = 12  # characters of a sentence that says something


def gist(evidence: Evidence, vectors: Vectors, limit: int = 3) -> tuple[Pick, ...]:
    """The sentences that stand for the passages, in reading order: of one essay at most `limit`,
    of several the best of each.

    A sentence's score is the cosine of its vector with the mean of all those of its essay and with
    its title (a centroid as in MEAD: Radev et al. 2004).

    Args:
        vectors: n texts → unit rows [n, d].
    """
    found = [
        Pick(passage, sentence, score)
        for source in dict.fromkeys(passage.source for passage in evidence.passages)
        for passage, sentence, score in _scored(evidence, vectors, source)
    ]
    sources = [passage.source for passage in evidence.passages]
    best: dict[str, Pick] = {}
    for pick in sorted(found, key=lambda pick: -pick.score):
        several = len(set(sources)) > 1
        key = sources[pick.passage] if several else copy_key(_text(evidence, pick))
        if several or len(best) < limit:
            best.setdefault(key, pick)
    return tuple(sorted(best.values(), key=lambda pick: (pick.passage, pick.sentence)))


def _text(evidence: Evidence, pick: Pick) -> str:
    return evidence.sentence(pick.passage, pick.sentence)


def _scored(evidence: Evidence, vectors: Vectors, source: str) -> list[tuple[int, int, float]]:
    """(passage, sentence, score) of each sentence of one essay."""
    of_essay = [p for p, passage in enumerate(evidence.passages) if passage.source == source]
    places = [(p, s) for p in of_essay for s in range(len(evidence.spans[p]))]
    texts = [evidence.sentence(*place) for place in places]
    if not texts:
        return []
    name = evidence.passages[of_essay[0]].title
    title, *rows = vectors([name, *texts])
    middle = _unit(_unit(np.mean(rows, axis=0)) + title)
    asked = language(evidence.question)
    return [
        (*place, float(row @ middle) + _worth(text, name) + _LIKED * (language(text) == asked))
        for place, row, text in zip(places, rows, texts, strict=True)
    ]


def _unit(vector: Vector) -> Vector:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)


def _worth(text: str, title: str) -> float:
    """What a sentence gains or loses by its form; the title is shown anyway."""
    if says("gist", text):
        return _TOLD
    if copy_key(text) == copy_key(title):
        return -_TOLD
    whole = _ENDS.search(text.rstrip()) and len(text) >= _SHORTEST and not is_question(text)
    return 0.0 if whole else -_SCRAP
