"""Fit the verifier's coefficients and print what they are worth, cross-validated.

    python -m eval.train_verify --squad xquad.en.json --squad drcd_dev.json … \\
        --parallel xquad.en.json xquad.zh.json --halueval FILE --summedits FILE … [--write]

Every figure is from folds in which no article or document stands on both sides, beside the two
simplest baselines: the claim's length, and the share of its words that stand in the evidence. What
is written is fitted on everything. Needs the extra `train` (scikit-learn).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval import pairs as made
from eval.edits import edited
from eval.pair_files import (
    Pair,
    Paragraph,
    halueval,
    probe,
    squad,
    summedits,
    summedits_sentences,
)
from rag.claims.comparison import Comparison
from rag.fold import content_words
from rag.verify import Memo, Model, Verifier, claim_parts, examine, quoted, sentences_of

__all__ = ["Example", "cross_validate", "fit", "main", "prepare"]

Floats = NDArray[np.float64]
Vectors = Callable[[Sequence[str]], NDArray[np.float32]]

FOLDS = 5
PROBE = Path(__file__).parent / "verify_probe.jsonl"
MODEL = Path(__file__).parent.parent / "rag" / "verify_model.json"


@dataclass(frozen=True, slots=True)
class Example:
    """A pair with the comparisons of each sentence of its claim; None for a quotation."""

    pair: Pair
    data: str
    parts: tuple[tuple[Comparison, ...] | None, ...]

    def score(self, model: Model) -> float:
        """As `Verifier.verify` scores it: the best comparison, the worst sentence."""
        return min(
            1.0 if part is None else max(model.bounded(one) for one in part) for part in self.parts
        )


def prepare(data: str, listed: Sequence[Pair], vectors: Vectors) -> list[Example]:
    """Compare every claim with its evidence, once for all folds."""
    wanted = {text for pair in listed for text in sentences_of(pair.evidence)}
    wanted |= {part for pair in listed for part in claim_parts(pair.claim)}
    texts = sorted(wanted)
    known = dict(zip(texts, vectors(texts), strict=True))

    def at_hand(asked: Sequence[str]) -> NDArray[np.float32]:
        if all(text in known for text in asked):
            return np.stack([known[text] for text in asked])
        return vectors(asked)  # a claim told in the first person

    word_vectors = Memo(vectors, 200_000)
    out = []
    for pair in listed:
        sentences = sentences_of(pair.evidence)
        parts: list[tuple[Comparison, ...] | None] = []
        for part in claim_parts(pair.claim):
            if quoted(part, pair.evidence) is not None:
                parts.append(None)
            else:
                compared = examine(part, sentences, at_hand, word_vectors)
                parts.append(tuple(one for one, _ in compared))
        if parts:
            out.append(Example(pair, data, tuple(parts)))
    return out


def fit(examples: Sequence[Example], strength: float = 0.3) -> Model:
    """Logistic regressions over single sentences that are no quotations.

    Every data set and kind weighs the same, and within each right and wrong do. `strength` is the
    inverse of the L2 penalty on standardised figures.
    """
    from sklearn.linear_model import LogisticRegression

    weights = []
    for across in (False, True):
        rows = [
            (one, example)
            for example in examples
            if len(example.parts) == 1 and example.parts[0] is not None
            # a stray line of the other language in a paragraph would weigh as much as a whole set
            if example.pair.kind.startswith("across") is across
            for one in example.parts[0]
            if one.across is across
        ]
        names = sorted({name for one, _ in rows for name in one.figures})
        x = np.array([[one.figures[name] for name in names] for one, _ in rows])
        y = np.array([example.pair.supported for _, example in rows])
        share = _balance([(e.data, e.pair.kind, e.pair.supported) for _, e in rows])
        mean, deviation = x.mean(axis=0), x.std(axis=0) + 1e-9
        fitted = LogisticRegression(C=strength, max_iter=2000)
        fitted.fit((x - mean) / deviation, y, sample_weight=share)
        raw = fitted.coef_[0] / deviation
        weights.append(
            {"intercept": float(fitted.intercept_[0] - raw @ mean)}
            | dict(zip(names, map(float, raw), strict=True))
        )
    return Model(weights[0], weights[1], SUPPORTED, PARTLY)


SUPPORTED, PARTLY = 0.5, 0.25


def _balance(keys: Sequence[tuple[str, str, bool]]) -> Floats:
    """Weights that make data sets and kinds equal, and right and wrong within each.

    "across" counts three times: unrelated paragraphs, changed numbers and plain translations are
    one kind there.
    """
    sets = {key[:2] for key in keys}
    count: dict[tuple[str, str, bool], int] = {}
    for key in keys:
        count[key] = count.get(key, 0) + 1
    share = np.array([(3.0 if key[1] == "across" else 1.0) / count[key] for key in keys])
    return np.asarray(share * len(keys) / (2 * len(sets)))


def cross_validate(examples: Sequence[Example], strength: float = 0.3) -> Floats:
    """Each example's score from a model that saw nothing of its article or document."""
    fold = np.array([_fold_of(example.pair.group) for example in examples])
    scores = np.zeros(len(examples))
    for number in range(FOLDS):
        model = fit([e for e, f in zip(examples, fold, strict=True) if f != number], strength)
        for index in map(int, np.flatnonzero(fold == number)):
            scores[index] = examples[index].score(model)
    return scores


def _fold_of(group: str) -> int:
    return int(hashlib.sha256(group.encode()).hexdigest(), 16) % FOLDS


# Figures


def auroc(scores: Floats, labels: NDArray[np.bool_]) -> float:
    """Area under the ROC curve (Hanley and McNeil 1982); ties count half."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, scores))


def balanced_accuracy(said: NDArray[np.bool_], labels: NDArray[np.bool_]) -> float:
    """Mean of the shares of right and of wrong claims that were recognised."""
    return float((said[labels].mean() + (~said[~labels]).mean()) / 2)


def baseline(
    values: Floats, labels: NDArray[np.bool_], groups: Sequence[str]
) -> tuple[float, float]:
    """Balanced accuracy with a threshold from the other folds, and AUROC, either direction."""
    fold = np.array([_fold_of(group) for group in groups])
    said = np.zeros(len(values), bool)
    for number in range(FOLDS):
        train, test = fold != number, fold == number
        best = max(
            (balanced_accuracy(sign * values[train] >= cut, labels[train]), sign, cut)
            for sign in (1, -1)
            for cut in np.quantile(sign * values[train], np.linspace(0.02, 0.98, 49))
        )
        said[test] = best[1] * values[test] >= best[2]
    area = auroc(values, labels)
    return balanced_accuracy(said, labels), max(area, 1 - area)


def coverage(pair: Pair) -> float:
    """The share of the claim's content words that stand anywhere in the evidence."""
    mine = content_words(pair.claim)
    theirs = {word for text in pair.evidence for word in content_words(text)}
    return sum(word in theirs for word in mine) / len(mine) if mine else 1.0


def table(examples: Sequence[Example], scores: Floats) -> Iterator[str]:
    """One line for each data set and kind.

    Balanced accuracy is that of the shipped threshold; "fitted" has its threshold from the data
    set's other folds, as the baselines do, and is what theirs is to be compared with.
    """
    yield (
        f"{'data and kind':<44}{'n':>6} {'bal.acc':>8}{'fitted':>8}{'AUROC':>7}   "
        f"{'length':>13} {'word coverage':>15}"
    )
    keys = list(dict.fromkeys((e.data, e.pair.kind) for e in examples))
    for key in [*keys, *dict.fromkeys((data, "all") for data, _ in keys)]:
        chosen = [
            i for i, e in enumerate(examples) if e.data == key[0] and key[1] in {e.pair.kind, "all"}
        ]
        labels = np.array([examples[i].pair.supported for i in chosen])
        if labels.all() or not labels.any():
            continue
        groups = [examples[i].pair.group for i in chosen]
        length = np.array([float(len(examples[i].pair.claim)) for i in chosen])
        words = np.array([coverage(examples[i].pair) for i in chosen])
        by_length, by_words = baseline(length, labels, groups), baseline(words, labels, groups)
        mine = scores[chosen]
        yield (
            f"{key[0] + ': ' + key[1]:<44}{len(chosen):>6} "
            f"{balanced_accuracy(mine >= SUPPORTED, labels):>8.3f}"
            f"{baseline(mine, labels, groups)[0]:>8.3f}{auroc(mine, labels):>7.3f}   "
            f"{by_length[0]:>6.3f} {by_length[1]:>6.3f} {by_words[0]:>8.3f} {by_words[1]:>6.3f}"
        )


def probed(path: Path, vectors: Vectors, model: Model) -> Iterator[str]:
    """The labels that a probe's claims get, by half and direction: nothing is ever fitted on it."""
    verifier = Verifier(vectors, model)
    labels = ("supported", "partly", "unsupported")
    count: dict[tuple[str, str, bool], dict[str, int]] = {}
    for pair in probe(path):
        kind = "across" if pair.kind[:2] != pair.kind.split("→ ")[1][:2] else "alike"
        for name in (kind, pair.kind):
            row = count.setdefault((pair.group, name, pair.supported), dict.fromkeys(labels, 0))
            row[verifier.verify(pair.claim, pair.evidence).label] += 1
    yield f"{'probe':<44}{'n':>6}   supported / partly / unsupported"
    for (half, name, right), row in sorted(count.items()):
        title = f"{half}: {name}, {'true' if right else 'invented'}"
        yield f"{title:<44}{sum(row.values()):>6}   {' / '.join(str(row[k]) for k in labels)}"


def latency(examples: Sequence[Example], vectors: Vectors, model: Model) -> str:
    """Milliseconds of processor time a verdict takes with the sentences' vectors at hand.

    The evidence is read anew for each, and words that were not seen before are embedded.
    """
    from rag.claims.statement import read

    chosen = random.Random(0).sample(list(examples), min(400, len(examples)))
    texts = sorted(
        {t for e in chosen for t in (*sentences_of(e.pair.evidence), *claim_parts(e.pair.claim))}
    )
    known = dict(zip(texts, vectors(texts), strict=True))

    def at_hand(asked: Sequence[str]) -> NDArray[np.float32]:
        if all(text in known for text in asked):
            return np.stack([known[text] for text in asked])
        return vectors(asked)

    verifier = Verifier(at_hand, model)
    for example in chosen[:40]:
        verifier.verify(example.pair.claim, example.pair.evidence)  # tables are loaded once
    spent = []
    for example in chosen[40:]:
        read.cache_clear()
        begun = time.process_time()
        verifier.verify(example.pair.claim, example.pair.evidence)
        spent.append(1000 * (time.process_time() - begun) / max(1, len(example.parts)))
    return (
        f"a sentence beside its vectors: p50 {np.quantile(spent, 0.5):.1f} ms, "
        f"p95 {np.quantile(spent, 0.95):.1f} ms (n {len(spent)})"
    )


# Data


def gather(options: argparse.Namespace, vectors: Vectors) -> list[Example]:
    """Every data set that was given, as examples."""
    out: list[Example] = []
    for path in options.squad:
        paragraphs = squad(path)
        for near in (False, True):
            listed = _some(list(made.swapped(paragraphs, near=near)), options.limit)
            out += prepare(path.stem, listed, vectors)
            out += prepare(path.stem, list(edited(listed)), vectors)
        for build in (made.statements, made.misplaced, made.denied):
            listed = _some(list(build(paragraphs)), options.limit)
            out += prepare(path.stem, listed, vectors)
    if options.parallel:
        first, second = map(squad, options.parallel)
        name = f"{options.parallel[0].stem} → {options.parallel[1].stem}"
        back = f"{options.parallel[1].stem} → {options.parallel[0].stem}"
        for data, a, b in ((name, first, second), (back, second, first)):
            out += prepare(data, list(made.across(a, b)), vectors)
            out += prepare(data, list(made.beside(_varied(a, options.limit // 2), a, b)), vectors)
    for path in options.halueval:
        out += prepare(path.stem, list(halueval(path)), vectors)
    for path in options.summedits:
        out += prepare(path.stem, list(summedits(path)), vectors)
        out += prepare(path.stem, list(summedits_sentences(path)), vectors)
    return out


def _varied(paragraphs: Sequence[Paragraph], limit: int) -> list[Pair]:
    """Swapped, edited and denied sentences and statements, `limit` of each kind."""
    out: list[Pair] = []
    for near in (False, True):
        listed = list(made.swapped(paragraphs, near=near))
        out += _some(listed, limit) + _some(list(edited(listed)), limit)
    for build in (made.statements, made.misplaced, made.denied):
        out += _some(list(build(paragraphs)), limit)
    return out


def _some(listed: list[Pair], limit: int) -> list[Pair]:
    """At most `limit` pairs, spread over the whole list, right and wrong together."""
    twos = [listed[i : i + 2] for i in range(0, len(listed), 2)]
    if limit and len(listed) > limit:
        twos = random.Random(1).sample(twos, limit // 2)
    return [pair for two in twos for pair in two]


def main(argv: Sequence[str] | None = None, vectors: Vectors | None = None) -> None:
    """Train, print the figures, and with `--write` keep the coefficients."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--squad", type=Path, action="append", default=[], help="answers to swap")
    parser.add_argument("--parallel", type=Path, nargs=2, help="one text in two languages")
    parser.add_argument("--halueval", type=Path, action="append", default=[])
    parser.add_argument("--summedits", type=Path, action="append", default=[])
    parser.add_argument("--limit", type=int, default=1200, help="pairs of one kind from one file")
    parser.add_argument("--write", action="store_true", help=f"write {MODEL}")
    options = parser.parse_args(argv)
    vectors = vectors or _bundled()
    examples = gather(options, vectors)
    scores = cross_validate(examples)
    for line in table(examples, scores):
        print(line)
    model = fit(examples)
    for line in probed(PROBE, vectors, model):
        print(line)
    print(latency(examples, vectors, model))
    print(json.dumps(_rounded(model), indent=1, ensure_ascii=False))
    if options.write:
        text = json.dumps(_rounded(model), indent=2, ensure_ascii=False)
        MODEL.write_text(text + "\n", "utf-8")


def _rounded(model: Model) -> Mapping[str, Any]:
    return {
        "about": "Fitted by eval/train_verify.py. Logistic regression: figure → coefficient.",
        "alike": {name: round(value, 3) for name, value in model.alike.items()},
        "across": {name: round(value, 3) for name, value in model.across.items()},
        "supported": model.supported,
        "partly": model.partly,
    }


def _bundled() -> Vectors:
    from rag.config import Settings
    from rag.embed import open_encoders

    settings = Settings(llm="off")
    encoder = open_encoders(settings, settings.models).sentence
    return lambda texts: encoder.passages(list(texts))


if __name__ == "__main__":
    main()
