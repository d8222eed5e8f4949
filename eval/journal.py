"""Takes up a run that broke off."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eval.cases import Outcome, PairOutcome
from rag.endpoints.endpoint import find_endpoint

__all__ = ["Journal", "journal_path"]

KEPT = 30 * 24 * 3600
"""Seconds that a run which broke off can be taken up for: after a change of code it never is."""


class Journal:
    """Outcomes as they come, one JSON object a line, until the run is complete, without an error.

    The file's name is a digest of settings, essays, questions, code and the model that answers, so
    nothing else is ever read back. Errors are not kept: they are tried again. Without a path
    nothing is kept.
    """

    def __init__(self, path: Path | None, fresh: bool) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._done: dict[str, Outcome | PairOutcome] = {}
        if path:
            _forget_old(path.parent)
        if path and path.exists():
            if fresh:
                path.unlink()
            else:
                _mend(path)
                self._done = {outcome.id: outcome for outcome in _read_journal(path)}

    def known(self, id_: str) -> Outcome | PairOutcome | None:
        """The outcome from before the run broke off."""
        return self._done.get(id_)

    def add(self, outcome: Outcome | PairOutcome) -> None:
        """Keep an outcome."""
        if self.path is None or outcome.error:
            return
        line = json.dumps([type(outcome).__name__, asdict(outcome)], ensure_ascii=False)
        with self._lock:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    def close(self) -> None:
        """The run is complete: forget it, so that the next one measures again."""
        if self.path:
            self.path.unlink(missing_ok=True)


def _forget_old(folder: Path) -> None:
    oldest = time.time() - KEPT
    for path in folder.glob("*.jsonl"):
        with suppress(FileNotFoundError):  # another run may be forgetting it too
            if path.stat().st_mtime < oldest:
                path.unlink()


def _mend(path: Path) -> None:
    """Cut off the line that was being written when the run broke off: the next would join it."""
    with path.open("r+b") as file:
        file.truncate(file.read().rfind(b"\n") + 1)


def _read_journal(path: Path) -> Iterator[Outcome | PairOutcome]:
    # not splitlines, which also cuts at signs that may stand inside an answer
    for line in path.read_text(encoding="utf-8").split("\n"):
        try:
            name, data = json.loads(line)
        except json.JSONDecodeError:
            continue  # two lines that became one: both are measured again
        yield (Outcome if name == "Outcome" else PairOutcome).from_dict(data)


def journal_path(rag: object, stamp: Mapping[str, Any]) -> Path | None:
    """Only a plain Rag's runs are kept: what a subclass does is in no digest.

    Raises ConfigError where the settings name a model that cannot be found.
    """
    settings = getattr(rag, "settings", None)
    if settings is None or type(rag).__module__.split(".")[0] != "rag":
        return None
    # no setting says what a server found on this machine, or one without a model's name, has loaded
    content = [stamp, str(find_endpoint(settings))]
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:24]
    return Path(settings.data_dir) / "eval" / "runs" / f"{key}.jsonl"
