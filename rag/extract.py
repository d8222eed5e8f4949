"""The answer when there is no LLM: the sentences of the passages that tell most, quoted.

What they tell is measured in two steps: figures of all sentences (`rag/telling.py`), and, of the
passages where those are highest, what a reader makes of them (`rag/reader.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.asked import asked, is_question
from rag.compound import asks_several
from rag.evidence import Evidence
from rag.fold import copy_key
from rag.readings import Readings
from rag.telling import Telling, coefficients, tell

__all__ = ["Pick", "extract", "read_lines"]

Figures = NDArray[np.float64]

_SPEAKER = re.compile(r"^\W*\w[\w .·]{0,20}[:：]\s*")

READ = 5  # passages: all that an answer is made from by default

ENOUGH = 4.0
"""A sentence that scores this much less than the best one (in log-odds) is not quoted beside it."""

APART = 8.0
"""The same for the best sentence of another essay, where the question asks for several things."""

LEANING = 0.3
"""What the score for the whole question weighs beside that for a part, which may lack its subject
("… and what did it cost?")."""

RESTATED = 0.7
"""A question in an essay that holds so much of what is asked, and asks for the same kind of answer,
is the same question. The share is by rarity of words, or of Han characters."""


@dataclass(frozen=True, slots=True)
class Pick:
    """A sentence to quote: `evidence.spans[passage][sentence]`; `score` has no unit."""

    passage: int
    sentence: int
    score: float


def extract(
    evidence: Evidence,
    limit: int = 3,
    telling: Telling | None = None,
    readings: Readings | None = None,
    parts: Sequence[Readings] = (),
) -> tuple[Pick, ...]:
    """At most `limit` sentences that answer the question: the most telling first, the others in
    reading order.

    Args:
        telling: what `tell(evidence)` gave, where it is at hand.
        readings: of the same evidence; default: nothing is read.
        parts: readings of the same passages for each part of a question that asks for several
            things (`rag/compound.py`); for each the sentence that tells most is quoted.
    """
    telling = telling or tell(evidence)
    if not telling.lines:
        return ()
    scored = _scored(telling, readings)
    chosen = [int(scored.argmax())]
    margin = scored - scored.max()
    if parts:
        of_parts = [_scored(tell(part.evidence), part) + LEANING * scored for part in parts]
        chosen += [int(of_part.argmax()) for of_part in of_parts]
        margin = np.max([of_part - of_part.max() for of_part in of_parts], axis=0)
    elif asks_several(telling.asked.folded):
        chosen += _elsewhere(telling, margin, evidence)
    chosen += [i for i in _ranked(margin) if margin[i] > -ENOUGH]
    distinct: dict[str, Pick] = {}  # what is said again counts once
    for i in chosen:
        line = telling.lines[i]
        pick = Pick(line.passage, line.sentence, float(scored[i]))
        distinct.setdefault(copy_key(line.text), pick)
    first, *others = list(distinct.values())[:limit]
    return (first, *sorted(others, key=lambda pick: (pick.passage, pick.sentence)))


def _scored(telling: Telling, readings: Readings | None) -> Figures:
    scored = telling.scores()
    if readings is not None:
        scored = scored + coefficients()["reading"] * read_lines(telling, readings)
    return _answers_below(telling, scored)


def _ranked(figures: Figures) -> list[int]:
    return [int(i) for i in np.argsort(-figures, kind="stable")]


def _elsewhere(telling: Telling, margin: Figures, evidence: Evidence) -> list[int]:
    """The best line of another essay, which says another part of what is asked oftener than a
    second sentence of the same does."""
    best, *others = _ranked(margin)
    sources = [evidence.passages[line.passage].source for line in telling.lines]
    same = copy_key(telling.lines[best].text)
    for i in others:
        if margin[i] <= -APART:
            break
        if sources[i] != sources[best] and copy_key(telling.lines[i].text) != same:
            return [i]
    return []


def _answers_below(telling: Telling, scored: Figures) -> Figures:
    """The scores, where an essay asks the same question itself (an interview, a list of questions,
    a heading): what comes next answers it, and the question does not."""
    held = np.maximum(telling.column("coverage"), telling.column("characters"))
    found = scored.copy()
    for i in np.flatnonzero(held[:-1] >= RESTATED):
        line, following = telling.lines[i], telling.lines[i + 1]
        if (
            line.passage == following.passage
            and is_question(line.text)
            and len(line.words) <= 2 * len(telling.asked.words)
            and asked(_SPEAKER.sub("", line.text)).kind == telling.asked.kind
        ):
            found[i], found[i + 1] = scored.min(), scored.max() + 1.0
    return found


def read_lines(telling: Telling, readings: Readings) -> Figures:
    """What the reader makes of each line of the `READ` passages that hold the most telling ones.
    The others count as its lowest; so do all lines of a passage that it cuts in other places."""
    order = [telling.lines[i].passage for i in np.argsort(-telling.scores(), kind="stable")]
    spans = readings.evidence.spans
    found = readings.of(list(dict.fromkeys(order))[:READ])
    told = {p: part for p, part in found.items() if len(part) == len(spans[p])}
    if not told:
        return np.zeros(len(telling.lines))
    lowest = min(float(part.min()) for part in told.values())
    values = [
        float(told[line.passage][line.sentence]) if line.passage in told else lowest
        for line in telling.lines
    ]
    return np.array(values)
