"""Fits rag/answer_model.json: which sentence answers, and whether any does.

    python -m eval.train_answer --squad PATH … --nomiracl PATH … --essays FOLDER … [--write]

Sentences: a conditional logit (softmax over the sentences of five passages; McFadden 1974) on
SQuAD-like files, where the passages are the paragraph and its nearest neighbours, and on folders of
essays with their questions (`eval/practice`), searched as one, whose passages are what is
retrieved; the seed essays and `UNSEEN` are for measuring. Answerable: logistic regression on
NoMIRACL and the essay questions together. All figures that are printed are cross-validated: by
article, and by question where a question is the unit.

What the reader (`rag/encoders/reader.py`) says is weighed last, beside the score of all other
figures, and by what it has not learned from: the essays that are held out, and the seeds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from eval.cases import Question
from eval.datasets import Dataset, open_dataset
from eval.metrics import answer_match, auroc, calibration_error
from eval.opening import open_rag
from eval.reading import essay_of, group_of, held_out, meets
from eval.train_fusion import together
from rag.answerable import figures, nearness
from rag.config import Settings
from rag.encoders.bundled import PassageEncoder, SentenceEncoder
from rag.encoders.late import match, unpack
from rag.encoders.toward import TOWARD
from rag.evidence import Cosines, Evidence, Matches, gather
from rag.extract import read_lines
from rag.fold import language, simplified
from rag.parts import Parts
from rag.readings import POOL, Read, Readings
from rag.schema import OffsetMap, Passage
from rag.sentences import sentence_spans
from rag.telling import FIGURES, MODEL, coefficients, tell

Floats = NDArray[np.float64]
Vector = NDArray[np.float32]
Comparisons = tuple[Cosines, Cosines, Matches]
FOLDS = 8
PASSAGES = 5

SET = {"asks": -5.0, "label": -2.0, "short": -3.0, "address": -5.0, "heading": 1.0}
"""Where the prior stands for figures that encyclopaedias have no example of."""

HEADING = 5.0
"""By hand, what a heading that holds the question's words counts: with less (1.1 fits best) three
questions in a hundred over the seeds are lost whose words stand in a heading alone, and of the
others none is gained."""

ELSE = "elsewhere"
ELSEWHERE = Path(__file__).with_name("elsewhere.txt")
"""Questions about what no seed essay speaks of, one a line."""

COUNTS = {"practice": 3}
"""What an essay question counts: encyclopaedia questions repeat their sentence's words, and people
who ask about an essay do not."""

UNSEEN = "explained"
"""The folder of essays that nothing has learned from."""

MEASURED = {"questions", UNSEEN}
"""Questions that the weights of sentences are not fitted to."""

STRENGTH, WEAK = 3.0, 0.1  # of the prior
OWN = {"questions", ELSE}

# Log-odds that no data set here tells. The fit presumes that half the questions can be answered; of
# those that people ask about their own essays more can. A single passage that somebody gives with a
# question is less near than the best of many.
LIKELY, FEW = 0.8, 2.0


@dataclass(frozen=True)
class Asked:
    """A question over essays, with what was retrieved for it, and how near all that is."""

    data: str
    question: Question
    evidence: Evidence
    near: float

    @property
    def essay(self) -> str:
        """The essay that the question was written for, as `eval/reading.py` names it."""
        return essay_of(self.question)

    @property
    def learned(self) -> bool:
        """Whether the reader and the encoder of questions may have seen it."""
        return self.data == "practice" and not held_out(self.essay)

    @property
    def group(self) -> str:
        """What is held out together."""
        return self.question.id if self.data in OWN else self.essay


@dataclass(frozen=True)
class Choice:
    """Sentences of one question: their figures, which of them answer, and where it is from."""

    data: str
    group: str
    figures: Floats
    right: Floats
    texts: tuple[str, ...]
    accepted: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Case:
    """One question and whether its passages answer it."""

    data: str
    group: str
    values: dict[str, float]
    answerable: bool


# --- fitting


def fit_choices(
    choices: Sequence[Choice], prior: Floats, strength: float, free: Sequence[bool]
) -> Floats:
    """Weights that make the right sentences probable, near `prior` (in units of the figures)."""
    every = np.concatenate([choice.figures for choice in choices])
    scale = every.std(0) + 0.05
    sizes = [len(choice.figures) for choice in choices]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    owner = np.repeat(np.arange(len(choices)), sizes)
    right = np.concatenate([choice.right for choice in choices])
    rows, centre, mask = every / scale, prior * scale, np.asarray(free, float)

    def loss(weights: Floats) -> tuple[float, Floats]:
        score = rows @ weights
        top = np.maximum.reduceat(score, starts)
        power = np.exp(score - top[owner])
        whole = np.add.reduceat(power, starts)
        good = np.add.reduceat(power * right, starts) + 1e-12
        off = weights - centre
        slope = rows.T @ (power / whole[owner] - power * right / good[owner])
        return (
            float(np.log(whole / good).sum() + strength * off @ off),
            (slope + 2 * strength * off) * mask,
        )

    found: Floats = minimize(loss, centre, jac=True, method="L-BFGS-B").x / scale
    return found


def fit_all(choices: Sequence[Choice]) -> Floats:
    """The weights by all data sets, an essay question counting as `COUNTS` says."""
    start = np.array([SET.get(name, 0.0) for name in FIGURES])
    learned = [choice for choice in choices if choice.data not in MEASURED]
    counted = [c for c in learned for _ in range(COUNTS.get(c.data, 1))]
    return fit_choices(counted, start, STRENGTH, [True] * len(start))


def fit_reading(choices: Sequence[Choice]) -> Floats:
    """Weights of the score (1) and of what the reader says, of `read_choices`."""
    usable = [choice for choice in choices if choice.right.any()]
    return fit_choices(usable, np.array([1.0, 0.0]), WEAK, [False, True])


def fit_cases(cases: Sequence[Case], names: Sequence[str]) -> tuple[float, Floats]:
    """Intercept and weights; every data set weighs the same for its two labels, the essay questions
    half as much as a file."""
    from sklearn.linear_model import LogisticRegression

    keys = [(case.data, case.answerable) for case in cases]
    count = {key: keys.count(key) for key in set(keys)}
    share = [100 / count[key] * (0.5 if key[0] in OWN else 1.0) for key in keys]
    rows = np.array([[case.values[name] for name in names] for case in cases])
    labels = [case.answerable for case in cases]
    model = LogisticRegression(C=1.0).fit(rows, labels, sample_weight=np.asarray(share))
    return float(model.intercept_[0]), np.asarray(model.coef_[0])


def fold_of(group: str, seed: int = 0) -> int:
    """The fold of an article or a question; not of its order in a file."""
    return int(hashlib.sha256(f"{seed} {group}".encode()).hexdigest(), 16) % FOLDS


# --- data


def squad_choices(path: Path, limit: int, compare: Comparisons) -> Iterator[Choice]:
    """Questions of a SQuAD-like file, of articles that nothing was learned from, beside their
    paragraph and the nearest four others."""
    articles = json.loads(path.read_text("utf-8"))["data"]
    paragraphs = [(group_of(path, a), p) for a in articles for p in a["paragraphs"]]
    texts = [paragraph["context"] for _, paragraph in paragraphs]
    asked = [
        (at, qa) for at, (group, p) in enumerate(paragraphs) if held_out(group) for qa in p["qas"]
    ]
    for at, qa in asked[:: max(1, len(asked) // limit)]:
        near = compare[0](qa["question"], texts)
        order = [int(i) for i in np.argsort(-near)[: PASSAGES * 2]]
        chosen = order[:PASSAGES] if at in order[:PASSAGES] else [*order[: PASSAGES - 1], at]
        evidence = gather(qa["question"], [_plain(texts[i], i) for i in chosen], *compare)
        telling = tell(evidence)
        home = chosen.index(at)
        spans = [
            (answer["answer_start"], answer["answer_start"] + len(answer["text"]))
            for answer in qa["answers"]
        ]
        right = [
            float(line.passage == home and meets(evidence.spans[home][line.sentence], spans))
            for line in telling.lines
        ]
        if any(right):
            lines = tuple(line.text for line in telling.lines)
            yield Choice(path.stem, paragraphs[at][0], telling.figures, np.array(right), lines)


def _plain(text: str, n: int) -> Passage:
    whole = OffsetMap.identity(len(text))
    name = f"passage-{n}"
    return Passage(
        name, name, "", "", 0, len(text), text, text, language=language(text), offsets=whole
    )


def nomiracl_cases(path: Path, compare: Comparisons, read: Read) -> Iterator[Case]:
    """Questions with the passages that a search gave, and whether one of them is relevant."""
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        passages = [_plain(passage["text"], n) for n, passage in enumerate(row["passages"])]
        evidence = gather(row["question"], passages, *compare)
        values = figures(evidence, False, tell(evidence), Readings(evidence, read))
        yield Case(path.stem, row["query_id"], values, bool(row["answerable"]))


def essay_evidence(settings: Settings, folders: Sequence[Path] = ()) -> list[Asked]:
    """The questions over the seed essays, some about other things altogether, those over essays of
    folders that are held out, all folders in one index, and those over `UNSEEN`, with what is
    retrieved for them."""
    asked = ELSEWHERE.read_text("utf-8").splitlines()
    others = [Question(text, text, ELSE, answerable=False) for text in asked]
    found = list(_retrieved(settings, open_dataset("questions"), "questions", others))
    found += _retrieved(settings, together([f for f in folders if f.name != UNSEEN]), "practice")
    for folder in folders:
        if folder.name == UNSEEN:
            found += _retrieved(settings, open_dataset(f"folder:{folder}"), UNSEEN)
    return found


def _retrieved(
    settings: Settings, dataset: Dataset, data: str, others: Sequence[Question] = ()
) -> Iterator[Asked]:
    with open_rag(dataset, settings) as rag:
        for question in (*dataset.questions, *others):
            found = rag.retrieve(question.question, question.history, POOL)
            standalone = question.question
            if question.history:
                from rag.condense import condense

                standalone = condense(question.question, question.history).question
            passages = [hit.passage for hit in found]
            texts = [passage.text for passage in passages]
            cosines = rag._parts.passage_vectors.cosines(standalone, texts)
            languages = [passage.language for passage in passages]
            near = nearness(standalone, languages, cosines) if languages else 0.0
            evidence = rag._parts.evidence(standalone, passages[: settings.k])
            name = ELSE if question.kind == ELSE else data
            yield Asked(name, question, evidence, near)


def essay_choices(found: Sequence[Asked]) -> Iterator[Choice]:
    """A sentence answers where it holds as many of the accepted answers as any other."""
    for asked in found:
        question, telling = asked.question, tell(asked.evidence)
        accepted = question.accepted
        if not accepted or not telling.lines:
            continue
        held = np.array(
            [
                sum(bool(answer_match(line.text, [forms])) for forms in accepted)
                for line in telling.lines
            ]
        )
        right = ((held == held.max()) & (held > 0)).astype(float)
        lines = tuple(line.text for line in telling.lines)
        yield Choice(asked.data, asked.group, telling.figures, right, lines, accepted)


def read_choices(found: Sequence[Asked], weights: Floats, read: Read) -> Iterator[Choice]:
    """The same with two figures: the score by `weights`, and what the reader says."""
    for asked in found:
        for choice in essay_choices([asked]):
            told = read_lines(tell(asked.evidence), Readings(asked.evidence, read))
            yield replace(choice, figures=np.stack([choice.figures @ weights, told], axis=1))


# --- figures


def first_and_three(choice: Choice, weights: Floats) -> tuple[float, float]:
    """Whether the best sentence answers, and whether one of the best three does (or all do)."""
    order = np.argsort(-(choice.figures @ weights), kind="stable")[:3]
    if choice.accepted:
        texts = [choice.texts[i] for i in order]
        first, three = (answer_match("\n".join(texts[:n]), choice.accepted) for n in (1, 3))
        return float(first or 0), float(three or 0)
    return float(choice.right[order[0]]), float(choice.right[order].any())


def validated(
    choices: Sequence[Choice], fit: Callable[[Sequence[Choice]], Floats]
) -> Iterator[str]:
    """By data set: the answer in the first sentence and in three, by weights that never saw it."""
    folds = [fold_of(choice.group) for choice in choices]
    scored: dict[str, list[tuple[float, float]]] = {}
    for number in sorted(set(folds)):
        usable = [c for c, f in zip(choices, folds, strict=True) if f != number and c.right.any()]
        weights = fit(usable)
        for choice, fold in zip(choices, folds, strict=True):
            if fold == number:
                scored.setdefault(choice.data, []).append(first_and_three(choice, weights))
    for data, both in scored.items():
        first, three = np.mean(both, 0)
        yield f"{data:<24}{len(both):>6}  first {first:.3f}  three {three:.3f}"


def refusals(cases: Sequence[Case], names: Sequence[str], repeats: int = 5) -> Iterator[str]:
    """By data set: AUROC, Brier score, calibration error, what is refused where a tenth of the
    answerable is; and the best single figure beside it."""
    odds = np.zeros(len(cases))
    rows = np.array([[case.values[name] for name in names] for case in cases])
    for seed in range(repeats):
        folds = np.array([fold_of(case.group, seed) for case in cases])
        for number in range(FOLDS):
            train = [case for case, fold in zip(cases, folds, strict=True) if fold != number]
            intercept, weights = fit_cases(train, names)
            odds[folds == number] += (intercept + rows[folds == number] @ weights) / repeats
    said = 1 / (1 + np.exp(-odds))
    for data in dict.fromkeys(case.data for case in cases):
        mine = np.array([case.data == data for case in cases])
        labels = np.array([case.answerable for case in cases])[mine]
        values = said[mine]
        if not labels.any():
            share = (values < Settings(llm="off").refuse_below).mean()
            yield f"{data:<24}{mine.sum():>5}  refused at the default threshold {share:.3f}"
            continue
        cut = np.quantile(values[labels], 0.1)
        alone = auroc(list(rows[mine, 0]), [float(label) for label in labels])
        area = auroc(list(values), [float(label) for label in labels])
        error = calibration_error(list(values), [float(label) for label in labels])
        yield (
            f"{data:<24}{mine.sum():>5}  AUROC {area:.3f} (nearness alone {alone:.3f})"
            f"  Brier {((values - labels) ** 2).mean():.3f}  ECE {error:.3f}"
            f"  refused at 10% over-refusals (cut {cut:.2f}) {(values[~labels] < cut).mean():.3f}"
        )


# --- command


def main(
    argv: Sequence[str] | None = None,
    compare: Comparisons | None = None,
    essays: Sequence[Asked] | None = None,
    read: Read | None = None,
) -> None:
    """Train, print the figures, and with `--write` keep the coefficients.

    `compare`, `essays`, `read`: vectors, passages and a reader that are at hand already.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--squad", type=Path, action="append", default=[])
    parser.add_argument("--nomiracl", type=Path, action="append", default=[])
    parser.add_argument("--essays", type=Path, action="append", default=[])
    parser.add_argument("--limit", type=int, default=400, help="questions of one SQuAD-like file")
    parser.add_argument("--write", action="store_true", help=f"write {MODEL}")
    options = parser.parse_args(argv)
    settings = Settings(llm="off", rerank="always")  # as where an answer is made
    compare = compare or _bundled(settings)
    read = read or _reading(settings)
    essays = essays if essays is not None else essay_evidence(settings, options.essays)
    unseen = [asked for asked in essays if not asked.learned]

    choices = [c for path in options.squad for c in squad_choices(path, options.limit, compare)]
    choices += essay_choices(essays)
    for line in validated(choices, fit_all):
        print(line)
    sentence = fit_all([choice for choice in choices if choice.right.any()])
    sentence[FIGURES.index("heading")] = HEADING
    own = list(read_choices(unseen, sentence, read))
    for line in validated(own, fit_reading):
        print("with the reader", line)

    cases = [case for path in options.nomiracl for case in nomiracl_cases(path, compare, read)]
    for asked in unseen:
        evidence = asked.evidence
        if any(evidence.spans):
            told = Readings(evidence, read)
            values = figures(evidence, True, tell(evidence), told, asked.near)
            cases.append(Case(asked.data, asked.group, values, asked.question.answerable))
    names = list(cases[0].values)
    for line in refusals(cases, names):
        print(line)
    intercept, weights = fit_cases(cases, names)
    named = dict(zip(names, map(float, weights), strict=True))
    named |= {"searched": named["searched"] + LIKELY, "few": FEW}
    model = {
        "about": "Fitted by eval/train_answer.py. Log-odds: figure → coefficient.",
        "sentence": dict(zip(FIGURES, (round(float(w), 2) for w in sentence), strict=True)),
        "reading": round(float(fit_reading(own)[1]), 2),
        "answerable": {
            "intercept": round(intercept, 2),
            **{name: round(weight, 2) for name, weight in named.items()},
        },
        "levels": coefficients()["levels"],
    }
    text = json.dumps(model, indent=2, ensure_ascii=False)
    print(text)
    if options.write:
        MODEL.write_text(text + "\n", "utf-8")


class Known:
    """What the bundled encoders say of texts, each of which is read once in a run."""

    def __init__(self, settings: Settings) -> None:
        models = settings.models
        self._passage = PassageEncoder(models)
        self._sentence = SentenceEncoder(models, questions=TOWARD)
        self._plain = lru_cache(None)(simplified)  # a file's texts, at each of its questions
        self._vectors: dict[tuple[str, str], Vector] = {}
        self._packed: dict[str, bytes] = {}

    def passages(self, question: str, texts: Sequence[str]) -> Vector:
        """The passage encoder's cosines with n texts."""
        self._read(texts)
        rows = np.stack([self._vectors["passage", self._plain(text)] for text in texts])
        return np.asarray(rows @ self._passage.query(simplified(question)))

    def matches(self, question: str, texts: Sequence[str]) -> tuple[Vector, Sequence[Vector]]:
        """The scores token by token, of n texts and of their sentences."""
        self._read(texts)
        tokens = unpack([self._packed[self._plain(text)] for text in texts])
        return match(self._passage.query_tokens(simplified(question)), tokens)

    def _read(self, texts: Sequence[str]) -> None:
        new = [text for text in dict.fromkeys(map(self._plain, texts)) if text not in self._packed]
        if new:
            rows, packed = self._passage.read(new, sentence_spans)
            self._packed.update(zip(new, packed, strict=True))
            self._vectors.update(zip((("passage", text) for text in new), rows, strict=True))

    def sentences(self, question: str, texts: Sequence[str]) -> Vector:
        """The sentence encoder's cosines with n sentences."""
        keys = [("sentence", self._plain(text)) for text in texts]
        new = [key for key in dict.fromkeys(keys) if key not in self._vectors]
        if new:
            rows = self._sentence.passages([text for _, text in new])
            self._vectors.update(zip(new, rows, strict=True))
        rows = np.stack([self._vectors[key] for key in keys])
        return np.asarray(rows @ self._sentence.query(simplified(question)))


def _reading(settings: Settings) -> Read:
    return Parts(settings).readings


def _bundled(settings: Settings) -> Comparisons:
    known = Known(settings)
    return known.passages, known.sentences, known.matches


if __name__ == "__main__":
    main()
