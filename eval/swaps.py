"""Labelled pairs for the verifier, made of the questions' own evidence.

A true pair is the evidence against the lines it stands in. Its false twin has one number or one
name exchanged for another of its kind from other evidence, one that those lines do not hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from eval.cases import Pair, Question
from rag.clean import clean
from rag.fold import content_words, fold

__all__ = ["evidence_pairs"]

_NUMBER = re.compile(r"(?<![\w.,-])\d+(?:[.,]\d+)*(?![\d.,]*[A-Za-z-])", re.ASCII)
_NAME = re.compile(r"(?<![\w-])[A-Z][A-Za-z0-9]+(?:[-.][A-Za-z0-9]+)*", re.ASCII)
_KINDS = {"number": _NUMBER, "name": _NAME}


def evidence_pairs(questions: Iterable[Question], texts: Mapping[str, str]) -> tuple[Pair, ...]:
    """A true and a false pair for each piece of evidence that holds a number or a name.

    `texts`: source → decoded text. Deterministic.
    """
    claims = dict(_claims(questions, texts))
    pool = {
        kind: sorted({found for claim, _ in claims.values() for found in _found(kind, claim)})
        for kind in _KINDS
    }
    pairs: list[Pair] = []
    for name, (claim, window) in claims.items():
        for kind in _KINDS:
            if false := _swapped(claim, window, kind, pool[kind], turn=len(pairs)):
                pairs.append(Pair(f"{name}/{kind}/true", kind, claim, (window,), True))
                pairs.append(Pair(f"{name}/{kind}/false", kind, false, (window,), False))
                break
    return tuple(pairs)


def _claims(
    questions: Iterable[Question], texts: Mapping[str, str]
) -> Iterator[tuple[str, tuple[str, str]]]:
    """(name, (evidence, the lines it stands in)), cleaned, each evidence once."""
    seen = set[str]()
    for question in questions:
        for number, evidence in enumerate(question.evidence):
            home = next((text for text in texts.values() if evidence.text in text), "")
            if not home or evidence.text in seen:
                continue
            seen.add(evidence.text)
            start = home.index(evidence.text)
            first = home.rfind("\n", 0, start) + 1
            last = home.find("\n", start + len(evidence.text))
            window = home[first : last if last >= 0 else len(home)]
            claim = clean(evidence.text).text.strip()
            yield f"{question.id}/{number}", (claim, clean(window).text.strip())


def _found(kind: str, text: str) -> list[str]:
    return [word for word in _KINDS[kind].findall(text) if kind == "number" or content_words(word)]


def _swapped(claim: str, window: str, kind: str, pool: Sequence[str], turn: int) -> str | None:
    """The claim with its first number or name exchanged, None where that cannot be done."""
    own = _found(kind, claim)
    if not own:
        return None
    lines = fold(window)
    others = [word for word in pool if fold(word) not in lines and _same_shape(word, own[0])]
    if not others:
        return None
    start = claim.index(own[0])
    return claim[:start] + others[turn % len(others)] + claim[start + len(own[0]) :]


def _same_shape(word: str, own: str) -> bool:
    """A name for a name; a number with another one's number of digits, give or take one."""
    return not own[0].isdigit() or abs(len(word) - len(own)) <= 1
