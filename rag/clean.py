"""Raw text → readable text, with the way back. Removes marks and never invents words.

What goes: settings in a front matter, pinyin glosses, invisible characters, Markdown's marks,
bullets, brackets of links, scripts and style sheets, the heads of a book's pages; each has its
module in `rag/text`. What is joined: lines that only the width of a page broke, without the hyphens
that it put there. An entity inside a sentence becomes its character, a tag that sets apart a space.
Everything else stays, in order.

Every pattern is linear: no nested repetition, and what it repeats excludes what it ends with.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from rag.schema import OffsetMap
from rag.text import front
from rag.text.glosses import HAN, glosses
from rag.text.lines import BREAK, Cut, Kind, Line, read_lines
from rag.text.markup import MARKS, markdown_marks
from rag.text.pages import cut_hyphens, joins, page_width, without_page_heads

__all__ = ["VERSION", "Block", "Cleaned", "Removal", "clean"]

VERSION = 7
"""Changes whenever `clean` gives another text for the same input: the index depends on it."""


class Removal(NamedTuple):
    """`text[start:end]` of the decoded text is gone from the cleaned. `reason` is a stable name."""

    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading, list item, line of code or field of the front matter: `[start, end)` of
    the cleaned text. Of a table the first row is a text, and the others are items to which that is
    the lead-in.

    `level` is a heading's depth from 1, or an item's indentation. `apart` says that a blank line
    stands before it.
    """

    kind: Kind
    start: int
    end: int
    level: int = 0
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Text for searching and reading, its blocks in order, and the map to the decoded text.

    Blocks are separated by one newline. White space that is dropped is not listed in `removed`.
    """

    text: str
    offsets: OffsetMap
    removed: tuple[Removal, ...]
    blocks: tuple[Block, ...]


_WIDE = re.compile(f"[{HAN}\u3000-\u30ff\uff00-\uffef“”‘’…—]")
_SPACES = re.compile(r"[^\S ]\s*| \s+")

_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f"
    "\ufeff\ufff9-\ufffb"
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]+"
    rf"|(?<![^\x00-\x7f{HAN}])[\u200c\u200d]+|[\u200c\u200d]+(?![^\x00-\x7f{HAN}])"
)
"""Joiners stay between other scripts' letters and emoji, where they change what is read."""


def clean(text: str, *, start: int = 0, markdown: bool = False) -> Cleaned:
    """`text` from `start` on, without noise.

    Args:
        text: decoded text; offsets in the result point into it.
        start: where the body begins, after the front matter.
        markdown: also take Markdown's and HTML's marks away.

    Returns:
        The cleaned text with its blocks, its map to `text`, and what was removed.
    """
    lines = list(read_lines(text, start, markdown))
    if not markdown:
        lines = without_page_heads(text, lines)
    _inline(text, lines, markdown)
    width = page_width(lines)
    cut_hyphens(text, lines, width)
    return _Writer(text).write([*_front(text, start), *lines], width)


def _front(text: str, end: int) -> Iterable[Line]:
    """The fields of the front matter that say something, a line each; the rest goes."""
    at = 0
    for field in front.fields(text, end):
        line = Line(field.start, field.end, "field", 0, False, [])
        marks = [
            Cut(mark.start, mark.end, "" if mark.to else "front matter", mark.to)
            for mark in field.marks
            if mark.start < mark.end
        ]
        line.cuts = [*_rest(at, field.start), *_disjoint(marks, line)]
        at = field.end
        yield line
    yield Line(end, end, "field", 0, False, _rest(at, end))


def _rest(start: int, end: int) -> list[Cut]:
    return [Cut(start, end, "front matter")] if start < end else []


def _inline(text: str, lines: list[Line], markdown: bool) -> None:
    for line in lines:
        found = [
            Cut(*match.span(), "invisible character")
            for match in _INVISIBLE.finditer(text, line.start, line.end)
        ]
        found += glosses(text, line)
        if markdown and line.kind != "code" and MARKS.search(text, line.start, line.end):
            found += markdown_marks(text, line.start, line.end)
        found += _white_space(text, line)
        line.cuts += _disjoint(found, line)
        line.cuts.sort()  # those of a heading's end are there already


def _white_space(text: str, line: Line) -> Iterable[Cut]:
    for match in _SPACES.finditer(text, line.start, line.end):
        yield Cut(match.start(), match.end(), "", " ")


def _disjoint(found: list[Cut], line: Line) -> list[Cut]:
    """Sorted, without those that begin inside an earlier one or reach out of the line."""
    kept: list[Cut] = []
    for cut in sorted(found):
        if cut.end <= line.end and (not kept or cut.start >= kept[-1].end):
            kept.append(cut)
    return kept


class _Writer:
    """Puts the kept pieces together and keeps the map."""

    def __init__(self, text: str) -> None:
        self._raw = text
        self._pieces: list[str] = []
        self._runs: list[tuple[int, int, int]] = []
        self._length = 0
        self._removed: list[Removal] = []
        self._blocks: list[Block] = []

    def write(self, lines: list[Line], width: int) -> Cleaned:
        last: Line | None = None
        for line in lines:
            self._removed += (Removal(*cut[:3]) for cut in line.cuts if cut.reason)
            kept = list(self._kept(line))
            if not kept:
                continue
            block = Block(line.kind, self._length, 0, line.level, line.apart)
            if last is not None:
                joined = joins(self._raw, last, line, width)
                if not joined or not _spaceless(self._raw, last, line):
                    # two lines have a break between them
                    at = next(BREAK.finditer(self._raw, last.end)).start()
                    self._put(at, at + 1, " " if joined else "\n")
                block = replace(block, start=self._length)
                if joined:
                    block = self._blocks.pop()
            for start, end, to in kept:
                self._put(start, end, to)
            self._blocks.append(replace(block, end=self._length))
            last = line
        text = "".join(self._pieces)
        return Cleaned(
            text, OffsetMap(tuple(self._runs)), tuple(self._removed), tuple(self._blocks)
        )

    def _kept(self, line: Line) -> Iterable[tuple[int, int, str]]:
        """The pieces of a line that stay, without white space at its ends or doubled by a cut."""
        pieces: list[tuple[int, int, str]] = []
        at = line.start
        for cut in [*line.cuts, Cut(line.end, line.end, "")]:
            if at < cut.start:
                pieces.append((at, cut.start, ""))
            if cut.to and cut.start < cut.end:
                pieces.append((cut.start, cut.start + 1, cut.to))
            at = max(at, cut.end)
        spaced = True  # white space at the start goes
        kept: list[tuple[int, int, str]] = []
        for first, end, to in pieces:
            start = first
            if spaced and (to == " " or self._raw[first] == " "):
                start += 1
                if to or start == end:
                    continue
            kept.append((start, end, to))
            spaced = to == " " or self._raw[end - 1] == " "
        while kept and spaced:
            start, end, to = kept.pop()
            if not to and end - start > 1:
                kept.append((start, end - 1, to))
            spaced = bool(kept) and (kept[-1][2] == " " or self._raw[kept[-1][1] - 1] == " ")
        return kept

    def _put(self, start: int, end: int, to: str) -> None:
        self._pieces.append(to or self._raw[start:end])
        if self._runs:
            at, raw, length = self._runs[-1]
            if raw + length == start:
                self._runs[-1] = (at, raw, length + end - start)
                self._length += end - start
                return
        self._runs.append((self._length, start, end - start))
        self._length += end - start


def _spaceless(text: str, last: Line, line: Line) -> bool:
    """Whether the two lines join without a space: Chinese on one side, or a hyphen."""
    before, after = text[last.end - 1], text[line.start]
    return bool(_WIDE.match(before) or _WIDE.match(after)) or (before == "-" and after.isalpha())
