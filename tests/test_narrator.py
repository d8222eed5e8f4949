"""A report of the author and what the author says are told by the same person."""

from __future__ import annotations

import pytest

from rag.claims.narrator import in_first_person, tells_of_oneself
from rag.claims.statement import read

TOLD = [
    ("The author works in Leeds.", "I works in Leeds."),
    ("The writer's team praised the author's work.", "my team praised my work."),
    ("He presented his work in Geneva.", "I presented my work in Geneva."),
    ("They opened a bakery.", "we opened a bakery."),
    ("作者在上海工作。", "我在上海工作。"),
    ("本文作者在上海工作。", "我在上海工作。"),
    ("筆者去年搬到昆明。", "我去年搬到昆明。"),
    ("他们选择相信前者。", "我们选择相信前者。"),
]


@pytest.mark.parametrize(("claim", "told"), TOLD)
def test_a_report_is_told_in_the_first_person(claim: str, told: str) -> None:
    assert in_first_person(claim) == told


@pytest.mark.parametrize(
    "claim",
    [
        "Ada left her job.",
        "The co-author of the theory was Babbage.",
        "合作者与工作者很多。",
        "他国的法律不同。",
        "An authority spoke.",
    ],
)
def test_other_people_stay_who_they_are(claim: str) -> None:
    assert in_first_person(claim) == claim


def test_who_speaks_of_oneself() -> None:
    assert tells_of_oneself("I left.")
    assert tells_of_oneself("但我看到的却是进化")
    assert tells_of_oneself("那是我們的選擇")
    assert not tells_of_oneself("The iPhone sold well in it.")
    assert not tells_of_oneself("公司去年上市。")


def test_whoever_tells_is_one_word_that_hardly_weighs() -> None:
    report, told = read("作者在昆明。"), read("我在昆明。")
    assert [t.word for t in report.tokens] == [t.word for t in told.tokens]
    assert read("the author left").tokens[0].word == told.tokens[0].word
    assert report.tokens[0].weight < 0.2
    assert "合" in {t.word for t in read("合作者").tokens}
