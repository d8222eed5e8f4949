"""Whether two values are the same, and whether a text's values state a claimed one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, pairwise

from rag.values.quantities import Quantity
from rag.values.units import MEASURED, MONTH, SECOND

__all__ = ["agree", "nearest", "stated"]

_OF_A_MONTH = Fraction(86400 * 365, 12)
_MOST_RECKONED = 12


def agree(claimed: Quantity, given: Quantity) -> bool:
    """Whether the two state the same value, as far as both state it."""
    if claimed.kind == given.kind == "date":
        return all(a is None or a == b for a, b in zip(claimed.date, given.date, strict=True))
    if {claimed.kind, given.kind} == {"date", "number"}:
        if claimed.unit in ("decade", "century"):
            return _in_its_time(claimed, given)
        date, number = (claimed, given) if claimed.kind == "date" else (given, claimed)
        # A bare 2010 is a year or a count; 2010 years or kilometres are no date.
        year, *rest = date.date
        return year == number.value and rest == [None, None] and number.unit in {"", MONTH}
    if claimed.kind != given.kind:
        return {claimed.kind, given.kind} == {"time", "number"} and _same_hour(claimed, given)
    if {claimed.unit, given.unit} == {MONTH, SECOND}:
        return _as_long(claimed, given)
    if claimed.unit and given.unit and claimed.unit != given.unit:
        return _measured(claimed, given)
    if claimed.unit != given.unit and {claimed.unit, given.unit} & {MONTH, SECOND, "metres"}:
        # 12 against "12 years": the bare one has no base to be multiplied with.
        return claimed.value == given.value or claimed.value * given.scale == given.value * (
            claimed.scale
        )
    return claimed.value in (given.value, given.lead) or _about(claimed, given)


def _in_its_time(span: Quantity, date: Quantity) -> bool:
    """Whether a date is in a decade or a century: 1804 is in the 19th century."""
    year = date.date[0]
    if year is None or year < 0:
        return False
    if span.unit == "decade":
        return span.value <= year < span.value + 10
    return span.value in (year // 100 + 1, (year - 1) // 100 + 1)


def _measured(one: Quantity, other: Quantity) -> bool:
    """Whether two amounts in units of two systems are the same, as far as one rounds: 46 miles are
    74 km."""
    for (foreign, own), factor in MEASURED.items():
        if (one.unit, other.unit) in ((foreign, own), (own, foreign)):
            there, here = (one, other) if one.unit == foreign else (other, one)
            return abs(there.value * factor - here.value) <= here.value / 50
    return False


def _same_hour(one: Quantity, other: Quantity) -> bool:
    """Whether a bare number may be the hour of a time: "from five to seven"."""
    time, number = (one, other) if one.kind == "time" else (other, one)
    return not number.unit and number.value <= 12 and time.value % 720 == number.value * 60 % 720


def _as_long(one: Quantity, other: Quantity) -> bool:
    """Whether months and days are about as long: six weeks are a month and a half."""
    months, seconds = (one, other) if one.unit == MONTH else (other, one)
    lasting = months.value * _OF_A_MONTH
    return abs(lasting - seconds.value) <= lasting / 12


def _about(claimed: Quantity, given: Quantity) -> bool:
    """Whether one of the two is rounded and the other near it."""
    if not (claimed.rounded or given.rounded):
        return False
    if {claimed.unit, given.unit} == {"", "ratio"} and given.value < 1:
        return abs(claimed.value - given.value) <= given.value / 50  # 33% is a third
    near = abs(claimed.value - given.value) <= abs(given.value) / 20
    return claimed.unit == given.unit and near


def stated(claimed: Quantity, given: Sequence[Quantity]) -> bool:
    """Whether some of the given values state the claimed one; a date may be put together of two."""
    if any(agree(claimed, one) for one in given) or _reckoned(claimed, given):
        return True
    if claimed.kind == "time":
        return _ratio(claimed, given)
    if claimed.kind != "date":
        return False
    year, month, day = claimed.date
    if year is None or month is None:
        return False
    parts = ((year, None, None), (None, month, day))
    loose = [one for one in given if one.date[0] in {None, year} or one.kind == "number"]
    return all(any(agree(replace(claimed, date=part), one) for one in loose) for part in parts)


def _ratio(claimed: Quantity, given: Sequence[Quantity]) -> bool:
    """Whether what looks like a time is a ratio or a score that the text has in two numbers: 1:15
    for 1比15."""
    hours, minutes = divmod(claimed.value, 60)
    return any(
        one.value == hours and two.value == minutes and not two.unit for one, two in pairwise(given)
    )


def _reckoned(claimed: Quantity, given: Sequence[Quantity]) -> bool:
    """Whether it is how far two shares are apart in points, or a year so many years after or before
    another. In a long text too many values could be made so."""
    if len(given) > _MOST_RECKONED:
        return False
    if claimed.unit == "points":
        shares = [one.value for one in given if one.unit in ("ratio", "points")]
        return any(abs(a - b) == claimed.value for a, b in combinations(shares, 2))
    year, *rest = claimed.date
    if claimed.kind != "date" or not year or rest != [None, None]:
        return False
    years = [one.date[0] for one in given if one.kind == "date" and one.date[0]]
    spans = [one.value / 12 for one in given if one.kind == "number" and one.unit == MONTH]
    return any(abs(year - other) == span for other in years for span in spans)


def nearest(claimed: Quantity, given: Iterable[Quantity]) -> Quantity | None:
    """The given value of the claimed one's kind that is most like it, to name beside it."""
    alike = [one for one in given if one.kind == claimed.kind and not one.weak]
    alike = [one for one in alike if not claimed.unit or one.unit == claimed.unit] or alike
    if claimed.kind == "date":
        same = [sum(a == b for a, b in zip(claimed.date, one.date, strict=True)) for one in alike]
        return max(zip(same, alike, strict=True), key=lambda pair: pair[0])[1] if alike else None
    return min(alike, key=lambda one: abs(one.value - claimed.value), default=None)
