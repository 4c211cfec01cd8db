"""Does what a scorer served from a read model follow from the log of the partition it names?

The decision stands in the scorer's own log; its receipt names another partition and a place there.
That partition's log is folded up to that place, by nothing that the read model has to do with.
"""

from collections.abc import Iterator, Mapping

import msgspec

from assay.features.catalog import Catalog
from assay.runtime.erasure import Erasures
from assay.runtime.ports import Entry, EventLog
from assay.runtime.replay import DIFFERENCES_MAX, Difference, FeatureCheck, Report, of_this_log


def verify_elsewhere(
    report: Report,
    log: EventLog,
    partitions: Mapping[str, EventLog],
    catalogs: Mapping[str, Catalog],
) -> Report:
    """A report on a log, with the vectors that were read from other partitions checked too.

    What cannot be checked is a mismatch: a partition that is not at hand, one whose log ends before
    the place named, or a vector from several partitions at once.

    Args:
        report: of `verify_features` on the log.
        log: the scorer's own history.
        partitions: the logs of the owners, by the partition's name.
        catalogs: by digest, all that served.

    Raises:
        Corrupt: a log is damaged; names the seq.
    """
    wanted: dict[str, list[tuple[int, int]]] = {}
    strange: list[Difference] = []
    for entry in log.entries():
        if entry.record is None or of_this_log(entry.record.receipt):
            continue
        cut = entry.record.receipt.cut
        if len(cut) == 1 and set(cut) <= set(partitions):
            [(name, place)] = cut.items()
            wanted.setdefault(name, []).append((place, entry.seq))
        else:
            strange.append(_cannot(entry, partitions))
    for name, places in wanted.items():
        check = FeatureCheck(catalogs, Erasures(partitions[name]))
        strange += _check(check, name, log, partitions[name], sorted(places))
        report = _merged(report, check)
    return msgspec.structs.replace(
        report,
        mismatches=report.mismatches + len(strange),
        differences=(*report.differences, *strange)[:DIFFERENCES_MAX],
    )


def _check(
    check: FeatureCheck,
    name: str,
    log: EventLog,
    partition: EventLog,
    places: list[tuple[int, int]],
) -> Iterator[Difference]:
    """Fold the partition once; at each place named compare what was decided on it."""
    following = partition.entries()
    reached = 0
    for place, seq in places:
        while reached < place:
            entry = next(following, None)
            if entry is None:
                break
            check.fold(entry)
            reached = entry.seq
        [decided] = log.entries(seq - 1, seq)
        assert decided.record is not None
        if reached != place:
            what = f"place {place} of partition {name}, whose log ends at {reached}"
            yield Difference(seq=seq, decision=decided.record.id, what=what)
        else:
            check.compare(decided, decided.record, {name: place})


def _merged(report: Report, check: FeatureCheck) -> Report:
    return msgspec.structs.replace(
        report,
        compared=report.compared + check.compared,
        mismatches=report.mismatches + check.mismatches,
        differences=(*report.differences, *check.differences)[:DIFFERENCES_MAX],
    )


def _cannot(entry: Entry, partitions: Mapping[str, EventLog]) -> Difference:
    assert entry.record is not None
    cut = entry.record.receipt.cut
    missing = sorted(set(cut) - set(partitions))
    what = f"the log of partition {', '.join(missing)} is not at hand: name its home"
    if not missing:
        what = f"a vector from {len(cut)} partitions at once cannot be checked here"
    return Difference(seq=entry.seq, decision=entry.record.id, what=what)
