"""Small plots as SVG, to stand inside a page: no script, no font, no colour of their own.

Colours come from the page's CSS through classes, so a plot follows light and dark. Every function
is pure; its labels are escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

__all__ = ["bars", "curve", "intervals", "reliability"]

Point = tuple[float, float]
FONT = 12
ROW = 26


def _svg(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}" '
        f'class="plot" style="max-width:{width}px">{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, text: str, anchor: str = "start", kind: str = "label") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}" '
        f'font-size="{FONT}">{escape(text)}</text>'
    )


def _line(a: Point, b: Point, kind: str) -> str:
    return f'<line x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}" class="{kind}"/>'


def intervals(rows: Sequence[tuple[str, float, float, float, str]], title: str) -> str:
    """A dot with its interval for each (label, value, low, high, text), on an axis from 0 to 1."""
    left, right, width = 130, 56, 460
    span = width - left - right
    height = ROW * len(rows) + 30

    def at(share: float) -> float:
        return left + span * share

    parts = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(_line((at(tick), 4), (at(tick), height - 22), "grid"))
        parts.append(_text(at(tick), height - 6, f"{tick:g}", "middle", "tick"))
    for number, (label, value, low, high, text) in enumerate(rows):
        y = ROW * number + ROW / 2 + 4
        parts.append(_text(left - 10, y + 4, label, "end"))
        parts.append(_line((at(low), y), (at(high), y), "whisker"))
        parts.append(
            f'<circle cx="{at(value):.1f}" cy="{y:.1f}" r="5" class="dot">'
            f"<title>{escape(text)}</title></circle>"
        )
        parts.append(_text(width - right + 10, y + 4, f"{value:.2f}", "start", "number"))
    return _svg(width, height, title, parts)


class _Frame:
    """Axes from 0 to 1 in a square plot."""

    width, height, left, top, right, bottom = 420, 300, 58, 12, 16, 44

    def x(self, share: float) -> float:
        return self.left + (self.width - self.left - self.right) * share

    def y(self, share: float) -> float:
        return self.height - self.bottom - (self.height - self.top - self.bottom) * share

    def axes(self, x_title: str, y_title: str) -> list[str]:
        parts = []
        for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
            parts.append(_line((self.x(tick), self.y(0)), (self.x(tick), self.y(1)), "grid"))
            parts.append(_line((self.x(0), self.y(tick)), (self.x(1), self.y(tick)), "grid"))
            parts.append(_text(self.x(tick), self.y(0) + 16, f"{tick:g}", "middle", "tick"))
            parts.append(_text(self.x(0) - 8, self.y(tick) + 4, f"{tick:g}", "end", "tick"))
        parts.append(_text(self.x(0.5), self.height - 8, x_title, "middle"))
        middle = self.y(0.5)
        parts.append(
            f'<g transform="rotate(-90 12 {middle:.1f})">{_text(12, middle, y_title, "middle")}</g>'
        )
        return parts


def curve(
    points: Sequence[Point],
    titles: tuple[str, str, str],
    marks: Sequence[tuple[float, float, str]] = (),
    level: float | None = None,
) -> str:
    """A line through the points, each coordinate from 0 to 1.

    `titles`: of the plot, the x and the y axis. `marks`: (x, y, label) of points to point out.
    `level`: a dashed horizontal line for comparison.
    """
    frame = _Frame()
    parts = frame.axes(titles[1], titles[2])
    if level is not None:
        parts.append(_line((frame.x(0), frame.y(level)), (frame.x(1), frame.y(level)), "level"))
    path = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in points)
    parts.append(f'<polyline points="{path}" class="curve"/>')
    for x, y, label in marks:
        cx, cy = frame.x(x), frame.y(y)
        anchor = "end" if x > 0.5 else "start"
        parts.append(f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="5" class="dot"/>')
        parts.append(_text(cx - 9 if x > 0.5 else cx + 9, cy - 9, label, anchor, "number"))
    return _svg(frame.width, frame.height, titles[0], parts)


def reliability(bins: Sequence[tuple[float, float, int]], titles: tuple[str, str, str]) -> str:
    """Dots of (said, true, number), the larger the more cases; on the diagonal said equals true."""
    frame = _Frame()
    parts = frame.axes(titles[1], titles[2])
    parts.append(_line((frame.x(0), frame.y(0)), (frame.x(1), frame.y(1)), "level"))
    most = max((n for _, _, n in bins), default=1)
    path = " ".join(f"{frame.x(said):.1f},{frame.y(true):.1f}" for said, true, _ in bins)
    parts.append(f'<polyline points="{path}" class="curve thin"/>')
    for said, true, n in bins:
        radius = 4 + 8 * (n / most) ** 0.5
        parts.append(
            f'<circle cx="{frame.x(said):.1f}" cy="{frame.y(true):.1f}" r="{radius:.1f}" '
            f'class="dot soft"><title>{n} cases: said {said:.2f}, true {true:.2f}</title></circle>'
        )
    return _svg(frame.width, frame.height, titles[0], parts)


def bars(values: Sequence[float], marks: Sequence[tuple[float, str]], title: str) -> str:
    """A histogram of times in ms with marked places (value, label).

    The axis ends at three times the last mark: one first call must not flatten the rest. What lies
    beyond is in the last bar.
    """
    width, height, left, bottom, top, count = 420, 220, 12, 40, 34, 24
    highest = max(values, default=0.0) or 1.0
    if marks:
        highest = min(highest, 3 * max(value for value, _ in marks)) or highest
    counts = [0] * count
    for value in values:
        counts[min(int(value / highest * count), count - 1)] += 1
    most = max(counts) or 1
    step = (width - 2 * left) / count

    def at(value: float) -> float:
        return left + (width - 2 * left) * value / highest

    parts = []
    for number, found in enumerate(counts):
        tall = (height - bottom - top) * found / most
        x, y = left + step * number, height - bottom - tall
        parts.append(
            f'<rect x="{x + 1:.1f}" y="{y:.1f}" width="{step - 2:.1f}" height="{tall:.1f}" '
            f'rx="2" class="bar"><title>{found} cases</title></rect>'
        )
    parts.append(_line((left, height - bottom), (width - left, height - bottom), "axis"))
    for share in (0.0, 0.5, 1.0):
        anchor = {0.0: "start", 0.5: "middle", 1.0: "end"}[share]
        more = "+" if share == 1 and max(values, default=0.0) > highest else ""
        label = f"{highest * share:,.0f}{more} ms"
        parts.append(_text(at(highest * share), height - bottom + 18, label, anchor, "tick"))
    for number, (value, label) in enumerate(marks):
        parts.append(_line((at(value), top - 6), (at(value), height - bottom), "mark"))
        anchor = "end" if value > highest / 2 else "start"
        place = at(value) + (-5 if anchor == "end" else 5)
        parts.append(_text(place, top - 14 + 14 * (number % 2), label, anchor, "number"))
    return _svg(width, height, title, parts)
