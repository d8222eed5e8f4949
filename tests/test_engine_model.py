"""`Rag` with a model: a scripted endpoint behind the whole pipeline, over the seeds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from scripted_endpoint import (
    MODEL,
    Reply,
    Request,
    Script,
    ScriptedEndpoint,
    answer,
    error,
    silence,
)

from rag import Rag, Settings
from rag.errors import EndpointDenied, EndpointError
from rag.schema import Answer, Done, Replace, Token
from rag.templates import REFUSAL

LAYERS = "五层蛋糕是哪五层？"
TRUE = "五层蛋糕是能源、芯片、基础设施、模型和应用。"
INVENTED = {
    "在2031年，五层蛋糕的总价值达到了8.7万亿美元。": ("2031", "8.7"),
    "这个比喻最早由 Marlene Okafor 提出。": ("Marlene",),
    "其中芯片层占全部成本的百分之六十三。": ("63", "百分之六十三", "六十三"),
}


@pytest.fixture
def ask(seeded: Path) -> Callable[..., Answer]:
    """Asks the seeds through an endpoint that gives these replies, one after the other."""

    def ask(*replies: Script, question: str = LAYERS, **settings: object) -> Answer:
        with open_rag(seeded, *replies, **settings) as (rag, _):
            return rag.query(question)

    return ask


@contextmanager
def open_rag(
    data: Path, *replies: Script, **settings: object
) -> Iterator[tuple[Rag, ScriptedEndpoint]]:
    with ScriptedEndpoint(*replies) as endpoint:
        named = {"llm_base_url": endpoint.base_url, "llm_model": MODEL, "llm_retries": 0}
        with Rag(Settings(data_dir=data, **{**named, **settings})) as rag:
            yield rag, endpoint


def citing(text: str, fact: str) -> Callable[[Request], Reply]:
    """Answers with `text`, in which {n} is the number of the passage that holds `fact`."""

    def reply(request: Request) -> Reply:
        prompt = request.prompt
        before = prompt[: prompt.index(fact)]
        return answer(text.replace("{n}", before[before.rindex("\n[") + 2 :].split("]")[0]))

    return reply


def test_a_true_sentence_is_supported_by_the_words_it_cites(ask: Callable[..., Answer]) -> None:
    answer = ask(citing(TRUE + "[{n}]", "能源 → 芯片"))
    assert answer.mode == "llm"
    assert answer.model == MODEL
    assert not answer.refused
    [sentence] = answer.sentences
    assert sentence.verdict.label == "supported", sentence.verdict
    assert "能源" in answer.citations[0].quote


def test_every_invented_number_name_and_date_is_marked(ask: Callable[..., Answer]) -> None:
    text = TRUE + "[{n}]" + "".join(f"{sentence}[{{n}}]" for sentence in INVENTED)
    first, *rest = ask(citing(text, "能源 → 芯片")).sentences
    assert first.verdict.label == "supported"
    assert len(rest) == len(INVENTED)
    for sentence, named in zip(rest, INVENTED.values(), strict=True):
        assert sentence.verdict.label in ("unsupported", "partly"), sentence
        assert any(name in sentence.verdict.reason for name in named), sentence.verdict


def test_what_stays_uncited_has_no_citations_and_is_checked_all_the_same(
    ask: Callable[..., Answer],
) -> None:
    [sentence] = ask(answer(TRUE)).sentences
    assert sentence.citations == ()
    assert sentence.verdict.label != "unchecked"


def test_numbers_that_were_never_retrieved_are_removed(ask: Callable[..., Answer]) -> None:
    got = ask(answer(f"{TRUE}[1][77]"))
    assert "77" not in got.text
    assert any("77" in warning for warning in got.warnings)


def test_the_models_refusal_is_a_refusal(ask: Callable[..., Answer]) -> None:
    got = ask(answer(REFUSAL))
    assert got.refused
    assert REFUSAL not in got.text
    assert got.citations, "the nearest passages are shown"
    assert got.answerable < Settings(llm="off").refuse_below


@pytest.mark.parametrize(
    "said",
    [
        "五层蛋糕的价值是 $4,000,000,000,000{n}。",
        "五层蛋糕的地址是 8.8.8.8{n}。",
        "五层蛋糕：\n\n**问题**：能源{n}\n\n**解决办法**：芯片{n}",
        TRUE + "文中没有提到是谁出资的。",
    ],
)
def test_an_answer_is_no_refusal(ask: Callable[..., Answer], said: str) -> None:
    got = ask(citing(said.replace("{n}", "[{n}]"), "能源 → 芯片"))
    assert not got.refused
    assert not got.warnings
    assert len(got.text) >= len(said.replace("{n}", ""))


def test_an_error_is_an_error_and_no_refusal(ask: Callable[..., Answer]) -> None:
    with pytest.raises(EndpointDenied):
        ask(error(401, "wrong key"))
    with pytest.raises(EndpointError):
        ask(error(500, "out of memory"))


def test_dropping_leaves_the_supported_sentences(ask: Callable[..., Answer]) -> None:
    false = next(iter(INVENTED))
    got = ask(citing(f"{TRUE}[{{n}}]{false}[{{n}}]", "能源 → 芯片"), unsupported="drop")
    assert "2031" not in got.text
    assert [s.text for s in got.sentences] == [TRUE]
    assert got.text[got.sentences[0].start : got.sentences[0].end].startswith(TRUE)
    assert any("left out" in warning for warning in got.warnings)


def test_dropping_everything_is_a_refusal(ask: Callable[..., Answer]) -> None:
    false = next(iter(INVENTED))
    assert ask(citing(f"{false}[{{n}}]", "能源 → 芯片"), unsupported="drop").refused


def test_a_sentence_that_the_passages_do_not_tell_the_rest_is_no_fault(
    ask: Callable[..., Answer],
) -> None:
    said = citing(f"{TRUE}[{{n}}]段落没有说明是谁出资的。", "能源 → 芯片")
    stated, abstained = ask(said, unsupported="drop").sentences
    assert stated.verdict.label == "supported"
    assert abstained.verdict.label == "unchecked"


def test_the_first_answer_stands_where_the_second_fails(ask: Callable[..., Answer]) -> None:
    said = TRUE + "[{n}]这个比喻最早由 Marlene Okafor 提出。[{n}]"
    first = citing(said, "能源 → 芯片")
    got = ask(first, error(500, "out of memory"), unsupported="retry")
    assert TRUE[:-1] in got.text
    assert [s.verdict.label for s in got.sentences] == ["supported", "unsupported"]
    assert any(w.startswith("Not answered again") and "out of memory" in w for w in got.warnings)


def test_answering_again_gives_the_model_the_reasons(seeded: Path) -> None:
    false = next(iter(INVENTED))
    first = citing(f"{false}[{{n}}]", "能源 → 芯片")
    second = citing(f"{TRUE}[{{n}}]", "能源 → 芯片")
    with open_rag(seeded, first, second, unsupported="retry") as (rag, endpoint):
        got = rag.query(LAYERS)
        assert "2031" in endpoint.chats[1].prompt
    assert [s.text for s in got.sentences] == [TRUE]
    assert any("again" in warning for warning in got.warnings)


def test_a_judge_that_answers_garbage_leaves_everything_unchecked(
    ask: Callable[..., Answer],
) -> None:
    garbage = answer("banana")
    got = ask(citing(TRUE + "[{n}]", "能源 → 芯片"), garbage, garbage, judge="same")
    assert [s.verdict.label for s in got.sentences] == ["unchecked"]
    assert got.sentences[0].verdict.reason
    assert any("1 of 1 sentences are unchecked" in warning for warning in got.warnings)


def test_a_judge_that_is_not_there_is_said(ask: Callable[..., Answer]) -> None:
    dead = {"judge": "http://127.0.0.1:9/v1", "judge_model": "j"}
    got = ask(citing(TRUE + "[{n}]", "能源 → 芯片"), **dead)
    [warning] = [warning for warning in got.warnings if "unchecked" in warning]
    assert "Nothing answers at 127.0.0.1:9" in warning
    assert "rag doctor" in warning


def test_closing_the_stream_hangs_up_on_the_judge(seeded: Path) -> None:
    first = citing(TRUE + "[{n}]", "能源 → 芯片")
    with open_rag(seeded, first, silence(60.0), judge="same", llm_timeout=60.0) as (rag, endpoint):
        stream = rag.stream(LAYERS)
        next(event for event in stream if isinstance(event, Token))
        until = time.monotonic() + 60
        while len(endpoint.chats) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        stream.close()
        assert endpoint.chats[1].gone.wait(10)
        assert len(endpoint.chats) == 2


JUDGED = """{"sentences": [{"number": 1, "claims":
    [{"claim": "c", "verdict": "supported", "reason": "r"}]}]}"""


def checks(rag: Rag, name: str) -> list[tuple[bool, str]]:
    return [(check.ok, check.message) for check in rag.doctor().checks if check.name == name]


def test_the_doctor_asks_the_judge(seeded: Path) -> None:
    with open_rag(seeded, answer("ready"), answer(JUDGED), judge="same") as (rag, endpoint):
        [(works, said)] = checks(rag, "judge")
        assert works
        assert "supported" in said
        assert len(endpoint.chats) == 2
    dead = {"judge": "http://user:PASSW0RD@127.0.0.1:9/v1", "judge_model": "j"}
    with open_rag(seeded, answer("ready"), **dead) as (rag, _):
        report = rag.doctor()
        [failed] = [check for check in report.checks if check.name == "judge"]
        assert not failed.ok
        assert "Nothing answers at 127.0.0.1:9" in failed.message
        privacy = [check.message for check in report.checks if check.name == "privacy"]
        assert any("http://127.0.0.1:9/v1 sees passages to check" in line for line in privacy)
        assert "PASSW0RD" not in str(report)


def test_the_doctor_says_who_sees_passages_without_a_model(seeded: Path) -> None:
    def doctor(**more: str) -> str:
        with Rag(Settings(data_dir=seeded, llm="off", **more)) as rag:
            return str(rag.doctor())

    with ScriptedEndpoint(error(500)) as endpoint:
        near = doctor(rerank_base_url=endpoint.base_url, judge=endpoint.base_url)
        assert "No passage leaves this machine" in near
        assert not endpoint.chats
    far = "http://user:PASSW0RD@localhost.invalid/v1"  # RFC 6761: no name server knows it
    said = doctor(rerank_base_url=far)
    assert "No passage leaves" not in said
    assert "http://localhost.invalid/v1 sees passages to rank them" in said
    assert "PASSW0RD" not in said


def test_the_stream_shows_tokens_and_then_the_checked_text(seeded: Path) -> None:
    with open_rag(seeded, citing(TRUE + "【{n}】", "能源 → 芯片")) as (rag, _):
        began = time.monotonic()
        *events, last = rag.stream(LAYERS)
    assert isinstance(last, Done)
    assert "".join(e.text for e in events if isinstance(e, Token)).startswith(TRUE)
    assert [e.text for e in events if isinstance(e, Replace)][-1] == last.answer.text
    stages = {"retrieve", "answer", "cite", "verify", "evidence", "read"}
    assert last.answer.timings.keys() >= stages
    assert sum(last.answer.timings.values()) <= 1000 * (time.monotonic() - began)  # none twice


def test_closing_the_stream_hangs_up(seeded: Path) -> None:
    slow = answer(["字"] * 200, between=0.05)
    with open_rag(seeded, slow) as (rag, endpoint):
        stream = rag.stream(LAYERS)
        for event in stream:
            if isinstance(event, Token):
                break
        stream.close()
        assert endpoint.chats[0].gone.wait(20)


def test_a_follow_up_is_rewritten_by_the_model(seeded: Path) -> None:
    history = [
        {"role": "user", "content": "HeuriGym是什么？"},
        {"role": "assistant", "content": "一个评测 [1]。"},
    ]
    rewritten = answer("HeuriGym得出了什么结论？")
    with open_rag(seeded, rewritten, answer(REFUSAL)) as (rag, endpoint):
        got = rag.query("它得出了什么结论？", history=history)
        assert "HeuriGym" in endpoint.chats[1].prompt
    assert any("HeuriGym" in hit.passage.raw for hit in got.hits)
