"""Labelled pairs of a claim and its evidence, built from public data sets that are given as paths.

From a question-answering set in SQuAD's format a right claim is the answer's sentence, and a wrong
one the same sentence with the answer exchanged for another of its kind. Training needs more than
that, or "verbatim" would be all that is learnt: the same edits (a clause dropped or moved, another
script, another way to write the number, the question turned into a statement) are made on right and
on wrong claims alike.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rag.errors import EvalFault
from rag.fold import copy_key, fold
from rag.quantities import quantities
from rag.sentences import sentence_spans

__all__ = [
    "Pair",
    "Paragraph",
    "across",
    "answers",
    "beside",
    "denied",
    "edited",
    "halueval",
    "misplaced",
    "probe",
    "squad",
    "statements",
    "summedits",
    "summedits_sentences",
    "swapped",
]


@dataclass(frozen=True, slots=True)
class Pair:
    """A claim, the texts it is to be checked against, and whether they support it.

    `kind` names how the pair was made; `group` the article or document, which never stands on both
    sides of a cross-validation split.
    """

    claim: str
    evidence: tuple[str, ...]
    supported: bool
    kind: str
    group: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A question with its answer's place in the paragraph."""

    question: str
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of an article with the questions asked about it."""

    article: str
    text: str
    questions: tuple[Answered, ...]


def squad(path: Path) -> list[Paragraph]:
    """The paragraphs of a file in SQuAD's format. Raises EvalFault for any other."""
    try:
        data = json.loads(path.read_text("utf-8"))["data"]
        return [
            Paragraph(
                # parallel files (x.en, x.zh) share their articles' names, and so their folds
                f"{path.stem.split('.')[0]}/{number}",
                paragraph["context"],
                tuple(
                    Answered(qa["question"], answer["text"], answer["answer_start"])
                    for qa in paragraph["qas"]
                    for answer in qa["answers"][:1]
                ),
            )
            for number, article in enumerate(data)
            for paragraph in article["paragraphs"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(path, "in SQuAD's format", error) from error


# Right and swapped sentences


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


# The same claims in other words


def edited(pairs: Sequence[Pair], seed: int = 0) -> Iterator[Pair]:
    """The pairs with a claim that is no longer word for word, labels kept.

    A right pair and the wrong one after it get the same edit, or neither does.
    """
    chance = random.Random(seed)
    for first, second in zip(pairs[::2], pairs[1::2], strict=True):
        right, wrong = first, second
        edits = list(_EDITS)
        chance.shuffle(edits)
        kept = 0
        for edit in edits:
            both = edit(right.claim, wrong.claim, chance)
            if both is not None and both[0] != both[1]:
                right, wrong = replace(right, claim=both[0]), replace(wrong, claim=both[1])
                kept += 1
                if kept == 2:
                    break
        if kept:
            yield replace(right, kind=right.kind + ", edited")
            yield replace(wrong, kind=wrong.kind + ", edited")


Edit = Callable[[str, str, random.Random], "tuple[str, str] | None"]


def _drop_clause(right: str, wrong: str, chance: random.Random) -> tuple[str, str] | None:
    a, b = _clauses(right), _clauses(wrong)
    if len(a) != len(b) or len(a) < 2:
        return None
    same = [i for i in range(len(a)) if a[i] == b[i]]
    if not same:
        return None
    gone = chance.choice(same)
    return _without(a, gone), _without(b, gone)


def _move_clause(right: str, wrong: str, _chance: random.Random) -> tuple[str, str] | None:
    a, b = _clauses(right), _clauses(wrong)
    if len(a) != len(b) or len(a) < 2 or len(a) > 4:
        return None
    return _moved(a), _moved(b)


def _clauses(text: str) -> list[str]:
    return re.findall(r"[^，,；;]+(?:[，；;]|,(?=\s)|$|,)", text)


def _without(clauses: list[str], index: int) -> str:
    kept = clauses[:index] + clauses[index + 1 :]
    return _ended("".join(kept), "".join(clauses))


def _moved(clauses: list[str]) -> str:
    first = clauses[0].strip().rstrip("，,；;")
    rest = "".join(clauses[1:]).strip().rstrip("。.!！")
    comma = "，" if re.search("[\u4e00-\u9fff]", first) else ", "
    return _ended(rest[:1].upper() + rest[1:] + comma + first, "".join(clauses))


def _ended(text: str, like: str) -> str:
    return text.strip().rstrip("，,；;。. ") + ("。" if "。" in like[-2:] else ".")


_WORD_NUMBERS = (
    *("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("twelve", "twenty", "thirty", "forty", "fifty"),
)
_DIGITS = "〇一二三四五六七八九"


def _number_form(right: str, wrong: str, _chance: random.Random) -> tuple[str, str] | None:
    out = tuple(map(_respelt, (right, wrong)))
    return (out[0], out[1]) if (right, wrong) != out else None


def _respelt(text: str) -> str:
    if re.search("[\u4e00-\u9fff]", text):
        text = re.sub(
            r"(\d{4})年", lambda m: "".join(_DIGITS[int(c)] for c in m[1]) + "年", text, count=1
        )
        text = re.sub(r"(\d+(?:\.\d+)?)[%％]", r"百分之\1", text)
        small = re.compile("(?<![\\d.万亿])([2-9])(?=[个個次名位种種年月人])")
        return small.sub(lambda m: _DIGITS[int(m[1])], text)
    words = ["zero", "one", *_WORD_NUMBERS]
    text = re.sub(
        rf"\b({'|'.join(words[2:11])})\b(?! of the\b)(?= [a-z])",
        lambda m: str(words.index(m[1])),
        text,
    )
    text = re.sub(r"(\d)%", r"\1 percent", text)
    return re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)


def _script(right: str, wrong: str, _chance: random.Random) -> tuple[str, str] | None:
    if not re.search("[\u4e00-\u9fff]", right):
        return None
    import opencc

    to = opencc.OpenCC("s2t" if fold(right) == right.casefold() else "t2s")
    return str(to.convert(right)), str(to.convert(wrong))


def _reported(right: str, wrong: str, chance: random.Random) -> tuple[str, str] | None:
    chinese = bool(re.search("[\u4e00-\u9fff]", right))
    lead = chance.choice(_LEADS[chinese])
    return lead + right, lead + wrong


_LEADS = (
    ("According to the passage, ", "The author notes that ", "As the text says, ", "In short, "),
    ("文中提到，", "根据原文，", "作者认为，", "简单来说，", "據文章所述，"),
)
_SMALL = re.compile(r"\b(?:also|very|however|then|just|still|really|quite|thus|therefore|rather) ")
_SMALL_HAN = re.compile("也|还|還|则|則|便|亦|曾|已经|已經|其中|此外|另外|因此|然而")


def _lighter(right: str, wrong: str, _chance: random.Random) -> tuple[str, str] | None:
    pattern = _SMALL_HAN if re.search("[\u4e00-\u9fff]", right) else _SMALL
    out = (pattern.sub("", right), pattern.sub("", wrong))
    return out if out != (right, wrong) else None


_SYNONYMS = {
    "began": "started", "many": "numerous", "large": "big", "important": "significant",
    "located": "situated", "known": "called", "made": "produced", "used": "employed",
    "including": "among them", "because": "since", "however": "but", "major": "main",
    "usually": "normally", "received": "got", "built": "constructed", "created": "made",
    "became": "turned into", "people": "persons", "several": "a number of", "city": "town",
    "approximately": "about", "located in": "in", "such as": "like", "often": "frequently",
    "was": "has been", "were": "have been", "would": "was to", "shows": "indicates",
    "位于": "坐落在", "开始": "起初", "因为": "由于", "但是": "不过", "包括": "涵盖",
    "使用": "采用",
    "主要": "重要", "许多": "很多", "成为": "变成", "认为": "觉得", "建立": "设立", "目前": "现在",
    "位於": "坐落在", "開始": "起初", "因為": "由於", "許多": "很多", "成為": "變成",
    "認為": "覺得",
    "建立了": "設立了", "举行": "举办", "舉行": "舉辦", "获得": "得到", "獲得": "得到",
    "由于": "因为",
    "当时": "那时", "當時": "那時", "并且": "而且", "此后": "之后", "根据": "依据", "著名": "有名",
}  # fmt: skip


def _synonyms(right: str, wrong: str, _chance: random.Random) -> tuple[str, str] | None:
    out = (_in_synonyms(right), _in_synonyms(wrong))
    return out if out != (right, wrong) else None


def _in_synonyms(text: str) -> str:
    def other(match: re.Match[str]) -> str:
        return _SYNONYMS[match.group()]

    latin = "|".join(rf"\b{w}\b" for w in _SYNONYMS if w.isascii())
    han = "|".join(w for w in _SYNONYMS if not w.isascii())
    return re.sub(f"{latin}|{han}", other, text, count=3)


_EDITS: tuple[Edit, ...] = (
    _drop_clause, _move_clause, _number_form, _script, _reported, _lighter, _synonyms,
)  # fmt: skip


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
            right, wrong = _drop_clause(right, wrong, chance) or (right, wrong)
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
    rf"\b(?:{'|'.join(_WORD_NUMBERS)})\b|[二三四五六七八九两兩](?=[个個次名位种種年月人])"
)


def _changed(sentence: str, context: str, chance: random.Random) -> str | None:
    """The sentence with one number changed, chosen by its looks and not by `rag.quantities`."""
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
    if number in _WORD_NUMBERS:
        return chance.choice(_WORD_NUMBERS)
    if not number[0].isdigit() or not number.isascii():
        return chance.choice("三四五六七八九")
    digits = [i for i, c in enumerate(number) if c.isdigit()]
    if re.fullmatch(r"1\d{3}|20\d\d", number):
        digits = digits[2:]
    at = chance.choice(digits)
    low = 1 if at == 0 else 0
    return number[:at] + str(chance.randint(low, 9)) + number[at + 1 :]


# Labelled by people and models


def halueval(path: Path) -> Iterator[Pair]:
    """HaluEval QA (Li et al. 2023): question and answer as one claim, against the knowledge."""
    for number, line in enumerate(_lines(path)):
        try:
            row = json.loads(line)
            given = (str(row["knowledge"]),)
            for name, label in (("right_answer", True), ("hallucinated_answer", False)):
                claim = f"{row['question'].strip()} {row[name].strip()}"
                yield Pair(claim, given, label, "halueval", f"halueval/{number}")
        except (ValueError, KeyError, TypeError) as error:
            raise _unreadable(path, f"HaluEval's in line {number + 1}", error) from error


def summedits(path: Path) -> Iterator[Pair]:
    """SummEdits (Laban et al. 2023): a summary, maybe with an edited fact, and its document."""
    try:
        rows = json.loads(path.read_text("utf-8"))
        for row in rows:
            group = f"{path.stem}/{hash_of(row['doc'])}"
            yield Pair(row["summary"], (row["doc"],), row["label"] == 1, path.stem, group)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(path, "in SummEdits' format", error) from error


def summedits_sentences(path: Path) -> Iterator[Pair]:
    """The summaries' single sentences: all of a right one, and of a wrong one those edited."""
    for row in json.loads(path.read_text("utf-8")):
        group = f"{path.stem}/{hash_of(row['doc'])}"
        summary, original, right = row["summary"], row["original_summary"], row["label"] == 1
        for start, stop in sentence_spans(summary):
            if right or summary[start:stop] not in original:
                yield Pair(summary[start:stop], (row["doc"],), right, "sentence", group)


def probe(path: Path) -> Iterator[Pair]:
    """Claims written by hand, one object a line: claim, evidence, supported, direction, split.

    `kind` is the direction ("en → zh-Hans": claim, evidence), `group` the half ("tune" was looked
    at while the verifier was made, "held-out" only counted).
    """
    for number, line in enumerate(_lines(path)):
        try:
            row = json.loads(line)
            given = tuple(map(str, row["evidence"]))
            label = bool(row["supported"])
            yield Pair(str(row["claim"]), given, label, str(row["direction"]), str(row["split"]))
        except (ValueError, KeyError, TypeError) as error:
            raise _unreadable(path, f"a probe's in line {number + 1}", error) from error


def hash_of(text: str) -> str:
    """A short stable name for a document."""
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _unreadable(path: Path, form: str, error: Exception) -> EvalFault:
    return EvalFault(f"{path} is not {form}: {error}.", "Give another file.")


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text("utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise EvalFault(f"{path} cannot be read: {error}.", "Give another file.") from error
