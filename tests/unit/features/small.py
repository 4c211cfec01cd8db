"""One payment contract, one card, and short ways to say what happened to it."""

from typing import Any

from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.event import Event
from assay.features.catalog import Catalog
from assay.features.definition import LIFETIME, Combined, Derived, Feature
from assay.features.state import FeatureState
from assay.features.values import as_values

PAID = EventContract(
    type="paid",
    version=1,
    fields=(
        Field(name="card", kind="text", required=False),
        Field(name="user", kind="text", required=False),
        Field(name="cents", kind="money", required=False, unit="EUR"),
        Field(name="shop", kind="text", required=False),
        Field(name="risk", kind="real", required=False),
        Field(name="present", kind="bool", required=False),
        Field(name="shipped", kind="time", required=False),
        Field(name="tier", kind="text", required=False, choices=("gold", "base")),
    ),
    keys=("card", "user"),
)
LOGIN = EventContract(
    type="login",
    version=1,
    fields=(Field(name="who", kind="text"), Field(name="tries", kind="int")),
    keys=("who",),
)
CONTRACTS = ContractSet([PAID, LOGIN])
T = 1_700_000_000_000_000


def feature(aggregate: str = "count", **changes: Any) -> Feature:
    """A lifetime feature of the card, named after its aggregate."""
    fields: dict[str, Any] = {
        "name": f"card_{aggregate}",
        "source": "paid",
        "key": ("card",),
        "aggregate": aggregate,
        "of": None if aggregate in ("count", "time_since") else "cents",
        "window": LIFETIME,
    }
    return Feature(**{**fields, **changes})


def catalog(
    *features: Feature,
    combined: tuple[Combined, ...] = (),
    derived: tuple[Derived, ...] = (),
) -> Catalog:
    """A catalog for payments."""
    return Catalog(
        request=PAID, contracts=CONTRACTS, features=features, combined=combined, derived=derived
    )


def paid(at: int, cents: int | None = 100, *, name: str = "", **fields: Any) -> Event:
    """A payment with card ``x`` at ``T + at``."""
    body = {"card": "x", "cents": cents, **fields}
    return Event(name or f"p{at}", "paid", T + at, body)


def values_at(
    made: Catalog, history: list[Event], at: int = 0, **fields: Any
) -> dict[str, int | float | bool | None]:
    """What is known about card ``x`` at ``T + at`` after a history."""
    state = FeatureState(made)
    state.apply_all(history)
    vector, _ = state.read(paid(at, name="request", **fields))
    return as_values(vector, made)
