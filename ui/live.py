"""Work in threads, watched from the page's event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from itertools import takewhile
from types import GeneratorType
from typing import TYPE_CHECKING, Generic, TypeVar

from rag.errors import ConfigError, EndpointError, RagError
from rag.schema import Answer, Done, Event, Replace, Status, Token
from ui.store import Store, Turn, TurnState

if TYPE_CHECKING:
    from rag import Rag

__all__ = ["Faults", "Live", "Run", "Runs", "Writing"]

T = TypeVar("T")
KEPT_EVERY = 1.0
"""Seconds of an answer that are lost at most when the program dies."""

log = logging.getLogger("ui")


class Live(Generic[T]):
    """A value that one thread sets and any number of coroutines follow, each at its own pace."""

    def __init__(self, value: T) -> None:
        self._lock = threading.Lock()
        self._value = value
        self._version = 1
        self._ended = False
        self._wakers: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    @property
    def value(self) -> T:
        """What it is now."""
        return self._value

    def over(self) -> bool:
        """Whether the last value was set."""
        return self._ended

    def set(self, value: T, *, last: bool = False) -> None:
        """Give all followers a new value; after the last one they end. Later ones are dropped."""
        self.change(lambda _: value, last=last)

    def change(self, step: Callable[[T], T], *, last: bool = False) -> bool:
        """Set what `step` makes of the value; False when the last value was set before."""
        with self._lock:
            if self._ended:
                return False
            self._value = step(self._value)
            self._version += 1
            self._ended = last
            wakers = list(self._wakers)
        for loop, waker in wakers:
            if not loop.is_closed():
                loop.call_soon_threadsafe(waker.set)
        return True

    async def follow(
        self, passing: Callable[[T], bool] = lambda _: False, calm: float = 0.0
    ) -> AsyncIterator[T]:
        """The value as it is, then as it becomes; what changes between two looks is skipped, and so
        is a `passing` value that is replaced within `calm` seconds."""
        waker = (asyncio.get_running_loop(), asyncio.Event())
        seen = 0
        with self._lock:
            self._wakers.add(waker)
        try:
            while True:
                waker[1].clear()
                with self._lock:
                    value, version, ended = self._value, self._version, self._ended
                if version != seen:
                    if passing(value) and await _set_within(waker[1], calm):
                        continue
                    seen = version
                    yield value
                elif ended:
                    return
                else:
                    await waker[1].wait()
        finally:
            with self._lock:
                self._wakers.discard(waker)


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Writing:
    """How far an answer is. `stage` is the engine's name for what it is doing."""

    text: str = ""
    stage: str = "waiting"
    message: str = ""
    state: TurnState = "asking"


class Run:
    """One question being answered, whether or not a page is looking.

    `turn` is as it was asked, and once it is over what came of it.
    """

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.live: Live[Writing] = Live(Writing())
        self._claim = threading.Lock()
        self._events: Generator[Event, None, None] | None = None

    @property
    def ended(self) -> bool:
        """Whether somebody has settled how this ends; what comes later does not count."""
        return self._claim.locked()

    def claim(self) -> bool:
        """True for the one caller who may say how it ends."""
        return self._claim.acquire(blocking=False)

    def follow(self, events: Generator[Event, None, None]) -> Generator[Event, None, None]:
        """The events until somebody has settled how this ends; then they are closed."""
        self._events = events
        with closing(events):
            if not self.ended:
                yield from takewhile(lambda _: not self.ended, events)

    def let_go(self) -> None:
        """Let `follow` end where it waits for a model that says nothing."""
        # Python closes no generator in which another thread is: a function's, as a subclass of Rag
        # may give, is closed at its next event.
        if self._events is not None and not isinstance(self._events, GeneratorType):
            self._events.close()


@dataclass(frozen=True, slots=True)
class Faults:
    """What is said where no answer comes: `busy` makes the error of a full queue, `defect` is shown
    for what the log explains, `closing` for what is asked after `close`."""

    busy: Callable[[int], RagError]
    defect: RagError
    closing: RagError


class Runs:
    """The answers under way. They go on when the page is closed and are kept when they are done."""

    def __init__(
        self,
        store: Store,
        lease: Callable[[], AbstractContextManager[Rag]],
        *,
        workers: int,
        waiting: int,
        faults: Faults,
        on_page: Callable[[], Collection[str]] = tuple,
    ) -> None:
        """`on_page` gives the variables of the environment that were set on the page."""
        self._store = store
        self._lease = lease
        self._limit = workers + waiting
        self._waiting = waiting
        self._faults = faults
        self._on_page = on_page
        self._closed = False
        self._pool = ThreadPoolExecutor(workers, "answer")
        self._runs: dict[str, Run] = {}
        self._unkept: dict[str, Turn] = {}
        self._lock = threading.Lock()

    def start(
        self,
        conversation: str,
        question: str,
        sources: Sequence[str] | None,
        history: Sequence[Mapping[str, str]],
        instead_of: str = "",
    ) -> Run:
        """Keep the question and begin to answer it.

        Args:
            conversation: that it is asked in.
            question: as it was typed.
            sources: the essays to search, None for all.
            history: what was said before.
            instead_of: a turn that is forgotten for it, with all that came after.

        Raises:
            RagError: too many wait, all is closed, or it cannot be kept; nothing is forgotten.
        """
        with self._lock:
            if self._closed:
                raise self._faults.closing
            if len(self._runs) >= self._limit:
                raise self._faults.busy(self._waiting)
            run = Run(self._store.ask(conversation, question, sources, instead_of))
            self._runs[run.turn.id] = run
            future = self._pool.submit(self._work, run, tuple(history))
        future.add_done_callback(lambda done: self._settle(run, done))
        return run

    def of(self, conversation: str) -> Run | None:
        """The answer that this conversation waits for."""
        with self._lock:
            running = list(self._runs.values())
        return next(
            (r for r in running if r.turn.conversation == conversation and not r.ended), None
        )

    def told(self, turn: Turn) -> Turn:
        """The turn, or what came of it where that could not be kept."""
        return self._unkept.get(turn.id, turn)

    @property
    def closed(self) -> bool:
        """Whether nothing is answered any more."""
        return self._closed

    @property
    def under_way(self) -> int:
        """How many answers are being worked on or wait."""
        return len(self._runs)

    def stop(self, conversation: str) -> None:
        """Keep what is written so far and let the rest go."""
        run = self.of(conversation)
        if run:
            self._end(run, "stopped")
            run.let_go()

    def close(self) -> None:
        """Stop all; waits for nobody."""
        with self._lock:
            self._closed = True
            running = list(self._runs.values())
        for run in running:
            self._end(run, "stopped")
            run.let_go()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _work(self, run: Run, history: Sequence[Mapping[str, str]]) -> None:
        turn, kept = run.turn, time.monotonic()
        with self._lease() as rag:
            events = rag.stream(turn.question, history=history, sources=turn.sources)
            with closing(run.follow(events)) as followed:
                for event in followed:
                    if isinstance(event, Done):
                        self._end(run, "done", answer=event.answer)
                    else:
                        run.live.set(_after(run.live.value, event))
                        if time.monotonic() - kept > KEPT_EVERY:
                            self._keep(run)
                            kept = time.monotonic()

    def _keep(self, run: Run) -> None:
        """Keep how far it is. Where there is no room for that, the answer goes on all the same."""
        try:
            self._store.keep(run.turn.id, run.live.value.text)
        except RagError as fault:
            log.warning("%s: %s", type(fault).__name__, fault)

    def _settle(self, run: Run, done: Future[None]) -> None:
        with self._lock:
            self._runs.pop(run.turn.id, None)
        error = None if done.cancelled() else done.exception()
        if error is None or self._closed:  # then it fails of that
            self._end(run, "stopped")
        elif isinstance(error, RagError):
            log.warning("%s: %s", type(error).__name__, error)
            self._end(run, "failed", error=error)
        else:
            log.error("answering failed", exc_info=error)
            self._end(run, "failed", error=self._faults.defect)

    def _end(
        self,
        run: Run,
        state: TurnState,
        *,
        answer: Answer | None = None,
        error: RagError | None = None,
    ) -> None:
        """Keep what came of it, then tell the followers: what they then read is there.

        Where it cannot be kept, it is shown with the reason for as long as the program runs.
        """
        if not run.claim():
            return
        written = answer.text if answer else run.live.value.text
        told = _told(error, self._on_page()) if error else ""
        turn = replace(run.turn, state=state, text=written, answer=answer, error=told)
        fault = self._finish(turn)
        if fault:
            turn = replace(turn, state="failed", error=told or _told(fault))
            self._unkept[turn.id] = turn
        run.turn = turn
        run.live.change(lambda writing: replace(writing, state=turn.state), last=True)

    def _finish(self, turn: Turn) -> RagError | None:
        """Keep what came of a question; why it could not be kept."""
        try:
            self._store.finish(
                turn.id, turn.state, answer=turn.answer, text=turn.text, error=turn.error
            )
        except RagError as fault:
            log.warning("%s: %s", type(fault).__name__, fault)
            return fault
        except Exception:  # whatever it is, who waits for the answer is told, and the log explains
            log.exception("an answer could not be kept")
            return self._faults.defect
        return None


def _after(writing: Writing, event: Status | Token | Replace) -> Writing:
    match event:
        case Status(stage, message):
            return replace(writing, stage=stage, message=message)
        case Token(text):
            return replace(writing, text=writing.text + text)
        case Replace(text):
            return replace(writing, text=text)


def _told(error: RagError, on_page: Collection[str] = ()) -> str:
    """As it is kept: what, what to do, and whether the settings can mend it, a line each. The last
    one goes on with the variables that it is about and that were set on the page."""
    mendable = ["settings"] if isinstance(error, (EndpointError, ConfigError)) else []
    if mendable:
        mendable += [name for name in error.variables if name in on_page]
    return "\n".join((error.what, error.do, " ".join(mendable)))
