"""Essay → Passages: whole sentences, small enough to find and to cite, with their surroundings.

A passage never crosses a heading, keeps to one paragraph where that is long enough, and is a slice
of the cleaned text, so its map back is a slice too. Where it is cut depends on nothing but its own
section, so that a section that stands twice is cut alike and its copies can be merged.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from rag import fold
from rag.clean import Block, Cleaned
from rag.schema import Essay, Passage
from rag.sentences import sentence_spans

__all__ = ["VERSION", "split"]

VERSION = 6
"""Changes whenever `split` gives other passages for the same input: the index depends on it."""

_TARGET = 280  # tokens: about 390 Chinese characters or 200 English words
_ENOUGH = 220  # tokens from which a passage may end with its paragraph
_ENOUGH_ITEM = 120  # list items hold one fact each
_SHORT_LIST = 60  # tokens of a list that is cut no more than a paragraph is
_LEFTOVER = 30  # tokens that are too few to stand alone
_TELLING = 30  # characters from which a paragraph's language says something
_QUESTION = 200  # characters of a paragraph that asks, as in an interview
_ROW = "row"  # the kind of a unit of a table
_NEIGHBOUR = 400  # characters of each neighbour to show
GAP = "[…]"
"""The line of a passage's context where the passage itself stands."""


@dataclass(frozen=True, slots=True)
class _Unit:
    """A sentence, or a piece of an enormous one: `[start, end)` of the cleaned text. `asks`: its
    block is a question that the next one may answer."""

    start: int
    end: int
    tokens: int
    block: int
    kind: str
    heading: str
    lead_in: str
    language: str
    asks: bool = False


def split(
    essay: Essay, cleaned: Cleaned, count_tokens: Callable[[str], int], limit: int = 480
) -> list[Passage]:
    """The passages of an essay in order; copies are not merged.

    Args:
        essay: where the text comes from.
        cleaned: `clean(essay.text, start=essay.body_start, …)`.
        count_tokens: how long a text is for the embedder that will see it.
        limit: the most tokens a passage may have.

    Returns:
        Passages whose spans together hold every character of `cleaned.text` that is no white space,
        each once and in order.
    """
    units = list(_units(essay, cleaned, count_tokens, limit))
    groups = [
        piece
        for group in _groups(units, limit)
        for piece in _fitting(cleaned.text, group, count_tokens, limit)
    ]
    texts = [cleaned.text[group[0].start : group[-1].end] for group in groups]
    return [
        _passage(essay, cleaned, group, _context(group, texts, index))
        for index, group in enumerate(groups)
    ]


def _passage(essay: Essay, cleaned: Cleaned, group: Sequence[_Unit], context: str) -> Passage:
    start, end = group[0].start, group[-1].end
    raw_start, raw_end = cleaned.offsets.raw_span(start, end)
    text = cleaned.text[start:end]
    identity = "\0".join((essay.source, str(raw_start), str(raw_end), text))
    body = next((unit for unit in group if unit.kind != "heading"), group[-1])
    return Passage(
        id=hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:32],
        source=essay.source,
        title=essay.title,
        heading=body.heading,
        start=raw_start,
        end=raw_end,
        text=text,
        raw=essay.text[raw_start:raw_end],
        context=context,
        language=_language(text, essay) or essay.language,
        offsets=cleaned.offsets.slice(start, end),
    )


def _language(text: str, essay: Essay) -> str:
    """A text's language; where Latin letters say too little (a list of names), its essay's."""
    return fold.language(text, essay.language if fold.is_latin(essay.language) else "en")


def _context(group: Sequence[_Unit], texts: Sequence[str], index: int) -> str:
    """Lead-in, end of what stands before, `[…]`, beginning of what stands after."""
    before = _tail(texts[index - 1]) if index else ""
    after = _head(texts[index + 1]) if index + 1 < len(texts) else ""
    first = next((unit for unit in group if unit.kind != "heading"), group[0])
    lead_in = first.lead_in
    if lead_in and (lead_in in before or lead_in in texts[index]):
        lead_in = ""
    if not (lead_in or before or after):
        return ""
    return "\n".join(part for part in (lead_in, before, GAP, after) if part)


def _head(text: str) -> str:
    if len(text) <= _NEIGHBOUR:
        return text
    kept = [end for _, end in sentence_spans(text) if end <= _NEIGHBOUR]
    return text[: kept[-1]] if kept else text[: _back_to_space(text, _NEIGHBOUR)]


def _tail(text: str) -> str:
    if len(text) <= _NEIGHBOUR:
        return text
    kept = [start for start, _ in sentence_spans(text) if start >= len(text) - _NEIGHBOUR]
    return text[kept[0] :] if kept else text[_back_to_space(text, len(text) - _NEIGHBOUR) :]


def _back_to_space(text: str, at: int) -> int:
    found = text.rfind(" ", max(at - 40, 0), at)
    return found if found > 0 else _safe(text, at, 0)


# --- structure -------------------------------------------------------------------------------


def _units(
    essay: Essay, cleaned: Cleaned, count_tokens: Callable[[str], int], limit: int
) -> Iterator[_Unit]:
    """All sentences in order, each with the headings above it and the lead-in of its list."""
    text = cleaned.text
    blocks = _with_headings(text, cleaned.blocks)
    path: list[tuple[int, str]] = []
    lead_ins: list[tuple[int, str]] = []  # (indentation, text) from the outermost in
    for index, block in enumerate(blocks):
        body = text[block.start : block.end]
        if block.kind == "heading":
            path = [entry for entry in path if entry[0] < block.level]
            if fold.copy_key(body) != fold.copy_key(essay.title):
                path.append((block.level, " ".join(body.split())))
            lead_ins = []
        elif block.kind == "item":
            lead_ins = [entry for entry in lead_ins if entry[0] < block.level]
        heading = " > ".join(name for _, name in path)
        told = len(body) >= _TELLING and block.kind != "field"
        language = _language(body[:1000], essay) if told else ""
        lead_in = "\n".join(lead for _, lead in lead_ins) if block.kind == "item" else ""
        asks = block.kind == "text" and len(body) <= _QUESTION and _is_question(body)
        kind = _ROW if body.startswith("|") and block.kind in ("text", "item") else block.kind
        for start, end in sentence_spans(body):
            for left, right, tokens in _pieces(body[start:end], count_tokens, limit):
                at = block.start + start
                place = (at + left, at + right, tokens, index)
                yield _Unit(*place, kind, heading, lead_in, language, asks)
        if block.kind == "item":
            lead_ins.append((block.level, _head(body)))
        elif block.kind != "heading":
            lead_ins = [(-1, _last_sentence(body))]


def _is_question(body: str) -> bool:
    """Whether a paragraph is a question and nothing else; what ends in one tells something too."""
    return _ASKS.search(body[-8:]) is not None and len(sentence_spans(body)) == 1


def _last_sentence(body: str) -> str:
    start, end = sentence_spans(body[-_NEIGHBOUR:])[-1]
    return body[-_NEIGHBOUR:][start:end]


_NUMBERED = re.compile(
    r"(?P<part>[第][一二三四五六七八九十百\d]+[章部节節篇])|(?P<han>[一二三四五六七八九十]{1,3}[、．.])"
    r"|(?P<sub>[（(][一二三四五六七八九十]{1,3}[）)])|(?P<digit>\d{1,2}(?:\.\d{1,2})*[.、．]?[ \t])"
)
_LEVELS = {"part": 1, "han": 2, "sub": 3, "digit": 3}
_UNMARKED = 2
_WIDE = re.compile("[\u2e80-\U0010ffff]+")
_STOPPED = re.compile(r"[。.;；:：,，、…—!！](?:[”’」』）)\]\"'])*$")
_NO_HEADING = re.compile(r"^#|://|[↗↑↓]$")
_SHOUTING = re.compile(r"(?=.*[A-Z]{3})[^a-z\u2e80-\U0010ffff]+")
_SHOUTED = re.compile(r"[!！]$")
_ASKED = re.compile(r".{1,30}[:：]\s*\S.{0,200}[?？]\W{0,4}$")
_ASKS = re.compile(r"[?？]['\"”’」』）)\]*_]*$")
_ENDED = re.compile(r"[。！？!?.…;；:：]['\"”’」』）)\]]*$")


def _with_headings(text: str, blocks: Sequence[Block]) -> list[Block]:
    """The blocks, with lines that are headings without saying so made headings.

    Only where the text has no marked headings but one, its title. A heading is short, does not end
    like a sentence, is followed by something longer, and stands apart; or, in a text that never
    leaves a line blank, it is the one kind of line that does not end like a sentence; or it has a
    higher kind of number than the line below.
    """
    fields = [block for block in blocks if block.kind == "field"]
    if fields:
        return [*fields, *_with_headings(text, blocks[len(fields) :])]
    if sum(block.kind == "heading" for block in blocks) > 1:
        return list(blocks)
    bodies = [text[block.start : block.end] for block in blocks]
    airy = sum(block.apart for block in blocks) * 3 > len(blocks)
    return [
        replace(block, kind="heading", level=_heading_level(bodies[index]))
        if block.kind != "heading" and _is_heading(blocks, bodies, index, airy)
        else block
        for index, block in enumerate(blocks)
    ]


def _heading_level(body: str) -> int:
    numbered = _NUMBERED.match(body)
    return _LEVELS[numbered.lastgroup or ""] if numbered else _UNMARKED


def _is_heading(blocks: Sequence[Block], bodies: Sequence[str], index: int, airy: bool) -> bool:
    block, body = blocks[index], bodies[index]
    if index + 1 == len(blocks) or block.kind == "code" or _NO_HEADING.search(body[:200]):
        return False
    after, following = blocks[index + 1], bodies[index + 1]
    width = _width(body[:200])
    numbered = _NUMBERED.match(body) is not None
    alone = (block.apart or index == 0) and after.apart
    over_list = alone and not _NUMBERED.match(following)  # 3. RULES, above a) and b)
    if block.kind == "item" and not (numbered and (after.kind == "text" or over_list)):
        return False
    if width > (30 if airy else 60) or not any(character.isalpha() for character in body):
        return False
    spoken = _ASKED.match(body) and not numbered  # somebody's question
    if spoken or (_STOPPED.search(body[-8:]) and not (_SHOUTED.search(body) and width <= 15)):
        return False
    if numbered and _is_deeper(following, body):
        return True
    if airy:
        over_text = (block.apart or index == 0) and (
            numbered or _SHOUTING.fullmatch(body) is not None
        )
        return (alone or over_text) and (
            after.kind == "item" or _width(following[:400]) > width or after.kind == "heading"
        )
    if after.kind == "item":
        return numbered and not _NUMBERED.match(following)
    # prose follows, and what stands before has ended
    ended = numbered or index == 0 or _ENDED.search(bodies[index - 1][-8:]) is not None
    return (
        ended
        and bool(_ENDED.search(following[-8:]))
        and (numbered or _width(following) > width * 0.4)
    )


def _is_deeper(body: str, above: str) -> bool:
    """Whether a line is numbered by a lower kind of number than another: （一） under 一、."""
    kinds = list(_LEVELS)
    one, other = (
        kinds.index(found.lastgroup or "") if found else -1
        for found in (_NUMBERED.match(body), _NUMBERED.match(above))
    )
    return one > other >= 0


def _width(text: str) -> float:
    """Length as it looks: two Latin letters take the room of one Han character."""
    return (len(text) + sum(map(len, _WIDE.findall(text)))) / 2


# --- grouping --------------------------------------------------------------------------------


def _groups(units: Sequence[_Unit], limit: int) -> list[list[_Unit]]:
    """Units that make a passage each: near the target, ending with a paragraph where they can."""
    groups: list[list[_Unit]] = []
    section: list[_Unit] = []
    for unit in units:
        begins = unit.kind == "heading" and section and section[-1].kind != "heading"
        if begins or (section and section[-1].kind == "field" != unit.kind):
            groups += _section_groups(section, limit)
            section = []
        section.append(unit)
    if not section:
        return groups
    if section[-1].kind != "heading":
        return [*groups, *_section_groups(section, limit)]
    # headings that nothing follows stand with what is before them
    if groups and _tokens(groups[-1]) + _tokens(section) <= limit:
        return [*groups[:-1], [*groups[-1], *section]]
    return [*groups, *_packed(section, min(_TARGET, limit))]


def _section_groups(section: Sequence[_Unit], limit: int) -> Iterator[list[_Unit]]:
    """A section is its headings and the paragraphs under them."""
    target = min(_TARGET, limit)
    group: list[_Unit] = []
    ready: list[list[_Unit]] = []
    paragraphs = list(_paragraphs(section))
    for paragraph, following in zip(paragraphs, [*paragraphs[1:], []], strict=True):
        listed = bool(following) and paragraph[0].kind == following[0].kind == "item"
        enough = _ENOUGH_ITEM if listed else _ENOUGH
        if group and _breaks(group, paragraph, target, enough):
            ready.append(group)
            group = []
        for piece in _balanced(paragraph, target, _tokens(group)):
            if group and _body_tokens(group) and _tokens(group) + _tokens(piece) > target:
                ready.append(group)
                group = []
            if group and _tokens(group) + _tokens(piece) > limit:
                ready.append(group)
                group = []
            group = [*group, *piece]
    ready.append(group)
    if len(ready) > 1 and _is_leftover(ready[-2], ready[-1], min(limit, target * 5 // 4)):
        tail = ready.pop()
        ready[-1] = [*ready[-1], *tail]
    yield from ready


def _is_leftover(before: Sequence[_Unit], tail: Sequence[_Unit], most: int) -> bool:
    """Whether the end of a section is too short to stand alone and may join what is before it."""
    return (
        _tokens(tail) < _LEFTOVER
        and _tokens(before) + _tokens(tail) <= most
        and before[-1].kind == tail[0].kind
        and not _other_language(before, tail)
    )


def _other_language(group: Sequence[_Unit], paragraph: Sequence[_Unit]) -> bool:
    """Whether one may be the translation of the other: they are found, and searched, apart."""
    before = next((unit.language for unit in reversed(group) if unit.language), "")
    after = paragraph[0].language
    return bool(before and after and before != after)


def _breaks(group: Sequence[_Unit], paragraph: Sequence[_Unit], target: int, enough: int) -> bool:
    """Whether a new passage begins with this paragraph although it would fit. `enough`: tokens that
    may stand without it; fewer where more items follow, or the first stayed with what is above."""
    tokens = _body_tokens(group)
    if not tokens:
        return False
    last, first = group[-1], paragraph[0]
    if last.kind == "item" and first.kind == "item":
        return tokens >= _ENOUGH_ITEM or tokens + _tokens(paragraph) > target
    if last.kind in ("item", _ROW) or _other_language(group, paragraph):
        return True
    return tokens >= enough or tokens + _tokens(paragraph) > target


def _balanced(paragraph: Sequence[_Unit], target: int, before: int) -> Iterator[list[_Unit]]:
    """The paragraph in as few parts as the target allows, of about the same length."""
    total = _tokens(paragraph)
    if before + total <= target:
        yield list(paragraph)
        return
    parts = -(-total // target)
    yield from _packed(paragraph, -(-total // parts), target)


def _packed(units: Sequence[_Unit], aim: int, most: int = 0) -> Iterator[list[_Unit]]:
    """Runs of units: each ends where it has reached `aim`, or before it would pass `most`."""
    group: list[_Unit] = []
    tokens = 0
    for unit in units:
        if group and (tokens >= aim or tokens + unit.tokens > (most or aim)):
            yield group
            group, tokens = [], 0
        group.append(unit)
        tokens += unit.tokens
    if group:
        yield group


def _paragraphs(units: Sequence[_Unit]) -> Iterator[list[_Unit]]:
    """The units of each block; a table is one, since its rows say nothing without the first, and so
    is a list of a few words a line, and a question with what answers it."""
    for kind, alike in groupby(units, lambda unit: unit.kind):
        run = list(alike)
        if kind == _ROW or (kind == "item" and _tokens(run) <= _SHORT_LIST):
            yield run
        else:
            yield from _with_replies(list(b) for _, b in groupby(run, lambda unit: unit.block))


def _with_replies(blocks: Iterable[list[_Unit]]) -> Iterator[list[_Unit]]:
    """The blocks, a question together with the next one, which answers it."""
    asking: list[_Unit] = []
    for block in blocks:
        if asking and _other_language(asking, block):
            yield asking
            asking = []
        if block[-1].asks and not asking:
            asking = block
            continue
        yield [*asking, *block]
        asking = []
    if asking:
        yield asking


def _tokens(units: Iterable[_Unit]) -> int:
    return sum(unit.tokens + 1 for unit in units)  # 1 for what stands between two sentences


def _body_tokens(units: Iterable[_Unit]) -> int:
    return _tokens(unit for unit in units if unit.kind != "heading")


def _fitting(
    text: str, group: list[_Unit], count_tokens: Callable[[str], int], limit: int
) -> Iterator[list[_Unit]]:
    """The group, halved while the embedder would not see all of it.

    A sum of parts is a good estimate, but no tokenizer promises that it bounds the whole.
    """
    near = _tokens(group) > limit * 0.75
    if len(group) == 1 or not near or count_tokens(text[group[0].start : group[-1].end]) <= limit:
        yield group
        return
    middle = len(group) // 2
    yield from _fitting(text, group[:middle], count_tokens, limit)
    yield from _fitting(text, group[middle:], count_tokens, limit)


# --- enormous sentences ----------------------------------------------------------------------

_CLAUSE = re.compile(r"[，、；：,;:—][”’」』）)\"']*(?!\d)|[”’」』）)]")
_MODIFIER = re.compile(
    "[\u0300-\u036f\u200c\u200d\ufe00-\ufe0f\u20d0-\u20ff\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)
_REGIONAL = re.compile("[\U0001f1e6-\U0001f1ff]")


def _pieces(
    sentence: str, count_tokens: Callable[[str], int], limit: int
) -> Iterator[tuple[int, int, int]]:
    """(start, end, tokens) of a sentence, cut only where it is longer than the embedder sees."""
    # a text of n characters has rarely more than n tokens; whole documents in one line are counted
    # piece by piece, since tokenizers are not all linear
    if len(sentence) <= 4 * limit:
        tokens = count_tokens(sentence)
        if tokens <= limit:
            yield 0, len(sentence), tokens
            return
        size = max(len(sentence) * min(_TARGET, limit) // tokens, 1)
    else:
        size = min(_TARGET, limit)
    start = 0
    while start < len(sentence):
        end, tokens = _cut(sentence, start, size, count_tokens, limit)
        yield start, end, tokens
        start = end
        while start < len(sentence) and sentence[start].isspace():
            start += 1


def _cut(
    text: str, start: int, size: int, count_tokens: Callable[[str], int], limit: int
) -> tuple[int, int]:
    while True:
        end = _best_end(text, start, start + size)
        piece = text[start:end].rstrip()
        tokens = count_tokens(piece)
        if tokens <= limit or len(piece) <= 1 or size <= 1:
            return start + len(piece), tokens
        size = max(size // 2, 1)


def _best_end(text: str, start: int, end: int) -> int:
    """The best place to cut in the second half of `[start, end)`: clause, space, else anywhere."""
    if end >= len(text):
        return len(text)
    middle = start + (end - start) // 2
    clause = [match.end() for match in _CLAUSE.finditer(text, middle, end)]
    if clause:
        return _safe(text, clause[-1], start)
    space = max(text.rfind(" ", middle, end), text.rfind("\t", middle, end))
    return _safe(text, space if space > middle else end, start)


def _safe(text: str, at: int, start: int) -> int:
    """`at` or the nearest place before it that is inside no word, number or combined character."""
    earliest = max(start + 1, at - 40)
    for place in range(at, earliest - 1, -1):
        if not _joined(text, place) and not _one_word(text, place):
            return place
    for place in range(at, earliest - 1, -1):
        if not _joined(text, place):
            return place
    return max(at, start + 1)


def _joined(text: str, at: int) -> bool:
    """Whether the characters around `at` are one to a reader."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if _MODIFIER.match(after) or before == "\u200d" or unicodedata.combining(after):
        return True
    return bool(_REGIONAL.match(before) and _REGIONAL.match(after))


def _one_word(text: str, at: int) -> bool:
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if ord(before) >= 0x2E80 or ord(after) >= 0x2E80 or before.isspace() or after.isspace():
        return False
    return after.isalnum() or (before.isalnum() and after in ".,:/-_%&=?#@+'’")
