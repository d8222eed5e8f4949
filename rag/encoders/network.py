"""Networks that are converted once, kept with a checksum, and run.

Weights come in the form their package ships them in; onnxruntime wants a graph. `stored` keeps
what a conversion made, `Graph` writes one, `open_session` runs it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rag.storage.files import forget_abandoned, put

if TYPE_CHECKING:
    import onnx
    import onnxruntime

__all__ = ["Graph", "Rows", "open_session", "stored"]

OPSET = 18
IR_VERSION = 10  # the oldest that holds opset 18: readable by every onnxruntime since 1.18
EXTRA_OPS = "com.microsoft"  # onnxruntime's own operators, part of every build of it
SMOOTHING = 0.7  # how much of the unevenness goes into the weights; .6 and .75 are no closer
LEAST = np.float32(1e-6)
DIGEST_BYTES = hashlib.sha256().digest_size


def stored(path: Path, make: Callable[[], bytes]) -> NDArray[np.uint8]:
    """What `make` makes, memory-mapped from `path` where it is kept whole, else made and kept.

    The file is the SHA-256 of the content and then the content, so that one rename puts both in
    place: processes that start at once write the same bytes, and none reads half of them. A
    damaged file is made again. Where nothing can be written, the content stays in memory.
    """
    forget_abandoned(path.parent)
    if (kept := _whole(path)) is not None:
        return kept
    content = make()
    with contextlib.suppress(OSError):
        put(path, hashlib.sha256(content).digest() + content)
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


def open_session(model: NDArray[np.uint8], threads: int = 1) -> onnxruntime.InferenceSession:
    """The model, ready to run; several threads may run it at once.

    Args:
        model: the graph's bytes.
        threads: that share each run, the calling one among them.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Between two questions a core that waits for the next would be busy for nobody.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Texts of many lengths would each leave their own largest buffers in the arena.
    options.enable_cpu_mem_arena = False
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(model.tobytes(), options, providers=providers)
    # It keeps what it was given, as large as the weights, for changes of providers: none will come.
    vars(session)["_model_bytes"] = b""
    return session


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
        """`x @ weights.T + bias` in floats.

        Args:
            x: the name of a float tensor [..., in].
            weights: [out, in].
            bias: [out].
        """
        product = self.node("MatMul", x, self.constant(weights.T))
        return self.node("Add", product, self.constant(bias))

    def linear_in_8_bits(
        self,
        x: str,
        weights: NDArray[np.float32],
        bias: NDArray[np.float32],
        largest: NDArray[np.float32],
    ) -> str:
        """The same with weights and activations in 8 bits (SmoothQuant: Xiao et al. 2023).

        All activations of a call share a scale, so what has a few columns of large values is evened
        out first: each column is divided by what its weights are multiplied by.

        Args:
            x, weights, bias: as `linear` takes them.
            largest: [in], the largest absolute value that each column of x usually has.
        """
        columns = np.maximum(np.abs(weights).max(axis=0), LEAST)
        factors = np.maximum(largest, LEAST) ** SMOOTHING / columns ** (1 - SMOOTHING)
        factors /= np.exp(np.log(factors).mean())
        even = self.node("Mul", x, self.constant((1 / factors).astype(np.float32)))
        weights = weights * factors
        scales = np.maximum(np.abs(weights).max(axis=1), LEAST) / 127
        return self.node(
            "DynamicQuantizeMatMul",
            even,
            self.constant(np.rint(weights / scales[:, None]).astype(np.int8).T),
            self.constant(scales.astype(np.float32)),
            self.constant(np.zeros(len(weights), np.int8)),
            self.constant(bias),
            extra=True,
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
