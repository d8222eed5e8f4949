"""Proxies and certificates of the environment: what cannot be used is said. What hosts are sent."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import httpx
import openai
import pytest
from scripted_endpoint import ScriptedEndpoint, whole

from rag.config import Settings
from rag.encoders.embed_endpoint import EndpointEncoder
from rag.endpoints.connect import client, is_openai
from rag.endpoints.endpoint import Endpoint, find_endpoint
from rag.endpoints.llm_errors import understand
from rag.errors import ConfigError, EndpointUnreachable, ServerFault
from rag.llm import LLM
from rag.search.rerank import Reranker

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


@pytest.fixture
def no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_certificates")
@pytest.mark.parametrize("ask", ASKED)
@pytest.mark.parametrize(
    ("name", "path", "says"),
    [
        ("SSL_CERT_FILE", "missing.pem", "No such file"),
        ("SSL_CERT_FILE", ".", "Is a directory"),
        ("SSL_CERT_FILE", "empty.pem", "(?i)no certificate"),
        ("SSLKEYLOGFILE", "missing/log", "No such file"),
    ],
)
def test_certificates_that_cannot_be_read_are_named(
    ask: Callable[[str], object], name: str, path: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("empty.pem").touch()
    monkeypatch.setenv("SSL_CERT_DIR", "elsewhere")
    monkeypatch.setenv(name, path)
    with pytest.raises(ConfigError, match=says) as caught:
        ask("https://models.example/v1")
    assert f"({name}={path})" in caught.value.what
    assert name in caught.value.do
    assert "elsewhere" not in str(caught.value)


@pytest.mark.usefixtures("no_certificates")
def test_what_failed_once_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://127.0.0.1:9/v1"
    llm = LLM(Endpoint("other", url, "m", "a test", 8192), Settings(llm_retries=0))
    encoder = EndpointEncoder(url, "m")
    asked: list[Callable[[], object]] = [
        lambda: llm.complete([{"role": "user", "content": "x"}]),
        lambda: encoder.query("a"),
    ]
    monkeypatch.setenv("SSLKEYLOGFILE", "missing/log")  # the one that counts on loopback, too
    for ask in asked:
        with pytest.raises(ConfigError):
            ask()
    monkeypatch.delenv("SSLKEYLOGFILE")
    for ask in asked:
        with pytest.raises(EndpointUnreachable):
            ask()
    llm.close()


def test_a_failure_of_any_kind_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(24, "Too many open files")

    with ScriptedEndpoint() as endpoint:
        llm = LLM(Endpoint("other", endpoint.base_url, "m", "a test", 8192), Settings())
        with monkeypatch.context() as patch:
            patch.setattr("rag.llm._make_client", refuse)
            with pytest.raises(OSError, match="Too many"):
                llm.complete([{"role": "user", "content": "x"}])
        assert llm.complete([{"role": "user", "content": "x"}]).text == "ready"
        llm.close()


def test_a_certificate_that_nobody_trusts_is_no_missing_server() -> None:
    said = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate"
    request = httpx.Request("POST", "https://models.lan/v1/chat/completions")
    error = openai.APIConnectionError(request=request)
    error.__cause__ = httpx.ConnectError(said)
    endpoint = Endpoint("other", "https://models.lan/v1", "m", "a test", 8192)
    told = understand(error, endpoint, started=False).error
    assert isinstance(told, EndpointUnreachable)
    assert "models.lan shows a certificate that is not trusted" in str(told)
    assert "SSL_CERT_FILE" in str(told)


def test_certificates_are_checked_however_https_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    monkeypatch.setattr("httpx.Client", lambda **options: seen.append(bool(options["verify"])))
    for url in ("https://host/v1", "HTTPS://host/v1", "http://host/v1"):
        client(url, 1.0)
    assert seen == [True, True, False]


def test_openai_is_known_by_its_host_alone() -> None:
    assert is_openai("https://API.openai.com/v1")
    assert not is_openai("https://api.openai.com.example/v1")
    assert not is_openai("https://api.openai.com@example/v1")


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
