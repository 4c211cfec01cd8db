"""Where does each bar of a chart stand? Plain geometry; the template draws it."""

from dataclasses import dataclass

from assay.core.time import DAY, HOUR, MINUTE, format_time
from assay.runtime.activity import OUTCOMES, Volumes

_WIDTHS = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY, 28 * DAY)
_BARS_MAX = 60


@dataclass(frozen=True, slots=True)
class Bar:
    """One part of a stacked bar: its place, its outcome, and the words for it."""

    x: float
    y: float
    width: float
    height: float
    outcome: str
    title: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A label at a place on an axis."""

    place: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars and axis labels in a box of ``width`` by ``height``; ``left`` is the axis' margin."""

    width: int
    height: int
    left: int
    bottom: int
    bars: tuple[Bar, ...]
    across: tuple[Mark, ...]
    up: tuple[Mark, ...]


def bucket_width(span: int) -> int:
    """The finest bucket (microseconds) that shows a span in at most 60 bars.

    Example:
        >>> bucket_width(2 * DAY) == HOUR
        True
    """
    return next((width for width in _WIDTHS if span // width < _BARS_MAX), _WIDTHS[-1])


def stacked(
    volumes: Volumes, *, width: int = 960, height: int = 240, left: int = 48, bottom: int = 28
) -> Chart:
    """One stacked bar per bucket, approvals at the foot."""
    if not volumes.starts:
        return Chart(width, height, left, bottom, (), (), ())
    top = _nice(max(sum(row) for row in volumes.counts))
    plot, step = height - bottom - 8, (width - left) / len(volumes.starts)
    bars = []
    for place, (start, row) in enumerate(zip(volumes.starts, volumes.counts, strict=True)):
        foot = float(height - bottom)
        for outcome, count in zip(OUTCOMES, row, strict=True):
            if not count:
                continue
            tall = count / top * plot
            foot -= tall
            title = f"{short_time(start)}: {count} {outcome.value}"
            x = left + place * step
            bars.append(Bar(_r(x + step * 0.1), _r(foot), _r(step * 0.8), _r(tall), outcome, title))
    up = tuple(
        Mark(_r(height - bottom - share * plot), f"{int(top * share):,}") for share in (0, 0.5, 1)
    )
    return Chart(width, height, left, bottom, tuple(bars), _across(volumes, left, step), up)


def short_time(us: int) -> str:
    """``2026-01-31 09:30`` of an instant.

    Example:
        >>> short_time(1767225600000000)
        '2026-01-01 00:00'
    """
    return format_time(us)[:16].replace("T", " ")


def share_width(value: float, largest: float, full: int = 100) -> float:
    """The length of a bar for ``value`` when the largest has length ``full``."""
    return _r(abs(value) / largest * full) if largest else 0.0


def _across(volumes: Volumes, left: int, step: float) -> tuple[Mark, ...]:
    every = max(1, len(volumes.starts) // 6)
    cut = slice(0, 10) if volumes.width >= DAY else slice(5, 16)
    return tuple(
        Mark(_r(left + (place + 0.5) * step), short_time(start)[cut])
        for place, start in enumerate(volumes.starts)
        if place % every == every // 2
    )


def _nice(largest: int) -> int:
    """The least of 2, 4, 6, 8, 10, 12, 16, 20, 40, ... that is not below ``largest``."""
    scale = 1
    while True:
        for factor in (2, 4, 6, 8, 10, 12, 16):
            if factor * scale >= largest:
                return factor * scale
        scale *= 10


def _r(value: float) -> float:
    return round(value, 2)
