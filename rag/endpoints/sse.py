"""Server-sent events, as far as a chat endpoint uses them (WHATWG HTML, 9.2.6).

Not openai's decoder: it hands on events without data, such as a lone `retry:` or a keep-alive after
an `id:`, and then takes the nothing in them for broken JSON.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from dataclasses import dataclass

__all__ = ["Event", "events"]


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its `name`, "" where it has none, and its `data`, which is never blank."""

    name: str
    data: str


async def events(chunks: AsyncIterable[bytes]) -> AsyncGenerator[Event, None]:
    """The events that carry data, of a body that comes in pieces cut anywhere.

    Args:
        chunks: the body. An event that it breaks off in is none.

    Raises:
        UnicodeDecodeError: it is not UTF-8.
    """
    name, data = "", list[str]()
    async with aclosing(_lines(chunks)) as lines:
        async for line in lines:
            field, _, value = line.partition(":")
            if field == "event":
                name = value.removeprefix(" ")
            elif field == "data":
                data.append(value.removeprefix(" "))
            elif not line:
                whole = "\n".join(data)
                if whole.strip():
                    yield Event(name, whole)
                name, data = "", []


async def _lines(chunks: AsyncIterable[bytes]) -> AsyncGenerator[str, None]:
    utf8 = codecs.getincrementaldecoder("utf-8-sig")()
    decoder = io.IncrementalNewlineDecoder(utf8, translate=True)
    rest = ""
    async for chunk in chunks:
        *lines, rest = (rest + decoder.decode(chunk)).split("\n")
        for line in lines:
            yield line
    *lines, _ = (rest + decoder.decode(b"", final=True)).split("\n")
    for line in lines:
        yield line
