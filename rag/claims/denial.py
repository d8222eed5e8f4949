"""What a claim denies that its evidence states, or states that it denies; and opposites."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise

from rag.claims.contrast import contrasts
from rag.claims.statement import HAN_CHAR, Reading, Token, bases, joined

__all__ = ["did_not", "flips", "negated", "used_after_all"]

_PAUSE = re.compile("[,，;；:：.。!！?？、—]")
_NEITHER = re.compile(r"\b(?:neither(?! of)|nor)\b")
_USE = "使用|添加|加入|用上?|放|加|搁"
_UNUSED = re.compile(
    rf"(?:不|没有?|未|别)(?:曾|会|能|肯|再|该|应该?|需要?|想|许|准)?(?:{_USE})过?(?:任何|一点|半点)?"
    r"(?P<what>[\u4e00-\u9fff]{2,4}?)(?=[^\w]|\Z|来|去|上|只|而)"
)
_DID_NOT = re.compile(
    r"(?:^|[,;.] |\b(?:but|and|while|whereas) )(?P<who>[^,;.]{2,40}?) "
    r"(?:d(?:id|oes|o)|w(?:as|ere)|ha[ds]|have|could|would)(?: not|n['’]t)(?=[,;.]|\Z)"
    r"|[,，;；](?:但|而|可)?(?:是)?(?P<whom>\w{1,6}?)[则却并都]?没有?(?=[,，;；.。]|\Z)"
)
_NO = re.compile(r"(?:no|none|nothing|nobody)\b")


def flips(claim: Reading, other: Reading, first: int | None = None) -> tuple[tuple[str, str], ...]:
    """Opposites of which the claim has one side only and the evidence the other only.

    With `first`, only so many of the first pairs count.
    """
    mine, theirs = set(claim.turned), set(other.turned)
    out = []
    for pair, side in sorted(mine):
        against = (pair, 1 - side)
        if first is not None and pair >= first:
            continue
        if against in theirs and against not in mine and (pair, side) not in theirs:
            word, opposite = _word_of(claim, pair, side), _word_of(other, pair, 1 - side)
            if _denies_word(claim, word) == _denies_word(
                other, opposite
            ):  # "not banned" is allowed
                out.append((word, opposite))
    return tuple(out)


def _denies_word(reading: Reading, word: str) -> bool:
    """Whether a denial stands right before a word."""
    at = reading.folded.find(word)
    reach = 2 if HAN_CHAR.match(word) else 12
    return any(0 <= at - end <= reach for _, end in reading.denials)


def _word_of(reading: Reading, pair: int, side: int) -> str:
    listed = contrasts()[pair][side]
    held = [word for word in reading.opposites() if word in listed]
    for token in reading.tokens:
        surface = reading.folded[token.start : token.end]
        if surface in listed or any(base in listed for base in bases(surface)):
            return surface
    return max(held, key=len, default="")


def negated(claim: Reading, near: Sequence[Reading]) -> int:
    """Whether a stretch that both have is denied by one of them alone: +1 by the claim, −1 by the
    evidence."""
    other = joined(near)
    for first, second, sign in ((claim, other, 1), (other, claim, -1)):
        for stretch in _denied(first):
            places = _standing(stretch, second)
            if places and not any(_under_denial(place, second, stretch[1]) for place in places):
                free = [p for p in _standing(stretch, first) if not _under_denial(p, first)]
                if not free:  # it is not stated beside
                    return sign
    return -1 if not claim.denies and _neither(other) & claim.vocabulary else 0


def used_after_all(claim: Reading, near: Sequence[Reading]) -> bool:
    """Whether the claim has something used that the evidence says is never put in: 用酱油 beside
    从来不放酱油."""
    if claim.denies:
        return False
    for sentence in near:
        for found in _UNUSED.finditer(sentence.folded):
            used = re.compile(rf"(?:{_USE})了?(?:一?[点些])?{found['what']}(?!的?(?:代替|替代))")
            stated = any(used.search(_UNUSED.sub("", s.folded)) for s in near)
            if used.search(claim.folded) and not stated:
                return True
    return False


def did_not(claim: Reading, near: Sequence[Reading]) -> bool:
    """Whether the claim says of somebody what the evidence says of another and then denies of him:
    "she appealed, the tenants did not"."""
    if claim.denies:
        return False
    mine = [t.word for t in claim.tokens if t.weight >= 0.5]
    for sentence in near:
        for found in _DID_NOT.finditer(sentence.folded):
            side = "who" if found["who"] else "whom"
            who = _heavy(sentence, *found.span(side))
            before = _heavy(sentence, 0, found.start(side))
            if who and mine[: len(who)] == who and set(mine[len(who) :]) & set(before):
                return set(mine[len(who) :]) <= set(before)
    return False


def _heavy(reading: Reading, start: int, end: int) -> list[str]:
    return [t.word for t in reading.tokens if start <= t.start and t.end <= end and t.weight >= 0.5]


def _neither(reading: Reading) -> frozenset[str]:
    """The words right after "neither" and "nor": what the sentence goes on to say is true of none
    of them."""
    places = [found.end() for found in _NEITHER.finditer(reading.folded)]
    firsts = (
        next((t.word for t in reading.tokens if t.start >= end and t.weight >= 0.5), "")
        for end in places
    )
    return frozenset(firsts) - {""}


_Stretch = tuple[str, str]
"""What is denied: two tokens side by side, or one of an alphabet and nothing."""


def _denied(reading: Reading) -> Iterator[_Stretch]:
    """What each denial of a text is about."""
    for _, end in reading.denials:
        after = [t for t in reading.tokens if t.start >= end][:5]
        yield from islice(_stretches(_unbroken(reading, end, after)), 2)
    for start, _ in reading.takebacks:
        before = [t for t in reading.tokens if t.end <= start][-4:]
        yield from _stretches(before)


def _unbroken(reading: Reading, end: int, tokens: Sequence[Token]) -> list[Token]:
    """The tokens up to the first pause."""
    kept: list[Token] = []
    for token in tokens:
        if _PAUSE.search(reading.folded, end, token.start):
            break
        kept.append(token)
        end = token.end
    return kept


def _stretches(tokens: Sequence[Token]) -> Iterator[_Stretch]:
    """The first word of an alphabet that says something, with the next one; else the first two Han
    characters side by side, with small words between them and without."""
    latin = [t for t in tokens if not t.han and t.weight >= 0.5]
    if latin and latin[0] in tokens[:3]:
        yield latin[0].word, latin[1].word if len(latin) > 1 else ""
        return
    heavy = [t for t in tokens if t.weight >= 0.5]
    for listed in (tokens, heavy):
        for one, two in pairwise(listed):
            if one.han and two.han and max(one.weight, two.weight) >= 0.5:
                yield one.word, two.word
                break


def _standing(stretch: _Stretch, reading: Reading) -> list[Token]:
    """Where a text has the stretch: the tokens it begins with."""
    first, second = stretch
    if not second or not HAN_CHAR.match(first):
        there = not second or second in reading.vocabulary
        return [token for token in reading.tokens if there and token.word == first]
    heavy = [token for token in reading.tokens if token.weight >= 0.5]
    return [
        one
        for listed in (reading.tokens, heavy)
        for one, two in pairwise(listed)
        if (one.word, two.word) == stretch
    ]


def _under_denial(token: Token, reading: Reading, to: str = "") -> bool:
    """Whether a denial reaches so far, or parts the token from the next word `to`: "customers …
    none of them are banks"."""
    reach = 8 if token.han else 30
    after = [start - token.end for start, _ in reading.denials]
    before = any(-2 <= token.start - end <= reach for _, end in reading.denials)
    if before or any(0 <= start - token.end <= reach for start, _ in reading.takebacks):
        return True
    if token.han:
        return False
    if any(
        0 <= gap <= 1 and _NO.match(reading.folded, start)  # "sells no data"
        for gap, (start, _) in zip(after, reading.denials, strict=True)
    ):
        return True
    ends = [t.start for t in reading.tokens if t.word == to and t.start > token.end]
    return bool(ends) and any(0 <= gap < ends[0] - token.end for gap in after)
