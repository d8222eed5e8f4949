"""Questions that ask for several things."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.compound import asks_several, parts
from rag.fold import fold


@pytest.mark.parametrize(
    ("question", "several"),
    [
        ("老人送的贺卡上有多少人签名，他们做操的水温是多少度？", True),
        ("預訓練是不是走到頭了？兩邊各是什麼看法？", True),
        ("兩位作者怎麼評論？", True),
        ("二者的价格", True),
        ("What became of the timber, and who tied the walls together?", True),
        ("What do both essays say about trains?", True),
        ("水温是多少度？", False),
        ("各种说法里他信哪个？", False),
        ("这几天他去了哪里？", False),
        ("What did the baker sell?", False),
        ("東京の地下鉄", False),
        ("", False),
    ],
)
def test_a_question_for_several_things(question: str, several: bool) -> None:
    assert asks_several(fold(question)) is several


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (
            "老人送的贺卡上有多少人签名，他们做操的水温是多少度？",
            ["老人送的贺卡上有多少人签名", "他们做操的水温是多少度？"],
        ),
        (
            "两个人都算了总路程，退休护士骑了多少公里，这位轴承厂的又是多少？",
            ["两个人都算了总路程，退休护士骑了多少公里", "这位轴承厂的又是多少？"],
        ),
        (
            "Where did the button maker hide and what did his sister, a nurse, say to the press?",
            [
                "Where did the button maker hide",
                "and what did his sister, a nurse, say to the press?",
            ],
        ),
        (
            "How many of the 1,500 loaves were sold, and who ate 2.5 of them?",
            ["How many of the 1,500 loaves were sold", "and who ate 2.5 of them?"],
        ),
        ("这位研究员在哪家公司上班，为什么？", ["这位研究员在哪家公司上班"]),
        ("What rule says when not to press the start button?", []),
        ("水温是多少度？", []),
        ("", []),
    ],
)
def test_the_parts_that_ask(question: str, expected: list[str]) -> None:
    assert parts(question) == expected


@given(st.text(alphabet="什么谁多少水 ,，。?？wha tando\n;1", max_size=60))
def test_parts_stand_in_the_question_in_order(question: str) -> None:
    at = 0
    for part in parts(question):
        at = question.index(part, at) + len(part)
