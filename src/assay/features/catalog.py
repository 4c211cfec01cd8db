"""Which values does a decision see, in which order, and do they all make sense together?"""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from assay.contracts.contract import ContractSet, EventContract
from assay.core.canonical import digest
from assay.core.errors import Invalid, Unknown
from assay.features.check import PICKED, check_feature, request_key, value_kind
from assay.features.combine import check_rate, combined_kind, combined_program
from assay.features.definition import Combined, Derived, Feature, ValueKind
from assay.features.plan import Plan, make_plan


class Catalog:
    """The features and derived values of one request type; its digest is their version.

    Values stand in the order given: features first, then combined, then derived values. A derived
    value may use payload fields of the request and all other values, so no two share a name.

    Args:
        request: the contract of the event that is decided on.
        contracts: every event type the features read.
        features: aggregates of past events.
        combined: what the kernel computes from features and from combined values before.
        derived: functions of the request and of other values.

    Raises:
        Unknown: an event type, field or input that does not exist, with the nearest name.
        Invalid: a name used twice, a cycle, or a definition without an exact meaning.
    """

    def __init__(
        self,
        *,
        request: EventContract,
        contracts: ContractSet,
        features: Iterable[Feature],
        combined: Iterable[Combined] = (),
        derived: Iterable[Derived] = (),
    ) -> None:
        self.request, self.contracts = request, contracts
        self.features, self.combined = tuple(features), tuple(combined)
        self.derived = tuple(derived)
        for feature in self.features:
            check_feature(feature, contracts, request)
        self.names = (
            *(item.name for item in self.features),
            *(item.name for item in self.combined),
            *(item.name for item in self.derived),
        )
        self._places = _places(self.names, request)
        self.kinds: tuple[ValueKind, ...] = self._kinds()
        #: How the kernel computes the combined values; see ``features/combine.py``.
        self.combining = combined_program(
            self.combined,
            {feature.name: feature for feature in self.features},
            self._places,
            dict(zip(self.names, self.kinds, strict=True)),
        )
        self.real_mask: NDArray[np.bool_] = np.array([kind == "real" for kind in self.kinds], bool)
        self.derived_order = _derived_order(self.derived, self._places, request)
        self.plan: Plan = make_plan(self.features, contracts)
        self.digest: str = digest(self._meaning())

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """The place of a value in every vector of this catalog.

        Raises:
            Unknown: no such value; the message names the nearest.
        """
        found = self._places.get(name)
        if found is None:
            raise Unknown("feature", name, known=self._places)
        return found

    @property
    def request_fields(self) -> tuple[str, ...]:
        """The fields of the request's own payload that derived values are computed from."""
        inputs = {name for item in self.derived for name in item.inputs}
        return tuple(name for name in self.request.by_name if name in inputs)

    @property
    def meanings(self) -> dict[str, str]:
        """The digest of every value's definition, by name."""
        found = {feature.name: feature.digest for feature in self.features}
        found |= {item.name: item.digest for item in self.combined}
        return found | {item.name: item.digest for item in self.derived}

    def describe(self) -> str:
        """What the catalog keeps in memory, table by table, for people who plan capacity.

        Bytes are per event and table, in full slabs; growth steps add up to half.
        """
        counts = (
            f"{len(self.features)} features, {len(self.combined)} combined and "
            f"{len(self.derived)} derived values"
        )
        lines = [
            f"  {table.source} by {'+'.join(table.key)}: {len(table.columns)} columns, "
            f"{len(table.lanes)} lanes, {table.bytes_per_event:.1f} bytes an event"
            for table in self.plan.tables
        ]
        return "\n".join([f"{counts} of {self.request.type!r}", *lines])

    def _kinds(self) -> tuple[ValueKind, ...]:
        features = {feature.name: feature for feature in self.features}
        kinds = {name: value_kind(item, self.contracts) for name, item in features.items()}
        for item in self.combined:
            kinds[item.name] = combined_kind(item, kinds)
            if item.how == "rate":
                check_rate(item, features, kinds[item.of[0]])
        return (*kinds.values(), *(item.kind for item in self.derived))

    def _meaning(self) -> dict[str, object]:
        used = {(self.request.type, name) for f in self.features for name in request_key(f)}
        picked = {(f.source, f.of) for f in self.features if f.aggregate in PICKED}
        for feature in self.features:
            names = {*feature.key, *(where.field for where in feature.where)}
            used |= {(feature.source, name) for name in names | {feature.of or feature.key[0]}}
        fields: dict[str, list[object]] = {}
        for event_type, name in sorted(used):
            field = self.contracts.get(event_type).field(name)
            meaning: list[object] = [field.kind, field.unit, field.scale]
            if field.kind == "text" and (event_type, name) in picked:
                meaning.append(field.choices)  # the value is the place among them
            fields[f"{event_type}.{name}"] = meaning
        return {
            "semantics": 2,
            "request": self.request.type,
            "fields": fields,
            "features": [feature.digest for feature in self.features],
            "combined": [item.digest for item in self.combined],
            "derived": [item.digest for item in self.derived],
        }


def _places(names: tuple[str, ...], request: EventContract) -> dict[str, int]:
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        if name in places:
            raise Invalid(f"value {name!r} is defined twice in the catalog; names are unique")
        if name in request.by_name:
            raise Invalid(
                f"value {name!r} has the name of a field of {request.type!r}; rename the value"
            )
        places[name] = place
    return places


def _derived_order(
    derived: tuple[Derived, ...], places: Mapping[str, int], request: EventContract
) -> tuple[int, ...]:
    """The order in which derived values can be computed: each after its inputs."""
    by_name = {item.name: at for at, item in enumerate(derived)}
    known = {*places, *request.by_name}
    order: list[int] = []
    state: dict[str, bool] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if state.get(name):
            return
        if name in path:
            raise Invalid(f"derived values form a cycle: {' -> '.join((*path, name))}")
        for needed in derived[by_name[name]].inputs:
            if needed not in known:
                raise Unknown(f"input of derived value {name!r}:", needed, known=known)
            if needed in by_name:
                visit(needed, (*path, name))
        state[name] = True
        order.append(by_name[name])

    for item in derived:
        visit(item.name, ())
    return tuple(order)
