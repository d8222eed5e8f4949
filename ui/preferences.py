"""What the person set on the page, kept in the data directory for its owner's eyes only."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Mapping
from itertools import chain, count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rag.config import Settings
from rag.errors import ConfigError
from rag.storage.files import put

__all__ = ["KEPT", "Preferences"]

FILE = "page.json"

MEND = (
    "Correct it and start the page again, or save the settings anew, which sets it aside as"
    f" {FILE}.broken."
)

KEPT = ("llm", "llm_base_url", "llm_model", "llm_api_key", "k", "unsupported")
"""The settings that the page may change."""


class Preferences:
    """Settings that the page lays over those of the environment.

    A key belongs to the host it was entered for: with another one, or without encryption where
    there was some, it is forgotten, and so a key of the environment goes to its own host alone.
    """

    def __init__(self, base: Settings) -> None:
        self._base = base
        self._path = base.data_dir / FILE
        self._writing = threading.Lock()  # the start marks what was read in beside a save

    @property
    def given(self) -> Settings:
        """The settings that these are laid over."""
        return self._base

    @property
    def values(self) -> Mapping[str, Any]:
        """What was set here, by the settings' names; nothing where there is a `fault`."""
        return self._usable()[0]

    @property
    def fault(self) -> ConfigError | None:
        """Why what was set here does not count, as of a file that was edited by hand."""
        return self._usable()[1]

    @property
    def variables(self) -> Collection[str]:
        """The variables of the environment before which what was set here goes."""
        return {f"RAG_{name.upper()}" for name in self.values}

    @property
    def key_kept(self) -> bool:
        """Whether a key was entered here; what it is stays here."""
        return bool(self.values.get("llm_api_key"))

    @property
    def key_given(self) -> bool:
        """Whether the key that is sent is one of the environment."""
        return not self.key_kept and bool(self.settings().llm_api_key.get_secret_value())

    @property
    def seeded(self) -> bool:
        """Whether the first essays were read in once: removed ones do not come back."""
        try:
            return bool(self._read().get("seeded"))
        except ConfigError:  # a file that is there was written after that
            return True

    def mark_seeded(self) -> None:
        """Remember that the first essays were read in: once removed they do not come back."""
        with self._writing:
            self._write({**self._read(), "seeded": True})

    def settings(self) -> Settings:
        """The settings that hold: without a model where there is a `fault`, since which one may see
        passages is in what cannot be read. Raises ConfigError."""
        values, fault = self._usable()
        return self._built({"llm": "off"} if fault else values)

    def tried(self, **changes: Any) -> Settings:
        """The settings as they would be with `changes`. Raises ConfigError."""
        return self._built(self._merged(changes))

    def keep(self, **changes: Any) -> Settings:
        """Keep `changes` (None forgets one) and give the settings that now hold.

        An empty `llm_api_key` keeps the key there is, unless the address is another one.
        Raises ConfigError, keeping nothing.
        """
        with self._writing:
            values = self._merged(changes)
            settings = self._built(values)
            self._write({"seeded": self.seeded, **values})
        return settings

    def reset(self) -> Settings:
        """Back to what the environment says. Raises ConfigError."""
        with self._writing:
            self._write({"seeded": self.seeded})
        return self.settings()

    def _merged(self, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        unknown = sorted(set(changes) - set(KEPT))
        if unknown:
            raise ConfigError(f"{unknown[0]} cannot be set on the page.")
        before = self.values
        after = {**before, **changes}
        if changes.get("llm_api_key") == "":
            after["llm_api_key"] = before.get("llm_api_key")
        moved = _origin(after.get("llm_base_url")) != _origin(before.get("llm_base_url"))
        if moved and not changes.get("llm_api_key"):
            after["llm_api_key"] = None
        return {name: value for name, value in after.items() if value is not None}

    def _built(self, values: Mapping[str, Any]) -> Settings:
        given = {name: getattr(self._base, name) for name in self._base.model_fields_set}
        if "llm_base_url" in values:  # then no model, and to another host no key, goes with it
            given["llm_model"] = ""
            if _origin(values["llm_base_url"]) != _origin(self._base.llm_base_url):
                given["llm_api_key"] = ""
        return Settings(**{**given, **values})

    def _usable(self) -> tuple[Mapping[str, Any], ConfigError | None]:
        """What was set here, or why it does not count."""
        try:
            values = {name: value for name, value in self._read().items() if name in KEPT}
        except ConfigError as error:
            return {}, error
        try:
            self._built(values)
        except ConfigError as error:
            what = f"The page's settings in {self._path} cannot be used: {error.what}"
            return {}, ConfigError(what, MEND, variables=error.variables)
        return values, None

    def _read(self) -> Mapping[str, Any]:
        try:
            values = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (ValueError, OSError) as error:
            what = f"The page's settings in {self._path} cannot be read: {error}."
            raise ConfigError(what, MEND) from error
        if not isinstance(values, dict):
            what = f"The page's settings in {self._path} cannot be read: they are no JSON object."
            raise ConfigError(what, MEND)
        return values

    def _write(self, values: Mapping[str, Any]) -> None:
        """Whole or not at all, for its owner's eyes only from the first byte; a broken file is set
        aside first."""
        try:
            if self.fault and self._path.exists():
                self._path.rename(_unused(self._path.with_name(f"{FILE}.broken")))
            put(self._path, json.dumps(values, ensure_ascii=False).encode())
        except OSError as error:
            raise ConfigError(
                f"The page's settings could not be kept in {self._path}:"
                f" {error.strerror or error}.",
                "Look whether there is room, and whether you may write there.",
            ) from error


def _unused(path: Path) -> Path:
    numbered = (path.with_name(f"{path.name}-{n}") for n in count(2))
    return next(name for name in chain([path], numbered) if not name.exists())


def _origin(url: object) -> tuple[str, str]:
    """Scheme and host with its port. Raises ConfigError for what is no address."""
    try:
        parts = urlsplit(str(url or "").strip())
    except ValueError as error:
        raise ConfigError(
            f"{url!r} is no address: {error}.", "Enter it up to and with /v1."
        ) from error
    return parts.scheme, parts.netloc.rpartition("@")[2].lower()
