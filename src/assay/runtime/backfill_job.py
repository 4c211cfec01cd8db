"""What does a backfill that does not fit in memory consist of? Look-ups, ranges and buckets.

A *look-up* is one way in which features select their entity. A *range* is a stretch of time and,
once the events are counted, of ordinals (the place of an event in (ts, event id) order). A *bucket*
holds the events and requests of a share of the keys of one look-up, all of them at every time.
"""

import math
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.core.canonical import digest
from assay.core.errors import Invalid
from assay.features.backfill import backfill_columns
from assay.features.catalog import Catalog
from assay.features.check import request_key
from assay.features.columns import Columns

Ints = NDArray[np.int64]
FORMAT = 2  #: of the files between the stages; another one is not taken up again
#: More files would be open, or batches too small, long before the events run out.
PARTS_MAX = 4096
_GIB = 1 << 30
#: What the process needs before it holds any event: interpreter, Arrow, compiled kernels.
_BASE_BYTES = 400 << 20
#: Bytes at the peak of a stage for one event, beside its own columns (measured, rounded up).
_FILL_BYTES, _FILL_BYTES_VALUE, _JOIN_BYTES_VALUE = 160, 40, 40


class Lookup(msgspec.Struct, frozen=True):
    """The features that select their entity the same way, as a catalog of their own.

    ``fields`` are those of the source event that they read, the key among them; ``places`` says
    where each of their values stands in the whole catalog.
    """

    number: int
    source: str
    key: tuple[str, ...]
    asked: tuple[str, ...]
    fields: tuple[str, ...]
    places: tuple[int, ...]
    catalog: Catalog

    @property
    def own(self) -> bool:
        """Whether requests are themselves the events that are counted."""
        return self.source == self.catalog.request.type


class Rows(msgspec.Struct, frozen=True):
    """One bucket of a look-up; ``ids`` of both columns are ordinals.

    ``requests`` is None where requests are rows of ``events``: those that ``asked`` marks.
    """

    events: Columns
    asked: NDArray[np.bool_] | None
    requests: Columns | None


class Filled(msgspec.Struct, frozen=True):
    """The values of one look-up at some requests, in order of their ordinals.

    ``bits`` and ``known`` have shape ``(n, m)``, m being the features of the look-up.
    """

    ordinals: Ints
    bits: Ints
    known: NDArray[np.uint8]
    overflows: int


class Source(msgspec.Struct, frozen=True):
    """What one file of the input is: its name, its bytes by digest, its rows."""

    name: str
    digest: str
    rows: int


class Shape(msgspec.Struct, frozen=True):
    """Into how many parts the work is cut; ``edges`` are the first ts of all ranges but one."""

    edges: tuple[int, ...]
    buckets: int
    rows_at_once: int

    @property
    def ranges(self) -> int:
        """How many ranges of time there are."""
        return len(self.edges) + 1


def lookups_of(catalog: Catalog) -> tuple[Lookup, ...]:
    """The look-ups of a catalog, in order of first use."""
    by_key: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[int]] = {}
    for place, feature in enumerate(catalog.features):
        by_key.setdefault((feature.source, feature.key, request_key(feature)), []).append(place)
    found = []
    for number, ((source, key, asked), places) in enumerate(by_key.items()):
        chosen = [catalog.features[place] for place in places]
        read = [
            *key,
            *(feature.of for feature in chosen if feature.of is not None),
            *(where.field for feature in chosen for where in feature.where),
        ]
        restricted = Catalog(request=catalog.request, contracts=catalog.contracts, features=chosen)
        fields = tuple(dict.fromkeys(read))
        found.append(Lookup(number, source, key, asked, fields, tuple(places), restricted))
    return tuple(found)


def fill(lookup: Lookup, rows: Rows) -> Filled:
    """The values of a look-up at the requests of one bucket, by the kernel of every other path."""
    tables = {lookup.source: rows.events}
    if rows.requests is not None:
        tables[lookup.catalog.request.type] = rows.requests
    frame = backfill_columns(lookup.catalog, tables, wanted=rows.asked)
    ordinals = np.asarray(frame.event_ids, np.int64)
    return Filled(ordinals, frame.bits, frame.known, frame.overflows)


def shape_for(
    catalog: Catalog, rows: int, bytes_a_row: float, sample: Ints, *, memory: int, workers: int = 1
) -> Shape:
    """A shape whose every stage stays within ``memory`` bytes, if keys and times are spread.

    Args:
        catalog: what is computed.
        rows: of the input.
        bytes_a_row: of the input, before compression.
        sample: some ts of the input, evenly picked.
        memory: bytes the whole process may use.
        workers: steps done at a time, which share it.

    Raises:
        Invalid: too little memory for so many events.
    """
    spare = (memory - _BASE_BYTES) // workers
    if spare < _GIB // 32:
        raise Invalid(
            f"expected at least 512MiB of memory, and 32MiB more for each worker after the "
            f"second, got {memory / _GIB:.2f} GiB for {workers}"
        )
    values = len(catalog)
    widest = max((len(lookup.places) for lookup in lookups_of(catalog)), default=0)
    order = 12 * bytes_a_row + 120
    join = values * _JOIN_BYTES_VALUE + 4 * bytes_a_row
    fill = 6 * bytes_a_row + _FILL_BYTES + widest * _FILL_BYTES_VALUE
    ranges = math.ceil(rows * max(order, join) / spare)
    buckets = math.ceil(1.5 * rows * fill / spare)
    if max(ranges, buckets) > PARTS_MAX:
        raise Invalid(
            f"{rows:,} events would need {max(ranges, buckets):,} parts of the allowed memory, "
            f"at most {PARTS_MAX:,}: allow more with --memory"
        )
    edges = np.unique(np.quantile(sample, np.arange(1, ranges) / ranges, method="nearest"))
    at_once = max(1 << 14, int(spare / order / 2))
    return Shape(tuple(edges.tolist()) if len(sample) else (), max(buckets, 1), at_once)


def job_digest(catalog: Catalog, only_type: str, sources: tuple[Source, ...]) -> str:
    """What the answer depends on: two jobs with one digest have the same output."""
    parts: dict[str, Any] = {
        "format": FORMAT,
        "catalog": catalog.digest,
        "contracts": catalog.contracts.digest,
        "type": only_type,
        "inputs": [msgspec.structs.asdict(source) for source in sources],
    }
    return digest(parts)
