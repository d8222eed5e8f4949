"""The title that an essay without front matter gives itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

from rag.clean import clean
from rag.text.byline import (
    CAPITALISED,
    PROSE_END,
    TITLE_LABEL,
    bare,
    byline_author,
    labelled_title,
    words_in,
)
from rag.text.header import FIELD
from rag.text.turns import speaker
from rag.values.dates import first_date, has_day, in_digits, undated

__all__ = ["title_in"]

_FURNITURE = re.compile(
    r"(?:返回|首页|目录|登录|注册|分享|关注|菜单|搜索|上一[篇页]|下一[篇页]|打开原文|home|menu|back|share|login|"
    r"log in|sign in|skip to|table of contents).{0,12}$"
    r"|(?:作者|来源|來源|链接|連結|日期|时间|發佈|发布|编辑|原文|转载|by|author|source|link|url|date|published|"
    r"posted|original)(?:\s*[:：]|\s).*|#\S+(?:\s+#\S+)*$|https?://|.*[↗→]$|[\d\s:：/.年月日-]+$",
    re.IGNORECASE,
)
_FENCE = re.compile(r"(```|~~~)[`~]*[ \t]*[\w+#.-]*$")
_ROW = re.compile(r"\|.*\|")
_TITLE_TAG = re.compile(r"<(h1|title)\b[^<>]*>(.{1,300}?)</\1>", re.IGNORECASE)
_UNSEEN = re.compile(r"<(?:script|style|meta|link|!doctype|/?(?:html|head|body))\b", re.IGNORECASE)
_OF_PAGE = re.compile(r"(?<=\w) {4,}\d{1,4}$|^\d{1,4} {4,}(?=\w)")  # its number, in a scanned book
_JAPANESE = "[\u3005\u3040-\u30ff\u3400-\u9fff]{1,4}"
_NAME = re.compile(
    rf"{CAPITALISED}(?: (?:{CAPITALISED}|d[aeiou]s?|v[ao]n|der|bin|al)){{1,4}}"
    rf"|[\u3005\u3400-\u9fff·]{{2,4}}|{_JAPANESE}[ \u3000]{_JAPANESE}|[\uac00-\ud7af]{{2,4}}"
)
_MAX_TITLE = 120
_NARROWEST = 30  # characters of a line that a page's width broke
_MOST_READ, _HEAD_LINES = 20_000, 80  # characters and lines at the top
_DAY = r"\d{1,2}(?:st|nd|rd|th|er|\.)?"
_LETTERHEAD = re.compile(
    rf"[^\d,，]{{2,40}},? (?:\w+ )?(?:{_DAY} (?:de )?[^\W\d]+\.?|[^\W\d]+ {_DAY}),?"
    r" (?:de )?(?:19|20)\d{2}\.?"
)
_ADDRESSES_OR_TURN = re.compile(
    r"[,，:：]$|^\W*(?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4},?\s)?(?:\d{1,2}:)?\d{1,2}:\d{2}\b|^(?:[问問答QA]|Interview(?:er|ee)|采访者|受访者)\s*[:：]"
)


def title_in(body: str) -> str:
    """The title that a text without front matter gives itself, "" when it begins in mid-prose.

    What a label says it is, above the author's; a first-level heading near the top; else, of the
    short lines before the first line of prose and without links, dates and by-lines, the first that
    stands apart, alone or above a subtitle, or the one nearest to the prose. Of two lines alone at
    the top the first: below it stands a name.
    """
    lines = [_OF_PAGE.sub("", line.strip()) for line in body[:_MOST_READ].splitlines()]
    lines = lines[:_HEAD_LINES]
    lines = _told(lines[_unclosed(lines) :])
    label = labelled_title(lines)
    if label is not None:
        return TITLE_LABEL.sub("", bare(lines[label]))
    heading = next((line for line in lines if re.match(r"#\s+\S", line)), "")
    return TITLE_LABEL.sub("", bare(heading or _short_line(lines)))


def _short_line(lines: Sequence[str]) -> str:
    """Of the lines before the first line of prose the one that is most like a title."""
    last = ""
    top = next((index for index, line in enumerate(lines) if line), 0)
    for index, line in enumerate(lines):
        if speaker(line):
            break
        if not line or _FURNITURE.match(bare(line)) or _is_beside_title(bare(line)):
            continue
        paragraph = list(takewhile(bool, lines[index:]))
        if len(line) > _MAX_TITLE or _is_prose(line) or _is_wrapped(paragraph):
            break
        if not any(map(str.isalnum, line)):
            continue
        titled = len(paragraph) == 1 or (not last and _is_subtitle(paragraph[1:]))
        if titled and not any(lines[max(index - 1, 0) : index]):
            return line
        if index == top and _has_name_below(paragraph):
            return line
        last = line
    return last


def _has_name_below(paragraph: Sequence[str]) -> bool:
    """Whether a paragraph is a title, perhaps a subtitle behind a dash, and a name, as of who wrote
    it, above the prose or a blank line."""
    head = [line for line in takewhile(_is_short, paragraph[:4]) if line[0] not in "-–—"]
    name = bare(head[-1]) if len(head) == 2 else ""
    return _NAME.fullmatch(name) is not None and not _FURNITURE.match(name)


def _is_short(line: str) -> bool:
    return len(line) <= _MAX_TITLE and not PROSE_END.search(line)


def _is_wrapped(paragraph: Sequence[str]) -> bool:
    """Whether these lines are prose that was broken to the width of a page."""
    widths = [len(line) for line in paragraph[:-1]]
    if len(widths) < 2 or not _NARROWEST <= max(widths) <= _MAX_TITLE:
        return False
    even = min(widths) > 0.7 * max(widths)
    return even and bool(
        PROSE_END.search(paragraph[-1]) and not all(map(PROSE_END.search, paragraph[1:-1]))
    )


def _is_subtitle(below: Sequence[str]) -> bool:
    """Whether the lines right below a line, up to a blank one, are the rest of a heading: a
    subtitle, by-lines, and no menu, whose lines are a word or two."""
    rest = [line for line in below if not (_is_beside_title(line) or _FURNITURE.match(line))]
    wordy = len(rest) < len(below) or all(words_in(line) >= 3 for line in rest)
    return len(rest) <= 2 and wordy and not any(map(PROSE_END.search, below))


def _is_beside_title(line: str) -> bool:
    """Whether a line near the top is none of a title: who wrote it, where and when, whom a letter
    addresses, a field, a turn of a talk."""
    line = in_digits(line)
    dated = has_day(first_date(line)) and words_in(undated(line)) <= 2
    return bool(
        dated
        or byline_author(line)
        or _LETTERHEAD.fullmatch(line)
        or _ADDRESSES_OR_TURN.search(line)
    )


def _told(lines: Sequence[str]) -> list[str]:
    """The lines with nothing in place of those that tell nothing: code, rows of tables, and what is
    written for a browser. What HTML calls the title becomes a first-level heading."""
    told: list[str] = []
    fence = ""
    for line in lines:
        mark = _FENCE.match(line)
        if fence:
            told.append("")
            fence = "" if line.startswith(fence) else fence
        elif mark:
            told.append("")
            fence = mark[1]
        else:
            told.append(_read(line))
    return told


def _read(line: str) -> str:
    if title := _TITLE_TAG.search(line):
        return f"# {clean(title[2], markdown=True).text}"
    if line.startswith("<"):
        return "" if _UNSEEN.match(line) else clean(line, markdown=True).text
    return "" if _ROW.fullmatch(line) else line


def _unclosed(lines: Sequence[str]) -> int:
    """How many lines at the top are front matter that nothing closes."""
    top = next((n for n, line in enumerate(lines) if line), 0)
    if not lines or lines[top] != "---":
        return 0
    end = top + 1
    while end < len(lines) and (FIELD.match(lines[end]) or lines[end].startswith("- ")):
        end += 1
    return end


def _is_prose(line: str) -> bool:
    """A sentence that ends in a full stop, or is too long for a headline."""
    if not PROSE_END.search(line):
        return False
    return line.rstrip("”’」』)）\"'")[-1:] in "。." or len(line) > 60
