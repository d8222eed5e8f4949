"""Where a sentence pauses or ends, and what stands between."""

from __future__ import annotations

import re

from rag.claims.roles import pieces
from rag.claims.statement import Reading

__all__ = ["PART", "STOP", "part_of"]

PART = re.compile(r"[;；。!！?？\n]|\.(?!\d)|[,，](?!\d)")
"""Where a sentence pauses, or ends."""
STOP = re.compile(r"[;；。!！?？\n]|\.(?!\d)")
"""Where it ends."""


def part_of(reading: Reading) -> list[str]:
    """The parts of a sentence, cut where it pauses."""
    text = reading.text if len(reading.text) == len(reading.folded) else reading.folded
    return [text[a:b].strip() for a, b in pieces(PART, reading.folded)]
