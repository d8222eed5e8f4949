"""Text that others wrote, as text: what would act on a terminal, or is no text at all, is shown."""

from __future__ import annotations

import re

__all__ = ["portable", "visible"]

_OTHERS = "\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
"""Deleting, the second set of control characters, what breaks lines or turns the direction of
writing, and halves of characters."""

_ACTING = re.compile(f"[\x00-\x1f{_OTHERS}]")
_ACTING_IN_LINES = re.compile(f"[\x00-\x08\x0b-\x1f{_OTHERS}]")  # all but tabs and line feeds
_HALVES = re.compile("[\ud800-\udc7f\udd00-\udfff]")


def visible(text: str, *, lines: bool = False) -> str:
    r"""`text` for a terminal: an escape character in it is shown as \x1b and does nothing.

    Args:
        text: a source, a title, a quote, an answer, an error: what came from a file or a model.
        lines: it may have several, so line feeds and tabs stay.

    Returns:
        The text with visible escapes, as Python writes them, in place of what acts.
    """
    if lines:
        return _ACTING_IN_LINES.sub(_escape, text.replace("\r\n", "\n"))
    return _ACTING.sub(_escape, text)


def portable(path: str) -> str:
    """A path, or a text made from one, as text: bytes that are no UTF-8 are shown as escapes."""
    whole = _HALVES.sub(_escape, path)
    return whole.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
