"""How much each sentence of the passages tells about a question, as a few named figures.

Extraction ranks sentences by them and the answerable probability looks at the best ones, so both
read the passages once.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, takewhile
from math import log, log1p
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.evidence import Evidence
from rag.fold import content_words, fold, is_latin, language
from rag.questions.asked import Asked, asked, asks, fits, is_question, signs
from rag.text.turns import speaker

__all__ = ["FIGURES", "MODEL", "SLOTS", "Line", "Telling", "coefficients", "tell"]

Figures = NDArray[np.float64]

MODEL = Path(__file__).with_name("answer_model.json")
"""Coefficients, by the names of the figures."""

FIGURES = (
    "cosine", "tokens", "cosine before", "cosine after", "rank", "coverage", "around", "heading",
    "characters", "signs", "fits", "new", "exact", "asks", "label", "short", "address",
)  # fmt: skip

_ADDRESS = re.compile(r"https?://|www\.|doi:|arxiv:", re.IGNORECASE)
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_SMALL_HAN = frozenset(
    "的了和是在有我你他她它们这那什么怎如何哪谁几多少吗呢为个一与及或被把让对从到"
)
_SPEAKER = re.compile(r"^\W*(?:[\d:.]+\W+)?\w[\w .·]{0,20}[:：]\s*")

SLOTS = frozenset({"number", "date"})
"""Kinds of answer that leave a sign in the sentence that gives them."""

_REPLY = 4  # sentences in which an interview's answer comes to what was asked
RESTATED = 0.7
"""What holds so much of a question says the same, or asks it."""

_ROW = "|"  # begins a row of a table
_TITLE = re.compile(r"^(?:title|标题|標題)\s*[:：]\s*", re.IGNORECASE)
_NUMBER = re.compile(r"[(（]?(\d{1,2})[.)、）．](?!\d)")
_SHORT = 8  # characters: below it a line is a heading or a scrap
_PRIOR = 4  # texts that a language's mean cosine is drawn from the common one with


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence, read: where it stands, its folded text and its content words. `first`: it
    begins a line of the passage. `beside`: what holds for it though it stands elsewhere, the first
    row of its table or who speaks (folded). `headings`: those above it, with the title.
    `speaks`: it only says who speaks below it and when, as in an exported chat."""

    passage: int
    sentence: int
    text: str
    folded: str
    words: frozenset[str]
    language: str
    first: bool = True
    beside: str = ""
    headings: frozenset[str] = frozenset()
    speaks: bool = False

    @property
    def heads(self) -> bool:
        """Whether it is a title or heading itself."""
        return self.first and _TITLE.sub("", " ".join(self.text.split())) in self.headings

    @property
    def entitles(self) -> bool:
        """Whether it is the essay's title, as it stands in front of the text."""
        return self.heads and _TITLE.match(self.text) is not None

    @property
    def reach(self) -> frozenset[str]:
        """Its words and those that hold for it."""
        return self.words.union(content_words(self.beside)) if self.beside else self.words

    @property
    def leads(self) -> bool:
        """Whether it ends in a colon, so that what it says comes next."""
        return self.text.rstrip(" \t*_").endswith((":", "："))


@dataclass(frozen=True)
class Telling:
    """`figures[i]` describe `lines[i]`, columns as in FIGURES. `weights`: rarity of each word of
    the question among the lines."""

    asked: Asked
    lines: tuple[Line, ...]
    figures: Figures
    weights: Mapping[str, float]

    def column(self, name: str) -> Figures:
        """One figure of all lines."""
        found: Figures = self.figures[:, FIGURES.index(name)]
        return found

    def restates(self, i: int) -> bool:
        """Whether a line holds what is asked."""
        return self._held(self.lines[i].words, i) >= RESTATED

    def names(self, i: int) -> bool:
        """Whether most words of a line stand in the question: it names what is asked for."""
        words = self.lines[i].words
        return 2 * len(words.intersection(self.asked.words)) >= len(words)

    def _held(self, words: frozenset[str], i: int) -> float:
        """The share of the question that `words` or the Han characters of line `i` hold."""
        share = _share(self.asked.words, self.weights)
        return max(share(words), float(self.column("characters")[i]))

    def asked_there(self) -> tuple[tuple[int, int], ...]:
        """The lines where an essay asks the same question itself, for the same kind of answer, each
        with the line that answers it: what comes next and does not ask on; of a number or a date
        the next of a few that holds one. Who is asked may be named in the reply alone ("REID: In
        1961.")."""
        found = []
        for i, (line, following) in enumerate(pairwise(self.lines)):
            reply = self._reply(i) if is_question(line.text) else None
            if reply is None or self._held(line.words | following.words, i) < RESTATED:
                continue
            theirs = asked(_SPEAKER.sub("", line.text))
            if theirs.kind == self.asked.kind and (len(theirs.words) <= 2 * len(self.asked.words)):
                found.append((i, reply))
        return tuple(found)

    def _reply(self, i: int) -> int | None:
        below = [
            n
            for n in range(i + 1, min(i + 1 + _REPLY, len(self.lines)))
            if self.lines[n].passage == self.lines[i].passage
            and not (self.lines[n].speaks or is_question(self.lines[n].text))
        ]
        if self.asked.kind in SLOTS:
            signed = (n for n in below if self.column("signs")[n] >= 1)
            return next(signed, next(iter(below), None))
        return next(iter(below), None)

    def items(self, i: int) -> tuple[int, ...]:
        """The lines of the list that line `i` leads to: the first sentence of each. Empty where it
        leads to none, or to one thing."""
        if not self.lines[i].leads:
            return ()
        below = takewhile(
            lambda n: self.lines[n].passage == self.lines[i].passage, range(i + 1, len(self.lines))
        )
        found = tuple(n for n in below if self.lines[n].first)
        return found if len(found) > 1 and found[0] == i + 1 else ()

    def numbered(self, count: int, passages: Sequence[int]) -> tuple[int, ...]:
        """The lines of the first list in these passages that is numbered from 1 to `count`."""
        for passage in passages:
            run: list[int] = []
            for i, line in enumerate(self.lines):
                number = (
                    _NUMBER.match(line.text) if line.first and line.passage == passage else None
                )
                if number and int(number[1]) == len(run) + 1:
                    run.append(i)
            if len(run) == count:
                return tuple(run)
        return ()

    def passages(self) -> list[int]:
        """The passages that hold a sentence, those with the most telling ones first."""
        order = (self.lines[i].passage for i in np.argsort(-self.scores(), kind="stable"))
        return list(dict.fromkeys(order))

    def scores(self, *without: str) -> Figures:
        """How much each line tells, in log-odds against the others; `without` some figures."""
        fitted = coefficients()["sentence"]
        weights = [0.0 if name in without else fitted[name] for name in FIGURES]
        found: Figures = self.figures @ np.asarray(weights)
        return found


@cache
def coefficients() -> Mapping[str, Any]:
    """What eval/train_answer.py fitted."""
    found: Mapping[str, Any] = json.loads(MODEL.read_text("utf-8"))
    return found


def tell(evidence: Evidence) -> Telling:
    """Read the passages for the question."""
    question = asked(evidence.question)
    lines = _lines(evidence)
    weights = _rarity(question.words, lines)
    share = _share(question.words, weights)
    characters = set(_HAN.findall(question.folded)) - _SMALL_HAN
    exact = [word for word in question.words if word.isascii()]
    around = [
        frozenset().union(*(line.words for line in lines if line.passage == p))
        for p in range(len(evidence.passages))
    ]
    heads = [frozenset(content_words(f"{p.title} {p.heading}")) for p in evidence.passages]
    languages = [line.language for line in lines]
    flat = [float(evidence.sentence_cosines[line.passage][line.sentence]) for line in lines]
    sentence_levels = _levels(flat, languages)
    matches = [float(evidence.sentence_matches[line.passage][line.sentence]) for line in lines]
    match_levels = _levels(matches, languages)
    rows = np.zeros((len(lines), len(FIGURES)))
    for i, (row, line) in enumerate(zip(rows, lines, strict=True)):
        before = lines[i - 1] if i and lines[i - 1].passage == line.passage else None
        after = lines[i + 1] if i + 1 < len(lines) else None
        after = after if after and after.passage == line.passage else None
        level = sentence_levels[line.language]
        reach = line.reach
        covered = share(reach)
        row[:] = (
            flat[i] - level,
            matches[i] - match_levels[line.language],
            flat[i - 1] - level if before else 0.0,
            flat[i + 1] - level if after else 0.0,
            log1p(line.passage),
            covered,
            share(around[line.passage]) - covered,
            share(heads[line.passage]),
            len(characters.intersection(line.folded + line.beside)) / len(characters)
            if characters
            else 0.0,
            signs(question, line.text, line.folded, line.language),
            fits(question, line.folded, line.language),
            min(log1p(len(line.words.difference(question.words))), 3.0),
            sum(word in reach for word in exact) / len(exact) if exact else 0.0,
            is_question(line.text) or (line.heads and asks(line.folded)),
            line.leads,
            len(line.text) < _SHORT,
            _ADDRESS.search(line.text) is not None,
        )
    return Telling(question, lines, rows, weights)


def _lines(evidence: Evidence) -> tuple[Line, ...]:
    found = []
    for number, (passage, spans) in enumerate(zip(evidence.passages, evidence.spans, strict=True)):
        headings = frozenset((passage.title, *passage.heading.split(" > "))) - {""}
        speakers = _speakers(passage.text)
        row = label = turn = ""  # the first row of the table, the label of the line, who speaks
        unsure = passage.language if is_latin(passage.language) else "en"  # of a short sentence
        for sentence, (start, _) in enumerate(spans):
            text = evidence.sentence(number, sentence)
            words = frozenset(content_words(text))
            first = passage.text[:start].rstrip(" \t")[-1:] in ("", "\n")
            speaks = first and speaker(text) in speakers
            if text.startswith(_ROW):
                beside, row = row, row or fold(text)
            elif speaks:
                beside, row, label, turn = "", "", "", fold(speaker(text))
            else:
                named = _SPEAKER.match(text) if first else None
                beside, row = turn if first else label or turn, ""
                label = "" if first and not named else fold(named[0]) if named else label
            told = (number, sentence, text, fold(text), words, language(text, unsure))
            line = Line(*told, first, beside, headings, speaks)
            found.append(line)
    return tuple(found)


def _speakers(text: str) -> frozenset[str]:
    """Those who have more than one turn in a chat: a bus has a time beside its name too."""
    turns = Counter(map(speaker, text.splitlines()))
    return frozenset(name for name, count in turns.items() if name and count > 1)


def _rarity(words: Sequence[str], lines: Sequence[Line]) -> dict[str, float]:
    """Word → how much it tells the sentences apart (inverse sentence frequency)."""
    spread = Counter(word for line in lines for word in line.words)
    return {word: log(1 + (len(lines) + 1) / (spread[word] + 0.5)) for word in words}


def _share(words: Sequence[str], weights: Mapping[str, float]) -> Callable[[frozenset[str]], float]:
    """Which share of the question's words, by weight, a set of words covers."""
    total = sum(weights.values()) or 1.0
    return lambda among: sum(weights[word] for word in words if word in among) / total


def _levels(cosines: Sequence[float], kinds: Sequence[str]) -> dict[str, float]:
    """The mean cosine of each language's texts, drawn to the common mean where they are few: an
    encoder likes any text in the question's own language better."""
    if not len(cosines):
        return {}
    values = np.asarray(cosines, np.float64)
    common = float(values.mean())
    levels = {}
    for kind in set(kinds):
        mine = values[[other == kind for other in kinds]]
        levels[kind] = float((mine.sum() + _PRIOR * common) / (len(mine) + _PRIOR))
    return levels
