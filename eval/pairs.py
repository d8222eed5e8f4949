"""Labelled pairs of a claim and its evidence, built from public data sets that are given as paths.

From a question-answering set in SQuAD's format a right claim is the answer's sentence, and a wrong
one the same sentence with the answer exchanged for another of its kind. Training needs more than
that, or "verbatim" would be all that is learnt: the same edits (a clause dropped or moved, another
script, another way to write the number, the question turned into a statement) are made on right and
on wrong claims alike.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from eval.edits import WORD_NUMBERS, drop_clause
from eval.pair_files import Answered, Pair, Paragraph
from rag.errors import EvalFault
from rag.fold import copy_key, fold
from rag.sentences import sentence_spans
from rag.values.quantities import quantities

__all__ = ["across", "answers", "beside", "denied", "misplaced", "statements", "swapped"]


def kind_of(answer: str) -> str:
    """number, date, name (capitals, or a short Chinese answer without a verb mark), or phrase."""
    found = quantities(answer)
    if any(value.kind in {"date", "time", "weekday"} for value in found):
        return "date"
    if found and (len(answer) <= 24 or answer[0].isdigit()):
        return "number"
    if re.match(r"(?:[A-Z][\w'’.-]*)(?: (?:of|the|de|van|von|and|[A-Z]\S*))*$", answer):
        return "name"
    han = len(re.findall("[\u4e00-\u9fff]", answer))
    if han:
        return "short" if han <= 5 else "long"
    return "short" if len(answer.split()) <= 3 else "long"


def answers(paragraphs: Sequence[Paragraph]) -> dict[str, list[tuple[str, str]]]:
    """All answers by kind, each with its article."""
    pool: dict[str, list[tuple[str, str]]] = {}
    for paragraph in paragraphs:
        for one in paragraph.questions:
            pool.setdefault(kind_of(one.text), []).append((one.text, paragraph.article))
    return pool


def _sentence_of(text: str, answer: Answered) -> tuple[int, int] | None:
    end = answer.start + len(answer.text)
    for start, stop in sentence_spans(text):
        if start <= answer.start and end <= stop:
            return start, stop
    return None


def swapped(paragraphs: Sequence[Paragraph], *, near: bool, seed: int = 0) -> Iterator[Pair]:
    """For each question the answer's sentence, and the same with the answer exchanged.

    The other answer is of the same kind, from another article, and does not stand in the paragraph;
    with `near` it is from the same paragraph and does not stand in the sentence (of the same kind
    where there is one, else of any), and questions without such an answer are left out.
    """
    pool = answers(paragraphs)
    chance = random.Random(seed)
    kind = "near" if near else "elsewhere"
    for paragraph in paragraphs:
        for one in paragraph.questions:
            span = _sentence_of(paragraph.text, one)
            other = span and (
                _near(paragraph, one, span, chance) if near else _far(paragraph, one, pool, chance)
            )
            if not span or not other:
                continue
            start, stop = span
            sentence = paragraph.text[start:stop]
            at = one.start - start
            wrong = sentence[:at] + other + sentence[at + len(one.text) :]
            if copy_key(wrong) in copy_key(paragraph.text):
                continue  # an answer that was the whole sentence, exchanged for a true one
            given = (paragraph.text,)
            yield Pair(sentence, given, True, kind, paragraph.article)
            yield Pair(wrong, given, False, kind, paragraph.article)


def _far(
    paragraph: Paragraph,
    one: Answered,
    pool: dict[str, list[tuple[str, str]]],
    chance: random.Random,
) -> str | None:
    choice = pool[kind_of(one.text)]
    folded = fold(paragraph.text)
    drawn = [
        other
        for other, article in chance.choices(choice, k=24)
        if article != paragraph.article and fold(other) not in folded
    ]
    # The nearest in length of those drawn: 308 for 117 and not for "1.5 gigatons".
    return min(drawn[:12], key=lambda other: abs(len(other) - len(one.text)), default=None)


def _near(
    paragraph: Paragraph, one: Answered, span: tuple[int, int], chance: random.Random
) -> str | None:
    sentence = fold(paragraph.text[span[0] : span[1]])
    others = [o.text for o in paragraph.questions if fold(o.text) not in sentence]
    alike = [text for text in others if kind_of(text) == kind_of(one.text)]
    return chance.choice(alike or others) if others else None


def statements(paragraphs: Sequence[Paragraph], seed: int = 0) -> Iterator[Pair]:
    """Each question with its answer put in as a statement: right, then exchanged as in `swapped`.

    The wrong answer is from elsewhere for one half and from the same paragraph for the other.
    """
    pool = answers(paragraphs)
    chance = random.Random(seed)
    for paragraph in paragraphs:
        for one in paragraph.questions:
            span = _sentence_of(paragraph.text, one)
            near = chance.random() < 0.5
            other = span and (
                _near(paragraph, one, span, chance) if near else _far(paragraph, one, pool, chance)
            )
            if not other:
                continue
            given = (paragraph.text,)
            for text, label in ((one.text, True), (other, False)):
                yield Pair(
                    _statement(one.question, text), given, label, "statement", paragraph.article
                )


def misplaced(paragraphs: Sequence[Paragraph], seed: int = 0) -> Iterator[Pair]:
    """Each question and answer as a statement, beside its own paragraph and beside another.

    Every second other paragraph is of the same article, where there is one.
    """
    chance = random.Random(seed)
    for index, paragraph in enumerate(paragraphs):
        alike = [
            p for i, p in enumerate(paragraphs) if p.article == paragraph.article and i != index
        ]
        for one in paragraph.questions:
            claim = _statement(one.question, one.text)
            other = chance.choice(alike if alike and chance.random() < 0.5 else paragraphs)
            if one.text in other.text:
                continue
            yield Pair(claim, (paragraph.text,), True, "misplaced", paragraph.article)
            yield Pair(claim, (other.text,), False, "misplaced", paragraph.article)


_ASKED_HAN = re.compile(
    "(?:哪一?[些个個位年种種座国國家里裡裏兒儿部所支条條场場名本项項类類]?"
    "|什么(?:时候|时间|地方|人)?|甚麼|什麼(?:時候|時間|地方|人)?|何[时時处處人地年种種者]"
    "|谁|誰|多少|几|幾|为何)"
)


_ASKED = re.compile(
    r"(?:Who|What|Which \w+|How many \w+)(?= (?:is|was|were|are|has|had|led|\w+ed)\b)"
)


def _statement(question: str, answer: str) -> str:
    if re.search("[\u4e00-\u9fff]", question):
        bare = question.strip().rstrip("？?。")
        asked = list(_ASKED_HAN.finditer(bare))
        if len(asked) == 1:
            return bare[: asked[0].start()] + answer + bare[asked[0].end() :] + "。"
        return f"{bare}：{answer}。"
    bare = question.strip().rstrip("?")
    match = _ASKED.match(bare)
    if match:
        return f"{answer}{bare[match.end() :]}."
    return f"{bare}: {answer}."


# Across languages


def across(
    claims: Sequence[Paragraph], evidence: Sequence[Paragraph], seed: int = 0
) -> Iterator[Pair]:
    """Sentences of one language against the parallel paragraphs (same index) of another.

    Each sentence is right; then it is set against another paragraph (every second one of the same
    article), and, where it has a number, a number of it is changed to one that neither paragraph
    has. Raises EvalFault where the two are not parallel.
    """
    if len(claims) != len(evidence):
        raise EvalFault(
            f"{len(claims)} and {len(evidence)} paragraphs are not parallel.",
            "Give the same paragraphs in two languages.",
        )
    chance = random.Random(seed)
    for index, (mine, theirs) in enumerate(zip(claims, evidence, strict=True)):
        alike = [p for i, p in enumerate(evidence) if p.article == theirs.article and i != index]
        others = [p for p in evidence if p.article != theirs.article]
        for start, stop in sentence_spans(mine.text):
            sentence = mine.text[start:stop]
            if len(sentence) < 12:
                continue
            yield Pair(sentence, (theirs.text,), True, "across", mine.article)
            other = chance.choice(alike if alike and chance.random() < 0.5 else others)
            yield Pair(sentence, (other.text,), False, "across", mine.article)
            changed = _changed(sentence, mine.text + theirs.text, chance)
            if changed:
                yield Pair(changed, (theirs.text,), False, "across", mine.article)


def beside(
    pairs: Sequence[Pair], claims: Sequence[Paragraph], evidence: Sequence[Paragraph]
) -> Iterator[Pair]:
    """Pairs made from `claims`, set against the parallel paragraphs (same index) of `evidence`."""
    parallel = {mine.text: theirs.text for mine, theirs in zip(claims, evidence, strict=True)}
    for pair in pairs:
        given = tuple(parallel[text] for text in pair.evidence)
        yield replace(pair, evidence=given, kind=f"across, {pair.kind}")


# Denied


def denied(paragraphs: Sequence[Paragraph]) -> Iterator[Pair]:
    """Sentences of the paragraphs without some clause, and the same with a negation put in or out.

    Verbatim sentences would be told by the negation alone being new; dropping a clause (where there
    is one) leaves neither a quotation.
    """
    chance = random.Random(0)
    for paragraph in paragraphs:
        for start, stop in sentence_spans(paragraph.text):
            right = paragraph.text[start:stop]
            wrong = _denied(right)
            if len(right) < 12 or wrong is None:
                continue
            right, wrong = drop_clause(right, wrong, chance) or (right, wrong)
            if right != wrong:
                given = (paragraph.text,)
                yield Pair(right, given, True, "denied", paragraph.article)
                yield Pair(wrong, given, False, "denied", paragraph.article)


_NOT = re.compile(r" not\b|(?<=[a-z])n't\b")
_VERB = re.compile(
    r"\b(?:is|was|are|were|can|could|will|would|may|should|must|has been|have been|had been)\b"
    r"(?! not\b|n't\b)"
)
_NOT_HAN = re.compile("(?:没|沒|不)(?=有|是|能|会|會|可以)|并非|並非(?=是)")
_VERB_HAN = re.compile(
    "(?<![但可于於总總还還正就只都也不凡若要而乃又])是(?![否的一])"
    "|(?<![所拥擁没沒只具还還富含享占佔])有(?![关關效限趣机機名的])"
    "|(?<![不才])能(?=[够夠让讓使在被以])|(?<![不])可以|(?<![不才])(?:会|會)(?=[使让讓在被造导導])"
)


def _denied(sentence: str) -> str | None:
    """The sentence with its negation taken out or, where it has none, its first verb denied."""
    if re.search("[\u4e00-\u9fff]", sentence):
        if _NOT_HAN.search(sentence):
            return _NOT_HAN.sub("", sentence, count=1)
        verb = _VERB_HAN.search(sentence)
        if not verb:
            return None
        word = ("沒" if fold(sentence) != sentence else "没") if verb.group() == "有" else "不"
        return sentence[: verb.start()] + word + sentence[verb.start() :]
    if _NOT.search(sentence):
        return _NOT.sub("", sentence, count=1)
    verb = _VERB.search(sentence)
    if not verb:
        return None
    first = verb.start() + len(verb.group().split()[0])
    return sentence[:first] + " not" + sentence[first:]


_ARABIC = re.compile(r"(?<![A-Za-z\d.,])\d+(?:[.,]\d+)*(?![A-Za-z\d])")


_SPELT = re.compile(
    rf"\b(?:{'|'.join(WORD_NUMBERS)})\b|[二三四五六七八九两兩](?=[个個次名位种種年月人])"
)


def _changed(sentence: str, context: str, chance: random.Random) -> str | None:
    """The sentence with one number changed, chosen by its looks, not by `rag.values`."""
    places = [*_ARABIC.finditer(sentence), *_SPELT.finditer(sentence)]
    if not places:
        return None
    match = chance.choice(places)
    for _ in range(20):
        new = _another(match.group(), chance)
        if new != match.group() and not re.search(rf"(?<![\w.]){re.escape(new)}(?![\w])", context):
            return sentence[: match.start()] + new + sentence[match.end() :]
    return None


def _another(number: str, chance: random.Random) -> str:
    if number in WORD_NUMBERS:
        return chance.choice(WORD_NUMBERS)
    if not number[0].isdigit() or not number.isascii():
        return chance.choice("三四五六七八九")
    digits = [i for i, c in enumerate(number) if c.isdigit()]
    if re.fullmatch(r"1\d{3}|20\d\d", number):
        digits = digits[2:]
    at = chance.choice(digits)
    low = 1 if at == 0 else 0
    return number[:at] + str(chance.randint(low, 9)) + number[at + 1 :]
