"""The passage encoder with changes of low rank that can be learned.

Each matrix of the upper layers gets a change of rank 16 (LoRA: Hu et al., 2022), and their vectors
are free; all else stays. `rag.encoders.e5.changed` makes a network of what `changes` keeps.

Needs torch (2.13), which is not among the locked requirements: on Linux its usual build brings
gigabytes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from rag.encoders.e5 import HEADS, INNER, LAYERS, PAD, WIDTH, WeightFile

__all__ = ["Network", "batches", "changes", "learn", "padded", "rank_of", "restore"]

Item = TypeVar("Item")

FROZEN = 4  # layers that stay as they are: words are words
RANK, ALPHA, DROPOUT = 16, 32, 0.1
WARM = 0.06  # the share of training in which the rate rises
POOL = 20  # batches that are sorted by length together
# without its own instructions bfloat16 is many times slower than floats
NUMBERS = torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32
MATRICES = ("q", "k", "v", "ao", "fi", "fo")


class Linear(nn.Module):
    """A frozen matrix and its change of low rank."""

    def __init__(self, weights: np.ndarray, bias: np.ndarray, rank: int) -> None:
        super().__init__()
        out, width = weights.shape
        self.register_buffer("w", torch.from_numpy(weights).to(NUMBERS))
        self.b = nn.Parameter(torch.from_numpy(bias.copy()))
        self.down = nn.Parameter(torch.randn(rank, width) / width**0.5)
        self.up = nn.Parameter(torch.zeros(out, rank))

    def forward(self, x: Tensor) -> Tensor:
        x = x.to(NUMBERS)
        low = functional.linear(x, self.down.to(x.dtype))
        change = functional.linear(low, self.up.to(x.dtype)) * (ALPHA / RANK)
        return functional.linear(x, self.w, self.b.to(x.dtype)) + change


class Norm(nn.Module):
    def __init__(self, file: WeightFile, name: str) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.from_numpy(file.vector(f"{name}.w").copy()))
        self.b = nn.Parameter(torch.from_numpy(file.vector(f"{name}.b").copy()))

    def forward(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x.float(), (WIDTH,), self.w, self.b, 1e-12)


class Layer(nn.Module):
    def __init__(self, file: WeightFile, n: int, rank: int) -> None:
        super().__init__()
        for name in MATRICES:
            columns = INNER if name == "fo" else WIDTH
            key = f"l{n}.{name}"
            matrix, bias = file.matrix(f"{key}.w", columns), file.vector(f"{key}.b")
            self.add_module(name, Linear(matrix, bias, rank))
        self.aln, self.oln = Norm(file, f"l{n}.aln"), Norm(file, f"l{n}.oln")

    def thin(self, x: Tensor) -> Tensor:
        """Dropout, the same for all tokens of a text: one random number for each token costs more
        than the matrices."""
        if not self.training or not self.q.b.requires_grad:
            return x
        return x * functional.dropout(torch.ones(len(x), 1, x.shape[2]), DROPOUT)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        rows, length, _ = x.shape

        def heads(y: Tensor) -> Tensor:
            return y.view(rows, length, HEADS, -1).transpose(1, 2)

        # by hand: on a processor the ready-made one is three times slower on the way back
        likeness = heads(self.q(x)) @ heads(self.k(x)).transpose(2, 3) * (WIDTH // HEADS) ** -0.5
        seen = torch.softmax(likeness + mask, dim=-1) @ heads(self.v(x))
        seen = self.ao(seen.transpose(1, 2).reshape(rows, length, WIDTH)).float()
        x = self.aln(x + self.thin(seen))
        inner = self.fo(functional.gelu(self.fi(x))).float()
        return self.oln(x + self.thin(inner))


class Network(nn.Module):
    """The encoder with its changes: from tokens [texts, n] to states [texts, n, 384]. With `head`,
    that many numbers for each token instead."""

    def __init__(self, file: WeightFile, head: int = 0, rank: int = RANK) -> None:
        super().__init__()
        words = torch.from_numpy(file.matrix("emb.word", WIDTH)).to(NUMBERS)
        self.register_buffer("words", words)
        place = file.vector("emb.pos").reshape(-1, WIDTH) + file.vector("emb.type")[:WIDTH]
        self.register_buffer("places", torch.from_numpy(place))
        self.norm = Norm(file, "emb.ln")
        self.layers = nn.ModuleList(Layer(file, n, rank) for n in range(LAYERS))
        self.head = nn.Linear(WIDTH, head) if head else None
        if self.head is not None:
            nn.init.normal_(self.head.weight, std=0.02)
            nn.init.zeros_(self.head.bias)
        for part in (self.norm, *self.layers[:FROZEN]):
            part.requires_grad_(False)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        x = self.norm(self.words[ids].float() + self.places[: ids.shape[1]])
        there = torch.arange(ids.shape[1]) < lengths[:, None]
        mask = torch.zeros(there.shape, dtype=NUMBERS).masked_fill(~there, -1e4)
        with torch.no_grad():
            for layer in self.layers[:FROZEN]:
                x = layer(x, mask[:, None, None])
        for layer in self.layers[FROZEN:]:
            x = layer(x, mask[:, None, None])
        return x if self.head is None else self.head(x)


def padded(texts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Tokens [texts, n] and how many each text has."""
    longest = -(-max(map(len, texts)) // 16) * 16  # few shapes: each is prepared once
    ids = torch.full((len(texts), longest), PAD, dtype=torch.long)
    for row, text in zip(ids, texts, strict=True):
        row[: len(text)] = torch.tensor(text)
    return ids, torch.tensor([len(text) for text in texts])


def batches(
    items: list[Item], size: int, length: Callable[[Item], int], chance: random.Random
) -> list[list[Item]]:
    """All items in random groups of about the same length."""
    chance.shuffle(items)
    made = []
    for k in range(0, len(items), POOL * size):
        pool = sorted(items[k : k + POOL * size], key=length)
        made += [pool[j : j + size] for j in range(0, len(pool), size)]
    chance.shuffle(made)
    return made


def learn(
    model: Network,
    rounds: Iterable[tuple[float, Any]],
    loss_of: Callable[[Any], Tensor],
    rate: float,
) -> None:
    """Go down `loss_of` each group that `rounds` gives with the share done so far. The rate of
    change rises to `rate`, twice that for the head, and falls to nothing."""
    trained = [p for p in model.layers.parameters() if p.requires_grad]
    groups: list[dict[str, Any]] = [{"params": trained, "most": rate}]
    if model.head is not None:
        groups.append({"params": model.head.parameters(), "most": 2 * rate})
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    model.train()
    for step, (done, group) in enumerate(rounds):
        for settings in optimizer.param_groups:
            settings["lr"] = settings["most"] * min((done + 1e-4) / WARM, (1 - done) / (1 - WARM))
        loss = loss_of(group)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 20 == 0:
            print(f"{done:.0%}  loss {loss.item():.3f}", flush=True)


def changes(model: Network, file: WeightFile, share: float = 1.0) -> dict[str, NDArray[Any]]:
    """What is kept, by the names that `rag.encoders.e5.changed` knows: `share` of the way from the
    encoder to what was learned."""
    kept = {}
    if model.head is not None:
        kept = {"head.w": model.head.weight, "head.b": model.head.bias}
    for n, layer in enumerate(model.layers):
        if n < FROZEN:
            continue
        for name, value in layer.named_parameters():
            kept[f"l{n}.{name}"] = value
    made = {}
    for name, value in kept.items():
        learned = value.detach().numpy()
        if name.endswith(".up"):
            learned = learned * share * ALPHA / RANK
        elif not name.endswith(".down") and not name.startswith("head"):
            before = file.vector(name)
            learned = before + share * (learned - before)
        made[name] = learned.astype(np.float16)
    return made


def rank_of(path: Path) -> int:
    """The rank of the changes that were kept."""
    with np.load(path) as kept:
        return next(int(kept[name].shape[0]) for name in kept.files if name.endswith(".down"))


def restore(model: Network, path: Path) -> None:
    """Go on from what `changes` kept."""
    with np.load(path) as kept, torch.no_grad():
        for name in kept.files:
            value = torch.from_numpy(kept[name].astype(np.float32))
            place, _, own = name.partition(".")
            part = model.head if place == "head" else model.layers[int(place[1:])]
            if part is None:
                raise ValueError(f"{path} has a head, and this network none")
            parameters: Mapping[str, Tensor] = dict(part.named_parameters())
            own = {"w": "weight", "b": "bias"}[own] if place == "head" else own
            parameters[own].copy_(value * RANK / ALPHA if own.endswith(".up") else value)
