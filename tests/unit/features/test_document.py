import json

import msgspec
import pytest

from assay.core.errors import Corrupt, Invalid
from assay.core.time import DAY, HOUR
from assay.features.document import catalog_from, changed, document_of, parse_change
from assay.workloads.cards.features import CATALOG

ADDED = {
    "name": "customer_spent_2h", "source": "transaction", "key": ["customer_id"],
    "aggregate": "sum", "of": "amount", "window": "2h", "unit": "cents", "about": "spent lately",
}  # fmt: skip


def test_a_catalog_is_made_again_from_its_document_texts_included() -> None:
    again = catalog_from(document_of(CATALOG), CATALOG.digest, CATALOG)
    assert again.digest == CATALOG.digest
    assert again.features == CATALOG.features
    assert again.names == CATALOG.names


def test_combined_values_are_added_changed_and_kept_in_the_document() -> None:
    often = {"name": "customer_often", "how": "over", "of": ["customer_count_1d"], "limit": 3}
    after = changed(CATALOG, parse_change({"add": [often]}))
    assert after.combined[-1].limit == 3
    again = catalog_from(document_of(after), after.digest, CATALOG)
    assert again.combined == after.combined
    later = changed(after, parse_change({"change": {"customer_often": {"limit": 5}}}))
    assert later.combined[-1].limit == 5
    gone = changed(later, parse_change({"remove": ["customer_often"]}))
    assert gone.digest == CATALOG.digest


def test_a_document_under_another_digest_or_with_a_changed_window_is_corrupt() -> None:
    plain = json.loads(document_of(CATALOG))
    plain["features"][0]["window"] += 1
    with pytest.raises(Corrupt, match="makes sha256:"):
        catalog_from(json.dumps(plain).encode(), CATALOG.digest, CATALOG)
    with pytest.raises(Corrupt, match="cannot be read"):
        catalog_from(b"{}", CATALOG.digest, CATALOG)


def test_a_derived_value_of_a_version_that_is_gone_is_named() -> None:
    plain = json.loads(document_of(CATALOG))
    plain["derived"][0]["digest"] = "sha256:" + "0" * 64
    with pytest.raises(Invalid, match="'amount_now' in version '1'"):
        catalog_from(json.dumps(plain).encode(), CATALOG.digest, CATALOG)


def test_a_change_adds_replaces_and_removes_and_keeps_places() -> None:
    change = parse_change(
        {
            "about": "a shorter memory",
            "add": [ADDED],
            "change": {
                "customer_count_1d": {"window": "36h"},
                "customer_max_ever": {"window": DAY},
            },
            "remove": ["terminal_settled_7d"],
        }
    )
    cause = "'customer_mean_ever' cannot be removed: amount_to_mean_ever, .* cannot be computed"
    with pytest.raises(Invalid, match=cause):
        changed(CATALOG, parse_change({"remove": ["customer_mean_ever"]}))
    after = changed(CATALOG, change)
    stay = [name for name in CATALOG.names if name != "terminal_settled_7d"]
    features = len(CATALOG.features) - 1
    assert list(after.names) == [*stay[:features], "customer_spent_2h", *stay[features:]]
    assert after.features[0].window == 36 * HOUR
    assert after.features[features].unit == "cents"
    assert after.digest != CATALOG.digest
    again = catalog_from(document_of(after), after.digest, CATALOG)
    assert again.features == after.features


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"remove": ["customer_cuont_1d"]}, "Did you mean 'customer_count_1d'"),
        ({"change": {"customer_count_1d": {"windwo": "1h"}}}, "Did you mean 'window'"),
        ({"change": {"customer_count_1d": {"window": "soon"}}}, "expected a positive duration"),
        ({"change": {"customer_count_1d": {"name": "other"}}}, "to rename is to remove"),
        ({"change": {"amount_now": {"kind": "real"}}}, "computed by the workload's code"),
        ({"add": [{"name": "x"}]}, "missing required field"),
        ({"add": [{**ADDED, "of": "amuont"}]}, "Did you mean 'amount'"),
        ({"addd": []}, "change-a-feature.md"),
        ({}, "nothing is added, changed or removed"),
        ({"about": "soon", "add": []}, "nothing is added, changed or removed"),
        ({"add": [{**ADDED, "aggregate": "smu"}]}, "min, max, std, last"),
        ({"add": [{**ADDED, "aggregate": "smu"}]}, "got 'smu'. Did you mean 'sum'?"),
        ({"add": [{**ADDED, "ties": "first"}]}, "ties: expected one of exclude, before"),
        ({"add": [{**ADDED, "key": "customer_id"}]}, 'key: expected a list such as ["card"]'),
        ({"add": [{**ADDED, "where": "amount > 3"}]}, 'such as [{ field = "status", is = "=="'),
        ({"add": [{**ADDED, "where": ["amount > 3"]}]}, "where: expected conditions such as"),
        ({"add": [{**ADDED, "where": [{"field": "amount"}]}]}, "has no `is`"),
        (
            {"add": [{**ADDED, "where": [{"field": "amount", "is": "=", "value": 3}]}]},
            "where: is: expected one of ==, !=, <, <=, >, >=, known, got '='. Did you mean",
        ),
        (
            {"add": [{**ADDED, "where": [{"field": "amount", "is": ">", "is_": ">"}]}]},
            "`is` and `is_` are the same",
        ),
        (
            {"remove": ["customer_count_1d"], "change": {"customer_count_1d": {"window": 1}}},
            "changed and removed at once",
        ),
    ],
)
def test_what_is_no_change_is_refused_and_says_why(given: object, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        changed(CATALOG, parse_change(msgspec.json.decode(msgspec.json.encode(given))))
    assert message in str(caught.value)


def test_combined_values_are_written_down_added_and_changed_like_features() -> None:
    share = {"name": "share_now", "how": "ratio", "of": ["customer_count_1d", "customer_count_7d"]}
    grown = changed(CATALOG, parse_change({"add": [share]}))
    again = catalog_from(document_of(grown), grown.digest, CATALOG)
    assert [item.name for item in again.combined] == ["share_now"]
    turned = {"share_now": {"of": ["customer_count_7d", "customer_count_1d"]}}
    assert changed(grown, parse_change({"change": turned})).digest != grown.digest
    gone = changed(grown, parse_change({"remove": ["share_now"]}))
    assert gone.digest == CATALOG.digest


def test_a_derived_value_can_be_removed_and_stays_away() -> None:
    last = CATALOG.derived[-1].name
    after = changed(CATALOG, parse_change({"remove": [last]}))
    assert after.names == CATALOG.names[:-1]
    assert after.digest != CATALOG.digest
    assert catalog_from(document_of(after), after.digest, CATALOG).names == after.names


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"where": [{"field": "amount", "is_": "known", "vlaue": 1}]}, "vlaue"),
        ({"where": [{"field": "amount", "is_": "known", "value": 1}]}, "known takes no value"),
    ],
)
def test_a_condition_with_a_part_that_would_be_passed_over_is_refused(
    given: dict[str, object], says: str
) -> None:
    with pytest.raises(Invalid, match=says):
        changed(CATALOG, parse_change({"add": [{**ADDED, **given}]}))


def test_only_a_rate_is_per_a_time() -> None:
    share = {"name": "x", "how": "ratio", "of": ["customer_count_1d", "customer_count_1d"]}
    with pytest.raises(Invalid, match="only a rate is per a time"):
        changed(CATALOG, parse_change({"add": [{**share, "per": "5m"}]}))


def test_a_comparison_is_called_is_where_people_write_it() -> None:
    made = [
        changed(CATALOG, parse_change({"add": [{**ADDED, "where": [where]}]})).digest
        for where in (
            {"field": "amount", "is": ">", "value": 3},
            {"field": "amount", "is_": ">", "value": 3},
        )
    ]
    assert made[0] == made[1]


def test_what_stays_may_be_defined_anew_without_what_goes() -> None:
    first = {"name": "x", "how": "over", "of": ["customer_max_ever"], "limit": 3}
    with_x = changed(CATALOG, parse_change({"add": [first]}))
    with pytest.raises(Invalid, match="'customer_max_ever' cannot be removed"):
        changed(with_x, parse_change({"remove": ["customer_max_ever"]}))
    needing = [item.name for item in CATALOG.derived if "customer_max_ever" in item.inputs]
    gone = ["customer_max_ever", *needing]
    again = {"remove": gone, "change": {"x": {"of": ["customer_count_1d"]}}}
    assert "customer_max_ever" not in changed(with_x, parse_change(again)).names
