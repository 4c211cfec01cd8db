"""Which events of the input were taken back? Known before anything is read: a fact of all of it.

A retraction is an event: the same one again is left out, another one under its id is refused.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from assay.adapters.parquet.check import (
    Refused,
    accepted,
    body,
    by_type,
    refused_rows,
    row_as_event,
)
from assay.adapters.parquet.hashes import row_hashes
from assay.adapters.parquet.source import InputFile
from assay.contracts.contract import ContractSet
from assay.contracts.retraction import RETRACTION, RETRACTION_TYPE
from assay.core.errors import TooLarge

RETRACTED_MAX = 10_000_000  #: retractions are held in memory while the input is read
_COLUMNS = ("id", "type", "ts", "event", "reason")


class Retracted(NamedTuple):
    """The ids of ``events`` taken back (None: of none), and the retractions that are refused.

    These are told by file and row: their id was given before with another content.
    """

    events: Any
    conflicts: frozenset[tuple[str, int]]

    def refused(self, rows: Any, file: str, places: NDArray[np.intp]) -> list[Refused]:
        """Those among some rows of a file; ``places`` says where in it they stand."""
        if not self.conflicts:
            return []
        found = []
        for row, place in enumerate(places.tolist()):
            if (file, place) in self.conflicts:
                event = row_as_event(rows, RETRACTION_TYPE, row)
                why = f"$.id: {event.id} was given before with another content"
                shown = {"id": event.id, "type": event.type, "ts": event.ts, "data": event.payload}
                found.append(Refused(row, "conflict", "$.id", why, shown))
        return found


NOBODY = Retracted(None, frozenset())


def retracted_of(files: Sequence[InputFile], contracts: ContractSet) -> Retracted:
    """What the well-formed retractions of the input say.

    Raises:
        TooLarge: there are more than ten million.
    """
    tables, bodies, places = [], [], []
    count = 0
    for number, file in enumerate(files):
        for rows, at in _retractions(file, contracts):
            tables.append(pa.table({name: rows.column(name) for name in ("id", "event")}))
            bodies.append(row_hashes(body(rows, RETRACTION), rows.num_rows))
            places.append(np.stack((np.full(len(at), number), at), axis=1))
            count += rows.num_rows
            if count > RETRACTED_MAX:
                raise TooLarge(f"more than {RETRACTED_MAX:,} retractions: leave those events out")
    if not count:
        return NOBODY
    table = pa.concat_tables(tables).combine_chunks()
    others = _others(table["id"].chunk(0), np.concatenate(bodies))
    left = np.ones(count, np.bool_)
    left[others] = False
    conflicts = np.concatenate(places)[others].tolist()
    events = table["event"].chunk(0).filter(pa.array(left))
    return Retracted(events, frozenset((files[file].name, row) for file, row in conflicts))


def _retractions(file: InputFile, contracts: ContractSet) -> Any:
    """The well-formed ones of a file, a batch at a time, and their rows in it."""
    if "event" not in file.columns:
        return
    only = tuple(name for name in _COLUMNS if name in file.columns)
    first = 0
    for batch in file.batches(file.all_groups, only=only):
        for event_type, rows, places in by_type(batch, file.only_type):
            if event_type == RETRACTION_TYPE:
                good = np.ones(rows.num_rows, np.bool_)
                good[[item.row for item in refused_rows(rows, RETRACTION, contracts)]] = False
                yield accepted(rows.filter(pa.array(good)), RETRACTION), first + places[good]
        first += batch.num_rows


def _others(ids: Any, bodies: NDArray[np.uint64]) -> list[int]:
    """The places of those whose id stands before with another body; hashes find suspects."""
    hashes = row_hashes([ids], len(ids))
    order = np.argsort(hashes, kind="stable")
    equal = hashes[order][1:] == hashes[order][:-1]
    suspects = np.unique(np.concatenate((order[1:][equal], order[:-1][equal])))
    first: dict[str, np.uint64] = {}
    return [
        at
        for at in suspects.tolist()
        if first.setdefault(ids[at].as_py(), bodies[at]) != bodies[at]
    ]
