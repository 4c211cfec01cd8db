"""What time is it, exactly? Always int64 microseconds since 1970-01-01 UTC, never a float.

Nothing here reads a clock: a time is an argument. Durations share the unit.
"""

import re
from datetime import UTC, datetime, timedelta

from assay.core.errors import Invalid, shown

MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

#: First and one-past-last instant the platform accepts: far enough for any ledger, near enough
#: that seconds or milliseconds passed by mistake as microseconds are refused, not stored.
TIME_MIN = 946_684_800 * SECOND  # 2000-01-01
TIME_END = 4_102_444_800 * SECOND  # 2100-01-01

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_DURATION = re.compile(r"(\d{1,9})(us|ms|s|m|h|d)", re.ASCII)
_UNITS = {"us": 1, "ms": MILLISECOND, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}


def parse_time(text: str) -> int:
    """An RFC 3339 instant as microseconds UTC; the offset is required.

    Raises:
        Invalid: not RFC 3339, no offset, finer than a microsecond, or outside 2000..2099.

    Example:
        >>> parse_time("2026-01-01T00:00:00.000001Z")
        1767225600000001
    """
    if not _RFC3339.fullmatch(text):
        raise Invalid(
            f"expected an RFC 3339 time with an offset and at most 6 decimals, "
            f"such as 2026-01-31T09:30:00Z, got {shown(text)}"
        )
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise Invalid(f"expected a time that exists, got {shown(text)}: {error}") from error
    return check_time((moment - _EPOCH) // _MICROSECOND)


def check_time(us: int) -> int:
    """The same instant if it lies in 2000..2099.

    Raises:
        Invalid: it does not; seconds or milliseconds given as microseconds land here.
    """
    if not TIME_MIN <= us < TIME_END:
        raise Invalid(f"expected microseconds UTC between 2000-01-01 and 2100-01-01, got {us}")
    return us


def format_time(us: int) -> str:
    """The RFC 3339 text of an instant, with as many decimals as it needs.

    Example:
        >>> format_time(1767225600000000)
        '2026-01-01T00:00:00Z'
    """
    return (_EPOCH + us * _MICROSECOND).isoformat().replace("+00:00", "Z")


def parse_duration(text: str) -> int:
    """A duration such as ``10m``, ``36h`` or ``30d`` in microseconds.

    Raises:
        Invalid: no whole number followed by one of us, ms, s, m, h, d; or zero.

    Example:
        >>> parse_duration("10m") == 10 * MINUTE
        True
    """
    match = _DURATION.fullmatch(text)
    if not match or int(match[1]) == 0:
        raise Invalid(f"expected a positive duration such as 10m, 36h or 30d, got {shown(text)}")
    return int(match[1]) * _UNITS[match[2]]


def format_duration(us: int) -> str:
    """The shortest exact text of a duration in one unit.

    Example:
        >>> format_duration(36 * HOUR), format_duration(2 * DAY)
        ('36h', '2d')
    """
    unit = next(name for name, size in reversed(_UNITS.items()) if us % size == 0)
    return f"{us // _UNITS[unit]}{unit}"


def utc_day(us: int) -> int:
    """The number of the UTC day an instant lies in, counted from 1970-01-01."""
    return us // DAY
