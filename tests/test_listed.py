"""The item of a list that a follow-up names by its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.questions.listed import pointed_at

HAN = (
    "今年有几项进展：分布式推理、PD 分离（从一篇论文以来，走了三年）的普及、跨机 EP 和 AFD 等。 [1]"
)
LATIN = "The cake has five layers: energy, chips, infrastructure, models and applications. [1]"
NUMBERED = "Three reasons:\n1. It was cheap [1].\n2. It was near the sea [2].\n3. He was tired."
QUOTES = "The hen lays nine eggs. [1]\nThe fox sleeps. [2]"


@pytest.mark.parametrize(
    ("question", "told", "item"),
    [
        ("其中第二项最早是哪篇论文提出的？", HAN, "PD 分离的普及"),
        ("第一项是誰提出的？", HAN, "分布式推理"),
        ("最后一项呢？", HAN, "AFD"),
        ("第3个怎么样？", HAN, "跨机 EP"),
        ("第九项呢？", HAN, ""),
        ("第二年呢？", HAN, ""),
        ("What does the second one need?", LATIN, "chips"),
        ("And the first?", LATIN, "energy"),
        ("Who sells the last of them?", LATIN, "applications"),
        ("What about the 4th layer?", LATIN, "models"),
        ("What happened in the second year?", LATIN, ""),
        ("Tell me more about the second reason.", NUMBERED, "It was near the sea."),
        ("第二点为什么？", QUOTES, ""),
        ("What was the first thing that he bought?", LATIN, ""),
        ("What does the second one need?", "Nothing.", ""),
        ("What does it need?", LATIN, ""),
    ],
)
def test_the_item_that_is_meant(question: str, told: str, item: str) -> None:
    asked = "Which layers and which reasons are there? 有哪些进展？"
    assert pointed_at(question, asked, told) == item


@given(st.text(alphabet="第二项the second one,、 ,.\n1()（）和and", max_size=80))
def test_whatever_was_told_the_item_stands_in_it(told: str) -> None:
    for question in ("the second one?", "第三项呢", "the last one"):
        assert set(pointed_at(question, "", told)) <= set(told)
