"""What retrieval computes with scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.search import fusion
from rag.search.fusion import Fusion, Network, Text


def texts(*bodies: str) -> list[Text]:
    return [Text.of(body) for body in bodies]


def near_copies(words: list[list[str]]) -> list[bool]:
    return list(fusion.near_copies(texts(*map(" ".join, words))))


finite = st.floats(-1, 1, width=32)


def test_standardising_removes_what_a_language_gets_for_being_itself() -> None:
    own = np.linspace(0.80, 0.90, 50, dtype=np.float32)
    foreign = own - 0.08
    scores = {"en": np.float32([0.91, 0.85]), "zh": np.float32([0.83, 0.77])}
    made = fusion.standardise(scores, fusion.usual({"en": own, "zh": foreign}))
    assert made["zh"][0] == pytest.approx(made["en"][0], abs=0.25)
    assert made["zh"][0] > made["en"][1]


@given(
    st.lists(finite, min_size=1, max_size=5),
    st.lists(finite, max_size=3),
    st.lists(finite, max_size=3),
)
def test_standardising_is_finite_whatever_the_background(
    scores: list[float], first: list[float], second: list[float]
) -> None:
    levels = fusion.usual({"zh": np.float32(first), "en": np.float32(second), "fr": np.empty(0)})
    made = fusion.standardise({"zh": np.float32(scores), "fr": np.float32(scores)}, levels)
    assert all(np.isfinite(column).all() for column in made.values())
    assert all(np.array_equal(np.argsort(c), np.argsort(made["zh"])) for c in made.values())


def test_a_language_of_one_passage_is_not_far_above_the_others() -> None:
    many = np.linspace(0.80, 0.86, 200, dtype=np.float32)
    made = fusion.standardise(
        {"en": np.float32([0.90]), "fr": np.float32([0.84])},
        fusion.usual({"en": many, "fr": np.float32([0.84])}),
    )
    assert made["en"][0] > made["fr"][0]


def test_a_right_passage_does_not_hide_itself_in_a_small_cohort() -> None:
    many = np.linspace(0.40, 0.50, 40, dtype=np.float32)
    few = np.float32([0.60, 0.50, 0.50])  # all of one essay
    background = {"en": many, "ko": few}
    scores = {"en": np.float32([0.53]), "ko": np.float32([0.60])}
    alone = fusion.standardise(scores, fusion.usual(background))
    filled = fusion.standardise(scores, fusion.usual(background, ""))
    assert filled["ko"][0] > 1.3 * alone["ko"][0]
    assert filled["en"][0] == alone["en"][0]  # a large language is its own cohort


def test_the_own_language_is_no_cohort_for_another_where_it_is_lifted() -> None:
    background = {"ru": np.float32([0.56] * 30), "en": np.float32([0.36] * 3)}
    assert fusion.usual(background, "ru") == fusion.usual(background)


def test_the_best_part_speaks_for_its_passage() -> None:
    owners, best = fusion.best_parts(
        np.array([7, 7, 9, 4, 4]), np.float32([0.1, 0.6, 0.3, 0.2, 0.1])
    )
    assert owners.tolist() == [7, 9, 4]
    assert best.tolist() == pytest.approx([0.6, 0.3, 0.2])


def test_rarity_falls_with_frequency_and_is_never_negative() -> None:
    rare = fusion.rarity({"the": 100, "luther": 2, "absent": 0, "once": 1}, 100)
    assert rare["the"] < rare["luther"] < rare["once"] == rare["absent"]
    assert all(value >= 0 for value in rare.values())


def test_coverage_counts_each_word_once_by_its_rarity() -> None:
    shares = fusion.shares({"a": 1.0, "b": 2.0, "c": 1.0})
    assert fusion.coverage(Text.of("a b a a"), shares) == pytest.approx(0.75)
    assert fusion.coverage(Text.of("c b x a"), shares) == pytest.approx(1)
    assert fusion.coverage(Text.of(""), fusion.shares({"a": 1.0})) == 0
    assert fusion.coverage(Text.of("a"), fusion.shares({})) == 0


def test_neighbours_are_found_however_the_text_is_segmented() -> None:
    asked = fusion.phrases("北京大学 deep learning", ["北京", "大学", "deep", "learn"])
    assert asked == ("北京", "京大", "大学", " deep learn ")
    shares = fusion.phrase_shares(asked, texts("在 北京大 学", "deep learn", "learn deep", "别的"))
    assert shares[0] > shares[3] == 0
    assert shares[1] > shares[2] == 0
    assert fusion.phrase_shares((), texts("x")).tolist() == [0.0]
    assert fusion.phrase_shares(asked, []).tolist() == []


def test_a_term_is_bridged_by_any_of_its_translations() -> None:
    terms = [("宗教改革", "改革"), (" luther ",), ("不存在",)]
    scores = fusion.bridged(terms, texts("宗教 改革 宗教改革", "martin luther", "别的"))
    assert scores[0] > 0
    assert scores[1] > 0
    assert scores[2] == 0


def test_fusing_is_linear_and_ignores_what_it_has_no_weight_for() -> None:
    fused = Fusion({"passage": 2.0, "title": 1.0})
    made = fused.first(
        {"passage": np.array([1.0, 0.0]), "title": np.array([0.0, 3.0]), "mean": np.ones(2)}
    )
    assert made.tolist() == [2.0, 3.0]


def test_the_weights_that_come_along_are_for_the_features_there_are() -> None:
    came = fusion.weighing()
    assert set(came.weights) == set(fusion.FEATURES)
    assert came.network is not None
    width = 2 * len(fusion.INPUTS)
    assert came.network.linear.shape == (width,)
    assert came.network.inner.shape == (width, len(came.network.outer))
    assert came.network.bias.shape == came.network.outer.shape


def test_inputs_are_seen_beside_how_far_they_are_below_the_best_of_the_question() -> None:
    made = fusion.below_best(np.array([[1.0], [3.0], [2.0]]), np.array([0, 2]))
    assert made.tolist() == [[1.0, -2.0], [3.0, 0.0], [2.0, 0.0]]


def test_a_network_sees_the_candidates_together_and_only_where_all_is_known() -> None:
    width = 2 * len(fusion.INPUTS)
    linear, inner = np.zeros(width), np.zeros((width, 1))
    linear[0], inner[len(fusion.INPUTS), 0] = 1.0, 1.0  # the cosine, and how far it is behind
    fused = Fusion({"passage": 2.0}, Network(linear, inner, np.zeros(1), np.full(1, 10.0)))
    features = {name: np.array([0.0, 1.0]) for name in fusion.INPUTS}
    assert fused.score(features).tolist() == pytest.approx([10 * np.tanh(-1.0), 1.0])
    assert fused.first(features).tolist() == [0.0, 2.0]
    del features["tokens"]
    assert fused.score(features).tolist() == [0.0, 2.0]
    assert fused.score({name: np.zeros(0) for name in fusion.INPUTS}).tolist() == []


def test_near_copies_are_the_same_but_for_wording_and_never_other_numbers() -> None:
    text = [f"w{n}" for n in range(20)]
    assert near_copies([text, [*text[:-1], "other"], text]) == [False, True, True]
    assert near_copies([[*text, "2024"], [*text, "2025"]]) == [False, False]
    assert near_copies([[], [], text]) == [False, False, False]


def test_what_earlier_texts_hold_between_them_is_told_already() -> None:
    one, two = [f"a{n}" for n in range(20)], [f"b{n}" for n in range(20)]
    again = [*one[12:], *two[:12]]
    assert near_copies([[*one, *two], one, two, again]) == [False, True, True, True]
    assert near_copies([one, two, [*one[5:], *two[5:]]]) == [False, False, True]
    assert near_copies([one, [*one[10:], "2025"]]) == [False, False]
    assert near_copies([one, sorted(one, reverse=True)[:10]]) == [False, False]
