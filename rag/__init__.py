"""Ask a folder of essays; every sentence of the answer shows the exact words it rests on."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rag.config import Settings
    from rag.engine import Rag, query

__all__ = ["Rag", "Settings", "query"]

_HOMES = {"Rag": "rag.engine", "query": "rag.engine", "Settings": "rag.config"}


def __getattr__(name: str) -> Any:
    """Import on first use, so that `rag --help` does not wait for the whole engine."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'rag' has no attribute {name!r}")
