"""Keeps a model's reasoning apart from its answer, also where a tag is cut in two."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["ThinkSplitter", "split_thinking"]

TAGS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    "[think]": "[/think]",  # Magistral
    "◁think▷": "◁/think▷",  # Kimi
}

# Some chat templates open the tag inside the prompt: then only its end is in the answer, on a line
# of its own. In the middle of a line it is a text about tags.
ONLY_CLOSED = re.compile(r"(?:\A|\n)[ \t]*</think(?:ing)?>[ \t]*(?:\n|\Z)", re.IGNORECASE)


class ThinkSplitter:
    """Splits a text that comes in pieces into (text, reasoning) pieces.

    A tag counts only where an answer begins, or where another block of reasoning just ended:
    further on it is a text about tags.
    """

    def __init__(self) -> None:
        self._held = ""
        self._close = ""  # the tag that ends the reasoning, while in it
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
                if self._close:  # its end has not come yet
                    return
            elif not self._begin():
                return

    def finish(self) -> Iterator[tuple[str, str]]:
        """What was held back, at the end."""
        held, self._held = self._held, ""
        if held.strip():
            yield ("", held) if self._close else (held, "")

    def _begin(self) -> bool:
        """Decide whether reasoning or the answer begins here; False while that is open."""
        text = self._held.lstrip()
        lowered = text.lower()
        opened = next((tag for tag in TAGS if lowered.startswith(tag)), None)
        if opened:
            self._close = TAGS[opened]
            self._held = text[len(opened) :]
            return True
        if any(tag.startswith(lowered) for tag in TAGS):  # also while there is only white space
            return False
        self._answering, self._held = True, text
        return True

    def _reason(self) -> str:
        """The reasoning that is certain by now; a possible start of the closing tag is kept."""
        at = self._held.lower().find(self._close)
        if at >= 0:
            thought, self._held = self._held[:at], self._held[at + len(self._close) :]
            self._close = ""
            return thought
        keep = next(
            size
            for size in range(min(len(self._close) - 1, len(self._held)), -1, -1)
            if self._close.startswith(self._held[len(self._held) - size :].lower())
        )
        cut = len(self._held) - keep
        thought, self._held = self._held[:cut], self._held[cut:]
        return thought


def split_thinking(text: str) -> tuple[str, str]:
    """(answer, reasoning) of an answer whose reasoning has a closing tag but no opening one."""
    closed = ONLY_CLOSED.search(text)
    if closed is None:
        return text, ""
    return text[closed.end() :].lstrip(), text[: closed.start()]
