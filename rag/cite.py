"""The text's `[n]` marks → Citations of the exact words; what was never retrieved is removed.

A mark points at a whole passage. Each citation is narrowed to the sentences of that passage, at
most three in a row, that the answer's sentence rests on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import log

from rag.fold import content_words
from rag.replies.chatter import REPEATED, WENT_ON, said_once, without_chatter, without_turns
from rag.replies.marks import LINE_START, Mark, disarmed, strip, usual
from rag.schema import Citation, Hit, Passage, Sentence, Verdict
from rag.sentences import sentence_spans

__all__ = ["Cited", "Similarity", "cite", "quote"]

Similarity = Callable[[str, Sequence[str]], Sequence[float]]
"""(sentence, n candidates) → n similarities, at most 1, about 0 for what has nothing in common."""

WIDEST = 3
"""The most sentences in a row that one citation quotes."""

# A further sentence is quoted only where it adds this much to what supports the claim.
WORTH = 0.12

LEADS_IN = 120
"""Characters of the longest lead-in: "these are the five layers:" says nothing without the next."""

UNCHECKED = Verdict("unchecked", 0.0, "not checked yet")


@dataclass(frozen=True, slots=True)
class Cited:
    """An answer's text with its marks as `[n]`, its sentences, what they cite, and warnings."""

    text: str
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    warnings: tuple[str, ...] = ()


def cite(text: str, hits: Sequence[Hit], similarity: Similarity | None = None) -> Cited:
    """Read the citation marks of an answer.

    `text`'s marks count `hits` from 1, in any usual form: [1], [1, 2], [1-3], [1][2], 【1】, [^1],
    [1†source], [Passage 1], [1](address), with full-width brackets and digits. In the result they
    are `[n]`, numbered in order of first appearance, each n one span of one passage. Sentences have
    spans in the result's text that include their marks, and are all unchecked. `similarity`
    compares by meaning, across languages too; without it words and numbers decide.
    """
    titles = [hit.passage.title for hit in hits]
    reply = without_chatter(text)
    answer = without_turns(reply)
    given = usual(answer, len(hits), titles)
    once = said_once(given)
    plain, marks = strip(once, len(hits))
    sentences = [Span(start, end) for start, end in sentence_spans(plain)]
    _assign(plain, sentences, marks)
    narrow = _Narrowing(hits, similarity)
    cited = _write(plain, sentences, marks, narrow)
    went_on, repeated = answer != reply, once != given
    added = (*[WENT_ON] * went_on, *[REPEATED] * repeated)
    return replace(cited, warnings=(*cited.warnings, *added))


def quote(spans: Sequence[tuple[Passage, int, int]]) -> Cited:
    """An answer that is nothing but quotations: `passage.text[start:end]` of each, one to a line.

    An essay's own [2] becomes (2): only the marks that are put here may open a citation.
    """
    numbers: dict[tuple[str, int, int], int] = {}
    citations: list[Citation] = []
    lines: list[str] = []
    sentences: list[Sentence] = []
    at = 0
    for passage, start, end in spans:
        key = (passage.id, start, end)
        if key not in numbers:
            numbers[key] = len(citations) + 1
            citations.append(_citation(numbers[key], passage, start, end))
        text = disarmed(" ".join(passage.text[start:end].split()))
        line = f"{text} [{numbers[key]}]"
        sentences.append(Sentence(text, at, at + len(line), (numbers[key],), UNCHECKED))
        lines.append(line)
        at += len(line) + 1
    return Cited("\n".join(lines), tuple(sentences), tuple(citations))


@dataclass(slots=True)
class Span:
    """A sentence of the text without marks, and the marks that are its own."""

    start: int
    end: int
    marks: list[Mark] = field(default_factory=list)


# --- reading marks ---


def _assign(plain: str, sentences: list[Span], marks: Sequence[Mark]) -> None:
    """Give every mark to its sentence: the one it stands in, else the one before it; at the start
    of a line with text after it, the one that follows, and so with all marks of a line that begins
    with one and ends with none."""
    following = 0
    leading = _leading_lines(plain, marks)
    for mark in marks:
        while following < len(sentences) and sentences[following].start < mark.at:
            following += 1
        between = not following or sentences[following - 1].end <= mark.at
        leads = mark.at in leading and (between or _begins_line(plain, mark.at))
        if following < len(sentences) and (leads or not following):
            sentences[following].marks.append(mark)
        elif following:
            sentences[following - 1].marks.append(mark)


def _leading_lines(plain: str, marks: Sequence[Mark]) -> frozenset[int]:
    """Where marks stand that belong to what follows them, if a sentence does."""
    leading: set[int] = set()
    end, line, begun = -1, list[int](), False
    for mark in (*marks, None):
        if mark is None or mark.at > end:
            leading |= set(line if begun and plain[line[-1] : end].strip() else line[:1] * begun)
            if mark is None:
                break
            end = plain.find("\n", mark.at)
            end = len(plain) if end < 0 else end
            line, begun = [], _begins_line(plain, mark.at) and bool(plain[mark.at : end].strip())
        line.append(mark.at)
    return frozenset(leading)


def _begins_line(plain: str, at: int) -> bool:
    return LINE_START.search(plain[max(at - 80, 0) : at]) is not None


# --- writing them ---


def _write(
    plain: str, sentences: Sequence[Span], marks: Sequence[Mark], narrow: _Narrowing
) -> Cited:
    """The text again, with one `[n]` for each span that is cited."""
    citations: dict[tuple[int, int, int], Citation] = {}
    out: list[str] = []
    written: list[Sentence] = []
    length = position = 0

    def put(piece: str) -> None:
        nonlocal length
        out.append(piece)
        length += len(piece)

    for sentence in sentences:
        first = min((mark.at for mark in sentence.marks), default=sentence.start)
        put(plain[position : min(first, sentence.start)])
        position = max(position, min(first, sentence.start))
        start = length
        seen: dict[int, None] = {}
        since = sentence.start
        for mark in sentence.marks:
            put(plain[position : mark.at])
            position = max(position, mark.at)
            clause = plain[since : mark.at] if sentence.start < mark.at <= sentence.end else ""
            whole = plain[sentence.start : sentence.end]
            gap = mark.gap
            for number in mark.numbers:
                n = narrow.citation(citations, number, clause, whole)
                if n not in seen:
                    put(f"{gap}[{n}]")
                    seen[n], gap = None, ""
            since = mark.at if mark.numbers else since
        put(plain[position : sentence.end])
        position = max(position, sentence.end)
        text = plain[sentence.start : sentence.end]
        written.append(Sentence(text, start, length, tuple(sorted(seen)), UNCHECKED))
    put(plain[position:])
    return Cited("".join(out), tuple(written), tuple(citations.values()), _warnings(marks))


def _warnings(marks: Sequence[Mark]) -> tuple[str, ...]:
    unknown = list(dict.fromkeys(number for mark in marks for number in mark.unknown))
    if not unknown:
        return ()
    shown = ", ".join(f"[{number}]" for number in unknown[:5]) + (" …" if len(unknown) > 5 else "")
    return (f"The model cited passages that it was not given; removed: {shown}.",)


# --- from a passage to its sentences ---


class _Narrowing:
    """Finds the sentences of a passage that a claim rests on; each passage is read once."""

    def __init__(self, hits: Sequence[Hit], similarity: Similarity | None) -> None:
        self._sources = [_Source(hit.passage) for hit in hits]
        self._similarity = similarity
        self._known: dict[tuple[int, str], tuple[int, int]] = {}

    def citation(
        self,
        citations: dict[tuple[int, int, int], Citation],
        number: int,
        clause: str,
        sentence: str,
    ) -> int:
        """The n of what supports a claim in the passage, which is added where it is new."""
        # A clause that says little ("and Y [2]") is read together with its sentence.
        claim = clause if len(content_words(clause)) >= 3 else sentence
        start, end = self._span(number, claim)
        key = (number, start, end)
        if key not in citations:
            passage = self._sources[number - 1].passage
            citations[key] = _citation(len(citations) + 1, passage, start, end)
        return citations[key].n

    def _span(self, number: int, claim: str) -> tuple[int, int]:
        key = (number, claim)
        if key not in self._known:
            source = self._sources[number - 1]
            self._known[key] = source.best(claim, self._similarity)
        return self._known[key]


class _Source:
    """A passage, cut into sentences, with the words of each."""

    def __init__(self, passage: Passage) -> None:
        self.passage = passage

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """What can be quoted by itself: a sentence, together with what leads into it."""
        text, spans, begun = self.passage.text, list[tuple[int, int]](), -1
        for start, end in sentence_spans(text):
            first = start if begun < 0 else begun
            leads = text[end - 1] in ":：" and end - first <= LEADS_IN and end < len(text.rstrip())
            begun = first if leads else -1
            if not leads:
                spans.append((first, end))
        return spans

    @cached_property
    def texts(self) -> list[str]:
        return [self.passage.text[start:end] for start, end in self.spans]

    @cached_property
    def words(self) -> list[frozenset[str]]:
        return [frozenset(content_words(text)) for text in self.texts]

    @cached_property
    def spread(self) -> Counter[str]:
        """In how many of the sentences each word stands."""
        return Counter(word for words in self.words for word in words)

    def best(self, claim: str, similarity: Similarity | None) -> tuple[int, int]:
        """The span of the passage's text that supports the claim best.

        Coverage of the claim's words, weighted by how few of the sentences they stand in, plus the
        similarity. Where neither says anything the whole passage is the honest citation.
        """
        if not self.spans:
            return 0, len(self.passage.text)
        if len(self.spans) == 1:
            return self.spans[0]
        weights = self._weights(claim)
        alike = list(similarity(claim, self.texts)) if similarity else [0.0] * len(self.texts)
        scores = [self._score(weights, words) for words in self.words]
        first = max(range(len(scores)), key=lambda at: (scores[at] + alike[at], -at))
        if scores[first] <= 0 and similarity is None:
            return self.spans[0][0], self.spans[-1][1]
        low = high = first
        while high - low + 1 < WIDEST:
            around = self._gains(weights, low, high)
            gain, low_next, high_next = max(around, default=(0.0, low, high))
            if gain < WORTH:
                break
            low, high = low_next, high_next
        return self.spans[low][0], self.spans[high][1]

    def _weights(self, claim: str) -> dict[str, float]:
        """The claim's words that the passage has, by how much each tells its sentences apart; the
        others count in the total, so that a single common word is not full coverage."""
        count = len(self.spans)
        words = dict.fromkeys(content_words(claim))
        return {word: log(1 + count / max(self.spread[word], 1)) for word in words}

    @staticmethod
    def _score(weights: dict[str, float], words: frozenset[str]) -> float:
        total = sum(weights.values())
        return (
            sum(weight for word, weight in weights.items() if word in words) / total if total else 0
        )

    def _gains(
        self, weights: dict[str, float], low: int, high: int
    ) -> Iterator[tuple[float, int, int]]:
        """What the sentence before and the one after would add."""
        have = frozenset[str]().union(*self.words[low : high + 1])
        score = self._score(weights, have)
        for at, span in ((low - 1, (low - 1, high)), (high + 1, (low, high + 1))):
            if 0 <= at < len(self.spans):
                yield self._score(weights, have | self.words[at]) - score, *span


def _citation(n: int, passage: Passage, start: int, end: int) -> Citation:
    """The citation of `passage.text[start:end]`, in the essay's own words."""
    if passage.offsets.runs and start < end:
        raw_start, raw_end = passage.raw_span(start, end)
    else:  # a passage that nothing was cleaned from, or that is empty
        raw_start, raw_end = passage.start, passage.end
    quote = passage.raw[raw_start - passage.start : raw_end - passage.start]
    return Citation(n, passage.source, passage.title, raw_start, raw_end, quote)
