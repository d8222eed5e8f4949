"""Who wrote an essay and when, as its first lines say, or its last."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from rag.clean import clean
from rag.text.header import unlinked
from rag.values.dates import first_date, has_day, in_digits, undated

__all__ = [
    "CAPITALISED",
    "PROSE_END",
    "bare",
    "byline_author",
    "byline_date",
    "signature",
    "words_in",
]

PROSE_END = re.compile(r"[。！？!?.…؟۔।॥][”’」』)）\"']*$")
"""The end of a line that ends a sentence."""

_MARKS_AT_START = re.compile(r"\A(?:[>#*_\s\-•★]|\d{1,2}\.\s)+")
_MOST_READ = 20_000  # characters of an end of a text
_BYLINES = 12  # lines of an end that may hold one
_LAST = 4  # lines at the end that may sign or date
_SIGNED = 12  # lines of what stands under a mail
_NOTE = re.compile(r"\[|\W*\d{1,3}[.)、]|https?:")
_MOST_BYLINE, _MOST_BESIDE = 40, 6  # words of a by-line, and beside the date of a bare one
_EMPHASISED = re.compile(r"[>\s]*(\*{1,3}|_{1,3}).+\1\s*")
_LABEL = re.compile(
    r"(?:作者|撰文|撰写|撰寫|执笔|執筆|编写|編寫|整理|写于|寫於|发布|發布|發佈|发表|發表|日期|时间|時間|修订|修訂)"
    r"|^\W*(?:by|written|published|posted|updated|date|author)\b",
    re.IGNORECASE,
)
# As names are written in scripts with capitals, with particles without.
CAPITALISED = r"[A-Z\u00c0-\u00de\u0110\u0391-\u03a9\u0410-\u042f](?:[^\W\d_\u3400-\u9fff]|[.'’-])*"
_NAME = rf"{CAPITALISED}(?: (?:{CAPITALISED}|d[aeiou]s?|v[ao]n|der|bin|al)){{0,4}}"
_SALUTATION = re.compile(
    r"[^\W\d][^,.!?]{2,40},|(?i:dear|hello|to)\b.{1,40}:|[\u3400-\u9fff·]{2,14}[:：]"
)
_SIGNED_HAN = re.compile(
    r"([\u3400-\u9fff·]{2,4}?)\s*(?:敬上|谨上|謹上|敬启|敬啟|谨启|謹啟|手书|手書|字|上)?"
)
_AUTHOR_ELSEWHERE = (
    "著者|筆者|文責|글쓴이|지은이|저자|작성자|[Аа]втор|[Tt]ác giả|लेखक|लेखिका|ผู้เขียน|เขียนโดย"
    "|المؤلفة?|الكاتبة?|بقلم|מאת|מחברת?|[Aa]utor(?:a|in|e)?|[Aa]uteure?|[Aa]utrice"
    "|[Vv]erfasser(?:in)?|[Yy]azar|[Pp]enulis"
)
_AUTHOR = re.compile(
    r"(?:(?:^|[\s|｜])(?:本文)?(?:作者|撰文|撰写|撰寫|执笔|執筆|筆者|笔者|采写|採寫"
    r"|(?:采访|採訪)[、/／和]?整理)|^文)\s*[:：/／|｜]\s*"
    rf"(?P<han>{_NAME}|[\u3400-\u9fff·]{{2,8}}(?![\u3400-\u9fff]))"
    r"|(?:^|[|·•–—]\s*)(?i:(?:written |posted |words )?by:?\s+|author\s*[:：]\s*)"
    rf"(?P<by>{_NAME})(?=\s*(?:$|[,，|·•(（–—-]|on\s+(?:\w+\s+)?\d))"
    rf"|^(?:{_AUTHOR_ELSEWHERE})\s*[:：]\s*(?P<elsewhere>[^\W\d_][^\d,，|(（/:：]{{1,40}})"
    rf"|^(?:(?i:par|von|por|di|door|av)\s+(?={CAPITALISED} \w)|מאת |بقلم |เขียนโดย ?|โดย )"
    rf"(?P<of>{_NAME}|[\u0590-\u06ff\u0e00-\u0e7f][^\d,，|(（/:：]{{1,40}})(?=\s*(?:$|[,，|(（*–—-]))"
)
_LATIN_WORDS = re.compile(r"[^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_HALF_WORD = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


TITLE_LABEL = re.compile(r"^(?:title|标题|標題|题目|題目)\s*[:：]\s*(?=\S)", re.IGNORECASE)
_HEAD_LINES = 80  # lines at the top that may hold a title with its label
_BESIDE_TITLE = 4  # lines below it in which the author is named


def labelled_title(lines: Sequence[str]) -> int | None:
    """Which line gives the title with a label and has the author's below it, as an e-book's after
    the words on its licence; None where none does."""
    for index, line in enumerate(lines[:_HEAD_LINES]):
        below = map(str.strip, lines[index + 1 : index + 1 + _BESIDE_TITLE])
        if TITLE_LABEL.match(line.strip()) and any(map(_AUTHOR.match, below)):
            return index
    return None


def byline_author(body: str) -> str:
    """Who a by-line near the top names ("作者：王小明", "文/王小明", "By Jane Doe, March 2025") and
    says little else."""
    lines = body[:_MOST_READ].splitlines()
    start = labelled_title(lines) or 0
    for top in map(_untagged, lines[start : start + _BYLINES]):
        line = in_digits(bare(top))
        found = _AUTHOR.search(line)
        rest = undated(line[found.end() :]) if found else ""
        if found and words_in(rest) <= _MOST_BESIDE and not PROSE_END.search(line):
            return (found["han"] or found["by"] or found["elsewhere"] or found["of"]).strip()
    return ""


def byline_date(body: str) -> str:
    """The date of a by-line near the top: emphasised, with a label ("by", 写于), or one that says
    little else; else the day of such a line at the end. What a sentence tells of is no date of the
    essay's."""
    for line in map(in_digits, map(_untagged, body[:_MOST_READ].splitlines()[:_BYLINES])):
        found = first_date(line)
        if found and words_in(line) <= _MOST_BYLINE and _is_byline(line):
            return found
    for line in map(in_digits, _last_lines(body)[-_LAST:]):
        found = first_date(line)
        if has_day(found) and not _NOTE.match(line) and _is_byline(line):
            return found
    return ""


def signature(body: str) -> str:
    """Who signed a letter: a name at its end, below a line that ends in a comma ("Yours,") or in
    Chinese below a short one (敬礼). A letter begins by addressing somebody on a line alone."""
    top = [line.strip() for line in body[:_MOST_READ].splitlines()][:_BYLINES]
    addressed = (line for line, below in pairwise(["", *top]) if line and not below)
    lines = [line for line in _last_lines(body) if not first_date(in_digits(line))][-2:]
    if len(lines) < 2 or not any(map(_SALUTATION.fullmatch, addressed)):
        return ""
    closing, name = lines
    han = _SIGNED_HAN.fullmatch(name)
    if han and words_in(closing) <= _MOST_BESIDE and not PROSE_END.search(closing):
        return han[1]
    latin = re.fullmatch(_NAME, name) and closing[-1] in ",，"
    return name if latin and words_in(closing) <= 2 * _MOST_BESIDE else ""


def _last_lines(body: str) -> list[str]:
    """The last lines that are not blank, up to what a mail program puts under a mail."""
    lines = [line.strip() for line in body[-_MOST_READ:].splitlines()]
    if "--" in lines[-_SIGNED:]:
        lines = lines[: len(lines) - 1 - lines[::-1].index("--")]
    return [line for line in lines if line][-_BYLINES:]


def _untagged(line: str) -> str:
    """A line of HTML as it is read."""
    line = line.strip()
    return clean(line, markdown=True).text if line.startswith("<") else line


def _is_byline(line: str) -> bool:
    if _EMPHASISED.fullmatch(line) or _LABEL.search(line):
        return True
    return words_in(undated(line)) <= _MOST_BESIDE and not PROSE_END.search(line)


def words_in(text: str) -> float:
    """How many words; a character of Chinese, Japanese or Korean is half of one."""
    return len(_LATIN_WORDS.findall(text)) + len(_HALF_WORD.findall(text)) / 2


def bare(line: str) -> str:
    """A line of Markdown without its marks."""
    text = re.sub(r"\*\*|__|`|(?:\s+#+)?(?:\s+\{[#.][^{}]{1,60}\})?$", "", line)
    return _MARKS_AT_START.sub("", unlinked(text)).strip()
