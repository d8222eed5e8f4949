"""Conversations, answers and feedback in one SQLite file of the data directory.

Every answer is kept whole, so that what is shown after a restart is what was shown before it and
so that feedback can be evaluated later. The file may hold private talk: only its owner can read it.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from rag.errors import RagError
from rag.records import to_record
from rag.schema import Answer
from rag.storage.database import told
from ui.inert import fenced, inert, one_line
from ui.record import from_json, to_json

__all__ = [
    "Conversation",
    "ConversationNotFound",
    "Feedback",
    "Store",
    "Turn",
    "TurnState",
    "export_json",
    "export_markdown",
]

TurnState = Literal["asking", "done", "stopped", "failed", "ended"]
"""`ended`: the program did, before the answer was whole."""

TITLE_LENGTH = 80

MIGRATIONS = (
    """
    CREATE TABLE conversation (
        id TEXT PRIMARY KEY, owner TEXT NOT NULL, title TEXT NOT NULL,
        created TEXT NOT NULL, updated TEXT NOT NULL);
    CREATE INDEX conversation_recent ON conversation (owner, updated DESC);
    CREATE TABLE turn (
        id TEXT PRIMARY KEY,
        conversation TEXT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
        question TEXT NOT NULL, sources TEXT, state TEXT NOT NULL, text TEXT NOT NULL DEFAULT '',
        answer TEXT, error TEXT, created TEXT NOT NULL, folded TEXT NOT NULL,
        position INTEGER NOT NULL, UNIQUE (conversation, position));
    CREATE TABLE feedback (
        turn TEXT PRIMARY KEY,
        conversation TEXT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
        value INTEGER NOT NULL CHECK (value IN (-1, 1)), comment TEXT NOT NULL,
        question TEXT NOT NULL, answer TEXT, created TEXT NOT NULL);
    """,
)
"""One script for each step of `user_version`; what was shipped is never edited, only added to."""


class ConversationNotFound(RagError):
    """No conversation of that name is kept."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a list of conversations shows of one. Times are ISO 8601 in UTC."""

    id: str
    title: str
    created: str
    updated: str


@dataclass(frozen=True, slots=True)
class Feedback:
    """A thumb (+1 or -1), the comment, and the answer as it was when it was judged."""

    turn: str
    value: int
    comment: str
    question: str
    answer: Answer | None
    created: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and what came of it.

    `text` is what was shown of an answer that did not come to its end; `error` is the sentence that
    was shown. `sources` are the essays that were searched, None for all.
    """

    id: str
    conversation: str
    question: str
    sources: tuple[str, ...] | None
    state: TurnState
    text: str
    answer: Answer | None
    error: str
    created: str
    thumb: int = 0
    comment: str = ""


class Store:
    """Conversations of one person (`owner`; the only one until there are logins).

    Safe to use from many threads: each call opens its own connection.
    """

    def __init__(
        self, path: Path, *, owner: str = "", fold: Callable[[str], str] | None = None
    ) -> None:
        """`fold` maps a text to the form that `search` compares.

        Raises:
            RagError: the file cannot be read or written; so does every method.
        """
        self.path = path
        self.owner = owner
        self._fold = fold or _fold
        self._writing = threading.Lock()
        with self._faults():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.chmod(0o600)
            self._migrate()

    def create(self, title: str = "") -> Conversation:
        """A new conversation; without a title it takes its first question's."""
        now = _now()
        made = Conversation(secrets.token_urlsafe(12), _short(title), now, now)
        with self._write() as db:
            db.execute(
                "INSERT INTO conversation (id, owner, title, created, updated) VALUES (?,?,?,?,?)",
                (made.id, self.owner, made.title, now, now),
            )
        return made

    def get(self, conversation: str) -> Conversation:
        """Raises ConversationNotFound."""
        with self._read() as db:
            row = db.execute(
                "SELECT id, title, created, updated FROM conversation WHERE id = ? AND owner = ?",
                (conversation, self.owner),
            ).fetchone()
        if row is None:
            raise ConversationNotFound(
                "This conversation is not kept (any more).", "Start a new one."
            )
        return Conversation(*row)

    def conversations(self, words: str = "", limit: int = -1) -> list[Conversation]:
        """The latest first; with `words`, those in whose title, questions or answers they stand.

        A negative `limit` is none.
        """
        wanted = [f"%{_escaped(word)}%" for word in self._fold(words).split()]
        with self._read() as db:
            found = db.execute(_WITH_ALL_WORDS, (self.owner, json.dumps(wanted), limit))
            return [Conversation(*row) for row in found]

    def rename(self, conversation: str, title: str) -> None:
        """Raises ConversationNotFound."""
        self.get(conversation)
        with self._write() as db:
            db.execute(
                "UPDATE conversation SET title = ? WHERE id = ?", (_short(title), conversation)
            )

    def delete(self, conversation: str) -> None:
        """Forget it, its answers and their feedback. Nothing happens when it is not there."""
        with self._write() as db:
            db.execute(
                "DELETE FROM conversation WHERE id = ? AND owner = ?", (conversation, self.owner)
            )

    def ask(
        self,
        conversation: str,
        question: str,
        sources: Sequence[str] | None = None,
        instead_of: str = "",
    ) -> Turn:
        """Append a question; its turn is `asking` until `finish`. `instead_of` a turn, that one
        and all after it are forgotten, as by retry and edit. Raises ConversationNotFound."""
        kept = self.get(conversation)
        turn = Turn(
            secrets.token_urlsafe(12),
            conversation,
            question,
            None if sources is None else tuple(sources),
            "asking",
            "",
            None,
            "",
            _now(),
        )
        with self._write() as db:
            db.execute(
                "DELETE FROM turn WHERE conversation = (SELECT conversation FROM turn WHERE id = ?)"
                " AND position >= (SELECT position FROM turn WHERE id = ?)",
                (instead_of, instead_of),
            )
            db.execute(
                "INSERT INTO turn (id, conversation, question, sources, state, created, folded,"
                " position) SELECT ?,?,?,?,?,?,?, COALESCE(MAX(position), 0) + 1 FROM turn"
                " WHERE conversation = ?",
                (
                    turn.id,
                    conversation,
                    question,
                    None if turn.sources is None else json.dumps(turn.sources),
                    turn.state,
                    turn.created,
                    self._fold(question),
                    conversation,
                ),
            )
            db.execute(
                "UPDATE conversation SET updated = ?, title = ? WHERE id = ?",
                (turn.created, kept.title or _short(question), conversation),
            )
        return turn

    def keep(self, turn: str, text: str) -> None:
        """Keep how far an answer is, for when the program ends before it does."""
        with self._write() as db:
            db.execute("UPDATE turn SET text = ? WHERE id = ? AND state = 'asking'", (text, turn))

    def finish(
        self,
        turn: str,
        state: TurnState,
        *,
        answer: Answer | None = None,
        text: str = "",
        error: str = "",
    ) -> None:
        """Keep what came of a question. Nothing happens when it was deleted meanwhile."""
        shown = answer.text if answer else text
        with self._write() as db:
            db.execute(
                "UPDATE turn SET state = ?, answer = ?, text = ?, error = ?,"
                " folded = fold(question || ' ' || ?) WHERE id = ?",
                (state, to_json(answer) if answer else None, shown, error, shown, turn),
            )

    def turns(self, conversation: str) -> list[Turn]:
        """The turns in their order. Raises ConversationNotFound."""
        self.get(conversation)
        with self._read() as db:
            rows = db.execute(
                f"{_TURN} WHERE t.conversation = ? ORDER BY position", (conversation,)
            )
            return [_turn(row) for row in rows]

    def turn(self, turn: str) -> Turn:
        """Raises ConversationNotFound."""
        with self._read() as db:
            row = db.execute(
                f"{_TURN} JOIN conversation c ON c.id = t.conversation"
                " WHERE t.id = ? AND c.owner = ?",
                (turn, self.owner),
            ).fetchone()
        if row is None:
            raise ConversationNotFound("This answer is not kept (any more).", "Ask again.")
        return _turn(row)

    def broken_off(self) -> list[str]:
        """Mark the turns that a dead process left `asking` as ended; their ids."""
        with self._write() as db:
            rows = db.execute("UPDATE turn SET state = 'ended' WHERE state = 'asking' RETURNING id")
            return [row[0] for row in rows]

    def judge(self, turn: str, value: int, comment: str = "") -> None:
        """Keep a thumb with the answer as it is now; 0 takes it back.

        Raises ConversationNotFound.
        """
        kept = self.turn(turn)
        with self._write() as db:
            if value == 0:
                db.execute("DELETE FROM feedback WHERE turn = ?", (turn,))
                return
            db.execute(
                "INSERT OR REPLACE INTO feedback"
                " (turn, conversation, value, comment, question, answer, created)"
                " VALUES (?,?,?,?,?,?,?)",
                (
                    turn,
                    kept.conversation,
                    value,
                    comment,
                    kept.question,
                    to_json(kept.answer) if kept.answer else None,
                    _now(),
                ),
            )

    def feedback(self) -> list[Feedback]:
        """All that was judged, the oldest first, also of answers that were asked for again."""
        with self._read() as db:
            rows = db.execute(
                "SELECT f.turn, f.value, f.comment, f.question, f.answer, f.created FROM feedback f"
                " JOIN conversation c ON c.id = f.conversation"
                " WHERE c.owner = ? ORDER BY f.created, f.rowid",
                (self.owner,),
            )
            return [
                Feedback(turn, value, comment, question, _answer(answer), created)
                for turn, value, comment, question, answer, created in rows
            ]

    def _migrate(self) -> None:
        with closing(self._open()) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("BEGIN IMMEDIATE")
            (done,) = db.execute("PRAGMA user_version").fetchone()
            if done > len(MIGRATIONS):
                raise RagError(
                    f"{self.path} was written by a newer version (schema {done}, this one knows"
                    f" {len(MIGRATIONS)}).",
                    "Update essay-rag, or choose another RAG_DATA_DIR.",
                )
            for script in MIGRATIONS[done:]:
                for statement in filter(str.strip, script.split(";")):
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
            db.execute("COMMIT")

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA synchronous = NORMAL")
        db.create_function("fold", 1, self._fold, deterministic=True)
        return db

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with self._faults(), closing(self._open()) as db:
            yield db

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._writing, self._faults(), closing(self._open()) as db:
            db.execute("BEGIN IMMEDIATE")
            yield db  # an error closes the connection, which rolls back
            db.execute("COMMIT")

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:  # says nothing of the file
            raise
        except sqlite3.Error as error:
            raise self._fault(error) from error
        except OSError as error:
            raise RagError(
                f"{self.path} cannot be opened: {error.strerror or error}.",
                "Set RAG_DATA_DIR to a folder you may write to.",
            ) from error

    def _fault(self, error: sqlite3.Error) -> RagError:
        reason = told(error)
        if "disk is full" in reason:
            return RagError(
                f"There is no room left to write {self.path}.",
                "Make room; what was kept before is still there.",
            )
        if "readonly" in reason or "unable to open" in reason:
            return RagError(
                f"{self.path} cannot be written: {reason}.",
                "Set RAG_DATA_DIR to a folder you may write to, or to a copy of this one.",
            )
        if "disk I/O error" in reason:  # a quota, a failing disk: says nothing of the content
            return RagError(
                f"{self.path} could not be read or written: {reason}.",
                "Look whether its disk has room, for you too, and works.",
            )
        if "locked" in reason or "busy" in reason:
            return RagError(
                f"{self.path} is locked by another process.", "Try again when it is done."
            )
        return RagError(
            f"{self.path} is damaged or no file of conversations: {reason}.",
            "Move it aside and start again: the conversations are in it, the essays are not.",
        )


def export_markdown(conversation: Conversation, turns: Sequence[Turn]) -> str:
    """The conversation for reading, each answer with its exact quotes. Nothing of what models and
    documents say is an image, a link or a tag in it."""
    lines = [f"# {one_line(conversation.title)}", ""]
    for turn in turns:
        lines += [f"## {one_line(turn.question)}", ""]
        if turn.answer is None:
            said = " ".join(turn.error.split("\n")[:2])
            lines += [inert(turn.text), "", f"*{one_line(said or turn.state)}*", ""]
            continue
        lines += [inert(turn.answer.text), ""]
        for citation in turn.answer.citations:
            lines += [
                f"[{citation.n}] {one_line(citation.title)}, {one_line(citation.source)},"
                f" {citation.start}–{citation.end}",
                "",
                fenced(citation.quote),
                "",
            ]
    return "\n".join(lines)


def export_json(conversation: Conversation, turns: Sequence[Turn]) -> str:
    """The conversation as one object; answers with the field names of `rag.schema.Answer`."""
    whole = {"conversation": to_record(conversation), "turns": to_record(turns)}
    return json.dumps(whole, ensure_ascii=False, indent=1)


_WITH_ALL_WORDS = """
    SELECT c.id, c.title, c.created, c.updated FROM conversation c
    WHERE c.owner = ?
      AND NOT EXISTS (
        SELECT 1 FROM json_each(?) AS word
        WHERE fold(c.title) NOT LIKE word.value ESCAPE '\\'
          AND NOT EXISTS (
            SELECT 1 FROM turn t
            WHERE t.conversation = c.id AND t.folded LIKE word.value ESCAPE '\\'
          )
      )
    ORDER BY c.updated DESC, c.rowid DESC LIMIT ?
"""

_TURN = (
    "SELECT t.id, t.conversation, t.question, t.sources, t.state, t.text, t.answer, t.error,"
    " t.created, f.value, f.comment FROM turn t LEFT JOIN feedback f ON f.turn = t.id"
)


def _turn(row: Sequence[Any]) -> Turn:
    ident, conversation, question, sources, state, text, answer, error, created, thumb, said = row
    return Turn(
        ident,
        conversation,
        question,
        None if sources is None else tuple(json.loads(sources)),
        state,
        text,
        _answer(answer),
        error or "",
        created,
        thumb or 0,
        said or "",
    )


def _answer(text: str | None) -> Answer | None:
    return from_json(text) if text else None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _short(title: str) -> str:
    line = " ".join(title.split())
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1] + "…"


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
