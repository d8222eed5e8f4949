"""Metrics against values worked out by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics import (
    Percentile,
    answer_match,
    aurc,
    auroc,
    balanced_accuracy,
    calibration,
    calibration_error,
    citation_precision,
    citation_recall,
    context_precision,
    context_recall,
    faithfulness,
    figure,
    mean,
    ranking,
    risk_coverage,
    token_f1,
)


def test_ranking_of_one_need() -> None:
    second = ranking([(), (0,), (0,)], needs=1)
    assert second == pytest.approx(
        {"hit@1": 0, "hit@5": 1, "mrr": 0.5, "ndcg@10": 1 / math.log2(3)}
    )
    assert ranking([()], needs=1) == {"hit@1": 0, "hit@5": 0, "mrr": 0, "ndcg@10": 0}
    assert ranking([], needs=1) == {"hit@1": 0, "hit@5": 0, "mrr": 0, "ndcg@10": 0}


def test_ranking_of_two_needs() -> None:
    """The second copy of the first need earns nothing; hit@1 is full when one of two is first."""
    both = ranking([(0,), (0,), (1,)], needs=2)
    ideal = 1 + 1 / math.log2(3)
    assert both == pytest.approx(
        {"hit@1": 1, "hit@5": 1, "mrr": 1, "ndcg@10": (1 + 1 / math.log2(4)) / ideal}
    )
    assert ranking([(0,)], needs=2)["hit@5"] == pytest.approx(0.5)


def test_a_hit_that_meets_two_needs_meets_the_open_one() -> None:
    assert ranking([(0,), (0, 1)], needs=2)["ndcg@10"] == pytest.approx(1)


def test_nothing_to_find_is_none_and_not_zero() -> None:
    assert set(ranking([(), ()], needs=0).values()) == {None}
    assert context_precision([()], 0) is None
    assert context_recall([()], 0) is None
    assert citation_recall([()], 0) is None
    assert citation_precision([]) is None
    assert answer_match("text", []) is None
    assert token_f1("text", []) is None
    assert faithfulness(["unchecked"]) is None
    assert auroc([0.1, 0.2], [1, 1]) is None
    assert balanced_accuracy([1, 0], [0, 0]) is None
    assert mean([]) is None
    assert aurc([], []) is None
    assert calibration_error([], []) is None
    assert Percentile(0.5)([]) is None


def test_context() -> None:
    assert context_precision([(0,), (), (0,)], 1) == pytest.approx((1 + 2 / 3) / 2)
    assert context_precision([(), ()], 1) == 0
    assert context_recall([(0,), ()], 2) == 0.5


@pytest.mark.parametrize(
    ("text", "accepted", "right"),
    [
        ("市值達到 4 萬億", [["4万亿"]], 1),
        ("约有１５％的人", [["5%"]], 0),
        ("不到 5%。", [["5%"]], 1),
        ("It came to 1,200 in all", [["200"]], 0),
        ("in 2025.", [["2025"]], 1),
        ("2025.5", [["2025"]], 0),
        ("The electricians came", [["Electrician"]], 1),
        ("Thai food", [["AI"]], 0),
        ("用Cursor写代码", [["cursor"]], 1),
        ("Lex\nFridman", [["Lex Fridman"]], 1),
        ("贾维斯和 Joi", [["贾维斯", "Jarvis"], ["萨曼莎"]], 0),
        ("Jarvis and 薩曼莎", [["贾维斯", "Jarvis"], ["萨曼莎"]], 1),
    ],
)
def test_answer_match(text: str, accepted: list[list[str]], right: float) -> None:
    assert answer_match(text, accepted) == right


def test_token_f1() -> None:
    assert token_f1("Nature 2024", [["Nature"], ["2024"]]) == 1
    assert token_f1("the journal Nature", [["Science", "Nature"]]) == pytest.approx(0.5)
    assert token_f1("nothing here", [["Nature"]]) == 0


def test_citations_and_faithfulness() -> None:
    assert citation_precision([(0,), ()]) == 0.5
    assert citation_recall([(0,), (0,), ()], 2) == 0.5
    assert faithfulness(["supported", "partly", "unchecked", "unsupported"]) == pytest.approx(1 / 3)


def test_auroc() -> None:
    assert auroc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]) == 0.75
    assert auroc([0.5, 0.5, 0.5], [0, 1, 1]) == 0.5


@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=30),
)
def test_auroc_is_the_share_of_pairs_in_order(cases: list[tuple[int, bool]]) -> None:
    true = [score for score, label in cases if label]
    false = [score for score, label in cases if not label]
    found = auroc([score for score, _ in cases], [label for _, label in cases])
    if not true or not false:
        assert found is None
        return
    wins = sum((a > b) + (a == b) / 2 for a in true for b in false)
    assert found == pytest.approx(wins / len(true) / len(false))


def test_balanced_accuracy_is_not_fooled_by_the_frequent_class() -> None:
    assert balanced_accuracy([1, 1, 1, 1], [1, 1, 1, 0]) == 0.5
    assert balanced_accuracy([1, 0, 0], [1, 1, 0]) == 0.75


def test_risk_coverage() -> None:
    assert risk_coverage([0.9, 0.8, 0.7, 0.6], [0, 1, 0, 1]) == [
        (0.25, 0.0),
        (0.5, 0.5),
        (0.75, pytest.approx(1 / 3)),
        (1.0, 0.5),
    ]
    assert risk_coverage([0.5, 0.5], [0, 1]) == [(1.0, 0.5)]
    assert aurc([0.9, 0.1], [0, 1]) == pytest.approx(0.25)
    assert aurc([0.1, 0.9], [0, 1]) == pytest.approx(0.75)


def test_calibration() -> None:
    bins = calibration([0.05, 0.95, 1.0], [0, 1, 0])
    assert bins == [(0.05, 0.0, 1), (pytest.approx(0.975), 0.5, 2)]
    assert calibration_error([0.8, 0.8], [1, 0]) == pytest.approx(0.3)


def test_a_figure_leaves_out_what_does_not_apply() -> None:
    found = figure({"x": [1.0, None, 0.0, 1.0]}, mean)
    assert found.value == pytest.approx(2 / 3)
    assert found.n == 3
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= 2 / 3 <= found.high <= 1
    assert figure({"x": [None]}, mean).value is None


def test_intervals_are_the_same_every_time_and_narrow_with_more_cases() -> None:
    few, many = ([float(n % 2) for n in range(size)] for size in (20, 2000))
    assert figure({"x": few}, mean) == figure({"x": few}, mean)
    widths = []
    for values in (few, many):
        found = figure({"x": values}, mean)
        assert found.low is not None
        assert found.high is not None
        widths.append(found.high - found.low)
    assert widths[0] > 5 * widths[1]


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """95 % nominal; 100 draws of 60 cases of a coin of .7."""
    import numpy as np

    random = np.random.default_rng(7)
    covered = 0
    for _ in range(100):
        found = figure({"x": (random.random(60) < 0.7).astype(float).tolist()}, mean)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.7 <= found.high
    assert covered >= 88
