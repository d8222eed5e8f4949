"""path → Essay: encoding, front matter to metadata, a reader for each format."""

from __future__ import annotations

import calendar
import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from pathlib import Path
from types import MappingProxyType

from rag import fold
from rag.clean import clean
from rag.errors import LoadError, UnknownFormat
from rag.schema import Essay

__all__ = ["FORMATS", "Content", "decode", "load", "loadable"]


@dataclass(frozen=True, slots=True)
class Content:
    """What a reader makes of a file's bytes. `metadata` is what the format itself says."""

    text: str
    encoding: str
    markdown: bool = False
    metadata: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def load(path: Path, source: str) -> Essay:
    """Read the file at `path` as the essay named `source`.

    The errors say what is wrong with "it": who reads many files knows which one it is.

    Raises:
        UnknownFormat: no reader for its suffix.
        LoadError: it cannot be read, or is no text.
    """
    reader = FORMATS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(sorted(FORMATS))
        raise UnknownFormat(
            f"it is not a kind of file that can be read ({path.suffix or 'no ending'}).",
            f"Known: {known}.",
        )
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LoadError(
            f"it cannot be read: {error.strerror or error}.", "Check that it is there."
        ) from error
    return _essay(reader(data), path, source, hashlib.sha256(data).hexdigest())


def loadable(path: Path) -> bool:
    """Whether `load` has a reader for this kind of file. Hidden files are none."""
    return path.suffix.lower() in FORMATS and not path.name.startswith((".", "~$"))


def decode(data: bytes) -> tuple[str, str]:
    """The text of `data` without a byte order mark, line ends left as they are, and its encoding.

    Tried in this order: byte order marks, strict UTF-8, UTF-16 by its zero bytes, then the Chinese
    encodings against charset-normalizer's guess, whichever gives the likelier text.

    Nothing is put in place of bytes that do not fit: quotes are exact, and a quote of what the file
    does not hold would not be. The error says which byte it is, so that it can be mended.

    Raises LoadError for bytes that are no text, or a damaged one.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data, mark, encoding), encoding
    if b"\0" in data:
        return _with_zeros(data)
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        _refuse_damaged(data, error)
    return _guess(data)


_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_SEVERAL_BYTES = ("gb18030", "big5hkscs", "shift_jis", "euc_jp", "euc_kr")
LONGEST_CHARACTER = 4  # bytes
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")
_NOT_TEXT = "it is not text in any known encoding."
_SAVE_AS = "Save it as UTF-8."


def _strictly(data: bytes, mark: bytes, encoding: str) -> str:
    try:
        return data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise LoadError(
            f"it begins like {encoding} but byte {len(mark) + error.start} does not fit.", _SAVE_AS
        ) from error


def _refuse_damaged(data: bytes, error: UnicodeDecodeError) -> None:
    """Raise LoadError if `data` is UTF-8 but for a few bytes.

    It is where four of five characters beyond ASCII are whole: of another encoding's, one pair of
    bytes in seven happens to be one.
    """
    text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd") - data.count("\ufffd".encode())
    whole = len(_BEYOND_ASCII.findall(text)) - bad
    if whole < 4 * bad:
        return
    if error.reason == "unexpected end of data":
        raise _cut_off("utf-8", error.start) from error
    places = "one place" if bad == 1 else f"{bad} places, the first"
    raise LoadError(
        f"it is UTF-8 but for {places} at byte {error.start}.",
        "Mend it there: quotes are exact, so nothing is put in place of what is damaged.",
    ) from error


def _cut_off(encoding: str, byte: int) -> LoadError:
    return LoadError(
        f"it is {encoding} but ends in the middle of a character, at byte {byte}: it was cut off.",
        "Bring the whole file, or take the last character away.",
    )


def _with_zeros(data: bytes) -> tuple[str, str]:
    """UTF-16 or UTF-32 without its mark, known by where the zero bytes are; UTF-8 with one that
    strayed in; else a binary file."""
    candidates = ["utf-16-le", "utf-16-be"]
    if len(data) % 4 == 0:
        candidates += ["utf-32-le", "utf-32-be"]
    best = _likeliest(data, candidates)
    if best is not None and best[0] >= 0.9:
        return best[1], best[2]
    try:
        text = data.decode("utf-8")
        strayed = len(_CONTROL.findall(text))
        if strayed <= max(1, len(text) // 1000) and 20 * strayed <= len(text):
            return text, "utf-8"
    except UnicodeDecodeError:
        pass
    count = data.count(0)
    raise LoadError(
        f"it holds zero bytes ({count:,}, the first at byte {data.index(0)}), so it is not text.",
        "Leave it out, or save it as UTF-8.",
    )


def _guess(data: bytes) -> tuple[str, str]:
    candidates = [*_SEVERAL_BYTES, "cp1252"]
    if len(data) % 2 == 0:
        candidates += ["utf-16-le", "utf-16-be"]
    best = _likeliest(data, candidates)
    if best is not None and best[0] >= 0.9:
        return best[1], best[2]
    import charset_normalizer  # slow, and wrong on short Chinese texts: only for the rest

    found = charset_normalizer.from_bytes(data).best()
    if found is not None and _likelihood(text := str(found)) >= 0.7:
        return text, found.encoding
    if best is not None and best[0] >= 0.7:
        return best[1], best[2]
    for missing in range(1, LONGEST_CHARACTER):
        cut = _likeliest(data[:-missing], _SEVERAL_BYTES)
        if cut is not None and cut[0] >= 0.9:
            raise _cut_off(cut[2], len(data) - missing)
    raise LoadError(_NOT_TEXT, _SAVE_AS)


def _likeliest(data: bytes, encodings: Sequence[str]) -> tuple[float, str, str] | None:
    """(likelihood, text, encoding) of the best of `encodings`; the first wins a tie."""
    best: tuple[float, str, str] | None = None
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        score = _likelihood(text)
        if best is None or score > best[0]:
            best = (score, text, encoding)
    return best


_SAMPLE = 20_000
_COMMON = frozenset(
    "的一是不了在人有我他这個个们們中来來上大为為和国國地到以说說时時要就出会會可也你对對生能而子那得于着下自"
    "之年过過发發后後作里用道行所然家种種事成方多经經么去法学學如都同现現当當没動动面起看定天分还還进進好小部"
    "其些主样樣理心她本前开開但因只从從想实實這与與最新或长長让讓把被给給很它更并及已由此无無"
)
_CONTROL = re.compile(
    "[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f\ue000-\uf8ff\ufffd\ufdd0-\ufdef\uffff]"
)
_HAN = re.compile("[\u3400-\u9fff]")
_OTHER = re.compile("[\u3040-\u30ff\uac00-\ud7af\u0400-\u04ff\u3000-\u303f\uff01-\uff65]")
_LATIN = re.compile("[A-Za-z0-9\\s!-/:-@\\[-`{-~]")
_ACCENTED = re.compile("(?<=[A-Za-z])[\u00c0-\u00ff’]|[\u00c0-\u00ff](?=[a-z])|[–—‘’“”…«»°§©]")


def _likelihood(text: str) -> float:
    """How much `text` looks like writing, 0…1: a wrong decoding gives rare, unrelated characters.

    Han characters count by how common they are: about one in four of running Chinese is among the
    150 commonest, against one in fifty of a wrong decoding.
    """
    sample = text[:_SAMPLE]
    if not sample:
        return 1.0
    if len(sample) >= 20 and len(set(sample).difference(" \r\n")) < 3:
        return 0.0  # one byte over and over is some character in most encodings
    if _CONTROL.search(sample):
        return 1.0 - min(1.0, 0.2 + 10 * len(_CONTROL.findall(sample)) / len(sample))
    han = _HAN.findall(sample)
    common = sum(character in _COMMON for character in han) / len(han) if han else 0.0
    han_worth = min(1.0, 0.75 + common)
    plain = (
        len(_LATIN.findall(sample)) + len(_ACCENTED.findall(sample)) + len(_OTHER.findall(sample))
    )
    return (plain + han_worth * len(han)) / len(sample)


def _plain(data: bytes) -> Content:
    text, encoding = decode(data)
    return Content(text, encoding, markdown=bool(_MARKDOWN.search(text[:200_000])))


def _markdown(data: bytes) -> Content:
    text, encoding = decode(data)
    return Content(text, encoding, markdown=True)


FORMATS: Mapping[str, Callable[[bytes], Content]] = MappingProxyType(
    {".txt": _plain, ".text": _plain, ".md": _markdown, ".markdown": _markdown}
)
"""Suffix in lower case → reader of a file's bytes. Readers raise LoadError."""

_MARKDOWN = re.compile(
    r"\A\ufeff?---[ \t]*\r?\n|^#{1,6} +\S|\*\*[^\s*][^*\n]{0,200}\*\*|\]\((?:https?:|/|#)|^```",
    re.MULTILINE,
)
"""Text that uses Markdown, whatever its suffix says."""


_FENCED = re.compile(
    r"\s*---[ \t]*(?:\r\n?|\n)(.*?)(?:\r\n?|\n)(?:---|\.\.\.)[ \t]*(?=\r|\n|\Z)", re.DOTALL
)
_FIELD = re.compile(r"([A-Za-z_\u4e00-\u9fff][\w -]{0,40})[ \t]*[:：][ \t]*(.*)")
_WIKI = re.compile(r"\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]|\[([^\[\]]*)\]\([^()]*\)")
_FRONT_LIMIT = 20_000


def _front_matter(text: str) -> tuple[dict[str, str], tuple[str, ...], int]:
    """(fields in lower case, tags, where the body starts). Broken YAML is read line by line."""
    found = _FENCED.match(text, 0, _FRONT_LIMIT)
    if found is None:
        return {}, (), 0
    data = _yaml(found[1].replace("\t", "  "))
    if not isinstance(data, dict):
        data = _field_lines(found[1])
    if not data:
        return {}, (), 0
    fields = {str(key).strip().lower(): value for key, value in data.items()}
    tags = _values(fields.get("tags") or fields.get("tag") or fields.get("keywords"))
    if len(tags) == 1:
        tags = [tag for tag in re.split(r"[,，、;；]", tags[0]) if tag.strip()]
    plain = {key: ", ".join(_values(value)) for key, value in fields.items()}
    return plain, tuple(tag.strip().lstrip("#") for tag in tags), found.end()


def _yaml(block: str) -> object:
    """The block's data with strings as its only scalars; None when it is not plain YAML.

    Aliases are refused: no essay's front matter needs them, and nested ones expand without bound.
    """
    import yaml

    if "[[[[" in block or "{{{{" in block:  # a parser in pure Python recurses into each
        return None
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(block)):
            return None
        return yaml.load(block, Loader=yaml.BaseLoader)  # noqa: S506 - it builds strings only
    except (yaml.YAMLError, RecursionError):
        return None


def _field_lines(block: str) -> dict[str, object]:
    fields: dict[str, object] = {}
    key = ""
    for line in block.splitlines():
        if match := _FIELD.match(line):
            key = match[1].strip()
            fields[key] = match[2].strip().strip("\"'")
        elif key and line.strip().startswith("- "):
            before = fields[key]
            listed = before if isinstance(before, list) else []
            fields[key] = [*listed, line.strip()[2:].strip().strip("\"'")]
    return fields


def _values(value: object) -> list[str]:
    if isinstance(value, list):
        return [text for item in value for text in _values(item)]
    if isinstance(value, dict) or value is None:
        return []
    text = " ".join(_WIKI.sub(lambda match: match[1] or match[2] or "", str(value)).split())
    return [text] if text and text.lower() not in ("null", "~") else []


_MAIL = {
    "from": "author", "发件人": "author", "寄件者": "author", "寄件人": "author",
    "subject": "title", "主题": "title", "主旨": "title", "主題": "title",
    "date": "date", "sent": "date", "发送时间": "date", "日期": "date", "寄件日期": "date",
}  # fmt: skip
_FORWARDED = re.compile(r"(?:(?:re|fwd?|aw|回复|回覆|转发|轉寄)\s*[:：]\s*)+", re.IGNORECASE)
_ADDRESS = re.compile(r"\s*[<\[(]?(?:mailto:)?[^\s<>()\[\]]+@[^\s<>()\[\]]+[>\])]?")


def _mail_header(body: str) -> dict[str, str]:
    """What the header of a mail that was pasted whole says of title, author and date. It says who
    sent it and what it is about, or when."""
    top = takewhile(bool, map(str.strip, body[:_FRONT_LIMIT].lstrip().splitlines()))
    fields = [_FIELD.fullmatch(line) for line in top]
    found = {
        _MAIL[field[1].lower()]: field[2].strip()
        for field in reversed(fields)
        if field and field[1].lower() in _MAIL
    }
    if not fields or not fields[0] or "author" not in found or len(found) < 2:
        return {}
    found["author"] = _ADDRESS.sub("", found["author"]).strip("\"' ")
    return {**found, "title": _FORWARDED.sub("", found.get("title", ""), count=1)}


_DATE = re.compile(
    r"(?<!\d)((?:19|20)\d{2})(?:\s?[-/.年]\s?(1[0-2]|0?[1-9])(?:\s?[-/.月]\s?(3[01]|[12]\d|0?[1-9])(?!\d))?(?!\d))?"
)
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


def _in_digits(text: str) -> str:
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


def _date(text: str, *, year_alone: bool = False) -> str:
    """The first date in `text` as ISO 8601, "" when there is none that the calendar has."""
    dates = [(int(y), int(m), int(d or 0)) for y, m, d in _FULL_DATE.findall(text)]
    dates += _dates_in_words(text)
    for year, month, day in dates:
        if _in_calendar(year, month, day):
            return f"{year}-{month:02d}" + (f"-{day:02d}" if day else "")
    if year_alone and not dates and (year_found := _DATE.search(text)):
        return year_found[1]
    return ""


def _byline_date(body: str) -> str:
    """The date of a by-line near the top: emphasised, with a label ("by", 写于), or one that says
    little else; else the day of such a line at the end. What a sentence tells of is no date of the
    essay's."""
    for line in map(_in_digits, map(_untagged, body[:_SAMPLE].splitlines()[:_BYLINES])):
        found = _date(line)
        if found and _long(line) <= _MOST_BYLINE and _is_byline(line):
            return found
    for line in map(_in_digits, _last_lines(body)[-_LAST:]):
        found = _date(line)
        if len(found) == len(_DAY_ALONE) and not _NOTE.match(line) and _is_byline(line):
            return found
    return ""


def _last_lines(body: str) -> list[str]:
    """The last lines that are not blank, up to what a mail program puts under a mail."""
    lines = [line.strip() for line in body[-_SAMPLE:].splitlines()]
    if "--" in lines[-_SIGNED:]:
        lines = lines[: len(lines) - 1 - lines[::-1].index("--")]
    return [line for line in lines if line][-_BYLINES:]


def _signature(body: str) -> str:
    """Who signed a letter: a name at its end, below a line that ends in a comma ("Yours,") or in
    Chinese below a short one (敬礼). A letter begins by addressing somebody on a line alone."""
    top = [line.strip() for line in body[:_SAMPLE].splitlines()][:_BYLINES]
    addressed = (line for line, below in pairwise(["", *top]) if line and not below)
    lines = [line for line in _last_lines(body) if not _date(_in_digits(line))][-2:]
    if len(lines) < 2 or not any(map(_SALUTATION.fullmatch, addressed)):
        return ""
    closing, name = lines
    han = _SIGNED_HAN.fullmatch(name)
    if han and _long(closing) <= _MOST_BESIDE and not _PROSE_END.search(closing):
        return han[1]
    latin = re.fullmatch(_NAME, name) and closing[-1] in ",，"
    return name if latin and _long(closing) <= 2 * _MOST_BESIDE else ""


def _byline_author(body: str) -> str:
    """Who a by-line near the top names ("作者：王小明", "文/王小明", "By Jane Doe, March 2025") and
    says little else."""
    for top in map(_untagged, body[:_SAMPLE].splitlines()[:_BYLINES]):
        line = _in_digits(_bare(top))
        found = _AUTHOR.search(line)
        rest = _undated(line[found.end() :]) if found else ""
        if found and _long(rest) <= _MOST_BESIDE and not _PROSE_END.search(line):
            return (found["han"] or found["by"] or found["elsewhere"] or found["of"]).strip()
    return ""


def _untagged(line: str) -> str:
    """A line of HTML as it is read."""
    line = line.strip()
    return clean(line, markdown=True).text if line.startswith("<") else line


def _is_byline(line: str) -> bool:
    if _EMPHASISED.fullmatch(line) or _LABEL.search(line):
        return True
    return _long(_undated(line)) <= _MOST_BESIDE and not _PROSE_END.search(line)


def _long(text: str) -> float:
    """How many words; a character of Chinese, Japanese or Korean is half of one."""
    return len(_LATIN_WORDS.findall(text)) + len(_HALF_WORD.findall(text)) / 2


def _english_date(found: re.Match[str]) -> tuple[int, int, int]:
    month = _MONTHS.index(found["month"].lower()) + 1
    return int(found["year"]), month, int(found["day1"] or found["day2"] or 0)


def _dates_in_words(text: str) -> list[tuple[int, int, int]]:
    """Dates whose month is a word; of two readings the one with a day."""
    found: dict[int, tuple[int, int, int]] = {}
    for pattern, read in ((_ENGLISH_DATE, _english_date), (_NAMED_MONTH, _date_elsewhere)):
        for match in pattern.finditer(text):
            year = match.end("year") if match["year"] else match.end()
            found[year] = max(found.get(year, (0, 0, 0)), read(match))
    return [found[year] for year in sorted(found)]


def _date_elsewhere(found: re.Match[str]) -> tuple[int, int, int]:
    if found["nam"]:
        return int(found["nam"]), int(found["thang"]), int(found["ngay"])
    return int(found["year"]), _NUMBER_OF_MONTH[found["month"].lower()], int(found["day"] or 0)


def _undated(line: str) -> str:
    for pattern in (_FULL_DATE, _ENGLISH_DATE, _NAMED_MONTH):
        line = pattern.sub(" ", line)
    return line


def _in_calendar(year: int, month: int, day: int) -> bool:
    """Whether there is this day; 0: the month alone."""
    return 1 <= month <= 12 and day <= calendar.monthrange(year, month)[1]


_FURNITURE = re.compile(
    r"(?:返回|首页|目录|登录|注册|分享|关注|菜单|搜索|上一[篇页]|下一[篇页]|打开原文|home|menu|back|share|login|"
    r"log in|sign in|skip to|table of contents).{0,12}$"
    r"|(?:作者|来源|來源|链接|連結|日期|时间|發佈|发布|编辑|原文|转载|by|author|source|link|url|date|published|"
    r"posted|original)(?:\s*[:：]|\s).*|#\S+(?:\s+#\S+)*$|https?://|.*[↗→]$|[\d\s:：/.年月日-]+$",
    re.IGNORECASE,
)
_FENCE = re.compile(r"(```|~~~)[`~]*[ \t]*[\w+#.-]*$")
_ROW = re.compile(r"\|.*\|")
_TITLE_TAG = re.compile(r"<(h1|title)\b[^<>]*>(.{1,300}?)</\1>", re.IGNORECASE)
_UNSEEN = re.compile(r"<(?:script|style|meta|link|!doctype|/?(?:html|head|body))\b", re.IGNORECASE)
_TITLE_LABEL = re.compile(r"^(?:title|标题|標題|题目|題目)\s*[:：]\s*(?=\S)", re.IGNORECASE)
_PROSE_END = re.compile(r"[。！？!?.…؟۔।॥][”’」』)）\"']*$")
_MARKS_AT_START = re.compile(r"(?:[>#*_\s\-•★]|\d{1,2}\.\s)+")
_OF_PAGE = re.compile(r"(?<=\w) {4,}\d{1,4}$|^\d{1,4} {4,}(?=\w)")  # its number, in a scanned book
_MAX_TITLE = 120
_NARROWEST = 30  # characters of a line that a page's width broke
_HEAD_LINES = 40
_BYLINES = 12
_LAST = 4  # lines at the end that may sign or date
_SIGNED = 12  # lines of what stands under a mail
_SALUTATION = re.compile(
    r"[^\W\d][^,.!?]{2,40},|(?i:dear|hello|to)\b.{1,40}:|[\u3400-\u9fff·]{2,14}[:：]"
)
_SIGNED_HAN = re.compile(
    r"([\u3400-\u9fff·]{2,4}?)\s*(?:敬上|谨上|謹上|敬启|敬啟|谨启|謹啟|手书|手書|字|上)?"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th|er|\.)?"
_LETTERHEAD = re.compile(
    rf"[^\d,，]{{2,40}},? (?:\w+ )?(?:{_DAY} (?:de )?[^\W\d]+\.?|[^\W\d]+ {_DAY}),?"
    r" (?:de )?(?:19|20)\d{2}\.?"
)
_ADDRESSES_OR_TURN = re.compile(
    r"[,，:：]$|^\W*(?:\d{1,2}:)?\d{1,2}:\d{2}\b|^(?:[问問答QA]|Interview(?:er|ee)|采访者|受访者)\s*[:：]"
)
_DAY_ALONE = "2019-11-03"  # a date with a day, not only a month
_NOTE = re.compile(r"\[|\W*\d{1,3}[.)、]|https?:")
_MOST_BYLINE, _MOST_BESIDE = 40, 6  # words of a by-line, and beside the date of a bare one
_EMPHASISED = re.compile(r"[>\s]*(\*{1,3}|_{1,3}).+\1\s*")
_LABEL = re.compile(
    r"(?:作者|撰文|撰写|撰寫|执笔|執筆|编写|編寫|整理|写于|寫於|发布|發布|發佈|发表|發表|日期|时间|時間|修订|修訂)"
    r"|^\W*(?:by|written|published|posted|updated|date|author)\b",
    re.IGNORECASE,
)
# As names are written in scripts with capitals, with particles without.
_NAMED = r"[A-Z\u00c0-\u00de\u0110\u0391-\u03a9\u0410-\u042f](?:[^\W\d_\u3400-\u9fff]|[.'’-])*"
_NAME = rf"{_NAMED}(?: (?:{_NAMED}|d[aeiou]s?|v[ao]n|der|bin|al)){{0,4}}"
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
    rf"|^(?:(?i:par|von|por|di|door|av)\s+(?={_NAMED} \w)|מאת |بقلم |เขียนโดย ?|โดย )"
    rf"(?P<of>{_NAME}|[\u0590-\u06ff\u0e00-\u0e7f][^\d,，|(（/:：]{{1,40}})(?=\s*(?:$|[,，|(（*–—-]))"
)
_LATIN_WORDS = re.compile(r"[^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_HALF_WORD = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def _title_in(body: str) -> str:
    """The title that a text without front matter gives itself, "" when it begins in mid-prose.

    A first-level heading near the top; else, of the short lines before the first line of prose and
    without links, dates and by-lines, the first that stands apart, alone or above a subtitle, or
    the one nearest to the prose.
    """
    lines = [_OF_PAGE.sub("", x.strip()) for x in body[:_SAMPLE].splitlines()[: _HEAD_LINES * 2]]
    lines = _told(lines[_unclosed(lines) :])
    for line in lines:
        if re.match(r"#\s+\S", line):
            return _bare(line)
    candidates: list[tuple[bool, str]] = []
    for index, line in enumerate(lines):
        if not line or _FURNITURE.match(_bare(line)) or _is_beside_title(_bare(line)):
            continue
        if len(line) > _MAX_TITLE or (_PROSE_END.search(line) and _is_prose(line)):
            break
        paragraph = list(takewhile(bool, lines[index:]))
        if _is_wrapped(paragraph):
            break
        if any(character.isalnum() for character in line):
            apart_above = not any(lines[max(index - 1, 0) : index])
            titled = len(paragraph) == 1 or (not candidates and _is_subtitle(paragraph[1:]))
            candidates.append((apart_above and titled, line))
    apart = [line for alone, line in candidates if alone]
    if apart:
        return _bare(apart[0])
    return _bare(candidates[-1][1]) if candidates else ""


def _is_wrapped(paragraph: Sequence[str]) -> bool:
    """Whether these lines are prose that was broken to the width of a page."""
    widths = [len(line) for line in paragraph[:-1]]
    if len(widths) < 2 or not _NARROWEST <= max(widths) <= _MAX_TITLE:
        return False
    even = min(widths) > 0.7 * max(widths)
    return even and bool(
        _PROSE_END.search(paragraph[-1]) and not all(map(_PROSE_END.search, paragraph[1:-1]))
    )


def _is_subtitle(below: Sequence[str]) -> bool:
    """Whether the lines right below a line, up to a blank one, are the rest of a heading: a
    subtitle, by-lines, and no menu, whose lines are a word or two."""
    rest = [line for line in below if not (_is_beside_title(line) or _FURNITURE.match(line))]
    wordy = len(rest) < len(below) or all(_long(line) >= 3 for line in rest)
    return len(rest) <= 2 and wordy and not any(map(_PROSE_END.search, below))


def _is_beside_title(line: str) -> bool:
    """Whether a line near the top is none of a title: who wrote it, where and when, whom a letter
    addresses, a field, a turn of a talk."""
    line = _in_digits(line)
    dated = len(_date(line)) == len(_DAY_ALONE) and _long(_undated(line)) <= 2
    return bool(
        dated
        or _byline_author(line)
        or _LETTERHEAD.fullmatch(line)
        or _ADDRESSES_OR_TURN.search(line)
    )


def _told(lines: Sequence[str]) -> list[str]:
    """The lines with nothing in place of those that tell nothing: code, rows of tables, and what is
    written for a browser. What HTML calls the title becomes a first-level heading."""
    told: list[str] = []
    fence = ""
    for line in lines:
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif fence:
            fence = "" if line.startswith(fence) else fence
        elif title := _TITLE_TAG.search(line):
            told.append(f"# {clean(title[2], markdown=True).text}")
            continue
        elif line.startswith("<"):
            told.append("" if _UNSEEN.match(line) else clean(line, markdown=True).text)
            continue
        elif not _ROW.fullmatch(line):
            told.append(line)
            continue
        told.append("")
    return told


def _unclosed(lines: Sequence[str]) -> int:
    """How many lines at the top are front matter that nothing closes."""
    top = next((n for n, line in enumerate(lines) if line), 0)
    if not lines or lines[top] != "---":
        return 0
    end = top + 1
    while end < len(lines) and (_FIELD.match(lines[end]) or lines[end].startswith("- ")):
        end += 1
    return end


def _is_prose(line: str) -> bool:
    """A sentence that ends in a full stop, or is too long for a headline."""
    return line.rstrip("”’」』)）\"'")[-1:] in "。." or len(line) > 60


def _bare(line: str) -> str:
    text = re.sub(r"\*\*|__|`|(?:\s+#+)?(?:\s+\{[#.][^{}]{1,60}\})?$", "", line)
    text = _WIKI.sub(lambda match: match[1] or match[2] or "", text)
    return (
        _MARKS_AT_START.sub("", text, count=1).strip()
        if _MARKS_AT_START.match(text)
        else text.strip()
    )


def _essay(content: Content, path: Path, source: str, digest: str) -> Essay:
    text = content.text
    front, tags, body_start = _front_matter(text)
    body = text[body_start:]
    front = {**content.metadata, **_mail_header(body), **front}
    title = front.get("title") or front.get("标题") or _TITLE_LABEL.sub("", _title_in(body), 1)
    title = " ".join(clean(title, markdown=True).text.split())
    authors = (front.get(key, "") for key in ("author", "authors", "作者"))
    dates = (front.get(key, "") for key in ("published", "date", "created", "updated", "日期"))
    date = next((found for value in dates if (found := _date(value, year_alone=True))), "")
    return Essay(
        source=source,
        text=text,
        digest=digest,
        title=title[:300] or path.stem,
        author=next(filter(None, authors), "") or _byline_author(body) or _signature(body),
        date=date or _date(_in_digits(title)) or _byline_date(body) or _date(path.stem) or "",
        tags=tags,
        origin=next(
            (front[key] for key in ("source", "url", "link", "origin") if front.get(key)), ""
        ),
        language=fold.language(body[:200_000]),
        encoding=content.encoding,
        body_start=body_start,
        markdown=content.markdown,
    )
