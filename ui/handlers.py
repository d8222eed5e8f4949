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
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

from rag.endpoint import find_endpoint, list_models
from rag.errors import ConfigError, RagError, SourceNotFound
from rag.schema import EssayInfo
from ui.desk import Added, Desk, NotReady, Task, safe_name
from ui.live import Run, Runs, Writing
from ui.preferences import Preferences
from ui.render import Failure, cited_in, error_html, failure, live_html, thread_html
from ui.store import ConversationNotFound, Store, Turn
from ui.suggest import suggestions
from ui.texts import LANGUAGES, TEXTS, Say, preferred, speaker
from ui.views import (
    Banner,
    Progress,
    Shown,
    banner_html,
    conversations_html,
    essay_html,
    essays_html,
    gone_html,
    notice_html,
    progress_html,
    scope_html,
    welcome_html,
)

__all__ = ["Gaze", "Handlers", "Patch", "Session"]

Patch = Mapping[str, Any]
"""Parts of the page by name, with their new values; the others stay as they are."""

PACE = 0.05
"""Seconds between two looks at an answer that is being written: 20 pictures a second."""

CROWD_PACE = 0.0125
"""So much longer between two looks for each answer under way: 80 pictures a second for all."""

STAGE_CALM = 0.5
"""Seconds that a stage lasts before it is drawn."""

REMEMBERED = 8
"""Turns of a conversation that a follow-up is understood from."""


class Gaze:
    """What a page looks at: of all that would show a conversation there, the last to begin may."""

    def __init__(self) -> None:
        self._last: object = None

    def take(self) -> Callable[[], bool]:
        """Look at something else from now on; the outcome says whether that still holds."""
        mine = self._last = object()
        return lambda: self._last is mine


@dataclass(frozen=True, slots=True)
class Session:
    """What one page has open. `chosen` are the essays to search, None for all."""

    language: str = "en"
    conversation: str = ""
    chosen: tuple[str, ...] | None = None
    searched: str = ""
    gaze: Gaze = field(default_factory=Gaze, compare=False)

    @property
    def say(self) -> Say:
        return speaker(self.language)


class Handlers:
    """The page's behaviour, without its layout."""

    def __init__(self, desk: Desk, store: Store, runs: Runs) -> None:
        self._desk = desk
        self._store = store
        self._runs = runs
        self._banner: tuple[object, Banner] | None = None

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
        session = replace(session, searched=words)
        return {"session": session, "talks": self._talks(session)}

    def rename(self, conversation: str, title: str, session: Session) -> Patch:
        try:
            self._store.rename(conversation, title)
        except ConversationNotFound as error:
            return {"talks": self._talks(session), "toast": str(error)}
        return {"talks": self._talks(session)}

    def delete(self, conversation: str, session: Session) -> Patch:
        self._runs.stop(conversation)
        self._store.delete(conversation)
        if conversation == session.conversation:
            session.gaze.take()
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
        except ConversationNotFound as error:
            yield {"toast": str(error)}
            return
        session = replace(session, conversation=kept.conversation)
        self._runs.stop(kept.conversation)
        asked = self._asked(question.strip() or kept.question, session, instead_of=turn)
        async for patch in asked:
            yield {name: value for name, value in patch.items() if name != "question"}

    def stop(self, session: Session) -> None:
        self._runs.stop(session.conversation)

    def judge(self, turn: str, thumb: str, comment: str, session: Session) -> Patch:
        """Keep a thumb ("1" or "-1"); the same one again, without a comment, takes it back."""
        try:
            kept, value = self._store.turn(turn), -1 if thumb == "-1" else 1
            undo = kept.thumb == value and not comment
            self._store.judge(turn, 0 if undo else value, comment)
        except ConversationNotFound as error:
            return {"toast": str(error)}
        toast = {} if undo else {"toast": session.say("thanks")}
        return {"history": self._thread(session), **toast}

    # --- essays ---

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
        session = replace(session, chosen=self._ticked(sources))
        return {**self._shelf(session), "session": session}

    def remove(self, source: str, session: Session) -> Patch:
        try:
            title = next((e.title for e in self._listed() if e.source == source), source)
            self._desk.remove(source)
        except RagError as error:
            return {
                **self._shelf(session),
                "added": notice_html((), (failure(error),), session.say),
            }
        if session.chosen is not None:
            session = replace(session, chosen=self._ticked(session.chosen))
        toast = session.say("removed", title=title)
        return {**self._shelf(session), "session": session, "toast": toast}

    async def add(
        self, files: Sequence[tuple[Path, str]], session: Session
    ) -> AsyncIterator[Patch]:
        """Copy files in and read them, with progress; then what came of each."""
        say = session.say
        if not files:
            return
        first = Progress(say("adding", n=len(files)))
        yield {"added": progress_html(first, say)}
        task = self._desk.background(lambda task: self._desk.add(files, task))
        async for progress in task.live.follow():
            if progress.total:
                told = Progress(first.message, progress.done, progress.total)
                yield {"added": progress_html(told, say)}
            await asyncio.sleep(PACE)
        names = {safe_name(name) for _, name in files}
        yield {**self._shelf(session), "added": _outcome(task, names, say), "files": None}

    def shelf(self, session: Session) -> Patch:
        """The essays as they are now."""
        return self._shelf(session)

    # --- settings ---

    def settings(self, session: Session) -> Patch:
        """The form as it is kept: never with a key."""
        preferences = self._desk.preferences
        kept = preferences.settings()
        use = "off" if kept.llm == "off" else "endpoint" if kept.llm_base_url else "auto"
        return {
            "form": {
                "use": use,
                "endpoint": kept.llm_base_url,
                "model": kept.llm_model,
                "key": "",
                "k": kept.k,
                "policy": kept.unsupported,
            },
            "key_note": session.say(_key_note(preferences)),
        }

    def save(self, form: Mapping[str, Any], session: Session) -> Patch:
        """Keep the form; new questions are answered with it."""
        say = session.say
        try:
            settings = self._desk.preferences.keep(**_changes(form))
            self._desk.replace(settings)
        except RagError as error:
            return {"outcome": _fault(error, say)}
        return {
            **self.settings(session),
            "banner": self._banner_html(say),
            "outcome": notice_html((say("saved"),), (), say),
        }

    def reset(self, session: Session) -> Patch:
        settings = self._desk.preferences.reset()
        self._desk.replace(settings)
        say = session.say
        return {
            **self.settings(session),
            "banner": self._banner_html(say),
            "outcome": notice_html((say("saved"),), (), say),
        }

    def models(self, form: Mapping[str, Any], session: Session) -> Patch:
        """The models that the endpoint in the form lists."""
        say = session.say
        try:
            # A model's name is made up where there is none: it is not needed for asking the list.
            endpoint = find_endpoint(
                self._desk.preferences.tried(**_changes({**form, "model": form["model"] or "-"}))
            )
            if endpoint is None:
                raise ConfigError(say("need-endpoint"), say("need-endpoint-do"))
            names = list_models(endpoint)
        except RagError as error:
            return {"outcome": _fault(error, say)}
        told = say("models-found", n=len(names)) if names else say("models-none")
        return {"models": names, "outcome": notice_html((told,), (), say)}

    def test(self, form: Mapping[str, Any], session: Session) -> Patch:
        """Whether the endpoint in the form answers, in one sentence."""
        from rag.llm import LLM

        say = session.say
        try:
            settings = self._desk.preferences.tried(**_changes(form))
            endpoint = find_endpoint(settings)
            if endpoint is None:
                told = say("test-off" if settings.llm == "off" else "test-none")
                return {"outcome": notice_html((told,), (), say)}
            began = time.perf_counter()
            LLM(endpoint, settings).complete([{"role": "user", "content": "Say: ok"}])
        except RagError as error:
            return {"outcome": _fault(error, say)}
        spent = round(1000 * (time.perf_counter() - began))
        told = say("test-ok", model=endpoint.model, host=endpoint.host, ms=spent)
        return {"outcome": notice_html((told,), (), say)}

    # --- parts ---

    def _begin(self, question: str, session: Session, instead_of: str) -> tuple[Session, Run]:
        conversation = session.conversation or self._store.create().id
        try:
            turns = self._store.turns(conversation)
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
        ended = await asyncio.to_thread(self._ended, session)
        if looking():
            yield ended

    def _ended(self, session: Session) -> Patch:
        return {"history": self._thread(session), "live": "", "talks": self._talks(session)}

    def _thread(self, session: Session) -> str:
        try:
            turns = self._store.turns(session.conversation)
        except ConversationNotFound:
            turns = []
        return thread_html(turns, session.say, session.conversation)

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
            session = replace(session, chosen=self._ticked(session.chosen))
            opened = await asyncio.to_thread(self._conversation, session, None)
            shelf = await asyncio.to_thread(self._shelf, session)
            banner = await asyncio.to_thread(self._banner_html, say)
            yield {**shelf, **(opened if looking() else {}), "start": "", "banner": banner}

    def _opened(self, session: Session, run: Run | None) -> dict[str, Any]:
        if self._desk.start.live.over():  # else there is no list yet to hold the choice against
            session = replace(session, chosen=self._ticked(session.chosen))
        return {
            **self._shelf(session),
            **self._conversation(session, run),
            **self.settings(session),
            "banner": self._banner_html(session.say),
            "start": "",
        }

    def _conversation(self, session: Session, run: Run | None) -> dict[str, Any]:
        """An open conversation. `run` was looked up before its turns are read: what ends meanwhile
        is then in both, and shown again when it is watched."""
        say, conversation = session.say, session.conversation
        asked, missing = conversation, ""
        turns: list[Turn] = []
        if conversation:
            try:
                turns = self._store.turns(conversation)
            except ConversationNotFound:
                missing, conversation = say("no-conversation"), ""
        session = replace(session, conversation=conversation)
        history = thread_html(turns, say, conversation)
        if not turns:
            history = welcome_html(self._suggestions(), say, asked)
        return {
            "session": session,
            "history": history,
            "live": _live_html(run.turn, run.live.value, say) if run else "",
            "talks": self._talks(session),
            **({"toast": missing} if missing else {}),
        }

    def _quote(self, what: Shown) -> str:
        """The exact words of the citation, from the answer that is kept."""
        if not what.turn:
            return ""
        try:
            answer = self._store.turn(what.turn).answer
        except ConversationNotFound:
            return ""
        cited = cited_in(answer) if answer else ()
        return cited[what.cite].quote if what.cite < len(cited) else ""

    def _talks(self, session: Session) -> str:
        listed = self._store.conversations(session.searched)
        return conversations_html(
            listed, session.say, current=session.conversation, searched=bool(session.searched)
        )

    def _shelf(self, session: Session) -> dict[str, Any]:
        """The essays. Without the session: what ends late must not bring back an older one."""
        try:
            essays = self._listed()
        except RagError as error:
            return {"essays": error_html(failure(error), session.say, retry=False), "scope": ""}
        return {
            "essays": essays_html(essays, session.chosen, session.say),
            "scope": scope_html(len(essays), session.chosen, session.say),
        }

    def _listed(self) -> list[EssayInfo]:
        """The essays; none while the index is being opened, which the start tells of. Raises the
        error of an index that cannot be read: that is no empty one."""
        try:
            with self._desk.lease() as rag:
                return rag.essays()
        except NotReady:
            return []

    def _ticked(self, chosen: Sequence[str] | None) -> tuple[str, ...] | None:
        """Those of `chosen` that there are, None for all; as they are while nobody can say."""
        try:
            with self._desk.lease() as rag:
                return _among(chosen, rag.essays())
        except RagError:
            return None if chosen is None else tuple(chosen)

    def _suggestions(self) -> list[str]:
        try:
            with self._desk.lease() as rag:
                return suggestions(rag.essays(), rag.text)
        except RagError:
            return []

    def _banner_html(self, say: Say) -> str:
        """Which model answers. Looked for once for each settings: looking may take 0.3 s."""
        settings = self._desk.settings
        if self._banner is None or self._banner[0] != settings:
            self._banner = (settings, _banner(settings))
        return banner_html(self._banner[1], say)


def _wordless(writing: Writing) -> bool:
    return writing.state == "asking" and not writing.text


def _chosen(choice: str) -> tuple[str, ...] | None:
    """The sources that the browser kept, None for all and for what is no list of them."""
    try:
        sources = json.loads(choice) if choice else None
    except ValueError:
        return None
    return tuple(map(str, sources)) if isinstance(sources, list) else None


def _among(chosen: Sequence[str] | None, essays: Sequence[EssayInfo]) -> tuple[str, ...] | None:
    """Those of the essays that are chosen, in their order; None where these are all."""
    if chosen is None:
        return None
    wanted = set(chosen)
    left = tuple(essay.source for essay in essays if essay.source in wanted)
    return None if len(left) == len(essays) else left


def _fault(error: RagError, say: Say) -> str:
    """An error in the settings, where there is no need to lead to them."""
    return error_html(Failure(error.what, error.do), say, retry=False)


def _banner(settings: Any) -> Banner:
    try:
        endpoint = find_endpoint(settings)
    except RagError as error:
        return Banner(hint=str(error))
    return Banner(endpoint.model, endpoint.host) if endpoint else Banner()


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


def _changes(form: Mapping[str, Any]) -> dict[str, Any]:
    """The form's fields as settings; None forgets what was set here."""
    common = {"k": int(form["k"]), "unsupported": form["policy"]}
    if form["use"] == "endpoint":
        if not str(form["endpoint"] or "").strip():
            raise ConfigError("There is no endpoint.", "Enter its address, up to and with /v1.")
        return {
            "llm": "auto",
            "llm_base_url": form["endpoint"].strip(),
            "llm_model": (form["model"] or "").strip(),
            "llm_api_key": form["key"] or "",
            **common,
        }
    nothing = {"llm_base_url": None, "llm_model": None, "llm_api_key": None}
    return {"llm": "off" if form["use"] == "off" else None, **nothing, **common}


def _key_note(preferences: Preferences) -> str:
    if preferences.key_kept:
        return "key-kept"
    return "key-given" if preferences.key_given else "key-none"


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
