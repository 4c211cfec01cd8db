"""How does a result look? Small charts as SVG text, drawn from numbers and nothing else.

No chart library: the same numbers give the same bytes, in HTML and in PDF.
"""

from collections.abc import Sequence
from html import escape
from math import floor, log10
from typing import NamedTuple

INK, PALE, ACCENT, WARN = "#1f2933", "#c3ccd5", "#1f5f8b", "#a8341f"
_FONT = "Libertinus Serif, Georgia, serif"
_LEFT, _TOP, _BOTTOM, _RIGHT = 56.0, 30.0, 40.0, 20.0


class Point(NamedTuple):
    """A point of a chart, with the ends of its interval when there is one."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


class Series(NamedTuple):
    """Points joined by a line, or dots when ``dots``."""

    name: str
    points: Sequence[Point]
    color: str = ACCENT
    dots: bool = False
    dashed: bool = False


class Bar(NamedTuple):
    """One horizontal bar; ``text`` is printed at its end."""

    name: str
    value: float
    text: str
    color: str = ACCENT


def plot(
    series: Sequence[Series],
    *,
    x_label: str,
    y_label: str,
    x_max: float = 1.0,
    y_max: float = 1.0,
    percent: bool = False,
) -> str:
    """Lines and dots on two axes that begin at 0."""
    width, height = 460.0, 270.0
    frame = _Frame(width, height, x_max, y_max)
    parts = [*_axes(frame, x_label, y_label, percent)]
    for line in series:
        parts += _series(frame, line)
    parts += _legend([s for s in series if s.name])
    return _svg(width, height, parts)


def bars(rows: Sequence[Bar], *, label: str) -> str:
    """Horizontal bars from 0, longest value filling the width."""
    widest = max((abs(bar.value) for bar in rows), default=0.0) or 1.0
    left, step, full = 245.0, 21.0, 150.0
    parts: list[str] = []
    for place, bar in enumerate(rows):
        y = 8 + place * step
        length = max(abs(bar.value) / widest * full, 0.8)
        parts.append(_text(left - 8, y + 11, bar.name, anchor="end"))
        parts.append(
            f'<rect x="{left:.1f}" y="{y:.1f}" width="{length:.1f}" height="14" '
            f'fill="{bar.color}"/>'
        )
        parts.append(_text(left + length + 6, y + 11, bar.text))
    height = 8 + len(rows) * step + 22
    parts.append(_text(240, height - 6, label, anchor="middle", size=10))
    return _svg(480.0, height, parts)


def pairs(rows: Sequence[tuple[str, float, float]], *, first: str, second: str) -> str:
    """Two shares side by side for each group, such as before and after."""
    width, height = 460.0, 230.0
    top = round_up(max((max(a, b) for _, a, b in rows), default=0.0) or 1.0)
    frame = _Frame(width, height, float(max(len(rows), 1)), top)
    parts = [*_axes(frame, "groups of scores, lowest first", "", percent=True, x_ticks=False)]
    for place, (name, one, two) in enumerate(rows):
        for offset, value, color in ((0.14, one, PALE), (0.5, two, ACCENT)):
            x, y = frame.at(place + offset, value)
            wide = frame.at(0.36, 0)[0] - frame.at(0, 0)[0]
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" '
                f'height="{frame.at(0, 0)[1] - y:.1f}" fill="{color}"/>'
            )
        middle = frame.at(place + 0.5, 0)
        parts.append(_text(middle[0], middle[1] + 13, name, anchor="middle", size=8))
    legend = [Series(first, (), PALE), Series(second, (), ACCENT)]
    return _svg(width, height, [*parts, *_legend(legend)])


def intervals(rows: Sequence[tuple[str, Point]], *, marker: float, label: str, x_max: float) -> str:
    """One dot with its interval a row, and a line that must not be crossed."""
    left, step, full = 190.0, 22.0, 230.0
    height = 16 + len(rows) * step + 34
    base = 10 + len(rows) * step

    def place(value: float) -> float:
        return left + min(max(value, 0.0), x_max) / x_max * full

    parts = [
        (
            f'<line x1="{place(marker):.1f}" y1="4" x2="{place(marker):.1f}" y2="{base:.1f}" '
            f'stroke="{WARN}" stroke-dasharray="4 3"/>'
        ),
        _line(left, base, left + full, base),
    ]
    parts += [
        _text(place(tick / 4), base + 13, f"{tick / 4:.2f}", anchor="middle", size=9)
        for tick in range(int(x_max * 4) + 1)
    ]
    for number, (name, point) in enumerate(rows):
        y = 18 + number * step
        color = WARN if point.x < marker else ACCENT
        parts.append(_text(left - 10, y + 4, name, anchor="end"))
        if point.low is not None and point.high is not None:
            parts.append(_line(place(point.low), y, place(point.high), y, color))
        parts.append(f'<circle cx="{place(point.x):.1f}" cy="{y:.1f}" r="3.6" fill="{color}"/>')
    parts.append(_text(left + full / 2, height - 4, label, anchor="middle", size=10))
    return _svg(480.0, height, parts)


class _Frame(NamedTuple):
    """Where values land on the paper."""

    width: float
    height: float
    x_max: float
    y_max: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        wide = self.width - _LEFT - _RIGHT
        tall = self.height - _TOP - _BOTTOM
        return (
            _LEFT + wide * min(max(x / self.x_max, 0.0), 1.0),
            self.height - _BOTTOM - tall * min(max(y / self.y_max, 0.0), 1.0),
        )


def _axes(
    frame: _Frame, x_label: str, y_label: str, percent: bool = False, x_ticks: bool = True
) -> list[str]:
    zero, right, top = frame.at(0, 0), frame.at(frame.x_max, 0), frame.at(0, frame.y_max)
    parts = [_line(*zero, *right), _line(*zero, *top)]
    for tick in range(5):
        share = tick / 4
        x, y = frame.at(frame.x_max * share, 0)[0], frame.at(0, frame.y_max * share)[1]
        if tick:
            parts.append(_line(zero[0], y, right[0], y, "#e7ebef"))
        parts.append(
            _text(zero[0] - 6, y + 3, _tick(frame.y_max * share, percent), anchor="end", size=9)
        )
        if x_ticks:
            parts.append(
                _text(x, zero[1] + 13, _tick(frame.x_max * share, percent), anchor="middle", size=9)
            )
    middle = (zero[0] + right[0]) / 2
    parts.append(_text(middle, frame.height - 6, x_label, anchor="middle", size=10))
    height = (zero[1] + top[1]) / 2
    parts.append(
        f'<g transform="translate(12 {height:.1f}) rotate(-90)">'
        + _text(0, 0, y_label, anchor="middle", size=10)
        + "</g>"
    )
    return parts


def _series(frame: _Frame, series: Series) -> list[str]:
    parts: list[str] = []
    if not series.dots and series.points:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (frame.at(p.x, p.y) for p in series.points))
        dash = ' stroke-dasharray="4 3"' if series.dashed else ""
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{series.color}" '
            f'stroke-width="1.6"{dash}/>'
        )
        return parts
    for point in series.points:
        x, y = frame.at(point.x, point.y)
        if point.low is not None and point.high is not None:
            low, high = frame.at(point.x, point.low)[1], frame.at(point.x, point.high)[1]
            parts.append(_line(x, low, x, high, series.color))
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="{series.color}"/>')
    return parts


def _legend(series: Sequence[Series]) -> list[str]:
    parts: list[str] = []
    for place, line in enumerate(series):
        y, x = 14.0, _LEFT + place * 120
        parts.append(
            f'<rect x="{x:.1f}" y="{y - 7:.1f}" width="12" height="7" fill="{line.color}"/>'
        )
        parts.append(_text(x + 18, y, line.name, size=10))
    return parts


def round_up(value: float) -> float:
    """The next number whose quarters are short to write.

    Example:
        >>> round_up(0.0982), round_up(11.3), round_up(139_000)
        (0.1, 12.0, 160000.0)
    """
    if value <= 0:
        return 1.0
    scale = 10.0 ** floor(log10(value))
    step = next(s for s in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10) if s * scale >= value * 0.9999)
    return float(f"{step * scale:.6g}")


def _tick(value: float, percent: bool) -> str:
    if percent:
        return f"{100 * value:.3g} %"
    for size, letter in ((1e6, " M"), (1e3, " k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def _line(x1: float, y1: float, x2: float, y2: float, color: str = INK) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'stroke="{color}" stroke-width="1"/>'
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 11) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-family="{_FONT}" font-size="{size}" '
        f'fill="{INK}" text-anchor="{anchor}">{escape(text)}</text>'
    )


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}">' + "".join(parts) + "</svg>"
    )
