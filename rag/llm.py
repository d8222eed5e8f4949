"""Talks to an OpenAI-compatible chat endpoint: streaming, retries, time-outs, typed errors.

The openai package is used directly and not through LlamaIndex's OpenAILike: that wrapper hides the
response's headers (Retry-After), its reasoning and finish_reason while streaming, and cannot be
cancelled while it waits for the first byte. openai's own retries are off, because they wait as long
as the server asks and do not know what was already shown.

Requests run as tasks on one event loop in a thread, so cancelling one closes its connection at
once, whatever it is waiting for. openai is imported there, at the first use, while the caller goes
on searching.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

from rag.config import Settings
from rag.endpoints import llm_errors
from rag.endpoints.connect import async_client, is_openai, needed_only
from rag.endpoints.endpoint import Endpoint, list_models
from rag.endpoints.response import Reading, pieces
from rag.errors import EmptyAnswer, EndpointError, RagError, StreamBroken
from rag.replies.loops import without_loop
from rag.replies.structured import calls_a_tool
from rag.replies.thinking import split_thinking, without_end_marks
from rag.schema import Message, Usage
from rag.text.surrogates import sound
from rag.tokens import count_tokens

if TYPE_CHECKING:
    import httpx
    import openai

    from rag.endpoints.gguf import Served

T = TypeVar("T")

__all__ = ["LLM", "Check", "Completion", "Delta", "Stream"]

CONNECT_SECONDS = 5.0
RETRY_SECONDS = 30.0
"""The longest that one request waits for retries, all waits together."""

# Longest answer that is read from a server that ignores max_tokens, in characters for each token.
CHARACTERS_PER_TOKEN = 32


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer, of the model's reasoning, or of each."""

    text: str = ""
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer. `reasoning` is what the model thought before it; it is no part of `text`."""

    text: str
    reasoning: str = ""
    usage: Usage | None = None
    finish_reason: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """What a test of the endpoint gave: `milliseconds` to the whole of a one-word answer."""

    works: bool
    message: str
    milliseconds: float = 0.0


class Stream(Iterator[Delta]):
    """An answer while it comes. Iterate to its end; then `completion` holds the whole.

    Raises the EndpointError that ended it. Closing it, or setting the `cancel` event it was made
    with, closes the connection; iteration then ends without an error and without a completion.
    """

    def __init__(
        self,
        start: Callable[[Callable[[Delta], None]], Future[Reading]],
        finish: Callable[[Reading, list[Delta]], Completion],
        cancel: threading.Event | None,
    ) -> None:
        self._pieces: queue.SimpleQueue[Delta | None] = queue.SimpleQueue()
        self._seen: list[Delta] = []
        self._finish = finish
        self._cancel = cancel
        self._closed = False
        self._future = start(self._pieces.put)
        self._future.add_done_callback(lambda _: self._pieces.put(None))
        self.completion: Completion | None = None

    def __next__(self) -> Delta:
        if self._closed or self.completion is not None:
            raise StopIteration
        piece = self._wait()
        if self._cancel is not None and self._cancel.is_set():
            self.close()
            raise StopIteration
        if piece is None:
            if self._future.cancelled():  # not by this stream's reader: the LLM was closed
                raise StreamBroken("The model was closed while it was answering.", "Ask again.")
            self.completion = self._finish(self._future.result(), self._seen)
            raise StopIteration
        self._seen.append(piece)
        return piece

    def _wait(self) -> Delta | None:
        """The next piece. A set `cancel` is noticed within 50 ms."""
        if self._cancel is None:
            return self._pieces.get()
        while not self._cancel.is_set():
            with suppress(queue.Empty):
                return self._pieces.get(timeout=0.05)
        return None

    def close(self) -> None:
        """Close the connection, wherever the answer stands."""
        self._closed = True
        self._future.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class LLM:
    """One endpoint, as found by `find_endpoint`. Thread-safe; close it when done.

    Nothing is imported or opened until the first request or `warm`.
    """

    def __init__(self, endpoint: Endpoint, settings: Settings) -> None:
        self.endpoint = endpoint
        self.settings = settings
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = threading.Lock()
        self._client: asyncio.Task[openai.AsyncOpenAI] | None = None
        self._served: Served | None = None
        self._refused: set[str] = set()  # optional parameters that this server does not take

    def warm(self) -> None:
        """Import and connect in the background, while the caller does something else."""
        self._submit(self._ready())

    def stream(
        self,
        messages: Sequence[Message],
        cancel: threading.Event | None = None,
        *,
        max_tokens: int | None = None,
        schema: Mapping[str, Any] | None = None,
    ) -> Stream:
        """Ask, and read the answer as it comes. The request starts at once.

        `messages` may hold the role "system" too. `schema` is a JSON schema that the answer is to
        follow, where the server takes one. Raises, while iterating, an EndpointError.
        """
        asked = self._parameters(messages, max_tokens or self.settings.llm_max_tokens, schema)
        return Stream(
            lambda emit: self._submit(self._persist(asked, emit)),
            self._complete,
            cancel,
        )

    def complete(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, Any] | None = None,
        *,
        max_tokens: int | None = None,
        cancel: threading.Event | None = None,
    ) -> Completion:
        """Ask, and wait for the whole answer. Raises EndpointError; EmptyAnswer when cancelled."""
        with self.stream(messages, cancel, max_tokens=max_tokens, schema=schema) as stream:
            for _ in stream:
                pass
        if stream.completion is None:
            raise EmptyAnswer("The question to the model was cancelled.", "Ask again.")
        return stream.completion

    def check(self) -> Check:
        """Ask for one word, to see that the endpoint works. Never raises a RagError."""
        began = time.monotonic()
        try:
            # As much room as an answer has: a model may think long before it speaks.
            room = min(self.settings.llm_max_tokens, self.endpoint.context_window // 2)
            answer = self.complete([{"role": "user", "content": "Say: ready"}], max_tokens=room)
        except RagError as error:
            return Check(False, str(error))
        spent = (time.monotonic() - began) * 1000
        return Check(True, f"{self.endpoint} answers: {answer.text.strip()[:40]!r}", spent)

    def close(self) -> None:
        """Cancel what runs and close the connections."""
        with self._starting:
            loop, self._loop = self._loop, None
        if loop is not None:
            asyncio.run_coroutine_threadsafe(self._shut(), loop).result(timeout=5)
            loop.call_soon_threadsafe(loop.stop)

    # --- on the event loop's thread ---

    def _submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                # A daemon: an LLM that nobody closed must not keep the program from ending.
                threading.Thread(target=self._loop.run_forever, name="llm", daemon=True).start()
            return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _shut(self) -> None:
        mine, opened = asyncio.current_task(), self._client
        running = [task for task in asyncio.all_tasks() if task is not mine]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._client = None
        if opened is not None and not _failed(opened):
            await opened.result().close()
        if self._served is not None:
            served, self._served = self._served, None
            await asyncio.to_thread(served.close)
        await asyncio.get_running_loop().shutdown_asyncgens()

    async def _ready(self) -> openai.AsyncOpenAI:
        """The client, made once; a failure to make it is tried again at the next request."""
        if self._client is None or _failed(self._client):
            self._client = asyncio.create_task(self._open())
        # Shielded: one cancelled question must not take the client from the others.
        return await asyncio.shield(self._client)

    async def _open(self) -> openai.AsyncOpenAI:
        base_url = self.endpoint.base_url
        if self.endpoint.gguf is not None:
            from rag.endpoints import gguf

            self._served = await asyncio.to_thread(
                gguf.serve, self.endpoint.gguf, self.endpoint.context_window
            )
            base_url = self._served.base_url
        return await asyncio.to_thread(_make_client, self.endpoint, base_url, self.settings)

    async def _persist(self, asked: dict[str, Any], emit: Callable[[Delta], None]) -> Reading:
        """Send the request until it is answered, or may not be sent again."""
        client = await self._ready()
        waited, sent = 0.0, 0
        while True:
            reading = Reading()
            parameters = self._accepted(asked)
            try:
                await self._read(client, parameters, reading, emit)
            except llm_errors.failures() as error:
                if reading.finish_reason:  # what broke was only the stream's tail
                    break
                failure = llm_errors.understand(error, self.endpoint, reading.started)
                if not reading.started and self._adapt(failure, parameters):
                    continue
                wait = failure.wait(sent)
                sent += 1
                over = sent > self.settings.llm_retries or waited + wait > RETRY_SECONDS
                if reading.started or not failure.transient or over:
                    raise await self._named(failure) from None
                waited += wait
                await asyncio.sleep(wait)
            else:
                break
        for text, reasoning in () if reading.looping else reading.finish():
            emit(Delta(text, reasoning))
        return reading

    async def _read(
        self,
        client: openai.AsyncOpenAI,
        parameters: dict[str, Any],
        reading: Reading,
        emit: Callable[[Delta], None],
    ) -> None:
        limit = self._limit(parameters)
        stream = await client.chat.completions.create(**parameters, stream=True)
        async with stream, aclosing(pieces(stream.response, reading)) as found:
            async for text, reasoning in found:
                if not reading.looping:
                    emit(Delta(text, reasoning))
                if reading.characters > limit or reading.looping:
                    reading.finish_reason = "length"
                    break
        if not reading.complete:
            raise StreamBroken(
                f"The answer from {self.endpoint.host} broke off before its end.", "Ask again."
            )

    async def _named(self, failure: llm_errors.Failure) -> EndpointError:
        """The failure's error; a missing model's says which there are."""
        if not failure.missing_model or self.endpoint.gguf is not None:
            return failure.error
        models = await asyncio.to_thread(list_models, self.endpoint)
        return llm_errors.model_not_found(self.endpoint, models)

    def _adapt(self, failure: llm_errors.Failure, parameters: Mapping[str, Any]) -> bool:
        """Whether the server refused an optional parameter, which is left out from now on.

        Only one of this very request is: it may be known already from a request that was sent at
        the same time. Each is sent again with one parameter less, so there is an end.
        """
        refused = failure.refused_parameter(parameters)
        if refused:
            self._refused.add(refused)
        return bool(refused)

    def _accepted(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in asked.items() if name not in self._refused}
        if "max_tokens" in asked and "max_tokens" in self._refused:
            kept["max_completion_tokens"] = asked["max_tokens"]
        return kept

    def _limit(self, parameters: Mapping[str, Any]) -> int:
        tokens = parameters.get("max_tokens") or parameters.get("max_completion_tokens") or 0
        # Reasoning does not count against max_tokens everywhere: leave it room.
        return (int(tokens) + 8192) * CHARACTERS_PER_TOKEN

    def _parameters(
        self, messages: Sequence[Message], max_tokens: int, schema: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        # OpenAI's reasoning models refuse max_tokens; other servers know only that name.
        ceiling = "max_completion_tokens" if self.endpoint.kind == "openai" else "max_tokens"
        asked: dict[str, Any] = {
            "model": self.endpoint.model,
            "messages": [
                {name: sound(text) for name, text in message.items()} for message in messages
            ],
            "temperature": 0,
            ceiling: max_tokens,
            "stream_options": {"include_usage": True},
        }
        if schema is not None:
            shape = {"name": "answer", "schema": dict(schema), "strict": True}
            asked["response_format"] = {"type": "json_schema", "json_schema": shape}
        return asked

    def _complete(self, reading: Reading, seen: Sequence[Delta]) -> Completion:
        """The whole answer. Raises EmptyAnswer where there is none."""
        raw = "".join(delta.text for delta in seen)
        thought = "".join(delta.reasoning for delta in seen)
        said, more = split_thinking(without_end_marks(raw))
        text = without_loop(said)
        reason = reading.finish_reason
        if not text.strip() or calls_a_tool(text):
            raise self._nothing_said(reading, bool(thought or more), bool(text.strip()))
        warnings: tuple[str, ...] = ()
        if text != said:
            warnings = ("The model said the same over and over; here it stands once.",)
        elif reason == "length":
            warnings = (f"The answer was cut at its longest. {self._more_room()}",)
        elif reason == "content_filter":
            warnings = ("The endpoint's content filter cut the answer.",)
        return Completion(text, thought + more, reading.usage, reason or "stop", warnings)

    def _more_room(self) -> str:
        """What to set for a longer answer: at most half of the context is for it."""
        window = self.endpoint.context_window
        if self.settings.llm_max_tokens * 2 <= window:
            return "Raise RAG_LLM_MAX_TOKENS."
        return f"Raise RAG_LLM_CONTEXT (it is {window}), and the server's own context."

    def _nothing_said(self, reading: Reading, thought: bool, called: bool) -> EmptyAnswer:
        model, reason = self.endpoint.model, reading.finish_reason
        if reading.refusal.strip():
            said = " ".join(reading.refusal.split())[:300].rstrip(".")
            return EmptyAnswer(
                f"{model} will not answer this: {said}.",
                "Ask in other words, or use another model.",
            )
        if reading.looping:
            return EmptyAnswer(
                f"{model} thought the same over and over and said nothing.",
                "Ask again, or use another model.",
            )
        if reason == "length" and not called:
            what = f"{model} used up its tokens" + (" on thinking" if thought else "")
            return EmptyAnswer(what + " and said nothing.", self._more_room())
        if reason == "content_filter":
            return EmptyAnswer(
                f"The content filter of {self.endpoint.host} let nothing through.",
                "Ask in other words, or use another model.",
            )
        if called or reason in ("tool_calls", "function_call"):
            what = f"{model} called a tool, though it has none, and"
        else:
            what = f"{model} thought, but" if thought else model
        return EmptyAnswer(f"{what} said nothing.", "Ask again, or use another model.")


def _make_client(endpoint: Endpoint, base_url: str, settings: Settings) -> openai.AsyncOpenAI:
    import httpx
    import openai

    count_tokens("", endpoint.model)  # loads its tables here, while the caller goes on searching
    key = endpoint.api_key.get_secret_value()
    timeout = httpx.Timeout(settings.llm_timeout, connect=CONNECT_SECONDS)
    http = async_client(base_url, timeout)
    if not is_openai(base_url):
        http.event_hooks = {"request": [_only_ours(key)]}
    return openai.AsyncOpenAI(
        base_url=base_url, api_key=key or "none", max_retries=0, http_client=http
    )


def _only_ours(key: str) -> Callable[[httpx.Request], Coroutine[Any, Any, None]]:
    """A hook for `needed_only`."""

    async def strip(request: httpx.Request) -> None:
        needed_only(request, key)

    return strip


def _failed(task: asyncio.Task[Any]) -> bool:
    """Whether it is done and has no result."""
    return task.done() and (task.cancelled() or task.exception() is not None)
