"""Settings: the one place that reads the environment and `.env`."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import platformdirs
from dotenv import dotenv_values
from pydantic import (
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from rag.errors import ConfigError

__all__ = ["ANSWERING", "INGREDIENTS", "Settings", "checked_address", "checked_key"]

PREFIX = "RAG_"
DOTENV = ".env"

INGREDIENTS = (
    "lexical",
    "use",
    "sentences",
    "tokens",
    "questions",
    "toward",
    "cohort",
    "dictionary",
    "titles",
    "network",
    "copies",
    "parts",
    "whole",
    "rerank",
)
"""What retrieval is made of and `without` can turn off, one by one."""

ANSWERING = ("reader",)
"""The same of answering without a model."""


def _default_data_dir() -> Path:
    return Path(platformdirs.user_data_dir("essay-rag", appauthor=False))


class Settings(BaseSettings):
    """Everything that can be set, from arguments, then `RAG_*` variables, then `.env`.

    An empty value means the default. Raises ConfigError for an unknown `RAG_*` key or a value of
    the wrong kind.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=DOTENV,
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",  # .env may hold other programs' keys; unknown RAG_* keys are refused below
        frozen=True,
        populate_by_name=True,
    )

    data_dir: Path = Field(
        default_factory=_default_data_dir, description="where the index and the chats are kept"
    )
    models_dir: Path | None = Field(
        None, description="where converted weights are kept; default: models/ in the data directory"
    )

    llm: Literal["auto", "off", "openai"] = Field(
        "auto", description="off: quotes only; openai: use OPENAI_API_KEY at OpenAI itself"
    )
    llm_base_url: str = Field("", description="any OpenAI-compatible endpoint, up to and with /v1")
    llm_model: str = Field("", description="the model's name at that endpoint")
    llm_api_key: SecretStr = Field(SecretStr(""), description="the key for RAG_LLM_BASE_URL alone")
    llm_gguf: Path | None = Field(None, description="a GGUF file to run in this process")
    llm_context: int | None = Field(None, gt=255, description="the model's context, in tokens")
    llm_max_tokens: int = Field(1024, gt=0, description="the longest answer, in tokens")
    llm_timeout: float = Field(60.0, gt=0, description="seconds of silence until giving up")
    llm_retries: int = Field(2, ge=0, description="how often a failed request is sent again")
    llm_discover: bool = Field(True, description="look for a local server on its default port")

    openai_base_url: str = Field("", validation_alias=AliasChoices("OPENAI_BASE_URL"))
    openai_api_key: SecretStr = Field(
        SecretStr(""), validation_alias=AliasChoices("OPENAI_API_KEY")
    )
    openai_model: str = Field("", validation_alias=AliasChoices("OPENAI_MODEL"))

    embed_base_url: str = Field("", description="an embeddings endpoint, instead of the bundled e5")
    embed_model: str = Field("", description="the embedding model's name at that endpoint")
    embed_api_key: SecretStr = Field(SecretStr(""), description="the key for RAG_EMBED_BASE_URL")
    embed_threads: int = Field(
        0, ge=0, description="threads for the bundled encoders; 0: the cores"
    )

    rerank: Literal["answers", "always", "never"] = Field(
        "answers",
        description="when the bundled reader puts passages in order: for answers without a model,"
        " always (finding takes some tenths of a second longer) or never",
    )
    rerank_base_url: str = Field("", description="a /v1/rerank endpoint, up to and with /v1")
    rerank_model: str = Field("", description="the reranker's name at that endpoint")
    rerank_api_key: SecretStr = Field(SecretStr(""), description="the key for RAG_RERANK_BASE_URL")

    k: int = Field(5, gt=0, le=50, description="passages an answer is made from")
    without: Annotated[frozenset[str], NoDecode] = Field(
        frozenset(), description="ingredients to turn off: " + ", ".join((*INGREDIENTS, *ANSWERING))
    )

    refuse_below: float = Field(
        0.46, ge=0, le=1, description="refuse when the answer is less probable than this"
    )
    unsupported: Literal["mark", "drop", "retry"] = Field(
        "mark", description="what to do with a sentence that its source does not support"
    )
    judge: str = Field(
        "off", description="off, same (the answering endpoint), or a judge endpoint's base URL"
    )
    judge_model: str = Field("", description="the judge's model name")
    judge_api_key: SecretStr = Field(SecretStr(""), description="the key for the judge endpoint")

    ui_concurrency: int = Field(32, gt=0, description="answers that the page works on at once")
    ui_queue: int = Field(200, gt=0, description="questions that may wait for their turn")

    def __init__(self, **values: Any) -> None:
        _refuse_unknown_keys(values)
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise _config_error(error) from None

    @field_validator("without", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        if isinstance(value, str):
            value = [name.strip() for name in value.split(",") if name.strip()]
        if isinstance(value, (list, tuple, set, frozenset)):
            known = (*INGREDIENTS, *ANSWERING)
            unknown = sorted(set(value).difference(known))
            if unknown:
                raise ValueError(f"{', '.join(unknown)} is none of {', '.join(known)}")
            return frozenset(value)
        return value

    # What OPENAI_* hold is other programs' business until it is used, and is checked then.
    @field_validator("llm_base_url", "embed_base_url", "rerank_base_url")
    @classmethod
    def _addresses(cls, value: str) -> str:
        return checked_address(value) if value.strip() else ""

    @field_validator("judge")
    @classmethod
    def _judges(cls, value: str) -> str:
        word = value.strip() or "off"
        if word in ("off", "same"):
            return word
        if not word.startswith(("http://", "https://")):
            raise ValueError("it is to be off, same, or a base URL such as http://…/v1")
        return checked_address(word)

    @field_validator("llm_api_key", "embed_api_key", "rerank_api_key", "judge_api_key")
    @classmethod
    def _keys(cls, value: SecretStr) -> SecretStr:
        return checked_key(value)

    @field_validator("data_dir", "models_dir", "llm_gguf", mode="before")
    @classmethod
    def _empty(cls, value: object, info: ValidationInfo) -> object:
        if value == "":  # as a Path it is the current folder, which nobody means by it
            field = cls.model_fields[info.field_name or ""]
            return field.get_default(call_default_factory=True)
        return value

    @field_validator("data_dir", "models_dir", "llm_gguf", mode="after")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        try:
            return value.expanduser().absolute() if value else value
        except (RuntimeError, OSError) as error:  # no such user; no current folder any more
            raise ValueError(str(error).rstrip(".")) from error

    @property
    def models(self) -> Path:
        """The folder of what is converted once for all indexes."""
        return self.models_dir or self.data_dir / "models"

    def fingerprint(self) -> str:
        """16 hex digits that change with every setting that shapes the index (not with keys)."""
        shaping = {"embed_base_url": self.embed_base_url, "embed_model": self.embed_model}
        return hashlib.sha256(json.dumps(shaping, sort_keys=True).encode()).hexdigest()[:16]


def checked_address(value: str) -> str:
    """A base URL without the white space around it.

    Raises:
        ValueError: it is no http or https address.
    """
    value = value.strip()
    if not _is_address(value):
        raise ValueError("it is no address: use http://host:port/v1")
    return value


def _is_address(value: str) -> bool:
    if not value.isprintable() or " " in value:
        return False
    try:
        parts = urlsplit(value)
        _ = parts.port  # a property that raises what is wrong with it
        host = (parts.hostname or "").encode("idna")
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(host)


def checked_key(key: SecretStr) -> SecretStr:
    """A key without the white space around it, such as a script's line end.

    Raises:
        ValueError: it cannot stand in an HTTP header.
    """
    secret = key.get_secret_value().strip()
    if not (secret.isascii() and secret.isprintable()):
        raise ValueError("a key holds only printable ASCII characters: copy it again")
    return SecretStr(secret)


def _refuse_unknown_keys(values: dict[str, Any]) -> None:
    names = Settings.model_fields
    allowed = {PREFIX + name.upper() for name in names if not name.startswith("openai_")}
    given = [*os.environ, *_dotenv_keys()]
    unknown = sorted({key for key in given if key.startswith(PREFIX) and key not in allowed})
    unknown += sorted(set(values) - set(names))
    if unknown:
        key = unknown[0]
        near = difflib.get_close_matches(key, [*allowed, *names], n=1)
        hint = (
            f"Did you mean {near[0]}?" if near else "`rag doctor --settings` lists those there are."
        )
        raise ConfigError(f"{key} is not a setting.", hint)


def _dotenv_keys() -> list[str]:
    try:
        return list(dotenv_values(DOTENV))
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{Path(DOTENV).absolute()} is no UTF-8: byte {error.start} does not fit.",
            "Save it as UTF-8.",
        ) from error
    except OSError as error:
        raise ConfigError(
            f"{Path(DOTENV).absolute()} cannot be read: {error.strerror or error}.",
            "Make it readable, or start from another folder.",
        ) from error


def _config_error(error: ValidationError) -> ConfigError:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    shown = name if name.isupper() else PREFIX + name.upper()
    what = first["msg"].removeprefix("Value error, ")
    value = str(first["input"])[:80]
    # An address may hold a password before its "@".
    given = "" if "KEY" in shown or "@" in value else f" (given: {value!r})"
    return ConfigError(
        f"{shown} is wrong: {what}{given}.", "Correct it or remove it.", variables=[shown]
    )
