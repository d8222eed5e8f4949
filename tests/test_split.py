"""Passages: nothing lost, nothing twice, nothing too long; and what a reader expects of the cut."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.clean import clean
from rag.fold import copy_key
from rag.load import load
from rag.schema import Essay, Passage
from rag.split import GAP, split

SEEDS = Path(__file__).parent.parent / "seeds"


def count(text: str) -> int:
    """A stand-in for a tokenizer: a Han character each, five letters each, and two around."""
    return 2 + len(re.findall(r"[\u3400-\u9fff]|[A-Za-z]{1,5}|[^\sA-Za-z\u3400-\u9fff]", text))


def passages(
    text: str, *, markdown: bool = False, limit: int = 480, counter: Callable[[str], int] = count
) -> list[Passage]:
    essay = Essay(source="folder/a.txt", text=text, digest="0", title="Title", markdown=markdown)
    return split(essay, clean(text, markdown=markdown), counter, limit)


def test_what_says_too_little_is_in_the_language_of_its_essay() -> None:
    text = (
        "Hélène Morvan, Besançon\n\n" + "Le chat est sur la table et il dort dans la maison. " * 40
    )
    essay = Essay("folder/a.txt", text, "0", "Title", language="fr")
    assert {part.language for part in split(essay, clean(text), count)} == {"fr"}


def assert_covers(text: str, *, markdown: bool, start: int = 0) -> list[Passage]:
    """Every character but noise and white space is in one passage, once and in order."""
    essay = Essay("folder/a.txt", text, "0", "Title", markdown=markdown, body_start=start)
    cleaned = clean(text, start=start, markdown=markdown)
    found = split(essay, cleaned, count)
    noise = {at for cut in cleaned.removed for at in range(cut.start, cut.end)}
    expected = [at for at in range(len(text)) if at not in noise and not text[at].isspace()]
    covered: list[int] = []
    last_end = 0
    for passage in found:
        assert passage.raw == text[passage.start : passage.end]
        assert last_end <= passage.start < passage.end
        last_end = passage.end
        for at, character in enumerate(passage.text):
            raw = passage.raw_span(at, at + 1)[0]
            if character.isspace():
                assert text[raw].isspace() or raw in noise  # a space for a tag that sets apart
            elif not (character == "," and text[raw].isspace()):  # between the items of a list
                assert text[raw] == character
                assert passage.quote(at, at + 1) == character
                covered.append(raw)
    assert covered == expected
    return found


FRAGMENTS = [
    "人工智能正在改变世界。",
    "訓(xùn)練靠后,推理向前。",
    "他说：“走吧。”我走了。",
    "The U.S. paid $3.5M. ",
    "It works. ",
    "e.g. this",
    "👩‍👩‍👧‍👦",
    "🇨🇳🇯🇵",
    "e\u0301te\u0301",
    "ﬁ",
    "ｶﾞ",
    "\u00ad",
    "\u200b",
    "\ufeff",
    "한국어 문장.",
    "これは日本語です。",
    "Привет, мир. ",
    "مرحبا",
    "**粗体**",
    "*it*",
    "`code`",
    "[a](http://b.c)",
    "# 标题",
    "## Head",
    "- item",
    "1. one",
    "? 乱码",
    "> quote",
    "---",
    "```",
    "| a | b |",
    "http://x.y/z?q=1。",
    "\n",
    "\r\n",
    "\n\n",
    "\r",
    "\t",
    "  ",
    "\u3000",
    "\u2028",
    "，",
    "……",
    "!!!",
    "\\*",
    "<br>",
    "_x_",
    "2*3*4",
]
mixed = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=8), max_size=40).map("".join)


@settings(max_examples=250, deadline=None)
@given(mixed, st.booleans())
def test_every_character_stands_in_one_passage_once_and_in_order(text: str, markdown: bool) -> None:
    assert_covers(text, markdown=markdown)


fields = st.lists(
    st.sampled_from(["title", "author", "date", "tags", "摘要", "", "  -", "-", "  "]).flatmap(
        lambda name: (st.sampled_from(FRAGMENTS) | st.text(max_size=8)).map(
            lambda value: f"{name}: {value}" if name.strip(" -") else f"{name} {value}"
        )
    ),
    max_size=8,
).map("\n".join)


@settings(max_examples=150, deadline=None)
@given(fields, mixed, st.booleans())
def test_front_matter_is_covered_like_the_rest(front: str, body: str, markdown: bool) -> None:
    front = f"---\n{front}\n---\n"
    assert_covers(front + body, markdown=markdown, start=len(front))


@settings(max_examples=100, deadline=None)
@given(mixed, st.integers(4, 60))
def test_no_passage_is_longer_than_the_limit(text: str, limit: int) -> None:
    for counter in (count, len):
        for passage in passages(text, limit=limit, counter=counter):
            assert counter(passage.text) <= limit


@pytest.mark.parametrize("seed", range(200))
def test_generated_files_keep_every_character(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    line_end = chance.choice(["\n", "\r\n", "\r"])
    paragraphs = [
        "".join(chance.choices(FRAGMENTS, k=chance.randint(1, 30)))
        for _ in range(chance.randint(1, 12))
    ]
    text = (line_end * chance.choice([1, 2])).join(paragraphs)
    encoding = chance.choice(["utf-8", "utf-8-sig", "utf-16"])
    path = tmp_path / f"essay{seed}.{chance.choice(['txt', 'md'])}"
    path.write_bytes(text.encode(encoding))
    essay = load(path, f"folder/{path.name}")
    assert essay.text == (text.removeprefix("\ufeff") if encoding == "utf-8" else text)
    assert_covers(essay.text, markdown=essay.markdown, start=essay.body_start)


@pytest.mark.parametrize("path", sorted(SEEDS.glob("*.txt")), ids=lambda path: path.name[:3])
def test_the_first_corpus_keeps_every_character(path: Path) -> None:
    essay = load(path, f"seeds/{path.name}")
    found = assert_covers(essay.text, markdown=essay.markdown, start=essay.body_start)
    assert all(count(passage.text) <= 300 for passage in found)


def test_front_matter_is_a_passage_of_its_own() -> None:
    authors = 'author:\n  - "[[Ann O\'Hara]]"\n  - Bo'
    text = f'---\ntitle: "Tides"\nlayout: post\n{authors}\n---\n\nThe sea rose.\n'
    cleaned = clean(text, start=text.index("\n\n"), markdown=True)
    first, second = split(Essay("folder/a.md", text, "0", "Tides", markdown=True), cleaned, count)
    assert first.text == "title: Tides\nauthor: Ann O'Hara,Bo"
    assert second.text == "The sea rose."


def test_headings_make_a_path_and_belong_to_what_follows() -> None:
    found = passages("# A\n\n## B\n\nText one.\n\n## C\n\nText two.\n", markdown=True)
    assert [(p.heading, p.text) for p in found] == [
        ("A > B", "A\nB\nText one."),
        ("A > C", "C\nText two."),
    ]


def test_a_passage_is_never_only_a_heading() -> None:
    found = passages("# A\n\nText.\n\n## Last\n", markdown=True)
    assert [p.text for p in found] == ["A\nText.\nLast"]
    assert [p.text for p in passages("# A\n", markdown=True)] == ["A"]


def test_lines_that_stand_alone_are_headings_without_marks() -> None:
    prose = "能源是人工智能基础设施的第一性原理，也是限制系统能够产出多少智能的硬约束。" * 2
    found = passages(f"能源\n\n{prose}\n\n芯片\n\n{prose}\n\n1. 细节在哪里？\n\n{prose}")
    assert [p.heading for p in found] == ["能源", "芯片", "芯片 > 1. 细节在哪里？"]


def test_a_dense_text_has_headings_where_lines_do_not_end() -> None:
    prose = "以推理为起点，需求指数级增长让今年下半年以来的厂商显著受益。"
    found = passages(f"推理向前,训练靠后\n{prose}\n{prose}\n广告成为主流\n{prose}\n{prose}")
    assert {p.heading for p in found} == {"推理向前,训练靠后", "广告成为主流"}


def test_a_numbered_line_that_stands_alone_above_another_list_is_a_heading() -> None:
    prose = "Rent is due on the third of the month, and cooking counts double for everybody."
    rules = "2. RULES\n\na) No pets, except for her.\nb) Guests cook."
    found = passages(f"1. RENT\n\n{prose}\n\n{rules}\n\n3. END\n\n{prose}")
    assert [p.heading for p in found] == ["1. RENT", "2. RULES", "3. END"]
    listed = passages(f"Three things:\n\n1. Water\n\n2. Bread\n\n3. Salt\n\n{prose}")
    assert not any("Water" in p.heading or "Bread" in p.heading for p in listed)


def test_a_line_in_capitals_is_a_heading_above_its_text() -> None:
    prose = "When you walk down a step, the load on the joint is more than your weight. " * 4
    found = passages(
        f"WHY IT HURTS\n{prose}\n\nWHAT HELPS\n1. {prose}\n\n{prose}\n\nTHE END\n{prose}"
    )
    assert {p.heading for p in found} == {"WHY IT HURTS", "WHAT HELPS", "THE END"}


def test_a_table_is_not_cut_where_it_fits() -> None:
    prose = "The loaf on the counter weighs nine hundred grams and people say it costs a lot. " * 8
    rows = "\n".join(f"| Part number {n} of the loaf | {n}.40 | {n}.90 |" for n in range(8))
    found = passages(f"{prose}\n\n{rows}\n\n{prose}")
    assert rows in [p.text for p in found]


def test_a_list_stays_together_where_it_is_short_and_else_leaves_no_item_behind() -> None:
    prose = "The loaf on the counter weighs nine hundred grams and people say it costs a lot. " * 7
    short = "- Flour: of wheat\n- Water: from the well\n- Salt: two percent"
    assert len(passages(f"{prose}\n\n{short}")) == 1
    long = [f"{name}: {prose[:200]}." for name in ("Flour", "Water", "Salt")]
    found = passages(f"{prose}\n\n" + "\n".join(f"- {item}" for item in long))
    assert found[0].text == prose.strip()


def test_the_title_is_no_heading_of_itself() -> None:
    assert passages("# Title\n\nText.", markdown=True)[0].heading == ""


def test_a_list_item_keeps_its_lead_in() -> None:
    lead = "并购有四个角度的因素，" * 24 + "它们是："
    items = [
        f"第{n}个因素，" + "硬件领域的成本和价格竞争会进一步加剧，" * 9 + "完。" for n in "一二三"
    ]
    found = passages("\n\n".join([lead, "\n".join(f"- {item}" for item in items), "后来呢。"]))
    assert [p.text for p in found] == [lead, *items, "后来呢。"]
    assert "它们是：" in found[3].context.split(GAP)[0]
    assert found[3].context.split("\n").count(GAP) == 1
    assert "后来呢。" in found[3].context.split(GAP)[1]


def test_the_context_holds_both_neighbours_in_reading_order() -> None:
    found = passages("\n\n".join(f"第{n}段。" + "内容很多，" * 50 + "完。" for n in "一二三"))
    before, after = found[1].context.split(GAP)
    assert "第一段" in before
    assert "第三段" in after
    assert "第二段" not in found[1].context
    assert passages("One.")[0].context == ""


def test_a_paragraph_is_cut_between_sentences_into_even_parts() -> None:
    sentence = "阶跃星辰是一家做基础模型的公司，它的产品很多。"
    found = passages(sentence * 20)
    assert len(found) > 1
    assert all(p.text.startswith("阶跃") and p.text.endswith("多。") for p in found)
    lengths = [len(p.text) for p in found]
    assert max(lengths) <= 2 * min(lengths)


@pytest.mark.parametrize(
    "sentence",
    [
        "字" * 5000,
        "word " * 3000,
        "x" * 5000,
        "👩‍👩‍👧‍👦" * 800,
        "e\u0301" * 2000,
        "1234567890" * 500,
        "分句很多，" * 900,
        "http://a.b/" + "c" * 4000,
    ],
)
def test_an_enormous_sentence_is_cut_where_it_hurts_least(sentence: str) -> None:
    found = assert_covers(sentence, markdown=False)
    assert all(count(p.text) <= 480 for p in found)
    for passage in found[1:]:
        assert not re.match("[\u0300-\u036f\u200d\ufe0f]", passage.raw)
    for passage in found[:-1]:
        if "，" in sentence:
            assert passage.text.endswith("，")
        if " " in sentence:
            assert passage.text.endswith("word")


def test_a_translation_is_apart_from_its_original() -> None:
    english = "Artificial intelligence is essential infrastructure, like electricity is."
    chinese = "人工智能是一种关键的基础设施，就像电力和互联网一样，每个国家都会建设它。"
    found = passages(f"{english}\n\n{chinese}\n\n{english}")
    assert [p.language for p in found] == ["en", "zh", "en"]
    keys = [copy_key(p.text) for p in found]
    assert keys[0] == keys[2] != keys[1]


def test_an_id_is_stable_and_tells_place_and_text() -> None:
    first, again, other = passages("One. Two."), passages("One. Two."), passages(" One. Two.")
    assert first[0].id == again[0].id != other[0].id


def test_repeated_sections_are_cut_alike_wherever_they_stand() -> None:
    section = "\n\n".join(f"第{n}个问题是这样的。" + "理由很多，说不完。" * 9 for n in "一二三四")
    found = passages(f"标题甲\n\n{section}\n\n标题乙\n\n{'别的话。' * 30}\n\n标题甲\n\n{section}")
    assert len({copy_key(p.text) for p in found}) < len(found) * 0.7


def test_empty_texts_have_no_passages() -> None:
    for text in ("", " \n\n\t", "\ufeff\u200b", "---\n"):
        assert passages(text, markdown=True) == []


def test_a_title_alone_marks_no_sections() -> None:
    text = (
        "# Title\n\n一、看板结\n\n（一）物理原因\n1. 机械压实。\n（二）化学原因\n1. 钠离子过多。\n"
    )
    found = passages(text, markdown=True)
    assert [p.heading for p in found] == [
        "一、看板结 > （一）物理原因",
        "一、看板结 > （二）化学原因",
    ]
    marked = passages(text + "\n## 附录\n\n没有别的。\n", markdown=True)
    assert {p.heading for p in marked} == {"", "附录"}


def test_a_question_stays_with_what_answers_it() -> None:
    turns = [
        f"[00:{n:02}] TOM: And what about the harbour in the year {n}?\n\n"
        f"[00:{n:02}] MAREN: {'The mud moved to the east, as it does. ' * (n % 4 + 1)}\n\n"
        for n in range(10, 30)
    ]
    found = passages("# Title\n\n" + "".join(turns), markdown=True)
    assert len(found) > 2
    assert not any(p.text.rstrip().endswith("?") or p.heading for p in found)
