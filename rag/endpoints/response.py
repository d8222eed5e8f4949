"""What a chat endpoint's response says: events or one JSON body → pieces of text and reasoning."""

from __future__ import annotations

import codecs
import json
from collections.abc import AsyncGenerator, AsyncIterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rag.endpoints.sse import Event, events
from rag.errors import ServerFault
from rag.redact import without_userinfo
from rag.replies.loops import WINDOW, loops
from rag.replies.thinking import ThinkSplitter
from rag.schema import Usage
from rag.text.surrogates import SurrogateJoiner

if TYPE_CHECKING:
    import httpx

__all__ = ["Reading", "ServerSaid", "pieces"]

LOOKED_AT = 256
"""Characters after which a text is looked at again for saying the same."""

Piece = tuple[str, str]
"""Some text, some reasoning."""

# Other servers' names for OpenAI's reasons to end, and those by which an answer is not whole.
REASONS = {
    **dict.fromkeys(
        ("max_tokens", "model_length", "max_output_tokens", "model_context_window_exceeded"),
        "length",
    ),
    **dict.fromkeys(
        ("safety", "sensitive", "recitation", "blocklist", "prohibited_content", "refusal"),
        "content_filter",
    ),
}
FAILED = frozenset(
    ("error", "failed", "abort", "cancelled", "network_error", "insufficient_system_resource")
)


class ServerSaid(Exception):
    """An error that came with status 200. `body` is what the server said."""

    def __init__(self, body: object) -> None:
        super().__init__(body)
        self.body = body


@dataclass(slots=True)
class Reading:
    """What has been read of one response so far.

    `ended`: it came to its end by other signs than a finish_reason. `refusal`: why the model will
    not answer, where it says that in a place of its own. `looping`: it says the same again and
    again.
    """

    characters: int = 0
    looping: bool = False
    usage: Usage | None = None
    finish_reason: str = ""
    ended: bool = False
    refusal: str = ""
    _fed: bool = False
    _splitter: ThinkSplitter = field(default_factory=ThinkSplitter)
    _said: SurrogateJoiner = field(default_factory=SurrogateJoiner)
    _thought: SurrogateJoiner = field(default_factory=SurrogateJoiner)
    _tail: str = ""
    _unseen: int = 0

    @property
    def started(self) -> bool:
        """Whether any of the answer was read."""
        return self.characters > 0

    @property
    def spoke(self) -> bool:
        """Whether the model said anything: an answer, a part that is held back, a refusal."""
        return self._fed or bool(self.refusal)

    @property
    def complete(self) -> bool:
        """Whether the answer is whole, as far as the server tells."""
        return bool(self.finish_reason) or self.ended

    def feed(self, text: str, reasoning: str) -> Iterator[Piece]:
        """What can be shown now of what came."""
        self._fed = self._fed or bool(text or reasoning)
        yield from self._counted("", self._thought.feed(reasoning))
        for piece in self._splitter.feed(self._said.feed(text)):
            yield from self._counted(*piece)
        if self._unseen >= LOOKED_AT:
            self._tail, self._unseen = self._tail[-WINDOW:], 0
            self.looping = self.looping or loops(self._tail)

    def finish(self) -> Iterator[Piece]:
        """What was held back, at the end."""
        yield from self._counted("", self._thought.finish())
        for piece in (*self._splitter.feed(self._said.finish()), *self._splitter.finish()):
            yield from self._counted(*piece)

    def _counted(self, text: str, reasoning: str) -> Iterator[Piece]:
        self.characters += len(text) + len(reasoning)
        self._tail += text + reasoning
        self._unseen += len(text) + len(reasoning)
        if text or reasoning:
            yield text, reasoning


async def pieces(response: httpx.Response, reading: Reading) -> AsyncGenerator[Piece, None]:
    """The answer as it comes; a server that does not stream gives it in one piece.

    Only the first of several choices is read. What is known beside the answer is put into
    `reading`, whose `finish` has the rest.

    Raises:
        ServerSaid: the server reports an error.
        ServerFault: it is a web page.
        ValueError: it is no chat completion.
    """
    async with aclosing(_chunks(response, reading)) as chunks:
        async for chunk in chunks:
            for choice in _choices(chunk):
                said = choice.get("delta") or choice.get("message")
                reading.refusal += _refusal(said)
                for text, reasoning in _said(said):
                    for piece in reading.feed(text, reasoning):
                        yield piece
                reading.finish_reason = _reason(choice) or reading.finish_reason


def _reason(choice: Mapping[str, Any]) -> str:
    """Why the answer ends here, in OpenAI's words; "" while it goes on.

    Raises:
        ServerSaid: it ends because something failed.
    """
    reason = str(choice.get("finish_reason") or "")
    if _is_error(choice):  # OpenRouter puts what a provider says beside the text
        raise ServerSaid(choice)
    if reason.lower() in FAILED:
        raise ServerSaid({"message": f"finish_reason {reason}"})
    return REASONS.get(reason.lower(), reason)


async def _chunks(response: httpx.Response, reading: Reading) -> AsyncGenerator[object, None]:
    kind = response.headers.get("content-type", "")
    if "html" in kind:
        url = without_userinfo(str(response.request.url.copy_with(query=None)))
        raise ServerFault(
            f"What answers at {url} is a web page, not a chat endpoint.",
            "Correct the base URL: it usually ends in /v1.",
        )
    body = response.aiter_bytes()
    start = await _start(body)
    # Proxies label either as the other: no event begins with a brace.
    if start.startswith(b"{"):
        yield _whole(start + b"".join([piece async for piece in body]), reading)
        return
    chunk = None
    async with aclosing(events(_joined(start, body))) as found:
        async for event in found:
            if event.data.startswith("[DONE]"):
                # Many servers end so and give no finish_reason. A lost connection does not say it.
                reading.ended = reading.spoke
                break
            chunk = _chunk(event)
            counted = _note_usage(chunk, reading)
            # Some servers count in every chunk, or before the answer: the end is a count alone.
            reading.ended = counted and reading.started and not _offered(chunk)
            yield chunk
    if chunk is None and not kind.startswith("text/event-stream"):
        raise ValueError("no chat completion")


async def _start(body: AsyncIterable[bytes]) -> bytes:
    """The beginning of a body, from its first sign on."""
    start = b""
    async for piece in body:
        start = (start + piece).lstrip().removeprefix(codecs.BOM_UTF8).lstrip()
        if len(start) >= len(codecs.BOM_UTF8):
            break
    return start


async def _joined(start: bytes, rest: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    yield start
    async for piece in rest:
        yield piece


def _whole(body: bytes, reading: Reading) -> object:
    """An answer that came in one piece: where it can be read, nothing of it is missing."""
    value = _json(body)
    if not _choices(value):
        if _is_error(value):
            raise ServerSaid(value)
        raise ValueError("no chat completion")
    _note_usage(value, reading)
    reading.ended = True
    return value


def _chunk(event: Event) -> object:
    try:
        value = _json(event.data)
    except ValueError:
        if event.name != "error":
            raise
        value = event.data
    if event.name == "error" or _is_error(value):
        raise ServerSaid(value)
    return value


def _json(data: str | bytes) -> object:
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("JSON that is nested too deep") from None


def _is_error(value: object) -> bool:
    return isinstance(value, dict) and bool(value.get("error") or value.get("object") == "error")


def _choices(chunk: object) -> list[Mapping[str, Any]]:
    """The first choice: n is never asked for, but some servers give more."""
    return [one for one in _offered(chunk) if isinstance(one, dict) and not one.get("index")]


def _offered(chunk: object) -> list[object]:
    """All choices of a chunk."""
    choices = chunk.get("choices") if isinstance(chunk, dict) else None
    return choices if isinstance(choices, list) else []


def _note_usage(chunk: object, reading: Reading) -> bool:
    """Whether the chunk counts tokens, which are then noted."""
    usage = chunk.get("usage") if isinstance(chunk, dict) else None
    prompt = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    if not isinstance(usage, dict) or not isinstance(prompt, int):
        return False
    completion = usage.get("completion_tokens")
    reading.usage = Usage(prompt, completion if isinstance(completion, int) else 0)
    return True


def _said(message: object) -> Iterator[Piece]:
    """What one delta or message holds."""
    if not isinstance(message, dict):
        return
    # Two names for the same thing: DeepSeek's and older vLLM's, then Ollama's and newer vLLM's.
    for name in ("reasoning_content", "reasoning"):
        thought = message.get(name)
        if isinstance(thought, str) and thought:
            yield "", thought
            break
    yield from _content(message.get("content"))


def _refusal(message: object) -> str:
    refusal = message.get("refusal") if isinstance(message, dict) else None
    return refusal if isinstance(refusal, str) else ""


def _content(content: object) -> Iterator[Piece]:
    """A content that is a text, or a list of parts as Mistral's reasoning models give."""
    if isinstance(content, str):
        yield content, ""
    elif isinstance(content, list):
        for part in content:
            yield from _part(part)


def _part(part: object) -> Iterator[Piece]:
    if not isinstance(part, dict):
        yield from _content(part if isinstance(part, str) else None)
    elif "thinking" in part:
        for text, _ in _content(part["thinking"]):
            yield "", text
    else:
        yield from _content(part.get("text"))
