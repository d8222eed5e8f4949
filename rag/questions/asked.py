"""What a question asks for: the kind of answer, and the words that an answer should be near.

By the question words of Chinese and English, and those of some other languages
(`rag/questions/elsewhere.py`), so it costs nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal, cast

from rag.fold import content_words, fold, language
from rag.questions import elsewhere

__all__ = [
    "ASKING",
    "ENGLISH_ASKING",
    "Asked",
    "Kind",
    "asked",
    "asks",
    "fits",
    "is_question",
    "is_small_talk",
    "signs",
]

Kind = Literal[
    "number", "date", "person", "place", "name", "reason", "list", "yes or no", "manner", "other"
]

_HAN = "\u3400-\u4dbf\u4e00-\u9fff"

# The first that is found names the kind: what is more certain stands first. Folded text.
_KINDS: tuple[tuple[Kind, str], ...] = (
    (
        "date",
        r"何时|何年|几时|(?:什么|啥)(?:时候|时间|年代|日子)|(?:哪|几)[一]?(?:年|月|日|天"
        r"|号)(?!内|后)"
        # "When should one see a doctor?" asks for a condition
        r"|(?:\bwhen\b(?=.*\b(?:did|was|were|is|are|will|does|do|has)\b)|^when\b)"
        r"(?! (?:should|must|can|to|do (?:you|we|i|people))\b)"
        r"|\b(?:what|which) (?:year|month|date|day|century|decade|time)\b",
    ),
    (
        "number",
        r"多少|几多|(?<![这那])几(?:个|位|次|倍|种|层|家|本|篇|份|人|度|成|块|刀|万|亿|千|百|岁|趟|分"
        r"|美|项|条|名|元|公里|米|小时|分钟|天内)"
        r"|百分之几|多(?:久(?!.{0,3}一次)|长|大|高|远|重|宽|深|快|贵)|第几|为几"
        r"|[达占是有](?:比例|份额)|几成"
        r"|\bhow (?:many|much|long|far|old|tall|high|large|big|deep|wide|fast|heavy)\b"
        r"|\b(?:what|which) (?:\w+ )?(?:percentage|percent|number|amount|share|proportion"
        r"|fraction|price|size"
        r"|population|rate|age|length|height|distance|valuation|score|speed|temperature)\b"
        r"|\bwhat (?:is|was|were|are) the (?:\w+ )?(?:number|percentage|population|amount|price"
        r"|size"
        r"|rate|cost|length|height|distance|score|age|ratio|share)\b"
        # not "what did it cost her?": that need be no money
        r"|\bwhat (?:does|do|did|would|will) (?!it\b)[^,;?]*\b(?:cost|charge|weigh|earn)\b"
        r"(?! (?:me|you|him|her|us|them)\b)"
        r"|\bwhat (?:\w+ )?(?:revenue|salary|budget|fee|rent|turnover)\b",
    ),
    ("reason", r"(?<![称名])为(?:什么|何|啥)|点解|怎么会|何以|(?:什么|啥|何)(?:原因|缘故|理由)"
               r"|(?<![文单])凭(?:什么|啥)|(?:原因|理由|缘由)(?:是|有|为|呢|何在)"
               r"|\bwhy\b|\bhow come\b|\bwhat (?:caused?|reasons?|led|made|makes)\b"),
    ("person", r"谁|边(?:个|位)(?=[^界])|哪(?:一|几|些|两|三|二)?位|何人|哪(?:个|些)人"
               r"|姓(?:什么|啥|何)|\bwho(?:m|se)?\b"
               r"|\b(?:what|which) (?:person|man|woman|king|queen|president|author|actor"
               r"|artist)\b"),
    ("place", r"边度|哪里|哪儿|哪边|在哪[?？]?$|何处|何地|哪(?:一)?(?:个|座|所)?(?:国家|城市|地方"
              r"|地区|省|县|州|市|洲|国|大学|学校|医院)"
              r"|什么地方|位于何|\bwhere\b|\b(?:what|which) (?:country|city|state|place|town|region"
              r"|continent|county|province|area|location|river|university|school|hospital)\b"),
    (
        "list",
        r"哪[些几两二三四五六七八九十]|分别|各(?:是|有|被|做|自|叫)|有(?:什么|啥)|列(?:出|举)"
        r"|\blist\b|\bname (?:the|all|two|three|four|five)\b|\bwhat are\b|\bwhat (?:two|three"
        r"|four|five)\b"
        r"|\bwhich (?:\w+ )?(?:two|three|four|five)\b|\bwhat (?:\w+ ){1,2}(?:are|were|do|did"
        r"|have)\b"
        r"|\bwhich (?:\w+ ){1,2}(?:are|were|do|have)\b",
    ),
    ("manner", r"如何|怎么?样?|怎|\bhow\b(?! often)"),
    (
        "name",
        r"哪(?:一)?(?:个|家|款|本|篇|部|首|种|支|只|项|门|类|件|层|句|条)|谁家|叫(?:什么|啥|作"
        r"|做)|名(?:字|称)"
        r"|(?:什么|啥|何)名|\bwhich\b|\bnamed?\b|\bcalled\b|\bwhat (?:company|book|film|team"
        r"|song|language"
        r"|model|type|kind|group|organi[sz]ation|title)\b",
    ),
    (
        "yes or no",
        r"吗[?？]?$|是不是|有没有|是否|会不会|能不能|可不可以|要不要|行不行"
        r"|^(?:and |so |but )?(?:is|are|was|were|do|does|did|can|could|will|would|has|have|had"
        r"|should"
        r"|may|might|must)\b",
    ),
)  # fmt: skip

_NUMERAL = r"[〇零一二两三四五六七八九十百千万亿半几数]"
_SPELT = (
    "(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven"
    "|eigh|nine)teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand"
    "|(?:m|b|tr)illion|dozen)"
)
_TENS = (
    "(?:oh|(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty)"
)
_MONTH = (
    "january|february|march|april|may|june|july|august|september|october|november|december"
    "|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
)
_SIGNS: dict[Kind, str] = {
    "number": r"\d+(?:[.,]\d+)*"
    rf"|{_NUMERAL}+(?=[万亿倍成个位次种层家本篇份人度块岁趟分美项条名元天年月周米公小秒吨页"
    r"亩顷尺斤克升户栋座间台辆艘株棵])|[一二两三四五六七八九][十百千][〇零一二三四五六七八九十百千]*"
    rf"|[百千万]分之{_NUMERAL}+"
    rf"|\b(?:{_SPELT}s?|half|third|quarter|once|twice)\b",
    "date": r"(?<!\d)(?:1\d|20)\d\d(?!\d)|\d+(?=\s?(?:年|月|日|世纪|bc\b))|"
    rf"{_NUMERAL}+(?=年|月|日|世纪)|\b(?:{_MONTH})\b|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b"
    r"|\d+(?:st|nd|rd|th) century|今年|去年|明年|年初|年底|上半年|下半年"
    # a year as it is spoken; the time of day
    rf"|\b(?:seventeen|eighteen|nineteen|twenty)[ -](?:hundred\b(?! (?:thousand|million))|{_TENS})"
    r"|(?<![\d:])(?:[01]?\d|2[0-3]):[0-5]\d(?![\d:])"
    rf"|\b(?:\d{{1,2}}|{_SPELT}) ?(?:o['’]clock|[ap]\.?m\b)"
    rf"|(?:\d{{1,2}}|{_NUMERAL}{{1,3}})点(?=[钟半整到,，。;；、]|{_NUMERAL}|\d|$)"
    # two days later, 三天后
    rf"|\b(?:\d+|{_SPELT}) (?:minute|hour|day|week|month|year)s?"
    r" (?:later|earlier|ago|after|before)\b"
    rf"|(?:\d|{_NUMERAL})(?:分钟|个?小时|天|周|个?星期|个?月|年)(?:之|以)?[后前](?!面)"
    r"|\b(?:noon|midnight|sunrise|sunset|dawn|dusk)\b|中午|半夜|午夜|凌晨|黎明|傍晚",
    "reason": r"因为|因此|由于|所以|原因|导致|使得|从而|以致|为了|以便|致使|缘于|源于|归功|促使"
    r"|才能|既然|鉴于|否则|不然"
    r"|\bbecause\b|\bsince\b|\bdue to\b|\bas a result\b|\bso that\b|\btherefore\b|\bthus\b"
    r"|\bin order to\b|\bthanks to\b|\breasons?\b|\bcaus(?:e|es|ed|ing)\b|\bled to\b|\bleads? to\b"
    r"|\bowing to\b|\bwhy\b",
    "list": r"、|[,，;；](?=\S)|, | and | or |和|与|以及|及|→|->|/|①|②|③",
    "manner": r"通过|利用|借助|以(?=.{1,12}来)|用|靠|\bby\b|\bthrough\b|\busing\b|\bvia\b|\bwith\b",
    "person": rf"·|[{_HAN}](?:先生|女士|教授|博士|总统|院士|老师|导演|皇帝|王|公)",
    "place": r"国|省|市|县|州|洲|岛|山|河|湖|海|路|街|区|镇|村|城|京|大学|学院|医院|位于|\bin\b"
    r"|\bat\b|\bnear\b",
}
_AMOUNT = (
    rf"(?:\d[\d.,]*|{_NUMERAL}+"
    rf"|\b{_SPELT}(?:(?: and |[ -]){_SPELT}\b)*(?: and a (?:half|quarter))?)"
)
_SCALE = (
    r"\s?(?:万亿|千亿|百亿|千万|百万|万|亿|k\b|m\b|bn?\b|thousand|million|billion|trillion)?\s?"
)

_MONEY = (
    r"[$€£¥₹₩₽₺₪₫₱฿]\s?\d|\b(?:rs|chf|kr|sek|nok|dkk|inr|usd|eur|gbp|jpy|cny|rmb)\b\.?\s?\d"
    r"|\b(?:hundred|thousand|million|billion|trillion)s? (?:of )?dollars"
    # 七万八, 8.3万: spoken of money, nothing is counted
    rf"|{_NUMERAL}[万千百][一二三四五六七八九](?![{_HAN}])|\d万(?=[,，、。;；)）]|$)"
    rf"|{_AMOUNT}{_SCALE}(?:多|余)?(?:美元|美金|日元|欧元|港元|韩元|人民币|台币|英镑|法郎|卢比|卢布"
    r"|泰铢|元|円|圆|刀|块|毛|蚊|(?:usd|eur|gbp|chf|sek|nok|dkk|inr|jpy|cny|rmb|kr|dollars?|cents?|euros?"
    r"|pounds?|pence|quid|bucks|shillings?|yuan|yen|rupees?|rupiah|ringgit|baht|dong|francs?|marks"
    r"|guilders?|gulden|kron(?:a|e|or|er|ur)|crowns|zlot(?:y|ys|ych)|forints?|r(?:o?u)bles?"
    r"|hryvnias?|lari|liras?|lire|pesos?|reais|rand|naira|dinars?|dirhams?|riyals?|shekels?)\b)"
)
_TIME = (
    rf"{_AMOUNT}\s?(?:多|几)?\s?(?:个?(?:年|月|星期|周|天|日|小时|钟头|分钟|秒|毫秒)|years?|months?"
    r"|weeks?|days?|hours?|minutes?|seconds?|ms\b)"
    r"|\ban? (?:year|month|week|day|hour|minute|second)\b|一天|半年|半天"
)
_SIZE = (
    rf"{_AMOUNT}{_SCALE}(?:平方|立方)?(?:公里|千米|厘米|毫米|米|英里|英尺|公尺|公斤|千克|克|吨|磅|公顷"
    r"|亩|km|cm|mm|m\b|kg|miles?|feet|ft|metres?|meters?|kilomet|inch|pounds?|tons?|acres?"
    r"|hectares?|square|sq)"
)

# What a number must carry: (how the question asks for it, what an answer looks like), both folded.
_UNITS: tuple[tuple[str, str], ...] = (
    (
        r"百分|比例|份额|占比|几成|占.{0,12}多少|percent|\bshare\b|proportion|\brate\b|率是?多少",
        r"\d\s?%|百分之|百分点|\d\s?/\s?\d|分之|成(?=的|$|[,。,])"
        rf"|(?:\d|{_NUMERAL})成(?:半|多|左右|以上)|percent|half|third|quarter|fifth",
    ),
    (
        r"多少钱|多少(?:美|日|欧|港)?(?:元|刀|块|美金)|几刀|价格|价钱|售价|定价|估值|市值|收入"
        r"|营收|利润|工资|薪|赚|花费|费用|成本"
        r"|\bcosts?\b|\bprice|\brevenue|\bsalary|\bvaluation|\bearn|\bincome|\bmoney\b|\bworth\b"
        r"|\bpa(?:y|id)\b|\bdollars?\b|\bwhat (?:does|do|did|would|will) .*\bcharge\b",
        _MONEY,
    ),
    # of a stay it asks for time, of a bridge or a book for length
    (
        r"\bhow long (?:is|are|was|were)\b",
        rf"{_TIME}|{_SIZE}|{_AMOUNT}{_SCALE}(?:pages?|words|页|字)",
    ),
    (
        r"多久|多长时间|几(?:年|天|个月|小时|分钟)|多少(?:年|天|个?月|个?小时|分钟|秒|毫秒)"
        r"|\bhow long\b"
        r"|\bhow many (?:years|months|weeks|days|hours|minutes|seconds)\b",
        _TIME,
    ),
    (r"\bhow (?:old)\b|几岁|多少岁|年龄", rf"{_AMOUNT}\s?(?:周?岁|years?)|aged? \d"),
    (r"多少人|多少名|多少位|几(?:个人|名|位)|人数|人口|\bhow many people\b|\bpopulation\b",
     rf"{_AMOUNT}{_SCALE}(?:多|余)?\s?(?:个?人|名|位|people|inhabitants|residents|persons|men"
     rf"|women|employees)"
     r"|人口|population"),
    (
        r"多[高长远宽深重快]|\bhow (?:tall|high|far|deep|wide|heavy|fast)\b|面积|高度|长度|距离",
        _SIZE,
    ),
)  # fmt: skip
_COUNTS = dict(zip("三四五六七八九十", range(3, 11), strict=True)) | dict(
    zip(
        ["three", "four", "five", "six", "seven", "eight", "nine", "ten"], range(3, 11), strict=True
    )
)
_HOW_MANY = re.compile(rf"(?:哪|which |what |the )(?P<n>{'|'.join(_COUNTS)})(?=[{_HAN}]| )")
_LONGEST_LIST = 6
_MEASURES = "个張张份篇趟次种层家本块项条台辆座所间只头枚颗粒场届期页字门款支部首件卷套批代类级倍度"
_COUNTED = re.compile(
    rf"(?:多少(?=[^能会可是有要用被在的])|(?<![这那])几(?=[{_MEASURES}]))\s?(?P<han>[{_HAN}])"
    r"|\bhow many (?P<latin>[a-z]+)(?: (?P<second>[a-z]+))?"
)

# A reply ("A: Fourteen.") or a table's cell: what it counts stands in the question before it or in
# the table's head.
_ALONE = rf"^(?:.{{0,40}}?[:：]\s?)?{_AMOUNT}[.。!！]?$|(?<=\|)\s*{_AMOUNT}\s*(?=\|)"

_HOW_BIG = re.compile("多(?:少|久|长|大|高|远|重|宽|深|快|贵)")
_SMALL_TALK = re.compile(
    r"[a-z0-9]?|(?:hi+|hey+|hello|hullo|howdy|good (?:morning|afternoon|evening|night)|bye|goodbye"
    r"|see you|thanks?(?: you)?(?: (?:so|very) much)?|thx|ty|cheers|ok(?:ay)?|yes|yeah|yep|no|nope"
    r"|sure|cool|nice|great|wow|lol|haha+|hmm+|please|sorry|test(?:ing)?|ping|go|go on)"
    r"(?: there| all| you| everyone| again)?"
    r"|[嗯哦噢啊唉哎喂呵哈嘿额呃]+|你好|您好|大家好|早上好|早安|晚上好|晚安|下午好|在吗|在不在|你在吗"
    r"|再见|拜拜|谢谢(?:你|您|大家)?|多谢|感谢|辛苦了|不客气|好的?|好吧|行|可以|是的?|对的?|不是?|没有"
    r"|知道了|明白了?|懂了?|测试(?:一下)?|试试|继续|不好意思|对不起|抱歉"
    # to the program itself
    r"|(?:who|what) are you|what(?:s| is) your name|what can (?:you|i) (?:do|ask)(?: you)?"
    r"|how (?:are you|do you work)|can you help(?: me)?|help(?: me)?|tell me a (?:joke|story)"
    r"|你是谁|你叫什么(?:名字)?|你(?:能|会|可以)(?:做|干|帮我做)?(?:什么|啥)|怎么用|帮帮我|讲个笑话|你好吗"
)
_SIGNS_ONLY = re.compile(r"[\W_]+")

# "[00:02:38] REID: " and "4. ": the time and the number tell nothing.
_TURN_OR_ITEM = re.compile(
    r"^\W*(?:(?:\d{1,2}:)?\d{1,2}:\d{2}(?:[.,]\d+)?(?=[\])】）]|\s+\w[\w .·]{0,20}[:：])"
    r"|\d{1,3}[.)、](?!\d))\W*"
)

_LATIN_NAME = re.compile(r"[A-Za-z\u00c0-\u024f\u0410-\u042f][\w\u00c0-\u024f.+&’'-]*")
_HAN_CHAR = re.compile(f"[{_HAN}]")
_QUOTED = re.compile(r"《[^《》]{1,60}》|“[^“”]{2,60}”|「[^「」]{2,60}」|\*\*[^*]{2,60}\*\*")

_ENDS_ASKING = re.compile(r"[?？][”’」』】)）\"'*_\s]*$")


_HERE = frozenset({"zh", "en", ""})  # languages whose words stand in this module


@dataclass(frozen=True, slots=True)
class Asked:
    """A question taken apart. `words` are its content words, folded, once each, in order.
    `unit` finds numbers of the unit or thing that is asked for, where the question names one;
    `unit_elsewhere` does in sentences that are neither Chinese nor English; `count` is how many
    things a list that is asked for has, 0 where the question does not say."""

    text: str
    folded: str
    kind: Kind
    words: tuple[str, ...]
    unit: re.Pattern[str] | None = None
    unit_elsewhere: re.Pattern[str] | None = None
    count: int = 0


def asked(question: str) -> Asked:
    """The kind of answer that `question` asks for and the words it is made of."""
    folded = fold(question).strip()
    known = language(question) in _HERE
    kind: Kind = "other"
    if known:
        kind = next((name for name, pattern in _kinds() if pattern.search(folded)), "other")
    counted = _HOW_MANY.search(folded) if kind == "list" else None
    count = _COUNTS[counted["n"]] if counted else 0
    unit = _unit(folded) if kind == "number" else _items(count) if count else None
    if kind == "other":
        kind = cast(Kind, elsewhere.asks_for(folded) or "other")
        if kind in ("number", "other") and elsewhere.asks_price(folded):
            kind, unit = "number", _money()
    sums = elsewhere.money() if unit is _money() else None
    words = content_words(_HOW_BIG.sub(" ", folded))  # "how big" is no word that an answer holds
    return Asked(question, folded, kind, tuple(dict.fromkeys(words)), unit, sums, count)


def is_small_talk(question: str) -> bool:
    """Whether nothing is asked: a greeting, thanks, a yes or no, a single letter, signs."""
    said = _SIGNS_ONLY.sub(" ", fold(question)).strip()
    return _SMALL_TALK.fullmatch(said) is not None


def fits(question: Asked, folded: str, written: str = "") -> float:
    """1 where a sentence has a number with the unit asked for (or no unit is), else 0. Of sentences
    that are `written` in other languages only sums of money are known."""
    unit = question.unit if written in _HERE else question.unit_elsewhere
    if unit is None:
        return 1.0
    return float(any(m.group() not in question.folded for m in unit.finditer(folded)))


def _items(count: int) -> re.Pattern[str]:
    """What a list of `count` things inside a sentence looks like."""
    more = min(count, _LONGEST_LIST) - 1
    return re.compile(rf"(?:.{{1,60}}?(?:[、,，;；/]|->|→|\band\b|和|与|及|或)){{{more}}}")


def _unit(folded: str) -> re.Pattern[str] | None:
    for question, answer in _units():
        if question.search(folded):
            return answer
    counted = _COUNTED.search(folded)
    if counted is None:
        return None
    if counted["han"]:
        return re.compile(rf"{_AMOUNT}{_SCALE}(?:多|余)?\s?[个{counted['han']}]|#\d|{_ALONE}")
    nouns = "|".join(
        re.escape(noun[:6].rstrip("sy")) for noun in (counted["latin"], counted["second"]) if noun
    )
    # beside the noun in English, beside a measure word in Chinese
    return re.compile(
        rf"(?:{_SIGNS['number']})(?: ?[\w-]+){{0,2}} ?(?:{nouns})|{_AMOUNT}[{_MEASURES}]|{_ALONE}"
    )


ENGLISH_ASKING = r"\b(?:what|who|whom|whose|which|when|where|why|how)\b"
ASKING = re.compile(
    r"什么|啥|多少|(?<![好这那十])几(?!乎)|谁|哪|怎|如何|为何|何时|何处|何地|吗(?=\W|$)|是不是|是否"
    rf"|{ENGLISH_ASKING}"
)
"""The question words of Chinese and English, in folded text."""


def asks(folded: str) -> bool:
    """Whether a heading, folded, asks or leads in: "How we started", 我们做错了什么."""
    return ASKING.search(folded) is not None


def is_question(sentence: str) -> bool:
    """Whether a sentence asks, so that it answers nothing."""
    return bool(_ENDS_ASKING.search(sentence))


def signs(question: Asked, sentence: str, folded: str, written: str = "") -> float:
    """How clearly a sentence, in a language if it is known, holds something of the kind that is
    asked for, 0…1.

    What stands in the question too does not count: it is not what is asked for. 0 for a kind that
    leaves no sign. `folded`: `sentence` folded.
    """
    if question.kind in {"number", "date", "reason", "manner"}:
        folded = _TURN_OR_ITEM.sub("", folded)
        found = {m.group() for m in _sign(question.kind).finditer(folded)}
        other = elsewhere.sign(question.kind) if written not in _HERE else None
        found |= {m.group() for m in other.finditer(folded)} if other else set()
        return float(any(item not in question.folded for item in found))
    if question.kind == "list":
        return min(len(_sign("list").findall(folded)) / 4, 1.0)
    if question.kind in {"person", "place", "name"}:
        return _named(question, sentence, folded)
    return 0.0


def _named(question: Asked, sentence: str, folded: str) -> float:
    """New names: capitals in an English sentence, Latin words in a Chinese one, marked titles."""
    chinese = 2 * len(_HAN_CHAR.findall(sentence)) > len(sentence) / 2
    new = sum(
        1
        for match in _LATIN_NAME.finditer(sentence)
        if (chinese or (match.group()[0].isupper() and match.start() > 0))
        and match.group().casefold() not in question.folded
    )
    new += len(_QUOTED.findall(sentence))
    if question.kind in _SIGNS:
        new += len(_sign(question.kind).findall(folded))
    return min(new / 2, 1.0)


@cache
def _kinds() -> tuple[tuple[Kind, re.Pattern[str]], ...]:
    return tuple((kind, re.compile(pattern)) for kind, pattern in _KINDS)


@cache
def _units() -> tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]:
    return tuple((re.compile(asks), re.compile(answers)) for asks, answers in _UNITS)


def _money() -> re.Pattern[str]:
    return next(answer for _, answer in _units() if answer.pattern == _MONEY)


@lru_cache(maxsize=16)
def _sign(kind: Kind) -> re.Pattern[str]:
    return re.compile(_SIGNS[kind])
