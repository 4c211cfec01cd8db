"""A definition that comes later compiles nothing: everything was compiled, or loaded, before."""

import sys
from dataclasses import dataclass

import msgspec
from tests.unit.features.small import catalog, feature, paid

from assay.features.backfill import backfill
from assay.features.catalog import Catalog
from assay.features.definition import Combined
from assay.features.state import FeatureState
from assay.features.warm import everything, warm, warm_backfill


@dataclass
class _Compiled:
    """How many machine-code versions the functions of the room have."""

    @staticmethod
    def count() -> int:
        """All of them together."""
        found = {
            id(thing): len(thing.signatures)
            for name, module in list(sys.modules.items())
            if name.startswith("assay.features.")
            for thing in vars(module).values()
            if hasattr(thing, "signatures") and hasattr(thing, "py_func")
        }
        assert len(found) > 20
        return sum(found.values())


def _another() -> Catalog:
    """Definitions the warming has not seen, of other kinds, windows, filters and keys."""
    return catalog(
        feature("sum"),
        feature("quantile", name="third", permille=333, window=50, cap=2),
        feature("top", name="usual", of="tier", k=2, every=7, window=70),
        feature("entropy", name="shops", of="shop", key=("card", "shop"), ttl=9),
        feature("distinct", name="seen", of="risk", ties="before", cap=1),
        feature("nth", name="before", of="risk", k=3, include_current=True),
        combined=(Combined(name="share", how="ratio", of=("third", "card_sum")),),
    )


def test_a_new_definition_compiles_nothing() -> None:
    warm(catalog(feature()))
    warm_backfill()
    before = _Compiled.count()
    made = _another()
    state = FeatureState(made)
    events = [paid(at, at, shop=f"s{at % 3}", risk=at / 3, tier="gold") for at in range(20)]
    state.apply_all(events)
    state.apply(paid(5, name="tied"))
    vector, _ = state.read(paid(20, 5, shop="s1", risk=0.5))
    assert vector.known.any()
    state.retract(events[3])
    assert _Compiled.count() == before
    backfill(made, [*events, paid(20, 5, shop="s1", risk=0.5)])
    assert _Compiled.count() == before


def test_the_warming_knows_every_aggregate_and_combination() -> None:
    made = everything()
    hows = {item.how for item in made.combined}
    assert len({item.aggregate for item in made.features}) == 18
    assert hows == {"ratio", "difference", "rate", "over"}
    assert {"before", "exclude"} == {item.ties for item in made.features}
    assert all(msgspec.structs.asdict(item)["ttl"] for item in made.features)
