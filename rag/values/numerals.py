"""Numerals in digits, Chinese and English: how they are written, and what they are worth."""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction

__all__ = [
    "ARABIC",
    "BIG",
    "DIGITS",
    "HAN_DECIMAL",
    "HAN_DIGIT",
    "HAN_NUMBER",
    "HAN_SCALE",
    "ONES",
    "ORDINALS",
    "SCALES",
    "SUFFIXES",
    "TENS",
    "VULGAR",
    "WORDS",
    "arabic",
    "decimal_han",
    "english",
    "han",
]

DIGITS = {c: n for n, group in enumerate(
    ("〇零○", "一壹", "二两兩贰貳", "三叁", "四肆", "五伍", "六陆陸", "七柒", "八捌", "九玖")
) for c in group}  # fmt: skip
_SMALL = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
BIG = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8, "兆": 10**12}
VULGAR = {c: Fraction(unicodedata.numeric(c)).limit_denominator(10) for c in "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"}

_ONE_TO_NINETEEN = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
ONES = {word: number for number, word in enumerate(_ONE_TO_NINETEEN.split())}
_TENS_NAMES = "twenty thirty forty fifty sixty seventy eighty ninety"
TENS = {word: 10 * number for number, word in enumerate(_TENS_NAMES.split(), 2)}
SCALES = {
    "dozen": 12, "hundred": 100, "thousand": 10**3, "lakh": 10**5, "million": 10**6,
    "crore": 10**7, "billion": 10**9, "trillion": 10**12,
}  # fmt: skip
SUFFIXES = {
    "k": 10**3, "K": 10**3, "M": 10**6, "mn": 10**6, "mln": 10**6, "B": 10**9, "bn": 10**9,
    "T": 10**12, "tn": 10**12,
}  # fmt: skip
_FIRST_TO_TWENTIETH = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)
ORDINALS = {word: number for number, word in enumerate(_FIRST_TO_TWENTIETH.split(), 1)}

ARABIC = r"(?:\d{1,3}(?:[,，]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
HAN_DIGIT = "[" + "".join(DIGITS) + "]"
HAN_SCALE = "[十百千万萬亿億兆佰仟拾]"
HAN_NUMBER = (
    rf"(?:{ARABIC}\s?[多余餘]?(?:{HAN_SCALE})|{HAN_DIGIT}|{HAN_SCALE})"
    rf"(?:{ARABIC}{HAN_SCALE}|{HAN_DIGIT}|{HAN_SCALE}|(?<=[亿億万萬])\d{{1,4}}(?!\d))*"
)
_WORD = "|".join([*ONES, *TENS, *SCALES])
WORDS = (
    rf"(?:(?:an?|half an?)\s+(?={'|'.join(SCALES)}))?(?:{_WORD})"
    rf"(?:(?:\s+and\s+|\s+|-)(?:{_WORD}))*"
)
HAN_DECIMAL = rf"{HAN_NUMBER}(?:[點点](?:{HAN_DIGIT})+)?"


def arabic(text: str) -> Fraction:
    """The value of digits, with or without commas."""
    return Fraction(re.sub(r"[,，]", "", text))


def han(text: str) -> Fraction:
    """The value of a Chinese numeral, Arabic parts allowed (四万亿, 1億2000萬, 二〇二四, 3.5万)."""
    if not any(c in _SMALL or c in BIG for c in text):
        return Fraction(int("".join(str(DIGITS.get(c, c)) for c in text)))
    total = section = Fraction(0)
    number: Fraction | None = None
    last, last_scale, after_zero = 10**16, 1, False
    for token in re.findall(rf"{ARABIC}|.", re.sub(r"[\s多余餘]", "", text)):
        if token in _SMALL:
            section += (Fraction(1) if number is None else number) * _SMALL[token]
            number, last_scale, after_zero = None, _SMALL[token], False
        elif token in BIG:
            big = BIG[token]
            section += number or 0
            if big > last:
                total = (total + section) * big
            else:
                total += (section or 1) * big
            section, number, last, last_scale, after_zero = Fraction(0), None, big, big, False
        elif token in DIGITS:
            after_zero = after_zero or DIGITS[token] == 0
            number = (number or Fraction(0)) * (10 if number else 1) + DIGITS[token]
        else:
            number, after_zero = arabic(token), True
    if number and not after_zero and last_scale >= 100 and number < 10:
        number *= last_scale // 10  # 三百五 is 350
    return total + section + (number or 0)


def english(text: str) -> Fraction:
    """The value of an English numeral (two hundred and five, half a million)."""
    total = current = Fraction(0)
    half = text.lower().startswith("half")
    for word in re.findall(r"[a-z]+", text.lower()):
        if word in ONES or word in TENS:
            current += (ONES | TENS)[word]
        elif word in {"hundred", "dozen"}:
            current = (current or Fraction(1)) * SCALES[word]
        elif word in SCALES:
            total += (current or Fraction(1)) * SCALES[word]
            current = Fraction(0)
    return (total + current) / (2 if half else 1)


def decimal_han(text: str) -> Fraction:
    """The value of a Chinese numeral with a decimal point (三点一四), or of digits."""
    whole, _, part = text.replace("點", "点").partition("点")
    if re.fullmatch(ARABIC, text):
        return arabic(text)
    value = han(whole) if whole else Fraction(0)
    if part:
        digits = "".join(str(DIGITS.get(c, c)) for c in part)
        value += Fraction(int(digits), 10 ** len(digits))
    return value
