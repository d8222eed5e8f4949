"""Teach the passage encoder what to make of questions; passages stay as they are.

    python -m eval.train_question FOLDER [--essays FOLDER …] [--write rag/encoders/question.npz]

FOLDER and the folders of essays as for `eval.train_reader`. A question goes through a copy of the
encoder that has learned (`eval/lora.py`) where the passages are that answer questions: only the
question's side is learned (Lee et al., "Learning Dense Representations of Phrases at Scale", 2021,
section 4.4), so that no passage has to be embedded again. Three losses, all a softmax over cosines:
its vector against all passages; its tokens (`rag/encoders/late.py`) against those of the right
passage and of those that its vector holds for near; and against the sentences of the right passage.
What is kept is `SHARE` of the way to what was learned: that loses less of what the encoder knew
before (Wortsman et al., "Robust fine-tuning of zero-shot models", 2022).

Needs torch (2.13), as `eval/lora.py` says. A quarter of an hour on two cores with bfloat16.
"""

from __future__ import annotations

import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from eval.lora import Network, batches, changes, learn, padded, restore
from eval.reading import Corpus, Paragraph, Question, held_out, meets, read, row_of, training_parser
from rag.config import Settings
from rag.encoders import late
from rag.encoders.bundled import QUESTION, QUESTIONS, PassageEncoder
from rag.encoders.e5 import BEGIN, E5, END, WeightFile
from rag.fold import language
from rag.sentences import sentence_spans

SEED = 20261122
EPOCHS, RATE, BATCH = 4, 3e-4, 48
SHARE = 0.6
NEAR, NEAREST = 8, 40
"""Passages beside the right one that a question's tokens are compared with, of so many nearest."""
HEAT = 0.02  # that cosines are divided by
WITHIN = 0.7
"""Of a loss over passages: among those of the right one's language. Retrieval standardises cosines
by language (`rag/search/fusion.py`); the rest of the loss is over all languages."""
SENTENCES = 1.0  # what the loss over sentences counts
WRONG = -1e4


@dataclass(frozen=True)
class Known:
    """All passages as the encoder sees them: `vectors` [n, 384], the tokens of each [m, 128] and
    the sentence in which each stands [m]; which are English, and which may be learned from."""

    vectors: Tensor
    tokens: Sequence[Tensor]
    sentences: Sequence[Tensor]
    english: Tensor
    learned: Tensor


@dataclass(frozen=True)
class Item:
    """A question's tokens, `first` the first one of its own words."""

    question: Question
    ids: tuple[int, ...]
    first: int


# --- what is known


def know(paragraphs: Sequence[Paragraph], encoder: PassageEncoder) -> Known:
    """Read all passages."""
    vectors, packed = encoder.read([p.text for p in paragraphs], sentence_spans)
    texts = [late.unpack([own]) for own in packed]
    return Known(
        vectors=torch.from_numpy(vectors),
        tokens=[torch.from_numpy(text.rows).to(torch.bfloat16) for text in texts],
        sentences=[
            torch.repeat_interleave(torch.arange(len(own)), torch.tensor(own))
            for own in (text.counts[0] for text in texts)
        ],
        english=torch.tensor([language(p.text) == "en" for p in paragraphs]),
        learned=torch.tensor([not held_out(p.group) for p in paragraphs]),
    )


def items(corpus: Corpus, encoder: E5) -> list[Item]:
    """The questions that something answers."""
    made = []
    for question in corpus.questions:
        if question.home is not None:
            ids, spans = encoder.tokens_at(QUESTION + question.text)
            first = sum(end <= len(QUESTION) for _, end in spans)
            made.append(Item(question, (BEGIN, *ids, END), first + 1))
    return made


# --- what is learned


class Loss:
    """How far a group of questions is from finding what answers them."""

    def __init__(self, model: Network, corpus: Corpus, known: Known) -> None:
        self._model = model
        self._corpus = corpus
        self._known = known
        self._chance = random.Random(SEED)
        with np.load(late.BASIS) as basis:
            self._projection = torch.from_numpy(basis["projection"].astype(np.float32))
            self._middle = torch.from_numpy(basis["question"].astype(np.float32))

    def __call__(self, group: Sequence[Item]) -> Tensor:
        vectors, asked = self.asked(group)
        homes = torch.tensor([item.question.home for item in group])
        scores = (vectors @ self._known.vectors.T / HEAT).masked_fill(~self._known.learned, WRONG)
        also = torch.zeros(scores.shape, dtype=torch.bool)
        for row, item in zip(also, group, strict=True):
            row[[n for n in item.question.also if n != item.question.home]] = True
        scores = scores.masked_fill(also, WRONG)
        parts = [
            self._tokens(own, item, self._near(row.detach(), item))
            for own, row, item in zip(asked, scores, group, strict=True)
        ]
        return among(scores, self._known.english, homes) + torch.stack(parts).mean()

    def _near(self, scores: Tensor, item: Item) -> list[int]:
        """Passages in the right one's language that the question now holds for near."""
        home = item.question.home or 0
        kin = self._known.english == self._known.english[home]
        best = scores.masked_fill(~kin, WRONG).topk(NEAREST).indices.tolist()
        return self._chance.sample([n for n in best if n != home], NEAR)

    def asked(self, group: Sequence[Item]) -> tuple[Tensor, list[Tensor]]:
        """The questions' vectors [n, 384] and the vectors of their tokens, each [m, 128]."""
        ids, lengths = padded([item.ids for item in group])
        states = self._model(ids, lengths)
        there = torch.arange(ids.shape[1]) < lengths[:, None]
        vectors = functional.normalize((states * there[..., None]).sum(1), dim=-1)
        rows = states @ self._projection - self._middle
        asked = []
        for row, item in zip(rows, group, strict=True):
            own = row[item.first : len(item.ids) - 1]
            asked.append(own / own.norm(dim=1).sum().clamp_min(1e-9))
        return vectors, asked

    def _tokens(self, own: Tensor, item: Item, near: Sequence[int]) -> Tensor:
        """How far a question's tokens are from finding the right passage of a few, and in it the
        sentence."""
        home = item.question.home or 0
        scores = self.matched(own, [home, *near]) / HEAT
        found = functional.cross_entropy(scores[None], torch.tensor([0]))
        spans = self._corpus.paragraphs[home].sentences
        right = [n for n, span in enumerate(spans) if meets(span, item.question.answers)]
        if not 0 < len(right) < len(spans):
            return found
        shares = functional.log_softmax(self._by_sentence(own, home) / HEAT, dim=0)
        return found - SENTENCES * torch.logsumexp(shares[right], 0)

    def matched(self, own: Tensor, shown: Sequence[int]) -> Tensor:
        """How well each passage shown holds what a question's tokens look for: [n]."""
        tokens = [self._known.tokens[n] for n in shown]
        likeness = own.to(torch.bfloat16) @ torch.cat(tokens).T
        parts = likeness.split([len(rows) for rows in tokens], dim=1)
        return torch.stack([part.amax(dim=1).float().sum() for part in parts])

    def _by_sentence(self, own: Tensor, home: int) -> Tensor:
        """The same of the sentences of a passage."""
        places = self._known.sentences[home].expand(len(own), -1)
        nothing = torch.full((len(own), len(self._corpus.paragraphs[home].sentences)), -1.0)
        likeness = own @ self._known.tokens[home].float().T
        return nothing.scatter_reduce(1, places, likeness, "amax", include_self=False).sum(0)


def among(scores: Tensor, english: Tensor, right: Tensor) -> Tensor:
    """The loss of a softmax over passages: scores [questions, n], which are English [n], and which
    is right [questions]."""
    other = english[None] != english[right][:, None]
    within = functional.cross_entropy(scores.masked_fill(other, WRONG), right)
    return WITHIN * within + (1 - WITHIN) * functional.cross_entropy(scores, right)


# --- measuring


def measure(loss: Loss, corpus: Corpus, known: Known, asked: Sequence[Item]) -> Iterator[str]:
    """By data set, on held-out articles: hit@1 and hit@5 of vectors and of tokens, among the
    passages of the right one's language; of tokens among it and 20 that are near or other."""
    ranks: dict[str, list[tuple[int, int]]] = defaultdict(list)
    with torch.no_grad():
        for k in range(0, len(asked), BATCH):
            group = asked[k : k + BATCH]
            vectors, tokens = loss.asked(group)
            scores = vectors @ known.vectors.T
            for row, own, item in zip(scores, tokens, group, strict=True):
                question, home = item.question, item.question.home or 0
                row[[n for n in question.also if n != home]] = -1.0
                kin = known.english == known.english[home]
                dense = int(((row > row[home]) & kin).sum())
                best = torch.where(kin, row, -1.0).topk(24).indices.tolist()
                shown = [home, *(n for n in best if n != home and n not in question.also)]
                matched = loss.matched(own, shown)
                name = row_of(question, corpus.paragraphs[home])
                ranks[name].append((dense, int((matched > matched[0]).sum())))
    for data, found in sorted(ranks.items()):
        own = np.array(found)
        told = [f"{(own[:, c] < most).mean():.3f}" for c in (0, 1) for most in (1, 5)]
        yield f"{data:<22}{len(own):>5}  vectors {told[0]} {told[1]}  tokens {told[2]} {told[3]}"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    options = training_parser(__doc__, QUESTIONS, EPOCHS).parse_args(arguments)
    torch.manual_seed(SEED)
    chance = random.Random(SEED)
    encoder, file = PassageEncoder(Settings(llm="off").models), WeightFile.find()
    corpus = read(options.folder, encoder.network, options.essays)
    known = know(corpus.paragraphs, encoder)
    asked = items(corpus, encoder.network)
    learned = [item for item in asked if not held_out(item.question.group)]
    kept = [item for item in asked if held_out(item.question.group)]
    print(len(known.tokens), "passages,", len(learned), "questions learned,", len(kept), "held out")
    model = Network(file)
    loss = Loss(model, corpus, known)

    def say(name: str) -> None:
        model.eval()
        for line in measure(loss, corpus, known, kept):
            print(name, line, flush=True)
        model.train()

    def rounds() -> Iterator[tuple[float, list[Item]]]:
        for number in range(options.epochs):
            groups = batches(learned, BATCH, lambda item: len(item.ids), chance)
            for step, group in enumerate(groups):
                yield (number + step / len(groups)) / options.epochs, group

    say("before")
    learn(model, rounds(), loss, RATE)
    say("learned")
    np.savez(options.write, allow_pickle=False, **changes(model, file, SHARE))
    restore(model, options.write)
    say("kept")
    return 0


if __name__ == "__main__":
    sys.exit(main())
