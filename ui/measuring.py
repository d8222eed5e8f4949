"""The evaluation view: run the suite in the background, show the report, compare with the last."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from ui.desk import Desk
from ui.texts import Say

__all__ = ["Measuring"]


class Measuring:
    def __init__(self, desk: Desk, folder: Path) -> None:
        self._desk = desk
        self._folder = folder

    async def run(self, limit: int, say: Say) -> AsyncIterator[str]:
        yield say("eval-none")

    async def watch(self, say: Say) -> AsyncIterator[str]:
        yield say("eval-none")

    def close(self) -> None:
        """Nothing yet."""
