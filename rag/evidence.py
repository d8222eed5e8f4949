"""What the passages say about a question, measured once for all who judge it.

Extraction and the answerable probability look at the same passages with the same vectors; this is
what they both get, so that nothing is embedded twice for one question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.schema import Passage
from rag.sentences import sentence_spans

__all__ = ["Evidence", "Pick", "gather"]

Vector = NDArray[np.float32]
Cosines = Callable[[str, Sequence[str]], Vector]
Matches = Callable[[str, Sequence[str]], tuple[Vector, Sequence[Vector]]]


@dataclass(frozen=True)
class Evidence:
    """A question beside the passages that may answer it, best passage first.

    `spans[p]` are the sentences of `passages[p].text`. `passage_cosines[p]` compares the question
    with the whole passage (passage encoder), `sentence_cosines[p][s]` with one sentence of it
    (sentence encoder). `passage_matches[p]` and `sentence_matches[p][s]` compare it token by token
    (`rag/encoders/late.py`); all are 0 where the encoder does not tell tokens apart.
    """

    question: str
    passages: tuple[Passage, ...]
    spans: tuple[tuple[tuple[int, int], ...], ...]
    passage_cosines: Vector
    sentence_cosines: tuple[Vector, ...]
    passage_matches: Vector
    sentence_matches: tuple[Vector, ...]

    def sentence(self, passage: int, sentence: int) -> str:
        """The cleaned text of one sentence."""
        start, end = self.spans[passage][sentence]
        return self.passages[passage].text[start:end]


@dataclass(frozen=True, slots=True)
class Pick:
    """A sentence to quote: `evidence.spans[passage][sentence]`; `score` has no unit."""

    passage: int
    sentence: int
    score: float


def gather(
    question: str,
    passages: Sequence[Passage],
    passage_cosines: Cosines,
    sentence_cosines: Cosines,
    token_matches: Matches | None = None,
) -> Evidence:
    """Compare `question` with `passages` and their sentences.

    The first two callables take the question and n texts and return n cosines. The third returns n
    scores, and for each text those of its sentences. Each is called once.
    """
    spans = tuple(sentence_spans(passage.text) for passage in passages)
    texts = [passage.text for passage in passages]
    sentences = [
        text[start:end]
        for text, of_passage in zip(texts, spans, strict=True)
        for start, end in of_passage
    ]
    none = np.zeros(0, np.float32)
    # first: where texts are new, this embeds them for the next as well
    whole, parts = token_matches(question, texts) if texts and token_matches else (none, ())
    flat = sentence_cosines(question, sentences) if sentences else none
    cuts = np.cumsum([len(of_passage) for of_passage in spans])[:-1]
    return Evidence(
        question=question,
        passages=tuple(passages),
        spans=spans,
        passage_cosines=passage_cosines(question, texts) if texts else none,
        sentence_cosines=tuple(np.split(flat, cuts)) if spans else (),
        passage_matches=whole if len(whole) else np.zeros(len(texts), np.float32),
        sentence_matches=tuple(_fitted(parts, spans)),
    )


def _fitted(
    parts: Sequence[Vector], spans: Sequence[Sequence[tuple[int, int]]]
) -> Iterator[Vector]:
    """The scores of each passage's sentences. A copy in another script may have been cut in other
    places than the text that was embedded: then all its sentences count the same."""
    for at, of_passage in enumerate(spans):
        part = parts[at] if at < len(parts) else np.zeros(0, np.float32)
        if len(part) != len(of_passage):
            part = np.full(len(of_passage), part.mean() if len(part) else 0.0, np.float32)
        yield part
