"""The prompts in `rag/prompts/*.md`, and how text from essays is made safe to stand in one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from string import Template

from rag.errors import ConfigError

__all__ = ["REFUSAL", "fence", "neutral", "render", "template", "without_marks"]

REFUSAL = "NOT_IN_PASSAGES"
"""What a model is told to write, alone, where the passages do not hold the answer."""

PLACEHOLDERS = {
    "answer": {"language", "refusal", "fence"},
    "question": {"fence", "passages", "question", "language", "refusal"},
    "condense": set[str](),
    "conversation": {"history", "question"},
    "judge": {"fence"},
    "claims": {"fence", "evidence", "sentences", "numbers"},
    "repair": {"problem"},
}
"""What each prompt is filled with; checked when it is loaded."""

# Marks of chat templates. A server may read them as the end of a turn wherever they stand.
TEMPLATE_MARKS = re.compile(
    r"<(?=\|)|(?<=\|)>|<(?=/?s>|/?think|\uff5c|/?(?:start|end)_of_turn|/?(?:bos|eos|pad|unk)>)"
    r"|\[(?=/?(?:INST|SYS(?:TEM_PROMPT)?|AVAILABLE_TOOLS|TOOL_CALLS)\])|<(?=<SYS>>|</SYS>>)"
    r"|<(?=/?(?:passages?|evidence)\b)",
    re.IGNORECASE,
)
# Letters that nobody sees: an essay could hold orders that only a model reads.
UNSEEN = re.compile("[\U000e0000-\U000e007f]")
NUMBER_MARK = re.compile(
    r"[\[\uff3b\u3010]([\s^]*[0-9\uff10-\uff19][0-9\uff10-\uff19,，、;；\s–—~-]{0,40})"
    r"([†:][^\]】］\n]{0,40})?[\]\uff3d\u3011]"
)
SENTINEL = re.compile(r"NOT([\W_]{1,4})IN([\W_]{1,4})PASSAGES", re.IGNORECASE)


@cache
def template(name: str) -> Template:
    """A prompt by its name. Raises ConfigError where its placeholders are not those it is filled
    with, so that a mistake in a prompt shows at once and not in its answers."""
    text = (files("rag") / "prompts" / f"{name}.md").read_text(encoding="utf-8")
    prompt = Template(text.strip())
    found = set(prompt.get_identifiers()) if prompt.is_valid() else {"?"}
    if found != PLACEHOLDERS[name]:
        wrong = ", ".join(sorted(found ^ PLACEHOLDERS[name]))
        raise ConfigError(
            f"The prompt rag/prompts/{name}.md has the wrong placeholders: {wrong}.",
            "Restore it from the release.",
        )
    return prompt


def render(name: str, **values: str) -> str:
    """The prompt with its placeholders filled; values are taken as they are."""
    return template(name).substitute(values)


def fence(texts: Iterable[str]) -> str:
    """A code that no given text contains, nor could have been written to contain: a digest of all
    of them together. The same texts give the same code, so prompts can be cached and compared."""
    whole = "\0".join(texts)
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()
    code = digest[:12]
    while code in whole:
        digest = hashlib.sha256(digest.encode()).hexdigest()
        code = digest[:12]
    return code


def neutral(text: str) -> str:
    """`text` without what could pass for a turn of the conversation, a fence, a citation mark of
    ours or the sentinel: a space is put in, brackets around numbers become round; without letters
    that nobody sees."""
    text = UNSEEN.sub("", text)
    text = TEMPLATE_MARKS.sub(lambda mark: f"{mark[0]} " if mark[0] != ">" else " >", text)
    text = NUMBER_MARK.sub(lambda mark: f"({mark[1].strip()})", text)
    return SENTINEL.sub("not in passages", text)


def without_marks(text: str) -> str:
    """`text` without citation marks: those of an earlier answer point at other passages."""
    return re.sub(r"[ \t]*" + NUMBER_MARK.pattern, "", text)
