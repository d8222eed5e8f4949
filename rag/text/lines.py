"""The lines of a text: what each is, and the marks around it that go.

Every pattern is linear: no nested repetition, and what it repeats excludes what it ends with.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

__all__ = ["BREAK", "ROW", "Cut", "Kind", "Line", "read_lines"]

Kind = Literal["text", "heading", "item", "code", "field"]


class Cut(NamedTuple):
    """`[start, end)` of the raw text becomes `to` (at most one character)."""

    start: int
    end: int
    reason: str  # "" for white space
    to: str = ""


@dataclass(slots=True)
class Line:
    """One raw line `[start, end)` without its white space, marks and line end."""

    start: int
    end: int
    kind: Kind
    level: int
    apart: bool
    cuts: list[Cut]


_LINES = re.compile("[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+|\r\n?|[\n\v\f\x1c-\x1e\x85\u2028\u2029]")
BREAK = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
"""Ends a line."""

_HEADING = re.compile(r"#{1,6}[ \t\u3000]+(?=\S)")
_HEADING_TAIL = re.compile(r"[ \t]+#+$|(?:[ \t]+#+)?[ \t]*\{[#.][^{}]{1,60}\}$")
_UNDERLINE = re.compile(r"(=+|-+)$")
_RULE = re.compile(r"([-*_])(?:[ \t]*\1){2,}$")
_FENCE = re.compile(r"(`{3,})[^`\n]*$|(~{3,})")
"""Of backticks only where no more follow in the line (CommonMark): else it is code in a line."""
_QUOTE = re.compile(r"(?:>[ \t]?)+")
_BULLET = re.compile(
    r"(?:[-*+–—][ \t\u3000]+|[•●○◦▪▫■□◆◇‣⁃∙·・▶►➤✓✔][ \t\u3000]*)(?=\S)|\?{1,2}[ \t]*(?=[^\W\d_])"
)
"""The last form is a bullet that a wrong encoding turned into question marks."""
_NUMBER = re.compile(
    r"(?:\(?\d{1,3}[.)）、]|（\d{1,3}）|[①-⑳]|\(?[a-zA-Z][.)])(?:[ \t\u3000]+|(?<=[、）①-⑳]))"
)
ROW = "|"
"""Begins a row of a table."""
_HIDDEN = re.compile(r"<(script|style)(?:[ \t][^<>]*)?>", re.IGNORECASE)
_TABLE_RULE = re.compile(r"\|?(?:[ \t]*:?-+:?[ \t]*\|)+(?:[ \t]*:?-+:?[ \t]*)?$")


def read_lines(text: str, start: int, markdown: bool) -> Iterable[Line]:
    """The lines of `text` from `start` on that say something; cuts of the others go with them."""
    apart, fence = False, ""
    last: Line | None = None
    stray: list[Cut] = []  # cuts of lines that vanish as a whole go with the next line
    hidden = _Hidden(text)
    for first, end, indent, blank in _filled_lines(text, start):
        begin, apart = first, apart or blank
        if markdown and not fence and (shown := min(hidden.until(begin, end), end)) > begin:
            stray.append(Cut(begin, shown, "script or style"))
            apart, begin = True, _trim(text, shown, end)[0]
            if begin == end:
                continue
        fenced = _FENCE.match(text, begin, end) if markdown else None
        marks = fenced[1] or fenced[2] if fenced else ""
        if marks and (not fence or _closes(text, begin, end, fence)):
            stray.append(Cut(begin, end, "code fence"))
            fence = "" if fence else marks
            apart = True
            continue
        if fence:
            line = Line(begin, end, "code", 0, apart, [])
        else:
            if markdown and (reason := _vanishes(text, begin, end, last, apart)):
                stray.append(Cut(begin, end, reason))
                apart = True
                continue
            line = _begin_line(text, begin, end, indent, apart, markdown)
            if last and text[begin] == text[last.start] == ROW and line.kind == "text":
                line.kind, line.level = "item", 0
        line.cuts[:0] = stray
        stray, apart, last = [], False, line
        if line.start < line.end:
            yield line
        else:
            stray, apart = line.cuts, True
    if stray:
        yield Line(len(text), len(text), "text", 0, True, stray)


def _closes(text: str, begin: int, end: int, fence: str) -> bool:
    """Whether a line is nothing but the marks that opened a block of code, or more of them."""
    return text.startswith(fence, begin) and not text[begin:end].strip(fence[0])


def _filled_lines(text: str, start: int) -> Iterable[tuple[int, int, int, bool]]:
    """The lines that hold more than white space: [begin, end), how far they are indented, and
    whether a blank line stands before."""
    apart, breaks = False, 0
    for match in _LINES.finditer(text, start):
        if BREAK.match(text, match.start()):
            breaks += 1
            continue
        apart, breaks = apart or breaks > 1, 0
        begin, end = _trim(text, *match.span())
        if begin < end:
            yield begin, end, begin - match.start(), apart
        apart = begin == end


class _Hidden:
    """Scripts and style sheets, from a line that begins with one to its end tag."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._end = 0
        self._unclosed: set[str] = set()

    def until(self, begin: int, end: int) -> int:
        """Where what is hidden at the line [begin, end) ends; `begin` or before where nothing is.
        What is never closed hides nothing. Lines are to be asked about in order."""
        opened = _HIDDEN.match(self._text, begin, end)
        if begin >= self._end and opened and (name := opened[1].lower()) not in self._unclosed:
            closed = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(self._text, opened.end())
            if closed:
                self._end = closed.end()
            else:
                self._unclosed.add(name)
        return self._end


def _vanishes(text: str, begin: int, end: int, last: Line | None, apart: bool) -> str:
    """Why a Markdown line is nothing but a mark; "" when it is not. May make `last` a heading."""
    underline = end - begin > 1 and _UNDERLINE.match(text, begin, end)
    if underline and last and not apart and last.kind == "text" and _may_be_underlined(last):
        last.kind, last.level = "heading", 1 if text[begin] == "=" else 2
        return "heading underline"
    if _RULE.match(text, begin, end):
        return "rule"
    return "table rule" if _TABLE_RULE.match(text, begin, end) else ""


def _may_be_underlined(line: Line) -> bool:
    """A heading stands apart and is short; under a paragraph the same dashes are a rule."""
    return line.apart and line.end - line.start <= 80


def _begin_line(text: str, begin: int, end: int, indent: int, apart: bool, markdown: bool) -> Line:
    cuts: list[Cut] = []
    if markdown and (quote := _QUOTE.match(text, begin, end)):
        cuts.append(Cut(begin, quote.end(), "quote mark"))
        begin, end = _trim(text, quote.end(), end)
    if markdown and (heading := _HEADING.match(text, begin, end)):
        level = heading.group().count("#")
        cuts.append(Cut(begin, heading.end(), "heading mark"))
        begin = heading.end()
        if tail := _HEADING_TAIL.search(text, max(begin, end - 80), end):
            cuts.append(Cut(tail.start(), end, "heading mark"))
            end = tail.start()
        return Line(begin, end, "heading", level, apart, cuts)
    if bullet := _BULLET.match(text, begin, end):
        cuts.append(Cut(begin, bullet.end(), "bullet"))
        return Line(bullet.end(), end, "item", indent, apart, cuts)
    kind: Kind = "item" if _NUMBER.match(text, begin, end) else "text"
    return Line(begin, end, kind, indent, apart, cuts)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
