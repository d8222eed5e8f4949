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

from rag.asked import signs
from rag.compound import asks_several
from rag.evidence import Evidence
from rag.fold import copy_key, fold
from rag.readings import Readings
from rag.telling import Telling, coefficients, tell

__all__ = ["Pick", "extract", "read_lines"]

Figures = NDArray[np.float64]

_ROW = "|"  # begins a row of a table
_CONCLUDES = re.compile(
    r"^\W*(?:so|thus|hence|therefore|that(?: is|['’]s| was) why)\b|\bafter (?:that|this)\W*$"
    r"|^\W*(?:所以|因此|因而|于是|这[就也]?是为[什何])"
)

READ = 5  # passages: all that an answer is made from by default

ENOUGH = 4.0
"""A sentence that scores this much less than the best one (in log-odds) is not quoted beside it."""

APART = 8.0
"""The same for the best sentence of another essay, where the question asks for several things."""


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
    scored = _items_of_lists(telling, _answers_below(telling, scored))
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
    picks = _with_what_it_needs(telling, evidence, picks)
    rest = sorted(picks[1:limit], key=lambda pick: (pick.passage, pick.sentence))
    return (*picks[:1], *rest)


def _with_what_it_needs(telling: Telling, evidence: Evidence, picks: list[Pick]) -> list[Pick]:
    """The picks, with the line that the first cannot be understood without right behind it."""
    if not picks:
        return picks
    at = {(line.passage, line.sentence): i for i, line in enumerate(telling.lines)}
    i = _needed(telling, evidence, at[picks[0].passage, picks[0].sentence])
    if i is None:
        return picks
    line = telling.lines[i]
    needed = Pick(line.passage, line.sentence, picks[0].score)
    others = (p for p in picks[1:] if (p.passage, p.sentence) != (line.passage, line.sentence))
    return [picks[0], needed, *others]


def _needed(telling: Telling, evidence: Evidence, i: int) -> int | None:
    """What line `i` needs beside it: a row of a table the first row, a line that ends in a colon
    what comes next; where "why" is asked, what comes before a conclusion, and next to a sentence
    that repeats what is asked and gives no reason; where a date is asked for and it has none, the
    heading above it that has."""
    line, lines, kind = telling.lines[i], telling.lines, telling.asked.kind
    if kind == "reason" and _CONCLUDES.search(line.folded):
        return i - 1 if i and lines[i - 1].passage == line.passage and not line.first else None
    following = i + 1 if i + 1 < len(lines) and lines[i + 1].passage == line.passage else None
    if line.text.startswith(_ROW):
        return _head_of_table(telling, i)
    if line.leads:
        return following
    if signs(telling.asked, line.text, line.folded):
        return None
    if kind == "reason" and following is not None and not lines[following].first:
        return following if telling.restates(i) else None
    heading = evidence.passages[line.passage].heading.rpartition(" > ")[2]
    if kind == "date" and signs(telling.asked, heading, fold(heading)):
        above = (n for n in range(i) if lines[n].passage == line.passage)
        return next((n for n in above if lines[n].text == heading), None)
    return None


def _head_of_table(telling: Telling, i: int) -> int | None:
    first = i
    while first and telling.lines[first - 1].text.startswith(_ROW):
        first -= 1
    together = telling.lines[first].passage == telling.lines[i].passage
    return first if first < i and together else None


def _items_of_lists(telling: Telling, scored: Figures) -> Figures:
    """The scores, where a list is asked for and the best line leads to one: its items answer, in
    their order. The line counts as the best without what a line that ends in a colon loses."""
    found = scored.copy()
    if telling.asked.kind != "list" or not len(found):
        return found
    label = telling.column("label") * coefficients()["sentence"]["label"]
    best = int((scored - label).argmax())
    items = telling.items(best)
    for n, item in enumerate(items):
        found[item] = scored.max() + 1.0 - n / len(items)
    return found


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
    found = scored.copy()
    for i, reply in telling.asked_there():
        found[i], found[reply] = scored.min(), scored.max() + 1.0
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
