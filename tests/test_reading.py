"""What the reader learns from: windows that hold the answer where they say, and no others."""

from __future__ import annotations

import json
import random
import tempfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.reading import (
    LONGEST,
    Corpus,
    Example,
    _Reading,
    changed,
    epoch,
    held_out,
    meets,
    named,
    names,
    read,
    window,
    with_near,
)
from rag.encoders.e5 import E5, END
from rag.fold import simplified

ARTICLES = 24
TOPICS = "otter bridge violin harbour comet orchard glacier lantern parrot quarry saddle turbine"


@cache
def encoder() -> E5:
    return E5(Path(tempfile.mkdtemp()))


def article(n: int, language: str) -> dict[str, object]:
    topic = TOPICS.split()[n % 12]
    if language == "en":
        text = (
            f"The {topic} of town {n} is known. It was found in {1500 + n} by a clerk. Rain fell."
        )
        question, answer = f"When was the {topic} of town {n} found?", str(1500 + n)
    else:
        text = f"城鎮{n}的{topic}很有名。它在{1500 + n}年被一位書記發現。後來下了雨。"
        question, answer = f"城鎮{n}的{topic}何時被發現？", f"{1500 + n}年"
    asked = {
        "id": f"q{n}",
        "question": question,
        "answers": [{"text": answer, "answer_start": text.index(answer)}],
    }
    return {"title": f"Town_{n}", "paragraphs": [{"context": text, "qas": [asked]}]}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("files")
    for name, language in (
        ("xquad.en", "en"),
        ("xquad.zh", "zh"),
        ("drcd_dev", "zh"),
        ("cmrc_trial", "zh"),
    ):
        data = [article(n, language) for n in range(ARTICLES)]
        (folder / f"{name}.json").write_text(json.dumps({"data": data}), "utf-8")
    row = {
        "knowledge": "Anna Roe sings. She lives in Oslo.",
        "question": "Where does Anna live?",
        "right_answer": "oslo",
    }
    (folder / "halueval_qa_500.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    return with_near(read(folder, encoder()), encoder())


def words(example: Example, first: int, last: int) -> str:
    model = encoder()._tokenizer
    return "".join(model.id_to_piece(token) for token in example.ids[first : last + 1])


def test_every_question_is_read_and_asked_across(corpus: Corpus) -> None:
    assert len(corpus.paragraphs) == 4 * ARTICLES + 1
    counts = {q.data: 0 for q in corpus.questions}
    for question in corpus.questions:
        counts[question.data] += 1
    names = ("xquad.en", "xquad.zh", "xquad zh→en", "xquad en→zh", "drcd_dev", "cmrc_trial")
    assert counts == {**dict.fromkeys(names, ARTICLES), "halueval": 1}
    assert all(p.text == simplified(p.text) for p in corpus.paragraphs)
    across = next(q for q in corpus.questions if q.data == "xquad en→zh")
    assert "When" in across.text
    assert across.home is not None
    assert corpus.paragraphs[across.home].text.startswith("城镇")


def asked_of(
    file: str, text: str, answer: str, kind: str = "fact", also: str = ""
) -> dict[str, object]:
    evidence = [{"file": file, "text": words} for words in (text, also) if words]
    accepted = [[answer, "no such form"]] if text else []
    return {"kind": kind, "evidence": evidence, "accepted": accepted}


@pytest.fixture
def essays(tmp_path: Path) -> Corpus:
    (tmp_path / "a1.md").write_text(
        "# 茶\n\n去年我在*鹿港*開了一家茶館。租金是每月**三萬**元。後來搬走了。", "utf-8"
    )
    (tmp_path / "a2.txt").write_text(
        "Bread\n\nThe oven came from Lisbon. It cost 900 crowns.\n\n"
        "烤炉来自里斯本。它花了900克朗。",
        "utf-8",
    )
    rows = [
        asked_of("a1.md", "租金是每月**三萬**元。", "三萬") | {"question": "開店每月要付多少？"},
        asked_of("", "", "") | {"question": "茶館開了幾年？", "kind": "unanswerable"},
        asked_of("a2.txt", "It cost 900 crowns.", "900", also="它花了900克朗。")
        | {"question": "What was the price?"},
        asked_of("a1.md", "租金是每月**三萬**元。", "三萬", "multi-document")
        | {"question": "Rent and price?"},
    ]
    ids = ("a1-1", "a1-2", "a2-1", "a1-3")
    lines = [json.dumps(row | {"id": name}) for row, name in zip(rows, ids, strict=True)]
    (tmp_path / "questions.jsonl").write_text("\n".join(lines), "utf-8")
    reading = _Reading(encoder())
    reading.essays(tmp_path)
    return with_near(reading, encoder())


def test_questions_over_essays_are_asked_of_every_passage_that_answers(essays: Corpus) -> None:
    told = [(q.text, q.group, q.home is None, len(q.also)) for q in essays.questions]
    assert told[0] == ("开店每月要付多少？", "essay a1", False, 0)
    assert told[1] == ("茶馆开了几年？", "essay a1", True, 0)
    rest = [q for q in essays.questions if q.group == "essay a2"]
    homes = {q.home for q in rest}
    assert all(q.also == homes - {q.home} for q in rest)
    assert not any("Rent" in q.text for q in essays.questions)
    for question in essays.questions:
        if question.home is not None:
            text = essays.paragraphs[question.home].text
            assert {text[a:b] for a, b in question.answers} <= {"三万", "900"}


def test_what_nothing_answers_is_learned_as_such(essays: Corpus) -> None:
    only = [q for q in essays.questions if q.home is None]
    found = list(epoch(Corpus(essays.paragraphs, only), encoder(), random.Random(1)))
    assert found
    assert all(example.starts == (0,) for example in found)


def test_near_paragraphs_do_not_answer_and_lie_on_the_same_side(corpus: Corpus) -> None:
    assert any(question.near for question in corpus.questions)
    for question in corpus.questions:
        assert question.home is not None
        home = corpus.paragraphs[question.home]
        for other in (corpus.paragraphs[n] for n in question.near):
            assert not any(home.text[a:b] in other.text for a, b in question.answers)
            assert held_out(other.group) == held_out(home.group)


def test_an_epoch_marks_the_answer_and_leaves_held_out_articles_alone(corpus: Corpus) -> None:
    held = [p.text for p in corpus.paragraphs if held_out(p.group)]
    assert 0 < len(held) < len(corpus.paragraphs)
    unseen = {p.ids for p in corpus.paragraphs if held_out(p.group)}
    found = list(epoch(corpus, encoder(), random.Random(1)))
    with_answer = [e for e in found if e.starts != (0,)]
    assert 0 < len(with_answer) < len(found)
    for example in found:
        assert len(example.ids) <= LONGEST
        assert example.ids[-1] == END
        assert not any(example.ids[example.first : -1] == ids for ids in unseen)
    for example in with_answer:
        assert any(c.isdigit() for c in words(example, example.starts[0], example.ends[0])) or (
            "slo" in words(example, example.starts[0], example.ends[0])
        )


@given(st.integers(1, 400), st.integers(0, 10**6))
def test_a_window_keeps_what_it_must(size: int, seed: int) -> None:
    paragraph = _paragraph()
    kept = window(paragraph, size, [2], random.Random(seed))
    assert 2 in kept
    assert kept.start >= 0
    assert kept.stop <= len(paragraph.sentences)


@cache
def _paragraph() -> object:
    reading = _Reading(encoder())
    reading.add("group", "", "One two three. Four five. Six is here. Seven eight nine ten. End.")
    return reading.paragraphs[0]


def test_spans_meet_where_they_share_a_character() -> None:
    assert meets((0, 3), [(2, 5)])
    assert not meets((0, 3), [(3, 5)])


def test_names_and_numbers_of_a_question_are_found() -> None:
    assert dict(map(reversed, named("When did Anna Roe leave Oslo in 1999?"))) == {
        "Anna Roe": "latin",
        "Oslo": "latin",
        "1999": "number",
    }
    assert ("ns", "北京") in set(named("1999年北京有多少人？"))
    assert not list(named("what is it?"))


def test_a_changed_question_asks_for_what_its_paragraph_does_not_say(corpus: Corpus) -> None:
    others = names(corpus)
    made = 0
    for question in corpus.questions:
        home = corpus.paragraphs[question.home]
        text = changed(question, home, others, random.Random(3))
        if text:
            made += 1
            said = {name for _, name in named(question.text)}
            (new,) = {name for _, name in named(text)} - said
            assert new not in home.text
    assert made > 10
