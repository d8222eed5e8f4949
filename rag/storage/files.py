"""Files that are kept for later."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["forget_abandoned", "put"]

PARTS = ".*.????????.part"  # hidden: no essay, and nothing that people name so
ABANDONED = 24 * 3600
"""Seconds after which nobody is writing a part any more."""


def put(path: Path, data: bytes) -> None:
    """Make a file hold `data`: all of it or nothing, also where several write it at a time.

    Only its owner can read it. What a process leaves that is killed here, `forget_abandoned` takes.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    forget_abandoned(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    finally:  # an interrupt too leaves nothing
        Path(name).unlink(missing_ok=True)


def forget_abandoned(folder: Path) -> None:
    """Delete what processes left that were killed while they put something into the folder."""
    oldest = time.time() - ABANDONED
    for part in folder.glob(PARTS):
        with suppress(OSError):  # another process may be forgetting it too
            if part.stat().st_mtime < oldest:
                part.unlink()
