"""Vectors read from several owners are made again from the logs of all of them, or it is said."""

import msgspec
import pytest
from tests.property.partitions.small_world import CATALOG, REQUESTS
from tests.unit.runtime.publishing import ROUTES, Owners, Store, events, scorer
from tests.unit.runtime.records import record_of

from assay.decisions.record import DecisionRecord
from assay.features.vector import Receipt
from assay.runtime.memory import MemoryLog
from assay.runtime.ports import Entry
from assay.runtime.replay import Report, verify_features
from assay.runtime.replay_spread import verify_spread


def decided() -> tuple[Owners, list[Entry]]:
    """Requests decided by a scorer while the owners take in events."""
    owners, entries = Owners(Store()), list[Entry]()
    source = scorer(owners)
    for turn, request in enumerate(REQUESTS):
        for event in events(5 * turn, 5):
            owners.say(event)
        owners.rest()
        served = source.serve(request)
        event = msgspec.structs.replace(request, id=f"q{turn}")
        record = msgspec.structs.replace(
            record_of(event, turn + 1),
            bits=served.vector.bits.astype("<i8").tobytes(),
            known=served.vector.known.tobytes(),
            receipt=Receipt(
                CATALOG.digest,
                event.ts,
                served.cut,
                served.vector.digest,
                served.newest,
                served.absent,
                served.seen,
            ),
            degraded=(),
        )
        entries.append(Entry(seq=turn + 1, event=event, known_at=0, accepted=True, record=record))
    return owners, entries


def verified(owners: Owners, entries: list[Entry]) -> Report:
    log, catalogs = MemoryLog(entries), {CATALOG.digest: CATALOG}
    report = verify_features(log, catalogs)
    assert report.elsewhere == len(entries)
    return verify_spread(report, log, ROUTES, owners.logs.get, catalogs)


def test_vectors_from_several_owners_are_made_again_bit_for_bit() -> None:
    owners, entries = decided()
    report = verified(owners, entries)
    assert report.differences == ()
    assert (report.compared, report.mismatches) == (len(entries) * len(CATALOG), 0)
    cuts = [len(entry.record.receipt.cut) for entry in entries if entry.record is not None]
    assert max(cuts) == 3


def changed(record: DecisionRecord, what: str) -> DecisionRecord:
    receipt = record.receipt
    name = min(receipt.cut)
    cuts = {
        "earlier": {**receipt.cut, name: receipt.cut[name] - 3},
        "beyond": {**receipt.cut, name: receipt.cut[name] + 1_000},
        "nowhere": {other: seq for other, seq in receipt.cut.items() if other != name},
    }
    if what in cuts:
        return msgspec.structs.replace(
            record, receipt=msgspec.structs.replace(receipt, cut=cuts[what])
        )
    bits = bytearray(record.bits)
    bits[0] ^= 1
    return msgspec.structs.replace(record, bits=bytes(bits))


@pytest.mark.parametrize("what", ["one bit", "earlier", "beyond", "nowhere"])
def test_what_does_not_follow_from_the_logs_is_found(what: str) -> None:
    owners, entries = decided()
    at = len(entries) - 4  # asks for a user, a device and a host, after many events
    record = entries[at].record
    assert record is not None
    assert len(record.receipt.cut) == 3
    entries[at] = msgspec.structs.replace(entries[at], record=changed(record, what))
    report = verified(owners, entries)
    assert report.mismatches > 0
    assert {difference.seq for difference in report.differences} == {at + 1}
