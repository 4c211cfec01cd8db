"""How is everything about a subject taken out of a log, and what can be proven afterwards?

What was computed about others stays as it was served: it is evidence, and holds no field of the
subject. The receipt says of each such record exactly what comes out without the subject, so that
a later check tells what depended on it from what was changed.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from assay.contracts.event import Event
from assay.contracts.reserved import ERASURE_TYPE
from assay.contracts.retraction import told_of
from assay.core.canonical import digest
from assay.core.errors import Invalid
from assay.features.catalog import Catalog
from assay.features.state import FeatureState
from assay.runtime.fold import fold
from assay.runtime.ports import Entry, ErasableLog, EventLog, Quarantine
from assay.runtime.subject import Subject, entries_about, refusals_about
from assay.runtime.tombstones import (
    ERASURE_PREFIX,
    salted,
    tombstone,
    tombstone_digest,
)
from assay.runtime.vectors import FEATURES_UNAVAILABLE

ERASED_MAX = 1_000_000  #: entries that one receipt can name
_SALT_BYTES = 16

Progress = Callable[[int], None]


class Dependent(msgspec.Struct, frozen=True, array_like=True):
    """A decision on somebody else that saw the subject's events.

    ``vector`` and ``newest`` are what comes out without them, ``values`` how many values change.
    """

    seq: int
    vector: str
    newest: int | None
    values: int


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What an erasure of a subject would take out, and what depended on it."""

    subject: Subject
    entries: tuple[Entry, ...]
    refusals: tuple[int, ...]
    dependents: tuple[Dependent, ...]

    def counts(self) -> dict[str, int]:
        """The figures that are shown to people."""
        records = [entry.record for entry in self.entries if entry.record is not None]
        return {
            "events": len(self.entries),
            "decisions": len(records),
            "values": sum(len(record.known) for record in records),
            "quarantined": len(self.refusals),
            "dependent_decisions": len(self.dependents),
            "dependent_values": sum(item.values for item in self.dependents),
        }


def find(
    log: EventLog,
    quarantine: Quarantine,
    catalogs: Mapping[str, Catalog],
    subject: Subject,
    progress: Progress = lambda _: None,
) -> Found:
    """Everything about a subject, and every decision on others that saw it.

    The log is folded twice at once, with the subject and without it: where a vector differs in
    any bit, or in its newest event, the decision depended on the subject.

    Args:
        log: the history; only read.
        quarantine: the refused bodies; only read.
        catalogs: by digest, all that served.
        subject: whom it is about.
        progress: called with the number of further entries every few thousand.

    Raises:
        Invalid: more entries are about it than one receipt can name.
        Corrupt: the log is damaged; names the seq.
    """
    entries = entries_about(log, subject)
    if len(entries) > ERASED_MAX:
        raise Invalid(f"{len(entries)} entries are about the subject, at most {ERASED_MAX} may be")
    return Found(
        subject=subject,
        entries=tuple(entries),
        refusals=tuple(refusals_about(quarantine, subject)),
        dependents=tuple(_dependents(log, catalogs, entries, progress)) if entries else (),
    )


def erase(log: ErasableLog, found: Found, *, by: str, at: int, salt: bytes, more: Any) -> Entry:
    """Replace what was found by tombstones, with a receipt as the next entry: all or nothing.

    Args:
        log: the history; nobody else writes it.
        found: what `find` said about this very log.
        by: who asked for it.
        at: microseconds UTC.
        salt: 16 random bytes, which stand in the receipt.
        more: what else the receipt says, plain values: models that learned from it.

    Returns:
        The receipt's entry.

    Raises:
        Invalid: the salt is too short.
        Unavailable: it could not be made durable; nothing was changed.
    """
    if len(salt) < _SALT_BYTES:
        raise Invalid(f"expected a salt of {_SALT_BYTES} bytes, got {len(salt)}")
    subject = found.subject
    whom = salted(salt, f"{subject.field}={subject.value}".encode())
    seq = log.last_seq() + 1
    name = ERASURE_PREFIX + salted(salt, str(seq).encode()).removeprefix("sha256:")[:24]
    stones = [
        tombstone(entry, name, salt, forget_id=subject.is_in(entry.event.id))
        for entry in found.entries
    ]
    payload = {
        "subject": whom,
        "field": subject.field,
        "salt": salt.hex(),
        "by": by,
        "erased": [[stone.seq, tombstone_digest(stone)] for stone in stones],
        "dependents": [list(msgspec.to_builtins(item)) for item in found.dependents],
        "counts": found.counts(),
        "more": more,
    }
    receipt = Entry(
        seq=seq,
        event=Event(name, ERASURE_TYPE, at, payload),
        known_at=at,
        accepted=True,
    )
    log.erase(stones, receipt, found.refusals)
    return receipt


class Erasures:
    """What the receipts of a log say: which entries are tombstones, which decisions depended."""

    def __init__(self, log: EventLog) -> None:
        self.receipts = [
            entry for entry in log.named(ERASURE_PREFIX) if entry.event.type == ERASURE_TYPE
        ]
        self._stones: dict[int, str] = {}
        self._dependents: dict[int, Dependent] = {}
        for receipt in self.receipts:
            payload = receipt.event.payload
            self._stones.update(dict(payload["erased"]))
            for row in payload["dependents"]:
                item = msgspec.convert(row, Dependent)
                self._dependents[item.seq] = item  # the last erasure says what comes out now

    def wrong(self, entry: Entry) -> str:
        """Why an entry is not what the receipts say of it; empty when it is."""
        named = self._stones.get(entry.seq)
        if entry.erased is None:
            return "" if named is None else "it was erased and has content again"
        if named is None:
            return "it is empty, and no receipt says that it was erased"
        if entry.record is not None or tombstone_digest(entry) != named:
            return "what stands in place of the erased is not what the receipt says"
        return ""

    def dependent(self, entry: Entry) -> Dependent | None:
        """What comes out at a decision now that what it saw was erased; None if it saw nothing."""
        return self._dependents.get(entry.seq)


def receipt_digest(receipt: Entry) -> str:
    """The hash of a receipt, as the audit log names it."""
    return digest([receipt.seq, receipt.event.digest])


def _dependents(
    log: EventLog, catalogs: Mapping[str, Catalog], gone: Sequence[Entry], progress: Progress
) -> Iterator[Dependent]:
    with_all = {name: FeatureState(catalog) for name, catalog in catalogs.items()}
    without = {name: FeatureState(catalog) for name, catalog in catalogs.items()}
    erased = {entry.seq for entry in gone}
    first, shared = gone[0].seq, _values(gone)
    for count, entry in enumerate(log.entries(), start=1):
        record = entry.record
        if (
            record is not None
            and entry.seq > first
            and entry.seq not in erased
            and record.receipt.catalog in catalogs
            and FEATURES_UNAVAILABLE not in record.degraded
            and set(record.receipt.cut) <= {"0"}
            and not shared.isdisjoint(_keys(entry))
        ):
            name, absent = record.receipt.catalog, tuple(record.receipt.absent)
            before, newest_before = with_all[name].read(entry.event, absent)
            after, newest = without[name].read(entry.event, absent)
            changed = (before.bits != after.bits) | (before.known != after.known)
            if newest != newest_before or changed.any():
                yield Dependent(entry.seq, after.digest, newest, int(changed.sum()))
        for name in catalogs:
            fold(with_all[name], entry)
            if entry.seq not in erased:
                fold(without[name], entry)
        if count % 5_000 == 0:
            progress(5_000)


def _keys(entry: Entry) -> set[Any]:
    """What an entry could share a key with: its texts and whole numbers."""
    payload = told_of(entry.event).payload
    return {value for value in payload.values() if isinstance(value, str | int)}


def _values(entries: Collection[Entry]) -> set[Any]:
    return set().union(*(_keys(entry) for entry in entries))
