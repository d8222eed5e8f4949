"""Keeps a model's reasoning apart from its answer, also where a tag is cut in two."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["ThinkSplitter", "split_thinking", "without_end_marks"]

TAGS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    "[think]": "[/think]",  # Magistral
    "◁think▷": "◁/think▷",  # Kimi
    "<seed:think>": "</seed:think>",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "<|channel|>analysis<|message|>": "<|end|>",  # gpt-oss, where no parser stands before it
    "<|channel|>commentary<|message|>": "<|end|>",
}

HEADERS = (
    "<|start|>assistant",
    "<|channel|>final<|message|>",
    "<|begin_of_solution|>",
    "<|begin_of_box|>",
)
"""What says of the text after it that it is the answer, and is no part of it."""

# A server that does not know its model's sign for the end hands it on as text.
END_MARKS = (
    *(f"<|{name}|>" for name in ("return", "end", "im_end", "eot_id", "eom_id", "endoftext")),
    *("<|end_of_text|>", "<|end_of_solution|>", "<|end_of_box|>", "<end_of_turn>", "<eos>", "</s>"),
    "<\uff5cend\u2581of\u2581sentence\uff5c>",
)

# Some chat templates open the tag inside the prompt: then only its end is in the answer, on a line
# of its own or, where nothing opens it, before an empty one. Elsewhere it is a text about tags.
OWN_LINE = re.compile(r"(?:\A|\n)[ \t]*</think(?:ing)?>[ \t]*(?:\n|\Z)", re.IGNORECASE)
LINE_END = re.compile(
    r"\A(?:(?!<think(?:ing)?>).)*?(</think(?:ing)?>[ \t]*\n[ \t]*\n)", re.IGNORECASE | re.DOTALL
)


LONGEST_HELD = 20_000
"""Characters after which what may be the answer is taken for it."""


class ThinkSplitter:
    """Splits a text that comes in pieces into (text, reasoning) pieces.

    A tag counts only where an answer begins, or where another block of reasoning just ended:
    further on it is a text about tags. Where the reasoning itself holds an opening tag, a closing
    one may belong to that or end the reasoning: what follows it is held back until another closing
    tag comes, or the end.
    """

    def __init__(self) -> None:
        self._held = ""
        self._open = ""
        self._close = ""  # the tag that ends the reasoning, while in it
        self._nested = 0  # opening tags inside the reasoning that no closing one was seen for
        self._doubtful = False  # whether the reasoning may have ended already
        self._answering = False

    def feed(self, piece: str) -> Iterator[tuple[str, str]]:
        """What of the text so far can be told apart now."""
        self._held += piece
        while self._held:
            if self._answering:
                yield self._held, ""
                self._held = ""
            elif self._close:
                thought = self._reason()
                if thought:
                    yield "", thought
                elif self._close:  # its end has not come yet
                    return
            elif not self._begin():
                return

    def finish(self) -> Iterator[tuple[str, str]]:
        """What was held back, at the end."""
        held, self._held = self._held, ""
        if held.strip():
            yield ("", held) if self._close and not self._doubtful else (held.lstrip(), "")

    def _begin(self) -> bool:
        """Decide whether reasoning or the answer begins here; False while that is open."""
        text = self._held.lstrip()
        lowered = text.lower()
        opened = next((tag for tag in TAGS if lowered.startswith(tag)), None)
        if opened:
            self._open, self._close = opened, TAGS[opened]
            self._held = text[len(opened) :]
            return True
        header = next((header for header in HEADERS if lowered.startswith(header)), None)
        if header:
            self._held = text[len(header) :]
            return True
        # also while there is only white space
        if any(tag.startswith(lowered) for tag in (*TAGS, *HEADERS)):
            return False
        self._answering, self._held = True, text
        return True

    def _reason(self) -> str:
        """The reasoning that is certain by now; a possible start of a tag is kept."""
        lowered = _lower(self._held)
        at = lowered.find(self._close)
        if at < 0 and self._doubtful:
            if len(lowered) > LONGEST_HELD:
                self._close, self._answering, self._held = "", True, self._held.lstrip()
            return ""
        if at < 0:
            return self._take(len(lowered) - self._cut_tag(lowered))
        thought = self._take(at)
        self._held = self._held[len(self._close) :]
        self._doubtful = self._nested > 0
        if self._doubtful:
            self._nested -= 1
            return thought + self._close
        self._close = ""
        return thought

    def _take(self, size: int) -> str:
        thought, self._held = self._held[:size], self._held[size:]
        self._nested += _lower(thought).count(self._open)
        return thought

    def _cut_tag(self, lowered: str) -> int:
        """How many characters at the end may begin a tag."""
        tags = (self._open, self._close)
        longest = min(max(map(len, tags)) - 1, len(lowered))
        return next(
            size
            for size in range(longest, -1, -1)
            if any(tag.startswith(lowered[len(lowered) - size :]) for tag in tags)
        )


def _lower(text: str) -> str:
    """The text in small letters, each where it stood: İ alone would become two characters."""
    return text.replace("İ", "i").lower()


def split_thinking(text: str) -> tuple[str, str]:
    """(answer, reasoning) of an answer whose reasoning has a closing tag but no opening one."""
    if own := OWN_LINE.search(text):
        return text[own.end() :].lstrip(), text[: own.start()]
    if end := LINE_END.search(text):
        return text[end.end() :].lstrip(), text[: end.start(1)]
    return text, ""


def without_end_marks(text: str) -> str:
    """An answer without the signs of chat templates that it ends in."""
    rest = text.rstrip()
    while mark := next((mark for mark in END_MARKS if rest.endswith(mark)), ""):
        text = rest = rest.removesuffix(mark).rstrip()
    return text
