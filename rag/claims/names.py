"""Names in a text: Latin words with capitals, identifiers, and Chinese proper names.

Chinese has no capitals, so a stretch counts as a name only by clear signs: the point inside a
transcribed name, the marks of a title, a family name before a given one, a well-known place, or a
word that only bodies carry (…公司, …大学). What shows none of these is left to coverage.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from rag.fold import content_words, words

__all__ = ["SURNAMES", "han_names", "latin_names", "quotations", "spelt_out"]

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HAN_CHAR = re.compile(f"[{_HAN}]")
# A Han character ends a Latin word: Chinese puts no space between them.
_LETTER = rf"[^\W{_HAN}]"
_LATIN = re.compile(rf"[A-Za-z\u00c0-\u024f](?:{_LETTER}|['’&.-])*")
_IDENTIFIER = re.compile(
    rf"(?<!{_LETTER})(?<!\.)(?=(?:{_LETTER}|[.-])*[A-Za-z])(?=(?:{_LETTER}|[.-])*\d)"
    rf"{_LETTER}(?:{_LETTER}|[.-])*{_LETTER}|(?<![\d.])\d+(?:\.\d+){{2,}}"
)
_ORDINARY_ENDING = re.compile(
    r"(?:ing|ed|ly|tion|sion|ment|ness|ity|ance|ence|ism|al|ous|ive|able|ful|er|s)s?$"
)
_QUOTED = re.compile(
    r"《([^《》]{1,60})》|“([^“”]{2,200})”|「([^「」]{2,200})」|\"([^\"]{3,200})\""
)

SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余于杜叶程"
    "魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫雷龙段郝孔邵史毛常万顾赖武康贺严尤钱施洪龚汤陶"
)
_PLACE_NAMES = """
    中国 美国 英国 法国 德国 日本 韩国 朝鲜 印度 俄国 俄罗斯 苏联 意大利 西班牙 葡萄牙 荷兰
    比利时 瑞士 瑞典 挪威 丹麦 芬兰 波兰 奥地利 希腊 土耳其 埃及 南非 巴西 阿根廷 智利 墨西哥
    加拿大 澳洲 澳大利亚 新西兰 泰国 越南 马来西亚 新加坡 印尼 菲律宾 缅甸 伊朗 伊拉克 以色列
    沙特 乌克兰 亚洲 欧洲 非洲 美洲 北美 南美 欧盟 北京 上海 广州 深圳 天津 重庆 成都 杭州 南京
    武汉 西安 苏州 厦门 青岛 大连 香港 澳门 台湾 台北 高雄 台中 台南 福建 广东 浙江 江苏 山东
    河南 河北 湖南 湖北 四川 云南 贵州 陕西 山西 江西 安徽 海南 吉林 辽宁 甘肃 青海 新疆 西藏
    内蒙古 宁夏 广西 黑龙江 东京 大阪 京都 首尔 伦敦 巴黎 柏林 罗马 莫斯科 纽约 洛杉矶 旧金山
    硅谷 华盛顿 芝加哥 波士顿 西雅图 加州 德州 悉尼 墨尔本 曼谷 孟买 迪拜
"""
_PLACES = frozenset(_PLACE_NAMES.split())
_BODIES = (
    "公司|集团|大学|学院|银行|医院|研究所|研究院|实验室|出版社|电视台|基金会|委员会|协会|中学|小学|杂志|日报|"
    "省|市|县|镇|州"
)
_PERSON = re.compile(f"[李王刘陈杨赵吴徐孙郭蒋沈韩邓冯曹][{_HAN}]{{2}}")
_TRANSCRIBED = re.compile(f"[{_HAN}A-Za-z]{{1,6}}(?:[·・][{_HAN}A-Za-z]{{1,6}})+")
_AFTER = re.compile(f"(?:{_BODIES})")
_POINTS_AT = re.compile("(?:[这那该本此某每各哪几][家个所座间支本份]?|我们|他们|一家|一所|一个)$")
_PERSON_AFTER = re.compile(
    "先生|女士|教授|博士|院士|总统|主席|总理|部长|老师|校长|将军|国王|皇帝|小姐"
)


_SPELT_OUT = {
    "ai": "人工智能|人工智慧", "llm": "大模型|大语言模型|大型语言模型", "gpu": "显卡|图形处理器",
    "cpu": "处理器", "pc": "电脑", "tv": "电视", "gdp": "国内生产总值", "un": "联合国",
    "eu": "欧盟", "us": "美国", "usa": "美国", "uk": "英国",
    "ceo": "首席执行官|总裁|执行长", "cto": "首席技术官",
    "phd": "博士", "vr": "虚拟现实", "ev": "电动车|电动汽车", "who": "世卫", "nba": "美职篮",
}  # fmt: skip


def spelt_out(name: str) -> tuple[str, ...]:
    """What letters that Chinese texts use stand for, folded: AI is 人工智能."""
    return tuple(_SPELT_OUT.get(name.lower(), "").split("|")) if len(name) <= 3 else ()


def latin_names(text: str, taken: Sequence[tuple[int, int]]) -> list[str]:
    """Latin words that name something, outside the spans `taken` by values.

    In a Chinese text every Latin word; in an English one words with a capital, identifiers such as
    GPT-4 or 3.11.2. A word that may have its capital from beginning a sentence is marked by "^".
    """
    latin = [m for m in _LATIN.finditer(text) if not any(a <= m.start() < b for a, b in taken)]
    found = [match.group() for match in _IDENTIFIER.finditer(text)]
    if taken:
        dates = [text[a:b] for a, b in taken]
        found = [name for name in found if not any(name in date for date in dates)]
    han = len(_HAN_CHAR.findall(text))
    chinese = han > 0 and han > len(latin)
    capitals = sum(m.group()[0].isupper() for m in latin)
    if not chinese and len(latin) > 3 and capitals > 0.7 * len(latin):
        return found  # a title: its capitals say nothing
    for i, match in enumerate(latin):
        word = re.sub(r"['’]s$", "", match.group().rstrip(".'’-&"))
        if len(word) < 2 or not content_words(word):
            continue
        if chinese:
            found.append(word)
        elif word[0].isupper() or any(c.isupper() for c in word[1:]):
            following = latin[i + 1].group() if i + 1 < len(latin) else ""
            joined = following[:1].isupper() and text[match.end() : match.end() + 1] == " "
            first = _begins(text, match.start()) and not joined and word[1:].islower()
            if first and _ORDINARY_ENDING.search(word):
                continue
            found.append(("^" if first else "") + word)
    return list(dict.fromkeys(found))


def _begins(text: str, at: int) -> bool:
    before = text[:at].rstrip(" “\"'‘(*_「《")
    return not before or before[-1] in ".!?:;\n•-–—。！？："


def quotations(text: str) -> list[str]:
    """What stands in the marks of a title or a quotation."""
    return [next(filter(None, match.groups())) for match in _QUOTED.finditer(text)]


def han_names(
    folded: str, missing: Sequence[tuple[int, int]], listed: Sequence[str] = ()
) -> list[str]:
    """The Chinese proper names among the stretches `missing` of a folded text.

    `listed` are the words of the whole text: a given name may end in a character that is not
    missing.
    """
    found = []
    for start, end in missing:
        run = folded[start:end]
        if len(run) < 2:
            continue
        if folded[start - 1 : start] in {"·", "・"} or folded[end : end + 1] in {"·", "・"}:
            found.append(_with_points(folded, start, end))
        elif (after := _AFTER.match(folded, end)) and len(run) <= 8:
            if not _POINTS_AT.search(run):  # 这家公司
                found.append(run + after.group())
        else:
            words_of = [*_words_in(run), *(w for w in listed if len(w) == 3 and w[:2] in run)]
            words_of += [m.group() for m in _PERSON.finditer(run) if _apart(m.group(), listed)]
            found += [word for word in words_of if _is_name(word, folded[end : end + 2])]
    return list(dict.fromkeys(found))


def _apart(name: str, listed: Sequence[str]) -> bool:
    """Whether the segmenter left the family name alone: 李|大明 but not 王国|内."""
    return name[1:] in listed and not any(name[:2] in word for word in listed)


def _with_points(folded: str, start: int, end: int) -> str:
    """The whole transcribed name that the stretch is a part of: at most six characters a part."""
    for match in _TRANSCRIBED.finditer(folded):
        if match.start() < end and start < match.end():
            return match.group()
    return folded[start:end]


def _words_in(run: str) -> list[str]:
    found = [word for word in words(run) if len(word) > 1 and _HAN_CHAR.match(word)]
    listed = [w for w in found if not any(w != other and w in other for other in found)]
    return listed if run in found or len(run) > 3 else [*listed, run]


def _is_name(word: str, after: str) -> bool:
    if word in _PLACES:
        return True
    tag = _tag(word)
    if word[0] in SURNAMES and 2 <= len(word) <= 3:
        if _PERSON_AFTER.match(after):
            return True
        return len(word) == 3 and tag in {"", "nr", "nrt", "nrfg"}
    return len(word) >= 3 and tag in {"ns", "nt", "nrt"}


@lru_cache(maxsize=4096)
def _tag(word: str) -> str:
    """The part of speech of a dictionary's word, "" for what is none."""
    import rjieba

    found = rjieba.tag(word, False)
    return str(found[0][1]) if len(found) == 1 and rjieba.has_word(word) else ""
