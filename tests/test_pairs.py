"""The pairs that the verifier is trained and measured on are what they say they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.edits import edited
from eval.pair_files import Pair, halueval, probe, squad, summedits
from eval.pairs import across, beside, denied, misplaced, statements, swapped
from rag.errors import EvalFault

TEXTS = [
    (
        "Ada was born in London in 1815. She met Charles Babbage in 1833.",
        "London",
        "Charles Babbage",
    ),
    ("Grace was born in Boston in 1906. She wrote for Howard Aiken in 1944.", "Boston", "1944"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    data = [
        {
            "paragraphs": [
                {
                    "context": text,
                    "qas": [
                        {"question": "What is it?", "answers": [_answer(text, a)]} for a in answers
                    ],
                }
            ]
        }
        for text, *answers in TEXTS
    ]
    file = tmp_path / "set.en.json"
    file.write_text(json.dumps({"data": data}), "utf-8")
    return file


def _answer(text: str, answer: str) -> dict[str, object]:
    return {"text": answer, "answer_start": text.index(answer)}


@pytest.mark.parametrize("near", [False, True])
def test_a_swap_is_a_sentence_and_the_same_with_another_answer(path: Path, near: bool) -> None:
    pairs = list(swapped(squad(path), near=near))
    assert pairs
    for right, wrong in zip(pairs[::2], pairs[1::2], strict=True):
        assert (right.supported, wrong.supported) == (True, False)
        assert right.claim in right.evidence[0]
        assert wrong.claim not in wrong.evidence[0]
        assert right.evidence == wrong.evidence
        assert right.group == wrong.group


def test_an_edit_keeps_labels_and_changes_the_words(path: Path) -> None:
    pairs = list(swapped(squad(path), near=False))
    changed = list(edited(pairs))
    assert changed
    assert [pair.supported for pair in changed] == [True, False] * (len(changed) // 2)
    assert not {pair.claim for pair in changed} & {pair.claim for pair in pairs}


def test_statements_and_misplaced_ones(path: Path) -> None:
    paragraphs = squad(path)
    assert all(a.claim != b.claim for a, b in _twos(list(statements(paragraphs))))
    for right, wrong in _twos(list(misplaced(paragraphs))):
        assert right.claim == wrong.claim
        assert right.evidence != wrong.evidence


def _twos(pairs: list[Pair]) -> list[tuple[Pair, Pair]]:
    return list(zip(pairs[::2], pairs[1::2], strict=True))


def test_across_has_a_number_that_no_paragraph_has(path: Path) -> None:
    paragraphs = squad(path)
    wrong = [pair for pair in across(paragraphs, paragraphs) if not pair.supported]
    changed = [pair for pair in wrong if pair.claim not in "".join(p.text for p in paragraphs)]
    assert changed
    with pytest.raises(EvalFault, match="2 and 1"):
        list(across(paragraphs, paragraphs[:1]))


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text('{"a": 1}\n', "utf-8")
    for reader in (squad, lambda p: list(halueval(p)), lambda p: list(summedits(p))):
        with pytest.raises(EvalFault, match=r"other\.json"):
            reader(file)


def test_a_denial_denies_the_one_sentence_and_not_the_other(path: Path) -> None:
    pairs = list(denied(squad(path)))
    assert [pair.supported for pair in pairs] == [True, False] * (len(pairs) // 2)
    for right, wrong in zip(pairs[::2], pairs[1::2], strict=True):
        assert " not " not in right.claim
        assert wrong.claim.replace(" not ", " ") == right.claim


@pytest.mark.parametrize(
    ("sentence", "negated"),
    [
        ("这座桥是在一八九零年建成的。", "这座桥不是在一八九零年建成的。"),
        ("島上沒有自來水，居民靠雨水。", "島上有自來水，居民靠雨水。"),
        ("但是所有人总是知道社会的规则。", None),
    ],
)
def test_chinese_denials_leave_other_words_alone(
    tmp_path: Path, sentence: str, negated: str | None
) -> None:
    file = tmp_path / "zh.json"
    paragraph = {"context": sentence, "qas": []}
    file.write_text(json.dumps({"data": [{"paragraphs": [paragraph]}]}), "utf-8")
    claims = [pair.claim for pair in denied(squad(file)) if not pair.supported]
    if negated is None:
        assert not claims
    else:
        [claim] = claims
        assert claim.rstrip("。") in negated


def test_pairs_of_one_language_go_beside_the_parallel_text(path: Path, tmp_path: Path) -> None:
    data = json.loads(path.read_text("utf-8"))
    for number, one in enumerate(data["data"]):
        one["paragraphs"][0]["context"] = f"第{number}段。"
    other = tmp_path / "set.zh.json"
    other.write_text(json.dumps(data), "utf-8")
    english, chinese = squad(path), squad(other)
    pairs = list(swapped(english, near=False))
    moved = list(beside(pairs, english, chinese))
    assert [p.claim for p in moved] == [p.claim for p in pairs]
    assert {p.evidence[0] for p in moved} == {"第0段。", "第1段。"}
    assert {p.kind for p in moved} == {"across, elsewhere"}


def test_the_probe_is_half_true_and_each_half_has_every_direction() -> None:
    pairs = list(probe(Path(__file__).parents[1] / "eval" / "verify_probe.jsonl"))
    assert {pair.group for pair in pairs} == {"tune", "held-out"}
    for half in ("tune", "held-out"):
        chosen = [pair for pair in pairs if pair.group == half]
        assert sum(pair.supported for pair in chosen) * 2 == len(chosen)
        directions = {(p.kind[:2], p.kind.split("→ ")[1][:2]) for p in chosen}
        assert directions == {("en", "en"), ("en", "zh"), ("zh", "en"), ("zh", "zh")}
