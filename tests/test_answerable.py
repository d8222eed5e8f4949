"""The probability that the passages hold the answer, and what a model's answer does to it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from eval.reading import held_out
from eval.train_answer import (
    Case,
    Choice,
    fit_cases,
    fit_choices,
    fit_reading,
    fold_of,
    nomiracl_cases,
    refusals,
    squad_choices,
    validated,
)
from rag.answerable import answerable, figures, with_answer
from rag.config import Settings
from rag.evidence import Evidence, Vector, gather
from rag.readings import Readings
from rag.schema import OffsetMap, Passage, Verdict, VerdictLabel
from rag.telling import FIGURES, coefficients, tell


def evidence(question: str, *texts: str, nearest: float = 0.88) -> Evidence:
    passages = [
        Passage(f"{n}", f"{n}", "", "", 0, len(t), t, t, offsets=OffsetMap.identity(len(t)))
        for n, t in enumerate(texts)
    ]

    def near(_: str, found: Sequence[str]) -> Vector:
        return np.full(len(found), nearest, np.float32)

    def even(_: str, found: Sequence[str]) -> Vector:
        return np.full(len(found), 0.3, np.float32)

    return gather(question, passages, near, even)


def test_without_a_sentence_nothing_answers() -> None:
    assert answerable(evidence("Why?")) == 0
    assert answerable(evidence("Why?", "", " \n")) == 0


@pytest.mark.parametrize(
    "said",
    [
        "hi",
        "Hello there!",
        "ok",
        "1",
        "h",
        "Thanks :)",
        "test",
        "你好！",
        "嗯嗯",
        "謝謝你",
        "好的。",
        "?",
    ],
)
def test_where_nothing_is_asked_nothing_answers(said: str) -> None:
    assert (
        answerable(evidence(said, "The bridge is red.", "好的工作要闷头做出来。", nearest=0.95))
        == 0
    )


def test_a_short_question_is_a_question() -> None:
    for asked in ("Who?", "GPU", "R1", "为什么？", "OK 镜是什么？", "Is it a test?"):
        assert answerable(evidence(asked, "The bridge is red.", nearest=0.9)) > 0


def test_nearer_passages_are_likelier_to_answer() -> None:
    text = "The bridge is red. It was opened by the mayor."
    far, close = (answerable(evidence("Who opened it?", text, nearest=n)) for n in (0.84, 0.92))
    assert 0 < far < close < 1


@pytest.mark.parametrize(
    ("question", "without", "having"),
    [
        ("训练那个模型花了多少钱？", "训练那个模型花了很多精力。", "训练那个模型花了 300 万美元。"),
        ("How many people work there?", "Many work there.", "There work 45 people."),
        ("What does a card cost?", "A card is for adults.", "A card costs 12 euros."),
        ("这条新规是哪一天生效的？", "这条新规已经生效。", "这条新规 3 月 1 日生效。"),
    ],
)
def test_a_missing_number_makes_an_answer_unlikely(
    question: str, without: str, having: str
) -> None:
    missing = answerable(evidence(question, without, nearest=0.9))
    there = answerable(evidence(question, having, nearest=0.9))
    assert missing < Settings(llm="off").refuse_below < there


def test_numbers_of_other_languages_are_not_missed() -> None:
    question = "How many metres long is the bridge over the Volga?"
    text = "Мост через Волгу открыт давно. Его длина составляет три километра."
    seen = evidence(question, text, nearest=0.9)
    assert figures(seen, False, tell(seen))["slot gap"] == 0


def test_the_order_of_the_passages_does_not_matter() -> None:
    texts = ["The fox is red.", "It has 4 legs.", "Rivers are long."]
    question = "How many legs does the fox have?"
    assert answerable(evidence(question, *texts)) == pytest.approx(
        answerable(evidence(question, *reversed(texts)))
    )


def test_what_the_reader_finds_in_the_best_match_counts() -> None:
    texts = ["Rivers are long.", "The fox has a home.", "Foxes live in dens."]
    seen = replace(
        evidence("Where does the fox live?", *texts),
        passage_matches=np.array([0.3, 0.4, 0.5], np.float32),
    )
    asked_of: list[str] = []

    def reader(odds: float) -> Readings:
        def read(_: str, found: Sequence[str]) -> list[Vector]:
            asked_of.extend(found)
            return [np.array([-9.0, odds], np.float32) for _ in found]

        return Readings(seen, read)

    there, absent = (answerable(seen, readings=reader(odds)) for odds in (9.0, -9.0))
    assert asked_of == texts[2:] * 2
    assert absent < answerable(seen) < there


def test_after_a_search_what_the_reader_finds_in_any_passage_counts() -> None:
    texts = ["Rivers are long.", "The fox has a home.", "Foxes live in dens."]
    seen = replace(
        evidence("Where does the fox live?", *texts),
        passage_matches=np.array([0.3, 0.5, 0.4], np.float32),
    )

    def reader(odds: float) -> Readings:
        return Readings(seen, lambda _, found: [
            np.array([odds if text == texts[2] else -9.0], np.float32) for text in found
        ])  # fmt: skip

    there, absent, surely = (answerable(seen, True, readings=reader(n)) for n in (9, -5, -12))
    assert surely == absent < answerable(seen, True) < there


def test_every_figure_has_a_coefficient() -> None:
    seen = evidence("How many?", "There are 4.")
    assert {"intercept", *figures(seen, False, tell(seen))} == set(coefficients()["answerable"])


def verdict(score: float, label: VerdictLabel = "supported") -> Verdict:
    return Verdict(label, score, "")


def test_a_model_that_refuses_lowers_the_probability() -> None:
    assert with_answer(0.5, True, ()) == pytest.approx(0.1, abs=0.01)
    assert with_answer(0.95, True, [verdict(0.9)]) < 0.95


def test_supported_sentences_raise_it_and_unsupported_ones_lower_it() -> None:
    good, bad = verdict(1.0), verdict(0.0, "unsupported")
    assert with_answer(0.5, False, [bad]) < 0.5 < with_answer(0.5, False, [good])


def test_one_supported_sentence_is_an_answer_whatever_stands_beside_it() -> None:
    good, bad = verdict(1.0), verdict(0.0, "unsupported")
    assert with_answer(0.5, False, [bad, good, bad]) == with_answer(0.5, False, [good])
    # A model that strayed is marked for it, not silenced.
    assert with_answer(0.6, False, [bad, bad]) > 0.4


def test_unchecked_sentences_say_nothing() -> None:
    assert with_answer(0.4, False, [verdict(0.0, "unchecked")]) == 0.4
    assert with_answer(0.4, False, ()) == 0.4


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_certainty_can_be_moved(probability: float) -> None:
    moved = with_answer(probability, probability == 1.0, [verdict(1.0)])
    assert 0 < moved < 1


def test_training_finds_the_figure_that_tells() -> None:
    rng = np.random.default_rng(0)
    cases = [
        Case("set", str(n), {"tells": float(n % 2) + rng.normal(0, 0.3), "noise": rng.normal()},
             bool(n % 2))
        for n in range(80)
    ]  # fmt: skip
    _, weights = fit_cases(cases, ["tells", "noise"])
    assert weights[0] > 3 * abs(weights[1])
    (line,) = refusals(cases, ["tells", "noise"], repeats=1)
    assert "AUROC 0.9" in line or "AUROC 1.0" in line


def test_choices_are_fitted_near_their_prior() -> None:
    rng = np.random.default_rng(1)
    choices = []
    for n in range(120):
        rows = rng.normal(size=(6, len(FIGURES)))
        right = (rows[:, 0] == rows[:, 0].max()).astype(float)
        choices.append(Choice("set", str(n), rows, right, ("",) * 6))
    prior = np.zeros(len(FIGURES))
    prior[1] = 7.0
    free = [name != FIGURES[1] for name in FIGURES]
    weights = fit_choices(choices, prior, 1.0, free)
    assert weights[0] > 1
    assert weights[1] == pytest.approx(7.0)
    (line,) = validated(choices, lambda some: fit_choices(some, np.zeros(len(FIGURES)), 1.0,
                                                          [True] * len(FIGURES)))  # fmt: skip
    assert float(line.split("first")[1].split()[0]) > 0.8


def test_articles_do_not_cross_folds() -> None:
    assert fold_of("article 1") == fold_of("article 1")
    assert len({fold_of(f"article {n}") for n in range(50)}) > 4


def test_the_readers_weight_is_fitted_beside_the_score() -> None:
    rng = np.random.default_rng(5)
    choices = []
    for n in range(120):
        right = np.eye(5)[n % 5]
        rows = np.stack([right + rng.normal(size=5), right * 3 + rng.normal(size=5)], axis=1)
        choices.append(Choice("set", str(n), rows, right, ("",) * 5))
    score, reading = fit_reading(choices)
    assert score == pytest.approx(1)
    assert reading > 0.3


def test_files_become_cases(tmp_path: Path) -> None:
    squad = tmp_path / "squad.json"
    context = "The mill is old. It closed in 1901."
    title = next(str(n) for n in count() if held_out(f"squad {n}"))
    answer = {"answer_start": 30, "text": "1901"}
    asked = {"id": "1", "question": "When did it close?", "answers": [answer]}
    article = {"title": title, "paragraphs": [{"context": context, "qas": [asked]}]}
    squad.write_text(json.dumps({"data": [article]}))
    nomiracl = tmp_path / "nomiracl.jsonl"
    nomiracl.write_text(
        '{"query_id": "q", "question": "Who?", "answerable": false, "passages": [{"text": "No."}]}'
    )

    def even(_: str, texts: Sequence[str]) -> Vector:
        return np.full(len(texts), 0.5, np.float32)

    (choice,) = squad_choices(squad, 10, (even, even))
    assert choice.right.tolist() == [0, 1]
    (case,) = nomiracl_cases(nomiracl, (even, even), lambda *_: [])
    assert not case.answerable
