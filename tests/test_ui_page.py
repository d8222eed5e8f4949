"""The page in a real browser over a scripted Rag: what people can do, and what must not be."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ui_support import BASE, CAKE, DIARY, HOSTILE, LAMP, FakeRag, Visit, browser, serving

from rag.config import Settings
from ui.handlers import Handlers

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def rag() -> FakeRag:
    return FakeRag()


@pytest.fixture(scope="module")
def served(rag: FakeRag, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, str]]:
    folder = tmp_path_factory.mktemp("page")
    with serving(Settings(data_dir=folder, llm_discover=False, ui_concurrency=8), rag) as found:
        yield found


@pytest.fixture(scope="module")
def opened() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture
def visit(served: tuple[Any, str], opened: Any) -> Iterator[Visit]:
    with Visit(opened, served[1]) as found:
        yield found


def test_an_answer_streams_and_every_sentence_shows_its_verdict(visit: Visit) -> None:
    page = visit.page
    assert page.title() == "Essays"
    visit.shot("welcome")
    visit.ask("slow four", wait=False)
    seen = set[int]()
    for _ in range(150):  # a slow machine has half a minute for it
        seen.add(len(page.locator("#live .prose-text").inner_text()))
        if len(seen) > 3:
            break
        page.wait_for_timeout(200)
    assert len(seen) > 3
    assert page.locator("#live [aria-busy=true]").count() == 1
    visit.shot("streaming")
    page.click("#stop")
    visit.page.wait_for_selector("#history .stopped")
    visit.ask("four")
    answer = visit.last()
    assert answer.locator("strong").first.inner_text() == "32 ships"
    marks = answer.locator(".prose-text .verdict")
    assert [marks.nth(n).inner_text() for n in range(4)] == ["✓", "◐", "✗", "?"]
    assert "77 is not in the passage" in (marks.nth(2).get_attribute("aria-label") or "")
    assert answer.locator(".sentence.is-unsupported").inner_text() == "The year before it was 77.1"
    marks.nth(2).hover()
    assert "Not supported" in page.locator("#tip").inner_text()
    answer.locator(".prose-text .cite").first.hover()
    assert LAMP in page.locator("#tip").inner_text()
    visit.shot("answer")
    assert visit.faults_of_axe() == []


def test_a_citation_opens_the_essay_at_the_passage(visit: Visit) -> None:
    page = visit.page
    visit.ask("four")
    page.locator("#history .prose-text .cite").first.click()
    page.wait_for_selector("#cited")
    expect_passage(visit, "corpus/diary.md", DIARY, LAMP)
    assert page.locator("#pane .pane-head").inner_text().split("\n")[0] == "The lighthouse diary"
    assert "2026-01-02" in page.locator("#pane .pane-head").inner_text()
    visit.shot("source")
    assert visit.faults_of_axe() == []
    page.keyboard.press("n")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#pane [data-source='corpus/cake.txt'] #cited")
    expect_passage(visit, "corpus/cake.txt", CAKE, BASE)
    assert page.locator(".pane-count").inner_text() == "3 of 4"
    page.keyboard.press("p")
    page.wait_for_selector("#pane [data-source='corpus/diary.md'] #cited")
    page.keyboard.press("Escape")
    page.wait_for_selector("#pane-box", state="hidden")
    assert page.evaluate("document.activeElement.className").startswith("cite")


def expect_passage(visit: Visit, source: str, text: str, quote: str) -> None:
    """The passage is marked, on screen, and the text around it is the file's."""
    page = visit.page
    mark = page.locator("#cited")
    page.wait_for_function(
        "() => { const m = document.querySelector('#cited')?.getBoundingClientRect(),"
        " p = document.querySelector('#pane').getBoundingClientRect();"
        " return m && m.top >= p.top && m.bottom <= p.bottom; }"
    )
    assert mark.evaluate("m => m.lastChild.textContent") == quote
    assert page.locator("#pane .essay-text").get_attribute("data-source") == source
    before, after = page.locator("#pane .raw").evaluate(
        "raw => { const m = raw.querySelector('#cited'); return [m.previousSibling.textContent,"
        " m.nextSibling.textContent]; }"
    )
    shown = text.replace("\r\n", "\n")
    assert before + quote + after == shown


def test_refusals_and_errors_are_told_apart(visit: Visit, rag: FakeRag) -> None:
    page = visit.page
    visit.ask("refuse this")
    assert visit.last().locator(".refusal .source-row").count() == 2
    visit.shot("refusal")
    visit.last().locator(".source-row").nth(1).click()
    page.wait_for_selector("#pane [data-source='corpus/cake.txt'] #cited")
    page.keyboard.press("Escape")
    visit.ask("denied")
    error = visit.last().locator("[role=alert]")
    assert "refused the key (401)" in error.inner_text()
    visit.shot("denied")
    assert visit.faults_of_axe() == []
    error.locator("text=Open the settings").click()
    page.wait_for_selector("#view-settings")
    visit.view("chat")
    visit.ask("down")
    assert "Nothing listens" in visit.last().locator("[role=alert]").inner_text()
    visit.ask("broken")
    assert visit.last().locator(".prose-text").inner_text().startswith("The keeper")
    assert "broke off" in visit.last().locator("[role=alert]").inner_text()
    turns, asked = page.locator("#history .turn").count(), len(rag.asked)
    visit.last().locator("text=Try again").click()
    while len(rag.asked) == asked:  # the test's time limit ends this
        page.wait_for_timeout(100)
    visit.settle(turns)
    assert rag.asked[asked][0] == "broken"
    assert "broke off" in visit.last().locator("[role=alert]").inner_text()


def test_stop_keeps_what_was_shown_and_lets_the_stream_go(visit: Visit, rag: FakeRag) -> None:
    page = visit.page
    visit.ask("endless", wait=False)
    page.wait_for_function("document.querySelector('#live .prose-text')?.textContent.length > 4")
    before = rag.cancelled
    page.click("#stop")
    page.wait_for_selector("#history .stopped")
    written = visit.last().locator(".prose-text").inner_text()
    assert written.startswith("The k")
    while rag.cancelled == before:  # the test's time limit ends this
        page.wait_for_timeout(100)
    page.wait_for_timeout(600)
    assert rag.cancelled == before + 1
    assert visit.last().locator(".prose-text").inner_text() == written
    visit.shot("stopped")


def test_an_enter_asks_once_and_only_where_there_is_something_to_ask(
    visit: Visit, rag: FakeRag, served: tuple[Any, str]
) -> None:
    page = visit.page
    visit.ask("first one")
    before = len(rag.asked)
    for text in ("", "   "):
        page.fill("#question textarea", text)
        page.press("#question textarea", "Enter")
        page.click("#ask")
        page.evaluate("text => window.essayRag.send('suggest', { text })", text)
    page.wait_for_timeout(500)
    assert page.locator("#history .turn").count() == 1
    assert page.locator(".talk").count() >= 1
    page.fill("#question textarea", "slow please")
    page.press("#question textarea", "Enter")
    page.wait_for_selector("#live .turn")
    page.fill("#question textarea", "a second question")
    page.press("#question textarea", "Enter")
    page.evaluate("window.essayRag.send('suggest', { text: 'a third question' })")
    page.wait_for_timeout(500)
    assert page.locator("#live .turn:visible").count() == 1
    assert page.locator("#history .turn").count() == 1
    assert page.locator("#stop").is_visible()
    page.click("#stop")
    visit.settle(2)
    assert page.input_value("#question textarea") == "a second question"
    assert [asked[0] for asked in rag.asked[before:]] == ["slow please"]
    page.click("[data-act=new]")
    page.wait_for_selector(".welcome")
    page.fill("#question textarea", "only once")
    page.focus("#question textarea")
    for _ in range(3):
        page.keyboard.press("Enter")
    visit.settle(1)
    page.click("[data-act=new]")
    page.wait_for_selector(".suggestion")
    page.locator(".suggestion").first.dblclick()
    visit.settle(1)
    page.wait_for_timeout(300)
    asked = [question for question, *_ in rag.asked[before + 1 :]]
    assert len(asked) == len(set(asked)) == 2


def test_an_answer_is_shown_in_its_own_conversation_alone(
    visit: Visit, served: tuple[Any, str]
) -> None:
    page, runs = visit.page, served[0].runs
    visit.ask("endless and elsewhere", wait=False)
    there = page.url.split("?c=")[1].split("#")[0]
    words = "document.querySelector('#live .prose-text')?.textContent.length > 3"
    for reach in ("ask", "load", "open", "speak"):
        page.wait_for_function(words)
        if reach == "load":
            page.reload()
        if reach == "speak":
            page.click("[data-act=language]")
            page.wait_for_selector("#ask:text('提问')", state="attached")
        page.wait_for_selector("#live .turn:visible")
        page.wait_for_function(words)
        page.click("[data-act=new]")
        page.wait_for_selector(".welcome")
        # the parts of the page do not change at the same instant
        page.wait_for_function("!document.querySelector('#live .turn')?.checkVisibility()")
        for _ in range(6):
            assert page.locator("#live .turn:visible").count() == 0
            assert page.locator("#stop").is_hidden()
            page.wait_for_timeout(100)
        if reach != "speak":
            page.click(".talk-title >> text=endless and elsewhere")
    visit.ask("four")
    runs.stop(there)
    page.wait_for_timeout(500)
    assert page.locator("#history .question-text").all_inner_texts() == ["four"]
    assert page.locator("#live .turn").count() == 0
    page.go_back()
    page.wait_for_selector(".stopped")


def test_what_comes_late_shows_no_conversation_that_was_left(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, shown = visit.page, Handlers._conversation
    visit.ask("first one")

    newer, older = threading.Event(), threading.Event()

    def late(self: Handlers, session: Any, run: Any) -> Any:
        if session.conversation:  # the older of the two comes last, however slow the machine is
            newer.wait(20)
        time.sleep(0.4)
        found = shown(self, session, run)
        (older if session.conversation else newer).set()
        return found

    monkeypatch.setattr(Handlers, "_conversation", late)
    page.evaluate(
        "() => { for (const act of ['language', 'new'])"
        " document.querySelector(`[data-act=${act}]`).click();"
        # busy until both have come: it sees only the last, and that is what was there before
        " setTimeout(() => { const until = performance.now() + 1500;"
        " while (performance.now() < until); }, 300); }"
    )
    for _ in range(200):
        if older.is_set():
            break
        page.wait_for_timeout(100)
    assert older.is_set()
    page.wait_for_timeout(2_000)  # it reaches the page, which was busy
    page.wait_for_selector(".welcome")
    assert "?c=" not in page.url
    turn = '<article class="turn live" data-conversation="elsewhere">late</article>'
    assert not page.evaluate(
        "turn => { const live = document.querySelector('#live .html-container > div');"
        " live.innerHTML = turn;"
        " return live.firstElementChild.checkVisibility(); }",
        turn,
    )


def test_what_was_sent_and_never_drawn_is_asked_for_again(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, shown, asked = visit.page, Handlers._conversation, []
    visit.ask("first one")

    def lost(self: Handlers, session: Any, run: Any) -> Any:
        asked.append(session.conversation)
        if len(asked) == 1:
            session.gaze.take()  # as if something else were looked at since: nothing is sent
        return shown(self, session, run)

    monkeypatch.setattr(Handlers, "_conversation", lost)
    page.click("[data-act=new]")
    page.wait_for_selector(".welcome")
    assert asked == ["", ""]
    assert "?c=" not in page.url


def test_a_reload_keeps_what_is_typed_and_what_is_ticked(visit: Visit, rag: FakeRag) -> None:
    page, field = visit.page, "#question textarea"
    visit.ask("first one")
    visit.view("essays")
    page.click("[data-act=choose-none]")
    page.wait_for_function("!document.querySelector('[data-act=choose]:checked')")
    visit.view("chat")
    asked = len(rag.asked)
    page.fill(field, "of nothing")
    page.press(field, "Enter")
    page.wait_for_selector("#live .error >> text=No essay is ticked")
    visit.last().locator("[data-act=again]").click()
    page.wait_for_timeout(300)
    assert len(rag.asked) == asked
    assert page.locator("#history .turn").count() == 1
    visit.view("essays")
    page.check("[data-source='corpus/cake.txt'] input")
    visit.view("chat")
    scope = page.locator("#scope .scope")
    page.wait_for_selector(f"#scope .is-narrow:text-is('Searching 1 of {len(rag.texts)} essays')")
    page.fill(field, "a draft")
    page.reload()
    page.wait_for_selector("#history .turn")
    page.wait_for_function("document.querySelector('#question textarea').value == 'a draft'")
    assert scope.inner_text() == f"Searching 1 of {len(rag.texts)} essays"
    page.click("[data-act=new]")
    page.wait_for_selector(".welcome")
    assert page.input_value(field) == ""
    page.fill(field, "another draft")
    page.go_back()
    page.wait_for_selector("#history .turn")
    assert page.input_value(field) == "a draft"
    page.press(field, "Enter")
    visit.settle(2)
    assert rag.asked[-1][0::2] == ("a draft", ("corpus/cake.txt",))
    page.reload()
    page.wait_for_selector("#history .turn")
    page.wait_for_timeout(300)
    assert page.input_value(field) == ""
    page.click("[data-act=new]")
    page.wait_for_selector(".welcome")
    assert page.input_value(field) == "another draft"
    cake = rag.texts["corpus/cake.txt"]
    visit.view("essays")
    page.click("tr[data-source='corpus/cake.txt'] [data-act=remove]")
    page.click("dialog .danger")
    page.wait_for_function("!document.querySelector(\"tr[data-source='corpus/cake.txt']\")")
    assert scope.inner_text() == f"Searching 0 of {len(rag.texts)} essays"
    rag.texts = {"corpus/cake.txt": cake, **rag.texts}


def test_follow_up_retry_and_edit(visit: Visit, rag: FakeRag) -> None:
    page = visit.page
    visit.ask("first one")
    visit.ask("and then?")
    question, history, _ = rag.asked[-1]
    assert question == "and then?"
    assert [turn["role"] for turn in history] == ["user", "assistant"]
    assert history[0]["content"] == "first one"
    asked = len(rag.asked)
    visit.last().locator("[data-act=again]").click()
    while len(rag.asked) == asked:  # the test's time limit ends this
        page.wait_for_timeout(50)
    page.wait_for_function("document.querySelectorAll('#history .turn').length == 2")
    visit.settle(2)
    assert rag.asked[-1][0] == "and then?"
    page.locator("#history .turn").first.locator("[data-act=edit]").click()
    page.fill("dialog textarea", "another first")
    page.press("dialog textarea", "Shift+Enter")
    visit.shot("edit")
    page.press("dialog textarea", "Enter")
    visit.settle(1)
    assert rag.asked[-1][:2] == ("another first", ())
    assert visit.last().locator(".question-text").inner_text() == "another first"


def test_what_is_edited_is_what_was_asked(visit: Visit) -> None:
    asked = "\u2067\u05e9\u05dc\u05d5\u05dd\u2069 <b>x</b>\nand below"
    visit.ask(asked)
    visit.last().locator("[data-act=edit]").click()
    assert visit.page.locator("dialog textarea").input_value() == asked
    visit.page.keyboard.press("Escape")


def test_an_edit_in_mid_answer_is_not_lost(visit: Visit, rag: FakeRag) -> None:
    page = visit.page
    visit.ask("first one")
    visit.ask("slow please", wait=False)
    page.wait_for_function("document.querySelector('#live .prose-text')?.textContent.length > 3")
    page.locator("#history .turn").first.locator("[data-act=edit]").click()
    page.fill("dialog textarea", "another first")
    page.click("dialog .solid")
    visit.settle(1)
    assert visit.last().locator(".question-text").inner_text() == "another first"
    assert rag.asked[-1][:2] == ("another first", ())
    page.reload()
    visit.settle(1)


def test_a_conversation_survives_a_reload_even_in_mid_answer(visit: Visit) -> None:
    page = visit.page
    visit.ask("remember me")
    assert re.search(r"\?c=[\w-]+", page.url)
    visit.ask("slow please", wait=False)
    page.wait_for_function("document.querySelector('#live .prose-text')?.textContent.length > 3")
    page.reload()
    page.wait_for_selector("#history .turn")
    page.wait_for_selector("#live .turn")
    before = len(page.locator("#live .prose-text").inner_text())
    page.wait_for_function(
        f"document.querySelector('#live .prose-text')?.textContent.length > {before}"
    )
    page.click("#stop")
    page.wait_for_selector("#history .stopped")
    assert page.locator("#history .turn").count() == 2


def test_conversations_are_listed_searched_renamed_exported_deleted(
    visit: Visit, served: tuple[Any, str]
) -> None:
    page = visit.page
    visit.ask("a zebra question")
    page.click("[data-act=new]")
    page.wait_for_selector(".welcome")
    visit.ask("a yak question")
    page.fill("#search input", "zebra")
    page.wait_for_function("document.querySelectorAll('.talk').length == 1")
    page.click(".talk-title")
    page.wait_for_function(
        "document.querySelector('.question-text')?.textContent == 'a zebra question'"
    )
    page.fill("#search input", "")
    page.wait_for_function("document.querySelectorAll('.talk').length > 1")
    talk = page.locator(".talk:has([aria-current])")
    talk.locator("[data-act=talk-menu]").click()
    visit.shot("menu")
    assert visit.faults_of_axe() == []
    with page.expect_download() as download:
        page.click("#menu >> text=JSON")
    whole = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    citation = whole["turns"][0]["answer"]["citations"][0]
    assert DIARY[citation["start"] : citation["end"]] == citation["quote"] == LAMP
    talk.locator("[data-act=talk-menu]").click()
    with page.expect_download() as download:
        page.click("#menu >> text=Markdown")
    assert f"```\n{LAMP}\n```" in Path(download.value.path()).read_text(encoding="utf-8")
    talk.locator("[data-act=talk-menu]").click()
    page.keyboard.press("Enter")
    page.fill("dialog input", "Striped <b>animals</b>")
    assert visit.faults_of_axe() == []
    page.keyboard.press("Enter")
    page.wait_for_selector(".talk-title:text('Striped <b>animals</b>')")
    talk.locator("[data-act=talk-menu]").click()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    visit.shot("delete")
    assert visit.faults_of_axe() == []
    page.click("dialog .danger")
    page.wait_for_selector(".welcome")
    assert "Striped" not in page.locator("#talks").inner_text()
    page.wait_for_url(lambda url: "?c=" not in url)


def test_what_another_tab_asked_is_shown_where_one_asks_too(visit: Visit, rag: FakeRag) -> None:
    page = visit.page
    visit.ask("first one")
    other = visit.context.new_page()
    other.goto(page.url)
    other.wait_for_selector("#history .turn")
    asked = len(rag.asked)
    visit.ask("endless, asked here", wait=False)
    other.fill("#question textarea", "asked there")
    other.press("#question textarea", "Enter")
    other.wait_for_selector("#live .question-text:text('endless, asked here')")
    assert other.input_value("#question textarea") == "asked there"
    other.click("#stop")
    other.wait_for_selector("#history .stopped")
    page.wait_for_selector("#history .stopped")
    assert [question for question, *_ in rag.asked[asked:]] == ["endless, asked here"]


def test_thumbs_are_kept_with_the_answer(visit: Visit, served: tuple[Any, str]) -> None:
    page = visit.page
    visit.ask("judge me")
    visit.last().locator("[data-act=thumb][data-value='-1']").click()
    page.fill("dialog textarea", "It was 33.")
    visit.shot("thumb")
    page.click("dialog .solid")
    page.wait_for_selector("[data-value='-1'][aria-pressed=true]")
    said = served[0].store.feedback()[-1]
    assert (said.value, said.comment, said.question) == (-1, "It was 33.", "judge me")
    assert said.answer.citations[0].quote == LAMP
    visit.last().locator("[data-act=thumb][data-value='-1']").click()
    page.wait_for_selector("[data-value='-1'][aria-pressed=false]")


def test_essays_are_read_chosen_added_and_removed(
    visit: Visit, rag: FakeRag, tmp_path: Path
) -> None:
    page = visit.page
    visit.view("essays")
    assert page.locator("table.essays tbody tr").count() == len(rag.texts)
    assert visit.faults_of_axe() == []
    visit.shot("essays")
    page.click("table.essays .link >> nth=0")
    page.wait_for_selector("#pane .raw")
    assert page.locator("#pane .raw").inner_text().startswith("五层蛋糕")
    page.keyboard.press("Escape")
    page.click("[data-act=choose-none]")
    page.wait_for_function("!document.querySelector('[data-act=choose]:checked')")
    page.check("[data-source='corpus/cake.txt'] input")
    visit.view("chat")
    page.wait_for_selector(f"#scope .is-narrow:text-is('Searching 1 of {len(rag.texts)} essays')")
    visit.ask("filtered")
    assert rag.asked[-1][2] == ("corpus/cake.txt",)
    page.click("#scope [data-act=choose-all]")
    page.wait_for_function("!document.querySelector('#scope .is-narrow')")
    visit.ask("unfiltered")
    assert rag.asked[-1][2] is None
    visit.view("essays")
    good, bad = tmp_path / "新的 file.txt", tmp_path / "picture.png"
    good.write_text("A new essay about otters.", encoding="utf-8")
    bad.write_bytes(b"\x89PNG")
    asked = tmp_path / 'Who said "why?".txt'
    asked.write_text("An otter did.", encoding="utf-8")
    page.set_input_files("#files input[type=file]", [good, bad, asked])
    page.wait_for_selector("#added .good")
    assert f"uploads/{asked.name}" in rag.texts
    assert "新的 file.txt" in page.locator("#added .good").inner_text()
    assert "picture.png" in page.locator("#added .error").inner_text()
    visit.shot("added")
    assert "uploads/新的 file.txt" in rag.texts
    page.click("[data-source='uploads/新的 file.txt'] [data-act=remove]")
    visit.shot("remove")
    page.click("dialog .danger")
    page.wait_for_function("!document.querySelector(\"[data-source='uploads/新的 file.txt']\")")
    assert "uploads/新的 file.txt" not in rag.texts


def test_language_and_theme_switch_without_losing_the_chat(visit: Visit) -> None:
    page = visit.page
    visit.ask("four")
    page.fill("#question textarea", "a draft")
    page.click("[data-act=language]")
    page.wait_for_selector("#ask:text('提问')")
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    assert page.locator("#question textarea").input_value() == "a draft"
    assert "原文不支持" in (
        visit.last().locator(".verdict").nth(2).get_attribute("aria-label") or ""
    )
    page.click("[data-act=theme]")
    page.click("[data-act=theme]")
    assert page.evaluate("document.body.classList.contains('dark')")
    page.locator("#history .cite").first.click()
    page.wait_for_selector("#cited")
    visit.shot("dark-chinese")
    for view in ("essays", "evaluation", "settings", "chat"):
        visit.view(view)
        visit.shot(f"dark-{view}")
        assert visit.faults_of_axe() == []
    page.reload()
    page.wait_for_selector("#ask:text('提问')")
    page.wait_for_selector("#history .turn")
    assert page.evaluate("document.body.classList.contains('dark')")


def test_the_browser_language_chooses(served: tuple[Any, str], opened: Any) -> None:
    with Visit(opened, served[1], locale="zh-TW") as visit:
        visit.page.wait_for_selector("#ask:text('提问')")
        visit.shot("chinese")


def test_the_evaluation_is_in_the_language_of_the_page(
    served: tuple[Any, str], opened: Any
) -> None:
    with Visit(opened, served[1], locale="zh-CN") as visit:
        visit.view("evaluation")
        visit.page.reload()
        visit.page.wait_for_selector("#measured >> text=还没有评测结果")
        visit.page.click("[data-act=language]")
        visit.page.wait_for_selector("#measured >> text=Nothing was measured yet.")


def test_on_a_phone(served: tuple[Any, str], opened: Any) -> None:
    size = {"width": 390, "height": 844}
    with Visit(opened, served[1], viewport=size, has_touch=True, is_mobile=True) as visit:
        page = visit.page
        visit.shot("phone-welcome")
        visit.ask("four")
        visit.shot("phone-answer")
        assert visit.faults_of_axe() == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.locator("#history .cite").first.tap()
        page.wait_for_selector("#pane-box[role=dialog] #cited")
        expect_passage(visit, "corpus/diary.md", DIARY, LAMP)
        visit.shot("phone-source")
        assert visit.faults_of_axe() == []
        for _ in range(6):
            page.keyboard.press("Tab")
            assert page.evaluate(
                "document.querySelector('#pane-box').contains(document.activeElement)"
            )
        page.locator("[data-act=close-source]").tap()
        page.wait_for_selector("#pane-box", state="hidden")
        page.locator("[data-act=menu]").tap()
        page.wait_for_selector("body.side-open .talk")
        visit.shot("phone-side")
        page.keyboard.press("Escape")
        for view in ("essays", "evaluation", "settings"):
            visit.view(view)
            visit.shot(f"phone-{view}")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            assert visit.faults_of_axe() == []
        page.emulate_media(color_scheme="dark")
        for view in ("chat", "essays", "evaluation", "settings"):
            visit.view(view)
            visit.shot(f"phone-dark-{view}")
            assert visit.faults_of_axe() == []


def test_by_keyboard_alone(visit: Visit) -> None:
    page = visit.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    visit.shot("skip")
    focused = []
    while len(focused) < 60 and "suggest" not in focused:
        page.keyboard.press("Tab")
        focused.append(
            page.evaluate(
                "(e => e.dataset.act || e.dataset.view || e.closest('[id]').id)"
                "(document.activeElement)"
            )
        )
        outline = page.evaluate(
            "(s => [s.outlineStyle, s.boxShadow])(getComputedStyle(document.activeElement))"
        )
        assert outline != ["none", "none"], focused
    assert {"chat", "essays", "language", "theme", "new", "search", "suggest"} <= set(focused)
    page.focus("#question textarea")
    page.keyboard.type("four")
    page.keyboard.press("Enter")
    page.wait_for_selector("#history .cite")
    page.focus("#history .cite")
    page.keyboard.press("Enter")
    page.wait_for_selector("#cited")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.className").startswith("cite")


def test_an_enter_that_ends_a_chinese_word_does_not_send(visit: Visit, rag: FakeRag) -> None:
    page = visit.page
    before = len(rag.asked)
    page.fill("#question textarea", "你hao")
    page.evaluate(
        "document.querySelector('#question textarea').dispatchEvent(new KeyboardEvent('keydown',"
        "{key: 'Enter', isComposing: true, bubbles: true, cancelable: true}))"
    )
    page.wait_for_timeout(400)
    assert len(rag.asked) == before
    assert page.locator("#live .turn").count() == 0


def test_hostile_essays_and_answers_are_only_text(visit: Visit, rag: FakeRag) -> None:
    page = visit.page
    line = "corpus/one line.txt"
    rag.texts[line] = "z" * 1_000_000
    try:
        visit.ask("hostile <img src=x onerror=window.pwned=7>")
        answer = visit.last().locator(".prose-text")
        assert "<script>window.pwned=1</script>" in answer.inner_text()
        assert "[click](javascript:window.pwned=3)" in answer.inner_text()
        assert answer.locator("a, img, iframe, svg, style, form, script").count() == 0
        answer.locator(".cite").first.hover()
        answer.locator(".cite").first.click()
        page.wait_for_selector("#pane .raw")
        shown = page.locator("#pane .raw").inner_text()
        assert "<iframe src=" in shown
        assert "{{constructor}} ${window.pwned=5}" in shown
        assert page.locator("#pane .raw").locator("a, img, iframe, svg, style, form").count() == 0
        assert page.locator("#pane .unseen").count() == HOSTILE.count("\u202e") + HOSTILE.count(
            "\u202c"
        )
        visit.shot("hostile")
        page.keyboard.press("Escape")
        visit.ask("bomb")
        assert visit.last().locator(".prose-text .cite").count() < 20
        visit.view("essays")
        page.wait_for_selector(f"[data-source='{line}']")
        page.click(f"[data-source='{line}'] .link")
        page.wait_for_selector("#pane [data-act=part]")
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280
        page.locator("#pane [data-act=part]").last.click()
        page.wait_for_function("document.querySelectorAll('#pane [data-act=part]').length == 2")
        visit.shot("one-line")
        assert page.evaluate("window.pwned") is None
    finally:
        del rag.texts[line]


def test_two_pages_do_not_see_each_other(
    visit: Visit, served: tuple[Any, str], opened: Any
) -> None:
    with Visit(opened, served[1]) as other:
        visit.ask("slow mine", wait=False)
        other.ask("four")
        assert "slow mine" not in other.page.locator("#history").inner_text()
        assert "four" not in visit.page.locator("#history, #live").all_inner_texts()
        visit.page.click("#stop")
        visit.page.wait_for_selector("#history .stopped")
