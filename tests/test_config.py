"""Settings that are wrong are refused where they are read, and never show a secret."""

from __future__ import annotations

from typing import Any, cast

import pytest

from rag.config import Settings
from rag.endpoints.endpoint import find_endpoint
from rag.errors import ConfigError
from rag.redact import redact, without_userinfo

ADDRESSES = ["RAG_LLM_BASE_URL", "RAG_EMBED_BASE_URL", "RAG_RERANK_BASE_URL", "RAG_JUDGE"]
KEYS = ["RAG_LLM_API_KEY", "RAG_EMBED_API_KEY", "RAG_RERANK_API_KEY", "RAG_JUDGE_API_KEY"]
NO_ADDRESS = [
    "http://[::1/v1",
    "http://127.0.0.1:abc/v1",
    "http://127.0.0.1:99999/v1",
    "http://",
    "http://a..b/v1",
    "http://my host/v1",
    "http://host\x00/v1",
]


@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize("wrong", [*NO_ADDRESS[:-1], "http://host\x01/v1"])
def test_what_is_no_address_is_refused(
    name: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, wrong)
    with pytest.raises(ConfigError, match=f"{name} is wrong: it is no address"):
        Settings()


@pytest.mark.parametrize("wrong", [*NO_ADDRESS, "localhost:8000", "ftp://x/v1"])
def test_an_address_of_openai_s_group_counts_where_it_is_used(wrong: str) -> None:
    settings = Settings(openai_base_url=wrong, openai_model="m")
    with pytest.raises(ConfigError, match="OPENAI_BASE_URL is wrong: it is no address"):
        find_endpoint(settings)
    assert find_endpoint(Settings(openai_base_url=wrong, llm="off")) is None


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/v1", "https://x.example", "http://[::1]:8/v1", "http://bücher.de/v1"],
)
def test_an_address_is_kept(url: str) -> None:
    assert Settings(llm_base_url=f" {url}\n").llm_base_url == url
    assert Settings(judge=f" {url}\n").judge == url


def test_an_empty_setting_is_the_default() -> None:
    assert Settings(judge=" ", llm_base_url=" ", llm_api_key=" ") == Settings()


def test_an_empty_path_is_the_default_and_not_the_current_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("RAG_DATA_DIR", "RAG_MODELS_DIR"):
        monkeypatch.delenv(name, raising=False)
    empty = Settings(data_dir=cast("Any", ""), models_dir=cast("Any", ""), llm_gguf=cast("Any", ""))
    assert empty == Settings()


def test_a_password_in_a_wrong_address_is_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        Settings(llm_base_url="http://user:PASSW0RD@host:abc/v1")
    assert "PASSW0RD" not in str(caught.value)


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("around", ["{}\r", "{}\n", " {} \r\n"])
def test_white_space_around_a_key_is_no_part_of_it(
    name: str, around: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, around.format("sk-TOPSECRET"))
    held = getattr(Settings(), name.removeprefix("RAG_").lower())
    assert held.get_secret_value() == "sk-TOPSECRET"


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("wrong", ["sk-TOP\r\nSECRET", "sk-TOP密SECRET", "sk-TOP\x7fSECRET"])
def test_a_key_that_no_header_can_hold_is_refused_and_not_shown(
    name: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, wrong)
    with pytest.raises(ConfigError, match=rf"{name} is wrong: .*ASCII") as caught:
        Settings()
    assert "TOP" not in str(caught.value)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("more", [{"llm": "openai"}, {"openai_base_url": "https://x.example/v1"}])
def test_openai_s_key_is_checked_where_it_is_used(more: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"OPENAI_API_KEY is wrong: .*ASCII") as caught:
        find_endpoint(Settings(openai_api_key="sk-TOP密", openai_model="m", **more))
    assert "TOP" not in str(caught.value)
    assert find_endpoint(Settings(openai_api_key="sk-TOP密", llm="off")) is None
    found = find_endpoint(Settings(openai_api_key="sk-TOP\n", openai_model="m", **more))
    assert found is not None
    assert found.api_key.get_secret_value() == "sk-TOP"


def test_redacting() -> None:
    url = "http://user:p%40ssword@host/v1"
    said = "key sk-secret-1, p%40ssword, p@ssword, Basic dXNlcjpwQHNzd29yZA==, http://a:b@c/d?e@f"
    assert redact(said, "sk-secret-1\n", url) == "key …, …, …, Basic …, http://c/d?e@f"
    assert redact("xylophone", "x") == "xylophone"
    assert without_userinfo("https://u:p@w@host:8/v1") == "https://host:8/v1"
    assert without_userinfo("https://host/v1/@me") == "https://host/v1/@me"
