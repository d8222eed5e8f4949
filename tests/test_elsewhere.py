"""What questions in other languages ask for."""

from __future__ import annotations

import pytest

from rag.fold import fold, language
from rag.questions.asked import asked, fits, signs


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("En quelle année Armand a-t-il commencé ?", "date"),
        ("Combien de montres n'ont pas été rendues ?", "number"),
        ("Warum stand der Güterzug im Nachbargleis?", "reason"),
        ("Wie viele Hebel hatte das Hebelwerk?", "number"),
        ("Wie hieß die Frau des Meisters?", "name"),
        ("¿Por qué el seguro no pagó cuando ardió el almacén?", "reason"),
        ("¿Dónde durmió el padre?", "place"),
        ("祖母はいつ亡くなりましたか", "date"),
        ("助かった桶は何本でしたか？", "number"),
        ("蔵を継いだのは誰ですか？", "person"),
        ("할아버지는 왜 장갑을 끼지 않으셨나요?", "reason"),
        ("할머니는 몇 년에 돌아가셨나요?", "date"),
        ("Когда закрыли станцию?", "date"),
        ("Сколько человек было на станции?", "number"),
        ("متى افتتح العم يوسف المكتبة؟", "date"),
        ("כמה מדרגות טיפס סבא?", "number"),
        ("पुल किस साल में बना था?", "date"),
        ("ทำไมแม่ไม่คิดเงิน", "reason"),
        ("Vì sao má bỏ muối?", "reason"),
        ("点解茶袋要撞八次？", "reason"),
    ],
)
def test_the_kind_of_answer(question: str, kind: str) -> None:
    assert asked(question).kind == kind


@pytest.mark.parametrize(
    ("question", "sentence", "held"),
    [
        ("Combien coûtait une réparation ?", "Dans la boutique une coûtait douze francs.", True),
        (
            "Combien coûtait une réparation ?",
            "Il en a rendu trente et une dans la boutique.",
            False,
        ),
        ("How much did a repair cost?", "Dans la boutique une coûtait douze francs.", True),
        ("꿀 한 병의 가격은 얼마였나요?", "한 병에 만 원을 받았다.", True),
        ("How long is the bridge, in metres?", "Его длина составляет три километра.", True),
    ],
)
def test_sums_of_money_are_known_in_other_languages(
    question: str, sentence: str, held: bool
) -> None:
    what, written = asked(question), language(sentence)
    assert what.kind == "number"
    assert bool(fits(what, fold(sentence), written)) is held


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("¿Cuántos ladrillos eran?", "Eran en total mil trescientos cuarenta y no los vendió."),
        ("كم كتابا أتلف الماء؟", "أتلف الماء مئتين وستّين كتاباً"),
        ("Сколько человек было на станции?", "Нас было пятеро."),
        ("Wann kam der Zug?", "Der Zug kam im Herbst und die Brücke war nicht offen."),
    ],
)
def test_spelt_numbers_and_seasons_answer(question: str, sentence: str) -> None:
    assert signs(asked(question), sentence, fold(sentence), language(sentence)) == 1
