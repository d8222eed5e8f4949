"""Words of one kind, of which one is not another: a nurse is no doctor and Paris no London.

Word vectors hardly tell them apart (doctor and nurse .7, 护士 and doctor .6), because they stand in
the same places. A general list in both languages, not for any one text; a row holds what means the
same. Wider words (relative, official, city) are none of them, and nothing that may be said of the
same thing in another way: a wife can be a mother, a coach a teacher.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from rag.claims.statement import HAN_CHAR, Reading, read
from rag.fold import words

__all__ = ["CITIES", "PEOPLE", "REGIONS", "called_also", "members", "other_of_its_kind"]

# Kinds are parted by empty lines, members by line ends or commas; a member's words by "|".
_KINDS = """
brother|哥哥|弟弟|兄弟|兄长|胞弟, sister|姐姐|妹妹|姐妹|姊妹|胞妹

father|dad|daddy|papa|父亲|爸爸|爸|爹, mother|mom|mum|mama|mommy|mummy|母亲|妈妈|妈|娘

son|儿子, daughter|女儿|闺女

grandfather|grandpa|granddad|祖父|爷爷|外公|外祖父|姥爷|公公
grandmother|grandma|granny|祖母|奶奶|外婆|外祖母|姥姥|婆婆

uncle|叔叔|伯伯|伯父|舅舅|叔父|舅父|姑父|姨父|姑丈
aunt|auntie|阿姨|姑姑|姑妈|姨妈|伯母|舅妈|婶婶|姨母|姑母

nephew|侄子|外甥, niece|侄女|外甥女

doctor|physician|surgeon|医生|大夫|医师, nurse|护士|护理师, dentist|牙医
teacher|schoolteacher|schoolmaster|schoolmistress|professor|lecturer|tutor|老师|教师|教授|教员|教书|执教|讲师|任教|教
lawyer|attorney|solicitor|barrister|律师, engineer|工程师, carpenter|木匠|木工, electrician|电工
plumber|水管工, baker|面包师, butcher|屠夫|肉贩, tailor|seamstress|裁缝, blacksmith|smith|铁匠
fisherman|渔夫|渔民, shepherd|牧羊人, miner|矿工, farmer|peasant|农民|农夫|农人
journalist|reporter|记者, barber|hairdresser|理发师, cook|chef|厨师, pilot|飞行员
priest|pastor|vicar|神父|牧师, policeman|policewoman|警察|警官, soldier|士兵|军人|当兵
accountant|bookkeeper|会计, architect|建筑师, merchant|trader|shopkeeper|商人|店主|生意人
driver|司机, waiter|waitress|服务员|侍者, judge|法官, novelist|writer|小说家|作家, poet|诗人
actor|actress|演员, singer|歌手|歌唱家, sailor|水手|海员
programmer|developer|程序员|程序设计师|开发者, secretary|秘书, cleaner|清洁工, gardener|园丁
translator|翻译, librarian|图书管理员|图书馆员, postman|mailman|邮递员|邮差, painter|画家

spring|springtime|春天|春季, summer|summertime|夏天|夏季, autumn|秋天|秋季
winter|wintertime|冬天|冬季

physics|物理|物理系, chemistry|化学, biology|生物学|生物系, mathematics|maths|math|数学|数学系
history|历史|历史系, philosophy|哲学, geography|地理, economics|经济学|经济系
literature|文学|文学系|中文系

coffee|咖啡, tea|茶, beer|啤酒, wine|葡萄酒|红酒, milk|牛奶, whisky|whiskey|威士忌

piano|钢琴, violin|小提琴, guitar|吉他, flute|长笛|笛子, cello|大提琴, trumpet|小号

gold|金子|黄金, silver|银子|白银, copper|铜, iron|铁, wood|wooden|木头|木制|木质

germany|german|germans|德国|德国人|德语|德文, france|french|frenchman|法国|法语|法文
england|english|englishman|britain|british|uk|英国|英属|英格兰|不列颠|英语|英文
italy|italian|italians|意大利|意大利语, spain|spanish|spaniard|西班牙|西班牙语
portugal|portuguese|葡萄牙, russia|russian|russians|俄国|俄罗斯|俄语
japan|japanese|日本|日语|日文, korea|korean|koreans|韩国|朝鲜|韩语, india|indian|印度
netherlands|dutch|holland|dutchman|荷兰, belgium|belgian|比利时, switzerland|swiss|瑞士
austria|austrian|奥地利, sweden|swedish|swede|swedes|瑞典, norway|norwegian|挪威
denmark|danish|dane|danes|丹麦, finland|finnish|芬兰, poland|polish|波兰, greece|greek|希腊
turkey|turkish|土耳其, egypt|egyptian|埃及, brazil|brazilian|巴西, mexico|mexican|墨西哥
canada|canadian|加拿大, australia|australian|澳大利亚|澳洲, thailand|thai|泰国
vietnam|vietnamese|越南, america|american|usa|us|u.s|united states|美国|北美|美洲
china|chinese|中国|中华|中文|汉语|中式|华人

london|伦敦, paris|巴黎, berlin|柏林, rome|罗马, madrid|马德里, vienna|维也纳, moscow|莫斯科
lisbon|里斯本, amsterdam|阿姆斯特丹, brussels|布鲁塞尔, prague|布拉格, athens|雅典
istanbul|伊斯坦布尔, cairo|开罗, tokyo|东京, osaka|大阪, kyoto|京都, seoul|首尔|汉城
singapore|新加坡, bangkok|曼谷, sydney|悉尼, melbourne|墨尔本, boston|波士顿, chicago|芝加哥
seattle|西雅图, los angeles|洛杉矶, san francisco|旧金山, toronto|多伦多, munich|慕尼黑
hamburg|汉堡, milan|米兰, geneva|日内瓦, zurich|苏黎世, oxford|牛津, cambridge|剑桥
beijing|peking|peiping|北京|北平, shanghai|上海, guangzhou|canton|广州, shenzhen|深圳, hangzhou|杭州
suzhou|soochow|苏州, nanjing|nanking|南京, chengdu|成都, chongqing|chungking|重庆, wuhan|武汉
xi'an|xian|西安, tianjin|tientsin|天津
qingdao|tsingtao|青岛, xiamen|amoy|厦门, dalian|大连, harbin|哈尔滨, kunming|昆明
changsha|长沙, hong kong|香港
macau|macao|澳门, taipei|台北, kaohsiung|高雄, taichung|台中, tainan|台南, hsinchu|新竹
hualien|花莲, keelung|基隆, yangzhou|扬州, ningbo|宁波, wenzhou|温州, shaoxing|绍兴, wuxi|无锡
luoyang|洛阳, lhasa|拉萨, xining|西宁, shenyang|mukden|沈阳, guilin|桂林, jinan|济南
zhengzhou|郑州

heilongjiang|黑龙江, jilin|吉林, liaoning|辽宁, hebei|河北, henan|河南, shandong|山东, shanxi|山西
shaanxi|陕西, sichuan|四川, yunnan|云南, guizhou|贵州, hunan|湖南, hubei|湖北, jiangsu|江苏
zhejiang|浙江, fujian|福建, guangdong|广东, guangxi|广西, hainan|海南, gansu|甘肃, qinghai|青海
xinjiang|新疆, tibet|西藏, anhui|安徽, jiangxi|江西
"""
_LOOSE = frozenset(
    (
        "us",
        "polish",
        "turkey",
        "china",
        "spring",
        "fall",
        "smith",
        "cook",
        "wood",
        "iron",
        "writer",
        "教",
        "爸",
    )
)
"""What may mean something else: it says that its row stands there, and never that another does."""


_FROM_TO = re.compile(
    r"\b(?:from|left) (?P<one>[a-z .]{2,24}?) (?:to|for) (?P<two>[a-z .]{2,24})"
    r"|[从由离](?:开)?(?P<three>\w{1,8}?)(?:[搬迁移飞转调回去来走]*[到至]|[去回往])了?(?P<four>\w{1,8})"
)


@cache
def _table() -> tuple[tuple[frozenset[str], ...], ...]:
    return tuple(
        tuple(
            frozenset(part.strip().split("|"))
            for line in kind.splitlines()
            for part in line.split(",")
            if part.strip()
        )
        for kind in _KINDS.strip().split("\n\n")
    )


PEOPLE = range(7)
"""The kinds of relatives and callings."""
REGIONS = (12, 14)
"""Those of countries and provinces."""
CITIES = (13,)


@cache
def members(kinds: Sequence[int]) -> frozenset[str]:
    """All words of some kinds."""
    return frozenset(word for kind in kinds for row in _table()[kind] for word in row)


@cache
def called_also(word: str) -> frozenset[str]:
    """All words for what a word means, in both languages."""
    rows = [row for kind in _table() for row in kind if word in row]
    return frozenset[str]().union(*rows)


@cache
def _stemmed(word: str) -> tuple[str, ...]:
    return tuple(words(word))


@cache
def _places() -> dict[str, tuple[tuple[int, int], ...]]:
    """First stem, or Han word → the (kind, row) places that have a word which begins so."""
    table: dict[str, list[tuple[int, int]]] = {}
    for kind, rows in enumerate(_table()):
        for row, listed in enumerate(rows):
            for word in listed:
                key = word if HAN_CHAR.match(word) else _stemmed(word)[0]
                table.setdefault(key, []).append((kind, row))
    return {key: tuple(places) for key, places in table.items()}


@cache
def _han_words() -> re.Pattern[str]:
    """The Han words, the longest first: 祖父 is no 父."""
    listed = sorted((key for key in _places() if HAN_CHAR.match(key)), key=len, reverse=True)
    return re.compile("|".join(listed))


@lru_cache(maxsize=4096)
def _told(text: str) -> dict[tuple[int, int], str]:
    """(kind, row) → the word by which the text has it."""
    reading = read(text)
    found: dict[tuple[int, int], str] = {}
    table, places = _table(), _places()
    latin = {token.word for token in reading.tokens if token.latin}
    joined = (reading.folded[t.start : t.end] for t in reading.tokens if t.latin)
    latin |= {stem for word in joined if "-" in word for stem in _stemmed(word)}
    for key in [*_han_words().findall(reading.folded), *(latin & places.keys())]:
        for kind, row in places[key]:
            word = next((w for w in sorted(table[kind][row]) if _stands(w, key, latin)), "")
            if word and (kind, row) not in found:
                found[kind, row] = word
    return found


def _stands(word: str, key: str, latin: set[str]) -> bool:
    if HAN_CHAR.match(word):
        return word == key
    stems = _stemmed(word)
    return stems[0] == key and all(stem in latin for stem in stems)


def other_of_its_kind(
    claim: Reading, near: Sequence[Reading], everything: Sequence[Reading]
) -> tuple[str, str] | None:
    """A word of the claim in the place of another of its kind: (the claim's, the evidence's).

    The evidence has the claim's nowhere, and beside the claim's sentence it has one of the same
    kind that the claim leaves out.
    """
    mine = _told(claim.text)
    if not mine or claim.denies:
        return None
    given = {place for sentence in everything for place in _told(sentence.text)}
    beside = {place: word for sentence in near for place, word in _told(sentence.text).items()}
    for (kind, row), word in mine.items():
        if (kind, row) in given or word in _LOOSE:
            continue
        for (k, r), theirs in beside.items():
            if k == kind and (k, r) not in mine and theirs not in _LOOSE:
                return word, theirs
    return None


def other_way(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
    """From where to where, which the evidence says the other way round, in whatever language."""
    mine = set(_ways(claim.folded))
    theirs = {way: s for s in sentences for way in _ways(s.folded)}
    for start, end in mine:
        if (end, start) in theirs and (start, end) not in theirs:
            return claim.folded, theirs[end, start].folded
    return None


def _ways(folded: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    for found in _FROM_TO.finditer(folded):
        one, two = found["one"] or found["three"], found["two"] or found["four"]
        for start in _told(one):
            for end in _told(two):
                if start[0] == end[0] and start != end:
                    yield start, end
