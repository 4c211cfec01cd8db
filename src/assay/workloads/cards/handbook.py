"""Which 15 features does the Fraud Detection Handbook use, in the words of this platform?

The handbook slides windows with pandas: customer windows ``(T - w, T]`` contain the payment itself
and so do ours (``include_current``); terminal windows end seven days before the payment, which is
when labels that take seven days to arrive have arrived, so ours run over ``label`` events. The
edges differ: a payment exactly ``w`` before T is in ours and not in theirs.

Source:
    Le Borgne, Siblini, Lebichot, Bontempi (2022), Reproducible Machine Learning for Credit Card
    Fraud Detection - Practical Handbook, chapter 3 (baseline feature transformation).
"""

from collections.abc import Mapping
from typing import Any

from assay.core.time import DAY, HOUR
from assay.features.catalog import Catalog
from assay.features.definition import Derived, Feature
from assay.workloads.cards.contracts import CONTRACTS, LABEL, TRANSACTION
from assay.workloads.cards.features import SETTLED

_WINDOWS = (1, 7, 30)  # days
#: 1970-01-01 was a Thursday, three days after a Monday.
_EPOCH_WEEKDAY = 3
_SATURDAY = 5
_NIGHT_LAST_HOUR = 6


def _amount(values: Mapping[str, Any]) -> int:
    return int(values["amount"])


def _weekend(values: Mapping[str, Any]) -> bool:
    return bool((values["local_time"] // DAY + _EPOCH_WEEKDAY) % 7 >= _SATURDAY)


def _night(values: Mapping[str, Any]) -> bool:
    return bool(values["local_time"] % DAY // HOUR <= _NIGHT_LAST_HOUR)


def _per_customer(days: int) -> tuple[Feature, Feature]:
    count = Feature(
        name=f"customer_count_{days}d",
        source=TRANSACTION.type,
        key=("customer_id",),
        aggregate="count",
        window=days * DAY,
        include_current=True,
    )
    mean = Feature(
        name=f"customer_mean_{days}d",
        source=TRANSACTION.type,
        key=("customer_id",),
        aggregate="mean",
        of="amount",
        window=days * DAY,
        include_current=True,
    )
    return count, mean


def _per_terminal(days: int) -> tuple[Feature, Feature]:
    count = Feature(
        name=f"terminal_count_{days}d",
        source=LABEL.type,
        key=("terminal_id",),
        aggregate="count",
        window=days * DAY,
        where=(SETTLED,),
    )
    risk = Feature(
        name=f"terminal_risk_{days}d",
        source=LABEL.type,
        key=("terminal_id",),
        aggregate="mean",
        of="fraud",
        window=days * DAY,
        where=(SETTLED,),
    )
    return count, risk


#: In the handbook's order of columns but for the three that depend on the payment alone, which
#: come last; no model looks at the order except through ties.
CATALOG = Catalog(
    request=TRANSACTION,
    contracts=CONTRACTS,
    features=(
        *(feature for days in _WINDOWS for feature in _per_customer(days)),
        *(feature for days in _WINDOWS for feature in _per_terminal(days)),
    ),
    derived=(
        Derived(
            name="amount_now",
            inputs=("amount",),
            function=_amount,
            kind="int",
            version="1",
            unit="cents",
        ),
        Derived(
            name="during_weekend",
            inputs=("local_time",),
            function=_weekend,
            kind="bool",
            version="1",
        ),
        Derived(
            name="during_night",
            inputs=("local_time",),
            function=_night,
            kind="bool",
            version="1",
        ),
    ),
)
#: Column order of the handbook, which random forests and boosting with a fixed seed depend on.
COLUMNS = (
    "amount_now",
    "during_weekend",
    "during_night",
    *(name for days in _WINDOWS for name in (f"customer_count_{days}d", f"customer_mean_{days}d")),
    *(name for days in _WINDOWS for name in (f"terminal_count_{days}d", f"terminal_risk_{days}d")),
)
