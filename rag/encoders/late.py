"""Late interaction: a question's tokens against the tokens of passages and of their sentences.

A passage's vector says what it is about; its tokens' vectors say what stands where. They come out
of the same pass through the passage encoder and cost no other. Each token of the question looks for
its nearest token in a sentence, and the mean of the cosines is the sentence's score (MaxSim:
Khattab & Zaharia, "ColBERT", 2020), where tokens count by their length: rare words more. Token
states are centred and brought to 128 half-whitened principal components (`eval/train_late.py` makes
them), 4 bits each, 66 bytes a token.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BASIS",
    "DIMENSION",
    "Tokens",
    "asked",
    "joined",
    "match",
    "match_best",
    "pack",
    "settled",
    "unpack",
]

Vector = NDArray[np.float32]
Ids = NDArray[np.int64]

BASIS = Path(__file__).with_name("late_basis.npz")
"""`projection` [384, 128], `passage` and `question` [128]: what the mean token of each becomes."""

DIMENSION = 128
_HALF = DIMENSION // 2
_MOST = 7  # of four bits with a sign
_TOKEN = np.dtype([("scale", "<f2"), ("halves", "u1", _HALF)])
_COUNT = np.dtype("<u2")


@dataclass(frozen=True)
class Tokens:
    """Token vectors of some texts, one text after the other.

    `rows` [n, 128] have length 1, nearly. `counts[t][s]` is how many of them are in sentence s of
    text t.
    """

    rows: Vector
    counts: tuple[tuple[int, ...], ...]

    @cached_property
    def layout(self) -> _Layout:
        """Where sentences and texts begin."""
        sizes = np.fromiter(chain.from_iterable(self.counts), np.int64)
        filled = np.flatnonzero(sizes)
        owners = np.repeat(np.arange(len(self.counts)), [len(own) for own in self.counts])[filled]
        firsts = np.flatnonzero(owners != np.concatenate(([-1], owners[:-1])))
        starts = (np.cumsum(sizes) - sizes)[filled]
        return _Layout(len(sizes), filled, starts, owners[firsts], firsts)


@dataclass(frozen=True)
class _Layout:
    """Of `sentences` in all texts those that have tokens are `filled`, their tokens begin at
    `starts`; of the texts those that have tokens are `texts`, their sentences begin at `firsts` of
    the filled ones."""

    sentences: int
    filled: Ids
    starts: Ids
    texts: Ids
    firsts: Ids


def pack(states: Vector, sentences: Sequence[int], count: int) -> bytes:
    """The token vectors of one text, as they are stored.

    Args:
        states: [n, 384], the encoder's last layer.
        sentences: [n], the sentence each token stands in, ascending; −1: in none.
        count: of the text's sentences.
    """
    places = np.asarray(sentences, np.int64)
    inside = places >= 0
    rows = states[inside] @ _basis()["projection"] - _basis()["passage"]
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    packed = np.empty(len(rows), _TOKEN)
    largest = np.maximum(np.abs(rows).max(axis=1, initial=0.0), 1e-12)
    levels = (np.rint(rows / largest[:, None] * _MOST) + 8).astype(np.uint8)
    packed["scale"] = largest / _MOST
    packed["halves"] = levels[:, :_HALF] | levels[:, _HALF:] << 4
    counts = np.bincount(places[inside], minlength=count)
    return b"".join((np.array([count, *counts], _COUNT).tobytes(), packed.tobytes()))


def unpack(blobs: Sequence[bytes]) -> Tokens:
    """What `pack` made of several texts."""
    counts, bodies = [], []
    for blob in blobs:
        (count,) = np.frombuffer(blob, _COUNT, 1)
        start = _COUNT.itemsize * (1 + int(count))
        counts.append(tuple(np.frombuffer(blob, _COUNT, count, _COUNT.itemsize).tolist()))
        bodies.append(blob[start:])
    packed = np.frombuffer(b"".join(bodies), _TOKEN)
    rows = np.empty((len(packed), DIMENSION), np.float32)
    low, high = _levels()
    rows[:, :_HALF] = low[packed["halves"]]
    rows[:, _HALF:] = high[packed["halves"]]
    rows *= packed["scale"].astype(np.float32)[:, None]
    return Tokens(rows, tuple(counts))


def joined(several: Iterable[Tokens]) -> Tokens:
    """All texts of several, one after the other."""
    parts = list(several)
    counts = tuple(count for part in parts for count in part.counts)
    none = np.empty((0, DIMENSION), np.float32)
    return Tokens(np.concatenate([part.rows for part in parts] or [none]), counts)


def settled(tokens: Tokens) -> Tokens:
    """The same, laid out so that `match` takes half the time: for what is matched again and
    again."""
    return Tokens(np.asfortranarray(tokens.rows), tokens.counts)


def asked(states: Vector) -> Vector:
    """The token vectors [m, 128] of a question. Their lengths are what each counts, and add up to
    1."""
    rows: Vector = states @ _basis()["projection"] - _basis()["question"]
    total = np.linalg.norm(rows, axis=1).sum()
    return np.asarray(rows / max(total, 1e-12), np.float32)


def match(question: Vector, tokens: Tokens) -> tuple[Vector, list[Vector]]:
    """How well texts, and their sentences, hold what a question's tokens look for.

    Args:
        question: [m, 128], from `asked`.
        tokens: of t texts.

    Returns:
        For each text its score [t], and the scores of its sentences: the weighted mean of the
        cosines, −1 … 1. A text or sentence without a token has the lowest score of all.
    """
    layout = tokens.layout
    whole = np.zeros(len(tokens.counts), np.float32)
    parts = np.zeros(layout.sentences, np.float32)
    if len(layout.filled) and len(question):
        found = _nearest(question, tokens)
        scores = found.sum(axis=0)
        whole[:] = parts[:] = scores.min()
        whole[layout.texts] = np.maximum.reduceat(found, layout.firsts, axis=1).sum(axis=0)
        parts[layout.filled] = scores
    edges = np.cumsum([0, *map(len, tokens.counts)]).tolist()
    return whole, [parts[start:end] for start, end in pairwise(edges)]


def match_best(question: Vector, tokens: Tokens) -> Vector:
    """The score of each text's best sentence, [t]; arguments as `match` takes them."""
    layout = tokens.layout
    best = np.zeros(len(tokens.counts), np.float32)
    if len(layout.filled) and len(question):
        scores = _nearest(question, tokens).sum(axis=0)
        best[:] = scores.min()
        best[layout.texts] = np.maximum.reduceat(scores, layout.firsts)
    return best


def _nearest(question: Vector, tokens: Tokens) -> Vector:
    """By token of the question and sentence that has tokens, the cosine of the nearest one."""
    return np.asarray(np.maximum.reduceat(question @ tokens.rows.T, tokens.layout.starts, axis=1))


@cache
def _basis() -> dict[str, Vector]:
    with np.load(BASIS) as kept:
        return {name: kept[name].astype(np.float32) for name in kept.files}


@cache
def _levels() -> tuple[Vector, Vector]:
    """The value of the low and of the high four bits of each byte, in units of the scale."""
    byte = np.arange(256)
    return (byte & 15).astype(np.float32) - 8, (byte >> 4).astype(np.float32) - 8
