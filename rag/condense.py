"""History and question → a question that stands alone."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from rag.endpoints.endpoint import Endpoint
from rag.errors import ContextOverflow, EmptyAnswer
from rag.fold import content_words, fold, key_words, language
from rag.llm import LLM
from rag.questions.about import asks_of_all
from rag.questions.listed import pointed_at
from rag.schema import Message
from rag.templates import neutral, render, without_marks
from rag.tokens import prompt_tokens
from rag.values.dates import years

__all__ = ["Condensed", "condense"]

TURNS = 6
"""How many messages back a question may point."""

LONGEST_ADDED = 4
"""Words or names of the history at most that are added to a question: with more of them it finds
again what was asked before."""

TURN_CHARACTERS = 600
"""How much of an earlier question or answer is shown to a model that rewrites."""


@dataclass(frozen=True, slots=True)
class Condensed:
    """What to search for: `question`, made to stand alone, and `added`, what the history gave."""

    question: str
    added: str = ""


def condense(
    question: str,
    history: Sequence[Message],
    llm: LLM | None = None,
    cancel: threading.Event | None = None,
) -> Condensed:
    """The question as it stands without the conversation.

    With an LLM it is rewritten in one short completion, unless nothing in it points back; without
    one, or where the rewriting is no question or does not fit the model, the rare words of what was
    asked before are put beside a question that points back.
    Raises EndpointError where the endpoint fails: a search for the wrong thing would look like an
    answer.
    """
    turns = [turn for turn in history if turn["content"].strip()][-TURNS:]
    if not turns or asks_of_all(question) or (llm is not None and _stands_alone(question)):
        return Condensed(question)  # a rewriting is a second or two that the reader waits
    rewritten = _rewrite(question, turns, llm, cancel) if llm is not None else ""
    if rewritten:
        added = _new_words(rewritten, question)
        return Condensed(rewritten, added)
    return _lean_on(question, turns)


def _stands_alone(question: str) -> bool:
    """Whether a question says enough by itself and has no word that could point back."""
    folded = fold(question).strip()
    points = PRONOUN.search(folded) or DEMONSTRATIVE.search(folded) or CARRIES_ON.search(folded)
    return points is None and len(set(content_words(question))) > FEW


# --- with an LLM ---


def _rewrite(
    question: str, turns: Sequence[Message], llm: LLM, cancel: threading.Event | None
) -> str:
    """The rewritten question, or "" where what came back is none."""
    room = min(REWRITE_TOKENS, llm.endpoint.context_window // 2)
    messages = _conversation(question, turns, llm.endpoint, llm.endpoint.context_window - room)
    if messages is None:
        return ""
    try:
        answer = llm.complete(messages, max_tokens=room, cancel=cancel)
    except (EmptyAnswer, ContextOverflow):  # the endpoint works: it is this that cannot be asked
        return ""
    if answer.finish_reason == "length":
        return ""
    return _question_in(answer.text, question)


def _conversation(
    question: str, turns: Sequence[Message], endpoint: Endpoint, room: int
) -> list[Message] | None:
    """The messages with the latest turns that fit into `room` tokens; None where none does."""
    for first in range(len(turns)):
        shown = "\n".join(_line(turn) for turn in turns[first:])
        asked = render("conversation", history=shown, question=neutral(question))
        messages: list[Message] = [
            {"role": "system", "content": render("condense")},
            {"role": "user", "content": asked},
        ]
        if prompt_tokens(messages, endpoint.model) <= room:
            return messages
    return None


REWRITE_TOKENS = 1024
"""Room for a model that thinks first; a rewritten question itself takes about 30."""

NO_QUESTION = re.compile(
    r"\b(?:sorry|as an ai|i (?:can(?:not|['’]t)|am unable|don['’]t know))\b"
    r"|抱歉|对不起|對不起|作为(?:一个)?(?:ai|人工智能)|無法回答|无法回答",
    re.IGNORECASE,
)
LABEL = re.compile(
    r"\A\s*(?:(?:rewritten|standalone|last|final)?[\w ]{0,25}question[\w ,]{0,25}"
    r"|(?:改写|改寫|重写|独立|獨立)?[后後的]{0,2}(?:问题|問題))\s*[:：]\s*",
    re.IGNORECASE,
)
QUOTES = "\"'“”‘’「」『』*_` \t"


def _line(turn: Message) -> str:
    if turn["role"] == "assistant":
        return f"Answer: {_plain(without_marks(turn['content']))[:TURN_CHARACTERS]}"
    return f"Question: {_ends(_plain(turn['content']))}"


def _plain(text: str) -> str:
    return neutral(" ".join(text.split()))


def _ends(text: str) -> str:
    """A long question's beginning and end: what is asked stands before or after what is pasted."""
    if len(text) <= TURN_CHARACTERS:
        return text
    half = TURN_CHARACTERS // 2
    return f"{text[:half]} … {text[-half:]}"


def _question_in(text: str, question: str) -> str:
    """The question in a model's reply, or "" where there is none that can be trusted."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    if len(lines) == 2 and LABEL.fullmatch(lines[0]):
        lines = lines[1:]
    if len(lines) != 1:
        return ""
    found = LABEL.sub("", lines[0]).strip(QUOTES)
    longest = 4 * len(question) + 160
    said = re.search(r"\w", found)
    if not said or len(found) > longest or NO_QUESTION.search(found):
        return ""
    return found


def _new_words(rewritten: str, question: str) -> str:
    have = set(content_words(question))
    return " ".join(dict.fromkeys(w for w in content_words(rewritten) if w not in have))


# --- without one ---

# Folded words that point back. A pronoun near the beginning is what the question is about, whatever
# else it says. A demonstrative may as well point at what follows it, or sum up what stands before
# it: it counts where little else is said.
PRONOUN = re.compile(
    r"\b(?:it|its|they|them|their|he|him|his|she|her|hers|former|latter|the others?"
    r"|(?:the|that|this|which|first|second|third|last|next|previous|another) ones?)\b"
    r"|[他她它牠]们?|其(?:中|他(?!人)|余|二|三|次)|前者|后者|上述|刚才|刚刚"
)
DEMONSTRATIVE = re.compile(
    r"\b(?:this|that|these|those|above)\b|这(?!么)|那(?!么多)|此(?!外|前|后|时)|上面"
)
PERSON = re.compile(r"\b(?:he|him|his|she|her|hers)\b|[他她](?!们)")
CHINESE_HEAD = 5
ENGLISH_HEAD = 12
"""Characters at the beginning in which a pronoun is the question's topic."""

FEW = 4
"""Content words of a question that says too little beside a word that points back."""

# Ways to carry on from what was said. 那 before a measure word points at what follows it.
CARRIES_ON = re.compile(
    r"\A(?:(?:and|but|so|or|also|then)\b|what about|how about|why\??\Z|why not|how so|how come"
    r"|really|who\??\Z|when\??\Z|where\??\Z|for example|such as|(?:tell me )?more\b|go on"
    r"|那(?![一两几些]?[个位篇次座家类笔年种本场件项款只段条期阵回些])|那么|然后|所以|因此|但|可是"
    r"|不过|而且|并且|后来|为什么呢?[?？]?\Z|怎么(?:说|讲)|比如|例如|继续|详细|具体"
    r"|还有(?:呢|吗|什么|哪|别|其他)|另外|同样(?!的))"
    r"|呢[?？]?\Z"
)


def _lean_on(question: str, turns: Sequence[Message]) -> Condensed:
    """The question with the topic of the conversation beside it, where it needs one."""
    own = set(content_words(question))
    item = _item(question, turns)
    if not item and not _needs_more(question, own):
        return Condensed(question)
    have = fold(question)
    replaced = _replaced(question, turns)
    words = _unlike([*_names(item), *key_words(item), *_topic(question, turns)])
    # "And in 2021?" asks the same of another year
    other = years(" ".join(words)) if years(have) else []
    new = (w for w in words if fold(w) not in have and fold(w) not in replaced)
    topic = [w for w in new if w not in other][:LONGEST_ADDED]
    if not topic:
        return Condensed(question)
    added = " ".join(topic)
    return Condensed(f"{question} {added}", added)


def _item(question: str, turns: Sequence[Message]) -> str:
    """What the question means of what was told last, where it says "the second one"."""
    if len(turns) < 2 or turns[-1]["role"] != "assistant":
        return ""
    return pointed_at(question, turns[-2]["content"], turns[-1]["content"])


SAME_OF = re.compile(r"\b(?:what|how) about\b|呢[?？]?\Z")


def _replaced(question: str, turns: Sequence[Message]) -> str:
    """The one name of the last question, folded, where another is to take its place: "Hexo 呢？"
    after "为什么选 Hugo？" asks the same of Hexo. "" where none is."""
    if not SAME_OF.search(fold(question).strip()) or not _names(question):
        return ""
    asked = [turn["content"] for turn in turns if turn["role"] == "user"]
    named = set(map(fold, _names(asked[-1]))) if asked else set()
    return named.pop() if len(named) == 1 else ""


def _needs_more(question: str, own: set[str]) -> bool:
    """Whether a question points back, or says too little to be searched for alone."""
    folded = fold(question).strip()
    carries_on = CARRIES_ON.search(folded) is not None
    if _names(question):  # it names what it is about
        return carries_on and len(own) <= FEW
    if carries_on or len(own) <= 2:
        return True
    pronoun = PRONOUN.search(folded)
    if len(own) <= FEW:
        return pronoun is not None or DEMONSTRATIVE.search(folded) is not None
    head = CHINESE_HEAD if language(folded) == "zh" else ENGLISH_HEAD
    return pronoun is not None and pronoun.start() < head


_CAPITAL = "[A-Z\u00c0-\u00de][a-z\u00df-\u017f]+"
NAME = re.compile(
    r"(?<![\w.])(?:[A-Z][\w+#-]*[A-Z0-9][\w+#.-]*|[A-Za-z]+\d[\w.-]*)"  # HeuriGym, GPT-4, o1
    rf"|(?<=[\w,;] ){_CAPITAL}(?: {_CAPITAL})*"  # a capital inside a sentence
    rf"|(?<![\w.]){_CAPITAL}(?=\s?[\u3400-\u9fff])"  # a Latin word in a Chinese one
    r"|[《「『“][^》」』”\n]{1,40}[》」』”]"
)


def _names(question: str) -> list[str]:
    return [name.strip("《》「」『』“”") for name in NAME.findall(question)]


MEASURES = frozenset(
    ("many", "much", "long", "often", "each", "get", "got", "多久", "一共", "总共")
)
"""Content words of a question that say how it asks, not what it asks about."""


def _topic(question: str, turns: Sequence[Message]) -> list[str]:
    """What the conversation is about, the nearest first: names and rare words of the questions; of
    the answers only the names, for they may be long; of whom "she" says, the name comes first."""
    asked = [turn["content"] for turn in turns if turn["role"] == "user"]
    answered = [turn["content"] for turn in turns if turn["role"] == "assistant"]
    found: list[str] = []
    if answered and PERSON.search(fold(question)):
        found += _names(f"- {without_marks(answered[-1])}")[:1]
    for at, text in enumerate(reversed(asked)):
        found += [*_names(text), *(word for word in key_words(text) if word not in MEASURES)]
        # Before a question that stands alone the talk may have been about something else.
        if not _needs_more(text, set(content_words(text))) or at >= 2:
            break
    if answered:
        found += _names(without_marks(answered[-1]))[:4]
    return _unlike(found)


def _unlike(words: Sequence[str]) -> list[str]:
    """The words in order, without one that an earlier one already holds."""
    kept: list[str] = []
    folded: list[str] = []
    for word in words:
        key = fold(word)
        if not any(key in other for other in folded):
            kept.append(word)
            folded.append(key)
    return kept
