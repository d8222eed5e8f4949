"""What small models write around an answer and after it: the prompt once more, turns of a
conversation that nobody had, tokens of their template, HTML, the same sentence again and again."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from rag.replies.loops import only_stutters, rows, stutters, words_of
from rag.sentences import sentence_spans

__all__ = ["REPEATED", "WENT_ON", "said_once", "without_chatter", "without_turns"]

REPEATED = "The model repeated itself: what it said again was left out."
WENT_ON = "The model went on with a conversation that nobody had: that was left out."

_TOKENS = (
    r"(?:<\|(?:im_start|im_end|eot_id|end|endoftext|end_of_text|start_header_id|user|assistant|system"
    r"|begin_of_text|eom_id)\|>|</?s>(?=\s|\Z)|\[/?INST\]|<(?:start|end)_of_turn>|<[|｜]end▁of▁sentence[|｜]>)"
)
# Where a turn may begin or end: inside a sentence the answer speaks of them.
_TOKEN = re.compile(
    rf"(?:(?<![^\n])|(?<=[.!?。！？)\]】>]))[ \t]*{_TOKENS}|{_TOKENS}(?=[ \t]*(?:\Z|[\n<]))"
)
_TURN = re.compile(
    r"\n[ \t]*(?:[*#]+[ \t]*)?(?:(?P<who>user|human|用户|用戶)|question|提问|提問|问题|問題)"
    r"[ \t*]*[:：][ \t*]*",
    re.IGNORECASE,
)
_REPLY = re.compile(
    r"\n[ \t*#]*(?:answer|assistant|ai|助手|答案|回答|答)[ \t*]*[:：]", re.IGNORECASE
)
_LEADS_IN = re.compile(r"[:：][\s*]*\Z")
_CITES = re.compile(
    r"[\[\uff3b\u3010][^\[\]\n\uff3d\u3011]{0,40}?\d|[¹²³⁴-⁹\u2460-\u2473]|<(?:sup|cite|ref)\b"
    r"|[(（](?:passages?|sources?|来源|來源|段落)\W{0,2}\d",
    re.IGNORECASE,
)
_PROMPT = re.compile(
    r"\A\s*(?:\*\*)?(?:question|问题|問題)(?:\*\*)?\s*[:：][^\n]*\n+"
    r"\s*(?=(?:\*\*)?(?:answer|答案|回答|答)(?:\*\*)?\s*[:：])",
    re.IGNORECASE,
)
_ANSWER = re.compile(
    r"\A\s*(?:\*\*)?(?:answer|assistant|答案|回答|答)(?:\*\*)?\s*[:：]\s*(?:\*\*\s*)?",
    re.IGNORECASE,
)
_ATTRIBUTES = r"(?:\s+[a-z-]+\s*=[^<>]{0,200})?\s*/?"  # "a<b and c>d" has no tag
_INLINE = re.compile(rf"</?(?:b|strong|i|em|u|span|font|mark|small|a){_ATTRIBUTES}>", re.IGNORECASE)
_ITEM = re.compile(rf"(?<![ \t])[ \t]*<li{_ATTRIBUTES}>", re.IGNORECASE)
_BLOCK = re.compile(
    r"(?<!\s)\s*</?(?:p|div|ul|ol|li|h[1-6]|section|article|body|html)"
    rf"{_ATTRIBUTES}>\s*",
    re.IGNORECASE,
)
_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]+`)", re.DOTALL)
_MARKS = re.compile(r"[\[\uff3b\u3010](\d[^\[\]\n]{0,40})[\]\uff3d\u3011]")
_NUMBERING = re.compile(r"^\W*(?:\d{1,3}[.)、])?\W*")
_LABEL = re.compile(r"[:：][*_]*\Z|\A#")
_LEAST = 4  # words of a sentence that nobody says twice


def without_chatter(text: str) -> str:
    """The answer in a reply: without the question before it, the template and the tags."""
    said = next((part for part in _turns(text) if re.search(r"\w", part)), text)
    text = _ANSWER.sub("", _PROMPT.sub("", said), count=1)
    return "".join(
        piece if number % 2 else _without_tags(piece)
        for number, piece in enumerate(_CODE.split(text))
    ).strip()


def _turns(text: str) -> Iterator[str]:
    """What stands between the tokens of a template; in code they are what the answer speaks of."""
    plain = _CODE.sub(lambda code: "`" * len(code[0]), text)
    at = 0
    for token in _TOKEN.finditer(plain):
        yield text[at : token.start()]
        at = token.end()
    yield text[at:]


def without_turns(text: str) -> str:
    """An answer without the turns of a conversation that a model adds to it.

    Not what follows a lead-in, nor where only what follows cites: an essay's problem and its
    solution, or the questions that an answer is laid out by.
    """
    words, cites = re.search(r"\w", text), [mark.start() for mark in _CITES.finditer(text)]
    for turn, following in pairwise([*_TURN.finditer(text), None]):
        at = turn.start() if turn else 0
        if turn is None or not words or words.start() > at:
            continue
        leads_in = _LEADS_IN.search(text[max(at - 9, 0) : at])
        own = text[turn.end() : following.start() if following else len(text)]
        if not leads_in and not (cites and cites[0] > at) and _invented(turn, own):
            return text[:at].rstrip()
    return text


def _invented(turn: re.Match[str], own: str) -> bool:
    """Whether a turn, with what stands below it, looks like one of a conversation: it asks, or is
    replied to, and cites nothing itself."""
    replied = _REPLY.search(own)
    asked = own[: replied.start()] if replied else own
    if _CITES.search(asked):
        return False
    if "*" in turn[0] or "#" in turn[0]:
        return replied is not None and turn["who"] is not None
    line = asked.strip().partition("\n")[0]
    return replied is not None or line.endswith(("?", "？"))


def _without_tags(text: str) -> str:
    return _BLOCK.sub("\n", _ITEM.sub("\n- ", _INLINE.sub("", text)))


def said_once(text: str) -> str:
    """The text without sentences that say what an earlier one says word for word and cite nothing
    else, and without those that stutter. Where no other is left the first stays, if it says
    anything beside that. The same under another heading or lead-in is not said again."""
    seen: dict[tuple[str, ...], frozenset[str]] = {}
    under = ""
    out, at, dropped = "", 0, False
    spans, tables = sentence_spans(text), rows(text)
    for start, end in spans:
        sentence = text[start:end]
        words = tuple(words_of(_NUMBERING.sub("", _MARKS.sub("", sentence))))
        marks = frozenset(_MARKS.findall(sentence))
        if _LABEL.search(sentence.strip()):
            under = " ".join(words)
        key = under, *words
        again = len(words) >= _LEAST and key in seen and marks <= seen[key]
        rest = (
            end == spans[-1][1]
            and dropped
            and any(words == one[1 : len(words) + 1] for one in seen)
        )
        said = again or rest or stutters(_MARKS.sub("", sentence))
        if said and not _inside(tables, start):
            dropped = True
        else:
            out += text[at:end]
            seen[key] = seen.get(key, frozenset()) | marks
        at = end
    if dropped and not any(key[1:] for key in seen):
        return text[: spans[0][1]] if _says_more(text, spans[0]) else out
    return out if dropped else text


def _inside(tables: Sequence[tuple[int, int]], at: int) -> bool:
    before = bisect_right(tables, at, key=lambda row: row[0])
    return before > 0 and at < tables[before - 1][1]


def _says_more(text: str, span: tuple[int, int]) -> bool:
    return not only_stutters(_MARKS.sub("", text[slice(*span)]))
