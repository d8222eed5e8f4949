"""Counts tokens with tiktoken, whose tables come with llama-index-core: nothing is downloaded."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from rag.schema import Message

if TYPE_CHECKING:
    import tiktoken

__all__ = ["ESTIMATE", "PER_MESSAGE", "count_tokens", "exact", "prompt_tokens"]

PER_MESSAGE = 8
"""Tokens that a chat template adds around a message; the widest ones take about this many."""

ESTIMATE = 1.15
"""A model that tiktoken does not know may cut the same text finer than o200k."""

UNKNOWN = "o200k_base"
SHIPPED = ("o200k_base", "cl100k_base")


def count_tokens(text: str, model: str = "") -> int:
    """Tokens of a text for a model; by o200k where tiktoken does not know the model.

    >>> count_tokens("<|endoftext|>") > 1  # text, not a special token
    True
    """
    return len(_encoding(model).encode(text, disallowed_special=()))


def prompt_tokens(messages: Sequence[Message], model: str = "") -> int:
    """An upper estimate of what messages take of a model's context."""
    counted = sum(count_tokens(message["content"], model) for message in messages)
    return math.ceil(counted * (1 if exact(model) else ESTIMATE)) + PER_MESSAGE * len(messages)


def exact(model: str) -> bool:
    """Whether the count is the model's own and not an estimate."""
    return _name(model) is not None


@cache
def _encoding(model: str) -> tiktoken.Encoding:
    _use_shipped_tables()
    import tiktoken

    return tiktoken.get_encoding(_name(model) or UNKNOWN)


@cache
def _name(model: str) -> str | None:
    _use_shipped_tables()
    import tiktoken

    try:
        name = tiktoken.encoding_name_for_model(model)
    except KeyError:
        return None
    return name if name in SHIPPED else None


def _use_shipped_tables() -> None:
    """Point tiktoken at the tables inside llama-index-core, without the 1.4 s of importing it."""
    spec = find_spec("llama_index.core")
    if spec is None or spec.origin is None:
        return
    tables = Path(spec.origin).parent / "_static" / "tiktoken_cache"
    if tables.is_dir():
        os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(tables))
