"""Text of documents and models as HTML that can do nothing but be read.

Document and model text is data: everything is escaped, Markdown is reduced to what carries no
address (no links, no images, no raw HTML) and the outcome passes an allow-list. Characters that
turn the direction of writing are shown as signs instead of being obeyed.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import nh3

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

__all__ = [
    "Code",
    "attributes",
    "bare",
    "code_in",
    "end_mark",
    "exact",
    "in_parts",
    "open_fence",
    "point_mark",
    "prose",
    "quoted",
    "shown",
    "start_mark",
]

TAGS = {"p", "br", "strong", "em", "s", "ul", "ol", "li", "code", "pre", "blockquote", "hr", "h4",
        "table", "thead", "tbody", "tr", "th", "td"}  # fmt: skip
LONGEST_MARKDOWN = 40_000
"""Beyond this a text is shown as it is: Markdown parsers can be made to take quadratic time."""

LONGEST_SHOWN = 200_000
"""Beyond this an answer is cut on screen (never in the store): a browser has limits too."""

_TURNING = "\u202a-\u202e\u2066-\u2069"
_UNSEEN = re.compile(f"[{_TURNING}]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ue000-\ue002\ufdd0-\ufdef]")

# A mark stands in the text as \ue000 kind key \ue001 between spaces that Markdown takes for spaces
# (else **bold** beside a mark would not close) and that no text has there.
_SPACE = "\u205f"
_MARK = re.compile(f"{_SPACE}?\ue000([a-z])(\\d+)\ue001{_SPACE}?")
_SPAN = re.compile("\ue000s(\\d+)\ue001((?:(?!\ue000[se]).)*)\ue000e\\1\ue001", re.DOTALL)
_TAG = re.compile(r"<(/?)([a-z0-9]+)[^>]*?>")

_CODE_BLOCKS: Mapping[str, Literal["fence", "indented"]] = {
    "fence": "fence",
    "code_block": "indented",
}
_MAY_BE_CODE = re.compile(r"`|~~~| {4}|\t")
_LINE_END = re.compile(r"\r\n?|\n")
_TICKS = re.compile(r"\\.|(`+)", re.DOTALL)
_CELL = re.compile(r"(?:\\.|[^|\\])+", re.DOTALL)


def shown(text: str) -> str:
    """`text` escaped for content; turning characters become signs, other control characters �."""
    return _UNSEEN.sub(_sign, html.escape(bare(text)))


def quoted(text: str) -> str:
    """`text` escaped for a quoted attribute, where no sign can stand."""
    return html.escape(_UNSEEN.sub("", bare(text)))


def attributes(values: Mapping[str, object]) -> str:
    """`data-…` attributes, escaped, with a leading space each."""
    return "".join(f' data-{name}="{quoted(str(value))}"' for name, value in values.items())


def exact(values: Mapping[str, str]) -> str:
    """As `attributes`, for what the script sends back or copies and never shows: nothing of it is
    changed, so that it is found again."""
    return "".join(
        f' data-{name}="{html.escape(value).replace(chr(13), "&#13;")}"'
        for name, value in values.items()
    )


def start_mark(key: int) -> str:
    """Put before a stretch of text that `prose` shall wrap."""
    return f"{_SPACE}\ue000s{key}\ue001{_SPACE}"


def end_mark(key: int) -> str:
    """Put after it."""
    return f"{_SPACE}\ue000e{key}\ue001{_SPACE}"


def point_mark(kind: str, key: int) -> str:
    """Put where `prose` shall insert a piece of its own; `kind` is one letter but s and e."""
    return f"{_SPACE}\ue000{kind}{key}\ue001{_SPACE}"


def bare(text: str) -> str:
    """`text` without what could pass for a mark."""
    return _CONTROLS.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


@dataclass(frozen=True, slots=True)
class Code:
    """A stretch of a text that is shown as code, with its fences or backticks."""

    start: int
    end: int
    kind: Literal["fence", "indented", "inline"]


def code_in(text: str) -> list[Code]:
    """Where `prose` shows code, in order."""
    if len(text) > LONGEST_MARKDOWN or not _MAY_BE_CODE.search(text):
        return []
    lines = [0, *(match.end() for match in _LINE_END.finditer(text)), len(text)]
    found: list[Code] = []
    for token in _blocks().parse(text):
        if token.map is None:
            continue
        start, end = lines[token.map[0]], lines[min(token.map[1], len(lines) - 1)]
        if token.type in _CODE_BLOCKS:
            found.append(Code(start, end, _CODE_BLOCKS[token.type]))
        elif token.type in ("paragraph_open", "heading_open"):
            found += _inline_code(text, start, end)
        elif token.type == "tr_open":
            for cell in _CELL.finditer(text, start, end):
                found += _inline_code(text, *cell.span())
    return found


def in_parts(text: str, found: Iterable[Code], at: int = 0) -> Iterator[tuple[str, Code | None]]:
    """`text` in pieces, each with the code that it is, if any; it begins at offset `at` of the text
    that the code was found in."""
    done = 0
    for code in found:
        start, end = max(code.start - at, done), min(code.end - at, len(text))
        if start < end:
            yield text[done:start], None
            yield text[start:end], code
            done = end
    yield text[done:], None


def open_fence(text: str) -> str:
    """What has to follow for code at the end of `text` to end there, "" where nothing has."""
    last = _blocks().parse(f"{text}\n\nend")[-1]
    return f"\n{last.markup}" if last.type == "fence" else ""


def _inline_code(text: str, start: int, end: int) -> Iterator[Code]:
    """Code between backticks: from a run of them to the next run of as many."""
    while ticks := _TICKS.search(text, start, end):
        start = ticks.end()
        if ticks[1]:
            closing = re.compile(f"(?<!`){ticks[1]}(?!`)").search(text, start, end)
            if closing:
                yield Code(ticks.start(), closing.end(), "inline")
                start = closing.end()


def prose(
    text: str,
    *,
    point: Callable[[str, int], str] = lambda *_: "",
    wrap: Callable[[int], str] = lambda _: "",
) -> str:
    """Safe HTML of Markdown text that may carry marks.

    Args:
        text: Markdown; foreign parts of it went through `bare` before marks were put in.
        point: (kind, key) → trusted HTML that stands in the place of a mark.
        wrap: key → class names of the span around a marked stretch; "" for none. A stretch that
            is not whole in the HTML (it crosses a paragraph's end) is left without a span.
    """
    if len(text) > LONGEST_SHOWN:
        text = text[:LONGEST_SHOWN] + " …"
    if len(text) > LONGEST_MARKDOWN:
        rendered = f"<p>{html.escape(text)}</p>"
    else:
        rendered = _markdown().render(text)
    safe = nh3.clean(rendered, tags=TAGS, attributes={}, link_rel=None)
    safe = _UNSEEN.sub(_sign, safe)
    safe = re.sub(f"{_SPACE}?(\ue000[a-z]\\d+\ue001){_SPACE}?", r"\1", safe)

    def wrapped(match: re.Match[str]) -> str:
        names = wrap(int(match[1]))
        if not names or not match[2].strip() or not _whole(match[2]):
            return match[2]
        return f'<span class="{names}">{match[2]}</span>'

    safe = _SPAN.sub(wrapped, safe)
    return _MARK.sub(lambda mark: "" if mark[1] in "se" else point(mark[1], int(mark[2])), safe)


def _sign(match: re.Match[str]) -> str:
    return f'<span class="unseen" title="U+{ord(match[0]):04X}">⇄</span>'


def _whole(fragment: str) -> bool:
    open_tags: list[str] = []
    for closing, name in _TAG.findall(fragment):
        if name in {"br", "hr"}:
            continue
        if not closing:
            open_tags.append(name)
        elif not open_tags or open_tags.pop() != name:
            return False
    return not open_tags and not re.search(r"<(p|li|ul|ol|pre|blockquote|h4)\b", fragment)


@cache
def _blocks() -> MarkdownIt:
    """Reads as `_markdown` does, but not what stands inside a block."""
    return _parser().disable("inline")


@cache
def _markdown() -> MarkdownIt:
    parser = _parser()
    parser.add_render_rule("heading_open", lambda *_: "<h4>")
    parser.add_render_rule("heading_close", lambda *_: "</h4>")
    return parser


def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True})
    parser.enable("table")
    return parser.disable(
        ["link", "image", "autolink", "html_inline", "html_block", "reference", "entity"]
    )
