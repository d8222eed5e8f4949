"""A model as judge: sentences taken apart into claims, each claim against the evidence.

Many sentences go into one structured call. What the judge says is parsed strictly, asked for once
more where it cannot be read, and is then "unchecked": a check that failed is never a "supported".
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rag.endpoints.endpoint import Endpoint
from rag.errors import ContextOverflow, EndpointError
from rag.fold import language
from rag.llm import LLM, Check
from rag.schema import Message, Verdict
from rag.templates import fence, neutral, render
from rag.tokens import count_tokens

__all__ = ["Judge", "JudgeStats"]

BATCH = 8
"""Sentences in one call at most: beyond this small models lose count."""

ANSWER_TOKENS = 400
"""Room for what is said about one sentence, with its claims repeated in JSON."""

THINKING_TOKENS = 1024

Task = tuple[str, Sequence[str]]
"""A sentence without its marks, and the texts it is to rest on."""


class _Claim(BaseModel):
    model_config = ConfigDict(extra="forbid")

    claim: str = Field(min_length=1)
    verdict: Literal["supported", "contradicted", "not_found"]
    reason: str


class _Judged(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: int
    claims: list[_Claim] = Field(min_length=1)


class _Judgement(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sentences: list[_Judged]


@dataclass(slots=True)
class JudgeStats:
    """How a judge fared. `sentences` asked about; `unchecked` of them were left without a verdict,
    by reason in `errors` (the error's type, or "unreadable"); `repaired` answers were readable only
    when asked for again."""

    sentences: int = 0
    unchecked: int = 0
    calls: int = 0
    repaired: int = 0
    errors: Counter[str] = field(default_factory=Counter)


class Judge:
    """Judges sentences through an endpoint. Thread-safe."""

    def __init__(self, llm: LLM) -> None:
        self._llm = llm
        self._stats = JudgeStats()
        self._lock = threading.Lock()

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint that sees sentences and what they rest on."""
        return self._llm.endpoint

    @property
    def stats(self) -> JudgeStats:
        """A copy of the counts so far."""
        with self._lock:
            now = self._stats
            return JudgeStats(
                now.sentences, now.unchecked, now.calls, now.repaired, Counter(now.errors)
            )

    def verify(self, claim: str, evidence: Sequence[str]) -> Verdict:
        """The verdict on one sentence; "unchecked" where the judge cannot be asked or read."""
        return self.verdicts([claim], [evidence])[0]

    def verdicts(
        self,
        claims: Sequence[str],
        evidence: Sequence[Sequence[str]],
        cancel: threading.Event | None = None,
    ) -> list[Verdict]:
        """One verdict for each sentence and what it is to rest on, in as few calls as fit.

        `claims` and `evidence` are of one length, n; so is the result. Setting `cancel` closes the
        connection; the sentences that are left are "unchecked".
        """
        tasks = list(zip(claims, evidence, strict=True))
        verdicts: dict[int, Verdict] = {}
        asked: list[int] = []
        for at, (sentence, texts) in enumerate(tasks):
            if any(text.strip() for text in texts):
                asked.append(at)
            else:
                verdicts[at] = _no_evidence(sentence)
        for batch in self._batches(tasks, asked):
            found = self._judge([tasks[at] for at in batch], cancel)
            verdicts |= dict(zip(batch, found, strict=True))
        left_out = sum(verdict.label == "unchecked" for verdict in verdicts.values())
        self._count(sentences=len(tasks), unchecked=left_out)
        return [verdicts[at] for at in range(len(tasks))]

    @staticmethod
    def warnings(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
        """What a reader has to know of verdicts that the judge did not give."""
        missing = [verdict for verdict in verdicts if verdict.label == "unchecked"]
        if not missing:
            return ()
        counted = f"{len(missing)} of {len(verdicts)} sentences are unchecked."
        why = missing[0].reason.rstrip(".")
        return (f"{counted} {why}. `rag doctor` tests the judge.",)

    def check(self) -> Check:
        """Have one sentence judged, to see that the judge works. Never raises a RagError."""
        began = time.monotonic()
        verdict = self.verify("The sky is blue.", ["By day the sky is blue."])
        spent = (time.monotonic() - began) * 1000
        if verdict.label == "unchecked":
            return Check(False, verdict.reason)
        return Check(True, f"{self.endpoint} finds a true sentence {verdict.label}", spent)

    def _batches(self, tasks: Sequence[Task], asked: Sequence[int]) -> Iterator[list[int]]:
        """Runs of tasks that fit into one call."""
        endpoint = self._llm.endpoint
        room = endpoint.context_window // 2
        batch: list[int] = []
        spent = 0
        for at in asked:
            sentence, evidence = tasks[at]
            cost = sum(count_tokens(text, endpoint.model) for text in (sentence, *evidence))
            cost += ANSWER_TOKENS
            if batch and (len(batch) == BATCH or spent + cost > room):
                yield batch
                batch, spent = [], 0
            batch.append(at)
            spent += cost
        if batch:
            yield batch

    def _judge(self, tasks: Sequence[Task], cancel: threading.Event | None) -> list[Verdict]:
        """Verdicts of one batch, which is halved where it is too long for the judge."""
        if cancel is not None and cancel.is_set():
            return self._unchecked(tasks, "cancelled", "nobody waits for it any more.")
        messages = _messages(tasks)
        try:
            judged, problem = self._ask(messages, len(tasks), cancel)
        except ContextOverflow as error:
            if len(tasks) > 1:
                half = len(tasks) // 2
                return self._judge(tasks[:half], cancel) + self._judge(tasks[half:], cancel)
            return self._unchecked(tasks, type(error).__name__, error.what)
        except EndpointError as error:
            return self._unchecked(tasks, type(error).__name__, error.what)
        verdicts = []
        for number, task in enumerate(tasks, 1):
            if number in judged:
                verdicts.append(_verdict(task, judged[number]))
            else:
                verdicts += self._unchecked([task], "unreadable", problem)
        return verdicts

    def _ask(
        self, messages: list[Message], count: int, cancel: threading.Event | None
    ) -> tuple[dict[int, _Judged], str]:
        """What the judge says of each sentence by number, and what is wrong with the rest."""
        text = self._complete(messages, count, cancel)
        judged, problem = _parse(text, count)
        if not problem:
            return judged, ""
        repair = render("repair", problem=problem)
        said = {"role": "assistant", "content": text}
        asked = [*messages, said, {"role": "user", "content": repair}]
        again, problem = _parse(self._complete(asked, count, cancel), count)
        if not problem:
            self._count(repaired=1)
        return judged | again, problem

    def _complete(
        self, messages: Sequence[Message], count: int, cancel: threading.Event | None
    ) -> str:
        self._count(calls=1)
        room = min(ANSWER_TOKENS * count + THINKING_TOKENS, self._llm.endpoint.context_window // 2)
        return self._llm.complete(messages, _schema(), max_tokens=room, cancel=cancel).text

    def _unchecked(self, tasks: Sequence[Task], kind: str, why: str) -> list[Verdict]:
        self._count(errors=Counter({kind: len(tasks)}))
        return [Verdict("unchecked", 0.5, f"The judge gave no verdict: {why}") for _ in tasks]

    def _count(self, errors: Counter[str] | None = None, **more: int) -> None:
        with self._lock:
            for name, number in more.items():
                setattr(self._stats, name, getattr(self._stats, name) + number)
            self._stats.errors.update(errors or {})


def _messages(tasks: Sequence[Task]) -> list[Message]:
    """The evidence once, each sentence with the names of its own."""
    pieces = list(dict.fromkeys(text for _, evidence in tasks for text in evidence if text.strip()))
    names = {text: f"E{n}" for n, text in enumerate(pieces, 1)}
    code = fence([*pieces, *(sentence for sentence, _ in tasks)])
    shown = "\n\n".join(f"{names[text]}: {neutral(text).strip()}" for text in pieces)
    sentences = [
        f"{n}. {neutral(' '.join(sentence.split()))}\n   (evidence: "
        + ", ".join(dict.fromkeys(names[text] for text in evidence if text in names))
        + ")"
        for n, (sentence, evidence) in enumerate(tasks, 1)
    ]
    asked = render(
        "claims",
        fence=code,
        evidence=shown,
        sentences="\n".join(sentences),
        numbers=", ".join(str(n) for n in range(1, len(tasks) + 1)),
    )
    system = render("judge", fence=code)
    return [{"role": "system", "content": system}, {"role": "user", "content": asked}]


def _parse(text: str, count: int) -> tuple[dict[int, _Judged], str]:
    """What can be trusted of a judge's answer, by the sentence's number, and what is wrong with it:
    no JSON of the right shape, a number twice or never asked for, or one left out."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return {}, "there is no JSON object in it"
    try:
        judgement = _Judgement.model_validate_json(text[start : end + 1], strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return {}, f"{where}: {first['msg']}".removeprefix(": ")
    numbers = Counter(judged.number for judged in judgement.sentences)
    sound = {
        judged.number: judged
        for judged in judgement.sentences
        if numbers[judged.number] == 1 and 1 <= judged.number <= count
    }
    missing = [str(n) for n in range(1, count + 1) if n not in sound]
    if missing:
        return sound, f"sentence {', '.join(missing)} is missing or judged twice"
    return sound, ""


def _verdict(task: Task, judged: _Judged) -> Verdict:
    """All claims supported: supported; some: partly; none: unsupported. The score is the share of
    supported claims, halved where another is contradicted."""
    sentence, evidence = task
    supported = sum(claim.verdict == "supported" for claim in judged.claims)
    failed = [claim for claim in judged.claims if claim.verdict != "supported"]
    failed.sort(key=lambda claim: claim.verdict != "contradicted")
    quote = evidence[0] if len(evidence) == 1 else ""
    chinese = language(sentence) == "zh"
    if not failed:
        return Verdict("supported", 1.0, "逐条核对无误" if chinese else "every claim holds", quote)
    contradicted = failed[0].verdict == "contradicted"
    score = supported / len(judged.claims) * (0.5 if contradicted else 1.0)
    colon = "：" if chinese else ": "
    reason = f"{failed[0].claim}{colon}{failed[0].reason}" if failed[0].reason else failed[0].claim
    return Verdict("partly" if supported else "unsupported", score, " ".join(reason.split()), quote)


def _no_evidence(sentence: str) -> Verdict:
    chinese = language(sentence) == "zh"
    return Verdict("unsupported", 0.0, "没有可核对的原文" if chinese else "there is no evidence")


def _schema() -> dict[str, Any]:
    """The JSON schema of a judgement, without what strict servers refuse (lengths)."""
    schema = _Judgement.model_json_schema()
    _drop(schema, {"minLength", "minItems", "title"})
    return schema


def _drop(node: Any, names: set[str]) -> None:
    if isinstance(node, dict):
        for name in names & set(node):
            if not isinstance(node[name], dict):
                del node[name]
        for value in node.values():
            _drop(value, names)
    elif isinstance(node, list):
        for value in node:
            _drop(value, names)
