"""Which side of a relation is which: cause and effect, earlier and later, the greater and the less,
and who does what.

A claim that exchanges the two is made of nothing but the evidence's words. Only what both texts say
with a word for it is compared, and only words that stand on one side in each of them.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, takewhile

from rag.claims.people import other_person, people
from rag.claims.statement import Reading, Token
from rag.fold import words as stems

__all__ = [
    "causes",
    "clauses",
    "in_order",
    "other_doer",
    "pieces",
    "tokens_in",
    "turned_round",
    "words_in",
]

_CLAUSE = re.compile(r"[;；.。!！?？:：]|[,，](?!\d)|\b(?:and|but|while|whereas)\b")
_BLOCK = re.compile(r"[;；。!！?？\n]|\.(?!\d)")
_PAUSED = "[,，]"
# (relation, its two sides and how it is said); the first pattern of a relation that fits is taken.
_CAUSE = r"(?:because(?: of)?|due to|owing to|as a result of)"
_NEXT = "(?:the|an?|his|her|its|their|he|she|it|they|we|i)"  # begins what no comma parts
_GIVEN = "[^,，]+"
_THEN_HAN = "然后再?|随后|接着|再(?![也次三怎者加大好多难不说有见度])"
_RELATIONS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("cause", rf"^\W*(?:{_CAUSE}|since)\b(?P<one>[^,]+),(?P<two>.+)"),
        ("cause", rf"^(?P<two>.+?)\b{_CAUSE}\b(?P<one>.+)"),
        (
            "cause",
            r"^(?P<one>[^,]+(?:, [^,]+)?), (?:and )?(?:so|therefore|hence) (?!that\b)"
            r"(?P<two>[^,]+)",
        ),
        ("cause", r"^(?P<two>.+?)\b(?:is|are|was|were|been) caused by\b(?P<one>.+)"),
        ("cause", r"^(?P<one>.+?)\b(?:led to|causes?d?|resulted in|brought about)\b(?P<two>.+)"),
        ("cause", rf"(?:由于|因为)(?P<one>[^,，]+){_PAUSED}(?:所以|因此)?(?P<two>.+)"),
        ("cause", rf"^(?P<one>[^,，]+){_PAUSED}(?:所以|因此|因而)(?P<two>.+)"),
        ("cause", rf"^(?P<two>.+?){_PAUSED}?(?:这?是)?因为(?P<one>.+)"),
        ("cause", rf"^(?P<one>.+?){_PAUSED}?(?:导致|造成|引起|使得)了?(?P<two>.+)"),
        ("time", r"^\W*before\b(?P<two>[^,]+),(?P<one>.+)"),
        ("time", r"^\W*after\b(?P<one>[^,]+),(?P<two>.+)"),
        ("time", rf"^\W*before\b(?P<two>.+?) (?P<one>{_NEXT}\b.+)"),
        ("time", rf"^\W*after\b(?P<one>.+?) (?P<two>{_NEXT}\b.+)"),
        ("time", r"^(?P<one>.+?)\bbefore\b(?P<two>.+)"),
        ("time", r"^(?P<two>.+?)\bafter\b(?P<one>.+)"),
        ("time", rf"^(?P<two>[^,，]+?)(?:之前|以前|前){_PAUSED}(?P<one>.+)"),
        ("time", rf"^(?P<one>[^,，]+?)(?:之后|以后|后){_PAUSED}(?P<two>.+)"),
        ("time", rf"先(?P<one>[^,，先]{{1,24}}?){_PAUSED}?(?:{_THEN_HAN})(?P<two>.+)"),
        ("time", rf"^(?P<one>[^,，]+?){_PAUSED}(?:{_THEN_HAN})(?P<two>.+)"),
        ("time", r"\bfirst,? (?P<one>[^,]+?)(?:,| and|, and) then (?P<two>.+)"),
        ("time", r"^(?!\W*if\b)(?P<one>[^,]+?)(?:,| and|, and) then (?P<two>.+)"),
        (
            "than",
            r"^(?P<one>.+?\b(?P<how>more|less|fewer|(?!(?:oth|rath|eith)er\b)\w+er(?= than))\b"
            r"[^,;]*?)\bthan\b(?P<two>[^,;]+)",
        ),
        ("as", r"^(?P<one>.+?\b(?P<how>\w+(?: times)? as)\b[^,;]+?)\bas\b(?P<two>[^,;]+)"),
        ("from", r"\bfrom (?P<one>(?:[^\s,;]+ ){1,3}?)to (?P<two>[^\s,;]+(?: [^\s,;]+)?)"),
        ("从", r"从(?P<one>[^,，到至从]{1,10}?)[到至](?P<two>[^,，到至从]{1,10})"),
        ("给", rf"^(?P<one>[^,，]+?)[把将][^,，]+?[卖送交借租还让转]给了?(?P<two>{_GIVEN})"),
        ("比", r"^(?P<one>.+?)(?<![对百相无占])比(?![赛如例较重分喻方起特尔利基])(?P<two>[^,，]+)"),
    )
)
_DID = re.compile(
    r", (?:died|fell|left|went|came|was|were|had|did|ran|became|wrote|said|began|drew|knew|saw|gave"
    r"|took|refused|resigned|failed|disappeared|survived|remained|stayed|agreed|wanted|hoped)\b"
)
"""What begins after a name set in commas, and can be no participle of it."""
_FAVOUR = re.compile(
    r"\bin (?:the )?(?P<whose>(?:[a-z]+ ){0,2}?[a-z]+)['’]s? favou?r\b"
    r"|\bin favou?r of (?:the |its |their |his |her )?(?P<of>[a-z]+(?: [a-z]+)?)"
)
_OPPONENTS = (
    "tenant|landlord plaintiff|defendant claimant|defendant buyer|seller employer|employee"
    " employer|worker employer|union management|union creditor|debtor lender|borrower"
    " prosecution|defence appellant|respondent landowner|peasant owner|tenant"
)
_AFTER_BE = re.compile(r"\b(?:is|are|was|were|been|being) (?:\w+ly )?\Z")
_WHOLE = frozenset(("cause", "time"))
_LONGEST_SUBJECT = 4  # tokens
_PRONOUNS = frozenset(("he", "she", "it", "they", "we", "you", "i"))


Doers = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Relation:
    """How it is said, and where its two sides stand in the text."""

    kind: str
    one: tuple[int, int]
    two: tuple[int, int]


def turned_round(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
    """Two sides of a relation that the claim has the other way round than all the evidence."""
    for mine in _relations(claim.folded):
        turned = list[tuple[str, str]]()
        for sentence in sentences:
            for theirs in _relations(sentence.folded):
                if theirs.kind == mine.kind and sentence.denies == claim.denies:
                    crossed, stays = _compared(claim, mine, sentence, theirs)
                    if stays:
                        return None
                    turned += crossed
        if turned:
            return turned[0]
    return None


def causes(folded: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """(cause, effect) wherever a text has a word for it."""
    return ((one.one, one.two) for one in _relations(folded) if one.kind == "cause")


def in_order(claim: Reading, sentences: Sequence[Reading], kind: str = "time") -> bool:
    """Whether what the claim has first and what it has later are so in the evidence, where one of
    them says "before" and the other "after"; or cause and effect, with "so" and "because"."""
    pairs = (
        (sentence, mine, theirs)
        for mine in _relations(claim.folded)
        for sentence in sentences
        for theirs in _relations(sentence.folded)
        if mine.kind == theirs.kind == kind
    )
    return any(_compared(claim, mine, s, theirs)[1] for s, mine, theirs in pairs)


def _compared(
    claim: Reading, mine: _Relation, sentence: Reading, theirs: _Relation
) -> tuple[list[tuple[str, str]], bool]:
    """The sides that are exchanged, and whether both are where they were."""
    ending = _ending(claim.folded, mine, sentence.folded, theirs) if mine.kind == "比" else 0
    one, two = words_in(claim, *mine.one), words_in(claim, mine.two[0], mine.two[1] - ending)
    first = words_in(sentence, *theirs.one)
    second = words_in(sentence, theirs.two[0], theirs.two[1] - ending)
    if mine.kind == "比" and not (ending and _known(claim, mine.two, sentence)):
        return [], False
    crossed, back = (one - two) & (second - first), (two - one) & (first - second)
    here, there = (one - two) & (first - second), (two - one) & (second - first)
    stayed = {word for word in here | there if " " not in word}  # how long after is on no side
    # what both sides have ("to learn to … before to learn to …") tells nothing
    least = min(len(crossed), len(back)) < 2  # then half is not enough
    shares = (2 * len(crossed) - len(one - two), 2 * len(back) - len(two - one))
    most = min(shares) >= least and not stayed
    names = _names_in(claim)
    most = most or bool(crossed & names and back & names)
    both = crossed and back and (most or mine.kind not in _WHOLE)
    # what a thing is compared with may be a pronoun: "her husband … is older than she"
    alone = not stayed and ((back and back == two and not second) or (crossed == one and not first))
    if both or (alone and (crossed or back)):
        sides = (claim.folded[a:b].strip(" ,，") for a, b in (mine.one, mine.two))
        return [(next(sides), next(sides))], False
    return [], bool(here and there)


def _known(claim: Reading, span: tuple[int, int], sentence: Reading) -> bool:
    """Whether a part of the claim has no character that the sentence lacks: 矮 is not 高."""
    inside = [t for t in claim.tokens if span[0] <= t.start and t.end <= span[1]]
    return all(t.word in sentence.vocabulary for t in inside if t.weight >= 0.5)


def _ending(mine: str, one: _Relation, theirs: str, other: _Relation) -> int:
    """How many characters two Chinese comparisons end in alike: 比她[大八岁]."""
    pairs = zip(mine[slice(*one.two)][::-1], theirs[slice(*other.two)][::-1], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _relations(folded: str) -> Iterator[_Relation]:
    """The relations that a text states."""
    for start, end in pieces(_BLOCK, folded):
        seen = set[str]()
        for name, pattern in _RELATIONS:
            found = pattern.search(folded[start:end])
            kind = (found.groupdict().get("how") or name) if found else name
            if found and name not in seen:
                seen.add(name)
                one, two = (
                    (found.start(side) + start, found.end(side) + start) for side in ("one", "two")
                )
                yield _Relation(kind, one, two)


def pieces(cut: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    """The parts of a text between what cuts it, but for empty ones."""
    edges = [0, *(edge for found in cut.finditer(text) for edge in found.span()), len(text)]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if text[start:end].strip():
            yield start, end


def tokens_in(reading: Reading, start: int, end: int) -> list[Token]:
    """The tokens of a part of a text, which may have thousands of parts."""
    first = bisect_left(reading.tokens, start, key=lambda token: token.start)
    last = bisect_left(reading.tokens, end, key=lambda token: token.start)
    return [token for token in reading.tokens[first:last] if token.end <= end]


def words_in(reading: Reading, start: int, end: int) -> frozenset[str]:
    """What stands in a part of a text: words, values, and Han characters two by two."""
    inside = tokens_in(reading, start, end)
    found = {t.word for t in inside if not t.han and (t.weight >= 0.5 or _letter(reading, t))}
    found |= {
        a.word + b.word
        for a, b in pairwise(inside)
        if a.han and b.han and a.end == b.start and min(a.weight, b.weight) >= 0.5
    }
    return frozenset(found)


def _letter(reading: Reading, token: Token) -> bool:
    """Whether it is a capital that tells one of several: glue A."""
    if len(token.word) > 1 or not token.start or len(reading.text) != len(reading.folded):
        return False
    return reading.text[token.start] in "ABCDEFGHJKLMNOPQRSTUVWXYZ"


def clauses(reading: Reading) -> list[str]:
    """The text cut where one statement ends and the next begins."""
    text = reading.text
    return [text[a:b].strip() for a, b in pieces(_CLAUSE, text)]


def other_doer(
    claim: Reading, near: Sequence[Reading], sentences: Sequence[Reading]
) -> Doers | None:
    """What the claim says that one does and every sentence another: (the claim's, theirs)."""
    parts = [
        _Part(sentence, [t for t in tokens_in(sentence, a, b) if t.weight >= 0.5])
        for sentence in near
        for a, b in pieces(_CLAUSE, sentence.folded)
    ]
    mine = [
        [token for token in tokens_in(claim, a, b) if token.weight >= 0.5]
        for a, b in pieces(_CLAUSE, claim.folded)
    ]
    found = (_other_subject(claim, part, parts) for part in mine)
    doers = _other_name(claim, sentences) or _other_agent(claim, sentences)
    doers = doers or _other_favour(claim, near)
    return doers or other_person(claim, sentences) or next(filter(None, found), None)


def _other_favour(claim: Reading, sentences: Sequence[Reading]) -> Doers | None:
    """In whose favour it was decided in the claim, where the evidence has their opponent."""
    mine = _favoured(claim)
    theirs = [found for s in sentences for found in _favoured(s)]
    for text, side in mine:
        against = [given for given, other in theirs if _opponents(side, other)]
        if against and not any(other & side for _, other in theirs):
            return text, against[0]
    return None


def _favoured(reading: Reading) -> list[tuple[str, frozenset[str]]]:
    """(the words for it, its words that say something) of everybody in whose favour it is."""
    return [
        (found[0], frozenset(stems(found["whose"] or found["of"])))
        for found in _FAVOUR.finditer(reading.folded)
    ]


def _opponents(one: frozenset[str], other: frozenset[str]) -> bool:
    return any((a & one and b & other) or (b & one and a & other) for a, b in _opposed())


@cache
def _opposed() -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    pairs = (pair.split("|") for pair in _OPPONENTS.split())
    return tuple((frozenset(stems(a)), frozenset(stems(b))) for a, b in pairs)


@dataclass(frozen=True, slots=True)
class _Part:
    """A clause of the evidence: its words that say something."""

    sentence: Reading
    tokens: list[Token]

    @property
    def words(self) -> list[str]:
        return [token.word for token in self.tokens]

    def goes_on_after(self, words: Sequence[str]) -> bool:
        """Whether it has these words, and something to say of them."""
        held = self.words
        return all(word in held for word in words) and held[-1] not in words


def _other_subject(claim: Reading, mine: Sequence[Token], parts: Sequence[_Part]) -> Doers | None:
    """The same words said of another, and then something else of what the claim says them of: "the
    teachers objected, the students did not". What stands before may be the subject of both."""
    words = [token.word for token in mine]
    if any(set(words) <= set(part.words) for part in parts):
        return None
    last: dict[int, int] = {}  # by how many words the claim's own are: where they stand last
    for n, theirs in enumerate(parts):
        at = _parting(words, theirs.words)
        if at is None or set(words[: at[0]]) & set(theirs.words):
            continue
        if at[0] not in last:
            goes_on = (i for i, part in enumerate(parts) if part.goes_on_after(words[: at[0]]))
            last[at[0]] = max(goes_on, default=-1)
        own, other = mine[: at[0]], theirs.tokens[: at[1]]
        text = theirs.sentence.folded[other[0].start : theirs.tokens[at[1]].start]
        spoken = text.split() and _PRONOUNS.isdisjoint(text.split())
        valued = any(token.word[0] == "=" for token in (*own, *other))
        if spoken and not valued and last[at[0]] > n:
            return claim.folded[own[0].start : own[-1].end], text.strip()
    return None


def _parting(mine: Sequence[str], theirs: Sequence[str]) -> tuple[int, int] | None:
    """How many words stand in each before what both go on with, which is most of the claim."""
    for own in range(1, min(_LONGEST_SUBJECT, len(mine) - 1) + 1):
        rest = mine[own:]
        if len(rest) < 2 or 2 * len(rest) < len(mine):
            return None
        for other in range(1, min(_LONGEST_SUBJECT, len(theirs) - 1) + 1):
            if theirs[other : other + len(rest)] == rest and not set(theirs[:other]) & set(mine):
                return own, other
    return None


def _names_in(reading: Reading) -> frozenset[str]:
    """The stems of a text's names."""
    found = {word for name in reading.names for word in name.lstrip("^").lower().split()}
    return frozenset(t.word for t in reading.tokens if _surface(reading, t) in found)


def _other_agent(claim: Reading, sentences: Sequence[Reading]) -> Doers | None:
    """By whom the claim says it was done, where the evidence has another do it."""
    names = _who(claim, *sentences)
    theirs = [
        (sentence, agent, verbs)
        for sentence in sentences
        for agent, verbs in _agents(sentence, names)
    ]
    told_by = list(_agents(claim, names, passive=True))
    if not told_by:  # "Marek opened it" beside "it was opened by Anna"
        told_by = list(_agents(claim, names))
        theirs = [
            (sentence, agent, verbs)
            for sentence in sentences
            for agent, verbs in _agents(sentence, names, passive=True)
        ]
    for mine, verbs in told_by:
        others = [(s, who) for s, who, does in theirs if does & verbs]
        done = {verb for _, _, does in theirs for verb in does & verbs}
        told = sum(_surface(s, t) in done for s in sentences for t in s.tokens)
        held = {t.word for t in mine}
        same = any(held & {t.word for t in who} for _, who in others)
        known = any(held <= s.vocabulary for s in sentences)
        if others and not same and known and told <= len(others):
            return _said(claim, mine), _said(*others[0])
    return None


def _agents(
    reading: Reading, names: set[str], *, passive: bool = False
) -> Iterator[tuple[list[Token], frozenset[str]]]:
    """Who does it, and words of which one is what is done as it stands there, clause by clause;
    `passive`: only those whom "by" names."""
    for start, end in pieces(_CLAUSE, reading.folded):
        inside = tokens_in(reading, start, end)
        by = next((n for n, t in enumerate(inside) if _surface(reading, t) == "by"), None)
        named = inside[by + 1 : by + 6] if by else []
        agent = [t for t in named if _surface(reading, t) in names]
        after = inside[inside.index(agent[-1]) + 1 :][:1] if agent else []
        if any(t.latin and t.weight >= 0.5 for t in after):
            agent = []  # "by a British coach operator"
        if by and agent and _titled(named[: named.index(agent[0])]):
            heavy = [t for t in inside[:by] if t.weight >= 0.5 and t.latin]
            after_be = (t for t in heavy if _AFTER_BE.search(reading.folded[start : t.start]))
            done = {_surface(reading, t) for t in (*after_be, *heavy[-1:])}
            yield agent, frozenset(done - names)
        elif not passive and not agent:
            subject = _subject(reading, names, start, end)
            if subject is not None and _titled(inside[: inside.index(subject[0][0])]):
                yield subject[0], frozenset((_surface(reading, subject[1]),))


def _titled(before: Sequence[Token]) -> bool:
    """Whether nothing stands before a name but a word for who it is: my cousin Bela."""
    heavy = [t for t in before if t.weight >= 0.5]
    return not heavy or (len(heavy) == 1 and heavy[0] is before[-1])


def _said(reading: Reading, tokens: Sequence[Token]) -> str:
    return reading.folded[tokens[0].start : tokens[-1].end]


def _who(*readings: Reading) -> set[str]:
    """The words of names and of relatives and callings."""
    found = {w for s in readings for name in s.names for w in name.lstrip("^").lower().split()}
    return found | people()


def _other_name(claim: Reading, sentences: Sequence[Reading]) -> Doers | None:
    """The same of names that stand right before the same word, where the claim's own stands in the
    evidence as the doer of something else."""
    names = _who(claim, *sentences)
    subject = _subject(claim, names, 0, len(claim.folded))
    if subject is None:
        return None
    name, verb = subject
    others = list[str]()
    standing = False
    for sentence in sentences:
        for start, end in pieces(_CLAUSE, sentence.folded):
            inside = tokens_in(sentence, start, end)
            words = [t.word for t in inside]
            if verb.word in words:
                theirs = _subject(sentence, names, start, end)
                if theirs is None or theirs[1].word != verb.word or name[-1].word in words:
                    return None
                if theirs[0][-1].word in claim.vocabulary:
                    return None
                others.append(sentence.folded[theirs[0][0].start : theirs[0][-1].end])
            elif name[-1].word in words:
                at = words.index(name[-1].word)
                after = any(t.weight >= 0.5 for t in inside[at + 1 :])
                standing = standing or after or bool(_DID.match(sentence.folded, inside[at].end))
    if not others or not standing:
        return None
    return claim.folded[name[0].start : name[-1].end], others[0]


def _subject(
    reading: Reading, names: set[str], start: int, end: int
) -> tuple[list[Token], Token] | None:
    """A name near the beginning of a clause and the word right after it that says something."""
    inside = tokens_in(reading, start, end)
    at = next((n for n, t in enumerate(inside[:4]) if _surface(reading, t) in names), None)
    if at is None:
        return None
    last = at
    while last + 1 < len(inside) and _surface(reading, inside[last + 1]) in names:
        last += 1
    for token in inside[last + 1 :]:
        if token.word == "=I" or _surface(reading, token) in _PRONOUNS:
            return None
        if token.weight >= 0.5:
            return (inside[at : last + 1], token) if token.latin else None
    return None


def _surface(reading: Reading, token: Token) -> str:
    return reading.folded[token.start : token.end]
