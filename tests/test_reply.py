"""Asking about passages: refusals, prompts that are too long or were cut, and what is shown."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from scripted_endpoint import Reply, Request, ScriptedEndpoint, answer, error, overflow

from rag import reply as replies
from rag.config import Settings
from rag.endpoints.endpoint import Endpoint
from rag.errors import ContextOverflow, EndpointDenied
from rag.llm import LLM
from rag.prompt import REFUSAL
from rag.reply import ask, read_refusal
from rag.schema import Hit, OffsetMap, Passage
from rag.tokens import count_tokens

TEXTS = ["Five layers. " * 30, "能源与芯片。" * 30, "Rain fell. " * 30]
HITS = [
    Hit(Passage(str(n), "s", "t", "", 0, len(t), t, t, offsets=OffsetMap.identity(len(t))), 1.0)
    for n, t in enumerate(TEXTS)
]


@contextmanager
def asking(
    *scripts: Any, kind: Any = "other", window: int = 4096
) -> Iterator[tuple[ScriptedEndpoint, LLM]]:
    with ScriptedEndpoint(*scripts) as endpoint:
        where = Endpoint(kind, endpoint.base_url, endpoint.model, "a test", window)
        llm = LLM(where, Settings(llm_retries=0))
        try:
            yield endpoint, llm
        finally:
            llm.close()


def test_an_answer_is_streamed_and_read() -> None:
    with asking(answer("Five layers [1].", usage=(700, 5), reasoning="hm")) as (endpoint, llm):
        reply = ask(llm, "Which layers?", [], HITS)
        shown = "".join(reply)
    assert shown == reply.text == "Five layers [1]."
    assert not reply.refused
    assert reply.hits == tuple(HITS)
    assert reply.usage is not None
    assert reply.usage.prompt_tokens == 700
    assert reply.reasoning == "hm"
    assert not reply.warnings
    assert "Five layers." in endpoint.chats[0].prompt


@pytest.mark.parametrize(
    "said",
    [
        REFUSAL,
        f"  {REFUSAL}.",
        f'"{REFUSAL}"',
        f"**{REFUSAL}**",
        "`not_in_passages`",
        "「Not_In_Passages」",
        "NOT\\_IN\\_PASSAGES",
        "NOT IN PASSAGES",
        f"Answer: {REFUSAL}",
        f"{REFUSAL}: the passages speak of cake only [1].",
        f"I am sorry, but the answer is {REFUSAL}",
        "The passages do not mention the price.",
        "提供的段落中没有提到价格。",
        "根据所给材料，无法确定。",
        "抱歉，我无法回答这个问题。",
        "I cannot answer that from what I was given.",
        "There is no information about it in the passages.",
        "The architect is not mentioned in the passages.",
        "Unfortunately, I could not find that.",
        "抱歉，提供的几个段落里没有说明是谁出资的。",
        "Based on the provided passages, there is no mention of who paid for it.",
        "The answer is not in the passages.",
        "None of the passages mention the price.",
        "There is insufficient information in the passages to determine the price.",
        "It is not possible to answer this question from the given passages.",
        "Not mentioned in the provided passages.",
        "Unfortunately, the text doesn't specify this.",
        "N/A",
        "很抱歉，提供的资料不足以回答该问题。",
        "无法根据给定段落回答。",
        "不在段落中。",
        "未提及。",
        "The passages do not state the price [1][2].",
        "None of the passages mention the price [1][2].",
        "这些段落没有回答价格是多少[1][2]。",
        f"The passages are about cakes [1][2] and do not mention the price. {REFUSAL}",
        "The passages discuss cakes. They do not mention the price.",
        "The passages do not mention the price. Therefore, it cannot be determined.",
        "I'm sorry, but the passages do not mention it. Please provide more of them.",
        "文中没有提到价格。因此，我无法回答这个问题。",
        "抱歉，段落中没有提到价格。请提供更多资料。",
        "The passages do not mention the price, nor who paid it [1].",
        "The passages do not mention the price, so it cannot be determined [1].",
        "The passages do not mention the price, the date, and the place [1].",
        "文中没有提到价格，因此无法回答[1]。",
        "No passage mentions who paid for the canal.",
        "None of the passages identifies the funder.",
        "Nothing in the passages indicates who paid for it.",
        "The passages discuss the canal's length, but none of them says who financed it.",
        "The passages are silent on who paid for the canal.",
        "The passages provide no details about the funding.",
        "The question cannot be answered from the passages.",
        "Based on the passages, it is unclear who paid for the canal.",
        "It is unclear from the passages who paid.",
        "There is no information about that.",
        "No information is given about the funding.",
        "Who paid for the canal is not mentioned.",
        "This information is not provided.",
        "It is not stated.",
        "Not specified.",
        "Unknown.",
        "I was unable to find the answer in the passages.",
        "The canal's funding is not discussed in any of the passages [1][2].",
        "我不知道。",
        "资料不足，无法判断。",
        "没有找到相关内容。",
        "暫無相關資訊。",
        "上述段落均未涉及运河的出资者[2]。",
        "从这些段落看不出是谁出钱。",
        "所给段落对此只字未提。",
        "这几段文字都没有提到出资者。",
        "没有任何段落提到谁出资。",
        "目前的资料无法确定是谁出资。",
        "提供的段落里没有任何关于资金来源的内容。",
        "很抱歉，我在给出的段落中没有找到答案。",
    ],
)
def test_a_refusal_in_any_dress(said: str) -> None:
    found = read_refusal(said)
    assert found.refused
    assert found.text == ""


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (f"It has five layers [1]. {REFUSAL}", "It has five layers [1]."),
        (f"五层[1]。\n\n**{REFUSAL}**", "五层[1]。"),
        (f"Five [1]. ({REFUSAL}) Energy first [2].", "Five [1].\nEnergy first [2]."),
        (
            "The essay does not say more than that [1].",
            "The essay does not say more than that [1].",
        ),
        ("It is not in passages of the trip [1].", "It is not in passages of the trip [1]."),
        ("Five layers.", "Five layers."),
        (
            "The passages say it has five layers [1] but do not say who baked it.",
            "The passages say it has five layers [1] but do not say who baked it.",
        ),
        ("段落只说了五层[1]，没有说明价格。", "段落只说了五层[1]，没有说明价格。"),
        ("The text of the law does not say much.", "The text of the law does not say much."),
        ("He could not find a job there.", "He could not find a job there."),
        ("他没有找到工作，也没有提到原因。", "他没有找到工作，也没有提到原因。"),
        ("Documents do not replace conversations.", "Documents do not replace conversations."),
        ("作者认为这些材料没有说明问题的根源。", "作者认为这些材料没有说明问题的根源。"),
        *(
            (said, said)
            for said in (
                "There is no information desk.",
                "The cause of the fire is unknown.",
                "It is not stated in law that tenants must pay.",
                "What matters is not said aloud.",
                "No document mentions the treaty before 1900.",
                "Nothing in the world could move him.",
                "The canal opened in 1804 but its cost is not stated in the passages [1].",
                "我不知道他是谁。",
                "他在文章里找不到自己的名字。",
                "作者没有提到自己的父亲。",
                "Mary Holt built the bridge in 1932. The passages do not say who paid for it.",
                "The passages do not say who paid for it. Mary Holt built the bridge in 1932.",
                "桥建于1932年，由玛丽设计。文中没有提到花费。",
                "- The bridge is from 1932.\n- The passages do not mention the cost.",
                "The document does not mention a price, so the buyer paid nothing [1].",
                "文中没有提到价格，买家分文未付[1]。",
                "文中没有提到价格，也没有提到买家，但桥建于1932年[1]。",
            )
        ),
        (
            "He wrote: \u201cI don't know how to find rest.\u201d",
            "He wrote: \u201cI don't know how to find rest.\u201d",
        ),
    ],
)
def test_a_partial_answer_is_an_answer(said: str, text: str) -> None:
    found = read_refusal(said)
    assert not found.refused
    assert found.text == text


@examples(max_examples=100)
@given(
    st.lists(st.integers(1, 7), max_size=12), st.sampled_from(["", "五层 [1]。", '"', "**", "N"])
)
def test_the_sentinel_is_never_shown(sizes: list[int], before: str) -> None:
    shower = replies._Shown()
    text, shown = before + REFUSAL + "!", ""
    for size in [*sizes, len(text)]:
        shown += shower.feed(text[:size])
        text = text[size:]
    shown += shower.finish()
    assert "PASSAGES" not in shown
    assert shown.startswith(before if before.startswith("五") else "")


@examples(max_examples=100)
@given(st.text("NOT_IPAS n五[1]。", max_size=40), st.lists(st.integers(1, 7), max_size=12))
def test_everything_else_is_shown(text: str, sizes: list[int]) -> None:
    if "_IN_" in text or "NOT" in text:
        return
    shower = replies._Shown()
    shown, rest = "", text
    for size in [*sizes, len(text)]:
        shown += shower.feed(rest[:size])
        rest = rest[size:]
    assert shown + shower.finish() == text


def test_the_sentinel_does_not_stream() -> None:
    with asking(answer(REFUSAL)) as (_, llm):
        reply = ask(llm, "Who?", [], HITS)
        assert "".join(reply) == ""
    assert reply.refused
    assert reply.text == ""


# --- prompts that do not fit ---


def fits(limit: int) -> Any:
    """A server that takes prompts up to a length in words only."""

    def reply(request: Request) -> Reply:
        long = len(request.prompt) > limit
        return overflow("openai", 1700) if long else answer("Five [1].", usage=(600, 3))

    return reply


def test_a_prompt_that_is_too_long_is_shortened_once_and_said() -> None:
    with asking(fits(3000), window=8192) as (endpoint, llm):
        reply = ask(llm, "Which layers?", [{"role": "user", "content": "x"}], HITS * 3)
        assert "".join(reply) == "Five [1]."
    assert len(endpoint.chats) == 2
    assert len(endpoint.chats[1].prompt) < len(endpoint.chats[0].prompt)
    assert "shorter prompt" in reply.warnings[0]
    assert "did not fit" in reply.warnings[1]
    assert len(reply.hits) < 9


@pytest.mark.parametrize("server", ["vllm", "ollama"])
def test_the_third_time_it_is_an_error(server: str) -> None:
    with asking(overflow(server, 2500), window=8192) as (endpoint, llm):
        reply = ask(llm, "Which layers?", [], HITS * 12)
        with pytest.raises(ContextOverflow, match="takes"):
            list(reply)
    prompts = [(chat.prompt, chat.body["max_tokens"]) for chat in endpoint.chats]
    assert len(prompts) == len(set(prompts)) == 3


@pytest.mark.parametrize("says", ["the number", "no number"])
@pytest.mark.parametrize("ratio", [1.0, 1.8])
def test_a_prompt_fits_servers_that_count_other_tokens(says: str, ratio: float) -> None:
    def reply(request: Request) -> Reply:
        counted = sum(count_tokens(m["content"]) for m in request.body["messages"]) * ratio
        if counted + request.body["max_tokens"] > 3000:
            return overflow("vllm" if says == "the number" else "lmstudio-size", 3000)
        return answer("Five [1].")

    with asking(reply, window=8192) as (endpoint, llm):
        reply_ = ask(llm, "Which layers?", [], HITS * 6)
        assert "".join(reply_) == "Five [1]."
    assert "shorter prompt" in reply_.warnings[0]
    assert len(reply_.hits) < 18
    assert len(endpoint.chats) <= 3


def test_less_room_for_the_answer_is_no_shorter_prompt() -> None:
    def reply(request: Request) -> Reply:
        counted = sum(count_tokens(m["content"]) for m in request.body["messages"])
        over = counted + request.body["max_tokens"] > 1300
        return overflow("vllm", 1300) if over else answer("Five [1].")

    with asking(reply, window=8192) as (endpoint, llm):
        shorter = ask(llm, "Which layers?", [], HITS[:1])
        assert "".join(shorter) == "Five [1]."
    assert len(endpoint.chats) == 2
    assert not shorter.warnings


def test_a_prompt_that_cannot_be_shorter_is_not_sent_again() -> None:
    with asking(overflow("lmstudio-size"), window=8192) as (endpoint, llm):
        reply = ask(llm, "Which layers?", [], HITS[:1])
        with pytest.raises(ContextOverflow, match="longer than scripted-1"):
            list(reply)
    assert len(endpoint.chats) == 1


def test_without_a_number_the_window_shrinks_by_a_share() -> None:
    with asking(overflow("ollama"), answer("Five [1].")) as (endpoint, llm):
        list(ask(llm, "Which layers?", [], HITS * 4))
    first, second = (len(chat.prompt) for chat in endpoint.chats)
    assert second < 0.8 * first


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [("ollama", "OLLAMA_CONTEXT_LENGTH"), ("llamacpp", "-c 8192"), ("other", "RAG_LLM_CONTEXT")],
)
def test_a_prompt_that_the_server_cut_is_noticed(kind: Any, remedy: str) -> None:
    with asking(answer("Rain [1].", usage=(300, 3)), kind=kind) as (_, llm):
        reply = ask(llm, "Which layers?", [], HITS)
        list(reply)
    assert "read only 300 of about" in reply.warnings[0]
    assert remedy in reply.warnings[0]


@pytest.mark.parametrize("usage", [None, (0, 3)])
def test_no_usage_is_no_cut(usage: tuple[int, int] | None) -> None:
    with asking(answer("Rain [1].", usage=usage)) as (_, llm):
        reply = ask(llm, "Which layers?", [], HITS)
        list(reply)
    assert not reply.warnings


def test_a_cut_answer_carries_its_warning() -> None:
    with asking(answer("Rain [1]. And", finish_reason="length")) as (_, llm):
        reply = ask(llm, "Which layers?", [], HITS)
        list(reply)
    assert "RAG_LLM_MAX_TOKENS" in reply.warnings[0]


@pytest.mark.parametrize("end", [" [1", " [", "【12", " [^1", " [1, ", " [Passage 1"])
def test_a_mark_that_the_end_cuts_is_left_out(end: str) -> None:
    said = "Five layers [1]. Then more"
    with asking(answer(said + end, finish_reason="length")) as (_, llm):
        reply = ask(llm, "Which layers?", [], HITS)
        list(reply)
    assert reply.text == said


def test_errors_come_through() -> None:
    with asking(error(401, "no")) as (_, llm), pytest.raises(EndpointDenied):
        list(ask(llm, "Which layers?", [], HITS))


def test_cancelling_ends_it_without_a_text() -> None:
    cancel = threading.Event()
    with asking(answer(["Five ", "layers"], between=20.0)) as (endpoint, llm):
        reply = ask(llm, "Which layers?", [], HITS, cancel)
        assert next(reply) == "Five "
        cancel.set()
        assert list(reply) == []
        assert endpoint.chats[0].gone.wait(20)
    assert reply.text == ""
    assert not reply.refused
