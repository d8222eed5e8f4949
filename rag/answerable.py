"""The calibrated probability that the passages hold the answer.

A logistic regression on a few figures of question and passages. The order in which the passages
are given is none of them: whoever gives passages to `Rag.answer` may give them in any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from rag.evidence import Evidence
from rag.fold import fold, language
from rag.questions import elsewhere
from rag.questions.asked import is_small_talk, signs
from rag.readings import READ, SURE, Readings
from rag.schema import Verdict
from rag.telling import SLOTS, Telling, coefficients, tell

__all__ = ["answerable", "figures", "nearness", "with_answer"]

_FARTHEST = 6.0
_NO_GAP = 1.0  # as good as the best
_WIDEST = 2.0  # beyond it a cosine tells the kind of text, not whether it answers
_HAN_SCRIPT = {"zh", "ja"}
_WRITTEN = {"zh", "en", ""} | elsewhere.KNOWN
"""Languages in which a number and its unit are known; in others any sentence may hold one."""
_SEVERAL = 4
_GOOD = 0.55
_HELD = 0.40  # a match token by token that nearly every answerable question has
_STEP = 0.05  # of such a match: as much as the other figures' units
_BEYOND = 4.0
_MILD = -0.35
_LEAST, _MOST = 0.01, 0.99

# Log-odds that a model's own word is worth. Set, not fitted: a model that refuses is right more
# often than one that answers, and each verdict counts as much as it is sure.
_SENTINEL = -2.2
_VERDICT = 2.0
_STRAYED = 0.5


def answerable(
    evidence: Evidence,
    searched: bool = False,
    telling: Telling | None = None,
    readings: Readings | None = None,
    slots: bool = True,
    near: float | None = None,
) -> float:
    """Probability, 0…1, that `evidence.passages` hold the answer to `evidence.question`.

    `searched`: the passages are the best of a search among essays, not given as they are.
    `telling`: what `tell(evidence)` gave, where it is at hand. `readings`: of the same evidence;
    default: nothing is read. `slots`: a number or a date that is asked for must be there; False for
    a question whose parts are looked at by themselves. `near`: the `nearness` of all that was
    found, where it is more than is answered from.
    """
    if not any(evidence.spans) or is_small_talk(evidence.question):
        return 0.0
    fitted: Mapping[str, float] = coefficients()["answerable"]
    values = figures(evidence, searched, telling or tell(evidence), readings, near)
    if not slots:
        values |= dict.fromkeys(("slot", "slot gap"), 0.0)
    return _probability(
        fitted["intercept"] + sum(fitted[name] * value for name, value in values.items())
    )


def figures(
    evidence: Evidence,
    searched: bool,
    telling: Telling,
    readings: Readings | None = None,
    near: float | None = None,
) -> dict[str, float]:
    """What the probability is made of, by name. There is at least one sentence.

    "nearness": as `nearness` says, of all that was found (`near`) or of these passages, within two.
    "far": what it lies below that: another topic, unless tokens match well. "slot": 1 where a
    number or a date is asked for, and no essay asks for it and gives one itself. "slot gap": how
    much less the best sentence that holds one of the unit asked for (or as many items as asked for)
    has to do with the question than the best of all: what is over 1 in log-odds, to 5; a sentence
    that is neither Chinese nor English may hold any. "searched": 1 after a search in a few essays,
    "few": 1 with fewer than four given passages: their nearest is less near than that of a large
    collection. "apart": how far, in steps of .05, the best match token by token lies below what
    nearly every answered question has: nobody speaks of it at all. "reading": the reader's
    log-odds, in units of `SURE`, of the best sentence of the passage that matches best token by
    token, of given passages; "read": after a search, of the best sentence of all that are quoted
    from, −.35 at least. 0 where nobody reads.
    """
    asked = telling.asked
    topical = telling.scores("rank", "signs", "fits")
    holds = telling.column("fits") >= 1
    if asked.kind in SLOTS:
        holds &= telling.column("signs") >= 1
    holds |= _held_nearby(evidence, telling)
    holds |= np.array([line.language not in _WRITTEN for line in telling.lines])
    # what an essay asks itself, and answers, it need not say again beside the number
    slot = asked.kind in SLOTS and not any(
        telling.column("signs")[reply] >= 1 for _, reply in telling.asked_there()
    )
    gap = 0.0
    if slot or (asked.kind == "list" and asked.unit):
        gap = float(topical.max() - topical[holds].max()) if holds.any() else _FARTHEST
    if near is None:
        languages = [passage.language for passage in evidence.passages]
        near = nearness(evidence.question, languages, evidence.passage_cosines)
    match = float(evidence.passage_matches.max())
    return {
        "nearness": min(max(near, -_WIDEST), _WIDEST),
        "far": min(max(-_WIDEST - near, 0.0), _BEYOND) * _doubt(match),
        "slot gap": max(min(gap, _FARTHEST) - _NO_GAP, 0.0),
        "slot": float(slot),
        "searched": float(searched),
        "few": float(not searched and len(evidence.passages) < _SEVERAL),
        # without a match the encoder knows no tokens
        "apart": max(_HELD - match, 0.0) / _STEP if match else 0.0,
        "reading": _reading(evidence, readings) if readings and not searched else 0.0,
        "read": _read(telling, readings) if readings and searched else 0.0,
    }


def _held_nearby(evidence: Evidence, telling: Telling) -> NDArray[np.bool_]:
    """The sentences beside which stands what they lack: a date in the heading above, a list
    below."""
    asked = telling.asked
    held = np.zeros(len(telling.lines), np.bool_)
    if asked.kind == "date":
        for i, line in enumerate(telling.lines):
            heading = evidence.passages[line.passage].heading.rpartition(" > ")[2]
            held[i] = signs(asked, heading, fold(heading)) >= 1
    elif asked.kind == "list":
        held[[i for i in range(len(telling.lines)) if telling.items(i)]] = True
        if asked.count:
            every = range(len(evidence.passages))
            held[list(telling.numbered(asked.count, every))] = True
    return held


def _reading(evidence: Evidence, readings: Readings) -> float:
    """Of one passage: with the best of several given ones, the more are read the less it tells."""
    return _best(readings, [int(evidence.passage_matches.argmax())])


def _read(telling: Telling, readings: Readings) -> float:
    """Of all passages that are quoted from: after a search the answer need not stand where most of
    the question's words do. A sure no tells no more than a mild one."""
    return max(_best(readings, telling.passages()[:READ]), _MILD)


def _best(readings: Readings, among: Sequence[int]) -> float:
    return max((float(part.max()) / SURE for part in readings.of(among).values()), default=0.0)


def _doubt(match: float) -> float:
    """1 where the best match token by token is poor, 0 where it is good: then it is no other topic,
    however far the vectors of whole passages are. 1 where the encoder knows no tokens."""
    return min(max((_GOOD - match) / (_GOOD - _HELD), 0.0), 1.0) if match else 1.0


def nearness(question: str, languages: Sequence[str], cosines: NDArray[np.float32]) -> float:
    """How near the two nearest passages are, of fewer than four the nearest, in deviations from
    what is usual. Across languages all cosines are lower.

    Args:
        question: as it was compared.
        languages: of n passages, one at least.
        cosines: the question's with each of them, by the passage encoder, [n].
    """
    asked = language(question)
    side = "zh" if asked == "zh" else "other"
    levels = coefficients()["levels"]
    found = [levels[side if _near(asked, own) else f"across {side}"] for own in languages]
    means, deviations = np.array(found, np.float64).T
    near = np.sort((cosines - means) / deviations)[::-1]
    # the second of a few given passages need not be about the question at all
    count = 2 if len(languages) >= _SEVERAL else 1
    return float(near[:count].mean())


def _near(one: str, other: str) -> bool:
    return one == other or {one, other} <= _HAN_SCRIPT


def with_answer(probability: float, refused: bool, verdicts: Sequence[Verdict]) -> float:
    """The probability once a model has answered: its refusal or the verdicts move the log-odds.

    A refusal takes 2.2 off (nine to one). The best supported sentence adds up to 2.0: the passages
    hold that much of an answer, whatever else was said. Where none is supported at all, .5 is taken
    off: that a model strayed says little of what the passages hold, and its sentences are marked.
    Unchecked ones say nothing.
    """
    odds = log(max(probability, _LEAST) / max(1 - probability, 1 - _MOST))
    if refused:
        return _probability(odds + _SENTINEL)
    scores = [verdict.score for verdict in verdicts if verdict.label != "unchecked"]
    if not scores:
        return probability
    best = 2 * max(scores) - 1
    return _probability(odds + best * (_VERDICT if best > 0 else _STRAYED))


def _probability(odds: float) -> float:
    return min(max(1 / (1 + exp(-odds)), _LEAST), _MOST) if odds > -700 else _LEAST
