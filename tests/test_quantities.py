"""Values are the same however they are written, and differ where they differ."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.values.agree import agree, nearest, stated
from rag.values.quantities import quantities


def only(text: str):
    found = quantities(text)
    assert len(found) == 1, found
    return found[0]


SAME = [
    ("six weeks", "a month and a half"),
    ("90 days", "three months"),
    ("190 minutes", "three hours and ten minutes"),
    ("三小时十分钟", "190分钟"),
    ("1.5 years", "1 year and 6 months"),
    ("roughly 33%", "about 1/3"),
    ("7 a.m.", "seven"),
    ("3.5个百分点", "3.5 percentage points"),
    ("40 億", "4 billion"),
    ("40亿", "4,000,000,000"),
    ("四万亿", "four trillion"),
    ("4萬億", "4兆"),
    ("百分之六十", "60%"),
    ("百分之三点五", "3.5 percent"),
    ("5 percentage points", "五个百分点"),
    ("三分之一", "a third of"),
    ("1/3", "one third of"),
    ("四分之一", "one in four"),
    ("30%", "3 out of every 10"),
    ("1998", "in 1998"),
    ("四分之三", "three quarters"),
    ("6½", "6.5"),
    ("三十二", "thirty-two"),
    ("两千零五", "2005人"),
    ("三百五", "350"),
    ("1億2000萬", "120 million"),
    ("half a million", "五十万"),
    ("٣٢", "32"),
    ("３２", "三十二"),
    ("3 months", "三个月"),
    ("1小时", "60 minutes"),
    ("2年", "24个月"),
    ("两公里", "2,000 metres"),
    ("五千克", "5 kg"),
    ("$5 million", "500万美元"),
    ("US$40bn", "400億美元"),
    ("20世纪90年代", "the 1990s"),
    ("九十年代", "1990s"),
    ("十九世纪", "the 19th century"),
    ("第三", "third"),
    ("第6", "sixth"),
    ("2024年3月5日", "March 5, 2024"),
    ("二〇二四年三月五日", "5 March 2024"),
    ("2024-03-05", "5th of March, 2024"),
    ("2024/3/5", "3/5/2024"),
    ("12月25日", "Dec. 25"),
    ("公元前221年", "221 BC"),
    ("民國38年", "1949年"),
    ("下午三点半", "15:30"),
    ("3:30 pm", "15:30"),
    ("星期一", "Monday"),
    ("about 3 million", "约300万"),
    ("5 per cent", "5%"),
    ("ten years", "a decade"),
    ("46 miles", "74 km"),
    ("150 lbs", "68 kg"),
    ("十四斤", "七公斤"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_value_in_other_words(one: str, other: str) -> None:
    assert agree(only(one), only(other))
    assert agree(only(other), only(one))


DIFFERENT = [
    ("3.5%", "35%"),
    ("5%", "5"),
    ("2024年", "2023年"),
    ("4 million", "4 billion"),
    ("四万", "四亿"),
    ("5 km", "5 kg"),
    ("March 5", "5 April"),
    ("March 2024", "2024年4月"),
    ("三分之一", "三分之二"),
    ("第三", "第四"),
    ("下午3点", "上午3点"),
    ("周一", "Tuesday"),
    ("100美元", "100欧元"),
    ("about 3 million", "400万"),
    ("1980s", "九十年代"),
    ("5％", "五个百分点"),
    ("46 miles", "46 km"),
    ("46 miles", "84 km"),
    ("七斤", "七公斤"),
    ("the 1930s", "1921年"),
    ("the 18th century", "in 1804"),
    ("three percent", "three percentage points"),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_other_values_do_not_agree(one: str, other: str) -> None:
    assert not agree(only(one), only(other))


@pytest.mark.parametrize(
    "text",
    [
        "四川的天气",
        "GPT-4 and Qwen2.5",
        "H100 in 3D",
        "version 3.11.2",
        "十分高兴",
        "千万不要",
        "几十个",
    ],
)
def test_what_only_looks_like_a_number(text: str) -> None:
    assert quantities(text) == []


def test_a_date_stands_in_for_less_but_not_for_more() -> None:
    full, year, month = only("2024年3月5日"), only("2024年"), only("March 2024")
    assert agree(year, full)
    assert agree(month, full)
    assert not agree(full, year)


def test_a_date_may_be_put_together_from_two() -> None:
    given_ = quantities("In 2024 he moved. On March 5 he opened the shop.")
    assert stated(only("5 March 2024"), given_)
    assert not stated(only("6 March 2024"), given_)
    assert not stated(only("5 March 2023"), given_)


def test_a_decade_and_a_century_hold_their_years() -> None:
    assert agree(only("the 1920s"), only("1921年"))
    assert agree(only("十九世纪"), only("in 1804"))
    assert not agree(only("in 1804"), only("十九世纪"))


def test_a_ratio_may_look_like_a_time() -> None:
    assert stated(only("1:15"), quantities("師生比為1比15"))
    assert not stated(only("1:25"), quantities("師生比為1比15"))


def test_a_range_gives_its_scale_to_both_ends() -> None:
    assert [q.value for q in quantities("10–20 million")] == [10_000_000, 20_000_000]
    assert [q.value for q in quantities("10至20公里")] == [10_000, 20_000]


def test_a_bare_year_is_also_a_number() -> None:
    assert agree(only("2010"), only("2010人"))
    assert not agree(only("2010"), only("2010 km"))


def test_an_amount_in_two_units_states_the_larger_too() -> None:
    assert agree(only("three hours"), only("三小时十分钟"))
    assert not agree(only("three hours and ten minutes"), only("三小时"))


def test_the_year_before_is_no_date() -> None:
    assert not any(value.kind == "date" for value in quantities("比前一年少，前三年也是"))
    assert only("前221年").date == (-221, None, None)


def test_common_small_words_are_weak() -> None:
    assert only("one").weak
    assert only("一个").weak
    assert not only("two").weak


def test_places_are_exact_and_in_order() -> None:
    text = "2024年，营收４０億元；增长 3.5%，共三十二人。"
    found = quantities(text)
    assert [text[q.start : q.end].strip() for q in found] == [q.text for q in found]
    assert [q.text for q in found] == ["2024年", "４０億元", "3.5%", "三十二人"]


def test_nearest_names_the_like() -> None:
    given_ = quantities("It rose 3.5% to 40 million in 2024, from 39 million in 2023.")
    share, year = nearest(only("35%"), given_), nearest(only("in 2022"), given_)
    assert share is not None
    assert share.text == "3.5%"
    assert year is not None
    assert year.kind == "date"


DIGITS = "零一二三四五六七八九"


def chinese(number: int) -> str:
    """The number as Chinese writes it, up to 10^12."""
    for size, sign in ((10**8, "亿"), (10**4, "万")):
        if number >= size:
            high, low = divmod(number, size)
            between = "零" if low and low < size // 10 else ""
            return chinese(high) + sign + (between + chinese(low) if low else "")
    out, zero = "", False
    for size, sign in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, size)
        if digit:
            out += ("零" if zero and out else "") + DIGITS[digit] + sign
            zero = False
        elif out:
            zero = True
    return out


@given(st.integers(min_value=10, max_value=10**12 - 1))
def test_any_number_is_read_back(number: int) -> None:
    assert only(chinese(number) + "人").value == number
    assert only(f"{number:,} people").value == Fraction(number)


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    for quantity in quantities(text):
        assert 0 <= quantity.start < quantity.end <= len(text)
