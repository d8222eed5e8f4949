"""Make the file that says how large the values are that go into the encoder's matrices.

    python -m eval.train_activations [--write rag/encoders/e5_activations.npz]

`rag/encoders/e5.py` needs it to put them in 8 bits: column by column the largest absolute value
over the beginnings of some essays of `eval/practice`, read as passages by the network in floats.
Another file makes another encoder: `rag.encoders.e5.VERSION` goes up with it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.config import Settings
from rag.encoders.bundled import PASSAGE
from rag.encoders.e5 import ACTIVATIONS, BEGIN, E5, END, LAYERS, WIDTH, WeightFile, network
from rag.encoders.network import Graph, open_session
from rag.fold import simplified

__all__ = ["largest", "main"]

Floats = NDArray[np.float32]

PRACTICE = Path(__file__).with_name("practice")
EVERY = 16  # essays
TOKENS = 300  # of each
PARTS = ("q", "fi")


class Watched(Graph):
    """Writes the network in floats and remembers what goes into matrices with more rows than
    columns: into attention and into the inner layer."""

    def __init__(self) -> None:
        super().__init__()
        self.inputs: list[str] = []

    def linear(self, x: str, weights: Floats, bias: Floats) -> str:
        if len(weights) > WIDTH:
            self.inputs.append(x)
        return super().linear(x, weights, bias)

    def linear_in_8_bits(self, x: str, weights: Floats, bias: Floats, _: Floats) -> str:
        return self.linear(x, weights, bias)


def largest(texts: Sequence[str], encoder: E5) -> dict[str, Floats]:
    """By the name of a matrix, the largest value of each of its columns [384] over these texts."""
    import onnx

    graph = Watched()
    model = onnx.load_from_string(network(WeightFile.find(), graph=graph))
    for name in graph.inputs:
        output = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
        model.graph.output.append(output)
    session = open_session(np.frombuffer(model.SerializeToString(), np.uint8))
    names = [f"l{layer}.{part}" for layer in range(LAYERS) for part in PARTS]
    found: dict[str, Floats] = {}
    for text in texts:
        ids = encoder.tokens(PASSAGE + simplified(text))[:TOKENS]
        rows = encoder.rows([BEGIN, *ids, END])[None]
        for name, values in zip(names, session.run(graph.inputs, {"rows": rows}), strict=True):
            seen = np.abs(values[0]).max(axis=0)
            found[name] = np.maximum(found[name], seen) if name in found else seen
    return found


def _texts() -> Iterator[str]:
    for path in sorted(PRACTICE.glob("*/*.md"))[::EVERY]:
        yield path.read_text("utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", type=Path, default=ACTIVATIONS)
    options = parser.parse_args(arguments)
    texts = list(_texts())
    made = {
        name: values.astype(np.float16)
        for name, values in largest(texts, E5(Settings().models)).items()
    }
    with options.write.open("wb") as file:
        np.savez(file, allow_pickle=False, **made)
    print(f"wrote {options.write} from {len(texts)} essays")
    return 0


if __name__ == "__main__":
    sys.exit(main())
