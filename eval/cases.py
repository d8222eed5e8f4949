"""What an eval asks (Question, Pair) and what came of it (Outcome, PairOutcome)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rag.errors import EvalFault
from rag.schema import Citation, Hit, Message, Passage

__all__ = [
    "KINDS",
    "QUESTIONS",
    "UNANSWERABLE",
    "Evidence",
    "Found",
    "Outcome",
    "Pair",
    "PairOutcome",
    "Question",
    "Quoted",
    "Span",
    "evidence_spans",
    "met_by",
    "read_questions",
]

QUESTIONS = Path(__file__).parent / "questions.jsonl"
UNANSWERABLE = "unanswerable"
MULTI = "multi-document"
FOLLOW_UP = "follow-up"
KINDS = (
    "fact",
    "noisy",
    "script-crossing",
    "cross-lingual",
    MULTI,
    FOLLOW_UP,
    UNANSWERABLE,
)

SHARE = 0.5  # of the shorter of two spans: evidence cut in two counts where most of it stands


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words that hold a fact: `text` stands exactly so in the decoded text of `file`."""

    file: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question with what a right answer needs.

    `evidence`: any one suffices, but of kind multi-document one of each file is needed. `accepted`:
    of each inner list one form must be in the answer. `unit` says what retrieval has to find: the
    passage that holds the evidence, or only its document. `given`: passages to answer from, instead
    of retrieving. `answerable` is the truth, not a guess.
    """

    id: str
    question: str
    kind: str
    answerable: bool
    history: tuple[Message, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    accepted: tuple[tuple[str, ...], ...] = ()
    unit: Literal["passage", "document"] = "passage"
    given: tuple[str, ...] = ()

    def needs(self) -> tuple[tuple[Evidence, ...], ...]:
        """The groups of evidence of which one member each has to be found."""
        if self.kind != MULTI:
            return (self.evidence,) if self.evidence else ()
        files = dict.fromkeys(item.file for item in self.evidence)
        return tuple(tuple(e for e in self.evidence if e.file == file) for file in files)


@dataclass(frozen=True, slots=True)
class Pair:
    """A claim with its evidence; `supported` is the truth, `kind` how the pair was made."""

    id: str
    kind: str
    claim: str
    evidence: tuple[str, ...]
    supported: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A retrieved passage, as the report shows it; `needs` are those it meets."""

    source: str
    heading: str
    start: int
    end: int
    text: str
    score: float
    needs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Quoted:
    """A citation, as the report shows it; `needs` are those it meets."""

    n: int
    source: str
    start: int
    end: int
    quote: str
    needs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one question gave. `values` holds each metric's value, None where it does not apply.

    `error` is the message of the RagError that stopped it, else "". `sentences` are (text, label,
    score, reason). `probability` is `Answer.answerable`.
    """

    id: str
    kind: str
    question: str
    answerable: bool
    language: str
    error: str = ""
    history: tuple[Message, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    accepted: tuple[tuple[str, ...], ...] = ()
    answer: str = ""
    mode: str = ""
    model: str = ""
    refused: bool = False
    probability: float = 0.0
    sentences: tuple[tuple[str, str, float, str], ...] = ()
    citations: tuple[Quoted, ...] = ()
    found: tuple[Found, ...] = ()
    warnings: tuple[str, ...] = ()
    values: Mapping[str, float | None] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Outcome:
        """The outcome that `dataclasses.asdict` wrote."""
        lists = {
            "history": tuple(data["history"]),
            "evidence": tuple(Evidence(**item) for item in data["evidence"]),
            "accepted": tuple(tuple(item) for item in data["accepted"]),
            "sentences": tuple((t, label, s, r) for t, label, s, r in data["sentences"]),
            "citations": tuple(
                Quoted(**{**item, "needs": tuple(item["needs"])}) for item in data["citations"]
            ),
            "found": tuple(
                Found(**{**item, "needs": tuple(item["needs"])}) for item in data["found"]
            ),
            "warnings": tuple(data["warnings"]),
        }
        return cls(**{**data, **lists})


@dataclass(frozen=True, slots=True)
class PairOutcome:
    """What the verifier said of one pair. `score` is higher the more supported."""

    id: str
    kind: str
    language: str
    claim: str
    evidence: tuple[str, ...]
    supported: bool
    label: str = "unchecked"
    score: float = 0.0
    reason: str = ""
    error: str = ""
    values: Mapping[str, float | None] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PairOutcome:
        """The outcome that `dataclasses.asdict` wrote."""
        return cls(**{**data, "evidence": tuple(data["evidence"])})


@dataclass(frozen=True, slots=True)
class Span:
    """Where evidence stands: a span of one source's decoded text, or all of it (`end` None)."""

    source: str
    start: int
    end: int | None


def read_questions(path: Path) -> tuple[Question, ...]:
    """The questions of a JSONL file: id, question, kind, history (optional), evidence, accepted.

    Raises EvalFault naming the line and the field that is wrong.
    """
    try:
        # not splitlines, which also cuts at signs that may stand inside a question
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise EvalFault(
            f"{path} cannot be read: {error}.", "Give a JSONL file in UTF-8."
        ) from error
    questions = [_question(line, f"{path}:{n}") for n, line in enumerate(lines, 1) if line.strip()]
    if not questions:
        raise EvalFault(f"{path} holds no question.", "Give a file with one JSON object a line.")
    ids = [question.id for question in questions]
    if repeated := next((id_ for id_ in ids if ids.count(id_) > 1), None):
        raise EvalFault(f"{path} has two questions with the id {repeated!r}.", "Rename one.")
    return tuple(questions)


def _question(line: str, where: str) -> Question:
    try:
        data = json.loads(line)
        if not isinstance(data, dict):
            raise TypeError(f"it holds {line.strip()[:40]}, which is no object")
        evidence = tuple(
            Evidence(_text(item, "file"), _text(item, "text")) for item in _list(data, "evidence")
        )
        question = Question(
            id=_form(data["id"], "id"),
            question=_text(data, "question"),
            kind=_text(data, "kind"),
            answerable=bool(evidence),
            history=tuple(
                {"role": _text(turn, "role"), "content": _text(turn, "content")}
                for turn in _list({"history": [], **data}, "history")
            ),
            evidence=evidence,
            accepted=tuple(_forms(forms) for forms in _list(data, "accepted")),
        )
    except KeyError as error:
        raise EvalFault(f"{where}: {error.args[0]} is missing.", _FORMAT) from error
    except (ValueError, RecursionError) as error:
        raise EvalFault(f"{where} is no JSON: {error}.", _FORMAT) from error
    except TypeError as error:
        raise EvalFault(f"{where}: {error}.", _FORMAT) from error
    if wrong := next(_faults(question), ""):
        raise EvalFault(f"{where}: {wrong}.", _FORMAT)
    return question


_FORMAT = "A line holds id, question, kind, evidence [{file, text}] and accepted [[…]]."


def _text(data: Any, name: str) -> str:
    if not isinstance(data, dict):
        raise TypeError(f"{str(data)[:40]!r} stands where an object with {name} is expected")
    if not isinstance(data[name], str):
        raise TypeError(f"{name} is {data[name]!r:.40}, which is no string")
    return str(data[name])


def _list(data: Mapping[str, Any], name: str) -> list[Any]:
    if not isinstance(data[name], list):
        raise TypeError(f"{name} is {data[name]!r:.40}, which is no list")
    return list(data[name])


def _forms(forms: object) -> tuple[str, ...]:
    if not isinstance(forms, list):
        raise TypeError(f"accepted holds {forms!r:.40}, which is no list")
    return tuple(_form(form, "accepted") for form in forms)


def _form(value: object, name: str) -> str:
    """A text, or a number as it is written."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(f"{name} holds {value!r:.40}, which is no string")
    return str(value)


def _faults(question: Question) -> Iterator[str]:
    """What would be measured as something that was not meant."""
    if not question.question.strip():
        yield "question is empty"
    if question.kind not in KINDS:
        yield f"kind is {question.kind!r}, none of {', '.join(KINDS)}"
    if question.kind == UNANSWERABLE and (question.evidence or question.accepted):
        yield f"evidence and accepted are empty where kind is {UNANSWERABLE}"
    if question.kind != UNANSWERABLE and not question.evidence:
        yield f"evidence is empty, which goes with kind {UNANSWERABLE} only"
    if any(turn["role"] not in {"user", "assistant"} for turn in question.history):
        yield "history has a role that is neither user nor assistant"
    if question.kind == FOLLOW_UP and not question.history:
        yield f"history is empty, without which nothing is of kind {FOLLOW_UP}"
    if not all(item.file.strip() and item.text.strip() for item in question.evidence):
        yield "evidence has an empty file or text"
    if not all(forms and all(map(str.strip, forms)) for forms in question.accepted):
        yield "accepted has an empty list or form"


def evidence_spans(question: Question, texts: Mapping[str, str]) -> tuple[tuple[Span, ...], ...]:
    """Every place where each need's evidence stands, in `texts` (source → decoded text).

    Raises EvalFault where a file is not ingested or does not hold the words.
    """
    return tuple(
        tuple(span for evidence in need for span in _places(question, evidence, texts))
        for need in question.needs()
    )


def _places(question: Question, evidence: Evidence, texts: Mapping[str, str]) -> Iterable[Span]:
    sources = [s for s in texts if s == evidence.file or s.endswith("/" + evidence.file)]
    if not sources:
        raise EvalFault(
            f"Question {question.id} is about {evidence.file}, which is not ingested.",
            "Ingest the folder that the questions were written for.",
        )
    spans = [
        Span(source, 0, None) if question.unit == "document" else Span(source, *match.span())
        for source in sources
        for match in re.finditer(re.escape(evidence.text), texts[source])
    ]
    if not spans:
        raise EvalFault(
            f"The evidence of question {question.id} does not stand in {evidence.file}.",
            "The file has changed, or the question is about another version of it.",
        )
    return spans


def met_by(item: Passage | Hit | Citation, needs: Sequence[Sequence[Span]]) -> tuple[int, ...]:
    """The needs whose evidence the passage (at any of its places) or the citation holds.

    Held means: the overlap is at least half of the shorter of the two spans. So a passage with the
    sentence counts, a citation of a part of it counts, and of evidence cut in two by a passage's
    end the side with most of it counts.
    """
    thing = item.passage if isinstance(item, Hit) else item
    own = [(thing.source, thing.start, thing.end)]
    if isinstance(thing, Passage):
        own += [(place.source, place.start, place.end) for place in thing.places]
    return tuple(
        n
        for n, spans in enumerate(needs)
        if any(_held(*place, span) for place in own for span in spans)
    )


def _held(source: str, start: int, end: int, span: Span) -> bool:
    if source != span.source:
        return False
    if span.end is None:
        return True
    shorter = min(end - start, span.end - span.start)
    return min(end, span.end) - max(start, span.start) >= max(SHARE * shorter, 1)
