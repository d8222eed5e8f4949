"""Teach the passage encoder to read: what `rag/encoders/reader.py` changes its weights by.

    python -m eval.train_reader FOLDER [--write rag/encoders/reader.npz] [--epochs 5]
        [--start rag/encoders/reader.npz] [--rate 6e-4] [--essays FOLDER …] [--share 1] [--whole .3]

FOLDER holds `xquad.en.json`, `xquad.zh.json`, `drcd_dev.json`, `cmrc_trial.json` (SQuAD's format)
and `halueval_qa_500.jsonl`. A question and a window of sentences go through the encoder as one
text; two numbers for each token say whether the answer starts and ends there, and those of the
first token that it is not there (Devlin et al., "BERT", 2019, section 4.3; without an answer:
Rajpurkar et al., "SQuAD 2.0", 2018). What is learned are changes of low rank to the encoder
(`eval/lora.py`). With --start it goes on from changes that were kept; with --whole it learns all
weights of the upper layers, of which that share of the way is kept (`eval/whole_weights.py`).

Needs torch (2.13). A quarter of an hour for each epoch on two cores with bfloat16.
"""

from __future__ import annotations

import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from eval.lora import Network, batches, changes, learn, padded, rank_of, restore
from eval.metrics import auroc
from eval.reading import Corpus, Example, epoch, held_out, meets, read, training_parser, with_near
from eval.whole_weights import changes_of, freed
from rag.config import Settings
from rag.encoders.e5 import E5, WeightFile
from rag.encoders.reader import CHANGES, Reader

SEED = 20261122
BATCH, RATE = 32, 6e-4


# --- what is learned


def batch_of(examples: Sequence[Example]) -> tuple[Tensor, Tensor, Tensor]:
    """Tokens [n, m], how many each has, and where an answer may begin and end."""
    ids, lengths = padded([e.ids for e in examples])
    allowed = torch.zeros(ids.shape, dtype=torch.bool)
    for n, e in enumerate(examples):
        allowed[n, e.first : len(e.ids) - 1] = True
    allowed[:, 0] = True
    return ids, lengths, allowed


def loss_of(model: Network, examples: Sequence[Example]) -> Tensor:
    ids, lengths, allowed = batch_of(examples)
    logits = model(ids, lengths).float().masked_fill(~allowed[..., None], -1e4)
    shares = functional.log_softmax(logits, dim=1)
    total = torch.zeros(())
    for n, e in enumerate(examples):
        total = total - torch.logsumexp(shares[n, e.starts, 0], 0)
        total = total - torch.logsumexp(shares[n, e.ends, 1], 0)
    return total / (2 * len(examples))


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


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = training_parser(__doc__, CHANGES, 5)
    parser.add_argument("--start", type=Path, help="changes to go on from, as --write keeps them")
    parser.add_argument("--rate", type=float, default=RATE, help="at its highest")
    parser.add_argument(
        "--share", type=float, default=1.0, help="of the other questions, in each epoch"
    )
    parser.add_argument("--whole", type=float, help="learn all weights, and keep this share")
    options = parser.parse_args(arguments)
    torch.manual_seed(SEED)
    chance = random.Random(SEED)
    models = Settings(llm="off").models
    encoder = E5(models)
    corpus = with_near(read(options.folder, encoder, options.essays), encoder)
    own = {folder.name for folder in options.essays}
    print(len(corpus.paragraphs), dict(Counter(q.data for q in corpus.questions)), flush=True)
    file = WeightFile.find()
    model = Network(file, head=2, **({"rank": rank_of(options.start)} if options.start else {}))
    if options.start:
        restore(model, options.start)
    start = freed(model) if options.whole else {}

    def rounds() -> Iterator[tuple[float, list[Example]]]:
        for number in range(options.epochs):
            asked = [
                q for q in corpus.questions if q.data in own or chance.random() < options.share
            ]
            examples = list(epoch(Corpus(corpus.paragraphs, asked), encoder, chance))
            groups = batches(examples, BATCH, lambda e: len(e.ids), chance)
            for step, group in enumerate(groups):
                yield (number + step / len(groups)) / options.epochs, group
            kept = changes_of(model, start, options.whole) if start else changes(model, file)
            np.savez_compressed(options.write, allow_pickle=False, **kept)

    learn(model, rounds(), lambda group: loss_of(model, group), options.rate)
    for line in measure(Reader(models, encoder, options.write), corpus):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
