"""What callers pass, brought to what the stages take."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from rag.errors import InvalidArgument
from rag.schema import Message
from rag.visible import portable

__all__ = ["as_count", "as_history", "as_path", "as_sources", "as_text", "as_texts", "several"]

T = TypeVar("T")


def as_text(text: str, name: str) -> str:
    """One text.

    Raises:
        InvalidArgument: it is something else.
    """
    if not isinstance(text, str):
        raise InvalidArgument(f"{name} is no text: {_shown(text)}.", "Give a str.")
    return text


def as_texts(texts: str | Sequence[str], name: str) -> tuple[str, ...]:
    """Several texts. One alone is meant as one, and not as its letters.

    Raises:
        InvalidArgument: they are no texts.
    """
    if isinstance(texts, str):
        return (texts,)
    return tuple(as_text(text, f"{name}[{n}]") for n, text in enumerate(several(texts, name)))


def several(values: Iterable[T], name: str) -> tuple[T, ...]:
    """What a list, or anything that can be gone through, holds.

    Raises:
        InvalidArgument: it is a single thing.
    """
    try:
        return tuple(values)
    except TypeError as error:
        raise InvalidArgument(f"{name} is no list: {_shown(values)}.", "Give a list.") from error


def as_sources(sources: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Names of essays, spelled as they are listed; None: all.

    Raises:
        InvalidArgument: they are no texts.
    """
    return None if sources is None else tuple(map(portable, as_texts(sources, "sources")))


def as_count(count: int, name: str) -> int:
    """How many are wanted.

    Raises:
        InvalidArgument: it is no whole number, or less than none.
    """
    try:
        wanted = operator.index(count)
    except TypeError as error:
        raise InvalidArgument(
            f"{name} is no whole number: {_shown(count)}.", "Give an int."
        ) from error
    if wanted < 0:
        raise InvalidArgument(f"{name} is {wanted}.", "Say how many are wanted: 0 or more.")
    return wanted


def as_path(path: str | Path) -> str | Path:
    """A path as it is.

    Raises:
        InvalidArgument: it is something else.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise InvalidArgument(f"path is no path: {_shown(path)}.", "Give a str or a Path.")
    return path


def as_history(history: Sequence[Message]) -> tuple[Message, ...]:
    """The conversation so far.

    Raises:
        InvalidArgument: an entry is without its role or its content, or of another's role.
    """
    turns = several(history, "history")
    for n, turn in enumerate(turns):
        for key in ("role", "content"):
            if not isinstance(turn, Mapping) or not isinstance(turn.get(key), str):
                raise InvalidArgument(
                    f"history[{n}] has no text as its {key!r}: {turn!s:.80}.", _ENTRY
                )
        if turn["role"] not in {"user", "assistant"}:
            raise InvalidArgument(f"history[{n}] has the role {turn['role'][:80]!r}.", _ENTRY)
    return turns


_ENTRY = 'Each entry is {"role": "user" or "assistant", "content": "…"}.'


def _shown(value: object) -> str:
    return repr(value)[:80]
