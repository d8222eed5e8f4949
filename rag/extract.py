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
) -> tuple[Pick, ...]:
    """At most `limit` sentences that answer the question: the most telling first, the others in
    reading order.

    Args:
        telling: what `tell(evidence)` gave, where it is at hand.
        readings: of the same evidence; default: nothing is read.
    """
    telling = telling or tell(evidence)
    scored = telling.scores()
    if readings is not None and telling.lines:
        scored = scored + coefficients()["reading"] * read_lines(telling, readings)
    scored = _answers_below(telling, scored)
    several = asks_several(telling.asked.folded)
    ranked: dict[str, Pick] = {}  # what is said again counts once
    for i in np.argsort(-scored, kind="stable"):
        if scored[i] <= scored.max() - (APART if several else ENOUGH):
            break
        line = telling.lines[i]
        pick = Pick(line.passage, line.sentence, float(scored[i]))
        ranked.setdefault(copy_key(line.text), pick)
    picks = list(ranked.values())
    if several:
        picks = _from_two_essays(picks, [passage.source for passage in evidence.passages])
    rest = sorted(picks[1:limit], key=lambda pick: (pick.passage, pick.sentence))
    return (*picks[:1], *rest)


def _from_two_essays(picks: Sequence[Pick], sources: Sequence[str]) -> list[Pick]:
    """Beside the best one comes the best of another essay, which says another part of what is
    asked oftener than a second sentence of the same does."""
    first = picks[:1]
    others = [pick for pick in picks if sources[pick.passage] != sources[picks[0].passage]]
    chosen = [*first, *others[:1]]
    near = (pick for pick in picks if pick.score > picks[0].score - ENOUGH)
    return [*chosen, *(pick for pick in near if pick not in chosen)]


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
