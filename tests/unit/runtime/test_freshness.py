"""A view that is older than its target: said, withheld or without a score; the same on replay."""

import msgspec
import pytest
from tests.unit.features.small import T, catalog, feature, paid

from assay.contracts.event import Event
from assay.core.errors import Invalid, Unknown
from assay.decisions.freshness import (
    FEATURES_STALE,
    Missed,
    ViewTarget,
    check_targets,
    missed_targets,
    withheld,
)
from assay.features.view import view_names
from assay.runtime.freshness import Freshness
from assay.runtime.live import Live
from assay.runtime.ports import Entry

CATALOG = catalog(feature(), feature(name="user_count", key=("user",)))
VIEWS = view_names(CATALOG.plan)


def live(*events: Event) -> Live:
    found = Live(CATALOG, 0, 0)
    for seq, event in enumerate(events, start=1):
        found.apply(Entry(seq=seq, event=event, known_at=event.ts, accepted=True))
    return found


def test_age_is_how_far_the_source_lies_behind_not_how_long_a_card_was_quiet() -> None:
    """Card x paid long ago, somebody else just now: what is known about x is fresh."""
    state = live(paid(0), paid(90, card="y"))
    seen: list[dict[str, int | None]] = []
    state.serve(paid(100), CATALOG.digest, lambda found: seen.append(dict(found)) or {})  # type: ignore[func-returns-value]
    assert seen == [{"paid.card": T + 90}]


def test_a_request_that_names_nobody_consults_no_view() -> None:
    target = ViewTarget(view="paid.user", age_max=1)
    assert missed_targets([target], {"paid.card": 0}, 100) == ()


@pytest.mark.parametrize(("newest", "is_missed"), [(90, False), (89, True), (None, True)])
def test_a_target_is_met_to_the_microsecond(newest: int | None, *, is_missed: bool) -> None:
    target = ViewTarget(view="paid.card", age_max=10)
    assert bool(missed_targets([target], {"paid.card": newest}, 100)) == is_missed


@pytest.mark.parametrize(
    ("missed", "held_back"), [("serve", False), ("not_known", True), ("no_score", True)]
)
def test_what_a_miss_withholds(missed: Missed, *, held_back: bool) -> None:
    target = ViewTarget(view="paid.card", age_max=10, missed=missed)
    served = live(paid(0), paid(1, user="u")).serve(
        paid(100, user="u"),
        CATALOG.digest,
        lambda seen: withheld(missed_targets([target], seen, T + 100)),
    )
    assert served.vector.known.tolist() == [0 if held_back else 1, 1]
    assert served.absent == ({"paid.card": FEATURES_STALE} if held_back else {})


def test_targets_are_checked_when_a_policy_is_compiled() -> None:
    good = ViewTarget(view="paid.card", age_max=10)
    check_targets([good], VIEWS)
    with pytest.raises(Unknown, match=r"Did you mean 'paid\.card'"):
        check_targets([ViewTarget(view="paid.cart", age_max=10)], VIEWS)
    with pytest.raises(Invalid, match="two targets"):
        check_targets([good, good], VIEWS)
    for field, value in (("age_max", 0), ("window", 0), ("share", 0.0), ("share", 1.5)):
        with pytest.raises(Invalid, match="positive"):
            check_targets([msgspec.structs.replace(good, **{field: value})], VIEWS)


def test_the_share_of_a_window_forgets_what_is_older() -> None:
    counts = Freshness()
    target = ViewTarget(view="paid.card", age_max=10, window=600)
    for at in range(1_000):
        seen: dict[str, int | None] = {"paid.card": at - (20 if at < 500 else 5)}
        counts.watched([target], seen, missed_targets([target], seen, at), at)
    view = counts.view().views["paid.card"]
    assert (view.fresh, view.stale) == (500, 500)
    assert view.share == pytest.approx(500 / 600, abs=0.02)
    assert view.ages.count == 1_000


def test_the_age_of_the_newest_event_used_is_counted() -> None:
    counts = Freshness()
    counts.read(100, 97, {})
    counts.read(100, None, {"paid.card": "read_model_down"})
    view = counts.view()
    assert view.newest_age.counts[2] == 1
    assert view.newest_age.count == 1
    assert view.absent == {"read_model_down": 1}
