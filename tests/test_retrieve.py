"""Finding passages in a real index, by encoders that see letters only and a tiny dictionary."""

from __future__ import annotations

import hashlib
import math
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rag.config import INGREDIENTS, Settings
from rag.encoders.encoder import Encoders
from rag.errors import IndexFault, SourceNotFound
from rag.ingest import Indexer
from rag.retrieve import Retriever
from rag.schema import Hit
from rag.search.dictionary import Dictionary

Vector = NDArray[np.float32]

LINES = [
    "宗教改革 宗教改革 [zong1 jiao4 gai3 ge2] /Protestant Reformation/",
    "路德 路德 [Lu4 de2] /Luther (name)/",
    "獅子 狮子 [shi1 zi5] /lion/CL:隻|只[zhi1]/",
    "船 船 [chuan2] /boat/vessel/ship/",
]
TEXTS = {
    "reformation.txt": "1517年，路德在维滕贝格贴出九十五条论纲，宗教改革由此开始。",
    "harbour.txt": "The harbour of Hamburg handled 8.7 million containers in 2021. "
    "Every ship is guided in by a pilot.",
    "tower.txt": "臺北一零一大樓高五百零八公尺，曾經是世界上最高的建築。",
    "bread.txt": "Bread rises because yeast turns sugar into gas.\n\nSourdough needs no yeast.",
    "tea.txt": "# 茶\n\n龙井茶产于杭州，春天采摘的最好。\n\n## 做法\n\n水温八十度，泡三分钟。",
    "diary.md": "---\ntitle: Winter diary\ndate: 2025-12-24\n---\n\nIt snowed and I stayed in.",
    "metro.txt": "東京の地下鉄は毎日八百万人の乗客を運んでいます。",
}


class LetterEncoder:
    """Sums a fixed random vector for every pair of neighbouring characters."""

    max_tokens = 512

    def __init__(self, name: str, dimension: int) -> None:
        self.name = name
        self.dimension = dimension

    def passages(self, texts: Sequence[str], on_progress: object = None) -> Vector:
        del on_progress
        return np.stack([self.query(text) for text in texts])

    def query(self, text: str) -> Vector:
        total = np.full(self.dimension, 1e-3, np.float32)
        for pair in pairwise(text[:500]):
            seed = hashlib.sha256(f"{self.name}{pair}".encode()).digest()[:8]
            chance = np.random.default_rng(int.from_bytes(seed, "big"))
            total += chance.standard_normal(self.dimension, np.float32)
        return np.asarray(total / np.linalg.norm(total), np.float32)

    def count_tokens(self, text: str) -> int:
        return len(text)


def encoders() -> Encoders:
    return Encoders(LetterEncoder("letters-passage", 48), LetterEncoder("letters-sentence", 32))


def write(folder: Path, texts: dict[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    return folder


def made(index: Indexer, folder: Path, **settings: object) -> Retriever:
    index.ready()
    return Retriever(
        index.catalog,
        index.vectors,
        index.lexical,
        index.encoders,
        Settings(data_dir=folder, **settings),
        dictionary=Dictionary(folder / "words", lambda: LINES),
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("retrieve")


@pytest.fixture(scope="module")
def index(home: Path) -> Iterator[Indexer]:
    with Indexer(home / "index", encoders()) as opened:
        opened.ingest(write(home / "texts", TEXTS))
        yield opened


@pytest.fixture(scope="module")
def retriever(index: Indexer, home: Path) -> Retriever:
    return made(index, home)


def first(hits: Sequence[Hit]) -> str:
    return hits[0].passage.source.removeprefix("texts/")


def score_of(hits: Sequence[Hit], source: str) -> float:
    return next(hit.score for hit in hits if first([hit]) == source)


@pytest.mark.parametrize(
    ("question", "source"),
    [
        ("路德在哪一年贴出论纲？", "reformation.txt"),
        ("How many containers did Hamburg handle?", "harbour.txt"),
        ("台北一零一大楼有多高？", "tower.txt"),
        ("臺北一零一大樓有多高？", "tower.txt"),
        ("Why does bread rise?", "bread.txt"),
        ("地下鉄の乗客は何人ですか", "metro.txt"),
        ("Does the winter diary say that it snowed?", "diary.md"),
        ("茶 做法", "tea.txt"),
    ],
)
def test_the_right_passage_comes_first(retriever: Retriever, question: str, source: str) -> None:
    assert first(retriever.hits(question)) == source


def test_hits_say_what_their_score_is_made_of(retriever: Retriever) -> None:
    hits = retriever.hits("Why does bread rise?", k=4)
    assert len(hits) == 4
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    for hit in hits:
        assert {"passage", "sentence", "mean", "coverage", "bm25"} <= set(hit.signals)
        assert all(math.isfinite(value) for value in hit.signals.values())
    assert hits[0].signals["coverage"] > hits[-1].signals["coverage"]


@pytest.mark.parametrize(
    "question",
    ["", " \n", "？！……", "😀🎉", "x" * 100_000, "为什么" * 40_000, "\ud800", "a\x00b", "1", "的"],
)
def test_no_question_is_too_odd(retriever: Retriever, question: str) -> None:
    hits = retriever.hits(question)
    assert all(math.isfinite(hit.score) for hit in hits)
    if not any(character.isalnum() for character in question):
        assert hits == []


def test_only_the_named_essays_are_searched(retriever: Retriever) -> None:
    some = ["texts/bread.txt", "texts/tea.txt"]
    hits = retriever.hits("How many containers did Hamburg handle?", k=10, sources=some)
    assert {hit.passage.source for hit in hits} == set(some)
    assert retriever.hits("Hamburg", sources=[]) == []
    with pytest.raises(SourceNotFound, match="nobody"):
        retriever.hits("Hamburg", sources=["texts/nobody.txt", "texts/tea.txt"])


def test_k_is_the_most_there_are(retriever: Retriever) -> None:
    assert retriever.hits("bread", k=0) == []
    assert len(retriever.hits("bread", k=1)) == 1
    everything = retriever.hits("bread", k=50)
    assert len({hit.passage.id for hit in everything}) == len(everything) >= len(TEXTS)
    assert retriever.hits("bread", k=sys.maxsize) == everything
    assert retriever.hits("bread", k=4 * sys.maxsize) == everything


def test_each_part_of_a_question_has_its_passage(tmp_path: Path) -> None:
    wool = "The wool of hill sheep is washed, carded and spun in the valley below number {}."
    texts = {f"wool-{n}.txt": wool.format(n) + f" It is dyed {n * 'very '}red." for n in range(9)}
    texts["bell.txt"] = "A bell was cast for Orrin in 1702."
    question = "How is the wool of hill sheep spun, and who cast a bell for Orrin?"
    with Indexer(tmp_path / "index", encoders()) as index:
        index.ingest(write(tmp_path / "texts", texts))
        whole = made(index, tmp_path, without=frozenset({"parts", "copies"}))
        hits = made(index, tmp_path, without=frozenset({"copies"})).hits(question)
        assert [first([hit]) for hit in hits[:3]] == [
            first([hit]) for hit in whole.hits(question, k=3)
        ]
        assert "bell.txt" not in {first([hit]) for hit in whole.hits(question)}
        (bell,) = [hit for hit in hits if first([hit]) == "bell.txt"]
        assert bell.signals["part"] == 2
        assert len({hit.passage.id for hit in hits}) == len(hits) == 5


def test_where_the_same_is_asked_of_each_another_essay_is_found_for_each(tmp_path: Path) -> None:
    wool = "Number {} of the mistakes that the shipyard admits, and no farm would."
    texts = {"yard.md": "\n\n".join(f"# Yard {n}\n\n{wool.format(n)}" for n in range(9))}
    texts["hens.txt"] = "The hens cost us more than their eggs."
    question = "Which mistakes do the shipyard and the farm each admit?"
    with Indexer(tmp_path / "index", encoders()) as index:
        index.ingest(write(tmp_path / "texts", texts))
        hits = made(index, tmp_path, without=frozenset({"copies"})).hits(question)
    assert {hit.passage.source: hit.signals.get("part") for hit in hits}["texts/hens.txt"]


def test_what_was_asked_before_helps(retriever: Retriever) -> None:
    history = [
        {"role": "user", "content": "汉堡 Hamburg harbour containers 有什么？"},
        {"role": "assistant", "content": "港口。"},
    ]
    assert first(retriever.hits("它在2021年有多少？", history)) == "harbour.txt"


def test_passages_that_stand_for_whole_essays_can_be_left_out(index: Indexer, home: Path) -> None:
    question = "What are these essays about?"
    assert all("whole" in hit.signals for hit in made(index, home).hits(question))
    hits = made(index, home, without=frozenset({"whole"})).hits(question)
    assert hits
    assert not any("whole" in hit.signals for hit in hits)


@pytest.mark.parametrize("ingredient", INGREDIENTS)
def test_every_ingredient_can_be_left_out(index: Indexer, home: Path, ingredient: str) -> None:
    without = made(index, home, without=frozenset({ingredient}))
    assert first(without.hits("How many containers did Hamburg handle?")) == "harbour.txt"


def test_all_ingredients_can_be_left_out_together(index: Indexer, home: Path) -> None:
    bare = made(index, home, without=frozenset(INGREDIENTS))
    hits = bare.hits("When did Luther start the Protestant Reformation?")
    assert hits
    assert all(hit.signals["coverage"] == hit.signals["bridge"] == 0 for hit in hits)


def test_leaving_the_dictionary_out_leaves_the_bridge_out(index: Indexer, home: Path) -> None:
    question = "When did Luther start the Protestant Reformation?"
    bridged = made(index, home).hits(question, k=20)
    plain = made(index, home, without=frozenset({"dictionary"})).hits(question, k=20)
    assert [first([hit]) for hit in bridged if hit.signals["bridge"] > 0] == ["reformation.txt"]
    assert score_of(bridged, "reformation.txt") > score_of(plain, "reformation.txt")
    assert all(hit.signals["bridge"] == 0 for hit in plain)


def test_as_many_as_are_wanted_are_found(tmp_path: Path) -> None:
    texts = {f"{n}.txt": f"Lamp {n} of the harbour wall burns: {n * 7}." for n in range(90)}
    with Indexer(tmp_path / "index", encoders()) as index:
        index.ingest(write(tmp_path / "texts", texts))
        retriever = made(index, tmp_path, without=frozenset({"copies"}))
        for k in (1, 12, 50, 90):
            hits = retriever.hits("Which lamp burns on the harbour wall?", k=k)
            assert len({hit.passage.source for hit in hits}) == k


def test_near_copies_count_once_and_other_numbers_do_not(tmp_path: Path) -> None:
    line = "The committee met in the old town hall and agreed to raise the fee to {} euros a year"
    texts = {
        "a.txt": line.format(40) + ", as planned.",
        "b.txt": line.format(40) + ", as was planned.",
        "c.txt": line.format(55) + ", as planned.",
        "d.txt": "Nothing of the kind was ever discussed at the market place.",
    }
    with Indexer(tmp_path / "index", encoders()) as index:
        index.ingest(write(tmp_path / "texts", texts))
        found = [first([hit]) for hit in made(index, tmp_path).hits("the fee a year", k=10)]
        assert {"c.txt", "d.txt"} <= set(found[:3])
        assert found[3] in {"a.txt", "b.txt"}, "where there is room, copies come last"
        every = made(index, tmp_path, without=frozenset({"copies"})).hits("the fee a year", k=10)
        assert len(every) == 4


def test_an_index_of_one_passage_and_one_that_grows(tmp_path: Path) -> None:
    with Indexer(tmp_path / "index", encoders()) as index:
        index.ingest(write(tmp_path / "texts", {"one.txt": TEXTS["bread.txt"].split("\n")[0]}))
        retriever = made(index, tmp_path)
        assert first(retriever.hits("Why does bread rise?")) == "one.txt"
        assert first(retriever.hits("面包为什么会发？")) == "one.txt"
        index.ingest(write(tmp_path / "texts", {"two.txt": TEXTS["reformation.txt"]}))
        assert first(retriever.hits("路德贴出了什么？")) == "two.txt"
        (tmp_path / "texts" / "two.txt").unlink()
        index.ingest(tmp_path / "texts")
        assert {first([hit]) for hit in retriever.hits("路德贴出了什么？")} == {"one.txt"}


def test_an_empty_index_gives_nothing(tmp_path: Path) -> None:
    with Indexer(tmp_path / "index", encoders()) as index:
        assert made(index, tmp_path).hits("Why?") == []


def test_threads_find_the_same(retriever: Retriever) -> None:
    questions = ["Why does bread rise?", "路德在哪一年贴出论纲？", "Hamburg harbour"] * 8
    alone = [[hit.passage.id for hit in retriever.hits(question)] for question in questions]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(retriever.hits, questions))
    assert [[hit.passage.id for hit in hits] for hits in together] == alone


def test_it_is_a_llama_index_retriever(retriever: Retriever) -> None:
    found = retriever.as_llama_index(k=2).retrieve("Why does bread rise?")
    hits = retriever.hits("Why does bread rise?", k=2)
    assert [node.node.node_id for node in found] == [hit.passage.id for hit in hits]
    assert found[0].score == hits[0].score
    assert found[0].node.metadata["source"] == "texts/bread.txt"


def test_a_damaged_catalog_is_an_error_and_not_nothing_found(tmp_path: Path) -> None:
    with Indexer(tmp_path / "index", encoders()) as index:
        index.ingest(write(tmp_path / "texts", TEXTS))
    path = tmp_path / "index" / "catalog.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA foreign_keys = OFF")
        raw.execute("DELETE FROM passage")  # as a page that is read as empty
        raw.commit()
    with Indexer(tmp_path / "index", encoders()) as index:
        found = made(index, tmp_path)
        with pytest.raises(IndexFault, match="damaged"):
            found.hits("Why does bread rise?")
