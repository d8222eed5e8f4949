"""Chinese names that the other language writes in letters: 张伟 beside Zhang Wei.

By its looks a transcription cannot be told from an invention, by its sound it can: pinyin has few
syllables, and the dictionary knows how characters sound.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, product
from typing import Protocol

import rjieba

from rag.fold import fold
from rag.items import items
from rag.quantities import Quantity, agree
from rag.statement import Reading

__all__ = ["Name", "Names", "Sounds", "misplaced_across", "other_named", "persons"]

_INITIAL = "(?:[zcs]h?|hs|ts|[bpmfdtnlgkhjqxryw])"
_FINAL = "(?:iang|iong|uang|[aeiou]ng|i?ao|ian|uai|[iu]an|[ae]i|ou|[aeiu]n|i[aeu]|u[aeio]|[aeiouü])"
_WORD = re.compile(rf"(?:{_INITIAL}?{_FINAL}['’-]?){{1,3}}")
_SYLLABLE = re.compile(rf"{_INITIAL}?{_FINAL}")
_CAPITAL = re.compile(r"\b[A-Z][a-zü]+(?:['’-][A-Za-zü]+)?")
_TITLE = re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Professor|Madam|Doctor|Teacher|Aunt|Uncle)\.? \Z")
_MOST_SYLLABLES, _LONGEST_GIVEN = 4, 2
_HAN = re.compile("[\u3400-\u9fff]")
_NAMED = frozenset(("nr", "nt", "nz", "nrt", "ns"))


class Sounds(Protocol):
    """What is asked of a dictionary."""

    def sounding(self, syllable: str) -> str: ...

    def family_names(self, syllable: str) -> tuple[str, ...]: ...

    def translations(self, english: str) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Name:
    """A name in letters, and what it looks like in Han characters."""

    text: str
    han: re.Pattern[str]
    person: bool

    def stands_in(self, reading: Reading) -> bool:
        return self.han.search(reading.folded) is not None


class Names:
    """Finds names in letters that a dictionary of sounds can spell in Han characters. The
    dictionary is asked only where a word with a capital could be pinyin."""

    def __init__(self, sounds: Sounds) -> None:
        self._sounds = sounds
        self.of = lru_cache(maxsize=512)(self._of)
        self._spelt = lru_cache(maxsize=2048)(self._spell)

    def _of(self, text: str) -> tuple[Name, ...]:
        """The names of a text. A person's has a family name and one more word, or a title."""
        return tuple(filter(None, (self._name(text, run) for run in _runs(text))))

    def _name(self, text: str, run: Sequence[re.Match[str]]) -> Name | None:
        words = [word[0] for word in run]
        spelt = [self._spelt(word) for word in words]
        if not all(spelt) or sum(len(one[0]) for one in spelt) > _MOST_SYLLABLES:
            return None
        titled = len(run) == 1 and _TITLE.search(text, 0, run[0].start()) is not None
        orders = list(self._orders(spelt)) if len(run) > 1 or titled else []
        if len(run) == 3:  # "Can Li Ming come?"
            orders += self._orders(spelt[1:])
        known = self._sounds.translations(" ".join(words))
        forms = [*orders, *map(self._pattern, product(*spelt)), *map(re.escape, known)]
        said = text[run[0].start() : run[-1].end()]
        return Name(said, re.compile("|".join(forms)), bool(orders))

    def _orders(self, spelt: Sequence[Sequence[tuple[str, ...]]]) -> Iterator[str]:
        """The patterns of a person's name, whose family name may stand at the end."""
        for words in product(*spelt):
            for family, given in ((words[0], words[1:]), (words[-1], words[:-1])):
                listed = self._sounds.family_names(" ".join(family))
                if listed and sum(map(len, given)) <= _LONGEST_GIVEN:
                    yield f"(?:{'|'.join(listed)})" + self._pattern(given)

    def _pattern(self, words: Sequence[tuple[str, ...]]) -> str:
        return "".join(
            f"[{self._sounds.sounding(syllable)}]" for word in words for syllable in word
        )

    def _spell(self, word: str) -> tuple[tuple[str, ...], ...]:
        """Each way to cut a word into syllables that characters have."""
        plain = re.sub("['’-]", "", word.lower())
        ways = (way for way in _cut(plain) if all(map(self._sounds.sounding, way)))
        return tuple(ways)


def _runs(text: str) -> Iterator[list[re.Match[str]]]:
    """Words with capitals side by side that could be pinyin, not more than three."""
    found = list(_CAPITAL.finditer(text))
    number = 0

    def part(word: re.Match[str]) -> tuple[int, bool]:
        nonlocal number
        before = word.start() - 1
        beside = before >= 0 and text[before] == " " and any(w.end() == before for w in found)
        number += not beside
        return number, _WORD.fullmatch(word[0].lower()) is not None

    for (_, pinyin), run in groupby(found, part):
        listed = list(run)
        if pinyin and len(listed) <= 3:
            yield listed


def _cut(plain: str) -> Iterator[tuple[str, ...]]:
    if not plain:
        yield ()
    for size in range(min(6, len(plain)), 0, -1):
        if _SYLLABLE.fullmatch(plain, 0, size):
            yield from ((plain[:size], *rest) for rest in _cut(plain[size:]))


def other_named(
    claim: Reading, sentences: Sequence[Reading], best: int, names: Names
) -> tuple[tuple[str, ...], tuple[str, str] | None]:
    """Persons of a claim, in another language than the evidence, that are not in it; and one of
    whom it says what the nearest sentence says of another: (the claim's, the sentence's)."""
    if claim.han:
        return _told_in_han(claim, sentences, best, names)
    mine = names.of(claim.text)
    people = [name for name in mine if name.person]
    missing = [n.text for n in people if not any(n.stands_in(s) for s in sentences)]
    if missing or not people or any(n.stands_in(sentences[best]) for n in people):
        return tuple(missing), None
    beside = persons(sentences[best].text)
    others = [who for who in beside if not any(n.han.search(who) for n in mine)]
    return (), (people[0].text, others[0]) if others else None


def _told_in_han(
    claim: Reading, sentences: Sequence[Reading], best: int, names: Names
) -> tuple[tuple[str, ...], tuple[str, str] | None]:
    """The same where the claim has the characters. What else it may be (a Western name, a word that
    looks like a name) is no stranger unless the nearest sentence names a person it leaves out."""
    left = [n for n in names.of(sentences[best].text) if n.person and not n.stands_in(claim)]
    told = [n for n in names.of(sentences[best].text) if n.person and n.stands_in(claim)]
    mine = persons(claim.text) if left and not told else ()
    given = [n for s in sentences for n in names.of(s.text)]
    known = [who for who in mine if any(n.han.search(who) for n in given)]
    missing = tuple(who for who in mine if who not in known)
    if missing or not known:
        return missing, None
    return (), (known[0], left[0].text)


def misplaced_across(
    claim: Reading, sentences: Sequence[Reading], names: Names
) -> tuple[str, str] | None:
    """A value of the claim beside one name where the evidence, in another language, says it of
    another, and the item that has it there: `rag.items.misplaced` by names alone."""
    for value in (v for v in claim.values if not v.weak and not claim.denies):
        places = [(s, v) for s in sentences for v in s.values if agree(value, v)]
        owners = [_owner(claim, s, v, names) for s, v in places]
        if owners and all(owners):
            return value.text, owners[0]
    return None


def _owner(claim: Reading, sentence: Reading, value: Quantity, names: Names) -> str:
    """The item of the sentence that has the value and begins with a name, where another item has
    the claim's; or ""."""
    parts = items(sentence, value)
    mine = next((part for part in parts if part.value is value), None)
    rest = [p for p in parts if not any(agree(v, p.value) for v in claim.values)]
    if mine is None or not rest:
        return ""
    if claim.han:
        held = {n.text: n.stands_in(claim) for n in names.of(sentence.text)}
        inside = [held[n] for n in held if n in mine.text]
        own, told = bool(inside) and not any(inside), any(inside)
        others = any(held[n] for part in rest for n in held if n in part.text)
    else:
        listed = names.of(claim.text)
        spelt = {word for n in listed for word in n.text.split()}
        told = any(n.han.search(mine.text) for n in listed) or not spelt.issuperset(
            name for name in claim.names if not name.startswith("^")
        )
        own = _begins_with_name(mine.text)
        others = any(n.han.search(p.text) for p in rest for n in listed)
    return mine.text if own and others and not told else ""


def _begins_with_name(text: str) -> bool:
    return rjieba.tag(text.lstrip("而但,，、和"), True)[0][1] in _NAMED if text else False


@lru_cache(maxsize=1024)
def persons(text: str) -> tuple[str, ...]:
    """Words of a Chinese text that the segmenter takes for a person's name."""
    tagged = rjieba.tag(text, True)
    return tuple(
        fold(word) for word, tag in tagged if tag == "nr" and len(word) > 1 and _HAN.match(word)
    )
