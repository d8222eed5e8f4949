"""The figures of a report: which statistic, over which values of the cases, and which way is up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from eval.cases import Outcome, PairOutcome
from eval.metrics import (
    Figure,
    Percentile,
    aurc,
    auroc,
    balanced_accuracy,
    calibration_error,
    figure,
    mean,
)

__all__ = ["MAIN", "MEASURES", "Measure", "column", "compute", "main_measures", "shown"]

Group = Literal["retrieval", "answers", "citations", "refusal", "verifier", "cost"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure. `columns` name entries of `Outcome.values` (`PairOutcome.values` in the group
    verifier), in the statistic's order. `gates`: a significant turn for the worse fails a
    comparison; time depends on the machine and does not."""

    name: str
    title: str
    group: Group
    columns: tuple[str, ...]
    statistic: Callable[..., float | None] = mean
    higher_is_better: bool = True
    gates: bool = True
    unit: Literal["share", "ms", "tokens", "characters"] = "share"


def _share(name: str, title: str, group: Group) -> Measure:
    return Measure(name, title, group, (name,))


def _cost(name: str, title: str, statistic: Callable[..., float | None], column: str) -> Measure:
    return Measure(name, title, "cost", (column,), statistic, False, False, "ms")


MEASURES: tuple[Measure, ...] = (
    _share("hit@1", "hit@1", "retrieval"),
    _share("hit@5", "hit@5", "retrieval"),
    _share("mrr", "MRR", "retrieval"),
    _share("ndcg@10", "nDCG@10", "retrieval"),
    _share("context_precision", "context precision", "retrieval"),
    _share("context_recall", "context recall", "retrieval"),
    _share("answer_match", "accepted answer", "answers"),
    _share("answer_match_three", "accepted in 3 sentences", "answers"),
    _share("answer_match_first", "accepted in 1st sentence", "answers"),
    Measure("token_f1", "token F1", "answers", ("token_f1",), gates=False),
    _share("match_and_cited", "accepted and cited", "citations"),
    _share("citation_precision", "citation precision", "citations"),
    _share("citation_recall", "citation recall", "citations"),
    _share("faithfulness", "faithfulness", "citations"),
    Measure(
        "unchecked",
        "sentences unchecked",
        "citations",
        ("unchecked",),
        higher_is_better=False,
    ),
    _share("refusal_precision", "refusal precision", "refusal"),
    _share("refusal_recall", "refusal recall", "refusal"),
    Measure("false_answer", "false answers", "refusal", ("false_answer",), higher_is_better=False),
    Measure("over_refusal", "over-refusals", "refusal", ("over_refusal",), higher_is_better=False),
    Measure(
        "answerable_balanced",
        "refusal: balanced accuracy",
        "refusal",
        ("answered", "answerable"),
        balanced_accuracy,
    ),
    Measure(
        "answerable_auroc", "answerable: AUROC", "refusal", ("probability", "answerable"), auroc
    ),
    Measure(
        "answerable_aurc",
        "answerable: AURC",
        "refusal",
        ("probability", "unanswerable"),
        aurc,
        higher_is_better=False,
    ),
    Measure(
        "answerable_ece",
        "answerable: calibration error",
        "refusal",
        ("probability", "answerable"),
        calibration_error,
        higher_is_better=False,
        gates=False,
    ),
    Measure("verifier_auroc", "verifier: AUROC", "verifier", ("score", "supported"), auroc),
    Measure(
        "verifier_balanced",
        "verifier: balanced accuracy",
        "verifier",
        ("said_supported", "supported"),
        balanced_accuracy,
    ),
    Measure(
        "verifier_unchecked",
        "verifier: unchecked",
        "verifier",
        ("unchecked",),
        higher_is_better=False,
    ),
    Measure(
        "verifier_ece",
        "verifier: calibration error",
        "verifier",
        ("score", "supported"),
        calibration_error,
        higher_is_better=False,
        gates=False,
    ),
    Measure(
        "verifier_p95",
        "verifier: p95",
        "verifier",
        ("verify_ms",),
        Percentile(0.95),
        higher_is_better=False,
        gates=False,
        unit="ms",
    ),
    _cost("retrieve_p50", "retrieve p50", Percentile(0.5), "retrieve_ms"),
    _cost("retrieve_p95", "retrieve p95", Percentile(0.95), "retrieve_ms"),
    _cost("answer_p50", "answer p50", Percentile(0.5), "answer_ms"),
    _cost("answer_p95", "answer p95", Percentile(0.95), "answer_ms"),
    Measure(
        "context_characters",
        "characters of context",
        "cost",
        ("context_characters",),
        higher_is_better=False,
        gates=False,
        unit="characters",
    ),
    Measure(
        "prompt_tokens",
        "prompt tokens",
        "cost",
        ("prompt_tokens",),
        higher_is_better=False,
        gates=False,
        unit="tokens",
    ),
    Measure(
        "completion_tokens",
        "completion tokens",
        "cost",
        ("completion_tokens",),
        higher_is_better=False,
        gates=False,
        unit="tokens",
    ),
)


def column(cases: Sequence[Outcome] | Sequence[PairOutcome], name: str) -> list[float | None]:
    """One value of each case; None where it does not apply or the case ended in an error."""
    return [case.values.get(name) for case in cases]


def compute(measure: Measure, cases: Sequence[Outcome] | Sequence[PairOutcome]) -> Figure:
    """The measure's figure over the cases, with its interval."""
    return figure({name: column(cases, name) for name in measure.columns}, measure.statistic)


MAIN = {
    "hit@1": "hit@1",
    "hit@5": "hit@5",
    "ndcg@10": "nDCG",
    "answer_match_first": "in 1",
    "answer_match_three": "in 3",
    "match_and_cited": "cited",
    "citation_precision": "cit.p",
    "faithfulness": "faith",
    "over_refusal": "over-r",
    "false_answer": "false",
}
"""The measures shown by kind, with headings that fit a terminal of 80 columns."""


def main_measures() -> Sequence[Measure]:
    """The measures shown by kind."""
    return [measure for measure in MEASURES if measure.name in MAIN]


def shown(value: float | None, unit: str) -> str:
    """A value as people read it: `.873`, `42 ms`, `–` for none."""
    if value is None:
        return "–"
    if unit == "ms":
        return f"{value:,.1f} ms" if value < 10 else f"{value:,.0f} ms"
    if unit != "share":
        return f"{value:,.0f}"
    text = f"{value:.3f}"
    return text.removeprefix("0") if text.startswith("0.") else text
