"""Question, history and hits → messages inside the token budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.errors import ContextOverflow
from rag.fold import language
from rag.schema import Hit, Message
from rag.templates import REFUSAL, fence, neutral, render, without_marks
from rag.tokens import ESTIMATE, PER_MESSAGE, count_tokens, exact

__all__ = ["REFUSAL", "Prompt", "build"]

LANGUAGES = {
    "zh": "Chinese (中文, in the script of the question)",
    "en": "English",
    "ja": "Japanese (日本語)",
    "ko": "Korean (한국어)",
}
PLACE = "[…]"
"""The line of a passage's context where the passage itself stands."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Messages for a model, and what had to be left out of them.

    `hits` are the passages that are in, `[1]` first. `tokens` is the count of the messages and
    `max_tokens` what is left for the answer, both by our count.
    """

    messages: tuple[Message, ...]
    hits: tuple[Hit, ...]
    tokens: int
    max_tokens: int
    warnings: tuple[str, ...] = ()


def build(
    question: str,
    history: Sequence[Message],
    hits: Sequence[Hit],
    *,
    context_window: int,
    max_tokens: int,
    model: str = "",
) -> Prompt:
    """Messages that fit `context_window` tokens, `max_tokens` of answer included.

    What does not fit is left out in this order: the oldest turns of the history, then what stands
    around the passages (of the last one first), then passages from the last one. Raises
    ContextOverflow where not even one passage fits.
    """
    budget = _Budget(context_window, min(max_tokens, context_window // 2), model)
    code = fence([question, *(_reading(hit) for hit in hits)])
    system = render("answer", language=_language(question), refusal=REFUSAL, fence=code)
    asked = _asked(question, code, "")
    fixed = budget.count(system) + budget.count(asked) + 2 * PER_MESSAGE
    passages, used, warnings = _passages(hits, budget, budget.room - fixed)
    spent = fixed + sum(budget.count(passage) for passage in passages)
    turns = _turns(history, budget, budget.room - spent)
    messages = (
        {"role": "system", "content": system},
        *turns,
        {"role": "user", "content": _asked(question, code, "\n\n".join(passages))},
    )
    tokens = spent + sum(budget.count(turn["content"]) + PER_MESSAGE for turn in turns)
    return Prompt(messages, tuple(used), tokens, budget.max_tokens, warnings)


@dataclass(frozen=True, slots=True)
class _Budget:
    context_window: int
    max_tokens: int
    model: str

    @property
    def room(self) -> int:
        """Tokens by our count that the messages may take."""
        room = self.context_window - self.max_tokens
        return room if exact(self.model) else int(room / ESTIMATE)

    def count(self, text: str) -> int:
        return count_tokens(text, self.model)


def _passages(
    hits: Sequence[Hit], budget: _Budget, room: int
) -> tuple[list[str], list[Hit], tuple[str, ...]]:
    """The passages that fit, as they are shown to the model, their hits, and warnings."""
    shown = [_shown(n, hit, _reading(hit)) for n, hit in enumerate(hits, 1)]
    costs = [budget.count(text) + 2 for text in shown]
    for at in reversed(range(len(hits))):
        if sum(costs) <= room:
            break
        shown[at] = _shown(at + 1, hits[at], hits[at].passage.text)
        costs[at] = budget.count(shown[at]) + 2
    kept = len(hits)
    while kept and sum(costs[:kept]) > room:
        kept -= 1
    if hits and not kept:
        raise _no_room(budget, costs[0] - room)
    left = len(hits) - kept
    warning = f"{left} of {len(hits)} passages did not fit into the model's context."
    do = " Raise RAG_LLM_CONTEXT if the model takes more."
    return shown[:kept], list(hits[:kept]), (warning + do,) if left else ()


def _no_room(budget: _Budget, missing: int) -> ContextOverflow:
    return ContextOverflow(
        f"The question and one passage do not fit into {budget.context_window} tokens with"
        f" {budget.max_tokens} for the answer: {missing} are missing.",
        "Ask in fewer words, raise RAG_LLM_CONTEXT, or lower RAG_LLM_MAX_TOKENS.",
    )


def _turns(history: Sequence[Message], budget: _Budget, room: int) -> list[Message]:
    """The latest turns that fit: user first, then in turn, ending with an answer."""
    kept: list[Message] = []
    for turn in reversed(_alternating(history)):
        room -= budget.count(turn["content"]) + PER_MESSAGE
        if room < 0:
            break
        kept.insert(0, turn)
    return kept[1:] if kept and kept[0]["role"] == "assistant" else kept


def _alternating(history: Sequence[Message]) -> list[Message]:
    """Turns of user and assistant in strict alternation, as many chat templates demand: of several
    questions in a row the last counts, and one without an answer is left out."""
    turns: list[Message] = []
    for message in history:
        role = message["role"]
        text = message["content"]
        text = neutral(without_marks(text) if role == "assistant" else text).strip()
        if role not in ("user", "assistant") or not text:
            continue
        if turns and turns[-1]["role"] == role:
            turns.pop()
        turns.append({"role": role, "content": text})
    if turns and turns[-1]["role"] == "user":
        turns.pop()
    return turns[1:] if turns and turns[0]["role"] == "assistant" else turns


def _asked(question: str, code: str, passages: str) -> str:
    return render(
        "question",
        fence=code,
        passages=passages,
        question=neutral(question).strip(),
        language=_language(question),
        refusal=REFUSAL,
    )


def _shown(n: int, hit: Hit, text: str) -> str:
    passage = hit.passage
    names = [passage.title, *passage.heading.split("\n")] if passage.heading else [passage.title]
    about = " › ".join(neutral(" ".join(name.split())) for name in names if name.strip())
    return f"[{n}] {about}\n{neutral(text).strip()}"


def _reading(hit: Hit) -> str:
    """The passage in its surroundings, in reading order."""
    passage = hit.passage
    lines = passage.context.split("\n")
    if PLACE not in lines:
        return "\n".join(part for part in (passage.context, passage.text) if part)
    at = lines.index(PLACE)
    return "\n".join([*lines[:at], passage.text, *lines[at + 1 :]])


def _language(question: str) -> str:
    return LANGUAGES.get(language(question), "the language of the question")
