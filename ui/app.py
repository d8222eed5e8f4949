"""The page: layout, wiring, and the server it runs on.

Gradio carries the page; what it shows is made in `render` and `views`, what happens in `handlers`,
`shelf`, `form` and `measuring`.
Importing this module does nothing; Gradio is imported when a page is built.
"""

from __future__ import annotations

import contextlib
import importlib
import ipaddress
import os
import signal
import socket
import threading
import time
import webbrowser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from rag.config import Settings
from rag.errors import ConfigError, RagError
from ui.desk import Desk, Task
from ui.handlers import Handlers
from ui.live import Runs
from ui.measuring import Measuring
from ui.preferences import Preferences
from ui.store import Store
from ui.texts import speaker

if TYPE_CHECKING:
    import gradio as gr
    from fastapi import FastAPI

    from rag import Rag

__all__ = ["Page", "build", "free_port", "launch", "prepare", "serve"]

STATIC = Path(__file__).parent / "static"
DATABASE = "conversations.sqlite3"
PORTS_TRIED = 10
LAST_PORT = 65535
LARGEST_FILE = "50mb"


@dataclass(frozen=True)
class Page:
    """A page and what is behind it. `alone` is held by the first one over a data directory."""

    blocks: gr.Blocks
    desk: Desk
    store: Store
    runs: Runs
    measuring: Measuring
    alone: FileLock

    def close(self) -> None:
        """Stop what is under way and let go of the index."""
        self.runs.close()
        self.measuring.close()
        self.desk.close()
        self.alone.release()


def launch(
    settings: Settings,
    host: str = "127.0.0.1",
    port: int = 7860,
    open_browser: bool = True,
    rag: Rag | None = None,
) -> None:
    """Serve the page until interrupted; it is up before the index is.

    Args:
        settings: what the page's own settings are laid over.
        host: a loopback address.
        port: the first port to try; a taken one is said and the next one used.
        open_browser: open the page in the person's browser.
        rag: use this one instead of opening one.

    Raises:
        ConfigError: `host` is not loopback, or no port is free.
    """
    _loopback_only(host)
    found = free_port(host, port)
    address = f"http://{'[' + host + ']' if ':' in host else host}:{found}"
    if found != port:
        print(f"Port {port} is in use; taking {found}.", flush=True)
    page = prepare(settings, rag)
    print(f"The page is at {address} (Ctrl+C ends it).", flush=True)
    if open_browser:
        threading.Timer(1.0, webbrowser.open, (address,)).start()
    threading.Thread(target=_tell, args=(page.desk.start,), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt), _ended_alike(), serve(page, host, found) as server:
        server.join()


def prepare(settings: Settings, rag: Rag | None = None) -> Page:
    """The page over `settings`, its index being opened in the background."""
    store = Store(settings.data_dir / DATABASE)
    page = _page(settings, store)
    with contextlib.suppress(Timeout):  # another page is open, and what is asked there goes on
        page.alone.acquire()
        store.broken_off()
    page.desk.begin(rag)
    return page


def build(rag: Rag, store: Store, settings: Settings) -> gr.Blocks:
    """The page as Gradio Blocks, over a Rag that is open."""
    page = _page(settings, store)
    page.desk.begin(rag)
    return page.blocks


def _page(settings: Settings, store: Store) -> Page:
    from rag.engine import Rag, seeds

    def first_essays() -> Path | None:
        with contextlib.suppress(RagError):
            return seeds()
        return None

    desk = Desk(Preferences(settings), Rag, seeds=first_essays)
    english = speaker("en")
    runs = Runs(
        store,
        desk.lease,
        workers=settings.ui_concurrency,
        waiting=settings.ui_queue,
        busy=lambda n: RagError(english("busy", n=n), english("busy-do")),
        defect=RagError(english("defect"), english("defect-do")),
        closing=RagError(english("closing"), english("closing-do")),
    )
    measuring = Measuring(desk.preferences.settings, settings.data_dir)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # is read when Gradio is imported
    from ui.blocks import layout

    waiting = settings.ui_concurrency + settings.ui_queue
    blocks = layout(Handlers(desk, store, runs), measuring, events=waiting)
    alone = FileLock(f"{store.path}.lock", timeout=0, thread_local=False)
    return Page(blocks, desk, store, runs, measuring, alone)


# --- the server ---


class Server:
    """A running server, in a thread of its own."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        import uvicorn

        config = uvicorn.Config(
            app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, name="page", daemon=True)

    def start(self) -> None:
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            self._thread.join(0.02)

    def join(self) -> None:
        """Until the server ends. Raises KeyboardInterrupt where the terminal interrupts."""
        while self._thread.is_alive():
            self._thread.join(0.5)

    def stop(self) -> None:
        self._server.should_exit = True
        if self._thread.ident is not None:  # it was started
            self._thread.join(5)


@contextlib.contextmanager
def serve(page: Page, host: str, port: int) -> Iterator[Server]:
    """Serve `page` for as long as the block lasts."""
    from ui.server import application

    app = application(
        page.blocks, page.store, page.measuring.folder, static=STATIC, largest_file=LARGEST_FILE
    )
    server = Server(app, host, port)
    try:
        server.start()
        threading.Thread(target=_warm, args=(host, port), daemon=True).start()
        yield server
    finally:
        page.close()  # first: who follows an answer must know that all ends before the loop does
        server.stop()


@contextlib.contextmanager
def _ended_alike() -> Iterator[None]:
    """Be ended by SIGTERM (a service manager, a logout) as by Ctrl+C: answers keep what is written.

    Only the main thread may say so; elsewhere nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _tell(start: Task) -> None:
    """What the start is doing, in the terminal, by steps of a tenth."""
    step = -1
    while not start.live.over():
        progress = start.live.value
        tenth = 10 * progress.done // progress.total if progress.total else -1
        if tenth > step:
            step = tenth
            print(f"Reading in the first essays: {10 * tenth} %", flush=True)
        time.sleep(0.3)
    print(f"Not ready: {start.error}" if start.error else "Ready.", flush=True)


def _warm(host: str, port: int) -> None:
    """Load what Gradio loads for the first page and the first event, before people wait for it."""
    import httpx

    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    with contextlib.suppress(httpx.HTTPError):
        httpx.get(f"{address}/", timeout=30)
    with contextlib.suppress(ImportError):
        importlib.import_module("matplotlib.pyplot")


def _loopback_only(host: str) -> None:
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ConfigError(
            f"The page does not serve on {host}: it has no logins, so everybody who reaches it"
            " could read the essays and use the key.",
            "Leave --host out. To reach it from elsewhere: ssh -L 7860:127.0.0.1:7860 that-machine",
        )


def free_port(host: str, first: int) -> int:
    """The first free port from `first` on, of ten. Raises ConfigError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    last = min(first + PORTS_TRIED - 1, LAST_PORT)
    for port in range(first, last + 1):
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ConfigError(
        f"No port from {first} to {last} is free on {host}.",
        "Choose another one with --port.",
    )
