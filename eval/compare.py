"""Two reports over the same questions, pair by pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from eval.cases import Outcome, Pair, PairOutcome, Question
from eval.measures import MEASURES, Measure, column, shown
from eval.metrics import draws, interval, resampled, value_of
from eval.report import Report
from rag.errors import EvalFault

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.table import Table

__all__ = ["Comparison", "Row", "check_comparable", "compare"]

TOLERANCE = 0.01
"""A turn for the worse smaller than this is no drop, however certain."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measure before and after; `interval` is the 95 % interval of after − before."""

    metric: str
    title: str
    unit: str
    before: float
    after: float
    interval: tuple[float, float]
    dropped: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed. `dropped`: some measure turned significantly for the worse."""

    rows: tuple[Row, ...]

    @property
    def dropped(self) -> bool:
        """True when at least one row dropped."""
        return any(row.dropped for row in self.rows)

    def table(self) -> Table:
        """The rows for the terminal, drops marked by a word and not by colour alone."""
        from rich.table import Table

        shown_rows = Table(title="against the baseline")
        for name in ("", "before", "after", "95 % interval of the change", ""):
            shown_rows.add_column(name, justify="left" if not name else "right")
        for row in self.rows:
            low, high = (f"{x:+.3f}" if row.unit == "share" else f"{x:+,.1f}" for x in row.interval)
            values = (shown(row.before, row.unit), shown(row.after, row.unit), f"{low} … {high}")
            verdict = "DROPPED" if row.dropped else ""
            shown_rows.add_row(row.title, *values, verdict, style="bold red" if row.dropped else "")
        return shown_rows


def compare(report: Report, baseline: Report, *, part: bool = False) -> Comparison:
    """`report` against `baseline`, question by question.

    The interval of each change is a paired bootstrap over the questions (Efron & Tibshirani 1993;
    Koehn 2004 for comparing systems). A measure dropped when its whole interval lies on the worse
    side and the change exceeds the tolerance. Time and tokens are shown and never drop. With `part`
    only some of the baseline's questions were asked, and the others are left out.

    Raises EvalFault when the two are not over the same questions and the same essays, or a case
    ended in an error: that is no quality that could be compared.
    """
    check_comparable(report.corpus, report.cases, report.pairs, baseline, part=part)
    _refuse_errors(report, "This run")
    asked = baseline.only((c.id for c in report.cases), (p.id for p in report.pairs))
    cases = _in_order(report.cases), _in_order(asked.cases)
    pairs = _in_order(report.pairs), _in_order(asked.pairs)
    rows = [
        _row(measure, *pairs) if measure.group == "verifier" else _row(measure, *cases)
        for measure in MEASURES
    ]
    return Comparison(tuple(row for row in rows if row))


C = TypeVar("C", Outcome, PairOutcome)
Cases = Sequence[Outcome] | Sequence[PairOutcome]
Case = Question | Outcome | Pair | PairOutcome


def check_comparable(
    corpus: str,
    questions: Sequence[Question | Outcome],
    pairs: Sequence[Pair | PairOutcome],
    baseline: Report,
    *,
    part: bool = False,
) -> None:
    """Raise EvalFault where what these questions and pairs give cannot be held against `baseline`.

    It can be asked before anything is measured. `part` as in `compare`.
    """
    _refuse_errors(baseline, "The baseline")
    if questions and corpus != baseline.corpus:  # pairs bring their evidence
        raise EvalFault(
            "The baseline was made over other essays.", "Make it again over the same essays."
        )
    _check_same(questions, baseline.cases, part)
    _check_same(pairs, baseline.pairs, part)


def _refuse_errors(report: Report, name: str) -> None:
    if errors := report.errors():
        raise EvalFault(
            f"{name} has {len(errors)} cases that ended in an error; the first is "
            f"{errors[0][0]}: {errors[0][1]}",
            "Mend that and run again.",
        )


def _check_same(after: Sequence[Case], before: Sequence[Case], part: bool) -> None:
    """Raise EvalFault when they are not the same questions."""
    new, old = ({case.id: _asked(case) for case in cases} for cases in (after, before))
    missing = [] if part else sorted(old.keys() - new.keys())
    added = sorted(new.keys() - old.keys())
    changed = sorted(id_ for id_ in old.keys() & new.keys() if old[id_] != new[id_])
    for ids, what in (
        (missing, "are in the baseline and not in this run"),
        (added, "are in this run and not in the baseline"),
        (changed, "ask something else than in the baseline"),
    ):
        if ids:
            raise EvalFault(
                f"{len(ids)} cases {what}, the first is {ids[0]}.",
                "Make the baseline again over all questions, or with the same --kinds and --limit.",
            )


def _asked(case: Case) -> tuple[str, bool]:
    if isinstance(case, Question | Outcome):
        return case.question, case.answerable
    return case.claim, case.supported


def _in_order(cases: Sequence[C]) -> Sequence[C]:
    return sorted(cases, key=lambda case: case.id)


def _row(measure: Measure, after: Cases, before: Cases) -> Row | None:
    import numpy as np

    new, old = _array(measure, after), _array(measure, before)
    was, now = value_of(measure.statistic, old), value_of(measure.statistic, new)
    if was is None or now is None:
        return None
    picks = draws(new.shape[1])
    changes = resampled(measure.statistic, new, picks) - resampled(measure.statistic, old, picks)
    low, high = interval(changes[~np.isnan(changes)])
    worse = low if not measure.higher_is_better else -high
    change = now - was if not measure.higher_is_better else was - now
    dropped = measure.gates and worse > 0 and change > TOLERANCE
    return Row(measure.name, measure.title, measure.unit, was, now, (low, high), dropped)


def _array(measure: Measure, cases: Cases) -> NDArray[np.float64]:
    """One row for each column of the measure; NaN where it does not apply."""
    import numpy as np

    return np.asarray([column(cases, name) for name in measure.columns], dtype=float)
