"""Proxies of the environment: what cannot be used is said, and loopback needs none."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec

import pytest
from scripted_endpoint import ScriptedEndpoint, whole

from rag.config import Settings
from rag.embed_endpoint import EndpointEncoder
from rag.endpoint import Endpoint, find_endpoint
from rag.errors import ConfigError, ServerFault
from rag.llm import LLM
from rag.rerank import Reranker

URL = "http://models.example/v1"


def chat(url: str) -> object:
    llm = LLM(Endpoint("other", url, "m", "a test", 8192), Settings(llm_retries=0))
    try:
        return llm.complete([{"role": "user", "content": "x"}])
    finally:
        llm.close()


ASKED: list[Callable[[str], object]] = [
    chat,
    lambda url: find_endpoint(Settings(llm_base_url=url)),
    lambda url: Reranker(url, "m").scores("q", ["a"]),
    lambda url: EndpointEncoder(url, "m").query("a"),
]


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("HTTP", "HTTPS", "ALL", "NO"):
        monkeypatch.delenv(f"{kind}_PROXY", raising=False)
        monkeypatch.delenv(f"{kind.lower()}_proxy", raising=False)


@pytest.mark.parametrize("ask", ASKED)
@pytest.mark.parametrize(
    ("name", "proxy", "says"),
    [
        ("ALL_PROXY", "socks5://me:PASSW0RD@127.0.0.1:7890", "ALL_PROXY=socks5://127.0.0.1:7890"),
        ("http_proxy", "foo://x", "HTTP_PROXY=foo://x"),
        ("HTTPS_PROXY", "http://[::1", r"HTTPS_PROXY=http://\[::1"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named(
    ask: Callable[[str], object], name: str, proxy: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if proxy.startswith("socks") and find_spec("socksio"):
        pytest.skip("socksio is installed, which is not locked: SOCKS is no error then")
    monkeypatch.setenv(name, proxy)
    with pytest.raises(ConfigError, match=says) as caught:
        ask(URL)
    assert caught.value.do
    assert "PASSW0RD" not in str(caught.value)


@pytest.mark.parametrize("ask", ASKED)
def test_loopback_needs_no_proxy(
    ask: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:7890")
    with ScriptedEndpoint(whole({"hello": 1})) as endpoint:
        with suppress(ServerFault):  # what it says is no chat, no scores and no vector
            ask(endpoint.base_url)
        assert endpoint.requests


@pytest.mark.parametrize("ask", [ASKED[0], *ASKED[2:]])
def test_no_text_follows_a_redirect(ask: Callable[[str], object]) -> None:
    with ScriptedEndpoint(whole({})) as thief:
        away = whole({}, 307, {"Location": thief.base_url + "/elsewhere"})
        with ScriptedEndpoint(away) as endpoint:
            with pytest.raises(ServerFault):
                ask(endpoint.base_url)
            assert endpoint.requests
        assert not thief.requests
