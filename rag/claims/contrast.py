"""Words that turn a sentence round: negations, and pairs of opposites in Chinese and English.

General lists, not for any one text. A side of a pair holds the words of both languages, so that a
Chinese sentence can contradict an English passage. Chinese words are in Simplified characters:
compare with folded text (`rag.fold.fold`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

__all__ = [
    "GRANTED",
    "Contrast",
    "contrasts",
    "denials",
    "doubts",
    "negations",
    "sides",
    "takebacks",
    "turns",
]

Contrast = tuple[frozenset[str], frozenset[str]]

_TURNS = """
rise rose risen rising increase grow grew grown growth gain climb surge soar jump expand rebound
上升 上涨 增长 增加 提高 提升 升高 攀升 飙升 扩大 增多 上调 升至 涨至
升到 涨到 | fall fell fallen falling decrease decline drop shrink shrank plunge slump dip reduce
slid slide sink sank cut 下降 下跌 减少
降到 跌到 降低 下滑 跌至 降至 减小 缩小 暴跌 回落 下调 衰退 萎缩

higher high 更高 高于 较高 | lower low 更低 低于 较低

win won victory defeat beat 获胜 胜出 赢得 击败 战胜 打败 | lose lost loss 输掉 落败 战败 失利
输给 败给

success succeed successful 成功 | fail failure unsuccessful 失败

accept approve agree adopt 接受 批准 同意 赞成 通过 | reject refuse deny decline oppose 拒绝
否决 反对 否认 驳回

allow permit enable encourage legal 允许 准许 鼓励 合法 | forbid ban prohibit prevent illegal 禁止
不准 违法 非法

uphold upheld affirm 维持原判 维持了原判 维持判决 维持了判决 维持裁决
| overturn quash 推翻 撤销原判 撤销判决

buy bought purchase acquire 购买 买入 收购 | sell sold 出售 卖出 卖掉

import 进口 | export 出口

strong stronger strengthen 强 增强 | weak weaker weaken 弱 减弱 削弱

best better improve improvement 最好 更好 改善 改进 改良 好转 | worst worse worsen deteriorate
最差 更差 恶化 变差

fast faster fastest quick quickly rapid rapidly accelerate 最快 更快 迅速 加快 加速 | slow
slower slowest slowly 最慢 更慢 缓慢 放缓 减慢

profit 盈利 利润 | deficit 亏损

safe 安全 | dangerous unsafe 危险

expensive costly 昂贵 很贵 太贵 高价 | cheap cheaper cheapest inexpensive affordable 便宜 廉价 低价

shortage scarce scarcity 短缺 紧缺 稀缺 缺乏 | abundant abundance surplus plentiful 过剩 充足 充裕
丰富

domestic 国内 国产 本土 | foreign overseas international 国外 海外
"""

_PAIRS = """
more 更多 多于 超过 大于 | less fewer 更少 少于 不足 小于

before earlier prior 之前 以前 早于 | after later 之后 以后 晚于

begin began begun start 开始 启动 开启 | end finish cease conclude 结束 终止 停止

first 首次 首个 最早 最初 首先 | last final 最后 最终 末次

support favor favour 支持 | oppose against 反对

all every always 全部 所有 总是 一切 | none never 从不 毫无

include including 包括 包含 | exclude excluding 除外 排除 不包括

present attend 出席 在场 | absent miss 缺席

open 打开 开放 | close shut 关闭

arrive enter join 到达 进入 加入 | leave left depart quit exit 离开 退出

north northern 北部 北方 | south southern 南部 南方

east eastern 东部 东方 | west western 西部 西方

male man men boy husband father son 男性 男子 男人 丈夫 父亲 儿子 | female woman women girl wife
mother daughter 女性 女子 女人 妻子 母亲 女儿

positive 积极 正面 | negative 消极 负面

large larger largest big bigger biggest great greatest major 最大 较大 更大 巨大 | small smaller
smallest little minor tiny 最小 较小 更小 微小

most 最多 大多数 多数 | least fewest 最少 少数

all every everyone everybody 全部 所有 | most majority 大多数 多数 大部分 半数

maximum highest 最高 | minimum lowest 最低

long longer longest 更长 最长 | short shorter shortest brief 更短 最短 短暂

old older oldest 年长 最老 | young younger youngest 年轻 最年轻

early earliest 早期 | late latest 晚期

easy easier simple 容易 简单 | hard harder difficult complex 困难 复杂

love like enjoy 喜欢 喜爱 | hate dislike 讨厌 厌恶

happy glad pleased 高兴 快乐 | sad unhappy upset angry 难过 悲伤 生气

true correct right 正确 真实 | false incorrect wrong 错误 虚假

alive survive live 存活 幸存 | dead die died death kill 死亡 去世 死去

create build built found establish form 建立 创建 成立 设立 | destroy demolish abolish dissolve
摧毁 拆除 解散 废除

add 添加 加入 | remove delete 删除 去除 移除

above over 以上 | below under beneath 以下

inside within 内部 | outside 外部

public 公开 公共 | private secret 私人 秘密 私营

same identical similar 相同 相似 | different dissimilar 不同

possible able can 可能 能够 | impossible unable cannot 不可能 无法 不能

often frequently usually 经常 常常 | rarely seldom 很少 罕见

major majority 多数 | minority 少数

ancient 古代 | modern 现代

hot warm 炎热 热 | cold cool 寒冷 冷

rich wealthy 富裕 富有 | poor 贫穷 贫困

advantage benefit 优势 优点 好处 有利 | disadvantage drawback 劣势 缺点 坏处 不利

push 推 | pull 拉

offense attack 进攻 攻击 | defense defend 防守 防御

borrow 借入 | lend lent 借出

teach taught teacher 教 | student 学生

remember 记得 | forget forgot 忘记

direct directly 直接 | indirect indirectly 间接

raise 提出 | lower

upper 上游 | lower 下游

ascend 升序 | descend 降序

input 输入 | output 输出

optional 可选 | mandatory required compulsory 强制 必须

active 主动 | passive 被动

full 满 | empty 空

uphold upheld affirm 维持 | overturn quash overrule 推翻 撤销

visible 可见 | hidden invisible 隐藏 不可见
"""

GRANTED = re.compile(
    r"\b(?:uph[eo]ld\w*(?= (?:(?:the|an?|their|his|her|its) )?(?:\w+ )?(?:appeal|complaint|claim)))"
    r"|\b(?:appeal|complaint|claim) (?:was|is|were|been) upheld\b"
)
"""An appeal that is upheld turns the ruling round, and does not keep it."""
_NOT_NEGATIVE = re.compile(
    "不同|不仅|不但|不过|不断|不久|不少|不只|不管|不论|不如|不得不|不可避免|不愧|不外|非常|非洲|无论|无线|"
    "未来|无疑|不知不觉|差不多|了不起|对不起|不可或缺|是不是|会不会|能不能|不错|不禁(?!止)|不惜|除非|无非|莫非|"
    "不[低高多大小]于|不超过|不足|不[到够满](?= ?[0-9一二两三四五六七八九十百])|"
    "[淹沉埋吞覆泯]没|没收(?!到)|没落(?![下到])|无数|无锡|无比|无限|无不|不止|不停|不乏|"
    "not only|no doubt|no matter|no longer than|nothing but|not just|no sooner"
    "|(?:no|not) (?:more|less|fewer) than"
)
_NEGATIVE = re.compile(
    r"并非|没有|没|不|未|无|非(?=法|人|必|是)|并未|从未|勿|莫(?=不|能)"
    r"|\b(?:not|no|never|neither|nor|without|none|nobody|nothing|cannot|hardly|unable)\b|n['’]t\b"
)

# What a negation denies through the word for saying or thinking it: "nobody believes that".
_SAID = (
    r"(?:\s*(?:really|actually|ever|yet|any|much|a|the|been))*"
    r"\s*(?:think|thought|believe[sd]?|say|said|claim(?:ed)?|suggest(?:s|ed)?|mean|meant|true"
    r"|the case|certain|clear|evidence|proof|indication|sign|reason to (?:think|believe))"
    r"(?: that| whether)?(?=\W)"
)
_SAID_HAN = (
    "(?:有)?(?:任何)?(?:人|证据|迹象|理由)?(?:真的|能|能够|可以)?(?:认为|觉得|相信|说过|说|表示|表明|证明|"
    "意味着|代表|等于|证实|承认)?"
)
_DENIES = re.compile(
    r"\b(?:none|neither) of (?:them|these|those|us|which|whom)\b"
    r"(?: (?:is|are|was|were|has|have|had|do|does|did)\b)?"
    rf"|(?:{_NEGATIVE.pattern})(?:{_SAID}|{_SAID_HAN})"
    r"|\b(?:false|untrue|(?:lie|myth|rumou?r|hoax)s?) that\b|\bden(?:y|ies|ied|ying)\b(?: that)?"
    r"|\bdoubt(?:s|ed|ful)?\b(?: that| whether| if)?"
    r"|\b(?:refus(?:e|es|ed|ing)|fail(?:s|ed)?|declin(?:e|es|ed|ing)) to\b"
    r"|否认|拒绝|谣传|误传|误以为|谎称|辟谣称"
)
_TAKES_BACK = re.compile(
    r"(?:是|属于|纯属|乃|系)(?:一?个)?(?:谣言|谣传|谎言|谎话|假的|假消息|误传|误解|谬论)|不属实|不是真的|子虚乌有"
    r"|[都也]没有?(?=\W|\Z)"
    r"|\b(?:is|was|are|were) (?:simply |just |plainly )?"
    r"(?:false|untrue|not true|a (?:lie|myth|hoax|rumou?r))\b"
)
_UNSURE = re.compile(
    r"\b(?:if|unless|whether|alleg\w+|supposedly|reportedly|rumou?r(?:ed|s)?|pretend(?:s|ed)?"
    r"|imagine|claim(?:s|ed)? that|provided that|as long as|only (?:when|where|after|with)"
    r"|might|perhaps)\b|[声宣号据]称|据说|也许|或许|只有|只要"
    "|如果|假如|假使|倘若|(?<![主只还重])要是|除非|是否|据传|传言|假装|想象|谣"
)

# Right before a quotation, shown as "…": of fewer, or not so many.
_NEARLY = re.compile(
    r"(?:\b(?:nearly|almost|hardly|barely|part of|some of|most of|half of|less than|fewer than)"
    r"|几乎|将近|近乎|不到|不足|部分|半数|未必)\s?…"
)


@cache
def contrasts() -> tuple[Contrast, ...]:
    """The pairs of opposites: (words of one side, words of the other), folded, not stemmed."""
    lines = (pair.split("|") for pair in (_TURNS + "\n" + _PAIRS).split("\n\n"))
    return tuple((frozenset(a.split()), frozenset(b.split())) for a, b in lines)


@cache
def turns() -> int:
    """So many of the first pairs turn a sentence round in whatever language it is said.

    The others (first and last, open and closed) are often both true of one thing, and a translator
    uses them freely.
    """
    return _TURNS.count("|")


@cache
def sides() -> dict[str, tuple[tuple[int, int], ...]]:
    """Word → the (pair, side) places it stands at; a word may be an opposite in several ways."""
    table: dict[str, tuple[tuple[int, int], ...]] = {}
    for pair, both in enumerate(contrasts()):
        for side, listed in enumerate(both):
            for word in listed:
                table[word] = (*table.get(word, ()), (pair, side))
    return table


def negations(folded: str) -> Iterator[tuple[int, int]]:
    """Where a negation stands in folded text; 不仅, "not only" and their like are none."""
    innocent = [match.span() for match in _NOT_NEGATIVE.finditer(folded)]
    for match in _NEGATIVE.finditer(folded):
        if not any(start <= match.start() < end for start, end in innocent):
            yield match.span()


def denials(folded: str) -> Iterator[tuple[int, int]]:
    """Where something is denied that follows: by a negation with what it is said through ("nobody
    believes that", 没有证据表明), or by a word that denies (refused to, 否认)."""
    innocent = [match.span() for match in _NOT_NEGATIVE.finditer(folded)]
    for match in _DENIES.finditer(folded):
        if not any(start <= match.start() < end for start, end in innocent):
            yield match.span()


def takebacks(folded: str) -> Iterator[tuple[int, int]]:
    """Where something is denied that stands before: "… is a myth", ……是谣言."""
    return (match.span() for match in _TAKES_BACK.finditer(folded))


def doubts(folded: str) -> bool:
    """Whether a text denies something, takes it back, or says it under a condition: then what else
    its sentence says may not be what it states."""
    looks = (denials(folded), takebacks(folded))
    hedges = (_UNSURE, _NEARLY)
    return any(next(found, None) for found in looks) or any(h.search(folded) for h in hedges)
