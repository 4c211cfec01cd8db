"""Do vectors that were read from several owners at once follow from the logs of all of them?

A receipt names the partitions and a place in the log of each. Every partition is folded once; at
each place that a decision names, its share of that decision's vector is read and kept, and in the
end the shares are put together and compared, bit for bit. Shares take some nine bytes a value.

Where a partition was emptied of a subject, nobody can tell any more which of its vectors saw the
subject: a value that comes out otherwise there is counted as dependent, and not as a mismatch.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

import msgspec
import numpy as np

from assay.decisions.record import DecisionRecord
from assay.features.catalog import Catalog
from assay.features.state import FeatureState
from assay.features.vector import Vector
from assay.features.view import consulted, view_names
from assay.runtime.erasure import Erasures
from assay.runtime.fold import fold, moves_time
from assay.runtime.partition_plan import Partition, Routes, shard_name
from assay.runtime.partition_read import Ask, Share, Spread
from assay.runtime.ports import Entry, EventLog
from assay.runtime.replay import DIFFERENCES_MAX, Difference, Report, of_this_log
from assay.runtime.reproducer import value_text

#: The log of a partition, None when it is not at hand.
LogOf = Callable[[Partition], EventLog | None]


def verify_spread(
    report: Report, log: EventLog, routes: Routes, log_of: LogOf, catalogs: Mapping[str, Catalog]
) -> Report:
    """A report on a log, with the vectors that were read from the owners of shards checked too.

    What cannot be checked is a mismatch: a partition that is not at hand, or one whose log ends
    before the place named. So is a partition that was emptied otherwise than its receipts say.

    Args:
        report: of `verify_features` on the log.
        log: the scorer's own history.
        routes: where entities live.
        log_of: the owners' logs.
        catalogs: by digest, all that served.

    Raises:
        Corrupt: a log is damaged; names the seq.
    """
    check = _SpreadCheck(routes, catalogs)
    for entry in log.entries():
        if entry.record is not None and not of_this_log(entry.record.receipt):
            check.wants(entry, entry.record)
    for partition in check.partitions:
        check.fold(partition, log_of(partition), log)
    for seq in check.wanted:
        [entry] = log.entries(seq - 1, seq)
        assert entry.record is not None
        check.compare(entry, entry.record)
    return msgspec.structs.replace(
        report,
        compared=report.compared + check.compared,
        mismatches=report.mismatches + check.mismatches,
        dependent=report.dependent + check.dependent,
        differences=(*report.differences, *check.differences)[:DIFFERENCES_MAX],
    )


class _SpreadCheck:
    """The shares of every decision, gathered partition by partition."""

    def __init__(self, routes: Routes, catalogs: Mapping[str, Catalog]) -> None:
        self._spreads = {name: Spread(kept, routes) for name, kept in catalogs.items()}
        self._routes = routes
        #: By partition: the place in its log, the decision, what is asked.
        self._asked: dict[Partition, list[tuple[int, int, Ask]]] = defaultdict(list)
        self._shares: dict[int, list[Share]] = defaultdict(list)
        self._seen: dict[tuple[int, str], dict[str, int]] = {}
        self.wanted: list[int] = []
        self._emptied: set[int] = set()
        self.compared = self.mismatches = self.dependent = 0
        self.differences: list[Difference] = []

    @property
    def partitions(self) -> list[Partition]:
        """Those that any decision was read from."""
        return sorted(self._asked)

    def wants(self, entry: Entry, record: DecisionRecord) -> None:
        """Remember what has to be read for a decision."""
        spread = self._spreads.get(record.receipt.catalog)
        if spread is None:
            self._differs(entry.seq, record, f"catalog {record.receipt.catalog} is not at hand")
            return
        self.wanted.append(entry.seq)
        for ask, partition in spread.asks(entry.event):
            place = None if partition is None else record.receipt.cut.get(str(partition))
            if partition is None or place is None:  # nobody, or nothing could be had: so it says
                absent = tuple(record.receipt.absent)
                self._shares[entry.seq].append(spread.share(ask, None, entry.event, absent))
            else:
                self._asked[partition].append((place, entry.seq, ask))

    def fold(self, partition: Partition, kept: EventLog | None, log: EventLog) -> None:
        """Read what was asked of one partition, each at its place."""
        shard = self._routes.shard_of(partition.topic) or ""
        states = {
            name: FeatureState(spread.catalogs[shard])
            for name, spread in self._spreads.items()
            if shard in spread.catalogs
        }
        newest_of: dict[str, int] = {}
        following: Iterator[Entry] = iter(()) if kept is None else kept.entries()
        erasures = None if kept is None else Erasures(kept)
        reached, emptied = 0, False
        for place, seq, ask in sorted(self._asked[partition], key=lambda item: item[:2]):
            while reached < place and (entry := next(following, None)) is not None:
                if erasures is not None and (why := erasures.wrong(entry)):
                    self._tell(entry.seq, "", f"partition {partition}: {why}")
                emptied = emptied or entry.erased is not None
                if moves_time(entry):
                    kind, ts = entry.event.type, entry.event.ts
                    newest_of[kind] = max(ts, newest_of.get(kind, ts))
                for state in states.values():
                    fold(state, entry)
                reached = entry.seq
            [decided] = log.entries(seq - 1, seq)
            assert decided.record is not None
            if reached != place:
                what = f"place {place} of partition {partition}, whose log ends at {reached}"
                self._differs(seq, decided.record, what)
                continue
            receipt = decided.record.receipt
            spread, absent = self._spreads[receipt.catalog], tuple(receipt.absent)
            state = states[receipt.catalog]
            self._shares[seq].append(spread.share(ask, state, decided.event, absent))
            self._seen[seq, str(partition)] = dict(newest_of)
            if emptied:
                self._emptied.add(seq)

    def compare(self, entry: Entry, record: DecisionRecord) -> None:
        """Put the shares of a decision together and compare every bit with what was served."""
        receipt = record.receipt
        catalog = self._spreads[receipt.catalog].catalog
        emptied = entry.seq in self._emptied
        vector, newest = self._spreads[receipt.catalog].whole(entry.event, self._shares[entry.seq])
        self.compared += len(catalog)
        if emptied:
            newest = receipt.newest
        if (receipt.at, receipt.newest) != (entry.event.ts, newest):
            stored = (receipt.at, receipt.newest)
            self._differs(entry.seq, record, "T and newest", stored, (entry.event.ts, newest))
        seen = self._seen_again(entry, catalog)
        again = {view: seen.get(view) for view in receipt.seen}
        if receipt.seen != again and not emptied:
            what = "newest event of each source"
            self._differs(entry.seq, record, what, receipt.seen, again)
        if len(record.bits) != 8 * len(catalog) or len(record.known) != len(catalog):
            what = "number of values"
            self._differs(entry.seq, record, what, len(record.known), len(catalog))
            return
        served = Vector(
            np.frombuffer(record.bits, "<i8").astype(np.int64),
            np.frombuffer(record.known, np.uint8),
        )
        if emptied:
            vector = self._dependent(served, vector)
        wrong = (served.bits != vector.bits) | (served.known != vector.known)
        for place in np.flatnonzero(wrong).tolist():
            stored_text = value_text(served, catalog, place)
            again_text = value_text(vector, catalog, place)
            self._differs(entry.seq, record, catalog.names[place], stored_text, again_text)
        if not wrong.any() and receipt.vector != vector.digest:
            self._differs(entry.seq, record, "vector digest", receipt.vector, vector.digest)

    def _dependent(self, served: Vector, again: Vector) -> Vector:
        """Count the values that may have come from what was erased; what was served stands."""
        changed = (served.bits != again.bits) | (served.known != again.known)
        self.dependent += int(changed.sum())
        return served

    def _seen_again(self, entry: Entry, catalog: Catalog) -> dict[str, int | None]:
        """The newest ts of each view's source that its partition had seen; the older of two."""
        plan, names = catalog.plan, view_names(catalog.plan)
        asked = consulted(plan, entry.event)
        seen: dict[str, int | None] = {}
        for group in plan.groups:
            table, view = plan.tables[group.table], names[group.table]
            if view not in asked:
                continue
            shard = shard_name(catalog, table.key)
            value = entry.event.payload[group.key[table.key.index(shard)]]
            held = self._seen.get((entry.seq, str(self._routes.place(shard, value))))
            if held is not None:
                ts = held.get(table.source)
                other = seen.get(view, ts)
                seen[view] = None if ts is None or other is None else min(ts, other)
        return seen

    def _differs(
        self, seq: int, record: DecisionRecord, what: str, stored: object = "", again: object = ""
    ) -> None:
        self._tell(seq, record.id, what, str(stored), str(again))

    def _tell(self, seq: int, decision: str, what: str, stored: str = "", again: str = "") -> None:
        self.mismatches += 1
        if len(self.differences) < DIFFERENCES_MAX:
            self.differences.append(
                Difference(seq=seq, decision=decision, what=what, stored=stored, again=again)
            )
