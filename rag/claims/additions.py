"""What a claim adds to a list of its evidence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rag.claims.roles import tokens_in
from rag.claims.statement import Reading, Token

__all__ = ["one_more"]


_ROW = re.compile(r"[,，、](?:\s?(?:and|or)\b)?|\b(?:and|or)\b|以及|[和与及跟]")
_LONGEST_ITEM = 4  # tokens


def one_more(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
    """What the claim lists beside all that the evidence lists, and the evidence does not have."""
    given = [(s, row) for s in sentences for row in _rows(s)]
    for row in _rows(claim) if given else ():
        listed = {item.words for item in row}
        new = [n for n in row if n.start and n.joined and not any(n.told_in(s) for s in sentences)]
        for sentence, theirs in given if new else ():
            if {item.words for item in theirs} < listed:
                text = sentence.folded[theirs[0].start : theirs[-1].end]
                return claim.folded[new[0].start : new[0].end], text
    return None


@dataclass(frozen=True, slots=True)
class _Item:
    """One of several things that a text lists. `start` is 0 where it begins the text; `joined`: by
    more than a comma, which parts clauses too."""

    words: tuple[str, ...]
    start: int
    end: int
    joined: bool

    def told_in(self, reading: Reading) -> bool:
        """Whether the text has some of it."""
        return any(_has(reading, word) for word in self.words)


def _has(reading: Reading, word: str) -> bool:
    return word in reading.vocabulary or (not word.isascii() and word in reading.folded)


def _rows(reading: Reading) -> list[list[_Item]]:
    """What a text lists, row by row: of a long part only what is next to its neighbour."""
    edges = list(_ROW.finditer(reading.folded))
    bounds = [0, *(at for edge in edges for at in edge.span()), len(reading.folded)]
    parts = [
        [t for t in tokens_in(reading, a, b) if t.weight >= 0.5]
        for a, b in zip(bounds[::2], bounds[1::2], strict=True)
    ]
    rows: list[list[_Item]] = []
    open_row = False
    for edge, (before, after) in zip(edges, pairwise(parts), strict=True):
        if before and after:
            joined = edge[0] not in (",", "，")
            if not open_row:
                rows.append([_item(before, -1, joined)])
            rows[-1].append(_item(after, 1, joined))
        open_row = bool(before and after) and len(after) <= _LONGEST_ITEM
    return rows


def _item(tokens: Sequence[Token], side: int, joined: bool) -> _Item:
    """A part of a list; of a long one the words at its end (-1) or beginning (1)."""
    if len(tokens) > _LONGEST_ITEM or side < 0:
        size = 2 if tokens[min(side, 0)].han else 1
        tokens = tokens[-size:] if side < 0 else tokens[:size]
    han = [t.word for t in tokens if t.han]
    pairs = [a + b for a, b in pairwise(han)] or han
    words = (*pairs, *(t.word for t in tokens if not t.han))
    return _Item(words, tokens[0].start, tokens[-1].end, joined)
