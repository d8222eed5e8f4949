"""The answer when there is no LLM: the sentences of the passages that tell most, quoted.

What they tell is measured in two steps: figures of all sentences (`rag/telling.py`), and, of the
passages where those are highest, what a reader makes of them (`rag/encoders/reader.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile, zip_longest

import numpy as np
from numpy.typing import NDArray

from rag.evidence import Evidence, Pick
from rag.fold import copy_key, fold
from rag.questions.asked import fits, is_question, signs
from rag.questions.compound import asks_several, assigned
from rag.readings import READ, Readings
from rag.telling import Telling, coefficients, tell
from rag.text.byline import byline_author
from rag.values.dates import years

__all__ = ["extract", "read_lines"]

Figures = NDArray[np.float64]

_ROW = "|"  # begins a row of a table
_CONCLUDES = re.compile(
    r"^\W*(?:so|thus|hence|therefore|that(?: is|['’]s| was) why)\b|\bafter (?:that|this)\W*$"
    r"|^\W*(?:所以|因此|因而|于是|这[就也]?是为[什何])"
)

_AROUND = re.compile(
    r"\b(?:before|after|since|until|till|by|from|to|between|through|past|following|prior|earlier|later)\b"
    r"|[前后至到起~–—-]|以来|期间|之间"
)
"""Beside a year in a question: the answer may name others."""

_ENTITLED = re.compile(
    r"\b(?:title|titled|entitled|called|named?|author)\b|标题|题目|题名|作者|叫什么|名字|名称"
)

ANSWERED = 3  # sentences after a question in which its answer comes

ENOUGH = 4.0
"""A sentence that scores this much less than the best one (in log-odds) is not quoted beside it."""

APART = 8.0
"""The same for the best sentence of another essay, where the question asks for several things."""

MOST_ITEMS = 10  # of a list that are quoted

NAMED = 0.5  # of the words, by rarity: what holds so much speaks of what is looked for

LEANING = 0.3
"""What the score for the whole question weighs beside that for a part, which may lack its subject
("… and what did it cost?")."""


def extract(
    evidence: Evidence,
    limit: int = 3,
    telling: Telling | None = None,
    readings: Readings | None = None,
    parts: Sequence[Readings] = (),
    each: bool = False,
    same: bool = False,
) -> tuple[Pick, ...]:
    """At most `limit` sentences that answer the question: the most telling first, the others in
    reading order. All items of a list that is asked for are quoted, ten at most.

    Args:
        telling: what `tell(evidence)` gave, where it is at hand.
        readings: of the same evidence; default: nothing is read.
        parts: readings of the same passages for each part of a question that asks for several
            things (`rag/questions/compound.py`); for each the sentence that tells most is quoted.
        same: the same is asked in each of the parts: each is answered from another essay.
        each: the best of each essay comes before others, as if several things were asked.
    """
    telling = telling or tell(evidence)
    if not telling.lines:
        return ()
    scored = _scored(telling, readings)
    items = _listed(telling, evidence, scored)[:MOST_ITEMS]
    for n, item in enumerate(items):
        scored[item] = scored.max() + 1.0 if not n else scored[items[0]] - n / len(items)
    limit = max(limit, len(items))
    best = int(scored.argmax())
    needed = _needed(telling, evidence, best)
    chosen = [best] if needed is None else [best, needed]
    margin = scored - scored.max()
    if parts:
        of_parts = [_scored(tell(part.evidence), part) + LEANING * scored for part in parts]
        found = _of_parts(telling, evidence, of_parts, same)
        chosen = [*(chosen if len(found) < limit else ()), *found]
        margin = np.max([of_part - of_part.max() for of_part in of_parts], axis=0)
    elif each:
        spoken_of = telling.column("coverage") >= NAMED
        chosen += _elsewhere(telling, margin, evidence, limit - 1, spoken_of)
    elif asks_several(telling.asked.folded):
        chosen += _elsewhere(telling, margin, evidence, 1)
    chosen += [i for i in _ranked(margin) if margin[i] > -ENOUGH]
    distinct: dict[str, Pick] = {}  # what is said again counts once
    for i in chosen:
        line = telling.lines[i]
        pick = Pick(line.passage, line.sentence, float(scored[i]))
        distinct.setdefault(copy_key(line.text.removeprefix("title: ")), pick)
    first, *others = list(distinct.values())[:limit]
    return (first, *sorted(others, key=lambda pick: (pick.passage, pick.sentence)))


def _scored(telling: Telling, readings: Readings | None) -> Figures:
    scored = telling.scores()
    if readings is not None:
        scored = scored + coefficients()["reading"] * read_lines(telling, readings)
    beside = _of_other_years(telling) | _only_labels(telling)
    scored = np.where(beside, scored - ENOUGH, scored)
    speaking = np.array([line.speaks for line in telling.lines])
    scored = np.where(speaking, scored.min() - 2 * ENOUGH, scored)  # it tells nothing itself
    return _answers_under(telling, _answers_below(telling, scored))


def _of_other_years(telling: Telling) -> NDArray[np.bool_]:
    """The lines that name years and none that is asked for, where some line names one that is. Not
    for a question about what came before, after or between years."""
    asked = frozenset(years(telling.asked.folded))
    if not asked or _AROUND.search(telling.asked.folded):
        return np.zeros(len(telling.lines), bool)
    named = [frozenset(years(line.folded)) for line in telling.lines]
    if not any(asked & those for those in named):
        return np.zeros(len(telling.lines), bool)
    return np.array([bool(those) and not asked & those for those in named])


def _only_labels(telling: Telling) -> NDArray[np.bool_]:
    """The lines that give an essay's title or its author, and nothing else. Not for a question that
    asks for one of these."""
    question = telling.asked
    if question.kind in ("person", "date") or _ENTITLED.search(question.folded):
        return np.zeros(len(telling.lines), bool)
    return np.array(
        [line.first and (line.entitles or bool(byline_author(line.text))) for line in telling.lines]
    )


def _ranked(figures: Figures) -> list[int]:
    return [int(i) for i in np.argsort(-figures, kind="stable")]


def _of_parts(
    telling: Telling, evidence: Evidence, of_parts: Sequence[Figures], same: bool
) -> list[int]:
    """The line that tells most for each part, none twice."""
    sources = [evidence.passages[line.passage].source for line in telling.lines]
    essays: Sequence[str] = ()
    if same:
        best = [
            {sources[i]: float(of_part[i] - of_part.max()) for i in reversed(_ranked(of_part))}
            for of_part in of_parts
        ]
        essays = assigned([{s: v for s, v in part.items() if v > -APART} for part in best])
    found: dict[str, int] = {}
    for of_part, essay in zip_longest(of_parts, essays):
        ranked = sorted(_ranked(of_part), key=lambda i: essay is not None and sources[i] != essay)
        keys = ((copy_key(telling.lines[i].text), i) for i in ranked)
        key, i = next(((key, i) for key, i in keys if key not in found), ("", -1))
        if key:
            found[key] = i
    return list(found.values())


def _elsewhere(
    telling: Telling,
    margin: Figures,
    evidence: Evidence,
    count: int,
    near: NDArray[np.bool_] | None = None,
) -> list[int]:
    """The best lines of `count` other essays, which say another part of what is asked oftener than
    a second sentence of the same does; `near`: those that need not be near the best."""
    close = margin > -APART if near is None else (margin > -APART) | near
    best, *others = (i for i in _ranked(margin) if close[i])
    sources = [evidence.passages[line.passage].source for line in telling.lines]
    found = {sources[best]: best}
    said = {copy_key(telling.lines[best].text)}
    for i in others:
        same = copy_key(telling.lines[i].text)
        if sources[i] not in found and same not in said and len(found) <= count:
            found[sources[i]] = i
            said.add(same)
    return list(found.values())[1:]


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
    if signs(telling.asked, line.text, line.folded, line.language):
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


def _listed(telling: Telling, evidence: Evidence, scored: Figures) -> tuple[int, ...]:
    """The items that answer where a list is asked for: those that the best line leads to, or as
    many numbered ones of its essay as the question counts. The best is so without what a line that
    ends in a colon loses."""
    if telling.asked.kind != "list":
        return ()
    label = telling.column("label") * coefficients()["sentence"]["label"]
    best = int((scored - label).argmax())
    line, count = telling.lines[best], telling.asked.count
    if not count or telling.items(best) or fits(telling.asked, line.folded):
        return telling.items(best)
    source = evidence.passages[line.passage].source
    of_essay = [p for p, passage in enumerate(evidence.passages) if passage.source == source]
    return telling.numbered(count, of_essay)


def _answers_below(telling: Telling, scored: Figures) -> Figures:
    """The scores, where an essay asks the same question itself (an interview, a list of questions,
    a heading): what comes next answers it, and the question does not."""
    found = scored.copy()
    for i, reply in telling.asked_there():
        found[i], found[reply] = scored.min(), scored.max() + 1.0
    return found


def _answers_under(telling: Telling, scored: Figures) -> Figures:
    """The scores, where the best line asks and a new line follows, or is a heading that mostly says
    what is asked: the best of what stands under it answers."""
    best = int(scored.argmax())
    line, lines = telling.lines[best], telling.lines
    if is_question(line.text):
        below = takewhile(lambda i: lines[i].passage == line.passage, range(best + 1, len(lines)))
        told = [i for i in below if not (lines[i].speaks or is_question(lines[i].text))]
        under = told[:ANSWERED] if told and lines[best + 1].first else []
    elif line.heads and telling.names(best):
        under = [i for i, other in enumerate(lines) if line.text in other.headings]
    else:
        return scored
    found = scored.copy()
    under = [i for i in under if not lines[i].heads]
    if under:
        found[max(under, key=lambda i: float(scored[i]))] = scored.max() + 1.0
    return found


def read_lines(telling: Telling, readings: Readings) -> Figures:
    """What the reader makes of each line of the `READ` passages that hold the most telling ones.
    The others count as its lowest; so do all lines of a passage that it cuts in other places."""
    spans = readings.evidence.spans
    found = readings.of(telling.passages()[:READ])
    told = {p: part for p, part in found.items() if len(part) == len(spans[p])}
    if not told:
        return np.zeros(len(telling.lines))
    lowest = min(float(part.min()) for part in told.values())
    values = [
        float(told[line.passage][line.sentence]) if line.passage in told else lowest
        for line in telling.lines
    ]
    return np.array(values)
