"""What the page costs: time until it can be used, time it adds to the first token, many at once.

    python -m eval.bench_ui [--people 20] [--questions 3] [--chromium /usr/bin/chromium]

Everything runs on this machine against an endpoint that streams at a known pace. The browser's
figures need Chromium and playwright; without them only the crowd is measured, which speaks the
protocol that Gradio's own script speaks.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import platform
import re
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.config import Settings
from rag.schema import Token

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    import httpx

__all__ = ["Asked", "main"]

FIRST_TOKEN = 0.3
PACE = 1 / 20
WORDS = 40
MODEL = "paced"
LAYERS = "What are the five layers of the cake? Say {name}."
TAG = re.compile(r"tag[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of the crowd: seconds to the first token and to the end, and what went wrong."""

    first: float
    whole: float
    fault: str


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


@contextlib.contextmanager
def paced_endpoint() -> Iterator[str]:
    """The base URL of an endpoint that streams 40 words at 20 a second after 0.3 s, among them the
    tag that the question holds. In a process of its own, as endpoints are."""
    apart = multiprocessing.get_context("spawn")
    here, there = apart.Pipe()
    process = apart.Process(target=_serve, args=(there,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}/v1"
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Connection) -> None:
    server = _Server(("127.0.0.1", 0), _Paced)
    pipe.send(server.server_address[1])
    server.serve_forever()


class _Paced(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        body = json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        tags = TAG.findall(str(asked["messages"][-1]["content"]))
        words = [f"{tags[-1] if tags else 'none'} ", *("word " for _ in range(WORDS)), "[1]."]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        time.sleep(FIRST_TOKEN)
        with contextlib.suppress(OSError):  # whoever asked has gone
            for word in words:
                self._send({"content": word}, None)
                time.sleep(PACE)
            self._send({}, "stop")
            done = b"data: [DONE]\n\n"
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(done), done))

    def _send(self, delta: dict[str, str], finish: str | None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk = {"object": "chat.completion.chunk", "model": MODEL, "choices": [choice]}
        data = b"data: " + json.dumps({"id": "1", "created": 1, **chunk}).encode() + b"\n\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when an answer went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--questions", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=8, help="questions for the first token")
    parser.add_argument("--chromium", default=shutil.which("chromium") or "")
    options = parser.parse_args(arguments)
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder, _page(Path(folder)) as (page, address):
        if options.chromium:
            _browser(page, address, options.chromium, options.rounds)
        alone = _crowd_alone(page, options.people)
        asked = _crowd_apart(address, options.people, options.questions)
    good = sorted(one.first for one in asked if not one.fault)
    faults = [one.fault for one in asked if one.fault]
    print(f"{options.people} people, {options.questions} questions each, 2 s between:", end=" ")
    print(f"{len(faults)} faults of {len(asked)}")
    if good:
        print(f"first token of Rag.stream, {options.people} threads at once: {alone:.2f} s median")
        print(
            f"first token median {statistics.median(good):.2f} s,"
            f" p95 {good[int(0.95 * (len(good) - 1))]:.2f} s;"
            f" whole answer median {statistics.median(one.whole for one in asked):.2f} s"
        )
    for fault in faults[:5]:
        print("  ", fault)
    return 1 if faults else 0


@contextlib.contextmanager
def _page(folder: Path) -> Iterator[tuple[Any, str]]:
    """The page over the seeds and the paced endpoint."""
    from ui.app import free_port, prepare, serve

    with paced_endpoint() as base_url:
        settings = Settings(
            data_dir=folder,
            llm_base_url=base_url,
            llm_model=MODEL,
            llm_discover=False,
            refuse_below=0,
        )
        port = free_port("127.0.0.1", 18860)
        page = prepare(settings)
        with serve(page, "127.0.0.1", port):
            while not page.desk.start.live.over():
                time.sleep(0.1)
            with page.desk.lease() as rag:
                _first_direct(rag)
            yield page, f"http://127.0.0.1:{port}"


def _tag() -> str:
    return f"tag{uuid.uuid4().hex[:8]}"


def _first_direct(rag: Any) -> float:
    """Seconds until `Rag.stream` gives its first token."""
    began = time.perf_counter()
    events = rag.stream(LAYERS.format(name=_tag()))
    for event in events:
        if isinstance(event, Token) and event.text.strip():
            break
    spent = time.perf_counter() - began
    events.close()
    return spent


# --- with a browser ---

WATCH = """() => {
  window.first = null;
  const began = performance.now();
  const look = () => {
    const text = document.querySelector("#live .prose-text");
    if (text && text.textContent.trim()) window.first = performance.now() - began;
    else requestAnimationFrame(look);
  };
  look();
}"""


def _browser(page: Any, address: str, chromium: str, rounds: int) -> None:
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        opened = []
        for _ in range(5):
            context = browser.new_context(viewport={"width": 1280, "height": 800})
            tab = context.new_page()
            began = time.perf_counter()
            tab.goto(address)
            tab.wait_for_selector(".suggestion")
            tab.fill("#question textarea", "x")
            opened.append(time.perf_counter() - began)
            context.close()
        print(
            f"page interactive, empty cache: first {opened[0]:.2f} s,"
            f" median of the rest {statistics.median(opened[1:]):.2f} s"
        )
        tab = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        tab.goto(address)
        tab.wait_for_selector(".suggestion")
        direct, shown = [], []
        for _ in range(rounds):
            with page.desk.lease() as rag:
                direct.append(_first_direct(rag))
            tab.click("[data-act=new]")
            tab.wait_for_selector(".welcome")
            tab.fill("#question textarea", LAYERS.format(name=_tag()))
            tab.evaluate(WATCH)
            tab.press("#question textarea", "Enter")
            tab.wait_for_function("window.first !== null")
            shown.append(tab.evaluate("window.first") / 1000)
            tab.click("#stop")
            tab.wait_for_selector("#history .turn")
        added = statistics.median(shown) - statistics.median(direct)
        print(
            f"first token: Rag.stream median {1000 * statistics.median(direct):.0f} ms, on screen"
            f" {1000 * statistics.median(shown):.0f} ms; the page adds {1000 * added:.0f} ms"
        )
        browser.close()


# --- many at once ---


def _crowd_apart(address: str, people: int, questions: int) -> list[Asked]:
    """The crowd in a process of its own: browsers do not share the page's interpreter."""
    apart = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=apart) as pool:
        return pool.submit(_crowd, address, people, questions).result()


def _crowd(address: str, people: int, questions: int) -> list[Asked]:
    with ThreadPoolExecutor(people) as pool:
        waiting = [pool.submit(_person, address, questions) for _ in range(people)]
        return [one for future in waiting for one in future.result()]


def _crowd_alone(page: Any, people: int) -> float:
    """The same without a page: median seconds to the first token of so many threads at once."""
    with page.desk.lease() as rag, ThreadPoolExecutor(people) as pool:
        return statistics.median(pool.map(lambda _: _first_direct(rag), range(people)))


def _person(address: str, questions: int) -> list[Asked]:
    """Asks as the page's own script does: joins the queue, reads the events."""
    import httpx

    asked: list[Asked] = []
    own: set[str] = set()
    with httpx.Client(base_url=address, timeout=60) as client:
        config = client.get("/config").json()
        ids = {part["props"].get("elem_id"): part["id"] for part in config["components"]}
        listener = next(
            one
            for one in config["dependencies"]
            if [ids["question"], "submit"] in [list(target) for target in one["targets"]]
        )
        seen = [listener["outputs"].index(ids[name]) for name in ("history", "live")]
        session = uuid.uuid4().hex[:10]
        for n in range(questions):
            if n:
                time.sleep(2)
            own.add(tag := _tag())
            asked.append(_ask(client, listener["id"], session, tag, own, seen))
    return asked


def _ask(  # what a browser knows of its page
    client: httpx.Client, listener: int, session: str, tag: str, own: set[str], seen: Sequence[int]
) -> Asked:
    began = time.perf_counter()
    data = {
        "data": [LAYERS.format(name=tag), None],
        "fn_index": listener,
        "session_hash": session,
        "event_data": None,
        "trigger_id": None,
    }
    client.post("/gradio_api/queue/join", json=data).raise_for_status()
    first, shown, message = 0.0, "", {}
    address, query = "/gradio_api/queue/data", {"session_hash": session}
    with client.stream("GET", address, params=query) as response:
        for line in response.iter_lines():
            if not line.startswith("data:"):
                continue
            message = json.loads(line[5:])
            if message["msg"] in ("process_generating", "process_completed"):
                outputs = (message.get("output") or {}).get("data") or []
                piece = "".join(json.dumps(outputs[at]) for at in seen if at < len(outputs))
                shown += piece
                if not first and f"<p>{tag}" in piece:
                    first = time.perf_counter() - began
            if message["msg"] in ("process_completed", "unexpected_error", "close_stream"):
                break
    whole = time.perf_counter() - began
    fault = ""
    if message["msg"] != "process_completed" or not message.get("success"):
        fault = f"{message['msg']}: {str(message)[:200]}"
    elif not first:
        fault = "no token was shown"
    elif others := set(TAG.findall(shown)) - own:
        fault = f"someone else's words: {others}"
    elif 'data-act=\\"cite\\"' not in shown:
        fault = "the answer did not come to its end"
    return Asked(first, whole, fault)


if __name__ == "__main__":
    sys.exit(main())
