"""What a live read says at the edges: of windows, of knowledge, of numbers."""

import numpy as np
import pytest
from tests.unit.features.small import CONTRACTS, T, catalog, feature, paid, values_at

from assay.contracts.event import Event
from assay.core.errors import Invalid
from assay.features.backfill import backfill
from assay.features.definition import LIFETIME, Where
from assay.features.state import FeatureState
from assay.features.values import as_floats, as_values
from assay.features.warm import warm

EVERY = tuple(
    feature(name)
    for name in ("count", "sum", "mean", "min", "max", "std", "last", "time_since", "distinct")
)


def test_an_event_exactly_at_the_request_is_outside_the_window() -> None:
    made = catalog(feature(window=10))
    assert values_at(made, [paid(0)]) == {"card_count": 0}
    assert values_at(made, [paid(-1)]) == {"card_count": 1}


def test_an_event_exactly_one_window_ago_is_inside() -> None:
    made = catalog(feature(window=10))
    assert values_at(made, [paid(-10)]) == {"card_count": 1}
    assert values_at(made, [paid(-11)]) == {"card_count": 0}


def test_lifetime_reaches_back_to_the_first_event() -> None:
    made = catalog(feature(window=LIFETIME))
    assert values_at(made, [paid(-T + 1), paid(-1)]) == {"card_count": 2}


def test_nothing_seen_counts_zero_and_knows_nothing_else() -> None:
    assert values_at(catalog(*EVERY), []) == {
        "card_count": 0,
        "card_sum": 0,
        "card_mean": None,
        "card_min": None,
        "card_max": None,
        "card_std": None,
        "card_last": None,
        "card_time_since": None,
        "card_distinct": 0,
    }


def test_a_request_without_the_key_knows_nothing_not_even_a_count() -> None:
    """Nobody was named, so "no events" cannot be said of anybody."""
    values = values_at(catalog(*EVERY), [paid(-1)], card=None)
    assert set(values.values()) == {None}


def test_an_event_without_the_key_belongs_to_nobody() -> None:
    assert values_at(catalog(feature()), [paid(-1, card=None)]) == {"card_count": 0}


def test_unknown_amounts_are_counted_as_events_but_not_summed() -> None:
    made = catalog(feature(), feature("mean"), feature(name="amounts", of="cents"))
    values = values_at(made, [paid(-3, 10), paid(-2, None), paid(-1, 20)])
    assert values == {"card_count": 3, "card_mean": 15.0, "amounts": 2}


def test_the_spread_is_that_of_the_population() -> None:
    made = catalog(feature("std"))
    assert values_at(made, [paid(-3, 2), paid(-2, 4)]) == {"card_std": 1.0}
    assert values_at(made, [paid(-3, 7)]) == {"card_std": 0.0}


def test_last_among_equal_times_is_the_greatest_event_id() -> None:
    made = catalog(feature("last"))
    tied = [
        paid(-1, 1, name="b"),
        paid(-1, 2, name="ba"),
        paid(-1, 3, name="a"),
        paid(-1, 4, name="B"),
    ]
    assert values_at(made, tied) == {"card_last": 2}
    assert values_at(made, tied[::-1]) == {"card_last": 2}


def test_all_conditions_must_hold_and_an_unknown_value_fulfils_none() -> None:
    where = (Where("shop", "!=", "a"), Where("cents", ">", 5))
    made = catalog(feature(where=where))
    history = [paid(-4, 9, shop="b"), paid(-3, 9, shop="a"), paid(-2, 5, shop="b"), paid(-1, 9)]
    assert values_at(made, history) == {"card_count": 1}


def test_known_asks_only_that_there_is_a_value() -> None:
    made = catalog(feature(where=(Where("shop", "known"),)))
    assert values_at(made, [paid(-2, shop="z"), paid(-1)]) == {"card_count": 1}


def test_a_composite_key_needs_every_part() -> None:
    made = catalog(feature(key=("card", "shop")))
    history = [paid(-3, shop="a"), paid(-2, shop="b"), paid(-1)]
    assert values_at(made, history, shop="a") == {"card_count": 1}
    assert values_at(made, history) == {"card_count": None}


def test_include_current_adds_exactly_the_own_payload_in_both_paths() -> None:
    made = catalog(
        *(feature(f.aggregate, name=f"{f.aggregate}_now", include_current=True) for f in EVERY)
    )
    history = [paid(-5, 10), paid(-1, 30)]
    request = paid(0, 50, name="request")
    expected = {
        "count_now": 3,
        "sum_now": 90,
        "mean_now": 30.0,
        "min_now": 10,
        "max_now": 50,
        "std_now": pytest.approx(16.33, abs=0.01),
        "last_now": 50,
        "time_since_now": 0,
        "distinct_now": 3,
    }
    state = FeatureState(made)
    state.apply_all([*history, request])  # its own event in the state changes nothing
    vector, _ = state.read(request)
    assert as_values(vector, made) == expected
    assert backfill(made, [*history, request]).vector(2).digest == vector.digest


def test_the_current_payload_is_added_only_if_it_passes_the_filter() -> None:
    made = catalog(feature(where=(Where("cents", ">", 5),), include_current=True))
    state = FeatureState(made)
    assert as_values(state.read(paid(0, 6))[0], made) == {"card_count": 1}
    assert as_values(state.read(paid(0, 5))[0], made) == {"card_count": 0}


def test_a_late_event_takes_its_place_in_time() -> None:
    made = catalog(feature("last"))
    assert values_at(made, [paid(-1, 1), paid(-9, 2)]) == {"card_last": 1}


def test_the_past_can_be_read_after_the_future_arrived() -> None:
    made = catalog(feature(window=10))
    assert values_at(made, [paid(-5), paid(5), paid(500)], at=0) == {"card_count": 1}


def test_a_retraction_counts_whether_it_comes_before_or_after_its_event() -> None:
    made = catalog(feature())
    state = FeatureState(made)
    state.apply(paid(-3))
    state.retract(paid(-3))
    state.retract(paid(-3))
    state.retract(paid(-2))
    state.apply(paid(-2))
    state.apply(paid(-1))
    assert as_values(state.read(paid(0))[0], made) == {"card_count": 1}


def test_a_retraction_among_equal_times_takes_the_right_event() -> None:
    made = catalog(feature("sum"))
    state = FeatureState(made)
    tied = [paid(-1, 2**n, name=f"id-{n}") for n in range(100)[:40]]
    state.apply_all(tied)
    state.retract(tied[7])
    state.retract(Event("id-7x", "paid", T - 1, {"card": "x", "cents": 0}))
    assert as_values(state.read(paid(0))[0], made) == {"card_sum": 2**40 - 1 - 2**7}


def test_a_sum_beyond_64_bits_is_not_known_and_counted() -> None:
    made = catalog(feature("sum"), feature("mean"), feature("std"))
    state = FeatureState(made)
    state.apply_all([paid(-2, 2**62), paid(-1, 2**62)])
    values = as_values(state.read(paid(0))[0], made)
    assert values == {"card_sum": None, "card_mean": 2.0**62, "card_std": None}
    assert state.overflows == 2


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        # Halfway between two doubles: to the even one, down and up.
        ([2**53 + 1], 2.0**53),
        ([2**53 + 3], 2.0**53 + 4),
        ([-(2**53) - 3], -(2.0**53) - 4),
        ([2**54 + 2, 0], 2.0**53),
        # A hair beside halfway: to the nearer one.
        ([2**60 + 129, 2**60, 2**60], 2.0**60),
        ([2**53 + 2, 2**53 + 1, 2**53 + 1], 2.0**53 + 2),
        ([2**62, 2**62, 2**62 - 1], 2.0**62),
    ],
)
def test_a_mean_is_rounded_once_to_the_nearest_double(values: list[int], mean: float) -> None:
    history = [paid(-n - 1, x) for n, x in enumerate(values)]
    assert values_at(catalog(feature("mean")), history) == {"card_mean": mean}


def test_a_sum_that_fits_again_is_exact_although_its_parts_do_not() -> None:
    made = catalog(feature("sum"))
    assert values_at(made, [paid(-3, 2**62), paid(-2, 2**62), paid(-1, -(2**62))]) == {
        "card_sum": 2**62
    }


@pytest.mark.parametrize("cents", [2**63, -(2**63), 1.5])
def test_a_number_the_contract_should_have_refused_changes_nothing(cents: float) -> None:
    made = catalog(feature("sum"))
    state = FeatureState(made)
    with pytest.raises(Invalid, match="64"):
        state.apply(paid(-1, cents))  # type: ignore[arg-type]  # that is the point
    assert as_values(state.read(paid(0))[0], made) == {"card_sum": 0}


def test_nan_is_refused() -> None:
    state = FeatureState(catalog(feature("max", of="risk")))
    with pytest.raises(Invalid, match="NaN"):
        state.apply(paid(-1, risk=float("nan")))


def test_reals_are_ordered_and_come_back_bit_for_bit() -> None:
    made = catalog(*(feature(name, of="risk") for name in ("min", "max", "last", "distinct")))
    risks = [0.1, -2.5, -0.0, 0.0, 1e-310]
    history = [paid(at - 9, risk=risk) for at, risk in enumerate(risks)]
    values = values_at(made, history)
    assert values == {"card_min": -2.5, "card_max": 0.1, "card_last": 1e-310, "card_distinct": 4}


def test_kinds_follow_the_field() -> None:
    made = catalog(feature("last", of="present"), feature("max", of="shipped"), feature("mean"))
    assert made.kinds == ("bool", "int", "real")
    values = values_at(made, [paid(-1, present=True, shipped=T)])
    assert values == {"card_last": True, "card_max": T, "card_mean": 100.0}


def test_doubles_for_a_model_hold_nan_where_nothing_is_known() -> None:
    made = catalog(feature("mean"), feature())
    vector, newest = FeatureState(made).read(paid(0))
    np.testing.assert_array_equal(as_floats(vector, made), [np.nan, 0.0])
    assert newest is None


def test_the_newest_event_used_lies_in_a_window() -> None:
    made = catalog(feature(window=10), feature(name="user_count", key=("user",), window=100))
    state = FeatureState(made)
    state.apply_all([paid(-50, user="u"), paid(-20), paid(3)])
    assert state.read(paid(0, user="u"))[1] == T - 50
    assert state.read(paid(0))[1] is None


def test_events_of_other_types_are_ignored() -> None:
    made = catalog(feature())
    assert values_at(made, [Event("l", "login", T - 1, {"who": "x", "tries": 1})]) == {
        "card_count": 0
    }


def test_a_feature_may_find_its_entity_under_another_name() -> None:
    made = catalog(
        feature(
            "sum", name="tries", source="login", key=("who",), request_key=("user",), of="tries"
        )
    )
    logins = [Event(f"l{n}", "login", T - n, {"who": "u", "tries": n}) for n in range(1, 4)]
    assert values_at(made, logins, user="u") == {"tries": 6}


def test_memory_grows_with_events_and_is_announced() -> None:
    made = catalog(feature("sum"), feature("last", of="present"))
    state = FeatureState(made)
    before = state.bytes_used
    state.apply_all([paid(n, name=f"event-{n:06}", card=f"c{n % 700}") for n in range(30_000)])
    announced = made.plan.tables[0].bytes_per_event
    assert f"{announced:.1f} bytes an event" in made.describe()
    # Ids (14 bytes here), half-empty slabs and the steps of the pool come on top.
    assert (
        announced < (state.bytes_used - before) / 30_000 < 4 * announced + 14 + 8 * 2**20 / 30_000
    )


def test_warming_needs_no_real_event() -> None:
    warm(catalog(*EVERY, feature(name="by_shop", key=("card", "shop"))))
    assert CONTRACTS.get("paid").keys == ("card", "user")


def test_ids_that_were_retracted_are_part_of_the_memory_that_is_bounded() -> None:
    state = FeatureState(catalog(feature()))
    before = state.bytes_used
    for number in range(1_000):
        state.retract(Event(f"never-seen-{number}", "paid", T, {"card": "a"}))
    assert state.bytes_used - before >= 1_000 * 100


def test_an_event_that_is_refused_leaves_no_row_behind() -> None:
    """Its key was not seen: the next key gets the row, and an image is that of the state before."""
    state = FeatureState(catalog(feature("sum"), feature("count", key=("card", "shop"))))
    state.apply(paid(-2, 1, card="seen", shop="s"))
    before = {name: part.copy() for name, part in state.dump()[1].items()}
    used = state.keys_used, state.bytes_used
    for cents in (2**63, -(2**63), 0.5):
        with pytest.raises(Invalid, match="64"):
            state.apply(Event("bad", "paid", T, {"card": "new", "shop": "s", "cents": cents}))
    assert (state.keys_used, state.bytes_used) == used
    after = state.dump()[1]
    assert [name for name, part in before.items() if not np.array_equal(part, after[name])] == []


def test_a_value_that_does_not_fit_is_told_by_its_field() -> None:
    state = FeatureState(catalog(feature("sum"), feature("max", of="shipped")))
    for field, value in (("cents", "12,5"), ("shipped", 1 << 63), ("cents", 1.5)):
        with pytest.raises(
            Invalid, match=rf"^paid\.{field}: expected .* of 64 bits, got {value!r}"
        ):
            state.apply(Event("e", "paid", T, {"card": "a", "cents": 1, field: value}))
    assert state.keys_used == 0
