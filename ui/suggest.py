"""Questions to begin with, drawn from the essays that are there."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import zip_longest

from rag.schema import EssayInfo
from ui.texts import speaker

__all__ = ["suggestions"]

MOST = 4
LONGEST = 40
ESSAYS_READ = 12
"""So many essays are looked into for headings; a folder may hold thousands."""

_HEADING = re.compile(r"^#{2,4}[ \t]+(.{2,60}?)[ \t]*#*$", re.MULTILINE)
_MARKUP = re.compile(r"[*_`\[\]#<>]|\(https?:[^)]*\)|^\s*\d{1,2}[.、)]\s*")


def suggestions(
    essays: Sequence[EssayInfo], text: Callable[[str], str], most: int = MOST
) -> list[str]:
    """Up to `most` questions, from as many essays as there are, each in its essay's language.

    By turns about a heading and about the whole.

    Args:
        essays: the essays there are.
        text: source → decoded text, for the headings.
    """
    by_essay = [_of(essay, text(essay.source)) for essay in essays[:ESSAYS_READ]]
    by_essay = [found[n % 2 :] + found[: n % 2] for n, found in enumerate(by_essay, 1)]
    in_turn = [question for row in zip_longest(*by_essay) for question in row if question]
    return list(dict.fromkeys(in_turn))[:most]


def _of(essay: EssayInfo, text: str) -> list[str]:
    say = speaker(essay.language)
    headings = [_MARKUP.sub("", heading).strip() for heading in _HEADING.findall(text)]
    usable = [h for h in dict.fromkeys(headings) if 2 <= len(h) <= LONGEST]
    questions = [say("suggest-heading", heading=heading) for heading in usable[:3]]
    title = _MARKUP.sub("", essay.title).strip()
    if 2 <= len(title) <= 2 * LONGEST:
        questions.insert(0, say("suggest-title", title=title.strip("《》")))
    return questions
