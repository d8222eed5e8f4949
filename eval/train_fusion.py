"""Learn weights and network of `rag/search/fusion.py` from public benchmarks and essays.

    python -m eval.train_fusion FOLDER [--keep FOLDER] [--limit N] [--essays FOLDER …]
        [--write rag/search/fusion_model.json]

FOLDER as for `eval.bench_retrieval`, whose collections and directions these are, beside the
questions over the seed essays and over other folders of essays, which are searched as one. Only
articles and essays are asked about that nothing was learned from (`eval/reading.py`): where the
encoder has seen the questions it finds too well. What is learned is a conditional logit
(`eval/logit.py`), a document's score being the sum over its passages. Articles (of the essays:
questions) are dealt into folds, so that a question is never scored by what saw its article in any
collection.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.bench_retrieval import (
    Asked,
    Collection,
    collections,
    documents_of,
    ndcg,
    open_index,
    rank_of,
    remembered,
    spread,
    unlearned,
)
from eval.cases import evidence_spans, met_by
from eval.datasets import Dataset, open_dataset
from eval.logit import Block, fit_linear, fit_network
from eval.opening import open_rag
from eval.reading import essay_of, held_out
from rag.condense import condense
from rag.config import Settings
from rag.embed import open_encoders
from rag.encoders.encoder import Encoders
from rag.ingest import Indexer
from rag.load import loadable
from rag.retrieve import Retriever
from rag.search.candidates import Candidates
from rag.search.fusion import FEATURES, INPUTS, below_best

__all__ = ["Table", "by_network", "by_weights", "cross_validate", "gather", "main"]

Floats = NDArray[np.float64]

FOLDS = 6
SEED = 20261121
ELSEWHERE = 24
"""Candidates of each sort in other languages: twice as many to tell apart as asking brings."""

ESSAYS, PRACTICE = 10.0, 3.0
"""What a question over the seed essays, and over other essays, counts in training: essays are what
people bring, and the encyclopaedia's questions repeat its words."""


def importance(collection: str, direction: str) -> float:
    """What a question of a direction counts in training.

    In a mixed index questions whose fact is in the other language are many more errors than all
    others together; with equal counts the same-language directions would pay. Where the question's
    own language has twenty times as many passages they count most: with less its passages win by
    their number, and so do those of the other language where it has as many. The larger Chinese
    files are nearly solved and count less than the pair.
    """
    if direction.startswith("other"):
        return 2.0 if collection.startswith("all") else 0.1
    if collection in ("zh", "en") or (
        collection.startswith("all") and direction.startswith("same")
    ):
        return 3.0
    return 1.0 if collection.startswith("mixed") or direction.startswith("same") else 0.1


@dataclass(frozen=True)
class Table:
    """The candidates of a direction's questions, one after the other.

    `inputs` [rows, len(INPUTS)]; `starts` [questions] is each question's first row; `gold`
    [rows] marks passages of its answering documents; questions without one are not in the table
    and counted in `lost`.
    """

    name: str
    inputs: Floats
    starts: NDArray[np.int64]
    gold: NDArray[np.bool_]
    ids: NDArray[np.int64]
    asked: tuple[Asked, ...]
    documents: Mapping[int, frozenset[str]]
    weight: float = 1.0
    lost: int = 0

    def where(self, keep: Sequence[bool]) -> Block:
        """The candidates of the questions to keep."""
        sizes = np.diff(np.append(self.starts, len(self.gold)))
        rows, kept = np.repeat(np.asarray(keep), sizes), sizes[np.asarray(keep)]
        starts = np.cumsum([0, *kept])[:-1]
        return Block(self.inputs[rows], starts, self.gold[rows], self.weight)


def _columns(found: Candidates) -> Floats:
    """The inputs of the candidates, [n, len(INPUTS)]; 0 where an encoder has no such thing."""
    none = np.zeros(len(found.ids))
    return np.stack([found.features.get(name, none) for name in INPUTS], axis=1)


def gather(
    index: Indexer,
    collection: Collection,
    limit: int | None = None,
    settings: Settings | None = None,
) -> list[Table]:
    """A table for each direction, through the real retriever.

    Which candidates it compares token by token is up to the weights that shipped so far.
    """
    retriever = Retriever(
        index.catalog,
        index.vectors,
        index.lexical,
        index.encoders,
        settings or Settings(),
    )
    retriever.elsewhere = ELSEWHERE
    documents = documents_of(index)
    tables = []
    for direction, asking in collection.directions.items():
        blocks, golds, ids, kept = [], [], [], []
        chosen = spread(asking, limit)
        for one in chosen:
            found = retriever.candidates(one.question)
            gold = [bool(documents[int(unit)] & one.answers) for unit in found.ids]
            if any(gold):
                blocks.append(_columns(found))
                golds.append(gold)
                ids.append(found.ids)
                kept.append(one)
        tables.append(
            Table(
                name=f"{collection.name} {direction}",
                inputs=np.concatenate(blocks),
                starts=np.cumsum([0, *map(len, golds)])[:-1],
                gold=np.concatenate(golds),
                ids=np.concatenate(ids),
                asked=tuple(kept),
                documents=documents,
                weight=importance(collection.name, direction),
                lost=len(chosen) - len(kept),
            )
        )
    return tables


def together(folders: Sequence[Path]) -> Dataset:
    """Essays of several folders in one, and the questions over those that are held out."""
    parts = [open_dataset(f"folder:{folder}") for folder in folders]
    texts = {
        path.name: path.read_text("utf-8")
        for folder in folders
        for path in sorted(folder.iterdir())
        if loadable(path)
    }
    asked = [one for part in parts for one in part.questions if held_out(essay_of(one))]
    return Dataset("practice", tuple(asked), None, documents=texts)


def essays(settings: Settings, dataset: Dataset) -> Table:
    """The questions over a folder of essays; a passage answers those whose evidence it holds."""
    asked, blocks, golds, ids = [], [], [], []
    answered: dict[int, set[str]] = {}
    with open_rag(dataset, settings) as rag:
        texts = {info.source: rag.text(info.source) for info in rag.essays()}
        retriever = rag._parts.retriever
        retriever.elsewhere = ELSEWHERE
        for one in dataset.questions:
            needs = evidence_spans(one, texts)
            question = condense(one.question, one.history).question
            found = retriever.candidates(question)
            passages = rag._parts.index.catalog.passages([int(unit) for unit in found.ids])
            gold = [bool(met_by(passage, needs)) for passage in passages]
            if not any(gold):
                continue
            for passage, meets in zip(passages, gold, strict=True):
                answered.setdefault(int(passage.id), set()).update([one.id] if meets else [])
            asked.append(Asked(question, frozenset({one.id}), one.id))
            blocks.append(_columns(found))
            golds.append(gold)
            ids.append(found.ids)
    return Table(
        name=f"essays {dataset.name}",
        inputs=np.concatenate(blocks),
        starts=np.cumsum([0, *map(len, golds)])[:-1],
        gold=np.concatenate(golds),
        ids=np.concatenate(ids),
        asked=tuple(asked),
        documents={  # one that answers nothing is a document too, and may stand before it
            unit: frozenset(names or {f"passage {unit}"}) for unit, names in answered.items()
        },
        weight=ESSAYS if dataset.name == "questions" else PRACTICE,
        lost=sum(one.answerable for one in dataset.questions) - len(asked),
    )


Score = Callable[[Block], Floats]
Learn = Callable[[Sequence[Block]], Score]


def by_weights(blocks: Sequence[Block]) -> Score:
    """What the linear model makes of candidates, once it has learned."""
    weights = fit_linear([replace(block, features=_first(block)) for block in blocks])
    return lambda block: np.asarray(_first(block) @ weights, np.float64)


def _first(block: Block) -> Floats:
    """What the linear model sees of the inputs."""
    return block.features[:, : len(FEATURES)]


def by_network(blocks: Sequence[Block]) -> Score:
    """What the network makes of candidates, once it has learned."""
    network = fit_network(blocks)
    return lambda block: network.score(below_best(block.features, block.starts))


def cross_validate(tables: Sequence[Table], learn: Learn) -> dict[str, float]:
    """nDCG@10 of each direction, each question scored by what learned from the other folds'
    articles."""
    articles = sorted({one.article for table in tables for one in table.asked})
    np.random.default_rng(SEED).shuffle(articles)
    fold_of = {article: number % FOLDS for number, article in enumerate(articles)}
    folds = [[fold_of[one.article] for one in table.asked] for table in tables]
    ranks: list[list[int]] = [[0] * table.lost for table in tables]
    for fold in range(FOLDS):
        score = learn(
            [
                table.where([f != fold for f in own])
                for table, own in zip(tables, folds, strict=True)
            ]
        )
        for table, own, found in zip(tables, folds, ranks, strict=True):
            found.extend(ranks_of(table, score, [f == fold for f in own]))
    return {
        table.name: float(ndcg(found).mean()) for table, found in zip(tables, ranks, strict=True)
    }


def ranks_of(table: Table, score: Score, asked: Sequence[bool]) -> list[int]:
    """The rank of the first answering document of each question that is asked."""
    scores = score(table.where([True] * len(table.asked)))
    ends = np.append(table.starts[1:], len(scores))
    made = []
    for one, start, end, wanted in zip(table.asked, table.starts, ends, asked, strict=True):
        if wanted:
            order = table.ids[start:end][np.argsort(-scores[start:end], kind="stable")]
            made.append(rank_of(one.answers, order.tolist(), table.documents))
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="eval.train_fusion")
    parser.add_argument("data", type=Path, help="folder of benchmark files")
    parser.add_argument("--keep", type=Path, help="keep the indexes here, to train again sooner")
    parser.add_argument("--limit", type=int, help="questions per direction, evenly spread")
    parser.add_argument("--essays", type=Path, action="append", default=[])
    parser.add_argument("--write", type=Path, help="write what all articles teach here")
    given = parser.parse_args(arguments)
    opened = open_encoders(Settings(), Settings().models)
    encoders = Encoders(remembered(opened.passage), remembered(opened.sentence))
    tables: list[Table] = []
    with tempfile.TemporaryDirectory() as made:
        for collection in map(unlearned, collections(given.data)):
            with open_index(collection, given.keep or Path(made), encoders) as index:
                tables += gather(index, collection, given.limit)
    settings = Settings(llm="off")
    tables.append(essays(settings, open_dataset("questions")))
    if given.essays:
        tables.append(essays(settings, together(given.essays)))
    _train(tables, given.write)
    return 0


def _train(tables: Sequence[Table], write: Path | None) -> None:
    held_out = {
        "network": cross_validate(tables, by_network),
        "weights alone": cross_validate(tables, by_weights),
    }
    blocks = [table.where([True] * len(table.asked)) for table in tables]
    weights = fit_linear([replace(block, features=_first(block)) for block in blocks])
    network = fit_network(blocks)
    for name in held_out["network"]:
        told = "  ".join(f"{by} {found[name]:.4f}" for by, found in held_out.items())
        print(f"{name:30} nDCG@10 held out  {told}")
    named = {name: round(float(w), 2) for name, w in zip(FEATURES, weights, strict=True)}
    print(json.dumps(named, indent=1))
    if write:
        parts = {name: np.round(part, 4).tolist() for name, part in asdict(network).items()}
        content = {"weights": named, "network": parts, "held out nDCG@10": held_out}
        write.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
