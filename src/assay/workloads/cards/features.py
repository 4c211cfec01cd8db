"""What is known about the customer and the terminal when a card is used?

Customer features ask whether the amount is usual for this customer; terminal features ask what
share of the terminal's payments turned out to be fraud, as far as chargebacks have told us, and
since when. Every window is half-open and excludes the payment that is decided.
"""

from collections.abc import Callable, Mapping
from typing import Any

from assay.core.time import DAY, format_duration
from assay.features.catalog import Catalog
from assay.features.definition import LIFETIME, Aggregate, Derived, Feature, ValueKind, Where
from assay.workloads.cards.contracts import CONTRACTS, LABEL, TRANSACTION

#: Only the chargeback process tells how *every* payment turned out. Verdicts of reviewers cover
#: the suspicious few and come earlier: counting them would change what the windows mean.
SETTLED = Where("source", "==", "chargeback")
FRAUD = Where("fraud", "==", value=True)
GOOD = Where("fraud", "==", value=False)
#: 150.00: about 98 % of good payments are below it. Frauds of ordinary amounts point to the
#: terminal, large ones to the card.
ORDINARY = Where("amount", "<", 15_000)


def _customer(aggregate: Aggregate, window: int, about: str) -> Feature:
    count = aggregate == "count"
    return Feature(
        name=f"customer_{aggregate}_{_span(window)}",
        source=TRANSACTION.type,
        key=("customer_id",),
        aggregate=aggregate,
        of=None if count else "amount",
        window=window,
        unit="payments" if count else "cents",
        about=about,
    )


def _terminal(
    name: str,
    aggregate: Aggregate,
    window: int,
    about: str,
    *,
    of: str | None = None,
    where: tuple[Where, ...] = (),
    unit: str = "payments",
) -> Feature:
    return Feature(
        name=f"terminal_{name}_{_span(window)}",
        source=LABEL.type,
        key=("terminal_id",),
        aggregate=aggregate,
        of=of,
        window=window,
        where=(SETTLED, *where),
        unit=unit,
        about=about,
    )


def _span(window: int) -> str:
    return "ever" if window == LIFETIME else format_duration(window)


_CUSTOMER = (
    *(_customer("count", days * DAY, "payments of the customer") for days in (1, 7, 30)),
    *(_customer("mean", days * DAY, "mean amount of the customer") for days in (3, 7, 30)),
    _customer("mean", LIFETIME, "mean amount of all payments of the customer"),
    _customer("std", 30 * DAY, "spread of the customer's amounts"),
    _customer("std", LIFETIME, "spread of all amounts of the customer"),
    *(_customer("max", days * DAY, "largest amount of the customer") for days in (1, 3, 7, 14)),
    _customer("max", LIFETIME, "largest amount the customer ever paid"),
)
_TERMINAL = (
    *(
        _terminal("settled", "count", days * DAY, "payments whose outcome became known")
        for days in (7, 28)
    ),
    *(
        _terminal("frauds", "count", days * DAY, "payments that turned out fraud", where=(FRAUD,))
        for days in (7, 14, 28, 35)
    ),
    *(
        _terminal("risk", "mean", days * DAY, "share that turned out fraud", of="fraud", unit="")
        for days in (7, 14, 28)
    ),
    *(
        _terminal(
            "ordinary_frauds",
            "count",
            days * DAY,
            "frauds of ordinary amounts",
            where=(FRAUD, ORDINARY),
        )
        for days in (7, 28)
    ),
    _terminal("last_was_fraud", "last", 60 * DAY, "how the latest settled one ended", of="fraud"),
    _terminal(
        "since_fraud", "time_since", 60 * DAY, "since the latest fraud", where=(FRAUD,), unit="us"
    ),
    _terminal(
        "since_good", "time_since", 60 * DAY, "since the latest good one", where=(GOOD,), unit="us"
    ),
    *(
        _terminal(
            "first_fraud",
            "min",
            days * DAY,
            "clock time of the earliest fraud known",
            of="local_time",
            where=(FRAUD,),
            unit="us",
        )
        for days in (28, 35)
    ),
    _terminal(
        "first_ordinary_fraud",
        "min",
        28 * DAY,
        "clock time of the earliest fraud of an ordinary amount",
        of="local_time",
        where=(FRAUD, ORDINARY),
        unit="us",
    ),
)


def _ratio(name: str, top: str, bottom: str, about: str) -> Derived:
    return _derived(name, (top, bottom), _divide(top, bottom), about)


def _divide(top: str, bottom: str) -> Callable[[Mapping[str, Any]], float | None]:
    def function(values: Mapping[str, Any]) -> float | None:
        above, below = values[top], values[bottom]
        return None if above is None or not below else float(above / below)

    return function


def _surprise(name: str, mean: str, std: str, about: str) -> Derived:
    def function(values: Mapping[str, Any]) -> float | None:
        middle, spread = values[mean], values[std]
        return None if middle is None or not spread else float((values["amount"] - middle) / spread)

    return _derived(name, ("amount", mean, std), function, about)


def _age(name: str, first: str, about: str) -> Derived:
    def function(values: Mapping[str, Any]) -> int | None:
        earliest = values[first]
        return None if earliest is None else int(values["local_time"] - earliest)

    return _derived(name, ("local_time", first), function, about, kind="int", unit="us")


def _derived(
    name: str,
    inputs: tuple[str, ...],
    function: Callable[[Mapping[str, Any]], int | float | None],
    about: str,
    *,
    kind: ValueKind = "real",
    unit: str = "",
) -> Derived:
    return Derived(
        name=name,
        inputs=inputs,
        function=function,
        kind=kind,
        version="1",
        unit=unit,
        about=about,
    )


def _amount(values: Mapping[str, Any]) -> int:
    return int(values["amount"])


_DERIVED = (
    _derived("amount_now", ("amount",), _amount, "what is paid", kind="int", unit="cents"),
    _ratio("amount_to_mean_ever", "amount", "customer_mean_ever", "amount over the usual one"),
    _ratio("amount_to_mean_30d", "amount", "customer_mean_30d", "amount over last month's"),
    _ratio("amount_to_max_ever", "amount", "customer_max_ever", "amount over the largest ever"),
    _surprise(
        "amount_surprise_ever",
        "customer_mean_ever",
        "customer_std_ever",
        "standard deviations above the usual amount",
    ),
    _surprise(
        "amount_surprise_30d",
        "customer_mean_30d",
        "customer_std_30d",
        "standard deviations above last month's mean",
    ),
    *(
        _ratio(
            f"peak_{days}d_to_mean_ever",
            f"customer_max_{days}d",
            "customer_mean_ever",
            "largest recent amount over the usual one",
        )
        for days in (3, 7, 14)
    ),
    _ratio(
        "mean_7d_to_ever", "customer_mean_7d", "customer_mean_ever", "recent mean over the usual"
    ),
    _age("first_fraud_age_28d", "terminal_first_fraud_28d", "since the terminal's first fraud"),
    _age("first_fraud_age_35d", "terminal_first_fraud_35d", "since the terminal's first fraud"),
    _age(
        "first_ordinary_fraud_age_28d",
        "terminal_first_ordinary_fraud_28d",
        "since the terminal's first fraud of an ordinary amount",
    ),
)

CATALOG = Catalog(
    request=TRANSACTION, contracts=CONTRACTS, features=(*_CUSTOMER, *_TERMINAL), derived=_DERIVED
)
#: Instants mean nothing to a model (the next week holds none it has seen); their ages do.
INPUTS = tuple(
    name
    for name in CATALOG.names
    if not name.startswith(("terminal_first_fraud", "terminal_first_ordinary"))
)
