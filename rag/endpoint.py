"""Which model endpoint answers: named by a setting, or found on this machine's loopback.

The groups of settings are tried in order, each as a whole: a base URL only ever meets the key and
the model of its own group, so no key travels to another host. Nothing here imports openai.
"""

from __future__ import annotations

import errno
import importlib
import ipaddress
import json
import re
import selectors
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr

from rag.config import Settings, checked_address, checked_key
from rag.connect import client, is_loopback
from rag.errors import ConfigError
from rag.redact import without_userinfo

if TYPE_CHECKING:
    import httpx

__all__ = [
    "LOCAL_PORTS",
    "Endpoint",
    "Finding",
    "Survey",
    "find_endpoint",
    "judge_endpoint",
    "list_models",
    "survey",
]

T = TypeVar("T")
Kind = Literal["openai", "ollama", "lmstudio", "vllm", "llamacpp", "gguf", "other"]

OPENAI_URL = "https://api.openai.com/v1"
OPENAI_MODEL = "gpt-4.1-mini"
LOCAL_PORTS = (11434, 1234, 8000, 8080)
"""The default ports of Ollama, LM Studio, vLLM and llama.cpp, in order of preference."""

DISCOVERY_SECONDS = 0.3
"""For all local ports to accept a connection, and for who is only shown to answer."""

LISTING_SECONDS = 2.0
"""For a server to list its models: a busy machine lets it wait."""

IN_PROGRESS = (errno.EINPROGRESS, errno.EWOULDBLOCK)

TITLES: Mapping[Kind, str] = {
    "openai": "OpenAI",
    "ollama": "Ollama",
    "lmstudio": "LM Studio",
    "vllm": "vLLM",
    "llamacpp": "llama.cpp",
    "gguf": "llama.cpp in this process",
    "other": "OpenAI-compatible endpoint",
}

# Tokens. What a server does not tell is assumed from its own default: Ollama loads models with
# 4,096 and cuts longer prompts in silence; LM Studio offers 4,096; others refuse what is too long.
CONTEXT: Mapping[Kind, int] = {
    "openai": 128_000,
    "ollama": 4096,
    "lmstudio": 4096,
    "vllm": 8192,
    "llamacpp": 4096,
    "gguf": 4096,
    "other": 8192,
}

# Ids of models that embed, rank, hear or speak, by the names their makers give them.
NOT_CHAT = re.compile(
    r"embed|rerank|whisper|minilm|paraphrase|\btts\b|dall-e|moderation|transcribe"
    r"|(?:^|[/:_-])(?:bge|gte|e5|jina|clip|colbert)(?:[:_.-]|$)",
    re.IGNORECASE,
)


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
    servers = _discover(ports)
    chosen = next((server for server in servers if server.chat), None)
    endpoint = chosen.endpoint(settings) if chosen else None
    findings = tuple(server.finding(server is chosen) for server in servers)
    if not endpoint:
        hints = (*hints, "No model found: start Ollama, or set RAG_LLM_BASE_URL and RAG_LLM_MODEL.")
    elif settings.llm_model not in ("", endpoint.model):
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


def list_models(endpoint: Endpoint, timeout: float = LISTING_SECONDS) -> tuple[str, ...]:
    """The ids that the endpoint lists; empty where it lists none or does not answer."""
    body = _get_json(endpoint.base_url + "/models", endpoint.api_key, timeout)
    return tuple(entry["id"] for entry in _entries(body) or ())


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
    server = _Server.read(url, _get_json(url + "/models", key, LISTING_SECONDS), guess="other")
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


def _only_model(origin: str, model_key: str, server: _Server | None) -> str:
    if server is None:
        raise ConfigError(
            f"{origin} is set without {model_key}, and the endpoint lists no models or does not"
            " answer.",
            f"Set {model_key}, or start the server.",
        )
    chat = server.chat
    if len(chat) == 1:
        return chat[0]
    if not chat:
        raise ConfigError(
            f"{origin} is set without {model_key}, and the endpoint lists no model that chats.",
            f"Load one there, or set {model_key} to its name.",
        )
    listed = ", ".join(chat[:20])
    raise ConfigError(f"{origin} is set without {model_key}.", f"Set it to one of: {listed}.")


# --- found on loopback ---


@dataclass(frozen=True, slots=True)
class _Server:
    """What a /v1/models says about the server behind it."""

    kind: Kind
    base_url: str
    entries: tuple[Mapping[str, Any], ...]
    contexts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, url: str, body: object, guess: Kind | None = None) -> _Server | None:
        entries = _entries(body)
        if entries is None:
            return None
        kind = _recognise(url, entries) or guess
        return cls(kind, url, entries) if kind else None

    @property
    def chat(self) -> tuple[str, ...]:
        """The ids of what can hold a conversation, as far as its name tells."""
        kinds = ("embeddings", "embedding")
        return tuple(
            entry["id"]
            for entry in self.entries
            if entry.get("type") not in kinds and not NOT_CHAT.search(entry["id"])
        )

    def window(self, model: str) -> int:
        """The context of a model in tokens, as told, else as the server's default is known."""
        entry = next((entry for entry in self.entries if entry["id"] == model), {})
        meta = entry.get("meta")
        told = (
            self.contexts.get(model),
            entry.get("max_model_len"),
            entry.get("loaded_context_length"),
            meta.get("n_ctx") if isinstance(meta, dict) else None,
            self.contexts.get(""),
        )
        return next((n for n in told if isinstance(n, int) and n > 255), CONTEXT[self.kind])

    def endpoint(self, settings: Settings) -> Endpoint:
        wanted = settings.llm_model
        model = wanted if wanted in self.chat else self.chat[0]
        window = settings.llm_context or self.window(model)
        return Endpoint(self.kind, self.base_url, model, "found on this machine", window)

    def finding(self, chosen: bool) -> Finding:
        ids = tuple(entry["id"] for entry in self.entries)
        note = "" if self.chat else "lists no model that can answer"
        return Finding(TITLES[self.kind], self.base_url, ids, note, chosen)


def _recognise(url: str, entries: tuple[Mapping[str, Any], ...]) -> Kind | None:
    """Who serves this list, or None for something else that happens to have a /v1/models."""
    owners = {entry.get("owned_by") for entry in entries}
    if "vllm" in owners:
        return "vllm"
    if "llamacpp" in owners:
        return "llamacpp"
    if "organization_owner" in owners:
        return "lmstudio"
    # Ollama names the model's namespace as its owner, mostly "library"; its ids carry a tag.
    tagged = all(":" in entry["id"] for entry in entries)
    if tagged and ("library" in owners or urlsplit(url).port == LOCAL_PORTS[0]):
        return "ollama"
    return None


def _entries(body: object) -> tuple[Mapping[str, Any], ...] | None:
    """The `data` of a model list (empty where it is null), or None when this is no such list."""
    if not isinstance(body, dict) or "data" not in body or body.get("object", "list") != "list":
        return None
    data = body["data"] or []
    if not isinstance(data, list):
        return None
    named = all(isinstance(entry, dict) and isinstance(entry.get("id"), str) for entry in data)
    return tuple(data) if named else None


def _discover(ports: Sequence[int]) -> list[_Server]:
    """The servers that answer, in the order of `ports`."""
    open_ports = _listening(ports)
    if not open_ports:
        return []
    importlib.import_module("httpx")  # before the clock runs: the threads wait for it otherwise
    found: dict[int, _Server] = {}
    deadline = time.monotonic() + LISTING_SECONDS

    def probe(port: int) -> None:
        server = _probe(f"http://127.0.0.1:{port}", deadline)
        if server:
            found[port] = server

    # Daemon threads: a port that accepts and never answers must not hold up the program's end.
    threads = {
        port: threading.Thread(target=probe, args=(port,), daemon=True) for port in open_ports
    }
    for thread in threads.values():
        thread.start()
    for port, thread in threads.items():
        thread.join(max(deadline - time.monotonic(), 0))
        if port in found and found[port].chat:  # the one to choose: the others are only shown
            deadline = min(deadline, time.monotonic() + DISCOVERY_SECONDS)
    return [found[port] for port in open_ports if port in found]


def _listening(ports: Sequence[int]) -> list[int]:
    """The loopback ports that accept a connection within 0.3 s in all, in the order given.

    By bare sockets: the kernel accepts and refuses at once, however busy the machine is, and making
    an HTTP client takes longer than that.
    """
    deadline = time.monotonic() + DISCOVERY_SECONDS
    with ExitStack() as opened, selectors.DefaultSelector() as waiting:
        accepted = set[int]()
        for port in ports:
            asking = opened.enter_context(socket.socket())
            asking.setblocking(False)
            outcome = asking.connect_ex(("127.0.0.1", port))
            if outcome == 0:
                accepted.add(port)
            elif outcome in IN_PROGRESS:
                waiting.register(asking, selectors.EVENT_WRITE, (asking, port))
        while waiting.get_map() and (left := deadline - time.monotonic()) > 0:
            for key, _ in waiting.select(left):
                asking, port = key.data
                waiting.unregister(asking)
                if asking.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                    accepted.add(port)
    return [port for port in ports if port in accepted]


def _probe(root: str, deadline: float) -> _Server | None:
    def get(path: str) -> Any:
        return _get_json(root + path, SecretStr(""), deadline - time.monotonic())

    server = _Server.read(root + "/v1", get("/v1/models"))
    if server is None or not server.chat:
        return server
    details = DETAILS.get(server.kind)
    return replace(server, **details(server, get)) if details else server


def _ollama_details(server: _Server, get: Callable[[str], Any]) -> dict[str, Any]:
    """Loaded models first: they answer at once and their context is known."""
    loaded = _named_list(get("/api/ps"), "models", "model")
    contexts = {name: entry.get("context_length") for name, entry in loaded.items()}
    order = sorted(server.entries, key=lambda entry: entry["id"] not in loaded)
    return {"entries": tuple(order), "contexts": contexts}


def _lmstudio_details(server: _Server, get: Callable[[str], Any]) -> dict[str, Any]:
    known = _named_list(get("/api/v0/models"), "data", "id")
    entries = [{**entry, **known.get(entry["id"], {})} for entry in server.entries]
    return {"entries": tuple(sorted(entries, key=lambda entry: entry.get("state") != "loaded"))}


def _llamacpp_details(_: _Server, get: Callable[[str], Any]) -> dict[str, Any]:
    props = get("/props")
    settings = props.get("default_generation_settings") if isinstance(props, dict) else None
    return {"contexts": {"": settings.get("n_ctx")} if isinstance(settings, dict) else {}}


DETAILS: Mapping[Kind, Callable[[_Server, Callable[[str], Any]], dict[str, Any]]] = {
    "ollama": _ollama_details,
    "lmstudio": _lmstudio_details,
    "llamacpp": _llamacpp_details,
}


def _named_list(body: object, key: str, name: str) -> dict[str, dict[str, Any]]:
    entries = body.get(key) if isinstance(body, dict) else None
    if not isinstance(entries, list):
        return {}
    return {
        entry[name]: entry
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get(name), str)
    }


def _get_json(url: str, key: SecretStr, timeout: float) -> Any:
    """The JSON at an address, or None: looking around is never an error.

    Raises:
        ConfigError: the environment names a proxy that cannot be used.
    """
    import httpx

    if timeout <= 0:
        return None
    secret = key.get_secret_value()
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    try:
        with client(url, timeout) as asking, asking.stream("GET", url, headers=headers) as answer:
            if answer.status_code != 200:
                return None
            return _read_json(answer, time.monotonic() + timeout)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError):
        return None


def _read_json(answer: httpx.Response, deadline: float) -> Any:
    data = bytearray()
    for part in answer.iter_bytes():
        data += part
        if len(data) > 4_000_000 or time.monotonic() > deadline:
            return None
    return json.loads(data)
