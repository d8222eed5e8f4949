"""What the passages say about a question, measured once for all who judge it.

Extraction and the answerable probability look at the same passages with the same vectors; this is
what they both get, so that nothing is embedded twice for one question.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.schema import Passage
from rag.sentences import sentence_spans

__all__ = ["Evidence", "gather"]

Vector = NDArray[np.float32]
Cosines = Callable[[str, Sequence[str]], Vector]


@dataclass(frozen=True)
class Evidence:
    """A question beside the passages that may answer it, best passage first.

    `spans[p]` are the sentences of `passages[p].text`. `passage_cosines[p]` compares the question
    with the whole passage (passage encoder), `sentence_cosines[p][s]` with one sentence of it
    (sentence encoder).
    """

    question: str
    passages: tuple[Passage, ...]
    spans: tuple[tuple[tuple[int, int], ...], ...]
    passage_cosines: Vector
    sentence_cosines: tuple[Vector, ...]

    def sentence(self, passage: int, sentence: int) -> str:
        """The cleaned text of one sentence."""
        start, end = self.spans[passage][sentence]
        return self.passages[passage].text[start:end]


def gather(
    question: str,
    passages: Sequence[Passage],
    passage_cosines: Cosines,
    sentence_cosines: Cosines,
) -> Evidence:
    """Compare `question` with `passages` and their sentences.

    The two callables take the question and n texts and return n cosines; each is called once.
    """
    spans = tuple(tuple(sentence_spans(passage.text)) for passage in passages)
    texts = [
        passage.text[start:end]
        for passage, of_passage in zip(passages, spans, strict=True)
        for start, end in of_passage
    ]
    flat = sentence_cosines(question, texts) if texts else np.zeros(0, np.float32)
    cuts = np.cumsum([len(of_passage) for of_passage in spans])[:-1]
    return Evidence(
        question=question,
        passages=tuple(passages),
        spans=spans,
        passage_cosines=(
            passage_cosines(question, [passage.text for passage in passages])
            if passages
            else np.zeros(0, np.float32)
        ),
        sentence_cosines=tuple(np.split(flat, cuts)) if spans else (),
    )
