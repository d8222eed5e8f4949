"""The retrieval benchmark and the training of its weights, on two tiny parallel files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_retrieve import LetterEncoder, Vector, encoders

from eval import bench_retrieval as bench
from eval import logit
from eval import train_fusion as train
from eval.reading import essay_of, held_out
from rag.config import Settings
from rag.errors import EvalFault
from rag.search.fusion import FEATURES, INPUTS, below_best

PRACTICE = Path(train.__file__).with_name("practice")

PAIR = [
    (
        "1517年，路德在维滕贝格贴出九十五条论纲。",
        "谁贴出了论纲？",
        "In 1517 Luther posted his theses in Wittenberg.",
        "Who posted the theses?",
    ),
    (
        "汉堡港2021年装卸八百七十万个集装箱。",
        "汉堡港装卸了多少集装箱？",
        "Hamburg handled 8.7 million containers in 2021.",
        "How many containers did Hamburg handle?",
    ),
    (
        "面包因为酵母产生气体而膨胀。",
        "面包为什么膨胀？",
        "Bread rises because yeast makes gas.",
        "Why does bread rise?",
    ),
    (
        "龙井茶产于杭州，春天采摘。",
        "龙井茶产于哪里？",
        "Longjing tea grows near Hangzhou in spring.",
        "Where does Longjing tea grow?",
    ),
]
TRADITIONAL = [("臺北一零一大樓高五百零八公尺。", "臺北一零一大樓有多高？")]


def squad(rows: list[tuple[str, str]]) -> str:
    articles = [
        {"paragraphs": [{"context": text, "qas": [{"id": text[:5], "question": question}]}]}
        for text, question in rows
    ]
    return json.dumps({"data": articles})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("squad")
    (folder / "xquad.zh.json").write_text(squad([(a, b) for a, b, _, _ in PAIR]), "utf-8")
    (folder / "xquad.en.json").write_text(squad([(c, d) for _, _, c, d in PAIR]), "utf-8")
    (folder / "drcd_dev.json").write_text(squad(TRADITIONAL), "utf-8")
    return folder


def test_each_fact_of_a_mixed_collection_stands_in_one_language(data: Path) -> None:
    made = {collection.name: collection for collection in bench.collections(data)}
    assert list(made) == ["drcd", "zh", "en", "mixed-0", "all-0", "mixed-1", "all-1", "parallel"]
    assert set(made["drcd"].directions) == {"drcd traditional", "drcd simplified"}
    assert made["drcd"].directions["drcd simplified"][0].question == "台北一零一大楼有多高？"
    assert set(made["zh"].directions) == {"zh→zh", "en→zh"}
    mixed = made["mixed-0"]
    assert sorted(mixed.documents) == ["en-00001", "en-00003", "zh-00000", "zh-00002"]
    for direction, asked in mixed.directions.items():
        kind, language = direction.split()
        for one in asked:
            (answer,) = one.answers
            assert answer in mixed.documents
            assert answer.startswith(language) == (kind == "same")
    assert made["parallel"].directions["zh→either"][0].answers == {"zh-00000", "en-00000"}


def test_the_rank_is_that_of_the_documents_best_passage() -> None:
    documents = {n: frozenset({name}) for n, name in enumerate("aabbc")}
    assert list(bench.paragraph_ranks([1, 0, 3, 4], documents)) == [{"a"}, {"b"}, {"c"}]
    assert bench.rank_of(frozenset("b"), [0, 1, 2], documents) == 2
    assert bench.rank_of(frozenset("c"), [0, 1, 2], documents) == 0
    assert bench.ndcg([1, 0, 3]).tolist() == pytest.approx([1.0, 0.0, 0.5])
    figures = bench.figures([1, 1, 0, 7])
    assert (figures["R@1"], figures["R@5"], figures["n"]) == (0.5, 0.5, 4)
    assert figures["interval"][0] <= figures["nDCG@10"] <= figures["interval"][1]


def test_it_measures_through_the_real_ingest_and_retriever(data: Path, tmp_path: Path) -> None:
    collection = next(c for c in bench.collections(data) if c.name == "mixed-0")
    with bench.open_index(collection, tmp_path, encoders()) as index:
        plain = Settings(data_dir=tmp_path, without=frozenset({"dictionary"}))
        ranks = bench.measure(index, collection, plain, index.encoders, limit=2, baselines=True)
    assert set(ranks) == {"same zh", "same en", "other zh", "other en"}
    assert set(ranks["same zh"]) == {"dense", "lexical", "plain fusion", "fused"}
    assert ranks["same zh"]["fused"] == ranks["same en"]["fused"] == [1, 1]
    assert ranks["other zh"]["lexical"] == [0, 0]


def test_what_is_not_squad_is_said_plainly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.main([str(tmp_path)]) == 1
    assert "xquad.zh.json" in capsys.readouterr().err
    (tmp_path / "cmrc_trial.json").write_text("[]", "utf-8")
    with pytest.raises(EvalFault, match="SQuAD"):
        list(bench.collections(tmp_path))


def test_a_text_is_embedded_once_in_a_run() -> None:
    class Counting(LetterEncoder):
        def passages(self, texts: Sequence[str], on_progress: object = None) -> Vector:
            seen.extend(texts)
            return super().passages(texts, on_progress)

    seen: list[str] = []
    encoder = bench.Remembered(Counting("counting", 8))
    assert encoder.passages(["a b", "c d", "a b"]).shape == (3, 8)
    encoder.passages(["c d"])
    assert seen == ["a b", "c d"]
    assert encoder.dimension == 8


def tables(weights: np.ndarray, questions: int = 60) -> train.Table:
    """Questions whose answering passage is drawn by known weights."""
    chance = np.random.default_rng(1)
    inputs = chance.normal(size=(questions, 8, len(INPUTS)))
    scores = inputs[:, :, : len(FEATURES)] @ weights + chance.gumbel(size=(questions, 8))
    gold = scores == scores.max(axis=1, keepdims=True)
    asked = [
        bench.Asked("q", frozenset({str(8 * n + int(row.argmax()))}), f"article-{n % 12}")
        for n, row in enumerate(gold)
    ]
    ids = np.arange(8 * questions)
    return train.Table(
        name="made up",
        inputs=inputs.reshape(-1, len(INPUTS)),
        starts=np.arange(questions) * 8,
        gold=gold.ravel(),
        ids=ids,
        asked=tuple(asked),
        documents={int(n): frozenset({str(n)}) for n in ids},
    )


def test_training_finds_the_weights_that_made_the_data() -> None:
    pytest.importorskip("scipy")
    true = np.zeros(len(FEATURES))
    true[:2] = 3.0, -2.0
    block = tables(true, 1500).where([True] * 1500)
    found = logit.fit_linear([replace(block, features=block.features[:, : len(FEATURES)])])
    assert np.abs(found - true).max() < 0.5
    for learn in (train.by_weights, train.by_network):
        held_out = train.cross_validate([tables(true)], learn)
        assert held_out["made up"] > 0.7  # by chance: .49


def test_a_network_learns_what_a_sum_cannot_say() -> None:
    pytest.importorskip("scipy")
    chance = np.random.default_rng(2)
    inputs = chance.normal(size=(400, 6, 2))
    gold = np.zeros((400, 6), bool)  # the one whose two inputs agree most
    gold[np.arange(400), (inputs[:, :, 0] * inputs[:, :, 1]).argmax(axis=1)] = True
    block = logit.Block(inputs.reshape(-1, 2), np.arange(400) * 6, gold.ravel())
    network = logit.fit_network([block])
    seen = network.score(below_best(block.features, block.starts))
    plain = block.features @ logit.fit_linear([block])
    right = gold.argmax(axis=1)
    shares = [(made.reshape(400, 6).argmax(axis=1) == right).mean() for made in (seen, plain)]
    assert shares[0] > 0.8
    assert shares[1] < 0.6


def test_gathering_takes_features_from_the_real_retriever(data: Path, tmp_path: Path) -> None:
    collection = next(c for c in bench.collections(data) if c.name == "zh")
    with bench.open_index(collection, tmp_path, encoders()) as index:
        settings = Settings(data_dir=tmp_path, without=frozenset({"dictionary"}))
        made = train.gather(index, collection, settings=settings)
    assert [table.name for table in made] == ["zh zh→zh", "zh en→zh"]
    assert all(table.inputs.shape == (len(table.ids), len(INPUTS)) for table in made)
    assert all(np.isfinite(table.inputs).all() for table in made)
    assert made[0].lost == 0


def test_only_what_was_not_learned_is_asked_about() -> None:
    names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"]
    asked = [bench.Asked(f"{name}?", frozenset({name}), name) for name in names]
    kept = [name for name in names if held_out(name)]
    assert 0 < len(kept) < len(names)
    every = bench.Collection("c", dict.fromkeys(names, "text"), {"all": asked, "none": []})
    found = bench.unlearned(every)
    assert found.documents == every.documents
    assert [one.article for one in found.directions["all"]] == kept
    assert set(found.directions) == {"all"}


def test_folders_of_essays_are_searched_as_one() -> None:
    folders = [PRACTICE / "life", PRACTICE / "years"]
    found = train.together(folders)
    assert len(found.documents) == 32
    assert found.questions
    assert all(held_out(essay_of(one)) for one in found.questions)
    assert {e.file for one in found.questions for e in one.evidence} <= set(found.documents)
