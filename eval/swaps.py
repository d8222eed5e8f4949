"""Labelled pairs for the verifier, made of the questions' own evidence.

A true pair is the evidence against the lines it stands in. Its false twin has one number or one
name exchanged for another of its kind from other evidence, one that those lines do not hold.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from zlib import crc32

from eval.cases import Pair, Question
from rag.clean import clean
from rag.fold import fold

__all__ = ["evidence_pairs"]

_NUMBER = re.compile(r"(?<![\w.,-])\d+(?:[.,]\d+)*(?![\d.,]*[A-Za-z-])", re.ASCII)
_NAME = re.compile(r"(?<![\w-])[A-Z][A-Za-z0-9]+(?:[-.][A-Za-z0-9]+)*", re.ASCII)
_KINDS = {"number": _NUMBER, "name": _NAME}


def evidence_pairs(questions: Iterable[Question], texts: Mapping[str, str]) -> tuple[Pair, ...]:
    """A true and a false pair for each piece of evidence that holds a number or a name.

    `texts`: source → decoded text. A pair depends on its evidence and on the texts alone, so a part
    of the questions gives a part of the pairs.
    """
    pool = {kind: _pool(kind, texts.values()) for kind in _KINDS}
    pairs: list[Pair] = []
    for name, claim, window in _claims(questions, texts):
        for kind in _KINDS:
            if false := _swapped(claim, window, kind, pool[kind]):
                pairs.append(Pair(f"{name}/{kind}/true", kind, claim, (window,), True))
                pairs.append(Pair(f"{name}/{kind}/false", kind, false, (window,), False))
                break
    return tuple(pairs)


def _pool(kind: str, texts: Iterable[str]) -> list[str]:
    """What stands at least twice, and for a name never in lower case: no piece of an address, and
    no word that merely begins a sentence."""
    whole = "\n".join(texts)
    counts = Counter(_KINDS[kind].findall(whole))
    plain = set(re.findall(r"[a-z]+", whole))
    return sorted(word for word, n in counts.items() if n > 1 and word.lower() not in plain)


def _claims(
    questions: Iterable[Question], texts: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    """(name, evidence, the lines it stands in), cleaned, each evidence once."""
    homes = {
        evidence.text: text
        for question in questions
        for evidence in question.evidence
        for text in texts.values()
        if evidence.text in text
    }
    for evidence, home in homes.items():
        start = home.index(evidence)
        first = home.rfind("\n", 0, start) + 1
        last = home.find("\n", start + len(evidence))
        window = home[first : last if last >= 0 else len(home)]
        name = f"{crc32(evidence.encode()):08x}"
        yield (
            name,
            clean(evidence, markdown=True).text.strip(),
            clean(window, markdown=True).text.strip(),
        )


def _swapped(claim: str, window: str, kind: str, pool: Sequence[str]) -> str | None:
    """The claim with its first number or name exchanged, None where that cannot be done."""
    own = next((word for word in _KINDS[kind].finditer(claim) if word.group() in pool), None)
    if own is None:
        return None
    lines = fold(window)
    others = [word for word in pool if fold(word) not in lines and _same_shape(word, own.group())]
    if not others:
        return None
    other = others[crc32(claim.encode()) % len(others)]
    return claim[: own.start()] + other + claim[own.end() :]


def _same_shape(word: str, own: str) -> bool:
    """A name for a name; a number with another one's number of digits, give or take one."""
    return not own[0].isdigit() or abs(len(word) - len(own)) <= 1
