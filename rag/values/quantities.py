"""Numbers, amounts, dates and times of a text as values, so that 40 億 and 4 billion are equal.

Both languages and both Chinese scripts, and every decimal digit of Unicode. Own code, because the
libraries that read numbers know one language each, no ranges, and not where a number stood.
Only what a text states exactly becomes a value: 几十 and "hundreds of" do not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from rag.values.numerals import (
    ARABIC,
    BIG,
    HAN_DECIMAL,
    HAN_DIGIT,
    HAN_NUMBER,
    HAN_SCALE,
    ONES,
    ORDINALS,
    SCALES,
    SUFFIXES,
    TENS,
    VULGAR,
    WORDS,
    arabic,
    decimal_han,
    english,
    han,
)
from rag.values.units import CURRENCIES, MEASURES, MONTH, SECOND, UNIT, UNITS

__all__ = ["Quantity", "quantities"]

YearMonthDay = tuple[int | None, int | None, int | None]


@dataclass(frozen=True, slots=True)
class Quantity:
    """One value: `text[start:end]` of the text it was read from.

    `value` is in the unit's base (seconds, metres, months, the plain number; a percentage is its
    hundredth), a time's is minutes since midnight, a weekday's 1 (Monday) to 7. `unit` is the
    dimension, "" where none is known or things are counted. `weak`: so common ("one", 一个, first)
    that its absence elsewhere says nothing. `rounded`: hedged by a word such as about or 多.
    `lead`: of an amount in two units (3 hours and 10 minutes) that in the larger one.
    """

    kind: Literal["number", "date", "time", "weekday"]
    text: str
    start: int
    end: int
    value: Fraction = Fraction(0)
    unit: str = ""
    date: YearMonthDay = (None, None, None)
    weak: bool = False
    rounded: bool = False
    scale: Fraction = Fraction(1)
    lead: Fraction | None = None


_TIMES = {"twice": 2, "thrice": 3}

_MONTH_NAMES = (
    "january february march april may june july august september october november december"
)
_MONTHS = {word: number for number, word in enumerate(_MONTH_NAMES.split(), 1)}
_MONTHS |= {w[:3]: n for w, n in _MONTHS.items()} | {"sept": 9}
_WEEKDAY_NAMES = "monday tuesday wednesday thursday friday saturday sunday"
_WEEKDAYS = {word: number for number, word in enumerate(_WEEKDAY_NAMES.split(), 1)}
_HAN_WEEKDAYS = dict(zip("一二三四五六日天", (1, 2, 3, 4, 5, 6, 7, 7), strict=True))

_ROUND_BEFORE = re.compile(
    r"(?:\b(?:about|around|roughly|approximately|approx\.?|nearly|almost|over|more than|some|circa|"
    r"at least|up to|under|less than|fewer than|as many as|~)|约|約|大概|近|逾|超过|超過|将近|將近|"
    r"接近|至少|不到|最多|多达|多達|高达|高達|左右|上下)\s*[$€£¥]?\s*$",
    re.IGNORECASE,
)
_MONTH_NAME = "|".join(sorted((m.title() for m in _MONTHS), key=len, reverse=True))
_YEAR_TAIL = r"(?:,?\s+(?:of\s+)?(?P<y>\d{4})(?!\d))?"
_NO_LETTER = r"(?<![A-Za-z\d_.])"


def quantities(text: str) -> list[Quantity]:
    """Every value that the text states, in order of place.

    Numbers inside names (GPT-4, Qwen2.5, H100) are parts of the names and not listed.
    """
    plain = "".join(map(_plain, text))
    found: list[Quantity] = []
    for pattern, build in _READERS:
        for match in pattern.finditer(plain):
            made = build(match)
            if made is None:
                continue
            start, end = match.span("all") if "all" in pattern.groupindex else match.span()
            if made.text != "-":  # "-" hides the place: a part of a name
                hedged = bool(_ROUND_BEFORE.search(plain, max(0, start - 24), start))
                found.append(
                    replace(
                        made,
                        text=text[start:end].strip(),
                        start=start,
                        end=end,
                        rounded=made.rounded or hedged,
                    )
                )
            plain = plain[:start] + "\0" * (end - start) + plain[end:]
    found.sort(key=lambda q: q.start)
    return _ranges(_added(found, text), text)


def _plain(char: str) -> str:
    """The character as ASCII digit, letter or sign where it stands for one; never two characters.

    The full-width comma stays: it parts clauses and not thousands.
    """
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    if "！" <= char <= "～" and char != "，":
        return chr(ord(char) - 0xFEE0)
    return char


def _number(
    value: Fraction, unit: str = "", scale: Fraction | int = 1, *, weak: bool = False
) -> Quantity:
    dimension, factor = UNITS.get(unit) or UNITS.get(unit.lower()) or ("", Fraction(1))
    # The scale is kept for ranges (10–20 million) and for counting against durations.
    return Quantity(
        "number", "", 0, 0, value * factor, dimension, weak=weak, scale=Fraction(scale) * factor
    )


def _date(year: int | None, month: int | None = None, day: int | None = None) -> Quantity | None:
    if (month is not None and not 1 <= month <= 12) or (day is not None and not 1 <= day <= 31):
        return None
    return Quantity("date", "", 0, 0, date=(year, month, day))


def _int(text: str | None) -> int | None:
    if not text:
        return None
    return int(text) if text.isascii() else int(han(text))


def _hidden(_match: re.Match[str]) -> Quantity:
    return Quantity("number", "-", 0, 0)


def _iso(match: re.Match[str]) -> Quantity | None:
    return _date(int(match["y"]), int(match["m"]), int(match["d"]))


def _slashed(match: re.Match[str]) -> Quantity | None:
    first, second, year = (int(match[name]) for name in "mdy")
    month, day = (first, second) if first <= 12 else (second, first)
    return _date(year, month, day)


def _han_date(match: re.Match[str]) -> Quantity | None:
    year = _int(match["y"])
    if year is not None:
        if match["era"] and match["era"] in "民国民國":
            year += 1911
        elif match["era"] == "前" and year < 10:
            return None  # 前三年, 前一年: the first three, the one before
        elif match["era"] and match["era"].endswith("前"):
            year = -year
    return _date(year, _int(match["m"]), _int(match["d"]))


def _han_month(match: re.Match[str]) -> Quantity | None:
    return _date(None, _int(match["m"]), _int(match["d"]))


def _english_date(match: re.Match[str]) -> Quantity | None:
    month = _MONTHS[match["m"].lower().rstrip(".")]
    return _date(_int(match["y"]), month, _int(match["d"]))


def _english_month(match: re.Match[str]) -> Quantity | None:
    return _date(_int(match["y"]), _MONTHS[match["m"].lower().rstrip(".")])


def _year(match: re.Match[str]) -> Quantity | None:
    year = int(match["y"])
    return _date(-year if match["bc"] else year)


def _decade(match: re.Match[str]) -> Quantity:
    century = _int(match["c"])
    decade = _int(match["n"]) or 0
    if century:
        decade = (century - 1) * 100 + decade % 100
    elif decade < 100:
        decade += 1900
    return Quantity("number", "", 0, 0, Fraction(decade), "decade")


def _clock(match: re.Match[str]) -> Quantity | None:
    hour, minute = _int(match["h"]) or 0, _int(match["min"]) or 0
    if match["half"]:
        minute = 30
    part = (match["am"] or "").lower().replace(".", "")
    if part in {"pm", "下午", "晚上", "傍晚"} and hour < 12:
        hour += 12
    elif part == "am" and hour == 12:
        hour = 0
    if hour > 24 or minute > 59:
        return None
    return Quantity("time", "", 0, 0, Fraction(60 * hour + minute))


def _weekday(match: re.Match[str]) -> Quantity:
    name = match["w"]
    day = _HAN_WEEKDAYS.get(name) or _WEEKDAYS[name.lower().rstrip("s")]
    return Quantity("weekday", "", 0, 0, Fraction(day))


def _percent_han(match: re.Match[str]) -> Quantity:
    base = 1000 if match["base"] == "千" else 100 if match["base"] == "百" else 10_000
    return replace(_number(decimal_han(match["n"]) / base), unit="ratio")


def _fraction_han(match: re.Match[str]) -> Quantity | None:
    below = decimal_han(match["below"])
    return _number(decimal_han(match["above"]) / below) if below else None


def _fraction_slash(match: re.Match[str]) -> Quantity | None:
    below = int(match["below"])
    return _number(Fraction(int(match["above"]), below)) if below else None


def _one_in(match: re.Match[str]) -> Quantity | None:
    """One in four, 3 out of every 10; "one in two" too, but no larger part than the whole."""
    above, below = (
        Fraction(int(word)) if word.isdigit() else english(word)
        for word in (match["above"], match["below"])
    )
    return _number(above / below) if 0 < above < below else None


def _fraction_english(match: re.Match[str]) -> Quantity | None:
    above = match["above"].lower()
    value = Fraction(1) if above in {"a", "an"} else english(above)
    word = match["below"].lower()
    below = {"half": 2, "halves": 2, "quarter": 4, "quarters": 4}.get(word)
    below = below or ORDINALS.get(word.removesuffix("s"))
    return _number(value / below) if below else None


def _amount(match: re.Match[str]) -> Quantity:
    value, scale = arabic(match["n"]), 1
    if match["vulgar"]:
        value += VULGAR[match["vulgar"]]
    if match["scale"]:
        scale = SCALES.get(match["scale"].lower()) or SUFFIXES[match["scale"]]
    unit = match["unit"] or ""
    if match["coin"] and unit == "m":
        unit, scale = "", 10**6  # $5m
    made = _number(value * scale, unit, scale)
    if match["coin"]:
        made = replace(made, unit=CURRENCIES[match["coin"]])
    weak = value == 1 and scale == 1 and not made.unit
    return replace(made, weak=weak, rounded=bool(match["plus"]))


def _amount_han(match: re.Match[str]) -> Quantity | None:
    text, unit, after = match["n"], match["unit"] or "", match["after"]
    bare = re.sub(r"\s", "", text)
    if bare in {"千万", "千萬", "万一", "萬一", "一一"} and not unit:
        return None
    pure = not re.search(r"\d", bare)
    if bare == "十" and after == "分":
        return None  # 十分 is "very" far more often than ten points
    if pure and len(bare) == 1 and not unit and not after and not match["ordinal"]:
        return None
    if pure and len(bare) > 1 and not unit and not re.search(HAN_SCALE, bare) and not after:
        return None  # 三三 in a name; 二〇二四 without 年 is rare
    value = decimal_han(bare)
    scale = 1
    for big in re.findall(r"[万萬亿億兆]", bare):
        scale *= BIG[big]
    made = _number(value, unit, scale)
    if match["ordinal"]:
        made = replace(made, unit=made.unit if made.unit == "century" else "ordinal")
    weak = value == 1 or bare in {"百", "千", "万", "萬"} or (not unit and bare in "两兩")
    return replace(made, weak=weak, rounded=bool(match["more"]) or "多" in text)


def _amount_words(match: re.Match[str]) -> Quantity:
    value = english(match["n"])
    unit = match["unit"] or ""
    made = _number(value, unit)
    if (match["coin"] or "") in CURRENCIES and match["coin"]:
        made = replace(made, unit=CURRENCIES[match["coin"]])
    return replace(made, weak=value == 1)


def _ordinal(match: re.Match[str]) -> Quantity:
    made = _number(Fraction(int(match["n"])), match["unit"] or "")
    return replace(made, unit=made.unit if made.unit == "century" else "ordinal")


def _ordinal_word(match: re.Match[str]) -> Quantity:
    value = ORDINALS[match["n"].lower()] + TENS.get((match["tens"] or "").lower().rstrip("- "), 0)
    made = _number(Fraction(value), match["unit"] or "")
    unit = made.unit if made.unit == "century" else "ordinal"
    return replace(made, unit=unit, weak=value == 1)


def _times(match: re.Match[str]) -> Quantity:
    return replace(_number(Fraction(_TIMES[match["n"].lower()])), weak=True)


def _numbered(match: re.Match[str]) -> Quantity:
    """四号线, 3号楼: a number in a name."""
    return replace(_number(han(match["n"])), weak=True)


def _half(match: re.Match[str]) -> Quantity:
    """Half of a unit; 半天 is as often a long while."""
    unit = match["unit"] or ""
    return replace(_lasting(Fraction(1, 2), unit), weak=unit in ("", "天"))


def _one_long(match: re.Match[str]) -> Quantity:
    """A decade: ten years."""
    return replace(_lasting(Fraction(1), match["unit"]), weak=True)


def _and_half(match: re.Match[str]) -> Quantity:
    text = match["n"]
    whole = arabic(text) if text[0].isdigit() else english(text) if text.isascii() else han(text)
    return _lasting((whole or 1) + Fraction(1, 2), match["unit"] or match["long"])


def _lasting(value: Fraction, unit: str) -> Quantity:
    """An amount in which a century is so many years and no place in history."""
    century = UNITS.get(unit.lower(), ("",))[0] == "century"
    return _number(value * 100, "年") if century else _number(value, unit)


def _vulgar(match: re.Match[str]) -> Quantity:
    return _number(VULGAR[match["v"]], match["unit"] or "")


_LASTING = "(?:年|月|小时|小時|钟头|鐘頭|世纪|世紀)"
_NOT_HALF = "(?<!半(?=[导導径徑数數程价價路夜山岛島成载載途]))"
_NUMBERED = "线線楼樓馆館机機厅廳门門院车車路房库庫井"
_HAN_SMALL = "[〇零○一二三四五六七八九十廿0-9]"
_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Quantity | None]], ...] = tuple(
    (re.compile(pattern, flags), build)
    for pattern, flags, build in (
        # Dates before numbers, long forms before short ones.
        (r"(?<!\d)(?P<y>\d{4})(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})(?!\d)", 0, _iso),
        (r"(?<![\d/])(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4})(?!\d)", 0, _slashed),
        (
            rf"(?P<c>{_HAN_SMALL}{{1,4}})\s?世[纪紀]\s?(?P<n>{_HAN_SMALL}{{1,4}})\s?年代",
            0,
            _decade,
        ),
        (rf"(?P<c>(?!))?(?P<n>{_HAN_SMALL}{{2,4}})\s?年代", 0, _decade),
        (rf"(?P<n>{_HAN_SMALL}{{1,4}})[号號](?=[{_NUMBERED}])", 0, _numbered),
        (
            r"(?<!first )(?<!second )(?<!latter )(?<!other )(?<!a )(?<!top )(?<!better )"
            r"\bhalf(?= (?:of|the|its|their|our|my|his|her|all)\b)(?P<unit>(?!))?",
            re.IGNORECASE,
            _half,
        ),
        (r"(?<![\d.,])(?P<c>(?!))?(?P<n>\d{3}0)['’]?s\b", 0, _decade),
        (
            r"(?P<era>公元前|西元前|纪元前|紀元前|公元|西元|民国|民國|前)?\s?"
            rf"(?P<y>(?<!\d)\d{{3,4}}|[〇零○一二三四五六七八九]{{4}}|(?<=[民公西]..){_HAN_SMALL}{{1,4}}"
            rf"|(?<=[元国國前])\s?{_HAN_SMALL}{{1,4}})\s?年(?![前后後间間多级級份])"
            rf"(?:\s?(?P<m>{_HAN_SMALL}{{1,3}})\s?月(?:\s?(?P<d>{_HAN_SMALL}{{1,3}})\s?[日号號])?)?",
            0,
            _han_date,
        ),
        (
            rf"(?<![\d.个個])(?P<m>{_HAN_SMALL}{{1,3}})\s?月(?:\s?(?P<d>{_HAN_SMALL}{{1,3}})\s?[日号號])?",
            0,
            _han_month,
        ),
        (r"(?<![\d.])(?P<m>(?!))?(?P<d>\d{1,2})\s?[日号號](?![本元夜])", 0, _han_month),
        (
            rf"\b(?P<m>{_MONTH_NAME})\.?\s+(?:the\s+)?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:]){_YEAR_TAIL}",
            0,
            _english_date,
        ),
        (
            rf"(?<!\d)(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?\s+(?P<m>{_MONTH_NAME})\b\.?{_YEAR_TAIL}",
            0,
            _english_date,
        ),
        (rf"\b(?P<m>{_MONTH_NAME})\b\.?,?\s+(?:of\s+)?(?P<y>\d{{4}})(?!\d)", 0, _english_month),
        (
            r"(?:(?<=\b[Ii]n )|(?<=\b[Oo]f )|(?<=ince )|(?<=\b[Bb]y )|(?<=ntil )|(?<=arly )"
            r"|(?<=ate ))"
            rf"(?P<m>{_MONTH_NAME})\b\.?(?P<y>(?!))?",
            0,
            _english_month,
        ),
        (
            r"\b(?P<m>January|February|April|June|July|August|September|October|November|December)\b"
            r"(?P<y>(?!))?",
            0,
            _english_month,
        ),
        (rf"\b(?P<w>(?:{'|'.join(w.title() for w in _WEEKDAYS)}))s?\b", 0, _weekday),
        (r"(?:星期|礼拜|禮拜|周|週)(?P<w>[一二三四五六日天])(?![年期边邊])", 0, _weekday),
        (
            rf"{_NO_LETTER}(?P<h>\d{{1,2}}):(?P<min>\d{{2}})(?::\d{{2}})?(?P<half>(?!))?"
            r"(?:\s?(?P<am>[ap]\.?m\.?))?(?![\d:])",
            re.IGNORECASE,
            _clock,
        ),
        (
            rf"{_NO_LETTER}(?P<h>\d{{1,2}})(?P<min>(?!))?(?P<half>(?!))?\s?(?P<am>[ap]\.?m\b\.?)",
            re.IGNORECASE,
            _clock,
        ),
        (
            rf"(?P<am>凌晨|早上|上午|中午|下午|傍晚|晚上)\s?(?P<h>{_HAN_SMALL}{{1,3}})\s?[点點时時]"
            rf"(?:(?P<half>半)|(?P<min>{_HAN_SMALL}{{1,3}})\s?分)?",
            0,
            _clock,
        ),
        # One and a half.
        (
            rf"(?<!第)(?P<n>{ARABIC}|{HAN_DIGIT}|十)(?:[个個]?(?P<unit>{_LASTING})半|[个個]半(?P<long>{_LASTING}))"
            rf"{_NOT_HALF}",
            0,
            _and_half,
        ),
        (
            rf"\b(?P<n>\d{{1,3}}|{'|'.join([*ONES, *TENS])}) and a half[\s-]"
            rf"(?P<unit>{UNIT})(?P<long>(?!))?",
            re.IGNORECASE,
            _and_half,
        ),
        (
            rf"\b(?P<n>an?|one) (?P<unit>{UNIT}) and a half\b(?P<long>(?!))?",
            re.IGNORECASE,
            _and_half,
        ),
        (rf"\bhalf[\s-](?:an?[\s-])?(?P<unit>{UNIT})", re.IGNORECASE, _half),
        (r"\ba (?P<unit>decade|century)\b(?! (?:ago|later|earlier|before|after))", 0, _one_long),
        # Shares.
        (rf"(?P<base>[百千万萬])分之\s?(?P<n>{ARABIC}|{HAN_DECIMAL})", 0, _percent_han),
        (
            rf"(?P<below>{ARABIC}|{HAN_NUMBER})\s?分之\s?(?P<above>{ARABIC}|{HAN_DECIMAL})",
            0,
            _fraction_han,
        ),
        (r"(?<![\d/.])(?P<above>\d{1,3})\s?[/⁄]\s?(?P<below>\d{1,3})(?![\d/])", 0, _fraction_slash),
        (
            rf"\b(?P<above>{'|'.join(ONES)}|\d{{1,2}}) (?:in|out of)(?: every)? "
            rf"(?P<below>{'|'.join([*ONES, *TENS])}|hundred"
            rf"|\d{{1,2}}(?!\d|[.,]\d|%|[-\s]?(?:{UNIT})))\b",
            re.IGNORECASE,
            _one_in,
        ),
        (
            rf"\b(?P<above>an?|{'|'.join(ONES)})[\s-](?P<below>half|halves|quarters?|"
            + "|".join(w + "s?" for w in list(ORDINALS)[2:])
            + r")\b(?=\s+(?:of|as|the|to|more|less|its|their|all)\b|[^\w\s]|\s*$)",
            re.IGNORECASE,
            _fraction_english,
        ),
        (
            r"\b(?P<above>two|three|four|five|seven|nine)[\s-](?P<below>quarters|"
            + "|".join(w + "s" for w in list(ORDINALS)[2:])
            + r")\b",
            re.IGNORECASE,
            _fraction_english,
        ),
        # Parts of names: GPT-4, Qwen2.5, H100, COVID-19, 2V2. An amount's own letters are not.
        (
            r"(?<![A-Za-z\d])(?!(?:US|HK|NT)\$)(?:[A-Za-z]+-?\d[\w.]*\w|[A-Za-z]+-?\d)"
            r"(?:-\w+)*",
            0,
            _hidden,
        ),
        (
            rf"(?<![A-Za-z\d.,$€£¥])\d+(?!\d|(?:{UNIT}|{'|'.join(SUFFIXES)}|st|nd|rd|th|s)(?![A-Za-z])"
            r"|[ap]\.?m\b)[A-Za-z]\w*",
            0,
            _hidden,
        ),
        (r"(?<![\d.])\d+(?:\.\d+){2,}", 0, _hidden),  # versions and addresses: 3.11.2
        # Ordinals.
        (
            r"(?<![\d.,])(?P<n>\d+)(?:st|nd|rd|th)\b(?:[\s-](?P<unit>century))?",
            re.IGNORECASE,
            _ordinal,
        ),
        (
            rf"\b(?P<tens>(?:{'|'.join(TENS)})[- ])?(?P<n>{'|'.join(ORDINALS)})\b"
            r"(?<!per second)(?<!a second)(?:[\s-](?P<unit>century))?",
            re.IGNORECASE,
            _ordinal_word,
        ),
        (
            rf"(?<![几幾数數])(?P<ordinal>第)\s?(?P<n>{ARABIC}|{HAN_DECIMAL})(?P<more>(?!))?\s?"
            r"(?P<unit>世纪|世紀)?(?P<after>(?!))?",
            0,
            _amount_han,
        ),
        # Amounts.
        (
            rf"(?<![几幾数數好])(?!百分[点點])(?P<ordinal>(?!))?(?P<n>{HAN_DECIMAL})(?P<more>[多余餘]|几|幾)?\s?"
            rf"(?P<unit>{UNIT})?(?P<after>(?<=[^\s])[{MEASURES}](?<![年]))?",
            0,
            _amount_han,
        ),
        (r"(?<![\d.,$€£¥])(?P<y>1\d{3}|20\d{2})(?![\d%％]|[.,]\d|\s?年|-?[A-Za-z]|\s?(?:"
         + UNIT + r"|million|billion|people|[多余餘万萬亿億个個人名位次元]))(?P<bc>(?!))?",
         0, _year),
        (r"(?<![\d.,])(?P<y>\d{1,4})(?P<bc>\s?(?:BCE?|B\.C\.))", 0, _year),
        (
            rf"(?P<coin>US\$|HK\$|NT\$|[$€£¥￥])?\s?(?:(?<![A-Za-z\d_.])|(?<=[$€£¥￥])|(?<=[$€£¥￥]\s))"
            rf"(?P<n>{ARABIC})(?P<vulgar>[{''.join(VULGAR)}])?"
            rf"(?:[\s-]?(?P<scale>(?:{'|'.join(SCALES)})(?![A-Za-z])|(?<=\d)(?-i:{'|'.join(SUFFIXES)})(?![A-Za-z])))?"
            rf"(?P<plus>\+|[多余餘])?(?:[\s-]?(?P<unit>(?-i:{UNIT})))?",
            re.IGNORECASE,
            _amount,
        ),
        (
            rf"(?P<coin>(?!))?\b(?P<n>{WORDS})\b(?:[\s-](?P<unit>{UNIT}))?",
            re.IGNORECASE,
            _amount_words,
        ),
        (rf"\b(?P<n>{'|'.join(_TIMES)})\b", re.IGNORECASE, _times),
        (rf"(?P<v>[{''.join(VULGAR)}])\s?(?P<unit>{UNIT})?", 0, _vulgar),
        (rf"一?半(?:[个個]?(?P<unit>{_LASTING}|天))?", 0, _half),
    )
)  # fmt: skip

_AND = re.compile(r"\s*(?:and|又|零)?\s*")
_RANGE = re.compile(r"\s*(?:-|–|—|~|～|至|到|to|and|和|against|versus|vs\.?|比|对)\s*")


def _added(found: list[Quantity], text: str) -> list[Quantity]:
    """Two amounts in a row in units of one dimension as one: 3 hours and 10 minutes, 5公里300米."""
    out = list[Quantity]()
    for one in found:
        last = out[-1] if out else None
        if (
            last is not None
            and last.unit == one.unit in (SECOND, MONTH, "metres")
            and last.lead is None
            and last.scale > 1
            and one.value < last.scale
            and one.scale < last.scale
            and _AND.fullmatch(text, last.end, one.start)
        ):
            both = text[last.start : one.end]
            value = last.value + one.value
            out[-1] = replace(last, text=both, end=one.end, value=value, lead=last.value)
        else:
            out.append(one)
    return out


def _ranges(found: list[Quantity], text: str) -> list[Quantity]:
    """The first end of a range takes scale and unit from the second: 10–20 million, 10至20公里."""
    out = list(found)
    for i in range(len(out) - 1):
        first, second = out[i], out[i + 1]
        if (
            first.kind == second.kind == "number"
            and not first.unit
            and first.scale == 1
            and second.scale != 1
            and _RANGE.fullmatch(text, first.end, second.start)
        ):
            out[i] = replace(
                first, value=first.value * second.scale, unit=second.unit, scale=second.scale
            )
    return out
