"""The questions over the seed essays keep what they promise."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from eval.cases import KINDS, QUESTIONS, UNANSWERABLE, Question, read_questions
from eval.metrics import answer_match
from rag.clean import clean
from rag.fold import content_words, language

SEEDS = Path(__file__).parents[1] / "seeds"
ASKED = read_questions(QUESTIONS)
TEXTS = {path.name: path.read_bytes().decode("utf-8") for path in SEEDS.glob("*.txt")}


def test_there_are_enough_of_every_kind() -> None:
    counts = Counter(question.kind for question in ASKED)
    assert set(counts) == set(KINDS)
    assert all(counts[kind] >= 12 for kind in KINDS)
    assert counts[UNANSWERABLE] >= 24
    assert counts.total() - counts[UNANSWERABLE] >= 96


@pytest.mark.parametrize("question", ASKED, ids=lambda question: question.id)
def test_evidence_is_exact_and_holds_an_accepted_answer(question: Question) -> None:
    assert question.answerable == bool(question.accepted) == (question.kind != UNANSWERABLE)
    for evidence in question.evidence:
        assert evidence.text in TEXTS[evidence.file]
    if question.answerable:
        said = "\n".join(evidence.text for evidence in question.evidence)
        assert answer_match(said, question.accepted) == 1
        assert answer_match(clean(said).text, question.accepted) == 1


def test_every_need_is_a_file_of_its_own_where_documents_are_many() -> None:
    for question in ASKED:
        assert len(question.needs()) == 1 or question.kind in {"multi-document", UNANSWERABLE}
        if question.kind == "multi-document":
            assert len(question.needs()) >= 2


def test_follow_ups_have_a_history_and_no_other_answerable_question_has() -> None:
    for question in ASKED:
        if question.kind != UNANSWERABLE:
            assert bool(question.history) == (question.kind == "follow-up")


def test_cross_lingual_evidence_is_in_the_other_language() -> None:
    for question in ASKED:
        if question.kind == "cross-lingual":
            for evidence in question.evidence:
                assert language(evidence.text) != language(question.question)


def test_both_languages_are_asked_about_what_is_not_there() -> None:
    hard = [question for question in ASKED if question.kind == UNANSWERABLE]
    counts = Counter(language(question.question) for question in hard)
    assert min(counts["zh"], counts["en"]) >= 6


def test_most_questions_are_not_copies_of_their_evidence() -> None:
    answerable = [question for question in ASKED if question.answerable]
    shared = 0
    for question in answerable:
        asked = content_words(question.question)
        there = {word for e in question.evidence for word in content_words(clean(e.text).text)}
        shared += sum(word in there for word in asked) > len(asked) / 2
    assert shared <= len(answerable) / 3


def test_questions_reach_all_parts_of_every_essay() -> None:
    """Some evidence lies in each third of each essay (of one language part, in the bilingual)."""
    for name, text in TEXTS.items():
        places = {
            3 * text.index(evidence.text) // len(text)
            for question in ASKED
            for evidence in question.evidence
            if evidence.file == name
        }
        assert places >= ({0, 1} if name.startswith("004") else {0, 1, 2})
