"""A reader: where in a passage the answer to a question stands, or that it is not there.

Vectors of a question and of a sentence are made apart and compared; here both go through the
network together, so that every token of the passage sees the question (Devlin et al., "BERT", 2019,
section 4.3; the numbers of the first token stand for "not here"). It is the passage encoder again
with a change of low rank to each of its matrices (LoRA: Hu et al., 2022), which
`eval/train_reader.py` learns. A pass costs as much as embedding the passage, so it reads a few.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rag.encoders.e5 import BEGIN, END, WINDOW, changed
from rag.encoders.network import open_session

if TYPE_CHECKING:
    import onnxruntime

    from rag.encoders.e5 import E5

__all__ = ["CHANGES", "QUESTION_TOKENS", "Reader"]

Floats = NDArray[np.float32]
Span = tuple[int, int]

CHANGES = Path(__file__).with_name("reader.npz")
"""What the encoder's weights are changed by, as `rag.encoders.e5.changed` takes it."""

QUESTION_TOKENS = 64
"""Of a longer question the rest is not read."""

NOWHERE = -20.0
"""The log-odds of a sentence without a token."""


class Reader:
    """Reads passages for a question. Any thread may call it. Its network is opened beside whatever
    else is going on: the first to read waits for it.

    Args:
        cache_dir: where the changed network is kept, about 48 MB.
        encoder: whose weights it starts from and whose tokenizer it shares.
        changes: what they are changed by.
    """

    def __init__(self, cache_dir: Path, encoder: E5, changes: Path = CHANGES) -> None:
        self._encoder = encoder
        beside = ThreadPoolExecutor(1, "reader")
        self._session: Future[onnxruntime.InferenceSession] = beside.submit(
            lambda: open_session(changed(cache_dir, changes))
        )
        beside.shutdown(wait=False)

    def read(
        self, question: str, texts: Sequence[str], spans: Sequence[Sequence[Span]]
    ) -> list[Floats]:
        """For each sentence of each text the log-odds that it answers against "not here".

        Args:
            question: in simplified characters, as the texts.
            texts: n of them.
            spans: of the sentences of each text, ascending, in characters.
        """
        asked = self._encoder.tokens(question)[:QUESTION_TOKENS]
        head = [BEGIN, *asked, END, END]
        with ThreadPoolExecutor(os.cpu_count() or 1) as threads:  # each runs on one core
            return list(
                threads.map(lambda one: self._of(head, *one), zip(texts, spans, strict=True))
            )

    def _of(self, head: list[int], text: str, spans: Sequence[Span]) -> Floats:
        found = zip(*self._encoder.tokens_at(text), strict=True)
        seen = [(token, start) for token, (start, end) in found if end > start]
        ids, starts = [token for token, _ in seen], [start for _, start in seen]
        edges = np.searchsorted(starts, [start for start, _ in spans] + [len(text)]).tolist()
        scores = np.full(len(spans), NOWHERE, np.float32)
        for first, last in _windows(edges, WINDOW + 1 - len(head)):
            a, b = edges[first], min(edges[last], edges[first] + WINDOW + 1 - len(head))
            rows = self._encoder.rows([*head, *ids[a:b], END])
            logits = self._session.result().run(None, {"rows": rows[None]})[0][0]
            tokens = logits[len(head) : -1]
            for s in range(first, last):
                part = tokens[edges[s] - a : edges[s + 1] - a]
                if len(part):
                    scores[s] = np.logaddexp.reduce(part, axis=0).sum() - logits[0].sum()
        return scores


def _windows(edges: Sequence[int], room: int) -> Iterator[tuple[int, int]]:
    """Sentences first … last − 1 that fit side by side; one that does not fit stands alone."""
    first = 0
    while first < len(edges) - 1:
        last = first + 1
        while last < len(edges) - 1 and edges[last + 1] - edges[first] <= room:
            last += 1
        yield first, last
        first = last
