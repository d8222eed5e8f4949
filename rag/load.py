"""path → Essay: a reader for each format, and what a file says of itself."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from rag import fold
from rag.clean import clean
from rag.errors import LoadError, UnknownFormat
from rag.schema import Essay
from rag.text.byline import byline_author, byline_date, signature
from rag.text.decoding import decode
from rag.text.header import front_matter, mail_header
from rag.text.title import title_in
from rag.values.dates import first_date, in_digits

__all__ = ["FORMATS", "VERSION", "Content", "load", "loadable", "read_again"]

VERSION = 2
"""Of how bytes are decoded and what a text says of itself: an index of another is made anew."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a reader makes of a file's bytes. `metadata` is what the format itself says."""

    text: str
    encoding: str
    markdown: bool = False
    metadata: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def load(path: Path, source: str) -> Essay:
    """Read the file at `path` as the essay named `source`.

    The errors say what is wrong with "it": who reads many files knows which one it is.

    Raises:
        UnknownFormat: no reader for its suffix.
        LoadError: it cannot be read, or is no text.
    """
    reader = FORMATS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(sorted(FORMATS))
        raise UnknownFormat(
            f"it is not a kind of file that can be read ({path.suffix or 'no ending'}).",
            f"Known: {known}.",
        )
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LoadError(
            f"it cannot be read: {error.strerror or error}.", "Check that it is there."
        ) from error
    return _essay(reader(data), path, source, hashlib.sha256(data).hexdigest())


def read_again(essay: Essay, path: Path) -> Essay:
    """The essay as it is read now: from its file, where that holds the bytes that were read, else
    from the text that was kept."""
    with contextlib.suppress(LoadError):
        found = load(path, essay.source)
        if found.digest == essay.digest:
            return found
    name = Path(essay.source)
    plain = FORMATS.get(name.suffix.lower()) is _plain
    markdown = _looks_like_markdown(essay.text) if plain else essay.markdown
    return _essay(Content(essay.text, essay.encoding, markdown), name, essay.source, essay.digest)


def loadable(path: Path) -> bool:
    """Whether `load` has a reader for this kind of file. Hidden files are none."""
    return path.suffix.lower() in FORMATS and not path.name.startswith((".", "~$"))


def _plain(data: bytes) -> Content:
    text, encoding = decode(data)
    return Content(text, encoding, markdown=_looks_like_markdown(text))


def _looks_like_markdown(text: str) -> bool:
    return _MARKDOWN.search(text[:200_000]) is not None


def _markdown(data: bytes) -> Content:
    text, encoding = decode(data)
    return Content(text, encoding, markdown=True)


FORMATS: Mapping[str, Callable[[bytes], Content]] = MappingProxyType(
    {".txt": _plain, ".text": _plain, ".md": _markdown, ".markdown": _markdown}
)
"""Suffix in lower case → reader of a file's bytes. Readers raise LoadError."""

_MARKDOWN = re.compile(
    r"\A\ufeff?---[ \t]*\r?\n|^#{1,6} +\S|\*\*[^\s*][^*\n]{0,200}\*\*|\]\((?:https?:|/|#)|^```",
    re.MULTILINE,
)
"""Text that uses Markdown, whatever its suffix says."""


def _essay(content: Content, path: Path, source: str, digest: str) -> Essay:
    text = content.text
    front, tags, body_start = front_matter(text)
    body = text[body_start:]
    front = {**content.metadata, **mail_header(body), **front}
    title = front.get("title") or front.get("标题") or title_in(body)
    title = " ".join(clean(title, markdown=True).text.split())
    authors = (front.get(key, "") for key in ("author", "authors", "作者"))
    dates = (front.get(key, "") for key in ("published", "date", "created", "updated", "日期"))
    date = next((found for value in dates if (found := first_date(value, year_alone=True))), "")
    return Essay(
        source=source,
        text=text,
        digest=digest,
        title=title[:300] or path.stem,
        author=next(filter(None, authors), "") or byline_author(body) or signature(body),
        date=date or first_date(in_digits(title)) or byline_date(body) or first_date(path.stem),
        tags=tags,
        origin=next(
            (front[key] for key in ("source", "url", "link", "origin") if front.get(key)), ""
        ),
        language=fold.language(body[:200_000]),
        encoding=content.encoding,
        body_start=body_start,
        markdown=content.markdown,
    )
