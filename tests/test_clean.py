"""Cleaning: what goes, what must stay, and the way back."""

from __future__ import annotations

import html
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.clean import Cleaned, clean
from rag.load import load

SEEDS = Path(__file__).parent.parent / "seeds"
REMOVED = Path(__file__).parent / "data" / "removed"


def assert_exact(text: str, cleaned: Cleaned) -> None:
    """The map leads every character back to itself, to white space from white space, or to the
    entity or tag that stands for it."""
    last = -1
    for at, character in enumerate(cleaned.text):
        start, end = cleaned.offsets.raw_span(at, at + 1)
        assert end == start + 1
        assert start > last
        same = text[start] == character or (text[start].isspace() and character.isspace())
        assert (
            same
            or (character == " " and text[start] == "<")
            or html.unescape(text[start:].partition(";")[0] + ";").split() == character.split()
        )
        last = start


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("訓(xùn)練靠后", "訓練靠后"),
        ("領(lǐng)導(dǎo)者,萬億(yì)", "領導者,萬億"),
        ("住在大理(dà lǐ),有朋友(péngyou)", "住在大理,有朋友"),
        ("咖啡(café)，简历(résumé)", "咖啡(café)，简历(résumé)"),
        ("何塞(José)与勒内(René)", "何塞(José)与勒内(René)"),
        ("全角（xùn）也是", "全角也是"),
        ("生a(chǎn)力場(chǎng)景", "生a力場景"),
        ("因?yàn)閺?qiáng)推理", "因閺推理"),
        ("我们(men)走了(le)", "我们走了"),
        ("注音(ㄓㄨˋ ㄧㄣ)字", "注音字"),
        ("北京(běijīng)", "北京"),
        # real parentheses
        ("台积电(TSMC)和 (xAI)", "台积电(TSMC)和 (xAI)"),
        ("API(RAG)", "API(RAG)"),
        ("方法(search)和学习(learning)", "方法(search)和学习(learning)"),
        ("技巧(aka heuristic)", "技巧(aka heuristic)"),
        ("汉字(can)", "汉字(can)"),
        ("东京(東京)和（见下）", "东京(東京)和（见下）"),
        ("是吗?好(不)好", "是吗?好(不)好"),
        ("漢字(かんじ)", "漢字(かんじ)"),
        # invisible characters
        ("zero\u200bwidth soft\u00adhyphen", "zerowidth softhyphen"),
        ("中\u200d文\ufeff", "中文"),
        ("👩\u200d👩\u200d👧 👍\ufe0f", "👩\u200d👩\u200d👧 👍\ufe0f"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("rtl\u202eoverride", "rtloverride"),
        # white space
        ("a  \t b\u3000c ", "a b c"),
    ],
)
def test_plain_text(raw: str, expected: str) -> None:
    for markdown in (False, True):
        cleaned = clean(raw, markdown=markdown)
        assert cleaned.text == expected
        assert_exact(raw, cleaned)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("**粗体**和*斜体*", "粗体和斜体"),
        ("未来，**“地下供应链”将公开", "未来，“地下供应链”将公开"),
        ("正规军”**时代：", "正规军”时代："),
        ("a ~~gone~~ b ==lit== c", "a gone b lit c"),
        ("_it_ and __this is__", "it and this is"),
        ("Original Yibo Zhu *2025年12月24日 11:18*", "Original Yibo Zhu 2025年12月24日 11:18"),
        ("[text](http://a.b/c_(d) 'title') ![alt](x.png)", "text alt"),
        ("[返回列表](/list) [[页面|别名]] [[Yibo Zhu]]", "返回列表 别名 Yibo Zhu"),
        ("see <http://a.b> and x[^1].", "see http://a.b and x."),
        ("x[^1]\n\n[^1]: A note.", "x\nA note."),
        ("line<br>break <span class='x'>kept</span><!-- gone -->", "line break kept"),
        ("use `a*b*c` and ``x_y_z``", "use a*b*c and x_y_z"),
        (r"1\. not a list \*", "1. not a list *"),
        ("> Quoted.\n> > Deeper.", "Quoted.\nDeeper."),
        ("## Head ##", "Head"),
        ("## Head ## {#head .wide}\n\n# {#a} b {x}", "Head\n{#a} b {x}"),
        ("it&#39;ll take a 30&nbsp;W panel &amp; some", "it'll take a 30 W panel & some"),
        ("&nbsp;\n\na AT&T; &nbsp;&lt; b", "a AT&T; &lt; b"),
        ("cost me &euro;5.&nbsp; Mr.&nbsp;A &mdash; he", "cost me €5. Mr. A — he"),
        (
            "&ldquo;Go.&rdquo; `&amp;` &nbsp;&lt; AT&T; &nosuch;",
            "&ldquo;Go.&rdquo; &amp; &lt; AT&T; &nosuch;",
        ),
        ('<dl><dt>on</dt></dl> <time datetime="2020-11-08">Sunday</time>', "on Sunday"),
        ("- a\n* b\n+ c\n• d", "a\nb\nc\nd"),
        ("a\n\n---\n\nb", "a\nb"),
        ("|a|b|\n|---|:-:|\n|1|2|", "|a|b|\n|1|2|"),
        # no marks
        ("2*3*4 and 2**3 and x**y", "2*3*4 and 2**3 and x**y"),
        ("snake_case_name __init__ a_b", "snake_case_name __init__ a_b"),
        ("a * b * c", "a * b * c"),
        ("if a == b: c", "if a == b: c"),
        ("[1] and [note]", "[1] and [note]"),
        ("a < b and c > d", "a < b and c > d"),
        ("#AI未来 #中国AI", "#AI未来 #中国AI"),
        ("5 ~ 6 ~8", "5 ~ 6 ~8"),
        ("```py\n# **x** _y_\n- z\n```", "# **x** _y_\n- z"),
        # code in a line is no fence, and a fence is closed by its marks alone
        ("```pip x``` brings **it**.\n**b**", "pip x brings it.\nb"),
        ("~~~\na\n~~~ b\n```\n~~~\n**c**", "a\n~~~ b\n```\nc"),
        ("# The **great** [bridge](http://x.org/long) #", "The great bridge"),
        ("## Tom &amp; Ann {#toms}", "Tom & Ann"),
        ("# Tom&#39;s &amp; Ann's {#id}", "Tom's & Ann's"),
    ],
)
def test_markdown(raw: str, expected: str) -> None:
    cleaned = clean(raw, markdown=True)
    assert cleaned.text == expected
    assert_exact(raw, cleaned)


def test_a_long_run_of_marks_takes_no_time() -> None:
    began = time.process_time()
    for raw in ("`", "` ", "`` ` ", "``a` "):
        clean("a **b** " + raw * 40_000, markdown=True)
    assert time.process_time() - began < 30


def test_plain_text_keeps_what_only_markdown_drops() -> None:
    raw = "# not a heading\n\n**two** [a](b) <br> `x`\n\n> said"
    assert clean(raw).text == "# not a heading\n**two** [a](b) <br> `x`\n> said"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("竞争翻篇,\n开始全新形态", "竞争翻篇,开始全新形态"),
        (
            "但我看到的却是“实打实的进化”\n\n。模型依然惊艳",
            "但我看到的却是“实打实的进化”。模型依然惊艳",
        ),
        ("he went\nand came back", "he went and came back"),
        ("first, \r\nsecond", "first, second"),
        ("A heading\nA sentence.", "A heading\nA sentence."),
        ("遇到瓶頸\no3 在那里。", "遇到瓶頸\no3 在那里。"),
        ("第一句。\n第二句。", "第一句。\n第二句。"),
        ("one,\n\ntwo", "one,\ntwo"),
        ("one,\n- two", "one,\ntwo"),
    ],
)
def test_lines_that_only_the_page_broke_are_joined(raw: str, expected: str) -> None:
    cleaned = clean(raw)
    assert cleaned.text == expected
    assert_exact(raw, cleaned)


def test_hard_wrapped_text_becomes_paragraphs() -> None:
    wrapped = (
        "It was the best of times, it was the worst\nof times, it was the age of wisdom. It was\n"
        "The Age of foolishness, it was the epoch\nof belief. It was the epoch of\nincredulity.\n\n"
        "It was the season of Light, it was the\nseason of Darkness, it was the spring of\nhope.\n"
    )
    assert clean(wrapped).text.count("\n") == 1


BOOK = """
OF LAMPS AND OIL                    17

Of all the duties of the station none is so press-
ing as the care of the lamp, a lens of the first-
order kind (a first-order lens), of which two pri-
sms were never found. The Board ordered the change
to another oil in the tenth year of my service and

18                    OF LAMPS AND OIL

nobody was asked. The old keeper, who was a strong
man and held the light to be his own, opposed what
he called a dangerous and un-Christian fluid, paf-
fin or by whatever name, and so did the other, Mr.

OF LAMPS AND OIL                    19

Trembath, whom no one ever answered.
"""


def test_a_scanned_book_loses_the_heads_of_its_pages_and_the_hyphens_of_its_lines() -> None:
    cleaned = clean(BOOK)
    assert cleaned.text == (
        "Of all the duties of the station none is so pressing as the care of the lamp, a lens of "
        "the first-order kind (a first-order lens), of which two prisms were never found. The "
        "Board ordered the change to another oil in the tenth year of my service and nobody was "
        "asked. The old keeper, who was a strong man and held the light to be his own, opposed "
        "what he called a dangerous and un-Christian fluid, paffin or by whatever name, and so "
        "did the other, Mr. Trembath, whom no one ever answered."
    )
    assert_exact(BOOK, cleaned)
    reasons = [removal.reason for removal in cleaned.removed]
    assert reasons.count("page head") == 3
    assert reasons.count("hyphen") == 3


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("| milk<br>eggs | 3<br/>4 |", "| milk eggs | 3 4 |"),
        ("<p>It opened in 1902.</p><p>It closed.</p>", "It opened in 1902. It closed."),
        ("<ul><li>one</li><li>two</li></ul>", "one two"),
        ("un<b>believ</b>able, H<sub>2</sub>O", "unbelievable, H2O"),
        ('a <a href="x">link</a> and <p class=x>more', "a link and more"),
        ("it holds if a<b and c>d, or if p<q or s>t", "it holds if a<b and c>d, or if p<q or s>t"),
        (r"$\text{pH}_{end} = \text{salt}_{0}$", r"$\text{pH}_{end} = \text{salt}_{0}$"),
    ],
)
def test_tags_part_what_a_browser_parts_and_no_formula_is_one(raw: str, expected: str) -> None:
    cleaned = clean(raw, markdown=True)
    assert cleaned.text == expected
    assert_exact(raw, cleaned)


def test_a_number_that_the_end_of_a_line_breaks_keeps_its_hyphen() -> None:
    cleaned = clean(BOOK.replace("nobody was asked.", "forty-\ntwo were asked."))
    assert "forty-two were asked" in cleaned.text
    assert "prisms" in cleaned.text


def test_numbered_headings_are_no_heads_of_pages() -> None:
    raw = "Day 1\n\nWe left and\nwent on.\n\nDay 2\n\nWe stayed.\n\nDay 3\n\nwe slept."
    assert clean(raw).text.count("Day") == 3
    totals = "\n\n".join(f"Total of it       {n}00" for n in range(4))
    assert clean(totals).text.count("Total") == 4
    assert clean("It has\n\n4\n\nlegs and\n\n3\n\narms").text == "It has\n4\nlegs and\n3\narms"


def test_the_years_of_a_life_are_no_numbers_of_pages() -> None:
    told = ("born in a small town", "moved to Bristol with my parents", "my sister was born")
    life = "".join(f"{1998 + n}\n{line}\n\n" for n, line in enumerate(told))
    days = "".join(f"Day {n}\n{line}\n\n" for n, line in enumerate(told, 1))
    for raw in (life, days, life.replace("\n\n", "\n"), days.replace("\n\n", "\n")):
        assert clean(raw).text.split() == raw.split()


def test_numbers_between_pages_that_break_sentences_go() -> None:
    page = "and the lamp was lit as it had been on every night before,\n" * 6
    raw = "".join(f"{page}\n{n}\n\n" for n in range(12, 17))
    assert not any(map(str.isdigit, clean(raw).text))
    assert_exact(raw, clean(raw))


def test_lines_of_one_length_above_long_paragraphs_are_no_page() -> None:
    answer = (
        "Go to the desk and ask for Marta, who is there from nine until noon every day but one."
    )
    asked = ("renew my card", "return a book", "reserve a seat", "report damage", "find a poem")
    raw = "\n\n".join(f"How do I {what} without a card\n{answer}" for what in asked)
    assert clean(raw).text.splitlines() == [line for line in raw.splitlines() if line]


def test_who_speaks_in_an_exported_chat_stands_apart_from_what_is_said() -> None:
    raw = "".join(f"2023-04-18 21:0{n}:11 韩梅梅\n写完了，一共四千字\n\n" for n in range(6))
    assert clean(raw).text.splitlines() == [line for line in raw.splitlines() if line]


def test_a_few_hyphens_at_line_ends_are_the_author_s_own() -> None:
    raw = (
        "Nobody wants a hard-\nwrapped mail, he said to the well-\nmeaning clerk in the half-\n"
        "lit hall. " + "And so it went on and on,\nwith one thing after the other\n" * 40
    )
    assert "hard-wrapped" in clean(raw).text


def test_blocks_tell_headings_items_and_gaps() -> None:
    raw = "# One\n\ntext\n- item\n  - inner\n1. first\n\nHead\n====\nmore"
    blocks = clean(raw, markdown=True)
    got = [(b.kind, b.level, b.apart, blocks.text[b.start : b.end]) for b in blocks.blocks]
    assert got == [
        ("heading", 1, False, "One"),
        ("text", 0, True, "text"),
        ("item", 0, False, "item"),
        ("item", 2, False, "inner"),
        ("item", 0, False, "1. first"),
        ("heading", 1, True, "Head"),
        ("text", 0, True, "more"),
    ]


def test_a_body_after_front_matter_keeps_offsets_into_the_whole() -> None:
    text = "---\ntitle: x\n---\n\n**a**"
    cleaned = clean(text, start=16, markdown=True)
    assert cleaned.text == "title: x\na"
    assert cleaned.offsets.raw_span(9, 10) == (20, 21)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(list("中文ab1 *_~=`[]()<>#-!|\\?.,。，\n\r\u200b\u200d“”'\"\t"))
        | st.characters(),
        max_size=60,
    ).map("".join),
    st.booleans(),
)
def test_nothing_is_lost_but_what_is_listed(text: str, markdown: bool) -> None:
    cleaned = clean(text, markdown=markdown)
    assert_exact(text, cleaned)
    kept = {cleaned.offsets.raw_span(at, at + 1)[0] for at in range(len(cleaned.text))}
    gone = {at for cut in cleaned.removed for at in range(cut.start, cut.end)}
    assert not kept & gone
    assert all(text[at].isspace() for at in set(range(len(text))) - kept - gone)
    assert [b.end for b in cleaned.blocks[:-1]] == [b.start - 1 for b in cleaned.blocks[1:]]
    assert all(cleaned.text[b.start : b.end].strip() for b in cleaned.blocks)


@pytest.mark.parametrize("path", sorted(SEEDS.glob("*.txt")), ids=lambda path: path.name[:3])
def test_what_is_removed_from_the_first_corpus_is_written_down(path: Path) -> None:
    """A changed rule shows here as a changed list: read it, then write it anew (see below)."""
    assert removed_from(path) == (REMOVED / path.name).read_text(encoding="utf-8")


def removed_from(path: Path) -> str:
    """reason, how often, what: one line each. `python tests/test_clean.py` writes the lists."""
    essay = load(path, path.name)
    cut = clean(essay.text, start=essay.body_start, markdown=essay.markdown).removed
    counted = Counter((removal.reason, essay.text[removal.start : removal.end]) for removal in cut)
    return "".join(f"{reason}\t{n}\t{text!r}\n" for (reason, text), n in sorted(counted.items()))


N = 15_000


@pytest.mark.parametrize(
    "text",
    [
        "*" * N,
        "[" * N,
        "](" * N,
        "`" * N,
        "``a" * N,
        "<" * N,
        "<!--" * N,
        "_a" * N,
        "*a" * N,
        "(a" * N,
        "中(ā" * N,
        "中?" * N,
        " " * N + "x" + " " * N,
        "\\" * N,
        "~~=" * N,
        "> " * N,
        "#" * N,
        "- " * N,
        "[a](" + "(" * N,
        "[[a|" * N,
        "![" * N,
        "<a " * N,
        "中文。" * N,
        "a\n" * N,
        "\n" * N,
        '[a](b "' * N,
        "|--" * N,
        "- - -x" * N,
        "ab-\nab\n" * N,
        "a 1\nb\n" * N,
        "[^" * N,
        "*a b" * N,
        "__a" * N,
        "\u200b\u200d" * N,
        "`a``" * N,
    ],
    ids=lambda text: text[:8],
)
def test_time_is_linear(text: str) -> None:
    started = time.process_time()
    clean(text, markdown=True)
    assert time.process_time() - started < 6  # a quadratic pattern takes minutes


if __name__ == "__main__":
    REMOVED.mkdir(parents=True, exist_ok=True)
    for seed in sorted(SEEDS.glob("*.txt")):
        (REMOVED / seed.name).write_text(removed_from(seed), encoding="utf-8")


ROWS = "".join(
    f"| {month} 2021 | {n} ships | calm |\n" for n, month in enumerate(("May", "Jun") * 6)
)


def test_rows_of_a_table_stay_apart_and_stand_under_the_first() -> None:
    text = f"The ships:\n| Month | Ships | Sea |\n|---|---:|---|\n{ROWS}\nThe end of it.\n"
    cleaned = clean(text, markdown=True)
    blocks = [(block.kind, cleaned.text[block.start : block.end]) for block in cleaned.blocks]
    rows = [("item", row) for row in ROWS.splitlines()]
    assert blocks[:2] == [("text", "The ships:"), ("text", "| Month | Ships | Sea |")]
    assert blocks[2:] == [*rows, ("text", "The end of it.")]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("A.\n<script>\nif (a < b) {}\n\n```\n</script>\nB.", "A.\nB."),
        ("A.\n<style type='text/css'>.a{}</style>\nB.", "A.\nB."),
        ("A.\n<STYLE>.a{}\n.b{}</Style > B.\nC.", "A.\nB.\nC."),
        ("A.\n<script>\nNever closed", "A.\n<script>\nNever closed"),
        ("A.\n```\n<script>\nx\n```\nB.\n</script>", "A.\n<script>\nx\nB.\n</script>"),
        ("<scripture> is no tag. </script>", "<scripture> is no tag. </script>"),
    ],
)
def test_scripts_and_style_sheets_go_where_they_are_closed(raw: str, expected: str) -> None:
    cleaned = clean(raw, markdown=True)
    assert cleaned.text == expected
    assert_exact(raw, cleaned)
    assert clean(raw).text.count("<s") == raw.count("<s")


def test_scripts_that_are_never_closed_cost_no_more_than_other_lines() -> None:
    since = time.perf_counter()
    clean("<script>\n<style>\n" * 10_000, markdown=True)
    assert time.perf_counter() - since < 10
