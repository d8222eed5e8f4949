"""The endpoint's protocol, against a real HTTP server that misbehaves as told."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import SecretStr
from scripted_endpoint import (
    OVERFLOWS,
    Reply,
    ScriptedEndpoint,
    answer,
    chunk,
    completion,
    error,
    event,
    hang_up,
    models,
    overflow,
    page,
    silence,
    whole,
)

from rag import errors
from rag.config import Settings
from rag.endpoints.endpoint import Endpoint
from rag.endpoints.llm_errors import retry_after
from rag.llm import LLM
from rag.schema import Usage

ASK = [{"role": "user", "content": "五层蛋糕是哪五层？"}]
SAID = "能源、芯片 [1]。\u2028\x85🎂 e\u0301 \r\n|data: [DONE]|"


def make(endpoint: ScriptedEndpoint, kind: Any = "other", key: str = "", **more: Any) -> LLM:
    settings = Settings(**({"llm_retries": 0, "llm_timeout": 5.0} | more))
    where = Endpoint(kind, endpoint.base_url, endpoint.model, "a test", 8192, SecretStr(key))
    return LLM(where, settings)


@pytest.fixture(scope="module")
def kept() -> Iterator[tuple[ScriptedEndpoint, LLM]]:
    """One server and one client, for the many examples of a property."""
    with ScriptedEndpoint() as endpoint:
        llm = make(endpoint)
        yield endpoint, llm
        llm.close()


def python(code: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a program that imports this checkout."""
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=env, **more)


def run(*replies: Any, **more: Any) -> tuple[str, str]:
    """(text, reasoning) of one question to an endpoint that answers so."""
    with ScriptedEndpoint(*replies) as endpoint:
        llm = make(endpoint, **more)
        try:
            done = llm.complete(ASK)
        finally:
            llm.close()
        return done.text, done.reasoning


# --- streaming ---


@examples(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_cut_of_the_bytes_gives_the_same_answer(
    kept: tuple[ScriptedEndpoint, LLM], data: st.DataObject
) -> None:
    endpoint, llm = kept

    def cut(stream: bytes) -> list[bytes]:
        places = st.lists(st.integers(0, len(stream)), max_size=40, unique=True)
        at = [0, *sorted(data.draw(places)), len(stream)]
        return [stream[a:b] for a, b in pairwise(at)]

    endpoint.replies = [answer(SAID, reasoning="想一想🤔", usage=(7, 5), cut=cut)]
    done = llm.complete(ASK)
    assert (done.text, done.reasoning) == (SAID, "想一想🤔")
    assert done.usage == Usage(7, 5)


@pytest.mark.parametrize("newline", [b"\r\n", b"\r", b"\n"])
def test_a_byte_at_a_time_and_every_line_end(newline: bytes) -> None:
    def cut(stream: bytes) -> list[bytes]:
        changed = stream.replace(b"\n", newline)
        return [changed[at : at + 1] for at in range(len(changed))]

    assert run(answer("五层 [1]。", cut=cut)) == ("五层 [1]。", "")


def test_comments_and_events_without_choices_are_passed_over() -> None:
    parts = [b": OPENROUTER PROCESSING\n\n", event({"choices": []}), event(chunk(content="ok"))]
    assert run(Reply([*parts, event(chunk("stop")), b"data: [DONE]\n\n"])) == ("ok", "")


def test_tokens_arrive_as_they_are_sent() -> None:
    with ScriptedEndpoint(answer(["one ", "two ", "three"], between=0.4)) as endpoint:
        llm = make(endpoint)
        llm.complete(ASK)  # opened and imported
        began = time.monotonic()
        arrivals = [(delta.text, time.monotonic() - began) for delta in llm.stream(ASK)]
        llm.close()
    assert [text for text, _ in arrivals] == ["one ", "two ", "three"]
    assert arrivals[2][1] - arrivals[0][1] >= 0.5


def test_an_endpoint_that_does_not_stream_is_read_whole() -> None:
    assert run(completion("Five layers [1].")) == ("Five layers [1].", "")


BODY = b"".join(part for part in completion("Five [1].").parts if isinstance(part, bytes))
EVENTS = event(chunk(content="Five ")) + event(chunk("stop", content="[1]."))


@pytest.mark.parametrize("start", [b"", b"\n ", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("body", [BODY, EVENTS])
@pytest.mark.parametrize("kind", ["text/event-stream", "application/json", "text/plain", ""])
def test_an_answer_is_known_by_its_form_and_not_by_its_label(
    kind: str, body: bytes, start: bytes
) -> None:
    whole = start + body
    for parts in ([whole], [whole[at : at + 1] for at in range(9)] + [whole[9:]]):
        assert run(Reply(parts, content_type=kind)) == ("Five [1].", "")


def test_an_error_is_known_in_whatever_label() -> None:
    with pytest.raises(errors.ServerFault, match="overloaded"):
        run(Reply([b'{"error": {"message": "overloaded"}}']))


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ({"message": "The engine is overloaded"}, 2),
        ({"message": "upstream", "code": 503}, 2),
        ({"message": "You exceeded your current quota", "code": 429}, 1),
        ({"message": "no such tool", "code": 400}, 1),
    ],
)
def test_what_passes_is_asked_again_also_with_status_200(said: dict[str, Any], sent: int) -> None:
    failed = Reply([b"data: " + json.dumps({"error": said}).encode() + b"\n\n"])
    with ScriptedEndpoint(failed, answer("Five layers [1].")) as endpoint:
        llm = make(endpoint, llm_retries=1)
        with contextlib.suppress(errors.ServerFault):
            assert llm.complete(ASK).text == "Five layers [1]."
        llm.close()
    assert len(endpoint.chats) == sent


def test_a_whole_answer_without_choices_is_no_answer() -> None:
    with pytest.raises(errors.ServerFault, match="no chat completion"):
        run(whole({"hello": 1}))


@pytest.mark.parametrize(
    "before",
    [
        b"retry: 3000\n\n",
        b"id: 7\n\n: keep-alive\n\n: keep-alive\n\n",
        b"event: ping\ndata: \n\n",
        b"event: ping\ndata: {}\n\n",
        b"\xef\xbb\xbf",
        b"data: null\n\ndata: [1]\n\n",
    ],
)
def test_events_that_say_nothing_are_passed_over(before: bytes) -> None:
    said = answer("Five layers [1].", cut=lambda stream: [before, stream])
    assert run(said) == ("Five layers [1].", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["\\ud83d", "\\ude00 smiles [1]."], "😀 smiles [1]."),
        (["It \\ud83d", " smiles \\ude00[1]."], "It \ufffd smiles \ufffd[1]."),
        (["It smiles [1]. \\ud83d"], "It smiles [1]. \ufffd"),
    ],
)
def test_halves_of_characters_are_joined_or_replaced(words: list[str], said: str) -> None:
    parts = [event(chunk(content="|")).replace(b"|", word.encode()) for word in words]
    assert run(Reply([*parts, event(chunk("stop"))])) == (said, "")


def test_halves_of_characters_are_not_sent() -> None:
    with ScriptedEndpoint(answer("x")) as endpoint:
        llm = make(endpoint)
        llm.complete([{"role": "user", "content": "a \ud83d\ude00 \ud83d?"}])
        llm.close()
    assert endpoint.chats[0].body["messages"][0]["content"] == "a 😀 \ufffd?"


PARTS = [
    [{"type": "thinking", "thinking": [{"type": "text", "text": "hm, "}, "hm"]}],
    [{"type": "text", "text": "Five "}, {"type": "text", "text": "layers [1]."}, None],
]


def test_a_content_in_parts() -> None:
    events = [event(chunk(content=parts)) for parts in PARTS]
    assert run(Reply([*events, event(chunk("stop"))])) == ("Five layers [1].", "hm, hm")
    message = {"role": "assistant", "content": [*PARTS[0], *PARTS[1]]}
    assert run(whole({"choices": [{"message": message}]})) == ("Five layers [1].", "hm, hm")


def test_only_the_first_of_several_answers_is_read() -> None:
    both = [{"index": at, "delta": {"content": text}} for at, text in ((1, "No"), (0, "Yes"))]
    events = [event({"choices": both}), event({"choices": both[::-1]})]
    assert run(Reply([*events, event(chunk("stop"))])) == ("YesYes", "")


# --- reasoning ---


@examples(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=30))
def test_think_tags_cut_anywhere_are_kept_apart(
    kept: tuple[ScriptedEndpoint, LLM], sizes: list[int]
) -> None:
    endpoint, llm = kept
    text = "\n<think>五层?\n< /think </thin</think>\n\nIt is <think> in prose [1]."
    pieces = []
    for size in sizes:
        pieces.append(text[:size])
        text = text[size:]
    endpoint.replies = [answer([*pieces, text])]
    done = llm.complete(ASK)
    assert done.text == "It is <think> in prose [1]."
    assert done.reasoning == "五层?\n< /think </thin"


def test_the_box_that_a_model_puts_its_answer_in_is_no_part_of_it(
    kept: tuple[ScriptedEndpoint, LLM],
) -> None:
    endpoint, llm = kept
    said = "<think>hm</think><|begin_of_box|>Five layers [1].<|end_of_box|>"
    endpoint.replies = [answer(list(said))]
    assert llm.complete(ASK).text == "Five layers [1]."


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning"])
def test_reasoning_of_its_own_field(key: str) -> None:
    assert run(answer("A [1].", reasoning="hm, hm", reasoning_key=key)) == ("A [1].", "hm, hm")


def test_a_closing_tag_alone_ends_the_reasoning() -> None:
    assert run(answer("hm, hm\n</think>\n\nA [1].")) == ("A [1].", "hm, hm")


def test_a_text_about_tags_is_a_text() -> None:
    said = "Models write `</think>` before they answer [1]."
    assert run(answer(said)) == (said, "")


HARMONY = "<|start|>assistant<|channel|>final<|message|>Five [1].<|return|>"


@pytest.mark.parametrize(
    ("said", "text", "reasoning"),
    [
        ("<think>a <think>b</think> c</think>Five [1].", "Five [1].", "a <think>b</think> c"),
        ("<think>Do I write <think>?</think>\n\nFive [1].", "Five [1].", "Do I write <think>?"),
        ("<think>a</think><think>b</think>Five [1].", "Five [1].", "ab"),
        ("Let me see [1].</think>\n\nFive [1].", "Five [1].", "Let me see [1]."),
        ("<|channel|>analysis<|message|>hm<|end|>" + HARMONY, "Five [1].", "hm"),
        (HARMONY, "Five [1].", ""),
        ("<seed:think>hm</seed:think>Five [1].</s>\n", "Five [1].", "hm"),
        ("Models end in <|im_end|> always [1].", "Models end in <|im_end|> always [1].", ""),
        ("So <think>a</think>\n\nis said [1].", "So <think>a</think>\n\nis said [1].", ""),
        ("<think>İzmir, İznik</think>1932 yılında [1].", "1932 yılında [1].", "İzmir, İznik"),
    ],
)
def test_tags_inside_reasoning_and_at_a_line_s_end(said: str, text: str, reasoning: str) -> None:
    found = run(answer(said))
    assert found[0] == text
    assert found[1].removesuffix("</think>") == reasoning


def test_a_long_answer_after_a_tag_in_the_reasoning_is_not_held_for_ever() -> None:
    opening = event(chunk(content="<think>Do I write <think>?</think>\n\n"))
    with ScriptedEndpoint(
        Reply([opening, *[event(chunk(content="x" * 5_000))] * 10, 30.0])
    ) as endpoint:
        llm = make(endpoint, llm_timeout=60.0)
        with llm.stream(ASK) as stream:
            assert next(delta.text for delta in stream if delta.text).startswith("xxx")
        llm.close()


def test_only_reasoning_is_no_answer() -> None:
    with pytest.raises(errors.EmptyAnswer, match=r"on thinking.*RAG_LLM_MAX_TOKENS"):
        run(answer("<think>and on and on", finish_reason="length"))


def test_a_model_that_will_not_answer_is_quoted() -> None:
    words = [event(chunk(refusal=word)) for word in ("I can't help ", "with that.")]
    with pytest.raises(errors.EmptyAnswer, match="will not answer this: I can't help with that"):
        run(Reply([*words, event(chunk("stop"))]))


# --- ends ---


def test_a_cut_answer_is_kept_and_said() -> None:
    with ScriptedEndpoint(answer("One. Two", finish_reason="length")) as endpoint:
        llm = make(endpoint)
        done = llm.complete(ASK)
        llm.close()
    assert done.text == "One. Two"
    assert done.finish_reason == "length"
    assert "RAG_LLM_MAX_TOKENS" in done.warnings[0]


@pytest.mark.parametrize(
    ("reason", "meant"),
    [("max_tokens", "length"), ("model_length", "length"), ("SAFETY", "content_filter")],
)
def test_other_names_for_the_reasons_to_end(reason: str, meant: str) -> None:
    with ScriptedEndpoint(answer("One. Two", finish_reason=reason)) as endpoint:
        llm = make(endpoint)
        done = llm.complete(ASK)
        llm.close()
    assert done.finish_reason == meant
    assert done.warnings


@pytest.mark.parametrize("reply", [answer(""), answer("  \n")])
def test_nothing_said(reply: Reply) -> None:
    with pytest.raises(errors.EmptyAnswer, match="said nothing"):
        run(reply)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (answer("<think>\nSo the answer is five."), "thought, but said nothing"),
        (answer("", finish_reason="tool_calls"), "called a tool, though it has none"),
        (answer('{"name": "search", "arguments": {"q": "a"}}'), "called a tool"),
        (answer('<tool_call>\n{"name": "search"}\n</tool_call>'), "called a tool"),
        (answer("<think>\n" + "So it is five. " * 400), "thought the same over and over"),
    ],
)
def test_why_nothing_was_said(reply: Reply, said: str) -> None:
    with pytest.raises(errors.EmptyAnswer, match=said):
        run(reply)


PROVIDER_FAILED = {
    "choices": [
        {
            "index": 0,
            "delta": {"content": ""},
            "finish_reason": "error",
            "error": {"code": 502, "message": "Provider returned error"},
        }
    ]
}


def counted(*chunks: dict[str, Any], done: bool = True) -> Reply:
    return Reply([*map(event, chunks), *([b"data: [DONE]\n\n"] if done else [])])


@pytest.mark.parametrize(
    "reply",
    [
        answer("half an ans", finish_reason=None, done=False),
        answer("half an ans", finish_reason=None, done=False, break_off=True),
        answer("half an ans", finish_reason=None, cut=lambda data: [data[:-40]]),
        Reply([event(chunk(content="half")), event({"error": {"message": "CUDA out of memory"}})]),
        counted(chunk(content="half"), {"error": {"message": "CUDA out of memory"}}),
        answer("half an ans", finish_reason="error"),
        answer("half an ans", finish_reason="insufficient_system_resource"),
        Reply([event(chunk(content="half")), event(PROVIDER_FAILED), b"data: [DONE]\n\n"]),
        Reply([event(chunk(content="half")), b"data: {nonsense\n\n"]),
        Reply([event(chunk(content="half")), b"data: \xff\xfe\n\n"]),
    ],
)
def test_a_stream_that_breaks_off_is_an_error_after_what_was_shown(reply: Reply) -> None:
    with ScriptedEndpoint(reply) as endpoint:
        llm = make(endpoint, llm_retries=3)
        stream = llm.stream(ASK)
        shown = next(stream).text
        with pytest.raises(errors.StreamBroken, match="broke off"):
            list(stream)
        llm.close()
    assert "half".startswith(shown)
    assert len(endpoint.chats) == 1  # never again after the first token


COUNT = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}


def test_counted_tokens_are_no_end() -> None:
    half, count = chunk(content="half an ans"), {"choices": [], "usage": COUNT}
    for chunks in (
        [{**half, "usage": COUNT}],
        [count, half],
        [chunk(content="half an "), count, chunk(content="ans")],
        [half, {"choices": [{"index": 1, "delta": {}}], "usage": COUNT}],
    ):
        with pytest.raises(errors.StreamBroken, match="broke off"):
            run(counted(*chunks, done=False))
        assert run(counted(*chunks)) == ("half an ans", "")


@pytest.mark.parametrize("said", ["Five layers [1].", "<"])
def test_done_is_an_end_without_a_reason(said: str) -> None:
    reply = counted({"choices": [{"delta": {"content": said}}]})
    with ScriptedEndpoint(reply) as endpoint:
        llm = make(endpoint)
        found = llm.complete(ASK)
        llm.close()
    assert found.text == said
    assert (found.finish_reason, found.warnings) == ("stop", ())


def test_done_ends_a_refusal_and_reasoning_too() -> None:
    with pytest.raises(errors.EmptyAnswer, match="will not answer this: I can't help"):
        run(counted(chunk(refusal="I can't help.")))
    with pytest.raises(errors.EmptyAnswer, match="thought, but said nothing"):
        run(counted(chunk(reasoning="Hm.")))


def test_done_before_anything_is_no_end() -> None:
    with ScriptedEndpoint(
        counted(chunk(role="assistant", content="")), answer("Five.")
    ) as endpoint:
        llm = make(endpoint, llm_retries=1)
        assert llm.complete(ASK).text == "Five."
        llm.close()
    assert len(endpoint.chats) == 2


def test_a_count_alone_at_the_end_is_an_end() -> None:
    assert run(counted(chunk(content="Five."), {"choices": [], "usage": COUNT})) == ("Five.", "")


@pytest.mark.parametrize("more", [{}, {"finish_reason": None}])
def test_a_whole_answer_needs_no_reason_to_end(more: dict[str, Any]) -> None:
    message = {"role": "assistant", "content": "Five layers [1]."}
    assert run(whole({"choices": [{"message": message, **more}]})) == ("Five layers [1].", "")


def test_a_break_after_the_end_is_no_loss() -> None:
    assert run(answer("Whole [1].", done=False, break_off=True)) == ("Whole [1].", "")


def test_a_server_that_never_stops_is_stopped() -> None:
    endless = Reply([event(chunk(content="x" * 50_000))] * 40)
    with ScriptedEndpoint(endless) as endpoint:
        llm = make(endpoint, llm_max_tokens=100)
        done = llm.complete(ASK)
        llm.close()
    assert done.finish_reason == "length"
    assert len(done.text) < 400_000


@pytest.mark.parametrize("times", [30, 100_000])
@pytest.mark.parametrize("before", ["", "One came first [1]. "])
def test_what_is_said_over_and_over_stands_once(before: str, times: int) -> None:
    with ScriptedEndpoint(answer([before, *["It rained again [2]. "] * times])) as endpoint:
        llm = make(endpoint)
        done = llm.complete(ASK)
        llm.close()
    assert done.text == before + "It rained again [2]."
    assert "over and over" in done.warnings[0]


def test_what_repeats_itself_a_little_is_kept() -> None:
    table = "| a | b |\n" * 5 + "|---|---|\n" * 40
    assert run(answer(table))[0] == table


# --- errors ---


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        (error(401, "Incorrect API key"), errors.EndpointDenied, "Check the key"),
        (error(403, "no"), errors.EndpointDenied, "403"),
        (error(429, "slow down"), errors.RateLimited, "slow down"),
        (error(429, "You exceeded", "insufficient_quota"), errors.RateLimited, "no credit"),
        (error(402, "Payment"), errors.RateLimited, "no credit"),
        (error(500, "boom"), errors.ServerFault, "boom"),
        (error(503, "Loading model"), errors.ServerFault, "Loading model"),
        (error(418, "teapot"), errors.ServerFault, "refused the request"),
        (whole([{"error": {"message": "no key", "code": 7}}], 400), errors.ServerFault, ": no key"),
        (
            whole({"detail": [{"loc": ["body", "n"], "msg": "too big", "type": "x"}]}, 422),
            errors.ServerFault,
            r": body\.n too big x\.",
        ),
        (page(status=502), errors.ServerFault, "502"),
        (page(), errors.ServerFault, "web page"),
        (Reply([b"hello"], content_type="text/plain"), errors.ServerFault, "no chat completion"),
        (Reply([b"data: {oh\n\n"]), errors.ServerFault, "no chat completion"),
        (whole({}, 307, {"Location": "http://127.0.0.1:9/v1"}), errors.ServerFault, "redirects"),
        (Reply([event({"error": {"message": "bang"}})]), errors.ServerFault, "bang"),
        (Reply([event(PROVIDER_FAILED)]), errors.ServerFault, "Provider returned error"),
        (answer("", finish_reason="error"), errors.ServerFault, "finish_reason error"),
        (
            whole({"error": {"message": "Provider returned error: out of memory"}}),
            errors.ServerFault,
            "out of memory",
        ),
        (whole({"object": "error", "message": "no memory"}), errors.ServerFault, "no memory"),
        (Reply([b'event: error\ndata: {"message":"bang"}\n\n']), errors.ServerFault, "bang"),
        (Reply([b"event: error\ndata: bang\n\n"]), errors.ServerFault, "bang"),
        (Reply([b"data: " + b"[" * 100_000 + b"\n\n"]), errors.ServerFault, "no chat completion"),
        (
            error(400, "The model `x` does not exist", "model_not_found"),
            errors.ModelNotFound,
            "yet answers that there is none",
        ),
    ],
)
def test_each_refusal_has_its_type_and_a_remedy(
    reply: Reply, kind: type[errors.EndpointError], says: str
) -> None:
    with pytest.raises(kind, match=says) as caught:
        run(reply)
    assert caught.value.do
    assert "<html" not in str(caught.value)


def test_a_missing_model_lists_those_there_are() -> None:
    pages = models("ollama", "qwen3:8b", "llama3.2:3b")
    with ScriptedEndpoint(error(404, "model 'scripted-1' not found"), pages=pages) as endpoint:
        llm = make(endpoint)
        with pytest.raises(errors.ModelNotFound, match=r"There are: qwen3:8b, llama3\.2:3b"):
            llm.complete(ASK)
        llm.close()


def test_a_404_of_a_listed_model_is_a_wrong_address() -> None:
    with ScriptedEndpoint(error(404), pages=models("vllm", "scripted-1")) as endpoint:
        llm = make(endpoint)
        with pytest.raises(errors.ModelNotFound, match="usually ends in /v1"):
            llm.complete(ASK)
        llm.close()


@pytest.mark.parametrize(
    "said",
    [
        "No endpoints found matching your data policy. Configure: https://host.example/privacy",
        "This is not a chat model and thus not supported here. Did you mean another?",
    ],
)
def test_a_404_with_other_words_is_told_in_them(said: str) -> None:
    with pytest.raises(errors.ServerFault, match=re.escape(said[:40])) as caught:
        run(error(404, said))
    assert "usually ends in /v1" in caught.value.do


@pytest.mark.parametrize(
    "said",
    [
        "Rate limit reached on tokens per minute (TPM). Please try again in 1.2s. Need more tokens?"
        " Upgrade today at https://host.example/settings/billing",
        "You exceeded your current quota, please check your plan and billing details. Please retry"
        " in 34.07s.",
        "upstream load balancer is saturated",
        "the server accredits nobody now",
    ],
)
def test_too_often_is_no_lack_of_credit(said: str) -> None:
    assert run(error(429, said), answer("Five [1]."), llm_retries=1) == ("Five [1].", "")


def test_no_credit_is_not_asked_again() -> None:
    for said in ("You exceeded your current quota, please check your plan and billing details.",
                 "insufficient_quota", "Insufficient Balance", "not enough credits"):  # fmt: skip
        with pytest.raises(errors.RateLimited, match="no credit"):
            run(error(429, said), answer("Five [1]."), llm_retries=1)


def test_a_model_that_thinks_long_is_told_what_helps() -> None:
    thinks = answer("", reasoning="hm " * 20, finish_reason="length")
    with pytest.raises(errors.EmptyAnswer, match="RAG_LLM_MAX_TOKENS"):
        run(thinks)
    with pytest.raises(errors.EmptyAnswer, match=r"RAG_LLM_CONTEXT \(it is 8192\)"):
        run(thinks, llm_max_tokens=16_000)


def test_the_check_leaves_a_model_room_to_think() -> None:
    with ScriptedEndpoint(answer("ready")) as endpoint:
        llm = make(endpoint, llm_max_tokens=3000)
        assert llm.check().works
        assert endpoint.requests[-1].body["max_tokens"] == 3000
        llm.close()


@pytest.mark.parametrize("server", OVERFLOWS)
def test_a_prompt_that_is_too_long_in_every_server_s_words(server: str) -> None:
    with pytest.raises(errors.ContextOverflow, match="RAG_LLM_CONTEXT") as caught:
        run(overflow(server, 2048), llm_retries=2)
    silent = ("llamacpp-old", "ollama", "ollama-prompt", "lmstudio-size", "zhipu", "bedrock")
    told = server not in (*silent, "too-large")
    assert caught.value.limit == (2048 if told else 0)


def test_nothing_listens() -> None:
    with ScriptedEndpoint() as endpoint:
        port = endpoint.port
    llm = LLM(
        Endpoint("other", f"http://127.0.0.1:{port}/v1", "m", "RAG_LLM_BASE_URL", 8192),
        Settings(llm_retries=0),
    )
    with pytest.raises(errors.EndpointUnreachable, match=f"127.0.0.1:{port}.*RAG_LLM_BASE_URL"):
        llm.complete(ASK)
    llm.close()


def test_silence_is_a_time_out() -> None:
    began = time.monotonic()
    with pytest.raises(errors.EndpointTimeout, match=r"before its answer.*RAG_LLM_TIMEOUT"):
        run(silence(60.0), llm_timeout=0.3)
    assert time.monotonic() - began < 30
    with pytest.raises(errors.EndpointTimeout, match="in the middle"):
        run(answer(["a", "b"], between=60.0), llm_timeout=1.5)


def test_the_key_is_never_in_an_error() -> None:
    with pytest.raises(errors.EndpointDenied) as caught:
        run(error(401, "Incorrect API key provided: sk-secret-123."), key="sk-secret-123")
    assert "sk-secret" not in str(caught.value)


@pytest.mark.parametrize("shown", ["sk-live-01*****cdef", "sk-live-01...cdef", "sk-live-0123"])
def test_a_part_of_the_key_is_not_shown_either(shown: str) -> None:
    with pytest.raises(errors.EndpointDenied) as caught:
        run(error(401, f"Incorrect API key provided: {shown}."), key="sk-live-0123456789abcdef")
    assert "live" not in str(caught.value)
    assert "cdef" not in str(caught.value)


@pytest.mark.parametrize(
    "reply",
    [
        page(),
        error(401, "the password is PASSW0RD, sent as Basic dXNlcjpQQVNTVzBSRA=="),
        error(404),
        error(500, "http://user:PASSW0RD@upstream/v1 failed with sk-secret-123"),
        whole({}, 302, {"Location": "https://user:PASSW0RD@other.example/sk-secret-123"}),
        Reply([event({"error": {"message": "no sk-secret-123"}})]),
        hang_up(),
    ],
)
def test_no_error_holds_a_secret(reply: Reply) -> None:
    with ScriptedEndpoint(reply, pages={}) as endpoint:
        url = endpoint.base_url.replace("//", "//user:PASSW0RD@")
        where = Endpoint("other", url, "m", "a test", 8192, SecretStr("sk-secret-123"))
        llm = LLM(where, Settings(llm_retries=0))
        with pytest.raises(errors.EndpointError) as caught:
            llm.complete(ASK)
        llm.close()
    said = str(caught.value)
    assert not [word for word in ("PASSW0RD", "dXNlcj", "sk-secret", "user:") if word in said]


# --- retries ---


def test_transient_failures_are_tried_again() -> None:
    with ScriptedEndpoint(error(503), hang_up(), answer("Now [1].")) as endpoint:
        llm = make(endpoint, llm_retries=2)
        assert llm.complete(ASK).text == "Now [1]."
        llm.close()
    assert len(endpoint.chats) == 3


def test_retries_end() -> None:
    with ScriptedEndpoint(error(500, "boom", headers={"Retry-After": "0"})) as endpoint:
        llm = make(endpoint, llm_retries=2)
        with pytest.raises(errors.ServerFault, match="boom"):
            llm.complete(ASK)
        llm.close()
    assert len(endpoint.chats) == 3


def test_an_error_in_a_stream_is_not_asked_for_again() -> None:
    with ScriptedEndpoint(Reply([b'event: error\ndata: {"message":"bang"}\n\n'])) as endpoint:
        llm = make(endpoint, llm_retries=2)
        with pytest.raises(errors.ServerFault, match="bang"):
            llm.complete(ASK)
        llm.close()
    assert len(endpoint.chats) == 1


@pytest.mark.parametrize(
    "refusal", [error(401), error(400, "bad"), error(429, "", "insufficient_quota")]
)
def test_what_will_not_change_is_not_tried_again(refusal: Reply) -> None:
    with ScriptedEndpoint(refusal, answer("x")) as endpoint:
        llm = make(endpoint, llm_retries=2)
        with pytest.raises(errors.EndpointError):
            llm.complete(ASK)
        llm.close()
    assert len(endpoint.chats) == 1


@pytest.mark.parametrize(
    "header",
    [
        lambda: {"Retry-After": "1"},
        lambda: {"retry-after-ms": "1000"},
        lambda: {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=2), True)},
    ],
)
def test_retry_after_is_honoured(header: Callable[[], dict[str, str]]) -> None:
    with ScriptedEndpoint(error(429, headers=header()), answer("Now.")) as endpoint:
        llm = make(endpoint, llm_retries=1)
        assert llm.complete(ASK).text == "Now."
        llm.close()
    first, second = endpoint.chats
    assert second.at - first.at >= 0.95


def test_a_wait_that_is_too_long_is_said_and_not_waited() -> None:
    began = time.monotonic()
    with pytest.raises(errors.RateLimited, match="asks to wait 120 s"):
        run(error(429, headers={"Retry-After": "120"}), llm_retries=3)
    assert time.monotonic() - began < 60


def test_retry_after_in_all_its_forms() -> None:
    assert retry_after({"retry-after": "7"}) == 7
    assert retry_after({"retry-after-ms": "1500", "retry-after": "7"}) == 1.5
    assert retry_after({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, now=40.0) == 60
    assert retry_after({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, now=400.0) == 0
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({"retry-after": "9" * 400}) is None
    assert retry_after({"retry-after-ms": "9" * 400}) is None
    assert retry_after({}) is None


# --- cancelling ---


@pytest.mark.parametrize("reply", [silence(30.0), answer(["a", "b"], between=30.0)])
def test_cancel_closes_the_connection_at_once(reply: Reply) -> None:
    cancel = threading.Event()
    with ScriptedEndpoint(answer("warm"), reply) as endpoint:
        llm = make(endpoint, llm_timeout=60.0)
        llm.complete(ASK)
        stream = llm.stream(ASK, cancel)
        threading.Timer(0.3, cancel.set).start()
        began = time.monotonic()
        list(stream)
        assert time.monotonic() - began < 10
        assert stream.completion is None
        assert endpoint.chats[1].gone.wait(20)
        llm.close()


def test_closing_the_stream_closes_the_connection() -> None:
    with ScriptedEndpoint(answer(["a", "b"], between=30.0)) as endpoint:
        llm = make(endpoint)
        with llm.stream(ASK) as stream:
            assert next(stream).text == "a"
        assert endpoint.chats[0].gone.wait(20)
        llm.close()


def test_cancel_during_a_wait_for_a_retry() -> None:
    cancel = threading.Event()
    with ScriptedEndpoint(error(429, headers={"Retry-After": "20"}), answer("x")) as endpoint:
        llm = make(endpoint, llm_retries=1)
        threading.Timer(0.5, cancel.set).start()
        began = time.monotonic()
        list(llm.stream(ASK, cancel))
        assert time.monotonic() - began < 15
        llm.close()
    assert len(endpoint.chats) == 1


def test_one_cancelled_question_does_not_disturb_the_others() -> None:
    def reply(request: Any) -> Reply:
        name = request.body["messages"][0]["content"]
        return answer([name] * 4, between=0.05)

    with ScriptedEndpoint(reply) as endpoint:
        llm = make(endpoint)
        streams = [llm.stream([{"role": "user", "content": f"q{n} "}]) for n in range(20)]
        streams[3].close()
        texts = ["".join(d.text for d in stream) for n, stream in enumerate(streams) if n != 3]
        llm.close()
    assert texts == [f"q{n} " * 4 for n in range(20) if n != 3]


# --- what is sent ---


def test_what_a_request_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-secret")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Mine: custom-secret")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with ScriptedEndpoint(answer("x")) as endpoint:
        llm = make(endpoint, key="k-1", llm_max_tokens=77)
        llm.complete(ASK)
        llm.close()
        other = make(endpoint)
        other.complete(ASK)
        other.close()
    first, second = endpoint.chats
    assert first.headers["authorization"] == "Bearer k-1"
    assert "authorization" not in second.headers
    assert "secret" not in str(first.headers)
    assert not [name for name in first.headers if name.startswith(("x-", "openai-"))]
    assert first.body["max_tokens"] == 77
    assert first.body["stream_options"] == {"include_usage": True}
    assert first.body["messages"] == ASK


@pytest.mark.parametrize("key", ["", "k-1"])
def test_a_password_in_the_address_is_sent(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Basic secret")
    with ScriptedEndpoint(answer("x")) as endpoint:
        url = endpoint.base_url.replace("://", "://me:pass@")
        where = Endpoint("other", url, endpoint.model, "a test", 8192, SecretStr(key))
        llm = LLM(where, Settings(llm_retries=0))
        llm.complete(ASK)
        llm.close()
    assert endpoint.chats[0].headers["authorization"] == f"Basic {b64encode(b'me:pass').decode()}"


def test_a_redirect_is_not_followed() -> None:
    with ScriptedEndpoint(answer("stolen")) as thief:
        away = whole({}, 307, {"Location": thief.base_url + "/chat/completions"})
        with pytest.raises(errors.ServerFault, match="only to the host that was named"):
            run(away)
        assert not thief.requests


@pytest.mark.parametrize(
    ("words", "gone", "come"),
    [
        ("Unrecognized request argument supplied: stream_options", "stream_options", ""),
        ("Unsupported value: 'temperature' does not support 0", "temperature", ""),
        (
            "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
            "max_tokens",
            "max_completion_tokens",
        ),
        ("response_format json_schema is not supported", "response_format", ""),
    ],
)
def test_a_refused_parameter_is_left_out_and_remembered(words: str, gone: str, come: str) -> None:
    with ScriptedEndpoint(error(400, words), answer("{}")) as endpoint:
        llm = make(endpoint)
        assert llm.complete(ASK, {"type": "object"}).text == "{}"
        llm.complete(ASK, {"type": "object"})
        llm.close()
    first, second, third = endpoint.chats
    assert gone in first.body
    assert gone not in second.body
    assert gone not in third.body
    assert not come or come in second.body


def test_a_parameter_is_left_out_by_all_that_asked_with_it_at_once() -> None:
    together = threading.Barrier(3)

    def reply(request: Any) -> Reply:
        if "temperature" not in request.body:
            return answer("x")
        together.wait(timeout=10)  # no one is refused before all have asked
        return error(400, "Unsupported value: 'temperature' does not support 0")

    with ScriptedEndpoint(reply) as endpoint:
        llm = make(endpoint)
        streams = [llm.stream(ASK) for _ in range(together.parties)]
        assert ["".join(piece.text for piece in stream) for stream in streams] == ["x"] * 3
        llm.close()
    assert len(endpoint.chats) == 6


def test_a_server_that_refuses_whatever_is_left_out_is_asked_a_bounded_number_of_times() -> None:
    words = "no stream_options, response_format, temperature, max_tokens, max_completion_tokens"
    with ScriptedEndpoint(error(400, words)) as endpoint:
        llm = make(endpoint, llm_retries=3)
        for _ in range(2):
            with pytest.raises(errors.ServerFault, match="refused the request"):
                llm.complete(ASK, {"type": "object"})
        llm.close()
    assert len(endpoint.chats) == 6


def test_openai_gets_its_own_name_for_the_ceiling() -> None:
    with ScriptedEndpoint(answer("x")) as endpoint:
        llm = make(endpoint, kind="openai", key="k")
        llm.complete(ASK)
        llm.close()
    assert "max_completion_tokens" in endpoint.chats[0].body
    assert "max_tokens" not in endpoint.chats[0].body


# --- the rest ---


def test_a_check_says_what_works_and_what_does_not() -> None:
    with ScriptedEndpoint(answer("ready"), error(401, "no key")) as endpoint:
        llm = make(endpoint)
        good, bad = llm.check(), llm.check()
        llm.close()
    assert good.works
    assert good.milliseconds > 0
    assert "ready" in good.message
    assert not bad.works
    assert "no key" in bad.message


def test_a_closed_llm_opens_again() -> None:
    with ScriptedEndpoint(answer("x")) as endpoint:
        llm = make(endpoint)
        assert llm.complete(ASK).text == "x"
        llm.close()
        assert llm.complete(ASK).text == "x"
        llm.close()


def test_an_llm_that_is_closed_while_it_answers_says_so() -> None:
    with ScriptedEndpoint(answer(["a", "b"], between=30.0)) as endpoint:
        llm = make(endpoint)
        stream = llm.stream(ASK)
        assert next(stream).text == "a"
        llm.close()
        with pytest.raises(errors.StreamBroken, match="closed"):
            next(stream)


def test_openai_is_not_imported_before_it_is_needed() -> None:
    code = (
        "import sys; from rag.config import Settings; from rag.endpoints.endpoint import survey;"
        "import rag.llm, rag.prompt, rag.reply, rag.condense, rag.cite, rag.judge;"
        "survey(Settings(llm='off')); print('openai' in sys.modules, 'tiktoken' in sys.modules,"
        " 'llama_index.core' in sys.modules)"
    )
    done = python(code)
    assert done.stdout.split() == ["False", "False", "False"]


def test_an_unclosed_llm_does_not_keep_the_program_from_ending() -> None:
    with ScriptedEndpoint(answer(["a", "b"], between=120.0)) as endpoint:
        code = (
            "from rag.config import Settings; from rag.endpoints.endpoint import Endpoint;"
            "from rag.llm import LLM;"
            f"llm = LLM(Endpoint('other', '{endpoint.base_url}', 'm', '', 8192), Settings());"
            "print(next(llm.stream([{'role': 'user', 'content': 'x'}])).text)"
        )
        done = python(code, timeout=100)
    assert done.stdout.strip() == "a"
    assert not done.stderr
