"""How far a statement goes: how sure it is, of how many, up to which amount, until when.

A claim that goes further than its evidence has none but the evidence's words: "may open" told as
"opened", 至少五人 as 最多五人, "until 1957" as "in 1957".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise, permutations

from rag.agree import agree
from rag.fold import words
from rag.quantities import Quantity
from rag.roles import pieces, tokens_in, words_in
from rag.statement import Reading, Token, read

__all__ = [
    "beyond",
    "hedged_value",
    "limits",
    "more_or_less",
    "most_of",
    "one_more",
    "outdone",
    "outdone_across",
    "part_of",
    "superlative",
    "surer",
    "tells",
    "thinks",
]

Pair = tuple[str, str]  # the claim's words, the evidence's
_Span = tuple[int, int]

_PART = re.compile(r"[;；。!！?？\n]|\.(?!\d)|[,，](?!\d)")
_STOP = re.compile(r"[;；。!！?？\n]|\.(?!\d)")
_AT_LEAST = re.compile(
    r"(?:\b(?:at least|(?:no|not) (?:less|fewer) than|(?<!no )(?<!not )(?<!never )more than"
    r"|(?<!never \w\w\w\w )over|(?<!never \w\w\w\w )above"
    r"|exceed(?:s|ed|ing)?|a minimum of|upwards of)|(?:至少|最少)[^\d,，、:：]{0,5}|不少于|不低于"
    r"|不下于?|(?<!不)超过|逾|(?<!不)[高多大]于)\s*[$€£¥]?\s*\Z"
)
_AT_MOST = re.compile(
    r"(?:\b(?:at most|(?:no|not) more than|up to|a maximum of|(?<!no )(?<!not )(?:less|fewer) than"
    r"|under|below|never (?:\w+ )?(?:above|over|more than|beyond|exceed(?:s|ed)?))|(?:最多"
    r"|至多)[^\d,，、:：]{0,5}|不超过|不到|不足|不[高多大]于|(?<!不)[低少小]于)\s*[$€£¥]?\s*\Z"
)
_OR_MORE = re.compile(r"\s*(?:or (?:more|above|over|older|longer)\b|\w?(?:或)?以上)")
_OR_LESS = re.compile(
    r"\s*(?:or (?:less|fewer|below|under|younger)\b|at most\b|\w?(?:或)?以[下内])"
)

_PERHAPS = re.compile(
    r"\b(?:may|might|could(?! not\b|n['’]t\b)|perhaps|possibly|maybe|potentially"
    r"|consider(?:s|ed|ing)? \w+ing)\b"
    r"|(?<!不)可能|也许|或许|说不定|考虑"
)
# What somebody says whom the writer need not believe.
_ALLEGED = re.compile(
    r"\b(?:claim(?:s|ed)? (?:that|to)|alleg\w+|purport\w*|supposedly|reportedly|rumou?r\w*"
    r"|accus(?:e[sd]?|ing))\b|[声宣号自据]称|据[说传]|传[闻言]|谣"
)
_SAYS = re.compile(
    r"\b(?:sa(?:y|ys|id)|according|claim\w*|report\w*|believ\w*|think\w*|argu\w*|stat(?:e[sd]?)"
    r"|told|alleg\w+|accus\w+|rumou?r\w*|suppos\w+|swears?|swore|thought|insist\w*|suspect\w*"
    r"|maintain\w*"
    r"|contend\w*|reckon\w*|fe(?:els?|lt)|opinion|view|blam\w+|call\w*|consider\w*"
    r"|regard\w*|deem\w*|condemn\w*|estimat\w*|take[ns]?)\b"
    r"|[说称据传]|认为|表示|觉得|相信|报道|坚[称信]|怀疑|主张|看来|眼里|指出|提醒"
)
# What somebody else thinks; whoever writes may think so too.
_THINKS = re.compile(
    r"\b(?:(?:think|believe|argue|insist|suspect|maintain|contend|reckon)s?|believed|argued"
    r"|insisted"
    r"|suspected|maintained|contended|reckoned|swears?|swore|thought)\b"
    r"|\bcall(?:s|ed)? (?:it|him|her|them)\b"
    r"|认为|觉得|相信|坚称|坚信|怀疑(?!地)|主张|称(?=[他她它其这那])"
)
_BEHIND = re.compile(
    r",\s*(?:or )?so (?:\w+ ){1,3}(?:claim|sa(?:y|id)|think|thought|believe|swear|insist)\w*\W*$"
    r"|,\s*(?:(?:the|his|her|its|their|some|many|one) )?(?!i\b|we\b)\w+"
    r" (?:claims?|claimed|alleges?|alleged|believes?|believed|insists?|insisted|suspects?)\W*$"
)
_COMMONLY = re.compile(
    r"被|普遍|一般|通常|人们|大家|公认|\b(?:generally|widely|commonly|people|everybody|everyone)\b"
)
_THIRD = frozenset(("he", "she", "they", "他", "她"))
_CERTAIN = re.compile(
    r"\b(?:certain (?:that|to)|(?:is|are|was|were|be|feels?) (?:certain|sure)|certainly|definitely"
    r"|surely|guaranteed?|undoubtedly|inevitabl[ey]|proven?)\b"
    r"|肯定|必然|必定|一定(?=[会要能是])|毫无疑问|无疑|确信|证明了"
)
_GUESSED = re.compile(
    r"\b(?:expect\w*|may|might|could|perhaps|maybe|possibl[ey]|probabl[ey]|likely|if|think|thinks"
    r"|believ\w*|suspect\w*|guess\w*|hop(?:e[sd]?|ing)|seems?|suggest\w*)\b"
    r"|可能|也许|或许|大概|预计|预期|估计|猜|希望|似乎|好像|如果|认为|觉得"
)
_MEANT = re.compile(
    r"\b(?:plan|intend|hope|hop|want|aim|expect|propos|promis|attempt|try|tri|offer)"
    r"(?:s|es|d|ed|ing)? to\b|\b(?:is|are|was|were) (?:due|set|scheduled|slated|projected"
    r"|forecast) to\b"
    r"|计划|打算|(?<!模)拟|准备|希望|有意(?![思义])|试图|预计|预期|有望"
)
_IF = re.compile(
    r"(?<!even )(?<!as )\b(?:if|unless|provided that|in case)\b"
    "|如果|假如|假使|倘若|(?<![主只还重])要是|除非|一旦"
)
_UNSURE = re.compile(
    r"\b(?:could|can|would|should|likely|estimat\w+|possib\w+|potential\w*|able|allowed"
    r"|permitted|if|whether"
    r"|unless|plan(?:s|ned|ning)?|intend\w*|intention|hope\w*|hoping|want\w*|aim\w*|goal"
    r"|expect\w*|propos\w*"
    r"|promis\w*|attempt\w*|try|trie[sd]|trying|offer\w*|consider\w*|suggest\w*)\b"
    r"|可以|可能|[想要拟]|如果|是否|或|目标|有望|考虑|设想|预[计期]"
)
_TO_COME = re.compile(r"\b(?:will|shall|going to|to be|next|future)\b|将|会|未来")

# On what something depends, and words by which a claim may say so in another way.
_ON = re.compile(
    r"(?<!even )(?<!as )\b(?:if|unless|only (?:if|when|where|after|with)|provided that"
    r"|as long as|in case)\b|如果|假如|假使|倘若|(?<![主只还重])要是|除非|只有|只要|一旦"
)
_EACH = frozenset(words("every each all any always"))
_ONLY_ON = re.compile(r"\b(?:only|unless|provided that|as long as)\b|除非|只有|只要")
_ON_BEFORE = re.compile("(?:的话|的)[,，](?=[才则就便方]?[可应须得将不])")
_DEPENDS = re.compile(
    r"\b(?:if|when\w*|where|with|without|after|(?<!at )once|until|unless|only|who|subject"
    r"|condition\w*"
    r"|provided that|as long as|in case)\b|如果|假如|要是|除非|一旦|条件|前提|[时后只须才]|的话"
)

_NO_SUPERLATIVE = (
    "interest|forest|harvest|protest|contest|digest|honest|modest|request|suggest|invest|manifest"
    "|arrest|conquest|priest|guest|quest|west|northwest|southwest|midwest|test|latest|rest|nest"
    "|chest|vest|pest|zest|jest|crest|attest|detest|bequest|tempest|unrest|behest|ingest|retest"
)
_SUPERLATIVE = re.compile(
    r"\b(?:the|its|his|her|their|our|world['’]?s) (?:\w+ )?(?:most|least) \w+"
    rf"|\b(?!(?:{_NO_SUPERLATIVE})\b)[a-z]{{2,12}}est\b|\bbest\b|\bworst\b"
    r"|\bthe (?:very )?first\b(?=(?: \w+){1,6} (?:to|ever|in the world)\b)"
    "|最(?![近后终初新多少])|首[家位]|(?:全球|世界|全国|史上|历史上)(?:的)?(?:第一|首)"
)
_EXTREME = re.compile(
    r"\b(?:most|least|[a-z]{2,12}est|worst|first|top|record|leading|main|chief|prime|ultimate"
    r"|number one|no\. ?1|sole|only|unique\w*|maxim\w+|minim\w+|peak|un(?:match|rival)\w+"
    r"|unprecedented|cap(?:s|ped)?|limit\w*|ceiling|no other|than (?:any|all|every))\b"
    "|最|第一|首|头[号一]|唯一|冠|之王|顶|极|空前|史上|前所未有|比任何|所有|至[高大]|上限"
)
_ONLY_ONE = re.compile(r"\bthe (?:only|sole)\b|唯一")
_NO_OTHER = re.compile(
    r"\b(?:only|sole\w*|single|alone|just|exclusiv\w+|unique\w*|no other|nobody else)\b"
    "|[唯只仅独单]"
)

_ROW = re.compile(r"[,，、](?:\s?(?:and|or)\b)?|\b(?:and|or)\b|以及|[和与及跟]")
_LONGEST_ITEM = 4  # tokens
_MOST_COUNTS = 8
_NEAR_HEDGE = (40, 12)  # characters between a hedge and its value, in letters and in Han
_WHICH = re.compile(r"\b(?:that|which|who|where|when|because|since)\b|的|因为")
_MOST_HEDGES = 12  # of one part: each is looked at with all that follows it

_RATHER = re.compile(r"\b(?:but|rather|instead|except)\b|而是|而非|反而|除了")
_LACKS = re.compile(
    r"\b(?:stop|ceas|fail|refus|lack|without|free|absen|ban|prohibit|forbid|avoid|reject"
    r"|den[yi]|halt"
    r"|quit|miss|lose|lost|end|clos|shut|few|little|rare|never|poor|bad|wrong"
    r"|un(?!der|i|til)\w{3}|dis(?:obe|agree|lik|connect|continu|appear|approv|allow|regard|abl)"
    r"|in(?:capable|sufficient))\w*"
    "|[停拒免缺禁避失未无非勿别]|否认|取消|反对|很少|结束|放弃|难以"
)

_NOT_ALL = re.compile(
    r"\bnot (?:all|every\w*|always|necessarily)\b|不总是|不一定"
    r"|(?:并非|不是|未必)(?:所有|每|人人|全部?|都)|(?<!从)不[都全]"
)
_NOT_ANY = re.compile(
    r"\b(?:none|nobody|no[ -]one|neither|not any|never)\b|从不|从来不|绝不"
    r"|没有?(?:一个)?人|没有任何|无人|[都全]不|[都全]没"
)
_EVERY = re.compile(
    r"(?P<part>\b(?:nearly|almost|not) )?\b(?:all|every|each)(?: of)?(?: the| its| their| our)?"
    r" (?P<head>[a-z]+)"
    r"|(?P<some>几乎|近乎|并非|不是)?(?:所有|全部|全体|全[班校村家厂]|每一?[个名位家])的?(?P<han>\w\w)"
)
_PARTLY = re.compile(
    r"(?:\b(?:nearly all|almost all|not all|most|many|some|few|several|half|part|majority)"
    r"|\d ?(?:%|percent|per cent))(?: of)?(?: the| its| their| our)? (?P<head>[a-z]+)"
    r"|(?:几乎所有|大多数|多数|大部分|部分|许多|很多|一些|有些|少数|半数|\d%)的?(?P<han>\w\w)"
)

_NEARLY_ALL = re.compile(r"\b(?:nearly|almost|not) (?:all|every\w*)\b|(?:几乎|近乎|并非)[全都所]")
_PLAINLY_ALL = re.compile(
    r"(?<!nearly )(?<!almost )(?<!not )(?<!at )\b(?:all|every\w*|each)\b"
    r"|(?<![几近]乎)(?<!并非)(?:所有|全部|全体)"
)
_MOST_OF = re.compile(
    r"(?<!the )(?<!at )\bmost (?:of|[a-z]+s|people)\b|\b(?:the |a )(?:vast |great )?majority of\b"
    r"|(?:大多|绝大多|多)数|大部分"
)
_MOSTLY = re.compile(
    r"\b(?:most\w*|majority|nearly|almost|all|every\w*|each|both|main\w*|larg\w*"
    r"|predominant\w*|general\w*"
    r"|usual\w*|typical\w*|common\w*|widely|wide\w*|(?:more than|over) half|hardly|rare\w*"
    r"|chief\w*|primar\w*|principal\w*|always|everybody|many|much|overwhelming\w*|bulk)\b"
    r"|多|大部分|几乎|都|全|普遍|主要|一般|通常|往往|常|很少|所有|每|皆|均|大半|过半"
)

_OF = re.compile(r"\s*(?:out )?of (?:(?:the|its|their|his|her|our|all)\s*)?(?:[a-z]+ ){0,2}")
_AMONG = re.compile(r"\w{0,3}[里中内](?:只?有)?")
_SIDES = ("多少", "高低", "快慢", "长短", "贵贱", "大小", "重轻", "早晚", "增减", "涨跌", "升降")
_BY = re.compile(
    rf"(?:比(?P<than>[^,，。;；比]{{1,6}}?))?(?P<way>[{''.join(_SIDES)}])[出加了]{{0,2}}[约近将大]?\Z"
)

_UP_TO = re.compile(r"(?:\b(?:until|till|before|prior to)(?: the)?|直到)\s*\Z")
_UP_TO_AFTER = re.compile(r"(?:之前|以前|前|为止)")
_FROM = re.compile(r"(?:\b(?:since|after|from)(?: the)?|自从?|从)\s*\Z")
_FROM_AFTER = re.compile(r"(?:之后|以后|后|起|以来|开始)")
_AT = re.compile(r"\b(?:in|on|during)(?: the)?\s*\Z")
_BEGINS = re.compile(r"\b(?:beg[aiu]n|start(?:ed|s)?|open(?:ed|s)?)\b|开始|启用|起")
_ENDS = re.compile(
    r"\b(?:stop|end|clos|ceas|leav|left|last|no longer|finish|quit|until|before)\w*"
    r"|停|结束|离开|最后|关闭|不再|才|直到|之?前"
)


def _bounds_turned(claim: Reading, sentences: Sequence[Reading]) -> Pair | None:
    """A value that is the least in one of them and the most in the other."""
    for value, place in zip(claim.values, claim.placed, strict=True):
        mine = _bound(claim, place)
        if not mine:
            continue
        same = [
            (s, span)
            for s in sentences
            for v, span in zip(s.values, s.placed, strict=True)
            if agree(value, v)
        ]
        if same and all(_bound(s, span) == -mine for s, span in same):
            return _around(claim, place), _around(*same[0])
    return None


def _bound(reading: Reading, place: tuple[int, int]) -> int:
    """1 where a value is the least that there is, -1 where it is the most."""
    before, after = reading.folded[: place[0]], reading.folded[place[1] :]
    if _AT_MOST.search(before) or _OR_LESS.match(after):
        return -1
    return 1 if _AT_LEAST.search(before) or _OR_MORE.match(after) else 0


def _around(reading: Reading, place: tuple[int, int]) -> str:
    before = re.split(r"[,，;；。]", reading.folded[max(0, place[0] - 12) : place[0]])[-1]
    words_before = " ".join(before.split(" ")[-3:]) if " " in before else before[-4:]
    return (words_before + reading.folded[place[0] : place[1] + 3]).strip(" ,.，。；;")


def outdone(claim: Reading, sentences: Sequence[Reading]) -> Pair | None:
    """Where the claim goes further than the evidence: surer, of more, or at a time that is only
    an end there."""
    return (
        outdone_across(claim, sentences)
        or _surer(claim, sentences)
        or hedged_value(claim, sentences)
        or _said_at_its_end(claim, sentences)
        or _unconditional(claim, sentences)
        or _of_more(claim, sentences)
        or most_of(claim, sentences)
        or more_or_less(claim, sentences)
        or _at_its_end(claim, sentences)
    )


def outdone_across(claim: Reading, sentences: Sequence[Reading]) -> Pair | None:
    """The same where the evidence is in the other language: only values tell it there."""
    return _bounds_turned(claim, sentences) or _dates_turned(claim, sentences)


def _surer(claim: Reading, sentences: Sequence[Reading]) -> Pair | None:
    """What may be, is meant to be, is said to be, or would have to be, told as what is."""
    hedges = _hedges(claim)
    if not hedges:
        return None
    whole = words_in(claim, 0, len(claim.folded))
    parts = [(s, a, b) for s in sentences for a, b in pieces(_PART, s.folded)]
    for n, (sentence, start, end) in enumerate(parts):
        for found in islice(_hedged(hedges, sentence, start, end), _MOST_HEDGES):
            after, until = words_in(sentence, found.end(), end), end
            if not after and parts[n + 1 : n + 2] and parts[n + 1][0] is sentence:
                until = parts[n + 1][2]  # according to rumours, …
                after = words_in(sentence, found.end(), until)
            shared = whole & after
            if found.re is _THINKS:
                known = whole & words_in(sentence, 0, len(sentence.folded))
                if len(shared) > 1 and 3 * len(shared) >= len(whole) <= 2 * len(known):
                    return claim.folded, sentence.folded[found.start() : until].strip(" ,，")
                continue
            if len(shared) * 2 < len(whole) or not shared:
                continue
            told = (t for t in tokens_in(sentence, found.end(), until) if t.weight >= 0.5)
            first = next(told, None)
            if first is not None and first.latin and first.word not in shared:
                continue
            elsewhere = (
                words_in(s, a, b)
                for s, a, b in parts
                if not (s is sentence and start <= a < until)
                and not any(
                    True for _ in _hedged((_PERHAPS, _IF, _MEANT, _ALLEGED, _THINKS), s, a, b)
                )
            )
            if not any(shared <= other for other in elsewhere):
                return claim.folded, sentence.folded[found.start() : until].strip(" ,，")
    return None


def hedged_value(claim: Reading, sentences: Sequence[Reading]) -> Pair | None:
    """A value that is hoped for, planned or possible wherever the evidence has it, and told as a
    fact; in whatever language."""
    hedges = tuple(h for h in _hedges(claim) if h in (_PERHAPS, _MEANT))
    for value in claim.values if hedges else ():
        if value.weak or claim.denies:
            continue
        places = [
            (s, span)
            for s in sentences
            for v, span in zip(s.values, s.placed, strict=True)
            if agree(value, v)
        ]
        found = [_hedge_before(s, span[0], hedges) for s, span in places]
        if found and all(found):
            return value.text, found[0]
    return None


def _hedge_before(sentence: Reading, at: int, hedges: Sequence[re.Pattern[str]]) -> str:
    """The words of doubt or intention that a value goes with, up to it; or ""."""
    start = max((a for a, b in pieces(_PART, sentence.folded) if a <= at), default=0)
    for found in _hedged(hedges, sentence, start, at):
        between = sentence.folded[found.end() : at]
        if len(between) <= _NEAR_HEDGE[sentence.han] and not _WHICH.search(between):
            return sentence.folded[found.start() : at]
    return ""


def _said_at_its_end(claim: Reading, sentences: Sequence[Reading]) -> Pair | None:
    """What somebody says or thinks, named behind it: "…, or so the parish claims"."""
    if _SAYS.search(claim.folded):
        return None
    whole = words_in(claim, 0, len(claim.folded))
    for sentence in sentences:
        found = _BEHIND.search(sentence.folded)
        if found and len(whole) > 1:
            told = words_in(sentence, 0, found.start())
            if 4 * len(whole & told) >= 3 * len(whole):
                return claim.folded, found[0].strip(" ,，")
    return None


def _hedges(claim: Reading) -> tuple[re.Pattern[str], ...]:
    """The words of doubt that a claim must not leave out, having none of their kind itself."""
    says = () if _SAYS.search(claim.folded) else (_ALLEGED, _THINKS)
    if any(said.search(claim.folded) for said in (_PERHAPS, _MEANT, _IF, _UNSURE)):
        return says
    meant = () if _TO_COME.search(claim.folded) else (_MEANT,)
    return (_PERHAPS, _IF, *meant, *says)


def _unconditional(claim: Reading, sentences: Sequence[Reading]) -> Pair | None:
    """What is so under a condition, told without it."""
    if _DEPENDS.search(claim.folded):
        return None
    whole = words_in(claim, 0, len(claim.folded)) - _EACH
    perhaps = _PERHAPS.search(claim.folded) is not None
    found = None
    for sentence in sentences:
        for start, end in pieces(_STOP, sentence.folded):
            parts = [(a + start, b + start) for a, b in pieces(_PART, sentence.folded[start:end])]
            bound = _bound_parts(sentence, parts)
            for (a, b), (c, d) in bound:
                on = words_in(sentence, c, d)
                if perhaps and not _ONLY_ON.search(sentence.folded, c, d):
                    continue
                told, untold = words_in(sentence, a, b) & whole, len(on - whole)
                near = words_in(sentence, start, end)  # "at 600 it cracks": what "it" is
                half = 2 * len(told) > len(whole) or (len(told) > 1 and 2 * len(told) == len(whole))
                if whole <= near and half and 2 * untold >= len(on) > 0:
                    found = found or (claim.folded, sentence.folded[c:d].strip(" ,，"))
            depending = {a for (a, _), _ in bound}
            free = [part for part in parts if part[0] not in depending]
            if any(whole <= words_in(sentence, a, b) for a, b in free):
                return None
    return found


def _bound_parts(sentence: Reading, parts: Sequence[_Span]) -> list[tuple[_Span, _Span]]:
    """(what is so, on what it depends) among the parts of a sentence."""
    out: list[tuple[_Span, _Span]] = []
    for n, (start, end) in enumerate(parts):
        after = parts[n + 1] if n + 1 < len(parts) else None
        found = _ON.search(sentence.folded, start, end)
        if found and sentence.folded[start : found.start()].strip():
            if found.start() - start > 3 or not after:
                out.append(((start, found.start()), (found.start(), end)))
            else:
                out.append((after, (start, end)))
        elif found and (after or n):
            out.append((after or parts[n - 1], (start, end)))
        elif after and _ON_BEFORE.search(sentence.folded, max(start, end - 4), end + 3):
            out.append((after, (start, end)))
    return out


def surer(claim: Reading, near: Sequence[Reading]) -> Pair | None:
    """What is certain in the claim and only thought, hoped or expected in the evidence."""
    sure = None if claim.denies else _CERTAIN.search(claim.folded)
    if sure is None or any(_CERTAIN.search(s.folded) for s in near):
        return None
    guess = next(filter(None, (_GUESSED.search(s.folded) for s in near)), None)
    return (sure[0], guess[0]) if guess else None


def superlative(claim: Reading, sentences: Sequence[Reading]) -> Pair | None:
    """The most, the first or the only one told of what is one of several; values may tell it."""
    for mine, theirs in ((_SUPERLATIVE, _EXTREME), (_ONLY_ONE, _NO_OTHER)):
        found = mine.search(claim.folded)
        if found and not any(theirs.search(s.folded) or len(s.values) > 1 for s in sentences):
            return found[0], sentences[0].folded
    return None


def one_more(claim: Reading, sentences: Sequence[Reading]) -> Pair | None:
    """What the claim lists beside all that the evidence lists, and the evidence does not have."""
    given = [(s, row) for s in sentences for row in _rows(s)]
    for row in _rows(claim) if given else ():
        listed = {item.words for item in row}
        new = [n for n in row if n.start and n.joined and not any(n.told_in(s) for s in sentences)]
        for sentence, theirs in given if new else ():
            if {item.words for item in theirs} < listed:
                text = sentence.folded[theirs[0].start : theirs[-1].end]
                return claim.folded[new[0].start : new[0].end], text
    return None


@dataclass(frozen=True, slots=True)
class _Item:
    """One of several things that a text lists. `start` is 0 where it begins the text; `joined`: by
    more than a comma, which parts clauses too."""

    words: tuple[str, ...]
    start: int
    end: int
    joined: bool

    def told_in(self, reading: Reading) -> bool:
        """Whether the text has some of it."""
        return any(_has(reading, word) for word in self.words)


def _has(reading: Reading, word: str) -> bool:
    return word in reading.vocabulary or (not word.isascii() and word in reading.folded)


def _rows(reading: Reading) -> list[list[_Item]]:
    """What a text lists, row by row: of a long part only what is next to its neighbour."""
    edges = list(_ROW.finditer(reading.folded))
    bounds = [0, *(at for edge in edges for at in edge.span()), len(reading.folded)]
    parts = [
        [t for t in tokens_in(reading, a, b) if t.weight >= 0.5]
        for a, b in zip(bounds[::2], bounds[1::2], strict=True)
    ]
    rows: list[list[_Item]] = []
    open_row = False
    for edge, (before, after) in zip(edges, pairwise(parts), strict=True):
        if before and after:
            joined = edge[0] not in (",", "，")
            if not open_row:
                rows.append([_item(before, -1, joined)])
            rows[-1].append(_item(after, 1, joined))
        open_row = bool(before and after) and len(after) <= _LONGEST_ITEM
    return rows


def _item(tokens: Sequence[Token], side: int, joined: bool) -> _Item:
    """A part of a list; of a long one the words at its end (-1) or beginning (1)."""
    if len(tokens) > _LONGEST_ITEM or side < 0:
        size = 2 if tokens[min(side, 0)].han else 1
        tokens = tokens[-size:] if side < 0 else tokens[:size]
    han = [t.word for t in tokens if t.han]
    pairs = [a + b for a, b in pairwise(han)] or han
    words = (*pairs, *(t.word for t in tokens if not t.han))
    return _Item(words, tokens[0].start, tokens[-1].end, joined)


def part_of(reading: Reading) -> list[str]:
    """The parts of a sentence, cut where it pauses."""
    text = reading.text if len(reading.text) == len(reading.folded) else reading.folded
    return [text[a:b].strip() for a, b in pieces(_PART, reading.folded)]


def limits(sentence: Reading) -> bool:
    """Whether some part of a sentence doubts, denies or says something of fewer than all."""
    words = (_PERHAPS, _IF, _ALLEGED, _PARTLY)
    return sentence.denies or any(word.search(sentence.folded) for word in words)


def beyond(claim: Reading, part: Reading, sentence: Reading) -> Pair | None:
    """The same as `outdone` of a claim in another language than `part`, the part of the sentence
    that is nearest to it: no words can be compared, only those that hedge, count and deny."""
    for pattern in _hedges(claim):
        within = sentence if pattern is _ALLEGED else part
        if pattern in (_MEANT, _THINKS):
            continue
        hedge = next(_hedged((pattern,), within, 0, len(within.folded)), None)
        if hedge:
            return claim.folded, within.folded[hedge.start() :]
    on = None if _DEPENDS.search(claim.folded) else _ON.search(sentence.folded)
    if on and len(part_of(sentence)) <= 2:
        return claim.folded, sentence.folded[on.start() :]
    every = [m for m in _EVERY.finditer(claim.folded) if not (m["part"] or m["some"])]
    fewer = _PARTLY.search(part.folded)
    if every and fewer and not any(m for m in _EVERY.finditer(part.folded)):
        return every[0][0], fewer[0]
    return _denied(claim, sentence if claim.denies else part)


def _denied(claim: Reading, other: Reading) -> Pair | None:
    """What is denied in one of them alone, with no word for it in the other: an opposite of the
    other's or a verb like stop and lack."""
    if claim.denies == other.denies or any(_RATHER.search(r.folded) for r in (claim, other)):
        return None
    free = other if claim.denies else claim
    opposed = any((pair, 1 - side) in claim.turned for pair, side in other.turned)
    if opposed or _LACKS.search(free.folded):
        return None
    return claim.folded, other.folded


def _hedged(
    patterns: Sequence[re.Pattern[str]], sentence: Reading, start: int, end: int
) -> Iterator[re.Match[str]]:
    """Words of doubt and intention in a part of a text; the month of May is none."""
    whole = len(sentence.text) == len(sentence.folded)
    for pattern in patterns:
        for found in pattern.finditer(sentence.folded, start, end):
            if any(a <= found.start() < b for a, b in sentence.placed):
                continue
            if pattern is _THINKS and not _of_another(sentence, found.start()):
                continue
            if not (found[0] == "may" and whole and sentence.text[found.start()] == "M"):
                yield found


def _of_another(sentence: Reading, at: int) -> bool:
    """Whether somebody is named who thinks so, and it is not whoever tells."""
    before = max((a for a, b in pieces(_PART, sentence.folded) if a <= at), default=0)
    who = tokens_in(sentence, before, at)
    named = any(t.weight >= 0.5 or t.word in _THIRD for t in who)
    commonly = _COMMONLY.search(sentence.folded, before, at)
    return named and not commonly and all(t.word != "=I" for t in who)


def tells(claim: Reading) -> bool:
    """Whether a claim says that somebody says or thinks it."""
    return _SAYS.search(claim.folded) is not None


def thinks(folded: str) -> bool:
    """Whether a text tells what somebody else thinks."""
    sentence = read(folded)
    return any(True for _ in _hedged((_THINKS,), sentence, 0, len(sentence.folded)))


def _of_more(claim: Reading, sentences: Sequence[Reading]) -> Pair | None:
    """All told of what is said of some, none of what is not said of all."""
    for found in _EVERY.finditer(claim.folded):
        if found["part"] or found["some"]:
            continue
        head = _head(found)
        fewer = [m[0] for s in sentences for m in _PARTLY.finditer(s.folded) if _head(m) == head]
        every = [m for s in sentences for m in _EVERY.finditer(s.folded) if _head(m) == head]
        fewer += [m[0] for m in every if m["part"] or m["some"]]
        if fewer and all(m["part"] or m["some"] for m in every):
            return found[0], fewer[0]
        counted = next(filter(None, map(_so_many_of, sentences)), "")
        if (
            counted
            and not _so_many_of(claim)
            and not any(_PLAINLY_ALL.search(s.folded) for s in sentences)
        ):
            return found[0], counted
        nearly = next((m[0] for s in sentences if (m := _NEARLY_ALL.search(s.folded))), None)
        if nearly and not any(_PLAINLY_ALL.search(s.folded) for s in sentences):
            return found[0], nearly
    none = _NOT_ANY.search(claim.folded)
    if none and not _NOT_ALL.search(claim.folded):
        part = next((m for s in sentences if (m := _NOT_ALL.search(s.folded))), None)
        if part and not any(_NOT_ANY.search(s.folded) for s in sentences):
            return none[0], part[0]
    return None


def _so_many_of(sentence: Reading) -> str:
    """39 of 42, 四十二人里有三十九人: fewer than all, as the text has it; or ""."""
    placed = zip(sentence.values, sentence.placed, strict=True)
    for (one, here), (two, there) in pairwise(placed):
        between = sentence.folded[here[1] : there[0]]
        less, more = (one, two) if _OF.fullmatch(between) else (two, one)
        fewer = less.kind == more.kind == "number" and 0 < less.value < more.value
        if fewer and (_OF.fullmatch(between) or _AMONG.fullmatch(between)):
            return sentence.folded[here[0] : there[1]]
    return ""


def more_or_less(claim: Reading, sentences: Sequence[Reading]) -> Pair | None:
    """By how much something is more in one of them and less in the other: 多三成, 少了三成."""
    for value, place in zip(claim.values, claim.placed, strict=True):
        mine = _by_how_much(claim, place)
        same = [
            (_by_how_much(s, span), s, span)
            for s in sentences
            for v, span in zip(s.values, s.placed, strict=True)
            if mine and agree(value, v)
        ]
        if same and all(way == (mine[0], 1 - mine[1], mine[2]) for way, _, _ in same if mine):
            return _around(claim, place), _around(*same[0][1:])
    return None


def _by_how_much(reading: Reading, place: _Span) -> tuple[int, int, str] | None:
    """(pair, side, what it is compared with) of the word that a value goes with."""
    found = _BY.search(reading.folded[: place[0]])
    if found is None:
        return None
    pair = next(n for n, both in enumerate(_SIDES) if found["way"] in both)
    return pair, _SIDES[pair].index(found["way"]), found["than"] or ""


def most_of(claim: Reading, sentences: Sequence[Reading]) -> Pair | None:
    """Most told of what the evidence says no such thing of, and whose counts are less than half."""
    nearly = _NEARLY_ALL.search(claim.folded)
    found = nearly or _MOST_OF.search(claim.folded)
    if found is None or any(_MOSTLY.search(s.folded) for s in sentences):
        return None
    counts = [v.value for s in sentences for v in s.values if v.kind == "number" and not v.weak]
    shares = [a / b for a, b in permutations(counts[:_MOST_COUNTS], 2) if 0 < a < b]
    shares += [v for v in counts if v < 1]
    if any(share >= (Fraction(4, 5) if nearly else Fraction(1, 2)) for share in shares):
        return None
    return found[0], sentences[0].folded


def _head(found: re.Match[str]) -> str:
    """Of what there are so many."""
    return found["han"] or (words(found["head"]) or [found["head"]])[0]


def _at_its_end(claim: Reading, sentences: Sequence[Reading]) -> Pair | None:
    """A date up to which something went on, told as the one at which it was or began."""
    if claim.denies or _ENDS.search(claim.folded):
        return None
    for value, place in zip(claim.values, claim.placed, strict=True):
        if value.kind != "date" or not _points(claim, place):
            continue
        same = list(_dated(value, sentences))
        if not same or not all(_side(s, span) < 0 for s, span in same):
            continue
        sentence, span = same[0]
        block = max((a for a, b in pieces(_STOP, sentence.folded) if a <= span[0]), default=0)
        mine = words_in(claim, 0, place[0]) | words_in(claim, place[1], len(claim.folded))
        mine -= {w for m in _BEGINS.finditer(claim.folded) for w in (words(m[0]) or [m[0]])}
        if mine and mine <= words_in(sentence, block, span[0]):
            return _around(claim, place), _around(sentence, span)
    return None


def _dates_turned(claim: Reading, sentences: Sequence[Reading]) -> Pair | None:
    """A date that is an end in one of them and a beginning in the other."""
    for value, place in zip(claim.values, claim.placed, strict=True):
        side = _side(claim, place) if value.kind == "date" else 0
        same = list(_dated(value, sentences)) if side else []
        if same and all(_side(s, span) == -side and s.denies == claim.denies for s, span in same):
            return _around(claim, place), _around(*same[0])
    return None


def _dated(
    value: Quantity, sentences: Sequence[Reading]
) -> Iterator[tuple[Reading, tuple[int, int]]]:
    for s in sentences:
        for v, span in zip(s.values, s.placed, strict=True):
            if agree(value, v):
                yield s, span


def _points(reading: Reading, place: tuple[int, int]) -> bool:
    """Whether a thing is told to be at the date itself."""
    before = reading.folded[: place[0]]
    han = "年" in reading.folded[slice(*place)] and not _side(reading, place)
    return bool(_AT.search(before)) or (han and not re.search(r"[到至]\Z", before))


def _side(reading: Reading, place: tuple[int, int]) -> int:
    """-1 for up to the date, 1 for from it on."""
    before, after = reading.folded[: place[0]], reading.folded[place[1] :]
    if _UP_TO.search(before) or _UP_TO_AFTER.match(after):
        return -1
    return 1 if _FROM.search(before) or _FROM_AFTER.match(after) else 0
