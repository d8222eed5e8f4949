"""Make the basis that `rag/encoders/late.py` brings token states to.

    python -m eval.train_late FOLDER [--write rag/encoders/late_basis.npz]

FOLDER holds files in SQuAD's format, as for `eval.bench_retrieval`. Nothing is learned from
questions and answers: the states are centred and rotated to their principal components, the first
128 are kept, each divided by the square root of its deviation (half of whitening: "all but the
top", Mu & Viswanath 2018, takes the top components out, this only quiets them). English and Chinese
count the same.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.bench_retrieval import Paragraph, paragraphs
from rag.config import Settings
from rag.encoders import late
from rag.encoders.bundled import PASSAGE, QUESTION
from rag.encoders.e5 import E5
from rag.fold import simplified

__all__ = ["basis", "main"]

Floats = NDArray[np.float32]
SEED = 20261122
PARAGRAPHS = 120  # of each file
TOKENS = 40_000
EXPONENT = 0.5


def basis(passages: Sequence[Floats], questions: Sequence[Floats]) -> dict[str, NDArray[Any]]:
    """The arrays of `late.BASIS` from token states [n, 384], one array for each language."""
    middle = _middle(passages)
    draw = np.random.default_rng(SEED)
    share = TOKENS // len(passages)
    sample = np.concatenate(
        [rows[draw.permutation(len(rows))[:share]] - middle for rows in passages]
    )
    _, values, directions = np.linalg.svd(sample, full_matrices=False)
    deviations = values / np.sqrt(len(sample))
    projection = (directions.T / deviations**EXPONENT)[:, : late.DIMENSION]
    return {
        "projection": projection.astype(np.float16),
        "passage": (middle @ projection).astype(np.float32),
        "question": (_middle(questions) @ projection).astype(np.float32),
    }


def _middle(groups: Sequence[Floats]) -> Floats:
    return np.asarray(np.mean([rows.mean(axis=0) for rows in groups], axis=0), np.float32)


def _states(encoder: E5, texts: Iterable[str], prefix: str) -> Floats:
    return np.concatenate([encoder.read(simplified(text), prefix).states for text in texts])


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", type=Path, default=late.BASIS)
    options = parser.parse_args(arguments)
    encoder = E5(Settings().models)
    texts: dict[str, list[Paragraph]] = {
        language: paragraphs(options.folder / f"xquad.{language}.json", language)[:PARAGRAPHS]
        for language in ("zh", "en")
    }
    made = basis(
        [_states(encoder, (one.text for one in group), PASSAGE) for group in texts.values()],
        [
            _states(encoder, (q for one in group for q in one.questions), QUESTION)
            for group in texts.values()
        ],
    )
    with options.write.open("wb") as file:
        np.savez(file, allow_pickle=False, **made)
    print(f"wrote {options.write}: {options.write.stat().st_size / 1e3:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
