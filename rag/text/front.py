"""Which fields of a front matter say something of the essay: who wrote it and when, what it is
called and about. They are text to ask like any other; settings of the program that wrote the file
are not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

__all__ = ["Field", "Mark", "fields"]

Span = tuple[int, int]

_LINE = re.compile(r"[^\r\n]+")
_NAMED = re.compile(r"([A-Za-z_\u4e00-\u9fff][\w -]{0,40}?)[ \t]*[:：=][ \t]*")
_TOLD = re.compile(
    r"title|subtitle|authors?|by|editors?|translators?|interview\w*|speakers?|guests?|hosts?"
    r"|date|published|created|updated|place|location|venue|publisher|publication|source"
    r"|description|summary|abstract|excerpt"
    r"|标题|標題|副标题|副標題|作者|译者|譯者|编辑|編輯|日期|时间|時間|地点|地點|摘要|简介|簡介|来源|來源|出处|出處",
    re.IGNORECASE,
)
_DEEPER = re.compile(r"[ \t]*(-[ \t]+)?")  # a line of a value begins with either
_MARKS = re.compile(r"[|>][+-]?[ \t]*$|[\[\]]|\B[\"']|[\"']\B|(?<=[ \t])[ \t]+")


class Mark(NamedTuple):
    """What in `[start, end)` is YAML's and not the value's; `to` (at most one character) stands
    for it."""

    start: int
    end: int
    to: str = ""


class Field(NamedTuple):
    """`[start, end)` is a name with its value, which may take several lines."""

    start: int
    end: int
    marks: tuple[Mark, ...]


def fields(text: str, end: int) -> Iterator[Field]:
    """The fields worth reading of the front matter `text[:end]`, in order; their marks too."""
    lines: list[Span] = []
    for line in _LINE.finditer(text, 0, end):
        if lines and _value(text, line.span()) == line.start():
            yield from _field(text, lines)
            lines = []
        lines.append(line.span())
    yield from _field(text, lines)


def _value(text: str, line: Span) -> int:
    """Where a line's text begins, after its indentation and its dash."""
    found = _DEEPER.match(text, *line)
    return found.end() if found else line[0]


def _field(text: str, lines: Sequence[Span]) -> Iterator[Field]:
    named = _NAMED.match(text, *lines[0]) if lines else None
    if named is None or not _TOLD.fullmatch(named[1].strip()):
        return
    values = [(named.end(), lines[0][1]), *((_value(text, line), line[1]) for line in lines[1:])]
    marks = [Mark(*mark.span()) for span in values for mark in _MARKS.finditer(text, *span)]
    for (start, before), (begin, _) in pairwise(values):
        listed = text[begin - 2 : begin].startswith("-") and before > start
        marks += [Mark(before, before + 1, "," if listed else " "), Mark(before + 1, begin)]
    if any(map(str.isalnum, "".join(text[slice(*span)] for span in values))):
        yield Field(lines[0][0], lines[-1][1], tuple(sorted(marks)))
