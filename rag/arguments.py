"""What callers pass, brought to what the stages take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rag.errors import InvalidArgument
from rag.schema import Message
from rag.visible import portable

__all__ = ["as_history", "as_sources", "as_texts"]


def as_texts(texts: str | Sequence[str]) -> tuple[str, ...]:
    """Several texts. One alone is meant as one, and not as its letters."""
    return (texts,) if isinstance(texts, str) else tuple(texts)


def as_sources(sources: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Names of essays, spelled as they are listed; None: all."""
    return None if sources is None else tuple(map(portable, as_texts(sources)))


def as_history(history: Sequence[Message]) -> tuple[Message, ...]:
    """The conversation so far.

    Raises:
        InvalidArgument: an entry is without its role or its content.
    """
    turns = tuple(history)
    for n, turn in enumerate(turns):
        for key in ("role", "content"):
            if not isinstance(turn, Mapping) or not isinstance(turn.get(key), str):
                raise InvalidArgument(
                    f"history[{n}] has no text as its {key!r}: {str(turn)[:80]}.",
                    'Each entry is {"role": "user" or "assistant", "content": "…"}.',
                )
    return turns
