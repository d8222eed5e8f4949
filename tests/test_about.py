"""Questions about an essay as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import Rag, Settings
from rag.questions.about import about, says
from rag.questions.lookup import asks_which_essays, keywords
from rag.schema import Message

TIDES = """---
title: The Tides of Arlen
author:
  - Ann O'Hara
  - Bo Lind
date: 2024-03-09
layout: post
description: Why the harbour of Arlen floods twice a year.
---

The harbour floods in March and in October. Nobody in the village was asked before it was built. In
1911 the mayor wrote a letter to the ministry about the quay.

A new gate cost 8 million crowns.
"""
BEES = """養蜂人的一年

作者：林秀芬

春天我打開蜂箱，檢查蜂王。夏天收蜜，一共四十二公斤。蜜蜂教我的是等待。

冬天只能聽蜂箱裡的聲音。養蜂人的一年其實是等待的一年。
"""
OVEN = """# The village oven

Bread is baked in the village oven every Friday. Each family brings its own wood. The oven holds
forty loaves.

The oven is what keeps the village together.
"""
ESSAYS = {"tides.md": TIDES, "bees.txt": BEES, "oven.md": OVEN}


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory, converted: Path) -> Iterator[Rag]:
    """Three essays, read in once. Read only."""
    place = tmp_path_factory.mktemp("about")
    folder = place / "village"
    folder.mkdir()
    for name, text in ESSAYS.items():
        (folder / name).write_text(text, encoding="utf-8")
    with Rag(Settings(data_dir=place / "data", models_dir=converted, llm="off")) as rag:
        rag.ingest(folder)
        yield rag


@pytest.mark.parametrize(
    ("question", "aspect", "named"),
    [
        ("Who wrote the essay about the power market?", "author", True),
        ("《三姓村》的作者是谁？", "author", False),
        ("谁写了这篇文章？", "author", True),
        ("When was this article published?", "date", True),
        ("《冬天》是哪天写的？", "date", False),
        ("What are these essays about?", "gist", True),
        ("Summarise the diary.", "gist", True),
        ("What are the key takeaways?", "gist", True),
        ("这些文章都讲了什么？", "gist", True),
        ("這篇主要講了什麼？", "gist", True),
        ("请用一句话概括《冬天》", "gist", False),
    ],
)
def test_what_is_asked_of_a_whole_essay(question: str, aspect: str, named: bool) -> None:
    found = about(question)
    assert found is not None
    assert (found.aspect, found.named) == (aspect, named)


@pytest.mark.parametrize(
    "question",
    [
        "What does the author say about bread?",
        "作者对机器人说了什么？",
        "What was the letter about the quay for?",
        "How does the report summarise the findings?",
        "作者总结了哪三点教训？",
        "她写了什么？",
        "谁是黑豹队的领袖？",
        "教会决定艺术应当表达哪种主题？",
        "When was the bridge built?",
        "",
    ],
)
def test_what_stands_in_a_passage_is_no_such_question(question: str) -> None:
    assert about(question) is None


@given(st.text(max_size=60))
def test_any_text_may_be_asked(question: str) -> None:
    found = about(question)
    assert found is None or found.named or found.topic


def test_fields_say_what_they_are_called() -> None:
    assert says("author", "作者：林秀芬")
    assert says("date", "Published: 2024-03-09")
    assert not says("date", "Published in 1911, it was soon forgotten.")
    assert not says("author", "By the harbour stood a man.")


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("Who wrote the essay on the tides of Arlen?", "author:\n  - Ann O'Hara\n  - Bo Lind"),
        ("When was “The Tides of Arlen” written?", "date: 2024-03-09"),
        ("《養蜂人的一年》的作者是谁？", "作者：林秀芬"),
    ],
)
def test_author_and_date_are_quoted_from_where_the_file_gives_them(
    village: Rag, question: str, quote: str
) -> None:
    answer = village.query(question)
    assert not answer.refused
    assert [citation.quote for citation in answer.citations] == [quote]
    citation = answer.citations[0]
    assert village.text(citation.source)[citation.start : citation.end] == quote
    assert all(sentence.verdict.label == "supported" for sentence in answer.sentences)


def test_who_wrote_something_inside_an_essay_is_no_question_for_its_author(village: Rag) -> None:
    answer = village.query("Who wrote a letter to the ministry about the quay in 1911?")
    assert "mayor wrote a letter" in answer.citations[0].quote


def test_a_text_that_an_essay_speaks_of_is_not_taken_for_the_essay(village: Rag) -> None:
    answer = village.query("When was the text about the quay written to the ministry?")
    assert "1911" in answer.citations[0].quote


def test_each_essay_is_told_in_a_sentence(village: Rag) -> None:
    answer = village.query("What are these essays about?")
    assert not answer.refused
    assert [citation.source for citation in answer.citations] == [
        "village/bees.txt", "village/oven.md", "village/tides.md",
    ]  # fmt: skip
    assert "Why the harbour of Arlen floods" in answer.citations[2].quote


def test_the_essay_that_is_meant_is_told_in_its_own_words(village: Rag) -> None:
    for question in (
        "Summarise “The village oven”",
        "What is the essay on the village oven about?",
    ):
        answer = village.query(question)
        assert {citation.source for citation in answer.citations} == {"village/oven.md"}
        assert 1 <= len(answer.citations) <= 3
    alone = village.query("这篇文章讲了什么？", sources=["village/bees.txt"])
    assert {citation.source for citation in alone.citations} == {"village/bees.txt"}


def test_no_conversation_narrows_a_question_about_all(village: Rag) -> None:
    history: list[Message] = [
        {"role": "user", "content": "How much did the new gate cost?"},
        {"role": "assistant", "content": "A new gate cost 8 million crowns. [1]"},
    ]
    answer = village.query("What are these essays about?", history)
    assert len({citation.source for citation in answer.citations}) == len(ESSAYS)


def test_what_is_there_twice_is_told_once(tmp_path: Path, converted: Path) -> None:
    folder = tmp_path / "village"
    later = f"{TIDES}\n# Afterwards\n\nThe gate holds, and nobody in the village speaks of it.\n"
    for name, text in {**ESSAYS, "years later.md": later}.items():
        for place in (folder, folder / "copy"):
            place.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text, encoding="utf-8")
    with Rag(Settings(data_dir=tmp_path / "data", models_dir=converted, llm="off")) as rag:
        rag.ingest(folder)
        for question in ("What are these essays about?", "Who wrote these essays?"):
            for k in (4, 8):
                hits = [hit for hit in rag.retrieve(question, k=k) if "whole" in hit.signals]
                assert len({hit.passage.id for hit in hits}) == len(hits)
                told = {hit.passage.source.split("/")[-1] for hit in hits}
                assert told >= ESSAYS.keys()
        answer = rag.query("What are these essays about?")
        assert len({citation.quote for citation in answer.citations}) == len(answer.citations)


def test_an_essay_that_is_not_there_is_not_told(village: Rag) -> None:
    assert village.query("Summarise the essay about quantum computers.").refused


# --- a few words, and which essays speak of them ---


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("quantum computers", "quantum computers"),
        ("讲讲華為", "华为"),
        ("Tell me about HeuriGym.", "HeuriGym"),
        ("Which of the essays mention Huawei?", "Huawei"),
        ("Are there any articles about gardening?", "gardening"),
        ("哪些文章提到了 GPU？", "GPU"),
        ("What is HeuriGym?", ""),
        ("她妈听完咋说的", ""),
        ("the long story of how a village lost its only oven", ""),
        ("ラーメン", ""),
        ("", ""),
    ],
)
def test_a_few_words_are_looked_for(question: str, words: str) -> None:
    assert keywords(question) == words


@pytest.mark.parametrize(
    "question",
    ["What is the diary most worried about?", "What is the essay sad about?", "What is the baker in"
     " the diary complaining about?"],
)  # fmt: skip
def test_what_somebody_feels_about_is_no_gist(question: str) -> None:
    assert about(question) is None


def test_a_question_for_what_essays_say_is_not_for_which_of_them() -> None:
    assert asks_which_essays("有没有文章提到失业？")
    assert not asks_which_essays("Which tide does the essay mention first?")
    assert not asks_which_essays("文章提到了哪些公司？")


@pytest.mark.parametrize("question", ["floods", "Tell me about the floods", "洪水 Arlen", "蜂王"])
def test_a_few_words_that_are_there_are_answered(village: Rag, question: str) -> None:
    assert not village.query(question).refused


@pytest.mark.parametrize(
    "question", ["cooking robots", "Kubernetes", "介绍一下量子计算机", "Tell me a joke"]
)
def test_a_few_words_that_are_not_there_are_refused(village: Rag, question: str) -> None:
    assert village.query(question).refused


def test_each_essay_that_speaks_of_it_is_quoted(village: Rag) -> None:
    answer = village.query("Which essays talk about the village?")
    assert not answer.refused
    assert {citation.source for citation in answer.citations} == {
        "village/oven.md", "village/tides.md",
    }  # fmt: skip
