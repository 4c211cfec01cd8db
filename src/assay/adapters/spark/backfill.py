"""The same backfill on a Spark cluster: Spark shuffles rows, our kernel computes every value."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import functions
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from assay.adapters.parquet.arrow import output_schema, payload_types
from assay.adapters.parquet.source import checked_columns
from assay.adapters.spark.worker import Asker, Dealer, Filler, Joiner, Reader, partial_fields
from assay.contracts.contract import ContractSet
from assay.contracts.retraction import RETRACTION_TYPE, with_retractions
from assay.core.errors import Conflict, Invalid, TooLarge
from assay.features.backfill import fields_read
from assay.features.catalog import Catalog
from assay.runtime.backfill_job import Lookup, lookups_of

#: Retractions are sent to every worker.
RETRACTED_MAX = 1_000_000
_SHOWN = 3
_UNLIKE = re.compile(r'Failed to merge incompatible data types "(\w+)" and "(\w+)"')


class SparkBackfill(NamedTuple):
    """What came out, as data frames that nobody has executed yet.

    ``values`` has the columns of the output (docs/reference/backfill.md), in no order; ``refused``
    the rows that broke their contract: type, reason, event. Write both.
    """

    values: Any
    refused: Any


def backfill_spark(
    spark: Any,
    given: str | Path,
    catalog: Catalog,
    contracts: ContractSet,
    *,
    buckets: int = 200,
    unique_ids: bool = False,
    only_type: str = "",
) -> SparkBackfill:
    """Every value of a catalog at every request in Parquet files.

    Args:
        spark: the session.
        given: a path that Spark reads: a file, a folder, an address of an object store.
        catalog: what is computed.
        contracts: every event type that may come.
        buckets: shares of the keys; each must fit in a worker's memory, and so must one key.
        unique_ids: no id occurs twice, so that two shuffles of all events can be spared.
        only_type: of the events, where there is no column ``type``.

    Raises:
        Invalid: the columns are not those of the contracts, or of other types in other files.
        Conflict: one id with two contents.
        TooLarge: more than a million retractions.
    """
    contracts = with_retractions(contracts)
    raw = _read(spark, str(given))
    reader = _reader(raw, catalog, contracts, only_type or catalog.request.type)
    refused = raw.mapInArrow(reader.refused, "type string, reason string, event string")
    good = raw.mapInArrow(reader.good, from_arrow_schema(_good_schema(reader)))
    if not unique_ids:
        good = good.dropDuplicates()
        _check_ids(good)
    parts = good.mapInArrow(
        Asker(catalog, buckets).asked, from_arrow_schema(pa.schema(partial_fields(catalog)))
    )
    lookups = lookups_of(catalog)
    for lookup in lookups:
        parts = parts.unionByName(
            _filled(good, lookup, contracts, buckets), allowMissingColumns=True
        )
    join = Joiner(catalog, lookups)
    schema = from_arrow_schema(output_schema(catalog).remove_metadata())
    # A function, not the method: Spark counts ``self`` among the arguments of a method.
    values = parts.groupBy("slice").applyInArrow(lambda rows: join.slice(rows), schema)  # noqa: PLW0108
    return SparkBackfill(values, refused)


def _read(spark: Any, given: str) -> Any:
    try:
        return spark.read.option("mergeSchema", "true").parquet(given)
    except (Py4JJavaError, PySparkException) as error:
        unlike = _UNLIKE.search(str(error))
        if unlike is None:
            raise
        raise Invalid(
            f"{given}: a column has the type {unlike[1]} in one file and {unlike[2]} in another, "
            "and a data frame has one: write it alike in all (ts: whole microseconds, or "
            "timestamps)"
        ) from error


def _reader(raw: Any, catalog: Catalog, contracts: ContractSet, only_type: str) -> Reader:
    schema = to_arrow_schema(raw.schema, timezone="UTC")  # Spark's instants name no zone
    columns = checked_columns(schema, contracts, "the input of Spark")
    used = fields_read(catalog)
    for name, kind in _used_types(catalog, used).items():
        if columns.setdefault(name, kind) != kind:
            raise Invalid(f"column {name!r} is {columns[name]}, but the catalog reads {kind}")
    present = {name: str(kind) for name, kind in columns.items() if name in raw.columns}
    missing = sorted(set(columns) - set(present))
    if missing:
        raise Invalid(f"the input has no column {missing[0]!r}, which the catalog reads")
    reader = Reader(contracts, present, only_type, tuple(used))
    return Reader(contracts, present, only_type, tuple(used), _retracted(raw, reader))


def _used_types(catalog: Catalog, used: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for source, names in used.items():
        for field in payload_types(catalog.contracts.get(source), names):
            if found.setdefault(field.name, field.type) != field.type:
                raise Invalid(
                    f"two event types have a field {field.name!r} of different kinds, which one "
                    "data frame cannot hold: run the backfill in one process, or rename one"
                )
    return found


def _good_schema(reader: Reader) -> Any:
    return pa.schema(list(reader.good_types().items()))


def _retracted(raw: Any, reader: Reader) -> frozenset[str]:
    """The ids that well-formed retractions take back, collected on the driver."""
    if "type" not in raw.columns or "event" not in raw.columns:
        return frozenset()
    only = Reader(reader.contracts, reader.columns, reader.only_type, (RETRACTION_TYPE,))
    retractions = raw.where(functions.col("type") == RETRACTION_TYPE)
    good = retractions.mapInArrow(only.good, from_arrow_schema(_good_schema(only)))
    found = good.dropDuplicates().select("id", "event").limit(RETRACTED_MAX + 1).collect()
    if len(found) > RETRACTED_MAX:
        raise TooLarge(f"more than {RETRACTED_MAX:,} retractions: leave those events out first")
    _refuse_ids([name for name, count in Counter(row.id for row in found).items() if count > 1])
    return frozenset(row.event for row in found)


def _check_ids(good: Any) -> None:
    twice = good.groupBy("id").count().where("count > 1").limit(_SHOWN).collect()
    _refuse_ids([row.id for row in twice])


def _refuse_ids(twice: Sequence[str]) -> None:
    if twice:
        raise Conflict(
            f"ids with more than one content: {', '.join(twice[:_SHOWN])}. Events are "
            "idempotent by id: remove or rename all but one"
        )


def _filled(good: Any, lookup: Lookup, contracts: ContractSet, buckets: int) -> Any:
    """The values of a look-up, a bucket of keys a task."""
    schema = from_arrow_schema(pa.schema(partial_fields(lookup.catalog)[:6]))
    events = good.mapInArrow(
        Dealer(lookup, buckets, requests=False).deal, _dealt(lookup, contracts)
    ).groupBy("bucket")
    fill = Filler(lookup, buckets)
    if lookup.own:
        return events.applyInArrow(lambda rows: fill.own(rows), schema)  # noqa: PLW0108
    requests = good.mapInArrow(Dealer(lookup, buckets, requests=True).deal, _asked(lookup)).groupBy(
        "bucket"
    )
    return events.cogroup(requests).applyInArrow(
        lambda ours, theirs: fill.other(ours, theirs),  # noqa: PLW0108
        schema,
    )


def _dealt(lookup: Lookup, contracts: ContractSet) -> Any:
    names = dict.fromkeys((*lookup.fields, *(lookup.asked if lookup.own else ())))
    fields = payload_types(contracts.get(lookup.source), list(names))
    asked = [pa.field("asked", pa.bool_())] if lookup.own else []
    return from_arrow_schema(pa.schema([*_HEAD, *fields, *asked, _BUCKET]))


def _asked(lookup: Lookup) -> Any:
    fields = payload_types(lookup.catalog.request, list(dict.fromkeys(lookup.asked)))
    return from_arrow_schema(pa.schema([*_HEAD, *fields, _BUCKET]))


_HEAD = (pa.field("id", pa.string()), pa.field("ts", pa.int64()))
_BUCKET = pa.field("bucket", pa.int32())
