"""What can be asked: the questions over the essays, public benchmarks, a file of one's own.

A specification is `questions`, or a kind and a path: `squad:dev.json`.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from eval.cases import QUESTIONS, Evidence, Pair, Question, read_questions
from rag.errors import EvalFault
from rag.sentences import sentence_spans
from rag.text.surrogates import sound

__all__ = ["DATASETS", "Dataset", "open_dataset", "select"]

T = TypeVar("T")
SEEDS = QUESTIONS.parent.parent / "seeds"


@dataclass(frozen=True, slots=True)
class Dataset:
    """Questions, labelled pairs, and the documents that they are about.

    `folder`: essays to ingest; `documents`: file name → text to ingest; neither: what the user has
    ingested already. `pairs` None: made of the questions' evidence.
    """

    name: str
    questions: tuple[Question, ...] = ()
    pairs: tuple[Pair, ...] | None = ()
    folder: Path | None = None
    documents: Mapping[str, str] = field(default_factory=dict)

    def digest(self) -> str:
        """SHA-256 over the questions and pairs, in hex."""
        content = repr((self.questions, self.pairs)).encode("utf-8", "surrogatepass")
        return hashlib.sha256(content).hexdigest()

    def select(self, kinds: Sequence[str] | None, limit: int | None) -> Dataset:
        """Only these kinds; of the rest at most `limit` questions and pairs, evenly spread.

        Raises EvalFault for a kind that there is not.
        """
        known = {q.kind for q in self.questions} | {p.kind for p in self.pairs or ()}
        if unknown := sorted(set(kinds or ()) - known):
            raise EvalFault(
                f"{self.name} has no kind {', '.join(unknown)}.",
                f"There are: {', '.join(sorted(known))}.",
            )
        questions = [q for q in self.questions if not kinds or q.kind in kinds]
        pairs = [p for p in self.pairs or () if not kinds or p.kind in kinds]
        kept = None if self.pairs is None else tuple(select(pairs, limit))
        return replace(self, questions=tuple(select(questions, limit)), pairs=kept)


def select(items: Sequence[T], limit: int | None) -> Sequence[T]:
    """At most `limit` of the items in order: one at random from each of so many equal stretches.

    Evenly spread, so every kind is there; and never in step with the items' own order, where true
    and false pairs take turns. The same items always give the same selection.
    """
    if limit is None or limit >= len(items):
        return items
    chance = random.Random(len(items))
    edges = [n * len(items) // limit for n in range(limit + 1)]
    return [items[chance.randrange(a, b)] for a, b in pairwise(edges)]


def open_dataset(specification: str = "questions", questions: str | None = None) -> Dataset:
    """The dataset that `specification` names; for squad, `questions` may name a parallel file.

    Raises EvalFault for an unknown kind or a file that is not of that kind.
    """
    kind, _, given = specification.partition(":")
    if kind == "questions" and not given:
        if questions:
            raise EvalFault("--questions goes with --dataset squad:PATH only.", "Leave one out.")
        return Dataset("questions", read_questions(QUESTIONS), None, SEEDS)
    if kind not in DATASETS or not given:
        names = ", ".join(f"{name}:PATH" for name in DATASETS)
        raise EvalFault(f"{specification!r} is no dataset.", f"Give questions or one of {names}.")
    if questions is not None and kind != "squad":
        raise EvalFault("--questions goes with --dataset squad:PATH only.", "Leave one out.")
    path = Path(given)
    try:
        dataset = (
            _squad(path, Path(questions.removeprefix("squad:")) if questions else path)
            if kind == "squad"
            else DATASETS[kind](path)
        )
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise EvalFault(
            f"{path} is not in the format of {kind}: {type(error).__name__} {error}.",
            "Check the path and the kind.",
        ) from error
    if not dataset.questions and not dataset.pairs:
        raise EvalFault(f"{path} holds nothing to evaluate.", "Check the path and the kind.")
    for name, text in _texts(dataset):
        if not isinstance(text, str) or text != sound(text):
            raise EvalFault(
                f"{path}: {sound(name)} has {text!r:.60} where a text is expected.",
                "Check the path and the kind.",
            )
    return dataset


def _texts(dataset: Dataset) -> Iterator[tuple[str, object]]:
    """All that has to be text, which a file may not keep to, with the id it stands under."""
    for question in dataset.questions:
        turns = (turn["content"] for turn in question.history)
        evidence = (text for item in question.evidence for text in (item.file, item.text))
        accepted = (form for forms in question.accepted for form in forms)
        own = (question.id, question.question, question.kind, *question.given)
        for text in (*own, *turns, *evidence, *accepted):
            yield question.id, text
    for pair in dataset.pairs or ():
        for text in (pair.id, pair.claim, *pair.evidence):
            yield pair.id, text
    yield from dataset.documents.items()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise EvalFault(f"{path} cannot be read: {error}.", "Check the path.") from error


def _json(path: Path) -> Any:
    try:
        return json.loads(_read(path))
    except (json.JSONDecodeError, RecursionError) as error:
        raise EvalFault(f"{path} is no JSON: {error}.", "Check the path and the kind.") from error


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(_read(path).split("\n"), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (json.JSONDecodeError, RecursionError) as error:
                raise EvalFault(
                    f"{path}:{number} is no JSON: {error}.", "Check the path and the kind."
                ) from error


def _truth(item: Mapping[str, Any], name: str) -> bool:
    """True and false, or 1 and 0: of a text, such as "false", Python would make true."""
    if item[name] not in (0, 1):
        raise TypeError(f"{name} is {item[name]!r:.40}, which is neither true nor false")
    return bool(item[name])


def _filled(item: Mapping[str, Any], name: str) -> Any:
    if item[name] is None:
        raise TypeError(f"{name} is null")
    return item[name]


def _given(passages: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """With none to answer from, the user's own essays would be asked."""
    if not passages:
        raise TypeError("passages is empty")
    return tuple(passage["text"] for passage in passages)


def _jsonl(path: Path) -> Dataset:
    return Dataset(path.stem, read_questions(path), None)


def _folder(path: Path) -> Dataset:
    """Essays, with their questions beside them in `questions.jsonl`."""
    path = path.resolve()  # its index is kept under it, and `.` is another one tomorrow
    return Dataset(path.name, read_questions(path / "questions.jsonl"), None, path)


def _squad(path: Path, asked: Path | None = None) -> Dataset:
    """SQuAD's format (Rajpurkar et al. 2016): every paragraph is a document of its own.

    With a parallel file (XQuAD) its questions are asked of the paragraphs at the same index; the
    answers of both files are accepted. The document counts as found; citations are held against the
    sentence of the answer.
    """
    paragraphs = _paragraphs(path)
    asking = paragraphs if asked in (None, path) else _paragraphs(asked or path)
    if len(asking) != len(paragraphs):
        raise EvalFault(
            f"{path} has {len(paragraphs)} paragraphs and {asked} has {len(asking)}.",
            "Only parallel files can be paired.",
        )
    own = {qa["id"]: qa for paragraph in paragraphs for qa in paragraph["qas"]}
    name = path.stem if asking is paragraphs else f"{asked and asked.stem}→{path.stem}"
    files = [f"{number:05}.txt" for number in range(len(paragraphs))]
    questions = [
        _squad_question(qa, own.get(qa["id"]), file, paragraph["context"], name)
        for file, paragraph, asker in zip(files, paragraphs, asking, strict=True)
        for qa in asker["qas"]
    ]
    documents = {f: p["context"] for f, p in zip(files, paragraphs, strict=True)}
    return Dataset(name, tuple(questions), (), documents=documents)


def _paragraphs(path: Path) -> list[dict[str, Any]]:
    return [paragraph for article in _json(path)["data"] for paragraph in article["paragraphs"]]


def _squad_question(
    qa: dict[str, Any], parallel: dict[str, Any] | None, file: str, context: str, kind: str
) -> Question:
    answers = [*(parallel or {}).get("answers", ()), *qa.get("answers", ())]
    forms = tuple(dict.fromkeys(answer["text"] for answer in answers if answer["text"]))
    held = (parallel or qa).get("answers") or ({"text": "", "answer_start": 0},)
    return Question(
        id=str(qa["id"]),
        question=qa["question"],
        kind=kind,
        answerable=not qa.get("is_impossible", False),
        evidence=(Evidence(file, _sentence(context, held[0])),) if forms else (),
        accepted=(forms,) if forms else (),
        unit="document",
    )


def _sentence(context: str, answer: dict[str, Any]) -> str:
    """The sentence of the context that holds the answer; the whole context where that is unclear
    (SQuAD-like files are known for wrong offsets)."""
    start = answer.get("answer_start", -1)
    if not answer["text"] or context[start : start + len(answer["text"])] != answer["text"]:
        start = context.find(answer["text"]) if answer["text"] else -1
    spans = sentence_spans(context) if start >= 0 else []
    return next((context[a:b] for a, b in spans if a <= start < b), context)


def _nomiracl(path: Path) -> Dataset:
    """NoMIRACL (Thakur et al. 2024, arXiv:2312.11361): answer from the ten given passages, or
    refuse where none is relevant."""
    questions = [
        Question(
            id=str(item["query_id"]),
            question=item["question"],
            kind=item["lang"],
            answerable=_truth(item, "answerable"),
            given=_given(item["passages"]),
        )
        for _, item in _json_lines(path)
    ]
    return Dataset(path.stem, tuple(questions))


def _halueval(path: Path) -> Dataset:
    """HaluEval QA (Li et al. 2023, arXiv:2305.11747): the question with its right and with its
    hallucinated answer, against the knowledge. Known to be gamed by length."""
    pairs = [
        Pair(
            f"{number}/{kind}",
            "qa",
            f"{_filled(item, 'question')} {_filled(item, kind)}",
            (item["knowledge"],),
            kind == "right_answer",
        )
        for number, item in _json_lines(path)
        for kind in ("right_answer", "hallucinated_answer")
    ]
    return Dataset(path.stem, pairs=tuple(pairs))


def _summedits(path: Path) -> Dataset:
    """SummEdits (Laban et al. 2023, arXiv:2305.14540): is the summary, one fact of it edited or
    not, consistent with the document?"""
    pairs = [
        Pair(str(item["id"]), path.stem, item["summary"], (item["doc"],), _truth(item, "label"))
        for item in _json(path)
    ]
    return Dataset(path.stem, pairs=tuple(pairs))


DATASETS: Mapping[str, Callable[[Path], Dataset]] = {
    "squad": _squad,
    "nomiracl": _nomiracl,
    "halueval": _halueval,
    "summedits": _summedits,
    "jsonl": _jsonl,
    "folder": _folder,
}
