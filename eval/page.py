"""The report as one page: what is on it. How it looks is in `static/report.html.j2` and `.css`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval import plots
from eval.cases import Outcome, PairOutcome
from eval.measures import MEASURES, Measure, column, main_measures, shown
from eval.metrics import Figure, Percentile, calibration, eligible, risk_coverage
from eval.report import Report

__all__ = ["faults", "render"]

STATIC = Path(__file__).parent / "static"
MOST = 150
"""Failures on the page, the rest is in report.json: a browser has to open it."""

HEADLINES = (
    "hit@5",
    "answer_match_three",
    "citation_precision",
    "refusal_recall",
    "over_refusal",
    "verifier_balanced",
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure as it is shown."""

    title: str
    text: str
    interval: str
    n: int
    value: float | None
    good: float | None
    """0…1, 1 the best there can be; None where that cannot be said."""
    lower: bool
    """Whether lower is better."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawn plot; `svg` is made by `eval.plots` and safe."""

    title: str
    note: str
    svg: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text; `marked` where it is evidence."""

    text: str
    marked: bool


def render(report: Report) -> str:
    """The page. Everything from documents and models is escaped by the template."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(STATIC), autoescape=True, undefined=StrictUndefined
    )
    failed = [(case, faults(case)) for case in report.cases if faults(case)]
    wrong = [pair for pair in report.pairs if pair.error or _misjudged(pair)]
    style = (STATIC / "report.css").read_text(encoding="utf-8")
    return environment.get_template(
        "report.html.j2"
    ).render(
        report=report,
        style=Markup(style),  # noqa: S704  # our own file
        headlines=[_cell(report, m) for m in MEASURES if m.name in HEADLINES if _there(report, m)],
        groups=_groups(report),
        kinds=_kinds(report),
        kind_titles=[measure.title for measure in main_measures()],
        plots=[(p.title, p.note, Markup(p.svg)) for p in _plots(report)],  # noqa: S704  # escaped
        failed=failed[:MOST],
        failures=len(failed),
        wrong=wrong[:MOST],
        wrongs=len(wrong),
        pieces=_pieces,
    )


def faults(case: Outcome) -> tuple[str, ...]:
    """What is wrong with the case, in words; empty when it is right."""
    if case.error:
        return ("error",)
    if not case.answerable:
        return () if case.refused else ("answered without evidence",)
    values = case.values
    checks = {
        "refused": case.refused,
        "no accepted answer": not case.refused and values.get("answer_match") == 0,
        "evidence not found": _below_one(values.get("hit@5")),
        "evidence not cited": _below_one(values.get("citation_recall")),
        "unsupported sentence": any(label == "unsupported" for _, label, _, _ in case.sentences),
    }
    return tuple(name for name, is_so in checks.items() if is_so)


def _below_one(value: float | None) -> bool:
    return value is not None and value < 1


def _misjudged(pair: PairOutcome) -> bool:
    return (pair.label == "supported") != pair.supported


def _there(report: Report, measure: Measure) -> bool:
    return report.figure(measure).value is not None


def _cell(report: Report, measure: Measure, kind: str | None = None) -> Cell:
    figure = report.figure(measure, kind)
    between = f"{shown(figure.low, measure.unit)} – {shown(figure.high, measure.unit)}"
    text = shown(figure.value, measure.unit)
    lower = not measure.higher_is_better
    good = _good(measure, figure)
    return Cell(measure.title, text, between, figure.n, figure.value, good, lower)


def _good(measure: Measure, figure: Figure) -> float | None:
    if measure.unit != "share" or figure.value is None or not measure.gates:
        return None
    return figure.value if measure.higher_is_better else 1 - figure.value


def _groups(report: Report) -> list[tuple[str, list[Cell]]]:
    groups = dict.fromkeys(measure.group for measure in MEASURES)
    cells = {
        group: [_cell(report, m) for m in MEASURES if m.group == group and _there(report, m)]
        for group in groups
    }
    return [(group, found) for group, found in cells.items() if found]


def _kinds(report: Report) -> list[tuple[str, int, list[Cell]]]:
    return [
        (
            kind,
            sum(case.kind == kind for case in report.cases),
            [_cell(report, measure, kind) for measure in main_measures()],
        )
        for kind in report.kinds()
    ]


def _plots(report: Report) -> Iterable[Plot]:
    yield from _kind_plots(report)
    yield from _refusal_plots(report)
    yield from _verifier_plots(report)
    for name, title in (("retrieve_ms", "Time to retrieve"), ("answer_ms", "Time to answer")):
        times = [value for value in column(report.cases, name) if value is not None]
        if times:
            marks = [(_quantile(times, share), f"p{share * 100:.0f}") for share in (0.5, 0.95)]
            labelled = [(value, f"{label} {shown(value, 'ms')}") for value, label in marks]
            note = f"{len(times)} questions, wall clock on this machine."
            yield Plot(title, note, plots.bars(times, labelled, title))


def _quantile(values: Sequence[float], share: float) -> float:
    """As the table beside it has it."""
    return Percentile(share)(values) or 0.0


def _kind_plots(report: Report) -> Iterable[Plot]:
    for measure in main_measures():
        if measure.name not in {"hit@5", "answer_match_three", "citation_precision"}:
            continue
        rows = []
        for kind in report.kinds():
            figure = report.figure(measure, kind)
            if figure.value is not None and figure.low is not None and figure.high is not None:
                text = f"{figure.n} questions"
                rows.append((kind, figure.value, figure.low, figure.high, text))
        if rows:
            title = f"{measure.title}, by kind"
            yield Plot(title, "With 95 % bootstrap intervals.", plots.intervals(rows, title))


def _refusal_plots(report: Report) -> Iterable[Plot]:
    names = ("probability", "unanswerable", "answered")
    table = eligible({name: column(report.cases, name) for name in names})
    if not table.shape[1] or table[1].all() or not table[1].any():
        return
    sure, loss, answered = (row.tolist() for row in table)
    here = (
        [(sum(answered) / len(answered), _risk(loss, answered), "as set")] if any(answered) else []
    )
    titles = ("Risk and coverage", "coverage: share answered", "risk: share of them unanswerable")
    yield Plot(
        titles[0],
        "What each threshold on “answerable” costs; dashed: answering everything.",
        plots.curve(risk_coverage(sure, loss), titles, here, level=sum(loss) / len(loss)),
    )
    titles = ("Is “answerable” calibrated?", "said probability", "share answerable")
    bins = calibration(sure, [1 - lost for lost in loss])
    yield Plot(titles[0], "Larger dots hold more questions.", plots.reliability(bins, titles))


def _risk(loss: Sequence[float], answered: Sequence[float]) -> float:
    return sum(lost for lost, is_so in zip(loss, answered, strict=True) if is_so) / sum(answered)


def _verifier_plots(report: Report) -> Iterable[Plot]:
    table = eligible({name: column(report.pairs, name) for name in ("score", "supported")})
    if not table.shape[1]:
        return
    titles = ("Is the verifier calibrated?", "said score", "share supported")
    bins = calibration(table[0].tolist(), table[1].tolist())
    note = f"{table.shape[1]} labelled pairs; larger dots hold more of them."
    yield Plot(titles[0], note, plots.reliability(bins, titles))
    rows = []
    measure = next(m for m in MEASURES if m.name == "verifier_balanced")
    pairs = report.pairs
    for what, kind in [("language", lang) for lang in sorted({p.language for p in pairs})] + [
        ("kind", kind) for kind in sorted({p.kind for p in pairs})
    ]:
        figure = _of(report, measure, what, kind)
        if figure.value is not None and figure.low is not None and figure.high is not None:
            rows.append((kind, figure.value, figure.low, figure.high, f"{figure.n} pairs"))
    title = "Verifier: balanced accuracy"
    yield Plot(title, "By language and by what was changed.", plots.intervals(rows, title))


def _of(report: Report, measure: Measure, what: str, value: str) -> Figure:
    from eval.measures import compute

    return compute(measure, [pair for pair in report.pairs if getattr(pair, what) == value])


def _pieces(text: str, case: Outcome) -> list[Piece]:
    """`text` cut where the case's evidence stands in it."""
    at, pieces = 0, []
    places = sorted((text.find(e.text), len(e.text)) for e in case.evidence if e.text in text)
    for start, length in places:
        if start >= at:
            pieces += [Piece(text[at:start], False), Piece(text[start : start + length], True)]
            at = start + length
    return [piece for piece in (*pieces, Piece(text[at:], False)) if piece.text]
