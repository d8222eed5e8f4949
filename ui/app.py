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
import shutil
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
from ui.live import Faults, Runs
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
ARRIVALS = "page.tmp"
"""The folder of the data directory where added files arrive: in Gradio's own everybody may read.
It is emptied, so its name must be nobody else's where a data directory holds other things."""

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
    with contextlib.suppress(KeyboardInterrupt), _ended_alike(), _listening(host, port) as taken:
        found = int(taken.getsockname()[1])
        if found != port:
            print(f"Port {port} is in use; taking {found}.", flush=True)
        with (
            contextlib.closing(prepare(settings, rag)) as page,
            serve(page, host, found, taken) as server,
        ):
            address = _address(host, found)
            print(f"The page is at {address} (Ctrl+C ends it).", flush=True)
            if open_browser:  # in a thread: a browser in the terminal is waited for
                threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
            threading.Thread(target=_tell, args=(page.desk.start,), daemon=True).start()
            server.join()


def prepare(settings: Settings, rag: Rag | None = None) -> Page:
    """The page over `settings`, its index being opened in the background."""
    store = Store(settings.data_dir / DATABASE)
    alone = _alone(store)
    with contextlib.suppress(Timeout):  # another page is open, and what is asked there goes on
        alone.acquire()
        store.broken_off()
        _empty(_private(settings.data_dir / ARRIVALS))
    page = _page(settings, store, alone)
    page.desk.begin(rag)
    return page


def build(rag: Rag, store: Store, settings: Settings) -> gr.Blocks:
    """The page as Gradio Blocks, over a Rag that is open."""
    page = _page(settings, store, _alone(store))
    page.desk.begin(rag)
    return page.blocks


def _alone(store: Store) -> FileLock:
    return FileLock(f"{store.path}.lock", timeout=0, thread_local=False)


def _page(settings: Settings, store: Store, alone: FileLock) -> Page:
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
        faults=Faults(
            busy=lambda n: RagError(english("busy", n=n), english("busy-do")),
            defect=RagError(english("defect"), english("defect-do")),
            closing=RagError(english("closing"), english("closing-do")),
        ),
        on_page=lambda: desk.preferences.variables,
    )
    measuring = Measuring(desk.preferences.settings, settings.data_dir)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # is read when Gradio is imported
    os.environ["GRADIO_TEMP_DIR"] = str(_private(settings.data_dir / ARRIVALS))  # so is this
    from ui.blocks import layout

    waiting = settings.ui_concurrency + settings.ui_queue
    blocks = layout(Handlers(desk, store, runs), measuring, events=waiting)
    return Page(blocks, desk, store, runs, measuring, alone)


def _private(folder: Path) -> Path:
    """The folder, which only its owner can look into. Raises ConfigError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be made: {error.strerror or error}.",
            "Set RAG_DATA_DIR to a folder you may write to.",
        ) from error
    return folder.absolute()


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


# --- the server ---


class Server:
    """A running server, in a thread of its own."""

    def __init__(
        self, app: FastAPI, host: str, port: int, taken: socket.socket | None = None
    ) -> None:
        """`taken` is a socket that listens there already."""
        import uvicorn

        config = uvicorn.Config(
            app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._address = _address(host, port)
        self._thread = threading.Thread(
            target=self._server.run, args=([taken] if taken else None,), name="page", daemon=True
        )

    def start(self) -> None:
        """Until it serves. Raises ConfigError where it cannot."""
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            self._thread.join(0.02)
        if not self._server.started:
            raise ConfigError(
                f"The page cannot be served at {self._address}.", "Choose another --port."
            )

    def join(self) -> None:
        """Until the server ends. Raises KeyboardInterrupt where the terminal interrupts."""
        while self._thread.is_alive():
            self._thread.join(0.5)

    def stop(self) -> None:
        self._server.should_exit = True
        if self._thread.ident is not None:  # it was started
            self._thread.join(5)


@contextlib.contextmanager
def serve(page: Page, host: str, port: int, taken: socket.socket | None = None) -> Iterator[Server]:
    """Serve `page` for as long as the block lasts, on a socket that was `taken` or a new one.

    Raises:
        ConfigError: the port is in use.
    """
    from ui.server import application

    app = application(
        page.blocks, page.store, page.measuring.folder, static=STATIC, largest_file=LARGEST_FILE
    )
    server = Server(app, host, port, taken)
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

    with contextlib.suppress(httpx.HTTPError):
        httpx.get(f"{_address(host, port)}/", timeout=30)
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


def _address(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def free_port(host: str, first: int) -> int:
    """The first free port from `first` on, of ten. Raises ConfigError."""
    with _listening(host, first) as taken:
        return int(taken.getsockname()[1])


def _listening(host: str, first: int) -> socket.socket:
    """A socket at the first free port from `first` on, of ten. It listens, since only that keeps
    others from the port while the page is made. Raises ConfigError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    last = min(first + PORTS_TRIED - 1, LAST_PORT)
    for port in range(first, last + 1):
        taken = socket.socket(family)
        try:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind((host, port))
            taken.listen()
        except OSError:
            taken.close()
        else:
            return taken
    raise ConfigError(
        f"No port from {first} to {last} is free on {host}.",
        "Choose another one with --port.",
    )
