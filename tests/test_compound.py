"""Questions that ask for several things."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.fold import fold
from rag.questions.compound import MOST, asks_several, assigned, parts


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
            [
                "两个人都算了总路程，退休护士骑了多少公里",
                "两个人都算了总路程，这位轴承厂的又是多少？",
            ],
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
    assert list(parts(question).questions) == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("磨坊和船坞各雇了多少人？", ["磨坊雇了多少人？", "船坞雇了多少人？"]),
        (
            "谁先涨的价？磨坊、船坞和药店，分别涨了几次？",
            [f"谁先涨的价？{place}涨了几次？" for place in ("磨坊", "船坞", "药店")],
        ),
        (
            "工人在磨坊和船坞里各用什么胶？",
            ["工人在磨坊用什么胶？", "工人在船坞里用什么胶？"],
        ),
        (
            "磨坊和船坞是怎么招人的？各自留得住吗？",
            ["磨坊是怎么招人的？各自留得住吗？", "船坞是怎么招人的？各自留得住吗？"],
        ),
        (
            "What did the miller and the head of the yard each regret?",
            ["What did the miller regret?", "What did the head of the yard regret?"],
        ),
    ],
)
def test_the_same_is_asked_of_each(question: str, expected: list[str]) -> None:
    found = parts(question)
    assert list(found.questions) == expected
    assert found.same


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (
            "两处都用胶：磨坊拿它粘什么，船坞又拿它粘什么？",
            ["两处都用胶：磨坊拿它粘什么", "两处都用胶：船坞又拿它粘什么？"],
        ),
        (
            "缺人怎么办？磨坊想了什么法子，船坞又要建什么？",
            ["缺人怎么办？磨坊想了什么法子", "缺人怎么办？船坞又要建什么？"],
        ),
        (
            "Both lost a boat: who sold his, and what became of hers?",
            ["Both lost a boat: who sold his", "Both lost a boat: and what became of hers?"],
        ),
        ("Why did he turn down the mill, which pays better?", []),
        (
            "What did she name it, by her diary, and when did she lose the hive?",
            ["What did she name it, by her diary", "and when did she lose the hive?"],
        ),
    ],
)
def test_what_leads_in_holds_for_all_parts(question: str, expected: list[str]) -> None:
    found = parts(question)
    assert list(found.questions) == expected
    assert not found.same


def test_each_part_gets_an_essay_of_its_own() -> None:
    assert assigned([{"a": 0.0, "b": -1.0}, {"a": 0.0, "b": -4.0}]) == ("b", "a")
    assert assigned([{"a": 0.0}, {"a": -1.0}]) == ()
    assert assigned([]) == ()


@given(st.text(alphabet="什么谁多少水 ,，。?？wha tando\n;1", max_size=60))
def test_parts_say_what_the_question_says(question: str) -> None:
    found = parts(question)
    assert len(found.questions) <= MOST
    for part in found.questions:
        assert set(part) <= set(question)
