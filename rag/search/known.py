"""What a retriever keeps in memory of an index that stays as it is.

How many passages a language has, the sample that stands for it, and what was last read of passages
to compare them with questions: people ask again about what they just asked about, and all of a
small folder fits. A change of the index is followed by making another `Known`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rag.catalog import Catalog, normalised_means
from rag.encoders import late
from rag.lexical import LanguageIndex, Lexical
from rag.schema import Passage
from rag.search.fusion import Text
from rag.storage.folders import made_anew
from rag.storage.recent import Recent

__all__ = ["Entry", "Known", "Parts"]

Vector = NDArray[np.float32]

BACKGROUND = 256
"""Passages that stand for a language; their mean and deviation err by 6% of it."""

TOKEN_BACKGROUND = 32
"""The same for comparing tokens, where a passage costs as much as 200 vectors."""

LANGUAGES = 64  # whose samples are kept
RECENT = 2_000  # passages whose words and vectors are kept: some 30 kB each
RECENT_PASSAGES = 500  # whose texts are kept, as they are shown
RECENT_TOKENS = 256  # passages whose tokens' vectors are kept: some 80 kB each, at most 260


@dataclass(frozen=True, slots=True)
class Entry:
    """A passage's words. `above`: those of its headings and of its essay's title."""

    text: Text
    above: frozenset[str]


@dataclass(frozen=True, slots=True)
class Parts:
    """A passage's vectors: of its parts [n, d], and of the whole [d], their normalised mean."""

    whole: Vector
    rows: Vector


class Known:
    """What is in memory of `catalog`, and of `lexical` beside it, as they are at one generation.

    Raises IndexBusy where the index is being made anew, or was meanwhile: all passages have other
    ids then, and those that are looked for are not gone.
    """

    def __init__(self, catalog: Catalog, lexical: Lexical, generation: int) -> None:
        self.generation = generation
        self._place = lexical.place()
        self._dimensions: Mapping[str, int] = catalog.encoders()
        self.languages: Mapping[str, int] = catalog.languages()
        self._catalog = catalog
        self._lexical = lexical
        self._indexes: Recent[str, LanguageIndex] = Recent(LANGUAGES)
        self._samples: Recent[str, list[int]] = Recent(LANGUAGES)
        self._backgrounds: Recent[tuple[str, str], Vector] = Recent(LANGUAGES)
        self._backdrops: Recent[tuple[str, str], tuple[list[int], late.Tokens]] = Recent(LANGUAGES)
        self._entries: Recent[int, Entry] = Recent(RECENT)
        self._parts: Mapping[str, Recent[int, Parts]] = defaultdict(lambda: Recent(RECENT))
        self._tokens: Recent[tuple[str, int], late.Tokens] = Recent(RECENT_TOKENS)
        self._passages: Recent[int, Passage] = Recent(RECENT_PASSAGES)

    def index(self, language: str) -> LanguageIndex:
        """A language's passages by their words."""
        return self._indexes.one(language, lambda: self._lexical.of(language))

    def passages(self, ids: Sequence[int]) -> list[Passage]:
        """These passages, in their order; those that are gone meanwhile are left out."""

        def read(missing: Sequence[int]) -> Mapping[int, Passage]:
            return {int(passage.id): passage for passage in self._catalog.passages(missing)}

        found = self._passages.get(ids, read)
        self.account_for(ids, found)
        return [found[unit] for unit in ids if unit in found]

    def sample(self, language: str) -> list[int]:
        """The ids of the passages that stand for a language."""
        return self._samples.one(language, lambda: self._catalog.sample(language, BACKGROUND))

    def background(self, encoder: str, language: str) -> Vector:
        """The vectors of a language's sample: [at most BACKGROUND, d].

        [0, d] of a language whose last passage left meanwhile.
        """

        def make() -> Vector:
            rows = self._catalog.passage_vectors(encoder, self.sample(language))[1]
            return rows if len(rows) else rows.reshape(0, self._dimensions.get(encoder, 0))

        return self._backgrounds.one((encoder, language), make)

    def backdrop(self, encoder: str, language: str) -> tuple[list[int], late.Tokens]:
        """The ids and the tokens of a language's sample, of fewer passages."""

        def make() -> tuple[list[int], late.Tokens]:
            sample = self.sample(language)[:TOKEN_BACKGROUND]
            packed = self._catalog.passage_tokens(encoder, sample)
            ids = [unit for unit in sample if unit in packed]
            return ids, late.settled(late.unpack([packed[unit] for unit in ids]))

        return self._backdrops.one((encoder, language), make)

    def entries(self, ids: Sequence[int]) -> dict[int, Entry]:
        """The words of these passages; those that are gone meanwhile are left out."""

        def read(missing: Sequence[int]) -> Mapping[int, Entry]:
            return {
                unit: Entry(Text.of(body), frozenset((*heading.split(), *title.split())))
                for unit, body, heading, title, _ in self._catalog.shown_words(missing)
            }

        found = self._entries.get(ids, read)
        self.account_for(ids, found)
        return found

    def parts(self, encoder: str, ids: Sequence[int]) -> dict[int, Parts]:
        """The vectors of these passages; those that have none are left out."""

        def read(missing: Sequence[int]) -> Mapping[int, Parts]:
            owners, rows = self._catalog.sentence_vectors(encoder, missing)
            edges = np.flatnonzero(np.diff(owners, prepend=-1, append=-1))
            wholes = normalised_means(rows, edges[:-1])
            return {  # copies: a view would keep all that was read with it in memory
                owner: Parts(whole.copy(), rows[start:end].copy())
                for owner, whole, (start, end) in zip(
                    owners[edges[:-1]].tolist(), wholes, pairwise(edges.tolist()), strict=True
                )
            }

        found = self._parts[encoder].get(ids, read)
        self.account_for(ids, found)
        return found

    def tokens(self, encoder: str, ids: Sequence[int]) -> dict[int, late.Tokens]:
        """The token vectors of these passages; those that have none are left out."""

        def read(missing: Sequence[tuple[str, int]]) -> Mapping[tuple[str, int], late.Tokens]:
            packed = self._catalog.passage_tokens(encoder, [unit for _, unit in missing])
            return {
                (encoder, unit): late.settled(late.unpack([blob])) for unit, blob in packed.items()
            }

        found = self._tokens.get([(encoder, unit) for unit in ids], read)
        return {unit: tokens for (_, unit), tokens in found.items()}

    def account_for(self, ids: Sequence[int], found: Mapping[int, object]) -> None:
        """Raise IndexBusy where passages are gone since the index was made anew."""
        if any(unit not in found for unit in ids) and self._lexical.place() != self._place:
            raise made_anew(self._place)
