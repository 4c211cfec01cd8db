"""Times are whole microseconds UTC; anything else is refused with the value in the message."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.core.errors import Invalid
from assay.core.time import (
    DAY,
    HOUR,
    TIME_END,
    TIME_MIN,
    check_time,
    format_duration,
    format_time,
    parse_duration,
    parse_time,
    utc_day,
)


@given(st.integers(TIME_MIN, TIME_END - 1))
def test_every_instant_survives_the_round_trip(us: int) -> None:
    assert parse_time(format_time(us)) == us


@given(st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001 - bounds of a strategy are naive by its contract
def test_agrees_with_the_standard_library(moment: datetime) -> None:
    seconds, micros = divmod(parse_time(moment.isoformat()), 1_000_000)
    assert datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros) == moment


def test_offsets_are_applied() -> None:
    assert parse_time("2026-01-01T02:00:00+02:00") == parse_time("2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-13-01T00:00:00Z",
        "2026-01-01T00:00:00.1234567Z",
        "2026-01-01T24:61:00Z",
        "1999-12-31T23:59:59Z",
        "2100-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z ",
        "\u0662026-01-01T00:00:00Z",
        "now",
        "",
    ],
)
def test_what_is_not_an_instant_is_refused_with_the_value(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_time(text)
    assert text[:4] in str(caught.value) or "between" in str(caught.value)


def test_seconds_given_as_microseconds_are_refused() -> None:
    with pytest.raises(Invalid, match="1767225600"):
        check_time(1_767_225_600)


@pytest.mark.parametrize("text", ["0s", "-1h", "1.5h", "1 h", "h", "1w", "9999999999d"])
def test_bad_durations_are_refused(text: str) -> None:
    with pytest.raises(Invalid, match="duration"):
        parse_duration(text)


@given(st.integers(1, 999_999_999), st.sampled_from(["us", "ms", "s", "m", "h", "d"]))
def test_durations_keep_their_length(count: int, unit: str) -> None:
    length = parse_duration(f"{count}{unit}")
    assert parse_duration(format_duration(length)) == length


def test_days_start_at_midnight_utc() -> None:
    midnight = parse_time("2026-01-02T00:00:00Z")
    assert utc_day(midnight) == utc_day(midnight - 1) + 1
    assert utc_day(midnight + 23 * HOUR) == utc_day(midnight)
    assert midnight % DAY == 0
