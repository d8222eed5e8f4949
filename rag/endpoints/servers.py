"""What serves models at an address, as its list of models tells, and which servers listen on this
machine. Looking around is never an error."""

from __future__ import annotations

import errno
import importlib
import json
import re
import selectors
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from pydantic import SecretStr

from rag.endpoints.connect import client

if TYPE_CHECKING:
    import httpx

__all__ = ["CONTEXT", "LOCAL_PORTS", "TITLES", "Kind", "Server", "discover"]

Kind = Literal["openai", "ollama", "lmstudio", "vllm", "llamacpp", "gguf", "other"]

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
class Server:
    """What a /v1/models says about the server behind it."""

    kind: Kind
    base_url: str
    entries: tuple[Mapping[str, Any], ...]
    contexts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def at(cls, url: str, key: SecretStr, guess: Kind) -> Server | None:
        """What is at `url`, up to and with /v1; None where it lists no models.

        Args:
            key: sent to that host.
            guess: what it is where its list does not tell.

        Raises:
            ConfigError: the environment names a proxy that cannot be used.
        """
        return cls.read(url, _get_json(url + "/models", key, LISTING_SECONDS), guess)

    @classmethod
    def read(cls, url: str, body: object, guess: Kind | None = None) -> Server | None:
        """What a list of models tells; None where `body` is none."""
        entries = _entries(body)
        if entries is None:
            return None
        kind = _recognise(url, entries) or guess
        return cls(kind, url, entries) if kind else None

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all models."""
        return tuple(entry["id"] for entry in self.entries)

    @property
    def chat(self) -> tuple[str, ...]:
        """The ids of what can hold a conversation, as far as its name tells."""
        kinds = ("embeddings", "embedding")
        return tuple(
            entry["id"]
            for entry in self.entries
            if entry.get("type") not in kinds and not NOT_CHAT.search(entry["id"])
        )

    def named(self, wanted: str) -> str:
        """The id of the model that is meant by `wanted`, which may lack Ollama's ":latest"; ""
        where it is not there or none is meant."""
        meant = (wanted, f"{wanted}:latest")
        return next((name for name in meant if wanted and name in self.chat), "")

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


def discover(ports: Sequence[int], wanted: str = "") -> list[Server]:
    """The servers that answer on these loopback ports, in their order. Once there is one with the
    model that is `wanted` (any, where none is), the others are hardly waited for.

    Raises:
        ConfigError: the environment names a proxy that cannot be used.
    """
    open_ports = _listening(ports)
    if not open_ports:
        return []
    importlib.import_module("httpx")  # before the clock runs: the threads wait for it otherwise
    found: dict[int, Server] = {}
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
        # the one to choose: the others are only shown
        if port in found and (found[port].named(wanted) if wanted else found[port].chat):
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


def _probe(root: str, deadline: float) -> Server | None:
    def get(path: str) -> Any:
        return _get_json(root + path, SecretStr(""), deadline - time.monotonic())

    server = Server.read(root + "/v1", get("/v1/models"))
    if server is None or not server.chat:
        return server
    details = DETAILS.get(server.kind)
    return replace(server, **details(server, get)) if details else server


def _ollama_details(server: Server, get: Callable[[str], Any]) -> dict[str, Any]:
    """Loaded models first: they answer at once and their context is known."""
    loaded = _named_list(get("/api/ps"), "models", "model")
    contexts = {name: entry.get("context_length") for name, entry in loaded.items()}
    order = sorted(server.entries, key=lambda entry: entry["id"] not in loaded)
    return {"entries": tuple(order), "contexts": contexts}


def _lmstudio_details(server: Server, get: Callable[[str], Any]) -> dict[str, Any]:
    known = _named_list(get("/api/v0/models"), "data", "id")
    entries = [{**entry, **known.get(entry["id"], {})} for entry in server.entries]
    return {"entries": tuple(sorted(entries, key=lambda entry: entry.get("state") != "loaded"))}


def _llamacpp_details(_: Server, get: Callable[[str], Any]) -> dict[str, Any]:
    props = get("/props")
    settings = props.get("default_generation_settings") if isinstance(props, dict) else None
    return {"contexts": {"": settings.get("n_ctx")} if isinstance(settings, dict) else {}}


DETAILS: Mapping[Kind, Callable[[Server, Callable[[str], Any]], dict[str, Any]]] = {
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
