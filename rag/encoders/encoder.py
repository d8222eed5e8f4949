"""What an encoder is: texts to vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

__all__ = ["Encoder", "Encoders", "Progress", "Spans", "TokenEncoder", "Vector"]

Vector = NDArray[np.float32]
"""Rows of length 1."""

Progress = Callable[[int, int], None]
"""Called with the characters done and all characters."""

Spans = Callable[[str], Sequence[tuple[int, int]]]
"""Where each sentence of a text stands."""


class Encoder(Protocol):
    """Texts to vectors; may be called by several threads at once."""

    @property
    def name(self) -> str:
        """Weights, quantisation and version: equal names give equal vectors."""

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""

    @property
    def max_tokens(self) -> int:
        """What a text may hold, in `count_tokens`, to be seen as a whole."""

    def passages(self, texts: Sequence[str], on_progress: Progress | None = None) -> Vector:
        """The vectors [n, dimension] of texts that are to be found, in their order."""

    def query(self, text: str) -> Vector:
        """The vector [dimension] of a text to find others by."""

    def count_tokens(self, text: str) -> int:
        """Tokens of a text as the encoder counts them."""


@runtime_checkable
class TokenEncoder(Encoder, Protocol):
    """An encoder that tells tokens apart as well, in the same pass (`rag/encoders/late.py`)."""

    def read(
        self, texts: Sequence[str], spans: Spans, on_progress: Progress | None = None
    ) -> tuple[Vector, list[bytes]]:
        """The vectors [n, dimension] of texts, and the packed vectors of their tokens."""

    def query_tokens(self, text: str) -> Vector:
        """The token vectors [m, 128] of a text to find others by."""


@dataclass(frozen=True)
class Encoders:
    """The encoders of an index: `passage` finds passages, `sentence` compares sentences."""

    passage: Encoder
    sentence: Encoder
