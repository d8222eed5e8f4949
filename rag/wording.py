"""The few sentences that the program itself says, in the language of the question."""

from __future__ import annotations

from collections.abc import Sequence

from rag.fold import key_words, language

__all__ = ["again", "refusal"]

SHOWN_WORDS = 8


def refusal(question: str, marks: Sequence[int]) -> str:
    """That no answer was found, what was looked for, and the marks of the nearest passages.

    Args:
        question: as it was searched for.
        marks: the numbers of the citations that show the nearest passages, nearest first.
    """
    looked_for = key_words(question)[:SHOWN_WORDS]
    cited = " ".join(f"[{n}]" for n in marks)
    if language(question) == "zh":
        words = f"查找的是：{'、'.join(looked_for)}。" if looked_for else ""
        near = f"最接近的段落：{cited}" if cited else ""
        return f"文章里没有找到这个问题的答案。{words}{near}"
    words = f" Looked for: {', '.join(looked_for)}." if looked_for else ""
    near = f" The nearest passages: {cited}" if cited else ""
    return f"The essays do not hold an answer to this question.{words}{near}"


def again(question: str, faults: Sequence[tuple[str, str]]) -> str:
    """The question once more, with what was wrong with the first answer.

    Args:
        question: as it was asked.
        faults: sentences of the first answer, each with the reason why it does not stand.
    """
    if language(question) == "zh":
        listed = "\n".join(f"- {sentence}（{reason}）" for sentence, reason in faults)
        return f"{question}\n\n上一次的回答里，这些句子没有段落支持，请不要再写：\n{listed}"
    listed = "\n".join(f"- {sentence} ({reason})" for sentence, reason in faults)
    return (
        f"{question}\n\nAn earlier answer had these sentences, which the passages do not support;"
        f" leave them out:\n{listed}"
    )
