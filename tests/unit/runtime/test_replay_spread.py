"""Vectors read from several owners are made again from the logs of all of them, or it is said."""

import msgspec
import pytest
from tests.property.partitions.small_world import CATALOG, REQUESTS
from tests.unit.runtime.publishing import ROUTES, Owners, Store, events, scorer
from tests.unit.runtime.records import record_of

from assay.contracts.event import Event
from assay.decisions.record import DecisionRecord
from assay.features.vector import Receipt
from assay.runtime.erasure import Found, erase
from assay.runtime.memory import MemoryLog
from assay.runtime.ports import Entry
from assay.runtime.replay import Report, verify_features
from assay.runtime.replay_spread import verify_spread
from assay.runtime.subject import Subject, entries_about
from assay.runtime.tombstones import tombstone


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


def test_values_of_a_partition_that_was_emptied_are_counted_apart() -> None:
    owners, entries = decided()
    subject = Subject("user", "a")
    partition = next(p for p, log in owners.logs.items() if entries_about(log, subject))
    log = owners.logs[partition]
    found = Found(
        subject=subject, entries=tuple(entries_about(log, subject)), refusals=(), dependents=()
    )
    erase(log, found, by="admin", at=1, salt=b"s" * 16, more={})
    report = verified(owners, entries)
    assert (report.mismatches, report.differences) == (0, ())
    assert 0 < report.dependent < report.compared
    # What was served stands as evidence: changed, it is found here too.
    for at in range(len(entries) - 4, len(entries)):
        record = entries[at].record
        assert record is not None
        entries[at] = msgspec.structs.replace(entries[at], record=changed(record, "one bit"))
    assert verified(owners, entries).mismatches == 4
    # An entry that is empty, and no receipt says so.
    other = next(entry for entry in log.entries() if entry.erased is None)
    none = Entry(seq=log.last_seq() + 1, event=Event("x", "paid", 1, {}), known_at=1, accepted=True)
    log.erase([tombstone(other, "erasure_x", b"s" * 16)], none)
    assert any("no receipt" in one.what for one in verified(owners, entries).differences)
