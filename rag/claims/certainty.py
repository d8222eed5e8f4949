"""How sure a text is of what it says, and whether it is the writer who says it.

What may be, is hoped for or is said by somebody, told as what is: "may open" as "opened".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from rag.claims.pauses import PART
from rag.claims.roles import pieces, tokens_in, words_in
from rag.claims.statement import Reading, read
from rag.values.agree import agree

__all__ = [
    "ALLEGED",
    "IF",
    "MEANT",
    "PERHAPS",
    "THINKS",
    "hedged",
    "hedged_value",
    "hedges_to_keep",
    "said_at_its_end",
    "surer",
    "tells",
    "thinks",
    "unhedged",
]


PERHAPS = re.compile(
    r"\b(?:may|might|could(?! not\b|n['’]t\b)|perhaps|possibly|maybe|potentially"
    r"|consider(?:s|ed|ing)? \w+ing)\b"
    r"|(?<!不)可能|也许|或许|说不定|考虑"
)
"""What may be."""
ALLEGED = re.compile(
    r"\b(?:claim(?:s|ed)? (?:that|to)|alleg\w+|purport\w*|supposedly|reportedly|rumou?r\w*"
    r"|accus(?:e[sd]?|ing))\b|[声宣号自据]称|据[说传]|传[闻言]|谣"
)
"""What somebody says whom the writer need not believe."""
_SAYS = re.compile(
    r"\b(?:sa(?:y|ys|id)|according|claim\w*|report\w*|believ\w*|think\w*|argu\w*|stat(?:e[sd]?)"
    r"|told|alleg\w+|accus\w+|rumou?r\w*|suppos\w+|swears?|swore|thought|insist\w*|suspect\w*"
    r"|maintain\w*"
    r"|contend\w*|reckon\w*|fe(?:els?|lt)|opinion|view|blam\w+|call\w*|consider\w*"
    r"|regard\w*|deem\w*|condemn\w*|estimat\w*|take[ns]?)\b"
    r"|[说称据传]|认为|表示|觉得|相信|报道|坚[称信]|怀疑|主张|看来|眼里|指出|提醒"
)
THINKS = re.compile(
    r"\b(?:(?:think|believe|argue|insist|suspect|maintain|contend|reckon)s?|believed|argued"
    r"|insisted"
    r"|suspected|maintained|contended|reckoned|swears?|swore|thought)\b"
    r"|\bcall(?:s|ed)? (?:it|him|her|them)\b"
    r"|认为|觉得|相信|坚称|坚信|怀疑(?!地)|主张|称(?=[他她它其这那])"
)
"""What somebody else thinks; whoever writes may think so too."""
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
MEANT = re.compile(
    r"\b(?:plan|intend|hope|hop|want|aim|expect|propos|promis|attempt|try|tri|offer)"
    r"(?:s|es|d|ed|ing)? to\b|\b(?:is|are|was|were) (?:due|set|scheduled|slated|projected"
    r"|forecast) to\b"
    r"|计划|打算|(?<!模)拟|准备|希望|有意(?![思义])|试图|预计|预期|有望"
)
"""What is meant to be."""
IF = re.compile(
    r"(?<!even )(?<!as )\b(?:if|unless|provided that|in case)\b"
    "|如果|假如|假使|倘若|(?<![主只还重])要是|除非|一旦"
)
"""What would have to be."""
_UNSURE = re.compile(
    r"\b(?:could|can|would|should|likely|estimat\w+|possib\w+|potential\w*|able|allowed"
    r"|permitted|if|whether"
    r"|unless|plan(?:s|ned|ning)?|intend\w*|intention|hope\w*|hoping|want\w*|aim\w*|goal"
    r"|expect\w*|propos\w*"
    r"|promis\w*|attempt\w*|try|trie[sd]|trying|offer\w*|consider\w*|suggest\w*)\b"
    r"|可以|可能|[想要拟]|如果|是否|或|目标|有望|考虑|设想|预[计期]"
)
_TO_COME = re.compile(r"\b(?:will|shall|going to|to be|next|future)\b|将|会|未来")

_NEAR_HEDGE = (40, 12)  # characters between a hedge and its value, in letters and in Han
_WHICH = re.compile(r"\b(?:that|which|who|where|when|because|since)\b|的|因为")
_MOST_HEDGES = 12  # of one part: each is looked at with all that follows it


def unhedged(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
    """What may be, is meant to be, is said to be, or would have to be, told as what is."""
    hedges = hedges_to_keep(claim)
    if not hedges:
        return None
    whole = words_in(claim, 0, len(claim.folded))
    parts = [(s, a, b) for s in sentences for a, b in pieces(PART, s.folded)]
    for n, (sentence, start, end) in enumerate(parts):
        for found in islice(hedged(hedges, sentence, start, end), _MOST_HEDGES):
            after, until = words_in(sentence, found.end(), end), end
            if not after and parts[n + 1 : n + 2] and parts[n + 1][0] is sentence:
                until = parts[n + 1][2]  # according to rumours, …
                after = words_in(sentence, found.end(), until)
            shared = whole & after
            if found.re is THINKS:
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
                and not any(True for _ in hedged((PERHAPS, IF, MEANT, ALLEGED, THINKS), s, a, b))
            )
            if not any(shared <= other for other in elsewhere):
                return claim.folded, sentence.folded[found.start() : until].strip(" ,，")
    return None


def hedged_value(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
    """A value that is hoped for, planned or possible wherever the evidence has it, and told as a
    fact; in whatever language."""
    hedges = tuple(h for h in hedges_to_keep(claim) if h in (PERHAPS, MEANT))
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
    start = max((a for a, b in pieces(PART, sentence.folded) if a <= at), default=0)
    for found in hedged(hedges, sentence, start, at):
        between = sentence.folded[found.end() : at]
        if len(between) <= _NEAR_HEDGE[sentence.han] and not _WHICH.search(between):
            return sentence.folded[found.start() : at]
    return ""


def said_at_its_end(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
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


def hedges_to_keep(claim: Reading) -> tuple[re.Pattern[str], ...]:
    """The words of doubt that a claim must not leave out, having none of their kind itself."""
    says = () if _SAYS.search(claim.folded) else (ALLEGED, THINKS)
    if any(said.search(claim.folded) for said in (PERHAPS, MEANT, IF, _UNSURE)):
        return says
    meant = () if _TO_COME.search(claim.folded) else (MEANT,)
    return (PERHAPS, IF, *meant, *says)


def surer(claim: Reading, near: Sequence[Reading]) -> tuple[str, str] | None:
    """What is certain in the claim and only thought, hoped or expected in the evidence."""
    sure = None if claim.denies else _CERTAIN.search(claim.folded)
    if sure is None or any(_CERTAIN.search(s.folded) for s in near):
        return None
    guess = next(filter(None, (_GUESSED.search(s.folded) for s in near)), None)
    return (sure[0], guess[0]) if guess else None


def hedged(
    patterns: Sequence[re.Pattern[str]], sentence: Reading, start: int, end: int
) -> Iterator[re.Match[str]]:
    """Words of doubt and intention in a part of a text; the month of May is none."""
    whole = len(sentence.text) == len(sentence.folded)
    for pattern in patterns:
        for found in pattern.finditer(sentence.folded, start, end):
            if any(a <= found.start() < b for a, b in sentence.placed):
                continue
            if pattern is THINKS and not _of_another(sentence, found.start()):
                continue
            if not (found[0] == "may" and whole and sentence.text[found.start()] == "M"):
                yield found


def _of_another(sentence: Reading, at: int) -> bool:
    """Whether somebody is named who thinks so, and it is not whoever tells."""
    before = max((a for a, b in pieces(PART, sentence.folded) if a <= at), default=0)
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
    return any(True for _ in hedged((THINKS,), sentence, 0, len(sentence.folded)))
