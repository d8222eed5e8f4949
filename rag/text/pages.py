"""What pages did to a text: the lines that their width broke, and the heads and feet between.

Every pattern is linear: no nested repetition, and what it repeats excludes what it ends with.
"""

from __future__ import annotations

import re
from itertools import pairwise

from rag.text.lines import ROW, Cut, Line
from rag.text.turns import speaker

__all__ = ["cut_hyphens", "joins", "page_width", "without_page_heads"]

_WIDER = 1.25  # times the width: no page's line is so long

_FINISHED = re.compile(r"[。！？!?.…｡:：;；][”’」』】）)\]》\"'*]*$")
_UNFINISHED = re.compile(r"[,，、]$")
_CONTINUING = re.compile("[。，、；：！？”’」』】）》,;]")
_LOWER_WORD = re.compile(r"[a-z]{2,}(?=[\s,.;:’'-]|$)|a ")

_PAGE_NUMBER = re.compile(r"(?<![^\W_])\d{1,4}(?![^\W_])")
_FAR_NUMBER = re.compile(r"\w {4,}\d{1,4}$|^\d{1,4} {4,}\w")
_LONGEST_HEAD = 80
_LEAST_HEADS, _PAGES_ON = 3, 4  # a chapter's first page has none, nor have pictures
_LEAST_PAGE = 300  # characters that a page holds; a day of a diary, a year of a life may hold fewer
_MOST_WHOLE = 3  # one page of so many, at least, breaks a sentence off

_BROKEN_WORD = re.compile(r"[^\W\d_]+-$")
_REST_OF_WORD = re.compile(r"[^\W\d_]+")
_HYPHENATED = re.compile(r"(?<![\w-])[^\W\d_]+-[^\W\d_]+(?!\w)")
_NUMERAL = re.compile(
    r"(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)-"
    r"(?:one|two|three|four|five|six|seven|eight|nine|first|second|third|fourth|fifth|sixth"
    r"|seventh|eighth|ninth)"
    r"|(?:vingt|trente|quarante|cinquante|soixante|quatre|dix)-"
    r"(?:un|une|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze"
    r"|seize|vingts?|et)",
    re.IGNORECASE,
)
"""Numbers that are written with a hyphen wherever they stand."""
_LEAST_BROKEN = 3
_OFTEN_BROKEN = 15  # one of so many lines; hyphens of people's own end fewer


def page_width(lines: list[Line]) -> int:
    """The width that lines were broken at by whatever wrote the file; 0 when they were not.

    Lines are hard-wrapped when most of those that another follows are nearly as long as the longest
    usual one, that is no wider than a page, and few are much longer: above paragraphs of one line
    each, headings that are alike in length are no page.
    """
    followed = [
        line.end - line.start
        for line, after in pairwise(lines)
        if line.kind in ("text", "item") and after.kind == "text" and not after.apart
    ]
    if len(followed) < 4:
        return 0
    width = sorted(followed)[int(len(followed) * 0.9)]
    full = sum(length >= 0.75 * width for length in followed)
    longer = sum(line.end - line.start > _WIDER * width for line in lines if line.kind == "text")
    if longer > len(followed) / 3:
        return 0
    return width if 20 <= width <= 130 and full >= 0.7 * len(followed) else 0


def without_page_heads(text: str, lines: list[Line]) -> list[Line]:
    """The lines without those that repeat at the head or foot of pages: the same words beside a
    number that rises, with the number at the other side of the page, or as much between them as
    pages hold and sentences that go on over many of them. Chapters, days and years are numbered
    too, but not like that."""
    width = page_width(lines)
    found: dict[str, list[tuple[int, int]]] = {}  # words → (number, index)
    for index, line in enumerate(lines):
        body = text[line.start : line.end]
        numbers = _PAGE_NUMBER.findall(body) if len(body) <= _LONGEST_HEAD else []
        words = " ".join(_PAGE_NUMBER.sub("", body).split()).strip("-–— ")
        if len(numbers) == 1 and (not words or any(map(str.isalpha, words))):
            found.setdefault(words.casefold(), []).append((int(numbers[0]), index))
    heads: set[int] = set()
    for numbered in found.values():
        paged = all(0 < two - one <= _PAGES_ON for (one, _), (two, _) in pairwise(numbered))
        indices = [index for _, index in numbered]
        if paged and len(indices) >= _LEAST_HEADS and _are_of_pages(text, lines, indices):
            heads.update(indices)
    kept: list[Line] = []
    stray: list[Cut] = []
    for index, line in enumerate(lines):
        if index in heads:
            stray += [*line.cuts, Cut(line.start, line.end, "page head")]
            continue
        if stray:
            line.cuts[:0] = stray
            line.apart = line.apart and not (kept and _is_full(kept[-1], width))
            stray = []
        kept.append(line)
    if stray:
        kept.append(Line(len(text), len(text), "text", 0, True, stray))
    return kept


def _are_of_pages(text: str, lines: list[Line], indices: list[int]) -> bool:
    """Whether numbered lines have the number far from their words, or pages between them."""
    if any(_FAR_NUMBER.search(text, lines[i].start, lines[i].end) for i in indices):
        return True
    broken = sum(_breaks_a_sentence(text, lines, i) for i in indices)
    held = sorted(lines[two].start - lines[one].end for one, two in pairwise(indices))
    return _MOST_WHOLE * broken >= len(indices) and held[len(held) // 2] >= _LEAST_PAGE


def _breaks_a_sentence(text: str, lines: list[Line], index: int) -> bool:
    """Whether what stands before a line goes on after it."""
    if not 0 < index < len(lines) - 1:
        return False
    before, after = lines[index - 1], lines[index + 1]
    finished = _FINISHED.search(text, max(before.end - 12, before.start), before.end)
    return not finished and _LOWER_WORD.match(text, after.start, after.end) is not None


def _is_full(line: Line, width: int) -> bool:
    """Whether a line is as long as the page is wide."""
    return bool(width) and line.end - line.start >= 0.75 * width


def cut_hyphens(text: str, lines: list[Line], width: int) -> None:
    """Take away the hyphens at line ends where whatever broke the lines broke words too. A word
    that has its hyphen elsewhere keeps it, and so does a number: forty-two is no word."""
    broken: list[tuple[Line, str]] = []
    for line, after in pairwise(lines):
        head = _BROKEN_WORD.search(text, max(line.end - 40, line.start), line.end)
        rest = _REST_OF_WORD.match(text, after.start, after.end)
        if head and rest and rest[0][0].islower() and joins(text, line, after, width):
            broken.append((line, head[0] + rest[0]))
    if not width or len(broken) < max(_LEAST_BROKEN, len(lines) / _OFTEN_BROKEN):
        return
    whole = set(_HYPHENATED.findall(text))
    for line, word in broken:
        if word not in whole and not _NUMERAL.fullmatch(word):
            line.cuts.append(Cut(line.end - 1, line.end, "hyphen"))


def joins(text: str, last: Line, line: Line, width: int) -> bool:
    """Whether only the width of a page, or an accident, broke the sentence between two lines."""
    if line.kind != "text" or last.kind not in ("text", "item"):
        return False
    if text[line.start] == ROW or speaker(text[last.start : last.end]):
        return False
    before = text[max(last.end - 12, last.start) : last.end]
    finished = _FINISHED.search(before) is not None
    if not finished and _CONTINUING.match(text, line.start):
        return True
    if line.apart:
        return False
    if _is_full(last, width):
        return True
    if finished:
        return False
    lower = _LOWER_WORD.match(text, line.start, line.end) is not None
    return _UNFINISHED.search(before) is not None or (lower and before[-1:].isascii())
