"""Each sentence of an answer against the words it cites, in milliseconds and without a judge.

A claim is compared with the evidence (`rag.claims`) and the figures go through a logistic
regression whose few coefficients stand in `verify_model.json`, fitted by `eval/train_verify.py`.
A value, a name of the same script, or a turn of sense that the evidence lacks, and two words or
values in each other's place, keep a claim from being called supported whatever the rest says: one
invented figure spoils a sentence.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.claims import reasons
from rag.claims.certainty import thinks
from rag.claims.comparison import Comparison, compare
from rag.claims.contrast import doubts
from rag.claims.narrator import in_first_person, tells_of_oneself
from rag.claims.romanised import Names
from rag.claims.statement import Reading, read
from rag.fold import copy_key
from rag.replies.loops import stutters
from rag.schema import Verdict, VerdictLabel
from rag.sentences import sentence_spans

__all__ = [
    "Memo",
    "Model",
    "Verifier",
    "claim_parts",
    "examine",
    "load_model",
    "quoted",
    "sentences_of",
]

Vector = NDArray[np.float32]

_MARKS = re.compile(
    r"\s*(?:\[\^?\d+(?:\s*[,，、;-]\s*\d+)*\]|【\d+(?:\s*[,，、;-]\s*\d+)*】|［\d+］)"
)
_MARKDOWN = re.compile(r"^\s*(?:#{1,6}\s+|[-*+•]\s+|>\s+|\d{1,2}[.)、]\s+)|\*\*|__|`")
# Dollar signs around a formula, and not before two prices.
_MATH = re.compile(
    r"(?<![\w$\\])\$(?![\s$])([^$\n]{0,200}[^\s$\\])\$(?![\d$])|\\\(([^\n]{1,200}?)\\\)"
)
_MATH_WORDS = re.compile(r"\\(?:text|mathrm|mathbf|textbf|operatorname)\{([^{}]*)\}")
_MATH_SPACE = re.compile(r"\\[,;:! ]|~")
_FENCE = re.compile(r"\s*(?:`{3,}|~{3,})[\w+-]{0,20}\s*")
_SOURCE = (
    r"(?:(?:the|these|this) )?(?:(?:provided|given|above|retrieved) )?"
    r"(?:passage|text|essay|article|source|author|document|context|excerpt)s?"
    r"(?: (?:provided|given|above))?"
)
_ITS_SOURCE = r"(?:passage|text|source|document|context|excerpt)s?"
_HAN_SOURCE = "(?:原文|文中|文章|上文|资料|資料|材料|段落)"
_LEAD_IN = re.compile(
    rf"^(?:(?:however|but|that said),? (?=(?:(?:the|this) )?{_ITS_SOURCE} ))?"
    rf"(?:(?:final )?answer[:：] ?|(?:according to|based on)(?: {_SOURCE})?, ?"
    rf"|as (?:{_SOURCE} )?(?:says?|notes?|states?|mentions?)(?: in {_SOURCE})?, ?"
    rf"|as (?:said|noted|stated|mentioned) in {_SOURCE}, ?|as {_SOURCE}, ?"
    rf"|(?:(?:the|this) )?{_ITS_SOURCE} (?:also )?(?:says?|notes?|states?|mentions?)(?: that)? "
    r"|(?:答案|回答)(?:是|为|為)?[：:]"
    rf"|(?:根据|根據|按照|据|據)?(?:您|你)?(?:所?(?:提供|给出|給出|给定|給定)的?)?(?:这些|這些)?{_HAN_SOURCE}"
    r"(?:(?:提到|指出|说明|說明|写道|寫道)[，,:：]?|(?:所述|所说|所說|的?内容)?[，,:：]))",
    re.IGNORECASE,
)
_STATES_NOTHING = re.compile(
    r"^\W*(?:(?:here|below|following)\b.{0,60}[:：]|(?:the )?(?:answer|summary|reasons?|steps?)\W*$"
    rf"|(?:based on|according to) {_SOURCE}[,，]? (?:here|below)\b.{{0,40}}[:：]\W*$"
    r"|(?:please )?(?:note(?: that)?:? )?(?:(?:i am|i['’]m|as) an? (?:ai|large|language)"
    r" (?:language )?(?:model|assistant)\b|(?:this|my|the) (?:answer|response|summary) is"
    r" (?:only |solely |entirely )?based\b).{0,160}"
    r"|(?:please )?(?:let me know|feel free)\b[^.!?]{0,60}[.!?]?\W*$"
    r"|(?:what|how|why|who|where|when|which)\b[^.!?:：]{0,80}[:：]\W*$"
    r"|(?:好的)?[，,]?(?:根据|根據|以下)[^。！？]{0,20}[，,]?(?:答案|回答|总结|總結)(?:如下|是)?[:：]\W*$"
    r"|(?:好的)?[，,]?(?:根据|根據)[^。！？]{0,20}[，,]我来?(?:來)?(?:为您|為您)?(?:回答|解答)[^。！？]{0,12}[。！]?\W*$"
    r"|(?:hello|hi|hey|thanks?|thank you|you'?re welcome|great question|i hope this helps)\b"
    r"[^.!?]{0,24}[.!?]?\W*$"
    r"|(?:sure|certainly|of course|ok(?:ay)?|yes|no)\b"
    r"(?:\W*$|\W+(?:here|let|i|happy|glad|problem)\b[^.!?]{0,24}[.!?]?\W*$)"
    r"|(?:以下|下面|如下|答案|总结|總結|回答)[^。！？]{0,20}[:：]\W*$|(?:以下|下面|如下)[^。！？]{0,20}$"
    r"|(?:答案|总结|總結|回答)(?:如下|是|为|為)?\W*$|(?:你好|您好|谢谢|謝謝"
    r"|希望(?:这|這|以上|我的|能|可以|对|對))[^。！？]{0,12}[。！？!]?\W*$"
    r"|(?:好的|当然|當然)(?:可以|没问题|沒問題)?[^\w]*(?:以下|下面|我来|我來)?[^。！？\w]*$)",
    re.IGNORECASE,
)
_WORD = "[^\\W\u3400-\u9fff]{1,24}"
_HEADING = re.compile(
    r"\s{0,9}#{1,6}\s|\s{0,9}\|[^.。!！?？]{0,200}\|\s*$"
    # a few words before a colon, or in bold: the title of what comes
    rf"|\W{{0,9}}{_WORD}(?:[ ’'/-]{_WORD}){{0,4}}\W{{0,3}}[:：][\s*_]*$"
    r"|\W{0,9}[\u3400-\u9fff]{1,10}[*_]*[:：][\s*_]*$"
    rf"|\s*(?:\d{{1,2}}[.)、]\s?|[-*•]\s)?\*\*(?:{_WORD}(?:[ ’'/-]{_WORD}){{0,2}}"
    r"|[\u3400-\u9fff]{1,8})\*\*\s*$"
)
_HAN = "[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff…]"
# a key has a space between Han characters, the words that deny and doubt have none
_SPACES = re.compile(f"(?<={_HAN}) (?={_HAN})")
_OPEN_END = re.compile(
    r"(?:^|\s)(?:an?|the|and|or|but|of|from|with|because|although|than|was|were|is|are|has|its|their|his|by)$"
    r"|(?:因为|所以|但是|而且|以及|如果|由于|[和与把被])$",
    re.IGNORECASE,
)
_SMALL_WORDS = 4
"""Words that say little: so few of them state nothing."""
_LEADS_IN = 120
"""Characters of the longest lead-in: a list of colons must not become one sentence."""
_MOST_SENTENCES = 400
"""More evidence than this is first narrowed by words: a verdict takes milliseconds, also then."""


@dataclass(frozen=True, slots=True)
class Model:
    """Coefficients by figure for a claim in its evidence's language, and in another.

    A score ≥ `supported` gets that label, one ≥ `partly` that one.
    """

    alike: Mapping[str, float]
    across: Mapping[str, float]
    supported: float
    partly: float

    def score(self, comparison: Comparison) -> float:
        """The probability that the evidence supports the claim, 0…1."""
        weights = self.across if comparison.across else self.alike
        total = weights["intercept"] + sum(
            weights.get(name, 0.0) * value for name, value in comparison.figures.items()
        )
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))

    def bounded(self, comparison: Comparison) -> float:
        """The score, below "supported" where something was invented or turned round."""
        invented = comparison.absent or comparison.strange
        # a denial is only a hint across languages: what one denies the other may state in reverse
        denied = comparison.negated and not comparison.across
        turned = comparison.flips or denied or comparison.exchanged or comparison.misplaced
        turned = turned or comparison.doer or comparison.outdone
        score = self.score(comparison)
        return min(score, self.supported * 0.98) if invented or turned else score


@cache
def load_model() -> Model:
    """The fitted model that comes with the package."""
    given = json.loads(Path(__file__).with_name("verify_model.json").read_text("utf-8"))
    return Model(given["alike"], given["across"], given["supported"], given["partly"])


class Memo:
    """Vectors of words, kept for the next sentence: at most `size`, the oldest half goes first."""

    def __init__(self, vectors: Callable[[Sequence[str]], Vector], size: int = 8192) -> None:
        self._vectors, self._size = vectors, size
        self._known: dict[str, Vector] = {}

    def __call__(self, words: Sequence[str]) -> Vector:
        """One row for each word."""
        known = self._known
        missing = [word for word in dict.fromkeys(words) if word not in known]
        rows = {word: known[word] for word in words if word in known}
        if missing:
            rows |= dict(zip(missing, self._vectors(missing), strict=True))
            # a new mapping, so that threads that read the old one are not disturbed
            kept = list(known.items())[-self._size // 2 :] if len(known) > self._size else known
            self._known = dict(kept) | rows
        return np.stack([rows[word] for word in words])


class Verifier:
    """Says of a sentence whether its evidence supports it, with a reason and the deciding words.

    Parameters: `sentence_vectors` maps n sentences to their vectors [n, d], rows of length 1, from
    an encoder that both languages share; whoever gives it may keep them. `names` knows how Chinese
    names are written in letters; without it they are not compared across languages.
    """

    def __init__(
        self,
        sentence_vectors: Callable[[Sequence[str]], Vector],
        model: Model | None = None,
        names: Names | None = None,
    ) -> None:
        self._vectors = sentence_vectors
        self._names = names
        self._model = model or load_model()
        self._words = Memo(sentence_vectors)

    def verify(self, claim: str, evidence: Sequence[str]) -> Verdict:
        """The verdict on `claim`, which may hold several sentences: the worst one decides.

        Citation marks and Markdown in the claim are ignored. What states nothing (a greeting, a
        question, "Here is the answer:", a heading that is not supported and names nothing) or
        breaks off is "unchecked" with score .5; a claim without evidence, or that says the same
        words over and over, is "unsupported". A quotation, in whatever script and spacing, is
        "supported" at once.
        """
        given, claim = claim, _bare(claim)
        wording = reasons.wording(claim)
        pieces = [text for text in evidence if text.strip()]
        if _FENCE.fullmatch(given):
            return Verdict("unchecked", 0.5, wording.nothing_to_check())
        if _breaks_off(claim):
            return Verdict("unchecked", 0.5, wording.breaks_off())
        words_for_it = verbatim(given, pieces)
        if words_for_it is not None:
            return Verdict("supported", 1.0, wording.word_for_word(), words_for_it)
        if not _states(claim):
            return Verdict("unchecked", 0.5, wording.nothing_to_check())
        if stutters(claim):
            return Verdict("unsupported", 0.0, wording.says_it_again())
        if not pieces:
            return Verdict("unsupported", 0.0, wording.no_evidence())
        verdicts = [self._sentence(part, pieces) for part in claim_parts(claim)]
        worst = min(verdicts, key=lambda verdict: verdict.score)
        if worst.label != "supported" and _HEADING.match(given) and _names_nothing(claim):
            return Verdict("unchecked", 0.5, wording.nothing_to_check())
        return worst

    def _sentence(self, claim: str, pieces: Sequence[str]) -> Verdict:
        wording = reasons.wording(claim)
        words_for_it = quoted(claim, pieces)
        if words_for_it is not None:
            return Verdict("supported", 1.0, wording.word_for_word(), words_for_it)
        sentences = sentences_of(pieces)
        if not sentences:
            return Verdict("unsupported", 0.0, wording.no_evidence())
        judged = [
            (self._model.bounded(found), found, kept)
            for found, kept in examine(claim, sentences, self._vectors, self._words, self._names)
        ]
        score, found, kept = max(judged, key=lambda one: one[0])
        label: VerdictLabel = (
            "supported"
            if score >= self._model.supported
            else "partly"
            if score >= self._model.partly
            else "unsupported"
        )
        quote = " ".join(s.text for s in kept[found.window[0] : found.window[1]])
        return Verdict(label, score, wording.explain(found, label), quote)


def examine(
    claim: str,
    sentences: Sequence[str],
    vectors: Callable[[Sequence[str]], Vector],
    word_vectors: Callable[[Sequence[str]], Vector] | None = None,
    names: Names | None = None,
) -> list[tuple[Comparison, list[Reading]]]:
    """The claim compared with the sentences of its own language and with those of the other.

    Returns one or two comparisons, each with the sentences it is about. The other language counts
    only where its best sentence is nearer in meaning than the own language's. `word_vectors` is
    asked for single words; `vectors` where there is none.
    """
    reading = read(claim)
    readings = [read(sentence) for sentence in sentences]
    if len(readings) > _MOST_SENTENCES:
        readings = _narrowed(reading, readings)
    # essays say "I" where an answer says "the author": the meanings are compared in one person
    told = in_first_person(claim) if any(tells_of_oneself(r.text) for r in readings) else claim
    rows = vectors([told, *(r.text for r in readings)])
    mine, rows = rows[0], rows[1:]
    cosines = np.asarray(rows @ mine, np.float32)
    out, nearest = [], -1.0
    for own in (True, False):
        chosen = [i for i, r in enumerate(readings) if (r.han == reading.han) is own]
        if not chosen or float(cosines[chosen].max()) <= nearest:
            continue
        nearest = float(cosines[chosen].max())
        kept = [readings[i] for i in chosen]
        pooled = _pooled(rows[chosen]) @ mine
        asked = word_vectors or vectors
        out.append((compare(reading, kept, cosines[chosen], pooled, asked, names), kept))
    return out


def _pooled(rows: Vector) -> Vector:
    """Each sentence together with the next one."""
    if len(rows) < 2:
        return rows
    both = rows[:-1] + rows[1:]
    return np.asarray(both / np.linalg.norm(both, axis=1, keepdims=True), np.float32)


def _narrowed(claim: Reading, readings: list[Reading]) -> list[Reading]:
    shared = [len(claim.vocabulary & r.vocabulary) for r in readings]
    best = sorted(range(len(readings)), key=lambda i: -shared[i])[: _MOST_SENTENCES // 2]
    spread = range(0, len(readings), max(1, len(readings) * 2 // _MOST_SENTENCES))
    return [readings[i] for i in sorted({*best, *spread})]


def claim_parts(claim: str) -> list[str]:
    """The sentences of a claim that state something; a question goes with its answer."""
    claim = _bare(claim)
    parts: list[str] = []
    question = ""
    for start, end in sentence_spans(claim):
        part = claim[start:end]
        if part.endswith(("?", "？")):
            question = f"{question} {part}".strip()
        elif question or _states(part):
            parts.append(f"{question} {part}".strip())
            question = ""
    return parts or ([claim] if claim else [])


def sentences_of(pieces: Sequence[str]) -> list[str]:
    """The evidence's sentences in reading order, each once.

    What ends in a colon goes with the next: "these are the five layers:" states nothing alone.
    """
    found: dict[str, None] = {}
    for text in pieces:
        begun: int | None = None
        for start, end in sentence_spans(text):
            first = start if begun is None else begun
            begun = first if text[end - 1] in ":：" and end - first <= _LEADS_IN else None
            if begun is None:
                found[text[first:end]] = None
        if begun is not None:
            found[text[begun:]] = None
    return [sentence for sentence in found if any(c.isalnum() for c in sentence)]


def _bare(claim: str) -> str:
    plain = _MATH.sub(_plain_math, _MARKDOWN.sub("", _MARKS.sub("", claim)))
    return _LEAD_IN.sub("", plain.strip())


def _plain_math(found: re.Match[str]) -> str:
    """A formula of numbers as it is read: $46\\,\\text{miles}$ is no amount of dollars."""
    inside = _MATH_WORDS.sub(r"\1", found[1] or found[2])
    for written, read_as in (("\\%", "%"), ("\\approx", "≈"), ("\\times", "×"), ("{,}", ",")):
        inside = inside.replace(written, read_as)
    return _MATH_SPACE.sub(" ", inside)


def _names_nothing(claim: str) -> bool:
    """Whether a heading holds no value and no name: then it says only what comes."""
    reading = read(claim.strip("| "))
    row = "|" in claim.strip("| ")  # of a table, whose cells have capitals
    named = any(not (name.startswith("^") or row) for name in reading.names)
    return not named and all(value.weak for value in reading.values)


def _breaks_off(claim: str) -> bool:
    """Whether a claim ends in a word that no sentence ends in, and without a full stop."""
    return _OPEN_END.search(claim.rstrip(" ,，、…")) is not None


def _states(claim: str) -> bool:
    if not any(c.isalnum() for c in claim) or claim.endswith(("?", "？")):
        return False
    reading = read(claim)
    # "The answer is 42." does state something.
    stating = any(not value.weak for value in reading.values) or not _STATES_NOTHING.match(claim)
    said = any(token.weight >= 0.5 for token in reading.tokens)
    return stating and (said or len(reading.tokens) > _SMALL_WORDS)


def quoted(claim: str, pieces: Sequence[str]) -> str | None:
    """The piece that holds the claim word for word, whatever its script, width and spacing.

    A part of a sentence counts where the rest of it neither denies anything nor doubts: "nobody
    believes that …" goes on with what it does not state.
    """
    key = _key(claim)
    if not key.strip():
        return None
    for piece in pieces:
        if key not in _key(piece):
            continue
        sentences = [piece[start:end] for start, end in sentence_spans(piece)]
        holding = [sentence for sentence in sentences if key in _key(sentence)]
        if not holding:
            return claim if claim in piece else piece
        for sentence in holding:
            rest = _SPACES.sub("", _key(sentence).replace(key, " … ", 1))
            if not (doubts(rest) or thinks(rest)):
                return sentence
    return None


def verbatim(claim: str, pieces: Sequence[str]) -> str | None:
    """The piece that holds the claim whole and word for word; its own brackets are no marks then.

    What states nothing by itself (a question, "here is how:") must be a whole sentence or piece:
    "yes" stands in many a text by chance.
    """
    for text in dict.fromkeys((claim, _bare(claim))):
        if _states(_bare(claim)):
            found = quoted(text, pieces)
        else:
            wholes = [piece[a:b] for piece in pieces for a, b in sentence_spans(piece)] + [*pieces]
            found = next((whole for whole in wholes if _key(whole) == _key(text)), None)
        if found is not None and any(c.isalnum() for c in text):
            return found
    return None


@lru_cache(maxsize=512)
def _key(text: str) -> str:
    return f" {copy_key(text)} "
