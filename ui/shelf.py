"""The essays view: what is there and searched, files added and removed, and the essay beside the
chat."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rag.errors import RagError, SourceNotFound
from rag.schema import EssayInfo
from ui.desk import Added, Desk, NotReady, Task, safe_name
from ui.render import Failure, cited_in, error_html, failure
from ui.session import PACE, Patch, Session
from ui.store import Store
from ui.suggest import suggestions
from ui.texts import Say
from ui.views import (
    Progress,
    Shown,
    essay_html,
    essays_html,
    gone_html,
    notice_html,
    progress_html,
    scope_html,
)

__all__ = ["Shelf"]


class Shelf:
    """The essays, as one page or another sees them."""

    def __init__(self, desk: Desk, store: Store) -> None:
        self._desk = desk
        self._store = store
        self._arriving: set[Path] = set()

    def view(self, session: Session) -> dict[str, Any]:
        """The essays as they are now.

        Without the session: what ends late must not bring back an older one.
        """
        try:
            essays = self._listed()
        except RagError as error:
            return {"essays": error_html(failure(error), session.say, retry=False), "scope": ""}
        return {
            "essays": essays_html(essays, session.chosen, session.say),
            "scope": scope_html(len(essays), session.chosen, session.say),
        }

    def show(self, what: Shown, say: Say) -> str:
        """An essay for the pane, at a passage."""
        quote = self._quote(what)
        try:
            with self._desk.lease() as rag:
                text = rag.text(what.source)
                info = next((e for e in rag.essays() if e.source == what.source), None)
        except SourceNotFound:
            return gone_html(what, say, quote=quote)
        except RagError as error:
            return error_html(failure(error), say, retry=False)
        info = info or EssayInfo(what.source, what.source, "", "", "", len(text), 0)
        return essay_html(info, text, what, say, quote=quote)

    def choose(self, sources: Sequence[str] | None, session: Session) -> Patch:
        """Which essays are searched from now on."""
        session = replace(session, chosen=self.ticked(sources))
        return {**self.view(session), "session": session}

    def remove(self, source: str, session: Session) -> Patch:
        """Forget an essay."""
        try:
            title = next((e.title for e in self._listed() if e.source == source), source)
            self._desk.remove(source)
        except RagError as error:
            return {
                **self.view(session),
                "added": notice_html((), (failure(error),), session.say),
            }
        if session.chosen is not None:
            session = replace(session, chosen=self.ticked(session.chosen))
        toast = session.say("removed", title=title)
        return {**self.view(session), "session": session, "toast": toast}

    async def add(
        self, files: Sequence[tuple[Path, str]], session: Session
    ) -> AsyncIterator[Patch]:
        """Take files in and read them, with progress; then what came of each. Where they came from
        they are deleted.

        While some are being added the page sends them again with those that are added to them.
        """
        say = session.say
        files = [(path, name) for path, name in files if self._is_new(path)]
        if not files:
            return
        self._arriving.update(path for path, _ in files)
        lot = session.lots.begin()
        first = Progress(say("adding", n=len(files)))
        yield {"added": lot.show(progress_html(first, say))}
        task = self._desk.background(lambda task: self._taken_in(files, task))
        async for progress in task.live.follow():
            if progress.total:
                told = Progress(first.message, progress.done, progress.total)
                yield {"added": lot.show(progress_html(told, say))}
            await asyncio.sleep(PACE)
        names = {safe_name(name) for _, name in files}
        outcome = lot.show(_outcome(task, names, say), last=True)
        yield {
            **self.view(session),
            "added": outcome,
            **({} if session.lots.under_way else {"files": None}),
        }

    def _is_new(self, path: Path) -> bool:
        return path not in self._arriving and path.exists()

    def _taken_in(self, files: Sequence[tuple[Path, str]], task: Task) -> Added:
        try:
            return self._desk.add(files, task)
        finally:
            for path, _ in files:
                with contextlib.suppress(OSError):  # what stays goes at the next start
                    path.unlink(missing_ok=True)
                    path.parent.rmdir()  # unless something else is in it
            self._arriving.difference_update(path for path, _ in files)

    def ticked(self, chosen: Sequence[str] | None) -> tuple[str, ...] | None:
        """Those of `chosen` that there are, None for all; as they are while nobody can say."""
        try:
            with self._desk.lease() as rag:
                return _among(chosen, rag.essays())
        except RagError:
            return None if chosen is None else tuple(chosen)

    def suggestions(self) -> list[str]:
        """Questions that these essays answer."""
        try:
            with self._desk.lease() as rag:
                return suggestions(rag.essays(), rag.text)
        except RagError:
            return []

    def _quote(self, what: Shown) -> str:
        """The exact words of the citation, from the answer that is kept."""
        if not what.turn:
            return ""
        try:
            answer = self._store.turn(what.turn).answer
        except RagError:
            return ""
        cited = cited_in(answer) if answer else ()
        return cited[what.cite].quote if what.cite < len(cited) else ""

    def _listed(self) -> list[EssayInfo]:
        """The essays; none while the index is being opened, which the start tells of. Raises the
        error of an index that cannot be read: that is no empty one."""
        try:
            with self._desk.lease() as rag:
                return rag.essays()
        except NotReady:
            return []


def _among(chosen: Sequence[str] | None, essays: Sequence[EssayInfo]) -> tuple[str, ...] | None:
    """Those of the essays that are chosen, in their order; None where these are all."""
    if chosen is None:
        return None
    wanted = set(chosen)
    left = tuple(essay.source for essay in essays if essay.source in wanted)
    return None if len(left) == len(essays) else left


def _outcome(task: Task, names: set[str], say: Say) -> str:
    if task.error is not None:
        error = task.error
        told = (
            failure(error)
            if isinstance(error, RagError)
            else Failure(say("defect"), say("defect-do"))
        )
        return notice_html((), (told,), say)
    added: Added = task.result
    done = [
        say(key, names=", ".join(listed))
        for key, sources in (
            ("added", added.report.added),
            ("updated", added.report.changed),
            ("same", added.report.unchanged),
        )
        if (listed := [name for name in map(_name, sources) if name in names])
    ]
    refused = {
        **added.refused,
        **{n: RagError(why) for s, why in added.report.failed.items() if (n := _name(s)) in names},
    }
    failed = [Failure(say("not-added", name=name), _why(why, say)) for name, why in refused.items()]
    return notice_html(done, failed, say)


def _why(refused: RagError | str, say: Say) -> str:
    return say(refused) if isinstance(refused, str) else str(refused)


def _name(source: str) -> str:
    return source.split("/", 1)[-1]
