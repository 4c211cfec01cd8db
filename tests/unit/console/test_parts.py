"""The small parts of the console: cookies, charts, filters, and the way values are written."""

import itertools
import math

import pytest

from assay.console.chart import bucket_width, share_width, stacked
from assay.console.render import html, minute, percent, short, when
from assay.console.views import leading, wanted_of, written
from assay.console.visitor import Cookies, cookie, safe_next
from assay.core.errors import Invalid
from assay.core.time import DAY, HOUR, MINUTE
from assay.decisions.outcome import Outcome, Reason
from assay.runtime.activity import OUTCOMES, Volumes


@pytest.mark.parametrize(
    "text",
    [
        "", "/", "//evil.example", "https://evil.example", "/consolex", "javascript:alert(1)",
        "/console/../v1", "/console/\\evil", "/console/\r\nx", "/console/<x>", "/console/é",
        "\\\\evil", "/console//..", "/console/a b",
    ],
)  # fmt: skip
def test_nobody_is_sent_anywhere_but_to_a_page_of_ours(text: str) -> None:
    assert safe_next(text) == "/console"


def test_a_page_of_ours_is_kept() -> None:
    assert safe_next("/console/cases/case_1") == "/console/cases/case_1"


def test_cookies_are_read_by_their_exact_name() -> None:
    headers = [(b"cookie", b"xassay_session=no; assay_session=yes; other=a=b")]
    assert cookie(headers, "assay_session") == "yes"
    assert cookie(headers, "other") == "a=b"
    assert cookie(headers, "none") == ""
    assert cookie([], "assay_session") == ""


def test_a_secure_cookie_is_bound_to_this_host() -> None:
    cookies = Cookies(secure=True)
    assert cookies.session.startswith("__Host-")
    assert "; Secure" in cookies.set(cookies.session, "v", 1)
    assert "Secure" not in Cookies(secure=False).clear("a")


@pytest.mark.parametrize("span", [0, MINUTE, HOUR, 12 * HOUR, 2 * DAY, 40 * DAY, 900 * DAY])
def test_a_span_is_shown_in_at_most_sixty_bars(span: int) -> None:
    assert span // bucket_width(span) < 60


def volumes(*rows: tuple[int, ...]) -> Volumes:
    starts = tuple(number * HOUR for number in range(len(rows)))
    return Volumes(HOUR, starts, rows)


def test_bars_stand_on_each_other_and_inside_the_box() -> None:
    chart = stacked(volumes((5, 0, 3, 0, 2), (0, 0, 0, 0, 0), (1, 1, 1, 1, 1)))
    first = [bar for bar in chart.bars if bar.x < chart.width / 3]
    assert [bar.outcome for bar in first] == ["approve", "review", "block"]
    for below, above in itertools.pairwise(first):
        assert math.isclose(above.y + above.height, below.y, abs_tol=0.02)
    assert len(chart.bars) == 8
    for bar in chart.bars:
        assert 0 <= bar.y <= bar.y + bar.height <= chart.height - chart.bottom + 0.02
        assert chart.left <= bar.x <= bar.x + bar.width <= chart.width
    assert chart.up[-1].text == "10"
    assert "5 approve" in first[0].title


def test_heights_are_in_proportion_to_counts() -> None:
    small, large = stacked(volumes((1, 0, 0, 0, 0), (4, 0, 0, 0, 0))).bars
    assert math.isclose(large.height, 4 * small.height, rel_tol=0.01)


def test_nothing_decided_draws_nothing() -> None:
    assert stacked(Volumes(HOUR, (), ())).bars == ()
    assert len(OUTCOMES) == 5


def test_a_weight_is_as_long_as_its_share_of_the_largest() -> None:
    assert share_width(-1.0, 2.0, 66) == 33.0
    assert share_width(1.0, 0.0) == 0.0


def test_the_filter_form_narrows_by_what_was_filled_in() -> None:
    empty = {"outcome": "", "low": "", "day": "", "degraded": ""}
    assert wanted_of(empty) == wanted_of({})
    wanted = wanted_of({"outcome": "hold", "low": "0.5", "day": "2026-01-02", "degraded": "1"})
    assert (wanted.outcome, wanted.degraded, wanted.low) == (Outcome.HOLD, True, 0.5)
    assert wanted.start is not None
    assert wanted.end == wanted.start + DAY


@pytest.mark.parametrize(
    "query",
    [{"outcome": "maybe"}, {"low": "x"}, {"low": "nan"}, {"low": "-1"}, {"low": "inf"},
     {"day": "yesterday"}, {"day": "2026-02-30"}],
)  # fmt: skip
def test_a_filter_that_cannot_be_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        wanted_of(query)


def test_the_leading_reason_is_the_one_that_asked_for_what_was_decided() -> None:
    unknown = Reason("unknown", "soft", None, Outcome.APPROVE)
    held = Reason("held", "hard", True, Outcome.HOLD)
    low = Reason("risk_low", "band", True, Outcome.APPROVE)
    assert leading((unknown, held), Outcome.HOLD) == held
    assert leading((unknown,), Outcome.APPROVE) is None
    assert leading((unknown, low), Outcome.APPROVE) == low


def test_values_are_written_for_people() -> None:
    assert written(None) == ""
    assert written(False) == "no"
    assert written(0.1 + 0.2) == "0.3"
    assert when(None) == ""
    assert minute(1767225600000000) == "2026-01-01 00:00"
    assert percent(0.00001, 2) == "0.00 %"
    assert short("sha256:" + "a" * 64) == "a" * 12
    assert short(None) == "none"


def test_templates_escape_what_they_are_given() -> None:
    page = html(
        "error.html",
        {
            "title": "<b>t</b>", "detail": "<script>", "code": "c", "status": 400, "user": None,
            "request_id": "r", "csrf": "", "here": "", "pages": (), "workload": "",
        },
    )  # fmt: skip
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "<b>t</b>" not in page
