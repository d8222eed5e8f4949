"""Citation marks in the text of an answer: how they are written, and what they name.

A prompt asks for `[1]`. Models write `<sup>1</sup>`, `$^{1}$`, ①, ¹, `[[1]]`, `([1])`, `(see
Passage 1)` and more, put a fence around the whole, or list their sources at the end.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rag.replies import structured

__all__ = ["LINE_START", "Mark", "disarmed", "strip", "usual", "without_half"]

DIGIT = "0-9\uff10-\uff19"
# Brackets and what is in them, up to the next bracket: whatever an answer holds, this is linear.
MARK = re.compile(
    r"[\[\uff3b\u3010](?P<items>[^\[\]\uff3b\uff3d\u3010\u3011\n]+)[\]\uff3d\u3011]"
    r"(?P<link>\((?:[^()\s]|\([^()\s]*\))*(?:[ \t]+\"[^\"\n]*\")?\))?"
)
# What may stand before a number: any word would take "Llama 2" for a mark.
NAMED = (
    r"passages?|sources?|ref(?:erence)?s?|doc(?:ument)?s?|para(?:graph)?s?|cit(?:e|ation)s?|notes?"
    r"|quotes?|excerpts?|snippets?|chunks?|contexts?|texts?|essays?|articles?|p|no|id|see"
    r"|quellen?|fuentes?|fontes?|出典"
    r"|第|来源|來源|资料|資料|段落|段|文献|文獻|引用|出处|出處|原文|文|文章|文档|文檔|参考"
    r"|參考|见|見"
)
DASH = "[-\u2010-\u2014]"
# A place in the passage that was named before it: a page is no passage.
PLACE = (
    rf"(?i:(?:pp?(?:\.|(?=\s))|pages?|lines?|l+\.|¶+|§+|sec(?:tion)?s?|ch(?:ap(?:ter)?)?s?"
    rf"|sentences?|vol(?:ume)?s?|fig(?:ure)?s?|tables?|col(?:umn)?s?)\.?\s*[{DIGIT}]{{1,9}})"
    rf"|第?\s*[{DIGIT}]{{1,9}}(?:\s*{DASH}\s*[{DIGIT}]{{1,9}})?\s*[页頁行章句]"
)
# … or in words that name passages too, where the passage has another name.
PART = rf"(?i:para(?:graph)?s?|notes?)\.?\s*[{DIGIT}]{{1,9}}|第\s*[{DIGIT}]{{1,9}}\s*[段节節]"
THROUGH = rf"(?:\s*(?:{DASH}|[~～至到]|to\b)\s*[{DIGIT}]{{1,9}})?"
PLACED = re.compile(rf"(?:{PLACE}){THROUGH}")
PARTED = re.compile(rf"(?:{PART}){THROUGH}")
SEPARATOR = re.compile(rf"\s*(?:[,，、;；&/|]|\band\b|和|与)\s*|(?<=\d)\s+(?=[\d^]|{PLACE})")
RANGE = re.compile(
    rf"[\^#]?\s*(?:(?i:{NAMED})\.?[\s:：#_]*)?"
    rf"([{DIGIT}]{{1,9}})(?:\s*(?:{DASH}|[~～至到]|to\b)\s*([{DIGIT}]{{1,9}}))?\s*(?:段|节|節)?\^?"
    r"(?:\s*[†‡:：].*)?",
)
# Round brackets are taken for a mark only right before or after the end of a sentence.
ROUND_NAMED = "(?:(?i:passages?|sources?|references?)|来源|來源|段落|文档|文檔|资料|資料)"
ROUND = re.compile(
    rf"(?P<open>[(（])(?P<items>(?:{ROUND_NAMED}[ :：#]{{0,3}})?"
    rf"[{DIGIT}]{{1,3}}(?:\s*[,，、]\s*[{DIGIT}]{{1,3}}){{0,20}}(?:\s*[,，]\s*(?:{PLACE}){THROUGH})?)[)）]"
    r"(?=\s*(?:[。！？!?]|\.(?!\w)|\Z|\n))"
)
# Some models write what Markdown would show as brackets.
ESCAPED = re.compile(rf"\\\[([{DIGIT}][{DIGIT},，、 -]{{0,40}})\\\]")
CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
ADDRESS = re.compile(r"\(\s*[A-Za-z][\w+.-]*:|www\.|#|/")
LINE_START = re.compile(r"(?:\A|\n)[ \t>]*(?:[-*+•·] |\d{1,3}[.)、] ?)?[ \t]*\Z")

HAN_NUMBERS = "一二三四五六七八九十"

# How else marks are written. Every pattern is bounded, so that all of them are linear.
NUMBERS = rf"[{DIGIT}](?:[{DIGIT},，、;\s\u2013-]{{0,40}}[{DIGIT}])?"
# A raised number is a mark after a word or a pause; after a unit or a number it is a power.
AFTER = (
    r"(?:(?<=[^\W\d_]{3})|(?<=[^\W\d_]{3} )"
    r"|(?<=[\u3400-\u9fff.,;:!?，。；：！？、)）\]】」』”\"’*]))"
)
LISTED_NUMBERS = rf"[{DIGIT}]{{1,2}}(?:(?:, ?(?:and )?| and | ?& ?)[{DIGIT}]{{1,2}}){{1,9}}"
OUTSIDE = r"(?![^\[\]\n\uff3b\uff3d\u3010\u3011]{0,60}[\]\uff3d\u3011])"
SENTENCE_ENDS = r"(?=\s{0,9}(?:[。！？!?]|\.(?!\w)|\Z|\n))"
PAUSES = rf"(?:{SENTENCE_ENDS}|(?=[,，;；]))"
AFTER_WORD = rf"(?:{AFTER}|(?<=[^\W_] ))"
RAISED = "[⁰¹²³⁴-⁹]"
SEE = r"(?:(?i:see(?: also)?|cf\.?|from)|参见|參見|详见|詳見|见|見|据|據)\s?[:：]?\s?"
TAGS = r"(?:cite|citation|ref|reference|source|passage|doc|document)"
DRESSED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{AFTER}<sup\b[^<>]{{0,40}}>\s?(?P<n>{NUMBERS})\s?</sup>",
        rf"{AFTER}\$?\^\{{?(?P<n>{NUMBERS})\}}?\$",
        rf"{AFTER}\^(?P<n>{NUMBERS})\^",
        rf"<(?P<tag>{TAGS})\b[^<>]{{0,40}}>\s?(?P<n>{NUMBERS})\s?</(?P=tag)>",
        rf"<{TAGS}\s[a-z_]{{1,12}}\s?=\s?[\"']?(?P<n>{NUMBERS})[\"']?\s?/?>(?:</{TAGS}>)?",
        rf"(?:{AFTER_WORD}|(?<=\d))<(?P<n>{NUMBERS})>{PAUSES}",
        rf"(?:(?<=[^\W_] )|(?<=[\u3400-\u9fff。，：；]))<(?P<n>{NUMBERS})>",
        rf"\\(?:cite[tp]?|textsuperscript)\{{(?P<n>{NUMBERS})\}}",
        rf"{AFTER_WORD}\{{{{1,2}}(?P<n>{NUMBERS})\}}{{1,2}}{PAUSES}",
        rf"[〔〖](?P<n>(?:{ROUND_NAMED}\s?)?{NUMBERS})[〕〗]",
        rf"{AFTER}(?P<n>{RAISED}(?:[,\s]?{RAISED}){{0,9}})(?!\w)",
        rf"(?:(?<=[^\s:：])|(?<=[^\s:：] ))(?P<n>[\u2460-\u2473]{{1,9}}){PAUSES}",
        rf"[\[\uff3b\u3010](?:{ROUND_NAMED}"
        rf"|第)\s?(?P<n>[一二三四五六七八九十])\s?[段节節]?[\]\uff3d\u3011]",
        rf"[(（](?:{SEE})?(?P<n>(?:{ROUND_NAMED}|第)[^\[\]()（）\n]{{1,80}})[)）]",
        rf"[(（](?:{SEE})?第\s?(?P<n>[{HAN_NUMBERS}])\s?段[)）]",
        rf"\[\[\s?(?i:{NAMED})[\s:：#_]{{0,3}}(?P<n>{NUMBERS})\s?\]\]",
        rf"(?P<before>\b[Pp]assages\s)(?P<n>{LISTED_NUMBERS})(?![{DIGIT}]|[.,][{DIGIT}]){OUTSIDE}",
        rf"(?P<before>\b[Pp]assages?\s|段落\s?)(?P<n>[{DIGIT}]{{1,2}})(?![{DIGIT}]|[.,][{DIGIT}])"
        rf"{OUTSIDE}",
        # 段 is a paragraph too: only where something is told by it
        rf"(?P<before>(?:[据據照见見如]|依照)第\s?)(?P<n>[{DIGIT}]{{1,2}}"
        rf"|[{HAN_NUMBERS}])(?=\s?段){OUTSIDE}",
        rf"(?P<before>第\s?)(?P<n>[{DIGIT}]{{1,2}}|[{HAN_NUMBERS}])"
        rf"(?=\s?段(?:落|中)?(?:[说說]|提到|指出|写道|寫道|[显顯]示|[说說]明|[称稱])){OUTSIDE}",
    )
)
ONE = (
    rf"[\[\uff3b\u3010]\s?\^?{NUMBERS}\^?\s?[\]\uff3d\u3011]"
    r"(?:\((?:#|https?:)[^()\s]{0,200}\))?"
)
AND = rf"(?:[,，、;；&]|and\b|[和与及])?\s?(?:{ROUND_NAMED}\s?)?"
ROW = rf"{ONE}(?:\s?{AND}{ONE}){{0,20}}"
AROUND = tuple(
    re.compile(pattern)
    for pattern in (
        rf"<sup\b[^<>]{{0,40}}>\s?(?P<row>{ROW})\s?</sup>",
        rf"\$?\^\{{(?P<row>{ROW})\}}\$?",
        rf"\^(?P<row>{ROW})\^?",
        rf"\$\s?(?P<row>{ROW})\s?\$",
        rf"<(?P<tag>{TAGS})\b[^<>]{{0,40}}>\s?(?P<row>{ROW})\s?</(?P=tag)>",
        rf"\[(?P<row>{ROW})\]",
        rf"(?<![\w*])(?P<star>[*_]{{1,3}})(?P<row>{ROW})(?P=star)(?![\w*])",
        rf"[(（]\s?(?:{SEE})?(?:{ROUND_NAMED}\s?[:：]?\s?){{0,2}}(?P<row>{ROW})\s?[)）]",
        rf"(?<=[.。！？!?])(?P<row>\s?{ROW})(?:\.(?![\w.])|。)",
    )
)
ONES = re.compile(ONE)
ROWS = re.compile(ROW)
IN_BACKTICKS = re.compile(rf"(?<!`)`\s?(?P<row>{ROW})\s?`(?!`)")
FROM_TO = re.compile(
    rf"(?<=[\[\uff3b\u3010])(?P<first>[{DIGIT}]{{1,3}})[\]\uff3d\u3011]"
    rf"\s?(?:{DASH}|[~～至到])\s?[\[\uff3b\u3010](?P<last>[{DIGIT}]{{1,3}})(?=[\]\uff3d\u3011])"
)
# What is around a whole answer.
FENCED = re.compile(r"\A\s*```(\w{0,12})[ \t]*\n(.*)\n[ \t]*```\s*\Z", re.DOTALL)
# A program's x = a[1], where a mark would come after what is said.
INDEXED = re.compile(
    rf"[=(][ \t]?[A-Za-z_][\w.]{{0,40}}\[[{DIGIT}]|[A-Za-z_]\[[{DIGIT}]{{1,9}}\][ \t]?="
)
PROSE = frozenset(("markdown", "md", "text", "txt", "plaintext"))
TAGGED = re.compile(r"\A\s*<((?:final_)?answer|response)>(.*?)(?:</\1>\s*)?\Z", re.DOTALL)
LINE_BREAK = re.compile(r"[ \t]?<br\s?/?>")
SOURCES = (
    r"(?:references?|sources?|citations?|(?:参考|參考|引用|资料|資料|信息)?(?:资料|資料|文献"
    r"|文獻|来源|來源|出处|出處)"
    r"|引用)"
)
LIST_OF_SOURCES = re.compile(rf"\A[\s#*_>-]*{SOURCES}[\s*_]*[:：]?[\s*_]*\Z", re.IGNORECASE)
LISTED = re.compile(r"\s*(?:[-*+•]|\d{1,2}[.)、])\s")
FOOTNOTE = re.compile(rf"(?P<mark>\s*\[\^?[{DIGIT}]{{1,3}}\])\s?(?::\s|：)\s*")
SOURCES_INLINE = re.compile(
    rf"(?:\A|\n|(?<=[.。！？!?])[ \t]?)[ \t*_>-]{{0,9}}(?i:{SOURCES})"
    r"[\s*_]{0,9}[:：][\s*_]{0,9}"
    rf"(?P<row>(?:{ROUND_NAMED}\s?)?{ROW})[\s.。*_]{{0,9}}\Z"
)
# What may follow a mark that is removed together with the white space before it ("" is the end).
SPACED = frozenset(["", *" \t\n.,;:!?。，；：！？、[［【(（"])
_CLAUSE_ENDS = frozenset(";；")


_HALF = re.compile(
    rf"(?<=\S)\s?[\[\uff3b\u3010]\^?(?:(?i:{NAMED})[\s:：#_]{{0,3}})?[{DIGIT},，、;\s\u2013-]{{0,40}}\Z"
)


@dataclass(slots=True)
class Mark:
    """Where marks stood in the text without marks, and which hits they name, from 1."""

    at: int
    numbers: tuple[int, ...]
    unknown: tuple[str, ...] = ()
    gap: str = ""  # the white space before it, which goes where it goes


# --- in whatever dress ---


def usual(text: str, retrieved: int, titles: Sequence[str] = ()) -> str:
    """The bare answer with its marks in brackets, whatever was put around it and them; without a
    list of sources at its end, which repeats marks and claims nothing. `titles` of the passages
    may stand beside their numbers."""
    text = LINE_BREAK.sub("\n", _unwrapped(ESCAPED.sub(r"[\1]", text)))
    text = _without_titles(text, titles)
    text = IN_BACKTICKS.sub(r"\g<row>", text)
    text = _outside_code(text, lambda piece: _rewritten(piece, retrieved))
    return _without_sources_inline(_without_list_of_sources(text))


def _without_titles(text: str, titles: Sequence[str]) -> str:
    """[1, The mill] and [The mill, 1] with the number alone. A title without a letter, such as the
    1 of 1.txt, is no title beside a number: [1, 2] are two passages."""
    named_by = (title.strip() for title in titles if any(map(str.isalpha, title)))
    for title in dict.fromkeys(named_by):
        named = rf"[\"“《「*_]*{re.escape(title)}[\"”》」*_]*"
        beside = r"\s?[,，:：|–-]?\s?"
        pattern = (
            rf"\[\s?(?:(?P<one>{NUMBERS}){beside}{named}|{named}{beside}(?P<two>{NUMBERS}))\s?\]"
        )
        text = re.sub(pattern, lambda found: f"[{found['one'] or found['two']}]", text)
    return text


def _unwrapped(text: str) -> str:
    """What stands in a fence, in tags or in JSON that is around everything; a program stays in its
    own."""
    said = structured.prose(text)
    if said is not None:
        return said
    fenced = FENCED.match(text)
    if fenced and "```" not in fenced[2]:
        bare = not fenced[1] and ROWS.search(fenced[2]) and not INDEXED.search(fenced[2])
        return fenced[2] if bare or fenced[1].lower() in PROSE else text
    tagged = TAGGED.match(text)
    return tagged[2].strip() if tagged else text


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    kept: list[str] = []
    at = 0
    for code in CODE.finditer(text):
        kept += [change(text[at : code.start()]), code[0]]
        at = code.end()
    return "".join([*kept, change(text[at:])])


_AND_MORE = re.compile(r",?\s?(?:\band\b|&)\s?")
_SUBJECT = re.compile(
    rf"(?:\A|(?<=[.!?]\s)|(?<=\n))(?=\[[{DIGIT}]{{1,2}}\] (?:also |further )?(?:says?|states?"
    rf"|mentions?|notes?"
    r"|adds?|explains?|describes?|shows?|reports?)\b)"
)


def _rewritten(text: str, retrieved: int) -> str:
    def bracketed(found: re.Match[str]) -> str:
        numbers = _named(_AND_MORE.sub(", ", found["n"]))
        known, unknown = _numbers(numbers, retrieved)
        before = found.groupdict().get("before") or ""
        return f"{before}[{numbers}]" if known and not unknown else found[0]

    for pattern in DRESSED:
        text = pattern.sub(bracketed, text)
    for pattern in AROUND:
        text = pattern.sub(lambda found: found["row"], text)
    text = FROM_TO.sub(r"\g<first>-\g<last>", text)
    text = _SUBJECT.sub("Passage ", text)  # "[1] also states that …" goes on without its mark
    return ROWS.sub(_joined, text)


def _named(numbers: str) -> str:
    """Raised, circled and Chinese numbers in digits, each one by itself."""
    if numbers in HAN_NUMBERS:
        return str(HAN_NUMBERS.index(numbers) + 1)
    special = [c for c in numbers if c.isdigit() and not c.isdecimal()]
    if not special:
        return numbers
    return ", ".join(str(int(unicodedata.numeric(c))) for c in special)


def _joined(row: re.Match[str]) -> str:
    """Marks in a row without what stands between them: [1], [2] and [3]."""
    return "".join(ONES.findall(row[0]))


def _without_list_of_sources(text: str) -> str:
    lines = _without_footnotes(text.rstrip().split("\n"))
    at = last = len(lines)
    marked = True
    while at and (not lines[at - 1].strip() or _lists(lines[at - 1])):
        marked = marked and (not lines[at - 1].strip() or _begins_with_mark(lines[at - 1]))
        at -= 1
    listed = 1 < at < last and LIST_OF_SOURCES.match(lines[at - 1])
    if listed and (marked or ROWS.search("\n".join(lines[: at - 1]))):
        lines = lines[: at - 1]
    return "\n".join(lines).rstrip() if lines != text.split("\n") else text


def _without_footnotes(lines: list[str]) -> list[str]:
    """The lines without the footnotes at their end. Where nothing above them cites, these are the
    answer: each is a sentence behind its mark."""
    at = len(lines)
    while at and (not lines[at - 1].strip() or FOOTNOTE.match(lines[at - 1])):
        at -= 1
    if at and LIST_OF_SOURCES.match(lines[at - 1]):
        return lines
    if ROWS.search("\n".join(lines[:at])):
        return lines[:at]
    return [*lines[:at], *(FOOTNOTE.sub(r"\g<mark> ", line, count=1) for line in lines[at:])]


def _lists(line: str) -> bool:
    return _begins_with_mark(line) or LISTED.match(line) is not None


def _begins_with_mark(line: str) -> bool:
    return MARK.match(line.lstrip(" \t-*+•>")) is not None


def _without_sources_inline(text: str) -> str:
    """The text without "Sources: [1], [2]" at its end; its marks stay where there are no others."""
    tail = max(len(text) - 400, 0)
    found = SOURCES_INLINE.search(text, tail)
    if not found or not re.search(r"\w", text[: found.start()]):
        return text
    others = ROWS.search(text, 0, found.start())
    rest = text[: found.start()].rstrip()
    return rest if others else f"{rest} {_joined(found)}"


def without_half(text: str) -> str:
    """A text that was cut, without the mark that its end cuts: the number may lack a digit."""
    half = _HALF.search(text, max(len(text) - 80, 0))
    in_code = half and any(code.end() == len(text) for code in CODE.finditer(text))
    return text[: half.start()] if half and not in_code else text


# --- read and taken out ---


def strip(text: str, retrieved: int) -> tuple[str, list[Mark]]:
    """The text without its marks, and the marks with their places in it."""
    kept: list[str] = []
    marks: list[Mark] = []
    at = position = 0
    for found in _found(text, retrieved):
        piece = text[position : found.start()]
        known, unknown = _numbers(found["items"], retrieved)
        gap = ""
        if text[found.end() : found.end() + 1] in SPACED:
            gap = piece[len(piece.rstrip(" \t")) :]
        piece = piece[: len(piece) - len(gap)]
        kept.append(piece)
        at += len(piece)
        position = found.end() - len(_kept_link(found))
        marks.append(Mark(at, known, unknown, gap))
    kept.append(text[position:])
    return "".join(kept), marks


def _found(text: str, retrieved: int) -> Iterator[re.Match[str]]:
    """The marks outside code, in order."""
    square = [mark for mark in _outside(MARK, text) if _items(mark["items"])]
    if square:
        yield from square
        return
    for mark in _outside(ROUND, text):
        if _items(mark["items"]) and _safe(mark, text, retrieved):
            yield mark


def _outside(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """What matches and does not begin inside code."""
    code = [span.span() for span in CODE.finditer(text)]
    next_code = 0
    for found in pattern.finditer(text):
        while next_code < len(code) and code[next_code][1] <= found.start():
            next_code += 1
        if next_code == len(code) or found.start() < code[next_code][0]:
            yield found


def _safe(mark: re.Match[str], text: str, retrieved: int) -> bool:
    """Whether round brackets around numbers are a mark: after words, and of retrieved passages."""
    known, unknown = _numbers(mark["items"], retrieved)
    before = text[max(mark.start() - 20, 0) : mark.start()]
    return bool(known) and not unknown and not LINE_START.search(before)


def _kept_link(mark: re.Match[str]) -> str:
    """What stands in round brackets after a mark stays, unless it is an address: nothing in an
    answer is to lead anywhere but into the passages."""
    link = mark.groupdict().get("link") or ""
    return "" if ADDRESS.search(link) else link


def _numbers(items: str, retrieved: int) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The retrieved numbers of a mark, once each, and the others as they were written. A range is
    cut to what was retrieved before it is counted out."""
    known: dict[int, None] = {}
    unknown: list[str] = []
    for first, last in _items(items):
        low = int(first)
        high = int(last) if last else low
        inside = range(max(low, 1), min(high, retrieved) + 1)
        known.update(dict.fromkeys(inside))
        if low < 1 or high > retrieved or high < low:
            unknown.append(f"{first}-{last}" if last else first)
    return tuple(known), tuple(unknown)


def _items(inside: str) -> list[tuple[str, str]]:
    """(first, last or "") for each number or range in the brackets; empty where these hold
    anything else. Pages and other places in a passage are left out after its number."""
    items: list[tuple[str, str]] = []
    parted = placed = False
    at = 0
    text = inside.strip()
    for cut in (*SEPARATOR.finditer(text), None):
        part = text[at : cut.start()] if cut else text[at:]
        found = RANGE.fullmatch(part)
        if items and (PLACED.fullmatch(part) or (PARTED.fullmatch(part) and not parted)):
            placed = True
        elif PLACED.fullmatch(part) or not found:
            return []
        elif not (placed and part[0].isdigit()):  # [1, pp. 3, 5]
            items.append((found[1], found[2] or ""))
            parted = parted or PARTED.fullmatch(part) is not None
        at = cut.end() if cut else at
        placed = placed and not (cut and cut[0].strip() in _CLAUSE_ENDS)
    return items


def disarmed(text: str) -> str:
    """A text whose brackets would be read as marks, with round ones."""
    return MARK.sub(_in_round, text)


def _in_round(found: re.Match[str]) -> str:
    inside = found["items"]
    return f"({inside}){found['link'] or ''}" if _items(inside) else found[0]
