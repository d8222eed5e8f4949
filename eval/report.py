"""The report of a run: every case's outcome and the figures over them, to and from JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from eval.cases import KINDS, Outcome, PairOutcome
from eval.measures import MEASURES, Measure, compute
from eval.metrics import Figure
from rag.errors import EvalFault

__all__ = ["FORMAT", "Report"]

FORMAT = 1
"""Changes when an older `report.json` can no longer be read."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a run gave, with what it was made of.

    `corpus`, `questions` and `code` are digests: of the essays asked, of the questions, and of the
    source of `rag` and `eval`. `settings` are those that are no secret.
    """

    dataset: str
    date: str
    seconds: float
    corpus: str
    questions: str
    code: str
    settings: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    cases: tuple[Outcome, ...] = ()
    pairs: tuple[PairOutcome, ...] = ()

    def kinds(self) -> tuple[str, ...]:
        """The kinds of the questions, the known ones first."""
        there = dict.fromkeys(case.kind for case in self.cases)
        known = [kind for kind in KINDS if kind in there]
        return (*known, *(kind for kind in there if kind not in KINDS))

    def figure(self, measure: Measure, kind: str | None = None) -> Figure:
        """The figure over all cases, or over those of one kind."""
        if measure.group == "verifier":
            return compute(measure, [p for p in self.pairs if kind in (None, p.kind)])
        return compute(measure, [c for c in self.cases if kind in (None, c.kind)])

    def figures(self, kind: str | None = None) -> dict[str, Figure]:
        """Every figure that has an eligible case, by the measure's name."""
        found = {measure.name: self.figure(measure, kind) for measure in MEASURES}
        return {name: figure for name, figure in found.items() if figure.value is not None}

    def errors(self) -> tuple[tuple[str, str], ...]:
        """(id, message) of the cases that ended in an error."""
        cases: tuple[Outcome | PairOutcome, ...] = (*self.cases, *self.pairs)
        return tuple((case.id, case.error) for case in cases if case.error)

    def only(self, cases: Iterable[str], pairs: Iterable[str]) -> Report:
        """The report over these ids alone."""
        case_ids, pair_ids = frozenset(cases), frozenset(pairs)
        return replace(
            self,
            cases=tuple(case for case in self.cases if case.id in case_ids),
            pairs=tuple(pair for pair in self.pairs if pair.id in pair_ids),
        )

    def slim(self) -> Report:
        """The report without texts and times: what later runs are held against."""
        cases = (replace(case, **_NO_TEXTS, values=_kept(case.values)) for case in self.cases)
        pairs = (
            replace(pair, evidence=(), reason="", values=_kept(pair.values)) for pair in self.pairs
        )
        return replace(self, cases=tuple(cases), pairs=tuple(pairs))

    def to_json(self) -> str:
        """The report as JSON, with its figures for other programs to read."""
        data = {"format": FORMAT, **asdict(self)}
        data["figures"] = {name: asdict(figure) for name, figure in self.figures().items()}
        data["figures_by_kind"] = {
            kind: {name: asdict(figure) for name, figure in self.figures(kind).items()}
            for kind in self.kinds()
        }
        return json.dumps(data, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str, name: str = "The report") -> Report:
        """The report that `to_json` wrote. Raises EvalFault for anything else."""
        try:
            data: dict[str, Any] = json.loads(text)
            if data.pop("format") != FORMAT:
                raise EvalFault(f"{name} is of another version.", "Make it again with `rag eval`.")
            del data["figures"], data["figures_by_kind"]
            data["cases"] = tuple(Outcome.from_dict(case) for case in data["cases"])
            data["pairs"] = tuple(PairOutcome.from_dict(pair) for pair in data["pairs"])
            return cls(**data)
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
            raise EvalFault(
                f"{name} is no report of `rag eval`: {type(error).__name__} {error}.",
                "Give a report.json.",
            ) from error

    @classmethod
    def read(cls, path: Path) -> Report:
        """The report in a file. Raises EvalFault."""
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise EvalFault(f"{path} cannot be read: {error}.", "Give a report.json.") from error
        return cls.from_json(text, str(path))


_NO_TEXTS: Mapping[str, Any] = {
    "answer": "",
    **dict.fromkeys(
        ("history", "evidence", "accepted", "sentences", "citations", "found", "warnings"), ()
    ),
}


def _kept(values: Mapping[str, float | None]) -> dict[str, float | None]:
    """What a measure that gates is computed from, to four digits."""
    names = {name for measure in MEASURES if measure.gates for name in measure.columns}
    return {
        name: round(value, 4)
        for name, value in values.items()
        if name in names and value is not None
    }
