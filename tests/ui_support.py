"""A scripted stand-in for `rag.Rag`: what the page does with every kind of answer, at any speed.

What it answers is chosen by the question's words: "four" (all verdicts), "refuse", "hostile",
"slow", "endless", "silent", "replace", "denied", "down", "broken", "bomb"; all else gets a short
answer.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rag.errors import (
    EndpointDenied,
    EndpointUnreachable,
    NothingIngested,
    SourceNotFound,
    StreamBroken,
)
from rag.schema import (
    Answer,
    Citation,
    Done,
    EssayInfo,
    Event,
    Hit,
    IngestReport,
    OffsetMap,
    Passage,
    Replace,
    Sentence,
    Status,
    Token,
    Verdict,
)

CAKE = (
    """五层蛋糕

黄仁勋把人工智能比作五层蛋糕。\u3000最底层是能源，往上是芯片、基础设施、模型和应用。

每一层都离不开下面的一层。没有能源，就没有芯片；没有芯片，就没有模型。
"""
    + "\n".join(f"第{n}段：这里写的是与问题无关的话，只是让文章长一点。" for n in range(60))
    + """

最后一层是应用，它把价值带给每一个人。
"""
)

DIARY = (
    "# The lighthouse diary\r\n\r\n"
    + "\r\n\r\n".join(
        f"Day {n}. The lamp was lit at dusk and the log was kept." for n in range(1, 40)
    )
    + "\r\n\r\nOn day 40 the keeper counted 32 ships, more than in any year before.\r\n"
)

HOSTILE = (
    """<script>window.pwned=1</script><img src=x onerror="window.pwned=2">
[click](javascript:window.pwned=3) ![remote](https://evil.example/a.png)
<iframe src="https://evil.example/"></iframe><style>body{display:none}</style>
<svg/onload=window.pwned=4> {{constructor}} ${window.pwned=5} \u202egnp.exe\u202c
<a href="data:text/html,x">x</a> <form action="https://evil.example/"><input name=q></form>
"""
    + "x" * 2000
)

ESSAYS = {"corpus/cake.txt": CAKE, "corpus/diary.md": DIARY, "corpus/hostile.txt": HOSTILE}


def passage(source: str, text: str, quote: str) -> Passage:
    start = text.index(quote)
    return Passage(
        id=f"{source}:{start}",
        source=source,
        title=TITLES.get(source, source),
        heading="",
        start=start,
        end=start + len(quote),
        text=quote,
        raw=quote,
        offsets=OffsetMap.identity(len(quote), start),
    )


TITLES = {
    "corpus/cake.txt": "五层蛋糕",
    "corpus/diary.md": "The lighthouse diary",
    "corpus/hostile.txt": "<b onmouseover=window.pwned=6>Hostile</b>",
}

VERDICTS = {
    "supported": Verdict("supported", 0.97, "every word is in the passage"),
    "partly": Verdict("partly", 0.55, "the passage does not say why"),
    "unsupported": Verdict("unsupported", 0.04, "77 is not in the passage"),
    "unchecked": Verdict("unchecked", 0.0, "the judge gave no verdict"),
}


def make_answer(
    question: str,
    parts: Sequence[tuple[str, Sequence[int], str]],
    cited: Sequence[tuple[str, str]],
    essays: Mapping[str, str] = ESSAYS,
    **fields: Any,
) -> Answer:
    """An Answer from (sentence, citation numbers, verdict label) and (source, quote) pairs."""
    text, sentences = "", []
    for sentence, numbers, label in parts:
        start = len(text)
        text += sentence + "".join(f"[{n}]" for n in numbers)
        sentences.append(Sentence(sentence, start, len(text), tuple(numbers), VERDICTS[label]))
        text += " "
    citations, hits = [], []
    for n, (source, quote) in enumerate(cited, 1):
        found = passage(source, essays[source], quote)
        citations.append(Citation(n, source, found.title, found.start, found.end, quote))
        hits.append(Hit(found, 1 / n, {"dense": 0.9}))
    return Answer(
        question=question,
        text=text.rstrip(" "),
        sentences=tuple(sentences),
        citations=tuple(citations),
        hits=tuple(hits),
        **{"refused": False, "answerable": 0.93, "mode": "llm", "model": "fake-1", **fields},
    )


LAMP = "On day 40 the keeper counted 32 ships"
BASE = "最底层是能源，往上是芯片、基础设施、模型和应用。"


def an_answer(question: str = "What grew?", text: str = "") -> Answer:
    """A plain answer with one citation from each essay."""
    return make_answer(
        question,
        [
            (
                text.removesuffix(" [1].") or "The keeper counted 32 ships on day 40.",
                [1],
                "supported",
            ),
            ("最底层是能源。", [2], "supported"),
        ],
        [("corpus/diary.md", LAMP), ("corpus/cake.txt", BASE)],
    )


class Silence(Generator[Event, None, None]):
    """The events of a model that says nothing: like a Rag's, they can be closed from elsewhere."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def send(self, _: None) -> Event:
        self.closed.wait()
        raise StopIteration

    def throw(self, typ: Any, val: Any = None, tb: Any = None, /) -> Event:
        self.close()
        return super().throw(typ, val, tb)

    def close(self) -> None:
        self.closed.set()


class FakeRag:
    """Streams scripted answers; keeps what was asked of it for the tests to look at."""

    def __init__(self, essays: Mapping[str, str] = ESSAYS, *, delay: float = 0.01) -> None:
        self.texts = dict(essays)
        self.delay = delay
        self.asked: list[tuple[str, tuple[Mapping[str, str], ...], tuple[str, ...] | None]] = []
        self.cancelled = 0
        self.closed = False
        self._lock = threading.Lock()

    def __enter__(self) -> FakeRag:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self.closed = True

    def essays(self) -> list[EssayInfo]:
        return [
            EssayInfo(
                source,
                TITLES.get(source, Path(source).stem),
                "Ada",
                "2026-01-02",
                "zh" if "蛋糕" in text else "en",
                len(text),
                3,
            )
            for source, text in self.texts.items()
        ]

    def text(self, source: str) -> str:
        if source not in self.texts:
            raise SourceNotFound(f"{source} is not ingested.", "See the list of essays.")
        return self.texts[source]

    def remove(self, source: str) -> None:
        self.text(source)
        del self.texts[source]

    def ingest(self, path: Path | str, *, on_progress: Any = None) -> IngestReport:
        root = Path(path)
        files = sorted(root.iterdir()) if root.is_dir() else [root]
        files = [file for file in files if file.suffix in {".txt", ".md"}]
        added = []
        for file in files:
            source = f"{root.name}/{file.name}"
            self.texts[source] = file.read_bytes().decode()
            added.append(source)
            if on_progress:
                on_progress(SimpleNamespace(stage="read", done=len(added), total=len(files)))
        return IngestReport(added=tuple(added))

    def root(self, path: Path | str) -> str:
        return Path(path).name

    def retrieve(self, question: str, k: int = 5) -> list[Hit]:
        return []

    def stream(
        self,
        question: str,
        history: Sequence[Mapping[str, str]] = (),
        sources: Sequence[str] | None = None,
    ) -> Generator[Event, None, None]:
        with self._lock:
            self.asked.append(
                (question, tuple(history), None if sources is None else tuple(sources))
            )
        return Silence() if "silent" in question else self._stream(question)

    def _stream(self, question: str) -> Generator[Event, None, None]:
        if not self.texts:
            raise NothingIngested("There is no essay yet.", "Add one.")
        try:
            yield from self._events(question)
        except GeneratorExit:
            with self._lock:
                self.cancelled += 1
            raise

    def _events(self, question: str) -> Iterator[Event]:
        yield Status("retrieve", "Looking for passages")
        time.sleep(self.delay)
        if "denied" in question:
            raise EndpointDenied("The endpoint refused the key (401).", "Enter another key.")
        if "down" in question:
            raise EndpointUnreachable("Nothing listens at 127.0.0.1:9.", "Start the server.")
        answer = self._answer(question)
        pieces = list(answer.text) if len(answer.text) < 600 else [answer.text]
        if "endless" in question:
            pieces *= 200
        pause = 0.15 if "slow" in question or "endless" in question else self.delay
        for n, piece in enumerate(pieces):
            if "broken" in question and n == 12:
                raise StreamBroken("The answer broke off after 12 tokens.", "Ask again.")
            yield Token(piece)
            time.sleep(pause)
        if "replace" in question:
            yield Replace("Something better [1].")
        yield Done(answer)

    def _answer(self, question: str) -> Answer:
        if "refuse" in question:
            return make_answer(
                question,
                [],
                [("corpus/diary.md", LAMP), ("corpus/cake.txt", BASE)],
                refused=True,
                answerable=0.08,
            )
        if "four" in question:
            return make_answer(
                question,
                [
                    ("The keeper counted **32 ships** on day 40.", [1], "supported"),
                    ("He did so because the year was calm.", [1, 2], "partly"),
                    ("The year before it was 77.", [1], "unsupported"),
                    ("Nobody knows why.", [], "unchecked"),
                ],
                [("corpus/diary.md", LAMP), ("corpus/cake.txt", BASE)],
                warnings=("The prompt was cut.",),
                timings={"retrieve": 12.0, "llm": 900.0},
            )
        if "hostile" in question:
            return make_answer(
                question,
                [(HOSTILE[:900], [1], "supported")],
                [("corpus/hostile.txt", HOSTILE[:60])],
                {**ESSAYS, **self.texts},
            )
        if "bomb" in question:
            marks = list(range(1, 3)) + list(range(3, 4000))
            return make_answer(
                question, [("Boom.", marks, "supported")], [("corpus/diary.md", LAMP)]
            )
        return an_answer(question)


# --- a real browser ---

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
ARTIFACTS = Path(__file__).parents[1] / "artifacts"


def chromium() -> str:
    """Where Chromium is. Without one the test is skipped here and fails where CI=true."""
    found = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if found is None:
        hint = "No Chromium: apt-get install chromium, or playwright install chromium."
        if os.environ.get("CI") == "true":
            pytest.fail(hint)
        pytest.skip(hint)
    return found


@contextmanager
def browser() -> Iterator[Any]:
    """A Chromium for one test module."""
    from playwright.sync_api import sync_playwright

    path = chromium()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield opened
        opened.close()


@contextmanager
def serving(settings: Any, rag: Any = None) -> Iterator[tuple[Any, str]]:
    """The page over a Rag on a free port; yields what is behind it and its address."""
    from ui.app import free_port, prepare, serve

    # a range for each worker: two that look at once would find the same port free
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    port = free_port("127.0.0.1", 17860 + 100 * worker)
    page = prepare(settings, rag)
    with serve(page, "127.0.0.1", port):
        yield page, f"http://127.0.0.1:{port}"


class Visit:
    """A page in the browser that remembers foreign requests and script errors: none may happen."""

    def __init__(self, opened: Any, address: str, **context: Any) -> None:
        self.address = address
        self.foreign: list[str] = []
        self.faults: list[str] = []
        options = {"viewport": {"width": 1280, "height": 800}, "locale": "en-US", **context}
        self.context = opened.new_context(accept_downloads=True, **options)
        self.context.set_default_timeout(30_000)
        self.page = self.context.new_page()
        self.page.on("request", self._request)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self._console)
        self.loads = 0
        self.page.on("load", self._loaded)

    def __enter__(self) -> Visit:
        self.open()
        return self

    def __exit__(self, *error: object) -> None:
        self.context.close()
        if error[0] is None:
            assert not self.foreign, self.foreign
            assert not self._told(), self._told()

    def _told(self) -> list[str]:
        """The faults, without what Gradio says of streams that loading the page again broke off."""
        if self.loads < 2:
            return self.faults
        return [f for f in self.faults if "AbortError" not in f and "Connection errored" not in f]

    def _loaded(self, _: Any) -> None:
        self.loads += 1

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:", "about:")):
            self.foreign.append(request.url)

    def _console(self, message: Any) -> None:
        if message.type == "error":
            self.faults.append(message.text)

    def open(self, path: str = "/") -> None:
        self.page.goto(self.address + path)
        self.page.wait_for_selector("body.is-started", state="attached")
        self.page.wait_for_selector(
            "#history .welcome, #history .turn, #live .turn, #start .notice"
        )

    def ask(self, question: str, *, wait: bool = True) -> None:
        turns = self.page.locator("#history .turn").count()
        self.page.fill("#question textarea", question)
        self.page.press("#question textarea", "Enter")
        if not wait:
            self.page.wait_for_selector("#live .turn, #live .notice")
        else:
            self.page.wait_for_function(
                f"document.querySelectorAll('#history .turn').length > {turns}"
            )
            self.page.wait_for_function("!document.querySelector('#live .turn')")

    def settle(self, turns: int) -> None:
        """Wait until there are so many turns and none is being written."""
        self.page.wait_for_function(
            "turns => document.querySelectorAll('#history .turn').length == turns"
            " && !document.querySelector('#live .turn')",
            arg=turns,
        )

    def last(self) -> Any:
        return self.page.locator("#history .turn").last

    def view(self, name: str) -> None:
        self.page.click(f".views a[data-view={name}]")
        self.page.wait_for_selector(f"#view-{name}")

    def shot(self, name: str) -> None:
        """Let the page settle and, with SHOTS=1, keep a picture of it for people to look at."""
        self.page.wait_for_timeout(250)
        if os.environ.get("SHOTS"):
            ARTIFACTS.mkdir(exist_ok=True)
            self.page.screenshot(path=ARTIFACTS / f"{name}.png")

    def faults_of_axe(self) -> list[str]:
        """What axe-core finds that is serious or critical on what is shown now."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        return [
            f"{fault['id']}: {node['target']} {node.get('failureSummary', '')[:300]}"
            for fault in found
            if fault["impact"] in ("serious", "critical")
            for node in fault["nodes"]
        ]


# --- a server of its own, to be ended ---

if __name__ == "__main__":
    from rag.config import Settings
    from ui.app import launch

    # a shell's background job ignores SIGINT, and hands that down
    signal.signal(signal.SIGINT, signal.default_int_handler)
    launch(Settings(llm_discover=False), port=int(sys.argv[1]), open_browser=False, rag=FakeRag())
