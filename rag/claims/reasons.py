"""A verdict's reason, in words that a person understands, in the language of the claim."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from rag.claims.comparison import Comparison
from rag.fold import fold, language
from rag.values.agree import nearest

if TYPE_CHECKING:
    import opencc

__all__ = ["Wording", "wording"]

_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Wording:
    """The sentences of one language. `traditional`: Chinese in Traditional characters."""

    chinese: bool
    traditional: bool = False

    def nothing_to_check(self) -> str:
        return self._say("It states nothing that could be checked.", "这句没有可以核对的内容。")

    def breaks_off(self) -> str:
        return self._say("The sentence breaks off.", "这句话没有说完。")

    def says_it_again(self) -> str:
        return self._say("It says the same again and again.", "这句在反复说同样的话。")

    def no_evidence(self) -> str:
        return self._say("There is no passage to check it against.", "没有可以核对的原文。")

    def word_for_word(self) -> str:
        return self._say("The passage says so word for word.", "原文一字不差地写着这句话。")

    def explain(self, found: Comparison, label: str) -> str:
        """What spoke most against the claim, or that nothing did."""
        against = (*self._values(found), *self._names(found), *self._turns(found))
        if against and label != "supported":
            return against[0]
        if label == "supported":
            return self._say(
                "Its statement, numbers and names are in the passage.",
                "原文有这个意思，数字和名称也对得上。",
            )
        if found.far and not (found.replaced and any(c.isdigit() for c in found.replaced[1])):
            mine = self._list([one.text for one in found.far])
            return self._say(
                f"{mine} stands elsewhere in the passage, not beside this.",
                f"{mine}在原文别处，与这句所说无关。",
            )
        if found.replaced and all(found.replaced):
            theirs, mine = map(_short, found.replaced)
            return self._say(
                f"The passage says “{theirs}”, the sentence says “{mine}”.",
                f"原文是“{theirs}”，这句说的是“{mine}”。",
            )
        if found.uncovered:
            words = _short(found.uncovered)
            return self._say(f"“{words}” is not in the passage.", f"原文没有“{words}”。")
        if label == "partly":
            return self._say("The passage does not clearly say this.", "原文没有明确这样说。")
        return self._say("The passage does not say this.", "原文没有这个意思。")

    def _values(self, found: Comparison) -> Sequence[str]:
        if not found.absent:
            return ()
        value = found.absent[0]
        mine = self._list([one.text for one in found.absent])
        other = nearest(value, found.given)
        if len(found.absent) == 1 and other is not None:
            return (
                self._say(
                    f"{mine} is not in the passage, which says {_short(other.text)}.",
                    f"原文没有{mine}，原文写的是{_short(other.text)}。",
                ),
            )
        verb = "is" if len(found.absent) == 1 else "are"
        return (self._say(f"{mine} {verb} not in the passage.", f"原文没有{mine}。"),)

    def _names(self, found: Comparison) -> Sequence[str]:
        if not found.strange:
            return ()
        verb = "is" if len(found.strange) == 1 else "are"
        mine = self._list(found.strange)
        return (self._say(f"{mine} {verb} not in the passage.", f"原文没有{mine}。"),)

    def _turns(self, found: Comparison) -> Sequence[str]:
        if found.flips or found.outdone:
            mine, theirs = map(_short, (*found.flips, *filter(None, [found.outdone]))[0])
            return (
                self._say(
                    f"The passage says “{theirs}”, the sentence says “{mine}”.",
                    f"原文说“{theirs}”，这句说“{mine}”。",
                ),
            )
        if found.misplaced:
            value, item = map(_short, found.misplaced)
            return (
                self._say(
                    f"The passage says {value} of something else: “{item}”.",
                    f"原文的{value}说的是别的：“{item}”。",
                ),
            )
        if found.exchanged:
            one, two = map(_short, found.exchanged)
            return (
                self._say(
                    f"The passage has “{one}” and “{two}” the other way round.",
                    f"原文里“{one}”和“{two}”的位置正好相反。",
                ),
            )
        if found.doer:
            mine, theirs = map(_short, found.doer)
            return (
                self._say(
                    f"The passage says it of “{theirs}”, the sentence of “{mine}”.",
                    f"原文说的是“{theirs}”，这句说的是“{mine}”。",
                ),
            )
        if found.negated > 0:
            return (
                self._say(
                    "The sentence denies what the passage states.", "原文是肯定的，这句是否定的。"
                ),
            )
        if found.negated < 0:
            return (
                self._say(
                    "The passage denies what the sentence states.", "原文是否定的，这句是肯定的。"
                ),
            )
        return ()

    def _list(self, items: Sequence[str]) -> str:
        shown = [_short(item) for item in items[:3]]
        return self._say(", ".join(shown), "、".join(shown))

    def _say(self, english: str, chinese: str) -> str:
        if not self.chinese:
            return english
        if not self.traditional:
            return chinese
        return str(_traditional().convert(chinese))


@cache
def _traditional() -> opencc.OpenCC:
    import opencc

    return opencc.OpenCC("s2t")


def wording(claim: str) -> Wording:
    """The wording for a claim's language; English for every language but Chinese."""
    if language(claim) != "zh":
        return Wording(chinese=False)
    han = re.sub(r"[^\u3400-\u9fff]", "", claim)
    return Wording(chinese=True, traditional=fold(han) != han)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
