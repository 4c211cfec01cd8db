"""A small world of payments and logins, and the features asked of it in the property tests.

The clock has 30 ticks and the windows are shorter, so that ties and window edges are common.
"""

from collections.abc import Iterable
from itertools import product
from typing import Any

import hypothesis.strategies as st

from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.event import Event
from assay.features.catalog import Catalog
from assay.features.check import CAPPED
from assay.features.definition import LIFETIME, Aggregate, Combined, Feature, Where

START = 1_000_000_000_000_000
TICKS = 30

PAID = EventContract(
    type="paid",
    version=1,
    fields=(
        Field(name="card", kind="text", required=False),
        Field(name="user", kind="text", required=False),
        Field(name="cents", kind="money", required=False),
        Field(name="shop", kind="text", required=False),
        Field(name="risk", kind="real", required=False),
        Field(name="present", kind="bool", required=False),
        Field(name="tier", kind="text", required=False, choices=("gold", "base", "new")),
    ),
    keys=("card", "user"),
)
LOGIN = EventContract(
    type="login",
    version=1,
    fields=(Field(name="who", kind="text"), Field(name="fails", kind="int")),
    keys=("who",),
)
CONTRACTS = ContractSet([PAID, LOGIN])

WINDOWS = (1, 7, 12, LIFETIME)
_FILTERS: tuple[tuple[Where, ...], ...] = (
    (),
    (Where("present", "==", value=True),),
    (Where("shop", "!=", "a"), Where("cents", ">=", 0)),
    (Where("risk", "<", 1), Where("shop", "known")),
)
_EXACT: tuple[Aggregate, ...] = ("sum", "mean", "min", "max", "std", "last", "distinct", "count")
_ORDERED: tuple[Aggregate, ...] = ("min", "max", "last", "distinct")


#: What is asked of each key and window, in each combination of filter and include_current.
_ASKED: tuple[tuple[Aggregate, str | None], ...] = (
    *((aggregate, "cents") for aggregate in _EXACT),
    *((aggregate, "risk") for aggregate in _ORDERED),
    ("distinct", "shop"),
    ("last", "present"),
    ("time_since", None),
    ("count", None),
)


def _features() -> list[Feature]:
    choices = product((("card",), ("card", "shop")), WINDOWS, _ASKED, _FILTERS, (False, True))
    payments = [
        Feature(
            name=f"paid_{number}",
            source="paid",
            key=key,
            aggregate=aggregate,
            of=of,
            window=window,
            where=where,
            include_current=current,
        )
        for number, (key, window, (aggregate, of), where, current) in enumerate(choices)
    ]
    logins = [
        Feature(
            name=f"user_fails_{window}",
            source="login",
            key=("who",),
            request_key=("user",),
            aggregate="sum",
            of="fails",
            window=window,
        )
        for window in WINDOWS
    ]
    return payments + logins


#: Aggregates of the values of a window, with what they take besides.
_OF_VALUES: tuple[tuple[Aggregate, str | None, dict[str, Any]], ...] = (
    ("variance", "cents", {}),
    ("first", "cents", {}),
    ("first", "risk", {}),
    ("first", "tier", {}),
    ("last", "tier", {}),
    ("time_since_first", None, {}),
    ("time_since_first", "cents", {}),
    ("nth", "cents", {"k": 1}),
    ("nth", "risk", {"k": 2}),
    ("nth", "tier", {"k": 3}),
    ("quantile", "cents", {"permille": 1}),
    ("quantile", "cents", {"permille": 500}),
    ("quantile", "risk", {"permille": 667}),
    ("quantile", "present", {"permille": 1000}),
    ("top", "cents", {"k": 1}),
    ("top", "risk", {"k": 2}),
    ("top", "tier", {"k": 2}),
    ("top_count", "shop", {"k": 1}),
    ("top_count", "tier", {"k": 3}),
    ("top_share", "shop", {"k": 1}),
    ("top_share", "risk", {"k": 2}),
)
_ENTROPY: tuple[tuple[Aggregate, str | None, dict[str, Any]], ...] = (
    ("entropy", "shop", {}),
    ("entropy", "cents", {}),
)
_DISTINCT: tuple[tuple[Aggregate, str | None, dict[str, Any]], ...] = (
    ("distinct", "shop", {}),
    ("distinct", "risk", {}),
)
_PLAIN = tuple((aggregate, of, dict[str, Any]()) for aggregate, of in _ASKED)
#: Other edges of a window than ``[T - w, T)``, and other ages.
_EDGES: tuple[dict[str, Any], ...] = (
    {},
    {"every": 5},
    {"ttl": 3},
    {"ties": "before"},
    {"ties": "before", "ttl": 2},
    {"every": 3, "ttl": 6},
)


def edged(
    asked: Iterable[tuple[Aggregate, str | None, dict[str, Any]]], **changes: Any
) -> list[Feature]:
    """Each aggregate over every kind of window, with the filters and keys in turn."""
    choices = product(asked, (7, LIFETIME), _EDGES, (False, True))
    keys = (("card",), ("card", "shop"))
    return [
        Feature(
            name=f"{aggregate}_{changes.get('cap', 'all')}_{number}",
            source="paid",
            key=keys[number % 5 == 0],
            aggregate=aggregate,
            of=of,
            window=window,
            where=_FILTERS[number % 3],
            include_current=current,
            **{**more, **edges, **(changes if aggregate in CAPPED else {})},
        )
        for number, ((aggregate, of, more), window, edges, current) in enumerate(choices)
    ]


FEATURES = [*_features(), *edged(_OF_VALUES), *edged(_PLAIN)]
_LOGINS = [
    Feature(
        name=f"edged_fails_{number}",
        source="login",
        key=("who",),
        request_key=("user",),
        aggregate="sum",
        of="fails",
        window=7,
        **edges,
    )
    for number, edges in enumerate(_EDGES)
]
FEATURES += _LOGINS
COMBINED = [
    Combined(name="ratio", how="ratio", of=("paid_0", "paid_1")),
    Combined(name="share", how="ratio", of=("sum_all_0", "paid_0")),
    Combined(name="trend", how="difference", of=("sum_all_0", "sum_all_1")),
    Combined(name="rate", how="rate", of=("user_fails_7",), per=10),
    Combined(name="fast", how="over", of=("user_fails_7",), limit=3),
    Combined(name="steep", how="over", of=("ratio",), limit=0.5),
]
CATALOG = Catalog(request=PAID, contracts=CONTRACTS, features=FEATURES, combined=COMBINED)
#: Everything that goes over to a bounded state, with caps that a short history exceeds.
SKETCHED = Catalog(
    request=PAID,
    contracts=CONTRACTS,
    features=[
        *edged(
            (*_OF_VALUES, *_ENTROPY, ("distinct", "shop", {}), ("distinct", "cents", {})), cap=3
        ),
        *edged((("distinct", "shop", {}), ("distinct", "risk", {})), cap=5),
        *edged(_ENTROPY),
    ],
)

_ticks = st.integers(0, TICKS).map(lambda tick: START + tick)
_cents = st.one_of(st.integers(-9, 9), st.integers(-(2**43) + 1, 2**43 - 1), st.none())
_risks = st.one_of(st.sampled_from([-0.0, 0.0, 1.0, -1.5, 1e300, 5e-324]), st.none())
_payments = st.fixed_dictionaries(
    {
        "card": st.sampled_from(["x", "y", None]),
        "user": st.sampled_from(["u", "v", None]),
        "cents": _cents,
        "shop": st.sampled_from(["a", "b", "c", None]),
        "risk": _risks,
        "present": st.sampled_from([True, False, None]),
        "tier": st.sampled_from(["gold", "base", "new", None]),
    }
)
_logins = st.fixed_dictionaries(
    {"who": st.sampled_from(["u", "v", "w"]), "fails": st.integers(0, 5)}
)
_bodies = st.one_of(
    st.tuples(st.just("paid"), _ticks, _payments), st.tuples(st.just("login"), _ticks, _logins)
)
#: Ids whose order is not that of arrival, and of which one is the beginning of another.
_ids = st.text("ab", min_size=1, max_size=8)


@st.composite
def histories(draw: st.DrawFn, size: int = 40) -> list[Event]:
    """Events with different ids, in an order of arrival unrelated to their time."""
    ids = draw(st.lists(_ids, unique=True, max_size=size))
    bodies = draw(st.lists(_bodies, min_size=len(ids), max_size=len(ids)))
    return [Event(i, kind, ts, dict(body)) for i, (kind, ts, body) in zip(ids, bodies, strict=True)]


requests = st.builds(
    Event, id=st.just("request"), type=st.just("paid"), ts=_ticks, payload=_payments
)
