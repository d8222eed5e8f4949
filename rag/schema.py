"""The vocabulary: frozen data types that the stages hand to each other.

Offsets are counted in Unicode code points and point into the essay's decoded text
(`Rag.text(source)`), whatever cleaning did to the text that is searched and read.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

__all__ = [
    "SIGNS",
    "Answer",
    "Citation",
    "Done",
    "Essay",
    "EssayInfo",
    "Event",
    "Hit",
    "IngestReport",
    "Message",
    "Mode",
    "OffsetMap",
    "Passage",
    "Place",
    "Replace",
    "Sentence",
    "Status",
    "Token",
    "Usage",
    "Verdict",
    "VerdictLabel",
]

VerdictLabel = Literal["supported", "partly", "unsupported", "unchecked"]

SIGNS: Mapping[VerdictLabel, str] = MappingProxyType(
    {"supported": "✓", "partly": "◐", "unsupported": "✗", "unchecked": "?"}
)
"""How a verdict is shown: told apart by shape, not by colour alone."""

Mode = Literal["llm", "extractive"]
Message = Mapping[str, str]
"""One turn of a conversation: {"role": "user" | "assistant", "content": str}."""


@dataclass(frozen=True, slots=True)
class OffsetMap:
    """Where each character of a cleaned text stands in the text it was cleaned from.

    `runs` are (cleaned start, raw start, length), ascending and without overlap; inside a run the
    two texts advance together. Characters of the cleaned text always cover a run: cleaning removes
    and never invents, except that one character may replace another one at its place.
    """

    runs: tuple[tuple[int, int, int], ...]

    @classmethod
    def identity(cls, length: int, raw_start: int = 0) -> OffsetMap:
        """The map of a text that cleaning left alone."""
        return cls(((0, raw_start, length),) if length else ())

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        """The raw span that holds the cleaned span [start, end), which is not empty."""
        if not 0 <= start < end:
            raise ValueError(f"not a span: [{start}, {end})")
        return self._raw(start), self._raw(end - 1) + 1

    def cleaned_span(self, start: int, end: int) -> tuple[int, int]:
        """The cleaned span of what was kept of the raw span [start, end); may be empty."""
        inside = [
            (at + max(start - raw, 0), at + min(end - raw, length))
            for at, raw, length in self.runs
            if raw < end and start < raw + length
        ]
        return (inside[0][0], inside[-1][1]) if inside else (0, 0)

    def slice(self, start: int, end: int) -> OffsetMap:
        """The map of `cleaned[start:end]`."""
        first = max(bisect_right(self.runs, start, key=lambda run: run[0]) - 1, 0)
        cut = []
        for at, raw, length in self.runs[first:]:
            if at >= end:
                break
            skip = max(start - at, 0)
            keep = min(at + length, end) - at - skip
            if keep > 0:
                cut.append((at + skip - start, raw + skip, keep))
        return OffsetMap(tuple(cut))

    def _raw(self, position: int) -> int:
        index = bisect_right(self.runs, position, key=lambda run: run[0]) - 1
        if index >= 0:
            at, raw, length = self.runs[index]
            if position < at + length:
                return raw + position - at
        raise ValueError(f"position {position} is outside the mapped text")


@dataclass(frozen=True, slots=True)
class Essay:
    """One file, read and decoded. `text` is what every offset points into.

    `body_start` is where the front matter ends (0 without one). `digest` is the SHA-256 of the
    file's bytes, in hex. `date` is ISO 8601 (year, year-month or full) or "". `origin` is the
    address that the file itself gives as where it came from.
    """

    source: str
    text: str
    digest: str
    title: str
    author: str = ""
    date: str = ""
    tags: tuple[str, ...] = ()
    origin: str = ""
    language: str = ""
    encoding: str = "utf-8"
    body_start: int = 0
    markdown: bool = False


@dataclass(frozen=True, slots=True)
class EssayInfo:
    """What a list of essays shows of one."""

    source: str
    title: str
    author: str
    date: str
    language: str
    characters: int
    passages: int


@dataclass(frozen=True, slots=True)
class Place:
    """Another span that holds the text of a passage."""

    source: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of an essay, small enough to find and to cite.

    `raw` is `rag.text(source)[start:end]`, `text` its cleaned form and `offsets` the way back from
    `text` to the decoded text. `context` is what stands around it for reading: lead-in of a list
    item and neighbours, in reading order, with a line `[…]` where the passage itself stands.
    """

    id: str
    source: str
    title: str
    heading: str
    start: int
    end: int
    text: str
    raw: str
    context: str = ""
    language: str = ""
    places: tuple[Place, ...] = ()
    offsets: OffsetMap = field(default=OffsetMap(()), repr=False)

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the decoded text that holds `self.text[start:end]`."""
        return self.offsets.raw_span(start, end)

    def cleaned(self, start: int, end: int) -> str:
        """What a reader sees of the decoded text's span [start, end)."""
        first, last = self.offsets.cleaned_span(start, end)
        return self.text[first:last]

    def quote(self, start: int, end: int) -> str:
        """The exact words of the decoded text behind `self.text[start:end]`."""
        raw_start, raw_end = self.raw_span(start, end)
        return self.raw[raw_start - self.start : raw_end - self.start]


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found; `score` orders hits of one question and has no unit.

    `signals` are the parts the score was made of, by name, for explanation and measurement.
    """

    passage: Passage
    score: float
    signals: Mapping[str, float] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Citation:
    """The exact words an answer rests on: always `rag.text(source)[start:end] == quote`."""

    n: int
    source: str
    title: str
    start: int
    end: int
    quote: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking a sentence against its evidence gave. `score` 0…1, higher = more supported.

    `quote` is the piece of evidence that speaks for or against it most.
    """

    label: VerdictLabel
    score: float
    reason: str
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an answer: `answer.text[start:end]` with its marks; `text` is without them."""

    text: str
    start: int
    end: int
    citations: tuple[int, ...]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the endpoint counted them."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose every sentence says what it rests on.

    `text` carries `[n]` marks. `answerable` is the calibrated probability that the passages hold
    the answer. `timings` are milliseconds by stage. `hits` are the passages it was made from,
    best first; a refusal's are the nearest ones.
    """

    question: str
    text: str
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    refused: bool
    answerable: float
    mode: Mode
    model: str = ""
    warnings: tuple[str, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    usage: Usage | None = None
    hits: tuple[Hit, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Status:
    """What the engine is doing now: `stage` is a stable name, `message` is for people."""

    stage: str
    message: str


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the answer's text, in order."""

    text: str


@dataclass(frozen=True, slots=True)
class Replace:
    """The whole text so far is replaced by this one."""

    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """The last event."""

    answer: Answer


Event = Status | Token | Replace | Done


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did, by source. `failed` maps the source to what is wrong with it."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
