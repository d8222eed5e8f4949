"""Names that the other language writes otherwise: 张伟 beside Zhang Wei, 安东尼奥 beside Antonio.

By its looks a transcription cannot be told from an invention, by its sound it can: pinyin has few
syllables, and the dictionary knows how characters sound. Of Western names the consonants are
compared: of 246 in Chinese paragraphs of XQuAD 5 are unlike every name of the English one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import groupby, product
from typing import Protocol

import rjieba

from rag.claims.items import items
from rag.claims.statement import Reading
from rag.fold import fold
from rag.values.agree import agree
from rag.values.quantities import Quantity

__all__ = [
    "Name",
    "Names",
    "Sounds",
    "held",
    "misplaced_across",
    "other_named",
    "persons",
    "transcribed_otherwise",
]

_INITIAL = "(?:[zcs]h?|hs|ts|[bpmfdtnlgkhjqxryw])"
_FINAL = "(?:iang|iong|uang|[aeiou]ng|i?ao|ian|uai|[iu]an|[ae]i|ou|[aeiu]n|i[aeu]|u[aeio]|[aeiouü])"
_WORD = re.compile(rf"(?:{_INITIAL}?{_FINAL}['’-]?){{1,3}}")
_SYLLABLE = re.compile(rf"{_INITIAL}?{_FINAL}")
_CAPITAL = re.compile(r"\b[A-Z][a-zü]+(?:['’-][A-Za-zü]+)?")
_TITLE = re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Professor|Madam|Doctor|Teacher|Aunt|Uncle)\.? \Z")
_MOST_SYLLABLES, _LONGEST_GIVEN = 4, 2
_MOST_WESTERN = 3  # words: what has more is mostly a title or an institution
_HAN = re.compile("[\u3400-\u9fff]")
_NAMED = frozenset(("nr", "nt", "nz", "nrt", "ns"))


_LIKE = 0.5
"""Of a name's consonants in a transcription; names of others have as many seldom."""
_SPELT = (
    ("sch", "s"), ("sh", "s"), ("tch", "z"), ("ch", "z"), ("ph", "f"), ("th", "d"), ("ck", "g"),
    ("qu", "gw"), ("x", "gs"), ("ce", "se"), ("ci", "si"), ("cy", "si"), ("ge", "ze"),
    ("gi", "zi"), ("j", "z"), ("dg", "z"), ("tz", "z"), ("kn", "n"), ("wr", "l"), ("gh", "g"),
    ("c", "g"), ("k", "g"), ("q", "g"), ("p", "b"), ("t", "d"), ("v", "w"), ("r", "l"),
)  # fmt: skip


class Sounds(Protocol):
    """What is asked of a dictionary."""

    def sounding(self, syllable: str) -> str: ...

    def family_names(self, syllable: str) -> tuple[str, ...]: ...

    def sounds_of(self, character: str) -> tuple[str, ...]: ...

    def translations(self, name: str) -> tuple[str, ...]: ...


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
        self.spellings = lru_cache(maxsize=1024)(self._spellings)

    def same(self, han: str, letters: str) -> bool:
        """Whether a name in Han characters may be that in letters, by its sound or by what the
        dictionary calls it."""
        if any(name.strip() == fold(letters).lower() for name in self._sounds.translations(han)):
            return True
        if any(name in han or han in name for name in self._sounds.translations(letters)):
            return True
        one, other = self._consonants(han), _consonants(letters)
        return SequenceMatcher(None, one, other, autojunk=False).ratio() >= _LIKE

    def _spellings(self, word: str) -> tuple[str, ...]:
        """The words of two characters that a word of two syllables may be."""
        return tuple(
            one + other
            for spelt in self._spelt(word)
            if len(spelt) == 2
            for one, other in product(*map(self._sounds.sounding, spelt))
            if rjieba.has_word(one + other)
        )

    def called(self, name: str) -> tuple[str, ...]:
        """What the dictionary calls it in the other language."""
        return self._sounds.translations(name)

    def _consonants(self, han: str) -> str:
        """The consonants of a transcription, with an "a" for what begins with a vowel."""
        out = ""
        for sounds in map(self._sounds.sounds_of, han):
            first = sounds[0] if sounds else ""
            begin = "l" if first.startswith("er") else first[:1]
            out += "a" if begin in "aeo" else begin
            out += "n" if first.endswith(("n", "ng")) else ""
        return out

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
        # two characters stand side by side by chance: 还清 is no Huang Jing
        long = not orders or sum(len(one[0]) for one in spelt) > 2
        plain = map(self._pattern, product(*spelt)) if long else ()
        forms = [*orders, *plain, *map(re.escape, known)]
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


def _consonants(letters: str) -> str:
    plain = fold(letters)
    for spelt, instead in _SPELT:
        plain = plain.replace(spelt, instead)
    plain = re.sub(r"(.)\1", r"\1", plain)
    return ("a" if plain[:1] in "aeiouy" else plain[:1]) + re.sub("[aeiouy]", "", plain[1:])


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


def transcribed_otherwise(
    claim: Reading, sentences: Sequence[Reading], best: int, names: Names
) -> tuple[str, ...]:
    """The Western names of a claim if none of them is in the evidence, in the other language, and
    the nearest sentence has one that the claim leaves out."""
    mine = _western(claim)
    if not 0 < len(mine) <= _MOST_WESTERN:
        return ()
    given = {name for s in sentences for name in _western(s, first=True)}
    texts = [s.folded for s in sentences]
    for own in mine:
        called = (name.strip() for name in (fold(own), *names.called(own)))
        known = any(name in text for name in called for text in texts)
        if known or any(_same(own, name, names) for name in given):
            return ()
    left = [n for n in _western(sentences[best]) if not any(_same(n, own, names) for own in mine)]
    return mine if left else ()


def held(claim: Reading, sentences: Sequence[Reading], names: Names) -> frozenset[str]:
    """The words of a claim's names, folded, that the evidence has in the other language: their
    meaning says nothing."""
    spelt = names.of(claim.text) if not claim.han else ()
    found = {w for n in spelt if any(map(n.stands_in, sentences)) for w in fold(n.text).split()}
    given = {name for s in sentences for name in _western(s, first=True)}
    western = (n for n in _western(claim) if any(_same(n, other, names) for other in given))
    return frozenset(found | {fold(name) for name in western})


def _same(one: str, other: str, names: Names) -> bool:
    han, letters = (one, other) if _HAN.match(one) else (other, one)
    return bool(_HAN.match(han)) and not _HAN.match(letters) and names.same(han, letters)


def _western(reading: Reading, *, first: bool = False) -> tuple[str, ...]:
    """The transcribed names of a Chinese text, and those in letters of another; `first`: with words
    that may have their capital from beginning a sentence."""
    if not reading.han:
        listed = (n.lstrip("^") if first else n for n in reading.names)
        return tuple(n for n in listed if n[0].isupper() and n[1:].islower())
    return _transcribed(reading.text)


@lru_cache(maxsize=1024)
def _transcribed(text: str) -> tuple[str, ...]:
    tagged = rjieba.tag(text, True)
    return tuple(
        dict.fromkeys(fold(word) for word, tag in tagged if tag == "nrt" and len(word) > 1)
    )


def misplaced_across(
    claim: Reading, sentences: Sequence[Reading], names: Names
) -> tuple[str, str] | None:
    """A value of the claim beside one name where the evidence, in another language, says it of
    another, and the item that has it there: `rag.claims.items.misplaced` by names alone."""
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
