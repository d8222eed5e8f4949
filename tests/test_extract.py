"""Which sentences are quoted: by meaning, words and the kind of answer that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.answerable import answerable, figures
from rag.evidence import Evidence, Vector, gather
from rag.extract import READ, extract, read_lines
from rag.fold import content_words, fold, language
from rag.questions.asked import asked, fits, is_question, signs
from rag.readings import SURE, Read, Readings
from rag.schema import OffsetMap, Passage
from rag.telling import FIGURES, coefficients, tell


def passage(text: str, n: int = 1, heading: str = "") -> Passage:
    name = f"passage-{n}"
    whole = OffsetMap.identity(len(text))
    return Passage(
        name, name, "", heading, 0, len(text), text, text, language=language(text), offsets=whole
    )


def alike(question: str, texts: Sequence[str]) -> Vector:
    """Words in common, as a stand-in for meaning."""
    mine = set(content_words(question))
    cosines = [
        0.5 * len(mine & set(content_words(text))) / (1 + len(mine | set(content_words(text))))
        for text in texts
    ]
    return np.array(cosines, np.float32)


def evidence(question: str, *texts: str) -> Evidence:
    passages = [passage(text, n) for n, text in enumerate(texts, 1)]
    return gather(question, passages, alike, alike)


def quoted(question: str, *texts: str) -> list[str]:
    seen = evidence(question, *texts)
    return [seen.sentence(pick.passage, pick.sentence) for pick in extract(seen)]


CLUB = (
    "In 2019 the club had 31 members, most of them students. In 2020 the club had 40 members,"
    " although nobody could row in spring. In 2021 the club had 55 members, and a waiting list was"
    " opened."
)


@pytest.mark.parametrize("year", ["2019", "2020", "2021"])
def test_the_year_that_is_asked_for_comes_first(year: str) -> None:
    assert year in quoted(f"How many members did the club have in {year}?", CLUB)[0]
    assert all(year in said for said in quoted(f"What of the club in {year}?", CLUB)[:1])


def test_what_came_after_a_year_names_others() -> None:
    said = quoted("How many members did the club have after 2019?", CLUB)
    assert any("2020" in one or "2021" in one for one in said)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("2025 年这位博士生一共坐了多少趟飞机？", "number"),
        ("這一年他寫了多少份申請書？", "number"),
        ("How many papers did she publish?", "number"),
        ("What hallucination rate did they measure?", "number"),
        ("哪一年上市？", "date"),
        ("When was the bridge opened?", "date"),
        ("And when did it close?", "date"),
        ("When should one see a doctor?", "other"),
        ("What does a library card cost?", "number"),
        ("What annual revenue does the firm make?", "number"),
        ("What did it cost him to admit the mistake?", "other"),
        ("为什么他没有回去？", "reason"),
        ("他凭什么不肯裁人？", "reason"),
        ("哪个部门不同意，理由呢？", "reason"),
        ("Why did it fail?", "reason"),
        ("审稿人资料外泄之后，会议被戏称为什么？", "other"),
        ("这门课是谁教的？", "person"),
        ("Who won the contest?", "person"),
        ("他在哪里出生？", "place"),
        ("哪三个角色最常被提到？", "list"),
        ("Which three assets are named?", "list"),
        ("如何借鉴这个例子？", "manner"),
        ("Do those workers need a doctorate?", "yes or no"),
        ("他有没有歇一歇？", "yes or no"),
        ("ｔｉｌｅ", "other"),
        ("How often does the bus go?", "other"),  # on Tuesdays
        ("这班车多久来一次？", "other"),
    ],
)
def test_the_kind_of_answer_asked_for(question: str, kind: str) -> None:
    assert asked(question).kind == kind


@pytest.mark.parametrize(
    ("question", "sentence", "fitting"),
    [
        ("训练花了多少钱？", "训练花了 300 万美元。", True),
        ("训练花了多少钱？", "训练用了 300 张卡。", False),
        ("How much did it cost?", "It cost $3,000.", True),
        ("How much did it cost?", "It took 3 months.", False),
        ("他寫了多少份申請書？", "今年帮老板写了不下十个 proposal。", True),
        ("How many projects did he run?", "最多时候同时推进5个project。", True),
        ("份额是多少？", "占 20% 的市场。", True),
        ("播客播了多长时间？", "播客是 42 章经请的。", False),
        ("DeepSeek 多久能追平？", "预计 6-9 个月。", True),
        ("哪三个角色？", "贾维斯、萨曼莎，或是 Joi。", True),
        ("哪九家公司？", "谷歌和苹果。", False),
        ("How much does a jar cost?", "I sell it for 120 kronor a jar.", True),
        ("How much did the taxi cost?", "We settled on 35 lari.", True),
        ("How much did the lamp cost?", "Twenty-five rupees.", True),
        ("How much is the price of it?", "She was given Rs. 500 by its owner.", True),
        ("补一个胎要多少钱？", "那时候是两毛。", True),
        ("住院花了多少钱？", "去年住院，花了七万八，医保报了五万三。", True),
        ("基金现在值多少钱？", "投的时候是12万，现在值8.3万。", True),
        ("现在值多少钱？", "厂里有七万八千人。", False),
        ("展览花了多少钱？", "来了12万人。", False),
        ("一杯奶茶多少钱？", "一杯奶茶十八蚊。", True),
        ("How long did he sleep?", "He slept for sixteen hours.", True),
        ("How long did he drive it?", "For thirty-one years, every day.", True),
        ("How long did he drive it?", "Thirty-one of them.", False),
        ("How long is the bridge?", "It spans 300 metres.", True),
        ("How long is the chapter?", "It goes on for fifty-eight pages.", True),
        ("How long is the visit?", "Two and a half weeks.", True),
        ("How old was she?", "She came at seventeen years.", True),
        ("How many hives are there?", "We have fourteen hives.", True),
        ("How many hives are there?", "A: Fourteen.", True),
        ("How many hives are there?", "[00:01:02] ANN: Two hundred and eleven.", True),
        ("你有几个蜂箱？", "答：十四。", True),
        ("How many hives are there?", "I began in 2002.", False),
        ("How deep is the well?", "ANN: Two hundred and eleven.", False),
        ("店里有几个房间？", "一共六个房间。", True),
        ("店里来了几个人？", "一共六个房间。", False),
        ("How many members want it?", "| Charge visitors? | 29 | 5 |", True),
        ("How many members want it?", "| Plot 9, charged | yes |", False),
    ],
)
def test_the_unit_that_a_number_must_carry(question: str, sentence: str, fitting: bool) -> None:
    assert fits(asked(question), fold(sentence)) == fitting


def test_a_sign_that_stands_in_the_question_does_not_count() -> None:
    question = asked("2025 年一共飞了多少趟？")
    assert not signs(question, "2025 过得很快。", fold("2025 过得很快。"))
    assert signs(question, "今年飞了 32 趟。", fold("今年飞了 32 趟。"))


@pytest.mark.parametrize(
    ("question", "sentence", "there"),
    [
        ("When did she strike?", "She struck at two o’clock.", 1.0),
        ("When did the shaker stop?", "It stopped at 02:13 and nobody noticed.", 1.0),
        ("When did you start?", "REID: Nineteen sixty-one.", 1.0),
        ("When did you start?", "In nineteen hundred.", 1.0),
        ("When did they leave?", "They left at 7 p.m.", 1.0),
        ("几点关门？什么时候？", "晚上八点半关门。", 1.0),
        ("When did it begin?", "[00:01:02] ANN: I do not know.", 0.0),
        ("When did it begin?", "There were twenty sheep.", 0.0),
        ("什么时候开始？", "有一点难。", 0.0),
        ("什么时候开始？", "这三点很重要。", 0.0),
    ],
)
def test_when_is_a_year_as_it_is_spoken_and_a_time_of_day_too(
    question: str, sentence: str, there: float
) -> None:
    assert signs(asked(question), sentence, fold(sentence)) == there


@pytest.mark.parametrize(
    "sentence",
    [
        "[00:02:38] REID: My wife did.",
        "00:38 Reid: My wife did.",
        "4. Ice is pleasant.",
        "(2) Rest.",
    ],
)
def test_neither_the_time_of_a_turn_nor_the_number_of_an_item_is_a_number(sentence: str) -> None:
    for question in ("How many are there?", "When did he?"):
        assert signs(asked(question), sentence, fold(sentence)) == 0
    assert (
        signs(asked("How many?"), f"{sentence} 31 of them.", fold(f"{sentence} 31 of them.")) == 1
    )


def test_the_sentence_with_the_number_comes_first() -> None:
    found = quoted(
        "这座桥有多少米长？",
        "这座桥很有名。很多人来看这座桥。这座桥长 420 米，由工人建成。它是红色的。",
        "河水很急。船很少。",
    )
    assert found[0] == "这座桥长 420 米，由工人建成。"


def test_a_heading_that_repeats_the_question_is_not_the_answer() -> None:
    found = quoted(
        "DeepSeek 如何追赶 Gemini 3？",
        "二、 DeepSeek 如何追赶 Gemini 3？\nDeepSeek 追赶 Gemini 3 要靠数据合成和长上下文。",
    )
    assert found[0].startswith("DeepSeek 追赶")


LETTERS = (
    "title: The startup of the letters\nBy Mara Lind, 3 May 2021\n"
    "I joined Kelp in Ulm, where we build boats for people who never sailed."
)


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("Which startup does the writer Mara Lind of the letters work for?", "I joined Kelp"),
        ("What is the title of the essay on the startup of the letters?", "title: "),
    ],
)
def test_a_title_or_a_byline_answers_only_who_asks_for_it(question: str, says: str) -> None:
    own = replace(passage(LETTERS), title="The startup of the letters")
    found = gather(question, [own], alike, alike)
    first = extract(found)[0]
    assert found.sentence(first.passage, first.sentence).startswith(says)


def test_a_word_of_the_heading_counts_for_the_sentence_that_repeats_it_too() -> None:
    text = "I moved twice.\nI regret that I never learned to swim.\nMy sister did."
    found = tell(gather("What does he regret?", [passage(text, heading="Regrets")], alike, alike))
    best = found.lines[int(found.scores().argmax())]
    assert best.text == "I regret that I never learned to swim."


def test_a_sentence_that_stands_twice_is_quoted_once() -> None:
    text = "The tower was built in 1889. The tower is tall."
    found = quoted("When was the tower built?", text, text)
    assert len(found) == len(set(found))
    assert found[0] == "The tower was built in 1889."


def test_the_best_comes_first_and_the_others_in_reading_order() -> None:
    seen = evidence(
        "How many workers did the mill employ?",
        "The mill had 20 workers in spring. The mill had 30 workers in summer.",
        "In autumn the mill did employ 40 workers.",
    )
    picks = extract(seen)
    assert len(picks) == 3
    assert picks[0].score == max(pick.score for pick in picks)
    rest = [(pick.passage, pick.sentence) for pick in picks[1:]]
    assert rest == sorted(rest)
    assert len(extract(seen, limit=1)) == 1


def test_a_question_for_several_things_is_answered_from_two_essays() -> None:
    both = "How many eggs does the hen lay in May and where does the fox sleep?"
    one = "How many eggs does the hen lay in May?"
    hen = (
        "The hen lays nine eggs in May. The hen lays six eggs in June. "
        "The hen lays four eggs in July."
    )
    fox = "The fox is said to sleep under the shed."
    assert fox in quoted(both, hen, fox)
    assert fox not in quoted(one, hen, fox)


def test_each_part_of_a_question_has_its_sentence() -> None:
    texts = (
        "The hen lays nine eggs in May. The hen lays six eggs in June. "
        "The hen lays four eggs in July. The fox sleeps under the shed."
    )
    whole = evidence("How many eggs does the hen lay each month, and where is it?", texts)
    hen = evidence("How many eggs does the hen lay each month", texts)
    fox = evidence("where is it?", texts)
    told = {hen.question: [3.0, 2.0, 1.0, -9.0], fox.question: [-9.0, -9.0, -9.0, 3.0]}
    parts = [Readings(of, lambda asked, _: [np.array(told[asked])]) for of in (hen, fox)]
    assert {pick.sentence for pick in extract(whole)} == {0, 1, 2}
    assert 3 in {pick.sentence for pick in extract(whole, parts=parts)}


def test_what_is_asked_of_each_is_quoted_from_another_essay_for_each() -> None:
    mill = "The mill lets nobody go. The mill pays more. The mill trains boys."
    seen = evidence(
        "Who does not let men go? What do the mill and the yard each say?", mill, "Ask."
    )
    parts = []
    for place, told in (("mill", [3.0, 2.0, 1.0]), ("yard", [3.5, 2.0, 1.0])):
        of_part = evidence(f"What do the {place} say of it?", mill, "Ask.")
        scores = [np.array(told), np.array([-1.0])]
        parts.append(Readings(of_part, lambda _, __, scores=scores: scores))
    both = {pick.passage for pick in extract(seen, limit=2, parts=parts, same=True)}
    assert both == {0, 1}
    assert {pick.passage for pick in extract(seen, limit=2, parts=parts)} == {0}


def test_a_heading_that_asks_tells_nothing() -> None:
    lines = ("How we saved the mill", "We let the yard to a dealer.")
    heads = [
        tell(gather("Who?", [passage("\n".join(lines), heading=h)], alike, alike)) for h in lines
    ]
    assert [told.column("asks")[0] for told in heads] == [1.0, 0.0]


def test_a_question_without_passages_has_no_quotes() -> None:
    assert extract(evidence("Why?")) == ()
    assert extract(evidence("Why?", "")) == ()


@pytest.mark.parametrize("question", ["?", "a", "。", "", "为", "👩‍🔬", "\u200b"])
def test_odd_questions_are_survived(question: str) -> None:
    found = evidence(question, "One sentence. Two sentences.", "", "\n\n", "一句话。")
    assert len(extract(found)) <= 3
    assert 0 <= answerable(found) <= 1


def test_a_huge_passage_is_read() -> None:
    text = "The quick brown fox jumps over the lazy dog. " * 2300 + "The vault code is 7319."
    assert quoted("What number is the vault code?", text)[0] == "The vault code is 7319."


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=60), st.lists(st.text(max_size=200), max_size=4))
def test_any_text_gives_finite_figures(question: str, texts: list[str]) -> None:
    found = evidence(question, *texts)
    telling = tell(found)
    assert telling.figures.shape == (len(telling.lines), len(FIGURES))
    assert np.isfinite(telling.figures).all()
    for pick in extract(found):
        assert found.sentence(pick.passage, pick.sentence).strip()


def test_every_figure_has_a_coefficient() -> None:
    assert set(coefficients()["sentence"]) == set(FIGURES)


def test_questions_are_told_from_statements() -> None:
    assert is_question("这意味着什么？”")
    assert is_question("**What changed?**")
    assert not is_question("“Why?” he asked.")


def test_what_the_reader_says_moves_the_order() -> None:
    texts = ("The lamp is green. The lamp is old.", "The lamp burns oil.", "Nobody has a lamp.")
    seen = evidence("What about the lamp?", *texts)
    asked_of: list[str] = []

    def read(_: str, found: Sequence[str]) -> list[Vector]:
        asked_of.extend(found)
        return [
            np.array([20.0 if "old" in s else -20.0 for s in text.split(". ")], np.float32)
            for text in found
        ]

    plain = extract(seen, 1)
    moved = extract(seen, 1, readings=Readings(seen, read))
    assert len(asked_of) == len(texts) < READ
    assert texts[0] in asked_of
    assert seen.sentence(moved[0].passage, moved[0].sentence) == "The lamp is old."
    assert moved != plain


def test_what_is_not_read_counts_as_the_lowest() -> None:
    texts = (f"The lamp number {n} is lit." for n in range(READ + 3))
    seen = evidence("What about the lamp?", *texts)
    telling = tell(seen)

    def lines(read: Read) -> list[float]:
        return read_lines(telling, Readings(seen, read)).tolist()

    same = [np.array([READ], np.float32)]
    assert lines(lambda _, texts: same * len(texts)) == [READ] * (READ + 3)
    told = iter((2.0, *range(-1, -READ, -1)))
    found = lines(lambda _, texts: [np.array([next(told)], np.float32) for _ in texts])
    assert sorted(found) == [1 - READ] * 4 + [*range(2 - READ, 0), 2]
    assert not any(lines(lambda *_: []))  # nobody reads
    elsewhere = [np.ones(7, np.float32)] * READ  # cut in other places
    assert not any(lines(lambda *_: elsewhere))
    assert extract(seen, readings=Readings(seen, lambda *_: [])) == extract(seen)


def test_what_is_read_is_sure_and_is_of_passages_with_sentences() -> None:
    seen = evidence("What about the lamp?", "The lamp is green.", "", "The lamp is lit.")

    def read(_: str, found: Sequence[str]) -> list[Vector]:
        return [np.full(int(bool(text)), 40.0, np.float32) for text in found]

    readings = Readings(seen, read)
    assert readings.of([2])[2].tolist() == [SURE]
    assert set(readings.of([0, 1, 2])) == {0, 2}  # the second holds no sentence


def test_a_numeral_with_any_measure_word_is_a_number() -> None:
    question = asked("茶园有多大？")
    assert question.words == ("茶园",)
    for text in ("一共三十二亩。", "大约四百多种。", "共有两户人家。"):
        assert signs(question, text, text) == 1, text
    assert signs(question, "万一下雨就不去。", "万一下雨就不去。") == 0


@pytest.mark.parametrize(
    ("question", "text", "answer"),
    [
        (
            "Does she use drones?",
            "Q: How long have you mapped bats?\nA: For nine years.\nQ: Do you use drones?\n"
            "A: Never. They hear the rotors and leave.\nQ: What comes next?",
            "A: Never.",
        ),
        (
            "糖铁为什么消失了？",
            "糖鐵的歷史很長。\n為什麼糖鐵會消失？\n因為公路修好以後，甘蔗都改用卡車運了。",
            "因為公路修好以後，甘蔗都改用卡車運了。",
        ),
    ],
)
def test_where_an_essay_asks_the_same_the_next_sentence_answers(
    question: str, text: str, answer: str
) -> None:
    found = quoted(question, text, "The station is closed on Mondays. 车站星期一休息。")
    assert found[0] == answer
    assert not any(is_question(sentence) for sentence in found)


def test_a_question_that_asks_something_else_hands_nothing_on() -> None:
    text = "Why do bats sleep in winter?\nThey find no insects.\nDrones frighten bats, she says."
    assert quoted("What frightens bats?", text)[0] == "Drones frighten bats, she says."


def test_all_items_of_a_list_are_quoted() -> None:
    items = ["- salt", "- a pot with a lid", "- two onions", "- time", "- patience"]
    text = "\n".join(["What the soup needs:", *items])
    assert quoted("Which five things does the soup need?", text) == items


def test_a_list_that_is_numbered_as_far_as_the_question_counts_is_quoted() -> None:
    items = [f"{n}. {text}." for n, text in enumerate(["Rain", "Wind", "A late frost", "Hail"], 1)]
    text = "\n".join(["The four dangers", "Every spring has its four dangers.", *items])
    assert quoted("What are the four dangers of spring?", text) == items
    assert quoted("What are the five dangers of spring?", text) != items


def test_where_a_list_is_asked_for_its_items_answer_and_not_the_line_above_them() -> None:
    rules = "1. 旧链接不能断；\n2. 评论必须保留；\n3. 费用不超过十块。"
    text = f"搬家很累。\n搬家之前定了三条规矩：\n{rules}"
    assert quoted("搬家前定了哪三条规矩？", text) == rules.split("\n")


def test_a_row_of_a_table_is_quoted_with_the_first() -> None:
    text = (
        "Costs of a loaf.\n| Part | 2019 | 2022 |\n| Flour | 0.61 | 0.94 |\n| Rent | 0.40 | 0.43 |"
    )
    found = quoted("How much was the rent in 2022?", text)
    assert found[:2] == ["| Rent | 0.40 | 0.43 |", "| Part | 2019 | 2022 |"]


def test_a_row_of_a_table_is_found_by_its_column() -> None:
    text = (
        "| Item | Quiet D12 | North K20 |\n| Tank | 3.5 litres | 5 litres |\n| Price | 99 | 135 |"
    )
    found = tell(evidence("How big is the tank of the North K20?", text))
    assert found.column("coverage").tolist()[1] > found.column("coverage").tolist()[0]


def test_who_speaks_holds_for_all_sentences_of_a_turn() -> None:
    text = "[00:01] TOM HSU: Why?\n[00:02] MAREN ODUYA: By accident. The cook broke his wrist."
    found = tell(evidence("What did Maren Oduya say of the cook?", text))
    assert [line.beside != "" for line in found.lines] == [False, False, True]
    assert found.column("coverage").argmax() == 2


@pytest.mark.parametrize(
    "turn", ["{name}  {time}", "2023-04-18 {time}:59 {name}", "{time} - {name}", "{name} {time} PM"]
)
def test_who_speaks_and_when_in_an_exported_chat_is_no_answer(turn: str) -> None:
    said = (
        "蜜蜂的文章写完了吗？",
        "写完了，一共四千字。",
        "稿费多少？",
        "千字三百，五月打到卡里。",
    )
    lines = [
        f"{turn.format(name=('李雷', '韩梅梅')[n % 2], time=f'9:0{n}')}\n{line}"
        for n, line in enumerate(said)
    ]
    found = quoted("韩梅梅的稿费是多少？", "\n".join(lines))
    assert found[0] == "千字三百，五月打到卡里。"
    assert not any("9:0" in sentence for sentence in found)


def test_a_time_beside_a_name_is_an_answer_where_nobody_talks() -> None:
    table = "Bus to Keld 18:05\nnot on Sundays\nBus to Reeth 18:30\nevery day"
    assert "Bus to Keld 18:05" in quoted("When does the bus to Keld leave?", table)


def test_what_stands_under_a_day_answers_what_happened_on_it() -> None:
    head = "10 月 7 日 星期五"
    day = passage(f"{head}\n送菜的车上不来，我们吃了三顿挂面。", heading=head)
    seen = gather("10 月 7 日星期五那天发生了什么？", [day], alike, alike)
    picks = extract(seen)
    assert seen.sentence(picks[0].passage, picks[0].sentence).startswith("送菜的车")


def test_what_stands_under_a_question_in_other_words_comes_before_it() -> None:
    text = "Can I extend the loan of a drill?\nOnce, by five days.\nWhat if it breaks?\nTell us."
    seen = evidence("How is the loan of a drill extended?", text)

    def read(_: str, found: Sequence[str]) -> list[Vector]:
        return [np.array([SURE, 0.0, -SURE, -SURE], np.float32) for _ in found]

    first = extract(seen, readings=Readings(seen, read))[0]
    assert seen.sentence(first.passage, first.sentence) == "Once, by five days."


def test_a_sentence_that_only_leads_to_the_reason_is_quoted_with_the_next() -> None:
    text = "The flasks made more ethanol this time. There is no oxygen in them. It was a cold day."
    found = quoted("Why did the flasks make more ethanol this time?", text)
    assert found[:2] == [
        "The flasks made more ethanol this time.",
        "There is no oxygen in them.",
    ]
    assert quoted("Why did they?", "They did because they could. Others did not.")[0].startswith(
        "They did because"
    )


def test_a_conclusion_is_quoted_with_what_it_follows_from() -> None:
    hate = "You can't hate a bridge after that."
    waited = "An ambulance once waited for two hours."
    found = quoted("Why can he not hate a bridge?", f"{waited} {hate} He hated tolls. It rained.")
    assert found[0] == hate
    assert waited in found


def test_what_is_dated_by_the_heading_above_is_quoted_with_it() -> None:
    diary = passage("2021-02-03\nStarted the third series.\nRosa laughed.", heading="2021-02-03")
    other = passage("The second series was long.", 2)
    question = "When was the third series started?"
    seen = gather(question, [diary, other], alike, alike)
    found = [seen.sentence(pick.passage, pick.sentence) for pick in extract(seen)]
    assert {"Started the third series.", "2021-02-03"} <= set(found)
    undated = passage("Monday's work\nStarted the third series.", heading="Work")
    without = gather(question, [undated, other], alike, alike)
    assert answerable(without) < answerable(seen)


def test_the_question_of_an_interview_may_leave_out_who_is_asked() -> None:
    text = (
        "[00:00:14] ANN: When did you start on the boats?\n[00:00:19] REID: Nineteen sixty-one.\n"
        "[00:02:31] ANN: How many crossings did you make in your life? Do you know?\n"
        "[00:02:38] REID: My wife knows. She reckoned a hundred and ten thousand."
    )
    assert quoted("When did Reid start on the boats?", text)[0].endswith("Nineteen sixty-one.")
    counted = "How many crossings did Reid make in his life?"
    assert quoted(counted, text)[0] == "She reckoned a hundred and ten thousand."
    slot = figures(evidence(counted, text), False, tell(evidence(counted, text)))["slot"]
    assert slot == 0
