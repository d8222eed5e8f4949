"""Learn the weights of `rag/fusion.py` from public benchmarks.

    python -m eval.train_fusion FOLDER [--keep FOLDER] [--limit N] [--essays FOLDER …]
        [--write rag/fusion_model.json]

FOLDER as for `eval.bench_retrieval`, whose collections and directions these are, beside the
questions over the seed essays and over other folders of essays, which are searched as one. Only
articles and essays are asked about that nothing was learned from (`eval/reading.py`): where the
encoder has seen the questions it finds too well. The model is a conditional logit
(McFadden 1974): the probability that a document is the answering one is the softmax over all
candidates, a document's being the sum over its passages. Articles (of the essays: questions) are
dealt into folds, so that a question is never scored by weights that saw its article in any
collection.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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
from eval.opening import open_rag
from eval.reading import essay_of, held_out
from rag.candidates import Candidates
from rag.condense import condense
from rag.config import Settings
from rag.embed import Encoders, open_encoders
from rag.fusion import FEATURES
from rag.ingest import Indexer
from rag.load import loadable
from rag.retrieve import Retriever

__all__ = ["Table", "cross_validate", "fit", "gather", "main"]

Floats = NDArray[np.float64]

FOLDS = 6
SEED = 20261121
RIDGE = 1e-4  # per mean question; keeps weights of features that say the same from running off
STEPS = 300
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
    their number. The larger Chinese files are nearly solved and count less than the pair.
    """
    if direction.startswith("other"):
        return 2.0 if collection.startswith("all") else 0.03
    if collection in ("zh", "en"):
        return 3.0
    return 1.0 if collection.startswith("mixed") or direction.startswith("same") else 0.1


@dataclass(frozen=True)
class Table:
    """The candidates of a direction's questions, one after the other.

    `features` [rows, len(FEATURES)]; `starts` [questions] is each question's first row; `gold`
    [rows] marks passages of its answering documents; questions without one are not in the table
    and counted in `lost`.
    """

    name: str
    features: Floats
    starts: NDArray[np.int64]
    gold: NDArray[np.bool_]
    ids: NDArray[np.int64]
    asked: tuple[Asked, ...]
    documents: Mapping[int, frozenset[str]]
    weight: float = 1.0
    lost: int = 0

    def where(self, keep: Sequence[bool]) -> tuple[Floats, NDArray[np.int64], NDArray[np.bool_]]:
        """Features, starts and gold of the questions to keep."""
        sizes = np.diff(np.r_[self.starts, len(self.gold)])
        rows = np.repeat(np.asarray(keep), sizes)
        kept = sizes[np.asarray(keep)]
        return self.features[rows], np.r_[0, np.cumsum(kept)[:-1]], self.gold[rows]


def _columns(found: Candidates) -> Floats:
    """The features of the candidates, [n, len(FEATURES)]; 0 where an encoder has no such thing."""
    none = np.zeros(len(found.ids))
    return np.stack([found.features.get(name, none) for name in FEATURES], axis=1)


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
                features=np.concatenate(blocks),
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
        features=np.concatenate(blocks),
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


def fit(
    blocks: Iterable[tuple[Floats, NDArray[np.int64], NDArray[np.bool_], float]],
) -> Floats:
    """The weights [features] that make the answering documents most likely, by L-BFGS."""
    from scipy.optimize import minimize

    data = [block for block in blocks if len(block[1])]
    total = sum(len(starts) * weight for _, starts, _, weight in data)

    def loss(weights: Floats) -> tuple[float, Floats]:
        value, slope = 0.0, np.zeros(len(FEATURES))
        for features, starts, gold, weight in data:
            scores = features @ weights
            sizes = np.diff(np.r_[starts, len(scores)])
            scores -= np.repeat(np.maximum.reduceat(scores, starts), sizes)
            mass = np.exp(scores)
            right = np.where(gold, mass, 0.0)
            everything, answering = np.add.reduceat(mass, starts), np.add.reduceat(right, starts)
            answering = np.maximum(answering, 1e-300)
            value += weight * float(np.log(everything / answering).sum())
            pull = mass / np.repeat(everything, sizes) - right / np.repeat(answering, sizes)
            slope += weight * (pull @ features)
        return value / total + RIDGE / 2 * float(weights @ weights), slope / total + RIDGE * weights

    start = np.zeros(len(FEATURES))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return np.asarray(found.x, np.float64)


def cross_validate(tables: Sequence[Table]) -> dict[str, float]:
    """nDCG@10 of each direction, each question scored by weights of the other folds' articles."""
    articles = sorted({one.article for table in tables for one in table.asked})
    np.random.default_rng(SEED).shuffle(articles)
    fold_of = {article: number % FOLDS for number, article in enumerate(articles)}
    folds = [[fold_of[one.article] for one in table.asked] for table in tables]
    ranks: list[list[int]] = [[0] * table.lost for table in tables]
    for fold in range(FOLDS):
        weights = fit(
            (*table.where([f != fold for f in own]), table.weight)
            for table, own in zip(tables, folds, strict=True)
        )
        for table, own, found in zip(tables, folds, ranks, strict=True):
            found.extend(ranks_of(table, weights, [f == fold for f in own]))
    return {
        table.name: float(ndcg(found).mean()) for table, found in zip(tables, ranks, strict=True)
    }


def ranks_of(table: Table, weights: Floats, asked: Sequence[bool]) -> list[int]:
    """The rank of the first answering document of each question that is asked."""
    scores = table.features @ weights
    ends = np.r_[table.starts[1:], len(scores)]
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
    parser.add_argument("--write", type=Path, help="write the weights of all articles here")
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
    held_out = cross_validate(tables)
    weights = fit((*table.where([True] * len(table.asked)), table.weight) for table in tables)
    for name, value in held_out.items():
        print(f"{name:30} nDCG@10 held out {value:.4f}")
    named = {name: round(float(w), 2) for name, w in zip(FEATURES, weights, strict=True)}
    print(json.dumps(named, indent=1))
    if write:
        content = {"weights": named, "held out nDCG@10": held_out}
        write.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
