"""From passages to an answer: written by a model or quoted, then cited, checked, and refused where
nothing carries it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from rag.answerable import answerable, nearness, with_answer
from rag.arguments import several
from rag.cite import cite, quote
from rag.clean import clean
from rag.errors import EndpointError, InvalidArgument
from rag.evidence import Evidence, Pick
from rag.extract import extract
from rag.fold import language, simplified
from rag.gist import gist
from rag.parts import Parts, VectorsAtHand
from rag.questions.about import About, about, says
from rag.questions.compound import Parts as AskedFor
from rag.questions.compound import parts as parts_of
from rag.questions.lookup import asks_which_essays, keywords
from rag.readings import Readings
from rag.replies.abstention import abstains
from rag.schema import (
    Answer,
    Citation,
    Event,
    Hit,
    Message,
    Passage,
    Replace,
    Sentence,
    Status,
    Token,
    Usage,
    Verdict,
)
from rag.sentences import sentence_spans
from rag.telling import Telling, tell
from rag.whole import LIKELY, SURE
from rag.wording import again, refusal

if TYPE_CHECKING:
    from rag.llm import LLM

__all__ = ["Cancelled", "Turn", "as_passages", "compose"]

Verify = Callable[[str, Sequence[str]], Verdict]
REFUSED = Verdict("unchecked", 0.0, "says only that there is no answer")
NEAREST = 3  # passages that a refusal shows
HELD, MATCHED, VERY_NEAR = 0.5, 0.42, 0.5
NAMED, UNNAMED = 0.6, 0.3
"""The probability where a few words are looked for is at least, or at most, this. Set."""
TOLD = 3  # fields that are quoted
WHOLE = 0.9
"""The probability that an essay tells what it is about, or by whom where a field says so. Set."""


class Cancelled(Exception):
    """Nobody waits for this answer any more."""


def _silent(event: Event) -> None:
    """Nobody watches."""


@dataclass
class Turn:
    """One question under way: who watches it, what came before, and how long each stage took.
    `quotes`: no model writes the answer. `found`: what a search found, of which the best are
    `hits`."""

    emit: Callable[[Event], None] = _silent
    cancel: threading.Event | None = None
    history: tuple[Message, ...] = ()
    standalone: str = ""
    quotes: bool = False
    found: tuple[Hit, ...] = ()
    hits: tuple[Hit, ...] = ()
    timings: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the milliseconds spent inside to the timing of `stage`."""
        began = perf_counter()
        try:
            yield
        finally:
            spent = (perf_counter() - began) * 1000
            self.timings[stage] = self.timings.get(stage, 0.0) + spent


@dataclass(frozen=True)
class Draft:
    """An answer in the making. `refused`: the model said that the passages do not tell."""

    text: str
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    refused: bool = False
    model: str = ""
    usage: Usage | None = None
    warnings: tuple[str, ...] = ()

    def warn(self, warning: str) -> Draft:
        """The same draft with one more warning."""
        return replace(self, warnings=(*self.warnings, warning))


def as_passages(passages: Sequence[Passage | str]) -> list[Passage]:
    """Plain strings become passages of sources "passage-1", "passage-2", …; one alone is one.

    Raises:
        InvalidArgument: one is neither, such as a Hit.
    """
    if isinstance(passages, (str, Passage)):
        passages = (passages,)
    return [
        passage if isinstance(passage, Passage) else _plain(passage, f"passage-{n}")
        for n, passage in enumerate(several(passages, "passages"), 1)
    ]


def _plain(text: str, source: str) -> Passage:
    if not isinstance(text, str):
        raise InvalidArgument(
            f"A passage is neither a Passage nor a text, but a {type(text).__name__}.",
            "Give texts, or each hit.passage of what retrieve finds.",
        )
    cleaned = clean(text)  # as an essay is: a line that is only wrapped ends no sentence
    return Passage(
        id=source,
        source=source,
        title=source,
        heading="",
        start=0,
        end=len(text),
        text=cleaned.text,
        raw=text,
        language=language(cleaned.text),
        offsets=cleaned.offsets,
    )


def compose(
    question: str, passages: Sequence[Passage], turn: Turn, parts: Parts, verify: Verify
) -> Answer:
    """The answer to `question` from `passages`, best first, with every sentence checked."""
    found = {hit.passage.id: hit for hit in turn.hits}
    hits = tuple(found.get(passage.id, Hit(passage, 0.0)) for passage in passages)
    look = _Look(turn.standalone or question, passages, turn, parts)
    draft = _drafted(question, hits, look, turn, parts, verify)
    probability = look.answerable()
    if draft.model:
        verdicts = [sentence.verdict for sentence in draft.sentences]
        probability = with_answer(probability, draft.refused, verdicts)
    refused = draft.refused or probability < parts.settings.refuse_below
    if refused or not draft.sentences:
        draft, refused = _refusal(draft, look), True
    turn.emit(Replace(draft.text) if draft.model else Token(draft.text))
    return Answer(
        question=question,
        text=draft.text,
        sentences=draft.sentences,
        citations=draft.citations,
        refused=refused,
        answerable=probability,
        mode="llm" if draft.model else "extractive",
        model=draft.model,
        warnings=(*draft.warnings, *_rerank_warning(hits)),
        timings=dict(turn.timings),
        usage=draft.usage,
        hits=hits,
    )


class _Look:
    """What the passages say about the question, measured when somebody wants to know: a model that
    answers does not wait for it."""

    def __init__(
        self, question: str, passages: Sequence[Passage], turn: Turn, parts: Parts
    ) -> None:
        self._question = question
        self._passages = passages
        self._turn = turn
        self._parts = parts

    @cached_property
    def evidence(self) -> Evidence:
        with self._turn.timed("evidence"):
            return self._parts.evidence(self._question, self._passages)

    @cached_property
    def telling(self) -> Telling:
        evidence = self.evidence
        with self._turn.timed("evidence"):
            return tell(evidence)

    @cached_property
    def readings(self) -> Readings:
        return Readings(self.evidence, self._parts.readings)

    @property
    def vectors(self) -> VectorsAtHand:
        return self._parts.sentence_vectors

    @cached_property
    def asked(self) -> AskedFor:
        """The parts of a question that asks for several things; none of one alone."""
        asked = parts_of(simplified(self._question))
        left_out = len(asked.questions) < 2 or "parts" in self._parts.settings.without
        return AskedFor() if left_out else asked

    @cached_property
    def parts(self) -> list[Readings]:
        """The same passages beside each of these parts."""
        found = [self._parts.evidence(part, self._passages) for part in self.asked.questions]
        return [Readings(evidence, self._parts.readings) for evidence in found]

    @cached_property
    def whole(self) -> About | None:
        """What is asked of essays as a whole, where passages were found for that."""
        return about(self._question) if self._stand_for() else None

    def told(self) -> list[Pick]:
        """The fields that say who wrote the essays that are meant, or when, if that is asked."""
        asked, spans = self.whole, self.evidence.spans
        if asked is None or asked.aspect == "gist":
            return []
        places = [(p, s) for p in self._stand_for(SURE) for s in range(len(spans[p]))]
        said = (place for place in places if says(asked.aspect, self.evidence.sentence(*place)))
        return [Pick(*place, 0.0) for place in said]

    def _stand_for(self, least: float = LIKELY) -> list[int]:
        """The places of the passages that stand for an essay as a whole, as surely as `least`."""
        hits = self._turn.hits
        whole = {hit.passage.id for hit in hits if hit.signals.get("whole", 0.0) >= least}
        return [p for p, passage in enumerate(self._passages) if passage.id in whole]

    def answerable(self) -> float:
        """The probability that the passages hold the answer, whatever was answered."""
        if self.whole and self._stand_for(SURE) and (self.whole.aspect == "gist" or self.told()):
            return WHOLE
        evidence, telling = self.evidence, self.telling
        searched = bool(self._turn.hits)
        with self._turn.timed("read"):
            found = answerable(evidence, searched, telling, self.readings, near=self._near)
            found = max(found, self._of_parts(searched))
        if not self._turn.hits or not keywords(self._question):
            return found
        return max(found, NAMED) if self._names_it() else min(found, UNNAMED)

    def _of_parts(self, searched: bool) -> float:
        """The probability of the part that is answered best: it need have no number that another
        asks for. The passages must be on the topic of the whole all the same."""
        # The words that a follow-up was given ask for nothing.
        parts = () if self._turn.history else self.parts
        best = max((answerable(p.evidence, searched, readings=p) for p in parts), default=0.0)
        if not best:
            return 0.0
        whole = answerable(
            self.evidence, searched, self.telling, self.readings, slots=False, near=self._near
        )
        return min(best, whole)

    @cached_property
    def _near(self) -> float | None:
        """How near what was found is: of the few that are answered from, which were not chosen for
        that alone, the nearest tell less."""
        passages = [hit.passage for hit in self._turn.found]
        if not passages:
            return None
        texts = [passage.text for passage in passages]
        cosines = self._parts.passage_vectors.cosines(self._question, texts)
        return nearness(self._question, [passage.language for passage in passages], cosines)

    def _names_it(self) -> bool:
        """Whether what a few words look for is there: most of them, or a translation of them in a
        passage that matches token by token, or a sentence that is very near."""
        signals = [hit.signals for hit in self._turn.hits]
        translated = max(signal.get("bridge", 0.0) for signal in signals)
        return (
            max(signal.get("coverage", 0.0) for signal in signals) >= HELD
            or (translated >= HELD and float(self.evidence.passage_matches.max()) >= MATCHED)
            or max(signal.get("sentence", 0.0) for signal in signals) >= VERY_NEAR
        )


def _rerank_warning(hits: Sequence[Hit]) -> tuple[str, ...]:
    if not any(hit.signals.get("reranker failed") for hit in hits):
        return ()
    return ("The reranker failed: passages stand as they were found. `rag doctor` tests it.",)


def _drafted(
    question: str,
    hits: Sequence[Hit],
    look: _Look,
    turn: Turn,
    parts: Parts,
    verify: Verify,
) -> Draft:
    """The checked answer, by the policy for sentences that nothing supports."""

    def check(draft: Draft) -> Draft:
        with turn.timed("verify"):
            return _checked(draft, hits, turn, verify, parts)

    llm = parts.llm
    if llm is None:
        return check(_quoted(question, look, turn))
    _ = parts.reader  # opens while the model answers
    draft = check(_written(question, hits, turn, parts, llm))
    policy = parts.settings.unsupported
    faults = _faults(draft)
    if not faults or policy == "mark":
        return draft
    if policy == "retry":
        turn.emit(Status("again", "Answering again without what no source supports …"))
        turn.emit(Replace(""))
        asked = again(question, [(s.text, s.verdict.reason) for s in faults])
        try:
            second = check(_written(asked, hits, turn, parts, llm))
        except EndpointError as error:  # the first answer stands, marked
            return draft.warn(f"Not answered again: {error.what}")
        return second.warn(f"Answered again: {_sentences(faults)} had no support at first.")
    return _without(draft, faults)


# --- drafts ---


def _quoted(question: str, look: _Look, turn: Turn) -> Draft:
    """The sentences that answer, word for word."""
    evidence = look.evidence
    with turn.timed("read"):
        if look.whole and look.whole.aspect == "gist":
            picks: Sequence[Pick] = gist(evidence, look.vectors)
        else:
            picks = look.told()[:TOLD] or extract(
                evidence,
                telling=look.telling,
                readings=look.readings,
                parts=look.parts,
                same=look.asked.same,
                each=asks_which_essays(question),
            )
    spans = [
        (evidence.passages[pick.passage], *evidence.spans[pick.passage][pick.sentence])
        for pick in picks
    ]
    cited = quote(spans)
    return Draft(cited.text, cited.sentences, cited.citations, warnings=cited.warnings)


def _written(question: str, hits: Sequence[Hit], turn: Turn, parts: Parts, llm: LLM) -> Draft:
    """What the model says, with its marks read."""
    from rag.reply import ask

    turn.emit(Status("answer", f"{llm.endpoint.model} is answering …"))
    with turn.timed("answer"), ask(llm, question, turn.history, hits, turn.cancel) as reply:
        for piece in reply:
            turn.emit(Token(piece))
    if turn.cancel is not None and turn.cancel.is_set():
        raise Cancelled
    with turn.timed("cite"):
        cited = cite(reply.text, reply.hits, parts.sentence_vectors.similarity)
    return Draft(
        cited.text,
        cited.sentences,
        cited.citations,
        refused=reply.refused,
        model=llm.endpoint.model,
        usage=reply.usage,
        warnings=(*reply.warnings, *cited.warnings),
    )


def _refusal(draft: Draft, look: _Look) -> Draft:
    """That nothing answers the question, beside the passages that came nearest: of each the
    sentence that tells most, not the heading or the question that is most like what was asked."""
    evidence = look.evidence
    best: dict[int, int] = {}
    for i in np.argsort(-look.telling.scores(), kind="stable"):
        line = look.telling.lines[i]
        best.setdefault(line.passage, line.sentence)
    nearest = [
        _citation(n, evidence.passages[passage], *evidence.spans[passage][best[passage]])
        for n, passage in enumerate(sorted(best)[:NEAREST], 1)
    ]
    text = refusal(evidence.question, [citation.n for citation in nearest])
    sentences = tuple(
        Sentence(text[start:end], start, end, (), REFUSED) for start, end in sentence_spans(text)
    )
    return replace(draft, text=text, sentences=sentences, citations=tuple(nearest))


def _citation(n: int, passage: Passage, start: int, end: int) -> Citation:
    raw_start, raw_end = passage.raw_span(start, end)
    quote = passage.quote(start, end)
    return Citation(n, passage.source, passage.title, raw_start, raw_end, quote)


# --- sentences that nothing supports ---


def _faults(draft: Draft) -> list[Sentence]:
    return [s for s in draft.sentences if s.verdict.label == "unsupported"]


def _without(draft: Draft, faults: Sequence[Sentence]) -> Draft:
    """The answer without some of its sentences, and without citations that only they had."""
    text, kept = "", []
    for sentence in draft.sentences:
        if sentence in faults:
            continue
        before = draft.text[: sentence.start]
        gap = before[len(before.rstrip()) :] if text else ""
        start = len(text) + len(gap)
        text += gap + draft.text[sentence.start : sentence.end]
        kept.append(replace(sentence, start=start, end=len(text)))
    cited = {n for sentence in kept for n in sentence.citations}
    return replace(
        draft,
        text=text,
        sentences=tuple(kept),
        citations=tuple(c for c in draft.citations if c.n in cited),
    ).warn(f"{_sentences(faults)} left out: not supported by any source.")


def _sentences(faults: Sequence[Sentence]) -> str:
    return "1 sentence" if len(faults) == 1 else f"{len(faults)} sentences"


# --- checking ---


def _checked(draft: Draft, hits: Sequence[Hit], turn: Turn, verify: Verify, parts: Parts) -> Draft:
    """Each sentence with its verdict: against the words it cites, or all that was retrieved."""
    words = {citation.n: _words(citation, hits) for citation in draft.citations}
    everything = [hit.passage.text for hit in hits]
    claims = [sentence.text for sentence in draft.sentences]
    evidence = [[words[n] for n in s.citations] or everything for s in draft.sentences]
    judge = parts.judge if draft.model else None
    if judge:
        verdicts = judge.verdicts(claims, evidence, turn.cancel)
        if turn.cancel is not None and turn.cancel.is_set():
            raise Cancelled
        draft = replace(draft, warnings=(*draft.warnings, *judge.warnings(verdicts)))
    else:
        verdicts = list(map(verify, claims, evidence))
    verdicts = [
        REFUSED if not s.citations and v.label != "supported" and abstains(s.text) else v
        for s, v in zip(draft.sentences, verdicts, strict=True)
    ]
    sentences = map(_with_verdict, draft.sentences, verdicts)
    return replace(draft, sentences=tuple(sentences))


def _with_verdict(sentence: Sentence, verdict: Verdict) -> Sentence:
    return replace(sentence, verdict=verdict)


def _words(citation: Citation, hits: Sequence[Hit]) -> str:
    """What a citation quotes, as a reader sees it: without the noise that cleaning takes away."""
    for passage in (hit.passage for hit in hits):
        if passage.source == citation.source and (
            passage.start <= citation.start and citation.end <= passage.end
        ):
            return passage.cleaned(citation.start, citation.end)
    return citation.quote
