"""Texts to an encoder in batches, and the rows that come back in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import numpy as np

from rag.encoders.encoder import Progress, Vector
from rag.errors import RagError

__all__ = ["checked", "encoded", "equal_lengths", "in_order"]


def equal_lengths(
    texts: Iterable[str], length: Callable[[str], int], budget: int
) -> Iterator[list[str]]:
    """Batches of texts with the same number of tokens, longest first, within a budget of tokens."""
    for tokens, group in groupby(sorted(texts, key=length, reverse=True), key=length):
        same = list(group)
        step = max(budget // tokens, 1)
        yield from (same[start : start + step] for start in range(0, len(same), step))


def in_order(
    texts: Sequence[str],
    dimension: int,
    found: Iterable[tuple[list[str], Vector]],
    on_progress: Progress | None,
) -> Vector:
    """Rows for all texts out of batches that hold each distinct text once."""
    row = {text: index for index, text in enumerate(dict.fromkeys(texts))}
    rows = np.empty((len(row), dimension), np.float32)
    done, total = 0, sum(map(len, row))
    for batch, vectors in found:
        rows[[row[text] for text in batch]] = checked(vectors)
        done += sum(map(len, batch))
        if on_progress:
            on_progress(done, total)
    return rows[[row[text] for text in texts]]


def encoded(
    encode: Callable[[list[str]], Vector], batches: list[list[str]], threads: int
) -> Iterator[tuple[list[str], Vector]]:
    """Each batch with its rows, in their order, by that many threads."""
    if threads == 1 or len(batches) < 2:
        yield from ((batch, encode(batch)) for batch in batches)
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="encode")
    try:
        yield from zip(batches, pool.map(encode, batches), strict=True)
    finally:  # also when the caller gives up half way: what has not begun is not done
        pool.shutdown(cancel_futures=True)


def checked(rows: Vector) -> Vector:
    """The same rows.

    Raises:
        RagError: one holds what is no number.
    """
    if not np.isfinite(rows).all():
        raise RagError(
            "An encoder made a vector that holds no numbers.",
            "Its converted weights may not suit this processor: please report this.",
        )
    return rows
