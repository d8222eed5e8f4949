"""The chat in the terminal, beside the one on the page."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from ui_support import FakeRag

from rag import cli


@pytest.mark.parametrize(
    ("encoding", "typed", "asked"),
    [
        ("utf-8", b"caf\xe9 A\n", "caf\ufffd A"),
        ("gb18030", "五层蛋糕？\n".encode("gb18030"), "五层蛋糕？"),
        ("ascii", "五层蛋糕？\n".encode(), "五层蛋糕？"),
    ],
)
def test_a_byte_that_is_no_text_ends_no_chat(
    encoding: str, typed: bytes, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rag = FakeRag(delay=0)

    @contextmanager
    def opened() -> Iterator[FakeRag]:
        yield rag

    monkeypatch.setattr(cli, "_open", opened)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed), encoding))
    with pytest.raises(SystemExit) as ended:
        cli.main(["chat"])
    assert ended.value.code == 0
    assert [question for question, *_ in rag.asked] == [asked]
