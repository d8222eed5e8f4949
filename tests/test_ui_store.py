"""Conversations survive, are found again, and are let go."""

from __future__ import annotations

import json
import re
import sqlite3
import stat
import threading
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from ui_support import an_answer

from rag.errors import RagError
from rag.schema import Citation
from ui.record import from_json, to_json
from ui.store import (
    MIGRATIONS,
    Conversation,
    ConversationNotFound,
    Store,
    Turn,
    export_json,
    export_markdown,
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "conversations.sqlite3")


def test_an_answer_comes_back_as_it_was() -> None:
    answer = an_answer()
    assert from_json(to_json(answer)) == answer


def test_a_conversation_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "conversations.sqlite3"
    first = Store(path)
    kept = first.create()
    turn = first.ask(kept.id, "五层蛋糕是哪五层？", ["seeds/a.txt"])
    first.finish(turn.id, "done", answer=an_answer())
    again = Store(path)
    (back,) = again.turns(kept.id)
    assert back.answer == an_answer()
    assert back.sources == ("seeds/a.txt",)
    assert back.state == "done"
    assert again.get(kept.id).title == "五层蛋糕是哪五层？"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_turns_keep_their_order_and_one_instead_of_another_takes_the_rest(store: Store) -> None:
    kept = store.create()
    turns = [store.ask(kept.id, f"question {n}") for n in range(4)]
    store.ask(kept.id, "other", instead_of=turns[2].id)
    asked = [turn.question for turn in store.turns(kept.id)]
    assert asked == ["question 0", "question 1", "other"]


def test_search_looks_into_titles_questions_and_answers(store: Store) -> None:
    one, two = store.create(), store.create("Holiday 100%")
    turn = store.ask(one.id, "Who wrote the DIARY?")
    store.finish(turn.id, "done", answer=an_answer(text="It was Ａda [1]."))
    assert [c.id for c in store.conversations("diary")] == [one.id]
    assert [c.id for c in store.conversations("ada was")] == [one.id]
    assert [c.id for c in store.conversations("100%")] == [two.id]
    assert store.conversations("100_") == []
    assert len(store.conversations()) == 2


def test_a_file_that_cannot_be_used_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite3"
    store = Store(path)
    kept = store.create()
    path.write_bytes(b"x" * path.stat().st_size)
    for call in (lambda: store.get(kept.id), store.create, lambda: Store(path)):
        with pytest.raises(RagError, match=r"c\.sqlite3 is damaged.*Move it aside"):
            call()
    with pytest.raises(RagError, match=r"c\.sqlite3/c\.sqlite3 cannot be opened"):
        Store(path / "c.sqlite3")
    path.unlink()
    path.mkdir()
    with pytest.raises(RagError, match=r"c\.sqlite3 cannot be"):
        Store(path)


def test_a_damaged_talk_is_not_told(store: Store) -> None:
    kept = store.create()
    store.ask(kept.id, "What did I earn in 1998?")
    with sqlite3.connect(store.path) as raw:
        raw.execute("UPDATE turn SET question = CAST(x'ff' || CAST(question AS BLOB) AS TEXT)")
    with pytest.raises(RagError, match=r"is damaged.*column 'question'") as caught:
        store.turns(kept.id)
    assert "earn" not in str(caught.value)


def test_rename_and_delete(store: Store) -> None:
    kept = store.create()
    turn = store.ask(kept.id, "q")
    store.judge(turn.id, 1)
    store.rename(kept.id, "  New \n name ")
    assert store.get(kept.id).title == "New name"
    store.delete(kept.id)
    store.delete(kept.id)
    assert store.feedback() == []
    for call in (store.get, store.turns):
        with pytest.raises(ConversationNotFound):
            call(kept.id)
    with pytest.raises(ConversationNotFound):
        store.rename(kept.id, "x")
    store.finish(turn.id, "done")  # an answer that comes too late harms nothing


def test_feedback_keeps_the_answer_that_was_judged(store: Store) -> None:
    kept = store.create()
    turn = store.ask(kept.id, "q")
    store.finish(turn.id, "done", answer=an_answer())
    store.judge(turn.id, -1, "wrong year")
    store.judge(turn.id, -1, "wrong year, and day")
    (said,) = store.feedback()
    assert (said.value, said.comment, said.answer) == (-1, "wrong year, and day", an_answer())
    assert store.turn(turn.id).thumb == -1
    store.judge(turn.id, 0)
    assert store.feedback() == []
    store.judge(turn.id, 1, "good")
    store.ask(kept.id, "q", instead_of=turn.id)
    assert [f.comment for f in store.feedback()] == ["good"]


def test_a_thumb_is_taken_back(store: Store) -> None:
    turn = store.ask(store.create().id, "q")
    store.judge(turn.id, 1)
    store.judge(turn.id, 0)
    assert store.turn(turn.id).thumb == 0


def test_what_a_dead_process_left_is_said_to_be_broken_off(store: Store) -> None:
    kept = store.create()
    asking, done = store.ask(kept.id, "a"), store.ask(kept.id, "b")
    store.finish(done.id, "done", answer=an_answer())
    assert store.broken_off() == [asking.id]
    assert [turn.state for turn in store.turns(kept.id)] == ["ended", "done"]


def test_owners_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite3"
    ada, bob = Store(path, owner="ada"), Store(path, owner="bob")
    kept = ada.create()
    turn = ada.ask(kept.id, "secret")
    assert bob.conversations("secret") == []
    for call in (lambda: bob.turns(kept.id), lambda: bob.turn(turn.id)):
        with pytest.raises(ConversationNotFound):
            call()
    bob.delete(kept.id)
    assert ada.get(kept.id)


def test_many_threads_write_at_once(store: Store) -> None:
    kept = [store.create(str(n)) for n in range(8)]

    def talk(conversation: str) -> None:
        for n in range(10):
            store.finish(store.ask(conversation, str(n)).id, "done", answer=an_answer())

    threads = [threading.Thread(target=talk, args=(c.id,)) for c in kept]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for conversation in kept:
        assert [t.question for t in store.turns(conversation.id)] == [str(n) for n in range(10)]


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite3"
    Store(path)
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(RagError, match="newer version"):
        Store(path)


def test_exports_carry_the_citations(store: Store) -> None:
    kept = store.create()
    turn = store.ask(kept.id, "What grew?")
    answer = an_answer()
    store.finish(turn.id, "done", answer=answer)
    stopped = store.ask(kept.id, "And then?")
    store.finish(stopped.id, "stopped", text="It beg")
    markdown = export_markdown(store.get(kept.id), store.turns(kept.id))
    assert "## What grew?" in markdown
    assert answer.text in markdown
    for citation in answer.citations:
        assert f"\n```\n{citation.quote}\n```\n" in markdown
        assert f"{citation.start}–{citation.end}" in markdown
    assert "It beg" in markdown
    whole = json.loads(export_json(store.get(kept.id), store.turns(kept.id)))
    assert whole["turns"][0]["answer"]["citations"][0]["quote"] == answer.citations[0].quote
    assert whole["turns"][1]["state"] == "stopped"


def exported(text: str, *, title: str = "T", quote: str = "Q", stopped: bool = False) -> str:
    """The Markdown of a conversation with one turn."""
    cited = (Citation(1, title, title, 0, 1, quote),)
    answer = None if stopped else replace(an_answer(), text=text, citations=cited)
    error = f"{title}\ndo\nsettings" if stopped else ""
    state = "failed" if stopped else "done"
    turn = Turn("t", "c", title, None, state, text, answer, error, "")
    return export_markdown(Conversation("c", title, "", ""), [turn])


class Tags(HTMLParser):
    """The names of the tags in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)


def seen(markdown: str, *, tables: bool = True) -> str:
    """What a viewer makes of it that takes tags for HTML."""
    viewer = MarkdownIt("commonmark", {"html": True})
    return viewer.enable("table").render(markdown) if tables else viewer.render(markdown)


def assert_inert(markdown: str) -> None:
    for tables in (True, False):
        found = Tags(seen(markdown, tables=tables)).names
        assert not found & {"img", "a", "script", "iframe"}, (found, markdown)


TRACKER = "https://tracker.example/p.png"


@pytest.mark.parametrize(
    "text",
    [
        f"![t]({TRACKER})",
        f"\\![t]({TRACKER}) \\\\![t]({TRACKER})",
        f"![t][1] [1]\n\n[1]: {TRACKER}",
        f"[1]({TRACKER}) [![1]({TRACKER})]({TRACKER})",
        f"<img src={TRACKER}> \\<img src={TRACKER}> <{TRACKER}>",
        f"<img src='{TRACKER}\n'>\n\n<script>1</script>",
        f"```\ncode\n```\n<img src={TRACKER}>",
        f"`a | <img src={TRACKER}>`",
        f"| a | b |\n|---|---|\n| `a | <img src={TRACKER}>` |",
        f"``` <img src={TRACKER}>",
        f"`one`` <img src={TRACKER}> `",
        f"> ```\n> code\n<img src={TRACKER}>",
    ],
)
def test_nothing_of_an_export_loads_by_itself(text: str) -> None:
    for stopped in (False, True):
        assert_inert(exported(text, stopped=stopped))
        assert_inert(exported("It is.", title=text, quote=text, stopped=stopped))


def test_an_open_fence_does_not_let_the_quotes_out() -> None:
    found = exported("See:\n```python\na[i] < 1", quote=f"![t]({TRACKER})")
    assert_inert(found)
    assert "a[i] &lt; 1" in seen(found)


def test_an_exported_quote_is_exact_whatever_it_holds() -> None:
    quote = "one ```` two\n\n~~~\n<b>[x](y)</b>  \n    *three*"
    found = exported("It is.", quote=quote)
    assert f"\n`````\n{quote}\n`````\n" in found
    (block,) = [t for t in MarkdownIt("commonmark").parse(found) if t.type == "fence"]
    assert block.content == f"{quote}\n"


def test_an_exported_answer_reads_as_it_did() -> None:
    text = (
        "**Bold** [1][2], 1 < 2 & [x] \\[y] &lt; `a[1]`, `a[i]`:\n\n"
        "```\nb[i] <c> &amp;\n```\n\nEnd."
    )
    found = exported(text, title="a_b_c `d` <e>")
    shown = Tags(seen(found))
    plain = re.sub(r"<[^>]+>", "", seen(found))
    assert {"strong", "code", "pre"} <= shown.names
    assert "Bold [1][2], 1 &lt; 2 &amp; [x] [y] &amp;lt; a[1], `a[i]`:" in plain
    assert "b[i] &lt;c&gt; &amp;amp;" in plain
    assert "a_b_c `d` &lt;e&gt;" in plain
    assert "settings" not in exported("It beg", stopped=True)


@given(
    st.lists(
        st.sampled_from(
            ["<img src=x>", "![a](b)", "[a](b)", "[1]", "[1]: /u\n", "](u)", "`", "```", "~~~",
             "\n", "\n\n", "> ", "- ", "    ", "|", "\n|-|\n", "\\", "!", "[", "<", "&lt;", "x",
             "# ", "\r"]
        ),
        max_size=25,
    ).map("".join)
)  # fmt: skip
def test_no_exported_text_is_an_image_a_link_or_a_tag(text: str) -> None:
    assert_inert(exported(text))
    assert_inert(exported(text, stopped=True))
    assert_inert(exported("It is.", title=text, quote=text))
