"""Dates as people write them above or below what they wrote, in many languages."""

from __future__ import annotations

import calendar
import re
import unicodedata

__all__ = ["first_date", "has_day", "in_digits", "undated", "years"]

_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}")
_ANY_YEAR = re.compile(r"(?<!\d)(?:1\d|20)\d\d(?!\d)")
_FULL_DATE = re.compile(
    r"(?<!\d)((?:19|20)\d{2})\s?[-/.年년]\s?(1[0-2]|0?[1-9])(?:\s?[-/.月월]\s?(3[01]|[12]\d|0?[1-9])(?!\d)일?|[月월]|(?![\d-]))"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ENGLISH_DATE = re.compile(
    r"\b(?:(?P<day1>\d{1,2})(?:st|nd|rd|th)?\s+)?(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    r"[a-z]*\.?\s+(?:(?P<day2>\d{1,2})(?:st|nd|rd|th)?,?\s+)?(?P<year>(?:19|20)\d{2})\b",
    re.IGNORECASE,
)

# January to December, as other languages write them in a date
_MONTHS_ELSEWHERE = (
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "januar februar märz april mai juni juli august september oktober november dezember",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "januari februari maart april mei juni juli augustus september oktober november december",
    "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь",
    "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada"
    " grudnia",
    "ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık",
    "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
    "- شباط آذار نيسان أيار حزيران تموز آب أيلول - - -",
    "ינואר פברואר מרץ אפריל מאי יוני יולי אוגוסט ספטמבר אוקטובר נובמבר דצמבר",
    "जनवरी फ़रवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर",
)
_NUMBER_OF_MONTH = {
    name: number
    for year in _MONTHS_ELSEWHERE
    for number, name in enumerate(year.split(), 1)
    if name != "-"
}
_NAMED_MONTH = re.compile(
    r"(?<!\w)(?:(?P<day>\d{1,2})(?:er|\.|º)?\s+(?:de\s+|ב)?)?"
    rf"(?P<month>{'|'.join(sorted(map(re.escape, _NUMBER_OF_MONTH), key=len, reverse=True))})"
    r",?\s+(?:de[l]?\s+)?(?P<year>(?:19|20)\d{2})(?!\d)(?:\s+(?:года|г\.))?"
    r"|ngày\s+(?P<ngay>\d{1,2})\s+tháng\s+(?P<thang>\d{1,2})\s+năm\s+(?P<nam>(?:19|20)\d{2})",
    re.IGNORECASE,
)
_HAN_DATE = re.compile(
    r"(?P<year>一九|二[〇零○])(?P<rest>[〇零○一二三四五六七八九]{2})年(?P<month>[一二三四五六七八九十]{1,2})月"
    r"(?:(?P<day>[一二三四五六七八九十]{1,3})[日号號])?"
)
_HAN_DIGITS = str.maketrans("〇零○一二三四五六七八九", "000123456789")


def years(text: str) -> list[str]:
    """The years that a text names in digits, 1000 to 2099, as it names them."""
    return _ANY_YEAR.findall(text)


def first_date(text: str, *, year_alone: bool = False) -> str:
    """The first date in `text` as ISO 8601 (a day, or a month), "" when there is none that the
    calendar has.

    Args:
        text: dates in Chinese numerals are not seen: see `in_digits`.
        year_alone: where there is no date, a year is one.
    """
    dates = [(int(y), int(m), int(d or 0)) for y, m, d in _FULL_DATE.findall(text)]
    dates += _dates_in_words(text)
    for year, month, day in dates:
        if _in_calendar(year, month, day):
            return f"{year}-{month:02d}" + (f"-{day:02d}" if day else "")
    if year_alone and not dates and (year_found := _YEAR.search(text)):
        return year_found[0]
    return ""


def has_day(date: str) -> bool:
    """Whether what `first_date` gave is a day, and not a month, a year or nothing."""
    return date.count("-") == 2


def in_digits(text: str) -> str:
    """`text` with 二〇一九年十一月三日 as 2019-11-3, and digits of other scripts as 0 to 9."""

    def number(han: str) -> str:
        tens, ten, ones = han.rpartition("十")
        digits = ones.translate(_HAN_DIGITS)
        return digits if not ten else (tens.translate(_HAN_DIGITS) or "1") + (digits or "0")

    def written(found: re.Match[str]) -> str:
        year = (found["year"] + found["rest"]).translate(_HAN_DIGITS)
        return "-".join([year, *(number(part) for part in found.group("month", "day") if part)])

    text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    return _HAN_DATE.sub(written, text)


def undated(line: str) -> str:
    """`line` with a space in place of each date."""
    for pattern in (_FULL_DATE, _ENGLISH_DATE, _NAMED_MONTH):
        line = pattern.sub(" ", line)
    return line


def _dates_in_words(text: str) -> list[tuple[int, int, int]]:
    """Dates whose month is a word; of two readings the one with a day."""
    found: dict[int, tuple[int, int, int]] = {}
    for pattern, read in ((_ENGLISH_DATE, _english_date), (_NAMED_MONTH, _date_elsewhere)):
        for match in pattern.finditer(text):
            year = match.end("year") if match["year"] else match.end()
            found[year] = max(found.get(year, (0, 0, 0)), read(match))
    return [found[year] for year in sorted(found)]


def _english_date(found: re.Match[str]) -> tuple[int, int, int]:
    month = _MONTHS.index(found["month"].lower()) + 1
    return int(found["year"]), month, int(found["day1"] or found["day2"] or 0)


def _date_elsewhere(found: re.Match[str]) -> tuple[int, int, int]:
    if found["nam"]:
        return int(found["nam"]), int(found["thang"]), int(found["ngay"])
    return int(found["year"]), _NUMBER_OF_MONTH[found["month"].lower()], int(found["day"] or 0)


def _in_calendar(year: int, month: int, day: int) -> bool:
    """Whether there is this day; 0: the month alone."""
    return 1 <= month <= 12 and day <= calendar.monthrange(year, month)[1]
