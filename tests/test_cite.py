"""Marks in every usual form become citations of exact words."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from rag.cite import Cited, cite, quote
from rag.replies.chatter import said_once
from rag.schema import Hit, OffsetMap, Passage

COMPANY = "我在阶跃星辰工作。这里做 AI Infra。天气很好，我们去爬山。"
CAKE = "The cake has five layers. Energy is the first layer. Chips come next. Rain fell."


def hit(text: str, n: int = 1, offsets: OffsetMap | None = None, raw: str = "") -> Hit:
    passage = Passage(
        id=str(n),
        source=f"s/{n}.txt",
        title=f"Title {n}",
        heading="",
        start=100,
        end=100 + len(raw or text),
        text=text,
        raw=raw or text,
        offsets=offsets or OffsetMap.identity(len(text), 100),
    )
    return Hit(passage, 1.0)


HITS = [hit(COMPANY, 1), hit(CAKE, 2)]


def cited(text: str, hits: list[Hit] | None = None) -> Cited:
    """The result, after checking what must hold of every one."""
    found = cite(text, HITS if hits is None else hits)
    end = 0
    for sentence in found.sentences:
        assert end <= sentence.start <= sentence.end <= len(found.text)
        end = sentence.end
        shown = found.text[sentence.start : sentence.end]
        assert all(f"[{n}]" in shown for n in sentence.citations)
        assert sentence.verdict.label == "unchecked"
    assert [citation.n for citation in found.citations] == list(range(1, len(found.citations) + 1))
    used = {n for sentence in found.sentences for n in sentence.citations}
    assert used == {citation.n for citation in found.citations}
    return found


@pytest.mark.parametrize(
    "mark",
    [
        *("[2]", "【2】", "［２］", "[２]", "[^2]", "[2†source]", "[2:3†L1-L9]", "[ 2 ]", "[02]"),
        *(
            "[Passage 2]",
            "[passage: 2]",
            "[来源2]",
            "[段落 2]",
            "[文档2]",
            "[ref_2]",
            "[#2]",
            "[^2^]",
            r"\[2\]",
            "(Passage 2)",
            "（来源：2）",
            "[2](https://x.example/a)",
            "[2](#n)",
        ),
    ],
)
def test_every_usual_form_of_one_number(mark: str) -> None:
    found = cited(f"Energy is the first layer {mark}.")
    assert found.text == "Energy is the first layer [1]."
    assert [citation.quote for citation in found.citations] == ["Energy is the first layer."]
    assert found.citations[0].source == "s/2.txt"
    assert not found.warnings


@pytest.mark.parametrize(
    "mark",
    [
        *("<sup>2</sup>", "<sup>[2]</sup>", '<sup class="c">2</sup>', "<cite>2</cite>"),
        *("<ref>2</ref>", "$^{2}$", "$^2$", "$^{[2]}$", "^{[2]}", r"\cite{2}", "②", "²"),
        *("[[2]]", "[[2]](#n)", "([2])", "([2](#n))", "(see [2])", "(see Passage 2)", "**[2]**"),
        *("*[2]*", "_[2]_", "（见[2]）", "（参见段落[2]）", "（来源：段落2）", "【段落二】"),
        *("(Source: [2])", "[文2]", "[第二段]", "[see 2]", "`[2]`", "{2}", "{{2}}", "<2>", "$[2]$"),
        *("^2^", "^[2]^", "〔2〕", "[段2]", "（第2段）", "（据第二段）", "(from passage 2)"),
        *('<source id="2">', "<ref id='2'/>", "<cite>[2]</cite>", "[2, Title 2]", "[Title 2, 2]"),
    ],
)
def test_one_number_in_any_dress(mark: str) -> None:
    found = cited(f"Energy is the first layer {mark}.")
    assert found.text == "Energy is the first layer [1]."
    assert {citation.source for citation in found.citations} == {"s/2.txt"}
    assert found.sentences[0].text == "Energy is the first layer."


@pytest.mark.parametrize(
    "mark",
    [
        *("<sup>1,2</sup>", "<sup>[1][2]</sup>", "①②", "¹²", "¹ ²", "[[1]][[2]]", "[[1], [2]]"),
        *("[1], [2]", "[1] and [2]", "[1];[2]", "[1] & [2]", "[1]、[2]", "[1]和[2]", "([1], [2])"),
        *("(Passages 1 and 2)", "(Passage 1, Passage 2)", "（来源：段落1、段落2）"),
        *("（参见段落[1]和段落[2]）", "[Passage 1, Passage 2]", "[1]–[2]", "[1]-[2]"),
    ],
)
def test_two_numbers_in_any_dress(mark: str) -> None:
    found = cited(f"五层蛋糕 the five layers {mark}。")
    assert found.text == "五层蛋糕 the five layers [1][2]。"
    assert found.sentences[0].text == "五层蛋糕 the five layers。"


@pytest.mark.parametrize(
    "text",
    [
        "The hall has 40 m² and grows by 10² a year, x<sup>2</sup> and 10$^{2}$.",
        "分两步：①能源；②芯片。",
        "① 能源\n② 芯片",
        "The essay has passages 12 pages long, and Passage 9.",
        "As an array ([i]) or (see Table 2).",
        "```python\nprint(1)\n```",
        "f(x)=x^{2} and y_{1}; List<2> in `a[2]` and `f(1)`.",
        "五层：①能源，②芯片。",
        "文章的第2段很长，（第2章）也是。",
        '{"layers": 5}',
    ],
)
def test_numbers_that_are_no_marks_stay(text: str) -> None:
    assert cited(text).text == text


@pytest.mark.parametrize(
    "text", ["据第2段，蛋糕有五层。", "第2段说蛋糕有五层。", "如第二段所述，蛋糕有五层。"]
)
def test_a_passage_that_is_told_from_in_chinese_is_cited(text: str) -> None:
    assert [citation.source for citation in cited(text).citations] == ["s/2.txt"]


def test_circled_numbers_inside_a_sentence_are_marks() -> None:
    assert cited("五层蛋糕②，我在阶跃星辰工作①。").text == "五层蛋糕[1]，我在阶跃星辰工作[2]。"


@pytest.mark.parametrize(
    "text",
    [
        '{"answer": "Chips come next.", "citations": [2]}',
        '```json\n{"response": "Chips come next. [2]"}\n```',
        '{"sentences": [{"text": "Chips come next.", "sources": [{"id": "Passage 2"}]}]}',
    ],
)
def test_an_answer_in_json_is_read_as_prose(text: str) -> None:
    found = cited(text)
    assert found.text == "Chips come next. [1]"
    assert found.citations[0].source == "s/2.txt"


def test_a_passage_that_is_named_in_the_sentence_is_cited() -> None:
    found = cited("According to Passage 2, energy is first. 段落1指出这里做 AI Infra。")
    assert found.text == "According to Passage [1], energy is first. 段落[2]指出这里做 AI Infra。"
    assert [sentence.citations for sentence in found.sentences] == [(1,), (2,)]


def test_a_full_stop_on_both_sides_of_a_mark_is_one() -> None:
    found = cited("Energy comes first.[2]. Chips come next。[2]。")
    assert found.text == "Energy comes first.[1] Chips come next。[2]"


@pytest.mark.parametrize(
    "text",
    [
        "```\nFive layers [2].\n```",
        "```markdown\nFive layers [2].\n```",
        "<answer>Five layers [2].</answer>",
        "<answer>\nFive layers [2].\n",
        "Five layers [2].\n\n### References\n1. Title 1\n2. Title 2",
        "Five layers [2].\n\n参考来源：\n- [1] 标题\n- [2] 标题",
        "Five layers[^2].\n\n[^2]: Title 2",
        "Five layers [2].\n\nSources: [2], [1]",
        "Five layers [2].\n\nSources:\n[1]: Title 1\n[2]: Title 2",
        "Five layers [2].\n\n[1]：Title 1\n[2]：Title 2",
        "Five layers [2]. (Source: [2])",
    ],
)
def test_what_is_around_an_answer_is_left_out(text: str) -> None:
    found = cited(text)
    assert found.text.strip().replace("layers[", "layers [") in (
        "Five layers [1].",
        "Five layers [1]. [1]",
    )
    assert [sentence.text for sentence in found.sentences] == ["Five layers."]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (
            "Two essays speak of it:\n[1]: The bridge opened.\n[2]: The mill burned.",
            ["Two essays speak of it:", "The bridge opened.", "The mill burned."],
        ),
        (
            "[1]: The bridge opened.\n[2]: The mill burned.",
            ["The bridge opened.", "The mill burned."],
        ),
        (
            "两篇提到：\n[1]：桥通车了。\n[2]：磨坊烧了。",
            ["两篇提到：", "桥通车了。", "磨坊烧了。"],
        ),
    ],
)
def test_footnotes_without_marks_above_them_are_the_answer(text: str, sentences: list[str]) -> None:
    found = cited(text)
    assert [sentence.text for sentence in found.sentences] == sentences
    assert [sentence.citations for sentence in found.sentences][-2:] == [(1,), (2,)]


def test_a_title_of_digits_eats_no_mark() -> None:
    numbered = [
        replace(hit, passage=replace(hit.passage, title=str(n))) for n, hit in enumerate(HITS, 1)
    ]
    assert cited("Built in 1932 [1, 2].", numbered).text == "Built in 1932 [1][2]."
    assert cited("Built in 1932 [2, 1].", numbered).sentences[0].citations == (1, 2)


def test_sources_that_are_listed_only_at_the_end_are_cited() -> None:
    for text in ("Five layers.\n\nSources: [2]", "Five layers. 来源：段落2"):
        assert [sentence.citations for sentence in cited(text).sentences] == [(1,)]


def test_what_leads_into_a_sentence_is_quoted_with_it() -> None:
    essay = hit("Rain fell. These are the layers:\nEnergy, chips, models.\nA list:")
    assert cited("Energy and chips [1].", [essay]).citations[0].quote == (
        "These are the layers:\nEnergy, chips, models."
    )


@pytest.mark.parametrize(
    "mark",
    [
        *("[1, 2]", "[1][2]", "[1] [2]", "[1，2]", "[1、2]", "[1-2]", "[1–2]", "[1 2]"),
        *("[1\u20112]", "[1 to 2]", r"\[1, 2\]"),
        *("【1】【2】", "[1; 2]", "[1 and 2]", "[1,2,2,1]"),
    ],
)
def test_every_usual_form_of_two_numbers(mark: str) -> None:
    found = cited(f"五层蛋糕 the five layers {mark}。")
    assert found.sentences[0].citations == (1, 2)
    assert {citation.source for citation in found.citations} == {"s/1.txt", "s/2.txt"}


@pytest.mark.parametrize(
    "mark",
    [
        *("[2, p. 1]", "[2, pp. 1-2]", "[2 p.1]", "[2, page 1]", "[2, pp. 1, 2]", "[2 §1]"),
        *("[Passage 2, paragraph 1]", "[Doc 2, lines 1-2]", "[2, ¶1]", "(Passage 2, p. 1)"),
        *("[2，第1页]", "[来源2，第1段]", "[2, p. 1; 2, p. 2]", "[2: p. 1]", "【2，第1章】"),
    ],
)
def test_a_place_in_a_passage_is_no_passage(mark: str) -> None:
    found = cited(f"Energy is the first layer {mark}.")
    assert found.text == "Energy is the first layer [1]."
    assert {citation.source for citation in found.citations} == {"s/2.txt"}
    assert not found.warnings


@pytest.mark.parametrize(
    "mark", ["[第1段、第2段]", "[Paragraphs 1 and 2]", "[1, p. 4; 2]", "[1|2]"]
)
def test_paragraphs_alone_and_passages_after_a_page_are_cited(mark: str) -> None:
    found = cited(f"五层蛋糕 the five layers {mark}。")
    assert {citation.source for citation in found.citations} == {"s/1.txt", "s/2.txt"}


def test_marks_after_the_full_stop_belong_to_the_sentence_before() -> None:
    found = cited("我在阶跃星辰工作。[1]这里做 AI Infra。[1] The cake has five layers. [2]\n[2]")
    assert [sentence.text for sentence in found.sentences] == [
        "我在阶跃星辰工作。",
        "这里做 AI Infra。",
        "The cake has five layers.",
    ]
    assert [sentence.citations for sentence in found.sentences] == [(1,), (2,), (3,)]
    assert found.text.startswith("我在阶跃星辰工作。[1]这里做 AI Infra。[2]")


def test_marks_at_the_start_of_a_line_belong_to_what_follows() -> None:
    found = cited("- [1] 阶跃星辰\n- [2] five layers of cake")
    assert [sentence.citations for sentence in found.sentences] == [(1,), (2,)]


def test_a_line_that_begins_with_a_mark_and_ends_with_none_is_marked_in_front() -> None:
    found = cited("[1] 阶跃星辰在做。 [2] The cake has five layers. [2] Energy is first.\n没有。")
    assert [sentence.citations for sentence in found.sentences] == [(1,), (2,), (3,), ()]
    found = cited("[1] 阶跃星辰在做。 The cake has five layers. [2]")
    assert [sentence.citations for sentence in found.sentences] == [(1,), (2,)]


def test_each_clause_is_narrowed_by_itself() -> None:
    found = cited("The cake has five big layers [2], and after energy the chips come next [2].")
    assert [citation.quote for citation in found.citations] == [
        "The cake has five layers.",
        "Energy is the first layer. Chips come next.",
    ]


def test_the_same_words_are_one_citation() -> None:
    found = cited("Five layers in the cake [2]. The cake: five layers [2].")
    assert found.text == "Five layers in the cake [1]. The cake: five layers [1]."


def test_a_claim_from_two_sentences_quotes_both_and_never_more_than_three() -> None:
    found = cited("Five layers: energy first, chips next [2].")
    assert found.citations[0].quote == (
        "The cake has five layers. Energy is the first layer. Chips come next."
    )


def test_without_any_word_in_common_the_whole_passage_is_cited() -> None:
    assert cited("Something else entirely [1].").citations[0].quote == COMPANY


def test_similarity_finds_the_sentence_across_languages() -> None:
    def alike(sentence: str, candidates: Sequence[str]) -> list[float]:
        return [0.9 if "Energy" in candidate else 0.1 for candidate in candidates]

    found = cite("第一层是能源[2]。", HITS, alike)
    assert found.citations[0].quote == "Energy is the first layer."


def test_numbers_that_were_not_retrieved_are_removed_with_one_warning() -> None:
    found = cited("True [1, 9]. False [0]. Gone [3-5].[2024] 假的【7】。")
    assert "[9]" not in found.text
    assert found.text.endswith("False. Gone. 假的。")
    assert len(found.warnings) == 1
    assert "[9], [0], [3-5], [2024], [7]" in found.warnings[0]


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("It rained [[citation:1]].", "It rained [1]."),
        ("It rained ^[1].", "It rained [1]."),
        ("Passages 1 and 2 agree.", "Passages [1][2] agree."),
        ("Passages 2 & 1 agree.", "Passages [1][2] agree."),
        ("<answer>\nIt rained [1].\n</answer>", "It rained [1]."),
        ("It rained [1].\n\nSources: [1]", "It rained [1]."),
    ],
)
def test_no_sign_is_left_of_a_mark(said: str, text: str) -> None:
    assert cited(said).text == text


def test_no_hits_no_citations() -> None:
    found = cited("Nothing [1]. At all [2].", [])
    assert found.text == "Nothing. At all."
    assert not found.citations


@pytest.mark.parametrize(
    "text",
    [
        "Call `a[1]` and `b[2]`.",
        "```\nx = a[1]\n```\nThat is it.",
        "```\nx = a[1]\n```",
        "An array [i] of [1.5] and [a1b2] and [].",
        "A list: (1) one; (2) two.",
        "It was as he said (May 2), in his letter (no. 2).",
        "Rows (1) and (2) differ",
        "So he wrote [p. 2] and again [第2页].",
        "unclosed [1",
        "[[",
        "It has 5 passages and 3 halls.",
    ],
)
def test_what_is_no_mark_stays(text: str) -> None:
    found = cited(text)
    assert found.text == text
    assert not found.citations


def test_round_brackets_count_at_the_end_of_a_sentence_only() -> None:
    found = cited("The cake has five layers (2). 能源 is first（2）。\n(1) is no mark.")
    assert [bool(sentence.citations) for sentence in found.sentences] == [True, True, False]


def test_an_index_in_code_is_no_mark_beside_others() -> None:
    assert cited("The list `a[1]` holds pears [1].").text == "The list `a[1]` holds pears [1]."
    assert cited("Of `a[1]`, the cake has five layers (2).").sentences[0].citations == (1,)


def test_an_address_never_survives_and_words_do() -> None:
    assert cited('Five layers [2](http://evil.example/?q=1 "t").').text == "Five layers [1]."
    assert cited("Five layers [2](sic).").text == "Five layers [1](sic)."


def test_a_list_of_sources_at_the_end_is_no_claim() -> None:
    found = cited("Five layers [2].\n\n**Sources:**\n[1] A title\n[2] Another title\n")
    assert found.text == "Five layers [1]."
    assert cited("来源：\n[2] five layers").text.startswith(
        "来源"
    )  # nothing else: it is the answer


@pytest.mark.parametrize(
    "text",
    [
        "x" + "[1]" * 15_000,
        "[" + ",".join(str(n) for n in range(15_000)) + "]",
        "[1-999999999]" * 2_500,
        "[" * 30_000,
        "[1" * 20_000,
        "[" + "1 " * 20_000,
        "(1)" * 15_000,
        "`" * 30_000,
        "[1](" + "a" * 30_000,
        "[1](x " * 10_000,
        "Five layers [2]. " * 2_000,
        "[" + "9" * 30_000 + "]",
        "[[1], " * 10_000,
        "(see passage " * 5_000,
        "<sup>1" * 10_000,
        "¹" * 30_000,
        "x①" * 15_000,
        "$^{1," * 10_000,
        "passage 1" * 10_000,
        "([1] and " * 10_000,
        "**[1]" * 10_000,
        "\n- [^1]: x" * 5_000,
        "Sources: " * 10_000,
        "<answer>" * 10_000,
        "```\n" * 10_000,
        "Five." + "\nUser: a?" * 10_000 + "[",
        "Five [1]." + "\nUser: b [1]" * 5_000,
        "Five." + "\n[1]: x" * 5_000,
        "a b " * 10_000,
    ],
)
def test_a_bomb_of_marks_is_harmless(text: str) -> None:
    began = time.perf_counter()
    found = cite(text, HITS)
    assert time.perf_counter() - began < 20
    assert len(found.citations) <= 2
    assert len(found.text) <= len(text) + 10
    assert all(len(warning) < 400 for warning in found.warnings)


def test_quotations_are_taken_word_for_word_with_their_own_brackets_round() -> None:
    essay = hit("As shown in [12], five layers. 第二句。").passage
    found = quote([(essay, 0, 30), (essay, 31, 35), (essay, 0, 30)])
    assert (
        found.text
        == "As shown in (12), five layers. [1]\n第二句。 [2]\nAs shown in (12), five layers. [1]"
    )
    assert [citation.quote for citation in found.citations] == [essay.text[:30], "第二句。"]
    assert [sentence.citations for sentence in found.sentences] == [(1,), (2,), (1,)]
    for sentence in found.sentences:
        shown = found.text[sentence.start : sentence.end]
        assert shown == f"{sentence.text} [{sentence.citations[0]}]"
    assert quote([]).text == ""


def test_nothing() -> None:
    for text in ("", "\n", "[1]", "[1][2]\n"):
        found = cite(text, HITS)
        assert found.sentences == ()
        assert found.citations == ()


PIECES = st.sampled_from(
    [
        *("五层蛋糕。", "能源", "Energy ", "\r\n", "e\u0301", "🎂", "\u200b", "32 ", ". ", "！"),
        *("(x)", "layers ", "\ufeff"),
    ]
)


@st.composite
def gapped(draw: st.DrawFn) -> tuple[str, Hit]:
    """An essay, and a passage of it from which cleaning took something here and there."""
    raw = "".join(draw(st.lists(PIECES, min_size=1, max_size=40)))
    keep = draw(st.lists(st.booleans(), min_size=len(raw), max_size=len(raw)))
    if not any(keep):
        keep[0] = True
    before = draw(st.text(max_size=8))
    text = "".join(char for char, kept in zip(raw, keep, strict=True) if kept)
    runs = [(len(before) + at) for at, kept in enumerate(keep) if kept]
    offsets = OffsetMap(tuple((n, at, 1) for n, at in enumerate(runs)))
    start = len(before)
    passage = Passage("1", "s", "t", "", start, start + len(raw), text, raw, offsets=offsets)
    return before + raw + draw(st.text(max_size=8)), Hit(passage, 1.0)


@examples(max_examples=200, deadline=None)
@given(
    gapped(), st.lists(PIECES | st.sampled_from(["[1]", "【1】", "[1, 2]", "[^1]"]), max_size=20)
)
def test_a_quote_is_always_the_essay_s_own_words(essay: tuple[str, Hit], said: list[str]) -> None:
    text, found = essay
    result = cited("".join(said), [found])
    for citation in result.citations:
        assert text[citation.start : citation.end] == citation.quote


@examples(max_examples=200, deadline=None)
@given(st.text(alphabet="ab1２ .。[]【】()`^,-†\n", max_size=80))
def test_any_text_at_all(text: str) -> None:
    cited(text)


@pytest.mark.parametrize(
    "said",
    [
        "Nvidia sold many [H100] chips in 2023 [1].",
        "It beats [Llama 2] and [v3] [1].",
        "See [Table 2] and [May 2025] [1].",
    ],
)
def test_words_in_brackets_are_no_marks(said: str) -> None:
    found = cited(said)
    assert found.text == said
    assert not found.warnings


def test_a_mark_leads_nowhere_but_into_the_passages() -> None:
    found = cited("Five layers [2](javascript:alert(1)), energy first [2](https://a.b/c(d)).")
    assert "(" not in found.text
    assert cited("Five layers [2](see below).").text == "Five layers [1](see below)."


def test_the_marks_of_an_essay_itself_open_no_citation() -> None:
    text = "Built in 1747 by masons [2]. Rebuilt in 1858 【1】, see [Table 3]."
    passage = hit(text).passage
    found = quote([(passage, 0, len(text))])
    assert found.text == "Built in 1747 by masons (2). Rebuilt in 1858 (1), see [Table 3]. [1]"
    assert found.citations[0].quote == text


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (
            "Question: How many?\nAnswer: The cake has five layers [2].",
            "The cake has five layers [1].",
        ),
        (
            "The cake has five layers [2].\n\nUser: And then?\nAssistant: Rain.",
            "The cake has five layers [1].",
        ),
        (
            "The cake has five layers [2].<|im_end|>\n<|im_start|>user\nthanks",
            "The cake has five layers [1].",
        ),
        ("<p>The cake has <b>five</b> layers [2].</p>", "The cake has five layers [1]."),
        ("<ul><li>Chips [2]</li><li>Energy [2]</li></ul>", "- Chips [1]\n\n- Energy [2]"),
        (
            "The cake has five layers [2].\n\n**User:** And then?\n**Assistant:** Rain.",
            "The cake has five layers [1].",
        ),
        (
            "The cake has five layers [2].\nQuestion: What is first?\nAnswer: Energy [2].",
            "The cake has five layers [1].",
        ),
        ("蛋糕有五层[2]。\n\n用户：为什么？\n助手：因为能源。", "蛋糕有五层[1]。"),
        ("The cake has five layers [2].\n\nQuestion: And then?", "The cake has five layers [1]."),
        ("用户：几层？", "用户：几层？"),
        ("It is <b>bold</b> in `<b>code</b>`.", "It is bold in `<b>code</b>`."),
        (
            "A turn ends with `<|im_end|>`, they say [1].",
            "A turn ends with `<|im_end|>`, they say [1].",
        ),
        ("With <|im_end|>; then it begins anew [1].", "With <|im_end|>; then it begins anew [1]."),
        (
            "Lines end with </s> and that costs one [1].",
            "Lines end with </s> and that costs one [1].",
        ),
        ("If a<b and c>d the mill stops [1].", "If a<b and c>d the mill stops [1]."),
        ("The cake has five layers [2].</s> Question: x", "The cake has five layers [1]."),
    ],
)
def test_chatter_around_an_answer_is_left_out(reply: str, text: str) -> None:
    assert " ".join(cited(reply).text.split()) == " ".join(text.split())


def test_the_same_under_another_heading_is_not_said_again() -> None:
    item = "- Works at the mill by the river [1]"
    lists = f"Alice:\n{item}\n\nBob:\n{item}"
    assert said_once(lists) == lists
    years = f"## 2019\n{item}\n## 2020\n{item}"
    assert said_once(years) == years
    assert said_once(f"Alice:\n{item}\n{item}") == f"Alice:\n{item}"
    assert (
        said_once("It is a red mill here. It is a red mill here. It is a")
        == "It is a red mill here."
    )


@pytest.mark.parametrize(
    "text",
    [
        "文章谈了两点：\n\n**问题**：部署成本太高。[1]\n\n**解决办法**：用缓存。[1]",
        "文章谈了两点[1]。\n\n问题：部署成本太高。\n\n解决办法：用缓存。[1]",
        "文章谈了两点[1]。\n\n问题：为什么成本高？\n\n因为没有缓存。[1]",
        "The layers [1].\n\n**Question:** Who eats them? Nobody [1].\n\n**Answer:** Rain fell [1].",
        "Three speak [1].\n\n**User:** the one who pays.\n\n**Author:** the one who writes.",
        "Two things are asked.\n\nQuestion: Why five?\nAnswer: Energy is first [1].",
        "It asks:\nQuestion: Why five?\nAnswer: Energy is first.",
    ],
)
def test_what_only_looks_like_a_turn_is_kept(text: str) -> None:
    found = cited(text)
    assert re.sub(r"\[\d\]", "[1]", found.text) == text
    assert not found.warnings


def test_turns_that_are_left_out_are_said() -> None:
    went_on = "The cake has five layers [2].\n\nUser: And then?\nAssistant: Rain."
    [warning] = cited(went_on).warnings
    assert "conversation that nobody had" in warning


@pytest.mark.parametrize(
    "text",
    [
        "The company is worth $4,000,000,000,000 [1].",
        "She used the resolver 8.8.8.8 [1].",
        "Scores: 0.9, 0.9, 0.9, 0.9 [1]",
        "Version 1.1.1.1 [1]",
        "比例为 1:1:1:1[1]。",
        "(0, 0, 0, 0, 1) [1]",
        "他说：哈哈哈哈[1]。",
        "一步一步一步[1]",
        "Never, never, never, never give up [1].",
        "| 桥 | 有 | 有 | 有 | 有 |\n| 路 | 有 | 有 | 有 | 有 | [1]",
        "| 有 | 有 | 有 | 有 | 有 | 有 | 有 | 有 | 有 | 有 | 有 | 有 | 有 | [1]",
    ],
)
def test_numbers_and_rows_and_laughter_do_not_go_round(text: str) -> None:
    found = cited(text)
    assert found.text == text
    assert not found.warnings


@pytest.mark.parametrize(
    "stutter",
    [
        "It was built in 1904 in 1904 in 1904 in 1904.",
        "It is the library the library the library the library.",
        "他在图书馆图书馆图书馆图书馆。",
        "The cake has five layers the cake has five layers the cake has five layers.",
    ],
)
def test_what_goes_round_is_left_out_unless_nothing_else_is_said(stutter: str) -> None:
    found = cited(f"Energy is first [2].\n{stutter}")
    assert found.text == "Energy is first [1]."
    assert any("repeated itself" in warning for warning in found.warnings)
    assert bool(cited(stutter).sentences) == (not stutter.startswith("The cake"))


def test_what_a_model_says_again_is_left_out() -> None:
    again = cited(
        "".join(f"{n}. The cake has five layers [2].\n" for n in range(1, 7)) + "7. The cake"
    )
    assert again.text == "1. The cake has five layers [1]."
    assert any("repeated itself" in warning for warning in again.warnings)
    both = "The cake has five layers [1]. The cake has five layers [2]."
    assert cited(both).text == both
    assert not cited(both).warnings
    assert not cited("a a a a a a").sentences


def test_a_mark_that_a_sentence_begins_with_is_kept() -> None:
    found = cited("Passage [2] says that it has five layers. [2] also states that rain fell.")
    assert found.text.count("Passage [") == 2
