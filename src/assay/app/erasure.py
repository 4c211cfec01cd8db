"""How does a home forget a subject, so that its files do and its promises still hold?

In this order, so that the same command finishes what a crash left half done: the intent is noted,
cases and snapshots (which the log could fill again) go, the log is emptied of the subject in one
transaction, the files are rewritten, the receipt is noted. A receipt that is not noted is an
erasure that is not finished, and the checks say so.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from assay.adapters.files.home import HomeLock
from assay.app.home import Control, Home, control
from assay.app.partition_erasure import (
    OpenedPartition,
    PartitionErased,
    erase_in,
    look_at,
    opened_partitions,
)
from assay.core.errors import Forbidden, NotFound
from assay.core.time import format_time
from assay.features.catalog import Catalog
from assay.governance.audit import AuditEntry
from assay.models.bundle import MANIFEST, Manifest, read_bundle
from assay.runtime.erasure import Erasures, Found, erase, find, receipt_digest
from assay.runtime.identity import Identity, Role
from assay.runtime.ports import ErasableLog, EventLog, ObjectStore
from assay.runtime.subject import Subject

AUDIT_MAX = 1 << 40  #: entries of the audit log: all of them
_ASKED, _DONE = "erasure asked", "subject erased"

#: The catalogs that ever served, of a log.
Catalogs = Callable[[EventLog], dict[str, Catalog]]


class Erasing(msgspec.Struct, frozen=True, kw_only=True):
    """What an erasure took out, or would; ``receipt`` is empty when nothing was written.

    ``dependent_decisions`` and ``dependent_values`` are what others were served that saw the
    subject; ``models`` learned from a time in which there are events of it; ``partitions`` are the
    partition logs of this home that held the subject.
    """

    receipt: str
    events: int = 0
    decisions: int = 0
    values: int = 0
    quarantined: int = 0
    dependent_decisions: int = 0
    dependent_values: int = 0
    cases: int = 0
    snapshots: int = 0
    models: tuple[str, ...] = ()
    partitions: tuple[PartitionErased, ...] = ()


def look(home: Home, catalogs: Catalogs, subject: Subject, progress: Any) -> Erasing:
    """What an erasure of a subject would take out; nothing is written.

    Raises:
        HomeLocked: a server has the folder open.
        NotFound: nothing is about the subject, or the folder is no home.
    """
    home.check()
    with HomeLock(home.path), control(home) as parts:
        log = home.open_log()
        try:
            found = find(log, log, catalogs(log), subject, progress)
            with opened_partitions(home, alone=False) as partitions:
                elsewhere = _anything(log, parts, partitions, found, subject)
            told = _told("", found, models=_learned(parts, home.objects(), found))
            return msgspec.structs.replace(told, partitions=elsewhere)
        finally:
            log.close()


def erase_subject(
    home: Home,
    catalogs: Catalogs,
    subject: Subject,
    authenticate: Callable[[Control], Identity],
    *,
    at: int,
    salt: bytes,
    progress: Any,
) -> Erasing:
    """Take everything about a subject out of a home, and finish what was begun before.

    Args:
        home: the folder; no server may have it open.
        catalogs: gives the catalogs that ever served.
        subject: whom it is about.
        authenticate: who asks for it; an administrator.
        at: microseconds UTC.
        salt: 16 random bytes.
        progress: called with the number of further entries every few thousand.

    Raises:
        Forbidden: whoever asks is no administrator.
        NotFound: nothing is about the subject, or the folder is no home.
        HomeLocked: a server has the folder open, or a worker one of its partitions.
        Unavailable: the disk failed, or a file could not be rewritten: run it again.
    """
    home.check()
    with (
        HomeLock(home.path),
        control(home) as parts,
        opened_partitions(home, alone=True) as partitions,
    ):
        who = authenticate(parts)
        if Role.ADMIN not in who.roles:
            raise Forbidden(f"{who.user} may not erase: it needs the role admin")
        log = home.open_log()
        try:
            found = find(log, log, catalogs(log), subject, progress)
            elsewhere = _anything(log, parts, partitions, found, subject)
            told = _told("", found, models=())
            if elsewhere:
                counts = {one.log: one.events + one.quarantined for one in elsewhere}
                parts.governance.note(who, _ASKED, "partitions", {"partitions": counts})
            if found.entries or found.refusals:
                parts.governance.note(who, _ASKED, f"log/{log.last_seq()}", found.counts())
                told = _emptied(home, parts, log, found, who=who, at=at, salt=salt)
            log.scrub()
            home.scrub_control()
            for receipt in _open(log, parts):
                details = {"receipt": receipt_digest(receipt), "asked_by": who.user}
                parts.governance.note(who, _DONE, receipt.event.id, details)
                told = msgspec.structs.replace(told, receipt=receipt.event.id)
            emptied = erase_in(
                partitions, parts, subject, who, at=at, salt=salt, audit_max=AUDIT_MAX
            )
            return msgspec.structs.replace(told, partitions=emptied)
        finally:
            log.close()


def _anything(
    log: EventLog,
    parts: Control,
    partitions: Sequence[OpenedPartition],
    found: Found,
    subject: Subject,
) -> tuple[PartitionErased, ...]:
    """What the partitions hold of a subject, once it is known that there is something to do.

    Raises:
        NotFound: nothing is about it, and no erasure waits to be finished.
    """
    elsewhere = look_at(partitions, subject)
    begun = _open(log, parts) or any(one.unnoted(parts, AUDIT_MAX) for one in partitions)
    if not (found.entries or found.refusals or elsewhere or begun):
        raise NotFound(
            f"nothing in the log is about {subject.field} of that value: is that the name of the "
            "field, letter by letter, in the events (`assay contract show WORKLOAD`)?"
        )
    return elsewhere


def noted_receipts(entries: Iterable[AuditEntry]) -> set[str]:
    """The receipts that an audit log speaks of."""
    return {str(entry.details.get("receipt")) for entry in entries if entry.action == _DONE}


def _emptied(
    home: Home,
    parts: Control,
    log: ErasableLog,
    found: Found,
    *,
    who: Identity,
    at: int,
    salt: bytes,
) -> Erasing:
    models = _learned(parts, home.objects(), found)
    cases = parts.cases.forget([entry.event.id for entry in found.entries])
    snapshots = home.forget_snapshots()
    more = {
        "models": list(models),
        "cases": cases,
        "snapshots": snapshots,
        "at": format_time(at),
    }
    receipt = erase(log, found, by=who.user, at=at, salt=salt, more=more)
    return _told(receipt.event.id, found, models=models, cases=cases, snapshots=snapshots)


def _open(log: EventLog, parts: Control) -> list[Any]:
    """The receipts whose erasure was not finished."""
    noted = noted_receipts(parts.governance.entries(AUDIT_MAX))
    return [kept for kept in Erasures(log).receipts if receipt_digest(kept) not in noted]


def _learned(parts: Control, objects: ObjectStore, found: Found) -> tuple[str, ...]:
    """The registered models whose training period holds an event of the subject."""
    times = [entry.event.ts for entry in found.entries]
    named = []
    for facts in parts.governance.inventory():
        model = facts.record.model
        if model is None:
            continue
        try:
            files = read_bundle(objects.get, model)
            manifest = msgspec.json.decode(files[MANIFEST], type=Manifest)
        except NotFound:
            named.append(f"{facts.record.key} ({model}): its bytes are gone, so nobody can tell")
            continue
        if any(manifest.trained_from <= ts < manifest.trained_to for ts in times):
            named.append(f"{facts.record.key} ({model}, frame {manifest.frame})")
    return tuple(named)


def _told(
    receipt: str, found: Found, *, models: tuple[str, ...], cases: int = 0, snapshots: int = 0
) -> Erasing:
    bare = Erasing(receipt=receipt, models=models, cases=cases, snapshots=snapshots)
    return msgspec.structs.replace(bare, **found.counts())
