"""The gate: the true system is as good as the baseline, and each broken stage is caught.

A part of the questions over the seed essays, without a model, through the real index.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest

import eval as evaluation
from eval import Comparison, Dataset, Report, compare, open_dataset, run
from eval.cases import KINDS, UNANSWERABLE
from eval.swaps import evidence_pairs
from rag import Rag, Settings
from rag.schema import Answer, Citation, Hit, Message, Passage, Verdict

BASELINE = Path(evaluation.__file__).parent / "baseline.json"
EACH, HARD = 3, 10  # questions of each answerable kind, and unanswerable
CITED = (
    5  # of each answerable kind, where citations are what counts: not every answer has a right one
)


def part(dataset: Dataset, each: int = EACH) -> Dataset:
    """Some of every kind: enough for a broken stage to show, few enough to run with the tests."""
    counts = {kind: HARD if kind == UNANSWERABLE else each for kind in KINDS}
    chosen = [dataset.select([kind], count).questions for kind, count in counts.items()]
    return replace(dataset, questions=tuple(chain.from_iterable(chosen)))


ASKED = part(open_dataset())


@pytest.fixture(scope="module")
def settings(seeded: Path) -> Settings:
    """Settings of an index that holds the seed essays. The reader is left out: it takes most of the
    time, and what is broken here breaks without it too."""
    return Settings(data_dir=seeded, llm="off", judge="off", without=frozenset({"reader"}))


@pytest.fixture(scope="module")
def data(settings: Settings) -> Dataset:
    with Rag(settings) as rag:
        texts = {info.source: rag.text(info.source) for info in rag.essays()}
    return replace(ASKED, pairs=evidence_pairs(ASKED.questions, texts))


@pytest.fixture(scope="module")
def true(settings: Settings, data: Dataset) -> Report:
    with Rag(settings) as rag:
        return run(rag, data)


class Shuffled(Rag):
    """Finds passages at random among the nearest fifty."""

    def retrieve(
        self,
        question: str,
        history: Sequence[Message] = (),
        k: int | None = None,
        sources: Sequence[str] | None = None,
    ) -> list[Hit]:
        hits = super().retrieve(question, history, 50, sources)
        random.Random(question).shuffle(hits)
        return hits[: k or self.settings.k]


class OffByOne(Rag):
    """Every citation points into the passage after the one it rests on."""

    def answer(self, question: str, passages: Sequence[Passage | str]) -> Answer:
        answer = super().answer(question, passages)
        given = [hit.passage for hit in answer.hits]
        moved = tuple(_after(citation, given) for citation in answer.citations)
        return replace(answer, citations=moved)


def _after(citation: Citation, given: Sequence[Passage]) -> Citation:
    at = citation.source, citation.start
    home = next(
        (n for n, p in enumerate(given) if (p.source, p.start) <= at < (p.source, p.end)), 0
    )
    passage = given[(home + 1) % len(given)]
    return Citation(
        citation.n, passage.source, passage.title, passage.start, passage.end, passage.raw
    )


class YesSayer(Rag):
    """Its verifier finds everything supported."""

    def verify(self, claim: str, evidence: Sequence[str]) -> Verdict:
        return replace(super().verify(claim, evidence), label="supported", score=1.0)


def never_refusing(settings: Settings) -> Rag:
    return Rag(settings.model_copy(update={"refuse_below": 0.0}))


def measured(
    make: Callable[[Settings], Rag], settings: Settings, data: Dataset, true: Report
) -> Comparison:
    with make(settings) as rag:
        report = run(rag, data)
    return compare(report, true.only((c.id for c in report.cases), (p.id for p in report.pairs)))


def answerable(data: Dataset) -> Dataset:
    return replace(data, questions=tuple(q for q in data.questions if q.answerable), pairs=())


def unanswerable(data: Dataset) -> Dataset:
    return replace(data, questions=tuple(q for q in data.questions if not q.answerable), pairs=())


def pairs(data: Dataset) -> Dataset:
    return replace(data, questions=())


@pytest.mark.parametrize(
    ("make", "asked", "caught_by"),
    [
        (Shuffled, answerable, {"hit@5", "ndcg@10"}),
        (YesSayer, pairs, {"verifier_auroc", "verifier_balanced"}),
        (never_refusing, unanswerable, {"false_answer", "refusal_recall"}),
    ],
)
def test_the_gate_catches_a_broken_stage(
    make: Callable[[Settings], Rag],
    asked: Callable[[Dataset], Dataset],
    caught_by: set[str],
    settings: Settings,
    data: Dataset,
    true: Report,
) -> None:
    """Each is asked what shows its fault; the rest would only take time."""
    found = measured(make, settings, asked(data), true)
    assert found.dropped
    assert caught_by <= {row.metric for row in found.rows if row.dropped}


def test_the_gate_catches_citations_off_by_one(settings: Settings) -> None:
    """Both answer everything: a refusal has no citation that could be wrong."""
    answering = settings.model_copy(update={"refuse_below": 0.0})
    asked = answerable(part(open_dataset(), CITED))
    with Rag(answering) as rag:
        true = run(rag, asked)
    found = measured(OffByOne, answering, asked, true)
    dropped = {row.metric for row in found.rows if row.dropped}
    assert dropped >= {"citation_recall", "match_and_cited"}


def test_the_true_system_passes_and_gives_the_same_twice(
    settings: Settings, data: Dataset, true: Report
) -> None:
    found = measured(Rag, settings, data.select(None, 10), true)
    assert not found.dropped
    assert all(row.before == row.after for row in found.rows if row.unit == "share")


def test_the_true_system_is_as_good_as_the_baseline(settings: Settings, data: Dataset) -> None:
    """After a change that is meant: `rag eval --write-baseline eval/baseline.json`."""
    with Rag(settings.model_copy(update={"without": frozenset()})) as rag:
        true = run(rag, data)
    before = Report.read(BASELINE).only((c.id for c in true.cases), (p.id for p in true.pairs))
    dropped = [row for row in compare(true, before).rows if row.dropped]
    assert not dropped
