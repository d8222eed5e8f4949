"""Markdown's and HTML's marks inside a line: links, emphasis, code, tags, entities.

Every pattern is linear: no nested repetition, and what it repeats excludes what it ends with.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from rag.text.lines import Cut

__all__ = ["MARKS", "markdown_marks"]

_CODE = re.compile(r"(?<!`)(`++)([^`]+)\1(?!`)")
_LINK = re.compile(
    r"(!?\[)([^\[\]]*)(\]\((?:[^()\s]|\([^()\s]*\))*(?:[ \t]+(?:\"[^\"]*\"|'[^']*'))?[ \t]*\))"
)
_WIKI = re.compile(r"(!?\[\[)([^\[\]|]*\|)?([^\[\]|]+)(\]\])")
_FOOTNOTE = re.compile(r"\[\^[^\[\]\s]{1,40}\](?!:)|^\[\^[^\[\]\s]{1,40}\]:[ \t]*", re.MULTILINE)
_AUTOLINK = re.compile(r"(<)((?:https?://|mailto:)[^<>\s]+)(>)")
_APART = (
    "article|aside|blockquote|br|caption|center|dd|details|div|dl|dt|figcaption|figure|h[1-6]|header"
    "|hr|li|main|nav|ol|pre|section|summary|table|tbody|td|tfoot|th|thead|tr|ul"
)
"""Tags of what a browser sets apart."""
_WITHIN = (
    "abbr|big|cite|code|em|font|iframe|img|ins|kbd|mark|picture|rp|rt|ruby|small|span|strike|strong"
    "|sub|sup|time|video|wbr"
)
_TAG = re.compile(
    rf"<!--[^<>]*-->|</?(?:(?P<apart>{_APART})|{_WITHIN})(?:[ \t/][^<>]*)?>"
    r"|<(?:(?P<opened>p)|[abiqsu])(?:[ \t]+[\w:-]+[ \t]*=[^<>]*)?[ \t]*/?>"
    r"|</(?:(?P<closed>p)|[abiqsu])[ \t]*>",
    re.IGNORECASE,
)
"""Behind a letter nothing follows but attributes with values: a<b and c>d is no tag."""
_STRONG = re.compile(r"(?<!\\)(\*{2,}|~~|==)")
_PAIRED = re.compile(
    r"(?<![A-Za-z0-9*\\)])(\*)(?=[^\s*])[^*]*?[^\s*](\*)(?![A-Za-z0-9*])"
    r"|(?<![^\W]|\\)(_{1,2})(?=[^\s_{])[^_]*[^\s_](\3)(?!\w)"
)
_ESCAPE = re.compile(r"(\\)[!-/:-@\[-`{-~]")
_ENTITY = re.compile(r"&(?:#\d{2,6}|#x[\da-f]{2,5}|[a-z]{2,8});", re.IGNORECASE)
_BEFORE, _AFTER = re.compile(r"\w ?$"), re.compile(r" ?\w")
"""Around an entity that no sentence begins or ends with: its span would be cut in the entity."""
MARKS = re.compile(r"[*_~=\[<`\\&]")
"""What each of the marks begins with."""


def markdown_marks(text: str, start: int, end: int) -> list[Cut]:
    """The marks in `[start, end)`; those inside code stay."""
    cuts: list[Cut] = []
    code: list[tuple[int, int]] = []
    for match in _CODE.finditer(text, start, end):
        cuts.append(Cut(match.start(), match.end(1), "code mark"))
        cuts.append(Cut(match.end(2), match.end(), "code mark"))
        code.append((match.end(1), match.end(2)))
    cuts += (Cut(*match.span(1), "escape") for match in _ESCAPE.finditer(text, start, end))
    cuts += (Cut(*match.span(), "footnote mark") for match in _FOOTNOTE.finditer(text, start, end))
    cuts += _tags(text, start, end)
    cuts += _entities(text, start, end)
    cuts += _links(text, start, end)
    cuts += _emphasis(text, start, end)
    return _outside(cuts, code)


def _tags(text: str, start: int, end: int) -> Iterable[Cut]:
    """Tags go, with a space in place of those that set apart: 3<br>4 is not 34."""
    for match in _TAG.finditer(text, start, end):
        apart = match["apart"] or match["opened"] or match["closed"]
        yield Cut(*match.span(), "tag", " " if apart else "")


def _entities(text: str, start: int, end: int) -> Iterable[Cut]:
    """The first character of an entity becomes the one that it stands for, and the rest goes."""
    for match in _ENTITY.finditer(text, start, end):
        meant = html.unescape(match.group())
        inside = _BEFORE.search(text, max(match.start() - 2, start), match.start()) and (
            _AFTER.match(text, match.end(), end)
        )
        if len(meant) == 1 and (meant.isspace() or inside):
            to = " " if meant.isspace() else meant
            yield Cut(match.start(), match.start() + 1, "", to)
            yield Cut(match.start() + 1, match.end(), "entity")


def _links(text: str, start: int, end: int) -> Iterable[Cut]:
    for match in _LINK.finditer(text, start, end):
        yield Cut(*match.span(1), "link mark")
        yield Cut(*match.span(3), "link address")
    for match in _WIKI.finditer(text, start, end):
        yield Cut(match.start(), match.end(1), "link mark")
        if match[2] is not None:
            yield Cut(*match.span(2), "link address")
        yield Cut(*match.span(4), "link mark")
    for match in _AUTOLINK.finditer(text, start, end):
        yield Cut(*match.span(1), "link mark")
        yield Cut(*match.span(3), "link mark")


def _emphasis(text: str, start: int, end: int) -> Iterable[Cut]:
    for match in _STRONG.finditer(text, start, end):
        if not _between_ascii_words(text, *match.span()):
            yield Cut(*match.span(), "emphasis mark")
    for match in _PAIRED.finditer(text, start, end):
        first = 1 if match[1] is not None else 3
        # __init__ is a name, __this is__ is not
        if match[first] != "__" or not match.group().strip("_").isidentifier():
            yield Cut(*match.span(first), "emphasis mark")
            yield Cut(*match.span(first + 1), "emphasis mark")


def _between_ascii_words(text: str, start: int, end: int) -> bool:
    """2**3, a == b and x**y are no emphasis."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if text[start] == "=" and (before.isspace() and after.isspace()):
        return True
    return before.isascii() and after.isascii() and before.isalnum() and after.isalnum()


def _outside(cuts: list[Cut], code: list[tuple[int, int]]) -> list[Cut]:
    """The cuts that do not lie inside code."""
    if not code:
        return cuts
    kept, index = [], 0
    for cut in sorted(cuts):
        while index < len(code) and code[index][1] <= cut.start:
            index += 1
        if index == len(code) or cut.end <= code[index][0]:
            kept.append(cut)
    return kept
