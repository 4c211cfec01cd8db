"""How is a catalog laid out for the kernel? Tables, lanes and slots, as arrays of integers.

A *table* holds the events of one type by one key. A *lane* is one of its columns under one
``where`` filter. A *slot* is a lane over one window for one way of selecting the entity; each
feature is finalised from one slot. The kernel interprets these arrays, so that a new definition
compiles nothing.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import TypeVar, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.contracts.contract import ContractSet
from assay.core.errors import Invalid
from assay.features.check import request_key
from assay.features.definition import LIFETIME, Aggregate, Feature, Where
from assay.features.encode import Encoder
from assay.features.inputs import Inputs
from assay.features.layout import (
    BLOCK,
    DISTINCT,
    FIRST,
    GATHERED_WORDS,
    HIGHEST,
    LAST,
    LOWEST,
    NOT_ADDED,
    SAMPLE,
    SLOT,
    SQUARES,
    SUM,
    SUMMARY,
)
from assay.features.sample import work_words

#: The compiled code knows them by their place.
AGGREGATES: tuple[Aggregate, ...] = get_args(Aggregate)

#: Longer than any accepted time, and far from overflow when subtracted from one.
FOREVER = 2**62
#: One bit of the mask word each; the sign stays clear.
FILTERS_MAX = 62
_SPREAD = SUM | SQUARES | LOWEST | HIGHEST
_NEEDS: dict[Aggregate, int] = {
    "count": 0, "sum": SUM, "mean": SUM, "min": LOWEST, "max": HIGHEST, "std": _SPREAD,
    "variance": _SPREAD, "last": LAST, "time_since": LAST, "distinct": DISTINCT, "first": FIRST,
    "time_since_first": FIRST, "nth": SAMPLE, "quantile": SAMPLE, "top": SAMPLE,
    "top_count": SAMPLE, "top_share": SAMPLE, "entropy": SAMPLE,
}  # fmt: skip
#: In place of an input: no value is needed.
NO_COLUMN = -1

_DISTINCT = AGGREGATES.index("distinct")

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
    """A lane over a window, in the order in which a read visits them.

    Windows of one lane that end at the same edge (``every``, ``tied``) stand together.
    """

    group: int
    lane: int
    every: int
    tied: bool
    window: int


class Sample(msgspec.Struct, frozen=True, order=True):
    """A value computed from a window's values: what, and whether the request's own is one.

    Those with the request's own sort last, because it joins the others in place.
    """

    own: bool
    aggregate: int
    k: int
    permille: int
    cap: int
    is_real: bool

    def words(self, at: int) -> list[int]:
        """What the kernel reads; ``at`` is the word of the slot that the value goes to."""
        return [
            self.aggregate, self.k, self.permille, self.cap, int(self.own), int(self.is_real), at,
        ]  # fmt: skip


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the kernel and its callers need to know about a catalog.

    ``applying[type]`` and ``reading`` are the kernel's programs; ``operations`` has one row per
    feature: slot, aggregate, whether the request itself is added, whether the value is a real, the
    ttl, the word of its sample, the cap. ``slot_needs`` is what each slot itself must gather,
    ``samples`` what is computed from its values, ``slot_words`` the width of every slot and
    ``work_words`` the work space. ``includes`` and ``ties`` say whether any feature adds the
    request itself, or events at T.
    """

    tables: tuple[Table, ...]
    groups: tuple[Group, ...]
    slots: tuple[Slot, ...]
    slot_needs: tuple[int, ...]
    samples: tuple[NDArray[np.int64], ...]
    slot_words: int
    work_words: int
    encoders: dict[str, Encoder]
    by_source: dict[str, tuple[int, ...]]
    applying: dict[str, NDArray[np.int64]]
    reading: NDArray[np.int64]
    operations: NDArray[np.int64]
    includes: bool
    ties: bool


def make_plan(features: tuple[Feature, ...], contracts: ContractSet) -> Plan:
    """The plan of checked features.

    Raises:
        Invalid: more than 62 different filters on one table.
    """
    inputs = Inputs(features, contracts)
    tables, placed = _make_tables(features, inputs)
    groups = tuple(dict.fromkeys(group for group, _ in placed))
    of = [
        _slot(feature, groups.index(group), lane)
        for feature, (group, lane) in zip(features, placed, strict=True)
    ]
    slots = tuple(sorted(set(of)))
    own = dict.fromkeys(slots, 0)
    sampled: dict[Slot, set[Sample]] = {slot: set() for slot in slots}
    included = {slot for slot, feature in zip(of, features, strict=True) if feature.include_current}
    samples = [_sample(feature, inputs.is_real(feature)) for feature in features]
    for slot, feature, sample in zip(of, features, samples, strict=True):
        own[slot] |= needs(feature)
        if sample is not None:
            sampled[slot].add(sample)
    sorted_samples = {slot: sorted(found) for slot, found in sampled.items()}
    by_source = {
        source: tuple(table.index for table in tables if table.source == source)
        for source in dict.fromkeys(table.source for table in tables)
    }
    operations = [
        (
            slots.index(slot),
            AGGREGATES.index(f.aggregate),
            f.include_current,
            inputs.is_real(f),
            f.ttl,
            0 if sample is None else GATHERED_WORDS + sorted_samples[slot].index(sample),
            f.cap,
        )
        for slot, f, sample in zip(of, features, samples, strict=True)
    ]
    width = GATHERED_WORDS + max((len(found) for found in sampled.values()), default=0)
    caps = [sample.cap for found in sampled.values() for sample in found]
    ties = any(slot.tied for slot in slots)
    return Plan(
        tables=tuple(tables),
        groups=groups,
        slots=slots,
        slot_needs=tuple(own.values()),
        samples=tuple(_sample_words(found) for found in sorted_samples.values()),
        slot_words=width,
        work_words=work_words(max(caps)) if caps else 1,
        encoders={source: Encoder(source, inputs.of(source)) for source in by_source},
        by_source=by_source,
        applying={
            source: _applying([tables[at] for at in indexes])
            for source, indexes in by_source.items()
        },
        reading=_reading(
            tables,
            (len(groups), len(slots), width, 1 + (2 if ties else 1) * len(groups)),
            groups,
            own,
            included,
            sorted_samples,
        ),
        operations=np.array(operations, dtype=np.int64).reshape(-1, 7),
        includes=bool(included),
        ties=ties,
    )


def _slot(feature: Feature, group: int, lane: int) -> Slot:
    window = feature.window if feature.window != LIFETIME else FOREVER
    return Slot(group, lane, feature.every, feature.ties == "before", window)


def needs(feature: Feature) -> int:
    """What a feature must gather, as bits."""
    return _NEEDS[feature.aggregate] | (LAST if feature.ttl else 0)


def _sample(feature: Feature, is_real: bool) -> Sample | None:
    """What a feature computes from the values of its window, if it does."""
    if not _NEEDS[feature.aggregate] & (SAMPLE | DISTINCT):
        return None
    return Sample(
        own=feature.include_current,
        aggregate=AGGREGATES.index(feature.aggregate),
        k=feature.k,
        permille=feature.permille,
        cap=feature.cap,
        is_real=is_real,
    )


def _sample_words(samples: list[Sample]) -> NDArray[np.int64]:
    words = [sample.words(GATHERED_WORDS + at) for at, sample in enumerate(samples)]
    return np.array(words, np.int64).reshape(-1)


def _make_tables(
    features: Iterable[Feature], inputs: Inputs
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
            column = _place(table.columns, inputs.place_of(feature))
        kept = -1 if not feature.where else _place(table.filters, feature.where)
        lane = _place(table.lanes, Lane(column, kept))
        if lane == len(table.needs):
            table.needs.append(0)
        table.needs[lane] |= needs(feature)
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


def _of_wider(own: dict[Slot, int], samples: dict[Slot, list[Sample]]) -> list[tuple[int, int]]:
    """What each slot gathers, and up to which count it tells values apart.

    A wider window is gathered on top of the narrower ones, so these gather for it too.
    """
    found: list[tuple[int, int]] = []
    for _, run in groupby(own, key=_chain):
        wider, most = 0, 0
        gathered = []
        for slot in reversed(list(run)):
            wider |= own[slot]
            caps = [s.cap for s in samples[slot] if s.aggregate == _DISTINCT]
            most = max(most, *caps, 0)
            gathered.append((wider, most))
        found += reversed(gathered)
    return found


def _chain(slot: Slot) -> tuple[int, int, int, bool]:
    return slot.group, slot.lane, slot.every, slot.tied


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
    header: tuple[int, int, int, int],
    groups: tuple[Group, ...],
    own: dict[Slot, int],
    included: set[Slot],
    samples: dict[Slot, list[Sample]],
) -> NDArray[np.int64]:
    """The program of a read: header, groups, slots (see ``layout``), conditions and samples."""
    words = list(header)
    for group in groups:
        table = tables[group.table]
        words += [len(table.columns), int(bool(table.filters)), len(table.lanes)]
    after = len(words) + SLOT * len(own)
    rest: list[int] = []
    previous: tuple[int, int, int, bool] | None = None
    for (slot, found), (need, apart) in zip(samples.items(), _of_wider(own, samples), strict=True):
        table = tables[groups[slot.group].table]
        lane = table.lanes[slot.lane]
        added = NOT_ADDED
        held: list[tuple[int, int, int]] = []
        if slot in included:
            added = NO_COLUMN if lane.column == NO_COLUMN else table.columns[lane.column]
            held = table.conditions[lane.filter] if lane.filter >= 0 else []
        conditions_at = after + len(rest)
        rest += [word for condition in held for word in condition]
        samples_at = after + len(rest)
        rest += _sample_words(found).tolist()
        # Below its cap a distinct count is gathered, and nothing is left to compute.
        least = min((s.cap if s.aggregate == _DISTINCT else 0 for s in found), default=0)
        words += [
            slot.group, slot.lane, lane.column, lane.filter, slot.window, need,
            int(_chain(slot) != previous), added, conditions_at, len(held), slot.every,
            int(slot.tied), samples_at, len(found), least, apart,
        ]  # fmt: skip
        previous = _chain(slot)
    return np.array(words + rest, dtype=np.int64)
