"""Which model endpoint answers: named by a setting, or found on this machine's loopback.

The groups of settings are tried in order, each as a whole: a base URL only ever meets the key and
the model of its own group, so no key travels to another host. Nothing here imports openai.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr

from rag.config import Settings, checked_address, checked_key
from rag.endpoints.connect import is_loopback
from rag.endpoints.servers import CONTEXT, LOCAL_PORTS, TITLES, Kind, Server, discover
from rag.errors import ConfigError
from rag.redact import without_userinfo

__all__ = [
    "Endpoint",
    "Finding",
    "Survey",
    "find_endpoint",
    "judge_endpoint",
    "list_models",
    "survey",
]

T = TypeVar("T")

OPENAI_URL = "https://api.openai.com/v1"
OPENAI_MODEL = "gpt-4.1-mini"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where answers come from.

    `origin` says what named it. `context_window` is in tokens, prompt and answer together.
    `base_url` goes up to and with /v1; it is empty for a GGUF file, which is served on a loopback
    port only once it is needed.
    """

    kind: Kind
    base_url: str
    model: str
    origin: str
    context_window: int
    api_key: SecretStr = field(default=SecretStr(""), repr=False)
    gguf: Path | None = None

    @property
    def host(self) -> str:
        """The host that sees questions and passages."""
        return urlsplit(self.base_url).netloc.rpartition("@")[2] or "this process"

    @property
    def local(self) -> bool:
        """Whether passages stay on this machine."""
        return self.kind == "gguf" or is_loopback(self.base_url)

    def __str__(self) -> str:
        return f"{self.model} ({TITLES[self.kind]}, {self.host})"


@dataclass(frozen=True, slots=True)
class Finding:
    """One endpoint that a setting names or that answers on loopback; `chosen` is the one used."""

    title: str
    base_url: str
    models: tuple[str, ...] = ()
    note: str = ""
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Survey:
    """What was looked at, what was chosen, and one-line hints on what else there could be."""

    endpoint: Endpoint | None
    findings: tuple[Finding, ...] = ()
    hints: tuple[str, ...] = ()


def find_endpoint(settings: Settings) -> Endpoint | None:
    """The endpoint that answers, or None where answers are quotes only.

    Raises ConfigError where a group of settings is incomplete and cannot be completed safely.
    """
    return survey(settings).endpoint


def survey(settings: Settings, ports: Sequence[int] = LOCAL_PORTS) -> Survey:
    """Find the endpoint and remember what was seen on the way. Raises ConfigError."""
    if settings.llm == "off":
        return Survey(None, hints=("RAG_LLM=off: answers are quotes only.",))
    named = _named(settings)
    if named:
        address = without_userinfo(named.base_url)
        found = Finding(TITLES[named.kind], address, (named.model,), named.origin, True)
        return Survey(named, (found,))
    hints = _lone_key_hint(settings)
    if not settings.llm_discover:
        off = "RAG_LLM_DISCOVER=false: no local server is looked for."
        return Survey(None, hints=(*hints, off))
    servers = discover(ports, settings.llm_model)
    chosen = next((server for server in servers if server.named(settings.llm_model)), None)
    chosen = chosen or next((server for server in servers if server.chat), None)
    endpoint = _on_this_machine(chosen, settings) if chosen else None
    findings = tuple(_finding(server, server is chosen) for server in servers)
    if not endpoint:
        hints = (*hints, "No model found: start Ollama, or set RAG_LLM_BASE_URL and RAG_LLM_MODEL.")
    elif settings.llm_model and chosen and not chosen.named(settings.llm_model):
        hints = (*hints, f"RAG_LLM_MODEL={settings.llm_model} is not there: {endpoint} answers.")
    return Survey(endpoint, findings, hints)


def judge_endpoint(settings: Settings, answering: Endpoint | None) -> Endpoint | None:
    """The endpoint that judges sentences: None when RAG_JUDGE is off, or when it is `same` and no
    endpoint answers. Raises ConfigError where the judge's group is incomplete."""
    match settings.judge:
        case "off":
            return None
        case "same":
            return answering
        case url:
            model = ("RAG_JUDGE_MODEL", settings.judge_model)
            return _remote("RAG_JUDGE", url, model, settings.judge_api_key, settings.llm_context)


def list_models(endpoint: Endpoint) -> tuple[str, ...]:
    """The ids that the endpoint lists; empty where it lists none or does not answer."""
    server = Server.at(endpoint.base_url, endpoint.api_key, guess="other")
    return server.ids if server else ()


# --- found on loopback ---


def _on_this_machine(server: Server, settings: Settings) -> Endpoint:
    model = server.named(settings.llm_model) or server.chat[0]
    window = settings.llm_context or server.window(model)
    return Endpoint(server.kind, server.base_url, model, "found on this machine", window)


def _finding(server: Server, chosen: bool) -> Finding:
    note = "" if server.chat else "lists no model that can answer"
    return Finding(TITLES[server.kind], server.base_url, server.ids, note, chosen)


# --- named by settings ---


def _named(settings: Settings) -> Endpoint | None:
    context = settings.llm_context
    if settings.llm == "openai":
        return _openai(settings)
    if settings.llm_base_url:
        return _remote(
            "RAG_LLM_BASE_URL",
            settings.llm_base_url,
            ("RAG_LLM_MODEL", settings.llm_model),
            settings.llm_api_key,
            context,
        )
    if settings.openai_base_url:
        return _openai_group(settings)
    if settings.llm_gguf:
        return _gguf(settings.llm_gguf, context)
    return None


def _openai_group(settings: Settings) -> Endpoint:
    return _remote(
        "OPENAI_BASE_URL",
        _checked("OPENAI_BASE_URL", checked_address, settings.openai_base_url),
        ("OPENAI_MODEL", settings.openai_model),
        _checked("OPENAI_API_KEY", checked_key, settings.openai_api_key),
        settings.llm_context,
    )


def _openai(settings: Settings) -> Endpoint:
    if settings.openai_base_url:
        return _openai_group(settings)
    if not settings.openai_api_key.get_secret_value():
        what = "RAG_LLM=openai, but there is no OPENAI_API_KEY."
        raise ConfigError(what, "Set it, or RAG_LLM=auto.")
    return Endpoint(
        "openai",
        OPENAI_URL,
        settings.openai_model or OPENAI_MODEL,
        "RAG_LLM=openai",
        settings.llm_context or CONTEXT["openai"],
        _checked("OPENAI_API_KEY", checked_key, settings.openai_api_key),
    )


def _checked(name: str, check: Callable[[T], T], value: T) -> T:
    try:
        return check(value)
    except ValueError as error:
        raise ConfigError(f"{name} is wrong: {error}.", "Correct it or remove it.") from None


def _lone_key_hint(settings: Settings) -> tuple[str, ...]:
    if settings.openai_api_key.get_secret_value():
        return ("OPENAI_API_KEY is set but not used: RAG_LLM=openai sends passages to OpenAI.",)
    return ()


def _gguf(path: Path, context: int | None) -> Endpoint:
    if not path.is_file():
        raise ConfigError(f"RAG_LLM_GGUF names {path}, and there is no such file.", "Correct it.")
    return Endpoint("gguf", "", path.stem, "RAG_LLM_GGUF", context or CONTEXT["gguf"], gguf=path)


def _remote(
    origin: str, url: str, model: tuple[str, str], key: SecretStr, context: int | None
) -> Endpoint:
    """The endpoint of one group; `model` is the setting's name and its value."""
    model_key, name = model
    url = url.rstrip("/")
    host = urlsplit(url).hostname or ""
    kind: Kind = "openai" if host == "api.openai.com" else "other"
    endpoint = Endpoint(kind, url, name, origin, context or CONTEXT[kind], key)
    if name and (context or not _near(host)):
        return endpoint
    server = Server.at(url, key, guess="other")
    if not name:
        endpoint = replace(endpoint, model=_only_model(origin, model_key, server))
    if server and kind == "other":
        window = context or server.window(endpoint.model)
        endpoint = replace(endpoint, kind=server.kind, context_window=window)
    return endpoint


def _near(host: str) -> bool:
    """Loopback or a private network, where asking for the model list costs next to nothing."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False


def _only_model(origin: str, model_key: str, server: Server | None) -> str:
    variables = (origin, model_key)
    if server is None:
        raise ConfigError(
            f"{origin} is set without {model_key}, and the endpoint lists no models or does not"
            " answer.",
            f"Set {model_key}, or start the server.",
            variables=variables,
        )
    chat = server.chat
    if len(chat) == 1:
        return chat[0]
    if not chat:
        raise ConfigError(
            f"{origin} is set without {model_key}, and the endpoint lists no model that chats.",
            f"Load one there, or set {model_key} to its name.",
            variables=variables,
        )
    listed = ", ".join(chat[:20])
    what = f"{origin} is set without {model_key}."
    raise ConfigError(what, f"Set it to one of: {listed}.", variables=variables)
