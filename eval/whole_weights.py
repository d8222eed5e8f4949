"""All weights of the encoder's upper layers, learned, and kept as changes of low rank.

Learned from few texts they forget what the encoder knew: only a share of the way is kept, which
reads better than either end (weights averaged with those that it began from: Wortsman et al.,
"Robust fine-tuning of zero-shot models", 2022). Of each matrix's change the largest singular values
stay.

Needs torch (2.13), as `eval/lora.py` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from eval.lora import ALPHA, FROZEN, MATRICES, RANK, Network

__all__ = ["changes_of", "freed"]

KEPT = 32  # singular values of each matrix


class Whole(nn.Module):
    """A matrix that is learned as a whole. `base`: what it is in the encoder."""

    def __init__(self, linear: nn.Module) -> None:
        super().__init__()
        base, up, down, bias = linear.w, linear.up, linear.down, linear.b
        self.register_buffer("base", base.float())
        self.w = nn.Parameter((base.float() + up @ down * (ALPHA / RANK)).detach().clone())
        self.b = nn.Parameter(bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.w, self.b)


def freed(model: Network) -> dict[str, Tensor]:
    """Have all weights of the upper layers learned; the weights that it begins from."""
    for layer in model.layers[FROZEN:]:
        for name in MATRICES:
            setattr(layer, name, Whole(getattr(layer, name)))
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def changes_of(
    model: Network, start: Mapping[str, Tensor], share: float
) -> dict[str, NDArray[Any]]:
    """What is kept of `share` of the way from `start`, named as for `rag.encoders.e5.changed`."""
    kept: dict[str, Tensor] = {}
    for name, value in model.named_parameters():
        place, _, own = name.partition(".")
        number, _, own = own.partition(".") if place == "layers" else ("", "", own)
        if number and int(number) < FROZEN:
            continue
        mixed = torch.lerp(start[name], value.detach(), share)
        if place == "head":
            kept[f"head.{own[0]}"] = mixed  # weight, bias
        elif number and own.partition(".")[0] in MATRICES and own.endswith(".w"):
            matrix = own.removesuffix(".w")
            base = getattr(model.layers[int(number)], matrix).base
            left, sizes, right = torch.linalg.svd(mixed - base, full_matrices=False)
            roots = sizes[:KEPT].sqrt()
            kept[f"l{number}.{matrix}.up"] = left[:, :KEPT] * roots
            kept[f"l{number}.{matrix}.down"] = roots[:, None] * right[:KEPT]
        elif number:
            kept[f"l{number}.{own}"] = mixed
    return {name: value.numpy().astype(np.float16) for name, value in kept.items()}
