"""Text of others: it reaches a terminal as text, whatever it holds."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from rag import Rag
from rag.schema import (
    Answer,
    Citation,
    Done,
    EssayInfo,
    Event,
    Message,
    Sentence,
    Status,
    Token,
    Verdict,
)
from rag.terminal import answer_lines, converse, essay_table
from rag.visible import portable, visible

HOSTILE = "\x1b]0;pwned\x07\x1b[2J\x9b31m\x7fred\rgone\u202e"
ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")


@given(st.text())
def test_what_is_shown_does_nothing(text: str) -> None:
    kinds = {unicodedata.category(character) for character in visible(text)}
    assert not kinds & {"Cc", "Cs", "Zl", "Zp"}
    assert not ACTING.search(visible(text, lines=True))


@pytest.mark.parametrize(
    ("text", "one", "several"),
    [
        ("a\x1b[31mb", r"a\x1b[31mb", r"a\x1b[31mb"),
        ("a\nb\tc", r"a\nb\tc", "a\nb\tc"),
        ("a\r\nb\rc", r"a\r\nb\rc", "a\nb\\rc"),
        ("\x9b\u202e\ud800", r"\x9b\u202e\ud800", r"\x9b\u202e\ud800"),
        ("作者，“é”😀 e\u0301", "作者，“é”😀 e\u0301", "作者，“é”😀 e\u0301"),
    ],
)
def test_escapes(text: str, one: str, several: str) -> None:
    assert visible(text) == one
    assert visible(text, lines=True) == several


def test_any_name_is_text() -> None:
    assert portable("caf\udce9 \ud800") == r"caf\xe9 \ud800"
    assert portable("日记") == "日记"


def hostile_answer() -> Answer:
    said = f"It was red {HOSTILE}."
    verdict = Verdict("partly", 0.5, f"because {HOSTILE}")
    return Answer(
        question="?",
        text=said,
        sentences=(Sentence(said, 0, len(said), (1,), verdict),),
        citations=(Citation(1, f"a\n{HOSTILE}.txt", HOSTILE, 0, 9, f"words {HOSTILE}"),),
        refused=False,
        answerable=0.9,
        mode="llm",
        model=HOSTILE,
    )


def test_an_answer_does_nothing_to_the_terminal() -> None:
    shown = "\n".join(answer_lines(hostile_answer()))
    assert not ACTING.search(shown)
    assert shown.count("pwned") == 7
    assert r"a\n\x1b]0;pwned\x07" in shown


def test_a_list_does_nothing_to_the_terminal() -> None:
    printed = io.StringIO()
    info = EssayInfo(HOSTILE, HOSTILE, HOSTILE, HOSTILE, "en", 1, 1)
    Console(file=printed, width=400).print(essay_table([info]))
    assert not ACTING.search(printed.getvalue())
    assert printed.getvalue().count("pwned") == 4


class Talker:
    """Streams a hostile answer."""

    def stream(self, question: str, history: Sequence[Message] = ()) -> Iterator[Event]:
        answer = hostile_answer()
        yield Status("answer", f"{HOSTILE} [bold]is answering")
        yield Token(answer.text)
        yield Done(answer)


def chatted(monkeypatch: pytest.MonkeyPatch) -> str:
    """What a chat of one question shows."""
    printed = io.StringIO()
    said = iter(["question", ""])
    console = Console(file=printed, width=200)
    monkeypatch.setattr(console, "input", lambda _: next(said))
    converse(cast("Rag", Talker()), console)
    return printed.getvalue()


def test_a_chat_says_of_what_it_showed_how_it_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "(sentences: ◐ 1 partly)" in chatted(monkeypatch)


def test_a_chat_does_nothing_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = chatted(monkeypatch)
    assert "pwned" in shown
    assert not ACTING.search(shown)
