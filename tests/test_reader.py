"""The reader: which sentence answers, in every window, and who asks it to read."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering import as_passages
from rag.config import Settings
from rag.doctor import _reranker
from rag.encoders.bundled import PassageEncoder
from rag.encoders.reader import NOWHERE, Floats, Reader, _windows
from rag.engine import Rag
from rag.readings import POOL, SURE, WORTH, Read, by_reading
from rag.schema import Hit
from rag.sentences import sentence_spans

BRIDGE = (
    "The bridge over the Orla is painted red. Its arches were drawn by Ines Falk. "
    "It was opened in 1931 by the mayor. Four hundred people came to the feast."
)
LIBRARY = "新图书馆坐落在河的北岸。它由建筑师陈默设计，外墙是青砖。全馆藏书四十万册。每逢周一闭馆。"


Spans = Sequence[tuple[int, int]]


@cache
def models() -> Path:
    return Path(tempfile.mkdtemp())


@cache
def reader() -> Reader:
    return Reader(models(), PassageEncoder(models(), threads=1).network)


def best(question: str, text: str) -> str:
    spans = sentence_spans(text)
    (scores,) = reader().read(question, [text], [spans])
    assert scores.shape == (len(spans),)
    start, end = spans[int(scores.argmax())]
    return text[start:end]


@pytest.mark.parametrize(
    ("question", "text", "answer"),
    [
        ("Who drew the arches?", BRIDGE, "Ines Falk"),
        ("In which year was it opened?", BRIDGE, "1931"),
        ("这座桥是哪一年开放的？", BRIDGE, "1931"),
        ("图书馆是谁设计的？", LIBRARY, "陈默"),
        ("哪一天不开门？", LIBRARY, "周一"),
        ("How many books does the library hold?", LIBRARY, "四十万"),
    ],
)
def test_the_sentence_that_answers_scores_highest(question: str, text: str, answer: str) -> None:
    assert answer in best(question, text)


def test_a_text_without_the_answer_scores_lower() -> None:
    question = "Who drew the arches of the bridge?"
    spans = [sentence_spans(BRIDGE), sentence_spans(LIBRARY)]
    here, elsewhere = reader().read(question, [BRIDGE, LIBRARY], spans)
    assert here.max() > elsewhere.max()


def test_a_long_text_is_read_to_its_end() -> None:
    filler = "The river rises in spring and falls again in autumn. " * 80
    text = filler + BRIDGE
    spans = sentence_spans(text)
    (scores,) = reader().read("Who drew the arches?", [text], [spans])
    start, end = spans[int(scores.argmax())]
    assert "Ines Falk" in text[start:end]
    assert scores.min() > NOWHERE


@pytest.mark.parametrize("text", ["", " ", "\n", "。", "a", "word " * 900, "\x00", "🙂" * 700])
def test_any_text_and_any_question_can_be_read(text: str) -> None:
    spans = sentence_spans(text)
    for question in ("", "Why?", "为什么" * 300):
        (scores,) = reader().read(question, [text], [spans])
        assert len(scores) == len(spans)
        assert np.isfinite(scores).all()


@given(st.lists(st.integers(0, 60), max_size=40), st.integers(1, 100))
def test_windows_hold_each_sentence_once_and_fit(counts: list[int], room: int) -> None:
    edges = [0, *np.cumsum(counts).tolist()]
    found = list(_windows(edges, room))
    assert [s for first, last in found for s in range(first, last)] == list(range(len(counts)))
    for first, last in found:
        assert last == first + 1 or edges[last] - edges[first] <= room


def test_the_same_text_always_gets_the_same_scores() -> None:
    spans = [sentence_spans(BRIDGE), sentence_spans(LIBRARY)]
    question = "Who drew the arches?"
    both = reader().read(question, [BRIDGE, LIBRARY], spans)
    (alone,) = reader().read(question, [LIBRARY], spans[1:])
    assert (both[1] == alone).all()


def test_damaged_weights_are_made_again(tmp_path: Path) -> None:
    encoder = PassageEncoder(models(), threads=1).network
    spans = [sentence_spans(BRIDGE)]
    Reader(tmp_path, encoder).read("Who?", [BRIDGE], spans)
    (path,) = tmp_path.glob("reader-*.onnx")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    Reader(tmp_path, encoder).read("Who?", [BRIDGE], spans)
    assert path.read_bytes() == whole


def test_what_keeps_it_from_opening_is_told_when_it_reads(tmp_path: Path) -> None:
    wrong = tmp_path / "changes.npz"
    np.savez(wrong, **{"l5.q.b": np.zeros(3, np.float16)})
    encoder = PassageEncoder(models(), threads=1).network
    slow = Reader(tmp_path / "models", encoder, wrong)
    with pytest.raises(Exception, match=r"shape|dimension|Input"):
        slow.read("Who?", [BRIDGE], [sentence_spans(BRIDGE)])


def test_a_setting_turns_it_off(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def counted(
        self: Reader, question: str, texts: Sequence[str], spans: Sequence[Spans]
    ) -> list[Floats]:
        asked.append(question)
        return [np.zeros(len(own), np.float32) for own in spans]

    monkeypatch.setattr(Reader, "read", counted)
    with Rag(settings) as rag:
        rag.answer("Who drew the arches?", [BRIDGE])
    assert asked == ["Who drew the arches?"]
    with Rag(settings.model_copy(update={"without": frozenset(["reader"])})) as rag:
        rag.answer("Who opened it?", [BRIDGE])
    assert asked == ["Who drew the arches?"]


def found(*scores: float, **signals: dict[str, float]) -> list[Hit]:
    """Passages a, b, c …; `signals` by name."""
    names = "abcdefghij"[: len(scores)]
    passages = [as_passages([name])[0] for name in names]
    return [
        Hit(replace(passage, id=name), score, signals.get(name, {}))
        for name, passage, score in zip(names, passages, scores, strict=True)
    ]


def says(**best: float) -> Read:
    """A reader that knows of each text how well its best sentence answers."""
    return lambda _, texts: [np.float32([-12.0, best[text]]) for text in texts]


def order(hits: Sequence[Hit], read: Read) -> str:
    return "".join(hit.passage.id for hit in by_reading("q", hits, read))


def test_what_the_reader_says_moves_passages_as_far_as_it_is_worth() -> None:
    hits = found(3.0, 2.0, 1.9)
    assert order(hits, says(a=0, b=0, c=1)) == "acb"
    assert order(hits, says(a=-12, b=0, c=2)) == "cba"
    assert order(hits, says(a=0, b=1e6, c=0)) == "bac"
    (first, *_) = by_reading("q", hits, says(a=-3, b=0, c=20))
    assert first.signals["reading"] == SURE
    assert first.score == pytest.approx(1.9 + WORTH * SURE)


def test_what_stands_for_a_part_keeps_its_place() -> None:
    better = says(a=-12, b=-12, c=12)
    assert order(found(3, 2, 1), better) == "cab"
    assert order(found(3, 2, 1, b={"part": 1.0}), better) == "cba"


def test_what_lies_beyond_the_pool_is_not_read_and_stays_behind() -> None:
    hits = found(*range(20, 10, -1))
    read: list[str] = []

    def last_is_best(_: str, texts: Sequence[str]) -> list[Floats]:
        read.extend(texts)
        return [np.float32([n]) for n, _ in enumerate(texts)]

    made = "".join(hit.passage.id for hit in by_reading("q", hits, last_is_best))
    assert read == list("abcdefgh")
    assert sorted(made[:POOL]) == read
    assert made[POOL:] == "ij"


def test_without_a_reader_passages_stay_as_they_were_found() -> None:
    hits = found(3.0, 2.0)
    assert by_reading("q", hits, lambda *_: []) == hits
    assert by_reading("q", [], says()) == []


@pytest.mark.parametrize("when", ["answers", "always", "never"])
def test_passages_are_read_when_the_settings_say(
    settings: Settings, when: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for n in range(POOL + 1):
        (tmp_path / f"{n}.txt").write_text(f"{BRIDGE} It is bridge {n} of the road.")
    read: list[int] = []

    def counted(
        self: Reader, question: str, texts: Sequence[str], spans: Sequence[Spans]
    ) -> list[Floats]:
        read.append(len(texts))
        return [np.zeros(len(of_text), np.float32) for of_text in spans]

    monkeypatch.setattr(Reader, "read", counted)
    with Rag(settings.model_copy(update={"rerank": when, "without": frozenset({"copies"})})) as rag:
        rag.ingest(tmp_path)
        hits = rag.retrieve("Who drew the arches of bridge 3?")
        assert len(hits) == rag.settings.k
        assert read == ([POOL] if when == "always" else [])
        assert all(("reading" in hit.signals) == (when == "always") for hit in hits)
        read.clear()
        answer = rag.query("Who drew the arches of bridge 4?")
        assert read == ([rag.settings.k] if when == "never" else [POOL])  # each of them once
        assert len(answer.hits) == rag.settings.k


def test_doctor_says_when_passages_are_read(settings: Settings) -> None:
    told = {}
    for when in ("answers", "always", "never"):
        with Rag(settings.model_copy(update={"rerank": when})) as rag:
            told[when] = next(iter(_reranker(rag._parts))).message
    assert told == {
        "answers": "the bundled reader, without a model",
        "always": "the bundled reader (RAG_RERANK=always)",
        "never": "off",
    }
