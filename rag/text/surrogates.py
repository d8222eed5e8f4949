"""Halves of characters: JSON may hold them, no encoding can send them."""

from __future__ import annotations

import re

__all__ = ["SurrogateJoiner", "sound"]

SURROGATE = re.compile("[\ud800-\udfff]")
HIGH = re.compile("[\ud800-\udbff]\\Z")


def sound(text: str) -> str:
    """`text` with pairs of surrogates joined and lone ones replaced.

    >>> sound("a\\ud83d\\ude00b\\ud83d")
    'a😀b\ufffd'
    """
    if SURROGATE.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class SurrogateJoiner:
    """Joins pairs whose halves come in two pieces of a text."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """What of the text so far is whole."""
        text = self._held + piece
        self._held = text[-1:] if HIGH.search(text) else ""
        return sound(text.removesuffix(self._held))

    def finish(self) -> str:
        """What was held back, at the end."""
        held, self._held = self._held, ""
        return sound(held)
