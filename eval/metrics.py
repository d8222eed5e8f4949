"""Metrics as pure functions of plain values. A case that a metric does not apply to gives None.

Definitions and sources stand with each function. Means are taken over the eligible cases alone and
always come with their number and a bootstrap interval (`Figure`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from rag.fold import fold, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "Figure",
    "Percentile",
    "answer_match",
    "aurc",
    "auroc",
    "balanced_accuracy",
    "calibration",
    "calibration_error",
    "citation_precision",
    "citation_recall",
    "context_precision",
    "context_recall",
    "draws",
    "faithfulness",
    "figure",
    "mean",
    "ranking",
    "resampled",
    "risk_coverage",
    "token_f1",
    "value_of",
]

RESAMPLES = 1000
SEED = 20251124
CONFIDENCE = 0.95


# ---- retrieval


def ranking(found: Sequence[Sequence[int]], needs: int) -> dict[str, float | None]:
    """hit@1, hit@5, MRR and nDCG@10 of one question, computed by ir-measures.

    `found`: for each hit, best first, the needs that it meets (see `cases.met_by`). A need counts
    once, at the first hit that meets it; so copies of one fact earn nothing twice. hit@k is the
    needs met in the first k over the most that k hits could meet (R_cap@k of Thakur et al. 2021,
    BEIR, arXiv:2104.08663; with one need the usual hit rate). MRR is the reciprocal of the first
    relevant rank, up to 10 (Voorhees 1999). nDCG@10 with binary gains (Järvelin & Kekäläinen 2002).
    None where nothing is to be found.
    """
    names = ("hit@1", "hit@5", "mrr", "ndcg@10")
    if not needs:
        return dict.fromkeys(names)
    import ir_measures
    from ir_measures import RR, R, nDCG

    measures = (R @ 1, R @ 5, RR @ 10, nDCG @ 10)
    qrels = [ir_measures.Qrel("q", f"need-{n}", 1) for n in range(needs)]
    run, met = [], set[int]()
    for rank, meets in enumerate(found):
        new = next((n for n in meets if n not in met), None)
        if new is not None:
            met.add(new)
        name = f"other-{rank}" if new is None else f"need-{new}"
        run.append(ir_measures.ScoredDoc("q", name, float(-rank)))
    if not run:
        return dict.fromkeys(names, 0.0)
    values = {m.measure: float(m.value) for m in ir_measures.iter_calc(measures, qrels, run)}
    recall_1, recall_5, rr, ndcg = (values[measure] for measure in measures)
    return {
        "hit@1": recall_1 * needs,
        "hit@5": recall_5 * needs / min(needs, 5),
        "mrr": rr,
        "ndcg@10": ndcg,
    }


def context_precision(found: Sequence[Sequence[int]], needs: int) -> float | None:
    """Mean of precision@rank over the ranks that hold evidence; 0 when none does.

    RAGAS's context precision (Es et al. 2023, arXiv:2309.15217) with the evidence as the judge of
    relevance. None where nothing is to be found.
    """
    if not needs:
        return None
    precisions, relevant = [], 0
    for rank, meets in enumerate(found, 1):
        if meets:
            relevant += 1
            precisions.append(relevant / rank)
    return sum(precisions) / len(precisions) if precisions else 0.0


def context_recall(found: Sequence[Sequence[int]], needs: int) -> float | None:
    """Share of the needs that the passages behind the answer meet (RAGAS's context recall, with
    evidence spans instead of a model's judgement). None where nothing is to be found."""
    if not needs:
        return None
    return len({n for meets in found for n in meets}) / needs


# ---- answers


def answer_match(text: str, accepted: Sequence[Sequence[str]]) -> float | None:
    """1 when of each inner list one form stands in `text`, else 0. None without accepted forms.

    Compared after folding (one script, case and width), white space ignored; a number only matches
    a whole number and a Latin word only from its beginning (`5%` is not in `15%`, nor `AI` in
    `Thai`).
    """
    if not accepted:
        return None
    folded = " ".join(fold(text).split())
    return float(all(any(_stands_in(form, folded) for form in forms) for forms in accepted))


def _stands_in(form: str, folded: str) -> bool:
    wanted = "".join(fold(form).split())
    pattern = r"\s*".join(re.escape(character) for character in wanted)
    before = r"(?<!\d)(?<!\d[.,])" if wanted[:1].isdigit() else ""
    before = r"(?<![a-z])" if wanted[:1].isascii() and wanted[:1].isalpha() else before
    after = r"(?!\d|[.,]\d)" if wanted[-1:].isdigit() else ""
    return bool(wanted) and re.search(before + pattern + after, folded) is not None


def token_f1(text: str, accepted: Sequence[Sequence[str]]) -> float | None:
    """Harmonic mean of token precision and recall against the nearest accepted answer.

    Rajpurkar et al. 2016 (SQuAD, arXiv:1606.05250), over folded words of both languages; the
    reference is the concatenation of the best form of each required fact. None without accepted
    forms.
    """
    if not accepted:
        return None
    own = Counter(words(text))
    gold = Counter[str]()
    for forms in accepted:
        gold += max((Counter(words(form)) for form in forms), key=partial(_f1, own))
    return _f1(own, gold)


def _f1(own: Counter[str], gold: Counter[str]) -> float:
    common = (own & gold).total()
    return 2 * common / (own.total() + gold.total()) if common else 0.0


def citation_precision(cited: Sequence[Sequence[int]]) -> float | None:
    """Share of citations whose span holds evidence; `cited`: the needs each one meets.

    ALCE's citation precision (Gao et al. 2023, arXiv:2305.14627) with span overlap in place of an
    entailment model, hence a lower bound: other words may say the same. None without citations.
    """
    return sum(bool(meets) for meets in cited) / len(cited) if cited else None


def citation_recall(cited: Sequence[Sequence[int]], needs: int) -> float | None:
    """Share of the needs that some citation's span holds. None where there is no evidence."""
    return len({n for meets in cited for n in meets}) / needs if needs else None


def faithfulness(labels: Sequence[str]) -> float | None:
    """Share of "supported" among an answer's sentences that were checked.

    RAGAS's faithfulness (Es et al. 2023) with sentences as the statements. None where no sentence
    was checked.
    """
    checked = [label for label in labels if label != "unchecked"]
    return checked.count("supported") / len(checked) if checked else None


# ---- scores against the truth; NaN-free arrays of equal length, `truth` of 0 and 1


def auroc(scores: Sequence[float], truth: Sequence[float]) -> float | None:
    """Probability that a true case scores above a false one, ties half (Mann & Whitney 1947).

    None unless both kinds are there.
    """
    import numpy as np

    values, labels = np.asarray(scores, float), np.asarray(truth, bool)
    positives, negatives = int(labels.sum()), int((~labels).sum())
    if not positives or not negatives:
        return None
    _, rank, counts = np.unique(values, return_inverse=True, return_counts=True)
    average = np.cumsum(counts) - (counts - 1) / 2
    total = float(average[rank][labels].sum())
    return (total - positives * (positives + 1) / 2) / (positives * negatives)


def balanced_accuracy(decisions: Sequence[float], truth: Sequence[float]) -> float | None:
    """Mean of the shares of true and of false cases that were decided rightly (Brodersen et al.
    2010). `decisions` are 1 for "true". None unless both kinds are there."""
    import numpy as np

    said, labels = np.asarray(decisions, float), np.asarray(truth, bool)
    if labels.all() or not labels.any():
        return None
    return float((said[labels].mean() + 1 - said[~labels].mean()) / 2)


def risk_coverage(confidence: Sequence[float], loss: Sequence[float]) -> list[tuple[float, float]]:
    """(coverage, risk) when only the most confident share is answered, ascending by coverage.

    Risk is the mean loss of those answered (El-Yaniv & Wiener 2010). Cases of equal confidence come
    in together, as a threshold lets them.
    """
    import numpy as np

    sure, lost = np.asarray(confidence, float), np.asarray(loss, float)
    order = np.argsort(-sure, kind="stable")
    answered = np.arange(1, len(sure) + 1)
    risk = np.cumsum(lost[order]) / answered
    last = np.append(sure[order][1:] != sure[order][:-1], True) if len(sure) else answered > 0
    return [
        (float(a) / len(sure), float(r)) for a, r in zip(answered[last], risk[last], strict=True)
    ]


def aurc(confidence: Sequence[float], loss: Sequence[float]) -> float | None:
    """Area under the risk-coverage curve, lower is better (Geifman & El-Yaniv 2017,
    arXiv:1705.08500). Each case counts with the risk at which it comes in. None without cases."""
    curve = risk_coverage(confidence, loss)
    before, area = 0.0, 0.0
    for coverage, risk in curve:
        area += (coverage - before) * risk
        before = coverage
    return area if curve else None


def calibration(
    probabilities: Sequence[float], truth: Sequence[float], bins: int = 10
) -> list[tuple[float, float, int]]:
    """(mean probability, share of true cases, number) of each non-empty bin of equal width."""
    import numpy as np

    said, labels = np.asarray(probabilities, float), np.asarray(truth, float)
    at = np.clip((said * bins).astype(int), 0, bins - 1)
    sizes = np.bincount(at, minlength=bins)
    sums, trues = (np.bincount(at, weights=column, minlength=bins) for column in (said, labels))
    return [
        (float(sums[b] / sizes[b]), float(trues[b] / sizes[b]), int(sizes[b]))
        for b in np.flatnonzero(sizes)
    ]


def calibration_error(probabilities: Sequence[float], truth: Sequence[float]) -> float | None:
    """Expected calibration error over ten bins (Naeini et al. 2015). None without cases."""
    filled = calibration(probabilities, truth)
    total = sum(n for _, _, n in filled)
    return sum(n * abs(said - true) for said, true, n in filled) / total if total else None


# ---- figures


def mean(values: Sequence[float]) -> float | None:
    """The mean, None without values."""
    import numpy as np

    return float(np.mean(values)) if len(values) else None


@dataclass(frozen=True, slots=True)
class Percentile:
    """The statistic that gives the `share` quantile, by linear interpolation."""

    share: float

    def __call__(self, values: Sequence[float]) -> float | None:
        """The quantile, None without values."""
        import numpy as np

        return float(np.quantile(np.asarray(values, float), self.share)) if len(values) else None


@dataclass(frozen=True, slots=True)
class Figure:
    """A statistic over `n` cases with its 95 % interval; all None when no case is eligible."""

    value: float | None
    n: int
    low: float | None
    high: float | None


def figure(
    columns: Mapping[str, Sequence[float | None]], statistic: Callable[..., float | None]
) -> Figure:
    """`statistic` over the cases in which no column is None, with a percentile bootstrap interval
    (Efron & Tibshirani 1993) over cases; 1,000 resamples, seeded, so the same cases always give
    the same interval."""
    import numpy as np

    table = eligible(columns)
    size = table.shape[1]
    value = statistic(*table) if size else None
    if value is None:
        return Figure(None, size, None, None)
    drawn = resampled(statistic, table, draws(size))
    low, high = interval(drawn[~np.isnan(drawn)])
    return Figure(value, size, low, high)


def eligible(columns: Mapping[str, Sequence[float | None]]) -> NDArray[np.float64]:
    """The columns as rows of an array, without the cases that have a None."""
    import numpy as np

    rows: Any = [case for case in zip(*columns.values(), strict=True) if None not in case]
    return np.asarray(rows, float).reshape(len(rows), len(columns)).T


def interval(drawn: Sequence[float] | NDArray[np.float64]) -> tuple[float, float]:
    """The middle 95 % of the resampled values."""
    import numpy as np

    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(np.asarray(drawn, float), [tail, 1 - tail])
    return float(low), float(high)


def draws(size: int) -> NDArray[np.int64]:
    """The cases of each resample, one resample a row; the same for the same size."""
    import numpy as np

    return np.random.default_rng(SEED).integers(size, size=(RESAMPLES, size))


def resampled(
    statistic: Callable[..., float | None], table: NDArray[np.float64], picks: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The statistic over each resample of the table's cases; one row of the table for each column.

    A case with a NaN is left out; NaN where the statistic has no eligible case. Means and quantiles
    are computed all at once.
    """
    import numpy as np

    if statistic is mean:
        drawn = table[0][picks]
        there = ~np.isnan(drawn)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where(there, drawn, 0.0).sum(axis=1) / there.sum(axis=1))
    if isinstance(statistic, Percentile) and not np.isnan(table).any():
        return np.asarray(np.quantile(table[0][picks], statistic.share, axis=1))
    return np.asarray([value_of(statistic, table[:, pick]) for pick in picks], dtype=float)


def value_of(statistic: Callable[..., float | None], table: NDArray[np.float64]) -> float | None:
    """The statistic over the table's cases without a NaN; None where there are none."""
    import numpy as np

    kept = table[:, ~np.isnan(table).any(axis=0)]
    return statistic(*kept) if kept.shape[1] else None
