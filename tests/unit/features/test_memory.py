"""What a catalog is said to cost is what it costs, and what costs too much is refused."""

import pytest
from tests.unit.features.small import catalog, feature, paid

from assay.core.errors import Invalid
from assay.features.memory import check_memory, memory
from assay.features.slabs import Slabs
from assay.features.state import FeatureState

MADE = catalog(
    feature("sum", window=1_000_000),
    feature("std", window=1_000_000, of="cents"),
    feature("distinct", window=500, of="shop"),
)


@pytest.mark.parametrize("events", [4, 16, 96])
def test_the_announced_bytes_of_a_key_are_those_in_use(events: int) -> None:
    keys = 24_000 // events
    state = FeatureState(MADE)
    for number in range(keys * events):
        # One key after the other, so that the smaller slabs of one are used again by the next.
        key = f"card-{number // events:015}"
        state.apply(paid(number, card=key, name=f"event-{number:014}"))
    [announced] = memory(MADE, events)
    slabs: Slabs = state._slabs
    # Without the steps in which pool and buffers grow (8 MiB, 1 MiB), which `bytes_used` counts.
    ids = sum(len(chunk) for chunk in slabs.identities.parts()[0])
    used = 8 * int(slabs.free[0]) + ids + slabs._key_bytes + 40 * keys
    assert used == pytest.approx(keys * announced.bytes_per_key, rel=0.1)
    assert used < state.bytes_used < used + 10 * 2**20
    assert announced.table == "paid by card"


def test_more_events_or_columns_cost_more() -> None:
    [few], [many] = memory(MADE, 10), memory(MADE, 1_000)
    assert 90 * few.bytes_per_key > many.bytes_per_key > 50 * few.bytes_per_key
    [narrow] = memory(catalog(feature("count", window=9)), 1_000)
    assert narrow.bytes_per_key < many.bytes_per_key


def test_a_definition_beyond_the_bound_is_refused() -> None:
    check_memory(MADE, 100, None)
    [cost] = memory(MADE, 100)
    check_memory(MADE, 100, cost.bytes_per_key)
    with pytest.raises(Invalid, match="bytes_per_key_max"):
        check_memory(MADE, 100, cost.bytes_per_key - 1)
