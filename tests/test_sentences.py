"""Sentence ends of Chinese and English, and what other languages write with a point."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.sentences import sentence_spans


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    "parts",
    [
        # Chinese
        ["这是第一句。", "这是第二句！", "第三句？", "没有结尾"],
        ["他说：“走吧。”", "我走了。"],
        ["“为什么？”他问。", "没人回答。"],
        ["我们总问“为什么？”这个问题。", "好。"],
        ["《谁动了我的奶酪？》是一本书。", "我读过。"],
        ["（他没来。）", "我们走了。"],
        ["他说（其实不对！）然后走了。", "好。"],
        ["加速!", "加速!", "加速!"],
        ["『不要对抗。』这是教训。", "好。"],
        ["大家都太 i 了，包括我自己……", "公共场合说话很少。"],
        ["啊,这奇幻的漂流啊…:见下。", "好。"],
        ["真的吗？！", "真的。"],
        ["分号；不断句；真的。", "对。"],
        ["版本是v3.1。", "占比3.5%。", "用 GPT-4.1 做。"],
        ["连 OpenAI 和 X.ai 的朋友都说好。", "是的。"],
        ["见 https://a.cn/b.html?x=1。", "然后呢？"],
        ["我们不知道的 bug...", "拼工程化的时代。"],
        ["全用半角标点,大家都这样.", "然后走了."],
        ["日本語です。", "はい。"],
        # English
        ["It works.", "It is fast!", "Is it?", "Yes"],
        ["Dr. Smith met Mr. J. R. Ruiz of Apple Inc. in St. Louis.", "They talked."],
        ["It made 10.6 g/L.", "So he was right.", "It runs at 5 V.", "Nobody asked."],
        ["They met in block B.", "The boiler failed.", "K. He and T. More came."],
        ["The U.S. government paid $3.5 million.", "It was v3.1.", "See No. 5 and Fig. 2."],
        ["He lives in the U.S.", "She does not."],
        ["Use tools, e.g. hammers, i.e. things.", "Done."],
        ["Bring apples, pears, etc.", "The rest is here."],
        ['He said "Stop!" and left.', "We stayed."],
        ['"Go."', "She went."],
        ["The end... and so on.", "Then...", "Nothing."],
        ["1. First things first.", "Second things."],
        ["See www.example.com/a.b.", "And x.y@example.com now."],
        ["We met at 5 p.m. on Jan. 3.", "It was cold."],
        ["What?", "No!"],
        ["It is 3.14.", "Pi is nice."],
        ["xAI is new.", "iPhone is old.", "Node.js is code."],
        ["i went home.", "it was late."],
        ["(Really?)", "Yes."],
        ["tea from 3 p.m. to 5 p.m. in the shed, approx. three pots.", "bring cups."],
        ["a) Quiet hours are from 10 p.m. to 7 a.m. on Sundays.", "After that it is loud."],
        ["See p. 203, fol. 33r. and chap. 4 of it.", "It was built c. 1850."],
        ["Dohrn, K. (1977).", "Schienen und Stunden."],
        ["| Raise the fee? | 21 | 12 |"],
        ["| 收费吗？ | 是。 | 12 |"],
        ["I am 40.", "He is 12."],
        ["They met in 1931.", "August was hot.", "It made 12.", "May we ask?"],
        [
            "It sold 300.",
            "Main roads closed in 12.",
            "January came.",
            "Julia left at 5.",
            "Junior too.",
        ],
        # others
        ["Am 3. Oktober 1990 wurde gefeiert.", "Das 19. Jahrhundert war vorbei."],
        ["Es begann am 12. August 1931 um 3 Uhr.", "Dann kam der 2. Weltkrieg."],
        ["Er kam am 3. April 1990.", "Im Jahr 1990.", "Danach ging er."],
        ["Es gibt z. B. Äpfel, d. h. Obst, u. a. Birnen.", "Mehr nicht."],
        ["Z. B. Äpfel.", "Dann Birnen."],
        ["A 1956. október 23-i nap.", "A 3. Május utca szép.", "Vége."],
        ["Narodil se 5. května 1901.", "Pak odešel."],
        ["Он жил на ул. Ленина в г. Москве, т. е. далеко.", "Это было в 1990 г.", "Потом уехал."],
        # both
        ["It’s all about the context.", "一切都在于上下文。"],
        ["我读了 The Bitter Lesson.", "很好。"],
    ],
)
def test_ends(parts: list[str]) -> None:
    text = parts[0]
    for part in parts[1:]:
        wide = ord(text[-1]) > 0x2E80 or ord(part[0]) > 0x2E80 or text[-1] in "”…"
        text += part if wide and not text.endswith("...") else f" {part}"
    assert sentences(text) == parts


def test_a_line_break_ends_a_sentence() -> None:
    assert sentences("one\ntwo\r\nthree\u2028four") == ["one", "two", "three", "four"]


def test_marks_without_words_stay_with_a_sentence() -> None:
    assert sentences("好。 ——") == ["好。 ——"]
    assert sentences("？？好。") == ["？？好。"]
    assert sentences("**粗。** 然后") == ["**粗。**", "然后"]


@settings(max_examples=400, deadline=None)
@given(
    st.text(alphabet=st.sampled_from("中文a B1.。!？…”\"“)（(，\n\r \u3000'*:/w") | st.characters())
)
def test_spans_cover_all_but_white_space(text: str) -> None:
    spans = sentence_spans(text)
    covered = [at for start, end in spans for at in range(start, end)]
    assert covered == sorted(set(covered))
    outside = set(range(len(text))) - set(covered)
    assert all(text[at].isspace() for at in outside)
    for start, end in spans:
        assert start < end
        assert not text[start].isspace()
        assert not text[end - 1].isspace()


@pytest.mark.parametrize(
    "text",
    [
        '."' * 50_000,
        "“" * 100_000 + "。”" * 10_000,
        "http://" * 20_000,
        "a." * 80_000,
        "a. b. " * 20_000,
        "www." * 30_000,
        "a“" * 60_000 + "。”" * 30_000,
        "x. " + " " * 100_000 + "y",
        "（。" * 60_000,
    ],
)
def test_time_is_linear(text: str) -> None:
    started = time.process_time()
    sentence_spans(text)
    assert time.process_time() - started < 5  # a quadratic scan takes minutes
