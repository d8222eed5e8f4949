"""Answers that a model wraps in JSON, and calls of tools that it has not.

Models that were trained on tools or on JSON now and then answer in it though nobody asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping

__all__ = ["calls_a_tool", "prose"]

_SAID = (
    *("answer", "final_answer", "response", "text", "sentence", "claim", "content", "output"),
    *("result", "reply", "message", "回答", "答案"),
)
_PARTS = ("sentences", "answers", "claims", "statements", *_SAID)
_CITED = (
    *("citations", "citation", "cited", "sources", "source", "references", "reference", "refs"),
    *("passages", "passage", "evidence", "ids", "引用", "来源", "來源"),
)
_NUMBERED = ("id", "n", "number", "index", "passage", "source", "citation")
_FENCE = re.compile(r"\A\s*```(?:json)?[ \t]*\n(.*)\n[ \t]*```\s*\Z", re.DOTALL | re.IGNORECASE)
_TOOL = re.compile(
    r"\A\s*<(tool_call|function_call|function|tool)s?\b[^<>]*>.*</\1s?>\s*\Z"
    r"|\A\s*\[TOOL_CALLS\]",
    re.DOTALL | re.IGNORECASE,
)
_MARKED = re.compile(r"\[\d")
_DIGITS = re.compile(r"\d{1,3}")


def prose(text: str) -> str | None:
    """What an answer in JSON says, with the numbers that it cites as marks; None for any other
    text."""
    given = _parsed(text)
    if given is None or calls_a_tool(text):
        return None
    said = " ".join(_sentences(given)).strip()
    return said or None


def calls_a_tool(text: str) -> bool:
    """Whether a text is nothing but a call of a tool."""
    if _TOOL.match(text):
        return True
    given = _parsed(text)
    calls = given if isinstance(given, list) else [given]
    return bool(calls) and all(
        isinstance(call, dict)
        and isinstance(call.get("name", call.get("function")), (str, dict))
        and bool({"arguments", "parameters", "function"} & call.keys())
        for call in calls
    )


def _parsed(text: str) -> object:
    fenced = _FENCE.match(text)
    bare = (fenced[1] if fenced else text).strip()
    if bare[:1] not in ("{", "[") or bare[-1:] not in ("}", "]"):
        return None
    try:
        return json.loads(bare)
    except (ValueError, RecursionError):
        return None


def _sentences(given: object) -> Iterator[str]:
    """The texts of an answer, each with its marks."""
    if isinstance(given, list):
        for one in given:
            if isinstance(one, dict):
                yield from _sentences(one)
    elif isinstance(given, dict):
        said = next((given[key] for key in _PARTS if given.get(key)), None)
        if isinstance(said, str):
            yield _with_marks(said, given)
        elif isinstance(said, (list, dict)):
            yield from (
                _with_marks(one, given) if isinstance(one, str) else " ".join(_sentences(one))
                for one in (said if isinstance(said, list) else [said])
            )


def _with_marks(said: str, given: Mapping[str, object]) -> str:
    if _MARKED.search(said):
        return said
    cited = next((given[key] for key in _CITED if given.get(key)), None)
    marks = "".join(f"[{n}]" for n in dict.fromkeys(_numbers(cited)))
    return f"{said} {marks}".rstrip()


def _numbers(cited: object) -> Iterator[str]:
    """The numbers of what is cited: 1, "[1]", "Passage 1", {"id": 1}, or several of them."""
    if isinstance(cited, str):
        yield from _DIGITS.findall(cited) if len(cited) <= 20 else ()
    elif isinstance(cited, int) and not isinstance(cited, bool):
        yield str(cited)
    elif isinstance(cited, dict):
        yield from _numbers(next((cited[key] for key in _NUMBERED if key in cited), None))
    elif isinstance(cited, Iterable):
        for one in cited:
            yield from _numbers(one)
