"""A model's reply to a question about passages: asked, streamed, read.

The one place where prompt and endpoint meet: a prompt that turns out too long is made shorter, a
prompt that the server cut is noticed, and the sentinel of a refusal never reaches the screen.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from rag.abstention import abstains, only_abstains
from rag.endpoint import Endpoint
from rag.errors import ContextOverflow
from rag.llm import LLM, Completion, Stream
from rag.prompt import Prompt, build
from rag.schema import Hit, Message, Usage
from rag.sentences import sentence_spans
from rag.templates import NUMBER_MARK, REFUSAL, SENTINEL, without_marks

__all__ = ["Reading", "Reply", "ask", "read_refusal"]

SHRINK = 0.6
"""What is left of a prompt and its answer where the server does not say how much it takes, or
counts more tokens in them than we do."""

SHORTENINGS = 2
"""How often a prompt is made shorter: to what the server says, and to less where it counts more."""

CUT = 0.6
"""A server that counts less than this share of our own tokens has cut the prompt. Tokenizers differ
by less: o200k is among those with the fewest tokens for Chinese and English."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reply says: its text without the sentinel, and whether it is a refusal."""

    text: str
    refused: bool


class Reply(Iterator[str]):
    """Pieces of an answer, fit to be shown as they come; after the last one the rest is known.

    `text` is the answer as the model gave it, without the sentinel ("" when it refused), with marks
    that count `hits` from 1. Raises EndpointError while iterating. Closing it closes the
    connection.
    """

    def __init__(
        self,
        llm: LLM,
        question: str,
        history: Sequence[Message],
        hits: Sequence[Hit],
        cancel: threading.Event | None = None,
    ) -> None:
        self._llm = llm
        self._asked = (question, tuple(history), tuple(hits))
        self._cancel = cancel
        self._shown = _Shown()
        self.warnings: tuple[str, ...] = ()
        self.completion: Completion | None = None
        self._shortened = 0
        self._ask(self._build(llm.endpoint.context_window))

    @property
    def hits(self) -> tuple[Hit, ...]:
        """The passages that the model saw, `[1]` first."""
        return self._prompt.hits

    @property
    def text(self) -> str:
        return self._read.text

    @property
    def refused(self) -> bool:
        return self._read.refused

    @property
    def usage(self) -> Usage | None:
        return self.completion.usage if self.completion else None

    @property
    def reasoning(self) -> str:
        """What the model thought before it answered."""
        return self.completion.reasoning if self.completion else ""

    def __next__(self) -> str:
        while True:
            try:
                delta = next(self._stream)
            except StopIteration:
                self._end()
                held = self._shown.finish()
                if held:
                    return held
                raise
            except ContextOverflow as error:
                self._shrink(error)
                continue
            piece = self._shown.feed(delta.text)
            if piece:
                return piece

    def close(self) -> None:
        """Close the connection, wherever the answer stands."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, prompt: Prompt) -> None:
        self._prompt = prompt
        self._stream: Stream = self._llm.stream(
            prompt.messages, self._cancel, max_tokens=prompt.max_tokens
        )

    def _build(self, context_window: int) -> Prompt:
        question, history, hits = self._asked
        return build(
            question,
            history,
            hits,
            context_window=context_window,
            max_tokens=self._llm.settings.llm_max_tokens,
            model=self._llm.endpoint.model,
        )

    def _shrink(self, error: ContextOverflow) -> None:
        """Ask again for less. Raises the error where that cannot be, or was done often enough."""
        self._shortened += 1
        if self._shortened > SHORTENINGS:
            raise error
        prompt = self._less(error)
        if prompt.messages != self._prompt.messages:
            self.warnings = (_shorter_warning(self._llm.endpoint),)
        self._ask(prompt)

    def _less(self, error: ContextOverflow) -> Prompt:
        """A prompt that may fit. A limit by which our own count explains the refusal is kept to,
        and less room for the answer may be enough for it. Else the server counts more than we do,
        or says nothing: then the prompt has to be another one."""
        sent = self._prompt.tokens + self._prompt.max_tokens
        try:
            if 255 < error.limit < sent:
                return self._build(error.limit)
            window = int(sent * SHRINK)
            while (prompt := self._build(window)).messages == self._prompt.messages:
                window = int(window * SHRINK)
        except ContextOverflow:  # no passage fits: the server's own words say more
            raise error from None
        return prompt

    def _end(self) -> None:
        if self.completion is not None or self._stream.completion is None:
            return
        self.completion = self._stream.completion
        warnings = [*self.warnings, *self._prompt.warnings, *self.completion.warnings]
        if _cut(self._prompt.tokens, self.completion.usage):
            warnings.append(_cut_warning(self._llm.endpoint, self._prompt, self.completion))
        self.warnings = tuple(warnings)

    @property
    def _read(self) -> Reading:
        return read_refusal(self.completion.text if self.completion else "")


def ask(
    llm: LLM,
    question: str,
    history: Sequence[Message],
    hits: Sequence[Hit],
    cancel: threading.Event | None = None,
) -> Reply:
    """Ask a model about passages; the request starts at once. Raises ContextOverflow where not even
    one passage fits the model."""
    return Reply(llm, question, history, hits, cancel)


def read_refusal(text: str) -> Reading:
    """Whether a reply refuses, and its text without the sentinel.

    A reply that begins with the sentinel, in whatever quotes, case or markup, refuses; so does one
    that holds it, or says as much in a few words of its own, and cites nothing, or is one sentence
    that says nothing else. Where cited sentences stand beside it, those are a partial answer.
    """
    found = _sentinel(text)
    cites = NUMBER_MARK.search(text) is not None
    if found is None:
        plain = text.strip()
        refused = len(plain) <= 300 and (_says_no_more(plain) if cites else abstains(plain))
        return Reading("" if refused else plain, refused)
    if not cites or not re.search(r"\w", text[: found.start()]):
        return Reading("", True)
    rest = text
    while found is not None:
        rest = _drop_line(rest, found)
        found = _sentinel(rest)
    rest = rest.strip()
    sentence = without_marks(rest)
    refused = len(sentence_spans(sentence)) == 1 and abstains(sentence)
    return Reading("" if refused else rest, refused)


def _says_no_more(text: str) -> bool:
    """Whether a text is one sentence that only abstains, of passages that it cites."""
    sentence = without_marks(text)
    return len(sentence_spans(sentence)) == 1 and only_abstains(sentence)


def _sentinel(text: str) -> re.Match[str] | None:
    """The sentinel in a text. Written with spaces it counts in capitals only: else it is prose."""
    return next(
        (
            found
            for found in SENTINEL.finditer(text)
            if "_" in found[1] + found[2] or "-" in found[1] + found[2] or found[0].isupper()
        ),
        None,
    )


def _drop_line(text: str, found: re.Match[str]) -> str:
    """The text without the sentinel and the marks that were put around it."""
    before = re.sub(r"[\s\"'“”‘’「『(（*_`]+\Z", "", text[: found.start()])
    after = re.sub(r"\A[\s\"'“”‘’」』)）*_`]*[.。]?", "", text[found.end() :])
    return f"{before}\n{after}" if after.strip() else before


class _Shown:
    """What may be shown of a text that comes in pieces: everything but the sentinel."""

    def __init__(self) -> None:
        self._held = ""
        self._begun = False
        self._refused = False

    def feed(self, piece: str) -> str:
        if self._refused:
            return ""
        text = self._held + piece
        found = _sentinel(text)
        if found is not None:
            self._refused = not self._begun and not re.search(r"\w", text[: found.start()])
            text = "" if self._refused else text[: found.start()] + text[found.end() :]
        keep = self._possible(text)
        self._held = text[len(text) - keep :]
        shown = text[: len(text) - keep]
        if not self._begun and not re.search(r"\w", shown):  # quotes that may open the sentinel
            self._held = shown + self._held
            return ""
        self._begun = True
        return shown

    def finish(self) -> str:
        held, self._held = self._held, ""
        return held

    @staticmethod
    def _possible(text: str) -> int:
        """How many characters at the end may be the sentinel's beginning."""
        tail = text[-len(REFUSAL) :].upper()
        return next(
            (size for size in range(len(tail), 0, -1) if REFUSAL.startswith(tail[-size:])), 0
        )


def _shorter_warning(endpoint: Endpoint) -> str:
    return (
        "The model refused the prompt as too long: the answer was made from a shorter prompt."
        f" Set RAG_LLM_CONTEXT to what it takes; {endpoint.context_window} tokens were assumed."
    )


def _cut(counted: int, usage: Usage | None) -> bool:
    # 0 is what some servers say of a prompt that they had in their cache.
    return usage is not None and 0 < usage.prompt_tokens < CUT * counted


def _cut_warning(endpoint: Endpoint, prompt: Prompt, completion: Completion) -> str:
    seen = completion.usage.prompt_tokens if completion.usage else 0
    remedies = {
        "ollama": "start it with OLLAMA_CONTEXT_LENGTH=8192 (or set num_ctx)",
        "lmstudio": "load the model with a longer context",
        "llamacpp": "start it with -c 8192",
    }
    do = remedies.get(endpoint.kind, "raise the server's context")
    return (
        f"{endpoint.host} read only {seen} of about {prompt.tokens} prompt tokens: passages were"
        f" cut off. Either {do}, or set RAG_LLM_CONTEXT to the context it has."
    )
