"""Passages that stand for essays as a whole, for questions that no passage alone answers."""

from __future__ import annotations

from collections.abc import Sequence

from rag.catalog import Catalog
from rag.questions.about import About, says
from rag.schema import Hit, Passage

__all__ = ["LIKELY", "SURE", "meant", "one_each", "openings", "spread"]

TITLED = 0.6
"""What holds so much of the words that say which essay is meant is its title."""

SURE, LIKELY = 1.0, 0.5
"""The signal "whole" of passages that stand for an essay: it is the one that is meant, or it is the
nearest to what is asked."""

OPENING = 5  # the first fifth of an essay says what it is about
SHARE = 4  # of an essay's passages a fourth must be in a language to stand for it


def meant(
    about: About, catalog: Catalog, sources: Sequence[str] | None, found: Sequence[Hit]
) -> tuple[list[str], float]:
    """The sources of the essays that a question means, and `SURE` or `LIKELY`; none where it means
    none.

    Args:
        sources: the essays that are searched; None: all.
        found: the passages nearest to the question; the first one's essay is meant where the
            question speaks of an essay and not by its title.
    """
    titles = catalog.title_words()
    if sources is not None:
        titles = {source: titles[source] for source in sources if source in titles}
    if not about.topic:
        return list(titles), SURE
    shares = {
        source: len(words.intersection(about.topic)) / len(about.topic)
        for source, words in titles.items()
    }
    most = max(shares.values(), default=0.0)
    if most >= TITLED:
        return [source for source, share in shares.items() if share == most], SURE
    likely = found[:1] if about.named else []
    return [hit.passage.source for hit in likely], LIKELY


def one_each(hits: Sequence[Hit]) -> list[Hit]:
    """The hits with the best of each essay before all others."""
    best = {hit.passage.source: hit.passage.id for hit in reversed(hits)}
    return sorted(hits, key=lambda hit: best[hit.passage.source] != hit.passage.id)


def openings(catalog: Catalog, sources: Sequence[str], k: int, sure: float) -> list[Hit]:
    """The first two passages (a title may be one) of each of these essays, at most `k` in all."""
    told = _distinct(catalog, sources, k)
    each = min(2, max(k // max(len(told), 1), 1))
    chosen = [(source, catalog.outline(source)[:each]) for source in told]
    return _hits(catalog, chosen, sure)


def spread(
    catalog: Catalog, encoder: str, sources: Sequence[str], k: int, language: str, sure: float
) -> list[Hit]:
    """At most `k` passages, in order, that between them stand for the whole of these essays.

    Each essay is cut into as many stretches as passages are its share, and each stretch gives the
    one nearest to the essay's mean vector (a centroid as in MEAD: Radev et al. 2004); where an
    essay gives one passage, the first fifth of it, which says what it is about, or its own summary.
    Of an essay in two languages it is that of the question, `language`.
    """
    told = _distinct(catalog, sources, k)
    each = max(k // max(len(told), 1), 1)
    chosen = [(one, _central(catalog, encoder, one, each, language)) for one in told]
    return _hits(catalog, chosen, sure)


def _distinct(catalog: Catalog, sources: Sequence[str], k: int) -> list[str]:
    """The first `k` of these essays that are no copies of one before them."""
    told: dict[tuple[int, ...], str] = {}
    for source in sources:
        if len(told) >= k:
            break
        told.setdefault(tuple(catalog.outline(source)), source)
    return list(told.values())


def _central(
    catalog: Catalog, encoder: str, source: str, count: int, language: str
) -> Sequence[int]:
    outline = catalog.outline(source)
    if any(map(_sums_up, catalog.passages(outline[:1]))):
        return [*outline[:1], *_nearest(catalog, encoder, outline[1:], count - 1)]
    told = set(catalog.selection([source], language).tolist())
    ids = [unit for unit in outline if unit in told]
    return _nearest(catalog, encoder, ids if len(ids) * SHARE >= len(outline) else outline, count)


def _sums_up(passage: Passage) -> bool:
    return any(says("gist", line) for line in passage.text.splitlines())


def _nearest(catalog: Catalog, encoder: str, outline: Sequence[int], count: int) -> list[int]:
    """Of each of `count` stretches of the passages the one nearest to the mean of all."""
    owners, vectors = catalog.passage_vectors(encoder, outline)
    if count < 1 or not len(owners):
        return []
    near = dict(zip(owners.tolist(), vectors @ vectors.mean(axis=0), strict=True))
    ids = [unit for unit in outline if unit in near]
    size = -(-len(ids) // min(count if count > 1 else OPENING, len(ids)))
    stretches = [ids[at : at + size] for at in range(0, len(ids), size)]
    return [max(stretch, key=near.__getitem__) for stretch in stretches[:count]]


def _hits(catalog: Catalog, chosen: Sequence[tuple[str, Sequence[int]]], sure: float) -> list[Hit]:
    hits: dict[str, Hit] = {}
    for source, ids in chosen:
        for passage in catalog.passages(list(ids), [source]):
            hits.setdefault(passage.id, Hit(passage, sure, {"whole": sure}))
    return list(hits.values())
