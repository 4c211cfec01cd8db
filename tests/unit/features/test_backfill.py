"""Bulk computation from columns: what it accepts, refuses and answers."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tests.unit.features.small import T, catalog, feature, paid

from assay.contracts.event import Event
from assay.core.errors import Invalid
from assay.features.backfill import backfill, backfill_columns
from assay.features.columns import Coded, Columns, Partly, coded, columns_of
from assay.features.definition import Where
from assay.features.spread import Spread

SUM = feature("sum")
LAST = feature("last")


def columns(**fields: object) -> Columns:
    """Three payments of cards x, x, y at T, T + 1, T + 2."""
    ts = np.array([T, T + 1, T + 2], np.int64)
    known: dict[str, object] = {
        "card": coded(["x", "x", "y"]),
        "cents": np.array([10, 20, 40], np.int64),
    }
    return Columns(ts, ["a", "b", "c"], {**known, **fields})  # type: ignore[dict-item]  # wrong columns are tried too


def test_columns_and_events_give_the_same_frame() -> None:
    made = catalog(SUM, LAST)
    events = [
        Event(i, "paid", T + n, {"card": card, "cents": cents})
        for n, (i, card, cents) in enumerate([("a", "x", 10), ("b", "x", 20), ("c", "y", 40)])
    ]
    ours, theirs = backfill_columns(made, {"paid": columns()}), backfill(made, events[::-1])
    assert ours.bits.tolist() == theirs.bits.tolist() == [[0, 0], [10, 10], [0, 0]]
    assert ours.known.tolist() == theirs.known.tolist() == [[1, 0], [1, 1], [1, 0]]
    assert list(ours.event_ids) == list(theirs.event_ids) == ["a", "b", "c"]


def test_a_frame_as_doubles_has_nan_where_nothing_is_known() -> None:
    frame = backfill_columns(catalog(SUM, LAST), {"paid": columns()})
    np.testing.assert_array_equal(frame.floats(), [[0, np.nan], [10, 10], [0, np.nan]])
    assert len(frame) == 3


def test_only_wanted_requests_get_a_row_but_all_events_count() -> None:
    frame = backfill(
        catalog(SUM), [paid(0, 1), paid(1, 2), paid(2, 4)], wanted=lambda e: e.ts > T + 1
    )
    assert frame.bits.tolist() == [[3]]
    assert frame.at.tolist() == [T + 2]


def test_unknown_values_and_keys_come_as_masks_and_negative_codes() -> None:
    partly = columns(
        cents=Partly(np.array([10, 20, 40]), np.array([False, True, True])),
        card=Coded(np.array([0, 0, -1]), ["x"]),
    )
    frame = backfill_columns(catalog(SUM), {"paid": partly})
    assert frame.bits.tolist() == [[0], [0], [0]]
    assert frame.known.tolist() == [[1], [1], [0]]


def test_an_absent_column_is_not_known_and_an_absent_type_has_no_events() -> None:
    made = catalog(
        feature("count", of="risk"), feature(name="shops", where=(Where("shop", "known"),))
    )
    assert backfill_columns(made, {"paid": columns()}).bits.tolist() == [[0, 0]] * 3
    assert len(backfill_columns(made, {})) == 0


def test_whole_number_ids_order_ties_by_number() -> None:
    tied = Columns(
        np.full(3, T), np.array([2, 1, 0]), {"card": coded("xxx"), "cents": np.array([1, 2, 3])}
    )
    later = Columns(
        np.array([*tied.ts, T + 1]),
        np.array([2, 1, 0, 9]),
        {"card": coded("xxxx"), "cents": np.array([1, 2, 3, 4])},
    )
    frame = backfill_columns(catalog(LAST), {"paid": later})
    assert frame.bits[-1].tolist() == [1]
    assert list(frame.event_ids) == [0, 1, 2, 9]


@pytest.mark.parametrize(
    ("field", "values", "says"),
    [
        ("cents", np.array([1.0, 2.0, 3.0]), "expected whole numbers"),
        ("cents", coded("abc"), "got texts"),
        ("risk", np.array([0.5, np.nan, 1.0]), "got NaN"),
        ("shop", np.array([1, 2, 3]), "expected texts as Coded"),
    ],
)
def test_a_column_of_the_wrong_kind_is_refused(field: str, values: object, says: str) -> None:
    made = catalog(SUM, feature("max", of="risk"), feature("distinct", of="shop"))
    with pytest.raises(Invalid, match=says):
        backfill_columns(made, {"paid": columns(**{field: values})})


def test_numbers_may_stand_for_keys_but_not_beside_texts() -> None:
    frame = backfill_columns(catalog(SUM), {"paid": columns(card=np.array([7, 7, 9]))})
    assert frame.bits.tolist() == [[0], [10], [0]]
    tries = feature(
        "sum", name="tries", source="login", key=("who",), request_key=("user",), of="tries"
    )
    logins = Columns(np.array([T]), ["l"], {"who": coded("u"), "tries": np.array([1])})
    numbered = columns(user=np.array([1, 2, 3]))
    with pytest.raises(Invalid, match="given as Coded"):
        backfill_columns(catalog(tries), {"paid": numbered, "login": logins})


def test_overflowing_values_are_counted() -> None:
    events = [paid(0, 2**62), paid(1, 2**62), paid(2, 0)]
    frame = backfill(catalog(SUM), events)
    assert frame.overflows == 1
    assert frame.known.tolist() == [[1], [1], [0]]


def test_many_requests_are_gathered_in_pieces() -> None:
    """More requests than one chunk holds, over many keys and one busy one."""
    events = [paid(n, 1, name=f"e{n:05}", card=f"c{n % 5 and n}") for n in range(10_000)]
    frame = backfill(catalog(feature(), feature("distinct")), events)
    assert frame.bits[-5].tolist() == [1999, 1]
    assert int(frame.bits[:, 0].sum()) == sum(range(2000))


def test_no_split_of_the_work_changes_a_bit() -> None:
    """More parts than rows, an executor's threads, and busy rows that fall into one part."""
    events = [
        paid(n // 2, (7 * n) % 91 - 40, name=f"e{n:05}", card=f"c{(n * n) % 17}")
        for n in range(3_000)
    ]
    made = catalog(feature(), SUM, LAST, feature("distinct"), feature("std"), feature("min"))
    tables = {"paid": columns_of(events, made.contracts.get("paid"), ["card", "cents"])}
    alone = backfill_columns(made, tables)
    with ThreadPoolExecutor(3) as pool:
        for parts in (1, 2, 3, 7, 40):
            shared = backfill_columns(made, tables, spread=Spread(parts, pool.map))
            assert shared.bits.tobytes() == alone.bits.tobytes()
            assert shared.known.tobytes() == alone.known.tobytes()
            assert shared.overflows == alone.overflows
