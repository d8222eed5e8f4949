"""A question's vector, moved to where the sentences are that answer it.

An encoder of sentences puts a question near sentences that look like it. A small network, learned
from questions and the sentences that answer them (`eval/train_toward.py`), says by how much the
vector has to change; vectors of sentences stay what they are.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["TOWARD", "toward"]

Vector = NDArray[np.float32]

TOWARD = Path(__file__).with_name("toward.npz")
"""The matrices "in" [d, m] and "out" [m, d], and what is added before each: "in.b", "out.b"."""


def toward(path: Path = TOWARD) -> Callable[[Vector], Vector]:
    """What moves a question's vector [d] of length 1; the result has length 1 as well.

    One hidden layer and what came in added to what comes out (He et al., "Deep Residual Learning
    for Image Recognition", 2016). Raises OSError where there is no such file.
    """
    with np.load(path, allow_pickle=False) as kept:
        first, second = (kept[name].astype(np.float32) for name in ("in", "out"))
        before, after = (kept[name].astype(np.float32) for name in ("in.b", "out.b"))

    def moved(vector: Vector) -> Vector:
        found: Vector = vector + np.maximum(vector @ first + before, 0) @ second + after
        return found / np.linalg.norm(found)

    return moved
