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

from rag.endpoints.endpoint import Endpoint
from rag.errors import ContextOverflow
from rag.llm import LLM, Completion, Stream
from rag.prompt import Prompt, build
from rag.replies.abstention import abstains, only_abstains
from rag.replies.marks import without_half
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

_CUT_REASONS = frozenset(("length", "content_filter"))


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
        if self.completion is None:
            return read_refusal("")
        cut = self.completion.finish_reason in _CUT_REASONS
        said = self.completion.text
        return read_refusal(without_half(said) if cut else said)


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
    that says nothing else. Where cited sentences stand beside it, those are a partial answer, and
    so are sentences without marks beside words of the model's own.
    """
    found = _sentinel(text)
    cites = NUMBER_MARK.search(text) is not None
    if found is None:
        plain = text.strip()
        refused = len(plain) <= 300 and (_says_no_more(plain) if cites else _tells_nothing(plain))
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


# What is said beside a refusal: regret, advice, what the passages speak of instead.
_ASIDE = re.compile(
    r"\A\W*(?:"
    r"(?:(?:I['’]?m|I am|we are) (?:\w+ )?)?sorry\b|apologies|unfortunately\W*\Z"
    r"|please (?:provide|share|give|consult|refer|check|try|rephrase|let)\b"
    r"|let me know\b|feel free\b|if you (?:have|can|could|would|need|want|provide|share)\b"
    r"|(?:more|further|additional) (?:information|context)\b"
    r"|(?:(?:they|it)|(?:(?:the|these|those) )?(?:\w+ )?"
    r"(?:passages?|texts?|context|documents?|essays?|excerpts?|sources?))(?: only| \w+ly)?"
    r" (?:discuss(?:es)?|focus(?:es)?|deals? with|talks? about|speaks? (?:of|about)|covers?"
    r"|(?:is|are) (?:only |mainly )?about|concerns?|relates? to)\b"
    r"|(?:很|非常)?(?:抱歉|遗憾|遺憾)|(?:对|對)不起|不好意思"
    r"|(?:请|請)(?:您|你)?(?:提供|补充|補充|查阅|查閱|参考|參考)|如果(?:您|你)(?:有|能|可以|需要|想|提供)"
    r"|(?:这些|這些|提供的|给出的|給出的)*(?:段落|文章|文中|材料|资料|資料|内容|內容)(?:只|仅|僅|主要|都)*"
    r"(?:讨论|討論|谈论|談論|关注|關注|围绕|圍繞|涉及)"
    r")",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"\A(?:(?:however|but|so|and|thus|hence|therefore|also|additionally|moreover|though|although|while"
    r"|yet|because|since|instead)\b"
    r"|因此|所以|因为|因為|但是|但|不过|不過|然而|而且|此外|另外|同时|同時)[,，]?\s?",
    re.IGNORECASE,
)
_STILL = re.compile(r"\A(?:they|it|there|none|no|nor)\b", re.IGNORECASE)
_HAN_STILL = re.compile("\\A(?:也|并|並|均|都)?(?:没|沒|未|无|無|不)")
_CANNOT = re.compile(
    r"\b(?:cannot|can['’]t) be (?:determined|answered|known|established|said)\b"
    r"|\b(?:cannot|can['’]t|(?:not |im)possible to|unable to) (?:answer|determine)\b"
    r"|(?:无法|無法|不能)(?:确定|確定|得知|回答|判断|判斷)\W*\Z",
    re.IGNORECASE,
)
# Where a clause begins behind another one. After "and" alone a list goes on.
_CLAUSE = re.compile(
    r"[,;:—–]\s?(?=(?:so|but|thus|hence|therefore|however|though|although|while|yet|only|because|since"
    r"|instead|and (?:so|he|she|it|they|we|this|that|there))\b)"
    r"|\s(?=(?:but|because|although|so that)\b)|[;；，]\s?",
    re.IGNORECASE,
)


def _tells_nothing(text: str) -> bool:
    """Whether a text without marks abstains, and says nothing else that could be an answer."""
    sentences = [text[start:end] for start, end in sentence_spans(text)]
    if len(sentences) == 1 or not abstains(text):
        return abstains(text)
    return all(abstains(one) or _goes_on(one) for one in sentences)


def _goes_on(said: str) -> bool:
    """Whether a sentence or clause tells nothing beside "the passages do not tell" either: "They do
    not mention it", "so it cannot be determined", "they are about cakes"."""
    said = _LINK.sub("", said, count=1)
    if _ASIDE.match(said) or _CANNOT.search(said) or abstains(said):
        return True
    if _HAN_STILL.match(said):
        return abstains(f"段落{said}")
    return _STILL.match(said) is not None and abstains(f"In the passages, {said}")


def _says_no_more(text: str) -> bool:
    """Whether a text is one sentence that only abstains, of passages that it cites."""
    sentence = without_marks(text)
    if len(sentence_spans(sentence)) != 1 or not only_abstains(sentence):
        return False
    first, *rest = _CLAUSE.split(sentence)
    return not only_abstains(first) or all(_goes_on(c) for c in rest if re.search(r"\w", c))


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
