"""What counts as found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.cases import Evidence, Question, Span, evidence_spans, met_by, read_questions
from rag.errors import EvalFault
from rag.schema import Citation, Hit, Passage, Place

TEXT = "A first line.\nThe fact is 42.\nA last line.\nThe fact is 42.\n"
FACT = TEXT.index("The fact")
END = FACT + len("The fact is 42.")


def question(*evidence: tuple[str, str], kind: str = "fact") -> Question:
    return Question("q", "What?", kind, True, evidence=tuple(Evidence(*item) for item in evidence))


def passage(start: int, end: int, source: str = "seeds/a.txt", *places: Place) -> Passage:
    text = TEXT[start:end]
    return Passage("id", source, "", "", start, end, text, text, places=places)


def test_every_place_of_the_evidence_counts() -> None:
    spans = evidence_spans(question(("a.txt", "The fact is 42.")), {"seeds/a.txt": TEXT})
    assert spans == (
        (Span("seeds/a.txt", FACT, END), Span("seeds/a.txt", TEXT.rindex("The fact"), 58)),
    )


def test_each_file_of_a_multi_document_question_is_a_need() -> None:
    asked = question(("a.txt", "42"), ("a.txt", "first"), ("b.txt", "x"), kind="multi-document")
    needs = evidence_spans(asked, {"seeds/a.txt": TEXT, "seeds/b.txt": "x"})
    assert [{span.source for span in spans} for spans in needs] == [
        {"seeds/a.txt"},
        {"seeds/b.txt"},
    ]
    assert [len(spans) for spans in needs] == [3, 1]


def test_what_is_not_ingested_or_has_changed_is_a_fault() -> None:
    with pytest.raises(EvalFault, match="not ingested"):
        evidence_spans(question(("b.txt", "42")), {"seeds/ab.txt": TEXT})
    with pytest.raises(EvalFault, match="does not stand"):
        evidence_spans(question(("a.txt", "43")), {"seeds/a.txt": TEXT})


@pytest.mark.parametrize(
    ("start", "end", "met"),
    [
        (FACT, END, True),
        (0, len(TEXT), True),  # a passage around it
        (FACT + 4, FACT + 8, True),  # a citation of a part
        (0, FACT + 4, False),  # a passage that ends soon after its beginning
        (0, FACT + 9, True),  # … and one that holds most of it
        (FACT + 9, len(TEXT), True),  # here the second place counts
        (0, FACT - 1, False),
    ],
)
def test_half_of_the_shorter_span_has_to_overlap(start: int, end: int, met: bool) -> None:
    needs = evidence_spans(question(("a.txt", "The fact is 42.")), {"seeds/a.txt": TEXT})
    found = passage(start, end)
    cited = Citation(1, "seeds/a.txt", "", start, end, TEXT[start:end])
    assert met_by(found, needs) == met_by(cited, needs) == met_by(Hit(found, 1.0), needs)
    assert bool(met_by(found, needs)) == met
    assert met_by(passage(start, end, "seeds/b.txt"), needs) == ()


def test_a_copy_counts_where_its_other_places_are() -> None:
    needs = ((Span("seeds/a.txt", FACT, END),),)
    assert met_by(passage(0, 5, "seeds/b.txt", Place("seeds/a.txt", FACT, END)), needs) == (0,)


def test_a_document_counts_wherever_it_was_hit() -> None:
    needs = ((Span("seeds/a.txt", 0, None),),)
    assert met_by(passage(0, 3), needs) == (0,)
    assert met_by(passage(0, 3, "seeds/b.txt"), needs) == ()


GOOD = {"id": "1", "question": "?", "kind": "unanswerable", "evidence": [], "accepted": []}
FACT_IN_A = {**GOOD, "kind": "fact", "evidence": [{"file": "a.txt", "text": "42"}]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no question"),
        ("{", "questions.jsonl:1"),
        (json.dumps(GOOD) + "\n\n" + json.dumps({**GOOD, "evidence": [{"file": "a"}]}), ":3: "),
        (json.dumps(GOOD) + "\n" + json.dumps(GOOD), "'1'"),
        ("[]", ":1: "),
        (json.dumps({**GOOD, "question": " "}), ":1: question"),
        (json.dumps({**GOOD, "kind": "facts"}), ":1: kind is 'facts'"),
        (json.dumps({**GOOD, "kind": "fact"}), ":1: evidence is empty"),
        (json.dumps({**FACT_IN_A, "kind": "unanswerable"}), ":1: evidence and accepted"),
        (json.dumps({**GOOD, "accepted": [["x"]]}), ":1: evidence and accepted"),
        (json.dumps({**FACT_IN_A, "accepted": [[]]}), ":1: accepted"),
        (json.dumps({**FACT_IN_A, "accepted": [["42", ""]]}), ":1: accepted"),
        (json.dumps({**FACT_IN_A, "accepted": ["42"]}), ":1: accepted holds '42'"),
        (json.dumps({**FACT_IN_A, "accepted": "42"}), ":1: accepted is '42', which is no list"),
        (json.dumps({**FACT_IN_A, "accepted": [[None]]}), ":1: accepted holds None"),
        (json.dumps({**FACT_IN_A, "evidence": [{"file": "a.txt", "text": 42}]}), ":1: text is 42"),
        (json.dumps({**FACT_IN_A, "evidence": {"file": "a", "text": "42"}}), ":1: evidence is"),
        (json.dumps({**FACT_IN_A, "kind": "follow-up"}), ":1: history is empty"),
        (json.dumps({**FACT_IN_A, "history": None}), ":1: history is None"),
        (json.dumps({**FACT_IN_A, "history": [{"role": "ai", "content": "x"}]}), ":1: history has"),
        (json.dumps({**GOOD, "question": None}), ":1: question is None"),
        (json.dumps({**GOOD, "id": []}), r":1: id holds \[\]"),
        (json.dumps({"id": "1"}), ":1: evidence is missing"),
        ("[" * 100_000, ":1 is no JSON"),
        (json.dumps({**FACT_IN_A, "evidence": [{"file": "", "text": "x"}]}), ":1: evidence has"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(EvalFault, match=message):
        read_questions(path)


def test_a_byte_order_mark_and_odd_line_ends_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    lines = [{**GOOD, "question": "a\u2028b\x85?"}, {**FACT_IN_A, "id": "2"}]
    text = "\r\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    path.write_bytes(text.encode("utf-8-sig"))
    assert [question.question for question in read_questions(path)] == ["a\u2028b\x85?", "?"]


def test_a_missing_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(EvalFault, match="cannot be read"):
        read_questions(tmp_path / "none.jsonl")
