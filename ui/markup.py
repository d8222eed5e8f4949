"""Text of documents and models as HTML that can do nothing but be read.

Document and model text is data: everything is escaped, Markdown is reduced to what carries no
address (no links, no images, no raw HTML) and the outcome passes an allow-list. Characters that
turn the direction of writing are shown as signs instead of being obeyed.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING

import nh3

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

__all__ = [
    "attributes",
    "bare",
    "end_mark",
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


def shown(text: str) -> str:
    """`text` escaped for content; turning characters become signs, other control characters �."""
    return _UNSEEN.sub(_sign, html.escape(bare(text)))


def quoted(text: str) -> str:
    """`text` escaped for a quoted attribute, where no sign can stand."""
    return html.escape(_UNSEEN.sub("", bare(text)))


def attributes(values: Mapping[str, object]) -> str:
    """`data-…` attributes, escaped, with a leading space each."""
    return "".join(f' data-{name}="{quoted(str(value))}"' for name, value in values.items())


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
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True})
    parser.enable("table")
    parser.disable(
        ["link", "image", "autolink", "html_inline", "html_block", "reference", "entity"]
    )
    parser.add_render_rule("heading_open", lambda *_: "<h4>")
    parser.add_render_rule("heading_close", lambda *_: "</h4>")
    return parser
