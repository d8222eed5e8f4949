"""What happens on the page: each handler takes what was done and gives what is to be shown.

Handlers keep nothing between calls but what is in the store: which conversation is open, in which
language, over which essays is the page's own `Session`. A stream of patches may be empty: then
nothing on the page changes.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

from rag.errors import RagError
from ui.desk import Desk
from ui.form import Form
from ui.live import Run, Runs, Writing
from ui.render import (
    Failure,
    error_html,
    failure,
    live_html,
    thread_html,
    turn_html,
    unread_html,
)
from ui.session import PACE, Patch, Session
from ui.shelf import Shelf
from ui.store import ConversationNotFound, Store, Turn
from ui.texts import LANGUAGES, TEXTS, Say, preferred
from ui.views import conversations_html, progress_html, welcome_html

__all__ = ["Handlers"]

CROWD_PACE = 0.0125
"""So much longer between two looks for each answer under way: 80 pictures a second for all."""

STAGE_CALM = 0.5
"""Seconds that a stage lasts before it is drawn."""

LISTED = 200
"""Conversations beside the chat; older ones are found by searching."""

REMEMBERED = 8
"""Turns of a conversation that a follow-up is understood from."""


class Handlers:
    """The page's behaviour, without its layout."""

    def __init__(self, desk: Desk, store: Store, runs: Runs) -> None:
        self._desk = desk
        self._store = store
        self._runs = runs
        self.shelf = Shelf(desk, store)
        self.form = Form(desk)

    # --- opening the page ---

    async def load(
        self,
        conversation: str,
        headers: Mapping[str, str],
        language: str,
        choice: str,
        session: Session,
    ) -> AsyncIterator[Patch]:
        """The whole page, then the start's progress, then an answer that is under way.

        Args:
            conversation: to open, "" for a new one.
            headers: of the request; the language is taken from them where none is chosen.
            language: chosen on the page before, or "".
            choice: the essays that were ticked in this tab, as a JSON list; "" for all.
            session: the page's own.
        """
        if language not in LANGUAGES:
            language = preferred(headers.get("accept-language", ""))
        session = replace(
            session, language=language, conversation=conversation, chosen=_chosen(choice)
        )
        looking = session.gaze.take()
        run = self._runs.of(conversation)
        opened = await asyncio.to_thread(self._opened, session, run)
        yield {**opened, "labels": session.say}
        session = opened["session"]
        async for patch in self._starting(session, looking):
            yield patch
        async for patch in self._watch(session, run, looking):
            yield patch

    async def speak(self, language: str, session: Session) -> AsyncIterator[Patch]:
        """The same page in another language."""
        session = replace(session, language=language if language in LANGUAGES else "en")
        looking = session.gaze.take()
        run = self._runs.of(session.conversation)
        yield {**await asyncio.to_thread(self._opened, session, run), "labels": session.say}
        async for patch in self._watch(session, run, looking):
            yield patch

    # --- conversations ---

    async def open(self, conversation: str, session: Session) -> AsyncIterator[Patch]:
        """Another conversation, or with "" a new one."""
        looking = session.gaze.take()
        run = self._runs.of(conversation)
        session = replace(session, conversation=conversation)
        opened = await asyncio.to_thread(self._conversation, session, run)
        if not looking():
            return
        yield opened
        async for patch in self._watch(opened["session"], run, looking):
            yield patch

    def search(self, words: str, session: Session) -> Patch:
        """The conversations that hold these words."""
        session = replace(session, searched=words)
        return {"session": session, "talks": self._talks(session)}

    def rename(self, conversation: str, title: str, session: Session) -> Patch:
        """Give a conversation another title."""
        try:
            self._store.rename(conversation, title)
        except RagError as error:
            return {"talks": self._talks(session), "toast": str(error)}
        return {"talks": self._talks(session)}

    def delete(self, conversation: str, session: Session) -> Patch:
        """Delete a conversation, and stop its answer under way: only then, so that who watches it
        finds it gone."""
        try:
            self._store.delete(conversation)
        except RagError as error:
            return {"talks": self._talks(session), "toast": str(error)}
        here = conversation == session.conversation
        if here:
            session.gaze.take()
        self._runs.stop(conversation)
        if here:
            return self._conversation(replace(session, conversation=""), None)
        return {"talks": self._talks(session)}

    # --- asking ---

    async def ask(self, question: str, session: Session) -> AsyncIterator[Patch]:
        """Begin to answer in the open conversation, or in a new one, and watch. Where an answer is
        under way there, asked for in another tab, it is shown instead."""
        if not question.strip():
            return
        busy = self._runs.of(session.conversation)
        patches = (
            self.open(session.conversation, session)
            if busy
            else self._asked(question.strip(), session)
        )
        async for patch in patches:
            yield patch

    async def _asked(
        self, question: str, session: Session, instead_of: str = ""
    ) -> AsyncIterator[Patch]:
        say = session.say
        if session.chosen == ():
            error = Failure(say("none-ticked"), say("none-ticked-do"))
            yield {"live": error_html(error, say, retry=False)}
            return
        looking = session.gaze.take()
        try:
            session, run = await asyncio.to_thread(self._begin, question, session, instead_of)
        except RagError as error:
            yield {"live": error_html(failure(error), session.say, retry=False)}
            return
        if not looking():
            return
        yield self._begun(session, run)
        async for patch in self._watch(session, run, looking):
            yield patch

    async def again(self, turn: str, question: str, session: Session) -> AsyncIterator[Patch]:
        """Ask a turn's question, or another one in its place, anew; what came after it goes,
        an answer under way too."""
        try:
            kept = await asyncio.to_thread(self._store.turn, turn)
        except RagError as error:
            yield {"toast": str(error)}
            return
        session = replace(session, conversation=kept.conversation)
        self._runs.stop(kept.conversation)
        asked = self._asked(question.strip() or kept.question, session, instead_of=turn)
        async for patch in asked:
            yield {name: value for name, value in patch.items() if name != "question"}

    def stop(self, session: Session) -> None:
        """Stop the answer under way in the open conversation."""
        self._runs.stop(session.conversation)

    def judge(self, turn: str, thumb: str, comment: str, session: Session) -> Patch:
        """Keep a thumb ("1" or "-1"); the same one again, without a comment, takes it back."""
        try:
            kept, value = self._store.turn(turn), -1 if thumb == "-1" else 1
            undo = kept.thumb == value and not comment
            self._store.judge(turn, 0 if undo else value, comment)
        except RagError as error:
            return {"toast": str(error)}
        toast = {} if undo else {"toast": session.say("thanks")}
        return {"history": self._thread(session), **toast}

    # --- parts ---

    def _begin(self, question: str, session: Session, instead_of: str) -> tuple[Session, Run]:
        conversation = session.conversation or self._store.create().id
        try:
            turns = self._turns(conversation)
        except ConversationNotFound:
            conversation, turns = self._store.create().id, []
        before = list(takewhile(lambda turn: turn.id != instead_of, turns))
        run = self._runs.start(
            conversation, question, session.chosen, _history(before), instead_of=instead_of
        )
        return replace(session, conversation=conversation), run

    def _begun(self, session: Session, run: Run) -> Patch:
        return {
            "session": session,
            "question": "",
            "history": self._thread(session),
            "live": _live_html(run.turn, Writing(), session.say),
            "talks": self._talks(session),
        }

    async def _watch(
        self, session: Session, run: Run | None, looking: Callable[[], bool]
    ) -> AsyncIterator[Patch]:
        """An answer as it is written, then the conversation with it, for as long as the page looks
        at it."""
        if run is None:
            return
        # a stage that is over at once would hold up the first words by its drawing
        async for writing in run.live.follow(_wordless, STAGE_CALM):
            if not looking():
                return
            if writing.state != "asking":
                break
            began = time.perf_counter()
            yield {"live": _live_html(run.turn, writing, session.say)}
            spent = time.perf_counter() - began
            pace = max(PACE, CROWD_PACE * self._runs.under_way, 5 * spent)
            await asyncio.sleep(pace if writing.text else 0)
        if self._runs.closed:  # the program is ending, and with it the loop's threads
            return
        ended = await asyncio.to_thread(self._ended, session, run)
        if looking():
            yield ended

    def _ended(self, session: Session, run: Run) -> Patch:
        """The conversation with its answer, or that it was deleted meanwhile; where it cannot be
        read, the answer below what is shown of it."""
        try:
            turns = self._turns(session.conversation)
        except ConversationNotFound:
            return self._conversation(session, None)
        except RagError as error:
            turn = replace(run.turn, error=run.turn.error or f"{error.what}\n{error.do}")
            return {"live": turn_html(turn, session.say)}
        history = thread_html(turns, session.say, session.conversation)
        return {"history": history, "live": "", "talks": self._talks(session)}

    def _thread(self, session: Session) -> str:
        try:
            return self._read(session)
        except RagError as error:
            return unread_html(error, session.say, session.conversation)

    def _read(self, session: Session) -> str:
        try:
            turns = self._turns(session.conversation)
        except ConversationNotFound:
            turns = []
        return thread_html(turns, session.say, session.conversation)

    def _turns(self, conversation: str) -> list[Turn]:
        return [self._runs.told(turn) for turn in self._store.turns(conversation)]

    async def _starting(
        self, session: Session, looking: Callable[[], bool]
    ) -> AsyncIterator[Patch]:
        """What the start is doing, until it is done."""
        task, say = self._desk.start, session.say
        if task.live.over() and task.error is None:
            return
        async for progress in task.live.follow():
            if task.live.over():
                break
            message = say("ingesting") if progress.total else say("opening")
            yield {"start": progress_html(replace(progress, message=message), say)}
            await asyncio.sleep(4 * PACE)
        if isinstance(task.error, RagError):
            yield {"start": error_html(failure(task.error), say, retry=False)}
        elif task.error:
            error = Failure(say("start-failed"), say("defect-do"))
            yield {"start": error_html(error, say, retry=False)}
        else:
            session = replace(session, chosen=self.shelf.ticked(session.chosen))
            opened = await asyncio.to_thread(self._conversation, session, None)
            shelf = await asyncio.to_thread(self.shelf.view, session)
            banner = await asyncio.to_thread(self.form.banner_html, say)
            yield {**shelf, **(opened if looking() else {}), "start": "", "banner": banner}

    def _opened(self, session: Session, run: Run | None) -> dict[str, Any]:
        if self._desk.start.live.over():  # else there is no list yet to hold the choice against
            session = replace(session, chosen=self.shelf.ticked(session.chosen))
        return {
            **self.shelf.view(session),
            **self._conversation(session, run),
            **self.form.view(session),
            "banner": self.form.banner_html(session.say),
            "start": "",
        }

    def _conversation(self, session: Session, run: Run | None) -> dict[str, Any]:
        """An open conversation. `run` was looked up before its turns are read: what ends meanwhile
        is then in both, and shown again when it is watched."""
        say, conversation = session.say, session.conversation
        asked, missing, history = conversation, "", ""
        if conversation:
            try:
                turns = self._turns(conversation)
                history = thread_html(turns, say, conversation) if turns else ""
            except ConversationNotFound:
                missing, conversation = say("no-conversation"), ""
            except RagError as error:
                history = unread_html(error, say, conversation)
        session = replace(session, conversation=conversation)
        history = history or welcome_html(self.shelf.suggestions(), say, asked)
        return {
            "session": session,
            "history": history,
            "live": _live_html(run.turn, run.live.value, say) if run else "",
            "talks": self._talks(session),
            **({"toast": missing} if missing else {}),
        }

    def _talks(self, session: Session) -> str:
        try:
            found = self._store.conversations(session.searched, limit=LISTED + 1)
        except RagError as error:
            return error_html(failure(error), session.say, retry=False)
        return conversations_html(
            found[:LISTED],
            session.say,
            current=session.conversation,
            searched=bool(session.searched),
            more=len(found) > LISTED,
        )


def _wordless(writing: Writing) -> bool:
    return writing.state == "asking" and not writing.text


def _chosen(choice: str) -> tuple[str, ...] | None:
    """The sources that the browser kept, None for all and for what is no list of them."""
    try:
        sources = json.loads(choice) if choice else None
    except ValueError:
        return None
    return tuple(map(str, sources)) if isinstance(sources, list) else None


def _live_html(turn: Turn, writing: Writing, say: Say) -> str:
    stage = f"stage-{writing.stage}"
    known = {"waiting": say("waiting")}
    status = known.get(writing.stage) or (say(stage) if stage in TEXTS else writing.message)
    return live_html(
        turn.question, writing.text, status or say("thinking"), say, turn.id, turn.conversation
    )


def _history(turns: Sequence[Turn]) -> list[dict[str, str]]:
    said = []
    for turn in [t for t in turns if t.answer is not None][-REMEMBERED:]:
        said.append({"role": "user", "content": turn.question})
        said.append({"role": "assistant", "content": turn.answer.text if turn.answer else ""})
    return said
