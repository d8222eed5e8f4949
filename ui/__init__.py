"""The page: a chat in the browser over `rag` and `eval`."""

from __future__ import annotations

__all__: list[str] = []
