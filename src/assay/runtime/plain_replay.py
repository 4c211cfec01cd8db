"""What does plain Python say that some requests were to be served? A third opinion on a log.

It takes the accepted events before a request that share a key with it, leaves out those taken back
by then, and computes from the lists: no kernel, no state, no fold.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import numpy as np

from assay.contracts.retraction import RETRACTION_TYPE, target_of
from assay.features.catalog import Catalog
from assay.features.reference import ReferenceState
from assay.features.vector import Vector
from assay.runtime.erasure import Erasures
from assay.runtime.ports import Entry, EventLog
from assay.runtime.replay import DIFFERENCES_MAX, Difference, Report
from assay.runtime.reproducer import value_text
from assay.runtime.vectors import FEATURES_UNAVAILABLE


def compare_plainly(log: EventLog, catalogs: Mapping[str, Catalog], requests: int) -> Report:
    """Make the vectors of about ``requests`` decisions, evenly spread, again and compare them.

    Raises:
        Corrupt: the log is damaged; names the seq.
    """
    chosen = _chosen(log, catalogs, requests)
    compared = mismatches = events = 0
    differences: list[Difference] = []
    for entry in chosen:
        record = entry.record
        assert record is not None
        catalog = catalogs[record.receipt.catalog]
        state = ReferenceState(catalog)
        for event in _counting(log.entries(until=entry.seq - 1), entry, catalog):
            state.apply(event.event)
            events += 1
        vector, _ = state.read(entry.event)
        served = Vector(
            np.frombuffer(record.bits, "<i8").astype(np.int64),
            np.frombuffer(record.known, np.uint8),
        )
        wrong = (served.bits != vector.bits) | (served.known != vector.known)
        compared += len(catalog)
        mismatches += int(wrong.sum())
        differences += [
            Difference(
                seq=entry.seq,
                decision=record.id,
                what=catalog.names[place],
                stored=value_text(served, catalog, place),
                again=value_text(vector, catalog, place),
            )
            for place in np.flatnonzero(wrong).tolist()
        ]
    return Report(
        compared=compared,
        mismatches=mismatches,
        records=len(chosen),
        events=events,
        differences=tuple(differences[:DIFFERENCES_MAX]),
        part=f"{len(chosen)} decisions, evenly spread",
    )


def _chosen(log: EventLog, catalogs: Mapping[str, Catalog], requests: int) -> list[Entry]:
    """The last request of each of as many equal parts of the log."""
    step = max(log.last_seq() // max(requests, 1), 1)
    found: dict[int, Entry] = {}
    erasures = Erasures(log)
    for entry in log.entries():
        record = entry.record
        if (
            record is None
            or erasures.dependent(entry) is not None
            or FEATURES_UNAVAILABLE in record.degraded
        ):
            continue
        here = set(record.receipt.cut) <= {"0"} and not record.receipt.absent
        if here and record.receipt.catalog in catalogs:
            found[entry.seq // step] = entry
    return list(islice(found.values(), requests))


def _counting(entries: Iterable[Entry], asked: Entry, catalog: Catalog) -> list[Entry]:
    """The accepted entries that share a key with a request and were not taken back."""
    gone: set[str] = set()
    kept: list[Entry] = []
    for entry in entries:
        if not entry.accepted or entry.erased is not None:
            continue
        if entry.event.type == RETRACTION_TYPE:
            gone.add(target_of(entry.event).id)
        elif _shares(entry.event.type, entry.event.payload, asked.event.payload, catalog):
            kept.append(entry)
    return [entry for entry in kept if entry.event.id not in gone]


def _shares(
    source: str, payload: Mapping[str, Any], request: Mapping[str, Any], catalog: Catalog
) -> bool:
    for group in catalog.plan.groups:
        table = catalog.plan.tables[group.table]
        if table.source == source and all(
            payload.get(theirs) is not None and payload.get(theirs) == request.get(ours)
            for theirs, ours in zip(table.key, group.key, strict=True)
        ):
            return True
    return False
