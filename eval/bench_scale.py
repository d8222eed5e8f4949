"""How the store grows: build, open, ask, filter, add and share it between threads, at three sizes.

    python -m eval.bench_scale [--sizes 1000,10000,100000] [--data squad.json …] [--folder F]

Vectors are cheap, deterministic and clustered like real ones, so that the store and not an encoder
is measured; the texts are paragraphs of the given SQuAD-format files with their sentences mixed
anew, or made up where no file is given. Each size is built in one process and asked in another, so
that both peaks of memory are their own. With --folder what was built stays and is asked again.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import platform
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag import fold
from rag.config import Settings
from rag.encoders import late
from rag.encoders.encoder import Encoders, Spans
from rag.ingest import Indexer, encoded
from rag.retrieve import Retriever
from rag.schema import Essay, OffsetMap, Passage
from rag.search.candidates import NEAREST
from rag.search.dictionary import Dictionary
from rag.sentences import sentence_spans
from rag.storage.rows import FileState, Piece

__all__ = ["ClusteredEncoder", "main"]

Vector = NDArray[np.float32]

TOPICS = 500
PER_ESSAY = 50
QUESTIONS = 60
LONGEST = 60  # characters of a question


class ClusteredEncoder:
    """A stand-in: a text's vector is that of the topic its hash names, plus noise of its own."""

    max_tokens = 512

    def __init__(self, name: str, dimension: int) -> None:
        self.name = name
        self.dimension = dimension
        chance = np.random.default_rng(dimension)
        self._topics = chance.standard_normal((TOPICS, dimension), np.float32)
        self._noise = chance.standard_normal((4096, dimension), np.float32)

    def passages(self, texts: Sequence[str], on_progress: object = None) -> Vector:
        """Vectors [n, dimension]."""
        del on_progress
        hashes = b"".join(hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts)
        parts = np.frombuffer(hashes, "<u2").reshape(-1, 4)
        rows = self._topics[parts[:, 0] % TOPICS]
        rows = rows + 0.5 * (self._noise[parts[:, 1] % 4096] + self._noise[parts[:, 2] % 4096])
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)

    def query(self, text: str) -> Vector:
        """A vector [dimension]."""
        return np.asarray(self.passages([text])[0], np.float32)

    def count_tokens(self, text: str) -> int:
        """Characters."""
        return len(text)


class ClusteredTokens(ClusteredEncoder):
    """The same, with vectors of made-up tokens: one for every four bytes, about the usual."""

    def read(
        self, texts: Sequence[str], spans: Spans, on_progress: object = None
    ) -> tuple[Vector, list[bytes]]:
        """Vectors [n, dimension] and the packed vectors of tokens."""
        packed = []
        for text in texts:
            sentences = spans(text)
            sizes = [max(len(text[a:b].encode()) // 4, 1) for a, b in sentences]
            places = [at for at, size in enumerate(sizes) for _ in range(size)]
            packed.append(late.pack(self._states(text, len(places)), places, len(sentences)))
        return self.passages(texts, on_progress), packed

    def query_tokens(self, text: str) -> Vector:
        """Token vectors [m, 128]."""
        return late.asked(self._states(text, max(len(text.encode()) // 4, 1)))

    def _states(self, text: str, count: int) -> Vector:
        start = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=2).digest(), "little")
        return self._noise[(start + np.arange(count)) % len(self._noise)]


@cache
def encoders() -> Encoders:
    """Of the sizes of the bundled ones."""
    return Encoders(ClusteredTokens("bench-384", 384), ClusteredEncoder("bench-512", 512))


def sentences(paths: Sequence[Path]) -> dict[str, list[str]]:
    """Sentences by language, of SQuAD-format files or made up."""
    found: dict[str, list[str]] = {"en": [], "zh": []}
    for path in paths:
        for article in json.loads(path.read_text("utf-8"))["data"]:
            for paragraph in article["paragraphs"]:
                text = paragraph["context"]
                language = "zh" if fold.language(text) == "zh" else "en"
                found[language] += [text[start:end] for start, end in sentence_spans(text)]
    chance = random.Random(1)
    syllables = [a + b for a in "bdfgklmnprst" for b in ("a", "e", "i", "o", "u", "an", "er")]
    latin = ["".join(chance.choices(syllables, k=chance.randint(1, 3))) for _ in range(20_000)]
    han = [chr(chance.randint(0x4E00, 0x7FFF)) for _ in range(3_000)]
    if not found["en"]:
        found["en"] = [" ".join(_zipf(chance, latin, 20)).capitalize() + "." for _ in range(2_000)]
    if not found["zh"]:
        found["zh"] = ["".join(_zipf(chance, han, 40)) + "。" for _ in range(2_000)]
    return found


def _zipf(chance: random.Random, words: Sequence[str], count: int) -> list[str]:
    return [words[int(len(words) ** chance.random()) - 1] for _ in range(count)]


def essays(size: int, pool: dict[str, list[str]]) -> Iterator[tuple[Essay, list[Piece]]]:
    """Essays of PER_ESSAY passages, languages in turn, `size` passages in all; each text once."""
    chance = random.Random(2)
    serial = itertools.count(1)
    for number in range(size // PER_ESSAY):
        language = ("en", "zh")[number % 2]
        name = f"bench/{number:06}.txt"
        yield essay(name, language, pool[language], chance, serial)


def essay(
    name: str, language: str, pool: Sequence[str], chance: random.Random, serial: Iterator[int]
) -> tuple[Essay, list[Piece]]:
    """One essay of sentences that are drawn from the pool; a number makes each text its own."""
    kinds = encoders()
    made: list[Piece] = []
    lines: list[str] = []
    at = 0
    for _ in range(PER_ESSAY):
        parts = [f"{sentence} {next(serial)}" for sentence in chance.sample(pool, 4)]
        text = " ".join(parts)[:1500]
        passage = Passage(
            id="", source=name, title=name, heading="", start=at, end=at + len(text), text=text,
            raw=text, context=text, language=language, offsets=OffsetMap.identity(len(text), at),
        )  # fmt: skip
        texts = {kinds.passage.name: (text,), kinds.sentence.name: tuple(parts)}
        made.append(Piece(passage, text, " ".join(fold.words(text)), "", texts))
        lines.append(text)
        at += len(text) + 1
    whole = "\n".join(lines)
    return Essay(source=name, text=whole, digest=name, title=name, language=language), made


def _parts(made: Sequence[Piece], encoder: str) -> list[str]:
    return [text for piece in made for text in piece.parts[encoder]]


def build(folder: Path, size: int, pool: dict[str, list[str]]) -> dict[str, float]:
    """Fill an index; seconds of each part."""
    spent = {"make up texts and vectors": 0.0, "catalog": 0.0}
    kinds = encoders()
    with Indexer(folder, kinds) as index:
        with index.catalog.write() as writer:
            writer.set_manifest(index.manifest())
            root = writer.add_root("/bench", "bench")
        since = time.perf_counter()
        for one, made in essays(size, pool):
            rows = _vectors(made, kinds)
            since = _lap(spent, "make up texts and vectors", since)
            with index.catalog.write() as writer:
                for name, vectors in rows.items():
                    writer.keep_vectors(name, *vectors)
                writer.put_essay(root.id, one, FileState(0, 0, 0, 0), one.title, made)
            since = _lap(spent, "catalog", since)
        for kind in ("lexical", "vectors"):
            since = time.perf_counter()
            index.rebuild(kind)
            _lap(spent, kind, since)
    spent["build, processor s"] = time.process_time()
    spent["peak MB"] = _peak()
    spent["disk MB"] = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6
    return spent


def ask(folder: Path, size: int, pool: dict[str, list[str]]) -> dict[str, float]:
    """Open what was built and ask it; milliseconds unless the name says otherwise."""
    found: dict[str, float] = {}
    since, busy = time.perf_counter(), time.process_time()
    kinds = encoders()
    index = Indexer(folder, kinds)
    index.ready()
    found["open s"] = time.perf_counter() - since
    found["open, processor s"] = time.process_time() - busy
    chance = random.Random(3)
    questions = [chance.choice(pool[("en", "zh")[n % 2]])[:LONGEST] for n in range(QUESTIONS)]
    settings = Settings()
    dictionary = Dictionary(settings.models)
    dictionary.bridges("cake", "en", "zh")  # made at the first look-up, once for all indexes
    retriever = Retriever(
        index.catalog, index.vectors, index.lexical, kinds, settings, dictionary=dictionary
    )
    since, busy = time.perf_counter(), time.process_time()
    retriever.hits(questions[0])
    found["first question s"] = time.perf_counter() - since
    found["first question, processor s"] = time.process_time() - busy
    _times(found, "retrieve", retriever.hits, questions)
    everything = [info.source for info in index.essays()]
    for share in (0.001, 0.05, 0.5):
        some = everything[: max(1, int(len(everything) * share))]
        asked = partial(retriever.hits, sources=some)
        since = time.perf_counter()
        asked(questions[0])
        found[f"filter {share:.1%} first"] = 1000 * (time.perf_counter() - since)
        _times(found, f"filter {share:.1%}", asked, questions)
    found.update(_threads(retriever, questions))
    for name, one in _Steps(index, kinds).all().items():
        _times(found, name, one, questions)
    found["ask peak MB"] = _peak()
    found["add one essay s"] = _add(index, pool, size)
    index.close()
    return found


class _Steps:
    """The store's parts of a retrieval, one by one; each is done for both languages."""

    def __init__(self, index: Indexer, kinds: Encoders) -> None:
        self._index = index
        self._kinds = kinds
        self._ids = index.catalog.ids()

    def all(self) -> dict[str, Callable[[str], Any]]:
        catalog, kinds, ids = self._index.catalog, self._kinds, self._ids
        chance = random.Random(4)
        return {
            "dense passage": partial(self._dense, kinds.passage),
            "dense sentence": partial(self._dense, kinds.sentence),
            "lexical": self._lexical,
            "sentence vectors of 200": lambda _: catalog.sentence_vectors(
                kinds.sentence.name, chance.sample(ids, 200)
            ),
            "words of 200": lambda _: catalog.words(chance.sample(ids, 200)),
            "10 passages": lambda _: catalog.passages(chance.sample(ids, 10)),
        }

    def _dense(self, encoder: Any, question: str) -> None:
        vector = encoder.query(question)
        for language in ("en", "zh"):
            self._index.vectors.query(encoder.name, language, vector, NEAREST)

    def _lexical(self, question: str) -> None:
        words = fold.words(question)
        for language in ("en", "zh"):
            self._index.lexical.of(language).query(words, NEAREST)


def _threads(retriever: Retriever, questions: Sequence[str]) -> dict[str, float]:
    rates = {}
    for threads in (1, 16):
        with ThreadPoolExecutor(threads) as pool:
            since = time.perf_counter()
            list(pool.map(retriever.hits, [*questions] * 2))
            rates[f"questions/s, {threads} threads"] = (
                2 * len(questions) / (time.perf_counter() - since)
            )
    return rates


def _add(index: Indexer, pool: dict[str, list[str]], size: int) -> float:
    """Seconds to add one essay, its vectors at hand."""
    chance = random.Random(5)
    one, made = essay("bench/new.txt", "en", pool["en"], chance, itertools.count(10 * size))
    rows = _vectors(made, index.encoders)
    since = time.perf_counter()
    with index.writing():
        with index.catalog.write() as writer:
            for name, vectors in rows.items():
                writer.keep_vectors(name, *vectors)
            root = index.catalog.roots()[0]
            writer.put_essay(root.id, one, FileState(0, 0, 0, 0), one.title, made)
        index.follow(trust_fresh=True)
    return time.perf_counter() - since


def _vectors(
    made: Sequence[Piece], kinds: Encoders
) -> dict[str, tuple[list[str], Vector, Sequence[bytes]]]:
    """By encoder: texts, their vectors, and their tokens' where there are any."""
    found = {}
    for kind in (kinds.passage, kinds.sentence):
        texts = _parts(made, kind.name)
        found[kind.name] = (texts, *encoded(kind, texts))
    return found


def _lap(spent: dict[str, float], name: str, since: float) -> float:
    now = time.perf_counter()
    spent[name] = spent.get(name, 0.0) + now - since
    return now


def _times(
    found: dict[str, float], name: str, one: Callable[[str], Any], questions: Sequence[str]
) -> None:
    """Elapsed times, and the processor's, which other programs stretch less."""
    elapsed, busy = [], []
    for question in questions:
        since, before = time.perf_counter(), time.process_time()
        one(question)
        busy.append(1000 * (time.process_time() - before))
        elapsed.append(1000 * (time.perf_counter() - since))
    found[f"{name} p50"], found[f"{name} p95"] = np.percentile(elapsed, (50, 95)).tolist()
    found[f"{name}, processor"] = float(np.median(busy))


def _peak() -> float:
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _in_process(phase: str, folder: Path, size: int, data: Sequence[Path]) -> dict[str, float]:
    """One phase in a process of its own."""
    command = [sys.executable, "-m", "eval.bench_scale", "--phase", phase, "--folder", str(folder)]
    command += ["--sizes", str(size)] + [word for path in data for word in ("--data", str(path))]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # as the command does
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _figures(folder: Path, size: int, data: Sequence[Path]) -> dict[str, float]:
    """Of building, from when it was built, and of asking."""
    built = folder / "built.json"
    if not built.exists():
        shutil.rmtree(folder, ignore_errors=True)
        figures = _in_process("build", folder / "index", size, data)
        built.write_text(json.dumps(figures), "utf-8")
    made: dict[str, float] = json.loads(built.read_text("utf-8"))
    return made | _in_process("ask", folder / "index", size, data)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the curve."""
    parser = argparse.ArgumentParser("eval.bench_scale", description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--data", type=Path, action="append", default=[], help="SQuAD format")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--folder", type=Path, help="keep what is built, or ask what was built")
    parser.add_argument("--phase", choices=("build", "ask"), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    sizes = [int(size) for size in given.sizes.split(",")]
    if given.phase:
        pool = sentences(given.data)
        phase = build if given.phase == "build" else ask
        print(json.dumps(phase(given.folder, sizes[0], pool)))
        return
    curve = {}
    with tempfile.TemporaryDirectory() as scratch:
        for size in sizes:
            folder = (given.folder or Path(scratch)) / str(size)
            curve[size] = _figures(folder, size, given.data)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{'':28}" + "".join(f"{size:>12,}" for size in sizes))
    for name in dict.fromkeys(name for figures in curve.values() for name in figures):
        print(f"{name:28}" + "".join(f"{curve[size].get(name, 0):12.2f}" for size in sizes))
    if given.json:
        given.json.write_text(json.dumps(curve, indent=1), "utf-8")


if __name__ == "__main__":
    main()
