"""A claim or a sentence of its evidence, taken apart once for all that compare them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

from rag.claims.contrast import GRANTED, denials, negations, sides, takebacks
from rag.claims.names import latin_names
from rag.claims.narrator import NARRATOR
from rag.fold import content_words, fold, words
from rag.values.quantities import Quantity, quantities

__all__ = ["FUNCTION_HAN", "HAN_CHAR", "Reading", "Token", "bases", "joined", "read", "words_of"]

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN = re.compile(rf"[{_HAN}]|\d+(?:[.,]\d+)*|[^\W_{_HAN}]+(?:[-.'’_&]?[^\W_{_HAN}]+)*")
HAN_CHAR = re.compile(f"[{_HAN}]")
FUNCTION_HAN = frozenset(
    "的了和是在有我你他她它们这那个与及或而但因所以如则就都也又还再才只很最更太把被让使给对于从到向为由用按"
    "一上下中里内外后前时会能可要之其此该各每某等着过地得么什吗呢吧啊呀将并且已曾于"
)
_TELLER = "=I"  # whoever tells: I, the author


@dataclass(frozen=True, slots=True)
class Token:
    """A Han character or a stemmed Latin word, with its weight in coverage."""

    word: str
    weight: float
    start: int
    end: int

    @property
    def han(self) -> bool:
        return bool(HAN_CHAR.match(self.word))

    @property
    def latin(self) -> bool:
        """A word of an alphabet: neither a Han character nor a value."""
        return self.word[0] != "=" and not self.han


@dataclass(frozen=True)
class Reading:
    """A text taken apart once: folded, cut into tokens, its values, names and turning words.

    `placed`: where each value stands in `folded`.
    """

    text: str
    folded: str
    tokens: tuple[Token, ...]
    values: tuple[Quantity, ...]
    names: tuple[str, ...]
    placed: tuple[tuple[int, int], ...] = ()

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        return frozenset(token.word for token in self.tokens)

    @cached_property
    def pairs(self) -> frozenset[tuple[str, str]]:
        listed = [token.word for token in self.tokens]
        return frozenset(pairwise(listed))

    @cached_property
    def weight(self) -> float:
        return sum(token.weight for token in self.tokens)

    @cached_property
    def han(self) -> bool:
        """Whether the text is written in Han characters more than in an alphabet."""
        count = sum(token.han for token in self.tokens)
        return count > 0 and count / 2 >= sum(token.latin for token in self.tokens)

    @cached_property
    def content(self) -> tuple[str, ...]:
        """Its words that say something, as they stand: no small words, no word inside another."""
        latin = [self.folded[t.start : t.end] for t in self.tokens if t.latin and t.weight >= 0.5]
        runs = self._runs()
        han = [word for run in runs for word in _whole_words(run)]
        return tuple(dict.fromkeys([*latin, *han]))

    def _runs(self) -> list[str]:
        """The stretches of Han characters between values and other scripts."""
        runs: list[str] = []
        end = -1
        for token in self.tokens:
            if token.han:
                if token.start == end:
                    runs[-1] += token.word
                else:
                    runs.append(token.word)
                end = token.end
        return runs

    @cached_property
    def denies(self) -> bool:
        """Whether something in it is denied."""
        return next(negations(self.folded), None) is not None

    @cached_property
    def denials(self) -> tuple[tuple[int, int], ...]:
        """Where what follows is denied, in the folded text."""
        return tuple(denials(self.folded))

    @cached_property
    def takebacks(self) -> tuple[tuple[int, int], ...]:
        """Where what stands before is denied."""
        return tuple(takebacks(self.folded))

    @cached_property
    def turned(self) -> tuple[tuple[int, int], ...]:
        """Places (pair, side) of `contrast.sides` that the text has words for."""
        found: list[tuple[int, int]] = []
        for word in self.opposites():
            found.extend(sides()[word])
        return tuple(found)

    def opposites(self) -> list[str]:
        table = sides()
        granted = [found.span() for found in GRANTED.finditer(self.folded)]
        surface = {
            self.folded[t.start : t.end]
            for t in self.tokens
            if t.latin and not any(start <= t.start < end for start, end in granted)
        }
        inflected = surface | {base for word in surface for base in bases(word)}
        found = [word for word in inflected if word in table]
        if any(token.han for token in self.tokens):
            found += [word for word in table if word in self.folded and HAN_CHAR.match(word)]
        return found


@lru_cache(maxsize=4096)
def read(text: str) -> Reading:
    """The text taken apart; kept for the next claim against the same evidence."""
    values = tuple(quantities(text))
    folded, tokens, at = "", list[Token](), 0
    placed: list[tuple[int, int]] = []
    for value in (*values, None):
        end = value.start if value else len(text)
        between = fold(text[at:end])
        tokens += _tokens(between, len(folded))
        folded += between
        if value is None:
            break
        surface = fold(text[value.start : value.end])
        tokens += _value_tokens(value, surface, len(folded))
        placed.append((len(folded), len(folded) + len(surface)))
        folded, at = folded + surface, value.end
    names = latin_names(text, [(value.start, value.end) for value in values])
    return Reading(text, folded, tuple(tokens), values, tuple(names), tuple(placed))


def _tokens(folded: str, offset: int) -> list[Token]:
    out, at = list[Token](), 0
    for told in (*NARRATOR.finditer(folded), None):
        for match in _TOKEN.finditer(folded, at, told.start() if told else len(folded)):
            word, weight = _weigh(match.group())
            out.append(Token(word, weight, match.start() + offset, match.end() + offset))
        if told:
            out.append(Token(_TELLER, 0.1, told.start() + offset, told.end() + offset))
            at = told.end()
    return out


def _value_tokens(value: Quantity, surface: str, offset: int) -> list[Token]:
    """A value as one word, the same however it is written; a date as its year, month and day."""
    if value.weak:
        return _tokens(surface, offset)
    keys = [f"={value.value}"]
    if value.kind == "date":
        keys = [f"={part}{name}" for part, name in zip(value.date, "-md", strict=True) if part]
        if value.date[0] and len(keys) == 1:
            keys = [f"={value.date[0]}"]
        keys = [key.rstrip("-") for key in keys]
    elif value.kind != "number":
        keys = [f"={value.value} {value.kind}"]
    end = offset + len(surface)
    return [Token(key, 1.5 if len(keys) == 1 else 1.0, offset, end) for key in keys]


@lru_cache(maxsize=1 << 16)
def _weigh(token: str) -> tuple[str, float]:
    """Word and weight. A Han character is half a word; small words hardly count."""
    if HAN_CHAR.match(token):
        return token, 0.05 if token in FUNCTION_HAN else 0.5
    if token[0].isdigit():
        return token.replace(",", ""), 1.5
    stems = words(token)
    if not stems:
        return token, 0.1
    return stems[0], (1.0 if len(token) > 3 else 0.7) if content_words(token) else 0.1


@lru_cache(maxsize=1 << 14)
def _whole_words(run: str) -> tuple[str, ...]:
    listed = [word for word in content_words(run) if len(word) > 1]
    return tuple(w for w in listed if not any(w != other and w in other for other in listed))


def bases(word: str) -> list[str]:
    """Likely base forms of an English word, for looking it up in the list of opposites."""
    out = []
    for ending, instead in (
        ("ies", "y"), ("es", ""), ("s", ""), ("ied", "y"), ("ed", ""), ("ed", "e"), ("d", ""),
        ("ing", ""), ("ing", "e"), ("er", ""), ("ers", ""), ("ation", "e"), ("ion", ""),
        ("ment", ""),
    ):  # fmt: skip
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            base = word[: -len(ending)] + instead
            out.append(base)
            if len(base) > 3 and base[-1] == base[-2]:
                out.append(base[:-1])
    return out


@lru_cache(maxsize=512)
def _merged(texts: tuple[str, ...]) -> Reading:
    return read("\n".join(texts))


def joined(sentences: Sequence[Reading]) -> Reading:
    return sentences[0] if len(sentences) == 1 else _merged(tuple(s.text for s in sentences))


def words_of(reading: Reading, tokens: Sequence[Token]) -> str:
    return reading.folded[tokens[0].start : tokens[-1].end] if tokens else ""
