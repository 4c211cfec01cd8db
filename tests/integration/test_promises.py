"""`assay verify decisions` fails for what it cannot check: a list that is gone, a log cut short."""

import json
from pathlib import Path

import pytest
from tests.integration.served_home import START, booking, make_home

from assay.app.home import Home
from assay.app.promises import check_decisions
from assay.app.settings import read_settings
from assay.app.wire import open_platform
from assay.decisions.outcome import Outcome
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
