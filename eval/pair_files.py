"""Public data sets that claims are taken from: what they hold, and a reader for each format."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rag.errors import EvalFault
from rag.sentences import sentence_spans

__all__ = [
    "Answered",
    "Pair",
    "Paragraph",
    "halueval",
    "probe",
    "squad",
    "summedits",
    "summedits_sentences",
]


@dataclass(frozen=True, slots=True)
class Pair:
    """A claim, the texts it is to be checked against, and whether they support it.

    `kind` names how the pair was made; `group` the article or document, which never stands on both
    sides of a cross-validation split.
    """

    claim: str
    evidence: tuple[str, ...]
    supported: bool
    kind: str
    group: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A question with its answer's place in the paragraph."""

    question: str
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of an article with the questions asked about it."""

    article: str
    text: str
    questions: tuple[Answered, ...]


def squad(path: Path) -> list[Paragraph]:
    """The paragraphs of a file in SQuAD's format. Raises EvalFault for any other."""
    try:
        data = json.loads(path.read_text("utf-8"))["data"]
        return [
            Paragraph(
                # parallel files (x.en, x.zh) share their articles' names, and so their folds
                f"{path.stem.split('.')[0]}/{number}",
                paragraph["context"],
                tuple(
                    Answered(qa["question"], answer["text"], answer["answer_start"])
                    for qa in paragraph["qas"]
                    for answer in qa["answers"][:1]
                ),
            )
            for number, article in enumerate(data)
            for paragraph in article["paragraphs"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(path, "in SQuAD's format", error) from error


def halueval(path: Path) -> Iterator[Pair]:
    """HaluEval QA (Li et al. 2023): question and answer as one claim, against the knowledge."""
    for number, line in enumerate(_lines(path)):
        try:
            row = json.loads(line)
            given = (str(row["knowledge"]),)
            for name, label in (("right_answer", True), ("hallucinated_answer", False)):
                claim = f"{row['question'].strip()} {row[name].strip()}"
                yield Pair(claim, given, label, "halueval", f"halueval/{number}")
        except (ValueError, KeyError, TypeError) as error:
            raise _unreadable(path, f"HaluEval's in line {number + 1}", error) from error


def summedits(path: Path) -> Iterator[Pair]:
    """SummEdits (Laban et al. 2023): a summary, maybe with an edited fact, and its document."""
    try:
        rows = json.loads(path.read_text("utf-8"))
        for row in rows:
            group = f"{path.stem}/{_hash_of(row['doc'])}"
            yield Pair(row["summary"], (row["doc"],), row["label"] == 1, path.stem, group)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(path, "in SummEdits' format", error) from error


def summedits_sentences(path: Path) -> Iterator[Pair]:
    """The summaries' single sentences: all of a right one, and of a wrong one those edited."""
    for row in json.loads(path.read_text("utf-8")):
        group = f"{path.stem}/{_hash_of(row['doc'])}"
        summary, original, right = row["summary"], row["original_summary"], row["label"] == 1
        for start, stop in sentence_spans(summary):
            if right or summary[start:stop] not in original:
                yield Pair(summary[start:stop], (row["doc"],), right, "sentence", group)


def probe(path: Path) -> Iterator[Pair]:
    """Claims written by hand, one object a line: claim, evidence, supported, direction, split.

    `kind` is the direction ("en → zh-Hans": claim, evidence), `group` the half ("tune" was looked
    at while the verifier was made, "held-out" only counted).
    """
    for number, line in enumerate(_lines(path)):
        try:
            row = json.loads(line)
            given = tuple(map(str, row["evidence"]))
            label = bool(row["supported"])
            yield Pair(str(row["claim"]), given, label, str(row["direction"]), str(row["split"]))
        except (ValueError, KeyError, TypeError) as error:
            raise _unreadable(path, f"a probe's in line {number + 1}", error) from error


def _hash_of(text: str) -> str:
    """A short stable name for a document."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _unreadable(path: Path, form: str, error: Exception) -> EvalFault:
    return EvalFault(f"{path} is not {form}: {error}.", "Give another file.")


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text("utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise EvalFault(f"{path} cannot be read: {error}.", "Give another file.") from error
