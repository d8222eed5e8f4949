"""Teach the passage encoder to read: what `rag/reader.py` changes its weights by.

    python -m eval.train_reader FOLDER [--write rag/reader.npz] [--epochs 5]
        [--start rag/reader.npz] [--rate 6e-4] [--essays FOLDER …] [--share 1]

FOLDER holds `xquad.en.json`, `xquad.zh.json`, `drcd_dev.json`, `cmrc_trial.json` (SQuAD's format)
and `halueval_qa_500.jsonl`. A question and a window of sentences go through the encoder as one
text; two numbers for each token say whether the answer starts and ends there, and those of the
first token that it is not there (Devlin et al., "BERT", 2019, section 4.3; without an answer:
Rajpurkar et al., "SQuAD 2.0", 2018). The encoder's own weights stay as they are: each matrix of the
upper layers gets a change of rank 16 (LoRA: Hu et al., 2022), and their vectors are free. With
--start it goes on from changes that were kept.

Needs torch (2.13), which is not among the locked requirements: on Linux its usual build brings
gigabytes. A quarter of an hour for each epoch on two cores with bfloat16.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from eval.metrics import auroc
from eval.reading import Corpus, Example, epoch, held_out, meets, read
from rag.config import Settings
from rag.e5 import E5, HEADS, INNER, LAYERS, WIDTH, WeightFile
from rag.reader import CHANGES, Reader

Floats = NDArray[np.float32]

SEED = 20261122
FROZEN = 4  # layers that stay as they are: words are words
RANK, ALPHA, DROPOUT = 16, 32, 0.1
BATCH, RATE = 32, 6e-4
WARM = 0.06  # the share of training in which the rate rises
POOL = 20  # batches that are sorted by length together
MATRICES = ("q", "k", "v", "ao", "fi", "fo")


# --- model


class Linear(nn.Module):
    """A frozen matrix and its change of low rank."""

    def __init__(self, weights: np.ndarray, bias: np.ndarray) -> None:
        super().__init__()
        out, width = weights.shape
        self.register_buffer("w", torch.from_numpy(weights).to(torch.bfloat16))
        self.b = nn.Parameter(torch.from_numpy(bias.copy()))
        self.down = nn.Parameter(torch.randn(RANK, width) / width**0.5)
        self.up = nn.Parameter(torch.zeros(out, RANK))

    def forward(self, x: Tensor) -> Tensor:
        x = x.to(torch.bfloat16)
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
    def __init__(self, file: WeightFile, n: int) -> None:
        super().__init__()
        for name in MATRICES:
            columns = INNER if name == "fo" else WIDTH
            key = f"l{n}.{name}"
            self.add_module(name, Linear(file.matrix(f"{key}.w", columns), file.vector(f"{key}.b")))
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
    """The encoder with its changes, and two numbers for each token."""

    def __init__(self, file: WeightFile) -> None:
        super().__init__()
        words = torch.from_numpy(file.matrix("emb.word", WIDTH)).to(torch.bfloat16)
        self.register_buffer("words", words)
        place = file.vector("emb.pos").reshape(-1, WIDTH) + file.vector("emb.type")[:WIDTH]
        self.register_buffer("places", torch.from_numpy(place))
        self.norm = Norm(file, "emb.ln")
        self.layers = nn.ModuleList(Layer(file, n) for n in range(LAYERS))
        self.head = nn.Linear(WIDTH, 2)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        x = self.norm(self.words[ids].float() + self.places[: ids.shape[1]])
        there = torch.arange(ids.shape[1]) < lengths[:, None]
        mask = torch.zeros(there.shape, dtype=torch.bfloat16).masked_fill(~there, -1e4)
        with torch.no_grad():
            for layer in self.layers[:FROZEN]:
                x = layer(x, mask[:, None, None])
        for layer in self.layers[FROZEN:]:
            x = layer(x, mask[:, None, None])
        return self.head(x)


def batch_of(examples: Sequence[Example]) -> tuple[Tensor, Tensor, Tensor]:
    longest = -(-max(len(e.ids) for e in examples) // 16) * 16  # few shapes: each is prepared once
    ids = torch.ones(len(examples), longest, dtype=torch.long)
    allowed = torch.zeros(len(examples), longest, dtype=torch.bool)
    for n, e in enumerate(examples):
        ids[n, : len(e.ids)] = torch.tensor(e.ids)
        allowed[n, e.first : len(e.ids) - 1] = True
    allowed[:, 0] = True
    return ids, torch.tensor([len(e.ids) for e in examples]), allowed


def loss_of(model: Network, examples: Sequence[Example]) -> Tensor:
    ids, lengths, allowed = batch_of(examples)
    logits = model(ids, lengths).float().masked_fill(~allowed[..., None], -1e4)
    shares = functional.log_softmax(logits, dim=1)
    total = torch.zeros(())
    for n, e in enumerate(examples):
        total = total - torch.logsumexp(shares[n, e.starts, 0], 0)
        total = total - torch.logsumexp(shares[n, e.ends, 1], 0)
    return total / (2 * len(examples))


def batches(examples: list[Example], chance: random.Random) -> list[list[Example]]:
    chance.shuffle(examples)
    pools = [examples[k : k + POOL * BATCH] for k in range(0, len(examples), POOL * BATCH)]
    made = []
    for pool in pools:
        pool.sort(key=lambda e: len(e.ids))
        made += [pool[k : k + BATCH] for k in range(0, len(pool), BATCH)]
    chance.shuffle(made)
    return made


# --- measuring


def measure(reader: Reader, corpus: Corpus, most: int = 1000) -> Iterator[str]:
    """By data set, on held-out articles: how often the best sentence of the right paragraph
    answers, and how well the best sentence tells the right paragraph from a near one that does not
    answer (AUROC)."""
    right: dict[str, list[float]] = defaultdict(list)
    best: dict[str, list[float]] = defaultdict(list)
    labels: dict[str, list[float]] = defaultdict(list)
    asked = [(q, q.home) for q in corpus.questions if held_out(q.group) and q.home is not None]
    random.Random(SEED).shuffle(asked)
    for question, home in asked[:most]:
        for n in (home, *question.near[:1]):
            paragraph = corpus.paragraphs[n]
            (scores,) = reader.read(question.text, [paragraph.text], [paragraph.sentences])
            best[question.data].append(float(scores.max()))
            labels[question.data].append(float(n == home))
            if n == home:
                sentence = paragraph.sentences[int(scores.argmax())]
                right[question.data].append(meets(sentence, question.answers))
    for data, found in right.items():
        area = auroc(best[data], labels[data])
        yield f"{data:<16}{len(found):>5}  sentence {np.mean(found):.3f}  AUROC {area:.3f}"


def changes(model: Network) -> dict[str, np.ndarray]:
    """What is kept, by the names that `rag.e5.network` knows."""
    kept = {"head.w": model.head.weight, "head.b": model.head.bias}
    for n, layer in enumerate(model.layers):
        if n < FROZEN:
            continue
        for name, value in layer.named_parameters():
            kept[f"l{n}.{name}"] = value * ALPHA / RANK if name.endswith(".up") else value
    return {name: value.detach().numpy().astype(np.float16) for name, value in kept.items()}


def restore(model: Network, path: Path) -> None:
    """Go on from what `changes` kept."""
    with np.load(path) as kept, torch.no_grad():
        for name in kept.files:
            value = torch.from_numpy(kept[name].astype(np.float32))
            place, _, own = name.partition(".")
            part = model.head if place == "head" else model.layers[int(place[1:])]
            parameters = dict(part.named_parameters())
            own = {"w": "weight", "b": "bias"}[own] if place == "head" else own
            parameters[own].copy_(value * RANK / ALPHA if own.endswith(".up") else value)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", type=Path, default=CHANGES)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--start", type=Path, help="changes to go on from, as --write keeps them")
    parser.add_argument("--rate", type=float, default=RATE, help="at its highest")
    parser.add_argument(
        "--essays", type=Path, action="append", default=[], help="folders of essays with questions"
    )
    parser.add_argument(
        "--share", type=float, default=1.0, help="of the other questions, in each epoch"
    )
    options = parser.parse_args(arguments)
    torch.manual_seed(SEED)
    chance = random.Random(SEED)
    models = Settings(llm="off").data_dir / "models"
    encoder = E5(models)
    corpus = read(options.folder, encoder, options.essays)
    own = {folder.name for folder in options.essays}
    print(len(corpus.paragraphs), dict(Counter(q.data for q in corpus.questions)), flush=True)
    model = Network(WeightFile.find())
    if options.start:
        restore(model, options.start)
    for part in (model.norm, *model.layers[:FROZEN]):
        part.requires_grad_(False)
    trained = [p for p in model.layers.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        [{"params": trained}, {"params": model.head.parameters()}],
        lr=options.rate,
        weight_decay=0.01,
    )
    began = time.perf_counter()
    for number in range(options.epochs):
        asked = [q for q in corpus.questions if q.data in own or chance.random() < options.share]
        part = Corpus(corpus.paragraphs, asked)
        groups = batches(list(epoch(part, encoder, chance)), chance)
        model.train()
        for step, group in enumerate(groups):
            done = (number + step / len(groups)) / options.epochs
            for settings, most in zip(optimizer.param_groups, (1, 2), strict=True):
                settings["lr"] = (
                    most * options.rate * min((done + 1e-4) / WARM, (1 - done) / (1 - WARM))
                )
            loss = loss_of(model, group)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            if step % 20 == 0:
                spent = time.perf_counter() - began
                print(f"{done:.0%}  loss {loss.item():.3f}  {spent:.0f} s", flush=True)
        np.savez(options.write, allow_pickle=False, **changes(model))
        for line in measure(Reader(models, encoder, options.write), corpus):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
