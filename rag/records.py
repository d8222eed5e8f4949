"""Frozen data types as plain JSON values, with the types' own field names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path

__all__ = ["to_record"]


def to_record(value: object) -> object:
    """`value` as dicts, lists, strings, numbers and None.

    Fields that a type keeps out of its repr are left out here too: they serve the machinery (maps
    of offsets, the hits behind an answer), and would bury what a reader looks for.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: to_record(getattr(value, field.name))
            for field in fields(value)
            if field.repr
        }
    if isinstance(value, Mapping):
        return {str(key): to_record(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_record(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    return value
