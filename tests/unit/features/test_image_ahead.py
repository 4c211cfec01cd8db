"""A state held while it goes on is the state at that moment, whatever was copied before."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.features.small import catalog, feature, paid

from assay.features.image import parts_of
from assay.features.layout import Ints
from assay.features.state import FeatureState

MADE = catalog(feature("sum", window=60_000_000), feature("count", window=5_000_000))
_STEPS = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from(["apply", "retract", "evict", "copy", "ahead"])),
    max_size=60,
)


def copied(_name: str, words: Ints) -> Ints:
    """A `Keep` that copies."""
    return words.copy()


def same_parts(one: Any, other: Any) -> None:
    """Two dumps hold the same bytes."""
    assert one[0] == other[0]
    assert {name: part.tobytes() for name, part in one[1].items()} == {
        name: part.tobytes() for name, part in other[1].items()
    }


@settings(max_examples=150, deadline=None)
@given(before=_STEPS, after=_STEPS)
def test_names_copied_ahead_are_those_of_the_moment(before: Any, after: Any) -> None:
    state = FeatureState(MADE, lookback=0)
    ahead, at = state.ahead(), 0
    for number, (key, what) in enumerate(before):
        at += 40_000_000 if what == "evict" else 1_000_000
        event = paid(at, card=f"card-{key}", name=f"e{number}")
        if what == "apply":
            state.apply(event)
        elif what == "retract":
            state.retract(event)
        elif what == "evict":
            state.evict(at)
        elif what == "copy":
            ahead.copy_names(lambda: None)
        else:
            ahead = state.ahead()
    now = state.dump()
    frozen = {name: part.copy() for name, part in now[1].items()}
    meta, held = state.hold(copied, ahead)
    for number, (key, _) in enumerate(after):
        at += 20_000_000
        state.apply(paid(at, card=f"late-{key}", name=f"l{number}"))
        state.evict(at)
    same_parts((meta, parts_of(held)), (now[0], frozen))


@pytest.mark.parametrize("count", [0, 1, 15, 16, 2_047, 2_048, 2_049, 5_000])
def test_names_are_written_in_pieces_and_read_as_one(count: int) -> None:
    state = FeatureState(MADE)
    for number in range(count):
        state.apply(paid(number, card=f"card-{number}", name=f"e{number}"))
        if number % 3 == 0:
            state.retract(paid(number, card=f"card-{number}", name=f"e{number}"))
    meta, parts = state.dump()
    restored = FeatureState.restore(MADE, meta, parts)
    assert set(restored.every_key()) == set(state.every_key())
    same_parts(restored.dump(), (meta, parts))


def test_a_copy_for_another_state_is_not_used() -> None:
    one, other = FeatureState(MADE), FeatureState(MADE)
    for number in range(9):
        one.apply(paid(number, card=f"one-{number}", name=f"e{number}"))
        other.apply(paid(number, card=f"other-{number}", name=f"e{number}"))
    ahead = one.ahead()
    ahead.copy_names(lambda: None)
    assert other.hold(copied, ahead)[1].names == [f"other-{number}" for number in range(9)]
