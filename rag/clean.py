"""Raw text → readable text, with the way back. Removes marks and never invents words.

What goes: settings in a front matter (`rag/front.py`), pinyin glosses, invisible characters,
Markdown's marks, bullets, brackets of links, scripts and style sheets, the heads of a book's
pages. What is joined: lines that only the width of a page broke, without the hyphens that it put
there. An entity inside a sentence becomes its character. Everything else stays, in order.

Every pattern is linear: no nested repetition, and what it repeats excludes what it ends with.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, NamedTuple

from rag import front
from rag.schema import OffsetMap

__all__ = ["VERSION", "Block", "Cleaned", "Kind", "Removal", "clean"]

VERSION = 5
"""Changes whenever `clean` gives another text for the same input: the index depends on it."""

Kind = Literal["text", "heading", "item", "code", "field"]


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


class _Cut(NamedTuple):
    """`[start, end)` of the raw text becomes `to` (at most one character)."""

    start: int
    end: int
    reason: str  # "" for white space
    to: str = ""


@dataclass(slots=True)
class _Line:
    """One raw line `[start, end)` without its white space, marks and line end."""

    start: int
    end: int
    kind: Kind
    level: int
    apart: bool
    cuts: list[_Cut]


_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WIDE = re.compile(f"[{_HAN}\u3000-\u30ff\uff00-\uffef“”‘’…—]")
_LINES = re.compile("[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+|\r\n?|[\n\v\f\x1c-\x1e\x85\u2028\u2029]")
_SPACES = re.compile(r"[^\S ]\s*| \s+")

_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f"
    "\ufeff\ufff9-\ufffb"
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]+"
    rf"|(?<![^\x00-\x7f{_HAN}])[\u200c\u200d]+|[\u200c\u200d]+(?![^\x00-\x7f{_HAN}])"
)
"""Joiners stay between other scripts' letters and emoji, where they change what is read."""

_TONED = str.maketrans("āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜüńňǹ", "aaaaeeeeiiiioooouuuuvvvvvnnn")
_TONES = frozenset("āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜńňǹ")
_GLOSS = re.compile(
    rf"(?<=[{_HAN}])([a-z]?)[(（?]([a-zāáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜüńňǹ'’ ]{{1,40}})[)）]"
    rf"|(?<=[{_HAN}])()[(（]([\u3105-\u312f\u31a0-\u31bfˊˇˋ˙ ]{{1,12}})[)）]"
)
_SYLLABLES = re.compile(
    r"(?:(?:[zcs]h|[bpmfdtnlgkhjqxzcsryw])?(?:iang|iong|uang|ang|eng|ing|ong|ian|iao|uai|uan|"
    r"ai|an|ao|ei|en|er|ia|ie|in|iu|ou|ua|ue|ui|un|uo|ve|a|e|i|o|u|v)[ '’]?)+"
)
_NEUTRAL = {"的": "de", "地": "de", "得": "de", "了": "le", "着": "zhe", "著": "zhe", "吗": "ma"}
_NEUTRAL |= {"嗎": "ma", "嘛": "ma", "呢": "ne", "吧": "ba", "们": "men", "們": "men", "么": "me"}
_NEUTRAL |= {"麼": "me", "子": "zi", "个": "ge", "個": "ge", "啊": "a", "头": "tou", "頭": "tou"}

_HEADING = re.compile(r"#{1,6}[ \t\u3000]+(?=\S)")
_HEADING_TAIL = re.compile(r"[ \t]+#+$|(?:[ \t]+#+)?[ \t]*\{[#.][^{}]{1,60}\}$")
_UNDERLINE = re.compile(r"(=+|-+)$")
_RULE = re.compile(r"([-*_])(?:[ \t]*\1){2,}$")
_FENCE = re.compile(r"(```+|~~~+)")
_QUOTE = re.compile(r"(?:>[ \t]?)+")
_BULLET = re.compile(
    r"(?:[-*+–—][ \t\u3000]+|[•●○◦▪▫■□◆◇‣⁃∙·・▶►➤✓✔][ \t\u3000]*)(?=\S)|\?{1,2}[ \t]*(?=[^\W\d_])"
)
"""The last form is a bullet that a wrong encoding turned into question marks."""
_NUMBER = re.compile(
    r"(?:\(?\d{1,3}[.)）、]|（\d{1,3}）|[①-⑳]|\(?[a-zA-Z][.)])(?:[ \t\u3000]+|(?<=[、）①-⑳]))"
)
_ROW = "|"  # begins a row of a table
_HIDDEN = re.compile(r"<(script|style)(?:[ \t][^<>]*)?>", re.IGNORECASE)
_TABLE_RULE = re.compile(r"\|?(?:[ \t]*:?-+:?[ \t]*\|)+(?:[ \t]*:?-+:?[ \t]*)?$")

_CODE = re.compile(r"(`+)([^`]+)\1(?!`)")
_LINK = re.compile(
    r"(!?\[)([^\[\]]*)(\]\((?:[^()\s]|\([^()\s]*\))*(?:[ \t]+(?:\"[^\"]*\"|'[^']*'))?[ \t]*\))"
)
_WIKI = re.compile(r"(!?\[\[)([^\[\]|]*\|)?([^\[\]|]+)(\]\])")
_FOOTNOTE = re.compile(r"\[\^[^\[\]\s]{1,40}\](?!:)|^\[\^[^\[\]\s]{1,40}\]:[ \t]*", re.MULTILINE)
_AUTOLINK = re.compile(r"(<)((?:https?://|mailto:)[^<>\s]+)(>)")
_TAG = re.compile(
    r"<!--[^<>]*-->|</?(?:a|abbr|article|aside|b|big|blockquote|br|caption|center|cite|code|dd|details|"
    r"div|dl|dt|em|figcaption|figure|font|h[1-6]|header|hr|i|iframe|img|ins|kbd|li|main|mark|nav|ol|"
    r"p|picture|pre|q|rp|rt|ruby|s|section|small|span|strike|strong|sub|summary|sup|table|tbody|td|"
    r"tfoot|th|thead|time|tr|u|ul|video|wbr)"
    r"(?:[ \t/][^<>]*)?>",
    re.IGNORECASE,
)
_STRONG = re.compile(r"(?<!\\)(\*{2,}|~~|==)")
_PAIRED = re.compile(
    r"(?<![A-Za-z0-9*\\)])(\*)(?=[^\s*])[^*]*?[^\s*](\*)(?![A-Za-z0-9*])"
    r"|(?<![^\W]|\\)(_{1,2})(?=[^\s_])[^_]*[^\s_](\3)(?!\w)"
)
_ESCAPE = re.compile(r"(\\)[!-/:-@\[-`{-~]")
_ENTITY = re.compile(r"&(?:#\d{2,6}|#x[\da-f]{2,5}|[a-z]{2,8});", re.IGNORECASE)
_BEFORE, _AFTER = re.compile(r"\w ?$"), re.compile(r" ?\w")
"""Around an entity that no sentence begins or ends with: its span would be cut in the entity."""
_MARKS = re.compile(r"[*_~=\[<`\\&]")

_FINISHED = re.compile(r"[。！？!?.…｡:：;；][”’」』】）)\]》\"'*]*$")
_UNFINISHED = re.compile(r"[,，、]$")
_CONTINUING = re.compile("[。，、；：！？”’」』】）》,;]")
_LOWER_WORD = re.compile(r"[a-z]{2,}(?=[\s,.;:’'-]|$)|a ")
_BREAK = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def clean(text: str, *, start: int = 0, markdown: bool = False) -> Cleaned:
    """`text` from `start` on, without noise.

    Args:
        text: decoded text; offsets in the result point into it.
        start: where the body begins, after the front matter.
        markdown: also take Markdown's and HTML's marks away.

    Returns:
        The cleaned text with its blocks, its map to `text`, and what was removed.
    """
    lines = list(_read_lines(text, start, markdown))
    if not markdown:
        lines = _without_page_heads(text, lines)
    _inline(text, lines, markdown)
    width = _page_width(lines)
    _cut_hyphens(text, lines, width)
    return _Writer(text).write([*_front(text, start), *lines], width)


def _front(text: str, end: int) -> Iterable[_Line]:
    """The fields of the front matter that say something, a line each; the rest goes."""
    at = 0
    for field in front.fields(text, end):
        line = _Line(field.start, field.end, "field", 0, False, [])
        marks = [
            _Cut(mark.start, mark.end, "" if mark.to else "front matter", mark.to)
            for mark in field.marks
            if mark.start < mark.end
        ]
        line.cuts = [*_rest(at, field.start), *_disjoint(marks, line)]
        at = field.end
        yield line
    yield _Line(end, end, "field", 0, False, _rest(at, end))


def _rest(start: int, end: int) -> list[_Cut]:
    return [_Cut(start, end, "front matter")] if start < end else []


def _filled_lines(text: str, start: int) -> Iterable[tuple[int, int, int, bool]]:
    """The lines that hold more than white space: [begin, end), how far they are indented, and
    whether a blank line stands before."""
    apart, breaks = False, 0
    for match in _LINES.finditer(text, start):
        if _BREAK.match(text, match.start()):
            breaks += 1
            continue
        apart, breaks = apart or breaks > 1, 0
        begin, end = _trim(text, *match.span())
        if begin < end:
            yield begin, end, begin - match.start(), apart
        apart = begin == end


def _read_lines(text: str, start: int, markdown: bool) -> Iterable[_Line]:
    apart, fence = False, ""
    last: _Line | None = None
    stray: list[_Cut] = []  # cuts of lines that vanish as a whole go with the next line
    hidden = _Hidden(text)
    for first, end, indent, blank in _filled_lines(text, start):
        begin, apart = first, apart or blank
        if markdown and not fence and (shown := min(hidden.until(begin, end), end)) > begin:
            stray.append(_Cut(begin, shown, "script or style"))
            apart, begin = True, _trim(text, shown, end)[0]
            if begin == end:
                continue
        fenced = _FENCE.match(text, begin, end) if markdown else None
        if fenced and (not fence or fenced.group().startswith(fence)):
            stray.append(_Cut(begin, end, "code fence"))
            fence = "" if fence else fenced.group()
            apart = True
            continue
        if fence:
            line = _Line(begin, end, "code", 0, apart, [])
        else:
            if markdown and (reason := _vanishes(text, begin, end, last, apart)):
                stray.append(_Cut(begin, end, reason))
                apart = True
                continue
            line = _begin_line(text, begin, end, indent, apart, markdown)
            if last and text[begin] == text[last.start] == _ROW and line.kind == "text":
                line.kind, line.level = "item", 0
        line.cuts[:0] = stray
        stray, apart, last = [], False, line
        if line.start < line.end:
            yield line
        else:
            stray, apart = line.cuts, True
    if stray:
        yield _Line(len(text), len(text), "text", 0, True, stray)


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


def _vanishes(text: str, begin: int, end: int, last: _Line | None, apart: bool) -> str:
    """Why a Markdown line is nothing but a mark; "" when it is not. May make `last` a heading."""
    underline = end - begin > 1 and _UNDERLINE.match(text, begin, end)
    if underline and last and not apart and last.kind == "text" and _may_be_underlined(last):
        last.kind, last.level = "heading", 1 if text[begin] == "=" else 2
        return "heading underline"
    if _RULE.match(text, begin, end):
        return "rule"
    return "table rule" if _TABLE_RULE.match(text, begin, end) else ""


def _may_be_underlined(line: _Line) -> bool:
    """A heading stands apart and is short; under a paragraph the same dashes are a rule."""
    return line.apart and line.end - line.start <= 80


def _begin_line(text: str, begin: int, end: int, indent: int, apart: bool, markdown: bool) -> _Line:
    cuts: list[_Cut] = []
    if markdown and (quote := _QUOTE.match(text, begin, end)):
        cuts.append(_Cut(begin, quote.end(), "quote mark"))
        begin, end = _trim(text, quote.end(), end)
    if markdown and (heading := _HEADING.match(text, begin, end)):
        level = heading.group().count("#")
        cuts.append(_Cut(begin, heading.end(), "heading mark"))
        begin = heading.end()
        if tail := _HEADING_TAIL.search(text, max(begin, end - 80), end):
            cuts.append(_Cut(tail.start(), end, "heading mark"))
            end = tail.start()
        return _Line(begin, end, "heading", level, apart, cuts)
    if bullet := _BULLET.match(text, begin, end):
        cuts.append(_Cut(begin, bullet.end(), "bullet"))
        return _Line(bullet.end(), end, "item", indent, apart, cuts)
    kind: Kind = "item" if _NUMBER.match(text, begin, end) else "text"
    return _Line(begin, end, kind, indent, apart, cuts)


def _inline(text: str, lines: list[_Line], markdown: bool) -> None:
    for line in lines:
        found = [
            _Cut(*match.span(), "invisible character")
            for match in _INVISIBLE.finditer(text, line.start, line.end)
        ]
        found += _glosses(text, line)
        if markdown and line.kind != "code" and _MARKS.search(text, line.start, line.end):
            found += _markdown_marks(text, line.start, line.end)
        found += _white_space(text, line)
        line.cuts += _disjoint(found, line)


def _glosses(text: str, line: _Line) -> Iterable[_Cut]:
    for match in _GLOSS.finditer(text, line.start, line.end):
        opening = match.end(1) if match[1] is not None else match.start()
        gloss = match[2] or ""
        bare = gloss.strip().translate(_TONED)
        if match[4] is not None:
            yield _Cut(match.start(), match.end(), "gloss")
        elif _SYLLABLES.fullmatch(bare) and (
            any(letter in _TONES for letter in gloss)
            or (text[opening] != "?" and _NEUTRAL.get(text[opening - 1]) == bare)
        ):
            yield _Cut(opening, match.end(), "gloss")


def _markdown_marks(text: str, start: int, end: int) -> list[_Cut]:
    cuts: list[_Cut] = []
    code: list[tuple[int, int]] = []
    for match in _CODE.finditer(text, start, end):
        cuts.append(_Cut(match.start(), match.end(1), "code mark"))
        cuts.append(_Cut(match.end(2), match.end(), "code mark"))
        code.append((match.end(1), match.end(2)))
    cuts += (_Cut(*match.span(1), "escape") for match in _ESCAPE.finditer(text, start, end))
    cuts += (_Cut(*match.span(), "footnote mark") for match in _FOOTNOTE.finditer(text, start, end))
    cuts += (_Cut(*match.span(), "tag") for match in _TAG.finditer(text, start, end))
    cuts += _entities(text, start, end)
    cuts += _links(text, start, end)
    cuts += _emphasis(text, start, end)
    return _outside(cuts, code)


def _entities(text: str, start: int, end: int) -> Iterable[_Cut]:
    """The first character of an entity becomes the one that it stands for, and the rest goes."""
    for match in _ENTITY.finditer(text, start, end):
        meant = html.unescape(match.group())
        inside = _BEFORE.search(text, max(match.start() - 2, start), match.start()) and (
            _AFTER.match(text, match.end(), end)
        )
        if len(meant) == 1 and (meant.isspace() or inside):
            to = " " if meant.isspace() else meant
            yield _Cut(match.start(), match.start() + 1, "", to)
            yield _Cut(match.start() + 1, match.end(), "entity")


def _links(text: str, start: int, end: int) -> Iterable[_Cut]:
    for match in _LINK.finditer(text, start, end):
        yield _Cut(*match.span(1), "link mark")
        yield _Cut(*match.span(3), "link address")
    for match in _WIKI.finditer(text, start, end):
        yield _Cut(match.start(), match.end(1), "link mark")
        if match[2] is not None:
            yield _Cut(*match.span(2), "link address")
        yield _Cut(*match.span(4), "link mark")
    for match in _AUTOLINK.finditer(text, start, end):
        yield _Cut(*match.span(1), "link mark")
        yield _Cut(*match.span(3), "link mark")


def _emphasis(text: str, start: int, end: int) -> Iterable[_Cut]:
    for match in _STRONG.finditer(text, start, end):
        if not _between_ascii_words(text, *match.span()):
            yield _Cut(*match.span(), "emphasis mark")
    for match in _PAIRED.finditer(text, start, end):
        first = 1 if match[1] is not None else 3
        # __init__ is a name, __this is__ is not
        if match[first] != "__" or not match.group().strip("_").isidentifier():
            yield _Cut(*match.span(first), "emphasis mark")
            yield _Cut(*match.span(first + 1), "emphasis mark")


def _between_ascii_words(text: str, start: int, end: int) -> bool:
    """2**3, a == b and x**y are no emphasis."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if text[start] == "=" and (before.isspace() and after.isspace()):
        return True
    return before.isascii() and after.isascii() and before.isalnum() and after.isalnum()


def _outside(cuts: list[_Cut], code: list[tuple[int, int]]) -> list[_Cut]:
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


def _white_space(text: str, line: _Line) -> Iterable[_Cut]:
    for match in _SPACES.finditer(text, line.start, line.end):
        yield _Cut(match.start(), match.end(), "", " ")


def _disjoint(found: list[_Cut], line: _Line) -> list[_Cut]:
    """Sorted, without those that begin inside an earlier one or reach out of the line."""
    kept: list[_Cut] = []
    for cut in sorted(found):
        if cut.end <= line.end and (not kept or cut.start >= kept[-1].end):
            kept.append(cut)
    return kept


def _page_width(lines: list[_Line]) -> int:
    """The width that lines were broken at by whatever wrote the file; 0 when they were not.

    Lines are hard-wrapped when most of those that another follows are nearly as long as the longest
    usual one, and that is no wider than a page.
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
    return width if 20 <= width <= 130 and full >= 0.7 * len(followed) else 0


_PAGE_NUMBER = re.compile(r"(?<![^\W_])\d{1,4}(?![^\W_])")
_FAR_NUMBER = re.compile(r"\w {4,}\d{1,4}$|^\d{1,4} {4,}\w")
_LONGEST_HEAD = 80
_LEAST_HEADS, _PAGES_ON = 3, 4  # a chapter's first page has none, nor have pictures


def _without_page_heads(text: str, lines: list[_Line]) -> list[_Line]:
    """The lines without those that repeat at the head or foot of pages: the same words beside a
    number that rises, of which one at least stands in the middle of a sentence, or has the number
    at the other side of the page. Chapters and days are numbered too, but not like that."""
    width = _page_width(lines)
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
        if (
            paged
            and len(indices) >= _LEAST_HEADS
            and any(_is_of_a_page(text, lines, i) for i in indices)
        ):
            heads.update(indices)
    kept: list[_Line] = []
    stray: list[_Cut] = []
    for index, line in enumerate(lines):
        if index in heads:
            stray += [*line.cuts, _Cut(line.start, line.end, "page head")]
            continue
        if stray:
            line.cuts[:0] = stray
            line.apart = line.apart and not (kept and _is_full(kept[-1], width))
            stray = []
        kept.append(line)
    if stray:
        kept.append(_Line(len(text), len(text), "text", 0, True, stray))
    return kept


def _is_of_a_page(text: str, lines: list[_Line], index: int) -> bool:
    """Whether a sentence goes on over a line, or its number stands far from its words."""
    line = lines[index]
    if _FAR_NUMBER.search(text, line.start, line.end):
        return True
    if not 0 < index < len(lines) - 1:
        return False
    before, after = lines[index - 1], lines[index + 1]
    finished = _FINISHED.search(text, max(before.end - 12, before.start), before.end)
    return not finished and _LOWER_WORD.match(text, after.start, after.end) is not None


def _is_full(line: _Line, width: int) -> bool:
    """Whether a line is as long as the page is wide."""
    return bool(width) and line.end - line.start >= 0.75 * width


_BROKEN_WORD = re.compile(r"[^\W\d_]+-$")
_REST_OF_WORD = re.compile(r"[^\W\d_]+")
_HYPHENATED = re.compile(r"(?<![\w-])[^\W\d_]+-[^\W\d_]+(?!\w)")
_LEAST_BROKEN = 3
_OFTEN_BROKEN = 15  # one of so many lines; hyphens of people's own end fewer


def _cut_hyphens(text: str, lines: list[_Line], width: int) -> None:
    """Take away the hyphens at line ends where whatever broke the lines broke words too. A word
    that has its hyphen elsewhere keeps it."""
    broken: list[tuple[_Line, str]] = []
    for line, after in pairwise(lines):
        head = _BROKEN_WORD.search(text, max(line.end - 40, line.start), line.end)
        rest = _REST_OF_WORD.match(text, after.start, after.end)
        if head and rest and rest[0][0].islower() and _joins(text, line, after, width):
            broken.append((line, head[0] + rest[0]))
    if not width or len(broken) < max(_LEAST_BROKEN, len(lines) / _OFTEN_BROKEN):
        return
    whole = set(_HYPHENATED.findall(text))
    for line, word in broken:
        if word not in whole:
            line.cuts.append(_Cut(line.end - 1, line.end, "hyphen"))


class _Writer:
    """Puts the kept pieces together and keeps the map."""

    def __init__(self, text: str) -> None:
        self._raw = text
        self._pieces: list[str] = []
        self._runs: list[tuple[int, int, int]] = []
        self._length = 0
        self._removed: list[Removal] = []
        self._blocks: list[Block] = []

    def write(self, lines: list[_Line], width: int) -> Cleaned:
        last: _Line | None = None
        for line in lines:
            self._removed += (Removal(*cut[:3]) for cut in line.cuts if cut.reason)
            kept = list(self._kept(line))
            if not kept:
                continue
            block = Block(line.kind, self._length, 0, line.level, line.apart)
            if last is not None:
                joined = _joins(self._raw, last, line, width)
                if not joined or not _spaceless(self._raw, last, line):
                    # two lines have a break between them
                    at = next(_BREAK.finditer(self._raw, last.end)).start()
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

    def _kept(self, line: _Line) -> Iterable[tuple[int, int, str]]:
        """The pieces of a line that stay, without white space at its ends or doubled by a cut."""
        pieces: list[tuple[int, int, str]] = []
        at = line.start
        for cut in [*line.cuts, _Cut(line.end, line.end, "")]:
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


def _joins(text: str, last: _Line, line: _Line, width: int) -> bool:
    """Whether only the width of a page, or an accident, broke the sentence between two lines."""
    if line.kind != "text" or last.kind not in ("text", "item"):
        return False
    if text[line.start] == _ROW:
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


def _spaceless(text: str, last: _Line, line: _Line) -> bool:
    """Whether the two lines join without a space: Chinese on one side, or a hyphen."""
    before, after = text[last.end - 1], text[line.start]
    return bool(_WIDE.match(before) or _WIDE.match(after)) or (before == "-" and after.isalpha())


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
