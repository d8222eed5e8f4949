"""Edits that leave a claim as right or as wrong as it was: a clause dropped or moved, another
script, another way to write the number, other words."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from eval.pair_files import Pair
from rag.fold import fold

__all__ = ["WORD_NUMBERS", "drop_clause", "edited"]


def edited(pairs: Sequence[Pair], seed: int = 0) -> Iterator[Pair]:
    """The pairs with a claim that is no longer word for word, labels kept.

    A right pair and the wrong one after it get the same edit, or neither does.
    """
    chance = random.Random(seed)
    for first, second in zip(pairs[::2], pairs[1::2], strict=True):
        right, wrong = first, second
        edits = list(_EDITS)
        chance.shuffle(edits)
        kept = 0
        for edit in edits:
            both = edit(right.claim, wrong.claim, chance)
            if both is not None and both[0] != both[1]:
                right, wrong = replace(right, claim=both[0]), replace(wrong, claim=both[1])
                kept += 1
                if kept == 2:
                    break
        if kept:
            yield replace(right, kind=right.kind + ", edited")
            yield replace(wrong, kind=wrong.kind + ", edited")


Edit = Callable[[str, str, random.Random], "tuple[str, str] | None"]


def drop_clause(right: str, wrong: str, chance: random.Random) -> tuple[str, str] | None:
    a, b = _clauses(right), _clauses(wrong)
    if len(a) != len(b) or len(a) < 2:
        return None
    same = [i for i in range(len(a)) if a[i] == b[i]]
    if not same:
        return None
    gone = chance.choice(same)
    return _without(a, gone), _without(b, gone)


def _move_clause(right: str, wrong: str, _chance: random.Random) -> tuple[str, str] | None:
    a, b = _clauses(right), _clauses(wrong)
    if len(a) != len(b) or len(a) < 2 or len(a) > 4:
        return None
    return _moved(a), _moved(b)


def _clauses(text: str) -> list[str]:
    return re.findall(r"[^，,；;]+(?:[，；;]|,(?=\s)|$|,)", text)


def _without(clauses: list[str], index: int) -> str:
    kept = clauses[:index] + clauses[index + 1 :]
    return _ended("".join(kept), "".join(clauses))


def _moved(clauses: list[str]) -> str:
    first = clauses[0].strip().rstrip("，,；;")
    rest = "".join(clauses[1:]).strip().rstrip("。.!！")
    comma = "，" if re.search("[\u4e00-\u9fff]", first) else ", "
    return _ended(rest[:1].upper() + rest[1:] + comma + first, "".join(clauses))


def _ended(text: str, like: str) -> str:
    return text.strip().rstrip("，,；;。. ") + ("。" if "。" in like[-2:] else ".")


WORD_NUMBERS = (
    *("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("twelve", "twenty", "thirty", "forty", "fifty"),
)
_DIGITS = "〇一二三四五六七八九"


def _number_form(right: str, wrong: str, _chance: random.Random) -> tuple[str, str] | None:
    out = tuple(map(_respelt, (right, wrong)))
    return (out[0], out[1]) if (right, wrong) != out else None


def _respelt(text: str) -> str:
    if re.search("[\u4e00-\u9fff]", text):
        text = re.sub(
            r"(\d{4})年", lambda m: "".join(_DIGITS[int(c)] for c in m[1]) + "年", text, count=1
        )
        text = re.sub(r"(\d+(?:\.\d+)?)[%％]", r"百分之\1", text)
        small = re.compile("(?<![\\d.万亿])([2-9])(?=[个個次名位种種年月人])")
        return small.sub(lambda m: _DIGITS[int(m[1])], text)
    words = ["zero", "one", *WORD_NUMBERS]
    text = re.sub(
        rf"\b({'|'.join(words[2:11])})\b(?! of the\b)(?= [a-z])",
        lambda m: str(words.index(m[1])),
        text,
    )
    text = re.sub(r"(\d)%", r"\1 percent", text)
    return re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)


def _script(right: str, wrong: str, _chance: random.Random) -> tuple[str, str] | None:
    if not re.search("[\u4e00-\u9fff]", right):
        return None
    import opencc

    to = opencc.OpenCC("s2t" if fold(right) == right.casefold() else "t2s")
    return str(to.convert(right)), str(to.convert(wrong))


def _reported(right: str, wrong: str, chance: random.Random) -> tuple[str, str] | None:
    chinese = bool(re.search("[\u4e00-\u9fff]", right))
    lead = chance.choice(_LEADS[chinese])
    return lead + right, lead + wrong


_LEADS = (
    ("According to the passage, ", "The author notes that ", "As the text says, ", "In short, "),
    ("文中提到，", "根据原文，", "作者认为，", "简单来说，", "據文章所述，"),
)
_SMALL = re.compile(r"\b(?:also|very|however|then|just|still|really|quite|thus|therefore|rather) ")
_SMALL_HAN = re.compile("也|还|還|则|則|便|亦|曾|已经|已經|其中|此外|另外|因此|然而")


def _lighter(right: str, wrong: str, _chance: random.Random) -> tuple[str, str] | None:
    pattern = _SMALL_HAN if re.search("[\u4e00-\u9fff]", right) else _SMALL
    out = (pattern.sub("", right), pattern.sub("", wrong))
    return out if out != (right, wrong) else None


_SYNONYMS = {
    "began": "started", "many": "numerous", "large": "big", "important": "significant",
    "located": "situated", "known": "called", "made": "produced", "used": "employed",
    "including": "among them", "because": "since", "however": "but", "major": "main",
    "usually": "normally", "received": "got", "built": "constructed", "created": "made",
    "became": "turned into", "people": "persons", "several": "a number of", "city": "town",
    "approximately": "about", "located in": "in", "such as": "like", "often": "frequently",
    "was": "has been", "were": "have been", "would": "was to", "shows": "indicates",
    "位于": "坐落在", "开始": "起初", "因为": "由于", "但是": "不过", "包括": "涵盖",
    "使用": "采用",
    "主要": "重要", "许多": "很多", "成为": "变成", "认为": "觉得", "建立": "设立", "目前": "现在",
    "位於": "坐落在", "開始": "起初", "因為": "由於", "許多": "很多", "成為": "變成",
    "認為": "覺得",
    "建立了": "設立了", "举行": "举办", "舉行": "舉辦", "获得": "得到", "獲得": "得到",
    "由于": "因为",
    "当时": "那时", "當時": "那時", "并且": "而且", "此后": "之后", "根据": "依据", "著名": "有名",
}  # fmt: skip


def _synonyms(right: str, wrong: str, _chance: random.Random) -> tuple[str, str] | None:
    out = (_in_synonyms(right), _in_synonyms(wrong))
    return out if out != (right, wrong) else None


def _in_synonyms(text: str) -> str:
    def other(match: re.Match[str]) -> str:
        return _SYNONYMS[match.group()]

    latin = "|".join(rf"\b{w}\b" for w in _SYNONYMS if w.isascii())
    han = "|".join(w for w in _SYNONYMS if not w.isascii())
    return re.sub(f"{latin}|{han}", other, text, count=3)


_EDITS: tuple[Edit, ...] = (
    drop_clause, _move_clause, _number_form, _script, _reported, _lighter, _synonyms,
)  # fmt: skip
