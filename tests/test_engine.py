"""`Rag` as a program uses it: real essays, real encoders, real indexes, no model."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import os
import pickle
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import pytest

from rag import Rag, Settings
from rag.errors import (
    IndexFault,
    IndexMismatch,
    InvalidArgument,
    NothingIngested,
    SourceNotFound,
)
from rag.schema import Answer, Done, Event, Hit, Message, Passage, Status, Token, Verdict

COMPANY = "作者在哪家公司做AI Infra？"


def assert_exact(rag: Rag, answer: Answer) -> None:
    for citation in answer.citations:
        assert rag.text(citation.source)[citation.start : citation.end] == citation.quote
        assert citation.quote.strip()
    for sentence in answer.sentences:
        assert 0 <= sentence.start < sentence.end <= len(answer.text)


def test_an_answer_quotes_the_essay_it_rests_on(rag: Rag) -> None:
    answer = rag.query(COMPANY)
    assert not answer.refused
    assert answer.mode == "extractive"
    assert "阶跃星辰" in answer.text
    assert any("000_" in c.source and "阶跃星辰" in c.quote for c in answer.citations)
    assert all(s.verdict.label == "supported" for s in answer.sentences)
    assert_exact(rag, answer)


def test_an_answer_can_be_kept_copied_and_taken_apart(rag: Rag) -> None:
    answer = rag.query(COMPANY)
    assert answer.hits
    assert pickle.loads(pickle.dumps(answer)) == answer
    assert copy.deepcopy(answer) == answer
    assert asdict(answer)["citations"][0]["quote"] == answer.citations[0].quote


def test_a_refusal_shows_the_nearest_passages_and_is_marked(rag: Rag) -> None:
    answer = rag.query("How many moons does the planet Neptune have, and who discovered Triton?")
    assert answer.refused
    assert answer.answerable < rag.settings.refuse_below
    assert answer.citations
    assert all(s.verdict.label == "unchecked" for s in answer.sentences)
    assert_exact(rag, answer)


@pytest.mark.parametrize(
    ("question", "alike", "telling"),
    [
        (
            "作者从哪一年开始养蜂？",
            "养蜂十年",
            "我是二〇一一年开始养蜂的，最初只有三箱意蜂，现在有四十六箱，其中中蜂二十箱。",
        ),
        (
            "糖鐵的鐵道是哪一年停駛的？",
            "為什麼糖鐵會消失？",
            "到了一九八二年，虎尾的客運線全部停駛。",
        ),
    ],
)
def test_a_refusal_shows_what_tells_and_not_what_only_sounds_alike(
    seeded: Path, question: str, alike: str, telling: str
) -> None:
    with Rag(Settings(data_dir=seeded, llm="off", refuse_below=1)) as rag:
        answer = rag.answer(question, [f"{alike}\n{telling}"])
    assert answer.refused
    assert [citation.quote for citation in answer.citations] == [telling]


def test_a_stream_ends_with_the_answer_that_query_gives(rag: Rag) -> None:
    *events, last = rag.stream(COMPANY)
    assert isinstance(last, Done)
    assert isinstance(events[0], Status)
    shown = "".join(event.text for event in events if isinstance(event, Token))
    assert shown == last.answer.text == rag.query(COMPANY).text


def test_what_answers_one_part_is_an_answer(rag: Rag) -> None:
    told = "The mill stands by the river and was built of oak."
    question = "What was the mill built of, and how many tons did its wheel weigh in 1931?"
    assert not rag.answer(question, [told]).refused
    assert rag.answer("How many tons did its wheel weigh in 1931?", [told]).refused


def test_a_follow_up_leans_on_what_was_asked_before(rag: Rag) -> None:
    history = [
        {"role": "user", "content": "HeuriGym是什么？"},
        {"role": "assistant", "content": "一个评测。"},
    ]
    hits = rag.retrieve("它得出了什么结论？", history=history, k=5)
    assert any("HeuriGym" in hit.passage.raw for hit in hits)


def test_sources_limit_the_search(rag: Rag) -> None:
    one = rag.essays()[0].source
    assert {hit.passage.source for hit in rag.retrieve("AI", sources=[one])} == {one}
    with pytest.raises(SourceNotFound):
        rag.retrieve("AI", sources=["seeds/nobody.txt"])


def test_answers_come_from_given_passages_alone(rag: Rag) -> None:
    passages = ["The bridge was opened in 1932.", "Bananas are rich in potassium."]
    answer = rag.answer("When was the bridge opened?", passages)
    assert "1932" in answer.text
    assert {citation.source for citation in answer.citations} <= {"passage-1", "passage-2"}
    assert answer.citations[0].quote == passages[0]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_given_text_is_read_as_an_essay_is(rag: Rag, end: str) -> None:
    """Where only the width of a page broke its lines, no sentence ends."""
    lines = (
        "The old bridge over the river was built by the city's first",
        "engineer, Anna Holm, and it was opened to traffic in the spring",
        "of 1932 after four years of work. It was painted red in 1950 by",
        "a crew of twelve volunteers who came from the neighbouring town.",
    )
    text = end.join(lines)
    answer = rag.answer("Who painted the bridge red?", [text])
    assert "painted red in 1950 by a crew of twelve volunteers who came from" in answer.text
    for citation in answer.citations:
        assert text[citation.start : citation.end] == citation.quote


def test_verify_tells_what_is_from_what_is_not_there(rag: Rag) -> None:
    evidence = ["The bridge was opened in 1932."]
    assert rag.verify("The bridge was opened in 1932.", evidence).label == "supported"
    wrong = rag.verify("The bridge was opened in 1952.", evidence)
    assert wrong.label == "unsupported"
    assert "1952" in wrong.reason


def test_a_subclass_can_replace_each_stage(seeded: Path) -> None:
    called = []

    class Watched(Rag):
        def retrieve(
            self,
            question: str,
            history: Sequence[Message] = (),
            k: int | None = None,
            sources: Sequence[str] | None = None,
        ) -> list[Hit]:
            called.append("retrieve")
            return super().retrieve(question, history, k, sources)

        def answer(self, question: str, passages: Sequence[Passage | str]) -> Answer:
            called.append("answer")
            return replace(super().answer(question, passages), warnings=("watched",))

        def verify(self, claim: str, evidence: Sequence[str]) -> Verdict:
            called.append("verify")
            return Verdict("partly", 0.5, "by hand")

    with Watched(Settings(data_dir=seeded, llm="off")) as rag:
        done = list(rag.stream(COMPANY))[-1]
        assert isinstance(done, Done)
        for answer in (rag.query(COMPANY), done.answer):
            assert answer.warnings == ("watched",)
            assert {s.verdict.label for s in answer.sentences} == {"partly"}
    assert called.count("retrieve") == called.count("answer") == 2
    assert "verify" in called


def test_nothing_ingested_is_an_error_that_names_the_command(settings: Settings) -> None:
    with Rag(settings) as rag, pytest.raises(NothingIngested, match="rag ingest"):
        rag.query("anything")


def test_two_rags_side_by_side_do_not_meet(settings: Settings, rag: Rag, tmp_path: Path) -> None:
    essay = tmp_path / "essay.txt"
    essay.write_text("The lighthouse keeper's cat is called Marmalade.\n", "utf-8")
    with Rag(settings) as other:
        other.ingest(essay)
        assert "Marmalade" in other.query("What is the lighthouse keeper's cat called?").text
        assert len(other.essays()) == 1
    assert len(rag.essays()) == 5


def test_closing_a_stream_early_leaves_the_rag_usable(rag: Rag) -> None:
    stream = rag.stream(COMPANY)
    next(stream)
    stream.close()
    assert "阶跃星辰" in rag.query(COMPANY).text


class Silent(Rag):
    """Searches until it is told to go on; keeps its turn, and whether it came to an answer."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.searching, self.go_on, self.answered = (threading.Event() for _ in range(3))

    def retrieve(
        self,
        question: str,
        history: Sequence[Message] = (),
        k: int | None = None,
        sources: Sequence[str] | None = None,
    ) -> list[Hit]:
        self.turn = self._turn.get()
        self.searching.set()
        self.go_on.wait(30)
        return []

    def answer(self, question: str, passages: Sequence[Passage | str]) -> Answer:
        self.answered.set()
        return super().answer(question, passages)


def test_a_stream_is_closed_from_another_thread_while_nothing_comes(settings: Settings) -> None:
    seen: list[Event] = []
    with Silent(settings) as rag:
        stream = rag.stream("Who?")
        reader = threading.Thread(target=lambda: seen.extend(stream))
        reader.start()
        assert rag.searching.wait(30)
        stream.close()
        reader.join(5)
        assert not reader.is_alive()
        # whether the reader got the first one before the close is a matter of who is quicker
        assert [type(event) for event in seen] in ([], [Status])
        assert rag.turn.cancel is not None
        assert rag.turn.cancel.is_set()
        rag.go_on.set()
        assert not rag.answered.wait(0.3), "nobody waits for it"
        assert list(stream) == []


def test_a_stream_that_is_let_go_is_cancelled(settings: Settings) -> None:
    with Silent(settings) as rag:
        stream = rag.stream("Who?")
        assert not rag.searching.wait(0.1), "it begins when it is looked at"
        next(stream)
        assert rag.searching.wait(30)
        del stream
        gc.collect()
        assert rag.turn.cancel is not None
        assert rag.turn.cancel.is_set()
        rag.go_on.set()
        stream = rag.stream("Who?")
        next(stream)
        with pytest.raises(ZeroDivisionError):
            stream.throw(ZeroDivisionError)
        assert list(stream) == []


def test_what_the_essays_are_not_about_is_refused(rag: Rag) -> None:
    questions = [
        "Who won the 1998 football world cup final in Paris?",
        "What is the capital of Peru?",
        "How many moons does the planet Neptune have?",
        "Who wrote Pride and Prejudice?",
        "Which river flows through Vienna?",
        "李白的代表作有哪些？",
        "怎么种番茄？",
        "長城有多長？",
        "鲁迅的原名叫什么？",
    ]
    refused = [question for question in questions if rag.query(question).refused]
    assert len(refused) >= 7, set(questions) - set(refused)


def test_a_source_that_is_no_text_is_not_found(rag: Rag) -> None:
    calls = (rag.text, rag.remove, lambda name: rag.retrieve("AI", sources=[name]))
    for call in calls:
        with pytest.raises(SourceNotFound, match="nobody"):
            call("nobody\ud800\udcff")


def test_one_text_is_not_taken_letter_by_letter(rag: Rag) -> None:
    claim = "The bridge was opened in 1932."
    assert rag.verify(claim, claim).label == "supported"
    assert rag.answer("When was the bridge opened?", claim).citations[0].quote == claim
    one = rag.essays()[0].source
    assert {hit.passage.source for hit in rag.retrieve("AI", sources=one)} == {one}
    assert {hit.passage.source for hit in rag.query("AI", sources=one).hits} == {one}


def test_none_asked_for_is_none_found(rag: Rag) -> None:
    assert rag.retrieve("AI", k=0) == []
    assert len(rag.retrieve("AI")) == rag.settings.k


@pytest.mark.parametrize(
    "entry",
    [
        {"role": "user"},
        {"content": "AI"},
        {"role": "user", "content": None},
        {"role": "ai", "content": "AI"},
        "AI",
    ],
)
def test_a_broken_history_is_named(rag: Rag, entry: Any) -> None:
    calls = (rag.retrieve, rag.query, lambda *given: list(rag.stream(*given)))
    for call in calls:
        with pytest.raises(InvalidArgument, match=r"history\[1\]") as raised:
            call("AI", [{"role": "user", "content": "AI"}, entry])
        assert isinstance(raised.value, ValueError)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda rag: rag.query(None), "question"),
        (lambda rag: list(rag.stream(5)), "question"),
        (lambda rag: rag.retrieve(["AI"]), "question"),
        (lambda rag: rag.retrieve("AI", k="5"), "k is no whole number: '5'"),
        (lambda rag: rag.retrieve("AI", k=2.5), "k"),
        (lambda rag: rag.retrieve("AI", k=-3), "k is -3"),
        (lambda rag: rag.retrieve("AI", sources=5), "sources"),
        (lambda rag: rag.query("AI", sources=[None]), r"sources\[0\]"),
        (lambda rag: rag.query("AI", history=None), "history"),
        (lambda rag: rag.answer(5, ["AI"]), "question"),
        (lambda rag: rag.answer("AI", None), "passages"),
        (lambda rag: rag.answer("AI", rag.retrieve("AI")), "Hit.*hit.passage"),
        (lambda rag: rag.verify(None, ["AI"]), "claim"),
        (lambda rag: rag.verify("AI", None), "evidence"),
        (lambda rag: rag.verify("AI", [b"AI"]), r"evidence\[0\]"),
        (lambda rag: rag.text(None), "source"),
        (lambda rag: rag.remove(5), "source"),
        (lambda rag: rag.ingest(None), "path"),
        (lambda rag: rag.root(5), "path"),
        (lambda _: Rag(cast("Any", "essays")), "data_dir"),
    ],
)
def test_what_a_call_cannot_take_is_named(
    rag: Rag, call: Callable[[Any], object], named: str
) -> None:
    with pytest.raises(InvalidArgument, match=named):
        call(rag)


MILL = "When did the mill stop?"


@pytest.fixture
def two(settings: Settings, tmp_path: Path) -> Iterator[tuple[Rag, Rag]]:
    """Two over one index, which holds one essay; the first has been asked."""
    essay = tmp_path / "mill.txt"
    essay.write_text("The mill at Harrow Creek ground its last flour in 1956.\n", "utf-8")
    with Rag(settings) as rag, Rag(settings) as other:
        rag.ingest(essay)
        assert rag.retrieve(MILL)
        yield rag, other


def test_an_index_made_anew_by_another_version_is_searched_no_more(
    two: tuple[Rag, Rag], monkeypatch: pytest.MonkeyPatch
) -> None:
    rag, other = two
    with monkeypatch.context() as patch:
        patch.setattr("rag.clean.VERSION", 99)
        other.reindex()
    with pytest.raises(IndexMismatch, match="cleaner: 99 in the index"):
        rag.retrieve(MILL)
    other.reindex()
    assert rag.retrieve(MILL)


def test_what_a_killed_reindex_left_is_finished_by_who_asks(
    two: tuple[Rag, Rag], monkeypatch: pytest.MonkeyPatch
) -> None:
    rag, other = two
    with monkeypatch.context() as patch:
        patch.setattr(other._parts.index, "follow", lambda **_: 1 / 0)  # between its two steps
        with pytest.raises(ZeroDivisionError):
            other.reindex()
    assert rag.retrieve(MILL)
    assert rag._parts.index.lexical.agrees()


def test_a_small_folder_is_searched_without_the_dense_index(
    seeded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(seeded / "index", tmp_path / "data" / "index")
    (tmp_path / "data" / "index" / "vectors" / "chroma.sqlite3").write_bytes(b"damaged" * 1_000)
    settings = Settings(data_dir=tmp_path / "data", llm="off")
    question = "能源在五层里排在哪里？"
    with Rag(settings) as rag:
        small = rag.retrieve(question)
        assert "dense" not in vars(rag._parts)  # Chroma would have said that it is damaged
    monkeypatch.setattr("rag.search.known.BACKGROUND", 8)  # as if there were far more passages
    with Rag(settings) as rag:
        large = rag.retrieve(question)
        assert "dense" in vars(rag._parts)  # looked into and made anew, then asked
    assert small[0].passage.text == large[0].passage.text


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are never forked here")
def test_in_a_forked_process_it_says_so_instead_of_waiting_for_ever(rag: Rag) -> None:
    assert rag.query(COMPANY).citations
    fork = multiprocessing.get_context("fork")
    told, tell = fork.Pipe(duplex=False)
    child = fork.Process(target=lambda: tell.send(_said_of(lambda: rag.query(COMPANY))))
    child.start()
    try:
        assert told.poll(30)
        assert "from which this one was forked" in told.recv()
    finally:
        child.kill()
    assert rag.query(COMPANY).citations


def _said_of(call: Callable[[], object]) -> str:
    with pytest.raises(IndexFault) as caught:
        call()
    return str(caught.value)
