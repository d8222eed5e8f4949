"""Loaders, on small files in the formats of the public benchmarks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.cases import Evidence
from eval.datasets import open_dataset, select
from eval.swaps import evidence_pairs
from rag.errors import EvalFault

ENGLISH = ["It is old. It fell in 1453. So it was.", "Cats sleep. They hunt at night."]
CHINESE = ["它很古老。它于1453年陷落。就是这样。", "猫会睡觉。它们在夜里捕猎。"]


def squad(contexts: list[str], questions: list[tuple[str, str]]) -> dict[str, Any]:
    paragraphs = [
        {
            "context": context,
            "qas": [
                {
                    "id": f"q{number}",
                    "question": asked,
                    "answers": [{"text": answer, "answer_start": context.index(answer)}],
                }
            ],
        }
        for number, (context, (asked, answer)) in enumerate(zip(contexts, questions, strict=True))
    ]
    return {"data": [{"paragraphs": paragraphs[:1]}, {"paragraphs": paragraphs[1:]}]}


@pytest.fixture
def english(tmp_path: Path) -> Path:
    path = tmp_path / "en.json"
    asked = [("When did it fall?", "1453"), ("When do they hunt?", "at night")]
    path.write_text(json.dumps(squad(ENGLISH, asked)), encoding="utf-8")
    return path


@pytest.fixture
def chinese(tmp_path: Path) -> Path:
    path = tmp_path / "zh.json"
    asked = [("它何时陷落？", "1453年"), ("它们何时捕猎？", "在夜里")]
    path.write_text(json.dumps(squad(CHINESE, asked), ensure_ascii=False), encoding="utf-8-sig")
    return path


def test_squad_has_a_document_for_each_paragraph(english: Path) -> None:
    found = open_dataset(f"squad:{english}")
    assert dict(found.documents) == {"00000.txt": ENGLISH[0], "00001.txt": ENGLISH[1]}
    first = found.questions[0]
    assert first.evidence == (Evidence("00000.txt", "It fell in 1453."),)
    assert first.accepted == (("1453",),)
    assert first.unit == "document"
    assert first.answerable


def test_squad_asks_in_another_language_by_paragraph(english: Path, chinese: Path) -> None:
    found = open_dataset(f"squad:{chinese}", f"squad:{english}")
    first = found.questions[0]
    assert first.question == "When did it fall?"
    assert first.evidence == (Evidence("00000.txt", "它于1453年陷落。"),)
    assert first.accepted == (("1453年", "1453"),)
    assert first.kind == "en→zh"


def test_squad_files_that_are_not_parallel_are_refused(english: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.json"
    short.write_text(json.dumps(squad(ENGLISH[:1], [("?", "1453")])), encoding="utf-8")
    with pytest.raises(EvalFault, match=r"2 paragraphs and .* has 1"):
        open_dataset(f"squad:{english}", f"squad:{short}")


def test_a_wrong_answer_offset_falls_back_to_where_the_answer_stands(tmp_path: Path) -> None:
    data = squad(ENGLISH, [("When?", "1453"), ("When?", "at night")])
    data["data"][1]["paragraphs"][0]["qas"][0]["answers"][0]["answer_start"] = 3
    path = tmp_path / "off.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    assert open_dataset(f"squad:{path}").questions[1].evidence[0].text == "They hunt at night."


def test_an_impossible_question_is_unanswerable(tmp_path: Path) -> None:
    data = squad(ENGLISH, [("When?", "1453"), ("When?", "at night")])
    data["data"][0]["paragraphs"][0]["qas"][0] |= {"is_impossible": True, "answers": []}
    path = tmp_path / "v2.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    first = open_dataset(f"squad:{path}").questions[0]
    assert (first.answerable, first.evidence, first.accepted) == (False, (), ())


def test_nomiracl_gives_its_passages(tmp_path: Path) -> None:
    path = tmp_path / "n.jsonl"
    item = {"query_id": "1", "lang": "zh", "answerable": False, "question": "哪年？"}
    item["passages"] = [{"docid": "a", "text": "甲"}, {"docid": "b", "text": "乙"}]
    path.write_text(json.dumps(item) + "\n", encoding="utf-8")
    (only,) = open_dataset(f"nomiracl:{path}").questions
    assert (only.given, only.answerable, only.kind) == (("甲", "乙"), False, "zh")


def test_halueval_makes_two_pairs(tmp_path: Path) -> None:
    path = tmp_path / "h.jsonl"
    item = {"knowledge": "K", "question": "Q?", "right_answer": "R", "hallucinated_answer": "H"}
    path.write_text(json.dumps(item) + "\n", encoding="utf-8")
    pairs = open_dataset(f"halueval:{path}").pairs
    assert pairs is not None
    assert [(p.claim, p.evidence, p.supported) for p in pairs] == [
        ("Q? R", ("K",), True),
        ("Q? H", ("K",), False),
    ]


def test_summedits(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    item = {"id": "x", "doc": "D", "summary": "S", "label": 0}
    path.write_text(json.dumps([item]), encoding="utf-8")
    pairs = open_dataset(f"summedits:{path}").pairs
    assert pairs is not None
    assert (pairs[0].claim, pairs[0].evidence, pairs[0].supported) == ("S", ("D",), False)


@pytest.mark.parametrize(
    ("specification", "questions", "message"),
    [
        ("nonsense", None, "no dataset"),
        ("squad", None, "no dataset"),
        ("squad:/nowhere.json", None, "cannot be read"),
        ("questions", "squad:x", "squad:PATH only"),
        ("jsonl:x", "squad:x", "squad:PATH only"),
    ],
)
def test_a_wrong_specification_says_so(
    specification: str, questions: str | None, message: str
) -> None:
    with pytest.raises(EvalFault, match=message):
        open_dataset(specification, questions)


def test_a_folder_holds_essays_and_their_questions(tmp_path: Path) -> None:
    (tmp_path / "one.md").write_text("# Tea\n\nIt cost 40 crowns.", encoding="utf-8")
    line = {
        "id": "one-1",
        "question": "How much was the tea?",
        "kind": "fact",
        "evidence": [{"file": "one.md", "text": "It cost 40 crowns."}],
        "accepted": [["40 crowns"]],
    }
    (tmp_path / "questions.jsonl").write_text(json.dumps(line), encoding="utf-8")
    dataset = open_dataset(f"folder:{tmp_path}")
    assert dataset.folder == tmp_path.resolve()
    assert dataset.pairs is None
    assert [q.id for q in dataset.questions] == ["one-1"]
    (tmp_path / "questions.jsonl").unlink()
    with pytest.raises(EvalFault, match="cannot be read"):
        open_dataset(f"folder:{tmp_path}")


@pytest.mark.parametrize("kind", ["squad", "nomiracl", "halueval", "summedits", "jsonl"])
@pytest.mark.parametrize("content", ["{}", "[1]", "{", ""])
def test_a_file_of_another_format_is_a_fault(tmp_path: Path, kind: str, content: str) -> None:
    path = tmp_path / "file"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(EvalFault):
        open_dataset(f"{kind}:{path}")


def test_a_selection_is_spread_evenly_and_knows_its_kinds() -> None:
    some = select(list(range(1000)), 100)
    assert [number // 10 for number in some] == list(range(100))
    assert 30 < sum(number % 2 for number in some) < 70
    assert some == select(list(range(1000)), 100)
    assert select([1, 2], None) == select([1, 2], 5) == [1, 2]
    questions = open_dataset()
    assert {q.kind for q in questions.select(["noisy"], None).questions} == {"noisy"}
    assert len({q.kind for q in questions.select(None, 21).questions}) == 7
    with pytest.raises(EvalFault, match=r"no kind nosy.*noisy"):
        questions.select(["nosy"], None)


def test_pairs_of_the_evidence_differ_in_one_number_or_name() -> None:
    asked = open_dataset()
    seeds = asked.folder
    assert seeds is not None
    texts = {p.name: p.read_bytes().decode("utf-8") for p in seeds.glob("*.txt")}
    pairs = evidence_pairs(asked.questions, texts)
    assert len(pairs) >= 100
    assert {pair.kind for pair in pairs} == {"number", "name"}
    assert pairs == evidence_pairs(asked.questions, texts)
    for true, false in zip(pairs[::2], pairs[1::2], strict=True):
        assert true.supported
        assert not false.supported
        assert true.evidence == false.evidence
        assert true.claim != false.claim
        assert true.claim in true.evidence[0]
        assert false.claim not in false.evidence[0]


@pytest.mark.parametrize("field", ["question", "context"])
@pytest.mark.parametrize("value", [5, None, ["a"], "half of \ud800 a character"])
def test_what_is_no_text_is_named_before_anything_is_asked(
    field: str, value: object, tmp_path: Path
) -> None:
    asked: dict[str, object] = {"id": "q7", "question": "What did copper cost?", "answers": []}
    paragraph = {"context": "Copper cost 42 crowns.", "qas": [asked]}
    (asked if field == "question" else paragraph)[field] = value
    path = tmp_path / "broken.json"
    path.write_text(json.dumps({"data": [{"paragraphs": [paragraph]}]}), encoding="utf-8")
    with pytest.raises(EvalFault, match=r"broken\.json"):
        open_dataset(f"squad:{path}")


@pytest.mark.parametrize("field", ["id", "history", "accepted"])
def test_half_of_a_character_is_named_before_anything_is_asked(tmp_path: Path, field: str) -> None:
    """No report could be written with it."""
    half = "half of \ud800"
    item = {"id": "a", "question": "And then?", "kind": "follow-up"}
    item |= {"history": [{"role": "user", "content": "First?"}], "accepted": [["so"]]}
    item["evidence"] = [{"file": "a.txt", "text": "so"}]
    item[field] = {"id": half, "history": [{"role": "user", "content": half}]}.get(field, [[half]])
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps(item), encoding="utf-8")
    with pytest.raises(EvalFault, match="where a text is expected"):
        open_dataset(f"jsonl:{path}")


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("nomiracl", {"answerable": "false"}),
        ("nomiracl", {"passages": []}),
        ("halueval", {"hallucinated_answer": None}),
        ("halueval", {"question": None}),
        ("summedits", {"label": "0"}),
    ],
)
def test_what_would_be_measured_as_something_else_is_a_fault(
    tmp_path: Path, kind: str, change: dict[str, object]
) -> None:
    item: dict[str, object] = {
        "nomiracl": {"query_id": "1", "lang": "en", "answerable": False, "question": "Q?"},
        "halueval": {"knowledge": "K", "question": "Q?", "right_answer": "R"},
        "summedits": {"id": "x", "doc": "D", "summary": "S", "label": 0},
    }[kind]
    item |= {"passages": [{"text": "P"}]} if kind == "nomiracl" else {}
    item |= {"hallucinated_answer": "H"} if kind == "halueval" else {}
    path = tmp_path / "data"
    for wrong in (False, True):
        item |= change if wrong else {}
        path.write_text(json.dumps([item] if kind == "summedits" else item), encoding="utf-8")
        if wrong:
            with pytest.raises(
                EvalFault, match=f"not in the format of {kind}.*{next(iter(change))}"
            ):
                open_dataset(f"{kind}:{path}")
        else:
            assert open_dataset(f"{kind}:{path}")


def test_json_that_is_nested_too_deeply_is_no_dataset(tmp_path: Path) -> None:
    path = tmp_path / "deep.json"
    path.write_text("[" * 100_000, encoding="utf-8")
    for kind in ("squad", "halueval", "jsonl"):
        with pytest.raises(EvalFault, match=r"deep\.json"):
            open_dataset(f"{kind}:{path}")
