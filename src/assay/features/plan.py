"""How is a catalog laid out for the kernel? Tables, lanes and slots, as arrays of integers.

A *table* holds the events of one type by one key. A *lane* is one of its columns under one
``where`` filter. A *slot* is a lane over one window for one way of selecting the entity; each
feature is finalised from one slot. The kernel interprets these arrays, so that a new definition
compiles nothing.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.contracts.contract import ContractSet, Kind
from assay.core.errors import Invalid
from assay.features.check import request_key
from assay.features.definition import LIFETIME, Aggregate, Comparison, Feature, Where
from assay.features.encode import Encoder, Input, constant_code
from assay.features.layout import BLOCK, DISTINCT, HIGHEST, LAST, LOWEST, SQUARES, SUM, SUMMARY

AGGREGATES: tuple[Aggregate, ...] = (
    "count", "sum", "mean", "min", "max", "std", "last", "time_since", "distinct",
)  # fmt: skip
COMPARISONS: tuple[Comparison, ...] = ("==", "!=", "<", "<=", ">", ">=", "known")
#: Longer than any accepted time, and far from overflow when subtracted from one.
FOREVER = 2**62
#: One bit of the mask word each; the sign stays clear.
FILTERS_MAX = 62
_NEEDS: dict[Aggregate, int] = {
    "count": 0, "sum": SUM, "mean": SUM, "min": LOWEST, "max": HIGHEST,
    "std": SUM | SQUARES | LOWEST | HIGHEST, "last": LAST, "time_since": LAST, "distinct": DISTINCT,
}  # fmt: skip
#: In place of an input: no value is needed, or the request's own payload is not added.
NO_COLUMN, NOT_INCLUDED = -1, -2

_T = TypeVar("_T")


class Lane(msgspec.Struct, frozen=True):
    """A stored column (``NO_COLUMN`` to count events) under a filter (-1 for none)."""

    column: int
    filter: int


class Table(msgspec.Struct, kw_only=True):
    """Events of ``source`` by ``key``; ``columns`` are the places of its inputs.

    A filter's conditions, ``(input, comparison, constant)``, must all hold.
    """

    index: int
    source: str
    key: tuple[str, ...]
    columns: list[int] = []
    filters: list[tuple[Where, ...]] = []
    conditions: list[list[tuple[int, int, int]]] = []
    lanes: list[Lane] = []
    needs: list[int] = []

    @property
    def shape(self) -> tuple[int, int, int]:
        """What a slab is made of: columns, whether there are masks, lanes."""
        return len(self.columns), int(bool(self.filters)), len(self.lanes)

    @property
    def bytes_per_event(self) -> float:
        """Time, identity, columns, mask, and the share of a block summary."""
        words = 2 + len(self.columns) + bool(self.filters)
        return 8 * (words + len(self.lanes) * SUMMARY / BLOCK)


class Group(msgspec.Struct, frozen=True):
    """One look-up of a read: a table, and the request's fields that give the key."""

    table: int
    key: tuple[str, ...]


class Slot(msgspec.Struct, frozen=True, order=True):
    """A lane over a window, in the order in which a read visits them."""

    group: int
    lane: int
    window: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the kernel and its callers need to know about a catalog.

    ``applying[type]`` and ``reading`` are the kernel's programs; ``operations`` has one row per
    feature: slot, aggregate, whether the request itself is added, whether the value is a real.
    ``slot_needs`` is what each slot itself must gather.
    """

    tables: tuple[Table, ...]
    groups: tuple[Group, ...]
    slots: tuple[Slot, ...]
    slot_needs: tuple[int, ...]
    encoders: dict[str, Encoder]
    by_source: dict[str, tuple[int, ...]]
    applying: dict[str, NDArray[np.int64]]
    reading: NDArray[np.int64]
    operations: NDArray[np.int64]
    includes: bool


def make_plan(features: tuple[Feature, ...], contracts: ContractSet) -> Plan:
    """The plan of checked features.

    Raises:
        Invalid: more than 62 different filters on one table.
    """
    inputs = _Inputs(features, contracts)
    tables, placed = _make_tables(features, inputs)
    groups = tuple(dict.fromkeys(group for group, _ in placed))
    of = [
        Slot(groups.index(group), lane, feature.window if feature.window != LIFETIME else FOREVER)
        for feature, (group, lane) in zip(features, placed, strict=True)
    ]
    slots = tuple(sorted(set(of)))
    own = dict.fromkeys(slots, 0)
    included = {slot for slot, feature in zip(of, features, strict=True) if feature.include_current}
    for slot, feature in zip(of, features, strict=True):
        own[slot] |= _NEEDS[feature.aggregate]
    by_source = {
        source: tuple(table.index for table in tables if table.source == source)
        for source in dict.fromkeys(table.source for table in tables)
    }
    operations = [
        (slots.index(slot), AGGREGATES.index(f.aggregate), f.include_current, inputs.is_real(f))
        for slot, f in zip(of, features, strict=True)
    ]
    return Plan(
        tables=tuple(tables),
        groups=groups,
        slots=slots,
        slot_needs=tuple(own.values()),
        encoders={source: Encoder(source, inputs.of(source)) for source in by_source},
        by_source=by_source,
        applying={
            source: _applying([tables[at] for at in indexes])
            for source, indexes in by_source.items()
        },
        reading=_reading(tables, groups, own, included),
        operations=np.array(operations, dtype=np.int64).reshape(-1, 4),
        includes=bool(included),
    )


class _Inputs:
    """The inputs of every event type, and where each field of a feature stands among them."""

    def __init__(self, features: Iterable[Feature], contracts: ContractSet) -> None:
        self._contracts = contracts
        self._choices: dict[tuple[str, str], set[str]] = {}
        self._of: dict[str, dict[tuple[str, bool], None]] = {}
        for feature in features:
            of = self._of.setdefault(feature.source, {})
            if feature.of is not None:
                of[feature.of, False] = None
            for where in feature.where:
                compared = self._kind(feature.source, where.field) == "text"
                of[where.field, compared] = None
                if compared:
                    constants = self._choices.setdefault((feature.source, where.field), {""})
                    constants.add(str(where.value or ""))

    def of(self, source: str) -> list[Input]:
        return [
            Input(
                field,
                self._kind(source, field),
                tuple(sorted(self._choices[source, field])) if compared else (),
            )
            for field, compared in self._of[source]
        ]

    def place(self, source: str, field: str, *, compared: bool = False) -> int:
        compared = compared and self._kind(source, field) == "text"
        return list(self._of[source]).index((field, compared))

    def condition(self, source: str, where: Where) -> tuple[int, int, int]:
        place = self.place(source, where.field, compared=True)
        constant = 0
        if where.is_ != "known":
            item = self.of(source)[place]
            constant = constant_code(where.value, item.kind, item.choices)
        return place, COMPARISONS.index(where.is_), constant

    def is_real(self, feature: Feature) -> bool:
        return feature.of is not None and self._kind(feature.source, feature.of) == "real"

    def _kind(self, source: str, field: str) -> Kind:
        return self._contracts.get(source).field(field).kind


def _make_tables(
    features: Iterable[Feature], inputs: _Inputs
) -> tuple[list[Table], list[tuple[Group, int]]]:
    """The tables, and for each feature its look-up and lane."""
    by_key: dict[tuple[str, tuple[str, ...]], Table] = {}
    placed = []
    for feature in features:
        table = by_key.setdefault(
            (feature.source, feature.key),
            Table(index=len(by_key), source=feature.source, key=feature.key),
        )
        column = NO_COLUMN
        if feature.of is not None:
            column = _place(table.columns, inputs.place(feature.source, feature.of))
        kept = -1 if not feature.where else _place(table.filters, feature.where)
        lane = _place(table.lanes, Lane(column, kept))
        if lane == len(table.needs):
            table.needs.append(0)
        table.needs[lane] |= _NEEDS[feature.aggregate]
        placed.append((Group(table.index, request_key(feature)), lane))
    for table in by_key.values():
        if len(table.filters) > FILTERS_MAX:
            raise Invalid(
                f"{table.source!r} by {'+'.join(table.key)} has {len(table.filters)} different "
                f"where-filters, at most {FILTERS_MAX}: compute some as derived values"
            )
        table.conditions = [
            [inputs.condition(table.source, where) for where in filtered]
            for filtered in table.filters
        ]
    return list(by_key.values()), placed


def _place(items: list[_T], item: _T) -> int:
    if item not in items:
        items.append(item)
    return items.index(item)


def _needs_of_wider(own: dict[Slot, int]) -> list[int]:
    """A wider window is gathered on top of the narrower ones, so these gather for it too."""
    needs: list[int] = []
    for _, run in groupby(own, key=lambda slot: (slot.group, slot.lane)):
        wider, found = 0, []
        for slot in reversed(list(run)):
            wider |= own[slot]
            found.append(wider)
        needs += reversed(found)
    return needs


def _applying(tables: list[Table]) -> NDArray[np.int64]:
    """The program that inserts one event: 8 words a table, then the lists they point to."""
    words = [len(tables)] + [0] * (8 * len(tables))
    for at, table in enumerate(tables):
        stored = len(words)
        words += table.columns
        lanes = len(words)
        for index, (lane, needs) in enumerate(zip(table.lanes, table.needs, strict=True)):
            words += [index, lane.column, lane.filter, needs]
        spans, filters = [], len(words)
        words += [0] * (2 * len(table.filters))
        for conditions in table.conditions:
            spans += [len(words), len(conditions)]
            words += [word for condition in conditions for word in condition]
        words[filters : filters + len(spans)] = spans
        words[1 + 8 * at : 9 + 8 * at] = [
            len(table.columns), int(bool(table.filters)), len(table.lanes), stored, lanes, filters,
            len(table.filters), table.index,
        ]  # fmt: skip
    return np.array(words, dtype=np.int64)


def _reading(
    tables: list[Table],
    groups: tuple[Group, ...],
    needs: dict[Slot, int],
    included: set[Slot],
) -> NDArray[np.int64]:
    """The program of a read: groups and slots counted, 3 words a group, 10 a slot, conditions."""
    words = [len(groups), len(needs)]
    for group in groups:
        table = tables[group.table]
        words += [len(table.columns), int(bool(table.filters)), len(table.lanes)]
    conditions_at = len(words) + 10 * len(needs)
    conditions: list[int] = []
    previous: tuple[int, int] | None = None
    for slot, need in zip(needs, _needs_of_wider(needs), strict=True):
        table = tables[groups[slot.group].table]
        lane = table.lanes[slot.lane]
        current = NOT_INCLUDED
        held: list[tuple[int, int, int]] = []
        if slot in included:
            current = NO_COLUMN if lane.column == NO_COLUMN else table.columns[lane.column]
            held = table.conditions[lane.filter] if lane.filter >= 0 else []
        words += [
            slot.group, slot.lane, lane.column, lane.filter, slot.window, need,
            int((slot.group, slot.lane) != previous), current,
            conditions_at + len(conditions), len(held),
        ]  # fmt: skip
        previous = (slot.group, slot.lane)
        conditions += [word for condition in held for word in condition]
    return np.array(words + conditions, dtype=np.int64)
