"""Lines of an exported chat that say who speaks and when, above what is said."""

from __future__ import annotations

import re

__all__ = ["speaker"]

_DAY = r"(?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{4}年\d{1,2}月\d{1,2}日),?[ \t]+"
_TIME = rf"(?:{_DAY})?(?:[上下]午 ?)?\d{{1,2}}:\d{{2}}(?::\d{{2}})?(?: ?[AaPp]\.?[Mm]\.?)?"
_NAME = r"[^\W\d_][\w.·’'-]{0,28}(?: [\w.·’'-]{1,20}){0,2}"
_TURN = re.compile(
    rf"[\[(]?{_TIME}[\])]?[ \t]+(?:[-–—|·•][ \t]+)?(?P<after>{_NAME})"
    rf"|(?P<before>{_NAME})[ \t]*[-–—|·•,，]?[ \t]+[\[(]?{_TIME}[\])]?"
)


def speaker(line: str) -> str:
    """Who speaks below a line that holds nothing but a name and a time of day; "" for any other."""
    found = _TURN.fullmatch(line)
    return (found["after"] or found["before"]) if found else ""
