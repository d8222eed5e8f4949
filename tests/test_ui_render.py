"""What is shown of an answer, an essay and a list: marks in their places, and nothing that acts."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ui_support import CAKE, DIARY, ESSAYS, HOSTILE, LAMP, VERDICTS, an_answer, make_answer

from rag.errors import EndpointDenied, LoadError
from rag.schema import Citation, EssayInfo, Sentence
from rag.sentences import sentence_spans
from ui.markup import bare, prose, quoted, shown
from ui.render import answer_html, error_html, failure, live_html, plain_text, thread_html
from ui.store import Conversation, Turn
from ui.suggest import suggestions
from ui.texts import LANGUAGES, TEXTS, preferred, speaker
from ui.views import (
    WHOLE,
    Shown,
    conversations_html,
    essay_html,
    essays_html,
    gone_html,
    scope_html,
    welcome_html,
)

SAY = speaker("en")
SAFE = {"article", "blockquote", "br", "button", "code", "div", "em", "h2", "h3", "h4", "hr", "li",
        "mark", "ol", "p", "pre", "s", "section", "span", "strong", "table", "tbody", "td", "th",
        "thead", "tr", "ul"}  # fmt: skip
ACTIVE = re.compile(r"^(on|style$|src|href|action|formaction|srcdoc|xlink)", re.IGNORECASE)


class Reader(HTMLParser):
    """The tags, attributes and text of a piece of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.depth = 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.depth += tag not in ("br", "hr")

    def handle_endtag(self, _: str) -> None:
        self.depth -= 1

    def handle_data(self, data: str) -> None:
        self.text += data


def assert_harmless(text: str) -> Reader:
    found = Reader(text)
    assert set(found.tags) <= SAFE
    assert not [name for name, _ in found.attributes if ACTIVE.match(name)]
    assert found.depth == 0
    return found


def an_info(source: str, text: str) -> EssayInfo:
    return EssayInfo(source, "T", "A", "2026", "en", len(text), 1)


def test_each_sentence_gets_its_chips_and_its_mark() -> None:
    answer = make_answer(
        "q",
        [
            ("**Bold.**", [1], "supported"),
            ("Half so.", [2, 1], "partly"),
            ("Made up.", [], "unsupported"),
        ],
        [("corpus/diary.md", LAMP), ("corpus/cake.txt", "五层蛋糕")],
    )
    found = answer_html(answer, SAY)
    read = assert_harmless(found)
    assert read.text.startswith("Bold.1✓ Half so.21◐ Made up.✗")
    assert "<strong>Bold.</strong>" in found
    for label in ("supported", "partly", "unsupported"):
        assert f'class="sentence is-{label}"' in found
        assert quoted(VERDICTS[label].reason) in found


def test_marks_stand_in_lists_quotes_and_code() -> None:
    text = (
        "Intro [1].\n\n- **one** [1]\n- two [2]\n\n> said [1]\n\n```\ncode [1]\n```\n\n1. first [1]"
    )
    lines = [(m.start(), m.end()) for m in re.finditer(r"[^\n]*\[\d\][^\n]*", text)]
    sentences = tuple(
        Sentence(text[a:b], a, b, tuple(map(int, re.findall(r"\[(\d)\]", text[a:b]))),
                 VERDICTS["partly"])
        for a, b in lines
    )  # fmt: skip
    answer = replace(
        make_answer("q", [], [("corpus/diary.md", LAMP), ("corpus/cake.txt", "五层蛋糕")]),
        text=text,
        sentences=sentences,
    )
    found = answer_html(answer, SAY)
    assert_harmless(found)
    body = found[: found.index('class="sources"')]
    assert body.count('data-act="cite"') == 5
    assert "code [1]" in body
    assert body.count('data-act="verdict"') == len(sentences)
    assert "<li>" in body
    assert "<blockquote>" in body
    assert "<pre>" in body
    assert "\ue000" not in found


def test_an_index_in_code_is_no_citation() -> None:
    text = (
        "Take `a[1]` and ``b`[1]. `` here [1].\r\n\r\n- so:\n\n  ```py\n  c[1] = d[2]\n  ```\n\n"
        "      e[1]\n\n| f |\n|---|\n| `g[1]` [1] |\n\nNot \\`h[1]\\`. ~~~\n"
    )
    sentences = tuple(
        Sentence(text[a:b], a, b, (1,), VERDICTS["partly"]) for a, b in sentence_spans(text)
    )
    made = make_answer("q", [], [("corpus/diary.md", LAMP), ("corpus/cake.txt", "五层蛋糕")])
    found = answer_html(replace(made, text=text, sentences=sentences), SAY)
    assert_harmless(found)
    for body in (found.split('class="sources"')[0], live_html("q", text, "s", SAY)):
        code = "".join(re.findall("(?s)<code>.*?</code>", body))
        for index in ("a[1]", "b`[1].", "c[1] = d[2]", "e[1]", "g[1]"):
            assert index in code
        assert 'class="cite' not in code
        assert body.count('class="cite') == 3


def test_a_table_of_a_model_is_a_table_with_its_marks() -> None:
    text = (
        "The layers:\n\n| Layer | Cost |\n|:---|---:|\n| **One** | 5 kr [1] |\n"
        "| Two. It rose | 6 kr | [2][1]\n\nThat is all [1].\n"
    )
    sentences = tuple(
        Sentence(text[a:b], a, b, tuple(map(int, re.findall(r"\[(\d)\]", text[a:b]))),
                 VERDICTS["partly"])
        for a, b in sentence_spans(text)
    )  # fmt: skip
    made = make_answer("q", [], [("corpus/diary.md", LAMP), ("corpus/cake.txt", "五层蛋糕")])
    found = answer_html(replace(made, text=text, sentences=sentences), SAY)
    read = assert_harmless(found)
    body = found[: found.index('class="sources"')]
    assert "|" not in Reader(body).text
    assert [body.count(f"<{tag}>") for tag in ("table", "tr", "th", "td")] == [1, 3, 2, 4]
    assert "5 kr 1◐" in read.text
    assert "6 kr 21◐" in read.text
    assert body.count('data-act="cite"') == 4


def test_a_full_stop_does_not_stand_behind_its_chip() -> None:
    answer = replace(
        an_answer(),
        text="Six words. It grew [1].",
        sentences=(Sentence("It grew.", 11, 23, (1,), VERDICTS["supported"]),),
    )
    assert Reader(answer_html(answer, SAY)).text.startswith("Six words. It grew.1✓")


def test_numbers_without_a_citation_stay_text_and_chips_are_few() -> None:
    answer = make_answer("q", [("Boom.", [1] * 500 + [7, 999], "supported")],
                         [("corpus/diary.md", LAMP)])  # fmt: skip
    found = answer_html(answer, SAY)
    assert found.count('class="cite"') <= 12
    assert "[7][999]" in Reader(found).text


def test_several_citations_of_one_number_are_taken_in_order() -> None:
    first, second = DIARY.index("Day 3."), DIARY.index("Day 5.")
    answer = replace(
        make_answer("q", [("One.", [1], "supported"), ("Two.", [1], "supported")],
                    [("corpus/diary.md", LAMP)]),
        citations=(
            Citation(1, "corpus/diary.md", "T", first, first + 6, "Day 3."),
            Citation(1, "corpus/diary.md", "T", second, second + 6, "Day 5."),
        ),
    )  # fmt: skip
    body = answer_html(answer, SAY).split('class="sources"')[0]
    assert re.findall(r'data-cite="(\d)"', body) == ["0", "1"]


def test_a_refusal_and_an_error_look_like_one() -> None:
    refusal = make_answer("q", [], [("corpus/diary.md", LAMP)], refused=True)
    found = answer_html(refusal, SAY)
    assert_harmless(found)
    assert "refusal" in found
    assert LAMP in found
    denied = error_html(failure(EndpointDenied("Key refused.", "Enter another.")), SAY)
    assert "Key refused. Enter another." in denied
    assert 'data-view="settings"' in denied
    assert 'data-view="settings"' not in error_html(failure(LoadError("x")), SAY)


def test_what_is_copied_carries_the_quotes() -> None:
    copied = plain_text(an_answer())
    assert copied.startswith("The keeper counted 32 ships on day 40.[1]")
    assert f"[1] The lighthouse diary (corpus/diary.md): {LAMP}" in copied


HOSTILE_TEXTS = st.one_of(
    st.text(max_size=300),
    st.lists(
        st.sampled_from(
            ["<script>", "</p>", "<img src=x onerror=1>", "[a](javascript:b)", "![i](http://e/x)",
             "**", "`", "```\n", "[1]", "[2]", "[99]", "\n\n", "- ", "# ", "> ", "&lt;", "\u202e",
             "\ue000c1\ue001", "\x00", "<a href='x'>", "${x}", "{{y}}", '" onclick="', "中文。"]
        ),
        max_size=40,
    ).map("".join),
)  # fmt: skip


NAMES = st.one_of(HOSTILE_TEXTS, st.just("\u2067\u05e9\u05dc\u05d5\u05dd\u2069\r\n\x85"))


@given(NAMES)
def test_what_the_script_sends_back_is_as_it_was(text: str) -> None:
    """Else an essay of such a name is not found, and an edited question is another one."""
    text = text.replace("\x00", "")  # stands in no name of a file and in no HTML
    answer = replace(an_answer(), citations=(Citation(1, text, "T", 0, 1, "q"),))
    found = thread_html([Turn("t", "c", text, None, "done", "", answer, "", "")], SAY, "c")
    assert data_of(found, "text") == {text}
    assert data_of(found, "source") == {text}
    assert data_of(found, "copy") == {plain_text(answer)}
    assert data_of(welcome_html([text], SAY), "text") == {text}
    essay = replace(an_info("s", "x"), source=text)
    assert data_of(essays_html([essay], None, SAY), "source") == {text}
    assert data_of(essay_html(essay, "x", Shown(text, 0, 0), SAY), "source") == {text}


def data_of(found: str, name: str) -> set[str]:
    return {value for given, value in Reader(found).attributes if given == f"data-{name}"}


@given(HOSTILE_TEXTS)
def test_no_text_becomes_markup(text: str) -> None:
    answer = replace(
        an_answer(),
        question=text,
        text=text,
        sentences=(Sentence(text, 0, len(text), (1,), VERDICTS["partly"]),) if text else (),
        citations=(Citation(1, text, text, 0, 1, text),),
        warnings=(text,),
        model=text,
    )
    turn = Turn("t", "c", text, None, "done", "", answer, "", "", 0, text)
    assert_harmless(thread_html([turn], SAY, "c"))
    assert_harmless(live_html(text, text, text, SAY, "r"))
    assert_harmless(error_html(failure(LoadError(text, text)), SAY))


@given(HOSTILE_TEXTS, st.integers(0, 300), st.integers(0, 300))
def test_an_essay_is_shown_as_it_stands(text: str, start: int, end: int) -> None:
    start, end = sorted((min(start, len(text)), min(end, len(text))))
    found = essay_html(an_info("s", text), text, Shown("s", start, end), SAY)
    raw = found.split('<div class="raw">')[1]
    raw = re.sub(r'<span class="sr">.*?</span>', "", raw)
    raw = re.sub(r'<span class="unseen"[^>]*>⇄</span>', "", raw)
    raw = raw.replace('<mark id="cited" class="cited">', "").replace("</mark>", "")
    assert "<" not in raw.replace("</div>", "")
    plain = re.sub("[\u202a-\u202e\u2066-\u2069]", "", bare(text))
    assert html.unescape(raw.replace("</div>", "")) == html.unescape(html.escape(plain))


def test_a_changed_or_removed_essay_still_shows_its_quote() -> None:
    moved = "New opening. " + DIARY
    at = DIARY.index(LAMP)
    what = Shown("corpus/diary.md", at, at + len(LAMP), "t")
    found = essay_html(an_info("corpus/diary.md", moved), moved, what, SAY, quote=LAMP)
    assert f"</span>{LAMP}</mark>" in found
    rewritten = essay_html(an_info("corpus/diary.md", CAKE), CAKE, what, SAY, quote=LAMP)
    assert "<mark" not in rewritten
    assert LAMP in rewritten
    assert LAMP in gone_html(what, SAY, quote=LAMP)


def test_a_huge_essay_is_shown_part_by_part() -> None:
    text = "x" * (4 * WHOLE)
    middle = 2 * WHOLE
    found = essay_html(an_info("s", text), text, Shown("s", middle, middle + 5), SAY)
    assert len(found) < WHOLE
    assert "</span>xxxxx</mark>" in found
    assert found.count('data-act="part"') == 2
    first = essay_html(an_info("s", text), text, Shown("s"), SAY)
    assert first.count('data-act="part"') == 1


def test_lists_escape_what_they_show() -> None:
    nasty = '<b onclick="x">"\'&'
    essays = [replace(an_info(nasty, "x"), title=nasty, author=nasty, language=nasty)]
    for found in (
        essays_html(essays, None, SAY),
        conversations_html([Conversation(nasty, nasty, "", "")], SAY),
        welcome_html([nasty], SAY),
    ):
        read = Reader(found)
        assert "b" not in read.tags
        assert not [name for name, _ in read.attributes if name.startswith("on")]
        assert nasty in read.text
    assert "checked" in essays_html(essays, None, SAY)
    assert "checked" not in essays_html(essays, (), SAY)
    assert "1 of 3" in scope_html(3, ("a",), SAY)
    assert essays_html([], None, SAY).count("<p>") == 2


def test_prose_of_a_hostile_essay_is_text() -> None:
    read = assert_harmless(prose(bare(HOSTILE)))
    assert "<script>window.pwned=1</script>" in read.text
    assert "<" not in shown('<&"')
    assert prose("x" * 300_000).endswith("…</p>")


def test_suggestions_are_drawn_from_each_essay_in_its_language() -> None:
    text = {"a": "# T\n\n## 1. A heading\n\nwords", "b": "标题\n\n## 第二节\n\n文字"}
    essays = [
        EssayInfo("a", "2025 in review", "", "", "en", 9, 1),
        EssayInfo("b", "标题", "", "", "zh", 9, 1),
    ]
    asked = suggestions(essays, text.__getitem__)
    assert "What does it say about “A heading”?" in asked
    assert "What is “2025 in review” about?" in asked
    assert "《标题》讲了什么？" in asked
    assert suggestions([], text.__getitem__) == []


def test_every_text_is_there_in_every_language_with_the_same_places() -> None:
    for name, versions in TEXTS.items():
        assert len(versions) == len(LANGUAGES), name
        assert all(versions), name
        places = [sorted(re.findall(r"\{(\w+)\}", text)) for text in versions]
        assert places[0] == places[1], name


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-US,en;q=0.9,zh;q=0.8", "en"),
        ("fr-FR,fr;q=0.9,zh-TW;q=0.5,en;q=0.4", "zh"),
        ("de", "en"),
        ("", "en"),
        ("en;q=0, zh;q=0.1", "zh"),
        ("zh;q=nonsense,*;q=0.1", "en"),
    ],
)
def test_the_browser_says_which_language(header: str, language: str) -> None:
    assert preferred(header) == language


def test_all_essays_of_the_support_are_whole() -> None:
    assert all(LAMP in text for source, text in ESSAYS.items() if source.endswith("diary.md"))
