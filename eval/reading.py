"""What the reader learns from: questions, windows of sentences, and where the answer stands.

Files in SQuAD's format and HaluEval QA, as `eval/train_reader.py` is given them, and folders of
essays with their questions (`folder:` in `eval/datasets.py`). Every eighth article, by a hash of
its name, is held out: nothing is learned there, so that the reader can be measured, and whatever is
fitted on its figures can be fitted there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from heapq import nlargest
from itertools import pairwise
from math import log
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.cases import MULTI, evidence_spans
from eval.cases import Question as Asked
from eval.datasets import open_dataset
from rag.clean import clean
from rag.encoders.e5 import BEGIN, E5, END
from rag.encoders.reader import QUESTION_TOKENS
from rag.fold import content_words, language, simplified
from rag.load import load
from rag.schema import Passage
from rag.sentences import sentence_spans
from rag.split import split

__all__ = [
    "Corpus",
    "Example",
    "Paragraph",
    "Question",
    "epoch",
    "essay_of",
    "example",
    "group_of",
    "held_out",
    "read",
    "row_of",
    "training_parser",
    "with_near",
]

Span = tuple[int, int]

HELD_OUT = 8
NEAR = 10  # paragraphs of each sort that are near a question and do not answer it
LONGEST = 256  # tokens of a question and its window
WINDOW = (30, 200)  # tokens of a window
TITLED = 0.4
NEGATIVES = 2  # examples without the answer for each one with it
SAME_PARAGRAPH, CHANGED = 0.3, 0.15
"""Of them: the rest of the answer's own paragraph; the question with another name or number."""


@dataclass(frozen=True)
class Paragraph:
    """A text in simplified characters, its sentences and its tokens."""

    group: str
    title: str
    text: str
    sentences: tuple[Span, ...]
    ids: tuple[int, ...]
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Question:
    """A question of a group of paragraphs, the paragraph that answers it and where (characters),
    others that answer as well, and near ones that do not. `home` None: nothing answers it."""

    data: str
    group: str
    text: str
    ids: tuple[int, ...]
    words: frozenset[str]
    home: int | None = None
    answers: tuple[Span, ...] = ()
    also: frozenset[int] = frozenset()
    near: tuple[int, ...] = ()


@dataclass
class Corpus:
    """All paragraphs, and what is asked of them."""

    paragraphs: list[Paragraph] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)


@dataclass(frozen=True)
class Example:
    """Question and window as the network gets them. `first`: of the window's tokens. The answer
    begins at one of `starts` and ends at one of `ends`; at 0: it is not there."""

    ids: tuple[int, ...]
    first: int
    starts: tuple[int, ...]
    ends: tuple[int, ...]


def held_out(group: str) -> bool:
    """Whether an article, named as in `read`, is for measuring only."""
    return int(hashlib.sha256(group.encode()).hexdigest(), 16) % HELD_OUT == 0


def group_of(path: Path, article: Mapping[str, Any]) -> str:
    """An article's name: the same in the parallel files of a set."""
    return f"{path.name.split('.')[0]} {article.get('title', '').replace('_', ' ')}"


def essay_of(question: Asked) -> str:
    """The essay that a question was written for, named as in `read`."""
    return f"essay {question.id.rpartition('-')[0]}"


def row_of(question: Question, home: Paragraph) -> str:
    """The row of a table of figures that a question counts in: its data set, all folders of essays
    being one; and whether it is asked across languages."""
    data = "essays" if question.group.startswith("essay ") else question.data
    across = (language(home.text) == "en") != (language(question.text) == "en")
    return f"{data} across" if across else data


def training_parser(doc: str | None, write: Path, epochs: int) -> argparse.ArgumentParser:
    """What the command of a training script takes: FOLDER and the folders of essays as for `read`,
    where to write what was learned, and for how many rounds to learn."""
    parser = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", type=Path, default=write)
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument(
        "--essays", type=Path, action="append", default=[], help="folders of essays with questions"
    )
    return parser


# --- what is read


def read(folder: Path, encoder: E5, essays: Sequence[Path] = ()) -> Corpus:
    """All that FOLDER holds, and folders of essays. The parallel files of XQuAD are also asked
    across."""
    reading = _Reading(encoder)
    english = reading.squad(folder / "xquad.en.json")
    chinese = reading.squad(folder / "xquad.zh.json")
    for key, (home, question, answers) in english.items():
        other, theirs, their_answers = chinese[key]
        reading.ask("xquad zh→en", theirs, home, answers)
        reading.ask("xquad en→zh", question, other, their_answers)
    reading.squad(folder / "drcd_dev.json")
    reading.squad(folder / "cmrc_trial.json")
    reading.halueval(folder / "halueval_qa_500.jsonl")
    pairs = [(english[key][0], chinese[key][0]) for key in english]
    same = dict(pairs) | {b: a for a, b in pairs}
    reading.questions = [
        replace(q, also=frozenset({same[q.home]})) if q.home in same else q
        for q in reading.questions
    ]
    for path in essays:
        reading.essays(path)
    return Corpus(reading.paragraphs, reading.questions)


Answers = Sequence[tuple[int, str]]
Names = Mapping[tuple[str, str], Sequence[str]]

_HAN = re.compile("[\u4e00-\u9fff]")
_NAMED = re.compile(r"(?<=[a-z,] )[A-Z][\w’'-]+(?: [A-Z][\w’'-]+)*|\d[\d,.]*\d|\d")


class _Reading(Corpus):
    def __init__(self, encoder: E5) -> None:
        super().__init__()
        self._encoder = encoder

    def squad(self, path: Path) -> dict[str, tuple[int, str, Answers]]:
        """Ask a file's questions. By their ids: the paragraph, the question, its answers."""
        asked: dict[str, tuple[int, str, Answers]] = {}
        for article in json.loads(path.read_text("utf-8"))["data"]:
            title, group = article.get("title", "").replace("_", " "), group_of(path, article)
            for paragraph in article["paragraphs"]:
                home = self.add(group, title, paragraph["context"])
                for qa in paragraph["qas"]:
                    answers = [(answer["answer_start"], answer["text"]) for answer in qa["answers"]]
                    self.ask(path.stem, qa["question"], home, answers)
                    asked[qa["id"]] = home, qa["question"], answers
        return asked

    def halueval(self, path: Path) -> None:
        """Ask the questions whose right answer stands in the knowledge."""
        for n, line in enumerate(path.read_text("utf-8").splitlines()):
            row = json.loads(line)
            home = self.add(f"halueval {n}", "", row["knowledge"].strip())
            text, answer = self.paragraphs[home].text, row["right_answer"].strip()
            at = text.lower().find(answer.lower())
            if at >= 0 and answer.lower() not in ("yes", "no"):
                self.ask("halueval", row["question"], home, [(at, text[at : at + len(answer)])])

    def add(self, group: str, title: str, text: str) -> int:
        """A paragraph; its number."""
        text = simplified(text)
        ids, spans = self._encoder.tokens_at(text)
        sentences = tuple(sentence_spans(text))
        self.paragraphs.append(
            Paragraph(group, simplified(title), text, sentences, tuple(ids), tuple(spans))
        )
        return len(self.paragraphs) - 1

    def essays(self, folder: Path) -> None:
        """Ask the questions over a folder of essays, each of every passage that answers it."""
        dataset = open_dataset(f"folder:{folder}")
        passages: dict[str, list[tuple[int, Passage]]] = {}
        texts: dict[str, str] = {}
        for path in sorted({folder / e.file for q in dataset.questions for e in q.evidence}):
            essay = load(path, path.name)
            cleaned = clean(essay.text, start=essay.body_start, markdown=essay.markdown)
            texts[path.name] = essay.text
            passages[path.name] = [
                (self.add(f"essay {path.stem}", essay.title, passage.text), passage)
                for passage in split(essay, cleaned, lambda text: len(self._encoder.tokens(text)))
            ]
        for question in dataset.questions:
            if not question.answerable:
                group = essay_of(question)
                self.questions.append(self._question(dataset.name, group, question.question))
            elif question.kind != MULTI:  # whose parts are several questions
                self._asked(dataset.name, question, passages, texts)

    def _asked(
        self,
        data: str,
        question: Asked,
        passages: Mapping[str, Sequence[tuple[int, Passage]]],
        texts: Mapping[str, str],
    ) -> None:
        found = [
            (number, simplified(held))
            for span in evidence_spans(question, texts)[0]
            for number, passage in passages[span.source]
            if (held := passage.cleaned(span.start, span.end or 0).strip())
        ]
        forms = [simplified(form) for forms in question.accepted for form in forms]
        for number, held in found:
            text = self.paragraphs[number].text
            at = text.find(held)
            places = [(at + k, f) for f in forms if f and (k := held.lower().find(f.lower())) >= 0]
            also = frozenset(other for other, _ in found if other != number)
            if at >= 0 and places:
                spans = tuple(sorted({(start, start + len(form)) for start, form in places}))
                asked = self._question(data, self.paragraphs[number].group, question.question)
                self.questions.append(replace(asked, home=number, answers=spans, also=also))

    def ask(self, data: str, question: str, home: int, answers: Answers) -> None:
        """A question, if one of its answers stands in the paragraph (offsets may be wrong)."""
        text = self.paragraphs[home].text
        spans = set()
        for start, given in answers:
            answer = simplified(given)
            at = start if text.startswith(answer, start) else text.find(answer)
            if at >= 0 and answer.strip():
                spans.add((at, at + len(answer)))
        if spans:
            asked = self._question(data, self.paragraphs[home].group, question)
            self.questions.append(replace(asked, home=home, answers=tuple(sorted(spans))))

    def _question(self, data: str, group: str, text: str) -> Question:
        text = simplified(text)
        ids = tuple(self._encoder.tokens(text))
        return Question(data, group, text, ids, frozenset(content_words(text)))


def with_near(corpus: Corpus, encoder: E5) -> Corpus:
    """The same, each question with the paragraphs that share most rare words with it and those that
    the encoder holds for nearest: they lack its answer and lie on the same side of `held_out`."""
    where: dict[str, list[int]] = defaultdict(list)
    for n, paragraph in enumerate(corpus.paragraphs):
        for word in frozenset(content_words(paragraph.text)):
            where[word].append(n)
    vectors = _vectors(encoder, [f"passage: {p.text}" for p in corpus.paragraphs])
    asked = _vectors(encoder, [f"query: {q.text}" for q in corpus.questions])
    found = []
    for question, vector in zip(corpus.questions, asked, strict=True):
        home = "" if question.home is None else corpus.paragraphs[question.home].text
        answers = {home[a:b] for a, b in question.answers}
        scores: dict[int, float] = defaultdict(float)
        for word in question.words:
            for n in where[word]:
                scores[n] += log(1 + len(corpus.paragraphs) / len(where[word]))
        sorts = (
            nlargest(4 * NEAR, scores, key=lambda n: scores[n]),
            np.argsort(-(vectors @ vector))[: 4 * NEAR].tolist(),
        )
        near = [
            [
                n
                for n in sort
                if n != question.home
                and n not in question.also
                and held_out(corpus.paragraphs[n].group) == held_out(question.group)
                and not any(answer in corpus.paragraphs[n].text for answer in answers)
            ][:NEAR]
            for sort in sorts
        ]
        found.append(replace(question, near=tuple(dict.fromkeys(n for ns in near for n in ns))))
    return Corpus(corpus.paragraphs, found)


def _vectors(encoder: E5, texts: Sequence[str]) -> NDArray[np.float32]:
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:  # each runs on one core
        return np.stack(list(threads.map(lambda text: encoder.vector(encoder.tokens(text)), texts)))


# --- what is learned from


def epoch(corpus: Corpus, encoder: E5, chance: random.Random) -> Iterator[Example]:
    """For each question that is not held out an example with the answer and some without."""
    others = names(corpus)
    for question in corpus.questions:
        if held_out(question.group):
            continue
        titled, right = chance.random() < TITLED, list[int]()
        if question.home is not None:
            home = corpus.paragraphs[question.home]
            answer = [chance.choice(question.answers)]
            right = [n for n, s in enumerate(home.sentences) if meets(s, answer)]
            if right:
                kept = window(home, chance.randint(*WINDOW), right, chance)
                title = home.title if titled else ""
                yield example(encoder, question, home, kept, question.answers, title)
        for _ in range(NEGATIVES):
            yield from without(corpus, encoder, question, others, right, titled, chance)


def without(
    corpus: Corpus,
    encoder: E5,
    question: Question,
    others: Names,
    right: Sequence[int],
    titled: bool,
    chance: random.Random,
) -> Iterator[Example]:
    """An example whose window does not answer, of one of three sorts; none where that sort cannot
    be made."""
    size, sort = chance.randint(*WINDOW), chance.random()
    home = None if question.home is None else corpus.paragraphs[question.home]
    if home and sort < SAME_PARAGRAPH:
        wrong = {n for n, s in enumerate(home.sentences) if meets(s, question.answers)}
        rest = [n for n in window(home, size, (), chance) if n not in wrong]
        if rest and len(home.sentences) - len(wrong) >= 2:
            yield example(encoder, question, home, rest, (), home.title if titled else "")
    elif home and sort < SAME_PARAGRAPH + CHANGED:
        text = changed(question, home, others, chance)
        if text and right:
            asked = replace(question, text=text, ids=tuple(encoder.tokens(text)))
            kept = window(home, size, right, chance)
            yield example(encoder, asked, home, kept, (), home.title if titled else "")
    elif question.near:
        other = corpus.paragraphs[chance.choice(question.near)]
        title = other.title if titled else ""
        yield example(encoder, question, other, window(other, size, (), chance), (), title)


def names(corpus: Corpus) -> Names:
    """What the questions that are not held out name, by data set and sort."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for question in corpus.questions:
        if not held_out(question.group):
            for sort, name in named(question.text):
                found[question.data, sort].add(name)
    return {key: sorted(group) for key, group in found.items()}


def named(text: str) -> Iterator[tuple[str, str]]:
    """Names and numbers in a question, each with its sort."""
    import rjieba

    for match in _NAMED.finditer(text):
        yield "number" if match.group()[0].isdigit() else "latin", match.group()
    if _HAN.search(text):
        for word, tag in rjieba.tag(text):
            if tag[:2] in {"nr", "ns", "nt", "nz"} and len(word) > 1:
                yield tag[:2], word


def changed(question: Question, home: Paragraph, others: Names, chance: random.Random) -> str:
    """The question with a name or number in place of one of its own that its paragraph says, so
    that the paragraph does not answer it (SQuAD 2.0's entity swap); "" where it has none."""
    own = [(sort, name) for sort, name in named(question.text) if name in home.text]
    if not own:
        return ""
    sort, name = chance.choice(own)
    group = others.get((question.data, sort), ())
    free = [other for other in group if other not in home.text and other not in question.text]
    return question.text.replace(name, chance.choice(free)) if free else ""


def window(paragraph: Paragraph, size: int, keep: Sequence[int], chance: random.Random) -> range:
    """Sentences side by side, of at most `size` tokens, around those of `keep`, or anywhere."""
    counts = sentence_tokens(paragraph)
    low, high = (min(keep), max(keep)) if keep else (chance.randrange(len(counts)),) * 2
    total = sum(counts[low : high + 1])
    while True:
        sides = []
        if low > 0 and total + counts[low - 1] <= size:
            sides.append(-1)
        if high + 1 < len(counts) and total + counts[high + 1] <= size:
            sides.append(1)
        if not sides:
            return range(low, high + 1)
        if chance.choice(sides) < 0:
            low -= 1
            total += counts[low]
        else:
            high += 1
            total += counts[high]


def sentence_tokens(paragraph: Paragraph) -> list[int]:
    """How many tokens each sentence has."""
    starts = [start for start, _ in paragraph.spans]
    edges = np.searchsorted(starts, [start for start, _ in paragraph.sentences] + [1 << 30])
    return [int(b - a) for a, b in pairwise(edges)]


def example(
    encoder: E5,
    question: Question,
    paragraph: Paragraph,
    sentences: Sequence[int],
    answers: Sequence[Span],
    title: str = "",
) -> Example:
    """The question beside some sentences of a paragraph, under its title or not."""
    inside = [paragraph.sentences[s] for s in sentences]
    head = [BEGIN, *question.ids[:QUESTION_TOKENS], END, END]
    head += encoder.tokens(title + "\n") if title else ()
    chosen = [
        n
        for n, (start, end) in enumerate(paragraph.spans)
        if end > start and any(a <= start < b for a, b in inside)
    ][: LONGEST - len(head) - 1]
    starts, ends = [], []
    for a, b in answers:
        over = [k for k, n in enumerate(chosen) if meets(paragraph.spans[n], [(a, b)])]
        if over:
            starts.append(len(head) + over[0])
            ends.append(len(head) + over[-1])
    ids = (*head, *(paragraph.ids[n] for n in chosen), END)
    return Example(ids, len(head), tuple(starts) or (0,), tuple(ends) or (0,))


def meets(span: Span, answers: Sequence[Span]) -> bool:
    """Whether a span has a character in common with one of the answers."""
    return any(span[0] < end and start < span[1] for start, end in answers)
