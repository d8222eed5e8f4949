"""Follow-ups stand alone: rewritten by a model, or leaning on what was asked before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from scripted_endpoint import Reply, Request, ScriptedEndpoint, answer, error, overflow

from rag.condense import Condensed, condense
from rag.config import Settings
from rag.endpoints.endpoint import Endpoint
from rag.errors import EndpointDenied
from rag.fold import content_words
from rag.llm import LLM
from rag.schema import Message
from rag.tokens import count_tokens


def talk(*texts: str) -> list[Message]:
    return [{"role": ("user", "assistant")[n % 2], "content": t} for n, t in enumerate(texts)]


HEURIGYM = talk("HeuriGym 是什么？", "HeuriGym 是一个评测大模型写启发式算法能力的基准 [1]。")


# --- without a model ---


@pytest.mark.parametrize(
    "question",
    [
        *("它得出了什么结论？", "为什么？", "那作者呢？", "详细说说", "还有别的吗？", "结论呢？"),
        *("它們有哪些？", "這個怎麼做的？", "Why?", "And who wrote it?", "What about its limits?"),
    ],
)
def test_a_question_that_points_back_takes_the_topic_along(question: str) -> None:
    found = condense(question, HEURIGYM)
    assert found.question.startswith(question)
    assert "heurigym" in content_words(found.question)
    assert "HeuriGym" in found.added


@pytest.mark.parametrize(
    "question",
    [
        *("黄仁勋说的五层蛋糕是哪五层？", "作者在哪家公司做AI Infra？", "《红楼梦》的作者是谁？"),
        *("GPT-4 有多少参数？", "Which five layers does the cake have?"),
        "Where did the author spend the summer of 2019?",
    ],
)
def test_a_question_that_stands_alone_is_left_alone(question: str) -> None:
    assert condense(question, HEURIGYM) == Condensed(question)


def test_of_whom_a_question_asks_stands_first() -> None:
    turns = talk("Who ran the harbour when the author was hired?", "That was Dr Halloran.")
    assert condense("And who came after him?", turns).added.startswith("Dr Halloran ")


def test_another_year_takes_the_place_of_the_one_before() -> None:
    turns = talk("How many members did the club have in 2020?", "40 [1].")
    assert "2020" not in condense("And in 2021?", turns).question
    assert "club" in condense("And in 2021?", turns).added
    assert (
        "2020" not in condense("那2019年呢？", talk("2020年的票价是多少？", "14元 [1]。")).question
    )
    assert "2020" in condense("And why?", turns).question


def test_without_a_history_nothing_changes() -> None:
    assert condense("它呢？", []) == Condensed("它呢？")
    assert condense("它呢？", talk(" ", "\n")) == Condensed("它呢？")


def test_the_topic_reaches_over_a_chain_of_follow_ups_and_no_further() -> None:
    history = talk(
        "黄仁勋的五层蛋糕指什么？",
        "能源到应用[1]。",
        "HeuriGym 是什么？",
        "一个基准[1]。",
        "它难吗？",
        "难[2]。",
    )
    found = condense("那它的结论呢？", history)
    assert "HeuriGym" in found.added
    assert "蛋糕" not in found.added


@pytest.mark.parametrize(
    ("before", "question", "added"),
    [
        ("为什么最后选了 Hugo？", "Hexo 呢？", "最后 选"),
        ("What did Halász guess about sugar?", "What about Rosa?", "guess sugar"),
        ("What did Halász tell Imre?", "What about Rosa?", "Halász Imre"),
        ("What did Halász guess about sugar?", "Why?", "Halász guess sugar"),
        ("How much does the country loaf cost?", "And the smaller one?", "country loaf cost"),
    ],
)
def test_words_are_added_as_they_stand_and_what_is_replaced_is_not(
    before: str, question: str, added: str
) -> None:
    assert condense(question, talk(before, "An answer.")).added == added


def test_what_is_added_is_short() -> None:
    history = talk(
        "请问 " + "、".join(f"Topic{n}" for n in range(100)) + " 是什么？", "很多。" * 500
    )
    assert len(condense("它们呢？", history).added.split()) <= 4


@pytest.mark.parametrize(
    "question",
    ["Who lives downstairs?", "还有几个活着？", "为什么会卡粮？", "Which hive gave most?"],
)
def test_a_question_of_two_words_takes_the_topic_along(question: str) -> None:
    assert "HeuriGym" in condense(question, HEURIGYM).added


def test_a_question_of_three_words_may_be_about_something_else() -> None:
    question = "Which valley grows coffee?"
    assert condense(question, HEURIGYM) == Condensed(question)


@pytest.mark.parametrize(
    ("asked", "added"),
    [
        ("How many bags did the larder lend?", ["bags", "larder", "lend"]),
        ("How often did each nurse get a letter?", ["nurse", "letter"]),
        ("召回一共花了多久？", ["召回", "花"]),
    ],
)
def test_what_was_asked_about_is_taken_along_and_not_how_much(asked: str, added: list[str]) -> None:
    assert condense("为什么？", talk(asked, "[1]")).added.split() == added


# --- with one ---


@contextmanager
def model(*scripts: Any, window: int = 4096) -> Iterator[tuple[ScriptedEndpoint, LLM]]:
    with ScriptedEndpoint(*scripts) as endpoint:
        where = Endpoint("other", endpoint.base_url, endpoint.model, "a test", window)
        llm = LLM(where, Settings(llm_retries=0))
        try:
            yield endpoint, llm
        finally:
            llm.close()


@pytest.mark.parametrize(
    "said",
    [
        "HeuriGym 得出了什么结论？",
        "“HeuriGym 得出了什么结论？”",
        "Standalone question: HeuriGym 得出了什么结论？",
        "改写后的问题：HeuriGym 得出了什么结论？\n",
        "<think>他问的是 HeuriGym</think>\nHeuriGym 得出了什么结论？",
        "The rewritten question:\n**HeuriGym 得出了什么结论？**",
    ],
)
def test_a_model_rewrites_the_question(said: str) -> None:
    with model(answer(said)) as (endpoint, llm):
        found = condense("它得出了什么结论？", HEURIGYM, llm)
    assert found.question == "HeuriGym 得出了什么结论？"
    assert found.added == "heurigym"
    prompt = endpoint.chats[0].prompt
    assert "Question: HeuriGym 是什么？" in prompt
    assert "[1]" not in prompt
    assert len(endpoint.chats) == 1


@pytest.mark.parametrize(
    "said",
    [
        "",
        "I'm sorry, I cannot help with that.",
        "抱歉，我无法回答。",
        "结论是大模型还不行。\n\n因为它们只得了 60 分。",
        "很长" * 500,
        "？？？",
    ],
)
def test_a_bad_rewriting_falls_back_to_the_words_of_the_history(said: str) -> None:
    with model(answer(said)) as (_, llm):
        found = condense("它得出了什么结论？", HEURIGYM, llm)
    assert found == condense("它得出了什么结论？", HEURIGYM)


def test_a_rewriting_that_was_cut_is_none() -> None:
    with model(answer("HeuriGym 得出", finish_reason="length")) as (_, llm):
        found = condense("它得出了什么结论？", HEURIGYM, llm)
    assert found == condense("它得出了什么结论？", HEURIGYM)


def enforcing(limit: int) -> Callable[[Request], Reply]:
    """A server that counts the prompt and the room for the answer, as vLLM does."""

    def reply(request: Request) -> Reply:
        counted = sum(count_tokens(message["content"]) for message in request.body["messages"])
        over = counted + request.body["max_tokens"] > limit
        return overflow("vllm", limit) if over else answer("HeuriGym 得出了什么结论？")

    return reply


@pytest.mark.parametrize("window", [600, 1024, 4096])
@pytest.mark.parametrize("pasted", ["", "长文 and more. " * 4000])
def test_a_rewriting_keeps_to_the_model_s_context(window: int, pasted: str) -> None:
    history = [{"role": "user", "content": pasted + HEURIGYM[0]["content"]}, *HEURIGYM[1:]]
    with model(enforcing(window), window=window) as (endpoint, llm):
        found = condense("它得出了什么结论？", history, llm)
    assert found.question == "HeuriGym 得出了什么结论？"
    assert "HeuriGym" in endpoint.chats[0].prompt
    assert len(endpoint.chats) == 1


def test_of_many_turns_the_latest_that_fit_are_shown() -> None:
    history = [{"role": "user", "content": f"Question {n}: " + "word " * 100} for n in range(6)]
    with model(enforcing(600), window=600) as (endpoint, llm):
        condense("它得出了什么结论？", history, llm)
    assert "Question 5" in endpoint.chats[0].prompt
    assert "Question 0" not in endpoint.chats[0].prompt


@pytest.mark.parametrize("question", ["它得出了什么结论？", "它" + "得出了什么结论？" * 2000])
def test_what_does_not_fit_is_searched_without_a_model(question: str) -> None:
    with model(overflow("vllm", 300)) as (_, llm):
        assert condense(question, HEURIGYM, llm) == condense(question, HEURIGYM)


def test_an_endpoint_s_error_is_an_error() -> None:
    with model(error(401, "no")) as (_, llm), pytest.raises(EndpointDenied):
        condense("它得出了什么结论？", HEURIGYM, llm)


def test_without_a_history_no_model_is_asked() -> None:
    with model(answer("x")) as (endpoint, llm):
        assert condense("它呢？", [], llm) == Condensed("它呢？")
    assert not endpoint.requests


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("Which five layers does the cake of artificial intelligence have?", 0),
        ("北京和上海两家公司的国产算力训练成本各是多少？", 0),
        ("Which five layers does it have, from the bottom to the top of the cake?", 1),
        ("后来换成了什么编辑器？", 1),
    ],
)
def test_no_model_is_asked_about_what_stands_alone(question: str, asked: int) -> None:
    with model(answer("HeuriGym?")) as (endpoint, llm):
        found = condense(question, HEURIGYM, llm)
        assert len(endpoint.requests) == asked
        assert (found.question == question) is (asked == 0)
