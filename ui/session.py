"""What one page has open, and what of it a handler changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ui.texts import Say, speaker

__all__ = ["PACE", "Gaze", "Lot", "Lots", "Patch", "Session"]

Patch = Mapping[str, Any]
"""Parts of the page by name, with their new values; the others stay as they are."""

PACE = 0.05
"""Seconds between two looks at work that is under way: 20 pictures a second."""


class Gaze:
    """What a page looks at in one place: of all that would show something there, a conversation or
    a report, the last to begin may."""

    def __init__(self) -> None:
        self._last: object = None

    def take(self) -> Callable[[], bool]:
        """Look at something else from now on; the outcome says whether that still holds."""
        mine = self._last = object()
        return lambda: self._last is mine


class Lot:
    """Files that were added at once, and what is shown of them."""

    def __init__(self, lots: Lots) -> None:
        self._lots = lots
        self.shown = ""
        self.over = False

    def show(self, html: str, *, last: bool = False) -> str:
        """Show this of the lot from now on; the outcome is what is to be seen of all."""
        self.shown, self.over = html, last
        return self._lots.shown


class Lots:
    """The lots that a page is adding, and those that ended since one is under way: what came of one
    is not hidden by the next."""

    def __init__(self) -> None:
        self._lots: list[Lot] = []

    @property
    def under_way(self) -> bool:
        return not all(lot.over for lot in self._lots)

    @property
    def shown(self) -> str:
        return "".join(lot.shown for lot in self._lots)

    def begin(self) -> Lot:
        """One more; those before it are let go unless one of them is under way."""
        if not self.under_way:
            self._lots.clear()
        lot = Lot(self)
        self._lots.append(lot)
        return lot


@dataclass(frozen=True, slots=True)
class Session:
    """What one page has open. `chosen` are the essays to search, None for all."""

    language: str = "en"
    conversation: str = ""
    chosen: tuple[str, ...] | None = None
    searched: str = ""
    gaze: Gaze = field(default_factory=Gaze, compare=False)
    report: Gaze = field(default_factory=Gaze, compare=False)
    lots: Lots = field(default_factory=Lots, compare=False)

    @property
    def say(self) -> Say:
        """The texts of its language."""
        return speaker(self.language)
