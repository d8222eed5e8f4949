"""The page in a real browser over the real engine: first start, files, endpoints, evaluation."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted_endpoint import Reply, Request, ScriptedEndpoint, answer, error
from ui_support import Visit, browser, serving

from eval import open_dataset
from eval.opening import home_of
from rag.config import Settings
from rag.errors import ConfigError

pytestmark = pytest.mark.browser

LAYERS = "五层蛋糕是哪五层？"
KEY = "sk-secret-0123456789"


def reply(request: Request) -> Reply:
    """What the scripted model says to a question."""
    if request.headers.get("authorization") not in (None, f"Bearer {KEY}", "Bearer "):
        return error(401, "Incorrect API key provided")
    asked = str(request.body["messages"][-1]["content"])
    if "SLOW" in asked:
        return answer([f"word{n} " for n in range(400)], between=0.1)
    return answer(["Energy, chips, infrastructure, ", "models, applications [1]."], between=0.02)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[ScriptedEndpoint]:
    with ScriptedEndpoint(reply) as found:
        yield found


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, seeded: Path, emptied: Path, converted: Path
) -> Iterator[tuple[Any, str]]:
    """The page on a data directory without an essay, as `rag ui` starts it. Of the seeds, and of
    the evaluation's copy of them, vectors are there: they are embedded once in a run."""
    for name in [name for name in os.environ if name.startswith(("RAG_", "OPENAI_"))]:
        del os.environ[name]
    data = tmp_path_factory.mktemp("first") / "data"
    shutil.copytree(emptied, data)
    shutil.copytree(seeded / "index", home_of(open_dataset(), data) / "index")
    settings = Settings(data_dir=data, models_dir=converted, llm_discover=False)
    with serving(settings) as found:
        yield found


@pytest.fixture(scope="module")
def opened() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture
def visit(served: tuple[Any, str], opened: Any) -> Iterator[Visit]:
    with Visit(opened, served[1]) as found:
        found.page.set_default_timeout(60_000)
        found.page.wait_for_selector(".suggestion, #history .turn")
        yield found


def choose(visit: Visit, use: str) -> None:
    visit.page.locator(f"#use label:has(input[value='{use}'])").click()


def test_the_page_is_up_before_the_first_essays_are_read(
    served: tuple[Any, str], opened: Any
) -> None:
    page_parts, address = served
    with Visit(opened, address) as visit:
        shown = visit.page.locator("#start progress").count()
        assert shown or page_parts.desk.start.live.over()
        visit.shot("first-start")
        visit.page.set_default_timeout(120_000)
        visit.page.wait_for_selector(".suggestion")
        assert visit.page.locator("#start .notice").count() == 0
        assert visit.page.locator(".suggestion").count() >= 3
        assert "Quotes only, no model" in visit.page.locator("#banner").inner_text()
        visit.shot("first-ready")


def test_quotes_without_a_model_open_at_their_place(visit: Visit, served: tuple[Any, str]) -> None:
    page = visit.page
    visit.ask(LAYERS)
    assert "Quotes only" in visit.last().locator(".meta").inner_text()
    chips = visit.last().locator(".prose-text .cite")
    for n in range(chips.count()):
        chips.nth(n).click()
        data = {
            name: chips.nth(n).get_attribute(f"data-{name}") for name in ("source", "start", "end")
        }
        with served[0].desk.lease() as rag:
            quote = rag.text(data["source"])[int(data["start"]) : int(data["end"])]
        page.wait_for_function(
            "quote => document.querySelector('#cited')?.lastChild.textContent == quote",
            arg=quote.replace("\r\n", "\n"),
        )
    visit.shot("quotes")
    visit.ask("珠穆朗玛峰有多高？")
    assert visit.last().locator(".refusal").count() == 1
    assert visit.last().locator(".source-row").count() == 3


def test_a_file_is_added_asked_about_and_removed(visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    file = tmp_path / "otters.txt"
    file.write_text(
        "Notes on otters\n\nThe otter Zibeline of Lake Quorn caught 417 trout in the year 1987. "
        "She slept on a raft of reeds.\n",
        encoding="utf-8",
    )
    visit.view("essays")
    page.set_input_files("#files input[type=file]", [file])
    page.wait_for_selector("#added .good")
    visit.view("chat")
    question = "How many trout did the otter Zibeline catch in 1987?"
    visit.ask(question)
    assert "417 trout" in visit.last().inner_text()
    assert visit.last().locator(".cite[data-source='uploads/otters.txt']").count() >= 1
    visit.shot("added-file")
    visit.view("essays")
    page.click("[data-source='uploads/otters.txt'] [data-act=remove]")
    page.click("dialog .danger")
    page.wait_for_function("!document.querySelector(\"tr[data-source='uploads/otters.txt']\")")
    visit.view("chat")
    page.locator("#history .cite[data-source='uploads/otters.txt']").first.click()
    page.wait_for_selector("#pane >> text=not here any more")
    assert "417 trout" in page.locator("#pane blockquote").inner_text()
    page.keyboard.press("Escape")
    visit.ask(question)
    assert visit.last().locator("[data-source='uploads/otters.txt']").count() == 0


def test_each_file_that_is_not_added_is_named_and_not_kept(
    visit: Visit, served: tuple[Any, str], tmp_path: Path
) -> None:
    page = visit.page
    uploads = served[0].desk.settings.data_dir / "uploads"
    content = {
        "bad.txt": bytes(range(256)) * 20,
        "x.pdf": b"%PDF-1.4",
        "empty.txt": b"\n",
        "README.md": b"# About the folder",
        "good.txt": b"The heron Quillon ate 12 frogs in 1988.\n",
        "later.txt": b"The heron Quillon ate 13 frogs in 1989.\n",
    }
    for name, data in content.items():
        (tmp_path / name).write_bytes(data)

    def add(*names: str) -> dict[str, str]:
        page.set_input_files("#files input[type=file]", [tmp_path / name for name in names])
        page.wait_for_function(
            "([all, named]) => all.every(name => named.includes(name) =="
            " document.querySelector('#added').innerText.includes(name))",
            arg=[list(content), names],
        )
        said = page.locator("#added .notice").all_inner_texts()
        return {name: line for name in names for line in said if name in line}

    visit.view("essays")
    said = add(*list(content)[:5])
    assert said["good.txt"] == "Added: good.txt"
    assert "zero bytes" in said["bad.txt"]
    assert "Known: .markdown" in said["x.pdf"]
    assert "no text" in said["empty.txt"]
    assert "another name" in said["README.md"]
    visit.shot("not-added")
    assert [file.name for file in uploads.iterdir()] == ["good.txt"]
    said = add("x.pdf")
    assert "Known: .markdown" in said["x.pdf"]
    assert str(uploads) not in said["x.pdf"]
    said = add("later.txt", "good.txt")
    assert said["later.txt"].split("\n\n") == ["Added: later.txt", "Already there: good.txt"]
    for name in ("good.txt", "later.txt"):
        served[0].desk.remove(f"uploads/{name}")
    assert list(uploads.iterdir()) == []


def test_a_folder_of_ones_own_may_be_called_uploads_too(
    served: tuple[Any, str], tmp_path: Path
) -> None:
    desk, own = served[0].desk, tmp_path / "uploads"
    copies = desk.settings.data_dir / "uploads"
    own.mkdir()
    for folder in (own, tmp_path):
        (folder / "x.txt").write_text(f"The owl of {folder.name} hoots.\n", encoding="utf-8")
    while not desk.start.live.over():  # where it is the first test, without a browser
        time.sleep(0.05)
    with desk.lease() as rag:
        rag.ingest(own)
    task = desk.background(lambda task: desk.add([(tmp_path / "x.txt", "x.txt")], task))
    while not task.live.over():  # the test's time limit ends this
        time.sleep(0.05)
    assert task.result.report.added == ("uploads-2/x.txt",)
    desk.remove("uploads/x.txt")
    assert (copies / "x.txt").exists()
    desk.remove("uploads-2/x.txt")
    assert not (copies / "x.txt").exists()
    assert (own / "x.txt").exists()


def test_an_endpoint_is_set_tested_used_and_stopped(
    visit: Visit, endpoint: ScriptedEndpoint
) -> None:
    page = visit.page
    visit.view("settings")
    choose(visit, "endpoint")
    page.fill("#endpoint input", endpoint.base_url)
    page.fill("#key input", "sk-wrong")
    page.click("#list-models")
    page.wait_for_selector("#outcome >> text=1 models are listed")
    page.fill("#model input", endpoint.model)
    page.press("#model input", "Enter")
    page.click("#test")
    page.wait_for_selector("#outcome .error")
    assert "401" in page.locator("#outcome").inner_text()
    visit.shot("wrong-key")
    page.fill("#key input", KEY)
    page.click("#test")
    page.wait_for_selector("#outcome .good")
    assert endpoint.model in page.locator("#outcome").inner_text()
    page.click("#save")
    page.wait_for_selector("#outcome >> text=Saved")
    assert page.locator("#key input").input_value() == ""
    assert "A key is kept" in page.locator("#key").inner_text()
    visit.shot("settings")
    assert visit.faults_of_axe() == []
    visit.view("chat")
    page.wait_for_selector(f"#banner >> text={endpoint.model}")
    visit.ask(LAYERS)
    assert f"by {endpoint.model}" in visit.last().locator(".meta").inner_text()
    assert visit.last().locator(".prose-text .cite").count() == 1
    visit.shot("by-model")
    page.click("[data-act=new]")  # else the model is first asked, as slowly, what is meant
    page.wait_for_selector(".suggestion")
    visit.ask("SLOW please", wait=False)
    page.wait_for_function("document.querySelector('#live .prose-text')?.textContent.length > 30")
    page.click("#stop")
    page.wait_for_selector("#history .stopped")
    assert endpoint.chats[-1].gone.wait(20)


def test_a_key_never_comes_back_and_stays_with_its_endpoint(
    visit: Visit, served: tuple[Any, str], endpoint: ScriptedEndpoint, caplog: Any
) -> None:
    page = visit.page
    preferences = served[0].desk.preferences
    preferences.keep(llm_base_url=endpoint.base_url, llm_model=endpoint.model, llm_api_key=KEY)
    served[0].desk.replace(preferences.settings())
    kept = preferences._path
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    page.reload()
    page.wait_for_selector(".suggestion")
    visit.faults.clear()
    visit.view("settings")
    assert page.locator("#endpoint input").input_value() == endpoint.base_url
    everything = page.content() + page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    )
    assert KEY not in everything
    assert KEY not in caplog.text
    page.fill("#endpoint input", "http://127.0.0.1:9/v1")
    page.fill("#model input", "none")
    page.click("#save")
    page.wait_for_selector("#outcome >> text=Saved")
    assert "No key is kept" in page.locator("#key").inner_text()
    visit.view("chat")
    visit.ask("is it down?")
    assert "127.0.0.1:9" in visit.last().locator("[role=alert]").inner_text()
    visit.shot("endpoint-down")
    visit.view("settings")
    page.click("#reset")
    page.wait_for_function("document.querySelector('#use input[value=auto]').checked")
    visit.view("chat")
    page.wait_for_selector("#banner >> text=Quotes only")


def test_the_evaluation_runs_and_is_compared_with_the_last(visit: Visit) -> None:
    page = visit.page
    page.set_default_timeout(180_000)
    visit.view("evaluation")
    page.fill("#limit input", "1")
    page.click("#measure")
    page.wait_for_selector("#measured progress")
    visit.shot("evaluation-running")
    page.wait_for_selector("#measured iframe")
    page.click("#measure")
    page.wait_for_selector("#measured progress")
    page.wait_for_selector("#measured .compared")
    assert "No significant drop" in page.locator(".compared summary").inner_text()
    page.click(".compared summary")
    assert page.locator("table.compare tbody tr").count() > 3
    assert page.frame_locator("#measured iframe").locator("svg").count() > 0
    visit.shot("evaluation")
    assert visit.faults_of_axe() == []


def test_nothing_that_comes_from_elsewhere_is_served(served: tuple[Any, str]) -> None:
    import httpx

    address = served[1]
    assert httpx.get(address).status_code == 200
    assert httpx.get(address, headers={"Host": "evil.example"}).status_code == 421
    evil = {"Origin": "https://evil.example"}
    assert httpx.post(f"{address}/gradio_api/queue/join", headers=evil).status_code == 403
    assert "default-src 'self'" in httpx.get(address).headers["content-security-policy"]
    assert httpx.get(f"{address}/export/none.md").status_code == 404
    assert httpx.get(f"{address}/docs").status_code == 404
    api = httpx.get(f"{address}/gradio_api/info").json()
    assert api["named_endpoints"] == {}


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.org", "::"])
def test_only_loopback_is_served(host: str, settings: Settings) -> None:
    from ui.app import launch

    with pytest.raises(ConfigError, match="no logins"):
        launch(settings, host=host)
