"""An Answer as JSON and back, whole: with the hits and offsets that exports leave out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from rag.schema import Answer

__all__ = ["from_json", "to_json"]


def _plain(value: Any) -> Any:
    """Dataclasses, mappings and sequences as dicts and lists, all else as it is."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {part.name: _plain(getattr(value, part.name)) for part in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):  # a numpy scalar in signals or timings
        return value.item()
    return value


def to_json(answer: Answer) -> str:
    """The whole answer as one JSON object with the type's field names."""
    return json.dumps(_plain(answer), ensure_ascii=False)


def from_json(text: str) -> Answer:
    """The answer that `to_json` wrote; raises pydantic.ValidationError for anything else."""
    return _adapter().validate_json(text)


@cache
def _adapter() -> TypeAdapter[Answer]:
    return TypeAdapter(Answer)
