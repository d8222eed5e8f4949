"""Conditional logit (McFadden 1974): which of a question's candidates answers it.

The probability that a candidate is the answering one is the softmax over all candidates' scores, an
answer's being the sum over all that answer. Scores come from a linear model or a small network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.search.fusion import Network, below_best

__all__ = ["Block", "fit_linear", "fit_network"]

Floats = NDArray[np.float64]

SEED = 20261123
STEPS, NETWORK_STEPS = 300, 150
HIDDEN = 8
RIDGE = 1e-4  # per mean question; keeps weights of features that say the same from running off
NETWORK_RIDGE = 1.5e-2
"""The same of what is not linear. Less finds more across languages and less in the seed essays:
held out, `docs/decisions/0008-fusion.md`."""


@dataclass(frozen=True)
class Block:
    """Candidates [n, f] of some questions, one question after the other; each question's first row;
    which of them answer [n]; and what one of these questions counts."""

    features: Floats
    starts: NDArray[np.int64]
    gold: NDArray[np.bool_]
    weight: float = 1.0


Slope = Callable[[Floats], tuple[float, Floats]]


def _loss(block: Block, share: float) -> Slope:
    """Scores [n] → the loss, `share` for each question, and its slope by the scores."""
    sizes = np.diff(np.append(block.starts, len(block.gold)))

    def loss(scores: Floats) -> tuple[float, Floats]:
        highest = np.maximum.reduceat(scores, block.starts)
        mass = np.exp(scores - np.repeat(highest, sizes))
        right = np.where(block.gold, mass, 0.0)
        everything = np.add.reduceat(mass, block.starts)
        answering = np.maximum(np.add.reduceat(right, block.starts), 1e-300)
        slope = mass / np.repeat(everything, sizes) - right / np.repeat(answering, sizes)
        return share * float(np.log(everything / answering).sum()), share * slope

    return loss


def _shared(blocks: Iterable[Block]) -> list[tuple[Block, float]]:
    """The blocks that hold a question, each with what one of its questions counts of all."""
    kept = [block for block in blocks if len(block.starts)]
    total = sum(len(block.starts) * block.weight for block in kept)
    return [(block, block.weight / total) for block in kept]


def _minimum(slope: Slope, start: Floats, steps: int) -> Floats:
    from scipy.optimize import minimize

    found = minimize(slope, start, jac=True, method="L-BFGS-B", options={"maxiter": steps})
    return np.asarray(found.x, np.float64)


def fit_linear(blocks: Iterable[Block]) -> Floats:
    """The weights [f] that make the answering candidates most likely, by L-BFGS."""
    parts = [(block.features, _loss(block, share)) for block, share in _shared(blocks)]

    def slope(weights: Floats) -> tuple[float, Floats]:
        value, down = RIDGE / 2 * float(weights @ weights), RIDGE * weights
        for features, loss in parts:
            off, by_score = loss(features @ weights)
            value, down = value + off, down + by_score @ features
        return value, down

    return _minimum(slope, np.zeros(parts[0][0].shape[1]), STEPS)


def fit_network(blocks: Iterable[Block]) -> Network:
    """The network over inputs [f] that makes the answering candidates most likely, by L-BFGS."""
    shared = _shared(blocks)
    columns = [below_best(block.features, block.starts) for block, _ in shared]
    mean, deviation = _levels(columns)
    parts = [
        (((rows - mean) / deviation).astype(np.float32), _loss(block, share))
        for rows, (block, share) in zip(columns, shared, strict=True)
    ]
    shape = _Shape(len(mean))

    def slope(numbers: Floats) -> tuple[float, Floats]:
        network = shape.network(numbers)
        down = shape.ridge * numbers
        value = float(down @ numbers) / 2
        for rows, loss in parts:
            off, by_score = loss(network.score(rows))
            value, down = value + off, down + shape.slope(network, rows, by_score)
        return value, down

    found = shape.network(_minimum(slope, shape.start(), NETWORK_STEPS))
    inner = found.inner / deviation[:, None]
    return Network(
        linear=found.linear / deviation,
        inner=inner,
        bias=found.bias - mean @ inner,
        outer=found.outer,
    )


def _levels(columns: Sequence[Floats]) -> tuple[Floats, Floats]:
    rows = np.concatenate(columns)
    return rows.mean(axis=0), rows.std(axis=0) + 1e-6


@dataclass(frozen=True)
class _Shape:
    """A network over `width` columns, as one row of numbers."""

    width: int

    def network(self, numbers: Floats) -> Network:
        ends = np.cumsum([self.width, self.width * HIDDEN, HIDDEN])
        linear, inner, bias, outer = np.split(numbers, ends)
        return Network(linear, inner.reshape(self.width, HIDDEN), bias, outer)

    def start(self) -> Floats:
        chance = np.random.default_rng(SEED)
        inner = chance.normal(0.0, 0.3, self.width * HIDDEN)
        outer = chance.normal(0.0, 0.1, HIDDEN)
        return np.concatenate([np.zeros(self.width), inner, np.zeros(HIDDEN), outer])

    @property
    def ridge(self) -> Floats:
        rest = (self.width + 2) * HIDDEN
        return np.concatenate([np.full(self.width, RIDGE), np.full(rest, NETWORK_RIDGE)])

    def slope(self, network: Network, rows: NDArray[np.float32], by_score: Floats) -> Floats:
        """The slope by the numbers, from that by the scores of `rows`."""
        inside = np.tanh(rows @ network.inner + network.bias)
        before = by_score[:, None] * network.outer * (1 - inside**2)
        parts = (rows.T @ by_score, (rows.T @ before).ravel(), before.sum(0), by_score @ inside)
        return np.concatenate(parts)
