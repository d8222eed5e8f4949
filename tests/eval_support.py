"""A small Rag of the public interface over plain texts: word overlap finds, quotes answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from rag.errors import EndpointUnreachable
from rag.fold import content_words
from rag.schema import (
    Answer,
    Citation,
    EssayInfo,
    Hit,
    Message,
    Passage,
    Sentence,
    Verdict,
)
from rag.sentences import sentence_spans


class WordRag:
    """One passage for each line; an answer is the best one's best sentence."""

    def __init__(self, texts: Mapping[str, str], refuse_below: float = 0.2) -> None:
        self.texts = dict(texts)
        self.refuse_below = refuse_below
        self.asked = 0

    def essays(self) -> list[EssayInfo]:
        return [EssayInfo(s, s, "", "", "", len(t), 1) for s, t in self.texts.items()]

    def text(self, source: str) -> str:
        return self.texts[source]

    def passages(self) -> list[Passage]:
        found = []
        for source, text in self.texts.items():
            at = 0
            for line in text.splitlines(keepends=True):
                body = line.strip()
                if body:
                    start = at + line.index(body)
                    end = start + len(body)
                    name = f"{source}:{start}"
                    found.append(Passage(name, source, source, "", start, end, body, body))
                at += len(line)
        return found

    def retrieve(self, question: str, history: Sequence[Message] = (), k: int = 5) -> list[Hit]:
        said = " ".join([question, *(turn["content"] for turn in history)])
        hits = [Hit(p, overlap(said, p.text)) for p in self.passages()]
        return sorted(hits, key=lambda hit: -hit.score)[:k]

    def query(self, question: str, history: Sequence[Message] = ()) -> Answer:
        self.asked += 1
        hits = self.retrieve(question, history)
        return self.answer(question, [hit.passage for hit in hits])

    def answer(self, question: str, passages: Sequence[Passage | str]) -> Answer:
        given = [
            p
            if isinstance(p, Passage)
            else Passage(str(n), f"passage-{n}", "", "", 0, len(p), p, p)
            for n, p in enumerate(passages, 1)
        ]
        hits = tuple(Hit(p, overlap(question, p.text)) for p in given)
        best = max(hits, key=lambda hit: hit.score)
        refused = best.score < self.refuse_below
        passage = best.passage
        spans = sentence_spans(passage.text)
        start, end = max(spans, key=lambda s: overlap(question, passage.text[s[0] : s[1]]))
        quote = passage.text[start:end]
        text = "Nothing answers it." if refused else f"{quote} [1]"
        citation = Citation(
            1, passage.source, "", passage.start + start, passage.start + end, quote
        )
        verdict = self.verify(quote, [passage.text])
        sentence = Sentence(quote, 0, len(text), (1,), verdict)
        return Answer(
            question,
            text,
            () if refused else (sentence,),
            () if refused else (citation,),
            refused,
            min(best.score, 1.0),
            "extractive",
            hits=hits,
        )

    def verify(self, claim: str, evidence: Sequence[str]) -> Verdict:
        there = _words(" ".join(evidence))
        said = _words(claim)
        score = sum(word in there for word in said) / max(len(said), 1)
        return Verdict("supported" if score == 1 else "unsupported", score, "words")


class DownRag(WordRag):
    """Its endpoint is down for one question."""

    def query(self, question: str, history: Sequence[Message] = ()) -> Answer:
        if "down" in question:
            raise EndpointUnreachable("Nothing listens at http://127.0.0.1:9.", "Start it.")
        return super().query(question, history)


@cache
def _words(text: str) -> frozenset[str]:
    return frozenset(content_words(text))


def overlap(question: str, text: str) -> float:
    wanted = _words(question)
    return len(wanted & _words(text)) / max(len(wanted), 1)
