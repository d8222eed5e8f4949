"""Folding, words, languages and what counts as a copy."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.fold import content_words, copy_key, fold, key_words, language, words


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("訓練機器學習", "训练机器学习"),
        ("ＧＰＴ－４ｏ　１２３％", "gpt-4o 123%"),
        ("Résumé Straße Ångström", "resume strasse angstrom"),
        ("İstanbul DİYARBAKIR Diyarbakır", "istanbul diyarbakir diyarbakir"),
        ("e\u0301te\u0301", "ete"),
        ("ｶﾞｷﾞ", "ガギ"),
        ("", ""),
        ("\ud800x", "\ufffdx"),
    ],
)
def test_fold_leaves_one_script_case_and_width(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("訓練靠後", "训练靠后"),
        ("running runs", "run run"),
        ("4,000 tokens", "４０００ token"),
        ("HeuriGym's", "heurigym"),
        ("U.S.", "US"),
        ("X.ai", "xAI"),
        ("GPT－4o", "gpt-4O"),
    ],
)
def test_what_a_question_types_gives_the_words_of_the_text(one: str, other: str) -> None:
    assert words(one)[0] == words(other)[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("станцию", "станции"),
        ("الكتاب", "كِتَابًا"),
        ("المكتبـــة", "مكتبة"),
        ("שָׁלוֹם", "שלום"),
        ("लोगों", "लोग"),
        ("١٩٦٣ १९६३", "1963 1963"),
    ],
)
def test_words_of_other_scripts_meet(one: str, other: str) -> None:
    assert words(one) == words(other)


def test_a_vowel_sign_makes_another_word() -> None:
    assert copy_key("पुल") != copy_key("पल")
    assert words("नदी का पुल")[-1] == "पुल"


def test_small_words_of_a_language_are_stop_words_in_it_alone() -> None:
    assert "die" not in content_words("Wer hat die Brücke gebaut und die Straße?")
    assert "die" in content_words("How many of them die?")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GPT-4o", ["gpt4o", "gpt", "4o", "4"]),
        ("o1", ["o1"]),
        ("100B", ["100b", "100"]),
        ("3.5", ["3.5"]),
        ("Claude 3.5", ["claud", "3.5"]),
        ("4,000", ["4000"]),
        ("2025H2", ["2025h2", "2025", "h2"]),
        ("3,4月份", ["3", "4", "月份"]),
        ("200%,5%", ["200", "5"]),
        ("C++ and C#", ["c++", "and", "c#"]),
        ("M&A", ["ma"]),
        ("阶跃星辰的AI", ["阶跃", "星辰", "的", "ai"]),
        ("한국어", ["한국", "국어"]),
        ("。！ ——", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_content_words_drop_the_small_words_of_both_languages() -> None:
    assert content_words("What is the capital of the 作者的公司是什么？") == ["capit", "公司"]
    assert content_words("what is it") == []
    assert content_words("whats it why dont you lend saws") == ["lend", "saw"]  # as people type


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("人工智能", "zh"),
        ("訓練 LLM 的 agent", "zh"),
        ("AI is 阶跃星辰 of the day", "en"),
        ("Energy", "en"),
        ("GPT-4o", "en"),
        ("AI Infra 是什么", "zh"),
        ("What does 阶跃星辰 do?", "en"),
        ("", ""),
        ("123 — !", ""),
        ("これは日本語の文章です。", "ja"),
        ("한국어 문장입니다", "ko"),
        ("Это русский текст", "ru"),
        ("Le chat est sur la table et il dort dans la maison", "fr"),
        ("Das ist nicht der Hund und die Katze", "de"),
        ("人气品牌「鲜の每日」很火", "zh"),
        ("La La Land", "en"),
        ("| Question | Yes | No | No opinion |", "en"),
        ("مرحبا بالعالم", "ar"),
        ("Wie viele Hebel hatte das Hebelwerk?", "de"),
        ("¿Por qué el seguro no pagó?", "es"),
        ("Má không dùng bơ, không dùng bắp, chỉ bỏ một nhúm muối và gì nữa", "vi"),
    ],
)
def test_language(text: str, expected: str) -> None:
    assert language(text) == expected


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("訓練 4,000 張卡。", "训练４０００张卡！", True),
        ("The  U.S. “way”", "the u.s. way", True),
        ("涨了 5%", "涨了 6%", False),
        ("涨了 5%", "涨了 -5%", False),
        ("3.5 倍", "35 倍", False),
        ("in deed", "indeed", False),
        ("C++", "C", False),
        ("C#", "C", False),
        ("很好", "很不好", False),
        ("a < b", "a > b", False),
        ("👍", "👎", False),
        ("", "", True),
    ],
)
def test_a_copy_differs_in_no_word_and_no_digit(one: str, other: str, same: bool) -> None:
    assert (copy_key(one) == copy_key(other)) is same


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_nothing_raises_and_words_are_words(text: str) -> None:
    assert fold(text) == fold(text)
    assert language(text) == language(text)
    for word in words(text):
        assert word
        assert not any(character.isspace() for character in word)
    assert set(content_words(text)) <= set(words(text))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.text("abcdefg中文字0123456789", min_size=1, max_size=6), min_size=1, max_size=12)
)
def test_punctuation_and_width_leave_the_copy_key_alone(parts: list[str]) -> None:
    assert copy_key(" ".join(parts)) == copy_key("　“ ".join(parts).upper() + "。")


def test_copies_are_those_in_which_no_word_and_no_digit_differs() -> None:
    texts = ["訓練 4,000 張卡。", "训练4000张卡", "訓練４０００張卡！"]
    assert len({copy_key(text) for text in texts}) == 1
    assert copy_key("训练4001张卡。") != copy_key(texts[0]) != copy_key("训练4000块卡")


def test_threads_get_what_one_thread_gets() -> None:
    texts = [f"running {n} 訓練模型 tests studies {n}b" for n in range(200)]
    alone = [words(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(words, texts)) == alone


def test_key_words_are_whole_and_once() -> None:
    assert key_words("How long is the Volga bridge, the bridge in Saratov?") == [
        "long", "volga", "bridge", "saratov",
    ]  # fmt: skip
    assert key_words("What is GPT-4o?") == ["gpt-4o"]
    assert key_words("清华大学在哪里？") == ["清华大学"]
    assert key_words("的吗？") == []
