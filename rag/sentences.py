"""Sentence ends of Chinese and English, also mixed in one line.

Own code, because where a sentence ends is what a citation stands on: kept libraries cut either
language alone, lose offsets, or break on `No. 5`, `v3.1` and 。” in the same text.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["sentence_spans"]

_LINE = re.compile("[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_ALWAYS = "。！？｡．‼⁇⁈⁉।॥؟۔։።"
_CANDIDATE = re.compile(
    rf"(?P<end>[{_ALWAYS}…!?.]+)(?P<closing>[”’」』】〕〗〉》）\])}}｝］»›\"']*(?:[*_~]+(?=\s))?)"
)
_ALPHANUMERIC = re.compile(r"[^\W_]")
_URL = re.compile(r"(?:(?:https?|ftp)://|\bwww\.)[!-~]+", re.ASCII | re.IGNORECASE)
_URL_TAIL = ".,;:!?)]}'\"*_>"

_PAIRS = {
    "”": "“",
    "’": "‘",
    "」": "「",
    "』": "『",
    "】": "【",
    "〉": "〈",
    "》": "《",
    "）": "（",
}
_PAIRS |= {")": "(", "]": "[", "»": "«", "〕": "〔", "〗": "〖", "］": "［", '"': '"', "'": "'"}
_QUOTES = frozenset("”’」』\"'»›")
_CONTINUES = frozenset("，、；：,;:—–-·的地得之/／)）]】」』”’》〉")
_LIST_LABEL = re.compile(r"\(?(?:[A-Za-z]|\d{1,3})[.)]\s+")
_CELL_END = re.compile(r"\s*\|")
_LOOK_BACK = 400  # characters to look back for an opening quotation mark


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORD_BEFORE = re.compile(r"[^\W_]+(?:\.[^\W_]+)*$")
_UNIT_BEFORE = re.compile(r"/$|\d[ \u00a0\u202f]?$")
_ABBREVIATIONS = _listed(
    """
    mr mrs ms dr prof st mt gen col maj capt lt cmdr sgt rep sen gov pres rev hon fr messrs mme mlle
    vs cf viz approx ca eg ie e.g i.e resp esp incl excl fig figs eq eqs sec ch vol vols pp ed eds
    no nos nr art par para ref refs tab app dept univ assn bros est al jan feb mar apr jun jul aug
    sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun ave blvd rd
    ул пл просп проф акад тов
    """
)
_BEFORE_NUMBER_ONLY = _listed(
    """
    no nos nr art par sec ch chap vol vols fol fols fig figs pp eq eqs ed eds ref tab app mar jan
    feb apr jun jul aug sep sept oct nov dec mon sat sun wed thu fri est ave rd
    """
)
_MAY_END = frozenset(["etc", "inc", "ltd", "co", "corp", "llc", "plc", "jr", "sr", "bros", "esq"])
_MAY_END |= {"a.m", "p.m", "al", "ph.d", "b.a", "m.a", "m.d", "u.s", "u.k", "u.n", "e.u", "d.c"}
_STARTERS = _listed(
    """
    A After All Also An And Another As At Because Before But By Each Every For From He Her Here His
    How However I If In Instead Is It Its Many Meanwhile More Moreover Most My No Not Now Of On One
    Only Or Other Our She Since So Some Still Such That The Their Then There These They This Those
    Though Thus To Today Under Until We What When Where Which While Who Why With Yet You Your
    """
)

_NO_SURNAMES = _listed(
    "And But However If It Its Our That The Then There These They This We When Where While"
)
"""Of the starters: K. He, T. More and C. Still are people."""

_MONTHS = re.compile(
    r"(?:januar|jänner|februar|feber|märz|maerz|mai|juni|juli|oktober|dezember|mars|maj|augusti"
    r"|desember|januára?|február|március|április|május|június|július|augusztus|szeptember|október"
    r"|ledna|února|března|dubna|května|června|července|srpna|září|října|listopadu|prosince|februára"
    r"|marca|apríla|mája|júna|júla|siječnja|veljače|ožujka|travnja|svibnja|lipnja|kolovoza|rujna"
    r"|studenoga?|(?:tammi|helmi|maalis|huhti|touko|kesä|heinä|elo|syys|loka|marras|joulu)kuu(?:n|ta)"
    r"|(?:april|august|september|november|december)(?=s?\s+\d{4}\b))"
    r"(?:s|i|b[ae]n|t[óő]l|ig)?(?!\w)",
    re.IGNORECASE,
)
"""The months in languages that write ordinals with a point; those that are English too
with a year."""
_NUMBER_BEFORE = re.compile(r"(?<![\w.,:/-])\d{1,4}$")
_ORDINAL_BEFORE = re.compile(
    r"(?<!\bi\s)\b(?:am|der|die|das|vom|dem|des|im|zum|zur|den|beim|seit|bis)\s\d{1,2}$",
    re.IGNORECASE,
)
_LETTER_AFTER = re.compile(r"(?<=z\.)\sB\.|\s[a-zäöüа-яё]\.")
_TWO_LETTERS = re.compile(
    r"\b(?:z\.\sB|d\.\sh|u\.\sa|o\.\sä|v\.\sa|i\.\sd|s\.\so|т\.\sе|т\.\sк|т\.\sн)$", re.IGNORECASE
)


@lru_cache(maxsize=256)  # splitting, embedding, answering and checking ask for the same ones
def sentence_spans(text: str) -> tuple[tuple[int, int], ...]:
    """The sentences of `text`: spans in order, without white space around them.

    Every character that is no white space is in exactly one span. A line break ends a sentence; so
    do 。！？… and .!? with the closing marks after them, but for abbreviations, initials, list
    numbers, decimals, versions, addresses, the end of a table's cell, and marks inside a title or a
    quotation that the sentence goes on after. Semicolons do not. Linear in the length of `text`.
    """
    spans: list[tuple[int, int]] = []
    for line in _LINE.finditer(text):
        start, end = _trim(text, line.start(), line.end())
        if start < end:
            spans.extend(_spans_in_line(text, start, end))
    return tuple(spans)


def _spans_in_line(text: str, start: int, end: int) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    addresses = _addresses(text, start, end)
    address = 0
    word = _first_word(text, start, end)
    for match in _CANDIDATE.finditer(text, start, end):
        at = match.start()
        while address < len(addresses) and addresses[address][1] <= at:
            address += 1
        if address < len(addresses) and addresses[address][0] <= at:
            continue
        stop = match.end()
        # a row of marks without a word before it belongs to what follows
        if word > at or stop >= end or not _ends(text, start, match, end):
            continue
        spans.append((start, stop))
        start, _ = _trim(text, stop, end)
        word = _first_word(text, start, end)
    if start < end:
        if spans and word == end:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def _ends(text: str, start: int, match: re.Match[str], end: int) -> bool:
    """Whether the marks found end the sentence that began at `start`. Something follows them."""
    marks, closing, stop = match["end"], match["closing"], match.end()
    following = text[stop]
    spaced = following.isspace()
    if following in _CONTINUES or _CELL_END.match(text, stop, end):
        return False
    if closing and not spaced and not _closing_ends(text, start, match.start(), closing, stop):
        return False
    if any(mark in _ALWAYS for mark in marks):
        return True
    if not spaced:
        return _ends_directly(text, match)
    return _ends_before_space(text, start, match, end)


def _closing_ends(text: str, start: int, at: int, closing: str, stop: int) -> bool:
    """Whether a sentence ends with a closing mark that something follows without a space."""
    opening = _PAIRS.get(closing[-1])
    if opening is None:
        return True
    opened = text.rfind(opening, max(start, at - _LOOK_BACK), at)
    if closing[-1] not in _QUOTES:
        # （他没来。）我们走了。 but not 《谁动了我的奶酪？》这本书
        return opened == start and closing[-1] not in "》〉"
    if opened < 0:
        return True
    if opened == start:
        return not text[stop].isalnum()  # “为什么？”他问。 is one sentence
    return not text[opened - 1].isalnum()  # 他说：“走。”我走了。 but not 总问“为什么？”这个问题


def _ends_directly(text: str, match: re.Match[str]) -> bool:
    """Whether ASCII marks that no space follows end a sentence: only beside wide characters."""
    following = text[match.end()]
    if not _is_wide(following) and following not in "“‘「『（《【":
        return False
    if match["end"] != ".":
        return True
    return not _abbreviated(text, match.start(), following) and match.start() > 0


def _ends_before_space(text: str, start: int, match: re.Match[str], end: int) -> bool:
    at = match.start()
    nearby = text[match.end() : min(match.end() + 80, end)].split(None, 1)
    word = nearby[0] if nearby else ""
    first = word.lstrip("“‘\"'(（[「『*_")[:1]
    if not first:
        return True
    if first.islower() and not _lower_case_may_start(text, start, word):
        return False
    if match["end"] != ".":
        return True
    if _is_list_number(text, start, at) or _is_ordinal(text, at, match.end(), word):
        return False
    return not _abbreviated(text, at, first, word)


def _lower_case_may_start(text: str, start: int, word: str) -> bool:
    """xAI and iPhone may begin a sentence, and any word where sentences begin in lower case."""
    label = _LIST_LABEL.match(text, start)
    return any(c.isupper() for c in word[1:]) or text[label.end() if label else start].islower()


def _is_list_number(text: str, start: int, at: int) -> bool:
    label = text[start:at] if at - start <= 4 else ""
    return label.isdecimal() or (len(label) == 1 and label.isalpha())


def _is_ordinal(text: str, at: int, stop: int, word: str) -> bool:
    """Whether a number with a point goes on, as in `am 3. Oktober` and `das 19. Jahrhundert`."""
    before = max(at - 16, 0)
    if not text[at - 1].isdecimal() or not _NUMBER_BEFORE.search(text, before, at):
        return False
    if _MONTHS.match(text, stop + 1):
        return True
    named = word[:1].isupper() and word.rstrip(",") not in _STARTERS
    return named and bool(_ORDINAL_BEFORE.search(text, before, at))


def _abbreviated(text: str, at: int, first: str, word: str = "") -> bool:
    """Whether the single point at `at` belongs to an abbreviation before `first` of `word`."""
    found = _WORD_BEFORE.search(text, max(at - 24, 0), at)
    if found is None:
        return False
    before = found.group()
    lower = before.lower()
    if lower in _MAY_END or ("." in before and all(len(part) == 1 for part in before.split("."))):
        starter = word.strip("“‘\"'(").rstrip(",")
        return lower in ("e.g", "i.e") or (starter not in _STARTERS and not _is_wide(first))
    if lower in _BEFORE_NUMBER_ONLY:
        return first.isdecimal() or (first.isupper() and lower in ("no", "fig", "vol"))
    if lower in _ABBREVIATIONS or _TWO_LETTERS.search(text, max(at - 8, 0), at):
        return True
    if len(before) > 1 or not before.isalpha():
        return False
    if before.islower():  # p. 203, c. 1850, z. B., г. Москва but not 1990 г.
        town = before == "г" and not _UNIT_BEFORE.search(text, max(at - 5, 0), at - 1)
        return first.isdecimal() or town or bool(_LETTER_AFTER.match(text, at + 1))
    # an initial: J. Ruiz, K. (1977). Not the pronoun, nor a unit (10 g/L), nor the B of a plan B
    if _UNIT_BEFORE.search(text, max(found.start() - 4, 0), found.start()):
        return False
    names = first.isupper() or (word[:1] == "(" and first.isdecimal())
    starts = word.strip("“‘\"'(").rstrip(",") in _NO_SURNAMES
    return names and before.isupper() and before != "I" and not starts


def _addresses(text: str, start: int, end: int) -> list[tuple[int, int]]:
    return [
        (match.start(), match.start() + len(match.group().rstrip(_URL_TAIL)))
        for match in _URL.finditer(text, start, end)
    ]


def _is_wide(character: str) -> bool:
    return (
        "\u2e80" <= character <= "\ua4cf"
        or "\uac00" <= character <= "\ud7af"
        or ("\uf900" <= character <= "\ufaff" or character >= "\U00020000")
    )


def _first_word(text: str, start: int, end: int) -> int:
    found = _ALPHANUMERIC.search(text, start, end)
    return found.start() if found else end


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
