"""What small models write around an answer and after it: the prompt once more, turns of a
conversation that nobody had, tokens of their template, HTML, the same sentence again and again."""

from __future__ import annotations

import re

from rag.loops import stutters
from rag.sentences import sentence_spans

__all__ = ["REPEATED", "said_once", "without_chatter"]

REPEATED = "The model repeated itself: what it said again was left out."

_TOKEN = re.compile(
    r"<\|(?:im_start|im_end|eot_id|end|endoftext|end_of_text|start_header_id|user|assistant|system"
    r"|begin_of_text|eom_id)\|>|</?s>(?=\s|\Z)|\[/?INST\]|<(?:start|end)_of_turn>|<[|｜]end▁of▁sentence[|｜]>"
)
_TURN = re.compile(
    r"\n[ \t*#]*(?:user|human|question|用户|用戶|提问|提問|问题|問題)[ \t*]*[:：]", re.IGNORECASE
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
_INLINE = re.compile(
    r"</?(?:b|strong|i|em|u|span|font|mark|small|a)(?:\s[^<>]{0,200})?>", re.IGNORECASE
)
_ITEM = re.compile(r"[ \t]*<li(?:\s[^<>]{0,200})?>", re.IGNORECASE)
_BLOCK = re.compile(
    r"\s*</?(?:p|div|ul|ol|li|h[1-6]|section|article|body|html)(?:\s[^<>]{0,200})?>\s*",
    re.IGNORECASE,
)
_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]+`)", re.DOTALL)
_MARKS = re.compile(r"[\[\uff3b\u3010](\d[^\[\]\n]{0,40})[\]\uff3d\u3011]")
_NUMBERING = re.compile(r"^\W*(?:\d{1,3}[.)、])?\W*")
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")
_LEAST = 4  # words of a sentence that nobody says twice


def without_chatter(text: str) -> str:
    """The answer in a reply: without the question before it and the turns after it."""
    said = next((part for part in _TOKEN.split(text) if re.search(r"\w", part)), text)
    text = _ANSWER.sub("", _PROMPT.sub("", said), count=1)
    turn = _TURN.search(text)
    if turn and re.search(r"\w", text[: turn.start()]):
        text = text[: turn.start()]
    return "".join(
        piece if number % 2 else _without_tags(piece)
        for number, piece in enumerate(_CODE.split(text))
    ).strip()


def _without_tags(text: str) -> str:
    return _BLOCK.sub("\n", _ITEM.sub("\n- ", _INLINE.sub("", text)))


def said_once(text: str) -> str:
    """The text without sentences that say what an earlier one says word for word and cite nothing
    else, and without those that stutter."""
    seen: dict[tuple[str, ...], frozenset[str]] = {}
    out, at, dropped = "", 0, False
    spans = list(sentence_spans(text))
    for start, end in spans:
        sentence = text[start:end]
        words = tuple(_WORD.findall(_NUMBERING.sub("", _MARKS.sub("", sentence)).lower()))
        marks = frozenset(_MARKS.findall(sentence))
        again = len(words) >= _LEAST and words in seen and marks <= seen[words]
        rest = end == spans[-1][1] and dropped and any(words == one[: len(words)] for one in seen)
        if again or rest or stutters(_MARKS.sub("", sentence)):
            dropped = True
        else:
            out += text[at:end]
            seen[words] = seen.get(words, frozenset()) | marks
        at = end
    return out if dropped else text
