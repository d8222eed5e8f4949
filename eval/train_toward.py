"""Teach where the sentences lie that answer a question; the sentence encoder stays as it is.

    python -m eval.train_toward FOLDER [--essays FOLDER …] [--write rag/encoders/toward.npz]

FOLDER and the folders of essays as for `eval.train_reader`. A question's vector is moved
(`rag/encoders/toward.py`) so that those of the sentences that answer it are nearest: a softmax over
cosines, against sentences drawn anew for each group of questions and those of all its passages, and
against the other sentences of the right passage. Every eighth article and essay is held out.

Needs torch (2.13), as `eval/lora.py` says. Some minutes on two cores.
"""

from __future__ import annotations

import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from eval.reading import Corpus, Question, held_out, meets, read, row_of, training_parser
from rag.config import Settings
from rag.encoders.bundled import PassageEncoder, SentenceEncoder
from rag.encoders.toward import TOWARD
from rag.fold import language

SEED = 20261123
EPOCHS, RATE, DECAY, BATCH = 6, 1e-3, 0.01, 128
HIDDEN, DROPOUT = 128, 0.2
SCALE = 4.0  # of what comes in, whose numbers are small
WARM = 30  # groups in which the rate rises
OTHERS = 4096  # sentences drawn for a group
HEAT = 0.05  # that cosines are divided by
WITHIN = 0.7
"""Of a loss over sentences: among those of the right one's language. Retrieval standardises cosines
by language (`rag/search/fusion.py`); the rest of the loss is over all languages."""
SHARE = 0.7  # of the way to what was learned
WRONG = -1e4


@dataclass(frozen=True)
class Known:
    """All sentences: their vectors [n, 512], the passage of each [n], where those of passage p
    begin [p + 1], which are English [n], and which may be learned from [n]."""

    vectors: Tensor
    owners: Tensor
    starts: Sequence[int]
    english: Tensor
    learned: Tensor

    def of(self, passage: int) -> range:
        """The sentences of a passage."""
        return range(self.starts[passage], self.starts[passage + 1])


@dataclass(frozen=True)
class Item:
    """A question, its vector [512], and the sentences that answer it."""

    question: Question
    vector: Tensor
    home: int
    right: tuple[int, ...]


def know(corpus: Corpus, encoder: SentenceEncoder) -> Known:
    """Embed all sentences."""
    counts = [len(paragraph.sentences) for paragraph in corpus.paragraphs]
    texts = [p.text[start:end] for p in corpus.paragraphs for start, end in p.sentences]
    owners = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    english = torch.tensor([language(p.text) == "en" for p in corpus.paragraphs])
    learned = torch.tensor([not held_out(p.group) for p in corpus.paragraphs])
    return Known(
        vectors=torch.from_numpy(encoder.passages(texts)),
        owners=owners,
        starts=np.cumsum([0, *counts]).tolist(),
        english=english[owners],
        learned=learned[owners],
    )


def items(corpus: Corpus, known: Known, encoder: SentenceEncoder) -> list[Item]:
    """The questions that a sentence answers."""
    made = []
    for question in corpus.questions:
        if question.home is None:
            continue
        spans = corpus.paragraphs[question.home].sentences
        places = zip(known.of(question.home), spans, strict=True)
        right = tuple(n for n, span in places if meets(span, question.answers))
        if right:
            vector = torch.from_numpy(encoder.query(question.text))
            made.append(Item(question, vector, question.home, right))
    return made


# --- what is learned


class Toward(nn.Module):
    """As `rag.encoders.toward.toward`, from [n, 512] to [n, 512]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(width, HIDDEN)
        self.thin = nn.Dropout(DROPOUT)
        self.second = nn.Linear(HIDDEN, width)
        nn.init.zeros_(self.second.weight)  # so that nothing is moved at first
        nn.init.zeros_(self.second.bias)

    def forward(self, vectors: Tensor) -> Tensor:
        inner = self.thin(functional.relu(self.first(SCALE * vectors)))
        return functional.normalize(vectors + self.second(inner), dim=-1)

    def kept(self, share: float) -> dict[str, np.ndarray]:
        """The arrays of `rag.encoders.toward`, `share` of the way to what was learned."""
        kept = {
            "in": SCALE * self.first.weight.T,
            "in.b": self.first.bias,
            "out": share * self.second.weight.T,
            "out.b": share * self.second.bias,
        }
        return {name: value.detach().numpy().astype(np.float16) for name, value in kept.items()}


class Loss:
    """How far a group of questions is from the sentences that answer them."""

    def __init__(self, model: Toward, known: Known) -> None:
        self._model = model
        self._known = known
        self._pool = torch.nonzero(known.learned)[:, 0]

    def __call__(self, group: Sequence[Item]) -> Tensor:
        known = self._known
        drawn = self._pool[torch.randint(len(self._pool), (OTHERS,))]
        own = sorted({n for item in group for n in known.of(item.home)})
        shown = torch.cat([drawn, torch.tensor(own)])
        homes = torch.tensor([item.home for item in group])
        at_home = known.owners[shown][None] == homes[:, None]
        again = at_home.clone()  # drawn, and shown among the passages' own
        again[:, OTHERS:] = False
        for row, item in zip(again, group, strict=True):
            others = [n for n in item.question.also if n != item.home]
            row.logical_or_(torch.isin(known.owners[shown], torch.tensor(others).long()))
        vectors = self._model(torch.stack([item.vector for item in group]))
        scores = (vectors @ known.vectors[shown].T / HEAT).masked_fill(again, WRONG)
        column = {n: OTHERS + at for at, n in enumerate(own)}
        right = torch.zeros(scores.shape, dtype=torch.bool)
        for row, item in zip(right, group, strict=True):
            row[[column[n] for n in item.right]] = True
        english = known.english[torch.tensor([item.right[0] for item in group])]
        kin = known.english[shown][None] == english[:, None]
        return (
            WITHIN * among(scores, right, kin)
            + (1 - WITHIN) * among(scores, right, torch.ones_like(kin))
            + among(scores, right, at_home)
        )


def among(scores: Tensor, right: Tensor, there: Tensor) -> Tensor:
    """The loss of a softmax over the sentences that are `there`; all arguments [questions, n]."""
    every = torch.logsumexp(scores.masked_fill(~there, WRONG), 1)
    return (every - torch.logsumexp(scores.masked_fill(~right, WRONG), 1)).mean()


# --- measuring


def measure(model: Toward, corpus: Corpus, known: Known, asked: Sequence[Item]) -> Iterator[str]:
    """By data set, on held-out articles: hit@1 and hit@5 of passages by their best sentence, among
    those of the right one's language; and whether the best sentence of the right passage answers,
    and one of its best three."""
    found: dict[str, list[tuple[bool, ...]]] = defaultdict(list)
    english = torch.tensor([bool(known.english[start]) for start in known.starts[:-1]])
    with torch.no_grad():
        for item in asked:
            scores = known.vectors @ model(item.vector[None])[0]
            best = torch.full((len(english),), -1.0).scatter_reduce(0, known.owners, scores, "amax")
            best[[n for n in item.question.also if n != item.home]] = -1.0
            kin = english == english[item.home]
            rank = int(((best > best[item.home]) & kin).sum())
            own = known.of(item.home)
            order = torch.argsort(-scores[own.start : own.stop])[:3] + own.start
            told = [int(n) in item.right for n in order]
            found[row_of(item.question, corpus.paragraphs[item.home])].append(
                (rank < 1, rank < 5, told[0], any(told))
            )
    for data, rows in sorted(found.items()):
        figures = "  ".join(f"{value:.3f}" for value in np.mean(rows, 0))
        yield f"{data:<22}{len(rows):>5}  {figures}"


# --- the command


def fit(model: Toward, loss: Loss, learned: Sequence[Item], epochs: int) -> None:
    """Go down the loss of random groups of questions. The rate of change rises to `RATE` and falls
    to nothing."""
    chance = random.Random(SEED)
    order = list(learned)
    steps = epochs * (len(order) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY)

    def groups() -> Iterator[list[Item]]:
        for _ in range(epochs):
            chance.shuffle(order)
            for k in range(0, len(order) - BATCH + 1, BATCH):
                yield order[k : k + BATCH]

    model.train()
    for step, group in enumerate(groups()):
        for settings in optimizer.param_groups:
            settings["lr"] = RATE * min(1.0, (step + 1) / WARM) * (1 - step / steps)
        off = loss(group)
        optimizer.zero_grad()
        off.backward()
        optimizer.step()
        if step % 20 == 0:
            print(f"{step / steps:.0%}  loss {off.item():.3f}", flush=True)
    model.eval()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    options = training_parser(__doc__, TOWARD, EPOCHS).parse_args(arguments)
    torch.manual_seed(SEED)
    models = Settings(llm="off").models
    corpus = read(options.folder, PassageEncoder(models).network, options.essays)
    encoder = SentenceEncoder(models)
    known = know(corpus, encoder)
    asked = items(corpus, known, encoder)
    learned = [item for item in asked if not held_out(item.question.group)]
    kept = [item for item in asked if held_out(item.question.group)]
    print(len(known.owners), "sentences,", len(learned), "questions,", len(kept), "held out")
    model = Toward(known.vectors.shape[1]).eval()
    for line in measure(model, corpus, known, kept):
        print("before", line, flush=True)
    fit(model, Loss(model, known), learned, options.epochs)
    for line in measure(model, corpus, known, kept):
        print("learned", line, flush=True)
    np.savez(options.write, allow_pickle=False, **model.kept(SHARE))
    return 0


if __name__ == "__main__":
    sys.exit(main())
