"""`assay verify decisions` fails for what it cannot check: a list that is gone, a log cut short."""

import json
from pathlib import Path

import pytest
from tests.integration.served_home import START, booking, make_home

from assay.app.home import Home, control
from assay.app.promises import check_decisions
from assay.app.settings import read_settings
from assay.app.wire import open_platform
from assay.decisions.outcome import Outcome
from assay.review.case import Case
from assay.rules.lists import parse_list, write_list


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home that decided three requests, one of a listed guest; one list was placed by hand."""
    make_home(tmp_path)
    raw = write_list(["Eva Worse", "Ivan Bad"], as_of=START + 1)
    (tmp_path / "lists" / "sanctioned_names.list").write_bytes(raw)
    platform = open_platform(read_settings(tmp_path, {}))
    try:
        for number, name in enumerate(("Ann Good", "WORSE, Eva", "Ann Good")):
            body = json.dumps(booking(number, guest_name=name)).encode()
            outcome = platform.engine.decide(body).result(10).outcome
            assert (outcome is Outcome.HOLD) == (name != "Ann Good")
    finally:
        platform.close()
    return Home(tmp_path)


def test_every_list_version_used_is_kept_and_the_memberships_are_made_again(home: Home) -> None:
    report = check_decisions(home, "checkout")
    assert (report.compared, report.mismatches) == (3, 0), report.differences
    raw = (home.path / "lists" / "sanctioned_names.list").read_bytes()
    digest = parse_list("sanctioned_names", raw).digest
    assert home.objects().get(digest) == raw
    hexadecimal = digest.removeprefix("sha256:")
    (home.path / "objects" / hexadecimal[:2] / hexadecimal[2:]).unlink()
    report = check_decisions(home, "checkout")
    assert report.mismatches == 3
    assert f"the snapshot {digest} is not at hand" in report.differences[0].what


def test_a_log_that_ends_before_the_review_cases_made_from_it_does_not_hold(home: Home) -> None:
    with control(home) as parts:
        parts.cases.project([], [], 3)
    assert check_decisions(home, "checkout").mismatches == 0
    with control(home) as parts:
        parts.cases.project([], [], 4)
    report = check_decisions(home, "checkout")
    assert report.mismatches == 1
    assert "the end of the log is cut off" in report.differences[0].what
    assert (report.differences[0].stored, report.differences[0].again) == ("4", "3")


def test_a_log_without_any_row_does_not_hold_once_review_read_it(home: Home) -> None:
    with control(home) as parts:
        parts.cases.project([], [], 3)
    for path in home.path.glob("log.db*"):
        path.unlink()
    report = check_decisions(home, "checkout")
    assert (report.compared, report.mismatches) == (0, 1)
    assert "the end of the log is cut off" in report.differences[0].what


def test_a_case_without_its_decision_does_not_hold(home: Home) -> None:
    case = Case(
        id="case-1", decision_id="dec-gone", event_id="bk-gone", day=0, opened_at=START,
        due_at=START, outcome=Outcome.REVIEW, probability=None, amount=1, entity="", reasons=(),
    )  # fmt: skip
    with control(home) as parts:
        parts.cases.project([case], [], 3)
    report = check_decisions(home, "checkout")
    assert report.mismatches == 1
    assert report.differences[0].decision == "dec-gone"
