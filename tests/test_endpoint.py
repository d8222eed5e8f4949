"""Which endpoint answers: each group of settings as a whole, then loopback."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from scripted_endpoint import Reply, ScriptedEndpoint, models, page, whole

from rag.config import Settings
from rag.endpoints import servers
from rag.endpoints.connect import is_loopback
from rag.endpoints.endpoint import Endpoint, find_endpoint, judge_endpoint, list_models, survey
from rag.errors import ConfigError

URL = "http://models.example/v1"
OTHER = "https://other.example/v1"


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is recognised is one question, how fast on a busy machine another."""
    assert servers.DISCOVERY_SECONDS == 0.3
    assert servers.LISTING_SECONDS == 2.0
    monkeypatch.setattr(servers, "DISCOVERY_SECONDS", 5.0)
    monkeypatch.setattr(servers, "LISTING_SECONDS", 5.0)


def key(endpoint: Endpoint | None) -> str:
    assert endpoint is not None
    return endpoint.api_key.get_secret_value()


def discovering(**more: Any) -> Settings:
    return Settings(llm_discover=True, **more)


# --- named by settings ---


def test_nothing_named_nothing_found() -> None:
    assert find_endpoint(Settings()) is None


def test_the_first_group_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", OTHER)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
    monkeypatch.setenv("OPENAI_MODEL", "theirs")
    mine = find_endpoint(Settings(llm_base_url=URL + "/", llm_model="mine"))
    assert mine is not None
    assert (mine.base_url, mine.model, mine.origin) == (URL, "mine", "RAG_LLM_BASE_URL")
    assert mine.host == "models.example"
    assert key(mine) == ""
    assert key(find_endpoint(Settings(llm_base_url=URL, llm_model="m", llm_api_key="k"))) == "k"
    theirs = find_endpoint(Settings(llm_api_key="k", llm_model="mine"))
    assert theirs is not None
    assert (theirs.base_url, theirs.model) == (OTHER, "theirs")
    assert key(theirs) == "sk-other"


def test_a_lone_key_sends_nothing_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-lone")
    found = survey(Settings())
    assert found.endpoint is None
    assert any("RAG_LLM=openai" in hint for hint in found.hints)
    assert "sk-lone" not in str(found)
    chosen = find_endpoint(Settings(llm="openai"))
    assert chosen is not None
    assert (chosen.kind, chosen.host) == ("openai", "api.openai.com")
    assert chosen.context_window >= 100_000
    assert key(chosen) == "sk-lone"
    assert "sk-lone" not in repr(chosen)


def test_openai_without_a_key() -> None:
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        find_endpoint(Settings(llm="openai"))


def test_a_key_of_another_host_never_reaches_openai(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", OTHER)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
    monkeypatch.setenv("OPENAI_MODEL", "theirs")
    chosen = find_endpoint(Settings(llm="openai"))
    assert chosen is not None
    assert chosen.host == "other.example"


def test_off_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk")
    found = survey(Settings(llm="off", llm_base_url=URL, llm_model="m", llm_discover=True))
    assert found.endpoint is None
    assert "RAG_LLM=off" in found.hints[0]


def test_an_address_that_is_none() -> None:
    for wrong in ("localhost:8000", "ftp://x/v1", "http://"):
        with pytest.raises(ConfigError, match="no address"):
            find_endpoint(Settings(llm_base_url=wrong, llm_model="m"))


def test_the_only_model_is_picked_and_of_several_none() -> None:
    pages = models("vllm", "qwen3", "bge-m3", context=16384)
    with ScriptedEndpoint(pages=pages) as server:
        chosen = find_endpoint(Settings(llm_base_url=server.base_url, llm_api_key="k"))
        assert server.requests[0].headers["authorization"] == "Bearer k"
    assert chosen is not None
    assert (chosen.model, chosen.kind, chosen.context_window) == ("qwen3", "vllm", 16384)
    with ScriptedEndpoint(pages=models("other", "a", "b")) as server:
        with pytest.raises(ConfigError, match=r"RAG_LLM_MODEL\. Set it to one of: a, b\."):
            find_endpoint(Settings(llm_base_url=server.base_url))
        server.pages.update(models("other"))
        with pytest.raises(ConfigError, match="no model that chats"):
            find_endpoint(Settings(llm_base_url=server.base_url))
        server.pages.clear()
        with pytest.raises(ConfigError, match="lists no models"):
            find_endpoint(Settings(llm_base_url=server.base_url))


def test_openai_base_url_without_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedEndpoint(pages=models("other", "only")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        chosen = find_endpoint(Settings(llm_model="not-this-one"))
    assert chosen is not None
    assert chosen.model == "only"


def test_a_named_server_nearby_is_asked_for_its_context() -> None:
    with ScriptedEndpoint(pages=models("vllm", "m", context=2048)) as server:
        named: dict[str, Any] = {"llm_base_url": server.base_url, "llm_model": "m"}
        chosen = find_endpoint(Settings(**named))
        told = find_endpoint(Settings(**named, llm_context=999))
    assert chosen is not None
    assert told is not None
    assert (chosen.context_window, told.context_window) == (2048, 999)


def test_a_named_server_that_is_down_is_still_the_one_named() -> None:
    with ScriptedEndpoint() as server:
        url = server.base_url
    chosen = find_endpoint(Settings(llm_base_url=url, llm_model="m"))
    assert chosen is not None
    assert chosen.context_window == 8192


def test_a_gguf_file(tmp_path: Path) -> None:
    path = tmp_path / "tiny.Q4.gguf"
    with pytest.raises(ConfigError, match="no such file"):
        find_endpoint(Settings(llm_gguf=path))
    path.touch()
    chosen = find_endpoint(Settings(llm_gguf=path))
    assert chosen is not None
    assert (chosen.kind, chosen.model, chosen.host) == ("gguf", "tiny.Q4", "this process")
    assert chosen.local


# --- found on loopback ---


@pytest.mark.parametrize(
    ("server", "ids", "loaded", "model", "context"),
    [
        ("ollama", ["llama3.2:3b", "qwen3:8b"], [], "llama3.2:3b", 4096),
        ("ollama", ["nomic-embed-text:latest", "a:3b", "b:8b"], ["b:8b"], "b:8b", 8192),
        ("lmstudio", ["text-embedding-x", "a", "b"], ["b"], "b", 8192),
        ("lmstudio", ["a"], [], "a", 4096),
        ("vllm", ["Qwen/Qwen3-8B"], [], "Qwen/Qwen3-8B", 8192),
        ("llamacpp", ["/models/x.gguf"], [], "/models/x.gguf", 8192),
    ],
)  # fmt: skip
def test_a_local_server_is_recognised(
    server: Any, ids: list[str], loaded: list[str], model: str, context: int
) -> None:
    with ScriptedEndpoint(pages=models(server, *ids, context=8192, loaded=loaded)) as scripted:
        found = survey(discovering(), ports=[scripted.port])
    chosen = found.endpoint
    assert chosen is not None
    assert (chosen.kind, chosen.model, chosen.context_window) == (server, model, context)
    assert chosen.local
    assert chosen.host == f"127.0.0.1:{scripted.port}"
    assert found.findings[0].chosen
    assert found.findings[0].models[0] in ids


@pytest.mark.parametrize(
    "pages",
    [
        {"/v1/models": {"object": "list", "data": [{"id": "x", "owned_by": "me"}]}},
        {"/v1/models": {"models": []}},
        {"/v1/models": [1, 2]},
        {"/v1/models": {"data": "no"}},
        {"/v1/models": {"data": [{"name": "x"}]}},
        {"/v1/models": page()},
        {"/v1/models": Reply([b"not json"], 200, {}, "application/json")},
        {"/v1/models": whole({"error": "login"}, 401)},
        {"/v1/models": whole({}, 302, {"Location": "http://127.0.0.1:1/v1/models"})},
        {},
    ],
)
def test_something_else_on_the_port_is_no_model(pages: dict[str, Any]) -> None:
    with ScriptedEndpoint(pages=pages) as scripted:
        found = survey(discovering(), ports=[scripted.port])
    assert found.endpoint is None
    assert found.findings == ()


@pytest.mark.parametrize("ids", [["nomic-embed-text:latest", "bge-m3:latest"], []])
def test_a_server_that_cannot_chat_is_found_and_not_chosen(
    ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = models("ollama", *ids)
    pages["/v1/models"]["data"] = pages["/v1/models"]["data"] or None
    with ScriptedEndpoint(pages=pages) as scripted:
        monkeypatch.setattr(servers, "LOCAL_PORTS", (scripted.port,))
        found = survey(discovering(), ports=[scripted.port])
    assert found.endpoint is None
    assert "no model that can answer" in found.findings[0].note


def test_the_first_that_can_answer_is_chosen_and_all_are_shown() -> None:
    with (
        ScriptedEndpoint(pages=models("ollama", "all-minilm:l6")) as first,
        ScriptedEndpoint(pages=models("vllm", "a")) as second,
        ScriptedEndpoint(pages=models("llamacpp", "b")) as third,
    ):
        ports = [first.port, second.port, third.port]
        found = survey(discovering(), ports=ports)
        wanted = survey(discovering(llm_model="b"), ports=[third.port])
        missing = survey(discovering(llm_model="gone"), ports=[third.port])
    assert found.endpoint is not None
    assert found.endpoint.model == "a"
    assert [finding.chosen for finding in found.findings] == [False, True, False]
    assert any("RAG_LLM_MODEL=gone" in hint for hint in missing.hints)
    assert wanted.endpoint is not None
    assert wanted.endpoint.model == "b"


@pytest.mark.parametrize(("wanted", "model"), [("big", "big"), ("qwen3", "qwen3:latest")])
def test_the_model_that_is_named_is_looked_for_on_all_servers(wanted: str, model: str) -> None:
    with (
        ScriptedEndpoint(pages=models("ollama", "tiny:1b", "qwen3:latest")) as first,
        ScriptedEndpoint(pages=models("vllm", "big")) as second,
    ):
        found = survey(discovering(llm_model=wanted), ports=[first.port, second.port])
    assert found.endpoint is not None
    assert found.endpoint.model == model
    assert not any("is not there" in hint for hint in found.hints)


def test_discovery_keeps_its_time_also_with_servers_that_hang(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(servers, "LISTING_SECONDS", 2.0)
    with socket.socket() as dumb, ScriptedEndpoint(pages=models("vllm", "m")) as good:
        dumb.bind(("127.0.0.1", 0))
        dumb.listen()
        slow = ScriptedEndpoint(pages={"/v1/models": Reply([30.0, b"{}"])})
        with slow:
            began = time.monotonic()
            found = survey(discovering(), [dumb.getsockname()[1], slow.port, good.port])
            spent = time.monotonic() - began
    assert found.endpoint is not None
    assert found.endpoint.model == "m"
    assert spent < 15


def test_a_server_on_a_busy_machine_has_time_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "DISCOVERY_SECONDS", 0.3)
    listed = whole(models("ollama", "a:1b")["/v1/models"])
    slow = {"/v1/models": Reply([0.8, *listed.parts], 200, {}, "application/json")}
    with ScriptedEndpoint(pages=slow) as scripted:
        found = survey(discovering(), ports=[scripted.port])
    assert found.endpoint is not None
    assert found.endpoint.model == "a:1b"


def test_nobody_waits_for_a_server_that_is_only_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "DISCOVERY_SECONDS", 0.3)
    monkeypatch.setattr(servers, "LISTING_SECONDS", 60.0)
    with socket.socket() as dumb, ScriptedEndpoint(pages=models("vllm", "m")) as good:
        dumb.bind(("127.0.0.1", 0))
        dumb.listen()
        began = time.monotonic()
        found = survey(discovering(), [good.port, dumb.getsockname()[1]])
        assert time.monotonic() - began < 30
    assert found.endpoint is not None


def test_where_nothing_listens_nothing_is_waited_for_nor_loaded() -> None:
    with socket.socket() as one, socket.socket() as other:
        ports = []
        for free in (one, other):
            free.bind(("127.0.0.1", 0))  # and no listen: a connection is refused
            ports.append(free.getsockname()[1])
        began = time.monotonic()
        assert survey(discovering(), ports).findings == ()
        assert time.monotonic() - began < 2


def test_no_proxy_is_asked_about_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        ScriptedEndpoint(pages={}) as proxy,
        ScriptedEndpoint(pages=models("vllm", "m")) as scripted,
    ):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.root)
        assert survey(discovering(), ports=[scripted.port]).endpoint is not None
        assert not proxy.requests


def test_discovery_can_be_turned_off() -> None:
    with ScriptedEndpoint(pages=models("vllm", "m")) as scripted:
        found = survey(Settings(llm_discover=False), ports=[scripted.port])
        assert not scripted.requests
    assert found.endpoint is None


def test_a_flood_instead_of_a_list_is_left() -> None:
    flood = Reply([b"[" * 1_000_000] * 200, 200, {}, "application/json")
    with ScriptedEndpoint(pages={"/v1/models": flood}) as scripted:
        began = time.monotonic()
        assert survey(discovering(), ports=[scripted.port]).endpoint is None
        assert time.monotonic() - began < 20
    assert threading.active_count() < 50


def test_the_models_of_an_endpoint() -> None:
    with ScriptedEndpoint(pages=models("ollama", "a:1", "b:2")) as scripted:
        where = Endpoint("ollama", scripted.base_url, "a:1", "", 4096)
        assert list_models(where) == ("a:1", "b:2")
        scripted.pages.clear()
        assert list_models(where) == ()


# --- the judge ---


def test_the_judge_s_endpoint() -> None:
    answering = Endpoint("other", URL, "m", "", 8192)
    assert judge_endpoint(Settings(), answering) is None
    assert judge_endpoint(Settings(judge="same"), answering) is answering
    own = judge_endpoint(
        Settings(judge=OTHER, judge_model="j", judge_api_key="k", llm_api_key="no"), answering
    )
    assert own is not None
    assert (own.base_url, own.model) == (OTHER, "j")
    assert key(own) == "k"
    with pytest.raises(ConfigError, match="off, same, or a base URL"):
        judge_endpoint(Settings(judge="gpt"), answering)


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:1/v1", True),
        ("http://localhost/v1", True),
        ("http://[::1]:8/v1", True),
        ("http://127.0.0.1.evil.example/v1", False),
        ("http://192.168.1.2/v1", False),
        ("http://localhost@evil.example/v1", False),
    ],
)
def test_what_stays_on_this_machine(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback
