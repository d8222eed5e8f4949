"""Asks a Rag every question of a dataset and measures what comes back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

from eval.cases import (
    Found,
    Outcome,
    Pair,
    PairOutcome,
    Question,
    Quoted,
    Span,
    evidence_spans,
    met_by,
)
from eval.compare import check_comparable
from eval.datasets import Dataset, open_dataset, select
from eval.journal import Journal, journal_path
from eval.metrics import (
    answer_match,
    citation_precision,
    citation_recall,
    context_precision,
    context_recall,
    faithfulness,
    mean,
    ranking,
    token_f1,
)
from eval.opening import open_rag
from eval.report import Report
from eval.stamp import stamp
from eval.swaps import evidence_pairs
from rag.arguments import as_count, as_texts
from rag.errors import EvalFault, InvalidArgument, RagError
from rag.fold import language
from rag.schema import Answer, EssayInfo, Hit, Message, Passage, Verdict
from rag.sentences import sentence_spans

__all__ = ["Asked", "Progress", "run"]

DEPTH = 10  # hits of nDCG@10 and MRR
SHOWN = 5  # passages of a failure in the report

Progress = Callable[[int, int], None]
"""Called with (done, total) after every case."""


class Asked(Protocol):
    """The part of Rag's interface that an eval uses."""

    def essays(self) -> Sequence[EssayInfo]: ...
    def text(self, source: str) -> str: ...
    def retrieve(
        self, question: str, history: Sequence[Message] = (), k: int = 5
    ) -> Sequence[Hit]: ...
    def query(self, question: str, history: Sequence[Message] = ()) -> Answer: ...
    def answer(self, question: str, passages: Sequence[Passage | str]) -> Answer: ...
    def verify(self, claim: str, evidence: Sequence[str]) -> Verdict: ...


def run(  # noqa: PLR0913  # one for each option of the command
    rag: Asked | None = None,
    questions: Dataset | Iterable[Question] | str | Path | None = None,
    kinds: str | Sequence[str] | None = None,
    limit: int | None = None,
    on_progress: Progress | None = None,
    *,
    jobs: int = 1,
    fresh: bool = True,
    baseline: Report | None = None,
) -> Report:
    """Ask `rag` the questions and report.

    `rag`: anything with Rag's interface, as it is, with what it has ingested; None: a Rag of its
    own with the default Settings, over the dataset's own documents, in a folder of its own inside
    the data directory. `questions`: None for those over the seed essays, a dataset's specification
    (see `eval.datasets`), a JSONL file, a Dataset or Questions. `kinds`, `limit`: only these kinds,
    or this one, at most so many questions (and pairs), evenly spread. `jobs`: questions asked at
    the same time. `fresh=False` takes up a run that broke off or had errors (same settings, essays,
    questions, code and answering model). `baseline`: what the report will be compared with; where
    it cannot be, that is an EvalFault before anything is asked.

    A question that raised a RagError is reported with it and has no values. Raises EvalFault when
    the questions are not about what is ingested, InvalidArgument for a `limit` or `jobs` below 1.
    """
    for name, count in (("limit", limit), ("jobs", jobs)):
        if count is not None and as_count(count, name) < 1:
            raise InvalidArgument(f"{name} is {count}.", "Give 1 or more.")
    wanted = None if kinds is None else as_texts(kinds, "kinds")
    dataset = _dataset(questions).select(wanted, limit)
    with _opened(rag, dataset) as asked:
        prepared = _prepare(asked, dataset, limit)
        if baseline:
            cases, pairs = prepared.dataset.questions, prepared.dataset.pairs or ()
            corpus = prepared.made_of["corpus"]
            check_comparable(corpus, cases, pairs, baseline, part=bool(wanted or limit))
        return _run(asked, prepared, on_progress or _silent, jobs, fresh)


def _dataset(questions: Dataset | Iterable[Question] | str | Path | None) -> Dataset:
    if isinstance(questions, Dataset):
        return questions
    if isinstance(questions, Path):
        return open_dataset(f"jsonl:{questions}")
    if questions is None or isinstance(questions, str):
        return open_dataset(questions or "questions")
    return Dataset("questions", tuple(questions), None)


def _silent(done: int, total: int) -> None:
    """No progress is shown."""


# ---- the Rag that is asked


@contextmanager
def _opened(rag: Asked | None, dataset: Dataset) -> Iterator[Asked]:
    if rag is not None:
        yield rag
        return
    from rag.config import Settings

    with open_rag(dataset, Settings()) as opened:
        yield opened


# ---- the run


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that is asked, what has to be found by question, and what the run is made of."""

    dataset: Dataset
    needs: Mapping[str, Needs]
    made_of: Mapping[str, Any]


def _prepare(rag: Asked, dataset: Dataset, limit: int | None) -> Prepared:
    _tell_apart(dataset)
    texts = {info.source: rag.text(info.source) for info in rag.essays()} if _asks(dataset) else {}
    needs = {q.id: Needs.of(q, texts) for q in dataset.questions}
    pairs = dataset.pairs
    if pairs is None:
        pairs = tuple(select(evidence_pairs(dataset.questions, texts), limit))
        dataset = replace(dataset, pairs=pairs)
    return Prepared(dataset, needs, stamp(rag, dataset, texts))


def _asks(dataset: Dataset) -> bool:
    """Whether any of it is about the essays, and not about what it brings with it."""
    return dataset.pairs is None or not all(q.given and not q.evidence for q in dataset.questions)


def _run(rag: Asked, prepared: Prepared, progress: Progress, jobs: int, fresh: bool) -> Report:
    started = perf_counter()
    needs, made_of = prepared.needs, prepared.made_of
    journal = Journal(journal_path(rag, made_of), fresh)

    def work(item: Question | Pair) -> Outcome | PairOutcome:
        done = journal.known(item.id)
        if done is None:
            done = _ask(rag, item, needs) if isinstance(item, Question) else _check(rag, item)
            journal.add(done)
        return done

    items = _items(prepared.dataset)
    results: dict[str, Outcome | PairOutcome] = {}
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        running = {pool.submit(work, item): item for item in items}
        try:
            for count, future in enumerate(as_completed(running), 1):
                results[running[future].id] = future.result()
                progress(count, len(items))
        finally:
            pool.shutdown(cancel_futures=True)
    found = [results[item.id] for item in items]
    if not any(outcome.error for outcome in found):
        journal.close()
    return Report(
        **made_of,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(perf_counter() - started, 1),
        cases=tuple(case for case in found if isinstance(case, Outcome)),
        pairs=tuple(case for case in found if isinstance(case, PairOutcome)),
    )


def _tell_apart(dataset: Dataset) -> None:
    """Outcomes are kept by id, so a second case of the same id would pass for the first."""
    counts = Counter(item.id for item in _items(dataset))
    if repeated := next((id_ for id_, count in counts.items() if count > 1), None):
        raise EvalFault(f"{dataset.name} has two cases with the id {repeated!r}.", "Rename one.")


def _items(dataset: Dataset) -> list[Question | Pair]:
    return [*dataset.questions, *(dataset.pairs or ())]


@dataclass(frozen=True, slots=True)
class Needs:
    """What has to be found, and what has to be cited: where documents are to be found, a citation
    still has to hold the evidence's own words."""

    found: tuple[tuple[Span, ...], ...]
    cited: tuple[tuple[Span, ...], ...]

    @classmethod
    def of(cls, question: Question, texts: Mapping[str, str]) -> Needs:
        words = replace(question, unit="passage")
        return cls(evidence_spans(question, texts), evidence_spans(words, texts))


def _ask(rag: Asked, question: Question, needs: Mapping[str, Needs]) -> Outcome:
    blank = Outcome(
        id=question.id,
        kind=question.kind,
        question=question.question,
        answerable=question.answerable,
        language=language(question.question),
        history=question.history,
        evidence=question.evidence,
        accepted=question.accepted,
    )
    try:
        return _asked(rag, question, needs[question.id], blank)
    except RagError as error:
        return replace(blank, error=str(error))


def _asked(rag: Asked, question: Question, needs: Needs, blank: Outcome) -> Outcome:
    started = perf_counter()
    hits: Sequence[Hit] = ()
    if not question.given:
        hits = rag.retrieve(question.question, question.history, k=DEPTH)
    retrieved = perf_counter()
    answer = (
        rag.answer(question.question, question.given)
        if question.given
        else rag.query(question.question, question.history)
    )
    answered = perf_counter()
    found = [_found(hit, met_by(hit, needs.found)) for hit in _ranked(answer.hits, hits)]
    cited = [
        Quoted(c.n, c.source, c.start, c.end, c.quote, met_by(c, needs.cited))
        for c in answer.citations
    ]
    values = {
        **ranking([item.needs for item in found], len(needs.found)),
        **_context_values(answer, needs.found),
        **_answer_values(question, answer, cited, len(needs.cited)),
        **_refusal_values(question, answer),
        "retrieve_ms": None if question.given else 1000 * (retrieved - started),
        "answer_ms": 1000 * (answered - retrieved),
        "context_characters": float(sum(len(hit.passage.text) for hit in answer.hits)),
        "prompt_tokens": float(answer.usage.prompt_tokens) if answer.usage else None,
        "completion_tokens": float(answer.usage.completion_tokens) if answer.usage else None,
    }
    return replace(
        blank,
        answer=answer.text,
        mode=answer.mode,
        model=answer.model,
        refused=answer.refused,
        probability=answer.answerable,
        sentences=tuple(
            (s.text, s.verdict.label, s.verdict.score, s.verdict.reason) for s in answer.sentences
        ),
        citations=tuple(cited),
        found=tuple(found[:SHOWN]),
        warnings=answer.warnings,
        values=values,
    )


def _ranked(answered: Sequence[Hit], searched: Sequence[Hit]) -> list[Hit]:
    """What the answer was made from, in the order in which it was: where the reader has a say in
    it, that is what people get. Then what else the search found."""
    used = {hit.passage.id for hit in answered}
    return [*answered, *(hit for hit in searched if hit.passage.id not in used)]


def _found(hit: Hit, meets: tuple[int, ...]) -> Found:
    passage = hit.passage
    place = (passage.source, passage.heading, passage.start, passage.end)
    return Found(*place, passage.text, hit.score, meets)


def _context_values(answer: Answer, needs: Sequence[Sequence[Span]]) -> dict[str, float | None]:
    meets = [met_by(hit, needs) for hit in answer.hits]
    return {
        "context_precision": context_precision(meets, len(needs)),
        "context_recall": context_recall(meets, len(needs)),
    }


def _answer_values(
    question: Question, answer: Answer, cited: Sequence[Quoted], needs: int
) -> dict[str, float | None]:
    """A refused answerable question has no answer: nothing matches, and nothing is cited."""
    sentences = [] if answer.refused else [sentence.text for sentence in answer.sentences]
    accepted = question.accepted
    labels = [] if answer.refused else [s.verdict.label for s in answer.sentences]
    meets = [] if answer.refused else [quoted.needs for quoted in cited]
    match = answer_match("" if answer.refused else answer.text, accepted)
    first, three = (answer_match("\n".join(sentences[:n]), accepted) for n in (1, 3))
    recall = citation_recall(meets, needs)
    both = None if match is None or recall is None else float(match and recall == 1)
    return {
        "answer_match": match,
        "answer_match_first": first,
        "answer_match_three": three,
        "token_f1": token_f1("\n".join(sentences), accepted),
        "match_and_cited": both,
        "citation_precision": citation_precision(meets) if needs else None,
        "citation_recall": None if answer.refused else recall,
        "faithfulness": faithfulness(labels),
        "unchecked": mean([float(label == "unchecked") for label in labels]),
    }


def _refusal_values(question: Question, answer: Answer) -> dict[str, float | None]:
    """Precision and recall of refusing, with "unanswerable" as the positive class; false-answer and
    over-refusal rates as NoMIRACL has them (Thakur et al. 2024, arXiv:2312.11361)."""
    refused, answerable = float(answer.refused), float(question.answerable)
    return {
        "refusal_precision": 1 - answerable if answer.refused else None,
        "refusal_recall": None if question.answerable else refused,
        "false_answer": None if question.answerable else 1 - refused,
        "over_refusal": refused if question.answerable else None,
        "answered": 1 - refused,
        "answerable": answerable,
        "unanswerable": 1 - answerable,
        "probability": answer.answerable,
    }


def _check(rag: Asked, pair: Pair) -> PairOutcome:
    """The claim's weakest sentence decides: a text is supported when all its sentences are."""
    blank = PairOutcome(
        pair.id, pair.kind, language(pair.claim), pair.claim, pair.evidence, pair.supported
    )
    sentences = [pair.claim[a:b] for a, b in sentence_spans(pair.claim)] or [pair.claim]
    if pair.kind == "qa":  # the question is not a claim of its own
        sentences = [pair.claim]
    started = perf_counter()
    try:
        verdicts = [rag.verify(sentence, pair.evidence) for sentence in sentences]
    except RagError as error:
        return replace(blank, error=str(error))
    took = 1000 * (perf_counter() - started) / len(sentences)
    weakest = min(verdicts, key=lambda verdict: verdict.score)
    checked = weakest.label != "unchecked"
    values = {
        "score": weakest.score if checked else None,
        "said_supported": float(weakest.label == "supported") if checked else None,
        "supported": float(pair.supported),
        "unchecked": float(not checked),
        "verify_ms": took,
    }
    return replace(
        blank, label=weakest.label, score=weakest.score, reason=weakest.reason, values=values
    )
