"""What one page has open, and what of it a handler changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ui.texts import Say, speaker

__all__ = ["PACE", "Gaze", "Patch", "Session"]

Patch = Mapping[str, Any]
"""Parts of the page by name, with their new values; the others stay as they are."""

PACE = 0.05
"""Seconds between two looks at work that is under way: 20 pictures a second."""


class Gaze:
    """What a page looks at: of all that would show a conversation there, the last to begin may."""

    def __init__(self) -> None:
        self._last: object = None

    def take(self) -> Callable[[], bool]:
        """Look at something else from now on; the outcome says whether that still holds."""
        mine = self._last = object()
        return lambda: self._last is mine


@dataclass(frozen=True, slots=True)
class Session:
    """What one page has open. `chosen` are the essays to search, None for all."""

    language: str = "en"
    conversation: str = ""
    chosen: tuple[str, ...] | None = None
    searched: str = ""
    gaze: Gaze = field(default_factory=Gaze, compare=False)

    @property
    def say(self) -> Say:
        """The texts of its language."""
        return speaker(self.language)
