"""Retrieval on public benchmarks, through the real ingest and the real retriever.

    python -m eval.bench_retrieval FOLDER [--keep FOLDER] [--limit N] [--ablation] [--json out.json]

FOLDER holds files in SQuAD's format: xquad.zh.json and xquad.en.json (parallel), drcd_dev.json,
cmrc_trial.json; those that are missing are left out. Each paragraph is ingested as a file of its
own; a paragraph is found at the rank of its best passage. Collections:

- own: one index for each file; for the parallel pair the questions are asked in both languages.
- mixed: every second paragraph of the pair is Chinese and the others are English, and the other way
  round, so that each fact stands in one language only; "other" questions are in the other language.
- all: a mixed collection with all other files in one index.
- parallel: all files in one index, where a fact of the pair may be found in either language.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.reading import group_of, held_out
from rag.config import INGREDIENTS, Settings
from rag.embed import open_encoders
from rag.encoders.encoder import Encoder, Encoders, Spans, TokenEncoder
from rag.errors import EvalFault
from rag.ingest import Indexer
from rag.retrieve import Retriever
from rag.search.candidates import Candidates

__all__ = ["Asked", "Collection", "Remembered", "collections", "main", "paragraph_ranks", "rank_of"]

Vector = NDArray[np.float32]

FILES = {
    "zh": "xquad.zh.json",
    "en": "xquad.en.json",
    "drcd": "drcd_dev.json",
    "cmrc": "cmrc_trial.json",
}
DEEP = 10  # nDCG@10
SEED = 20261121
RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A document of a benchmark; `article` groups paragraphs for cross-validation."""

    name: str
    text: str
    article: str
    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the names of the documents that answer it."""

    question: str
    answers: frozenset[str]
    article: str


@dataclass(frozen=True)
class Collection:
    """Documents of one index, and the directions that are asked of it."""

    name: str
    documents: Mapping[str, str]
    directions: Mapping[str, Sequence[Asked]] = field(default_factory=dict)


class Remembered:
    """An encoder that embeds each text once in a run, whatever collection it stands in."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._known: dict[tuple[str, str], Vector] = {}
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    @cached_property
    def name(self) -> str:
        """As the encoder's own."""
        return self._encoder.name

    def passages(self, texts: Sequence[str], on_progress: Any = None) -> Vector:
        """Vectors [n, dimension]."""
        missing = [text for text in dict.fromkeys(texts) if ("p", text) not in self._known]
        rows = self._encoder.passages(missing, on_progress) if missing else ()
        with self._lock:
            self._known.update((("p", text), row) for text, row in zip(missing, rows, strict=True))
        return np.stack([self._known["p", text] for text in texts])

    def query(self, text: str) -> Vector:
        """A vector [dimension]."""
        found = self._known.get(("q", text))
        if found is None:
            found = self._known["q", text] = self._encoder.query(text)
        return found


class RememberedTokens(Remembered):
    """The same of an encoder that tells tokens apart."""

    def __init__(self, encoder: TokenEncoder) -> None:
        super().__init__(encoder)
        self._tokens = encoder
        self._packed: dict[str, bytes] = {}

    def read(
        self, texts: Sequence[str], spans: Spans, on_progress: Any = None
    ) -> tuple[Vector, list[bytes]]:
        """Vectors [n, dimension] and the packed vectors of tokens, as the encoder's own."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._packed]
        if missing:
            rows, packed = self._tokens.read(missing, spans, on_progress)
            with self._lock:
                self._known.update(
                    (("p", text), row) for text, row in zip(missing, rows, strict=True)
                )
                self._packed.update(zip(missing, packed, strict=True))
        return self.passages(texts), [self._packed[text] for text in texts]

    def query_tokens(self, text: str) -> Vector:
        """Token vectors [m, 128], as the encoder's own."""
        found = self._known.get(("t", text))
        if found is None:
            found = self._known["t", text] = self._tokens.query_tokens(text)
        return found


def remembered(encoder: Encoder) -> Remembered:
    """The encoder, with a memory."""
    return RememberedTokens(encoder) if isinstance(encoder, TokenEncoder) else Remembered(encoder)


# -- collections ----------------------------------------------------------------------------------


def paragraphs(path: Path, name: str) -> list[Paragraph]:
    """The paragraphs of a file in SQuAD's format. Raises EvalFault when it is not."""
    try:
        data = json.loads(path.read_text("utf-8-sig"))["data"]
        return [
            Paragraph(
                f"{name}-{number:05}",
                paragraph["context"],
                group,
                tuple(qa["question"] for qa in paragraph["qas"]),
            )
            for number, (group, paragraph) in enumerate(
                (group_of(path, article), paragraph)
                for article in data
                for paragraph in article["paragraphs"]
            )
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EvalFault(f"{path} is not in SQuAD's format: {error}.", "Check the path.") from error


def unlearned(collection: Collection) -> Collection:
    """The same passages, asked only about articles that nothing was learned from
    (`eval/reading.py`)."""
    directions = {
        name: [one for one in asked if held_out(one.article)]
        for name, asked in collection.directions.items()
    }
    return replace(
        collection, directions={name: asked for name, asked in directions.items() if asked}
    )


def collections(folder: Path) -> Iterator[Collection]:
    """All collections that the files in `folder` allow."""
    sets = {
        name: paragraphs(folder / file, name)
        for name, file in FILES.items()
        if (folder / file).is_file()
    }
    if not sets:
        raise EvalFault(f"{folder} holds none of {', '.join(FILES.values())}.", "Check the path.")
    others = {name: made for name, made in sets.items() if name not in ("zh", "en")}
    asked_of = {name: _directions(name, made) for name, made in others.items()}
    for name, made in others.items():
        yield Collection(name, _documents(made), asked_of[name])
    if not {"zh", "en"} <= sets.keys():
        return
    pair = sets["zh"], sets["en"]
    if len(pair[0]) != len(pair[1]):
        raise EvalFault("The two files of the pair are not parallel.", "Check that they match.")
    for target in ("zh", "en"):
        directions = {
            f"{source}→{target}": _ask(sets[source], sets[target]) for source in ("zh", "en")
        }
        yield Collection(target, _documents(sets[target]), directions)
    elsewhere = [paragraph for made in others.values() for paragraph in made]
    for parity in (0, 1):
        chosen = [pair[(number + parity) % 2][number] for number in range(len(pair[0]))]
        left_out = [pair[(number + parity + 1) % 2][number] for number in range(len(pair[0]))]
        directions = {
            f"{kind} {language}": _ask(
                [asker for asker, _ in asking if asker.name.startswith(language)],
                [answer for asker, answer in asking if asker.name.startswith(language)],
            )
            for kind, asking in (
                ("same", list(zip(chosen, chosen, strict=True))),
                ("other", list(zip(left_out, chosen, strict=True))),
            )
            for language in ("zh", "en")
        }
        yield Collection(f"mixed-{parity}", _documents(chosen), directions)
        if others:
            merged = dict(directions) | {k: v for a in asked_of.values() for k, v in a.items()}
            yield Collection(f"all-{parity}", _documents([*chosen, *elsewhere]), merged)
    if others:
        either = {
            f"{source}→either": [
                Asked(question, frozenset((a.name, b.name)), a.article)
                for a, b in zip(*pair, strict=True)
                for question in (a if source == "zh" else b).questions
            ]
            for source in ("zh", "en")
        }
        merged = either | {k: v for a in asked_of.values() for k, v in a.items()}
        yield Collection("parallel", _documents([*pair[0], *pair[1], *elsewhere]), merged)


def _documents(made: Sequence[Paragraph]) -> dict[str, str]:
    return {paragraph.name: paragraph.text for paragraph in made}


def _ask(askers: Sequence[Paragraph], answers: Sequence[Paragraph]) -> list[Asked]:
    return [
        Asked(question, frozenset((answer.name,)), answer.article)
        for asker, answer in zip(askers, answers, strict=True)
        for question in asker.questions
    ]


def _directions(name: str, made: Sequence[Paragraph]) -> dict[str, list[Asked]]:
    """As written; where that is Traditional Chinese, also in Simplified."""
    import opencc

    simplify = opencc.OpenCC("t2s").convert
    asked = _ask(made, made)
    simple = [Asked(simplify(one.question), one.answers, one.article) for one in asked]
    changed = sum(a.question != b.question for a, b in zip(asked, simple, strict=True))
    if changed < len(asked) / 2:
        return {name: asked}
    return {f"{name} traditional": asked, f"{name} simplified": simple}


# -- asking ---------------------------------------------------------------------------------------


def open_index(collection: Collection, folder: Path, encoders: Encoders) -> Indexer:
    """The collection ingested as a folder of files; what is there already is not embedded again."""
    texts = folder / collection.name / "texts"
    texts.mkdir(parents=True, exist_ok=True)
    for name, text in collection.documents.items():
        path = texts / f"{name}.txt"
        if not path.exists():
            path.write_text(text, "utf-8")
    index = Indexer(folder / collection.name / "index", encoders)
    report = index.ingest(texts)
    if report.failed:
        raise EvalFault(f"{len(report.failed)} documents cannot be read.", str(report.failed))
    index.ready()
    return index


def documents_of(index: Indexer) -> dict[int, frozenset[str]]:
    """The documents that each passage stands in, by its id."""
    ids = index.catalog.ids()
    made = {}
    for at in range(0, len(ids), 1000):
        for passage in index.catalog.passages(ids[at : at + 1000]):
            sources = (passage.source, *(place.source for place in passage.places))
            made[int(passage.id)] = frozenset(Path(source).stem for source in sources)
    return made


def paragraph_ranks(
    ids: Sequence[int], documents: Mapping[int, frozenset[str]]
) -> Iterator[frozenset[str]]:
    """Passages, best first, as the documents they newly bring."""
    seen: set[str] = set()
    for number in ids:
        fresh = documents[number] - seen
        if fresh:
            seen |= fresh
            yield fresh


def rank_of(
    answers: frozenset[str], ids: Sequence[int], documents: Mapping[int, frozenset[str]]
) -> int:
    """At which rank the first answering document stands, from 1; 0 when it does not."""
    for rank, fresh in enumerate(paragraph_ranks(ids, documents), 1):
        if fresh & answers:
            return rank
        if rank >= DEEP:
            break
    return 0


def dense(found: Candidates) -> list[int]:
    """The passage encoder alone."""
    return _ordered(found, found.signals["passage"])


def lexical(found: Candidates) -> list[int]:
    """BM25 alone."""
    return [n for n in _ordered(found, found.signals["bm25"]) if n in _matched(found)]


def plain(found: Candidates) -> list[int]:
    """Reciprocal rank fusion of the two (Cormack et al. 2009, k = 60): the usual design."""
    scores: dict[int, float] = {}
    for order in (dense(found), lexical(found)):
        for rank, number in enumerate(order, 1):
            scores[number] = scores.get(number, 0.0) + 1 / (60 + rank)
    return sorted(scores, key=lambda number: -scores[number])


def _matched(found: Candidates) -> set[int]:
    return {int(n) for n, score in zip(found.ids, found.signals["bm25"], strict=True) if score > 0}


def _ordered(found: Candidates, scores: NDArray[np.float64]) -> list[int]:
    return [int(found.ids[row]) for row in np.lexsort((found.ids, -scores))]


def measure(
    index: Indexer,
    collection: Collection,
    settings: Settings,
    encoders: Encoders,
    *,
    limit: int | None = None,
    baselines: bool = False,
) -> dict[str, dict[str, list[int]]]:
    """The rank of each question's document, by direction and way of ranking."""
    retriever = Retriever(index.catalog, index.vectors, index.lexical, encoders, settings)
    documents = documents_of(index)
    ways = {"dense": dense, "lexical": lexical, "plain fusion": plain} if baselines else {}
    ranks: dict[str, dict[str, list[int]]] = {}
    for direction, asked in collection.directions.items():
        ranks[direction] = {way: [] for way in (*ways, "fused")}
        for one in spread(asked, limit):
            hits = retriever.hits(one.question, k=3 * DEEP)
            ids = [int(hit.passage.id) for hit in hits]
            ranks[direction]["fused"].append(rank_of(one.answers, ids, documents))
            if not ways:
                continue
            found = retriever.candidates(one.question)
            for way, order in ways.items():
                rank = rank_of(one.answers, order(found) if len(found.ids) else (), documents)
                ranks[direction][way].append(rank)
    return ranks


def spread(asked: Sequence[Asked], limit: int | None) -> Sequence[Asked]:
    if limit is None or limit >= len(asked):
        return asked
    return [asked[n * len(asked) // limit] for n in range(limit)]


# -- figures --------------------------------------------------------------------------------------


def ndcg(ranks: Sequence[int]) -> NDArray[np.float64]:
    """nDCG@10 of each question with one relevant document (Järvelin & Kekäläinen 2002)."""
    given = np.asarray(ranks, np.float64)
    return np.where(given > 0, 1 / np.log2(1 + np.maximum(given, 1)), 0.0)


def figures(ranks: Sequence[int]) -> dict[str, Any]:
    """nDCG@10 with its 95% bootstrap interval, R@1 and R@5."""
    gains = ndcg(ranks)
    chance = np.random.default_rng(SEED)
    means = gains[chance.integers(0, len(gains), (RESAMPLES, len(gains)))].mean(axis=1)
    given = np.asarray(ranks)
    return {
        "n": len(ranks),
        "nDCG@10": round(float(gains.mean()), 4),
        "interval": [round(float(x), 4) for x in np.percentile(means, (2.5, 97.5))],
        "R@1": round(float((given == 1).mean()), 4),
        "R@5": round(float(((given > 0) & (given <= 5)).mean()), 4),
    }


def bench(
    data: Path,
    folder: Path,
    *,
    limit: int | None,
    ablation: bool,
    cache: Path,
    learned: bool = True,
) -> dict[str, Any]:
    """All figures: by collection, direction and way of ranking; with `ablation` also without each
    ingredient in turn; not `learned`: of the questions that are `unlearned`."""
    encoders = _remembering(Settings(), cache)
    unlearning = {
        name: _remembering(Settings(without=frozenset({name})), cache)
        for name in ("questions", "toward")
    }
    results: dict[str, Any] = {}
    for every in collections(data):
        collection = every if learned else unlearned(every)
        since = time.perf_counter()
        with open_index(collection, folder, encoders) as index:
            ranks = measure(index, collection, Settings(), encoders, limit=limit, baselines=True)
            results[collection.name] = {
                direction: {way: figures(found) for way, found in ways.items()}
                for direction, ways in ranks.items()
            }
            if ablation and not collection.name.endswith("-1"):
                for ingredient in INGREDIENTS:
                    settings = Settings(without=frozenset({ingredient}))
                    asking = unlearning.get(ingredient, encoders)
                    without = measure(index, collection, settings, asking, limit=limit)
                    for direction, ways in without.items():
                        results[collection.name][direction][f"without {ingredient}"] = figures(
                            ways["fused"]
                        )
        print(f"{collection.name}: {time.perf_counter() - since:.0f} s", file=sys.stderr)
        _print(collection.name, results[collection.name])
    return results


def _remembering(settings: Settings, cache: Path) -> Encoders:
    opened = open_encoders(settings, cache)
    return Encoders(remembered(opened.passage), remembered(opened.sentence))


def _print(name: str, directions: Mapping[str, Mapping[str, Any]]) -> None:
    for direction, ways in directions.items():
        for way, found in ways.items():
            low, high = found["interval"]
            print(
                f"{name:10} {direction:18} {way:18} n {found['n']:5} "
                f"nDCG@10 {found['nDCG@10']:.3f} [{low:.3f}, {high:.3f}] "
                f"R@1 {found['R@1']:.3f} R@5 {found['R@5']:.3f}",
                flush=True,
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="eval.bench_retrieval", description=__doc__.split("\n")[0]
    )
    parser.add_argument("data", type=Path, help="folder of benchmark files")
    parser.add_argument("--keep", type=Path, help="keep the indexes here, to measure again sooner")
    parser.add_argument("--limit", type=int, help="questions per direction, evenly spread")
    parser.add_argument("--ablation", action="store_true", help="also without each ingredient")
    parser.add_argument(
        "--held-out", action="store_true", help="ask only about articles that were not learned from"
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as made:
        folder = given.keep or Path(made)
        try:
            results = bench(
                given.data,
                folder,
                limit=given.limit,
                ablation=given.ablation,
                cache=Settings().models,
                learned=not given.held_out,
            )
        except EvalFault as fault:
            print(fault, file=sys.stderr)
            return 1
    stamp = {"python": platform.python_version(), "machine": platform.machine()}
    if given.json:
        given.json.write_text(json.dumps(stamp | {"figures": results}, indent=1), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
