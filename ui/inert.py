"""Text of documents and models as Markdown that can do nothing but be read.

A viewer would load the images of a text and take its tags for HTML: what begins those, and links,
is escaped. Only what stands between fences stays as it is: about other code not all viewers agree.
"""

from __future__ import annotations

import re

from ui.markup import LONGEST_MARKDOWN, Code, code_in, in_parts, open_fence

__all__ = ["fenced", "inert", "one_line"]

# `[n]` is a link only before an address, or where a line says what address it stands for.
_STARTS = re.compile(r"(?<!\\)(\\*)(\[(?!\d{1,4}\](?![(:]))|<|&(?=#?\w{1,40};))")
_SIGN = re.compile(r"[\\`*_~\[\]<&]")
_TICKS = re.compile("`+")
_ENTITIES = {"<": "&lt;", "&": "&amp;"}
"""Instead of a backslash, which not every Markdown has before these."""


def inert(text: str) -> str:
    """Markdown without images, links, tags or an open fence; it must begin a line."""
    if len(text) > LONGEST_MARKDOWN:  # what is code in it was not looked for
        return fenced(text)
    parts = (_part(piece, code) for piece, code in in_parts(text, code_in(text)))
    return "".join(parts) + open_fence(text)


def one_line(text: str) -> str:
    """A title, a name or a question, in one line and as it was typed."""
    return _literal(" ".join(text.split()))


def fenced(text: str) -> str:
    """`text` to the character, between fences that are longer than any in it."""
    longest = max(map(len, _TICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def _part(piece: str, code: Code | None) -> str:
    if code and code.kind == "fence":
        return piece
    if code and code.kind == "inline" and _STARTS.search(piece):
        return _literal(piece)  # in code an escaped sign would show its escape
    return _STARTS.sub(_escaped, piece)


def _escaped(match: re.Match[str]) -> str:
    before, sign = match[1], match[2]
    if len(before) % 2:  # the last one escapes it already
        before = before[:-1]
    return before + _ENTITIES.get(sign, f"\\{sign}")


def _literal(text: str) -> str:
    """`text` where none of it is Markdown."""
    return _SIGN.sub(lambda sign: _ENTITIES.get(sign[0], f"\\{sign[0]}"), text)
