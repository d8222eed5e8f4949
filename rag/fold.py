"""One script, one case, one width, and words: for finding and comparing, never for display.

Both sides of a comparison go through the same functions, so a question in Simplified characters
finds a text in Traditional ones, `ＧＰＴ` finds `gpt`, and `running` finds `runs`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import opencc

__all__ = [
    "VERSION",
    "content_words",
    "copy_key",
    "fold",
    "is_latin",
    "key_words",
    "language",
    "simplified",
    "words",
]

VERSION = 4
"""Changes whenever `words` gives other words for the same text: the lexical index depends on it."""

_HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_KANA = "\u3040-\u30ff\u31f0-\u31ff"
_HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"
_INDIC = "\u0900-\u0963\u0966-\u0dff"  # with vowel signs, which are no letters to Python
_DICTIONARY = ("\u4e00", "\u9fd5")  # the characters that the dictionary's words are made of
_THAI_TO_KHMER = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"

_SURROGATE = re.compile("[\ud800-\udfff]")
_TOKEN = re.compile(
    rf"(?P<han>[{_HAN}]+)"
    rf"|(?P<unspaced>[{_KANA}]+|[{_HANGUL}]+|[{_THAI_TO_KHMER}]+)"
    rf"|(?P<indic>[{_INDIC}]+)"
    rf"|(?P<word>[^\W_{_HAN}{_KANA}{_HANGUL}{_THAI_TO_KHMER}]"
    rf"(?:[^\W_{_HAN}{_KANA}{_HANGUL}{_THAI_TO_KHMER}]"
    r"|[\u0300-\u036f]|(?<=\d)[.,](?=\d)|[-_’'.&](?=[a-z0-9]))*"
    r"(?:(?<![\w-]{2}[a-z])(?<=[a-z])(?:\+\+|\#))?)"
)
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")
_PART = re.compile(
    r"(?<![^\W\d_])[^\W\d_]\d+(?:\.\d+)*[^\W\d_]*(?!\d)"  # o1, v3.1, the h2 of 2025h2
    r"|\d+(?:\.\d+)*[^\W\d_]*(?!\d)"
    r"|\d+|[^\W\d_]+"
)
_AMOUNT = re.compile(r"(\d+(?:\.\d+)*)[^\W\d_]+")
_JOINT = re.compile(r"[-_'&]|\.(?!\d)|(?<!\d)\.")
_ENDING = re.compile("(?:n't|'(?:s|re|ve|ll|d|m)?)$")

_KEPT = re.compile(
    rf"[{_HAN}{_KANA}{_HANGUL}{_THAI_TO_KHMER}]|[{_INDIC}]+"
    rf"|[^\W_{_HAN}{_KANA}{_HANGUL}{_THAI_TO_KHMER}]+(?:[.,](?<=\d[.,])\d+)*[\u0300-\u036f]*\#?"
    r"|(?<![\w])[-\u2212](?=\d)|[%‰+=<>×÷≠≤≥±$€£¥₩₹]"
)
"""What a copy may not differ in: words, numbers with their sign and point, and mathematical and
currency signs. What is left out is white space and punctuation."""


@lru_cache(maxsize=64)  # a passage's key and its words, a question's words and phrases
def fold(text: str) -> str:
    """`text` in compatibility form, lower case, Simplified characters, Latin without accents,
    Arabic and Hebrew without points, digits of other scripts as 0 to 9.

    For comparing only: offsets do not survive.
    """
    text = unicodedata.normalize("NFKC", text).casefold()
    if text.isascii():
        return text
    text = _SURROGATE.sub("\ufffd", text)
    return str(_simplified().convert(unicodedata.normalize("NFKC", text.translate(_accents()))))


def simplified(text: str) -> str:
    """`text` with Traditional characters as Simplified ones; for encoders, which see two scripts as
    two things. Offsets may not survive."""
    return text if text.isascii() else _simplified().convert(_SURROGATE.sub("\ufffd", text))


def words(text: str) -> list[str]:
    """The folded words of `text` in order, as the lexical index holds them.

    Chinese is cut by jieba's dictionary; a long word brings the shorter ones inside it. Words of
    letters are stemmed (Snowball), Latin ones as English. Numbers stay whole and lose their
    thousands separator: `4,000` gives `4000`. A compound gives itself without hyphens and its
    parts, an amount with a unit also its number: `GPT-4o` gives `gpt4o gpt 4o 4`, `100B` gives
    `100b 100`, `o1` gives `o1`. Other unspaced scripts give overlapping pairs. Punctuation gives
    nothing.
    """
    return [word for _, word in _tokens(fold(text))]


def content_words(text: str) -> list[str]:
    """`words` without the stop words of Chinese, of English and of its own language, if any."""
    stop, small = _stop_words(), _small_words(language(text))
    return [
        word
        for surface, word in _tokens(fold(text))
        if surface not in stop and surface not in small
    ]


def key_words(text: str) -> list[str]:
    """The content words as they stand in the folded text, without those that are a part of another:
    for telling a person what was looked for."""
    stop = _stop_words()
    found = dict.fromkeys(surface for surface, _ in _tokens(fold(text)) if surface not in stop)
    return [word for word in found if not any(word != other and word in other for other in found)]


@lru_cache(maxsize=64)
def language(text: str, otherwise: str = "en") -> str:
    """The ISO 639-1 code of the language that most of `text` is in, "" when it has no letters.

    By script; Latin script by its commonest small words, `otherwise` where these say nothing. Where
    scripts mix, a character of another script weighs as much as a Latin word, and a small word
    three times that: `AI Infra 是什么` is Chinese, `What does 阶跃星辰 do` is English.
    """
    counts = {
        name: sum(len(run) for run in pattern.findall(text)) for name, pattern in _scripts().items()
    }
    latin = _LATIN_WORD.findall(text)
    han, kana = counts.pop("han"), counts.pop("kana")
    small = sum(word.lower() in _votes() for word in latin)
    weights: dict[str, int] = dict(counts)
    # a stray の in a Chinese brand name is no Japanese; running Japanese is at least a third kana
    weights["ja" if kana > 0.15 * (han + kana) else "zh"] = han + kana
    weights["latin"] = len(latin) + 2 * small
    best = max(weights, key=lambda name: weights[name])
    if not weights[best]:
        return ""
    return (
        _latin_language([word.casefold() for word in latin if len(word) > 1], otherwise)
        if best == "latin"
        else best
    )


def is_latin(language: str) -> bool:
    """Whether a language is one of those in Latin script that `language` tells apart."""
    return language in _SMALL_WORDS


def copy_key(text: str) -> str:
    """Equal for two texts exactly where, after folding, no word and no digit differs.

    White space, punctuation, width, case and script are left out of it, signs and decimal points of
    numbers are not. A text without words is its own folded self without white space.
    """
    folded = fold(text)
    kept = _KEPT.findall(_without_thousands(folded))
    return " ".join(kept) or "".join(folded.split())


@lru_cache(maxsize=64)  # a question's words and its content words
def _tokens(folded: str) -> tuple[tuple[str, str], ...]:
    """(word as it stands, word as it is indexed)."""
    return tuple(_found(folded))


def _found(folded: str) -> Iterator[tuple[str, str]]:
    for match in _TOKEN.finditer(_without_thousands(folded)):
        text = match.group()
        if match.lastgroup == "han":
            for word in _cut(text):
                yield word, word
        elif match.lastgroup == "indic":
            yield text, _stem(text)
        elif match.lastgroup == "unspaced":
            for start in range(max(len(text) - 1, 1)):
                yield text[start : start + 2], text[start : start + 2]
        else:
            yield from _latin_tokens(text.replace("’", "'"))


def _latin_tokens(text: str) -> Iterator[tuple[str, str]]:
    bare = _ENDING.sub("", text) or text
    if bare.isalpha():
        yield text, _stem(bare)
        return
    if bare[0].isdigit() and not any(character.isalpha() for character in bare):
        for number in re.findall(r"\d+(?:\.\d+)*", bare):
            yield number, number
        return
    whole = _JOINT.sub("", bare)
    yield text, _stem(whole) if whole.isalpha() else whole
    parts = _PART.findall(bare)
    for part in parts:
        if part != bare and (len(part) > 1 or part.isdigit()):
            yield part, _stem(part) if part.isalpha() else part
        if amount := _AMOUNT.fullmatch(part):
            yield part, amount.group(1)


def _without_thousands(text: str) -> str:
    return _THOUSANDS.sub(lambda match: match.group().replace(",", ""), text)


@lru_cache(maxsize=1 << 16)
def _stem(word: str) -> str:
    import Stemmer  # only lexical commands need it

    # a stemmer holds the word it works on, so threads must not share one; making one is free
    return str(Stemmer.Stemmer(_stemmer(word[0]), 0).stemWord(word))


def _stemmer(letter: str) -> str:
    return next((name for name, first, last in _STEMMERS if first <= letter <= last), "english")


_STEMMERS = (
    ("greek", "\u0370", "\u03ff"),
    ("russian", "\u0400", "\u052f"),
    ("arabic", "\u0600", "\u06ff"),
    ("hindi", "\u0900", "\u097f"),
)
"""Scripts that one language, or one family, is written in."""


def _cut(text: str) -> Iterator[str]:
    """The words of a run of Chinese characters, and the shorter words inside long ones."""
    import rjieba  # reads its dictionary at the first word

    for word in rjieba.cut_for_search(text):
        if _DICTIONARY[0] <= word[0] <= _DICTIONARY[1]:
            yield word
        else:  # a run of characters that the dictionary has no word with
            yield from word


@cache
def _simplified() -> opencc.OpenCC:
    import opencc  # loads its tables

    return opencc.OpenCC("t2s")


@cache
def _accents() -> dict[int, str | None]:
    """A translation table that takes the accents off Latin letters."""
    table: dict[int, str | None] = {}
    for code in [*range(0xC0, 0x250), *range(0x1E00, 0x1F00)]:
        base = "".join(
            character
            for character in unicodedata.normalize("NFD", chr(code))
            if not unicodedata.combining(character)
        )
        if base and base != chr(code):
            table[code] = base
    table |= {0x307: None, 0x131: "i"}  # what is left of İ in small letters, and its other half
    table |= {0xF8: "o", 0x142: "l", 0x111: "d", 0xE6: "ae", 0x153: "oe", 0x451: "\u0435"}
    table |= {code: None for first, last in _POINTS for code in range(first, last + 1)}
    table |= {ord(one): other for one, other in zip("أإآٱىکی", "اااايكي", strict=True)}
    return table | {zero + digit: str(digit) for zero in _ZEROS for digit in range(10)}


_POINTS = (
    (0x591, 0x5BD), (0x5BF, 0x5BF), (0x5C1, 0x5C2), (0x5C4, 0x5C5), (0x5C7, 0x5C7),
    (0x610, 0x61A), (0x640, 0x640), (0x64B, 0x65F), (0x670, 0x670), (0x6D6, 0x6DC),
)  # fmt: skip
"""Vowel points and strokes, which Hebrew and Arabic are mostly written without."""

_ZEROS = (0x660, 0x6F0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xE50, 0xED0, 0x1040, 0x17E0)
"""Of scripts with digits of their own."""

_LATIN_WORD = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]+")


@cache
def _scripts() -> dict[str, re.Pattern[str]]:
    ranges = {
        "han": _HAN,
        "kana": _KANA,
        "ko": _HANGUL,
        "ru": "\u0400-\u052f",
        "el": "\u0370-\u03ff\u1f00-\u1fff",
        "ar": "\u0600-\u06ff\u0750-\u077f",
        "he": "\u0590-\u05ff",
        "hi": "\u0900-\u097f",
        "th": "\u0e00-\u0e7f",
    }
    return {name: re.compile(f"[{characters}]+") for name, characters in ranges.items()}


_SMALL_WORDS = {
    "en": "the of and to is in that it was for on are with as be this have from or by not you "
    "what who how why when where which does do did",
    "fr": "le les du des et est une dans que qui pour pas sur avec sont au aux plus ce par il elle "
    "où quand comment pourquoi combien quel quelle quels quelles était quoi ses",
    "de": "der die das und ist nicht ein eine den mit von zu auf für im dem sich auch wird es "
    "wie wer wann warum wo wurde welche welcher welches viel viele hatte hieß des als nach",
    "es": "el los las y es una que en del por con para no se su como más lo pero al fue "
    "qué quién cuándo dónde cómo cuánto cuánta cuántos cuántas cuál era",
    "it": "il che di è una per non con del sono della gli nel alla anche come più si le ma "
    "chi cosa dove perché quanto quanti quale era",
    "pt": "o os as e é uma que não em do da para com por mais no na dos ao foi se como "
    "quem quando onde quanto quantos qual era",
    "nl": "de het een en van dat niet op te zijn met voor ook aan er maar om door wordt "
    "wie wat waar wanneer waarom hoe welke hoeveel had",
    "vi": "là của và có không được cho những một trong với các này người ở đã khi thì như gì nào "
    "bao nhiêu sao đâu năm",
    "pl": "się nie na jest że jak ale przez był była które czy kto kiedy gdzie dlaczego ile od",
    "tr": "bir ve bu için ile çok daha gibi olarak kim nerede neden nasıl kaç ne zaman mi",
    "sv": "och att det som är på inte jag av för den ett hur vem varför när många",
    "cs": "se na je že jako ale který byl pro co kdo kdy kde proč kolik jak od po",
    "ro": "și este nu mai pentru din care că cu cine când unde cum câți a fost",
    "hu": "az és hogy nem egy volt meg csak ki mikor hol miért hány milyen",
    "fi": "ja ei että oli hän kun mutta ovat kuka milloin missä miksi kuinka mikä",
    "id": "yang dan di dengan untuk tidak ini itu dari pada siapa kapan mana mengapa berapa apa",
}


_OTHER_SMALL_WORDS = {
    "fr": "de la un en se ne je tu on nous vous ils elles son sa leur leurs a ont avait était "
    "étaient cette cet si y d l s n c qu",
    "de": "er sie ich wir ihr an in bei um so noch nur mehr seine seiner ihre war hat haben hieß",
    "es": "de la un en a lo le les me mi tu ya si muy había ha son eran estaba",
    "it": "un la lo i in a e ha hanno aveva erano si ci",
    "pt": "de a um ele ela seu sua eram está estava tinha",
    "nl": "in is hij zij ik was waren hun als bij",
    "vi": "thì mà bằng vào ra lên từ cũng rồi lại nó tôi",
    "ru": "и в не на что с как это по но из за у от к о же бы для то он она они мы вы я был была "
    "было были его её их кто когда где почему сколько какой какая какие какую какое чем ли",
    "ar": "في من على إلى عن أن التي الذي هذا هذه كان كانت لم لا ما هو هي قد ثم و متى أين كم كيف "
    "لماذا هل",
    "he": "של את על עם זה היה היא הוא לא כי גם אם או מה מי מתי איפה למה כמה איך האם",
    "hi": "का की के में है हैं को से पर और यह वह ने भी था थी थे कि क्या कौन कब कहाँ क्यों कितने कितनी कितना "
    "कैसे किस",
}


@cache
def _small_words(language: str) -> frozenset[str]:
    """The small words of a language that is neither Chinese nor English, folded."""
    listed = "" if language == "en" else _SMALL_WORDS.get(language, "")
    return frozenset(fold(f"{listed} {_OTHER_SMALL_WORDS.get(language, '')}").split())


@cache
def _votes() -> dict[str, tuple[str, ...]]:
    votes: dict[str, tuple[str, ...]] = {}
    for name, listed in _SMALL_WORDS.items():
        for word in listed.split():
            votes[word] = (*votes.get(word, ()), name)
    return votes


def _latin_language(latin: list[str], otherwise: str) -> str:
    tally = dict.fromkeys(_SMALL_WORDS, 0)
    for word in latin:
        for name in _votes().get(word, ()):
            tally[name] += 1
    best = max(tally, key=lambda name: tally[name])  # English stands first and wins a tie
    # a name such as "La La Land" or "GPT-4o" is no evidence: a sixth of running text is small words
    # and one word again and again, as in a table's "Yes | No | No opinion", is no language
    different = sum(best in _votes().get(word, ()) for word in set(latin))
    return best if tally[best] >= max(2, len(latin) / 12) and different > 1 else otherwise


@cache
def _stop_words() -> frozenset[str]:
    english = """
        a about after again all also am an and any are as at be because been before being between
        both but by can could did do does doing don't for from had has have having he her here hers
        him his how i if in into is it its itself it's just let's may me might more most must my no
        nor not now of off on once only or other our ours out over own same she should so some such
        than that that's the their theirs them then there these they this those through to too under
        until up upon us very was we were what what's when where which while who whom whose why will
        with would you your yours tell say said please give explain describe according does
        doesn't didn't isn't aren't wasn't won't can't
        dont doesnt didnt isnt arent wasnt cant whats thats whos wheres im
    """
    chinese = """
        的 了 和 是 在 有 我 我们 你 你们 他 她 它 他们 她们 它们 这 那 这个 那个 这些 那些
        这里 那里 这样 那样 这么 那么 什么 怎么 怎样 怎么样 如何 为什么 为何 哪 哪个 哪些
        哪里 哪儿 谁 几 多少 吗 呢 吧 啊 呀 嘛 着 过 地 得 之 与 及 或 或者 并 并且 而 而且
        但 但是 不过 因为 所以 因此 由于 如果 虽然 则 就 都 也 又 还 再 才 只 很 最 更 太
        非常 把 被 让 使 给 对 对于 关于 从 到 向 于 以 以及 为 为了 由 用 按 根据 个 一个
        一些 一种 种 些 上 下 中 里 内 外 后 前 时 时候 会 能 能够 可以 可 要 需要 应该 没
        没有 不 不是 其 其中 该 此 各 每 某 等 等等 请 请问 告诉 说 说明 介绍 解释 认为 作者
        文章 文中 提到 哪几 几个 哪一 是不是 有没有 是否 还是 就是 这是 那是 请说 上面 下面
        之后 之前
    """
    return frozenset(english.split()) | frozenset(chinese.split())
